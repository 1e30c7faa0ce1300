import assert from "node:assert/strict";
import { setTimeout as after } from "node:timers/promises";
import { test } from "node:test";
import { settingsOf } from "../../web/sampling.js";
import { Session } from "../../web/session.js";
import { WORDS, say } from "../../web/words.js";
import { golden, shipped } from "./golden.mjs";

const { prompt, ids } = golden("session");
const lstm = shipped("lstm");

/** A session, and what its page has been told: the newest message, and the ids of all tokens. */
function opened(changes = {}, { model, tokenizer } = lstm) {
  const session = new Session(model, tokenizer, { prompt, seed: 3, settings: settingsOf({ temperature: 0.8, top_p: 0.9 }), perSecond: 0, length: 20, ...changes });
  const page = { last: {}, ids: [], count: 0 };
  session.on("msg:custom", (message) => {
    page.ids = [...page.ids.slice(0, message.begin), ...message.tokens.map(({ id }) => id)];
    page.last = message;
    page.count++;
  });
  session.send({ kind: "whole" });
  return { session, page };
}

async function ended(session) {
  while (session.playing) await after(5);
}

test("a text that plays is Python's, and stops at the limit", async () => {
  const { session, page } = opened();
  session.play();
  assert.equal(page.last.status[0], "● running");
  await ended(session);
  assert.deepEqual(page.ids, ids);
  assert.equal(page.last.position, 20);
  assert.equal(page.last.status[0], "■ stopped at the limit of 20 new tokens");
  assert.match(page.last.status[1], /^25 tokens · \d+\.\d ms a token$/);
});

test("step, back, look and play fork as in a notebook", async () => {
  const { session, page } = opened();
  for (let n = 0; n < 5; n++) session.step();
  assert.deepEqual(page.ids, ids.slice(0, 10));
  session.back();
  session.send({ kind: "look", position: 2 });
  assert.equal(page.last.status[0], "❚❚ looking at step 2 of 5 · Play goes on from here");
  session.step();
  assert.equal(page.last.position, 3);
  session.play();
  assert.equal(page.last.status[2], "Forked after step 3; 2 later tokens were dropped.");
  await ended(session);
  assert.deepEqual(page.ids, ids);
});

test("a candidate that is pressed is taken, and one that is not there does nothing", () => {
  const { session, page } = opened();
  for (let n = 0; n < 4; n++) session.step();
  const other = session.generation.steps[1].candidates.find(({ id }) => id !== ids[6]);
  session.send({ kind: "choose", position: 2, token_id: other.id });
  assert.equal(page.ids.length, 7);
  assert.equal(page.ids[6], other.id);
  assert.match(page.last.status[2], /^You chose ‘.*’; 2 later tokens were dropped\.$/);
  session.send({ kind: "choose", position: 2, token_id: 1799 });
  session.send({ kind: "choose", position: 9, token_id: other.id });
  assert.equal(page.ids.length, 7);
});

test("another prompt begins another text, and one that cannot be is refused in words", () => {
  const { session, page } = opened();
  session.step();
  session.want({ prompt: "The cat" });
  assert.equal(page.last.status[2], "Started afresh.");
  assert.equal(page.last.position, 0);
  session.want({ seed: -1 });
  assert.equal(page.last.status[3], "seed is -1: give a whole number from 0 up");
  session.step();
  assert.equal(page.last.status[3], "seed is -1: give a whole number from 0 up");
  session.want({ seed: 3, prompt });
  session.step();
  assert.deepEqual(page.ids, ids.slice(0, 6));
});

test("what is inside is told where it is open, of the prompt, too; a slider acts on the next token", () => {
  const { session, page } = opened();
  session.step();
  assert.equal(page.last.inside, undefined);
  session.openInside(true);
  assert.equal(page.last.inside.stages.length, 3);
  session.send({ kind: "read", place: 1 });
  assert.equal(page.last.read.place, 1);
  assert.equal(page.last.inside.place, 1);
  session.want({ settings: settingsOf({ temperature: 0 }) });
  session.step();
  assert.deepEqual(page.last.tokens[0].step.settings, [0, 0, 1, 0]);
  session.reset();
  assert.equal(page.last.status[2], "Back to the prompt.");
});

test("a unit that is flipped acts after its token, on the text that streams, and until a reset", async () => {
  const { session, page } = opened();
  for (let n = 0; n < 4; n++) session.step();
  assert.deepEqual(page.last.model, undefined);
  session.openInside(true);
  assert.equal(page.last.memory.count, 8);
  session.send({ kind: "flip", position: 5, unit: 7 });
  assert.deepEqual(page.last.model, { can: "memory", muted: [], flipped: [[5, 7]] });
  assert.equal(page.last.position, 1);
  const piece = session.generation.tokens[5].piece.replace("▁", "·");
  assert.equal(page.last.status[2], `This acts after ‘${piece}’.`);
  session.play();
  session.send({ kind: "flip", position: 4, unit: 7 });
  assert.ok(session.playing);
  assert.match(page.last.status[2], /^This acts after ‘.*’\. Forked after step 0; 1 later token was dropped\.$/);
  await ended(session);
  assert.deepEqual(new Set(session.generation.steps.map((step) => step.changed)), new Set(["flipped: unit 7 at position 4, unit 7 at position 5"]));
  session.want({ seed: 4 });
  session.step();
  assert.equal(page.last.tokens[0].step.changed, "flipped: unit 7 at position 4, unit 7 at position 5");
  session.send({ kind: "flip", position: 99, unit: 7 });
  assert.match(page.last.status[3], /^position is 99: give a whole number from 0 to 5/);
  session.reset();
  assert.deepEqual(page.last.model.flipped, []);
  assert.equal(page.last.status[2], "Back to the prompt, with nothing changed in the model.");
});

test("a head is muted and heard again at one press each", () => {
  const { session, page } = opened({}, shipped("transformer"));
  session.step();
  session.send({ kind: "read", place: 2 });
  session.send({ kind: "mute", head: [1, 2] });
  assert.equal(page.last.status[2], "This acts from the next token on.");
  assert.equal(page.last.read.step.changed, "muted: layer 1 head 2");
  session.send({ kind: "mute", head: [0, 3] });
  assert.deepEqual(page.last.model, { can: "heads", muted: [[0, 3], [1, 2]], flipped: [] });
  session.send({ kind: "mute", head: [1, 2] });
  session.step();
  assert.equal(page.last.tokens[0].step.changed, "muted: layer 0 head 3");
  session.send({ kind: "unmute" });
  assert.equal(page.last.status[2], "Nothing is changed from the next token on.");
});

test("a text that has ended is not stepped, and play begins it again", async () => {
  const { session, page } = opened();
  session.step();
  session.generation.choose(3);
  session.look(2);
  assert.equal(page.last.status[0], "■ ended: the model drew its end token (eos)");
  session.step();
  assert.equal(page.last.status[2], "The text has ended: Reset it, or go Back and play on from there.");
  session.play();
  assert.equal(page.last.status[2], "Started again from the prompt.");
  session.pause();
  assert.equal(session.playing, false);
});

test("every word has its places filled", () => {
  for (const [name, words] of Object.entries(WORDS)) {
    assert.ok(words.trim() && !/\{\d\}/.test(say(name, "a", "b")), name);
  }
});
