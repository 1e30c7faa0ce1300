"""Two runs side by side: in step, where they part, and what a press on one does to both."""

from __future__ import annotations

import pytest
from fakes import SAMPLE_TEXTS, FakeModel, WithoutEnd
from page import Page
from test_explorer import EndsSoon, on_loop, until
from test_inside import transformer

from helpers.interventions import mute_heads
from helpers.sampling import SamplingSettings
from helpers.tokenizer import Tokenizer
from helpers.window.compare import Both, Run, parting
from helpers.window.explorer import Explorer

CALM, WILD = SamplingSettings(0.1), SamplingSettings(2.0)


@pytest.fixture
def runs(model, endless):
    return {"calm": (model, endless, CALM), "wild": (model, endless, WILD)}


@pytest.fixture
def other():
    """A model and a tokenizer of another vocabulary."""
    tokenizer = Tokenizer.train(SAMPLE_TEXTS[:2] * 6, vocab_size=300)
    return FakeModel(tokenizer.vocab_size), WithoutEnd(tokenizer)


def comparison(runs, **options):
    return Explorer.compare(runs, "the cat", 1, speed="full", **options)


class Pages:
    """What a page knows of both texts."""

    def __init__(self, compared) -> None:
        self.each = Page(), Page()
        compared._view.forget()
        compared._view.send = lambda message, buffers=(): self.each[message["of"]].take(message, buffers)
        compared._draw()


def said(compared) -> str:
    return parting(compared._both, list(compared.generations))[1]


def test_both_texts_grow_in_step_each_under_its_own_settings(runs):
    compared = comparison(runs)
    compared.run(12)
    calm, wild = compared.generations.values()
    assert {step.settings for step in calm.steps} == {CALM}
    assert {step.settings for step in wild.steps} == {WILD}
    assert len(calm.steps) == len(wild.steps) == compared.position == 12
    alone = Explorer({"calm": runs["calm"][:2]}, "the cat", 1, CALM, speed="full")
    alone.run(12)
    assert alone.generation.text == calm.text


def test_what_a_run_leaves_out_the_sliders_and_the_seed_say(model, endless):
    compared = comparison({"two": Run(model, endless, seed=2), "the box": (model, endless)})
    compared._controls.filters["temperature"].value = 1.3
    compared.run(3)
    for text, seed in zip(compared.generations.values(), (2, 1), strict=True):
        assert text.steps[0].settings.temperature == 1.3
        alone = Explorer({"m": (model, endless)}, "the cat", seed, SamplingSettings(1.3, top_p=0.9), speed="full")
        alone.run(3)
        assert alone.generation.text == text.text


def test_the_sentence_tells_where_the_texts_part(runs):
    compared = comparison(runs)
    assert "no new token yet" in said(compared)
    compared.run(20)
    calm, wild = (text.steps for text in compared.generations.values())
    agree = next(n for n in range(20) if calm[n].output.token_id != wild[n].output.token_id)
    names = [text[agree].output.piece.replace("▁", "·") for text in (calm, wild)]
    then = f"“calm” says ‘{names[0]}’ and “wild” says ‘{names[1]}’."
    assert said(compared) in (
        f"The two texts agree for {agree} tokens; then {then}",
        f"The two texts part at once: {then}",
    )
    pages = Pages(compared)
    assert [page.last["part"][0] for page in pages.each] == [calm[agree].output.position] * 2


def test_equal_runs_never_part(model, endless):
    compared = comparison({"one": (model, endless), "the same": (model, endless)})
    compared.run(9)
    assert said(compared) == "The two texts agree for 9 tokens so far."


