// @ts-check
/**
 * The journey of each token: text -> ids -> vectors -> logits -> probabilities -> one id -> text, step by step. See
 * helpers/streaming.py.
 *
 * @typedef {import("./records.js").LanguageModel} LanguageModel
 * @typedef {import("./records.js").Token} Token
 * @typedef {import("./records.js").Step} Step
 * @typedef {import("./records.js").Stage} Stage
 * @typedef {import("./records.js").Opened} Opened
 * @typedef {import("./records.js").Inside} Inside
 * @typedef {import("./records.js").Memory} Memory
 * @typedef {import("./records.js").Candidate} Candidate
 * @typedef {import("./records.js").FinishReason} FinishReason
 * @typedef {import("./sampling.js").Settings} Settings
 * @typedef {import("./tokenizer.js").Tokenizer} Tokenizer
 * @typedef {{state: any, logits: Float64Array | null, unread: number[]}} Reading  how far the model is: its state, the
 *   ids that it has not read yet, and the logits (V,) when there are none
 */
import { affine, dot, largestFirst, norm, powers, total } from "./arrays.js";
import { shown, tokenId, wholeCharacters, wholeNumber } from "./checks.js";
import { Draws } from "./random.js";
import { draw, nextTokenProbabilities, settingsOf } from "./sampling.js";

const CANDIDATES = 8, LENS = 3;
const AS_THE_MODEL_SAYS = settingsOf(); // temperature 1, nothing cut

/** A text that grows token by token, and can be taken back. The draw at step n depends on (seed, n) alone. */
export class Generation {
  /** @param {LanguageModel} model @param {Tokenizer} tokenizer @param {string} prompt @param {number | bigint} [seed] */
  constructor(model, tokenizer, prompt, seed = 0) {
    if (model.vocabSize !== tokenizer.vocabSize) {
      throw new RangeError(`the tokenizer has ${tokenizer.vocabSize} ids, the model ${model.vocabSize}: give the tokenizer that the model was trained with`);
    }
    this.model = model;
    this.models = new Map([["", model]]); // by what is changed inside them
    this.changed = "";
    /** @type {{changed: string, state: any} | null} */ this.left = null; // the model that read before a change, and its state
    this.tokenizer = tokenizer;
    this.draws = new Draws(seed);
    const ids = tokenizer.encodePrompt(wholeCharacters(prompt)), limit = model.contextLength;
    if (limit !== null && ids.length > limit) {
      throw new RangeError(`the prompt has ${ids.length} tokens, the model reads at most ${limit}: shorten it`);
    }
    this.promptLength = ids.length;
    /** @type {Token[]} */ this.tokens = [];
    /** @type {Step[]} */ this.steps = [];
    this.stream = tokenizer.textStream();
    for (const id of ids) this.tokens.push(this.token(id, this.stream.feed(id), true));
    /** @type {Reading | null} */ this.reading = null; // null: the model has to read the whole text
  }

  // ------------------------------------------------------------------------------------------------ what there is

  /** Prompt and generated text; the bytes of an unfinished character are left out until it is complete. */
  get text() {
    return this.tokens.map(({ text }) => text).join("");
  }

  /** Null while the text may go on. @returns {FinishReason} */
  get finishReason() {
    return this.steps.at(-1)?.finishReason ?? null;
  }

  /** What happened in the model when step `index` was computed; null for a model that does not say. @param {number} index */
  inside(index, lens = "vocabulary") {
    if (!this.steps.length) throw new RangeError(`index is ${shown(index)}, and there is no step yet: take one with step()`);
    wholeNumber("index", index, 0, this.steps.length - 1, ", one of the steps there are");
    return this.insideAt(this.steps[index].input.position, lens);
  }

  /**
   * The same for the token at `position` of the text, of the prompt, too; another token must have come after it.
   * lens: "vocabulary" ranks all tokens at each stage, "candidates" the step's own candidates alone.
   * @param {number} position @returns {Inside | null}
   */
  insideAt(position, lens = "vocabulary") {
    const step = this.expected(position);
    if (!["vocabulary", "candidates"].includes(lens)) throw new RangeError(`lens is ${shown(lens)}: give one of 'vocabulary', 'candidates'`);
    const opened = this.opened(step.changed, this.stateOf(step.changed, position), step.input);
    if (!opened) return null;
    const among = lens === "vocabulary" ? null : step.candidates.map(({ id }) => id);
    const stages = opened.stages.map((_, n) => this.stage(opened, n, step, among));
    return { stages, attention: opened.attention, memory: opened.memory };
  }

  /**
   * The memory after each of the tokens from `first` up to and not including `last`; [] without a recurrence. Another
   * token must have come after each.
   * @param {number} first @param {number} last
   */
  memories(first, last) {
    wholeNumber("last", last, 0, this.tokens.length - 1, ", a token that others precede");
    wholeNumber("first", first, 0, last, ", up to `last`");
    /** @type {Map<string, any>} */ const states = new Map();
    /** @type {Memory[]} */ const found = [];
    for (let position = first; position < last; position++) {
      const changed = this.steps[position - this.promptLength + 1]?.changed ?? this.changed;
      if (!states.has(changed)) states.set(changed, this.stateOf(changed, last - 1));
      const memory = this.opened(changed, states.get(changed), this.tokens[position])?.memory;
      if (!memory) return [];
      found.push(memory);
    }
    return found;
  }

