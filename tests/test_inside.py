"""What happened in a model at each step: the same numbers as a computation written out, and asking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from fakes import SAMPLE_TEXTS, FakeModel, WithoutEnd, same_steps

from helpers.models.lstm import LSTMConfig, LSTMLanguageModel, lstm_gates
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation

PROMPT = "the cat sat on"


def stirred(model):
    with torch.no_grad():  # far from the start, where all logits are nearly alike
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(torch.from_numpy(np.random.default_rng(number).normal(0, 0.2, tuple(parameter.shape))))
    return model.double()


def lstm(size, tied=True):
    return stirred(LSTMLanguageModel(LSTMConfig(size, 8, 12, tied=tied), seed=1))


def transformer(size):
    return stirred(TransformerLanguageModel(TransformerConfig(size, 16, layers=3, heads=4, context_length=60), seed=1))


def twin(size):
    keras_twin = pytest.importorskip("helpers.models.keras_twin", reason="TensorFlow is not installed: make tensorflow")
    return keras_twin.from_torch(lstm(size))


def real(family):
    pretrained = pytest.importorskip("helpers.models.pretrained", reason="transformers is not installed: make models")
    return pretrained.random_model(SAMPLE_TEXTS, family)


@pytest.fixture(scope="module", params=["LSTM", "own output layer", "Transformer", "twin", "gpt2", "llama"])
def pair(request, tokenizer):
    if request.param in ("gpt2", "llama"):
        model, its_tokenizer = real(request.param)
        return model, WithoutEnd(its_tokenizer)
    make = {"LSTM": lstm, "own output layer": lambda size: lstm(size, tied=False), "Transformer": transformer}
    return make.get(request.param, twin)(tokenizer.vocab_size), WithoutEnd(tokenizer)


def generated(pair, steps=6, ask=False):
    generation = Generation(*pair, PROMPT, seed=3)
    for index in range(steps):
        generation.step(SamplingSettings(temperature=1.1))
        if ask:
            generation.inside(index)
    return generation


def vectors(inside):
    return np.concatenate([stage.vector for stage in inside.stages])


def close(found, wanted):
    """Equal to a millionth of the longest vector's length, which is what float32 holds."""
    return np.abs(found - wanted).max() <= 1e-6 * np.linalg.norm(wanted)


def test_the_last_stages_lens_is_the_models_own_prediction(pair):
    generation = generated(pair)
    for step in generation.steps:
        last = generation.inside(step.index).stages[-1]
        assert [c.token_id for c in last.candidates] == [c.token_id for c in step.candidates[:3]]
        probabilities = [c.model_probability for c in step.candidates[:3]]
        np.testing.assert_allclose([c.model_probability for c in last.candidates], probabilities, atol=1e-6)
        chosen = next(c for c in step.candidates if c.token_id == step.output.token_id)
        better = sum(c.model_probability > chosen.model_probability for c in step.candidates)
        assert last.rank == 1 + better or last.rank > 8


def test_the_newest_step_and_an_older_one_are_told_alike_also_after_a_rewind(pair):
    generation, told = Generation(*pair, PROMPT, seed=3), []
    for index in range(5):
        generation.step()
        told.append(generation.inside(index))
    for index in (0, 3, 4):
        again = generation.inside(index)
        assert close(vectors(again), vectors(told[index]))
        if again.attention is not None:
            np.testing.assert_allclose(again.attention, told[index].attention, atol=1e-6)
    generation.rewind(3)
    assert close(vectors(generation.inside(2)), vectors(told[2]))


def test_asking_changes_nothing(pair):
    silent, asked = generated(pair), generated(pair, ask=True)
    assert same_steps(silent.steps, asked.steps)
    asked.inside(0)
    assert silent.step().output.token_id == asked.step().output.token_id


def test_the_row_is_where_it_begins_and_every_norm_is_its_vectors(pair):
    generation = generated(pair)
    for step in generation.steps[::2]:
        inside = generation.inside(step.index)
        for stage in inside.stages:
            assert stage.norm == pytest.approx(np.linalg.norm(stage.vector), rel=1e-6)
        if inside.stages[0].name == "row" and len(inside.stages[0].vector) == len(step.input.embedding):
            place = pair[0].model.config.model_type == "gpt2" if hasattr(pair[0], "model") else False
            assert place or np.allclose(inside.stages[0].vector, step.input.embedding)


def test_heads_share_out_their_look_among_the_tokens_read_so_far(pair):
    generation = generated(pair)
    for step in generation.steps:
        attention = generation.inside(step.index).attention
        if attention is not None:
            assert attention.shape[2] == step.input.position + 1
            np.testing.assert_allclose(attention.sum(axis=-1), 1.0, atol=1e-5)


