// @ts-check
/** Arithmetic on vectors in float64. A matrix (rows, columns) is one long array, row after row. */

/**
 * weights (N, M) times x (M,), plus bias (N,) where there is one: (N,).
 * @param {Float64Array} weights @param {Float64Array} x @param {Float64Array | null} [bias]
 */
export function affine(weights, x, bias = null) {
  const size = x.length, result = new Float64Array(weights.length / size), whole = size - (size % 4);
  for (let row = 0, begin = 0; row < result.length; row++, begin += size) {
    let a = 0, b = 0, c = 0, d = 0, n = 0; // four sums: the processor adds them side by side
    for (; n < whole; n += 4) {
      a += weights[begin + n] * x[n];
      b += weights[begin + n + 1] * x[n + 1];
      c += weights[begin + n + 2] * x[n + 2];
      d += weights[begin + n + 3] * x[n + 3];
    }
    for (; n < size; n++) a += weights[begin + n] * x[n];
    result[row] = a + b + (c + d) + (bias ? bias[row] : 0);
  }
  return result;
}

/** @param {Float64Array} a @param {Float64Array} b */
export function sum(a, b) {
  return a.map((value, n) => value + b[n]);
}

/** @param {Float64Array} a @param {Float64Array} b */
export function dot(a, b) {
  return a.reduce((total, value, n) => total + value * b[n], 0);
}

/** A vector's length, √(Σ x²). @param {Float64Array} vector */
export function norm(vector) {
  return Math.sqrt(dot(vector, vector));
}

/** @param {Float64Array} values */
export function total(values) {
  let found = 0;
  for (let n = 0; n < values.length; n++) found += values[n];
  return found;
}

/** NaN counts as the largest of all. @param {Float64Array} values */
export function largest(values) {
  let found = -Infinity;
  for (let n = 0; n < values.length; n++) {
    if (Number.isNaN(values[n])) return NaN;
    if (values[n] > found) found = values[n];
  }
  return found;
}

/** e to the power of each value less the largest, divided by `temperature`: no power overflows. @param {Float64Array} values */
export function powers(values, temperature = 1) {
  const most = largest(values);
  return values.map((value) => Math.exp((value - most) / temperature));
}

/** Each value divided by their sum. @param {Float64Array} values */
export function normalised(values) {
  const whole = total(values);
  return values.map((value) => value / whole);
}

/** Places of exactly `count` largest values, ties going to lower places, in the order of places. @param {Float64Array} values @param {number} count */
export function placesOfLargest(values, count) {
  const places = Array.from(values.keys());
  if (count >= values.length) return places;
  const threshold = values.slice().sort()[values.length - count];
  let ties = count - values.filter((value) => value > threshold).length;
  return places.filter((place) => values[place] > threshold || (values[place] === threshold && ties-- > 0));
}

/** The same, largest first. @param {Float64Array} values @param {number} count */
export function largestFirst(values, count) {
  return placesOfLargest(values, count).sort((a, b) => values[b] - values[a] || a - b);
}
