from __future__ import annotations

import asyncio
import operator
import threading
import time

import numpy as np
import pytest
from fakes import FakeModel, WithoutEnd, same_steps
from page import Page
from test_inside import lstm, real, transformer, twin

from helpers.interventions import edit_memory, mute_heads
from helpers.sampling import SamplingSettings
from helpers.window.explorer import ENDED_SECONDS, TASK, Explorer


class EndsSoon(WithoutEnd):
    """A tokenizer with many end tokens."""

    def __init__(self, tokenizer):
        super().__init__(tokenizer)
        self.eos_ids = frozenset(range(100, 140))


@pytest.fixture
def models(tokenizer, endless, model):
    return {"one": (model, endless), "ends": (model, EndsSoon(tokenizer))}


def on_loop(scene):
    """Run an async test, and fail if any of its tasks died unseen."""
    unseen = []

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        await scene()

    asyncio.run(main())
    assert unseen == []


async def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.005)


def explorer_over(models, **options):
    return Explorer(models, prompt="the cat", seed=1, speed="full", **options)


def test_what_is_inside_is_folded_unless_asked_for(models):
    assert [Explorer(models, inside=inside)._controls.inside.value for inside in (False, True)] == [False, True]
    with pytest.raises(ValueError, match="inside is 'yes': give True or False"):
        Explorer(models, inside="yes")


def test_run_takes_steps_at_once_and_needs_no_loop(models):
    explorer = explorer_over(models)
    explorer.run(7)
    assert explorer.position == len(explorer.generation.steps) == 7
    assert "paused" in explorer._status()
    explorer.run(1000)
    assert len(explorer.generation.steps) == 200
    assert "stopped at the limit of 200" in explorer._status()


def test_a_stream_obeys_the_sliders_at_the_next_token(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=1000)
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 5)
        moved_at = len(explorer.generation.steps)
        explorer._controls.filters["temperature"].value = 0.3
        explorer._controls.filters["top_k"].value = 4
        await until(lambda: len(explorer.generation.steps) > moved_at + 3)
        explorer.pause()
        await until(lambda: not explorer.playing)
        settings = [step.settings for step in explorer.generation.steps]
        assert settings[moved_at - 1] == SamplingSettings(0.8, top_p=0.9)
        # on a busy machine a token is computed beside the loop, and may have begun before the sliders moved
        assert set(settings[moved_at + 1 :]) == {SamplingSettings(0.3, 4, 0.9)}

    on_loop(scene)


def test_the_last_frame_is_drawn_even_when_tokens_come_faster_than_frames(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=60)
        page = Page(explorer._view)
        explorer._controls.play.click()
        await until(lambda: len(explorer.generation.steps) == 60 and not explorer.playing)
        assert len(page.messages) < 60
        assert "stopped at the limit of 60 new tokens" in page.status
        assert page.shows(explorer.generation)
        assert page.last["position"] == explorer.position == 60

    on_loop(scene)


def test_an_error_in_the_stream_is_shown_and_the_window_goes_on(models):
    async def scene():
        explorer = explorer_over(models)
        step, explorer.generation.step = explorer.generation.step, lambda settings: 1 / 0
        explorer._controls.play.click()
        await until(lambda: "division by zero" in explorer._status())
        explorer.generation.step = step
        explorer.step()
        await until(lambda: len(explorer.generation.steps) == 1)
        assert "division" not in explorer._status()

    on_loop(scene)


def test_a_prompt_that_the_model_refuses_is_said_and_the_old_text_stays(tokenizer):
    async def scene():
        explorer = explorer_over({"short": (FakeModel(400, context_length=12), tokenizer)})
        explorer.run(2)
        explorer._controls.prompt.value = "the cat sat on the mat and the dog sat on the log " * 3
        await until(lambda: "shorten it" in explorer._status())
        assert explorer.generation.text.startswith("the cat")
        assert len(explorer.generation.steps) == 2
        for button in ("step", "play"):  # what goes on is what the controls name, or nothing
            explorer._notice = explorer._trouble = ""
            getattr(explorer._controls, button).click()
            await until(lambda: "shorten it" in explorer._status())
            assert len(explorer.generation.steps) == 2
        explorer._controls.prompt.value = "the dog"
        await until(lambda: explorer.generation.text == "the dog")

    on_loop(scene)