def test_a_transformers_stages_are_its_blocks_written_out(tokenizer):
    model = transformer(tokenizer.vocab_size)
    generation = generated((model, WithoutEnd(tokenizer)))
    inside = generation.inside(5)
    ids = [token.token_id for token in generation.tokens[:-1]]
    with torch.no_grad():
        x = model.embedding(torch.tensor([ids])) + model.position.weight[: len(ids)]
        wanted = [x]
        for block in model.blocks:
            after = block(x)
            inner = torch.nn.functional.gelu(block.mlp_in(block.mlp_norm(torch.zeros_like(x))), approximate="tanh")
            assert inner.shape[-1] == 4 * x.shape[-1]
            wanted += [None, after]
            x = after
    assert [stage.name for stage in inside.stages][:3] == ["row + place", "after attention 0", "after MLP 0"]
    for stage, expected in zip(inside.stages, wanted, strict=True):
        if expected is not None:
            np.testing.assert_allclose(stage.vector, expected[0, -1].numpy(), atol=1e-10)
    for number, block in enumerate(model.blocks):  # between the two, the MLP is added to what attention left
        between = torch.from_numpy(inside.stages[1 + 2 * number].vector)[None, None]
        with torch.no_grad():
            added = block.mlp_out(torch.nn.functional.gelu(block.mlp_in(block.mlp_norm(between)), approximate="tanh"))
        np.testing.assert_allclose((between + added)[0, 0].numpy(), inside.stages[2 + 2 * number].vector, atol=1e-10)


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_real_models_stages_and_looks_are_those_of_the_library(family):
    model, tokenizer = real(family)
    generation = generated((model, WithoutEnd(tokenizer)))
    ids = [token.token_id for token in generation.tokens[:-1]]
    model.model.set_attn_implementation("eager")
    with torch.inference_mode():
        whole = model.model(torch.tensor([ids]), output_hidden_states=True, output_attentions=True)
    inside = generation.inside(5)
    hidden = [layer[0, -1].numpy() for layer in whole.hidden_states]
    for stage, expected in zip(inside.stages[:-1], hidden[:-1], strict=True):
        np.testing.assert_allclose(stage.vector, expected, atol=1e-4, rtol=1e-5)
    norm = model.model.base_model.ln_f if family == "gpt2" else model.model.base_model.norm
    with torch.inference_mode():  # the library hands out what its final norm makes of the last block's vector
        normed = norm(torch.from_numpy(np.array(inside.stages[-1].vector))[None])[0].numpy()
    np.testing.assert_allclose(normed, hidden[-1], atol=1e-5, rtol=1e-5)
    looks = np.array([layer[0, :, -1].numpy() for layer in whole.attentions])
    np.testing.assert_allclose(inside.attention, looks, atol=1e-5)


def test_an_lstms_gates_and_cell_are_those_of_a_cell_written_out(tokenizer):
    model = lstm(tokenizer.vocab_size)
    generation = generated((model, WithoutEnd(tokenizer)))
    weights = {name: weight.numpy(force=True) for name, weight in model.named_parameters()}
    h = c = np.zeros(12)
    for token in generation.tokens[:-1]:
        i, f, g, o = lstm_gates(token.embedding, h, weights)
        c = f * c + i * g
        h = o * np.tanh(c)
    memory = generation.inside(5).memory
    for told, wanted in zip(vars(memory).values(), (c, h, i, f, o), strict=True):
        np.testing.assert_allclose(told, wanted, atol=1e-12)
    cell = torch.nn.LSTMCell(8, 12).double()
    cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in model.lstm.state_dict().items()})
    state = None
    with torch.no_grad():
        for token in generation.tokens[:-1]:
            state = cell(torch.from_numpy(np.array(token.embedding))[None], state)
    np.testing.assert_allclose(memory.cell, state[1][0].numpy(), atol=1e-12)


def test_the_twins_memory_is_the_lstms(tokenizer):
    ours, its = (generated((m, WithoutEnd(tokenizer))).inside(4) for m in (lstm(400), twin(400)))
    for told, wanted in zip(vars(its.memory).values(), vars(ours.memory).values(), strict=True):
        np.testing.assert_allclose(told, wanted, atol=1e-9)
    np.testing.assert_allclose(vectors(its), vectors(ours), atol=1e-9)


def test_a_rank_counts_the_tokens_that_the_lens_puts_first(tokenizer):
    model = transformer(tokenizer.vocab_size)
    generation = generated((model, WithoutEnd(tokenizer)))
    step, inside = generation.steps[3], generation.inside(3)
    for stage in inside.stages:
        with torch.no_grad():
            logits = model.embedding.weight @ model.norm(torch.from_numpy(np.array(stage.vector)))
        logits[list(WithoutEnd(tokenizer).suppressed_ids)] = -torch.inf
        order = logits.argsort(descending=True).tolist()
        assert stage.rank == 1 + order.index(step.output.token_id)
        assert [candidate.token_id for candidate in stage.candidates] == order[:3]


def test_the_cheap_lens_ranks_the_steps_own_candidates(pair):
    generation = generated(pair)
    step = generation.steps[2]
    stages = generation.inside(2, lens="candidates").stages
    ids = [candidate.token_id for candidate in step.candidates]
    assert all(candidate.token_id in ids for stage in stages for candidate in stage.candidates)
    assert [candidate.token_id for candidate in stages[-1].candidates] == ids[:3]
    assert stages[-1].rank == 1 + ids.index(step.output.token_id)


def test_a_model_that_does_not_say_says_none(tokenizer):
    generation = generated((FakeModel(400), WithoutEnd(tokenizer)))
    assert generation.inside(0) is None


def test_a_step_that_is_not_there_is_named(pair):
    generation = Generation(*pair, PROMPT)
    with pytest.raises(ValueError, match=r"index is 0, and there is no step yet: take one with step\(\)"):
        generation.inside(0)
    generation.step()
    assert generation.inside(np.int64(0)) is not None
    for index in (1, -1, 0.5, True, None):
        with pytest.raises(ValueError, match=r"index is .*: give a whole number from 0 to 0, one of the steps"):
            generation.inside(index)
    with pytest.raises(ValueError, match="lens is 'all': give one of 'vocabulary', 'candidates'"):
        generation.inside(0, lens="all")
