"""Each model exists twice: a forward pass over whole batches, and `advance`, token by token. Both are one model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel

IDS = [2, 7, 7, 30, 49]


def lstm(tied):
    return stirred(LSTMLanguageModel(LSTMConfig(50, 8, 12, tied=tied), seed=1))


def transformer(tied):
    config = TransformerConfig(50, embedding_dim=16, layers=3, heads=4, context_length=12, tied=tied)
    return stirred(TransformerLanguageModel(config, seed=1))


def twin(tied):
    keras_twin = pytest.importorskip("helpers.models.keras_twin", reason="TensorFlow is not installed: make tensorflow")
    return keras_twin.from_torch(lstm(tied))


def stirred(model):
    """In float64, and far from the start, where all logits are nearly alike."""
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(torch.from_numpy(np.random.default_rng(number).normal(0, 0.3, tuple(parameter.shape))))
    return model.double()


@pytest.fixture(params=[lstm, transformer, twin], ids=["LSTM", "Transformer", "Keras twin"])
def model(request):
    return request.param(tied=True)


@pytest.fixture(params=[lstm, transformer, twin], ids=["LSTM", "Transformer", "Keras twin"])
def untied(request):
    return request.param(tied=False)


def forward(model, ids):
    """The logits (T, V) of one text by the pass that training uses."""
    if isinstance(model, torch.nn.Module):
        return model(torch.tensor([ids])).logits[0].numpy(force=True)
    return model(np.array([ids])).logits[0].numpy()


def test_token_by_token_is_the_forward_pass(model, untied):
    for either in (model, untied):
        whole, state = forward(either, IDS), None
        for place, token_id in enumerate(IDS):
            logits, state = either.advance([token_id], state)
            np.testing.assert_allclose(logits, whole[place], atol=1e-9)


@pytest.mark.parametrize("first", range(1, len(IDS)))
def test_a_text_may_be_read_in_any_two_parts(model, first):
    _, state = model.advance(IDS[:first])
    np.testing.assert_allclose(model.advance(IDS[first:], state)[0], forward(model, IDS)[-1], atol=1e-9)


def test_what_is_rewound_is_as_if_it_had_never_been_read(model):
    _, state = model.advance(IDS[:3])
    _, state = model.advance([8, 9, 10], state)
    again, state = model.advance([5], model.rewind(state, 3))
    np.testing.assert_allclose(again, forward(model, [*IDS[:3], 5])[-1], atol=1e-9)
    first, state = model.advance([7], model.rewind(state, 0))
    np.testing.assert_allclose(first, forward(model, [7])[-1], atol=1e-9)
    with pytest.raises(ValueError, match="rewind to 9 tokens: the state has read 1"):
        model.rewind(state, 9)


def test_a_lookup_gives_rows_of_the_table(model):
    rows = model.embed(range(50))
    assert rows.shape == (50, model.embedding_dim)
    np.testing.assert_allclose(model.embed(IDS), rows[IDS])


@pytest.mark.parametrize("integer", [np.int32, np.int64, np.uint8])
def test_ids_may_be_numpy_integers(model, integer):
    ids = np.array(IDS, dtype=integer)
    np.testing.assert_allclose(model.advance(ids)[0], forward(model, IDS)[-1], atol=1e-9)


def test_an_id_may_be_a_tensor_that_holds_one_number(model):
    np.testing.assert_allclose(model.embed([torch.tensor(7)]), model.embed([7]))
    for wrong in (torch.tensor(7.0), torch.tensor(True), torch.tensor([7, 8])):
        with pytest.raises(TypeError, match="is not a whole number"):
            model.embed([wrong])
