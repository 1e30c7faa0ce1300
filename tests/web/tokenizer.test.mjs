import assert from "node:assert/strict";
import { test } from "node:test";
import { Tokenizer } from "../../web/tokenizer.js";
import { bytesOf, golden } from "./golden.mjs";

for (const { name, pieces, texts, streams } of golden("tokenizer").tokenizers) {
  const tokenizer = new Tokenizer(bytesOf(`${name}.model`));

  test(`${name}: the same pieces`, () => {
    assert.deepEqual(pieces.map((_, id) => tokenizer.piece(id)), pieces);
    assert.equal(tokenizer.vocabSize, pieces.length);
  });

  test(`${name}: ${texts.length} texts in many scripts have the same ids`, () => {
    assert.ok(texts.length >= 1000);
    for (const [text, ids] of texts) assert.deepEqual(tokenizer.encode(text), ids, JSON.stringify(text));
  });

  test(`${name}: text streams as it is decoded, bytes of broken characters, too`, () => {
    for (const [ids, parts, whole] of streams) {
      const stream = tokenizer.textStream();
      assert.deepEqual([...ids.map((id) => stream.feed(id)), stream.finish()], parts, ids.join());
      assert.equal(tokenizer.decode(ids), whole);
    }
  });

  test(`${name}: String.normalize is not what SentencePiece does`, () => {
    const others = texts.filter(([text, ids]) => tokenizer.encode(text.normalize("NFKC")).join() !== ids.join());
    assert.ok(others.length > 0);
  });

  test(`${name}: a long text takes no more than its length`, () => {
    const began = process.cpuUsage().user;
    assert.ok(tokenizer.encode("the cat sat on ".repeat(20_000)).length > 20_000);
    assert.ok(process.cpuUsage().user - began < 5e6);
  });

  test(`${name}: what cannot be is refused in one sentence`, () => {
    assert.throws(() => tokenizer.encode("a😉\ud83d"), /^RangeError: character 2 is a lone surrogate/);
    assert.throws(() => tokenizer.piece(pieces.length), /is outside 0 … /);
    assert.throws(() => tokenizer.decode([1.5]), /is not a whole number/);
    assert.throws(() => new Tokenizer(bytesOf(`${name}.model`).slice(0, -7)), RangeError);
  });
}
