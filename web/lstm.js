// @ts-check
/**
 * Embedding -> LSTM -> logits, token after token: see helpers/models/lstm.py. V vocabulary, D embedding dimension,
 * H hidden size.
 *
 * @typedef {{h: Float64Array, c: Float64Array}} Cell  hidden state and cell state after a token, (H,) each
 * @typedef {[Float64Array, Float64Array, Float64Array, Float64Array]} Gates  input, forget, offered to the cell, output
 * @typedef {{history: Cell[], newest: Gates | null}} LSTMState  what an LSTM carries along; all of the past is kept
 * @typedef {import("./records.js").Opened} Opened
 * @typedef {Record<string, Float64Array>} Weights
 */
import { affine, sum } from "./arrays.js";
import { rewindLength, tokenId, tokenIds, wholeNumber } from "./checks.js";

/** Reads token ids one after the other and scores every id as the next one. */
export class LSTM {
  contextLength = null; // it reads texts of any length

  /** @param {{vocab_size: number, embedding_dim: number, hidden_size: number, tied: boolean}} config @param {Weights} weights */
  constructor(config, weights) {
    this.config = config;
    this.weights = weights;
    this.vocabSize = config.vocab_size;
    this.embeddingDim = config.embedding_dim;
  }

  /** The shape of each weight. @param {LSTM["config"]} config @returns {Record<string, number[]>} */
  static shapes({ vocab_size: v, embedding_dim: d, hidden_size: h, tied }) {
    return {
      "embedding.weight": [v, d], "lstm.weight_ih_l0": [4 * h, d], "lstm.weight_hh_l0": [4 * h, h], "lstm.bias_ih_l0": [4 * h],
      "lstm.bias_hh_l0": [4 * h],
      ...(tied ? { "project.weight": [d, h], "project.bias": [d], output_bias: [v] } : { "output.weight": [v, h], "output.bias": [v] }),
    };
  }

  /** The embedding row of an id, (D,). @param {number} id */
  embed(id) {
    const begin = tokenId(id, this.vocabSize) * this.embeddingDim;
    return this.weights["embedding.weight"].subarray(begin, begin + this.embeddingDim);
  }

  /** Read one or more ids after `state`: logits (V,) for the next id, and the new state. @param {readonly number[]} ids @param {LSTMState | null} [state] */
  advance(ids, state = null) {
    const { history } = (state ??= { history: [], newest: null });
    for (const id of tokenIds(ids, this.vocabSize)) {
      const { h, c } = history.at(-1) ?? this.nothing();
      state.newest = this.gates(this.embed(id), h);
      history.push(afterGates(state.newest, c));
    }
    return { logits: this.nextLogits(history[history.length - 1].h), state };
  }

  /** @returns {Cell} */
  nothing() {
    return { h: new Float64Array(this.config.hidden_size), c: new Float64Array(this.config.hidden_size) };
  }

  /** torch's order i f g o. @param {Float64Array} x (D,) @param {Float64Array} h (H,) @returns {Gates} */
  gates(x, h) {
    const w = this.weights, size = h.length;
    const sums = sum(affine(w["lstm.weight_ih_l0"], x, w["lstm.bias_ih_l0"]), affine(w["lstm.weight_hh_l0"], h, w["lstm.bias_hh_l0"]));
    const [i, f, g, o] = [0, 1, 2, 3].map((n) => sums.subarray(n * size, (n + 1) * size));
    return [i.map(sigmoid), f.map(sigmoid), g.map(Math.tanh), o.map(sigmoid)];
  }

  /** @param {Float64Array} h */
  nextLogits(h) {
    const w = this.weights;
    return this.config.tied ? affine(w["embedding.weight"], this.projected(h), w.output_bias) : affine(w["output.weight"], h, w["output.bias"]);
  }

  /** @param {Float64Array} h */
  projected(h) {
    return affine(this.weights["project.weight"], h, this.weights["project.bias"]);
  }

  /** What happened when that token was read: row, hidden state, projection, and the memory. @param {LSTMState} state @param {number} position @param {number} id @returns {Opened} */
  opened({ history, newest }, position, id) {
    wholeNumber("position", position, 0, history.length - 1, ", one of the tokens read");
    const row = this.embed(id), { h, c } = history[position], w = this.weights;
    const before = position ? history[position - 1].h : this.nothing().h;
    const [i, f, , o] = newest && position === history.length - 1 ? newest : this.gates(row, before);
    const memory = { cell: c, hidden: h, inputGate: i, forgetGate: f, outputGate: o };
    const ends = /** @type {Opened["stages"]} */ ([["row", row, this.config.tied ? row : null], ["hidden state", h, this.config.tied ? null : h]]);
    if (!this.config.tied) return { stages: ends, table: w["output.weight"], bias: w["output.bias"], attention: null, memory };
    const projected = this.projected(h);
    return { stages: [...ends, ["projection", projected, projected]], table: w["embedding.weight"], bias: w.output_bias, attention: null, memory };
  }

  /** How many units the cell state has. */
  units() {
    return this.config.hidden_size;
  }

  /** The state with another cell state (H,) after the newest token; the hidden state stays. @param {LSTMState} state @param {Float64Array} cell @returns {LSTMState} */
  withCell({ history, newest }, cell) {
    return { history: [...history.slice(0, -1), { h: history[history.length - 1].h, c: cell }], newest };
  }

  /** The state as it was after the first `length` tokens. @param {LSTMState} state @param {number} length */
  rewind(state, length) {
    state.history.length = rewindLength(length, state.history.length);
    state.newest = null;
    return state;
  }
}

/** @param {Gates} gates @param {Float64Array} c @returns {Cell} */
function afterGates([i, f, g, o], c) {
  const cell = c.map((value, n) => f[n] * value + i[n] * g[n]);
  return { h: cell.map((value, n) => o[n] * Math.tanh(value)), c: cell };
}

/** In a form that cannot overflow. @param {number} x */
function sigmoid(x) {
  return 0.5 + 0.5 * Math.tanh(0.5 * x);
}
