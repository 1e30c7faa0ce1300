// @ts-check
/**
 * What a figure shows, in one sentence computed from its records: see helpers/sentences.py.
 *
 * @typedef {import("./records.js").Token} Token
 * @typedef {import("./records.js").Step} Step
 * @typedef {import("./records.js").Stage} Stage
 */
import { surprise } from "./records.js";
import { SPACE } from "./sentencepiece.js";

const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}\p{Zs}]/u;
/** @type {Record<string, string>} */ const SHORT_ESCAPES = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A piece as it is shown: '·' for the space, and escapes for characters that cannot be seen. @param {string} piece */
export function visible(piece) {
  return [...piece.replaceAll(SPACE, "·")].map((letter) => (isPrintable(letter) ? letter : escaped(letter))).join("");
}

/** @param {string} letter */
function isPrintable(letter) {
  return letter === " " || !NOT_PRINTABLE.test(letter);
}

/** @param {string} letter */
function escaped(letter) {
  const code = /** @type {number} */ (letter.codePointAt(0)), [sign, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
  return SHORT_ESCAPES[letter] ?? `\\${sign}${code.toString(16).padStart(Number(digits), "0")}`;
}

/** The text, or its beginning and '…' if it is longer than `longest` characters. @param {string} text */
export function shortened(text, longest = 16) {
  const letters = [...text];
  return letters.length <= longest ? text : `${letters.slice(0, longest - 1).join("")}…`;
}

/** A probability in two digits, or in four where two would say 0. @param {number} probability */
export function share(probability) {
  if (probability >= 0.01) return probability.toFixed(2);
  return probability >= 0.0001 ? probability.toFixed(4) : "<0.0001";
}

/** How many tokens came from the prompt, how many are new, and the newest one. @param {readonly Token[]} tokens */
export function ofText(tokens) {
  const given = tokens.filter(({ fromPrompt }) => fromPrompt).length, newest = visible(tokens[tokens.length - 1].piece);
  return `${given} tokens of the prompt and ${tokens.length - given} new ones; the newest is ${newest}.`;
}

/** The embedding row of a token: how many numbers, from where to where, its norm. @param {Token} token */
export function ofRow({ id, row, norm }) {
  return `Row ${id}: ${row.length} numbers from ${signed(Math.min(...row), 2)} to ${signed(Math.max(...row), 2)}, norm ${norm.toFixed(3)}.`;
}

/** Who took the token that came next, how probable it was, and how many candidates were cut off. @param {Step} step */
export function ofChoice({ chosenBy, output, probability, candidates, changed }) {
  const inside = changed && ` (${changed})`;
  if (chosenBy === "prompt") return `The prompt goes on with ${quoted(output.piece)}, probability ${share(probability)}${inside}.`;
  const by = chosenBy === "learner" ? "You chose" : "Drawn:", cut = candidates.filter(({ sampling }) => sampling === 0).length;
  return `${by} ${quoted(output.piece)}, probability ${share(probability)}; ${cut || "none"} of ${candidates.length} cut off${inside}.`;
}

/** The mean of the embedding norms, the lowest and the highest; total: how many there are, where more than these. @param {readonly Token[]} tokens @param {number} [total] */
export function ofNorms(tokens, total = tokens.length) {
  const { mean, low, high } = summary(tokens.map(({ norm, piece }) => ({ value: norm, piece })));
  return `Embedding norms of ${counted(tokens.length, total)} tokens: mean ${mean.toFixed(3)}, ` +
    `lowest ${low.value.toFixed(3)} at ${represented(low.piece)}, highest ${high.value.toFixed(3)} at ${represented(high.piece)}.`;
}

/** The mean of the cosines to the token before, the lowest and the highest. @param {readonly Token[]} tokens */
export function ofCosines(tokens) {
  const found = tokens.flatMap(({ cosine, piece }) => (cosine === null ? [] : [{ value: cosine, piece }]));
  if (!found.length) return "Cosines to the token before: there is none to show yet.";
  const { mean, low, high } = summary(found);
  return `Cosines of ${found.length} tokens to the token before: mean ${signed(mean, 3)}, ` +
    `lowest ${signed(low.value, 3)} at ${represented(low.piece)}, highest ${signed(high.value, 3)} at ${represented(high.piece)}.`;
}

/** Bits of surprise along the steps: in all, in the mean, as a perplexity, and where it was highest. @param {readonly Step[]} steps */
export function ofSurprise(steps) {
  if (!steps.length) return "Surprise of each new token: there is no new token yet.";
  const { mean, high } = summary(steps.map((step) => ({ value: surprise(step), piece: step.output.piece })));
  const perplexity = 2 ** Math.min(mean, 1000);
  return `Surprise of ${steps.length} new tokens: ${(mean * steps.length).toFixed(1)} bits, ${mean.toFixed(2)} each ` +
    `(perplexity ${perplexity.toFixed(2)}); most, ${high.value.toFixed(1)} bits, at ${quoted(high.piece)}.`;
}

/** The number of stages, what the logit lens reads first where it can, and the norms at both ends; total: of all stages. @param {readonly Stage[]} stages */
export function ofStages(stages, total = stages.length) {
  const read = stages.filter(({ candidates }) => candidates.length), [first, last] = [stages[0], stages[stages.length - 1]];
  const guesses = read.map(({ candidates, name }) => `${represented(candidates[0].piece)} at ${name}`).join(", ");
  const norms = `norm ${first.norm.toFixed(2)} at ${first.name}, ${last.norm.toFixed(2)} at ${last.name}`;
  return `${counted(stages.length, total)} stages of one token; the lens reads first: ${guesses}; ${norms}.`;
}

/** A piece within a sentence: without quotes a comma would look like the sentence's own. @param {string} piece */
export function quoted(piece) {
  return `‘${shortened(visible(piece))}’`;
}

/** A piece as Python's repr writes it. @param {string} piece */
function represented(piece) {
  const quote = piece.includes("'") && !piece.includes('"') ? '"' : "'";
  const letters = [...piece].map((letter) => (letter === quote || letter === "\\" ? `\\${letter}` : isPrintable(letter) ? letter : escaped(letter)));
  return quote + letters.join("") + quote;
}

/** The mean, and the first of the lowest and of the highest. @param {{value: number, piece: string}[]} found */
function summary(found) {
  const mean = found.reduce((sum, { value }) => sum + value, 0) / found.length;
  const low = found.reduce((least, each) => (each.value < least.value ? each : least));
  return { mean, low, high: found.reduce((most, each) => (each.value > most.value ? each : most)) };
}

/** @param {number} shown @param {number} total */
function counted(shown, total) {
  return total > shown ? `${shown} of ${total}` : `${shown}`;
}

/** A number with its sign. @param {number} value @param {number} digits */
function signed(value, digits) {
  return (value < 0 ? "" : "+") + value.toFixed(digits);
}