def test_a_run_that_is_interrupted_shows_what_it_took_and_goes_on_as_if_it_had_not(models):
    calm, explorer = explorer_over(models), explorer_over(models)
    page = Page(explorer._view)
    calm.run(9)
    model, _ = models["one"]
    advance, calls = model.advance, []

    def interrupted(ids, state=None):
        calls.append(ids)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return advance(ids, state)

    model.advance = interrupted
    with pytest.raises(KeyboardInterrupt):
        explorer.run(9)
    assert explorer.position == len(explorer.generation.steps) == 3
    assert f"{len(explorer.generation.tokens)} tokens" in page.status
    assert page.shows(explorer.generation)
    explorer.run(6)
    assert explorer.generation.text == calm.generation.text


def test_only_one_of_two_windows_streams(models):
    async def scene():
        first, second = explorer_over(models, max_new_tokens=1000), explorer_over(models, max_new_tokens=1000)
        for explorer in (first, second):
            explorer._controls.speed.value = "20/s"
        first.play()
        await until(lambda: first.playing)
        second.play()
        await until(lambda: second.playing and not first.playing)
        assert [task.get_name() for task in asyncio.all_tasks()].count(TASK) == 1
        explorer_over(models)  # the cell is run again
        await until(lambda: not second.playing)

    on_loop(scene)


def test_play_from_the_past_forks_and_choosing_replaces(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=20)
        explorer.run(8)
        before = [token.token_id for token in explorer.generation.tokens]
        explorer._receive({"kind": "look", "position": 4})
        await until(lambda: explorer.position == 4)
        explorer.look(3)
        await until(lambda: explorer.position == 3)
        assert len(explorer.generation.steps) == 8  # looking changes nothing
        other = explorer.generation.steps[2].candidates[3].token_id
        explorer.choose(other)
        await until(lambda: len(explorer.generation.steps) == 3)
        assert explorer.generation.steps[2].chosen_by == "learner"
        assert explorer.generation.steps[2].output.token_id == other
        assert "5 later tokens were dropped" in explorer._status()
        explorer.back()
        explorer.back()
        await until(lambda: explorer.position == 1)
        explorer.play()
        await until(lambda: len(explorer.generation.steps) == 20)
        assert [token.token_id for token in explorer.generation.tokens][: len(before)] == before

    on_loop(scene)


def test_at_the_end_play_begins_anew(models):
    async def scene():
        explorer = explorer_over(models)
        explorer._controls.model.value = "ends"
        await until(lambda: "afresh" in explorer._status())
        explorer._controls.play.click()
        await until(lambda: explorer.generation.finish_reason == "eos" and not explorer.playing)
        text, before = explorer.generation.text, explorer.generation.steps
        explorer.step()
        await until(lambda: "has ended" in explorer._status())
        explorer._controls.play.click()  # meant as Pause, it would throw the whole text away
        await asyncio.sleep(0.1)
        assert explorer.generation.text == text
        await asyncio.sleep(ENDED_SECONDS)
        explorer._controls.play.click()
        await until(lambda: explorer.generation.steps[:1] and explorer.generation.steps[0] is not before[0])
        await until(lambda: explorer.generation.finish_reason == "eos" and not explorer.playing)
        assert explorer.generation.text == text

    on_loop(scene)


def test_a_slow_model_leaves_the_loop_free_and_pause_waits_for_its_token(endless):
    computing = threading.Event()

    class Slow(FakeModel):
        def advance(self, ids, state=None):
            computing.set()
            time.sleep(0.4)
            computing.clear()
            return super().advance(ids, state)

    async def scene():
        explorer = explorer_over({"slow": (Slow(400), endless)})
        explorer.play()  # the first step reads the whole prompt, and may be the slowest
        await until(computing.is_set)  # the loop turns while the model computes
        explorer.step()
        await until(lambda: not explorer.playing)
        count = len(explorer.generation.steps)
        await asyncio.sleep(1.0)
        assert len(explorer.generation.steps) - count <= 1
        assert explorer.position == len(explorer.generation.steps)

    on_loop(scene)


