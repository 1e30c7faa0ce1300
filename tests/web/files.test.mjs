import assert from "node:assert/strict";
import { test } from "node:test";
import { loadCheckpoint } from "../../web/checkpoint.js";
import { FileError, fromHalf } from "../../web/safetensors.js";
import { bytesOf, golden } from "./golden.mjs";

const { cases, whole, halves } = golden("files");

for (const [name, words] of cases) {
  test(`a file that is ${name} is refused in one sentence`, () => {
    assert.throws(() => loadCheckpoint(bytesOf(name), "my file"), (error) => {
      assert.ok(error instanceof FileError && error.message.includes(words), error.message);
      assert.match(error.message, /^my file: (?!.*\. )[^\n]+[^\n.]$/);
      return true;
    });
  });
}

test("no byte of a file can be another one unseen", () => {
  const file = bytesOf(whole), { model } = loadCheckpoint(file);
  assert.equal(model.vocabSize, 400);
  const header = 8 + new DataView(file.buffer).getUint32(0, true);
  for (let n = 0; n < 60; n++) {
    const place = n < 40 ? (n * 97) % header : header + Math.floor(((file.length - header) * (n - 40)) / 20), changed = file.slice();
    changed[place] ^= 1 << n % 7;
    assert.throws(() => loadCheckpoint(changed), FileError, `byte ${place}`);
  }
});

test("a half as wide number has its value", () => {
  for (const [bits, value] of halves) assert.equal(fromHalf(bits), value);
  assert.ok(Number.isNaN(fromHalf(0x7e00)));
});
