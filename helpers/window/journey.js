// @ts-check
/**
 * The live window's view. The kernel sends records (journey.py); the page keeps them and draws them at its own pace.
 *
 * One store a window holds what is known of the text; each view of it draws from the store, at most once a frame of
 * the screen. Text of a model enters the page as text nodes and attributes alone, never as HTML.
 *
 * @typedef {[number, string, number, number]} Candidate  id, piece, the model's probability, what the settings left
 * @typedef {{candidates: Candidate[], by: string, settings: number[], entropy: number, said: string, changed?: string}} Step
 * @typedef {{id: number, piece: string, norm: number, cosine: number | null, said: string, step: Step | null,
 *   row: Float32Array}} Token
 * @typedef {[number, string, number]} Guess  id, piece, probability
 * @typedef {{name: string, norm: number, rank: number | null, vector: Float32Array, guesses: Guess[]}} Stage
 * @typedef {{place: number, why?: string, said: string, stages: Stage[], heads: [number, number] | null,
 *   looks: Uint8Array | null, units: number}} Inside
 * @typedef {{cell: Float32Array, gates: Uint8Array}} Memory  after a token; gates: input, forget, output in 255ths
 * @typedef {[number, number, number, number, string]} Branch  number, where it parts, row it parts from, steps, words
 * @typedef {{on: Function, off: Function, send: Function, get: Function}} Model  the kernel's end, or a stand-in in a saved page
 */

const LATEST = 200; // tokens in a plot at most
const CHIPS = 90; // tokens in the text at most: more than the lines that are shown can hold
const AHEAD = 12; // tokens shown behind the one that is looked at
const WORDS_FIT = 60; // tokens in a plot that are named by their pieces; more are counted
const ONE_SWEEP = 8; // changes of the settings at most so many tokens apart are one move
const CHOICES = 9; // the eight likeliest and the chosen one
const SMALL = 0.05; // where no token reaches this probability, no bar is long
const UNITS = 8; // units of the memory that are shown
const STAYS = 1.25; // so much stronger is a unit that takes the row of one that is shown
const NAMED = 32; // heads at most that have room for their names
const OPEN = 1; // bits of entropy from which on a step counts as open
const [TOP, BOTTOM, LEFT] = [12, 78, 46]; // of a plot, in its own units

// ------------------------------------------------------------------------------------------------- what is known

/** What the page knows of a window's text. */
class Store {
  constructor() {
    /** @type {Token[]} */ this.tokens = [];
    /** @type {Map<number, Step>} */ this.read = new Map(); // what was expected at tokens of the prompt
    /** @type {Map<number, Inside>} */ this.insides = new Map();
    /** @type {Map<number, Memory>} */ this.memory = new Map();
    this.can = ""; // what of the model can be changed: its "heads", its "memory", or nothing
    /** @type {[number, number][]} */ this.muted = []; // layer, head
    /** @type {[number, number][]} */ this.flipped = []; // place, unit
    /** @type {Map<number, string>} */ this.pieces = new Map();
    /** @type {Set<() => void>} */ this.views = new Set();
    /** @type {Record<string, string>} */ this.said = {};
    /** @type {number | null} */ this.picked = null; // a place that this page looks at, and the kernel does not
    this.run = -1;
    this.prompt = this.position = 0;
    this.playing = this.open = this.recorded = false;
    this.looks = false; // whether the model has attention heads, as far as is known
    this.status = ["", "", "", ""];
    /** @type {{rows: Branch[], said: string} | null} */ this.tree = null;
    /** @type {[number | null, string]} */ this.part = [null, ""]; // where this text leaves the other of two, in words
  }

  /**
   * Take a message of the kernel; false if tokens are missing before those that it brings.
   * @param {any} message @param {DataView[]} buffers
   */
  take(message, buffers) {
    if (message.trouble) {
      this.status = ["", "", "", message.trouble];
      this.views.forEach((draw) => draw());
      return true;
    }
    const before = `${this.run} ${this.position} ${this.tokens.length}`;
    if (message.run !== this.run) this.cut(0);
    if (message.begin > this.tokens.length) return false;
    this.cut(message.begin);
    const rows = floats(buffers[0]), size = rows.length / (message.tokens.length || 1);
    message.tokens.forEach((/** @type {any} */ token, /** @type {number} */ n) => {
      const step = token.step && this.named(token.step), { piece = this.pieces.get(token.id) } = token;
      this.pieces.set(token.id, piece);
      this.tokens.push({ ...token, piece, step, row: rows.subarray(n * size, (n + 1) * size) });
    });
    const { run, prompt, position, playing, status, open, said, recorded = false } = message;
    Object.assign(this, { run, prompt, position, playing, status, open, recorded, said: said ?? this.said, part: message.part ?? this.part,
      tree: message.tree === undefined ? this.tree : message.tree });
    const newest = position === this.steps && this.picked === this.tokens.length - 1; // no step leads on from there
    if (before !== `${run} ${position} ${this.tokens.length}` && !newest) this.picked = null;
    if (message.model) this.takeModel(message.model);
    if (message.read) this.read.set(this.picked = message.read.place, this.named(message.read.step));
    const left = buffers.slice(1);
    if (message.inside) this.insides.set(message.inside.place, insideOf(message.inside, left));
    this.looks ||= Boolean(message.inside?.heads);
    if (message.memory) this.remember(message.memory, left);
    this.views.forEach((draw) => draw());
    return true;
  }

  /** A step whose candidates have their pieces: each is told once. @param {any} step @returns {Step} */
  named(step) {
    const candidates = step.candidates.map((/** @type {[number, number, number, string?]} */ [id, model, left, piece = this.pieces.get(id)]) => {
      this.pieces.set(id, piece ?? "");
      return [id, piece, model, left];
    });
    return { ...step, candidates };
  }

  /** @param {number} count */
  cut(count) {
    if (count === 0) this.read.clear(), (this.looks = false);
    if (count < this.tokens.length) for (const known of [this.insides, this.memory]) forget(known, (place) => place >= count - 1);
    this.tokens.length = Math.min(count, this.tokens.length);
  }

  /** What of the model can be changed, and what is; within the prompt it is the model of now that speaks. @param {any} model */
  takeModel(model) {
    Object.assign(this, model);
    for (const known of [this.insides, this.read]) forget(known, (place) => place < this.prompt - 1);
  }

  /** @param {{begin: number, count: number, largest: number}} record @param {DataView[]} left */
  remember({ begin, count, largest }, left) {
    const [cells, gates] = left.splice(0, 2).map(bytes), values = new Int16Array(cells.buffer), units = values.length / count;
    range(0, count).forEach((n) => this.memory.set(begin + n, {
      cell: Float32Array.from(values.subarray(n * units, (n + 1) * units), (value) => (value / 32767) * largest),
      gates: gates.subarray(3 * n * units, 3 * (n + 1) * units),
    }));
  }

  /** How many steps there are. */
  get steps() {
    return this.tokens.length - this.prompt;
  }

  /** The place that is looked at: of the token that went in. */
  get place() {
    return this.picked ?? this.prompt - 1 + Math.max(0, this.position - 1);
  }

  /** The step that is looked at: what was expected after the token that went in, and what came. @returns {Step | null} */
  get step() {
    if (this.picked === null && this.position === 0) return null;
    return this.stepAt(this.place);
  }

  /** @param {number} place @returns {Step | null} */
  stepAt(place) {
    return this.tokens[place + 1]?.step ?? this.read.get(place) ?? null;
  }

  /** Bits of surprise of the token at a place; null where nobody knows what was expected. @param {number} place */
  surprise(place) {
    const id = this.tokens[place].id;
    const given = this.stepAt(place - 1)?.candidates.find((candidate) => candidate[0] === id)?.[2];
    return given ? -Math.log2(given) : null;
  }
}

/** @param {Map<number, any>} known @param {(place: number) => boolean} which */
function forget(known, which) {
  for (const place of known.keys()) if (which(place)) known.delete(place);
}

/** @param {DataView} buffer */
function floats(buffer) {
  return new Float32Array(bytes(buffer).buffer);
}

