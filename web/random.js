// @ts-check
/**
 * NumPy's random numbers: `np.random.default_rng(seed).random()`, the same to the last bit.
 *
 * SeedSequence mixes the seed into a pool (O'Neill 2015, "Developing a seed_seq Alternative"); PCG64 steps a number of
 * 128 bits and shows 64 of them (O'Neill 2014, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
 * Algorithms for Random Number Generation").
 */

const POOL = 4; // words of 32 bits
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;
const low128 = (/** @type {bigint} */ value) => BigInt.asUintN(128, value);
const low64 = (/** @type {bigint} */ value) => BigInt.asUintN(64, value);

/** The random numbers of one seed, each asked for by its place. */
export class Draws {
  /** @param {number | bigint} seed a whole number from 0 up, of any size */
  constructor(seed) {
    if (!(typeof seed === "bigint" || Number.isSafeInteger(seed)) || seed < 0) {
      throw new RangeError(`seed is ${seed}: give a whole number from 0 up`);
    }
    const words = seedWords(BigInt(seed), 8).map(BigInt), wide = (/** @type {number} */ n) => words[n] | (words[n + 1] << 32n);
    this.increment = low128((((wide(4) << 64n) | wide(6)) << 1n) | 1n);
    this.begin = this.after(low128(this.increment + ((wide(0) << 64n) | wide(2))), 1);
  }

  /** Number `place` of the seed, from 0 (the first) up: at least 0, below 1. @param {number} place */
  at(place) {
    const state = this.after(this.begin, place + 1), turn = state >> 122n, mixed = low64((state >> 64n) ^ state);
    return Number(low64((mixed >> turn) | (mixed << (64n - turn))) >> 11n) / 2 ** 53;
  }

  /** The state `steps` steps later: squaring the step takes as many rounds as the number has bits. @param {bigint} state @param {number} steps */
  after(state, steps) {
    let multiplier = MULTIPLIER, increment = this.increment;
    for (let left = steps; left > 0; left = Math.floor(left / 2)) {
      if (left % 2) state = low128(state * multiplier + increment);
      increment = low128((multiplier + 1n) * increment);
      multiplier = low128(multiplier * multiplier);
    }
    return state;
  }
}

/** The first words that SeedSequence(seed) generates, 32 bits each. @param {bigint} seed @param {number} count */
function seedWords(seed, count) {
  const pool = mixedPool(seed), hash = hasher(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, n) => hash(pool[n % POOL]));
}

/** @param {bigint} seed */
function mixedPool(seed) {
  const entropy = wordsOf(seed), hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = Array.from({ length: POOL }, (_, n) => hash(entropy[n] ?? 0));
  for (let from = 0; from < POOL; from++) {
    for (let to = 0; to < POOL; to++) if (from !== to) pool[to] = mixed(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(POOL)) for (let to = 0; to < POOL; to++) pool[to] = mixed(pool[to], hash(word));
  return pool;
}

/** @param {bigint} seed */
function wordsOf(seed) {
  const words = [];
  for (let left = seed; left > 0n || !words.length; left >>= 32n) words.push(Number(BigInt.asUintN(32, left)));
  return words;
}

/** A hash whose constant changes with each word. @param {number} constant @param {number} multiplier */
function hasher(constant, multiplier) {
  return (/** @type {number} */ word) => {
    const value = word ^ constant;
    constant = Math.imul(constant, multiplier);
    return folded(Math.imul(value, constant));
  };
}

/** @param {number} a @param {number} b */
function mixed(a, b) {
  return folded(Math.imul(0xca01f9dd, a) - Math.imul(0x4973f715, b));
}

/** @param {number} value */
function folded(value) {
  return (value ^ (value >>> 16)) >>> 0;
}
