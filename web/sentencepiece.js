// @ts-check
/**
 * What the library SentencePiece does with a BPE model: it normalises a text and merges its characters into pieces.
 *
 * The model brings its rules of normalisation along, as a table (its "precompiled charsmap"), and they are read from
 * there. String.normalize("NFKC") gives the same for single letters, but not for all texts: the table replaces what fits
 * at each place, and NFKC also brings several marks on one letter into an order.
 *
 * @typedef {{piece: string, score: number, type: number}} Piece
 */
import { bytesIn, numberIn, readMessage } from "./protobuf.js";

/** @typedef {import("./protobuf.js").Message} Message */

export const NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6; // types of pieces
export const SPACE = "\u2581"; // how a piece writes a space
const BPE = 2;
const utf8 = new TextEncoder(), decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** A BPE model: its pieces, and what it makes of a text. */
export class SentencePiece {
  /** Wrap a serialised model; RangeError if the bytes are not one, or one of another kind. @param {Uint8Array} bytes */
  constructor(bytes) {
    const model = readMessage(bytes), trainer = readMessage(bytesIn(model, 2)), normalizer = readMessage(bytesIn(model, 3));
    /** @type {Piece[]} */ this.pieces = (model.get(1) ?? []).map(pieceOf);
    const problem = problemOf(trainer, normalizer, readMessage(bytesIn(model, 5)), this.pieces);
    if (problem) throw new RangeError(problem);
    this.specials = [43, 40, 41, 42].map((field, n) => numberIn(trainer, field, [-1, 0, 1, 2][n])); // pad, unk, bos, eos
    this.normalizer = new Normalizer(bytesIn(normalizer, 2));
    /** @type {Map<string, number>} */ this.ids = new Map();
    /** @type {Map<number, number>} */ this.byteIds = new Map();
    this.pieces.forEach(({ piece, type }, id) => {
      if (type === NORMAL) this.ids.set(piece, id);
      if (type === BYTE) this.byteIds.set(parseInt(piece.slice(3, 5), 16), id);
    });
    if (this.byteIds.size !== 256) throw new RangeError(`it has ${this.byteIds.size} of the 256 bytes`);
  }

  /** The ids of a text; a character without a piece becomes its bytes. @param {string} text */
  encode(text) {
    return this.merged([...this.normalizer.normalized(text)]).flatMap((piece) => {
      const id = this.ids.get(piece);
      return id === undefined ? [...utf8.encode(piece)].map((byte) => this.byteIds.get(byte) ?? 0) : [id];
    });
  }

  /** Merge neighbours as long as they make a piece: the piece of the highest score first, the leftmost of equals. @param {string[]} parts */
  merged(parts) {
    const before = parts.map((_, n) => n - 1), after = parts.map((_, n) => n + 1), waiting = new Heap();
    const consider = (/** @type {number} */ left) => {
      const right = after[left], piece = parts[left] + parts[right], id = this.ids.get(piece);
      if (left >= 0 && right < parts.length && id !== undefined) waiting.push({ left, right, piece, score: this.pieces[id].score });
    };
    parts.forEach((_, left) => consider(left));
    for (let pair = waiting.pop(); pair; pair = waiting.pop()) {
      const { left, right, piece } = pair;
      if (!parts[left] || !parts[right] || parts[left] + parts[right] !== piece) continue; // one of them was merged meanwhile
      [parts[left], parts[right]] = [piece, ""];
      after[left] = after[right];
      before[after[left]] = left;
      consider(before[left]);
      consider(left);
    }
    return parts.filter(Boolean);
  }
}

/** @param {number | Uint8Array} message @returns {Piece} */
function pieceOf(message) {
  if (typeof message === "number") throw new RangeError("a piece is a number");
  const piece = readMessage(message);
  return { piece: textOf(bytesIn(piece, 1)), score: numberIn(piece, 2, 0), type: numberIn(piece, 3, NORMAL) };
}

/** Why a model cannot be used here, or "". @param {Message} trainer @param {Message} normalizer @param {Message} denormalizer @param {Piece[]} pieces */
function problemOf(trainer, normalizer, denormalizer, pieces) {
  if (numberIn(trainer, 3, 1) !== BPE) return "it is no BPE model";
  if (!numberIn(trainer, 35, 0)) return "it has no byte fallback";
  if (![3, 4, 5].every((field) => numberIn(normalizer, field, 1)) || numberIn(trainer, 24, 0)) return "it treats spaces in another way";
  if (bytesIn(denormalizer, 2).length) return "it changes the text that it decodes";
  const known = pieces.every(({ type }) => [NORMAL, UNKNOWN, CONTROL, BYTE].includes(type));
  return known ? "" : "it has pieces that a user defined, or that are not used";
}

