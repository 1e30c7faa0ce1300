"""Branches that a text has left: they are kept, bounded, and come back exactly."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from fakes import WithoutEnd
from page import Page
from test_explorer import explorer_over, on_loop, until
from test_inside import lstm, transformer

from helpers.records import TokenStep
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation
from helpers.window.forks import MOST, Forks, tree_part

COLD, HOT = SamplingSettings(0.3), SamplingSettings(1.5)


def grown(generation, steps, settings=HOT) -> tuple[TokenStep, ...]:
    for _ in range(steps):
        generation.step(settings)
    return generation.steps


@pytest.fixture
def models(endless, model):
    return {"one": (model, endless)}


@pytest.fixture
def generation(endless, model):
    return Generation(model, endless, "the cat", seed=3)


# ------------------------------------------------------------------------------------------------- the text restored


@pytest.mark.parametrize("made", [lstm, transformer])
def test_a_branch_comes_back_exactly_and_goes_on_as_it_would_have(made, tokenizer, endless):
    generation = Generation(made(tokenizer.vocab_size), endless, "the cat", seed=3)
    left = grown(generation, 10)
    text = generation.text
    grown(generation, 5)
    goes_on = [step.output.token_id for step in generation.steps[10:]]
    generation.rewind(4)
    grown(generation, 8, COLD)
    generation.restore(left)
    assert all(mine is theirs for mine, theirs in zip(generation.steps, left, strict=True))
    assert generation.text == text
    assert generation.inside_at(generation.tokens[-2].position) is not None
    assert [step.output.token_id for step in grown(generation, 5)[10:]] == goes_on


def test_a_text_that_had_ended_has_ended_again(model, tokenizer):
    class EndsSoon(WithoutEnd):
        eos_ids = frozenset(range(100, 140))

        def __init__(self, tokenizer):
            self._tokenizer, self.suppressed_ids = tokenizer, tokenizer.suppressed_ids

    generation = Generation(model, EndsSoon(tokenizer), "the cat", seed=1)
    while not generation.finish_reason:
        generation.step(HOT)
    left = generation.steps
    generation.rewind(1)
    generation.restore(left)
    assert generation.finish_reason == "eos"


def test_steps_of_another_text_are_refused_and_nothing_changes(generation, model, endless):
    other = grown(Generation(model, endless, "a dog met", seed=3), 3)
    before = grown(generation, 6)
    for steps in (other, before[1:], [*before[:2], before[4]]):
        with pytest.raises(ValueError, match="of these does not follow the text before it: give what this text had"):
            generation.restore(steps)
    with pytest.raises(TypeError, match="a step is 1"):
        generation.restore([1])
    assert generation.steps == before
    grown(generation, 1)


# ------------------------------------------------------------------------------------------------------- what is kept


def test_a_branch_that_another_holds_whole_is_none(generation):
    steps = grown(generation, 8)
    forks = Forks()
    forks.keep(steps[:5])
    forks.keep(steps)
    forks.keep(steps[:3])
    assert [(fork.number, len(fork.steps)) for fork in forks.beside(())] == [(2, 8)]
    assert forks.beside(steps) == ()


def test_twelve_branches_are_kept_and_the_oldest_goes(generation):
    forks = Forks()
    likely = [candidate.token_id for candidate in generation.step().candidates]
    full = []
    for number in range(MOST + 2):
        generation.rewind(0)
        generation.choose(likely[number % 7])
        generation.choose(likely[number // 7])
        full.append(forks.keep(generation.steps))
    assert full == [False] * MOST + [True] * 2
    assert [fork.number for fork in forks.beside(())] == list(range(3, MOST + 3))


def test_the_tree_hangs_each_branch_where_it_shares_most(generation):
    forks = Forks()
    first = grown(generation, 9)
    generation.rewind(6)
    second = grown(generation, 4, COLD)
    generation.rewind(2)
    now = grown(generation, 5, COLD)
    assert first[6].output.token_id != second[6].output.token_id
    assert first[2].output.token_id != now[2].output.token_id
    forks.keep(first)
    forks.keep(second)
    found = forks.beside(now)
    assert [fork.parted for fork in found] == [2, 2]
    assert found[0].text == "".join(step.output.text for step in first[2:])
    assert found[0].tokens == tuple(step.output for step in first)
    with pytest.raises(FrozenInstanceError):
        found[0].parted = 3
    tree = tree_part(now, found)
    assert [row[:4] for row in tree["rows"]] == [[2, 2, 0, 10], [1, 6, 1, 9]]
    assert tree["said"] == "2 branches were left; the longest has 8 tokens of its own. Press one to bring it back."
    assert "No branch was left yet" in tree_part(now, ())["said"]


# -------------------------------------------------------------------------------------------------------- the window


def test_a_fork_is_kept_and_pressing_it_brings_it_back(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=8)
        page = Page(explorer._view)
        explorer._controls.tree.value = True
        explorer.run(8)
        left, text = explorer.generation.steps, explorer.generation.text
        explorer.look(3)
        await until(lambda: explorer.position == 3)
        assert explorer.forks == ()
        explorer._controls.filters["temperature"].value = 2.0
        explorer._controls.play.click()
        await until(lambda: "5 later tokens were dropped into the tree." in explorer._status())
        await until(lambda: not explorer.playing and len(explorer.generation.steps) == 8)
        [fork] = explorer.forks
        assert fork.steps == left
        assert [row[0] for row in page.last["tree"]["rows"]] == [1]
        now = explorer.generation.steps
        explorer._receive({"kind": "restore", "number": fork.number})
        await until(lambda: "Branch 1 is back." in explorer._status())
        assert explorer.generation.text == text
        assert explorer.position == 8
        assert page.shows(explorer.generation)
        [other] = explorer.forks
        assert (other.number, other.steps) == (2, now)
        explorer.restore(2)
        await until(lambda: explorer.generation.steps == now)
        explorer.reset()
        await until(lambda: "Back to the prompt" in explorer._status())
        assert explorer.forks == ()

    on_loop(scene)


def test_a_chosen_candidate_leaves_a_branch_and_the_same_token_leaves_none(models):
    async def scene():
        explorer = explorer_over(models)
        explorer.run(1)
        step = explorer.generation.steps[0]
        explorer.choose(step.output.token_id)
        await until(lambda: "You chose" in explorer._status())
        assert explorer.forks == ()
        explorer.choose(next(c.token_id for c in step.candidates if c.token_id != step.output.token_id))
        await until(lambda: explorer.forks != ())
        assert explorer.forks[0].steps[0].output.token_id == step.output.token_id

    on_loop(scene)


def test_a_choice_that_is_refused_leaves_the_text_as_it_was(models):
    async def scene():
        explorer = explorer_over(models)
        explorer.run(4)
        before = explorer.generation.steps
        explorer.choose(0)
        await until(lambda: "never follows a text" in explorer._status())
        assert explorer.generation.steps == before
        assert explorer.position == 4

    on_loop(scene)


def test_a_branch_may_be_brought_back_while_the_text_streams(models):
    async def scene():
        explorer = explorer_over(models, max_new_tokens=1000)
        explorer.run(6)
        left = explorer.generation.steps
        explorer.look(2)
        await until(lambda: explorer.position == 2)
        explorer._controls.filters["temperature"].value = 2.0
        explorer.play()
        await until(lambda: explorer.playing and len(explorer.generation.steps) > 4)
        explorer.restore(1)
        await until(lambda: not explorer.playing and explorer.generation.steps == left)

    on_loop(scene)


def test_a_number_that_no_branch_has_is_refused(models):
    explorer = explorer_over(models)
    with pytest.raises(ValueError, match="number is 7, which no branch has: there is none, fork the text first"):
        explorer.restore(7)
    with pytest.raises(ValueError, match="number is True"):
        explorer.restore(True)