  /**
   * What the model expected after the token at `position`, and what came. Within the prompt nothing was drawn: such a
   * step counts from -1 down, its settings cut nothing, and it is chosen by the prompt.
   * @param {number} position @returns {Step}
   */
  expected(position) {
    const last = this.tokens.length - 2;
    wholeNumber("position", position, 0, Math.max(last, 0), ", a token that another one follows");
    if (last < 0) throw new RangeError(`position is ${position}, and no token follows it yet: take a step first`);
    const index = position - this.promptLength + 1;
    if (index >= 0) return this.steps[index];
    const [input, output] = this.tokens.slice(position, position + 2), logits = this.masked(this.model.advance(this.idsUpTo(position)).logits);
    const settings = AS_THE_MODEL_SAYS, probabilities = nextTokenProbabilities(logits, settings);
    return {
      index, input, output, settings, chosenBy: "prompt", finishReason: null, candidates: this.candidates(output.id, logits, probabilities),
      probability: probabilities[output.id], entropy: bitsOfEntropy(logits), changed: this.changed,
    };
  }

  /** @param {number} position */
  idsUpTo(position) {
    return this.tokens.slice(0, position + 1).map(({ id }) => id);
  }

  /** The state of the model so changed after the text up to `position`; the generation's own stays as it is. @param {string} changed @param {number} position */
  stateOf(changed, position) {
    if (this.reading && changed === this.changed) return this.reading.state;
    if (changed === this.left?.changed) return this.left.state;
    return this.models.get(changed)?.advance(this.idsUpTo(position)).state;
  }

  /** @param {string} changed @param {any} state @param {Token} token */
  opened(changed, state, { position, id }) {
    return this.models.get(changed)?.opened?.(state, position, id);
  }

  /** A stage with its norm and what the output layer reads of it; of the last one, that is the prediction. @param {Opened} opened @param {number} place @param {Step} step @param {number[] | null} among @returns {Stage} */
  stage(opened, place, step, among) {
    const [name, vector, read] = opened.stages[place], lens = read && this.lens(opened, read, step, among);
    const shown = { name, vector, norm: norm(vector) };
    if (place < opened.stages.length - 1) return { ...shown, candidates: lens?.candidates ?? [], rank: lens?.rank ?? null };
    const rank = step.candidates.findIndex(({ id }) => id === step.output.id) + 1;
    const isKnown = rank <= CANDIDATES || among || !lens;
    return { ...shown, candidates: step.candidates.slice(0, LENS), rank: isKnown ? rank : lens.rank };
  }

  /** The logit lens on a vector: the 3 likeliest tokens, and the rank of the one that was then chosen. @param {Opened} opened @param {Float64Array} read @param {Step} step @param {number[] | null} among */
  lens({ table, bias }, read, step, among) {
    const all = affine(table, read, bias), ids = among ?? [...all.keys()];
    if (!among) for (const id of this.tokenizer.suppressedIds) all[id] = -Infinity;
    const logits = Float64Array.from(ids, (id) => all[id]), weights = powers(logits), whole = total(weights);
    const rank = 1 + logits.filter((logit) => logit > all[step.output.id]).length;
    const candidates = largestFirst(logits, LENS).map((n) => this.candidate(ids[n], weights[n] / whole, weights[n] / whole));
    return { candidates, rank };
  }

  // -------------------------------------------------------------------------------------------- what one can do

  /** Draw the next token. last: the caller wants no more, so an unfinished character is flushed. @param {Partial<Settings>} [given] */
  step(given, last = false) {
    const settings = this.checked(given), { logits, probabilities } = this.predict(settings);
    return this.add(draw(probabilities, this.draws.at(this.steps.length)), "sampler", logits, probabilities, settings, last);
  }

  /** Take this id as the next token instead of drawing one. @param {number} id @param {Partial<Settings>} [given] */
  choose(id, given, last = false) {
    tokenId(id, this.model.vocabSize, "the model's vocabulary", "token_id");
    if (this.tokenizer.suppressedIds.has(id)) {
      throw new RangeError(`token_id ${id} ('${this.tokenizer.piece(id)}') never follows a text: give an id that may be drawn, such as a candidate's`);
    }
    const settings = this.checked(given), { logits, probabilities } = this.predict(settings);
    return this.add(id, "learner", logits, probabilities, settings, last);
  }

  /**
   * Have another model of the same tokens, such as `muteHeads` gives, take the steps from here on; it reads the whole
   * text anew. changed: what is changed inside it, in words.
   * @param {LanguageModel} model @param {string} changed
   */
  change(model, changed) {
    if (model.vocabSize !== this.model.vocabSize) {
      throw new RangeError(`the model has ${model.vocabSize} ids, the text's own ${this.model.vocabSize}`);
    }
    if (this.reading) this.left = { changed: this.changed, state: this.reading.state };
    if (this.left?.changed === changed) this.left = null; // what that model reads from here on may be another text
    this.models.set(changed, model);
    Object.assign(this, { model, changed, reading: null });
  }

