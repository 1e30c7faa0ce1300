"""The journey of each token: text -> ids -> vectors -> logits -> probabilities -> one id -> text, step by step.

Models and tokenizers are met through the two Protocols of protocols.py: any that implement them can be streamed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np

from helpers import checks
from helpers.protocols import LanguageModel, OpenModel, TextStreamProtocol, TokenizerProtocol
from helpers.records import Candidate, Inside, Memory, Opened, Stage, Token, TokenStep
from helpers.sampling import SamplingSettings, check_settings, draw, largest_ids, next_token_probabilities

CANDIDATES, LENS = 8, 3
LENSES = ("vocabulary", "candidates")
AS_THE_MODEL_SAYS = SamplingSettings()  # temperature 1, nothing cut


class Generation:
    """A text that grows token by token, and can be taken back.

    The draw at step n depends on (seed, n) alone: after `rewind`, the same settings bring the same tokens again.
    The whole prompt passes through the model, not its last token alone.
    """

    def __init__(self, model: LanguageModel, tokenizer: TokenizerProtocol, prompt: str, seed: int = 0) -> None:
        self._seed = checks.whole_number("seed", seed)
        checks.language_model(model)
        checks.tokenizer_with("encode_prompt", tokenizer)
        self._model, self._tokenizer = model, tokenizer
        self._models, self._changed = {"": model}, ""  # by what is changed inside them
        self._is_open = isinstance(model, OpenModel)  # asked once: the question is not cheap
        self._check_vocabularies()
        self._suppressed = np.array(sorted(tokenizer.suppressed_ids), dtype=np.intp)
        ids = tokenizer.encode_prompt(checks.text_of("the prompt", prompt))
        limit = model.context_length
        if limit is not None and len(ids) > limit:
            raise ValueError(f"the prompt has {len(ids)} tokens, the model reads at most {limit}: shorten it")
        self._prompt_length = len(ids)
        self._text = _Text([], [], tokenizer.text_stream(), self._draws_after(0))
        for token_id in ids:
            self._text.tokens.append(self._token(token_id, self._text.stream.feed(token_id), from_prompt=True))
        self._reading: _Reading | None = None  # None: the model has to read the whole text
        self._prompt_logits: np.ndarray | None = None
        self._left: tuple[str, Any] | None = None  # what was changed before, and the state that model was left in

    # ---------------------------------------------------------------------------------------------- what there is

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token so far, the prompt's first, the newest last."""
        return tuple(self._text.tokens)

    @property
    def steps(self) -> tuple[TokenStep, ...]:
        """Every step so far."""
        return tuple(self._text.steps)

    @property
    def text(self) -> str:
        """Prompt and generated text; the bytes of an unfinished character are left out until it is complete."""
        return "".join(token.text for token in self._text.tokens)

    @property
    def finish_reason(self) -> str | None:
        """None while the text may go on, else "eos", "length" or "context"."""
        return self._text.steps[-1].finish_reason if self._text.steps else None

    def inside(self, index: int, *, lens: str = "vocabulary") -> Inside | None:
        """What happened in the model when step `index` was computed; None for a model that does not say.

        Asking changes nothing, whenever it is asked. lens: "vocabulary" ranks all V tokens at each stage; "candidates"
        ranks the step's own candidates alone, which is much cheaper for a large vocabulary.
        """
        return self.inside_at(self._text.steps[self._checked_index(index)].input.position, lens=lens)

    def inside_at(self, position: int, *, lens: str = "vocabulary") -> Inside | None:
        """The same for the token at `position` of the text, of the prompt, too; another token must have come after."""
        step = self.expected(position)
        if lens not in LENSES:
            raise ValueError(f"lens is {checks.shown(lens)}: give one of {', '.join(map(repr, LENSES))}")
        if not self._is_open:
            return None
        opened = self._opened(step.changed, self._state_of(step.changed, position), step.input)
        among = None if lens == "vocabulary" else [candidate.token_id for candidate in step.candidates]
        return Inside(self._stages(opened, step, among), opened.attention, opened.memory)

    def memories(self, first: int, last: int) -> list[Memory]:
        """The memory after each of the tokens from `first` up to and not including `last`; empty without a recurrence.

        Another token must have come after each. Asking changes nothing.
        """
        last = checks.whole_number("last", last, 0, len(self._text.tokens) - 1, ", a token that others precede")
        first = checks.whole_number("first", first, 0, last, ", up to `last`")
        states: dict[str, Any] = {}
        found = []
        for position in range(first, last if self._is_open else first):
            index = position - self._prompt_length + 1
            changed = self._text.steps[index].changed if index >= 0 else self._changed
            if changed not in states:
                states[changed] = self._state_of(changed, last - 1)
            memory = self._opened(changed, states[changed], self._text.tokens[position]).memory
            if memory is None:
                return []
            found.append(memory)
        return found

    def expected(self, position: int) -> TokenStep:
        """What the model expected after the token at `position`, and what came.

        Within the prompt nothing was drawn: such a step counts from -1 down, its settings cut nothing, and it is
        chosen_by "prompt". Asking changes nothing.
        """
        last = len(self._text.tokens) - 2
        position = checks.whole_number("position", position, 0, max(last, 0), ", a token that another one follows")
        if last < 0:
            raise ValueError(f"position is {position}, and no token follows it yet: take a step first")
        index = position - self._prompt_length + 1
        return self._text.steps[index] if index >= 0 else self._expected_in_prompt(position, index)

    def _expected_in_prompt(self, position: int, index: int) -> TokenStep:
        entered, came = self._text.tokens[position : position + 2]
        logits = self._masked(self._model.advance([token.token_id for token in self._text.tokens[: position + 1]])[0])
        probabilities = next_token_probabilities(logits, AS_THE_MODEL_SAYS)
        return TokenStep(
            index=index,
            input=entered,
            output=came,
            candidates=self._candidates(came.token_id, logits, probabilities),
            probability=float(probabilities[came.token_id]),
            settings=AS_THE_MODEL_SAYS,
            chosen_by="prompt",
            finish_reason=None,
            entropy=_bits_of_entropy(logits),
            changed=self._changed,
        )

    def _state_of(self, changed: str, position: int) -> Any:
        """The state of the model so changed after the text up to `position`; the generation's own stays as it is."""
        if self._reading and changed == self._changed:
            return self._reading.state
        if self._left and changed == self._left[0]:
            return self._left[1]
        return self._models[changed].advance([token.token_id for token in self._text.tokens[: position + 1]])[1]

    def _opened(self, changed: str, state: Any, token: Token) -> Opened:
        return cast(OpenModel, self._models[changed]).opened(state, token.position, token.token_id)

    def _checked_index(self, index: int) -> int:
        if not self._text.steps:
            raise ValueError(f"index is {checks.shown(index)}, and there is no step yet: take one with step()")
        return checks.whole_number("index", index, 0, len(self._text.steps) - 1, ", one of the steps there are")

    def _stages(self, opened: Opened, step: TokenStep, among: list[int] | None) -> tuple[Stage, ...]:
        """Each stage with its norm and what the output layer reads of it; of the last one, that is the prediction."""
        *earlier, (last_name, last, _) = opened.stages
        lenses = iter(self._lenses(opened, [read for *_, read in earlier if read is not None], step, among))
        stages = [_stage(name, x, *(((), None) if read is None else next(lenses))) for name, x, read in earlier]
        return (*stages, _stage(last_name, last, step.candidates[:LENS], self._rank(opened, step, among)))

    def _rank(self, opened: Opened, step: TokenStep, among: list[int] | None) -> int | None:
        """Place of the chosen token in the model's own prediction; the step tells it, but for an unlikely one."""
        place = [candidate.token_id for candidate in step.candidates].index(step.output.token_id)
        read = opened.stages[-1][2]
        if place < CANDIDATES or among is not None or read is None:
            return place + 1
        return next(self._lenses(opened, [read], step, None))[1]

    def _lenses(
        self, opened: Opened, read: list[np.ndarray], step: TokenStep, among: list[int] | None
    ) -> Iterator[tuple[tuple[Candidate, ...], int]]:
        """The logit lens on vectors: of each the 3 likeliest tokens, and the rank of the one that was then chosen."""
        if not read:
            return
        ids = slice(None) if among is None else among
        logits = np.array(read) @ opened.table[ids].T  # (stages, V), or one column for each candidate
        if opened.bias is not None:
            logits = logits + opened.bias[ids]
        if among is None:
            logits[:, self._suppressed] = -np.inf
        chosen = step.output.token_id if among is None else among.index(step.output.token_id)
        ranks = 1 + (logits > logits[:, [chosen]]).sum(axis=1)
        best, probabilities = _largest_in_each_row(logits, LENS)
        for row in range(len(read)):
            named = best[row].tolist() if among is None else [among[place] for place in best[row]]
            rows = zip(named, map(self._tokenizer.piece, named), probabilities[row].tolist(), strict=True)
            yield tuple(Candidate(*each, each[2]) for each in rows), int(ranks[row])

    # ---------------------------------------------------------------------------------------------- what one can do

    def step(self, settings: SamplingSettings = AS_THE_MODEL_SAYS, *, last: bool = False) -> TokenStep:
        """Draw the next token. `last`: the caller wants no more, so an unfinished character is flushed."""
        self._check(settings)
        with self._whole_or_not_at_all():
            logits, probabilities = self._predict(settings)
            return self._add(draw(probabilities, self._text.draws), "sampler", logits, probabilities, settings, last)

    def choose(self, token_id: int, settings: SamplingSettings = AS_THE_MODEL_SAYS, *, last: bool = False) -> TokenStep:
        """Take this id as the next token instead of drawing one."""
        chosen = checks.token_id(token_id, self._model.vocab_size, "the model's vocabulary", "token_id")
        if chosen in self._tokenizer.suppressed_ids:
            raise ValueError(
                f"token_id {chosen} ({self._tokenizer.piece(chosen)!r}) never follows a text: "
                "give an id that may be drawn, such as a candidate's"
            )
        self._check(settings)
        with self._whole_or_not_at_all():
            logits, probabilities = self._predict(settings)
            self._text.draws.random()  # the number that a draw would have taken: step n has the n-th in any case
            return self._add(chosen, "learner", logits, probabilities, settings, last)

    def change(self, model: LanguageModel, changed: str) -> None:
        """Have another model of the same tokens, such as `mute_heads` gives, take the steps from here on.

        It reads the whole text anew. The steps so far stay what they are, and are looked into as they were taken.
        changed: what is changed inside that model, for each step's record; "" for the model as it was.
        """
        if model.vocab_size != self._model.vocab_size:
            raise ValueError(f"the model has {model.vocab_size} ids, the text's own {self._model.vocab_size}")
        if self._reading:
            self._left = self._changed, self._reading.state
        if self._left and self._left[0] == changed:
            self._left = None  # what that model reads from here on may be another text
        self._reading = self._prompt_logits = None
        self._models[changed] = self._model = model
        self._changed = changed

    def rewind(self, steps: int) -> None:
        """Keep the first `steps` steps and forget the rest."""
        steps = checks.whole_number("steps", steps, 0, len(self._text.steps), ", the steps there are")
        if steps == len(self._text.steps):
            return
        # An interrupt between any two lines leaves a text that is whole, and a model that reads it again
        reading, self._reading = self._reading, None
        self._text = self._text_after(steps)
        if reading is not None:
            self._reading = self._read_back(reading, steps)

    def restore(self, steps: Sequence[TokenStep]) -> None:
        """Put back steps that this text had before, in place of those that it has; the model reads them anew.

        ValueError if they do not follow the prompt one after another.
        """
        found = checks.listed("steps", steps)
        tokens = self._text.tokens[: self._prompt_length]
        for index, step in enumerate(found):
            checks.of_kind("a step", step, TokenStep, ", such as those of generation.steps")
            if step.index != index or (step.input is not tokens[-1] and step.input != tokens[-1]):
                raise ValueError(f"step {index} of these does not follow the text before it: give what this text had")
            tokens.append(step.output)
        self._reading = self._left = None
        self._text = self._text_of(tokens, found)

    @contextmanager
    def _whole_or_not_at_all(self) -> Iterator[None]:
        """A step that breaks off, by an interrupt anywhere in it or an error of the model, leaves no trace."""
        taken = len(self._text.steps)
        try:
            yield
        except BaseException:
            self._reading = None  # the model's state may be of any length
            self._text = self._text_after(taken)
            raise

    def _text_after(self, steps: int) -> _Text:
        """The text as it was after the first `steps` steps."""
        return self._text_of(self._text.tokens[: self._prompt_length + steps], self._text.steps[:steps])

    def _text_of(self, tokens: list[Token], steps: list[TokenStep]) -> _Text:
        text = _Text(tokens, steps, self._tokenizer.text_stream(), self._draws_after(len(steps)))
        for token in tokens:
            text.stream.feed(token.token_id)
        return text

    def _draws_after(self, steps: int) -> np.random.Generator:
        """The seed's random numbers from the one of step number `steps` on."""
        draws = np.random.PCG64(self._seed)
        draws.advance(steps)
        return np.random.Generator(draws)

    def _read_back(self, reading: _Reading, steps: int) -> _Reading | None:
        """What the model has read when `steps` steps are kept: all but the newest token, or the prompt."""
        if steps == 0:  # the prompt's logits are kept: another pass need not give the same to the last bit
            if self._prompt_logits is None:
                return None
            return _Reading(self._model.rewind(reading.state, self._prompt_length), self._prompt_logits, [])
        state = self._model.rewind(reading.state, self._prompt_length + steps - 1)
        return _Reading(state, None, [self._text.tokens[-1].token_id])

    # ---------------------------------------------------------------------------------------------- the six moves

    def _check_vocabularies(self) -> None:
        """ValueError unless each id of the model has a piece, or is one that is never drawn."""
        rows = self._model.vocab_size
        pieces = getattr(self._tokenizer, "vocab_size", rows)  # a stand-in need not say
        if rows - pieces != sum(token_id >= pieces for token_id in self._tokenizer.suppressed_ids):
            raise ValueError(
                f"the tokenizer has {pieces} ids, the model {rows}: give the tokenizer that the model was trained with"
            )

    def _check(self, settings: SamplingSettings) -> None:
        if self.finish_reason:
            raise ValueError(f"the text has ended ({self.finish_reason}): rewind it or start a new one")
        check_settings(settings)

    def _predict(self, settings: SamplingSettings) -> tuple[np.ndarray, np.ndarray]:
        """Read what is unread: logits (V,) with the suppressed ids at -inf, and the sampling probabilities (V,)."""
        reading = self._reading or _Reading(None, None, [token.token_id for token in self._text.tokens])
        logits = reading.logits
        if logits is None or reading.unread:
            self._reading = None  # while the model reads, its state is of no known length
            given, state = self._model.advance(reading.unread, reading.state)
            logits = self._masked(given)
            self._reading = _Reading(state, logits, [])
            if not self._text.steps:
                self._prompt_logits = logits
        return logits, next_token_probabilities(logits, settings)

    def _masked(self, given: np.ndarray) -> np.ndarray:
        logits = np.array(
            checks.real_numbers("the model's logits", given, "advance must give one row, (V,)"), np.float64
        )
        if len(logits) != self._model.vocab_size:
            raise ValueError(
                f"the model gave logits of the shape {logits.shape} for a vocabulary of {self._model.vocab_size}: "
                "advance must give one row, (V,)"
            )
        logits[self._suppressed] = -np.inf
        return logits

    def _add(
        self,
        token_id: int,
        chosen_by: str,
        logits: np.ndarray,
        probabilities: np.ndarray,
        settings: SamplingSettings,
        last: bool,
    ) -> TokenStep:
        """Put the chosen id behind the text and write down how it came about."""
        tokens, steps, stream = self._text.tokens, self._text.steps, self._text.stream
        reason = self._reason_to_end(token_id, last)
        text = stream.feed(token_id) + (stream.finish() if reason else "")
        output = self._token(token_id, text, from_prompt=False)
        step = TokenStep(
            index=len(steps),
            input=tokens[-1],
            output=output,
            candidates=self._candidates(token_id, logits, probabilities),
            probability=float(probabilities[token_id]),
            settings=settings,
            chosen_by=chosen_by,
            finish_reason=reason,
            entropy=_bits_of_entropy(logits),
            changed=self._changed,
        )
        assert self._reading is not None  # _predict has just read the text
        tokens.append(output)
        steps.append(step)
        self._reading = _Reading(self._reading.state, None, [token_id])
        return step

    def _reason_to_end(self, token_id: int, last: bool) -> str | None:
        if token_id in self._tokenizer.eos_ids:
            return "eos"
        limit = self._model.context_length
        if limit is not None and len(self._text.tokens) >= limit:  # the new token would not fit in any more
            return "context"
        return "length" if last else None

    def _token(self, token_id: int, text: str, from_prompt: bool) -> Token:
        embedding, norm = self._row(token_id)
        previous = self._text.tokens[-1] if self._text.tokens else None
        cosine = None
        if previous and norm * previous.norm:
            cosine = min(1.0, max(-1.0, _dot(embedding, previous.embedding) / (norm * previous.norm)))
        piece = self._tokenizer.piece(token_id)
        return Token(len(self._text.tokens), token_id, piece, text, embedding, norm, cosine, from_prompt)

    def _row(self, token_id: int) -> tuple[np.ndarray, float]:
        """The embedding row of an id, (D,), read-only, and its norm."""
        given, remedy = self._model.embed([token_id])[0], "embed must give one row of D numbers for each id"
        embedding = np.array(checks.real_numbers(f"the embedding row of id {token_id}", given, remedy))
        if len(embedding) != self._model.embedding_dim:
            raise ValueError(
                f"the embedding row of id {token_id} has the shape {embedding.shape}, "
                f"not ({self._model.embedding_dim},): {remedy}"
            )
        embedding.setflags(write=False)
        norm = _norm(embedding)
        if not math.isfinite(norm):
            found = "NaN" if np.isnan(embedding).any() else "infinity"
            raise ValueError(
                f"the embedding row of id {token_id} holds {found}: the model diverged in training or its file is "
                "damaged; train or load it again"
            )
        return embedding, norm

    def _candidates(self, chosen: int, logits: np.ndarray, probabilities: np.ndarray) -> tuple[Candidate, ...]:
        weights = np.exp(logits - logits.max())
        ids = largest_ids(weights, CANDIDATES)
        ids += [chosen] if chosen not in ids else []
        model, left = (weights[ids] / weights.sum()).tolist(), probabilities[ids].tolist()
        rows = zip(ids, map(self._tokenizer.piece, ids), model, left, strict=True)
        return tuple(Candidate(*row) for row in rows if row[2] > 0 or row[0] == chosen)


