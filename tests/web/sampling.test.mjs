import assert from "node:assert/strict";
import { test } from "node:test";
import { FILTERS, draw, nextTokenProbabilities, settingsOf } from "../../web/sampling.js";
import { close, golden } from "./golden.mjs";

const { filters, cases } = golden("sampling");

test("the table of filters is Python's", () => {
  assert.deepEqual(FILTERS.map((f) => [f.name, f.off, f.allowed, f.example, f.slider, f.label, f.short, f.whole ?? false]), filters);
});

test(`${cases.length} times the same probabilities are left, and the same ids drawn`, () => {
  for (const { logits, settings, probabilities, draws } of cases) {
    const found = nextTokenProbabilities(Float64Array.from(logits, (logit) => logit ?? -Infinity), settingsOf(settings));
    close([...found], probabilities, 1e-12, JSON.stringify(settings));
    assert.deepEqual(found.map(Boolean).join(), probabilities.map((value) => Number(value > 0)).join());
    for (const [number, id] of draws) assert.equal(draw(found, number), id);
  }
});

test("settings that cannot be are named", () => {
  for (const [name, value] of [["temperature", -1], ["temperature", NaN], ["top_k", 1.5], ["top_p", 0], ["min_p", 2], ["top_p", "1"]]) {
    assert.throws(() => settingsOf({ [name]: value }), new RegExp(`^RangeError: ${name} is .*: it must be .*for example ${name}=`));
  }
  assert.throws(() => settingsOf({ topp: 1 }), /topp is no setting: known are temperature, top_k/);
  for (const row of [[NaN, 1], [Infinity, 1], [-Infinity, -Infinity]]) {
    assert.throws(() => nextTokenProbabilities(Float64Array.from(row), settingsOf()), /logits hold/);
  }
});
