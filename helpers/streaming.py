"""The journey of each token: text -> ids -> vectors -> logits -> probabilities -> one id -> text, step by step.

Models and tokenizers are met through the two Protocols below, so anything that fits them streams.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from helpers.sampling import SamplingSettings, draw, largest_ids, next_token_probabilities

CANDIDATES = 8
AS_THE_MODEL_SAYS = SamplingSettings()  # temperature 1, nothing cut


class LanguageModel(Protocol):
    """A model that reads ids and scores the next one. V = vocab_size, D = embedding_dim; T ids at a time."""

    vocab_size: int
    embedding_dim: int
    context_length: int | None  # the most tokens it can read; None: no limit

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""

    def advance(self, ids: Sequence[int], state: Any = None) -> tuple[np.ndarray, Any]:
        """Read ids (one or more) after `state`: logits (V,) for the next id, and the new state."""

    def rewind(self, state: Any, length: int) -> Any:
        """The state as it was after the first `length` tokens. A state belongs to the latest call alone."""


class TextStreamProtocol(Protocol):
    def feed(self, token_id: int) -> str: ...

    def finish(self) -> str: ...


class TokenizerProtocol(Protocol):
    """A tokenizer: `eos_ids` end a text, `suppressed_ids` are never sampled."""

    eos_ids: frozenset[int]
    suppressed_ids: frozenset[int]

    def encode_prompt(self, text: str) -> list[int]: ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def piece(self, token_id: int) -> str: ...

    def text_stream(self) -> TextStreamProtocol: ...


# ------------------------------------------------------------------------------------------------------------- records


@dataclass(frozen=True, eq=False)
class Token:
    """One token of the text: its place, its id, its embedding row and what it adds to the text.

    embedding: (D,), read-only. norm: its length √(Σ x²). cosine_to_previous: of its embedding with that of the token
    before, from -1 to 1; None for the first token and where a vector of length 0 leaves it undefined.
    """

    position: int
    token_id: int
    piece: str
    text: str
    embedding: np.ndarray = field(repr=False)
    norm: float
    cosine_to_previous: float | None
    from_prompt: bool

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Token):
            return NotImplemented
        mine, theirs = dict(vars(self)), dict(vars(other))
        return np.array_equal(mine.pop("embedding"), theirs.pop("embedding")) and mine == theirs

    def __hash__(self) -> int:
        return hash((self.position, self.token_id))

    def __repr__(self) -> str:
        cosine = "none" if self.cosine_to_previous is None else f"{self.cosine_to_previous:+.3f}"
        return f"Token({self.position}: id {self.token_id} {self.piece!r}, norm {self.norm:.3f}, cosine {cosine})"


@dataclass(frozen=True)
class Candidate:
    """An id that might have come next.

    model_probability: what the model gives it, among the ids that may be sampled, at temperature 1.
    sampling_probability: what temperature, top-k and top-p leave of it; 0 if they cut it.
    """

    token_id: int
    piece: str
    model_probability: float
    sampling_probability: float


@dataclass(frozen=True)
class TokenStep:
    """One step: `input` went in, `output` came out, and `output` is the `input` of the next step.

    candidates: the 8 likeliest by the model and the chosen one, likeliest first. probability: the sampling probability
    of `output`. chosen_by: "sampler" or "learner". finish_reason: None, or why the text ends here ("eos", "length",
    "context").
    """

    index: int
    input: Token
    output: Token
    candidates: tuple[Candidate, ...]
    probability: float
    settings: SamplingSettings
    chosen_by: str
    finish_reason: str | None

    def __repr__(self) -> str:
        end = f", ends: {self.finish_reason}" if self.finish_reason else ""
        return (
            f"TokenStep({self.index}: {self.input.piece!r} -> {self.output.piece!r}, p {self.probability:.3f} "
            f"by {self.chosen_by}{end})"
        )


# ---------------------------------------------------------------------------------------------------------- generation


class Generation:
    """A text that grows token by token, and can be taken back.

    The draw at step n depends on (seed, n) alone: after `rewind`, the same settings bring the same tokens again.
    The whole prompt passes through the model, not its last token alone.
    """

    def __init__(self, model: LanguageModel, tokenizer: TokenizerProtocol, prompt: str, seed: int = 0) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise ValueError(f"seed is {seed!r}: give a whole number from 0 up")
        self._model, self._tokenizer = model, tokenizer
        self._seed, self._rng = seed, np.random.default_rng(seed)
        self._suppressed = np.array(sorted(tokenizer.suppressed_ids), dtype=np.intp)
        self._unread = tokenizer.encode_prompt(prompt)
        limit = model.context_length
        if limit is not None and len(self._unread) > limit:
            raise ValueError(f"the prompt has {len(self._unread)} tokens, the model reads at most {limit}: shorten it")
        self._steps: list[TokenStep] = []
        self._tokens: list[Token] = []
        self._stream = tokenizer.text_stream()
        for token_id, row in zip(self._unread, model.embed(self._unread), strict=True):
            self._tokens.append(self._token(token_id, row, self._stream.feed(token_id), from_prompt=True))
        self._prompt_length = len(self._tokens)
        self._state, self._logits, self._prompt_logits = None, None, None

    # ---------------------------------------------------------------------------------------------- what there is

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Every token so far, the prompt's first, the newest last."""
        return tuple(self._tokens)

    @property
    def steps(self) -> tuple[TokenStep, ...]:
        """Every step so far."""
        return tuple(self._steps)

    @property
    def text(self) -> str:
        """Prompt and generated text; the bytes of an unfinished character are left out until it is complete."""
        return "".join(token.text for token in self._tokens)

    @property
    def finish_reason(self) -> str | None:
        """None while the text may go on, else "eos", "length" or "context"."""
        return self._steps[-1].finish_reason if self._steps else None

    # ---------------------------------------------------------------------------------------------- what one can do

    def step(self, settings: SamplingSettings = AS_THE_MODEL_SAYS, *, last: bool = False) -> TokenStep:
        """Draw the next token. `last`: the caller wants no more, so an unfinished character is flushed."""
        self._check(settings)
        with self._whole_or_not_at_all():
            logits, probabilities = self._predict(settings)
            return self._add(draw(probabilities, self._rng), "sampler", logits, probabilities, settings, last)

    def choose(self, token_id: int, settings: SamplingSettings = AS_THE_MODEL_SAYS, *, last: bool = False) -> TokenStep:
        """Take this id as the next token instead of drawing one."""
        if isinstance(token_id, bool) or not isinstance(token_id, int | np.integer):
            raise TypeError(f"token_id is {token_id!r}: give a whole number")
        if not 0 <= token_id < self._model.vocab_size:
            raise ValueError(f"token_id {token_id} is outside 0 … {self._model.vocab_size - 1}, the model's vocabulary")
        if token_id in self._tokenizer.suppressed_ids:
            raise ValueError(f"token_id {token_id} ({self._tokenizer.piece(token_id)!r}) never follows a text")
        self._check(settings)
        with self._whole_or_not_at_all():
            logits, probabilities = self._predict(settings)
            self._rng.random()  # the number that a draw would have taken: step n has the n-th number in any case
            return self._add(int(token_id), "learner", logits, probabilities, settings, last)

    def rewind(self, steps: int) -> None:
        """Keep the first `steps` steps and forget the rest."""
        if isinstance(steps, bool) or not isinstance(steps, int) or not 0 <= steps <= len(self._steps):
            raise ValueError(
                f"steps is {steps!r}: give a whole number from 0 to {len(self._steps)}, the steps there are"
            )
        if steps == len(self._steps):
            return
        state = self._state
        self._forget_after(steps)
        if state is not None:  # the model need not read everything again
            self._state = self._model.rewind(state, self._prompt_length + steps - (steps > 0))
            # the prompt's logits are kept, since one pass need not equal another to the bit
            self._logits = None if steps else self._prompt_logits
            self._unread = self._unread[-1:] if steps else []

    @contextmanager
    def _whole_or_not_at_all(self) -> Iterator[None]:
        """A step that breaks off, by an interrupt anywhere in it or an error of the model, leaves no trace."""
        taken = len(self._steps)
        try:
            yield
        except BaseException:
            self._forget_after(taken)
            raise

    def _forget_after(self, steps: int) -> None:
        """The first `steps` steps as they were; the model's state may be of any length, so all is to be read again."""
        del self._steps[steps:], self._tokens[self._prompt_length + steps :]
        self._rng = np.random.default_rng(self._seed)
        self._rng.bit_generator.advance(steps)
        self._stream = self._tokenizer.text_stream()
        for token in self._tokens:
            self._stream.feed(token.token_id)
        self._state, self._logits, self._unread = None, None, [token.token_id for token in self._tokens]

    # ---------------------------------------------------------------------------------------------- the six moves

    def _check(self, settings: SamplingSettings) -> None:
        if self.finish_reason:
            raise ValueError(f"the text has ended ({self.finish_reason}): rewind it or start a new one")
        if not isinstance(settings, SamplingSettings):
            raise TypeError(f"settings is {settings!r}: give a SamplingSettings, such as SamplingSettings(top_k=40)")

    def _predict(self, settings: SamplingSettings) -> tuple[np.ndarray, np.ndarray]:
        """Read what is unread: logits (V,) with the suppressed ids at -inf, and the sampling probabilities (V,)."""
        if self._unread:
            logits, self._state = self._model.advance(self._unread, self._state)
            self._logits, self._unread = self._mask(logits), []
            if not self._steps:
                self._prompt_logits = self._logits
        return self._logits, next_token_probabilities(self._logits, settings)

    def _mask(self, logits: np.ndarray) -> np.ndarray:
        logits = np.array(logits, dtype=np.float64)
        logits[self._suppressed] = -np.inf
        return logits

    def _add(self, token_id, chosen_by, logits, probabilities, settings, last) -> TokenStep:
        """Put the chosen id behind the text and write down how it came about."""
        reason = self._reason_to_end(token_id, last)
        text = self._stream.feed(token_id) + (self._stream.finish() if reason else "")
        output = self._token(token_id, self._model.embed([token_id])[0], text, from_prompt=False)
        step = TokenStep(
            index=len(self._steps),
            input=self._tokens[-1],
            output=output,
            candidates=self._candidates(token_id, logits, probabilities),
            probability=float(probabilities[token_id]),
            settings=settings,
            chosen_by=chosen_by,
            finish_reason=reason,
        )
        self._tokens.append(output)
        self._steps.append(step)
        self._unread = [token_id]
        return step

    def _reason_to_end(self, token_id: int, last: bool) -> str | None:
        if token_id in self._tokenizer.eos_ids:
            return "eos"
        limit = self._model.context_length
        if limit is not None and len(self._tokens) >= limit:  # the new token would not fit in any more
            return "context"
        return "length" if last else None

    def _token(self, token_id: int, row: np.ndarray, text: str, from_prompt: bool) -> Token:
        embedding = np.array(row)
        embedding.setflags(write=False)
        norm = math.sqrt(embedding @ embedding)
        previous = self._tokens[-1] if self._tokens else None
        cosine = (
            min(1.0, max(-1.0, float(embedding @ previous.embedding / (norm * previous.norm))))
            if previous and norm * previous.norm
            else None
        )
        piece = self._tokenizer.piece(token_id)
        return Token(len(self._tokens), token_id, piece, text, embedding, norm, cosine, from_prompt)

    def _candidates(self, chosen: int, logits: np.ndarray, probabilities: np.ndarray) -> tuple[Candidate, ...]:
        weights = np.exp(logits - logits.max())
        ids = largest_ids(weights, CANDIDATES)
        ids += [chosen] if chosen not in ids else []
        model, left = (weights[ids] / weights.sum()).tolist(), probabilities[ids].tolist()
        rows = zip(ids, map(self._tokenizer.piece, ids), model, left, strict=True)
        return tuple(Candidate(*row) for row in rows if row[2] > 0 or row[0] == chosen)


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
    if isinstance(max_new_tokens, bool) or not isinstance(max_new_tokens, int) or max_new_tokens < 1:
        raise ValueError(f"max_new_tokens is {max_new_tokens!r}: give a whole number from 1 up")
    if not isinstance(settings, SamplingSettings):
        raise TypeError(f"settings is {settings!r}: give a SamplingSettings, such as SamplingSettings(temperature=0.8)")
    generation = Generation(model, tokenizer, prompt, seed)

    def steps() -> Iterator[TokenStep]:
        while not generation.finish_reason:
            yield generation.step(settings, last=len(generation._steps) + 1 == max_new_tokens)

    return steps()
