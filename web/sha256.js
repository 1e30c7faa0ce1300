// @ts-check
/** SHA-256 (FIPS 180-4), for pages to which a browser gives no crypto.subtle: files opened from disk, plain http. */

const PRIMES = [...Array(312).keys()].filter((n) => n > 1 && [...Array(n).keys()].slice(2).every((k) => n % k)); // the first 64
const START = PRIMES.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const CONSTANTS = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const BLOCK = 64; // bytes

/** The digest as 64 hexadecimal digits, of parts taken together. @param {Uint8Array[]} parts */
export function sha256(parts) {
  const state = Uint32Array.from(START), words = new Uint32Array(64), block = new Uint8Array(BLOCK);
  let filled = 0; // bytes of the block
  for (const part of [...parts, ending(parts)]) {
    for (let begin = 0; begin < part.length; ) {
      const taken = part.subarray(begin, begin + BLOCK - filled);
      block.set(taken, filled);
      begin += taken.length;
      filled = (filled + taken.length) % BLOCK;
      if (!filled) mix(state, block, words);
    }
  }
  return [...state].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** A bit that is 1, as many that are 0 as fill a block, and the number of bits of the parts. @param {Uint8Array[]} parts */
function ending(parts) {
  const size = parts.reduce((sum, part) => sum + part.length, 0), zeros = (2 * BLOCK - 9 - (size % BLOCK)) % BLOCK;
  const end = new Uint8Array(1 + zeros + 8);
  end[0] = 0x80;
  new DataView(end.buffer).setBigUint64(1 + zeros, BigInt(size) * 8n);
  return end;
}

/** Mix one block into the state. @param {Uint32Array} state @param {Uint8Array} block @param {Uint32Array} words */
function mix(state, block, words) {
  for (let n = 0; n < 16; n++) words[n] = (block[4 * n] << 24) | (block[4 * n + 1] << 16) | (block[4 * n + 2] << 8) | block[4 * n + 3];
  for (let n = 16; n < 64; n++) {
    const x = words[n - 15], y = words[n - 2];
    words[n] = words[n - 16] + words[n - 7] + (turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)) + (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let n = 0; n < 64; n++) {
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + CONSTANTS[n] + words[n]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, n) => (state[n] += value));
}

/** @param {number} word @param {number} bits */
function turned(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits behind the point. @param {number} value */
function fraction(value) {
  return Math.floor((value % 1) * 2 ** 32);
}