@dataclass(frozen=True)
class _Text:
    """The text so far, the stream that turns its ids into words, and the random numbers that are left."""

    tokens: list[Token]
    steps: list[TokenStep]
    stream: TextStreamProtocol
    draws: np.random.Generator


class _Reading(NamedTuple):
    """How far the model is: its state, the ids it has not read yet, and the logits (V,) when there are none."""

    state: Any
    logits: np.ndarray | None
    unread: list[int]


def _stage(name: str, vector: np.ndarray, candidates: tuple[Candidate, ...], rank: int | None) -> Stage:
    return Stage(name, vector, _norm(vector), candidates, rank)


def _largest_in_each_row(logits: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the `count` largest logits in each row (N, V), largest first, and their softmax, (N, count) each.

    `count` passes for the maximum cost less than any sorting; the logits are used up.
    """
    rows, places = np.arange(len(logits)), []
    highest = logits.max(axis=1, keepdims=True)
    weights = np.exp(logits - highest)
    for _ in range(min(count, logits.shape[1])):
        places.append(logits.argmax(axis=1))
        logits[rows, places[-1]] = -np.inf
    best = np.array(places).T
    return best, weights[rows[:, None], best] / weights.sum(axis=1, keepdims=True)


def _norm(vector: np.ndarray) -> float:
    """Its length, with the squares in float64: see `_dot`."""
    wide = vector.astype(np.float64, copy=False)
    return math.sqrt(np.dot(wide, wide))


def _bits_of_entropy(logits: np.ndarray) -> float:
    """Entropy of the softmax of logits (V,), in bits."""
    below = np.maximum(logits - logits.max(), -1000.0)  # e⁻¹⁰⁰⁰ is 0, and 0 × -1000 is 0, where 0 × -∞ is no number
    weights = np.exp(below)
    total = float(weights.sum())
    return max(0.0, (math.log(total) - float(weights @ below) / total) / math.log(2))


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """The dot product in float64: in float16 the squares of a row would overflow."""
    return float(np.dot(a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)))


def stream(
    model: LanguageModel,
    tokenizer: TokenizerProtocol,
    prompt: str,
    settings: SamplingSettings = AS_THE_MODEL_SAYS,
    *,
    max_new_tokens: int = 50,
    seed: int = 0,
) -> Iterator[TokenStep]:
    """Generate from a prompt, one TokenStep at a time, up to the end token, the model's context or `max_new_tokens`."""
    most = checks.whole_number("max_new_tokens", max_new_tokens, 1)
    check_settings(settings)
    generation = Generation(model, tokenizer, prompt, seed)

    def steps() -> Iterator[TokenStep]:
        for taken in range(1, most + 1):
            yield generation.step(settings, last=taken == most)
            if generation.finish_reason:
                return

    return steps()
