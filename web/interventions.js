// @ts-check
/**
 * A model with one thing inside it changed, which is a model again: see helpers/interventions.py.
 *
 * @typedef {import("./records.js").LanguageModel} LanguageModel
 * @typedef {number | ((old: number) => number)} Edit
 * @typedef {Record<number, Record<number, Edit>>} Edits  {position: {unit: new value, or function of the old one}}
 * @typedef {{muted: [number, number][], flipped: [number, number][]}} Change  what is changed inside a model: heads that
 *   are muted, [layer, head], and units of the memory whose sign is turned after a token, [position, unit]
 * @typedef {{ids: number[], inner: any}} EditedState  the ids read, and the state of the model beneath
 */
import { rewindLength, shown, tokenIds, wholeNumber } from "./checks.js";

/** @type {Change} */
export const AS_IT_IS = { muted: [], flipped: [] };

/**
 * The model with some attention heads muted, [layer, head] each: what they gathered is zero before it is added.
 * @param {any} model @param {[number, number][]} heads @returns {LanguageModel}
 */
export function muteHeads(model, heads) {
  if (!model.withoutHeads) throw new TypeError(`a ${model.constructor.name} has no attention heads to mute: give a Transformer`);
  const [layers, count] = model.heads();
  for (const [layer, head] of heads) {
    wholeNumber("layer", layer, 0, layers - 1, ", one of the model's layers");
    wholeNumber("head", head, 0, count - 1, `, one of the heads of layer ${layer}`);
  }
  return model.withoutHeads(heads);
}

/** The recurrent model with its cell state edited, after the token at each position was read. @param {any} model @param {Edits} edits */
export function editMemory(model, edits) {
  if (!model.withCell) throw new TypeError(`a ${model.constructor.name} has no cell state to edit: give an LSTM`);
  return new EditedMemory(model, edits);
}

/** The model with that changed in it; the model itself where nothing is. @param {any} model @param {Change} change @returns {LanguageModel} */
export function changed(model, { muted, flipped }) {
  if (muted.length) model = muteHeads(model, muted);
  /** @type {Edits} */ const edits = {};
  for (const [position, unit] of flipped) edits[position] = { ...edits[position], [unit]: (old) => -old };
  return flipped.length ? editMemory(model, edits) : model;
}

/** What of the model can be changed: its heads, its memory, or nothing. @param {any} model @returns {"heads" | "memory" | ""} */
export function canChange(model) {
  if (model.withoutHeads) return "heads";
  return model.withCell ? "memory" : "";
}

/** What is changed, in words; "" where nothing is. @param {Change} change */
export function changeSaid({ muted, flipped }) {
  const heads = muted.map(([layer, head]) => `layer ${layer} head ${head}`).join(", ");
  const units = flipped.map(([position, unit]) => `unit ${unit} at position ${position}`).join(", ");
  return [heads && `muted: ${heads}`, units && `flipped: ${units}`].filter(Boolean).join("; ");
}

/** A recurrent model whose cell state is edited after certain tokens; all else is the model's own. */
export class EditedMemory {
  /** @param {any} model @param {Edits} edits */
  constructor(model, edits) {
    this.model = model;
    this.edits = new Map(Object.entries(edits).map(([place, units]) => [Number(place), units]));
    /** @type {number} */ this.vocabSize = model.vocabSize;
    /** @type {number} */ this.embeddingDim = model.embeddingDim;
    /** @type {number | null} */ this.contextLength = model.contextLength;
    for (const [place, units] of this.edits) {
      wholeNumber("position", place, 0, Infinity, ", a count of tokens read (0 = bos)");
      for (const [unit, edit] of Object.entries(units)) {
        wholeNumber("unit", Number(unit), 0, this.units() - 1, ", the units of the cell state");
        if (typeof edit !== "function") finiteEdit(unit, edit);
      }
    }
  }

  /** @param {number} id @returns {Float64Array} */
  embed(id) {
    return this.model.embed(id);
  }

  /** Read one or more ids after `state`, with every edit that is due. @param {readonly number[]} ids @param {EditedState | null} [state] */
  advance(ids, state = null) {
    /** @type {EditedState} */ let now = state ?? { ids: [], inner: null };
    let logits = new Float64Array();
    for (const id of tokenIds(ids, this.vocabSize)) {
      const read = this.model.advance([id], now.inner);
      logits = read.logits;
      now = { ids: [...now.ids, id], inner: read.state };
      now.inner = this.edited(now);
    }
    return { logits, state: now };
  }

  /** The inner state after the edit of the newest token, if there is one. @param {EditedState} state */
  edited({ ids, inner }) {
    const place = ids.length - 1, units = this.edits.get(place);
    if (!units) return inner;
    const cell = this.model.opened(inner, place, ids[place]).memory.cell.slice();
    for (const [unit, edit] of Object.entries(units)) {
      const old = cell[Number(unit)];
      cell[Number(unit)] = finiteEdit(unit, typeof edit === "function" ? edit(old) : edit);
    }
    return this.model.withCell(inner, cell);
  }

  /** The state after the first `length` tokens; edits after them are made again when they are due. @param {EditedState} state @param {number} length */
  rewind({ ids, inner }, length) {
    const kept = rewindLength(length, ids.length);
    return { ids: ids.slice(0, kept), inner: this.model.rewind(inner, kept) };
  }

  /** What happened when that token was read; the memory is as the edit left it. @param {EditedState} state @param {number} position @param {number} id */
  opened(state, position, id) {
    return this.model.opened(state.inner, position, id);
  }

  /** How many units the cell state has. @returns {number} */
  units() {
    return this.model.units();
  }

  /** @param {EditedState} state @param {Float64Array} cell */
  withCell({ ids, inner }, cell) {
    return { ids, inner: this.model.withCell(inner, cell) };
  }
}

/** @param {string} unit @param {unknown} value @returns {number} */
function finiteEdit(unit, value) {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new RangeError(`unit ${unit} would become ${shown(value)}: give a finite number, such as 0`);
  }
  return value;
}
