import assert from "node:assert/strict";
import { test } from "node:test";
import { Draws } from "../../web/random.js";
import { golden } from "./golden.mjs";

for (const [seed, numbers] of golden("random").seeds) {
  test(`seed ${seed} gives NumPy's numbers, bit for bit, at any place`, () => {
    const draws = new Draws(BigInt(seed));
    for (const [place, number] of numbers) assert.equal(draws.at(place), number);
  });
}

test("what is no seed is refused", () => {
  for (const seed of [-1, 1.5, NaN, 2 ** 60, "1"]) assert.throws(() => new Draws(seed), /give a whole number from 0 up/);
});