def test_a_press_on_a_candidate_chooses_it_and_a_late_one_does_nothing(models):
    async def scene():
        explorer = explorer_over(models)
        explorer._receive({"kind": "choose", "position": 1, "token_id": 5})  # there is nothing to choose from yet
        explorer.step()
        await until(lambda: len(explorer.generation.steps) == 1)
        step = explorer.generation.steps[0]
        strange = next(n for n in range(5, 400) if n not in [each.token_id for each in step.candidates])
        explorer._receive({"kind": "choose", "position": 1, "token_id": strange})  # another step's candidate
        explorer._receive({"kind": "choose", "position": 1, "token_id": step.candidates[2].token_id})
        await until(lambda: explorer.generation.steps[0].chosen_by == "learner")
        assert [each.output.token_id for each in explorer.generation.steps] == [step.candidates[2].token_id]

    on_loop(scene)


def test_a_press_on_a_token_looks_at_it_and_stops_the_stream(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=1000)
        page = Page(explorer._view)
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 8)
        explorer._receive({"kind": "look", "position": 4})
        await until(lambda: explorer.position == 4 and not explorer.playing)
        assert page.last["position"] == 4
        assert "looking at step 4" in page.status
        before = [token.token_id for token in explorer.generation.tokens]
        explorer._receive({"kind": "read", "place": 0})
        await until(lambda: page.read)
        expected = explorer.generation.expected(0)
        assert [row[0] for row in page.read["step"]["candidates"]] == [row.token_id for row in expected.candidates]
        assert page.read["step"]["by"] == "prompt"
        assert explorer.position == 4
        assert [token.token_id for token in explorer.generation.tokens] == before
        assert page.shows(explorer.generation)

    on_loop(scene)


def test_a_page_that_opens_later_asks_for_the_whole_and_the_stream_goes_on(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=1000)
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 8)
        page = Page()
        explorer._view.send = page.take
        explorer._receive({"kind": "whole"})
        await until(lambda: page.tokens)
        assert explorer.playing
        explorer.pause()
        await until(lambda: not explorer.playing)
        assert page.shows(explorer.generation)
        late = Page()
        explorer._view.send = late.take
        explorer._receive({"kind": "whole"})
        await until(lambda: late.tokens)
        assert late.shows(explorer.generation)

    on_loop(scene)


def test_what_cannot_be_told_is_said_in_the_window(models):
    explorer = explorer_over(models)
    page = Page(explorer._view)
    explorer._view._teller.tell = lambda *_: 1 / 0
    explorer.run(1)
    assert page.messages[-1][0] == {"trouble": "division by zero"}


def test_play_replays_at_once_where_a_cell_asks_for_it(models):
    async def scene():
        explorer = explorer_over(models)
        explorer._controls.model.value = "ends"
        await until(lambda: "afresh" in explorer._status())
        explorer.play()
        await until(lambda: explorer.generation.finish_reason == "eos" and not explorer.playing)
        first = explorer.generation
        explorer.play()  # the button would take it for a Pause that came too late
        await until(lambda: explorer.generation is not first)
        explorer.reset()
        await until(lambda: not explorer.generation.steps)

    on_loop(scene)


def slow_explorer(endless, seconds=0.3):
    class Slow(FakeModel):
        def advance(self, ids, state=None):
            time.sleep(seconds)
            return super().advance(ids, state)

    return explorer_over({"slow": (Slow(400), endless)})


def test_run_is_refused_while_a_step_is_computed(endless):
    async def scene():
        explorer = slow_explorer(endless)
        explorer.step()
        await until(explorer._lock.locked)
        with pytest.raises(RuntimeError, match="the window is at work"):
            explorer.run(3)
        await until(lambda: not explorer._lock.locked())
        explorer.run(3)
        assert explorer.position == len(explorer.generation.steps) == 4

    on_loop(scene)


