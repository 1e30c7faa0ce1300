"""Figures of the inside: each says in one sentence what it shows, and names what it cannot draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import WithoutEnd
from test_inside import lstm, transformer

from helpers.figures.inside import plot_clouds, plot_memory, plot_ranks, plot_stages
from helpers.streaming import Generation


@pytest.fixture(params=[lstm, transformer], ids=["LSTM", "Transformer"])
def generation(request, tokenizer):
    made = Generation(request.param(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat sat on", seed=3)
    for _ in range(5):
        made.step()
    return made


def test_stages_are_told_with_what_the_lens_reads(generation):
    inside = generation.inside(4)
    picture = plot_stages(inside)
    assert f"{len(inside.stages)} stages of one token" in picture.sentence
    assert f"{inside.stages[-1].candidates[0].piece!r} at {inside.stages[-1].name}" in picture.sentence
    assert f"norm {inside.stages[0].norm:.2f} at {inside.stages[0].name}" in picture.sentence
    assert picture.png().startswith(b"\x89PNG")


def test_ranks_are_told_at_both_ends(generation):
    insides = {f"step {index}": generation.inside(index) for index in (1, 4)}
    ranked = [stage for stage in insides["step 1"].stages if stage.rank]
    said = f"step 1: {ranked[0].rank:,} at {ranked[0].name}, {ranked[-1].rank:,} at {ranked[-1].name}"
    assert said in plot_ranks(insides).sentence


def test_many_stages_keep_names_that_can_be_read(generation):
    """Thirty names under one axis would overlap: each third is named."""
    inside = generation.inside(1)
    stage = next(stage for stage in inside.stages if stage.rank)
    many = replace(inside, stages=tuple(replace(stage, name=f"after block {number}") for number in range(31)))
    picture = plot_ranks({"here": many, "again": many})
    picture.figure.canvas.draw()
    named = [label.get_text() for label in picture.figure.axes[0].get_xticklabels()]
    assert named == [f"after block {number}" for number in range(0, 31, 3)]


def test_a_memory_is_drawn_along_the_text(tokenizer):
    made = Generation(lstm(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat sat on", seed=3)
    memories = [made.inside(made.step().index).memory for _ in range(6)]
    pieces = [step.input.piece for step in made.steps]
    picture = plot_memory(memories, pieces, [3, 0])
    values = [memory.cell[3] for memory in memories]
    assert "2 units of the cell along 6 tokens" in picture.sentence
    assert f"to {max(values):+.2f} at {pieces[int(np.argmax(values))]!r}" in picture.sentence
    assert picture.png().startswith(b"\x89PNG")


def test_clouds_are_told_by_their_medians():
    picture = plot_clouds({"Mia": [[1.0, 2.0], [3.0, 2.0]], "Leo": np.tile([-1.0, 0.5], (1000, 1))}, "unit 7", "unit 9")
    assert picture.sentence == "unit 7 and unit 9 in 2 groups, medians: Mia +2.00, +2.00; Leo -1.00, +0.50."
    assert picture.png().startswith(b"\x89PNG")
    assert [len(line.get_xdata()) for line in picture.figure.axes[0].lines] == [2, 334]


@pytest.mark.parametrize(
    ("draw", "match"),
    [
        (lambda inside: plot_stages(None), "inside is None: give an Inside, such as"),
        (lambda inside: plot_ranks({}), "insides is empty"),
        (lambda inside: plot_ranks({"a": 3}), r"insides\['a'\] is 3"),
        (lambda inside: plot_clouds({}, "a", "b"), "groups is empty"),
        (lambda inside: plot_clouds({"Mia": []}, "a", "b"), r"groups\['Mia'\] has the shape \(0,\)"),
        (
            lambda inside: plot_clouds({"Mia": [[1.0]]}, "a", "b"),
            r"groups\['Mia'\] has the shape \(1, 1\): give 2 numbers",
        ),
        (lambda inside: plot_clouds({"Mia": [[np.nan, 1.0]]}, "a", "b"), r"groups\['Mia'\] holds NaN"),
        (lambda inside: plot_memory([], [], [0]), "0 memories and 0 pieces"),
        (lambda inside: plot_memory([inside.memory], ["a", "b"], [0]), "1 memories and 2 pieces"),
        (lambda inside: plot_memory([inside.memory], ["a"], [12]), "unit is 12: give a whole number from 0 to 11"),
        (lambda inside: plot_memory([inside.memory], ["a"], []), "units are 0: give from 1 to 40"),
        (lambda inside: plot_memory([None], ["a"], [0]), "a memory is None"),
    ],
)
def test_what_cannot_be_drawn_is_named(tokenizer, draw, match):
    made = Generation(lstm(tokenizer.vocab_size), WithoutEnd(tokenizer), "the cat", seed=3)
    made.step()
    inside = made.inside(0)
    with pytest.raises((TypeError, ValueError), match=match):
        draw(inside)
