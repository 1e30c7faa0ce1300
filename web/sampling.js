// @ts-check
/**
 * From logits to one id: temperature, top-k, top-p, min-p, then a draw; nothing is changed in place. See
 * helpers/sampling.py, whose table of filters this is.
 *
 * @typedef {{temperature: number, top_k: number, top_p: number, min_p: number}} Settings
 * @typedef {{name: keyof Settings, apply: (values: Float64Array, setting: number) => Float64Array, off: number,
 *   accepts: (value: number) => boolean, allowed: string, example: number, slider: [number, number, number],
 *   label: string, short: string, whole?: boolean}} Filter
 */
import { shown } from "./checks.js";
import { largest, largestFirst, normalised, placesOfLargest, powers, total } from "./arrays.js";

const ROUNDING = 1e-12; // a tolerance: 0.1 added eight times must count as 0.8

/** The filters in the order in which they are applied, each on what the one before left. @type {Filter[]} */
export const FILTERS = [
  {
    name: "temperature", apply: applyTemperature, off: 1, accepts: (value) => 0 <= value && value < Infinity,
    allowed: "a number from 0 up, finite (0 = greedy)", example: 1, slider: [0, 2, 0.05], label: "temperature", short: "T",
  },
  {
    name: "top_k", apply: keepTopK, off: 0, accepts: (value) => value >= 0,
    allowed: "a whole number from 0 up (0 = off)", example: 40, slider: [0, 200, 1], label: "top-k", short: "top-k", whole: true,
  },
  {
    name: "top_p", apply: keepTopP, off: 1, accepts: (value) => 0 < value && value <= 1,
    allowed: "a number above 0 and up to 1 (1 = off)", example: 0.9, slider: [0.05, 1, 0.05], label: "top-p", short: "top-p",
  },
  {
    name: "min_p", apply: keepMinP, off: 0, accepts: (value) => 0 <= value && value <= 1,
    allowed: "a number from 0 to 1 (0 = off)", example: 0.1, slider: [0, 1, 0.05], label: "min-p", short: "min-p",
  },
];

/** Settings that cut nothing, with those that are given; RangeError names one that cannot be. @param {Partial<Settings>} [given] @returns {Settings} */
export function settingsOf(given = {}) {
  const named = Object.fromEntries(FILTERS.map(({ name, off }) => [name, off]));
  const settings = /** @type {Settings} */ ({ ...named, ...given });
  for (const [name, value] of Object.entries(settings)) {
    const entry = FILTERS.find((each) => each.name === name);
    if (!entry) throw new RangeError(`${name} is no setting: known are ${FILTERS.map((each) => each.name).join(", ")}`);
    const fits = typeof value === "number" && entry.accepts(value) && (!entry.whole || Number.isInteger(value));
    if (!fits) throw new RangeError(`${name} is ${shown(value)}: it must be ${entry.allowed}, for example ${name}=${entry.example}`);
  }
  return settings;
}

/** softmax(logits / temperature), (V,); at temperature 0 everything goes to the largest logit. @param {Float64Array} logits @param {number} temperature */
function applyTemperature(logits, temperature) {
  if (temperature === 0) return only(new Float64Array(logits.length).fill(1), [logits.indexOf(largest(logits))]);
  return normalised(powers(logits, temperature));
}

/** The k largest; 0 or k >= V changes nothing. @param {Float64Array} probabilities @param {number} count */
function keepTopK(probabilities, count) {
  if (count === 0 || count >= probabilities.length) return probabilities;
  return only(probabilities, placesOfLargest(probabilities, count));
}

/** The fewest whose sum reaches p; 1 keeps all. @param {Float64Array} probabilities @param {number} share */
function keepTopP(probabilities, share) {
  if (share === 1) return probabilities;
  const kept = [];
  let mass = 0;
  for (const id of largestFirst(probabilities, probabilities.length)) {
    if (mass >= share - ROUNDING || probabilities[id] === 0) break;
    mass += probabilities[id];
    kept.push(id);
  }
  return only(probabilities, kept);
}

/** Those of at least min_p times the largest; 0 changes nothing. @param {Float64Array} probabilities @param {number} share */
function keepMinP(probabilities, share) {
  if (share === 0) return probabilities;
  const least = share * largest(probabilities);
  return normalised(probabilities.map((value) => (value >= least ? value : 0)));
}

/** These ids alone, renormalised, the rest 0. @param {Float64Array} probabilities @param {number[]} ids */
function only(probabilities, ids) {
  const kept = new Float64Array(probabilities.length);
  for (const id of ids) kept[id] = probabilities[id];
  return normalised(kept);
}

/** logits (V,) -> probabilities (V,) that sum to 1: every filter of the settings, in their order. @param {Float64Array} logits @param {Settings} settings */
export function nextTokenProbabilities(logits, settings) {
  const highest = largest(logits);
  if (!Number.isFinite(highest)) {
    const found = Number.isNaN(highest) ? "NaN" : highest > 0 ? "+inf" : "only -inf";
    throw new RangeError(`logits hold ${found}: they must be numbers, -inf for ids that are never to be chosen`);
  }
  return FILTERS.reduce((values, { name, apply }) => apply(values, settings[name]), logits);
}

/** One id, each as often as its probability says: where a number from 0 to 1 falls in the running sum. @param {Float64Array} probabilities @param {number} number */
export function draw(probabilities, number) {
  const wanted = number * total(probabilities);
  let mass = 0, last = 0;
  for (let id = 0; id < probabilities.length; id++) {
    if (probabilities[id] === 0) continue;
    mass += probabilities[id];
    if (mass > wanted) return id;
    last = id;
  }
  return last; // the product was rounded up to the sum itself
}
