// @ts-check
/** The few checks of arguments that the modules share, each error one sentence: see helpers/checks.py. */

/**
 * `value` as a whole number from `lowest` to `highest`; RangeError names it, its value and the range.
 * @param {string} name @param {unknown} value @param {number} [lowest] @param {number} [highest] @param {string} [remedy]
 */
export function wholeNumber(name, value, lowest = 0, highest = Infinity, remedy = "") {
  if (typeof value === "number" && Number.isSafeInteger(value) && lowest <= value && value <= highest) return value;
  const end = highest === Infinity ? "up" : `to ${highest.toLocaleString("en-US")}`;
  throw new RangeError(`${name} is ${shown(value)}: give a whole number from ${lowest} ${end}${remedy}`);
}

/** An id from 0 to V - 1; RangeError says what else it is. @param {unknown} value @param {number} vocabSize */
export function tokenId(value, vocabSize, what = "the rows of the embedding table", name = "id") {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new RangeError(`${name} ${shown(value)} is not a whole number: give one from 0 to ${vocabSize - 1}`);
  }
  if (value < 0 || value >= vocabSize) throw new RangeError(`${name} ${value} is outside 0 … ${vocabSize - 1}, ${what}`);
  return value;
}

/** At least one id, each from 0 to V - 1. @param {readonly number[]} ids @param {number} vocabSize */
export function tokenIds(ids, vocabSize) {
  if (!ids.length) throw new RangeError("ids is empty: give at least one token, such as bos");
  return ids.map((id) => tokenId(id, vocabSize));
}

/** A number of tokens to go back to, from 0 to `read`. @param {unknown} length @param {number} read */
export function rewindLength(length, read) {
  if (typeof length === "number" && Number.isInteger(length) && 0 <= length && length <= read) return length;
  throw new RangeError(`cannot rewind to ${shown(length)} tokens: the state has read ${read}`);
}

/** A text that UTF-8 can hold; RangeError names the half of a character that it cannot. @param {string} text */
export function wholeCharacters(text) {
  const place = text.search(/\p{Surrogate}/u);
  if (place < 0) return text;
  const before = [...text.slice(0, place)].length;
  throw new RangeError(`character ${before} is a lone surrogate, half of a character that UTF-8 cannot hold: remove it`);
}

/** The values themselves; RangeError if one is NaN or infinite. @param {string} name @param {Float64Array} values */
export function finite(name, values, remedy = "") {
  const wrong = values.find((value) => !Number.isFinite(value));
  if (wrong === undefined) return values;
  throw new RangeError(`${name} holds ${Number.isNaN(wrong) ? "NaN" : "infinity"}: ${remedy}`);
}

/** A value as a sentence names it, cut where it is long. @param {unknown} value */
export function shown(value) {
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