def test_texts_of_two_vocabularies_are_compared_by_what_they_say(model, endless, other):
    compared = comparison({"one": (model, endless), "other": other})
    compared.run(15)
    first, second = ("".join(step.output.text for step in text.steps) for text in compared.generations.values())
    agree = next(n for n, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    assert ("part at once" in said(compared)) == (agree == 0)
    places, _ = parting(compared._both, ["one", "other"])
    for text, place in zip(compared.generations.values(), places, strict=True):
        assert len("".join(step.output.text for step in text.steps[:place])) <= agree


def test_a_text_that_has_ended_waits_for_the_other(model, tokenizer, endless):
    compared = comparison({"ends": (model, EndsSoon(tokenizer)), "long": (model, endless)}, max_new_tokens=40)
    compared.run(40)
    ends, long = compared.generations.values()
    assert ends.finish_reason == "eos"
    assert len(ends.steps) < len(long.steps) == 40
    pages = Pages(compared)
    assert [page.last["position"] for page in pages.each] == [len(ends.steps), 40]
    assert pages.each[0].shows(ends)
    assert pages.each[1].shows(long)


def test_a_short_context_ends_a_text_and_that_is_said(tokenizer, endless):
    models = FakeModel(400, context_length=9), FakeModel(400)
    compared = comparison({"short": (models[0], endless), "long": (models[1], endless)}, max_new_tokens=20)
    compared.run(20)
    short, long = compared.generations.values()
    assert [step.output.token_id for step in long.steps[: len(short.steps)]] == [s.output.token_id for s in short.steps]
    assert f"agree for {len(short.steps)} tokens; then “short” ends and “long” says" in said(compared)


def test_where_one_model_fails_neither_text_grows(model, endless):
    broken = FakeModel(400)
    compared = comparison({"well": (model, endless), "broken": (broken, endless)})
    compared.run(3)
    broken.advance = lambda ids, state=None: 1 / 0
    with pytest.raises(ZeroDivisionError):
        compared.run(1)
    assert [len(text.steps) for text in compared.generations.values()] == [3, 3]


def test_playing_stepping_back_and_forking_act_on_both(runs):
    async def scene():
        compared = comparison(runs, max_new_tokens=30)
        pages = Pages(compared)
        compared._controls.play.click()
        await until(lambda: len(compared.generation.steps) == 30 and not compared.playing)
        assert all(page.shows(text) for page, text in zip(pages.each, compared.generations.values(), strict=True))
        compared.back()
        await until(lambda: compared.position == 29)
        compared._receive({"kind": "look", "position": 5, "of": 1})
        await until(lambda: compared.position == 5)
        assert [page.last["position"] for page in pages.each] == [5, 5]
        compared._controls.play.click()
        await until(lambda: "Forked after step 5; 25 later tokens" in compared._status() and not compared.playing)
        assert [len(text.steps) for text in compared.generations.values()] == [30, 30]
        compared.reset()
        await until(lambda: compared.position == 0)
        assert [len(text.steps) for text in compared.generations.values()] == [0, 0]

    on_loop(scene)


def test_a_press_within_the_prompt_tells_what_both_models_expected(runs, other):
    async def scene():
        compared = comparison(runs)
        pages = Pages(compared)
        compared._receive({"kind": "read", "place": 0, "of": 1})
        await until(lambda: all(page.read for page in pages.each))
        assert [page.read["place"] for page in pages.each] == [0, 0]
        assert pages.each[0].read["step"]["by"] == "prompt"

    on_loop(scene)


def test_a_candidate_that_is_pressed_is_taken_by_both(runs):
    async def scene():
        compared = comparison(runs)
        compared.run(6)
        calm, wild = compared.generations.values()
        wanted = wild.steps[3].candidates[-1].token_id
        compared._receive({"kind": "choose", "position": 4, "token_id": wanted, "of": 1})
        await until(lambda: len(calm.steps) == len(wild.steps) == 4)
        for text in (calm, wild):
            assert text.steps[-1].output.token_id == wanted
            assert text.steps[-1].chosen_by == "learner"
        assert [text.steps[-1].settings for text in (calm, wild)] == [CALM, WILD]

    on_loop(scene)


def test_an_id_of_two_vocabularies_cannot_be_taken_by_both(model, endless, other):
    async def scene():
        compared = comparison({"one": (model, endless), "other": other})
        compared.run(2)
        compared.choose(50)
        await until(lambda: "means something else to each of the two tokenizers" in compared._status())
        assert compared.position == len(compared.generation.steps) == 2

    on_loop(scene)


def test_a_model_beside_its_changed_self(tokenizer, endless):
    model = transformer(tokenizer.vocab_size)
    muted = mute_heads(model, [(layer, head) for layer in range(3) for head in range(4)])
    compared = comparison({"whole": (model, endless, WILD), "muted": (muted, endless, WILD)})
    compared.run(25)
    whole, deaf = (text.steps[0].candidates[0].model_probability for text in compared.generations.values())
    assert whole != pytest.approx(deaf, rel=1e-6)


def test_the_two_texts_are_one_for_the_window(model, endless):
    both = Both([Run(model, endless), Run(model, endless, WILD)], "the cat", 1)
    assert both.finish_reason is None
    step = both.step(CALM)
    assert step is both.steps[-1]
    assert [text.steps[0].settings for text in both.each] == [CALM, WILD]
    assert both.tokens[-1] is step.output
    both.rewind(0)
    assert both.steps == ()
