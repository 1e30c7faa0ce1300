// @ts-check
/**
 * What the page is told of a text: the messages that journey.js draws, as helpers/window/journey.py makes them.
 *
 * @typedef {import("./streaming.js").Generation} Generation
 * @typedef {import("./records.js").Token} Token
 * @typedef {import("./records.js").Step} Step
 * @typedef {import("./records.js").Stage} Stage
 * @typedef {import("./records.js").Inside} Inside
 * @typedef {import("./records.js").Candidate} Candidate
 * @typedef {import("./records.js").Memory} Memory
 * @typedef {import("./interventions.js").Change} Change
 * @typedef {[Record<string, any>, DataView[]]} Part  a message, or a part of one, and its buffers
 * @typedef {{position: number, playing?: boolean, status?: [string, string, string], trouble?: string, inside?: boolean,
 *   said?: boolean, can?: "" | "heads" | "memory", change?: Change}} Frame  how the window stands: the steps looked at, what
 *   goes on, an error, what is open, whether the sentences of the plots are told anew, what of the model can be changed,
 *   and what is
 */
import { AS_IT_IS } from "./interventions.js";
import { FILTERS } from "./sampling.js";
import * as sentences from "./sentences.js";

const LATEST = 200, AHEAD = 12; // tokens in a plot at most; those shown behind the one that is looked at. As in journey.js
const STAGES = 8; // stages that are shown at most
/** @type {Part} */ const NO_PART = [{}, []];

/** Turns a text into messages, each with what is new since the one before. */
export class Teller {
  run = 0;
  /** @type {Generation | null} */ generation = null;
  /** @type {readonly Token[]} */ told = [];
  /** @type {Set<number>} */ named = new Set(); // ids whose pieces the page knows
  /** @type {[number, number]} */ remembered = [0, 0]; // the places whose memory the page has, from and up to
  change = JSON.stringify(AS_IT_IS);

  /** The next message tells the whole. */
  forget() {
    this.told = [];
    this.named.clear();
  }

  /** The message and its buffers; the first buffer holds the new tokens' rows, float32. @param {Generation} generation @param {Frame} frame @param {Part[]} [parts] @returns {Part} */
  tell(generation, frame, parts = []) {
    if (generation !== this.generation) {
      Object.assign(this, { run: this.run + 1, generation });
      this.forget();
    }
    const { tokens, steps, promptLength: prompt } = generation, begin = this.firstUntold(tokens), added = tokens.slice(begin);
    this.told = tokens;
    const { position, playing = false, status = ["", "", ""], trouble = "", inside = false, said = true, can = "", change = AS_IT_IS } = frame;
    /** @type {Record<string, any>} */ const message = {
      run: this.run, begin, prompt, position, playing, status: [...status, trouble], open: inside,
      tokens: added.map((token, n) => tokenRecord(token, steps[begin + n - prompt] ?? null, this.named)),
      ...(said ? { said: plotSentences(tokens, steps, prompt - 1 + position), tree: null } : {}),
    };
    Object.assign(message, ...parts.map(([part]) => part));
    if (begin === 0 || JSON.stringify(change) !== this.change) message.model = { can, ...change };
    this.forgetMemories(begin, JSON.stringify(change));
    const memory = message.inside?.units ? this.memories(generation, shownPlaces(tokens.length, message.inside.place + 1)) : NO_PART;
    return [Object.assign(message, memory[0]), [floats(added.map(({ row }) => row)), ...parts.flatMap(([, buffers]) => buffers), ...memory[1]]];
  }

  /** What the page has of the memory holds up to the newest token that it had, and under the same change. @param {number} begin @param {string} change */
  forgetMemories(begin, change) {
    const [from, upTo] = this.remembered;
    this.remembered = change === this.change ? [from, Math.min(upTo, Math.max(from, begin - 1))] : [0, 0];
    this.change = change;
  }

  /** The memory along the shown tokens, as far as the page does not have it. @param {Generation} generation @param {[number, number]} shown @returns {Part} */
  memories(generation, [first, end]) {
    const [from, upTo] = this.remembered, last = Math.min(end, generation.tokens.length - 1), follows = from <= first && first <= upTo;
    const begin = follows ? Math.min(upTo, last) : first;
    this.remembered = follows ? [from, Math.max(last, upTo)] : [begin, Math.max(last, 0)];
    return memoryPart(begin, generation.memories(begin, last));
  }

  /** Place of the first token that the page does not have, or has another one of. @param {readonly Token[]} tokens */
  firstUntold(tokens) {
    const { told } = this, newest = told.length - 1;
    if (newest < 0 || tokens[newest] === told[newest]) return told.length;
    return told.findIndex((token, n) => token !== tokens[n]);
  }
}

/** A token as the page gets it, and how it came about; its row goes into a buffer. @param {Token} token @param {Step | null} step @param {Set<number>} named ids whose pieces the page knows; those told here are added */
export function tokenRecord(token, step, named) {
  /** @type {Record<string, any>} */ const record = {
    id: token.id,
    step: step && stepRecord(step, named),
    norm: rounded(token.norm, 5),
    cosine: token.cosine === null ? null : rounded(token.cosine, 5),
    said: sentences.ofRow(token),
  };
  for (const piece of newPiece(token, named)) record.piece = piece;
  return record;
}