/** A copy, so that it begins at an address that any type can have. @param {DataView} view */
function bytes(view) {
  return new Uint8Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

/** It takes its buffers from those that are left. @param {any} record @param {DataView[]} left @returns {Inside} */
function insideOf(record, left) {
  const values = record.stages ? floats(/** @type {DataView} */ (left.shift())) : new Float32Array();
  let used = 0;
  const stages = (record.stages ?? []).map((/** @type {any[]} */ [name, norm, rank, size, ...guesses]) =>
    ({ name, norm, rank, guesses, vector: values.subarray(used, (used += size)) }));
  const looks = record.heads ? bytes(/** @type {DataView} */ (left.shift())) : null;
  return { heads: null, units: 0, ...record, stages, looks };
}

/** Places to show, [first, last): the latest, or those around one that is looked at. */
function shownPlaces(/** @type {number} */ count, /** @type {number} */ place, /** @type {number} */ most) {
  const last = place >= count - most + AHEAD ? count : Math.min(count, Math.max(place + AHEAD, most));
  return [Math.max(0, last - most), last];
}

/** Where a slider was moved, [place, what was moved]: a sweep is one move. @param {Token[]} tokens @param {string[]} names */
function moves(tokens, names, first = 0) {
  /** @type {{place: number, last: number, before: number[], after: number[]}[]} */
  const found = [];
  for (let place = Math.max(1, first); place < tokens.length; place++) {
    const before = tokens[place - 1].step?.settings, after = tokens[place].step?.settings;
    if (!before || !after || before.every((value, n) => value === after[n])) continue;
    const sweep = found.at(-1);
    if (sweep && place - sweep.last <= ONE_SWEEP) Object.assign(sweep, { last: place, after });
    else found.push({ place, last: place, before, after });
  }
  return found.map(({ place, before, after }) => ({
    place,
    said: names.flatMap((name, n) => (before[n] === after[n] ? [] : `${name} ${before[n]}→${after[n]}`)).join(", "),
  })).filter(({ said }) => said);
}

/** A probability in two digits, or in four where two would say 0. @param {number} probability */
function share(probability) {
  if (probability >= 0.01) return probability.toFixed(2);
  return probability >= 0.0001 ? probability.toFixed(4) : "<0.0001";
}

/** @param {string} text */
function shortened(text, longest = 16) {
  const letters = [...text];
  return letters.length <= longest ? text : letters.slice(0, longest - 1).join("") + "…";
}

/** At most `most` round numbers from low to high. @param {number} low @param {number} high */
function ticks(low, high, most = 5) {
  if (!(high > low)) return [low];
  const exponent = Math.floor(Math.log10(high - low)) - 1;
  for (const power of [exponent, exponent + 1, exponent + 2]) {
    for (const factor of [1, 2, 2.5, 5]) {
      const step = factor * 10 ** power;
      const [from, to] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
      if (to - from < most) return Array.from({ length: to - from + 1 }, (_, n) => Number(((from + n) * step).toPrecision(6)));
    }
  }
  return [low, high];
}

// -------------------------------------------------------------------------------------------------- pieces of a page

/**
 * An element with attributes and children; a string becomes a text node.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {(Node | string)[]} children @returns {any}
 */
function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for SVG. @param {string} tag @param {Record<string, any>} [attributes] @param {(Node | string)[]} children */
function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** @param {any} element @param {Record<string, any>} attributes @param {(Node | string)[]} children */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Set an element's text, if it differs: a page that does not change costs nothing. @param {any} element @param {string} text */
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A figure's sentence, below it for all and as its name for screen readers. @param {any} picture @param {any} line @param {string} text */
function tell(picture, line, text) {
  if (line.textContent === text) return;
  line.textContent = line.title = text;
  picture.setAttribute("aria-label", text);
}

/** Rows of numbers as strips, each by its own largest: blue below zero, orange above, clear at zero. @param {HTMLCanvasElement} canvas @param {ArrayLike<number>[]} rows */
function strips(canvas, ...rows) {
  canvas.width = rows[0].length || 1;
  canvas.height = rows.length;
  const image = new ImageData(canvas.width, canvas.height);
  rows.forEach((row, line) => {
    const values = Array.from(row), largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
    values.forEach((value, n) => image.data.set(
      [...(value < 0 ? [0, 114, 178] : [213, 94, 0]), Math.round((255 * Math.abs(value)) / largest)], 4 * (line * canvas.width + n)));
  });
  canvas.getContext("2d")?.putImageData(image, 0, 0);
}

// ------------------------------------------------------------------------------------------------------ the view

/** Ways to tint the text: what a place's chip is tinted by, from 0 (clear) to the largest shown. */
const TINTS = ["norm", "surprise", "entropy", "attention"];
let views = 0; // a number for each view, for ids within the page

/** One view of a store: built once, then filled at most once a frame. */
class View {
  /** @param {HTMLElement} el @param {Store} store @param {(message: any) => void} send @param {string[]} filters @param {number} [wide] */
  constructor(el, store, send, filters, wide = 1000) {
    /** @type {View[]} */ this.pair = [this]; // this one, and the one beside it, where there are two
    this.store = store;
    this.send = send;
    this.filters = filters;
    this.number = views++;
    this.tint = "norm";
    /** @type {number | null} */ this.hovered = null;
    /** @type {[number, number] | null} */ this.head = null; // the head looked through; null: the mean of all
    this.waiting = 0;
    const hover = (/** @type {number | null} */ place) => this.hover(place), press = (/** @type {number} */ place) => this.press(place);
    this.status = new Status(this);
    this.text = new Text(this);
    this.stations = new Stations(this);
    this.inside = new InsidePart(this);
    this.tree = new Tree(this);
    this.plots = [
      new Plot("norms", wide, hover, press, (place) => this.store.tokens[place].norm),
      new Plot("cosines", 500, hover, press, (place) => this.store.tokens[place].cosine, true),
      new Plot("surprise", 500, hover, press, (place) => (place < this.store.prompt ? null : this.store.surprise(place)), true),
    ];
    this.position = new Position(this);
    this.tip = h("div", { class: "tj-tip", hidden: "", "aria-hidden": "true" });
    const lower = h("div", { class: "tj-lower" }, this.plots[1].root, this.plots[2].root);
    this.root = h("div", { class: "tj-view" }, this.status.root, this.text.root, this.stations.root, this.inside.root, this.tree.root,
      this.plots[0].root, lower, this.position.root, this.tip);
    el.append(this.root);
    this.ask = () => { this.waiting ||= requestAnimationFrame(() => this.draw()); };
    store.views.add(this.ask);
    this.draw();
  }

  remove() {
    this.store.views.delete(this.ask);
    cancelAnimationFrame(this.waiting);
    this.root.remove();
  }

  draw() {
    this.waiting = 0;
    const { store } = this;
    this.root.classList.toggle("tj-empty", !store.tokens.length);
    if (!store.tokens.length) return;
    if (this.hovered !== null && this.hovered >= store.tokens.length) this.hovered = null;
    this.status.draw();
    this.text.draw();
    this.stations.draw();
    this.tree.draw();
    const [first, last] = shownPlaces(store.tokens.length, store.place + (store.position || store.picked !== null ? 1 : 0), LATEST);
    this.inside.draw(first, last);
    const marks = moves(store.tokens.slice(0, last), this.filters, Math.max(0, first - 1));
    for (const plot of this.plots) plot.draw(store, first, last, marks, this.hovered);
    this.position.draw();
    this.drawTip();
  }

  /** What was inside at the place that the pointer is at, or that is looked at. */
  seen() {
    return this.store.insides.get(this.hovered ?? this.store.place) ?? this.store.insides.get(this.store.place);
  }

  /** What the text is tinted by: as chosen, or by what the token looked at that the pointer is at. */
  get tinted() {
    const { store, hovered } = this;
    if (store.open && hovered !== null && store.insides.get(hovered)?.looks) return "attention";
    return this.tint === "attention" && !store.looks ? "norm" : this.tint;
  }

  /** What a chip is tinted by, or null. @param {number} place @returns {number | null} */
  value(place) {
    const { tokens } = this.store, tint = this.tinted;
    if (tint === "norm") return tokens[place].norm;
    if (tint === "surprise") return this.store.surprise(place);
    if (tint === "entropy") return this.store.stepAt(place)?.entropy ?? null;
    const inside = this.seen();
    return inside ? look(inside, this.head, place) : null;
  }

  /** @param {number | null} place */
  hover(place) {
    if (place === this.hovered) return;
    for (const [view, there] of this.beside(place ?? 0)) {
      view.hovered = place === null ? null : there;
      view.ask();
    }
  }

  /** Each view, and the place in its text that stands beside one of this text's: as many steps from the prompt's end. @param {number} place @returns {[View, number][]} */
  beside(place) {
    const all = this.pair.map((view) => /** @type {[View, number]} */ ([view, place - this.store.prompt + view.store.prompt]));
    return all.filter(([view, there]) => view.store.tokens[there]);
  }

  /** Look at a token: the page shows it at once, the kernel is told. @param {number} place */
  press(place) {
    const { store } = this;
    for (const [view, there] of this.beside(place)) view.store.picked = there;
    if (place < store.prompt - 1) this.send({ kind: "read", place });
    else this.send({ kind: "look", position: Math.min(place - store.prompt + 2, store.steps) });
    for (const view of this.pair) view.store.views.forEach((draw) => draw());
  }

  /** Look at a step, 0 for the prompt: the page shows it at once, too. @param {number} position */
  look(position) {
    for (const { store } of this.pair) Object.assign(store, { picked: null, position: Math.min(position, store.steps) });
    this.send({ kind: "look", position });
    for (const view of this.pair) view.store.views.forEach((draw) => draw());
  }

  /** The next step at which the model hesitated, from the place looked at on, and from the beginning again. */
  pressNextOpen() {
    const { store } = this, begin = Math.max(0, store.prompt - 1), count = store.tokens.length - 1 - begin;
    const now = store.step && store.place >= begin ? store.place : begin - 1;
    for (let n = 1; n <= count; n++) {
      const place = begin + ((now - begin + n) % count);
      if ((store.stepAt(place)?.entropy ?? 0) >= OPEN) return this.press(place);
    }
  }

  drawTip() {
    const chip = this.hovered === null ? null : this.text.chip(this.hovered);
    this.tip.hidden = !chip;
    if (!chip || this.hovered === null) return;
    say(this.tip, told(this.store, this.hovered));
    const left = Math.min(chip.offsetLeft, this.text.root.clientWidth - this.tip.offsetWidth);
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${chip.offsetTop + chip.offsetHeight + 2}px`;
  }
}

/** A token in a line of words: id, place, norm, and how probable it was. @param {Store} store @param {number} place */
function told(store, place) {
  const token = store.tokens[place], step = store.stepAt(place - 1);
  const row = step?.candidates.find((candidate) => candidate[0] === token.id);
  const bits = store.surprise(place);
  const parts = [token.piece, `id ${token.id}`, `position ${place}`, `norm ${token.norm.toFixed(3)}`,
    row ? `probability ${share(row[2])}` : "", bits === null ? "" : `${bits.toFixed(1)} bits`, token.step?.changed ?? ""];
  return parts.filter(Boolean).join(" · ");
}

/** How much a token looks at a place: one head, or the mean of all. @param {Inside} inside @param {[number, number] | null} head @param {number} place */
function look(inside, head, place) {
  if (!inside.heads || !inside.looks) return null;
  const [layers, heads] = inside.heads, count = inside.looks.length / (layers * heads);
  if (place >= count) return null;
  if (head) return inside.looks[(head[0] * heads + head[1]) * count + place] / 255;
  let sum = 0;
  for (let n = 0; n < layers * heads; n++) sum += inside.looks[n * count + place];
  return sum / (255 * layers * heads);
}

/** What goes on, told to screen readers when it changes and not for each token; and the tints. */
class Status {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.state = h("span", { role: "status" });
    this.count = h("span");
    this.notice = h("span", { role: "status" });
    const button = (/** @type {string} */ tint) =>
      h("button", { type: "button", "data-tint": tint, onclick: () => view.pair.forEach((each) => { each.tint = tint; each.ask(); }) }, tint);
    this.buttons = TINTS.map(button);
    this.attention = this.buttons[TINTS.indexOf("attention")];
    this.open = h("button", { type: "button", class: "explorer-next-open", title: `Jump to the next step at which the model hesitated (${OPEN} bit of entropy or more)`,
      onclick: () => view.pressNextOpen() }, "next open step");
    this.root = h("div", { class: "tj-head" },
      this.line = h("div", { class: "explorer-status" }, this.state, this.count, this.notice),
      h("div", { class: "explorer-tint", role: "group", "aria-label": "tint the text by" }, h("span", {}, "tint"), ...this.buttons, this.open));
  }

  draw() {
    const { view } = this, [state, count, notice, trouble] = view.store.status;
    say(this.state, trouble || state);
    say(this.count, trouble || !count ? "" : ` · ${count}`);
    say(this.notice, trouble || !notice ? "" : ` · ${notice}`);
    this.line.title = this.line.textContent;
    this.state.classList.toggle("tj-trouble", Boolean(trouble));
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.tint === view.tinted));
    }
    this.attention.hidden = !view.store.looks;
    say(this.attention, view.head ? `attention ${view.head.join(".")}` : "attention");
  }
}

/** The text, a chip for each token: one stop for Tab, arrow keys within it, Enter or a press to look. */
class Text {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    /** @type {any[]} */ this.chips = [];
    this.before = h("span", {}, "…");
    this.after = h("span", {}, "…");
    this.inner = h("div", { role: "presentation" }, this.before, this.after);
    this.root = h("div", {
      class: "explorer-text", role: "listbox", tabindex: "0", "aria-orientation": "horizontal", "data-lm-suppress-shortcuts": "true",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      onclick: (/** @type {MouseEvent} */ event) => this.at(event, (place) => view.press(place)),
      onmousemove: (/** @type {MouseEvent} */ event) => this.at(event, (place) => view.hover(place)),
      onmouseleave: () => view.hover(null),
      onblur: () => view.hover(null),
    }, this.inner);
  }

  /** @param {MouseEvent} event @param {(place: number) => void} act */
  at(event, act) {
    const chip = /** @type {HTMLElement} */ (event.target).closest(".tj-chip");
    if (chip) act(Number(/** @type {HTMLElement} */ (chip).dataset.position));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { view } = this, newest = view.store.tokens.length - 1, now = view.hovered ?? view.store.place;
    const places = /** @type {Record<string, number>} */ ({ ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: newest });
    if (event.key in places) view.hover(Math.min(Math.max(places[event.key], 0), newest));
    else if (event.key === "Enter" || event.key === " ") view.press(now);
    else if (event.key === "Escape") view.hover(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} place */
  chip(place) {
    return this.chips[place - Number(this.chips[0]?.dataset.position)] ?? null;
  }

  draw() {
    const { view } = this, { store } = view, { tokens, place } = store;
    const seen = view.hovered !== null && document.activeElement === this.root ? view.hovered : place + 1;
    const [first, last] = shownPlaces(tokens.length, seen, CHIPS);
    this.fit(first, last);
    this.before.hidden = first === 0;
    this.after.hidden = last === tokens.length;
    const values = this.chips.map((_, n) => view.value(first + n)), known = values.filter((value) => value !== null);
    const norms = view.tinted === "norm", low = norms ? Math.min(...known) : 0, span = Math.max(...known, norms ? low + 1e-9 : 0.01) - low;
    const came = store.step || store.picked !== null ? place + 1 : -1;
    this.chips.forEach((chip, n) => {
      const value = values[n], marks = `tj-chip${first + n < store.prompt ? " tj-prompt" : ""}${first + n === place ? " tj-in" : ""}${
        first + n === came ? " tj-out" : ""}${first + n === store.part[0] ? " tj-part" : ""}${first + n === view.hovered ? " tj-hover" : ""}${
        tokens[first + n].step?.by === "learner" ? " tj-chosen" : ""}${tokens[first + n].step?.changed ? " tj-changed" : ""}`;
      const shade = value === null ? "0" : ((value - low) / span).toFixed(3);
      if (chip.className !== marks) chip.className = marks;
      if (chip.shade !== shade) chip.style.setProperty("--share", (chip.shade = shade));
      const looked = String(first + n === place);
      if (chip.getAttribute("aria-selected") !== looked) chip.setAttribute("aria-selected", looked);
    });
    this.inner.classList.toggle("tj-warm", !norms);
    const active = this.chip(view.hovered ?? place);
    if (active) this.root.setAttribute("aria-activedescendant", active.id);
    if (store.said.text) this.root.setAttribute("aria-label", store.said.text);
  }

  /** Have a chip for each place from first to last, and keep those that are there. @param {number} first @param {number} last */
  fit(first, last) {
    const { tokens } = this.view.store, begin = this.chips.length ? Number(this.chips[0].dataset.position) : first;
    const kept = this.chips.filter((chip, n) => {
      const stays = first <= begin + n && begin + n < last && chip.token === tokens[begin + n] && begin <= last;
      if (!stays) chip.remove();
      return stays;
    });
    const from = kept.length ? Number(kept[0].dataset.position) : first;
    const earlier = range(first, from).map((place) => this.made(place));
    const later = range(from + kept.length, last).map((place) => this.made(place));
    this.before.after(...earlier);
    this.after.before(...later);
    this.chips = [...earlier, ...kept, ...later];
  }

  /** @param {number} place */
  made(place) {
    const token = this.view.store.tokens[place];
    const chip = h("span", { role: "option", id: `tj-${this.view.number}-${place}`, "data-position": place },
      h("bdi", {}, shortened(token.piece, 24)), h("i", {}, String(token.id)));
    chip.token = token;
    return chip;
  }
}

/** @param {number} from @param {number} to */
function range(from, to) {
  return Array.from({ length: Math.max(0, to - from) }, (_, n) => from + n);
}

/** The three stations of the step looked at: id -> row -> prediction. */
class Stations {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    /** @type {Token | null} */ this.drawn = null;
    this.id = h("b", { class: "tj-big" });
    this.piece = h("bdi");
    this.where = h("span");
    this.strip = h("canvas", { role: "img" });
    this.norm = h("div");
    this.values = h("div");
    this.ends = h("div");
    this.rowSaid = h("p", { class: "tj-sentence" });
    this.choices = range(0, CHOICES).map((n) => new Choice(() => this.choose(n)));
    this.bars = h("div", { class: "tj-bars", role: "img" }, ...this.choices.map((choice) => choice.bar));
    this.choiceSaid = h("p", { class: "tj-sentence" });
    const arrow = () => h("div", { class: "tj-arrow", "aria-hidden": "true" }, "→");
    this.root = h("div", { class: "explorer-stations" },
      h("div", { class: "tj-id" }, h("h4", {}, "token id"), this.id, h("b", {}, this.piece), this.where), arrow(),
      h("div", { class: "explorer-embedding" }, h("h4", {}, "embedding row"), this.strip, this.norm, this.values, this.ends, this.rowSaid), arrow(),
      h("div", { class: "explorer-candidates" },
        h("h4", {}, "predicted next token ", h("small", {}, "grey: model · coloured: after sliders")),
        h("div", { class: "tj-choices" }, h("div", { class: "explorer-choices" }, ...this.choices.map((choice) => choice.button)), this.bars),
        this.choiceSaid));
  }

  /** @param {number} n */
  choose(n) {
    const { store } = this.view, candidate = store.step?.candidates[n];
    if (candidate) this.view.send({ kind: "choose", position: store.place - store.prompt + 2, token_id: candidate[0] });
  }

  draw() {
    const { store } = this.view, place = store.place, token = store.tokens[place], { row } = token;
    say(this.id, String(token.id));
    say(this.piece, shortened(token.piece));
    say(this.where, `at position ${place}${place < store.prompt ? ", prompt" : ""}: went in`);
    if (this.drawn !== token) strips(this.strip, (this.drawn = token).row);
    const cosine = token.cosine === null ? "" : ` · cosine to ${shortened(store.tokens[place - 1].piece, 10)} ${signed(token.cosine, 3)}`;
    say(this.norm, `shape (${row.length},) · norm ${token.norm.toFixed(3)}${cosine}`);
    say(this.values, `[${[...row.subarray(0, 6)].map((value) => signed(value, 2)).join(", ")}, …]`);
    say(this.ends, `min ${signed(Math.min(...row), 2)} · max ${signed(Math.max(...row), 2)}`);
    tell(this.strip, this.rowSaid, token.said);
    this.drawChoices(store.step, store.tokens[place + 1]);
  }

  /** @param {Step | null} step @param {Token | undefined} came */
  drawChoices(step, came) {
    const { store } = this.view, rows = step?.candidates ?? [];
    const scale = 1 / Math.max(SMALL, ...rows.map((row) => Math.max(row[2], row[3])));
    const free = !store.playing && !store.recorded && store.place >= store.prompt - 1;
    this.choices.forEach((choice, n) => choice.draw(rows[n], scale, rows[n]?.[0] === came?.id, free));
    const nothing = store.picked === null ? "Nothing is predicted yet: press Step or Play." : "The model has not read on from here yet: press Step or Play.";
    tell(this.bars, this.choiceSaid, step ? step.said : nothing);
  }
}

/** A number with its sign, as Python writes it. @param {number} value @param {number} digits */
function signed(value, digits) {
  return (value < 0 ? "" : "+") + value.toFixed(digits);
}

/** One candidate: a button with its name, and two bars. */
class Choice {
  /** @param {() => void} choose */
  constructor(choose) {
    this.button = h("button", { type: "button", class: "explorer-choice", onclick: choose });
    this.model = h("i", { class: "tj-model" });
    this.left = h("i", { class: "tj-left" });
    this.outcome = h("span");
    this.bar = h("div", { class: "tj-bar" }, h("span", { class: "tj-pair" }, this.model, this.left), this.outcome);
  }

  /** @param {Candidate | undefined} row @param {number} scale @param {boolean} chosen @param {boolean} free */
  draw(row, scale, chosen, free) {
    this.button.hidden = this.bar.hidden = !row;
    if (!row) return;
    const [id, piece, model, left] = row;
    say(this.button, shortened(piece, 13));
    this.button.title = `${piece}, id ${id}: model ${model.toFixed(4)}, after sliders ${left.toFixed(4)}`;
    this.button.disabled = !free;
    this.button.classList.toggle("tj-taken", chosen);
    this.bar.classList.toggle("tj-taken", chosen);
    this.model.style.width = `${(100 * model * scale).toFixed(1)}%`;
    this.left.style.width = `${(100 * left * scale).toFixed(1)}%`;
    say(this.outcome, `${share(model)} → ${left > 0 ? share(left) : "cut off"}${chosen ? " ✓" : ""}`);
  }
}

/** What is inside the model at the place looked at: a row for each stage. */
class InsidePart {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    /** @type {Inside | null} */ this.drawn = null;
    /** @type {Inside | null} */ this.last = null; // of this text, until the kernel has told the one that is asked for
    this.run = -1;
    this.rows = h("div", { class: "tj-rows", role: "img" });
    this.said = h("p", { class: "tj-sentence" });
    this.heads = new Heads(view);
    this.memory = new MemoryAlong(view);
    const stages = h("div", {}, h("h4", {}, "inside: from the row to the prediction"), this.rows);
    this.root = h("div", { class: "explorer-stages" }, h("div", { class: "tj-inner" }, stages, this.heads.root), this.said, this.heads.said, this.memory.root);
  }

  /** @param {number} first @param {number} last */
  draw(first, last) {
    const { store } = this.view;
    this.root.hidden = !store.open;
    if (!store.open) return;
    if (this.run !== store.run || (this.last?.place ?? 0) >= store.tokens.length) [this.run, this.last] = [store.run, null];
    this.last = store.insides.get(store.place) ?? this.last;
    const inside = store.picked !== null || store.position ? this.last : null;
    if (this.drawn !== inside) this.rows.replaceChildren(...(inside?.stages ?? []).map(stageRow));
    this.drawn = inside;
    tell(this.rows, this.said, inside ? inside.why ?? inside.said : "Nothing has passed through the model yet: press Step or Play.");
    // told to screen readers as the learner moves, and not for each token that streams
    for (const { said } of [this.heads, this.memory]) said.setAttribute("aria-live", store.playing ? "off" : "polite");
    this.heads.draw(this.view.seen() ?? this.last);
    this.memory.draw(first, last);
  }
}

/** The heads: one is pressed to see where it looks, and can be muted. One stop for Tab, arrow keys within them. */
class Heads {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    /** @type {any[]} */ this.buttons = [];
    this.at = 0; // the button that Tab reaches
    this.sizes = [0, 0];
    this.order = h("small");
    this.grid = h("div", { class: "tj-heads", role: "group", "aria-label": "attention heads",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event) });
    this.mute = h("button", { type: "button", class: "explorer-mute", onclick: () => this.toggle(this.view.head) });
    this.unmute = h("button", { type: "button", class: "explorer-unmute", onclick: () => view.send({ kind: "unmute" }) }, "unmute all");
    this.fixed = h("small", {}, "The heads of this model cannot be muted.");
    this.said = h("p", { class: "tj-sentence explorer-look" });
    this.root = h("div", { class: "explorer-heads" }, h("h4", {}, "heads", this.order), this.grid, this.mute, this.unmute, this.fixed);
  }

  /** @param {number} n @returns {[number, number]} */
  headAt(n) {
    return [Math.floor(n / this.sizes[1]), n % this.sizes[1]];
  }

  /** @param {[number, number] | null} head */
  toggle(head) {
    if (head && this.view.store.can === "heads") this.view.send({ kind: "mute", head });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [layers, heads] = this.sizes, [across, down] = layers > heads ? [heads, 1] : [1, heads];
    const moved = /** @type {Record<string, number>} */ ({ ArrowLeft: -across, ArrowRight: across, ArrowUp: -down, ArrowDown: down })[event.key];
    if (moved && this.buttons[this.at + moved]) this.focus(this.at + moved);
    else if (event.key === "m") this.toggle(this.headAt(this.at));
    else if (!moved) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {number} n */
  focus(n) {
    this.buttons[this.at].tabIndex = -1;
    this.buttons[(this.at = n)].tabIndex = 0;
    this.buttons[n].focus();
  }

  /** A press: see through this head, or again through all. @param {number} n */
  press(n) {
    const { view } = this, head = this.headAt(n);
    view.head = has([view.head], head) ? null : head;
    view.tint = "attention";
    this.focus(n);
    view.ask();
  }

  /** A row for each layer, or a column where there are more layers than heads. @param {number} layers @param {number} heads */
  fit(layers, heads) {
    if (String(this.sizes) === String([layers, heads])) return;
    this.sizes = [layers, heads];
    const tall = layers > heads, many = layers * heads > NAMED;
    this.at = 0;
    this.view.head = null;
    say(this.order, `a ${tall ? "column" : "row"} for each layer · press to see its look`);
    this.grid.style.height = `${Math.min(132, 28 * Math.min(layers, heads))}px`;
    this.grid.style.gridAutoFlow = tall ? "column" : "row";
    this.grid.style.gridTemplate = tall ? `repeat(${heads}, 1fr) / none` : `none / repeat(${heads}, 1fr)`;
    this.buttons = range(0, layers * heads).map((n) => {
      const name = this.headAt(n).join(".");
      return h("button", { type: "button", tabindex: n ? "-1" : "0", onclick: () => this.press(n), "data-head": name,
        "data-lm-suppress-shortcuts": "true" }, many ? "" : name);
    });
    this.grid.replaceChildren(...this.buttons);
  }

  /** @param {Inside | null} inside */
  draw(inside) {
    const { view } = this, { store, head } = view;
    this.root.hidden = this.said.hidden = !inside?.heads;
    if (!inside?.heads || !inside.looks) return;
    this.fit(...inside.heads);
    const { looks } = inside, count = looks.length / this.buttons.length;
    this.buttons.forEach((button, n) => {
      const each = this.headAt(n), muted = has(store.muted, each);
      const sharpest = looks.subarray(n * count, (n + 1) * count).reduce((most, value) => Math.max(most, value), 0) / 255;
      button.style.setProperty("--share", sharpest.toFixed(2));
      button.classList.toggle("tj-muted", muted);
      button.setAttribute("aria-pressed", String(has([head], each)));
      button.setAttribute("aria-label", button.title = `${headName(each)}${muted ? ", muted" : ""}: at most ${sharpest.toFixed(2)} on one token`);
    });
    this.mute.hidden = this.unmute.hidden = store.can !== "heads";
    this.fixed.hidden = !this.mute.hidden;
    this.mute.disabled = !head;
    say(this.mute, head ? `${has(store.muted, head) ? "unmute" : "mute"} ${head.join(".")}` : "mute a head");
    this.unmute.disabled = !store.muted.length;
    tell(this.grid, this.said, lookSaid(store, inside, head, count));
  }
}

/** @param {any[]} pairs @param {[number, number]} pair */
function has(pairs, pair) {
  return pairs.some((each) => each?.[0] === pair[0] && each[1] === pair[1]);
}

/** @param {[number, number]} head */
function headName([layer, head]) {
  return `Layer ${layer} head ${head}`;
}

/** @param {string} piece */
function quoted(piece) {
  return `‘${shortened(piece)}’`;
}

/** Where a token looks most, in a sentence. @param {Store} store @param {Inside} inside @param {[number, number] | null} head @param {number} count */
function lookSaid(store, inside, head, count) {
  const who = head ? `${headName(head)}${has(store.muted, head) ? " (muted)" : ""}` : "The mean of all heads";
  const most = range(0, count).map((place) => ({ place, value: look(inside, head, place) ?? 0 })).sort((a, b) => b.value - a.value);
  const told = most.slice(0, 3).map(({ place, value }) => `${value.toFixed(2)} at ${quoted(store.tokens[place].piece)} (position ${place})`);
  return `${who} looks from ${quoted(store.tokens[inside.place].piece)} with ${told.join(", ")}.`;
}

/** The memory along the text: the strongest units as rows, above the places that the norms' plot shows. */
class MemoryAlong {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    /** @type {number | null} */ this.unit = null; // the one that is pressed
    /** @type {number[]} */ this.units = [];
    this.first = this.count = 0;
    this.canvas = h("canvas");
    this.marks = s("svg", { preserveAspectRatio: "none" });
    this.strip = h("div", { class: "tj-along" }, this.canvas, this.marks);
    this.names = range(0, UNITS).map(() => h("span"));
    this.values = range(0, UNITS).map(() => h("span"));
    this.body = h("div", { class: "tj-memory", tabindex: "0", role: "application", "data-lm-suppress-shortcuts": "true",
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.key(event),
      onclick: (/** @type {MouseEvent} */ event) => this.press(event),
      onmousemove: (/** @type {MouseEvent} */ event) => view.hover(this.placeAt(event)),
      onmouseleave: () => view.hover(null), onblur: () => view.hover(null),
    }, h("div", {}, ...this.names), this.strip, h("div", {}, ...this.values));
    this.flip = h("button", { type: "button", class: "explorer-flip", onclick: () => view.send({ kind: "flip", position: view.store.place, unit: this.unit }) });
    this.fixed = h("small", {}, "The memory of this model cannot be changed.");
    this.said = h("p", { class: "tj-sentence" });
    this.root = h("div", { class: "explorer-memory" },
      h("h4", {}, "memory along the text", h("small", {}, "the strongest units · blue below 0, orange above · press one at a token"), this.flip, this.fixed),
      this.body, this.said);
  }

  /** @param {MouseEvent} event */
  placeAt(event) {
    const box = this.canvas.getBoundingClientRect(), place = this.first + Math.floor(((event.clientX - box.left) / box.width) * this.count);
    return event.clientX >= box.left && this.view.store.memory.has(place) ? place : null;
  }

  /** @param {MouseEvent} event */
  press(event) {
    const box = this.canvas.getBoundingClientRect(), place = this.placeAt(event);
    this.unit = this.units[Math.floor(((event.clientY - box.top) / box.height) * UNITS)] ?? this.unit;
    if (place === null || place === this.view.store.place) this.view.ask();
    else this.view.press(place);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { view } = this, now = view.hovered ?? view.store.place, row = this.units.indexOf(this.unit ?? -1);
    const places = /** @type {Record<string, number>} */ ({ ArrowLeft: now - 1, ArrowRight: now + 1 });
    const rows = /** @type {Record<string, number>} */ ({ ArrowUp: row - 1, ArrowDown: row + 1 });
    if (event.key in places) view.hover(view.store.memory.has(places[event.key]) ? places[event.key] : now);
    else if (event.key in rows) this.unit = this.units[rows[event.key]] ?? this.unit;
    else if (event.key === "Enter") view.press(now);
    else return;
    view.ask();
    event.preventDefault();
    event.stopPropagation();
  }

  /** The units with the largest mean size; a unit that is pressed or flipped stays. @param {Memory[]} shown */
  choose(shown) {
    const { flipped } = this.view.store, sizes = new Float64Array(shown[0].cell.length), kept = new Set([this.unit, ...flipped.map(([, unit]) => unit)]);
    if ((this.unit ?? 0) >= sizes.length) this.unit = null; // another model's
    for (const { cell } of shown) cell.forEach((value, unit) => { sizes[unit] += Math.abs(value); });
    this.units.forEach((unit) => { sizes[unit] *= STAYS; });
    kept.forEach((unit) => { if (unit !== null) sizes[unit] = Infinity; });
    const order = [...sizes.keys()].sort((a, b) => (sizes[a] === sizes[b] ? a - b : sizes[b] - sizes[a]));
    this.units = order.slice(0, UNITS).sort((a, b) => a - b);
  }

  /** @param {number} first @param {number} last */
  draw(first, last) {
    const { store, hovered } = this.view, places = range(first, last).filter((place) => store.memory.has(place));
    this.root.hidden = !places.length;
    if (this.root.hidden) return;
    this.choose(places.map((place) => /** @type {Memory} */ (store.memory.get(place))));
    this.first = first;
    this.count = columns(first, last);
    const { units } = this, columnsOf = range(first, first + this.count).map((place) => store.memory.get(place)?.cell);
    strips(this.canvas, ...this.names.map((_, row) => columnsOf.map((cell) => cell?.[units[row]] ?? 0)));
    this.strip.style.left = `${5.8 - 41.5 / this.count}%`; // so that a column stands above its dot in the norms' plot
    const at = store.memory.has(hovered ?? -1) ? /** @type {number} */ (hovered) : store.place, memory = store.memory.get(at);
    this.names.forEach((name, row) => {
      say(name, row < units.length ? `unit ${units[row]}` : "");
      name.classList.toggle("tj-lit", units[row] === this.unit);
      say(this.values[row], memory && row < units.length ? signed(memory.cell[units[row]], 2) : "");
    });
    this.mark(at);
    const here = this.unit !== null && has(store.flipped, [store.place, this.unit]);
    this.fixed.hidden = store.can === "memory";
    this.flip.hidden = !this.fixed.hidden;
    this.flip.disabled = this.unit === null || store.playing || !store.memory.has(store.place);
    say(this.flip, this.unit === null ? "flip a unit" : `flip unit ${this.unit} ${here ? "back " : ""}at ${quoted(store.tokens[store.place].piece)}`);
    tell(this.body, this.said, unitSaid(store, this.unit, at));
  }

  /** The place and the unit that are looked at, and what is flipped. @param {number} at */
  mark(at) {
    this.marks.setAttribute("viewBox", `0 0 ${this.count} ${UNITS}`);
    const box = (/** @type {string} */ kind, /** @type {number} */ x, /** @type {number} */ y, width = 1, height = 1) =>
      s("rect", { class: kind, x, y, width, height, "vector-effect": "non-scaling-stroke" });
    const row = this.units.indexOf(this.unit ?? -1);
    this.marks.replaceChildren(box("tj-ring", at - this.first, 0, 1, UNITS), ...(row < 0 ? [] : [box("tj-ring", 0, row, this.count)]),
      ...this.view.store.flipped.filter(([place]) => place >= this.first).map(([place, unit]) => box("tj-turned", place - this.first, this.units.indexOf(unit))));
  }
}

/** A unit at a token in a sentence: its value and its gates. @param {Store} store @param {number | null} unit @param {number} place */
function unitSaid(store, unit, place) {
  const memory = store.memory.get(place), where = `after ${quoted(store.tokens[place].piece)} (position ${place})`;
  if (!memory) return `What was kept ${where} is not known: the model has not read on from here.`;
  const { cell, gates } = memory, gate = (/** @type {number} */ n) => (gates[n * cell.length + /** @type {number} */ (unit)] / 255).toFixed(2);
  if (unit === null) return `${cell.length} units ${where}: ${cell.filter((value) => value > 0).length} above 0. Press one to see its gates.`;
  return `Unit ${unit} ${where}: ${signed(cell[unit], 2)}${has(store.flipped, [place, unit]) ? ", flipped" : ""}; input gate ${gate(0)}, forget gate ${gate(1)}, output gate ${gate(2)}.`;
}

/** How many columns a plot of these places has: it grows in jumps, not with each token. @param {number} first @param {number} last */
function columns(first, last) {
  return Math.ceil((last - first) / 20) * 20;
}

/** @param {Stage} stage */
function stageRow(stage) {
  const canvas = h("canvas");
  strips(canvas, stage.vector);
  const guesses = stage.guesses.map(([, piece, chance]) => {
    const guess = h("span", { class: "tj-guess", title: piece }, h("bdi", {}, shortened(piece, 11)), ` ${chance.toFixed(2)}`);
    guess.style.setProperty("--share", chance.toFixed(2));
    return guess;
  });
  const read = guesses.length ? guesses : [h("i", {}, "the output layer cannot read it")];
  return h("div", { class: "tj-stage" }, h("span", {}, stage.name), canvas, h("b", {}, stage.norm.toFixed(2)), h("span", {}, ...read));
}

const ROW = 20; // pixels of a branch

/** The branches that the text has left, each a line from where it parts, and a button that brings it back. */
class Tree {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.drawn = "";
    this.lines = s("svg", { "aria-hidden": "true" });
    this.names = h("div");
    this.said = h("p", { class: "tj-sentence" });
    this.rows = h("div", { class: "tj-branches", role: "group" }, this.lines, this.names);
    this.root = h("div", { class: "explorer-branches" }, h("h4", {}, "tree: the branches that this text has left"), this.rows, this.said);
  }

  draw() {
    const { tree, tokens, prompt } = this.view.store, steps = tokens.length - prompt;
    this.root.hidden = !tree;
    const key = JSON.stringify([tree, steps]);
    if (!tree || this.drawn === key) return;
    this.drawn = key;
    const longest = Math.max(1, steps, ...tree.rows.map((row) => row[3])), x = (/** @type {number} */ step) => 6 + (300 * step) / longest;
    const line = (/** @type {number[]} */ [from, trunk, to], /** @type {number} */ n) =>
      s("path", { class: n ? "tj-branch" : "tj-branch tj-trunk", d: `M${x(from)} ${ROW * (trunk + 0.5)}V${ROW * (n + 0.5)}H${x(to)}` });
    const lines = [[0, 0, steps], ...tree.rows.map(([, parted, trunk, count]) => [parted, trunk, count])];
    this.lines.setAttribute("style", `height: ${ROW * lines.length}px`);
    this.lines.replaceChildren(...lines.map(line));
    const button = (/** @type {Branch} */ [number, parted, , count, words]) => h("button", { type: "button", class: "tj-bring", "data-branch": number,
      title: `Bring back branch ${number}, ${count} steps`, onclick: () => this.view.send({ kind: "restore", number }) },
      `${number} · after step ${parted}: `, h("bdi", {}, words));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.branch;
    this.names.replaceChildren(h("b", {}, `shown: ${steps} step${steps === 1 ? "" : "s"}`), ...tree.rows.map(button));
    if (focused) this.names.querySelector(`[data-branch="${focused}"]`)?.focus();
    tell(this.rows, this.said, tree.said);
  }
}

/** A number for each token along the text. */
class Plot {
  /**
   * @param {string} name @param {number} width @param {(place: number | null) => void} hover @param {(place: number) => void} press
   * @param {(place: number) => number | null} value @param {boolean} [stems]
   */
  constructor(name, width, hover, press, value, stems = false) {
    this.name = name;
    this.width = width;
    this.value = value;
    this.stems = stems;
    this.right = width - (width < 600 ? 76 : 100);
    this.said = h("p", { class: "tj-sentence" });
    this.zone = s("rect", { class: "tj-zone", y: TOP, height: BOTTOM - TOP });
    this.grid = s("g");
    this.line = s("path", { class: "tj-line" });
    this.dots = s("path", { class: "tj-dots" });
    this.mean = s("path", { class: "tj-mean" });
    this.meanSaid = s("text", { x: this.right + 6 });
    this.lit = s("circle", { class: "tj-lit", r: 5 });
    this.ring = s("circle", { class: "tj-ring", r: 6 });
    this.marks = s("g", { class: "tj-marks" });
    this.labels = s("g");
    const at = (/** @type {MouseEvent} */ event, /** @type {(place: number) => void} */ act) => {
      const place = this.placeAt(event);
      if (place !== null) act(place);
    };
    this.svg = s("svg", {
      viewBox: `0 0 ${width} 96`, role: "img",
      onmousemove: (/** @type {MouseEvent} */ event) => at(event, hover), onmouseleave: () => hover(null),
      onclick: (/** @type {MouseEvent} */ event) => at(event, press),
    }, this.zone, this.grid, this.line, this.dots, this.mean, this.meanSaid, this.lit, this.ring, this.marks, this.labels);
    this.root = h("div", { class: `explorer-${name}` }, this.said, this.svg);
    this.first = this.last = this.count = 0;
    this.gridKey = this.marksKey = this.labelsKey = ""; // what they were drawn for
  }

  /** @param {MouseEvent} event */
  placeAt(event) {
    const box = this.svg.getBoundingClientRect(), x = ((event.clientX - box.left) / box.width) * this.width;
    const place = Math.round(this.first + ((x - LEFT - 12) / (this.right - LEFT - 24)) * this.count);
    return place >= this.first && place < this.last ? place : null;
  }

  /** @param {Store} store @param {number} first @param {number} last @param {{place: number, said: string}[]} marks @param {number | null} hovered */
  draw(store, first, last, marks, hovered) {
    this.first = first;
    this.last = last;
    this.count = columns(first, last);
    const points = range(first, last).flatMap((place) => {
      const value = this.value(place);
      return value === null ? [] : [{ place, value }];
    });
    const values = points.map(({ value }) => value), ends = this.ends(values);
    const x = (/** @type {number} */ place) => LEFT + 12 + ((place - first) / this.count) * (this.right - LEFT - 24);
    const y = (/** @type {number} */ value) => BOTTOM - ((value - ends[0]) / (ends[1] - ends[0])) * (BOTTOM - TOP);
    const spots = points.map(({ place, value }) => [x(place).toFixed(1), y(value).toFixed(1)]);
    const zero = y(0).toFixed(1);
    this.line.setAttribute("d", this.stems ? spots.map(([px, py]) => `M${px} ${zero}V${py}`).join("") : path(spots));
    this.dots.setAttribute("d", spots.map(([px, py]) => `M${px} ${py}h0`).join(""));
    this.drawGrid(ends, y);
    this.drawMean(values, y);
    const prompt = Math.max(0, store.prompt - first), begin = x(first - 0.5);
    this.zone.setAttribute("x", begin.toFixed(1));
    this.zone.setAttribute("width", prompt ? (x(first + prompt - 0.5) - begin).toFixed(1) : "0");
    spot(this.lit, points, store.place, x, y);
    spot(this.ring, points, hovered, x, y);
    this.drawMarks(marks.filter(({ place }) => place >= first), x);
    this.drawLabels(store, points, x);
    if (store.said[this.name]) tell(this.svg, this.said, store.said[this.name]);
  }

  /** @param {number[]} values */
  ends(values) {
    if (this.name === "cosines") return [Math.min(-0.5, ...values), 1];
    if (this.name === "surprise") return [0, Math.max(4, ...values) * 1.1];
    return [0, Math.max(1, ...values) * 1.3];
  }

  /** @param {number[]} ends @param {(value: number) => number} y */
  drawGrid(ends, y) {
    const key = ends.join();
    if (this.gridKey === key) return;
    this.gridKey = key;
    this.grid.replaceChildren(...ticks(ends[0], ends[1]).flatMap((tick) => [
      s("path", { class: "tj-grid", d: `M${LEFT} ${y(tick).toFixed(1)}H${this.right}` }),
      s("text", { x: LEFT - 6, y: (y(tick) + 4).toFixed(1), "text-anchor": "end" }, String(tick).replace("-", "−")),
    ]));
  }

  /** @param {number[]} values @param {(value: number) => number} y */
  drawMean(values, y) {
    const mean = values.reduce((sum, value) => sum + value, 0) / (values.length || 1), shown = values.length > 0;
    this.mean.setAttribute("d", shown ? `M${LEFT} ${y(mean).toFixed(1)}H${this.right}` : "");
    this.meanSaid.setAttribute("y", (y(mean) + 4).toFixed(1));
    say(this.meanSaid, shown ? `mean ${mean.toFixed(2)}` : "");
  }

  /** @param {{place: number, said: string}[]} marks @param {(place: number) => number} x */
  drawMarks(marks, x) {
    const key = `${this.first} ${this.count} ${marks.map(({ place, said }) => place + said)}`;
    if (this.marksKey === key) return;
    this.marksKey = key;
    const words = marks.map(({ place, said }) => ({ x: x(place) + 3.35 * said.length + 4, said })).reverse();
    this.marks.replaceChildren(
      ...marks.map(({ place }) => s("path", { d: `M${x(place).toFixed(1)} ${TOP}V${BOTTOM}`, "stroke-dasharray": "2 3" })),
      ...labels(words, TOP + 8, LEFT, this.width - 10));
  }

  /** Names below: the token that went in first, then the latest ones for which there is room. @param {Store} store @param {{place: number}[]} points @param {(place: number) => number} x */
  drawLabels(store, points, x) {
    const key = `${this.first} ${this.last} ${this.count} ${store.place} ${store.run} ${points.length}`;
    if (this.labelsKey === key) return;
    this.labelsKey = key;
    const places = points.map(({ place }) => place), name = (/** @type {number} */ place) => shortened(store.tokens[place].piece, 12);
    const rest = places.length <= WORDS_FIT
      ? places.toReversed().map((place) => ({ x: x(place), said: name(place) }))
      : places.filter((place) => place % 20 === 0).map((place) => ({ x: x(place), said: String(place) }));
    const first = places.filter((place) => place === store.place).map((place) => ({ x: x(place), said: name(place) }));
    this.labels.replaceChildren(...labels([...first, ...rest], BOTTOM + 14, LEFT, this.right));
  }
}

/** Which step is looked at, as a slider that the page moves itself. */
class Position {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.slider = h("input", { type: "range", min: 0, step: 1, "data-lm-suppress-shortcuts": "true", oninput: () => view.look(Number(this.slider.value)) });
    this.said = h("output");
    this.root = h("label", { class: "explorer-position" }, h("span", {}, "position"), this.slider, this.said);
  }

  draw() {
    const { slider } = this, stores = this.view.pair.map(({ store }) => store); // of two runs the longer one counts
    const [steps, position] = [Math.max(...stores.map((store) => store.steps)), Math.max(...stores.map((store) => store.position))].map(String);
    if (slider.max !== steps) slider.max = steps;
    if (slider.value !== position) slider.value = position;
    say(this.said, `${position} of ${steps}`);
  }
}

/** @param {string[][]} spots */
function path(spots) {
  return spots.length ? `M${spots.map((spot) => spot.join(" ")).join("L")}` : "";
}

/** Put a circle at a place, or out of sight. @param {any} circle @param {{place: number, value: number}[]} points @param {number | null} place @param {(place: number) => number} x @param {(value: number) => number} y */
function spot(circle, points, place, x, y) {
  const shown = points.find((each) => each.place === place);
  circle.setAttribute("visibility", shown ? "visible" : "hidden");
  if (!shown) return;
  circle.setAttribute("cx", x(shown.place).toFixed(1));
  circle.setAttribute("cy", y(shown.value).toFixed(1));
}

/** Words centred under their places, as many as fit without touching; earlier ones in the list go first. @param {{x: number, said: string}[]} words @param {number} y @param {number} first @param {number} last */
function labels(words, y, first, last) {
  /** @type {[number, number][]} */
  const taken = [];
  return words.flatMap(({ x, said }) => {
    const half = 3.35 * [...said].length + 2, middle = Math.min(Math.max(x, first + half), last - half);
    if (taken.some(([low, high]) => middle + half > low && middle - half < high)) return [];
    taken.push([middle - half, middle + half]);
    return [s("text", { x: middle.toFixed(1), y, "text-anchor": "middle" }, said)];
  });
}

// ------------------------------------------------------------------------------------------- two runs, side by side

/** Put two views into one grid, in step; the function returned takes them out. @param {HTMLElement} el @param {View[]} views @param {string[][]} runs */
function sideBySide(el, views, runs) {
  const { store } = views[0], said = h("p", { class: "tj-sentence explorer-parting" });
  const root = h("div", { class: "tj-view tj-two" }, said, ...views.map((view) => view.root));
  views.forEach((view, n) => {
    const [name, own] = runs[n], title = () => [h("b", {}, name), h("small", {}, own)];
    view.pair = views;
    view.text.root.before(h("h4", { class: "tj-run" }, ...title()));
    view.stations.root.firstChild?.before(h("h4", { class: "tj-side" }, ...title()));
  });
  views[1].status.root.remove(); // one status for both, and one position
  views[1].position.root.remove();
  const tellParting = () => say(said, store.part[1]);
  store.views.add(tellParting);
  el.append(root);
  tellParting();
  return () => { store.views.delete(tellParting); root.remove(); };
}

// ------------------------------------------------------------------------------------- charts of lessons: drawn whole

/**
 * @typedef {{kind: string, said: string, [more: string]: any}} Chart  as charts.py makes it
 * @typedef {(value: number) => number} Scale
 */
const PALETTE = ["var(--tj-blue)", "var(--tj-orange)", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#888888", "#a6761d"];
/** @type {Record<string, (chart: Chart) => HTMLElement>} */
const CHARTS = { bars: barChart, lines: lineChart, map: wordMap, sample: sampleText };

/** A row of charts, drawn anew whenever they change. @param {Model} model @param {HTMLElement} el */
function drawCharts(model, el) {
  const root = h("div", { class: "tj-charts" });
  /** Those of a list stand below each other. @type {(chart: any) => HTMLElement} */
  const drawn = (chart) => (Array.isArray(chart) ? h("div", {}, ...chart.map(drawn)) : CHARTS[chart.kind](chart));
  const draw = () => root.replaceChildren(...model.get("charts").map(drawn));
  model.on("change:charts", draw);
  el.append(root);
  draw();
  return () => { model.off("change:charts", draw); root.remove(); };
}

/** A chart with its sentence. @param {string} kind @param {any} picture @param {string} said */
function captioned(kind, picture, said) {
  const line = h("p", { class: "tj-sentence" });
  picture.setAttribute("role", "img");
  tell(picture, line, said);
  return h("div", { class: `tj-chart tj-${kind}` }, picture, line);
}

/** @param {number[]} size @param {(Node | string)[]} children */
function canvasOf([width, height], ...children) {
  return s("svg", { width, height, viewBox: `0 0 ${width} ${height}` }, ...children);
}

/** @param {number} low @param {number} high @param {number} first @param {number} last @param {boolean} [log] @returns {Scale} */
function scaled(low, high, first, last, log = false) {
  const of = log ? Math.log : Number, span = of(high) - of(low) || 1;
  return (value) => first + ((of(value) - of(low)) / span) * (last - first);
}

/** Round numbers on a scale of logarithms: 1, 2 and 5 of each power of ten. @param {number} low @param {number} high */
function powers(low, high) {
  const tens = range(Math.floor(Math.log10(low)), Math.ceil(Math.log10(high)) + 1);
  return tens.flatMap((ten) => [1, 2, 5].map((one) => Number(`${one}e${ten}`))).filter((tick) => low <= tick && tick <= high);
}

/** Heights of labels, moved to be `least` apart at least, and none below `lowest`. @param {number[]} heights @param {number} least @param {number} lowest */
function apart(heights, least, lowest) {
  const order = heights.map((_, n) => n).sort((a, b) => heights[a] - heights[b]), moved = [...heights];
  let free = -Infinity;
  for (const n of order) free = (moved[n] = Math.max(moved[n], free)) + least;
  for (const n of order.reverse()) lowest = (moved[n] = Math.min(moved[n], lowest)) - least;
  return moved;
}

/** @param {Chart} chart */
function barChart({ key, rows, said }) {
  const bar = (/** @type {[number, string]} */ [part, look]) => {
    const drawn = h("i", { class: `tj-${look}` });
    drawn.style.width = `${(100 * part).toFixed(1)}%`;
    return drawn;
  };
  const row = (/** @type {[string, string, [number, string][]]} */ [name, figures, bars]) => h("div", { class: "tj-row", title: `${name}: ${figures}` },
    h("bdi", {}, shortened(name)), h("span", {}, ...bars.map(bar)), h("small", {}, figures));
  return captioned("bar-chart", h("div", {}, h("div", { class: "tj-row" }, h("bdi"), h("small", {}, key)), ...rows.map(row)), said);
}

/** @param {Chart} chart */
function lineChart({ size: [width, height, margin], x: [first, last, unit], y: [low, high], lines, key, log, levels, named, said }) {
  const [left, right] = [44, width - margin], [top, base] = [key ? 24 : 10, height - (unit ? 24 : 8)];
  const x = scaled(first, last, left, right), y = scaled(low, high, base, top, log), across = `H${right}`;
  const grid = (log ? powers : ticks)(low, high).flatMap((tick) => [s("path", { class: "tj-grid", d: `M${left} ${y(tick).toFixed(1)}${across}` }),
    s("text", { x: left - 6, y: (y(tick) + 4).toFixed(1), "text-anchor": "end" }, String(tick))]);
  const drawn = lines.flatMap((/** @type {[[number, number][], string]} */ [points, look]) => {
    const spots = points.map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)]);
    const dots = look === "dots" ? [s("path", { class: "tj-dots", d: spots.map((spot) => `M${spot.join(" ")}h0`).join("") })] : [];
    return [s("path", { class: look === "grey" ? "tj-line tj-grey" : "tj-line", d: path(spots) }), ...dots];
  });
  const dashed = levels.map((/** @type {[string, number]} */ [, value]) => s("path", { class: "tj-mean", d: `M${left} ${y(value).toFixed(1)}${across}` }));
  const names = [...levels, ...named], heights = apart(names.map(([, value]) => y(value) + 4), 13, base + 4);
  const beside = names.map(([name, value], n) => s("text", { class: n < levels.length ? "" : "tj-own", x: right + 6, y: heights[n].toFixed(1) }, `${shortened(name, 12)} ${value.toFixed(3)}`));
  const below = unit ? ticks(first, last).map((tick, n) => ({ x: x(tick), said: `${n ? "" : `${unit} `}${tick.toLocaleString("en-US")}` })) : [];
  return captioned("line-chart", canvasOf([width, height], s("text", { x: left, y: 12 }, key), ...grid, ...dashed, ...drawn, ...beside,
    ...labels(below, height - 8, left, right)), said);
}

/** @param {Chart} chart */
function wordMap({ size: [width, height, legend], classes, words, said }) {
  const name = (/** @type {any[]} */ [x, y, , word, [wx, wy, side]]) => [
    ...(Math.abs(y - wy) > 5 ? [s("path", { class: "tj-thread", d: `M${x} ${y}L${wx} ${wy}` })] : []),
    s("text", { class: "tj-word", x: wx.toFixed(1), y: (wy + 3).toFixed(1), "text-anchor": side === "left" ? "start" : "end" }, word)];
  const dots = words.map((/** @type {any[]} */ [cx, cy, kind]) => s("circle", { cx, cy, r: 4, fill: PALETTE[kind % PALETTE.length] }));
  const named = words.filter((/** @type {any[]} */ word) => word[4]).flatMap(name);
  const keys = classes.map((/** @type {string} */ kind, /** @type {number} */ n) =>
    s("text", { x: 12 + 78 * (n % 5), y: legend + 16 + 14 * Math.floor(n / 5), style: `fill: ${PALETTE[n % PALETTE.length]}` }, `● ${kind}`));
  return captioned("map", canvasOf([width, height], ...dots, ...named, ...keys), said);
}

/** @param {Chart} chart */
function sampleText({ title, text }) {
  return h("div", { class: "tj-sample" }, h("b", {}, title), ` ${text}`);
}

// ------------------------------------------------------------------------------------------------ the widget itself

const HALF = 45; // milliseconds between the halves of a message, which come every 90 (MESSAGE_SECONDS in explorer.py)

/** What streams in two parts, so that a text grows evenly: a message costs the kernel more than what is in it. @param {any} message @param {DataView[]} buffers @returns {Part[]} */
function halves(message, buffers) {
  const count = message.tokens?.length ?? 0, half = count >> 1, [rows] = buffers;
  if (!message.playing || !message.begin || message.inside || !half) return [[message, buffers]];
  const { buffer, byteOffset, byteLength } = rows, size = (byteLength / count) * half;
  const parts = [new DataView(buffer, byteOffset, size), new DataView(buffer, byteOffset + size, byteLength - size)];
  const { tokens, begin, position } = message;
  return [
    [{ ...message, tokens: tokens.slice(0, half), position: position - count + half }, [parts[0]]],
    [{ ...message, tokens: tokens.slice(half), begin: begin + half }, [parts[1], ...buffers.slice(1)]],
  ];
}

/** Made once for each window: the stores, one for each text, outlive their views. */
export default function journey() {
  /** @type {Store[]} */
  const stores = [];
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      if (model.get("charts")) return;
      stores.push(new Store(), ...(model.get("runs") ?? []).slice(1).map(() => new Store()));
      /** @type {Part[]} */ let waiting = [];
      let timer = 0;
      const take = (/** @type {Part} */ [message, buffers]) => { if (!stores[message.of ?? 0].take(message, buffers)) model.send({ kind: "whole" }); };
      const takeWaiting = () => { clearTimeout(timer); waiting.splice(0).forEach(take); };
      model.on("msg:custom", (/** @type {any} */ message, /** @type {DataView[]} */ buffers) => {
        takeWaiting();
        const [first, ...rest] = halves(message, buffers);
        take(first);
        waiting = rest;
        if (rest.length) timer = setTimeout(takeWaiting, HALF);
      });
      model.send({ kind: "whole" });
    },
    /** @param {{model: Model, el: HTMLElement}} context */
    render({ model, el }) {
      if (model.get("charts")) return drawCharts(model, el);
      const runs = model.get("runs") ?? [], wide = runs.length ? 620 : 1000;
      const views = stores.map((store, of) => new View(el, store, (message) => model.send({ ...message, of }), model.get("filters"), wide));
      const apart = runs.length ? sideBySide(el, views, runs) : () => {};
      return () => { apart(); views.forEach((view) => view.remove()); };
    },
  };
}

// ----------------------------------------------------------------------------------------- a page without a kernel

const PACE = 400; // milliseconds from step to step, where a recorded journey plays

/**
 * What stands for the kernel in a saved page (page.py): it answers with what the kernel had to say.
 *
 * @typedef {[any, DataView[]]} Part  a message or a part of one, and its buffers
 * @typedef {{filters: string[], position: number, text: Part, steps: Part[], reads: Part[]}} Recording
 */
class Recorded {
  /** @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
    this.position = recording.position;
    this.open = true;
    this.timer = 0;
    /** @type {(message: any, buffers: DataView[]) => void} */ this.receive = () => {};
    const button = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ act) =>
      h("button", { type: "button", class: `explorer-${name}`, onclick: act }, label);
    this.play = button("play", "Play", () => (this.timer ? this.pause() : this.begin()));
    this.inside = button("inside", "Inside", () => this.show(this.position, !this.open));
    this.bar = h("div", { class: "explorer-controls" }, this.play, button("step", "Step", () => this.look(this.position + 1)),
      button("back", "Back", () => this.look(this.position - 1)), this.inside);
  }

  /** @param {string} _ @param {(message: any, buffers: DataView[]) => void} receive */
  on(_, receive) {
    this.receive = receive;
  }

  off() {}

  set() {}

  /** @param {string} name */
  get(name) {
    return /** @type {any} */ (this.recording)[name];
  }

  /** @param {{kind: string, position?: number, place?: number}} message */
  send({ kind, position = this.position, place = 0 }) {
    const { text, steps, reads } = this.recording;
    if (kind === "whole") [text, ...steps].forEach((part) => this.tell(part));
    if (kind === "whole" || kind === "look") this.look(position);
    if (kind === "read") this.tell(reads[place]);
  }

  /** @param {Part} part */
  tell([part, buffers]) {
    const { text: [{ model, memory, ...text }], steps } = this.recording, { position, open } = this, { status, said } = steps[position][0];
    const message = { ...text, begin: text.tokens.length, tokens: [], recorded: true, ...part, position, open, status, said };
    this.receive(message, "tokens" in part ? buffers : [new DataView(new ArrayBuffer(0)), ...buffers]);
  }

  /** @param {number} position */
  show(position, open = this.open) {
    this.position = Math.min(Math.max(position, 0), this.recording.steps.length - 1);
    this.open = open;
    this.inside.setAttribute("aria-pressed", String(open));
    this.tell(this.recording.steps[this.position]);
  }

  /** @param {number} position */
  look(position) {
    this.pause();
    this.show(position);
  }

  begin() {
    const last = this.recording.steps.length - 1;
    say(this.play, "Pause");
    if (this.position === last) this.show(0);
    this.timer = setInterval(() => (this.position < last ? this.show(this.position + 1) : this.pause()), PACE);
  }

  pause() {
    clearInterval(this.timer);
    this.timer = 0;
    say(this.play, "Play");
  }
}

/** Show a recorded journey; `packed` is what page.py wrote. @param {HTMLElement} el @param {string} packed */
export async function replay(el, packed) {
  const model = new Recorded(await unpacked(packed)), widget = journey();
  el.append(model.bar);
  widget.initialize({ model });
  widget.render({ model, el });
}

/** Base64 of gzip of: the length of the JSON, the JSON, and the buffers that it names. @param {string} text @returns {Promise<Recording>} */
async function unpacked(text) {
  const gzip = new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]).stream();
  const all = await new Response(gzip.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  let end = 4 + new DataView(all).getUint32(0, true);
  const recording = JSON.parse(new TextDecoder().decode(new Uint8Array(all, 4, end - 4)));
  const buffer = (/** @type {[string, number]} */ [kind, size]) => {
    const view = new DataView(all, (end += size) - size, size);
    return kind === "blocks" ? unblocked(view) : view;
  };
  for (const part of [recording.text, ...recording.steps, ...recording.reads]) part[1] = part[1].map(buffer);
  return recording;
}

/** Blocks of 32 numbers, each a float32 and what to multiply it by, from -127 to 127; as float32. @param {DataView} blocks */
function unblocked(blocks) {
  const values = new Float32Array((blocks.byteLength / 36) * 32);
  values.forEach((_, n) => {
    const block = 36 * (n >> 5);
    values[n] = blocks.getFloat32(block, true) * blocks.getInt8(block + 4 + (n & 31));
  });
  return new DataView(values.buffer);
}
