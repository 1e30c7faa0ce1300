// @ts-check
/** Text to token ids and back, and a stream that turns ids into text one by one: see helpers/tokenizer.py. */
import { tokenId, wholeCharacters } from "./checks.js";
import { BYTE, CONTROL, SPACE, SentencePiece } from "./sentencepiece.js";

const PAD = 0, UNK = 1, BOS = 2, EOS = 3;
const UNKNOWN_TEXT = " \u2047 "; // how SentencePiece writes an unknown piece

/** A trained BPE vocabulary with byte fallback: every text has ids, and its ids give it back, but for its spaces. */
export class Tokenizer {
  eosIds = new Set([EOS]); // the ids that end a text
  suppressedIds = new Set([PAD, UNK, BOS]); // the ids that are never drawn

  /** Wrap a serialised SentencePiece model; RangeError says what else the bytes are. @param {Uint8Array} model */
  constructor(model) {
    this.model = new SentencePiece(model);
    const { specials } = this.model;
    if (specials.join() !== "0,1,2,3") throw new RangeError(`pad, unk, bos, eos have the ids ${specials.join(", ")}, not 0, 1, 2, 3`);
  }

  /** V, the number of ids: 0 … V - 1. */
  get vocabSize() {
    return this.model.pieces.length;
  }

  /** The piece of an id as the vocabulary writes it, e.g. '▁cat' or '<0xC3>'. @param {number} id */
  piece(id) {
    return this.entry(id).piece;
  }

  /** @param {number} id */
  entry(id) {
    return this.model.pieces[tokenId(id, this.vocabSize, "the ids of this tokenizer", "token id")];
  }

  /** The byte that an id stands for, or null. @param {number} id */
  byte(id) {
    const { piece, type } = this.entry(id);
    return type === BYTE ? parseInt(piece.slice(3, 5), 16) : null;
  }

  /** Is this an id that says nothing? @param {number} id */
  isControl(id) {
    return this.entry(id).type === CONTROL;
  }

  /** The ids of a text, without special ids; RangeError for a lone surrogate. @param {string} text */
  encode(text) {
    return this.model.encode(wholeCharacters(text));
  }

  /** bos + the ids of a text: never empty, so that a model always has something to read. @param {string} text */
  encodePrompt(text) {
    return [BOS, ...this.encode(text)];
  }

  /** The text of ids taken together. @param {readonly number[]} ids */
  decode(ids) {
    const stream = this.textStream(), parts = ids.map((id) => stream.feed(id));
    return parts.join("") + stream.finish();
  }

  /** A fresh stream that turns ids into text one by one. */
  textStream() {
    return new TextStream(this);
  }
}

/** Ids in, text out, one id at a time; the parts joined are the text of all ids. */
export class TextStream {
  /** @param {Tokenizer} tokenizer */
  constructor(tokenizer) {
    this.tokenizer = tokenizer;
    this.characters = new Characters();
    this.atStart = true;
  }

  /** The text that this id completes; "" while a character is unfinished. @param {number} id */
  feed(id) {
    const byte = this.tokenizer.byte(id);
    if (byte === null) return this.finish() + this.textOf(id);
    this.atStart = false;
    return this.characters.feed(byte);
  }

  /** @param {number} id an id that stands for no byte */
  textOf(id) {
    if (this.tokenizer.isControl(id)) return "";
    const text = id === UNK ? UNKNOWN_TEXT : this.tokenizer.piece(id).replaceAll(SPACE, " ");
    const shown = this.atStart && id !== UNK ? text.replace(/^ /, "") : text;
    this.atStart = this.atStart && !shown; // a lone space piece at the start leaves nothing
    return shown;
  }

  /** What is left of an unfinished character, one U+FFFD a byte. */
  finish() {
    return this.characters.finish();
  }
}

/** Bytes in, characters out: the bytes of an unfinished one are kept until the rest arrives, or never will. */
class Characters {
  /** @type {number[]} */ held = [];

  /** @param {number} byte */
  feed(byte) {
    const goesOn = this.held.length > 0 && isContinuation(this.held, byte), text = goesOn ? "" : this.finish();
    this.held.push(byte);
    const length = lengthOf(this.held[0]);
    return length > this.held.length ? text : text + (length ? this.complete() : this.finish());
  }

  complete() {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(this.held.splice(0)));
  }

  /** One U+FFFD for each byte held: several in a row do not become one, nor do they in SentencePiece. */
  finish() {
    return "\ufffd".repeat(this.held.splice(0).length);
  }
}

/** How many bytes a character has that begins with this one; 0 if none begins so. @param {number} byte */
function lengthOf(byte) {
  if (byte < 0x80) return 1;
  if (byte < 0xc2 || byte > 0xf4) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/** Can a character go on with this byte? After some first bytes fewer can follow; halves of pairs are found at their end. @param {number[]} held @param {number} byte */
function isContinuation(held, byte) {
  const first = held.length === 1 ? held[0] : 0;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80, high = first === 0xf4 ? 0x8f : 0xbf;
  return low <= byte && byte <= high;
}