  /** Keep the first `count` steps and forget the rest. @param {number} count */
  rewind(count) {
    wholeNumber("steps", count, 0, this.steps.length, ", the steps there are");
    if (count === this.steps.length) return;
    this.tokens = this.tokens.slice(0, this.promptLength + count);
    this.steps = this.steps.slice(0, count);
    this.stream = this.tokenizer.textStream();
    for (const { id } of this.tokens) this.stream.feed(id);
    const { reading } = this;
    this.reading = null;
    if (!reading || count === 0) return; // nothing is kept of a prompt that is read again: it gives the same numbers
    const state = this.model.rewind(reading.state, this.promptLength + count - 1);
    this.reading = { state, logits: null, unread: [this.tokens[this.tokens.length - 1].id] };
  }

  /** The settings, if the text may go on. @param {Partial<Settings>} [given] */
  checked(given) {
    if (this.finishReason) throw new RangeError(`the text has ended (${this.finishReason}): rewind it or start a new one`);
    return settingsOf(given);
  }

  /** Read what is unread: logits (V,) with the suppressed ids at -inf, and the sampling probabilities (V,). @param {Settings} settings */
  predict(settings) {
    const { state, logits: known, unread } = this.reading ?? { state: null, logits: null, unread: this.tokens.map(({ id }) => id) };
    let logits = known;
    if (!logits) {
      this.reading = null; // while the model reads, its state is of no known length
      const read = this.model.advance(unread, state);
      logits = this.masked(read.logits);
      this.reading = { state: read.state, logits, unread: [] };
    }
    return { logits, probabilities: nextTokenProbabilities(logits, settings) };
  }

  /** @param {Float64Array} given */
  masked(given) {
    const logits = given.slice();
    for (const id of this.tokenizer.suppressedIds) logits[id] = -Infinity;
    return logits;
  }

  /** Put the chosen id behind the text and write down how it came about. @param {number} id @param {"sampler" | "learner"} chosenBy @param {Float64Array} logits @param {Float64Array} probabilities @param {Settings} settings @param {boolean} last @returns {Step} */
  add(id, chosenBy, logits, probabilities, settings, last) {
    const finishReason = this.reasonToEnd(id, last), input = this.tokens[this.tokens.length - 1];
    const text = this.stream.feed(id) + (finishReason ? this.stream.finish() : ""), output = this.token(id, text, false);
    const step = {
      index: this.steps.length, input, output, settings, chosenBy, finishReason, candidates: this.candidates(id, logits, probabilities),
      probability: probabilities[id], entropy: bitsOfEntropy(logits), changed: this.changed,
    };
    this.tokens = [...this.tokens, output];
    this.steps = [...this.steps, step];
    this.reading = { state: this.reading?.state, logits: null, unread: [id] };
    return step;
  }

  /** @param {number} id @param {boolean} last @returns {FinishReason} */
  reasonToEnd(id, last) {
    if (this.tokenizer.eosIds.has(id)) return "eos";
    const limit = this.model.contextLength;
    if (limit !== null && this.tokens.length >= limit) return "context"; // the new token would not fit in any more
    return last ? "length" : null;
  }

  /** @param {number} id @param {string} text @param {boolean} fromPrompt @returns {Token} */
  token(id, text, fromPrompt) {
    const row = this.model.embed(id), length = norm(row), previous = this.tokens.at(-1);
    if (!Number.isFinite(length)) {
      throw new RangeError(`the embedding row of id ${id} holds NaN or infinity: the model diverged in training or its file is damaged; train or load it again`);
    }
    const product = previous ? length * previous.norm : 0;
    const cosine = previous && product ? Math.min(1, Math.max(-1, dot(row, previous.row) / product)) : null;
    return { position: this.tokens.length, id, piece: this.tokenizer.piece(id), text, row, norm: length, cosine, fromPrompt };
  }

  /** The 8 likeliest by the model and the chosen one, likeliest first. @param {number} chosen @param {Float64Array} logits @param {Float64Array} probabilities */
  candidates(chosen, logits, probabilities) {
    const weights = powers(logits), whole = total(weights), ids = largestFirst(weights, CANDIDATES);
    if (!ids.includes(chosen)) ids.push(chosen);
    const rows = ids.map((id) => this.candidate(id, weights[id] / whole, probabilities[id]));
    return rows.filter(({ id, model }) => model > 0 || id === chosen);
  }

  /** @param {number} id @param {number} model @param {number} sampling @returns {Candidate} */
  candidate(id, model, sampling) {
    return { id, piece: this.tokenizer.piece(id), model, sampling };
  }
}

/** Entropy of the softmax of logits (V,), in bits. @param {Float64Array} logits */
function bitsOfEntropy(logits) {
  const weights = powers(logits), whole = total(weights);
  const mean = weights.reduce((found, weight) => (weight ? found + weight * Math.log(weight) : found), 0) / whole;
  return Math.max(0, (Math.log(whole) - mean) / Math.LN2);
}
