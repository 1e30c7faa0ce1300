"""The walk on text that is not ours: the standard library's own source code."""

from __future__ import annotations

import math
import sysconfig
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from helpers.corpus import load_corpus, text_bytes
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.sampling import SamplingSettings
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, evaluate, train

BYTES = 4_500_000


@pytest.fixture(scope="module")
def source() -> str:
    parts, size = [], 0
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text = path.read_text(encoding="utf-8", errors="ignore").replace("\0", "")
        parts.append(text)
        size += len(text.encode())
        if size > BYTES:
            break
    return "\n\n".join(parts)


@pytest.fixture(scope="module")
def corpus(source, tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "library.txt"
    path.write_text(source, encoding="utf-8")
    return load_corpus(path)


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_64_000_pieces_train(source):
    tokenizer = Tokenizer.train(source.split("\n"), vocab_size=64_000)
    assert tokenizer.vocab_size == 64_000
    line = "for name, value in sorted(mapping.items()):"
    assert tokenizer.decode(tokenizer.encode(line)) == line


def test_a_few_hundred_updates_beat_the_texts_own_unigram_and_generation_streams(corpus, one_thread):
    texts = [text[:600] for text in corpus.train if len(text) > 40]
    held_out = [text[:600] for text in corpus.validation if len(text) > 40][:150]
    tokenizer = Tokenizer.train(texts, vocab_size=2_000)
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=True), seed=0)
    for step in train(model, tokenizer, texts, TrainingConfig(updates=300, peak_learning_rate=2e-2)):
        assert math.isfinite(step.loss)
    assert evaluate(model, tokenizer, held_out) < 0.95 * unigram(tokenizer, texts, held_out)

    table = model.embedding.weight.detach().numpy()
    steps = list(stream(model, tokenizer, "def main(", SamplingSettings(0.8, top_p=0.9), max_new_tokens=40))
    for step in steps:
        np.testing.assert_allclose(step.input.embedding, table[step.input.token_id])
        assert step.candidates
    assert tokenizer.decode([s.output.token_id for s in steps]).strip() == "".join(s.output.text for s in steps).strip()


def unigram(tokenizer, texts, held_out) -> float:
    """Bits per byte of the held-out texts when each piece is as likely as it was frequent (one added to each count)."""
    counts = Counter(i for text in texts for i in [*tokenizer.encode(text), tokenizer.eos_id])
    total = counts.total() + tokenizer.vocab_size
    ids = [i for text in held_out for i in [*tokenizer.encode(text), tokenizer.eos_id]]
    return sum(-math.log2((counts[i] + 1) / total) for i in ids) / text_bytes(held_out)
