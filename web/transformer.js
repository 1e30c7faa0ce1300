// @ts-check
/**
 * A small GPT, token after token: see helpers/models/transformer.py. V vocabulary, D width of every vector, S heads,
 * L layers, C context length, N tokens so far.
 *
 * @typedef {{keys: Float64Array, values: Float64Array}} Cache  of a layer, (C, D) each
 * @typedef {{stream: Float64Array[], attention: Float64Array[]}} Reading  the residual stream after each part, (D,)
 *   each, and the attention weights of each layer, (S, N)
 * @typedef {{cache: Cache[], length: number, latest: Reading | null}} TransformerState  what a Transformer carries along
 * @typedef {import("./records.js").Opened} Opened
 * @typedef {Record<string, Float64Array>} Weights
 */
import { affine, normalised, powers, sum, total } from "./arrays.js";
import { rewindLength, tokenId, tokenIds, wholeNumber } from "./checks.js";

const EPSILON = 1e-5; // keeps a layer norm from dividing by zero

/** Reads up to C token ids and scores every id as the next one. */
export class Transformer {
  /** @param {{vocab_size: number, embedding_dim: number, layers: number, heads: number, context_length: number, tied: boolean}} config @param {Weights} weights */
  constructor(config, weights) {
    this.config = config;
    this.weights = weights;
    this.vocabSize = config.vocab_size;
    this.embeddingDim = config.embedding_dim;
    this.contextLength = config.context_length;
  }

  /** The shape of each weight. @param {Transformer["config"]} config @returns {Record<string, number[]>} */
  static shapes({ vocab_size: v, embedding_dim: d, layers, context_length: c, tied }) {
    const block = {
      "attention_norm.weight": [d], "attention_norm.bias": [d], "queries_keys_values.weight": [3 * d, d], "queries_keys_values.bias": [3 * d],
      "attention_out.weight": [d, d], "attention_out.bias": [d], "mlp_norm.weight": [d], "mlp_norm.bias": [d],
      "mlp_in.weight": [4 * d, d], "mlp_in.bias": [4 * d], "mlp_out.weight": [d, 4 * d], "mlp_out.bias": [d],
    };
    const blocks = range(layers).flatMap((n) => Object.entries(block).map(([name, shape]) => [`blocks.${n}.${name}`, shape]));
    const ends = { "embedding.weight": [v, d], "position.weight": [c, d], "norm.weight": [d], "norm.bias": [d] };
    return { ...ends, ...Object.fromEntries(blocks), ...(tied ? {} : { "output.weight": [v, d] }) };
  }

  /** The embedding row of an id, (D,), without its position. @param {number} id */
  embed(id) {
    return this.row("embedding.weight", tokenId(id, this.vocabSize));
  }

  /** @param {string} name @param {number} number */
  row(name, number) {
    return this.weights[name].subarray(number * this.embeddingDim, (number + 1) * this.embeddingDim);
  }

  get table() {
    return this.weights[this.config.tied ? "embedding.weight" : "output.weight"];
  }

  /** Read one or more ids after `state`: logits (V,) for the next id, and the new state. @param {readonly number[]} ids @param {TransformerState | null} [state] */
  advance(ids, state = null) {
    state ??= this.nothing();
    const unread = tokenIds(ids, this.vocabSize), length = state.length + unread.length;
    if (length > this.contextLength) {
      throw new RangeError(`${length} tokens are more than the ${this.contextLength} that this model reads: shorten the text, or use a model with a longer context`);
    }
    let latest = state.latest;
    for (const id of unread) latest = this.read(id, state.length++, state.cache);
    state.latest = latest;
    const stream = /** @type {Reading} */ (latest).stream;
    return { logits: affine(this.table, this.normed(stream[stream.length - 1], "norm")), state };
  }

  /** @returns {TransformerState} */
  nothing() {
    const size = this.contextLength * this.embeddingDim;
    return { cache: range(this.config.layers).map(() => ({ keys: new Float64Array(size), values: new Float64Array(size) })), length: 0, latest: null };
  }

  /** Read an id at its position, with the keys and values of all before it; its own are put behind them. @param {number} id @param {number} position @param {Cache[]} cache @returns {Reading} */
  read(id, position, cache) {
    let x = sum(this.embed(id), this.row("position.weight", position));
    /** @type {Reading} */ const reading = { stream: [x], attention: [] };
    cache.forEach((layer, number) => {
      const name = `blocks.${number}`, { attended, weights } = this.attention(this.normed(x, `${name}.attention_norm`), name, layer, position);
      const between = sum(x, this.linear(attended, `${name}.attention_out`));
      const inner = this.linear(this.normed(between, `${name}.mlp_norm`), `${name}.mlp_in`).map(gelu);
      x = sum(between, this.linear(inner, `${name}.mlp_out`));
      reading.stream.push(between, x);
      reading.attention.push(weights);
    });
    return reading;
  }

