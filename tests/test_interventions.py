"""An intervention is a model: with nothing in it, it equals the model; with something, a computation written out."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from fakes import FakeModel, WithoutEnd, same_steps
from test_inside import lstm, real, transformer, twin

from helpers.corpus import load_corpus
from helpers.interventions import edit_memory, mute_heads
from helpers.models import transformer as transformer_module
from helpers.models.checkpoint import load_shipped_transformer
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation

IDS = [2, 7, 30, 7, 49, 120, 33]


@pytest.fixture(params=["gpt2", "llama"])
def real_model(request):
    return real(request.param)[0]


def logits(model, ids=IDS):
    return model.advance(ids)[0]


# ------------------------------------------------------------------------------------------------------- muted heads


def test_nothing_muted_is_the_model():
    model = transformer(400)
    np.testing.assert_allclose(logits(mute_heads(model, [])), logits(model))


def test_a_muted_head_adds_nothing(monkeypatch):
    model, before = transformer(400), logits(transformer(400))
    muted = mute_heads(model, [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)])
    right = transformer_module.attention

    def without_two(queries, keys, values):
        attended, weights = right(queries, keys, values)
        attended[[1, 3]] = 0.0
        return attended, weights

    found = logits(muted)
    monkeypatch.setattr(transformer_module, "attention", without_two)
    np.testing.assert_allclose(found, logits(model), atol=1e-12)
    monkeypatch.undo()
    assert np.abs(found - before).max() > 1e-3
    np.testing.assert_allclose(logits(model), before)  # the original is as it was


def test_training_and_streaming_agree_on_what_is_muted():
    muted = mute_heads(transformer(400), [(1, 2)])
    np.testing.assert_allclose(logits(muted), muted(torch.tensor([IDS])).logits[0, -1].numpy(force=True), atol=1e-10)


def test_a_real_models_head_is_muted_where_the_layer_mixes_what_heads_gathered(real_model):
    before, width = logits(real_model), 16
    muted = mute_heads(real_model, [(1, 2)])
    layer = [m for name, m in real_model.model.named_modules() if name.endswith(("attn.c_proj", "self_attn.o_proj"))][1]

    def zeroed(module, inputs):
        gathered = inputs[0].clone()
        gathered[..., 2 * width : 3 * width] = 0.0
        return (gathered,)

    hook = layer.register_forward_pre_hook(zeroed)
    np.testing.assert_allclose(logits(muted), logits(real_model), atol=1e-4)
    hook.remove()
    np.testing.assert_allclose(logits(real_model), before, atol=1e-5)
    assert np.abs(logits(muted) - before).max() > 1e-3


def test_a_muted_real_model_shares_all_weights_but_the_changed_matrix(real_model):
    muted = mute_heads(real_model, [(0, 0)])
    shared = {p.data_ptr() for p in real_model.model.parameters()}
    own = [p for p in muted.model.parameters() if p.data_ptr() not in shared]
    assert len(own) == 1


def test_a_muted_head_still_looks(tokenizer):
    model = transformer(400)
    looks = [Generation(m, tokenizer, "the cat") for m in (model, mute_heads(model, [(0, 1)]))]
    for generation in looks:
        generation.step()
    np.testing.assert_allclose(looks[0].inside(0).attention[0], looks[1].inside(0).attention[0], atol=1e-10)


def test_a_muted_head_costs_about_as_much_whether_zero_or_its_mean_takes_its_place():
    """What mute_heads says of zero ablation: on words said again, the two differ by a quarter of a bit at most."""
    model, tokenizer = load_shipped_transformer()
    texts = [torch.tensor([tokenizer.encode_prompt(text)]) for text in load_corpus().validation[:60]]
    width = model.config.embedding_dim // model.config.heads
    base = bits_of_words_said_again(model, texts)
    for layer, head in itertools.product(range(model.config.layers), range(model.config.heads)):
        muted = mute_heads(model, [(layer, head)])
        zero = bits_of_words_said_again(muted, texts) - base
        columns = slice(head * width, (head + 1) * width)
        mixed = model.blocks[layer].attention_out.weight[:, columns] @ mean_output(model, layer, texts)[columns]
        muted.blocks[layer].attention_out.bias.data += mixed
        assert abs(bits_of_words_said_again(muted, texts) - base - zero) < 0.25


@torch.no_grad()
def mean_output(model, layer, texts):
    """What the heads of a layer give on average, side by side, (D,)."""
    given = []
    hook = model.blocks[layer].attention_out.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0][0]))
    for ids in texts:
        model(ids)
    hook.remove()
    return torch.cat(given).mean(dim=0)


@torch.no_grad()
def bits_of_words_said_again(model, texts):
    """Mean bits of the tokens that a text has had before."""
    bits = []
    for ids in texts:
        surprise = -model(ids[:, :-1]).logits[0].log_softmax(dim=-1) / math.log(2)
        row = ids[0].tolist()
        bits += [float(surprise[n - 1, row[n]]) for n in range(1, len(row)) if row[n] in row[:n]]
    return np.mean(bits)


@pytest.mark.parametrize(
    ("heads", "match"),
    [
        ([(3, 0)], "layer is 3: give a whole number from 0 to 2, one of the model's layers"),
        ([(0, 4)], "head is 4: give a whole number from 0 to 3, one of the heads of layer 0"),
        ([(0, -1)], "head is -1"),
        ([(0.5, 1)], "layer is 0.5"),
        ([3], r"a head is 3: give a pair \(layer, head\)"),
        ([(1, 2, 3)], "a head is"),
        (5, "heads is 5: give a list"),
    ],
)
def test_a_head_that_is_not_there_is_named(heads, match):
    with pytest.raises((TypeError, ValueError), match=match):
        mute_heads(transformer(400), heads)


def test_a_model_without_heads_is_named():
    for model in (lstm(400), FakeModel(400)):
        with pytest.raises(TypeError, match="has no attention heads to mute: give a Transformer"):
            mute_heads(model, [(0, 0)])


# ------------------------------------------------------------------------------------------------------ edited memory


@pytest.fixture(params=[lstm, twin], ids=["LSTM", "twin"])
def recurrent(request):
    return request.param(400)


def test_nothing_edited_is_the_model(recurrent):
    for edits in ({}, {3: {}}):
        np.testing.assert_allclose(logits(edit_memory(recurrent, edits)), logits(recurrent), atol=1e-12)


def test_an_edit_is_made_after_its_token_was_read(recurrent):
    edited = edit_memory(recurrent, {2: {5: 0.0, 1: lambda old: -old}})
    np.testing.assert_allclose(logits(edited, IDS[:3]), logits(recurrent, IDS[:3]))  # this token was read before it
    _, state = recurrent.advance(IDS[:3])
    cell = recurrent.opened(state, 2, IDS[2]).memory.cell.copy()
    cell[5], cell[1] = 0.0, -cell[1]
    by_hand, _ = recurrent.advance(IDS[3:], recurrent.with_cell(state, cell))
    np.testing.assert_allclose(logits(edited), by_hand, atol=1e-12)
    assert np.abs(by_hand - logits(recurrent)).max() > 1e-4


def test_what_is_told_of_an_edited_step_is_what_the_edit_left(recurrent):
    edited = edit_memory(recurrent, {2: {5: 0.25}})
    _, state = edited.advance(IDS)
    assert edited.opened(state, 2, IDS[2]).memory.cell[5] == pytest.approx(0.25)
    assert recurrent.opened(recurrent.advance(IDS)[1], 2, IDS[2]).memory.cell[5] != pytest.approx(0.25)


@pytest.mark.parametrize("first", [1, 2, 3, 4])
def test_an_edited_model_reads_in_any_two_parts(recurrent, first):
    edited = edit_memory(recurrent, {2: {5: 0.5}, 5: {0: -0.5}})
    _, state = edited.advance(IDS[:first])
    np.testing.assert_allclose(edited.advance(IDS[first:], state)[0], logits(edited), atol=1e-12)


def test_changed_models_rewind_and_fork_exactly(tokenizer):
    models = [edit_memory(lstm(400), {6: {5: lambda old: -old}}), mute_heads(transformer(400), [(0, 0), (2, 3)])]
    for model in models:
        generation = Generation(model, WithoutEnd(tokenizer), "the cat sat", seed=2)
        for _ in range(9):
            generation.step(SamplingSettings(1.2))
        before = generation.steps
        for keep in (6, 1, 0):
            generation.rewind(keep)
            while len(generation.steps) < 9:
                generation.step(SamplingSettings(1.2))
            assert same_steps(generation.steps, before)


@pytest.mark.parametrize(
    ("edits", "match"),
    [
        ({-1: {0: 0.0}}, r"position is -1: give a whole number from 0 up, a count of tokens read"),
        ({0.5: {0: 0.0}}, "position is 0.5"),
        ({1: {12: 0.0}}, "unit is 12: give a whole number from 0 to 11, the units of the cell state"),
        ({1: {-1: 0.0}}, "unit is -1"),
        ({1: {0: math.nan}}, "unit 0 would become nan: give a finite number"),
        ({1: {0: math.inf}}, "unit 0 would become inf"),
        ({1: {0: "much"}}, "unit 0 would become 'much'"),
        ({1: 0.0}, r"the edit is 0.0: give a dict \{unit: value\}"),
        ([1], r"edits is \[1\]: give a dict"),
    ],
)
def test_an_edit_that_cannot_be_is_named(edits, match):
    with pytest.raises((TypeError, ValueError), match=match):
        edit_memory(lstm(400), edits)


def test_a_function_that_gives_no_number_is_named_when_it_is_due():
    edited = edit_memory(lstm(400), {1: {3: lambda old: math.nan}})
    edited.advance(IDS[:1])
    with pytest.raises(ValueError, match="unit 3 would become nan"):
        edited.advance(IDS)


def test_a_model_without_a_memory_is_named():
    for model in (transformer(400), FakeModel(400)):
        with pytest.raises(TypeError, match="has no cell state to edit: give an LSTM"):
            edit_memory(model, {1: {0: 0.0}})
