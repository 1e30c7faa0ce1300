// @ts-check
/**
 * A live window's session without a kernel: what explorer.py is in a notebook. It stands for the kernel to journey.js,
 * which takes its messages (`on`) and sends what is pressed (`send`).
 *
 * @typedef {import("./records.js").LanguageModel} LanguageModel
 * @typedef {import("./tokenizer.js").Tokenizer} Tokenizer
 * @typedef {import("./teller.js").Part} Part
 * @typedef {import("./sampling.js").Settings} Settings
 * @typedef {import("./interventions.js").Change} Change
 * @typedef {{prompt: string, seed: number, settings: Settings, perSecond: number, length: number}} Wanted  what the
 *   controls say; perSecond: tokens a second, 0 for as many as there can be
 */
import { wholeNumber } from "./checks.js";
import { AS_IT_IS, canChange, changeSaid, changed } from "./interventions.js";
import { FILTERS } from "./sampling.js";
import { quoted } from "./sentences.js";
import { Generation } from "./streaming.js";
import { Teller, closedPart, insidePart, readPart } from "./teller.js";
import { say } from "./words.js";

const SLOWLY = 1000; // milliseconds: the plots' sentences, which are read and not watched, may lag that much
const TIMES = 101; // tokens whose time is remembered

/** One text that grows, is looked at and taken back, and what the page is told of it. */
export class Session {
  /** @param {LanguageModel} model @param {Tokenizer} tokenizer @param {Wanted} wanted */
  constructor(model, tokenizer, wanted) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.wanted = wanted;
    this.teller = new Teller();
    this.change = AS_IT_IS; // it holds for a text that begins anew, too, until a reset
    this.generation = this.begun();
    this.position = 0;
    this.slow = -SLOWLY; // when the sentences were told last
    this.notice = this.trouble = "";
    this.open = false;
    /** @type {number | null} */ this.asked = null; // a place of the prompt that the page looks at
    /** @type {ReturnType<typeof setTimeout> | null} */ this.timer = null;
    /** @type {number[]} */ this.times = [];
    /** @type {(message: any, buffers: DataView[]) => void} */ this.receive = () => {};
    /** @type {() => void} */ this.changed = () => {}; // called after each message
  }

  // ---------------------------------------------------------------------------------------- what the page asks for

  /** @param {string} _ @param {(message: any, buffers: DataView[]) => void} receive */
  on(_, receive) {
    this.receive = receive;
  }

  off() {}

  set() {}

  /** @param {string} name */
  get(name) {
    return name === "filters" ? FILTERS.map(({ short }) => short) : undefined;
  }

  /** A press on a token or on a candidate, or a question for the whole text. @param {any} message */
  send({ kind, position, place, token_id: id, head, unit }) {
    if (kind === "whole") this.tellAll();
    if (kind === "look") this.look(position);
    if (kind === "read") this.act(() => { this.asked = place; });
    if (kind === "choose") this.act(() => this.takeCandidate(position, id));
    if (kind === "mute") this.actChanged(() => this.mute(toggled(this.change.muted, head)));
    if (kind === "unmute") this.actChanged(() => this.mute([]));
    if (kind === "flip") this.actChanged(() => this.flip(position, unit));
  }

  // ------------------------------------------------------------------------------------------------- what one can do

  get playing() {
    return this.timer !== null;
  }

  /** Let the text grow from the step that is looked at. */
  play() {
    this.act(() => {
      this.agree();
      if (this.isLatest && this.generation.finishReason) this.restart(say("again"));
      this.fork();
      this.timer = setTimeout(() => this.tick());
    });
  }

  /** Stop after the token that is computed. */
  pause() {
    this.act(() => {});
  }

  /** One token more or, where an older step is looked at, the next step. */
  step() {
    this.act(() => {
      this.agree();
      if (!this.isLatest) this.show(this.position + 1);
      else if (this.generation.finishReason) this.notice = say("hasEnded");
      else this.takeStep();
    });
  }

  /** Look at the step before; nothing is lost. */
  back() {
    this.act(() => this.show(this.position - 1));
  }

  /** Look at a step, from 0 (the prompt) to the number of steps there are. @param {number} position */
  look(position) {
    this.act(() => this.show(position));
  }

  /** Back to the prompt, as the controls name it. */
  reset() {
    this.act(() => {
      const said = say(changeSaid(this.change) ? "toPromptAsItIs" : "toPrompt");
      this.change = AS_IT_IS;
      this.restart(said);
    });
  }

  /** What the controls say from now on; another prompt or seed begins another text. @param {Partial<Wanted>} changes */
  want(changes) {
    Object.assign(this.wanted, changes);
    if ("prompt" in changes || "seed" in changes) this.act(() => this.restart(say("afresh")));
  }

  /** Open or fold the part that shows what is inside. @param {boolean} open */
  openInside(open) {
    this.open = open;
    this.tell();
  }

  // ---------------------------------------------------------------------------------------------- how it is done

  /** Stop the stream, then do what was asked; an error is shown. @param {() => void} work */
  act(work) {
    this.halt();
    this.notice = this.trouble = "";
    this.asked = null;
    this.slow = -SLOWLY; // what is told next is told with all its sentences
    this.carryOut(work);
  }

  /** The same for a change of the model: it is shown at a prompt's token, too, and a text that streams goes on. @param {() => void} work */
  actChanged(work) {
    const { playing, asked } = this;
    this.act(() => {
      this.asked = asked;
      this.agree();
      work();
      if (!playing || (this.isLatest && this.atEnd)) return;
      this.fork();
      this.timer = setTimeout(() => this.tick());
    });
  }

  /** @param {() => void} work */
  carryOut(work) {
    try {
      work();
    } catch (error) {
      this.halt();
      this.trouble = /** @type {Error} */ (error).message;
    }
    this.tell();
  }

  halt() {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }

  /** One token of a text that streams. */
  tick() {
    const began = performance.now();
    this.carryOut(() => {
      this.takeStep();
      const { perSecond } = this.wanted, pause = perSecond ? Math.max(0, 1000 / perSecond - (performance.now() - began)) : 0;
      this.timer = this.atEnd ? null : setTimeout(() => this.tick(), pause);
    });
  }

  takeStep() {
    const began = performance.now();
    this.position = this.generation.step(this.wanted.settings).index + 1;
    this.times = [...this.times, performance.now() - began].slice(-TIMES);
  }

  /** @param {number} position */
  show(position) {
    this.position = Math.min(Math.max(position, 0), this.generation.steps.length);
  }

  /** A press that comes late, when the step has other candidates or is gone, does nothing. @param {number} position @param {number} id */
  takeCandidate(position, id) {
    const step = this.generation.steps[position - 1];
    if (!step?.candidates.some((candidate) => candidate.id === id)) return;
    const later = this.generation.steps.length - position;
    this.generation.rewind(position - 1);
    const chosen = this.generation.choose(id, step.settings);
    this.position = position;
    this.notice = say("chose", quoted(chosen.output.piece), dropped(later));
  }

  /** @param {Change["muted"]} muted */
  mute(muted) {
    this.goOnChanged({ ...this.change, muted }, say("actsNext"));
  }

  /** Turn the sign of a unit after the token at a position, or turn it back; one goes on after that token. @param {number} position @param {number} unit */
  flip(position, unit) {
    const { tokens, promptLength } = this.generation;
    wholeNumber("position", position, 0, tokens.length - 1, ", one of the tokens of the text (0 = bos)");
    this.goOnChanged({ ...this.change, flipped: toggled(this.change.flipped, [position, unit]) }, say("actsAfter", quoted(tokens[position].piece)));
    if (this.asked !== position) this.asked = null;
    this.show(position + 1 - promptLength);
  }

  /** @param {Change} change @param {string} notice */
  goOnChanged(change, notice) {
    this.generation.change(changed(this.model, change), changeSaid(change));
    this.change = change;
    this.notice = changeSaid(change) ? notice : say("asItIs");
  }

  /** Go on from the step that is looked at; what came after it is dropped, and that is said. */
  fork() {
    const later = this.generation.steps.length - this.position;
    if (!later) return;
    this.generation.rewind(this.position);
    this.notice = `${this.notice} ${say("forked", this.position, dropped(later))}`.trim();
  }

  /** @param {string} notice */
  restart(notice) {
    this.generation = this.begun();
    this.position = 0;
    this.notice = notice;
  }

  begun() {
    const { prompt, seed } = this.wanted, generation = new Generation(this.model, this.tokenizer, prompt, seed), said = changeSaid(this.change);
    if (said) generation.change(changed(this.model, this.change), said);
    this.begunWith = JSON.stringify([prompt, seed]);
    return generation;
  }

  /** What goes on is what the controls name; where that was refused, it is refused and said again. */
  agree() {
    if (JSON.stringify([this.wanted.prompt, this.wanted.seed]) !== this.begunWith) this.restart(say("afresh"));
  }

  get isLatest() {
    return this.position === this.generation.steps.length;
  }

  get atEnd() {
    return Boolean(this.generation.finishReason) || this.generation.steps.length >= this.wanted.length;
  }

  // ------------------------------------------------------------------------------------------------ what is shown

  tellAll() {
    this.teller.forget();
    this.tell();
  }

  /** Tell the page what is new. */
  tell() {
    const said = !this.playing || performance.now() - this.slow >= SLOWLY;
    if (said) this.slow = performance.now();
    const frame = { position: this.position, playing: this.playing, status: this.status(), trouble: this.trouble, inside: this.open, said,
      can: canChange(this.model), change: this.change };
    this.receive(...this.teller.tell(this.generation, frame, this.parts()));
    this.changed();
  }

  /** What the page shows of the place looked at alone. @returns {Part[]} */
  parts() {
    const { generation, asked } = this, place = asked ?? generation.promptLength + this.position - 2;
    /** @type {Part[]} */ const parts = asked === null ? [] : [readPart(generation.expected(asked))];
    if (!this.open || (asked === null && !this.position)) return parts;
    const inside = generation.insideAt(place);
    return [...parts, inside ? insidePart(place, inside) : closedPart(place, "")];
  }

  /** What goes on, how far the text is, and what happened last. @returns {[string, string, string]} */
  status() {
    const { generation, notice } = this, steps = generation.steps.length, count = say("tokens", generation.tokens.length);
    const shown = this.times.length ? `${count} · ${say("milliseconds", this.milliseconds.toFixed(1))}` : count;
    if (this.playing) return [say("running"), shown, notice];
    if (!this.isLatest) return [say("looking", this.position, steps), "", notice];
    if (generation.finishReason) return [say(generation.finishReason === "length" ? "endedAtLimit" : generation.finishReason), shown, notice];
    if (steps >= this.wanted.length) return [say("limit", this.wanted.length), shown, notice];
    return [say("paused"), shown, notice];
  }

  /** What a token took of late, in the median. */
  get milliseconds() {
    return this.times.slice().sort((a, b) => a - b)[this.times.length >> 1];
  }
}

/** @param {number} count */
function dropped(count) {
  return count ? say(count > 1 ? "droppedMany" : "dropped", count) : "";
}

/** The pairs with this one among them, or without it where it was. @param {[number, number][]} pairs @param {[number, number]} pair */
function toggled(pairs, pair) {
  const others = pairs.filter((each) => String(each) !== String(pair)), found = others.length < pairs.length ? others : [...pairs, pair];
  return found.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
}
