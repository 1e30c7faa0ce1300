import assert from "node:assert/strict";
import { test } from "node:test";
import { Generation } from "../../web/streaming.js";
import { close, golden, shipped } from "./golden.mjs";

const MOST = { lstm: 4, transformer: 6 }; // milliseconds of the processor for a token, in the median

for (const [name, runs] of Object.entries(golden("seeds"))) {
  const { model, tokenizer } = shipped(name);

  test(`${name}: ${runs.length} seeds write the texts that they write in Python`, (t) => {
    let compared = 0, near = 0;
    for (const run of runs) {
      const generation = new Generation(model, tokenizer, run.prompt, run.seed), prompt = run.ids.length - 100;
      for (const [n, isNear] of run.near.entries()) {
        const step = generation.step(run.settings[Math.floor(n / 50)]), same = run.ends.includes(n) ? step.finishReason === "eos" : step.output.id === run.ids[prompt + n];
        if (isNear) near++;
        if (isNear && !same) break; // the number fell on the line between two ids: either is right
        assert.ok(same, `seed ${run.seed}, step ${n}: ${step.output.id}, not ${run.ids[prompt + n]}`);
        if (!step.finishReason) close([step.probability, step.entropy], [run.probabilities[n], run.entropies[n]], 1e-9);
        compared++;
        if (!step.finishReason) continue;
        assert.equal(step.finishReason, "eos");
        assert.ok(run.ends.includes(n));
        generation.rewind(n);
        generation.choose(step.candidates.find(({ id }) => id !== step.output.id).id, step.settings);
      }
      if (generation.steps.length < 100) continue;
      assert.deepEqual(generation.tokens.map(({ id }) => id), run.ids);
      assert.deepEqual(generation.tokens.map(({ text }) => text), run.texts);
    }
    t.diagnostic(`${compared} draws compared, ${near} of them within 1e-9 of the line between two ids`);
    assert.ok(compared > 9990 && near < 10, `${compared} ${near}`);
  });

  test(`${name}: a token takes at most ${MOST[name]} ms`, (t) => {
    const generation = new Generation(model, tokenizer, "One day, Mia", 1), times = [];
    for (let n = 0; n < 200; n++) {
      const began = process.cpuUsage().user;
      generation.choose(generation.steps.at(-1)?.candidates.find(({ id }) => id !== 3).id ?? 300, { temperature: 0.8, top_k: 50, top_p: 0.9 });
      times.push((process.cpuUsage().user - began) / 1000);
    }
    const median = times.sort((a, b) => a - b)[100];
    t.diagnostic(`${median} ms`);
    assert.ok(median <= MOST[name], `${median} ms`);
  });

  test(`${name}: after a rewind the same tokens come again, with the same numbers`, () => {
    const generation = new Generation(model, tokenizer, "The old farmer had", 5);
    for (let n = 0; n < 12; n++) generation.step();
    const before = generation.steps.slice(), text = generation.text;
    for (const kept of [7, 3, 0, 0]) {
      generation.rewind(kept);
      while (generation.steps.length < 12) generation.step();
      close(generation.steps.map(numbersOf), before.map(numbersOf), 0);
      assert.equal(generation.text, text);
    }
    generation.rewind(4);
    generation.choose(before[4].candidates[2].id);
    assert.notEqual(generation.text, text);
    generation.rewind(4);
    while (generation.steps.length < 12) generation.step();
    assert.equal(generation.text, text);
  });

  test(`${name}: a rewind into a character keeps its bytes`, () => {
    const generation = new Generation(model, tokenizer, "It costs", 5);
    for (const byte of [0xe2, 0x82, 0xac, 0x21]) generation.choose(4 + byte);
    generation.rewind(2);
    assert.equal(generation.text, "It costs");
    generation.choose(4 + 0xac);
    assert.equal(generation.text, "It costs€");
    generation.rewind(0);
    generation.choose(tokenizer.encode("a a").at(-1));
    assert.equal(generation.text, "It costs a");
  });

  test(`${name}: what cannot be is refused, and leaves no trace`, () => {
    const generation = new Generation(model, tokenizer, "Mia", 5);
    assert.throws(() => generation.expected(9), /position is 9: give a whole number from 0 to/);
    assert.throws(() => generation.inside(0), /there is no step yet/);
    for (const id of [0, 1, 2]) assert.throws(() => generation.choose(id), /never follows a text/);
    assert.throws(() => generation.choose(1800), /token_id 1800 is outside 0 … 1799, the model's vocabulary/);
    assert.throws(() => generation.step({ top_p: 3 }), /top_p is 3/);
    assert.throws(() => generation.rewind(1), /steps is 1/);
    assert.throws(() => generation.insideAt(0, "all"), /lens is "all": give one of/);
    assert.throws(() => new Generation(model, tokenizer, "\udc00", 1), /lone surrogate/);
    generation.step({}, true);
    assert.equal(generation.finishReason, "length");
    assert.throws(() => generation.step(), /the text has ended \(length\): rewind it or start a new one/);
    assert.equal(generation.steps.length, 1);
  });
}

test("a text ends where the model can read no more", () => {
  const { model, tokenizer } = shipped("transformer"), generation = new Generation(model, tokenizer, "a ".repeat(245), 1);
  while (!generation.finishReason) generation.choose(300);
  assert.equal(generation.finishReason, "context");
  assert.equal(generation.tokens.length, 257);
  assert.throws(() => new Generation(model, tokenizer, "a ".repeat(400), 1), /the model reads at most 256: shorten it/);
});

function numbersOf({ output, probability, entropy }) {
  return [output.id, probability, entropy];
}
