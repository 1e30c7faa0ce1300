import assert from "node:assert/strict";
import { test } from "node:test";
import { AS_IT_IS, canChange, changeSaid, changed } from "../../web/interventions.js";
import { Generation } from "../../web/streaming.js";
import { Teller, closedPart, insidePart, readPart } from "../../web/teller.js";
import { close, golden, shipped } from "./golden.mjs";

const { script, prompts, changes, told } = golden("messages");
const KINDS = { float32: Float32Array, int16: Int16Array, uint8: Uint8Array };

for (const [name, expected] of Object.entries(told)) {
  test(`${name}: the page is told what the kernel tells it`, () => {
    const { model, tokenizer } = shipped(name), teller = new Teller(), found = [];
    const [other, said] = changes[name];
    let generation = new Generation(model, tokenizer, prompts[0], 11), change = AS_IT_IS;
    assert.equal(changeSaid(other), said);
    const acts = {
      step: (count) => {
        for (let n = 0; n < count; n++) {
          if (generation.finishReason) chooseAgain(generation, generation.steps.length);
          generation.step({ temperature: 1 + (n % 3) / 10, top_k: 30 });
        }
      },
      rewind: (count) => generation.rewind(count),
      choose: (n) => generation.choose(generation.steps.at(-1).candidates[n].id),
      "choose again": (count) => chooseAgain(generation, count),
      change: (to) => {
        change = to ? other : AS_IT_IS;
        generation.change(changed(model, change), changeSaid(change));
      },
      forget: () => teller.forget(),
      new: () => { generation = new Generation(model, tokenizer, prompts[1], 12); },
    };
    for (const [what, number] of script) {
      if (what in acts) acts[what](number);
      else found.push(message(teller, generation, what, number, { can: canChange(model), change }));
    }
    assert.equal(found.length, expected.length);
    found.forEach(([message, buffers], n) => same(message, buffers, expected[n]));
  });
}

/** Take step number `count` back, and choose the likeliest other id instead. */
function chooseAgain(generation, count) {
  const { candidates, output, settings } = generation.steps[count - 1];
  generation.rewind(count - 1);
  generation.choose(candidates.find(({ id }) => id !== output.id).id, settings);
}

function message(teller, generation, what, position, changes) {
  const place = generation.promptLength - 2 + position;
  const parts = {
    inside: () => [insidePart(place, generation.insideAt(place))],
    read: () => [readPart(generation.expected(position))],
    closed: () => [closedPart(position, "It does not say.")],
  }[what]?.() ?? [];
  return teller.tell(generation, { position, playing: what === "quiet", status: ["a", "b", "c"], inside: what === "inside", said: what !== "quiet", ...changes }, parts);
}

function same(message, buffers, expected) {
  close(JSON.parse(JSON.stringify(message, sorted)), JSON.parse(JSON.stringify(expected.message, sorted)), 1e-5, "message");
  assert.equal(buffers.length, expected.buffers.length);
  buffers.forEach(({ buffer }, n) => {
    const kind = expected.kinds[n], Kind = KINDS[kind], numbers = [...new Kind(Uint8Array.from(expected.buffers[n]).buffer)];
    close([...new Kind(buffer)], numbers, kind === "float32" ? 1e-5 : 1, `buffer ${n}`);
  });
}

/** Python and JavaScript write the entries of an object in orders of their own. */
function sorted(_, value) {
  return value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value;
}
