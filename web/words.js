// @ts-check
/** What the page says, beside the sentences of its figures: one entry for each, so that it can be said in another language. */
export const WORDS = {
  play: "Play", pause: "Pause", step: "Step", back: "Back", reset: "Reset", inside: "Inside",
  prompt: "prompt", seed: "seed", speed: "speed", length: "at most",
  running: "● running", paused: "❚❚ paused", looking: "❚❚ looking at step {0} of {1} · Play goes on from here",
  limit: "■ stopped at the limit of {0} new tokens",
  eos: "■ ended: the model drew its end token (eos)", context: "■ ended: the model can read no more tokens (context)", endedAtLimit: "■ ended at the limit",
  tokens: "{0} tokens", milliseconds: "{0} ms a token",
  again: "Started again from the prompt.", afresh: "Started afresh.", toPrompt: "Back to the prompt.",
  toPromptAsItIs: "Back to the prompt, with nothing changed in the model.",
  actsNext: "This acts from the next token on.", actsAfter: "This acts after {0}.", asItIs: "Nothing is changed from the next token on.",
  hasEnded: "The text has ended: Reset it, or go Back and play on from there.",
  forked: "Forked after step {0}{1}.", chose: "You chose {0}{1}.", dropped: "; {0} later token was dropped", droppedMany: "; {0} later tokens were dropped",
  failed: "This page cannot show its model: {0}",
};

/** A sentence with its places filled in. @param {keyof typeof WORDS} name @param {(string | number)[]} parts */
export function say(name, ...parts) {
  return WORDS[name].replace(/\{(\d)\}/g, (_, place) => String(parts[Number(place)]));
}