/** @param {Uint8Array} bytes */
function textOf(bytes) {
  return decoder.decode(bytes);
}

// -------------------------------------------------------------------------------------------------- normalisation

/** Puts a text into the normal form that its model was trained on, with one '▁' for each run of spaces. */
class Normalizer {
  /** @param {Uint8Array} charsmap the size of a trie, the trie, and the texts that its values point to */
  constructor(charsmap) {
    const view = new DataView(charsmap.buffer, charsmap.byteOffset, charsmap.length);
    const size = charsmap.length < 4 ? 0 : view.getUint32(0, true);
    if (size + 4 > Math.max(4, charsmap.length)) throw new RangeError("its rules of normalisation are cut off");
    this.trie = new Uint32Array(Math.floor(size / 4)).map((_, n) => view.getUint32(4 + 4 * n, true));
    this.texts = charsmap.subarray(4 + size);
  }

  /** @param {string} text */
  normalized(text) {
    const bytes = utf8.encode(text);
    let found = "";
    /** @type {boolean} */ let afterSpace = true;
    for (let place = 0; place < bytes.length; ) {
      const [length, whole] = this.longestRule(bytes, place) ?? character(bytes, place);
      /** @type {string} */ const part = afterSpace ? whole.replace(/^ +/, "") : whole;
      place += length;
      if (part) afterSpace = part.endsWith(" ");
      found += part.replaceAll(" ", SPACE);
    }
    let end = found.length;
    while (found[end - 1] === SPACE) end--;
    return end ? SPACE + found.slice(0, end) : "";
  }

  /** The longest beginning of the bytes from `place` on that a rule replaces: its length and what replaces it. @param {Uint8Array} bytes @param {number} place @returns {[number, string] | null} */
  longestRule(bytes, place) {
    const { trie } = this;
    let node = trie.length ? childrenOf(trie[0]) : 0, found = null;
    for (let end = place; trie.length && end < bytes.length; end++) {
      const unit = trie[(node ^= bytes[end])];
      if ((unit & 0x800000ff) !== bytes[end]) break; // the lowest byte is the label; a leaf has the highest bit
      node ^= childrenOf(unit);
      if ((unit >> 8) & 1) found = { length: end + 1 - place, value: trie[node] & 0x7fffffff };
    }
    return found && [found.length, this.replacement(found.value)];
  }

  /** The text at `begin`, up to the zero byte that ends it. @param {number} begin */
  replacement(begin) {
    return textOf(this.texts.subarray(begin, this.texts.indexOf(0, begin)));
  }
}

/** Where the children of a node lie: a unit of a double-array trie (Darts-clone) says how far from itself. @param {number} unit */
function childrenOf(unit) {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** A character as it is, and how many bytes it takes. @param {Uint8Array} bytes @param {number} place @returns {[number, string]} */
function character(bytes, place) {
  const length = bytes[place] < 0x80 ? 1 : bytes[place] < 0xe0 ? 2 : bytes[place] < 0xf0 ? 3 : 4;
  return [length, textOf(bytes.subarray(place, place + length))];
}

// ------------------------------------------------------------------------------------------------------- a heap

/** Two neighbours that make a piece. @typedef {{left: number, right: number, piece: string, score: number}} Pair */

/** Pairs of which the best can be taken: the one with the highest score, the leftmost of equals. */
class Heap {
  /** @type {Pair[]} */ pairs = [];

  /** @param {Pair} pair */
  push(pair) {
    const { pairs } = this;
    let place = pairs.push(pair) - 1;
    for (let parent; place && isBetter(pair, pairs[(parent = (place - 1) >> 1)]); place = parent) pairs[place] = pairs[parent];
    pairs[place] = pair;
  }

  pop() {
    const { pairs } = this, best = pairs[0], last = pairs.pop();
    if (last && pairs.length) this.sink(last);
    return best;
  }

  /** Put a pair at the top, and let it down to its place. @param {Pair} pair */
  sink(pair) {
    const { pairs } = this;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child + 1 < pairs.length && isBetter(pairs[child + 1], pairs[child])) child++;
      if (child >= pairs.length || !isBetter(pairs[child], pair)) break;
      pairs[place] = pairs[child];
      place = child;
    }
    pairs[place] = pair;
  }
}

/** @param {Pair} a @param {Pair} b */
function isBetter(a, b) {
  return a.score > b.score || (a.score === b.score && a.left < b.left);
}