def test_a_stream_that_is_stopped_twice_still_waits_for_its_token(endless):
    async def scene():
        explorer = slow_explorer(endless)
        explorer._controls.play.click()
        await until(lambda: len(explorer.generation.steps) == 1)
        stream = explorer._stream
        await asyncio.sleep(0.1)
        stream.cancel()
        await asyncio.sleep(0.02)
        stream.cancel()
        await until(stream.done)
        assert explorer.position == len(explorer.generation.steps) == 2

    on_loop(scene)


def test_the_inside_is_computed_only_while_it_is_open(tokenizer, endless):
    explorer = explorer_over({"lstm": (lstm(tokenizer.vocab_size), endless)})
    page, asked, inside_at = Page(explorer._view), [], explorer.generation.inside_at
    explorer.generation.inside_at = lambda place, **options: asked.append(place) or inside_at(place, **options)
    explorer.run(3)
    newest = len(explorer.generation.tokens) - 2
    assert asked == []
    assert not page.last["open"]
    explorer._controls.inside.value = True
    assert asked == [newest]
    assert page.last["open"]
    record = inside_at(newest)
    assert [stage[:3] for stage in page.inside["stages"]] == [
        [stage.name, round(stage.norm, 3), stage.rank] for stage in record.stages
    ]
    explorer.run(2)
    assert asked == [newest, newest + 2]
    explorer._controls.inside.value = False
    explorer.run(2)
    assert asked == [newest, newest + 2]
    assert not page.last["open"]


def test_a_model_that_does_not_say_what_is_inside_is_told_so(models):
    explorer = explorer_over(models)
    page = Page(explorer._view)
    explorer._controls.inside.value = True
    assert page.inside is None
    explorer.run(1)
    assert page.inside["why"] == "This model does not say what is inside it."
    explorer.generation.inside_at = lambda place, **options: 1 / 0
    explorer.run(1)
    assert page.inside["why"] == "division by zero"
    assert "paused" in page.status  # the text itself goes on


def test_the_inside_opened_while_a_text_streams_follows_it(tokenizer, endless):
    async def scene():
        explorer = explorer_over({"lstm": (lstm(tokenizer.vocab_size), endless)}, max_new_tokens=1000)
        page = Page(explorer._view)
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 3)
        explorer._controls.inside.value = True
        await until(lambda: explorer.playing and page.inside)
        explorer.pause()
        await until(lambda: not explorer.playing)
        tokens, steps = explorer.generation.tokens, explorer.generation.steps
        assert page.inside["place"] == len(tokens) - 2
        explorer.look(2)
        await until(lambda: explorer.position == 2)
        assert page.inside["place"] == len(tokens) - len(steps)
        assert page.inside["stages"][0][1] == round(explorer.generation.inside(1).stages[0].norm, 3)

    on_loop(scene)


# ----------------------------------------------------------------------------------------- what is changed in a model


@pytest.fixture
def changeable(tokenizer, endless):
    size = tokenizer.vocab_size
    return {
        "transformer": (transformer(size), endless),
        "lstm": (lstm(size), endless),
        "fake": (FakeModel(size), endless),
    }


def predictions(model, generation, steps):
    """The likeliest eight before each of these steps by a model that reads the text as it stands."""
    ids, prompt = [token.token_id for token in generation.tokens], len(generation.tokens) - len(generation.steps)
    for step in steps:
        forced = np.array(model.advance(ids[: prompt + step.index])[0])
        forced[[0, 1, 3]] = -np.inf
        yield np.argsort(-forced)[0]


def test_a_head_muted_while_paused_acts_from_the_step_looked_at(changeable):
    model = changeable["transformer"][0]

    async def scene():
        explorer = explorer_over(changeable)
        page = Page(explorer._view)
        explorer._controls.inside.value = True
        explorer.run(6)
        explorer.look(4)
        explorer.mute([(0, 1), (2, 3), (0, 1)])
        await until(lambda: "muted: layer 0 head 1, layer 2 head 3" in page.status)
        assert len(explorer.generation.steps) == 6  # nothing is lost by it
        assert page.model == {"can": "heads", "muted": [[0, 1], [2, 3]], "flipped": []}
        explorer.step()
        await until(lambda: "Forked after step 4; 2 later tokens were dropped" in page.status)
        assert len(explorer.generation.steps) == 5
        explorer.run(3)
        steps = explorer.generation.steps
        assert [step.changed for step in steps] == [""] * 4 + ["muted: layer 0 head 1, layer 2 head 3"] * 4
        changed = mute_heads(model, [(0, 1), (2, 3)])
        for which, part in ((model, steps[:4]), (changed, steps[4:])):
            assert list(predictions(which, explorer.generation, part)) == [s.candidates[0].token_id for s in part]
        ids = [token.token_id for token in explorer.generation.tokens]
        for which, place in ((model, 5), (changed, len(ids) - 2)):  # each step is looked into as it was taken
            _, state = which.advance(ids[: place + 1])
            looks = which.opened(state, place, ids[place]).attention
            np.testing.assert_allclose(explorer.generation.inside_at(place).attention, looks, atol=1e-9)

    on_loop(scene)