/** How a token came about: the candidates, the settings, who took it. @param {Step} step @param {Set<number>} named */
export function stepRecord(step, named) {
  return {
    candidates: step.candidates.map((row) => [row.id, digits(row.model), digits(row.sampling), ...newPiece(row, named)]),
    by: step.chosenBy,
    settings: FILTERS.map(({ name }) => step.settings[name]),
    entropy: rounded(step.entropy, 3),
    said: sentences.ofChoice(step),
    ...(step.changed ? { changed: step.changed } : {}),
  };
}

/** The piece, or nothing where the page knows it. @param {Token | Candidate} shown @param {Set<number>} named */
function newPiece({ id, piece }, named) {
  if (named.has(id)) return [];
  named.add(id);
  return [pieceOf(piece)];
}

/** The sentences of the text and of the plots, which show the tokens around `place`. @param {readonly Token[]} tokens @param {readonly Step[]} steps @param {number} place */
export function plotSentences(tokens, steps, place) {
  const count = tokens.length, prompt = count - steps.length, [first, last] = shownPlaces(count, place);
  return {
    text: sentences.ofText(tokens),
    norms: sentences.ofNorms(tokens.slice(first, last), count),
    cosines: sentences.ofCosines(tokens.slice(first, last)),
    surprise: sentences.ofSurprise(steps.slice(Math.max(0, first - prompt), Math.max(0, last - prompt))),
  };
}

/** The places that a plot shows, from and up to: the latest, or those around `place`. @param {number} count @param {number} place @returns {[number, number]} */
export function shownPlaces(count, place) {
  const last = place >= count - LATEST + AHEAD ? count : Math.min(count, Math.max(place + AHEAD, LATEST));
  return [Math.max(0, last - LATEST), last];
}

/** What the model expected at a token of the prompt. @param {Step} step @returns {Part} */
export function readPart(step) {
  return [{ read: { place: step.input.position, step: stepRecord(step, new Set()) } }, []];
}

/** Why there is nothing to show of what is inside at a place. @param {number} place @param {string} why @returns {Part} */
export function closedPart(place, why) {
  return [{ inside: { place, why } }, []];
}

/** What was inside at a place: stages, and who looked where (in 255ths), or how many units a memory has. @param {number} place @param {Inside} inside @returns {Part} */
export function insidePart(place, { stages: all, attention, memory }) {
  const stages = spread(all, STAGES), buffers = [floats(stages.map(({ vector }) => vector))];
  /** @type {Record<string, any>} */ const record = { place, stages: stages.map(stageRecord), said: sentences.ofStages(stages, all.length) };
  if (attention) {
    record.heads = [attention.layers, attention.heads];
    buffers.push(in255ths([attention.looks]));
  }
  if (memory) record.units = memory.cell.length;
  return [{ inside: record }, buffers];
}

/** The memory along the text from a place on: cells in 32,767ths of the largest, gates in 255ths. @param {number} begin @param {Memory[]} memories @returns {Part} */
export function memoryPart(begin, memories) {
  if (!memories.length) return NO_PART;
  const largest = memories.reduce((most, { cell }) => cell.reduce((found, value) => Math.max(found, Math.abs(value)), most), 0) || 1;
  const cells = Int16Array.from(memories.flatMap(({ cell }) => [...cell]), (value) => Math.round((value / largest) * 32767));
  const gates = memories.flatMap(({ inputGate, forgetGate, outputGate }) => [inputGate, forgetGate, outputGate]);
  return [{ memory: { begin, count: memories.length, largest } }, [new DataView(cells.buffer), in255ths(gates)]];
}

/** @param {Stage} stage */
function stageRecord({ name, norm, rank, vector, candidates }) {
  return [name, rounded(norm, 3), rank, vector.length, ...candidates.map(({ id, piece, model }) => [id, pieceOf(piece), digits(model)])];
}

/** At most `most` of the stages, evenly spread, the first and the last always among them. @param {Stage[]} stages @param {number} most */
export function spread(stages, most) {
  if (stages.length <= most) return stages;
  return Array.from({ length: most }, (_, place) => stages[Math.round((place * (stages.length - 1)) / (most - 1))]);
}

/** @param {string} piece */
function pieceOf(piece) {
  return sentences.shortened(sentences.visible(piece), 40);
}

/** @param {number} value @param {number} places */
function rounded(value, places) {
  return Number(value.toFixed(places));
}

/** Four digits that count: a probability that is not 0 does not become 0. @param {number} probability */
function digits(probability) {
  return Number(probability.toPrecision(4));
}

/** Shares of 1, vectors one after the other, a byte each. @param {Float64Array[]} vectors */
function in255ths(vectors) {
  return new DataView(Uint8Array.from(vectors.flatMap((vector) => [...vector]), (share) => Math.round(share * 255)).buffer);
}

/** Vectors one after the other, in float32. @param {Float64Array[]} vectors */
function floats(vectors) {
  return new DataView(Float32Array.from(vectors.flatMap((vector) => [...vector])).buffer);
}
