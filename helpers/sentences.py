"""What a figure shows, in one sentence computed from its records: the same sentence in the page and on paper."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile
from operator import attrgetter, itemgetter

from helpers.records import SPACE, Stage, Token, TokenStep

NOTHING_NEW = "The two texts have the same prompt and no new token yet: press Step or Play."
DIVERGED = "no number any more (diverged: lower the learning rate)"


def visible(piece: str) -> str:
    """A piece as it is shown: '·' for the space, and escapes for characters that cannot be seen."""
    piece = piece.replace(SPACE, "·")
    if piece.isprintable():
        return piece
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in piece)


def shortened(text: str, longest: int = 16) -> str:
    """The text, or its beginning and '…' if it is longer than `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def share(probability: float) -> str:
    """A probability in two digits, or in four where two would say 0."""
    if probability >= 0.01:
        return f"{probability:.2f}"
    return f"{probability:.4f}" if probability >= 0.0001 else "<0.0001"


def of_text(tokens: Sequence[Token]) -> str:
    """How many tokens came from the prompt, how many are new, and the newest one."""
    given = sum(1 for _ in takewhile(attrgetter("from_prompt"), tokens))
    new = len(tokens) - given
    return f"{given} tokens of the prompt and {new} new ones; the newest is {visible(tokens[-1].piece)}."


def of_row(token: Token) -> str:
    """The embedding row of a token: how many numbers, from where to where, its norm."""
    row = token.embedding
    return f"Row {token.token_id}: {len(row)} numbers from {row.min():+.2f} to {row.max():+.2f}, norm {token.norm:.3f}."


def of_choice(step: TokenStep | None) -> str:
    """Who took the token that came next, how probable it was, and how many candidates were cut off."""
    if step is None:
        return "Nothing is predicted yet: press Step or Play."
    changed = f" ({step.changed})" if step.changed else ""
    if step.chosen_by == "prompt":
        return f"The prompt goes on with {quoted(step.output.piece)}, probability {share(step.probability)}{changed}."
    by = "You chose" if step.chosen_by == "learner" else "Drawn:"
    cut = sum(row.sampling_probability == 0 for row in step.candidates)
    said = f"{by} {quoted(step.output.piece)}, probability {share(step.probability)}"
    return f"{said}; {cut or 'none'} of {len(step.candidates)} cut off{changed}."


def of_norms(tokens: Sequence[Token], total: int | None = None) -> str:
    """The mean of the embedding norms, the lowest and the highest; total: how many there are, where more than these."""
    low, high = min(tokens, key=_norm), max(tokens, key=_norm)
    return (
        f"Embedding norms of {_counted(tokens, total)} tokens: mean {sum(map(_norm, tokens)) / len(tokens):.3f}, "
        f"lowest {low.norm:.3f} at {low.piece!r}, highest {high.norm:.3f} at {high.piece!r}."
    )


def of_cosines(tokens: Sequence[Token]) -> str:
    """The mean of the cosines to the token before, the lowest and the highest."""
    found = [(token.cosine_to_previous, token.piece) for token in tokens if token.cosine_to_previous is not None]
    if not found:
        return "Cosines to the token before: there is none to show yet."
    mean = sum(value for value, _ in found) / len(found)
    (low, low_piece), (high, high_piece) = min(found, key=itemgetter(0)), max(found, key=itemgetter(0))
    return (
        f"Cosines of {len(found)} tokens to the token before: mean {mean:+.3f}, "
        f"lowest {low:+.3f} at {low_piece!r}, highest {high:+.3f} at {high_piece!r}."
    )


def of_surprise(steps: Sequence[TokenStep]) -> str:
    """Bits of surprise along the steps: in all, in the mean, as a perplexity, and where it was highest."""
    if not steps:
        return "Surprise of each new token: there is no new token yet."
    bits = [step.surprise for step in steps]
    mean, most = sum(bits) / len(bits), max(bits)
    perplexity = 2.0 ** min(mean, 1000)
    return (
        f"Surprise of {len(bits)} new tokens: {sum(bits):.1f} bits, {mean:.2f} each (perplexity {perplexity:.2f}); "
        f"most, {most:.1f} bits, at {quoted(steps[bits.index(most)].output.piece)}."
    )


def of_stages(stages: Sequence[Stage], total: int | None = None) -> str:
    """The number of stages, what the logit lens reads first where it can, and the norms at both ends.

    total: how many stages there are, where not all of them are shown.
    """
    read = [stage for stage in stages if stage.candidates]
    guesses = ", ".join(f"{stage.candidates[0].piece!r} at {stage.name}" for stage in read)
    norms = f"norm {stages[0].norm:.2f} at {stages[0].name}, {stages[-1].norm:.2f} at {stages[-1].name}"
    return f"{_counted(stages, total)} stages of one token; the lens reads first: {guesses}; {norms}."


def of_parting(agree: int, unit: str, said: Sequence[tuple[str, str | None]]) -> str:
    """How long two texts agree, and what each says then: (name, piece), None for a text that has ended; [] so far."""
    if not said:
        return f"The two texts agree for {agree} {unit}{'s' * (agree != 1)} so far." if agree else NOTHING_NEW
    then = " and ".join(f"“{name}” {'ends' if piece is None else f'says {quoted(piece)}'}" for name, piece in said)
    if not agree:
        return f"The two texts part at once: {then}."
    return f"The two texts agree for {agree} {unit}{'s' * (agree != 1)}; then {then}."


def of_forks(lengths: Sequence[int]) -> str:
    """How many branches were left, and how long the longest of them is after its fork."""
    if not lengths:
        return "No branch was left yet: go Back and Play, or choose another candidate at an earlier step."
    counted, most = f"{len(lengths)} branch{'es were' if len(lengths) > 1 else ' was'} left", max(lengths)
    return f"{counted}; the longest has {most} token{'s' * (most > 1)} of its own. Press one to bring it back."


def of_distribution(left: int, leader: str, highest: float, bits: float, before: float) -> str:
    """How many ids can be drawn, which one leads, and the entropy, in bits, beside that of the model."""
    return (
        f"{left} id{'s' * (left > 1)} can be drawn; {visible(leader)} leads with {highest:.3f}; "
        f"entropy {bits:.2f} bits (the model: {before:.2f})."
    )


def of_logits(loss: float, right: str, probability: float) -> str:
    """The loss of one prediction, in nats, and the probability of what came next."""
    return (
        f"Loss {loss:.3f} nats ({loss / math.log(2):.3f} bits): {visible(right)} came next and has probability "
        f"{probability:.3f}."
    )


def of_gate(gate: float, cell: Sequence[float], plain: Sequence[float]) -> str:
    """What is left of a bit after the steps, in a cell with this forget gate and in a plain network."""
    return (
        f"Forget gate {gate:.2f}: after {len(cell) - 1} steps {cell[-1]:.3f} of the bit is left; "
        f"in a plain network with that weight {plain[-1]:.3f}."
    )


def of_held_out(held_out: Mapping[int, float], lines: Mapping[str, float], updates: int) -> str:
    """The newest of the held-out bits per byte, {update: bits}, and the best of the named lines that it beats."""
    measured, last = list(held_out.items())[-1]
    if not math.isfinite(last):
        return f"Held out: {DIVERGED} after {measured:,} of {updates:,} updates."
    below = {value: name for name, value in lines.items() if last < value}
    beaten = f"; better than {below[min(below)]}." if below else "; better than none of the lines yet."
    return f"Held out: {last:.3f} bits per byte after {measured:,} of {updates:,} updates{beaten if lines else '.'}"


def of_loss(losses: Sequence[float]) -> str:
    """The loss now and at the beginning, smoothed values in nats per token."""
    said = f"{losses[-1]:.2f} nats per token" if math.isfinite(losses[-1]) else DIVERGED
    began = f"; at the beginning {losses[0]:.2f}" if math.isfinite(losses[0]) else ""
    return f"Loss, mean of the last updates: {said}{began}."


def of_word_map(words: int, classes: int, share: float) -> str:
    """How many words a map has, and how much of the variance it shows."""
    return f"Map of {words} words in {classes} classes; {share:.0%} of the variance lies in this plane."


def quoted(piece: str) -> str:
    """A piece within a sentence: without quotes a comma would look like the sentence's own."""
    return f"‘{shortened(visible(piece))}’"


def _counted(shown: Sequence, total: int | None) -> str:
    return f"{len(shown)} of {total}" if total and total > len(shown) else f"{len(shown)}"


def _norm(token: Token) -> float:
    return token.norm