def test_a_head_muted_while_a_text_streams_acts_at_the_next_token_and_the_stream_goes_on(changeable):
    async def scene():
        explorer = explorer_over(changeable, max_new_tokens=1000)
        explorer._controls.model.value = "transformer"
        explorer._controls.speed.value = "20/s"
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 3)
        explorer._receive({"kind": "mute", "head": [1, 2]})
        explorer._receive({"kind": "mute", "head": [0, 0]})
        await until(lambda: explorer.generation.steps[-1].changed == "muted: layer 0 head 0, layer 1 head 2")
        assert explorer.playing
        explorer._receive({"kind": "mute", "head": [1, 2]})
        await until(lambda: explorer.generation.steps[-1].changed == "muted: layer 0 head 0")
        explorer._receive({"kind": "unmute"})
        await until(lambda: explorer.generation.steps[-1].changed == "")
        explorer.pause()
        await until(lambda: not explorer.playing)
        assert [step.index for step in explorer.generation.steps] == list(range(len(explorer.generation.steps)))

    on_loop(scene)


def test_a_unit_that_is_flipped_forks_the_text_after_its_token(changeable):
    model = changeable["lstm"][0]

    async def scene():
        explorer = explorer_over(changeable)
        explorer._controls.model.value = "lstm"
        await until(lambda: "afresh" in explorer._status())
        explorer.run(9)
        before, prompt = explorer.generation.steps, len(explorer.generation.tokens) - 9
        explorer.flip(prompt + 2, 5)
        await until(lambda: f"flipped: unit 5 at position {prompt + 2}" in explorer._status())
        assert explorer.position == 3  # its newest token is the one whose memory is flipped
        assert "looking at step 3 of 9" in explorer._status()
        explorer.play()
        await until(lambda: len(explorer.generation.steps) == 200)
        steps = explorer.generation.steps
        assert steps[:3] == before[:3]
        assert [bool(step.changed) for step in steps[:5]] == [False] * 3 + [True] * 2
        assert steps[3].candidates == before[3].candidates  # this token was read before the flip
        assert steps[4].candidates != before[4].candidates
        edited = edit_memory(model, {prompt + 2: {5: operator.neg}})
        assert list(predictions(edited, explorer.generation, steps[3:40])) == [
            step.candidates[0].token_id for step in steps[3:40]
        ]
        explorer._receive({"kind": "flip", "position": prompt + 2, "unit": 5})
        await until(lambda: "flipped" not in explorer._status())
        explorer.run(6)
        assert same_steps(explorer.generation.steps, before)

    on_loop(scene)


def test_a_unit_flipped_while_a_text_streams_lets_it_stream_on_from_there(changeable):
    async def scene():
        explorer = explorer_over({"lstm": changeable["lstm"]}, max_new_tokens=60)
        explorer._controls.speed.value = "20/s"
        explorer.play()
        await until(lambda: len(explorer.generation.steps) > 6)
        prompt = len(explorer.generation.tokens) - len(explorer.generation.steps)
        explorer.flip(prompt + 1, 4)
        await until(lambda: "Forked after step 2" in explorer._status())
        assert explorer.playing
        explorer._controls.speed.value = "full"
        await until(lambda: len(explorer.generation.steps) == 60 and not explorer.playing)
        assert [bool(step.changed) for step in explorer.generation.steps] == [False] * 2 + [True] * 58

    on_loop(scene)


