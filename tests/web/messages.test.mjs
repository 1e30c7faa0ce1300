import assert from "node:assert/strict";
import { test } from "node:test";
import { Generation } from "../../web/streaming.js";
import { Teller, closedPart, insidePart, readPart } from "../../web/teller.js";
import { close, golden, shipped } from "./golden.mjs";

const { script, prompts, told } = golden("messages");

for (const [name, expected] of Object.entries(told)) {
  test(`${name}: the page is told what the kernel tells it`, () => {
    const { model, tokenizer } = shipped(name), teller = new Teller(), found = [];
    let generation = new Generation(model, tokenizer, prompts[0], 11);
    const acts = {
      step: (count) => { for (let n = 0; n < count && !generation.finishReason; n++) generation.step({ temperature: 1 + (n % 3) / 10, top_k: 30 }); },
      rewind: (count) => generation.rewind(count),
      choose: (n) => generation.choose(generation.steps.at(-1).candidates[n].id),
      forget: () => teller.forget(),
      new: () => { generation = new Generation(model, tokenizer, prompts[1], 12); },
    };
    for (const [what, number] of script) {
      if (what in acts) acts[what](number);
      else found.push(message(teller, generation, what, number));
    }
    assert.equal(found.length, expected.length);
    found.forEach(([message, buffers], n) => same(message, buffers, expected[n]));
  });
}

function message(teller, generation, what, position) {
  const place = generation.promptLength - 2 + position;
  const parts = {
    inside: () => [insidePart(place, generation.insideAt(place))],
    read: () => [readPart(generation.expected(position))],
    closed: () => [closedPart(position, "It does not say.")],
  }[what]?.() ?? [];
  return teller.tell(generation, { position, playing: what === "quiet", status: ["a", "b", "c"], inside: what === "inside", said: what !== "quiet" }, parts);
}

function same(message, buffers, expected) {
  close(JSON.parse(JSON.stringify(message, sorted)), JSON.parse(JSON.stringify(expected.message, sorted)), 1e-5, "message");
  assert.equal(buffers.length, expected.buffers.length);
  buffers.forEach((buffer, n) => close(numbers(buffer, expected.bytes[n]), numbers(new DataView(Uint8Array.from(expected.buffers[n]).buffer), expected.bytes[n]), expected.bytes[n] ? 1 : 1e-5));
}

/** Float32, or bytes. */
function numbers(view, isBytes) {
  return [...(isBytes ? new Uint8Array(view.buffer) : new Float32Array(view.buffer))];
}

/** Python and JavaScript write the entries of an object in orders of their own. */
function sorted(_, value) {
  return value && typeof value === "object" && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).sort()) : value;
}
