"""What judges compare answers with: the shipped model and texts, read once."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

from helpers.corpus import Corpus, load_corpus
from helpers.models.checkpoint import load_shipped
from helpers.models.lstm import LSTMLanguageModel
from helpers.protocols import TokenizerProtocol


@lru_cache
def shipped() -> tuple[LSTMLanguageModel, TokenizerProtocol]:
    """The shipped LSTM in float64, and its tokenizer."""
    return load_shipped()


@lru_cache
def stories() -> Corpus:
    """The texts that come with the lessons."""
    return load_corpus()


@lru_cache
def counts() -> Counter[int]:
    """How often each id of the shipped tokenizer occurs in the training texts."""
    return Counter(i for text in stories().train for i in shipped()[1].encode(text))