  /** Each head's mean of the values, weighted by how well the keys fit: softmax(Q Kᵀ / √d) V. @param {Float64Array} x (D,) @param {string} name @param {Cache} cache @param {number} position */
  attention(x, name, { keys, values }, position) {
    const size = this.embeddingDim, heads = this.config.heads, width = size / heads, count = position + 1;
    const together = this.linear(x, `${name}.queries_keys_values`);
    keys.set(together.subarray(size, 2 * size), position * size);
    values.set(together.subarray(2 * size), position * size);
    const attended = new Float64Array(size), weights = new Float64Array(heads * count);
    for (let head = 0; head < heads; head++) {
      const begin = head * width, fit = fits(together.subarray(begin, begin + width), keys, begin, size, count);
      weights.set(fit, head * count);
      for (let n = 0; n < count; n++) for (let i = begin; i < begin + width; i++) attended[i] += fit[n] * values[n * size + i];
    }
    return { attended, weights };
  }

  /** @param {Float64Array} x @param {string} name */
  linear(x, name) {
    return affine(this.weights[`${name}.weight`], x, this.weights[`${name}.bias`]);
  }

  /** A vector (D,) with mean 0 and variance 1, then scaled and shifted by what was learned. @param {Float64Array} x @param {string} name */
  normed(x, name) {
    const scale = this.weights[`${name}.weight`], shift = this.weights[`${name}.bias`], mean = total(x) / x.length;
    const centred = x.map((value) => value - mean), deviation = Math.sqrt(total(centred.map((value) => value * value)) / x.length + EPSILON);
    return centred.map((value, n) => (value / deviation) * scale[n] + shift[n]);
  }

  /** What happened when that token was read: the residual stream after each part, and who looked at whom. @param {TransformerState} state @param {number} position @param {number} id @returns {Opened} */
  opened(state, position, id) {
    wholeNumber("position", position, 0, state.length - 1, ", one of the tokens read");
    const isNewest = state.latest && position === state.length - 1;
    // An older token is read once more: that puts the same keys and values into the same place
    const { stream, attention } = /** @type {Reading} */ (isNewest ? state.latest : this.read(id, position, state.cache));
    const names = ["row + place", ...attention.flatMap((_, n) => [`after attention ${n}`, `after MLP ${n}`])];
    const { layers, heads } = this.config, looks = new Float64Array(layers * heads * (position + 1));
    attention.forEach((weights, n) => looks.set(weights, n * weights.length));
    const stages = stream.map((x, n) => /** @type {Opened["stages"][0]} */ ([names[n], x, this.normed(x, "norm")]));
    return { stages, table: this.table, bias: null, attention: { layers, heads, looks }, memory: null };
  }

  /** The state as it was after the first `length` tokens: later keys and values will be written over. @param {TransformerState} state @param {number} length */
  rewind(state, length) {
    state.length = rewindLength(length, state.length);
    state.latest = null;
    return state;
  }

  /** How many layers, and how many attention heads in each. @returns {[number, number]} */
  heads() {
    return [this.config.layers, this.config.heads];
  }

  /** A copy in which these heads add nothing; all other weights are shared. @param {[number, number][]} muted */
  withoutHeads(muted) {
    const weights = { ...this.weights }, size = this.embeddingDim, width = size / this.config.heads;
    for (const [layer, head] of muted) {
      const name = `blocks.${layer}.attention_out.weight`; // (D, S · d): its columns hold what each head gathered
      weights[name] = weights[name].map((value, n) => (Math.floor((n % size) / width) === head ? 0 : value));
    }
    return new Transformer(this.config, weights);
  }
}

/** How well a query (d,) fits each of the first `count` keys, as shares of 1. @param {Float64Array} query @param {Float64Array} keys @param {number} begin @param {number} size @param {number} count */
function fits(query, keys, begin, size, count) {
  const scores = new Float64Array(count), scale = Math.sqrt(query.length);
  for (let n = 0; n < count; n++) {
    let score = 0;
    for (let i = 0, key = n * size + begin; i < query.length; i++) score += query[i] * keys[key + i];
    scores[n] = score / scale;
  }
  return normalised(powers(scores));
}

/** A smooth step times x, in GPT-2's form with tanh. @param {number} x */
function gelu(x) {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}

/** @param {number} count */
function range(count) {
  return Array.from({ length: count }, (_, n) => n);
}
