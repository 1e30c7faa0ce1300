from __future__ import annotations

import asyncio
import threading
import time

import pytest
from fakes import FakeModel, WithoutEnd
from page import Page
from test_inside import lstm

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
