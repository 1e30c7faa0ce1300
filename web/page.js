// @ts-check
/** The page without Jupyter: controls, the window's own view (journey.js), and a model that the page brings along. */
import journey from "../helpers/window/journey.js";
import { loadCheckpoint } from "./checkpoint.js";
import { FILTERS, settingsOf } from "./sampling.js";
import { Session } from "./session.js";
import { WORDS, say } from "./words.js";

/** @typedef {import("./sampling.js").Filter} Filter */
/** @typedef {keyof typeof WORDS} Name */

const SPEEDS = [1, 2, 3, 5, 10, 20, 0]; // tokens a second; 0: as many as there can be
const LENGTH = 1000, SEEDS = 10 ** 9; // the largest
const START = { settings: settingsOf({ temperature: 0.8, top_p: 0.9 }), perSecond: 10, length: 200 };

/** Show the model that the page holds; a sentence where that cannot be. @param {HTMLElement} main @param {string} packed base64 of gzip of a checkpoint @param {string} prompt */
export async function start(main, packed, prompt) {
  const waiting = main.querySelector(".tj-waiting");
  try {
    const { model, tokenizer } = loadCheckpoint(await unpacked(packed), "its file");
    show(main, new Session(model, tokenizer, { ...START, prompt, seed: 3 }));
    waiting?.remove();
  } catch (error) {
    if (waiting) waiting.textContent = say("failed", /** @type {Error} */ (error).message);
  }
}

/** @param {string} packed */
async function unpacked(packed) {
  const letters = atob(packed), bytes = new Uint8Array(letters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = letters.charCodeAt(n);
  const gzip = new Blob([bytes]).stream();
  return new Uint8Array(await new Response(gzip.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer());
}

/** @param {HTMLElement} main @param {Session} session */
function show(main, session) {
  const footer = main.querySelector("footer"), room = element("div"), widget = journey();
  main.insertBefore(element("div", { class: "tj-panel" }, buttons(session), fields(session), sliders(session)), footer);
  main.insertBefore(room, footer);
  widget.initialize({ model: session });
  widget.render({ model: session, el: room });
}

/** @param {Session} session */
function buttons(session) {
  const button = (/** @type {Name} */ name, /** @type {() => void} */ onclick) => element("button", { type: "button", class: `explorer-${name}`, onclick }, say(name));
  const play = button("play", () => (session.playing ? session.pause() : session.play()));
  const inside = button("inside", () => {
    session.openInside(!session.open);
    inside.setAttribute("aria-pressed", String(session.open));
  });
  session.changed = () => {
    const label = say(session.playing ? "pause" : "play");
    if (play.textContent !== label) play.textContent = label;
  };
  return element("div", { class: "explorer-controls" }, play, button("step", () => session.step()), button("back", () => session.back()),
    button("reset", () => session.reset()), inside);
}

/** The prompt and the seed: a text begins when they are changed. @param {Session} session */
function fields(session) {
  const prompt = element("input", { type: "text", value: session.wanted.prompt, onchange: () => session.want({ prompt: prompt.value }) });
  const seed = element("input", { type: "number", min: 0, max: SEEDS, value: session.wanted.seed, onchange: () => session.want({ seed: Number(seed.value) }) });
  return element("div", { class: "tj-fields" }, labelled("prompt", prompt), labelled("seed", seed));
}

/** @param {Session} session */
function sliders(session) {
  const { wanted } = session;
  const filters = FILTERS.map(({ name, label, slider: [min, max, step], whole }) =>
    slider(label, name.replace("_", "-"), [min, max, step], wanted.settings[name], (value) => {
      session.want({ settings: settingsOf({ ...wanted.settings, [name]: value }) });
      return value.toFixed(whole ? 0 : 2);
    }));
  const speed = slider(say("speed"), "speed", [0, SPEEDS.length - 1, 1], SPEEDS.indexOf(wanted.perSecond), (place) => {
    session.want({ perSecond: SPEEDS[place] });
    return SPEEDS[place] ? `${SPEEDS[place]}/s` : "full";
  });
  const length = slider(say("length"), "length", [1, LENGTH, 1], wanted.length, (value) => {
    session.want({ length: value });
    return String(value);
  });
  return element("div", { class: "tj-sliders" }, ...filters, speed, length);
}

/** A slider that says its value. @param {string} label @param {string} name @param {number[]} range @param {number} value @param {(value: number) => string} set does what the value says, and names it */
function slider(label, name, [min, max, step], value, set) {
  const said = element("output"), tell = () => { said.textContent = set(Number(input.value)); };
  const input = element("input", { type: "range", min, max, step, value, oninput: tell });
  tell();
  return element("label", { class: `explorer-${name}` }, element("span", {}, label), input, said);
}

/** @param {Name} name @param {HTMLElement} input */
function labelled(name, input) {
  return element("label", { class: `explorer-${name}` }, element("span", {}, say(name)), input);
}

/** An element with attributes and children; a string becomes a text node. @param {string} tag @param {Record<string, any>} [attributes] @param {(Node | string)[]} children @returns {any} */
function element(tag, attributes = {}, ...children) {
  const made = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