def test_a_unit_flipped_at_a_token_of_the_prompt_is_shown_there_at_once(changeable):
    async def scene():
        explorer = explorer_over({"lstm": changeable["lstm"]})
        page = Page(explorer._view)
        explorer._controls.inside.value = True
        explorer.run(3)
        explorer._receive({"kind": "read", "place": 1})
        await until(lambda: page.read)
        before = page.memory[1][0][4]
        explorer._receive({"kind": "flip", "position": 1, "unit": 4})
        await until(lambda: page.read["step"].get("changed") == "flipped: unit 4 at position 1")
        assert page.memory[1][0][4] == pytest.approx(-before, abs=1e-3)
        assert explorer.position == 0
        assert len(explorer.generation.steps) == 3

    on_loop(scene)


def test_what_is_changed_holds_until_reset_or_another_model(changeable):
    async def scene():
        explorer = explorer_over(changeable)
        explorer.mute([(0, 1)])
        await until(lambda: "muted: layer 0 head 1" in explorer._status())
        explorer._controls.prompt.value = "the dog"
        await until(lambda: explorer.generation.text == "the dog")
        explorer.run(2)
        assert [step.changed for step in explorer.generation.steps] == ["muted: layer 0 head 1"] * 2
        explorer.look(0)
        explorer.reset()
        await until(lambda: "with nothing changed in the model" in explorer._status())
        explorer.run(2)
        assert [step.changed for step in explorer.generation.steps] == ["", ""]
        explorer.mute([(0, 1)])
        await until(lambda: "muted" in explorer._status())
        explorer._controls.model.value = "lstm"
        await until(lambda: "afresh" in explorer._status())
        assert "muted" not in explorer._status()
        explorer.run(1)
        assert explorer.generation.steps[0].changed == ""

    on_loop(scene)


def test_within_the_prompt_the_changed_model_says_what_it_expects(changeable):
    async def scene():
        explorer = explorer_over(changeable)
        page = Page(explorer._view)
        explorer._receive({"kind": "read", "place": 1})
        await until(lambda: page.read)
        assert "changed" not in page.read["step"]
        explorer.mute([(0, 0), (0, 1), (0, 2)])
        await until(lambda: page.read["step"].get("changed"))
        assert page.read["place"] == 1

    on_loop(scene)


@pytest.mark.parametrize("family", ["twin", "gpt2", "llama"])
def test_the_twin_and_real_models_are_changed_in_the_same_way(family, tokenizer):
    model, its_tokenizer = (twin(tokenizer.vocab_size), tokenizer) if family == "twin" else real(family)

    async def scene():
        explorer = explorer_over({family: (model, WithoutEnd(its_tokenizer))})
        page = Page(explorer._view)
        explorer._controls.inside.value = True
        explorer.run(5)
        prompt = len(explorer.generation.tokens) - 5
        if family == "twin":
            explorer.flip(prompt, 3)
            await until(lambda: f"flipped: unit 3 at position {prompt}" in explorer._status())
            changed = edit_memory(model, {prompt: {3: operator.neg}})
        else:
            explorer.look(1)
            explorer.mute([(0, 1), (1, 0)])
            await until(lambda: "muted: layer 0 head 1, layer 1 head 0" in explorer._status())
            changed = mute_heads(model, [(0, 1), (1, 0)])
        assert page.model["can"] == ("memory" if family == "twin" else "heads")
        explorer.run(4)
        generation = explorer.generation
        assert [bool(step.changed) for step in generation.steps] == [False, True, True, True, True]
        for step in generation.steps[1:]:
            logits, _ = changed.advance([token.token_id for token in generation.tokens[: step.output.position]])
            ids = [candidate.token_id for candidate in step.candidates]
            forced = np.exp(np.array(logits, np.float64)[ids])
            shares = [candidate.model_probability for candidate in step.candidates]
            np.testing.assert_allclose(forced / forced.sum(), np.array(shares) / sum(shares), rtol=1e-3)
        assert bool(page.memory) == (family == "twin")

    on_loop(scene)


