"""What the page is told: every record, nothing twice, and no more for a long text than for a short one."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeModel, WithoutEnd
from page import Page
from test_inside import lstm, transformer

from helpers import sentences
from helpers.interventions import AS_IT_IS, Change
from helpers.records import Candidate, Inside, Stage
from helpers.sampling import SamplingSettings, entropy
from helpers.streaming import Generation
from helpers.window import journey
from helpers.window.journey import Frame, Teller


@pytest.fixture
def generation(endless, model):
    generation = Generation(model, endless, "the cat", seed=1)
    for number in range(12):
        generation.step(SamplingSettings(0.5 if number < 6 else 1.0, top_k=3))
    return generation


def told(generation, *, teller=None, page=None, position=None, parts=()):
    """The page after one more message."""
    page, teller = page or Page(), teller or Teller()
    frame = Frame(len(generation.steps) if position is None else position)
    page.take(*teller.tell(generation, frame, parts))
    return page


def test_the_first_message_tells_the_whole_and_the_next_what_is_new(generation):
    page, teller = Page(), Teller()
    assert told(generation, teller=teller, page=page).shows(generation)
    generation.step()
    assert told(generation, teller=teller, page=page).shows(generation)
    assert len(page.last["tokens"]) == 1
    told(generation, teller=teller, page=page, position=3)
    assert page.last["tokens"] == []


def test_what_is_taken_back_and_chosen_anew_is_told(generation):
    page, teller = Page(), Teller()
    told(generation, teller=teller, page=page)
    generation.rewind(4)
    assert told(generation, teller=teller, page=page).shows(generation)
    generation.step()
    told(generation, teller=teller, page=page)
    generation.rewind(3)
    generation.choose(generation.expected(len(generation.tokens) - 2).candidates[1].token_id)
    generation.step()
    assert told(generation, teller=teller, page=page).shows(generation)
    assert len(page.last["tokens"]) == 2


def test_another_text_is_another_run_and_a_page_that_asks_gets_all(generation, endless, model):
    page, teller = Page(), Teller()
    told(generation, teller=teller, page=page)
    other = Generation(model, endless, "the dog", seed=2)
    assert told(other, teller=teller, page=page).shows(other)
    teller.forget()
    assert told(other, teller=teller).shows(other)


def test_a_token_is_told_with_its_figures_and_how_it_came_about(generation):
    page, step = told(generation), generation.steps[7]
    record = page.tokens[step.output.position]
    assert record["norm"] == round(step.output.norm, 5)
    assert record["cosine"] == round(step.output.cosine_to_previous, 5)
    assert record["said"] == sentences.of_row(step.output)
    assert record["step"]["settings"] == [1.0, 3, 1.0, 0.0]
    assert record["step"]["said"] == sentences.of_choice(step)
    for row, candidate in zip(record["step"]["candidates"], step.candidates, strict=True):
        assert row[2:] == pytest.approx([candidate.model_probability, candidate.sampling_probability], rel=1e-3)
        assert (row[3] == 0) == (candidate.sampling_probability == 0)
    assert json.loads(json.dumps(page.last, allow_nan=False)) == page.last


def test_hostile_pieces_are_made_visible_and_short(tokenizer, model):
    class Hostile(WithoutEnd):
        def piece(self, token_id):
            return "\u202e<b>\n" + "x" * 10_000

    generation = Generation(model, Hostile(tokenizer), "cat", seed=1)
    generation.step()
    for token in told(generation).tokens:
        assert token["piece"].startswith("\\u202e<b>\\nxxx")
        assert len(token["piece"]) == 40


def test_the_plots_sentences_tell_of_the_tokens_that_are_drawn(endless, model):
    generation = Generation(model, endless, "the cat", seed=3)
    assert "none to show" not in told(generation).last["said"]["cosines"]
    assert "no new token yet" in told(generation).last["said"]["surprise"]
    for _ in range(300):
        generation.step()
    said = told(generation).last["said"]
    assert said["norms"] == sentences.of_norms(generation.tokens[-200:], len(generation.tokens))
    assert said["surprise"] == sentences.of_surprise(generation.steps[-200:])
    assert f"norms of 200 of {len(generation.tokens)} tokens" in said["norms"]
    early = told(generation, position=5).last["said"]
    assert early["norms"] == sentences.of_norms(generation.tokens[:200], len(generation.tokens))
    assert said["text"] == sentences.of_text(generation.tokens)


def test_a_message_is_no_longer_for_a_long_text_than_for_a_short_one(endless, model):
    generation, page, teller, sizes = Generation(model, endless, "the cat", seed=3), Page(), Teller(), {}
    for steps in range(1, 1001):
        generation.step()
        page.take(*teller.tell(generation, Frame(steps)))
        if steps in (10, 1000):
            message, buffers = page.messages[-1]
            sizes[steps] = len(json.dumps(message)) + sum(map(len, buffers))
    assert sizes[1000] < 1.1 * sizes[10] < 2200


def test_surprise_and_entropy_are_bits_of_the_model_not_of_the_settings(generation, model):
    step = generation.steps[3]
    logits, _ = model.advance([token.token_id for token in generation.tokens[: step.output.position]])
    logits = np.array(logits)
    logits[[0, 1, 2, 3]] = -np.inf
    probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert step.surprise == pytest.approx(-math.log2(probabilities[step.output.token_id]), abs=0.05)
    assert step.entropy == pytest.approx(entropy(probabilities), abs=0.05)


def test_within_the_prompt_the_expected_is_what_a_generation_there_expects(endless, model):
    long = Generation(model, endless, "the cat sat on the mat", seed=1)
    ids = [token.token_id for token in long.tokens]
    logits, _ = model.advance(ids[:3])
    step = long.expected(2)
    assert (step.input.token_id, step.output.token_id) == (ids[2], ids[3])
    assert step.chosen_by == "prompt"
    assert step.index == 3 - len(ids)
    assert step.candidates[0].token_id == int(np.argmax(np.where(np.arange(len(logits)) < 4, -np.inf, logits)))
    assert any(candidate.token_id == ids[3] for candidate in step.candidates)
    before = long.step()
    assert long.expected(len(ids) - 1) is before
    assert "The prompt goes on with" in sentences.of_choice(step)


@pytest.mark.parametrize("position", [-1, 1.5, True, 40])
def test_an_expectation_that_cannot_be_is_named(generation, position):
    with pytest.raises(ValueError, match=f"position is {position}: give a whole number from 0 to"):
        generation.expected(position)


@pytest.mark.parametrize("made", [lstm, transformer])
def test_the_inside_is_told_in_stages_looks_and_memory(made, tokenizer, endless):
    generation = Generation(made(tokenizer.vocab_size), endless, "the cat sat", seed=1)
    for _ in range(4):
        generation.step()
    inside = generation.inside(3)
    record, buffers = journey.inside_part(6, inside)
    record = record["inside"]
    assert [stage[0] for stage in record["stages"]] == [stage.name for stage in inside.stages]
    vectors = np.frombuffer(buffers[0], np.float32)
    np.testing.assert_allclose(vectors, np.concatenate([stage.vector for stage in inside.stages]), rtol=1e-6)
    assert sum(stage[3] for stage in record["stages"]) == len(vectors)
    if inside.attention is not None:
        looks = np.frombuffer(buffers[1], np.uint8).reshape(*record["heads"], -1)
        np.testing.assert_allclose(looks / 255, inside.attention, atol=0.003)
    assert record.get("units") == (None if inside.memory is None else len(inside.memory.cell))
    page = told(generation, parts=[journey.inside_part(6, inside)])
    assert page.inside["place"] == 6


def open_frame(generation, change=AS_IT_IS, position=None):
    position = len(generation.steps) if position is None else position
    return Frame(position, inside=True, can="memory", change=change)


def shows_memory(page, generation, places):
    """Whether the page has the memory at these places, and at no others."""
    assert sorted(page.memory) == list(places)
    for place, memory in zip(places, generation.memories(places[0], places[-1] + 1), strict=True):
        cell, gates = page.memory[place]
        np.testing.assert_allclose(cell, memory.cell, atol=1e-4 * np.abs(cell).max() + 1e-4)
        expected = [memory.input_gate, memory.forget_gate, memory.output_gate]
        np.testing.assert_allclose(gates, expected, atol=0.003)
    return True


def test_the_memory_is_told_once_a_token_while_the_part_is_open(tokenizer, endless):
    generation, page, teller = Generation(lstm(tokenizer.vocab_size), endless, "the cat sat", seed=1), Page(), Teller()

    def tell(**options):
        frame = open_frame(generation, **options)
        place = len(generation.tokens) - len(generation.steps) - 2 + frame.position
        page.take(*teller.tell(generation, frame, [journey.inside_part(place, generation.inside_at(place))]))
        return page.last.get("memory", {}).get("count", 0)

    generation.step()
    prompt = len(generation.tokens) - 1
    assert tell() == prompt
    generation.step()
    generation.step()
    assert tell() == 2
    assert tell(position=1) == 0
    assert shows_memory(page, generation, range(prompt + 2))
    generation.rewind(1)
    generation.choose(generation.steps[0].candidates[3].token_id)
    assert tell() == 1
    assert shows_memory(page, generation, range(prompt + 1))
    for _ in range(300):  # folded meanwhile
        generation.step()
        page.take(*teller.tell(generation, Frame(len(generation.steps))))
    page.memory.clear()
    assert tell() == 199
    newest = len(generation.tokens) - 2
    assert shows_memory(page, generation, range(newest - 198, newest + 1))
    page.memory.clear()
    assert tell(position=30) == 200
    assert shows_memory(page, generation, range(200))


def test_under_a_change_the_memory_is_told_anew_and_each_step_says_it(tokenizer, endless):
    model = lstm(tokenizer.vocab_size)
    generation, change = Generation(model, endless, "the cat sat", seed=1), Change(flipped=((3, 5),))
    for _ in range(4):
        generation.step()
    generation.rewind(2)
    generation.change(change.made(model), str(change))
    steps = [generation.step() for _ in range(3)]
    assert [step.changed for step in generation.steps] == ["", "", *["flipped: unit 5 at position 3"] * 3]
    place = len(generation.tokens) - 2
    page = Page()
    page.take(
        *Teller().tell(generation, open_frame(generation, change), [journey.inside_part(place, generation.inside(4))])
    )
    assert shows_memory(page, generation, range(place + 1))
    assert page.model == {"can": "memory", "muted": [], "flipped": [[3, 5]]}
    assert [token["step"].get("changed") for token in page.tokens[-5:]] == [None, None, *[str(change)] * 3]
    assert sentences.of_choice(steps[0]).endswith("cut off (flipped: unit 5 at position 3).")


def test_the_inside_of_a_prompts_token_is_that_of_a_text_that_ends_there(tokenizer, endless):
    model = transformer(tokenizer.vocab_size)
    long = Generation(model, endless, "the cat sat on the mat", seed=1)
    inside = long.inside_at(2)
    _, state = model.advance([token.token_id for token in long.tokens[:3]])
    opened = model.opened(state, 2, long.tokens[2].token_id)
    for stage, (name, vector, _) in zip(inside.stages, opened.stages, strict=True):
        assert stage.name == name
        np.testing.assert_allclose(stage.vector, vector, atol=1e-6)


def test_of_many_stages_the_first_the_last_and_some_between_are_told():
    lens = (Candidate(7, "a", 0.8, 0.8),)
    stages = tuple(Stage(f"after {n}", np.ones(4), 2.0, lens, 1) for n in range(31))
    assert [stage.name for stage in journey.spread(stages[:8], 8)] == [f"after {n}" for n in range(8)]
    assert [stage.name for stage in journey.spread(stages, 8)] == [f"after {n}" for n in (0, 4, 9, 13, 17, 21, 26, 30)]
    assert "8 of 31 stages of one token" in journey.inside_part(0, Inside(stages, None, None))[0]["inside"]["said"]


def test_cosines_that_are_not_there_are_not_counted(generation):
    tokens = list(generation.tokens)
    for place in (4, 5):  # a row of length 0 has no cosine, and the next one none to it
        tokens[place] = replace(tokens[place], cosine_to_previous=None)
    assert sentences.of_cosines(tokens).startswith(f"Cosines of {len(tokens) - 3} tokens")
    assert "there is none to show" in sentences.of_cosines(tokens[:1])


def test_a_probability_too_small_for_two_digits_gets_four():
    assert [sentences.share(p) for p in (0.256, 0.00512, 0.00001)] == ["0.26", "0.0051", "<0.0001"]


def test_a_token_that_the_model_held_impossible_has_infinite_surprise_and_is_still_told(endless):
    sure = FakeModel(400)
    sure._first, sure._second = sure._first * 1e6, sure._second * 1e6
    generation = Generation(sure, endless, "the cat", seed=3)
    first = generation.step().output.token_id
    generation.rewind(0)
    assert generation.choose(next(n for n in (399, 398) if n != first)).surprise == math.inf
    json.dumps(told(generation).tokens, allow_nan=False)
