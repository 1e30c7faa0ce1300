// @ts-check
/**
 * The records of a journey, as helpers/records.py has them, and what a model is: types alone, but for the surprise.
 *
 * A place in the text: its id, its embedding row (D,), the row's length, and its cosine to the row before, null where
 * there is none.
 * @typedef {{position: number, id: number, piece: string, text: string, row: Float64Array, norm: number,
 *   cosine: number | null, fromPrompt: boolean}} Token
 *
 * An id that might have come next: what the model gives it at temperature 1, and what the settings leave of that.
 * @typedef {{id: number, piece: string, model: number, sampling: number}} Candidate
 *
 * `input` went in, `output` came out. candidates: the 8 likeliest and the chosen one. entropy: in bits. changed: what was
 * changed inside the model that took this step, in words; "" for nothing.
 * @typedef {{index: number, input: Token, output: Token, candidates: Candidate[], probability: number, settings: Settings,
 *   chosenBy: "sampler" | "learner" | "prompt", finishReason: FinishReason, entropy: number, changed: string}} Step
 * @typedef {"eos" | "length" | "context" | null} FinishReason
 * @typedef {import("./sampling.js").Settings} Settings
 *
 * One station between the row and the logits: candidates are the 3 likeliest under the logit lens, rank is the place of
 * the token that came.
 * @typedef {{name: string, vector: Float64Array, norm: number, candidates: Candidate[], rank: number | null}} Stage
 *
 * What an LSTM held and did when it read a token, (H,) each.
 * @typedef {{cell: Float64Array, hidden: Float64Array, inputGate: Float64Array, forgetGate: Float64Array, outputGate: Float64Array}} Memory
 *
 * How much each head of each layer takes from each of the N tokens so far: (L, S, N), row after row.
 * @typedef {{layers: number, heads: number, looks: Float64Array}} Attention
 * @typedef {{stages: Stage[], attention: Attention | null, memory: Memory | null}} Inside
 *
 * What a model tells of a token that it read. stages: (name, vector, what the output table reads of it or null).
 * @typedef {{stages: [string, Float64Array, Float64Array | null][], table: Float64Array, bias: Float64Array | null,
 *   attention: Attention | null, memory: Memory | null}} Opened
 *
 * A model reads ids and scores the next one; its state may be changed in place.
 * @typedef {{vocabSize: number, embeddingDim: number, contextLength: number | null, embed: (id: number) => Float64Array,
 *   advance: (ids: readonly number[], state?: any) => {logits: Float64Array, state: any},
 *   rewind: (state: any, length: number) => any,
 *   opened?: (state: any, position: number, id: number) => Opened}} LanguageModel
 */

/** How unlikely the output was for the model, in bits: -log2 of its probability at temperature 1. @param {Step} step */
export function surprise({ candidates, output }) {
  const given = candidates.find(({ id }) => id === output.id)?.model;
  return given ? -Math.log2(given) : Infinity;
}