@pytest.mark.parametrize(
    ("model", "call", "match"),
    [
        ("transformer", lambda e: e.mute([(3, 0)]), "layer is 3: give a whole number from 0 to 2, one of the model's"),
        ("transformer", lambda e: e.mute([(0, 9)]), "head is 9: give a whole number from 0 to 3, one of the heads of"),
        ("transformer", lambda e: e.mute(4), "heads is 4: give a list"),
        ("transformer", lambda e: e.flip(1, 0), "has no cell state to edit: give an LSTM"),
        (
            "lstm",
            lambda e: e.flip(1, 12),
            "unit is 12: give a whole number from 0 to 11, one of the units of the memory",
        ),
        (
            "lstm",
            lambda e: e.flip(99, 1),
            r"position is 99: give a whole number from 0 to \d+, one of the tokens of the",
        ),
        ("lstm", lambda e: e.flip(True, 1), "position is True"),
        ("lstm", lambda e: e.mute([(0, 0)]), "has no attention heads to mute: give a Transformer"),
        ("fake", lambda e: e.mute([]), "has no attention heads to mute"),
    ],
)
def test_a_head_or_a_unit_that_is_not_there_is_named_and_nothing_is_lost(changeable, model, call, match):
    explorer = explorer_over({model: changeable[model]})
    explorer.run(3)
    text = explorer.generation.text
    with pytest.raises((TypeError, ValueError), match=match):
        call(explorer)
    assert explorer.generation.text == text
    assert str(explorer._change) == ""


def test_changes_asked_for_while_a_slow_model_computes_are_made_in_turn(tokenizer, endless):
    computing = threading.Event()
    model = transformer(tokenizer.vocab_size)

    class Slow(type(model)):
        def advance(self, ids, state=None):
            computing.set()
            time.sleep(0.4)
            return super().advance(ids, state)

    model.__class__ = Slow

    async def scene():
        explorer = explorer_over({"slow": (model, endless)})
        explorer.play()
        await until(computing.is_set)
        for head in ([0, 1], [7, 0], [1, 1]):  # the second one is not there
            explorer._receive({"kind": "mute", "head": head})
        with pytest.raises(ValueError, match="layer is 5"):
            explorer.mute([(5, 0)])
        await until(lambda: str(explorer._change) == "muted: layer 0 head 1, layer 1 head 1")
        explorer.play()
        await until(lambda: any(step.changed == str(explorer._change) for step in explorer.generation.steps))
        explorer.reset()
        explorer.pause()
        await until(lambda: not explorer.playing and not explorer.generation.steps)
        assert str(explorer._change) == ""

    on_loop(scene)


def test_a_press_on_a_head_that_is_not_there_is_said_in_the_window(changeable):
    async def scene():
        explorer = explorer_over(changeable)
        explorer.run(2)
        explorer._receive({"kind": "mute", "head": [0, 9]})
        await until(lambda: "head is 9: give a whole number from 0 to 3" in explorer._status())
        assert len(explorer.generation.steps) == 2

    on_loop(scene)


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_a_number_of_steps_that_cannot_be_is_named(models, steps):
    with pytest.raises(ValueError, match=f"steps is {steps}: give a whole number from 0 up"):
        explorer_over(models).run(steps)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"models": {}}, "models is empty"),
        ({"speed": "7/s"}, "'7/s'"),
        ({"seed": -3}, "seed is -3: give a whole number from 0 to 1,000,000,000"),
        ({"max_new_tokens": 5000}, "max_new_tokens is 5000: give a whole number from 1 to 1,000"),
        (
            {"settings": SamplingSettings(5.0)},
            "settings.temperature is 5.0: its slider goes from 0 to 2",
        ),
        ({"settings": SamplingSettings(1.0, 1000)}, "settings.top_k is 1000: its slider goes from 0 to 200"),
        ({"settings": SamplingSettings(0.004)}, "in hundredths"),
        ({"settings": SamplingSettings(1.0, top_p=0.01)}, "settings.top_p is 0.01: its slider goes from 0.05 to 1"),
    ],
)
def test_bad_arguments_are_named(models, arguments, match):
    with pytest.raises(ValueError, match=match):
        Explorer(**{"models": models, **arguments})
