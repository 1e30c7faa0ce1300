from __future__ import annotations

import math

import pytest
from fakes import SAMPLE_TEXTS

from helpers.corpus import text_bytes
from helpers.training.baselines import KneserNey


@pytest.mark.parametrize("order", [1, 2, 5])
def test_probabilities_of_all_ids_sum_to_one(tokenizer, order):
    model = KneserNey(tokenizer, SAMPLE_TEXTS, order)
    for before in ([2, 2, 2, 2], tokenizer.encode("the cat sat on"), [399, 398, 397, 396]):
        total = sum(model.probability(before, i) for i in range(tokenizer.vocab_size))
        assert total == pytest.approx(1.0)
        assert all(model.probability(before, i) > 0 for i in range(tokenizer.vocab_size))


class Letters:
    """Two letters as ids 4 and 5: small enough to count with a pencil."""

    vocab_size, bos_id, eos_id = 6, 2, 3

    def encode(self, text):
        return ["ab".index(letter) + 4 for letter in text]


def test_a_bigram_counted_by_hand():
    """Texts ab, ab, aa. Pairs: <s>a 3, ab 2, b</s> 2, aa 1, a</s> 1, so the discount is 2 / (2 + 2·2) = 1/3.

    Different places of each letter: a 2, b 1, </s> 2, of 5, discount 1 / (1 + 2·2) = 1/5; 3 kinds give 0.6 / 5 to all
    six ids: P(b) = 0.8 / 5 + 0.12 / 6 = 0.18. After a: P(b | a) = (2 - 1/3) / 4 + (1/3 · 3 / 4) · 0.18.
    """
    model = KneserNey(Letters(), ["ab", "ab", "aa"], order=2)
    assert model.probability([], 5) == pytest.approx(0.18)
    assert model.probability([2, 4], 5) == pytest.approx(5 / 12 + 0.25 * 0.18)
    assert model.probability([2, 4], 0) == pytest.approx(0.25 * 0.02)


def test_longer_contexts_predict_seen_texts_better(tokenizer):
    bits = [KneserNey(tokenizer, SAMPLE_TEXTS, order).bits_per_byte(SAMPLE_TEXTS) for order in (1, 2, 5)]
    assert bits == sorted(bits, reverse=True)


def test_bits_count_every_token_and_the_end(tokenizer):
    model = KneserNey(tokenizer, SAMPLE_TEXTS, 2)
    ids = [tokenizer.bos_id, *tokenizer.encode("the cat"), tokenizer.eos_id]
    bits = -sum(math.log2(model.probability(ids[:n], ids[n])) for n in range(1, len(ids)))
    assert model.bits_per_byte(["the cat"]) == pytest.approx(bits / text_bytes(["the cat"]))


def test_shorter_contexts_count_different_places_not_occurrences(tokenizer):
    """Kneser and Ney's example: a word that is frequent, but only after one other, is unlikely elsewhere."""
    texts = ["sat on"] * 20 + ["the cat", "a cat", "dog cat", "fox cat"]
    model = KneserNey(tokenizer, texts, 2)
    nowhere = [399]
    [on], [cat] = (tokenizer.encode(word)[-1:] for word in ("sat on", "the cat"))
    assert model.probability(nowhere, cat) > model.probability(nowhere, on)


@pytest.mark.parametrize("order", [0, -1, 2.5, True])
def test_order_is_a_whole_number_from_1(tokenizer, order):
    with pytest.raises(ValueError, match="order is"):
        KneserNey(tokenizer, SAMPLE_TEXTS, order)


def test_no_texts_are_refused(tokenizer):
    with pytest.raises(ValueError, match="texts is empty"):
        KneserNey(tokenizer, [])


def test_a_single_str_is_not_a_list_of_letters(tokenizer):
    with pytest.raises(TypeError, match="list of texts"):
        KneserNey(tokenizer, "the cat")
    with pytest.raises(TypeError, match="list of texts"):
        KneserNey(tokenizer, SAMPLE_TEXTS).bits_per_byte("the cat")


def test_texts_that_come_one_by_one_are_measured_as_a_list_is(tokenizer):
    model = KneserNey(tokenizer, SAMPLE_TEXTS, 2)
    assert model.bits_per_byte(text for text in SAMPLE_TEXTS) == pytest.approx(model.bits_per_byte(SAMPLE_TEXTS))
