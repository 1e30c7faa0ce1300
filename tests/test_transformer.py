from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.models.transformer import TransformerConfig, TransformerLanguageModel, attention
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation, stream

IDS = [2, 7, 7, 30, 49]


@pytest.fixture(params=[True, False], ids=["tied", "own output layer"])
def gpt(request):
    config = TransformerConfig(50, embedding_dim=16, layers=3, heads=4, context_length=12, tied=request.param)
    model = TransformerLanguageModel(config, seed=1).double()
    with torch.no_grad():  # far from the start, where all logits are nearly alike
        for number, parameter in enumerate(model.parameters()):
            parameter.add_(torch.from_numpy(np.random.default_rng(number).normal(0, 0.3, tuple(parameter.shape))))
    return model


def test_no_token_sees_what_comes_after_it(gpt):
    one, other = (gpt(torch.tensor([[*IDS[:3], last, 9]])).logits[0, :3] for last in (5, 40))
    torch.testing.assert_close(one, other, rtol=0, atol=1e-12)


def test_padding_behind_a_text_changes_nothing(gpt):
    alone = gpt(torch.tensor([IDS])).logits[0]
    padded = gpt(torch.tensor([[*IDS, 0, 0], [1] * 7])).logits[0, : len(IDS)]
    torch.testing.assert_close(alone, padded, rtol=0, atol=1e-12)


def test_attention_is_a_mean_of_what_is_before_weighted_by_fit():
    rng = np.random.default_rng(0)
    queries, keys, values = rng.normal(size=(3, 2, 5, 4))
    seen, weights = attention(queries, keys, values)
    expected = torch.nn.functional.scaled_dot_product_attention(
        *(torch.from_numpy(part) for part in (queries, keys, values)), is_causal=True
    )
    np.testing.assert_allclose(seen, expected.numpy(), atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0)
    assert (np.triu(weights, 1) == 0).all()
    last, _ = attention(queries[:, -1:], keys, values)
    np.testing.assert_allclose(last[:, 0], seen[:, -1], atol=1e-12)


def test_read_gives_contextual_vectors_and_who_looked_at_whom(gpt):
    vectors, looked = gpt.read(IDS)
    assert vectors.shape == (5, 16)
    assert looked.shape == (3, 4, 5, 5)
    np.testing.assert_allclose(looked.sum(axis=-1), 1.0)
    assert not np.allclose(vectors[1], vectors[2])  # the same id, at two places
    np.testing.assert_allclose(gpt.embed(IDS)[1], gpt.embed(IDS)[2])


def test_a_text_that_fills_the_context_ends_there(tokenizer, endless):
    config = TransformerConfig(400, embedding_dim=8, layers=1, heads=2, context_length=12)
    model = TransformerLanguageModel(config, seed=0).double()
    *_, last = stream(model, endless, "the cat", max_new_tokens=50)
    assert last.finish_reason == "context"
    assert last.output.position == 12  # all 12 places were read; the token that came of them is the 13th
    generation = Generation(model, endless, "the cat", seed=1)
    for _ in range(3):
        generation.step(SamplingSettings())
    before = generation.text
    generation.rewind(1)
    for _ in range(2):
        generation.step(SamplingSettings())
    assert generation.text == before


def test_too_long_a_text_says_how_long_it_may_be(gpt):
    for read in (lambda ids: gpt(torch.tensor([ids])), gpt.advance):
        with pytest.raises(ValueError, match="13 tokens are more than the 12"):
            read([1] * 13)


@pytest.mark.parametrize(
    ("ids", "match"), [([[50]], "id 50"), ([[-1]], "id -1"), ([[]], r"shape \(1, 0\)"), ([1, 2], r"shape \(2,\)")]
)
def test_bad_ids_are_named(gpt, ids, match):
    with pytest.raises(ValueError, match=match):
        gpt(torch.tensor(ids, dtype=torch.long))


@pytest.mark.parametrize(
    ("sizes", "match"), [({"heads": 3}, "multiple of heads"), ({"layers": 0}, "layers is 0"), ({"heads": 1.5}, "1.5")]
)
def test_bad_sizes_are_named(sizes, match):
    with pytest.raises(ValueError, match=match):
        TransformerConfig(50, **sizes)


def test_initial_weights_come_from_the_seed():
    first, same, other = (TransformerLanguageModel(TransformerConfig(50), seed=s).state_dict() for s in (3, 3, 4))
    assert all(torch.allclose(first[name], same[name]) for name in first)
    assert not torch.allclose(first["embedding.weight"], other["embedding.weight"])
