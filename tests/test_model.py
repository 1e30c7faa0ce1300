from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.models.lstm import LSTMConfig, LSTMLanguageModel


@pytest.fixture(params=[False, True], ids=["own output layer", "tied"])
def lstm(request):
    return LSTMLanguageModel(LSTMConfig(50, 8, 12, tied=request.param), seed=1).double()


IDS = [2, 7, 7, 30, 49]


def test_shapes(lstm):
    output = lstm(torch.tensor([IDS, IDS]))
    assert output.logits.shape == (2, 5, 50)
    assert output.embeddings.shape == (2, 5, 8)


def test_embeddings_are_rows_of_the_table(lstm):
    table = lstm.embedding.weight.detach().numpy()
    np.testing.assert_allclose(lstm.embed(IDS), table[IDS])


def test_token_by_token_equals_the_whole_sequence(lstm):
    whole = lstm(torch.tensor([IDS])).logits[0].detach().numpy()
    state = None
    for position, token_id in enumerate(IDS):
        logits, state = lstm.advance([token_id], state)
        np.testing.assert_allclose(logits, whole[position], atol=1e-12)
    at_once, _ = lstm.advance(IDS)
    np.testing.assert_allclose(at_once, logits)


def test_rewind_is_exact(lstm):
    _, state = lstm.advance(IDS[:3])
    expected, _ = lstm.advance([5], state)
    state = lstm.rewind(state, 3)
    _, state = lstm.advance([8, 9, 10], state)
    again, _ = lstm.advance([5], lstm.rewind(state, 3))
    np.testing.assert_allclose(again, expected)
    with pytest.raises(ValueError, match="rewind to 9"):
        lstm.rewind(state, 9)


def test_initial_weights_come_from_the_seed(lstm):
    first, same, other = (LSTMLanguageModel(LSTMConfig(50), seed=s).state_dict() for s in (3, 3, 4))
    assert all(torch.allclose(first[name], same[name]) for name in first)
    assert not torch.allclose(first["embedding.weight"], other["embedding.weight"])


def test_tied_model_has_one_table_for_both_ends():
    names = dict(LSTMLanguageModel(LSTMConfig(50, 8, 12, tied=True)).named_parameters())
    assert "output.weight" not in names
    logits = LSTMLanguageModel(LSTMConfig(50, 8, 12, tied=True))(torch.tensor([[1]])).logits
    logits.sum().backward()


@pytest.mark.parametrize(
    ("ids", "match"), [([[50]], "id 50"), ([[-1]], "id -1"), ([[]], r"shape \(1, 0\)"), ([1, 2], r"shape \(2,\)")]
)
def test_bad_ids_are_named(lstm, ids, match):
    with pytest.raises(ValueError, match=match):
        lstm(torch.tensor(ids, dtype=torch.long))


def test_advance_refuses_no_ids_and_foreign_ids(lstm):
    with pytest.raises(ValueError, match="at least one"):
        lstm.advance([])
    with pytest.raises(ValueError, match="id 99"):
        lstm.advance([99])


@pytest.mark.parametrize(
    "sizes", [{"vocab_size": 0}, {"vocab_size": 5, "hidden_size": 2.5}, {"vocab_size": 5, "embedding_scale": 0.0}]
)
def test_bad_sizes_are_named(sizes):
    name = list(sizes)[-1]
    with pytest.raises(ValueError, match=f"{name} is"):
        LSTMConfig(**sizes)
