from __future__ import annotations

import copy
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from fakes import SAMPLE_TEXTS

from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.training import (
    IGNORE_INDEX,
    Batch,
    TrainingConfig,
    batch_loss,
    bits_of,
    evaluate,
    make_batch,
    one_cycle,
    train,
)

TEXTS = SAMPLE_TEXTS[:2]


@pytest.fixture
def lstm(tokenizer):
    return LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 16, 24, tied=True), seed=0)


def test_every_text_is_bos_ids_eos_shifted_by_one(tokenizer):
    batch = make_batch([[10, 11, 12], [20]], tokenizer)
    assert batch.inputs.tolist() == [[2, 10, 11, 12], [2, 20, 0, 0]]
    assert batch.targets.tolist() == [[10, 11, 12, 3], [20, 3, IGNORE_INDEX, IGNORE_INDEX]]
    assert batch.tokens == 6


def test_padding_changes_no_texts_loss(lstm, tokenizer):
    short, long = tokenizer.encode("cat"), tokenizer.encode("the dog sat on the log")
    pair = make_batch([short, long], tokenizer)
    padded = batch_loss(lstm, Batch(pair.inputs[:1], pair.targets[:1]))
    assert padded.item() == pytest.approx(batch_loss(lstm, make_batch([short], tokenizer)).item(), abs=1e-6)


def test_training_lowers_the_loss_and_learns_to_stop(lstm, tokenizer):
    steps = list(train(lstm, tokenizer, TEXTS, TrainingConfig(updates=150, peak_learning_rate=0.05)))
    assert steps[0].loss == pytest.approx(math.log(tokenizer.vocab_size), rel=0.05)
    assert steps[-1].loss < 1.0
    assert len(steps) == 150
    logits, _ = lstm.advance(tokenizer.encode_prompt(TEXTS[1]))
    assert logits.argmax() == tokenizer.eos_id


def test_the_same_seed_gives_the_same_records_and_weights(tokenizer):
    def run(seed):
        model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 8), seed=0)
        return list(
            train(model, tokenizer, SAMPLE_TEXTS, TrainingConfig(updates=5, batch_size=2, seed=seed))
        ), model.state_dict()

    (steps, weights), (again, same_weights), (other, _) = run(1), run(1), run(2)
    assert [step.loss for step in steps] == pytest.approx([step.loss for step in again])
    assert all(torch.allclose(weights[name], same_weights[name]) for name in weights)
    assert [step.loss for step in steps] != pytest.approx([step.loss for step in other])


def test_one_record_for_one_update_and_stopping_early_keeps_what_was_learned(lstm, tokenizer):
    before = lstm.embedding.weight.detach().clone()
    run = train(lstm, tokenizer, SAMPLE_TEXTS, TrainingConfig(updates=100, batch_size=2))
    assert torch.allclose(before, lstm.embedding.weight)
    first = next(run)
    run.close()
    assert (first.step, first.updates, first.epoch) == (1, 100, 1)
    assert not torch.allclose(before, lstm.embedding.weight)


def test_every_text_is_seen_once_in_a_pass(lstm, tokenizer):
    steps = list(train(lstm, tokenizer, SAMPLE_TEXTS, TrainingConfig(updates=8, batch_size=3)))
    assert [step.epoch for step in steps] == [1, 1, 1, 1, 2, 2, 2, 2]
    assert steps[3].tokens_seen == sum(len(tokenizer.encode(text)) + 1 for text in SAMPLE_TEXTS)


def test_learning_rate_rises_then_falls():
    rates = [one_cycle(i / 100) for i in range(101)]
    peak = rates.index(max(rates))
    assert max(rates) == pytest.approx(1.0, abs=1e-6)
    assert 5 <= peak <= 15
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert 0 < rates[0] < 0.1
    assert 0 < rates[-1] < 0.001


def test_bits_per_byte_of_an_even_distribution_is_known(tokenizer):
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 4, 4), seed=0)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    texts = ["the cat", "日本"]
    tokens = sum(len(tokenizer.encode(text)) + 1 for text in texts)
    bits = tokens * math.log2(tokenizer.vocab_size)
    assert evaluate(model, tokenizer, texts) == pytest.approx(bits / (7 + 1 + 6 + 1), rel=1e-5)


