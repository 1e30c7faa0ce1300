from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest
from fakes import FakeModel, WithoutEnd, same_steps
from hypothesis import given
from hypothesis import strategies as st

from helpers.sampling import SamplingSettings
from helpers.streaming import Generation, stream

PROMPTS = ["", "   ", "the cat", "café 日本", "Привет 😉", "שלום <b>&", "a\ufffd"]
SETTINGS = [SamplingSettings(), SamplingSettings(0.3), SamplingSettings(1.5, 20, 0.8), SamplingSettings(0)]


def run(generation, steps, settings=SETTINGS[0]):
    return [generation.step(settings) for _ in range(steps)]


def test_the_whole_prompt_passes_through_the_model(model, tokenizer):
    Generation(model, tokenizer, "the cat sat").step()
    assert model.read == [tokenizer.encode_prompt("the cat sat")]


def test_each_output_is_the_next_input(model, endless):
    steps = list(stream(model, endless, "the cat", max_new_tokens=30))
    assert all(before.output == after.input for before, after in pairwise(steps))
    assert [step.index for step in steps] == list(range(30))


def test_embedding_norm_and_cosine_belong_to_their_token(model, endless):
    generation = Generation(model, endless, "the cat")
    run(generation, 20)
    for position, token in enumerate(generation.tokens):
        row = model.table[token.token_id]
        assert token.position == position
        np.testing.assert_allclose(token.embedding, row)
        assert token.norm == pytest.approx(np.sqrt((row**2).sum()))
        assert token.piece == endless.piece(token.token_id)
    for before, token in pairwise(generation.tokens):
        a, b = before.embedding, token.embedding
        assert token.cosine_to_previous == pytest.approx(sum(a * b) / (before.norm * token.norm))
    assert generation.tokens[0].cosine_to_previous is None
    prompt_length = len(endless.encode_prompt("the cat"))
    assert [token.from_prompt for token in generation.tokens] == [True] * prompt_length + [False] * 20


def test_a_zero_vector_has_no_cosine(model, endless):
    model.table[endless.bos_id] = 0
    assert Generation(model, endless, "cat").tokens[1].cosine_to_previous is None


def test_candidates_are_the_likeliest_and_the_chosen_one(model, endless):
    generation = Generation(model, endless, "the cat")
    settings = SamplingSettings(0.7, 5, 0.9)
    step = generation.step(settings)
    ids = [candidate.token_id for candidate in step.candidates]
    assert len(ids) in (8, 9)
    assert step.output.token_id in ids
    model_probabilities = [candidate.model_probability for candidate in step.candidates]
    assert model_probabilities == sorted(model_probabilities, reverse=True)
    assert not set(ids) & endless.suppressed_ids
    assert sum(c.sampling_probability for c in step.candidates) == pytest.approx(
        1.0
    )  # top_k 5 leaves five of the eight
    assert sum(c.sampling_probability == 0 for c in step.candidates) >= 3
    chosen = next(c for c in step.candidates if c.token_id == step.output.token_id)
    assert step.probability == chosen.sampling_probability > 0


def test_a_chosen_id_far_down_the_list_is_shown_too(model, endless):
    generation = Generation(model, endless, "the cat")
    likeliest = {c.token_id for c in generation.step().candidates}
    generation.rewind(0)
    rare = next(i for i in range(20, 400) if i not in likeliest)
    step = generation.choose(rare, SamplingSettings(top_k=1))
    assert step.chosen_by == "learner"
    assert (step.candidates[-1].token_id, len(step.candidates)) == (rare, 9)
    assert step.probability == step.candidates[-1].sampling_probability == 0


@given(st.sampled_from(PROMPTS), st.integers(0, 1000), st.lists(st.integers(0, 14), max_size=4))
def test_text_equals_whole_decode_after_any_rewinds(tokenizer, prompt, seed, rewinds):
    endless = WithoutEnd(tokenizer)
    generation = Generation(FakeModel(tokenizer.vocab_size), endless, prompt, seed)
    for keep in [*rewinds, 0]:
        run(generation, 15 - len(generation.steps))
        generation.rewind(keep)
    while len(generation.steps) < 14:
        generation.step()
    generation.step(last=True)
    assert generation.text == tokenizer.decode([token.token_id for token in generation.tokens])
    prompt_ids = tokenizer.encode_prompt(prompt)
    outputs = "".join(step.output.text for step in generation.steps)
    assert tokenizer.decode(prompt_ids) + outputs == generation.text


