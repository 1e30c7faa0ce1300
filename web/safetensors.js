// @ts-check
/**
 * Reads a safetensors file: 8 bytes with the length of the header, the header as JSON, the tensors' bytes.
 *
 * @typedef {{dtype: string, shape: number[], bytes: Uint8Array}} Tensor
 */

/** A file that cannot be used; the message says in one sentence what was found. */
export class FileError extends Error {
  name = "FileError";
}

/** How many bytes a number of each type takes: the types that a checkpoint of this series may hold. @type {Record<string, number>} */
const SIZES = { F64: 8, F32: 4, F16: 2, U8: 1 };

/**
 * What the file says of itself, and its tensors by name; FileError for a file that is cut off or no such file.
 * @param {Uint8Array} file @returns {{metadata: Record<string, string>, tensors: Map<string, Tensor>}}
 */
export function readSafetensors(file) {
  const size = file.length < 8 ? -1 : Number(view(file).getBigUint64(0, true));
  if (size < 2 || 8 + size > file.length) throw new FileError("its header is cut off");
  const { __metadata__: metadata = {}, ...entries } = headerOf(file.subarray(8, 8 + size));
  const content = file.subarray(8 + size), tensors = new Map(), parts = Object.entries(entries);
  let end = 0;
  for (const [name, entry] of parts.sort(([, a], [, b]) => a?.data_offsets?.[0] - b?.data_offsets?.[0])) {
    const tensor = tensorOf(name, entry, content, end);
    end += tensor.bytes.length;
    tensors.set(name, tensor);
  }
  if (end !== content.length) throw new FileError(`its tensors have ${end} bytes, the file holds ${content.length}`);
  return { metadata, tensors };
}

/** @param {Uint8Array} bytes @returns {Record<string, any>} */
function headerOf(bytes) {
  try {
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (header && typeof header === "object") return header;
  } catch {} // what it holds instead of JSON says nothing to a reader
  throw new FileError("its header is not JSON");
}

/** @param {string} name @param {any} entry @param {Uint8Array} content @param {number} begin where the tensor before it ends @returns {Tensor} */
function tensorOf(name, entry, content, begin) {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  if (!(dtype in SIZES)) throw new FileError(`${name} holds ${dtype} values, known are ${Object.keys(SIZES).join(", ")}`);
  const isShape = Array.isArray(shape) && shape.every((side) => Number.isSafeInteger(side) && side >= 0);
  const bytes = isShape ? shape.reduce((product, side) => product * side, SIZES[dtype]) : NaN;
  if (offsets?.[0] !== begin || offsets[1] !== begin + bytes) throw new FileError(`the bytes of ${name} do not fit its shape`);
  if (offsets[1] > content.length) throw new FileError(`it ends within ${name}`);
  return { dtype, shape, bytes: content.subarray(begin, offsets[1]) };
}

/** A tensor's numbers, each as exact as in the file. @param {Tensor} tensor */
export function numbers({ dtype, bytes }) {
  const data = view(bytes), size = SIZES[dtype];
  /** @type {(place: number) => number} */
  const read = {
    F64: (/** @type {number} */ n) => data.getFloat64(n, true),
    F32: (/** @type {number} */ n) => data.getFloat32(n, true),
    F16: (/** @type {number} */ n) => fromHalf(data.getUint16(n, true)),
  }[dtype] ?? ((n) => data.getUint8(n));
  const values = new Float64Array(bytes.length / size);
  for (let n = 0; n < values.length; n++) values[n] = read(n * size);
  return values;
}

/** A float16 from its bits: 1 for the sign, 5 for the exponent, 10 for the fraction. @param {number} bits */
export function fromHalf(bits) {
  const exponent = (bits >> 10) & 31, fraction = bits & 1023, sign = bits >> 15 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

/** @param {Uint8Array} bytes */
function view(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
