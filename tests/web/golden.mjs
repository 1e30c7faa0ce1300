/** What the tests share: the data that Python made (tests/web_golden.py), the shipped models, and comparisons. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadCheckpoint } from "../../web/checkpoint.js";

const FOLDER = process.env.TOKEN_JOURNEY_GOLDEN;
const SHIPPED = { lstm: "checkpoint", transformer: "checkpoint-transformer" };

/** The bytes of a file that Python wrote. */
export function bytesOf(name) {
  return new Uint8Array(readFileSync(join(FOLDER, name)));
}

/** The data of a test. */
export function golden(name) {
  return JSON.parse(readFileSync(join(FOLDER, `${name}.json`), "utf8"));
}

/** A shipped model and its tokenizer. */
export function shipped(name) {
  return loadCheckpoint(new Uint8Array(readFileSync(new URL(`../../data/${SHIPPED[name]}/token-journey.safetensors`, import.meta.url))));
}

/** The same shape, the same words, and the same numbers within a tolerance. */
export function close(found, expected, tolerance, where = "") {
  if (typeof expected === "number") {
    assert.ok(typeof found === "number" && Math.abs(found - expected) <= tolerance, `${where}: ${found}, expected ${expected}`);
  } else if (expected && typeof expected === "object") {
    assert.deepEqual(Object.keys(found), Object.keys(expected), where);
    for (const key of Object.keys(expected)) close(found[key], expected[key], tolerance, `${where}.${key}`);
  } else {
    assert.equal(found, expected, where);
  }
}