def test_bits_of_a_text_do_not_depend_on_its_neighbours(lstm, tokenizer):
    together = bits_of(lstm, tokenizer, list(SAMPLE_TEXTS), batch_size=5)
    alone = [bits_of(lstm, tokenizer, [text])[0] for text in SAMPLE_TEXTS]
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_an_untied_models_step_moves_only_the_rows_it_looked_up(tokenizer):
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 8), seed=0)
    before = model.embedding.weight.detach().clone()
    next(train(model, tokenizer, ["the cat"], TrainingConfig(updates=1)))
    moved = set((model.embedding.weight != before).any(dim=1).nonzero()[:, 0].tolist())
    assert moved == {tokenizer.bos_id, *tokenizer.encode("the cat")}


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"updates": 0}, "updates is 0"),
        ({"updates": 2.5}, "updates is 2.5"),
        ({"updates": 1, "seed": -1}, "seed is -1: give a whole number from 0 up"),
        ({"updates": 1, "seed": 0.5}, "seed is 0.5"),
        ({"updates": 1, "seed": None}, "seed is None"),
        ({"updates": 1, "batch_size": -1}, "batch_size is -1"),
        ({"updates": 1, "peak_learning_rate": 0}, "peak_learning_rate is 0"),
        ({"updates": 1, "clip": math.nan}, "clip is nan"),
    ],
)
def test_bad_options_are_refused_at_the_call(lstm, tokenizer, options, match):
    with pytest.raises(ValueError, match=match):
        train(lstm, tokenizer, TEXTS, TrainingConfig(**options))


def test_no_texts_and_a_single_str_are_refused(lstm, tokenizer):
    with pytest.raises(ValueError, match="texts is empty"):
        train(lstm, tokenizer, [], TrainingConfig(updates=1))
    with pytest.raises(TypeError, match="list of texts"):
        train(lstm, tokenizer, "the cat", TrainingConfig(updates=1))
    with pytest.raises(ValueError, match="texts is empty"):
        evaluate(lstm, tokenizer, [])


def test_texts_that_come_one_by_one_are_measured_as_a_list_is(lstm, tokenizer):
    assert evaluate(lstm, tokenizer, (text for text in TEXTS)) == pytest.approx(evaluate(lstm, tokenizer, TEXTS))


@pytest.mark.parametrize("use", [partial(train, config=TrainingConfig(updates=1)), evaluate, bits_of])
def test_a_text_that_is_too_long_is_named_before_anything_is_learned(tokenizer, use):
    ids = tokenizer.encode(text := "the cat sat on the mat and the dog sat on the log")
    just_enough = TransformerConfig(tokenizer.vocab_size, 8, layers=1, heads=2, context_length=len(ids) + 1)
    use(TransformerLanguageModel(just_enough), tokenizer, ["fox", text])
    model = TransformerLanguageModel(replace(just_enough, context_length=len(ids)))
    message = rf"texts\[1\], which begins '{text[:30]}', has {len(ids) + 1} tokens .* the {len(ids)} that .* split it"
    with pytest.raises(ValueError, match=message):
        use(model, tokenizer, ["fox", text])


def test_short_texts_weigh_no_more_than_long_ones(tokenizer):
    """Batches hold texts of like length: a plain mean over each would count tokens of short texts several times."""
    texts = ["fox"] * 40 + ["the cat sat on the mat and the dog sat on the log"] * 40
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 16), seed=0)
    for _ in train(model, tokenizer, texts, TrainingConfig(updates=200, peak_learning_rate=0.02)):
        pass
    logits, _ = model.advance([tokenizer.bos_id])
    fox, the = (np.exp(logits[tokenizer.encode(word)[0]]) for word in ("fox", "the"))
    assert fox / (fox + the) == pytest.approx(0.5, abs=0.1)


def test_the_gradient_norm_of_one_text_does_not_depend_on_a_batch_size_that_it_cannot_fill(lstm, tokenizer):
    norms = [
        next(train(copy.deepcopy(lstm), tokenizer, TEXTS[:1], TrainingConfig(updates=1, batch_size=size))).gradient_norm
        for size in (1, 8)
    ]
    assert norms[0] == pytest.approx(norms[1])


def test_the_second_moment_forgets_as_fast_as_the_config_says(lstm, tokenizer):
    """Adam's first update is the same whatever it will keep of its squared gradients; the third is not."""

    def losses(beta2: float) -> list[float]:
        steps = train(copy.deepcopy(lstm), tokenizer, TEXTS, TrainingConfig(updates=5, adam_beta2=beta2))
        return [step.loss for step in steps]

    fast, slow = losses(0.5), losses(0.999)
    assert fast[:2] == pytest.approx(slow[:2])
    assert fast[3:] != pytest.approx(slow[3:], rel=1e-3)
