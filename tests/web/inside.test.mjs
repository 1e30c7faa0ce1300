import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCheckpoint } from "../../web/checkpoint.js";
import { editMemory, muteHeads } from "../../web/interventions.js";
import { Generation } from "../../web/streaming.js";
import { bytesOf, close, golden, shipped } from "./golden.mjs";

const NEAR = 1e-5, SETTINGS = { temperature: 1.2, top_p: 0.95 };

for (const run of golden("inside").runs) {
  const name = `${run.shipped ?? run.file}${run.mute ? ", two heads muted" : ""}${run.edit ? ", its memory edited" : ""}`;

  test(`${name}: what is inside at each place is what Python sees there`, () => {
    const { model, tokenizer } = run.shipped ? shipped(run.shipped) : loadCheckpoint(bytesOf(run.file));
    const generation = new Generation(changed(model, run), tokenizer, "Mia and the cat", 4);
    for (let n = 0; n < 5; n++) generation.step(SETTINGS);
    generation.choose(300, SETTINGS);
    for (let n = 0; n < 4; n++) generation.step(SETTINGS);
    generation.rewind(8);
    const found = generation.tokens.slice(0, -1).map(({ position }) => placeOf(generation, position));
    generation.step(SETTINGS);
    found.push(placeOf(generation, generation.tokens.length - 2));
    assert.deepEqual(generation.tokens.map(({ id }) => id), run.ids);
    close(generation.tokens.map(({ cosine }) => cosine), run.cosines, NEAR);
    close(found, run.places, NEAR);
    const again = generation.tokens.slice(0, -1).map(({ position }) => placeOf(generation, position));
    close(again, [...found.slice(0, -1), again.at(-1)], 1e-12); // to ask has changed nothing
  });
}

test("what cannot be changed is refused", () => {
  const lstm = shipped("lstm").model, transformer = shipped("transformer").model;
  assert.throws(() => muteHeads(lstm, [[0, 0]]), /a LSTM has no attention heads to mute: give a Transformer/);
  assert.throws(() => editMemory(transformer, {}), /a Transformer has no cell state to edit: give an LSTM/);
  assert.throws(() => muteHeads(transformer, [[2, 0]]), /layer is 2: give a whole number from 0 to 1/);
  assert.throws(() => muteHeads(transformer, [[1, 4]]), /head is 4: give a whole number from 0 to 3/);
  assert.throws(() => editMemory(lstm, { 1: { 256: 0 } }), /unit is 256: give a whole number from 0 to 255/);
  assert.throws(() => editMemory(lstm, { "-1": { 0: 0 } }), /position is -1/);
  assert.throws(() => editMemory(lstm, { 1: { 0: NaN } }), /unit 0 would become NaN: give a finite number/);
  const edited = editMemory(lstm, { 1: { 0: () => Infinity } });
  assert.throws(() => edited.advance([2, 300]), /unit 0 would become Infinity/);
});

test("a changed model leaves the one that it was made from as it is", () => {
  const { model } = shipped("transformer"), before = model.advance([2, 300, 301]).logits;
  assert.notDeepEqual(muteHeads(model, [[0, 0]]).advance([2, 300, 301]).logits, before);
  assert.deepEqual(model.advance([2, 300, 301]).logits, before);
});

function changed(model, { mute, edit }) {
  if (mute) return muteHeads(model, mute);
  return edit ? editMemory(model, Object.fromEntries(Object.entries(edit).map(([place, units]) => [place, flips(units)]))) : model;
}

function flips(units) {
  return Object.fromEntries(Object.entries(units).map(([unit, value]) => [unit, value === "flip" ? (old) => -old : value]));
}

function placeOf(generation, place) {
  const { index, output, chosenBy, entropy, candidates } = generation.expected(place), { stages, attention, memory } = generation.insideAt(place);
  return {
    expected: { index, output: output.id, by: chosenBy, entropy, candidates: candidates.map(listed) },
    inside: {
      stages: stages.map(({ name, vector, norm, rank, candidates }) => [name, [...vector], norm, rank, candidates.map(listed)]),
      attention: attention && [[attention.layers, attention.heads], [...attention.looks]],
      memory: memory && [memory.cell, memory.hidden, memory.inputGate, memory.forgetGate, memory.outputGate].map((part) => [...part]),
    },
    ranks: generation.insideAt(place, "candidates").stages.map(({ rank }) => rank),
  };
}

function listed({ id, piece, model, sampling }) {
  return [id, piece, model, sampling];
}
