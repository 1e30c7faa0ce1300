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


def test_initial_weights_come_from_the_seed(lstm):
    first, same, other = (LSTMLanguageModel(LSTMConfig(50), seed=s).state_dict() for s in (3, 3, 4))
    assert all(torch.allclose(first[name], same[name]) for name in first)
    assert not torch.allclose(first["embedding.weight"], other["embedding.weight"])


def test_a_tied_model_predicts_with_its_embedding_table():
    model = LSTMLanguageModel(LSTMConfig(50, 8, 12, tied=True), seed=1).double()
    assert "output.weight" not in dict(model.named_parameters())
    before = model(torch.tensor([[1]])).logits[0, 0]
    with torch.no_grad():
        model.embedding.weight[30] += 1.0  # not the row of the token that went in
    changed = (model(torch.tensor([[1]])).logits[0, 0] - before).abs() > 1e-9
    assert changed.nonzero()[:, 0].tolist() == [30]


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