@given(st.integers(0, 1000), st.integers(0, 20), st.sampled_from(SETTINGS))
def test_after_a_rewind_the_same_settings_reproduce_everything(tokenizer, seed, keep, settings):
    generation = Generation(FakeModel(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat", seed)
    run(generation, 20, settings)
    before = generation.steps
    generation.rewind(keep)
    assert same_steps(generation.steps, before[:keep])
    run(generation, 20 - keep, settings)
    assert same_steps(generation.steps, before)


@given(st.integers(0, 1000), st.integers(0, 19))
def test_a_fork_equals_its_original_up_to_the_first_changed_setting(tokenizer, seed, fork):
    original = Generation(FakeModel(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat", seed)
    run(original, 20)
    forked = Generation(FakeModel(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat", seed)
    run(forked, fork)
    run(forked, 20 - fork, SamplingSettings(0))
    assert forked.steps[:fork] == original.steps[:fork]
    assert all(step.settings.temperature == 0 for step in forked.steps[fork:])


def test_the_draw_depends_on_seed_and_step_alone(model, endless):
    """A hand-chosen token shifts no later draw."""
    plain = Generation(model, endless, "the cat", seed=3)
    run(plain, 3)
    chosen = Generation(FakeModel(model.vocab_size), endless, "the cat", seed=3)
    chosen.choose(plain.steps[0].output.token_id)
    run(chosen, 2)
    assert [s.output for s in chosen.steps] == [s.output for s in plain.steps]


class InPlace(FakeModel):
    """Its state is changed by reading, as a cache is."""

    def advance(self, ids, state=None):
        state = [] if state is None else state
        logits, whole = super().advance(ids, state)
        state[:] = whole
        return logits, state


def interrupted_at(line, action):
    """True if `action` was interrupted before its line-th line in helpers/streaming.py or in the model."""
    passed = 0

    def trace(frame, event, _):
        nonlocal passed
        if not frame.f_code.co_filename.endswith(("streaming.py", "fakes.py", "test_streaming.py")):
            return None
        passed += event == "line"
        if event == "line" and passed == line:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("taken", [0, 2])
@pytest.mark.parametrize("by", ["step", "choose"])
def test_a_step_interrupted_at_any_line_leaves_no_trace(tokenizer, endless, taken, by):
    model = InPlace(tokenizer.vocab_size)

    def act(generation):
        return generation.step() if by == "step" else generation.choose(300)

    calm = Generation(model, endless, "the cat", seed=3)
    run(calm, taken), act(calm), run(calm, 3)
    for line in range(1, 500):
        generation = Generation(model, endless, "the cat", seed=3)
        run(generation, taken)
        if not interrupted_at(line, lambda: act(generation)):  # noqa: B023
            break
        assert len(generation.steps) == taken
        act(generation), run(generation, 3)
        assert same_steps(generation.steps, calm.steps)
        assert generation.text == calm.text
    assert line > 40


@pytest.mark.parametrize("keep", [0, 1, 4])
def test_a_rewind_interrupted_at_any_line_leaves_the_seeds_own_text(tokenizer, endless, keep):
    """Whether it was carried out or not: what is left is a beginning of the text, and it goes on as it would have."""
    model = InPlace(tokenizer.vocab_size)
    calm = Generation(model, endless, "the cat", seed=3)
    run(calm, 8)
    for line in range(1, 500):
        generation = Generation(model, endless, "the cat", seed=3)
        run(generation, 5)
        if not interrupted_at(line, lambda: generation.rewind(keep)):  # noqa: B023
            break
        assert len(generation.steps) in (keep, 5)
        assert generation.steps == calm.steps[: len(generation.steps)]
        run(generation, 8 - len(generation.steps))
        assert generation.steps == calm.steps
        assert generation.text == calm.text
    assert line > 20


def test_a_rewind_in_which_the_model_fails_leaves_the_seeds_own_text(tokenizer, endless):
    model = InPlace(tokenizer.vocab_size)
    calm = Generation(model, endless, "the cat", seed=3)
    run(calm, 8)
    generation = Generation(model, endless, "the cat", seed=3)
    run(generation, 5)
    model.rewind = lambda state, length: 1 / 0
    with pytest.raises(ZeroDivisionError):
        generation.rewind(2)
    del model.rewind
    run(generation, 8 - len(generation.steps))
    assert generation.steps == calm.steps


def test_other_seeds_give_other_texts(model, endless):
    texts = {tuple(s.output.token_id for s in stream(model, endless, "cat", seed=seed)) for seed in range(5)}
    assert len(texts) == 5


def test_end_token_ends_the_text(model, tokenizer):
    generation = Generation(model, tokenizer, "the cat")
    step = generation.choose(tokenizer.eos_id)
    assert step.finish_reason == generation.finish_reason == "eos"
    assert generation.text == "the cat"
    with pytest.raises(ValueError, match="has ended"):
        generation.step()
    generation.rewind(0)
    assert generation.finish_reason is None
    generation.step()


def test_the_last_step_carries_the_flush_of_an_unfinished_character(model, endless):
    half = endless.encode("日本")[-1]
    first_byte = next(i for i in range(endless.vocab_size) if endless.piece(i) == "<0xE6>")
    generation = Generation(model, endless, "cat")
    generation.choose(first_byte)
    assert generation.text == "cat"
    generation.rewind(0)
    assert generation.choose(first_byte, last=True).output.text == "\ufffd"
    assert half != first_byte


def test_length_ends_a_stream(model, endless):
    steps = list(stream(model, endless, "cat", max_new_tokens=4))
    assert [s.finish_reason for s in steps] == [None, None, None, "length"]


def test_context_ends_a_stream_and_is_never_overrun(endless):
    model = FakeModel(endless.vocab_size, context_length=6)
    steps = list(stream(model, endless, "cat", max_new_tokens=50))
    assert steps[-1].finish_reason == "context"
    assert sum(map(len, model.read)) == 6
    with pytest.raises(ValueError, match="at most 6"):
        Generation(model, endless, "the cat sat on the mat and the dog")


def test_suppressed_ids_are_never_drawn_nor_chosen(model, tokenizer):
    for seed in range(20):
        for step in stream(model, tokenizer, "cat", SamplingSettings(2.0), seed=seed):
            assert step.output.token_id not in tokenizer.suppressed_ids
    with pytest.raises(ValueError, match="never follows"):
        Generation(model, tokenizer, "cat").choose(tokenizer.bos_id)


def test_records_are_read_only_comparable_and_short(model, endless):
    step = next(stream(model, endless, "cat"))
    with pytest.raises(ValueError, match="read-only"):
        step.output.embedding[0] = 1
    with pytest.raises(AttributeError):
        step.index = 5
    assert step == next(stream(FakeModel(model.vocab_size), endless, "cat"))
    assert step != next(stream(model, endless, "cat", SamplingSettings(0)))
    assert step.output != "a token"
    assert len({step.output, step.output}) == 1
    assert len(repr(step)) < 120
    assert len(repr(step.output)) < 120


def test_very_long_prompt_streams(model, endless):
    steps = list(stream(model, endless, "the cat " * 1250, max_new_tokens=2))
    assert len("the cat " * 1250) == 10_000
    assert steps[-1].input.position > 2_000


@pytest.mark.parametrize("steps", [-1, 4, 2.0, True])
def test_rewind_beyond_the_steps_is_refused(model, endless, steps):
    generation = Generation(model, endless, "cat")
    run(generation, 3)
    with pytest.raises(ValueError, match="from 0 to 3"):
        generation.rewind(steps)
    assert len(generation.steps) == 3


@pytest.mark.parametrize(
    ("token_id", "kind"), [(-1, ValueError), (400, ValueError), ("5", TypeError), (1.5, TypeError)]
)
def test_choosing_an_id_out_of_range_is_refused(model, endless, token_id, kind):
    with pytest.raises(kind, match="token_id"):
        Generation(model, endless, "cat").choose(token_id)


@pytest.mark.parametrize(
    ("arguments", "kind", "match"),
    [
        ({"max_new_tokens": 0}, ValueError, "max_new_tokens is 0"),
        ({"max_new_tokens": 2.5}, ValueError, "max_new_tokens is 2.5"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"seed": "7"}, ValueError, "seed is '7'"),
        ({"settings": 0.7}, TypeError, "settings is 0.7"),
        ({"prompt": None}, TypeError, "the prompt is a str"),
        ({"prompt": "\udc00"}, ValueError, "lone surrogate"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(model, tokenizer, arguments, kind, match):
    with pytest.raises(kind, match=match):
        stream(model, tokenizer, **{"prompt": "cat", **arguments})
