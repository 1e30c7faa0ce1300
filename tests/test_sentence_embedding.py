from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("transformers", reason="transformers is not installed: make models")

from helpers.models.pretrained_files import MINILM, PretrainedError, models_folder
from helpers.models.sentence_embedding import SentenceEmbedding


@pytest.fixture(scope="module")
def minilm():
    if not (models_folder() / MINILM).is_dir():
        pytest.skip(f"{MINILM} is not there: make models")
    return SentenceEmbedding()


def cosine(model, one, other):
    vectors = model.embed([one, other])
    return float(vectors[0] @ vectors[1])


def test_texts_of_like_meaning_are_near_even_without_a_common_word(minilm):
    assert cosine(minilm, "cat", "dog") == pytest.approx(0.66, abs=0.01)
    assert cosine(minilm, "cat", "quantum mechanics") == pytest.approx(0.18, abs=0.01)
    assert cosine(minilm, "The car would not start.", "My automobile refuses to run.") > 0.4  # no word in common
    assert cosine(minilm, "The car would not start.", "Bake the tomato pie for an hour.") < 0.15


def test_vectors_have_length_one_and_do_not_depend_on_what_else_is_in_the_batch(minilm):
    texts = ["one", "a much longer text about the weather in the mountains", "three words here"]
    together = minilm.embed(texts)
    assert together.shape == (3, minilm.embedding_dim)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    for text, vector in zip(texts, together, strict=True):
        np.testing.assert_allclose(minilm.embed([text])[0], vector, atol=1e-5)


def test_a_hundred_texts_have_the_vectors_that_each_has_alone_in_their_order(minilm):
    texts = [f"{'very ' * (number * 7 % 23)}old tale number {number}" for number in range(100)]
    one_by_one = np.concatenate([minilm.embed([text]) for text in texts])
    np.testing.assert_allclose(minilm.embed(texts), one_by_one, atol=1e-5)


def test_of_a_text_that_is_too_long_the_beginning_counts(minilm):
    whole, beginning = minilm.embed(["cat " * 2000, "cat " * 510])
    np.testing.assert_allclose(whole, beginning, atol=1e-5)


@pytest.mark.parametrize("texts", ["one text", []])
def test_one_text_alone_or_none_is_refused(minilm, texts):
    with pytest.raises((TypeError, ValueError), match="give a list of texts|give one text or more"):
        minilm.embed(texts)


def test_absent_weights_say_what_brings_them(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_JOURNEY_MODELS", str(tmp_path))
    with pytest.raises(PretrainedError, match="all-minilm-l6-v2 is not there: run `make models`"):
        SentenceEmbedding()
