// @ts-check
/** A trained model with its tokenizer out of one file: see helpers/models/checkpoint.py, which writes it. */
import { finite } from "./checks.js";
import { LSTM } from "./lstm.js";
import { FileError, numbers, readSafetensors } from "./safetensors.js";
import { sha256 } from "./sha256.js";
import { Tokenizer } from "./tokenizer.js";
import { Transformer } from "./transformer.js";

/** @typedef {import("./safetensors.js").Tensor} Tensor */

const FORMAT = "token-journey-2", HEADER = "token-journey", TOKENIZER = "tokenizer";
const AGAIN = "save the checkpoint again";
/** @type {Record<string, any>} */ const MODELS = { lstm: LSTM, transformer: Transformer };
/** @type {Record<string, string>} */ const TYPES = { F64: "torch.float64", F32: "torch.float32", F16: "torch.float16", U8: "torch.uint8" };

/**
 * The model, in float64, and the tokenizer of a file; FileError if it is damaged, or none of this series.
 * @param {Uint8Array} file @param {string} [name] what a sentence calls the file
 * @returns {{model: LSTM | Transformer, tokenizer: Tokenizer}}
 */
export function loadCheckpoint(file, name = "the file") {
  try {
    return opened(file);
  } catch (error) {
    if (error instanceof FileError) throw new FileError(`${name}: ${error.message}`);
    throw error;
  }
}

/** @param {Uint8Array} file */
function opened(file) {
  const { metadata, tensors } = readSafetensors(file), header = headerOf(metadata);
  const content = tensors.get(TOKENIZER);
  if (!content) throw new FileError(`it lacks ${TOKENIZER}: ${AGAIN}`);
  if (digest(metadata[HEADER], tensors) !== header.sha256) throw new FileError(`it is damaged, it changed after it was saved: ${AGAIN}`);
  tensors.delete(TOKENIZER);
  const tokenizer = tokenizerOf(header, content.bytes), model = modelOf(header, tensors);
  if (model.vocabSize !== tokenizer.vocabSize) throw new FileError(`the model has ${model.vocabSize} ids, the tokenizer ${tokenizer.vocabSize}`);
  return { model, tokenizer };
}

/** What the file says of itself, checked. @param {Record<string, string>} metadata */
function headerOf(metadata) {
  const header = jsonOf(metadata[HEADER]);
  if (!header) throw new FileError(`it is no checkpoint of this series: ${AGAIN}`);
  if (header.format !== FORMAT) throw new FileError(`its format is '${header.format}', expected '${FORMAT}': ${AGAIN}`);
  const missing = ["architecture", "model", "sha256", "tokenizer"].filter((key) => !(key in header));
  if (missing.length) throw new FileError(`it lacks ${missing.join(", ")}: ${AGAIN}`);
  if (!Object.keys(MODELS).includes(header.architecture)) {
    throw new FileError(`its architecture is '${header.architecture}', known are ${Object.keys(MODELS).join(", ")}`);
  }
  return header;
}

/** @param {string | undefined} text @returns {Record<string, any> | null} */
function jsonOf(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null; // whatever it holds, it is no header
  }
}

/** @param {Record<string, any>} header @param {Uint8Array} content */
function tokenizerOf(header, content) {
  if (header.tokenizer !== "sentencepiece") throw new FileError(`its tokenizer is of the kind '${header.tokenizer}', which runs in a notebook alone`);
  try {
    return new Tokenizer(content);
  } catch (error) {
    throw new FileError(`its tokenizer cannot be read (${/** @type {Error} */ (error).message}): ${AGAIN}`);
  }
}

/** @param {Record<string, any>} header @param {Map<string, Tensor>} tensors @returns {LSTM | Transformer} */
function modelOf({ architecture, model: config }, tensors) {
  const Model = MODELS[architecture], shapes = Object.entries(/** @type {Record<string, number[]>} */ (Model.shapes(config)));
  const fits = shapes.length === tensors.size && shapes.every(([name, shape]) => tensors.get(name)?.shape.join() === shape.join());
  if (!fits) throw new FileError(`the weights do not fit ${JSON.stringify(config)}: ${AGAIN}`);
  return new Model(config, Object.fromEntries([...tensors].map(([name, tensor]) => [name, weight(name, tensor)])));
}

/** @param {string} name @param {Tensor} tensor */
function weight(name, tensor) {
  try {
    return finite(`the weight ${name}`, numbers(tensor), "train the model again, with a lower learning rate");
  } catch (error) {
    throw new FileError(/** @type {Error} */ (error).message);
  }
}

/** SHA-256 over what the header says and over names, types, shapes and bytes of all tensors, in order of names. @param {string} header @param {Map<string, Tensor>} tensors */
function digest(header, tensors) {
  const utf8 = new TextEncoder();
  /** @type {Uint8Array[]} */ const parts = [utf8.encode(withoutDigest(header))];
  for (const [name, { dtype, shape, bytes }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const sides = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
    parts.push(utf8.encode(`${name} ${TYPES[dtype]} (${sides})\n`), bytes);
  }
  return sha256(parts);
}

const NUMBERS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g; // and texts, so that no number within one is found
const EXACT = "number ";

/** The header without its digest as Python's json.dumps(…, sort_keys=True) writes it: numbers as they stand. @param {string} header */
function withoutDigest(header) {
  const { sha256: _, ...rest } = JSON.parse(header.replace(NUMBERS, (part) => (part[0] === '"' ? part : `"${EXACT}${part}"`)));
  return sorted(rest);
}

/** @param {any} value @returns {string} */
function sorted(value) {
  if (typeof value === "string" && value.startsWith(EXACT)) return value.slice(EXACT.length);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `"${key}": ${sorted(value[key])}`).join(", ")}}`;
}
