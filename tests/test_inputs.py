"""What people give to the functions of helpers: it is right, or one sentence of ours says what was given, what helps.

Each row is a name, a call, and what is expected: a pattern for the sentence of a refusal, or a check of the result.
"""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import SAMPLE_TEXTS, FakeModel

from helpers.corpus import load_corpus, text_bytes
from helpers.figures import geometry, plots
from helpers.figures.network import plot_kept, plot_unrolled
from helpers.interventions import edit_memory, mute_heads
from helpers.models.checkpoint import load_checkpoint, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel, gelu, layer_norm
from helpers.records import TrainingStep
from helpers.sampling import (
    SamplingSettings,
    apply_temperature,
    draw,
    entropy,
    keep_top_k,
    keep_top_p,
    largest_ids,
    next_token_probabilities,
)
from helpers.streaming import Generation, stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, bits_of, evaluate, make_batch, one_cycle, train
from helpers.training.baselines import KneserNey
from helpers.window.distribution import DistributionSliders
from helpers.window.explorer import Explorer
from helpers.window.gate import ForgetGateSlider
from helpers.window.nudge import LogitSliders
from helpers.window.training_monitor import TrainingMonitor
from helpers.window.views import wrapped

PROJECT = Path(__file__).resolve().parent.parent
HELPERS = PROJECT / "helpers"
NAN, INF = math.nan, math.inf
LONG_NAME = "a" * 5000
ONE_UPDATE = TrainingStep(1, 10, 1, 5.0, 0.01, 1.0, 30)

Row = tuple[Callable[["World"], Any], str | Callable[[Any], bool]]


class World:
    """What the calls need: small models, a tokenizer, one that is larger and one that is smaller, records, a folder."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer
        self.tmp = Path()  # a fresh folder for each row

    @cached_property
    def larger(self):
        return Tokenizer.train(SAMPLE_TEXTS, 420)

    @cached_property
    def smaller(self):
        return Tokenizer.train(SAMPLE_TEXTS, 380)

    @cached_property
    def config(self):
        return LSTMConfig(self.tokenizer.vocab_size, 8, 12)

    @cached_property
    def lstm(self):
        return LSTMLanguageModel(self.config)

    @cached_property
    def transformer(self):
        return TransformerLanguageModel(TransformerConfig(self.tokenizer.vocab_size, 8, 1, 2, context_length=16))

    @property
    def fake(self):
        return FakeModel(self.tokenizer.vocab_size)

    @property
    def generation(self):
        return Generation(self.fake, self.tokenizer, "the cat")

    @cached_property
    def steps(self):
        return list(stream(self.fake, self.tokenizer, "the cat", max_new_tokens=5))

    @cached_property
    def tokens(self):
        return [self.steps[0].input, *(step.output for step in self.steps)]

    @cached_property
    def grams(self):
        return KneserNey(self.tokenizer, SAMPLE_TEXTS, 3)

    @cached_property
    def models(self):
        return {"fake": (self.fake, self.tokenizer)}

    def diverged(self):
        model = LSTMLanguageModel(self.config)
        with torch.no_grad():
            model.embedding.weight.fill_(NAN)
        return model

    def streamed(self, **changes):
        """The first step of a fake model of which some attributes are others."""
        model = self.fake
        vars(model).update(changes)
        return next(stream(model, self.tokenizer, "the cat"))

    def embedded(self, change):
        """The first step of a fake model whose table is changed."""
        return self.streamed(table=change(self.fake.table))

    def scored(self, change):
        """The first step of a fake model whose logits are changed."""
        model = self.fake
        return self.streamed(advance=lambda ids, state=None: (change(model.advance(ids, state)[0]), [*ids]))

    def trained(self, model=None, tokenizer=None, texts=SAMPLE_TEXTS, **options):
        model, tokenizer = model or LSTMLanguageModel(self.config), tokenizer or self.tokenizer
        return list(train(model, tokenizer, texts, TrainingConfig(**{"updates": 2, **options})))

    def file(self, name, content=b"", **contents):
        path = self.tmp / name
        path.write_bytes(json.dumps(contents).encode() if contents else content)
        return path

    @property
    def pretrained(self):
        pytest.importorskip("transformers", reason="transformers is not installed: make models")
        return importlib.import_module("helpers.models.pretrained")

    @cached_property
    def gpt2(self):
        return self.pretrained.random_model(SAMPLE_TEXTS)

    def saved(self, **changes):
        """A folder with a tiny GPT-2, in which config.json is changed."""
        self.pretrained.save_pretrained(self.tmp, *self.gpt2)
        path = self.tmp / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
        return self.tmp

    def loaded_with(self, name, content):
        """What is loaded from a folder in which one file is another."""
        (self.saved() / name).write_text(content)
        return self.pretrained.load_pretrained(self.tmp)

    @property
    def embedding(self):
        pytest.importorskip("transformers", reason="transformers is not installed: make models")
        return importlib.import_module("helpers.models.sentence_embedding").SentenceEmbedding

    @property
    def keras(self):
        pytest.importorskip("tensorflow", reason="TensorFlow is not installed: make tensorflow")
        return importlib.import_module("helpers.models.keras_twin")

    @cached_property
    def twin(self):
        return self.keras.from_torch(self.lstm)


def near(*numbers: float) -> Callable[[Any], bool]:
    return lambda found: np.allclose(found, numbers if len(numbers) > 1 else numbers[0], atol=1e-9)


def equal(value: Any) -> Callable[[Any], bool]:
    return lambda found: type(found) is type(value) and found == value


def says(*words: str) -> Callable[[Any], bool]:
    """A picture whose sentence has these words, and that can be drawn."""
    return lambda picture: bool(picture.png()) and all(word in picture.sentence for word in words)


def half(row: Any) -> Any:
    return torch.as_tensor(row).to(torch.bfloat16)


SAMPLING: dict[str, Row] = {
    "temperature NaN": (lambda w: SamplingSettings(NAN), "temperature is nan: it must be a number from 0 up"),
    "temperature infinite": (lambda w: SamplingSettings(INF), "temperature is inf: it must be"),
    "temperature below zero": (lambda w: SamplingSettings(-0.5), r"temperature is -0\.5: it must be"),
    "temperature True": (lambda w: SamplingSettings(True), "temperature is True: it must be"),
    "temperature a str": (lambda w: SamplingSettings("1"), "temperature is '1': it must be"),
    "temperature a list": (lambda w: SamplingSettings([1.0]), r"temperature is \[1\.0\]: it must be"),
    "temperature complex": (lambda w: SamplingSettings(1j), "temperature is 1j: it must be"),
    "temperature a fraction": (
        lambda w: next_token_probabilities([0.0, 1.0], SamplingSettings(Fraction(1, 2))),
        r"temperature is Fraction\(1, 2\): it must be",
    ),
    "temperature of 400 digits": (
        lambda w: next_token_probabilities([0.0, 1.0], SamplingSettings(10**400)),
        "temperature is 1000.*: it must be",
    ),
    "temperature of 5,000 digits": (lambda w: SamplingSettings(10**5000), "temperature is .*: it must be"),
    "temperature float32": (
        lambda w: next_token_probabilities([0.0, 0.0], SamplingSettings(np.float32(0.5))),
        near(0.5, 0.5),
    ),
    "top_k a NumPy integer": (
        lambda w: next_token_probabilities([3.0, 1.0, 3.0], SamplingSettings(top_k=np.int64(2))),
        near(0.5, 0, 0.5),
    ),
    "top_k half": (lambda w: SamplingSettings(top_k=2.5), r"top_k is 2\.5: it must be a whole number"),
    "top_k True": (lambda w: SamplingSettings(top_k=True), "top_k is True: it must be a whole number"),
    "top_k below zero": (lambda w: SamplingSettings(top_k=-1), "top_k is -1: it must be a whole number from 0"),
    "top_p zero": (lambda w: SamplingSettings(top_p=0), "top_p is 0: it must be a number above 0"),
    "top_p above one": (lambda w: SamplingSettings(top_p=1.1), r"top_p is 1\.1: it must be a number above 0"),
    "top_p NaN": (lambda w: SamplingSettings(top_p=NAN), "top_p is nan: it must be a number above 0"),
    "keep_top_k of NaN": (lambda w: keep_top_k([NAN, 0.5], 1), "probabilities hold NaN: each must be from 0 up"),
    "keep_top_k of infinity": (lambda w: keep_top_k([INF, 0.5], 1), "probabilities hold a sum of inf: each must"),
    "keep_top_k below zero": (lambda w: keep_top_k([-0.5, 1.5], 1), r"probabilities hold -0\.5: each must"),
    "keep_top_k of zeros": (lambda w: keep_top_k([0.0, 0.0], 1), "probabilities hold a sum of 0: each must"),
    "keep_top_k of nothing": (lambda w: keep_top_k([], 1), r"probabilities has the shape \(0,\): give one row"),
    "keep_top_k, k a str": (lambda w: keep_top_k([0.5, 0.5], "1"), "top_k is '1': it must be a whole number"),
    "keep_top_k, k of NumPy": (lambda w: keep_top_k([0.2, 0.8], np.int32(1)), near(0, 1)),
    "keep_top_p of NaN": (lambda w: keep_top_p([NAN, 0.5], 0.5), "probabilities hold NaN: each must"),
    "keep_top_p below zero": (lambda w: keep_top_p([-1.0, 2.0], 0.5), "probabilities hold -1: each must"),
    "keep_top_p of zeros": (lambda w: keep_top_p([0, 0], 0.5), "probabilities hold a sum of 0: each must"),
    "keep_top_p of two rows": (lambda w: keep_top_p([[0.5], [0.5]], 0.5), r"has the shape \(2, 1\): give one row"),
    "apply_temperature of complex": (lambda w: apply_temperature([1j, 2j], 1.0), "logits holds complex128 values"),
    "apply_temperature of bool": (lambda w: apply_temperature([True, False], 1.0), "logits holds bool values"),
    "apply_temperature of int8": (
        lambda w: apply_temperature(np.array([0, 100], np.int8), 100.0),
        near(1 / (1 + math.e), math.e / (1 + math.e)),
    ),
    "apply_temperature of float16": (lambda w: apply_temperature(np.array([6e4, 6e4], np.float16), 1), near(0.5, 0.5)),
    "apply_temperature of bfloat16": (
        lambda w: apply_temperature(half([1.0, 2.0]), 1.0),
        r"logits cannot be read as numbers \(TypeError\): give one row",
    ),
    "apply_temperature of words": (lambda w: apply_temperature(["a", "b"], 1.0), "logits holds <U1 values: give"),
    "apply_temperature of a ragged list": (
        lambda w: apply_temperature([[1.0], [1.0, 2.0]], 1.0),
        r"logits cannot be read as numbers \(ValueError\): give one row",
    ),
    "apply_temperature of None": (lambda w: apply_temperature(None, 1.0), "logits holds object values: give"),
    "logits NaN": (lambda w: next_token_probabilities([NAN, 1], SamplingSettings()), "logits hold NaN: they must be"),
    "logits infinite": (lambda w: next_token_probabilities([INF, 1], SamplingSettings()), "logits hold .inf: they"),
    "logits all -inf": (
        lambda w: next_token_probabilities([-INF, -INF], SamplingSettings()),
        "logits hold only -inf: they must be",
    ),
    "settings a number": (lambda w: next_token_probabilities([1.0], 0.7), r"settings is 0\.7: give a SamplingSettings"),
    "draw of NaN": (lambda w: draw([NAN, 1], np.random.default_rng(0)), "probabilities hold NaN: each must"),
    "draw below zero": (lambda w: draw([-1, 2], np.random.default_rng(0)), "probabilities hold -1: each must"),
    "draw of zeros": (lambda w: draw([0, 0], np.random.default_rng(0)), "probabilities hold a sum of 0: each must"),
    "draw with a seed for a generator": (lambda w: draw([1.0], 0), "rng is 0: give a NumPy generator"),
    "draw of whole numbers": (lambda w: draw([0, 3], np.random.default_rng(0)), equal(1)),
    "entropy of NaN": (lambda w: entropy([NAN, 1]), "probabilities hold NaN: each must"),
    "entropy below zero": (lambda w: entropy([-1, 2]), "probabilities hold -1: each must"),
    "entropy of zeros": (lambda w: entropy([0, 0]), "probabilities hold a sum of 0: each must"),
    "entropy of counts": (lambda w: entropy([2, 2]), near(1.0)),
    "largest_ids of NaN": (lambda w: largest_ids([NAN, 1], 1), "probabilities hold NaN or infinity: check the logits"),
    "largest_ids of -1": (lambda w: largest_ids([0.5, 0.5], -1), "count is -1: give a whole number from 0 up"),
    "largest_ids of True": (lambda w: largest_ids([0.5, 0.5], True), "count is True: give a whole number"),
    "largest_ids, count of NumPy": (lambda w: largest_ids([0.2, 0.8], np.int64(1)), equal([1])),
}

TOKENIZER: dict[str, Row] = {
    "vocab_size of NumPy": (lambda w: Tokenizer.train(SAMPLE_TEXTS, np.int64(380)).vocab_size, equal(380)),
    "vocab_size 2**31 - 1": (lambda w: Tokenizer.train(SAMPLE_TEXTS, 2**31 - 1), "vocab_size is 2147483647: give"),
    "vocab_size a str": (lambda w: Tokenizer.train(SAMPLE_TEXTS, "400"), "vocab_size is '400': give a whole number"),
    "vocab_size True": (lambda w: Tokenizer.train(SAMPLE_TEXTS, True), "vocab_size is True: give a whole number"),
    "vocab_size 5": (lambda w: Tokenizer.train(SAMPLE_TEXTS, 5), "vocab_size is 5: give a whole number from 260"),
    "vocab_size too small for the text": (lambda w: Tokenizer.train(SAMPLE_TEXTS, 260), "too small.*Ask for"),
    "vocab_size too large for the text": (lambda w: Tokenizer.train(SAMPLE_TEXTS, 9000), "too large.*Ask for"),
    "texts one str": (lambda w: Tokenizer.train("a text", 300), "texts is one str: give a list of texts"),
    "texts empty": (lambda w: Tokenizer.train([], 300), "texts is empty: give one text or more"),
    "texts of numbers": (lambda w: Tokenizer.train([1, 2], 300), "a text is a str, not int: 1"),
    "texts None": (lambda w: Tokenizer.train(None, 300), "texts is None: give a list"),
    "texts blank": (lambda w: Tokenizer.train([" ", "\n"], 300), "no text to learn pieces from: give"),
    "texts with half a character": (lambda w: Tokenizer.train(["\ud83d"], 300), "lone surrogate.*remove it"),
    "model bytes of another kind": (lambda w: Tokenizer(b"no model"), "not a SentencePiece model: give the bytes"),
    "model bytes empty": (lambda w: Tokenizer(b""), "not a SentencePiece model: give the bytes"),
    "model bytes None": (lambda w: Tokenizer(None), "not a SentencePiece model: give the bytes"),
    "model bytes a path": (lambda w: Tokenizer("a.model"), "not a SentencePiece model: give the bytes"),
    "load a folder": (lambda w: Tokenizer.load(w.tmp), "is a folder: .*Tokenizer.save"),
    "load what is missing": (lambda w: Tokenizer.load(w.tmp / "no.model"), "no.model does not exist: save"),
    "load a number": (lambda w: Tokenizer.load(5), "path is 5: give a path"),
    "load bytes for a path": (lambda w: Tokenizer.load(b"a.model"), "path is b'a.model': give a path"),
    "load a name too long": (lambda w: Tokenizer.load(LONG_NAME), "path is 'aaa.*: give a path"),
    "load half a character": (lambda w: Tokenizer.load("\ud800"), r"path is '\\ud800': give a path"),
    "load a zero byte": (lambda w: Tokenizer.load("a\0b"), "path is .*: give a path"),
    "save onto a folder": (lambda w: w.tokenizer.save(w.tmp), "cannot write .*Choose a file you may write"),
    "save into no folder": (lambda w: w.tokenizer.save(w.tmp / "no" / "a"), "cannot write .*Choose a file"),
    "encode None": (lambda w: w.tokenizer.encode(None), "a text is a str, not NoneType"),
    "encode bytes": (lambda w: w.tokenizer.encode(b"cat"), "a text is a str, not bytes"),
    "encode a list": (lambda w: w.tokenizer.encode(["cat"]), "a text is a str, not list"),
    "encode half a character": (lambda w: w.tokenizer.encode("a\ud83d"), "character 1 is a lone surrogate.*remove"),
    "encode_prompt a number": (lambda w: w.tokenizer.encode_prompt(5), "a text is a str, not int"),
    "decode a str": (lambda w: w.tokenizer.decode("cat"), "ids is 'cat': give a list"),
    "decode one id": (lambda w: w.tokenizer.decode(5), "ids is 5: give a list"),
    "decode an id too large": (lambda w: w.tokenizer.decode([400]), "token id 400 is outside 0 … 399"),
    "decode floats": (lambda w: w.tokenizer.decode([5.0]), r"token id 5\.0 is not a whole number: give one from"),
    "decode nothing": (lambda w: w.tokenizer.decode([]), equal("")),
    "decode NumPy ids": (lambda w: w.tokenizer.decode(np.array(w.tokenizer.encode("the cat"))), equal("the cat")),
    "piece of -1": (lambda w: w.tokenizer.piece(-1), "token id -1 is outside 0 … 399"),
    "piece of True": (lambda w: w.tokenizer.piece(True), "token id True is not a whole number: give one"),
    "is_byte of None": (lambda w: w.tokenizer.is_byte(None), "token id None is not a whole number: give one"),
    "a stream fed with a str": (lambda w: w.tokenizer.text_stream().feed("5"), "token id '5' is not a whole number"),
    "a stream fed with 400": (lambda w: w.tokenizer.text_stream().feed(400), "token id 400 is outside 0 … 399"),
}

CORPUS: dict[str, Row] = {
    "corpus a folder": (lambda w: load_corpus(w.tmp), "is a folder: give 'stories'"),
    "corpus missing": (lambda w: load_corpus("nowhere.txt"), "nowhere.txt does not exist: give 'stories'"),
    "corpus a number": (lambda w: load_corpus(7), "name_or_path is 7: give a path"),
    "corpus None": (lambda w: load_corpus(None), "name_or_path is None: give a path"),
    "corpus an array": (lambda w: load_corpus(np.zeros(3)), "name_or_path is array.*: give a path"),
    "corpus without a name": (lambda w: load_corpus(""), "name_or_path is '': give a path"),
    "corpus with a name too long": (lambda w: load_corpus(LONG_NAME), "name_or_path is 'aaa.*: give a path"),
    "corpus empty": (lambda w: load_corpus(w.file("a.txt", b" \n")), "a.txt is empty: put texts into it"),
    "corpus in Latin-1": (lambda w: load_corpus(w.file("a.txt", "café".encode("latin-1"))), "not UTF-8.*save it"),
    "corpus a picture": (lambda w: load_corpus(w.file("a.txt", b"\x89PNG\0\0")), "not a text file.*save it"),
    "corpus too short": (lambda w: load_corpus(w.file("a.txt", b"a\n\nb")), r"holds 2 text\(s\), too few.*give 10"),
    "bytes of one str": (lambda w: text_bytes("abc"), "texts is one str: give a list"),
    "bytes of nothing": (lambda w: text_bytes([]), "texts is empty: give one text or more"),
    "bytes of numbers": (lambda w: text_bytes([1]), "a text is a str, not int: 1"),
    "bytes of two texts": (lambda w: text_bytes(["é", "a"]), equal(5)),
}

MODELS: dict[str, Row] = {
    "LSTM sizes of NumPy": (
        lambda w: LSTMLanguageModel(LSTMConfig(np.int64(30), np.int32(4), np.uint8(5)), np.int64(3)).config,
        lambda c: c == LSTMConfig(30, 4, 5) and type(c.vocab_size) is int,
    ),
    "LSTM of no ids": (lambda w: LSTMConfig(0), "vocab_size is 0: give a whole number from 1"),
    "LSTM of half an id": (lambda w: LSTMConfig(2.5), r"vocab_size is 2\.5: give a whole number from 1"),
    "LSTM of True ids": (lambda w: LSTMConfig(True), "vocab_size is True: give a whole number"),
    "LSTM of 10**12 ids": (lambda w: LSTMLanguageModel(LSTMConfig(10**12)), "vocab_size is 1000000000000: give"),
    "LSTM tied 'no'": (lambda w: LSTMConfig(30, tied="no"), "tied is 'no': give True or False"),
    "LSTM tied 1": (lambda w: LSTMConfig(30, tied=1), "tied is 1: give True or False"),
    "LSTM tied of NumPy": (
        lambda w: (
            save_checkpoint(w.tmp, LSTMLanguageModel(LSTMConfig(400, 4, 4, tied=np.True_)), w.tokenizer),
            load_checkpoint(w.tmp)[0].config.tied,
        )[1],
        equal(True),
    ),
    "LSTM scale NaN": (lambda w: LSTMConfig(30, embedding_scale=NAN), "embedding_scale is nan: give a number"),
    "LSTM scale True": (lambda w: LSTMConfig(30, embedding_scale=True), "embedding_scale is True: give a number"),
    "LSTM of a dict": (lambda w: LSTMLanguageModel({"vocab_size": 30}), "config is .*: give a LSTMConfig, such as"),
    "LSTM of a number": (lambda w: LSTMLanguageModel(400), "config is 400: give a LSTMConfig, such as"),
    "LSTM seed 0.5": (lambda w: LSTMLanguageModel(w.config, 0.5), r"seed is 0\.5: give a whole number from 0"),
    "LSTM embeds nothing": (lambda w: w.lstm.embed([]), "ids is empty: give at least one token"),
    "LSTM embeds a number": (lambda w: w.lstm.embed(5), "ids is 5: give a list"),
    "LSTM embeds a str": (lambda w: w.lstm.embed("12"), "ids is '12': give a list"),
    "LSTM embeds 400": (lambda w: w.lstm.embed([400]), "id 400 is outside 0 … 399, the rows"),
    "LSTM embeds a float": (lambda w: w.lstm.embed([1.0]), r"id 1\.0 is not a whole number: give one from"),
    "LSTM embeds NumPy ids": (lambda w: w.lstm.embed(np.array([3, 5])).shape, equal((2, 8))),
    "LSTM advances by nothing": (lambda w: w.lstm.advance([]), "ids is empty: give at least one token"),
    "LSTM advances by True": (lambda w: w.lstm.advance([True]), "id True is not a whole number: give one"),
    "LSTM rewinds too far": (
        lambda w: w.lstm.rewind(w.lstm.advance([2])[1], 2),
        "cannot rewind to 2 tokens: the state has read 1",
    ),
    "LSTM rewinds to a NumPy number": (
        lambda w: len(w.lstm.rewind(w.lstm.advance([2, 3])[1], np.int64(1)).history),
        equal(1),
    ),
    "LSTM forward of a list": (lambda w: w.lstm([[1, 2]]), r"ids are list: give whole numbers in a tensor \(B, T\)"),
    "LSTM forward of floats": (lambda w: w.lstm(torch.ones(1, 2)), "ids are torch.float32: give whole numbers"),
    "LSTM forward of one row": (lambda w: w.lstm(torch.tensor([1, 2])), r"ids have the shape \(2,\): give \(B, T\)"),
    "LSTM forward of 400": (lambda w: w.lstm(torch.tensor([[400]])), "id 400 is outside 0 … 399"),
    "LSTM in bfloat16 embeds": (
        lambda w: LSTMLanguageModel(w.config).bfloat16().embed([5]),
        r"the weights are torch.bfloat16: .*model.float\(\)",
    ),
    "LSTM in bfloat16 advances": (
        lambda w: LSTMLanguageModel(w.config).bfloat16().advance([5]),
        r"the weights are torch.bfloat16: .*model.float\(\)",
    ),
    "LSTM in complex advances": (
        lambda w: LSTMLanguageModel(w.config).to(torch.complex64).advance([5]),
        r"the weights are torch.complex64: .*model.float\(\)",
    ),
    "LSTM in float16 streams": (
        lambda w: next(stream(LSTMLanguageModel(w.config).half(), w.tokenizer, "the cat")).probability > 0,
        equal(True),
    ),
    "Transformer heads that do not divide": (lambda w: TransformerConfig(30, 8, heads=3), "embedding_dim is 8: give a"),
    "Transformer of no layers": (lambda w: TransformerConfig(30, layers=0), "layers is 0: give a whole number from 1"),
    "Transformer context a str": (lambda w: TransformerConfig(30, context_length="9"), "context_length is '9': give"),
    "Transformer context of 10**12": (
        lambda w: TransformerLanguageModel(TransformerConfig(30, 8, context_length=10**12)),
        "context_length is 1000000000000: give a whole number",
    ),
    "Transformer tied None": (lambda w: TransformerConfig(30, tied=None), "tied is None: give True or False"),
    "Transformer of an LSTM's config": (
        lambda w: TransformerLanguageModel(w.config),
        "config is LSTMConfig.*: give a TransformerConfig, such as",
    ),
    "Transformer sizes of NumPy": (
        lambda w: TransformerLanguageModel(TransformerConfig(*np.array([30, 8, 1, 2, 4]))).context_length,
        equal(4),
    ),
    "Transformer reads too much": (lambda w: w.transformer.advance([2] * 17), "17 tokens are more than the 16"),
    "Transformer reads -1": (lambda w: w.transformer.read([-1]), "id -1 is outside 0 … 399"),
    "Transformer forward too long": (
        lambda w: w.transformer(torch.ones(1, 17, dtype=torch.int64)),
        "17 tokens are more than the 16 that this model reads: shorten",
    ),
    "Transformer in bfloat16 advances": (
        lambda w: TransformerLanguageModel(w.transformer.config).bfloat16().advance([5]),
        r"the weights are torch.bfloat16: .*model.float\(\)",
    ),
    "Transformer rewinds to -1": (
        lambda w: w.transformer.rewind(w.transformer.advance([2])[1], -1),
        "cannot rewind to -1 tokens: the state has read 1",
    ),
    "gelu of zero": (lambda w: gelu(np.zeros(2)), near(0, 0)),
    "layer_norm of two numbers": (
        lambda w: layer_norm(np.array([1.0, 3.0]), {"n.weight": np.ones(2), "n.bias": np.zeros(2)}, "n").round(3),
        near(-1, 1),
    ),
    "save under a number": (lambda w: save_checkpoint(3, w.lstm, w.tokenizer), "folder is 3: give a path"),
    "save into a file": (
        lambda w: save_checkpoint(w.file("a"), w.lstm, w.tokenizer),
        "cannot save into .*Choose a folder you may write to",
    ),
    "save into a file's folder": (
        lambda w: save_checkpoint(w.file("a") / "b", w.lstm, w.tokenizer),
        "cannot save into .*Choose a folder you may write to",
    ),
    "save under a name too long": (lambda w: save_checkpoint(LONG_NAME, w.lstm, w.tokenizer), "folder is 'aaa.*give"),
    "save a model of others": (lambda w: save_checkpoint(w.tmp, torch.nn.Linear(2, 2), w.tokenizer), "cannot save a"),
    "save without a tokenizer": (lambda w: save_checkpoint(w.tmp, w.lstm, None), "tokenizer is None: give a tokenizer"),
    "save with a larger tokenizer": (
        lambda w: save_checkpoint(w.tmp, w.lstm, w.larger),
        "420 ids, the model 400: save",
    ),
    "save a model of NaN": (lambda w: save_checkpoint(w.tmp, w.diverged(), w.tokenizer), "holds NaN: the model div"),
    "save a model in bfloat16": (
        lambda w: save_checkpoint(w.tmp, LSTMLanguageModel(w.config).bfloat16(), w.tokenizer),
        r"the weights are torch.bfloat16: .*model.float\(\)",
    ),
    "load from a number": (lambda w: load_checkpoint(5.0), r"folder is 5\.0: give a path"),
    "load from an empty folder": (lambda w: load_checkpoint(w.tmp), "holds no checkpoint.*save one with"),
    "load from a file": (lambda w: load_checkpoint(w.file("a")), "holds no checkpoint.*save one with"),
    "load from a name too long": (lambda w: load_checkpoint(LONG_NAME), "folder is 'aaa.*: give a path"),
}

STREAMING: dict[str, Row] = {
    "max_new_tokens of NumPy": (
        lambda w: len(list(stream(w.fake, w.tokenizer, "a", max_new_tokens=np.int64(2), seed=np.uint32(4)))),
        equal(2),
    ),
    "max_new_tokens True": (
        lambda w: stream(w.fake, w.tokenizer, "a", max_new_tokens=True),
        "max_new_tokens is True: give a whole number from 1",
    ),
    "max_new_tokens a str": (
        lambda w: stream(w.fake, w.tokenizer, "a", max_new_tokens="5"),
        "max_new_tokens is '5': give a whole number",
    ),
    "seed NaN": (lambda w: Generation(w.fake, w.tokenizer, "a", NAN), "seed is nan: give a whole number from 0"),
    "seed of 5,000 digits": (lambda w: Generation(w.fake, w.tokenizer, "a", -(10**5000)), "seed is .*: give a whole"),
    "seed an array": (
        lambda w: Generation(w.fake, w.tokenizer, "a", np.eye(9)),
        "seed is array.*: give a whole number from 0",
    ),
    "prompt a list": (lambda w: Generation(w.fake, w.tokenizer, ["a"]), "the prompt is a str, not list"),
    "settings a dict": (
        lambda w: stream(w.fake, w.tokenizer, "a", {"temperature": 1}),
        "settings is .*: give a SamplingSettings",
    ),
    "model and tokenizer the other way round": (
        lambda w: Generation(w.tokenizer, w.fake, "a"),
        "model is .*: give a language model",
    ),
    "no model": (lambda w: stream(None, w.tokenizer, "a"), "model is None: give a language model"),
    "no tokenizer": (lambda w: stream(w.fake, None, "a"), "tokenizer is None: give a tokenizer"),
    "a tokenizer larger than the model": (
        lambda w: Generation(w.fake, w.larger, "a"),
        "the tokenizer has 420 ids, the model 400: give the tokenizer that",
    ),
    "a tokenizer smaller than the model": (
        lambda w: Generation(w.fake, w.smaller, "a"),
        "the tokenizer has 380 ids, the model 400: give the tokenizer that",
    ),
    "rewind by a NumPy number": (
        lambda w: ((g := w.generation), g.step(), g.step(), g.rewind(np.int64(1)), len(g.steps))[-1],
        equal(1),
    ),
    "rewind to NaN": (lambda w: w.generation.rewind(NAN), "steps is nan: give a whole number from 0 to 0"),
    "choose a str": (lambda w: w.generation.choose("cat"), "token_id 'cat' is not a whole number: give one"),
    "choose 400": (lambda w: w.generation.choose(400), "token_id 400 is outside 0 … 399, the model's vocabulary"),
    "choose bos": (lambda w: w.generation.choose(2), "token_id 2 .*never follows a text: give"),
    "choose a NumPy id": (lambda w: w.generation.choose(np.int64(300)).output.token_id, equal(300)),
    "step at a number": (lambda w: w.generation.step(1.0), r"settings is 1\.0: give a SamplingSettings"),
    "embeddings NaN": (lambda w: w.embedded(lambda t: t * NAN), "the embedding row of id 2 holds NaN: .*train or load"),
    "embeddings infinite": (lambda w: w.embedded(lambda t: t + INF), "row of id 2 holds infinity: .*train or load"),
    "embeddings complex": (lambda w: w.embedded(lambda t: t * 1j), "row of id 2 holds complex128 values"),
    "embeddings in bfloat16": (
        lambda w: w.streamed(embed=lambda ids: half(np.ones((1, 6)))),
        r"row of id 2 cannot be read as numbers \(TypeError\)",
    ),
    "embeddings without a row for each id": (
        lambda w: w.streamed(embed=lambda ids: np.ones(6)),
        r"row of id 2 has the shape \(\): ",
    ),
    "embeddings shorter than D": (
        lambda w: w.streamed(embed=lambda ids: np.ones((1, 5))),
        r"row of id 2 has the shape \(5,\), not \(6,\)",
    ),
    "embeddings in float16": (
        lambda w: w.embedded(lambda t: np.full(t.shape, 453.5 / math.sqrt(6), np.float16)).output.norm,
        lambda norm: abs(norm - 453.5) < 0.2,
    ),
    "embeddings in int8": (
        lambda w: w.embedded(lambda t: np.full(t.shape, 100, np.int8)).output.norm,
        near(100 * math.sqrt(6)),
    ),
    "logits NaN": (lambda w: w.scored(lambda x: x * NAN), "logits hold NaN: they must be numbers"),
    "logits shorter than V": (
        lambda w: w.scored(lambda x: x[:-1]),
        r"logits of the shape \(399,\) for a vocabulary of 400: advance must give",
    ),
    "logits longer than V": (lambda w: w.scored(lambda x: np.append(x, 0)), r"\(401,\) for a vocabulary of 400"),
    "logits in a batch": (lambda w: w.scored(lambda x: x[None]), r"\(1, 400\).*advance must give one row"),
    "logits complex": (lambda w: w.scored(lambda x: x * 1j), "logits holds complex128 values: advance must give"),
    "logits in bfloat16": (lambda w: w.scored(half), r"logits cannot be read as numbers \(TypeError\): advance must"),
    "logits in float16": (lambda w: w.scored(np.float16).probability > 0, equal(True)),
    "logits all -inf": (lambda w: w.scored(lambda x: x - INF), "logits hold only -inf: they must be"),
    "wrapped, width 0": (lambda w: next(wrapped(w.steps, 0)), "width is 0: give a whole number from 1"),
    "wrapped, width a str": (lambda w: next(wrapped(w.steps, "88")), "width is '88': give a whole number"),
    "wrapped number": (lambda w: wrapped(5), "steps is 5: give a list"),
    "wrapped tokens": (lambda w: next(wrapped(w.tokens)), "a step is Token.*: give a TokenStep"),
    "wrapped steps": (
        lambda w: "".join(text for _, text in wrapped(iter(w.steps), np.int64(1000))),
        lambda text: len(text) > 3,
    ),
}

TRAINING: dict[str, Row] = {
    "config of NumPy": (
        lambda w: TrainingConfig(np.int64(3), np.int32(2), np.float32(0.5), np.float64(1), np.uint8(7)),
        equal(TrainingConfig(3, 2, 0.5, 1.0, 7)),
    ),
    "updates 0": (lambda w: TrainingConfig(0), "updates is 0: give a whole number from 1"),
    "updates 1e3": (lambda w: TrainingConfig(1e3), r"updates is 1000\.0: give a whole number from 1"),
    "updates True": (lambda w: TrainingConfig(True), "updates is True: give a whole number"),
    "batch_size -1": (lambda w: TrainingConfig(batch_size=-1), "batch_size is -1: give a whole number from 1"),
    "rate NaN": (lambda w: TrainingConfig(peak_learning_rate=NAN), "peak_learning_rate is nan: give a number above 0"),
    "rate True": (lambda w: TrainingConfig(peak_learning_rate=True), "peak_learning_rate is True: give a number"),
    "rate 0": (lambda w: TrainingConfig(peak_learning_rate=0), "peak_learning_rate is 0: give a number above 0"),
    "rate a str": (lambda w: TrainingConfig(peak_learning_rate="1e-2"), "peak_learning_rate is '1e-2': give"),
    "clip infinite": (lambda w: TrainingConfig(clip=INF), "clip is inf: give a number above 0"),
    "beta2 1": (lambda w: TrainingConfig(adam_beta2=1), "adam_beta2 is 1: give a number from 0 to less than 1"),
    "beta2 NaN": (lambda w: TrainingConfig(adam_beta2=NAN), "adam_beta2 is nan: give a number from 0"),
    "beta2 a str": (lambda w: TrainingConfig(adam_beta2=".98"), r"adam_beta2 is '\.98': give a number"),
    "seed -1": (lambda w: TrainingConfig(seed=-1), "seed is -1: give a whole number from 0"),
    "train at a number": (lambda w: train(w.lstm, w.tokenizer, SAMPLE_TEXTS, 100), "config is 100: give a TrainingC"),
    "train on one str": (lambda w: train(w.lstm, w.tokenizer, "text"), "texts is one str: give a list"),
    "train on nothing": (lambda w: train(w.lstm, w.tokenizer, []), "texts is empty: give one text"),
    "train on numbers": (lambda w: train(w.lstm, w.tokenizer, [5]), "a text is a str, not int: 5"),
    "train without a model": (lambda w: train(None, w.tokenizer, ["a"]), "model is None: give a torch model"),
    "train without a tokenizer": (lambda w: train(w.lstm, None, ["a"]), "tokenizer is None: give a tokenizer"),
    "train the tokenizer": (lambda w: train(w.tokenizer, w.lstm, ["a"]), "model is .*: give a torch model"),
    "train with a larger tokenizer": (
        lambda w: train(w.lstm, w.larger, ["a"]),
        "420 ids, the model 400 embedding rows: make",
    ),
    "train with a smaller tokenizer": (
        lambda w: train(w.lstm, w.smaller, ["a"]),
        "380 ids, the model 400 embedding rows: make",
    ),
    "train on a text too long": (
        lambda w: train(w.transformer, w.tokenizer, ["the cat " * 20]),
        r"texts\[0\].*more than the 16 that this model reads: split it",
    ),
    "train until it diverges": (
        lambda w: w.trained(updates=60, peak_learning_rate=1e30),
        "the loss is .* at update .*lower peak_learning_rate|the gradient's norm is .*lower peak_learning_rate",
    ),
    "train from NaN": (lambda w: w.trained(w.diverged()), "the loss is nan at update 1: .*lower peak_learning_rate"),
    "train on blank texts": (lambda w: len(w.trained(texts=["", " "])), equal(2)),
    "evaluate one str": (lambda w: evaluate(w.lstm, w.tokenizer, "text"), "texts is one str: give a list"),
    "evaluate without a model": (lambda w: evaluate(5, w.tokenizer, ["a"]), "model is 5: give a torch model"),
    "evaluate with a larger tokenizer": (lambda w: evaluate(w.lstm, w.larger, ["a"]), "420 ids, the model 400 emb"),
    "bits_of in batches of 0": (lambda w: bits_of(w.lstm, w.tokenizer, ["a"], 0), "batch_size is 0: give a whole"),
    "bits_of in batches of -1": (lambda w: bits_of(w.lstm, w.tokenizer, ["a"], -1), "batch_size is -1: give a whole"),
    "bits_of in NumPy batches": (
        lambda w: bits_of(w.lstm, w.tokenizer, ["a", "b", "c"], np.int64(2)).shape,
        equal((3,)),
    ),
    "bits_of nothing": (lambda w: bits_of(w.lstm, w.tokenizer, []), "texts is empty: give one text"),
    "make_batch of nothing": (lambda w: make_batch([], w.tokenizer), "texts_as_ids is empty: give the ids of one"),
    "make_batch of a str": (lambda w: make_batch("ab", w.tokenizer), "texts_as_ids is 'ab': give a list"),
    "make_batch of one text": (lambda w: make_batch([5, 6], w.tokenizer), r"texts_as_ids\[0\] .*: give the ids of one"),
    "make_batch of floats": (
        lambda w: make_batch([[5], [5.5]], w.tokenizer),
        r"texts_as_ids\[1\] holds float64 values: give the ids of one text",
    ),
    "make_batch of words": (lambda w: make_batch([["a"]], w.tokenizer), r"texts_as_ids\[0\] .*: give the ids of one"),
    "make_batch of no number": (lambda w: make_batch(5, w.tokenizer), "texts_as_ids is 5: give a list"),
    "make_batch of an empty text": (lambda w: make_batch([[]], w.tokenizer).inputs.tolist(), equal([[2]])),
    "make_batch of NumPy ids": (
        lambda w: make_batch(np.array([[5, 6]]), w.tokenizer).targets.tolist(),
        equal([[5, 6, 3]]),
    ),
    "one_cycle at 2": (lambda w: one_cycle(2.0), r"progress is 2\.0: give a number from 0 to 1"),
    "one_cycle at NaN": (lambda w: one_cycle(NAN), "progress is nan: give a number from 0 to 1"),
    "one_cycle at True": (lambda w: one_cycle(True), "progress is True: give a number"),
    "one_cycle, warm-up a str": (lambda w: one_cycle(0.5, "0.1"), "warm_up is '0.1': give a number from 0 to 1"),
    "one_cycle without warm-up": (lambda w: one_cycle(0, 0), near(1.0)),
    "one_cycle of warm-up alone": (lambda w: one_cycle(1, 1), near(1.0)),
    "n-grams of order 0": (lambda w: KneserNey(w.tokenizer, ["a"], 0), "order is 0: give a whole number from 1"),
    "n-grams of order True": (lambda w: KneserNey(w.tokenizer, ["a"], True), "order is True: give a whole number"),
    "n-grams of one str": (lambda w: KneserNey(w.tokenizer, "text"), "texts is one str: give a list"),
    "n-grams of nothing": (lambda w: KneserNey(w.tokenizer, []), "texts is empty: give one text"),
    "n-grams without a tokenizer": (lambda w: KneserNey(None, ["a"]), "tokenizer is None: give a tokenizer"),
    "n-gram of an id too large": (lambda w: w.grams.probability([2], 400), "id 400 is outside 0 … 399"),
    "n-gram of an id below zero": (lambda w: w.grams.probability([2], -1), "id -1 is outside 0 … 399"),
    "n-gram of a float": (lambda w: w.grams.probability([2], 5.0), r"id 5\.0 is not a whole number: give one"),
    "n-gram after a number": (lambda w: w.grams.probability(2, 5), "before is 2: give a list"),
    "n-gram after an id too large": (lambda w: w.grams.probability([400], 5), "id 400 is outside 0 … 399"),
    "n-gram after a str": (lambda w: w.grams.probability("the", 5), "before is 'the': give a list"),
    "n-grams after nothing": (
        lambda w: sum(w.grams.probability([], token_id) for token_id in range(400)),
        lambda total: abs(total - 1) < 1e-6,
    ),
    "n-grams after NumPy ids": (
        lambda w: w.grams.probability(np.array([2, 5]), np.int64(7)),
        lambda probability: 0 < probability < 1,
    ),
    "bits of one str": (lambda w: w.grams.bits_per_byte("text"), "texts is one str: give a list"),
}


def edited(w: World, edits: Any) -> int:
    """The id that comes after three tokens of an LSTM with an edited memory."""
    logits, _ = edit_memory(w.lstm, edits).advance([2, 3, 4])
    return int(logits.argmax())


INSIDE: dict[str, Row] = {
    "inside before any step": (lambda w: w.generation.inside(0), "index is 0, and there is no step yet: take one"),
    "inside step 1 of 1": (
        lambda w: ((g := w.generation), g.step(), g.inside(1))[-1],
        "index is 1: give a whole number from 0 to 0, one of the steps there are",
    ),
    "inside step True": (
        lambda w: ((g := w.generation), g.step(), g.inside(True))[-1],
        "index is True: give a whole number from 0 to 0",
    ),
    "inside through another lens": (
        lambda w: ((g := w.generation), g.step(), g.inside(0, lens=None))[-1],
        "lens is None: give one of 'vocabulary', 'candidates'",
    ),
    "inside a step by a NumPy number": (
        lambda w: ((g := Generation(w.lstm, w.tokenizer, "a")), g.step(), len(g.inside(np.int64(0)).stages))[-1],
        equal(2),
    ),
    "mute heads of an LSTM": (lambda w: mute_heads(w.lstm, [(0, 0)]), "a LSTM.* has no attention heads.*: give a"),
    "mute heads of nothing": (lambda w: mute_heads(None, [(0, 0)]), "a NoneType has no attention heads.*: give a"),
    "mute a number": (lambda w: mute_heads(w.transformer, 0), "heads is 0: give a list"),
    "mute one pair": (lambda w: mute_heads(w.transformer, (0, 1)), "a head is 0: give a pair"),
    "mute layer 1 of 1": (lambda w: mute_heads(w.transformer, [(1, 0)]), "layer is 1: give a whole number from 0 to 0"),
    "mute head -1": (lambda w: mute_heads(w.transformer, [(0, -1)]), "head is -1: give a whole number from 0 to 1"),
    "mute head True": (lambda w: mute_heads(w.transformer, [(0, True)]), "head is True: give a whole number"),
    "mute heads by NumPy numbers": (
        lambda w: mute_heads(w.transformer, [(np.int64(0), np.int64(1))]).advance([2])[0].shape,
        equal((400,)),
    ),
    "edit the memory of a Transformer": (lambda w: edit_memory(w.transformer, {}), "no cell state to edit: give an"),
    "edits in a list": (lambda w: edited(w, [(0, 0)]), r"edits is \[\(0, 0\)\]: give a dict"),
    "edits without units": (lambda w: edited(w, {0: 0.5}), r"the edit is 0\.5: give a dict"),
    "edit at -1": (lambda w: edited(w, {-1: {0: 0.5}}), "position is -1: give a whole number from 0"),
    "edit at True": (lambda w: edited(w, {True: {0: 0.5}}), "position is True: give a whole number"),
    "edit unit 12 of 12": (lambda w: edited(w, {0: {12: 0.5}}), "unit is 12: give a whole number from 0 to 11"),
    "edit to NaN": (lambda w: edited(w, {0: {1: NAN}}), "unit 1 would become nan: give a finite number"),
    "edit to a str": (lambda w: edited(w, {0: {1: "0"}}), "unit 1 would become '0': give a finite number"),
    "edit by a function that gives NaN": (lambda w: edited(w, {0: {1: lambda old: NAN}}), "unit 1 would become nan"),
    "edit by a function that gives None": (lambda w: edited(w, {0: {1: lambda old: None}}), "unit 1 would become None"),
    "edit by NumPy numbers": (
        lambda w: edited(w, {np.int64(0): {np.int64(1): np.float32(3)}}) == edited(w, {0: {1: 3}}),
        equal(True),
    ),
}

MATRIX = np.arange(12.0).reshape(4, 3)
WORDS, CLASSES = ["a", "b", "c", "d"], ["x", "x", "y", "y"]

FIGURES: dict[str, Row] = {
    "norms of nothing": (lambda w: plots.plot_norms([]), "no tokens to draw: give one or more"),
    "norms of a number": (lambda w: plots.plot_norms(5), "tokens is 5: give a list"),
    "norms of a str": (lambda w: plots.plot_norms("cat"), "tokens is 'cat': give a list"),
    "norms of steps": (lambda w: plots.plot_norms(w.steps), "a token is TokenStep.*: give a Token"),
    "norms of one token": (lambda w: plots.plot_norms(w.tokens[:1]), says("of 1 tokens")),
    "norms of a tuple": (lambda w: plots.plot_norms(tuple(w.tokens)), says("of 6 tokens")),
    "norms of a generator": (lambda w: plots.plot_norms(t for t in w.tokens), says("of 6 tokens")),
    "cosines of nothing": (lambda w: plots.plot_cosines([]), "no tokens to draw: give one or more"),
    "cosines of the first token": (
        lambda w: plots.plot_cosines([replace(w.tokens[0], cosine_to_previous=None)]),
        "no token here has a cosine to the one before: give two",
    ),
    "along, too few values": (
        lambda w: plots.plot_along(w.tokens, [1.0], "x"),
        "6 tokens and 1 values: give one value",
    ),
    "along NaN": (lambda w: plots.plot_along(w.tokens, [NAN] * 6, "x"), "values holds NaN: give"),
    "along words": (lambda w: plots.plot_along(w.tokens, ["a"] * 6, "x"), "values holds <U1 values: give one"),
    "along None": (lambda w: plots.plot_along(w.tokens, None, "x"), "values holds object values: give one"),
    "along NumPy numbers": (lambda w: plots.plot_along(w.tokens, np.arange(6, dtype=np.int8), "x"), says("to 5.000")),
    "vectors of nothing": (lambda w: plots.plot_vectors([], []), r"vectors has the shape .*: give"),
    "vectors NaN": (lambda w: plots.plot_vectors([[NAN, 1.0]], ["a"]), "vectors holds NaN: "),
    "vectors of words": (lambda w: plots.plot_vectors([["a"]], ["a"]), "vectors holds <U1 values: give"),
    "vectors complex": (lambda w: plots.plot_vectors([[1j]], ["a"]), "vectors holds complex128 values: give"),
    "vectors of other lengths": (lambda w: plots.plot_vectors([[1], [1, 2]], ["a", "b"]), "vectors cannot be read"),
    "vectors with too few names": (lambda w: plots.plot_vectors(MATRIX, ["a"]), "1 names for 4 vectors: give one for"),
    "vectors with one name for all": (lambda w: plots.plot_vectors(MATRIX, "abcd"), "names is 'abcd': give a list"),
    "vectors with numbers for names": (lambda w: plots.plot_vectors(MATRIX, [1, 2, 3, 4]), "a name is a str, not int"),
    "vectors in float16": (
        lambda w: plots.plot_vectors(np.full((1, 6), 185.14, np.float16), ["a"]),
        says("norms: a 453."),
    ),
    "one vector": (lambda w: plots.plot_vectors(np.ones(4), ["a"]), says("1 vectors of 4 numbers", "a 2.000")),
    "vectors of zeros": (lambda w: plots.plot_vectors(np.zeros((2, 2)), ["a", "b"]), says("a 0.000")),
    "attention of another size": (
        lambda w: plots.plot_attention(np.eye(3), ["a", "b"]),
        r"weights has the shape \(3, 3\) for 2 pieces: give",
    ),
    "attention of all heads": (
        lambda w: plots.plot_attention(np.ones((2, 2, 2)), ["a", "b"]),
        r"weights has the shape \(2, 2, 2\): give",
    ),
    "attention NaN": (lambda w: plots.plot_attention(np.full((1, 1), NAN), ["a"]), "weights holds NaN: "),
    "attention as a list": (lambda w: plots.plot_attention([[1.0, 0.0], [0.5, 0.5]], ["a", "b"]), says("the last one")),
    "attention of nothing": (lambda w: plots.plot_attention(np.ones((0, 0)), []), r"weights has the shape .*: give"),
    "attention with one str": (lambda w: plots.plot_attention(np.eye(2), "ab"), "pieces is 'ab': give a list"),
    "attention of 256 tokens": (
        lambda w: plots.plot_attention(np.tri(256) / np.arange(1, 257)[:, None], [str(n) for n in range(256)]),
        says("last 60 of 256 tokens", "'255'"),
    ),
    "candidates of nothing": (lambda w: plots.plot_candidates(None), "step is None: give a TokenStep"),
    "candidates of all steps": (lambda w: plots.plot_candidates(w.steps), r"step is \[.*: give a TokenStep"),
    "journey of a token": (lambda w: plots.plot_journey(w.tokens[0]), "step is Token.*: give a TokenStep"),
    "distributions of nothing": (lambda w: plots.plot_distributions([], {}), "distributions is empty: give"),
    "distributions in a list": (
        lambda w: plots.plot_distributions(["a"], [[1.0]]),
        r"distributions is \[\[1\.0\]\]: give a dict",
    ),
    "distributions of another length": (
        lambda w: plots.plot_distributions(["a", "b"], {"m": [1.0]}),
        r"distributions\['m'\] has 1 values for 2 names: give one",
    ),
    "distributions of NaN": (
        lambda w: plots.plot_distributions(["a"], {"m": [NAN]}),
        r"distributions\['m'\] holds NaN: ",
    ),
    "distributions of words": (
        lambda w: plots.plot_distributions(["a"], {"m": ["x"]}),
        r"distributions\['m'\] holds <U1 values: give",
    ),
    "map of nothing": (lambda w: plots.plot_map({}, [], []), "panels is empty: give"),
    "map of an array": (lambda w: plots.plot_map(MATRIX, WORDS, CLASSES), "panels is array.*: give a dict"),
    "map of too few words": (lambda w: plots.plot_map({"m": MATRIX}, ["a"], ["x"]), r"panels\['m'\].* 4 .*1 words"),
    "map of too few classes": (lambda w: plots.plot_map({"m": MATRIX}, WORDS, ["x"]), "1 classes for 4 words: give"),
    "map of NaN": (lambda w: plots.plot_map({"m": MATRIX * NAN}, WORDS, CLASSES), r"panels\['m'\] holds NaN: "),
    "map of one-dimensional vectors": (
        lambda w: plots.plot_map({"m": np.ones(4)}, WORDS, CLASSES),
        r"panels\['m'\] has the shape \(4,\): give",
    ),
    "map in words of one panel": (
        lambda w: plots.plot_map({"m": MATRIX}, WORDS, CLASSES, in_words=True),
        "in_words compares .*: give two panels",
    ),
    "map in_words 'no'": (
        lambda w: plots.plot_map({"m": MATRIX}, WORDS, CLASSES, in_words="no"),
        "in_words is 'no': give True or False",
    ),
    "unrolled, nothing": (lambda w: plot_unrolled([], []), "0 pieces and 0 predictions: give one prediction for"),
    "unrolled, too few predictions": (lambda w: plot_unrolled(["a", "b"], ["c"]), "2 pieces and 1 predictions: give"),
    "unrolled, one str": (lambda w: plot_unrolled("abc", ["d"]), "pieces is 'abc': give a list"),
    "unrolled, nine tokens": (lambda w: plot_unrolled(["a"] * 9, ["b"] * 9), "9 pieces and 9 .*each of 1 to 8 pieces"),
    "unrolled, numbers": (lambda w: plot_unrolled([1], [2]), "a name is a str, not int: 1"),
    "unrolled, one token": (lambda w: plot_unrolled(("a",), ("b",)), says("drawn 1 times", "'a' ('b')")),
    "kept, a list": (lambda w: plot_kept([1.0, 0.5]), r"traces is \[1\.0, 0\.5\]: give a dict"),
    "kept, nothing": (lambda w: plot_kept({}), "traces is empty: give at least one"),
    "kept, NaN": (lambda w: plot_kept({"a": [NAN]}), r"traces\['a'\] holds NaN: give one number"),
    "kept, words": (lambda w: plot_kept({"a": ["x"]}), r"traces\['a'\] holds <U1 values: give one number"),
    "kept, no steps": (lambda w: plot_kept({"a": []}), r"traces\['a'\] has the shape \(0,\): give one number"),
    "kept, names of numbers": (lambda w: plot_kept({3: [1.0]}), "a name is a str, not int: 3"),
    "curve of nothing": (lambda w: plots.plot_curve([], [], "x", "y"), r"x has the shape \(0,\): give"),
    "curve of other lengths": (lambda w: plots.plot_curve([1], [1, 2], "x", "y"), "x has 1 .*y 2: give"),
    "curve of NaN": (lambda w: plots.plot_curve([1], [NAN], "x", "y"), "y holds NaN: "),
    "curve of numbers": (lambda w: plots.plot_curve(1, 2, "x", "y"), r"x has the shape \(\): give"),
    "training of nothing": (lambda w: plots.plot_training([], {1: 2.0}, {}), "no steps to draw: give"),
    "training never measured": (lambda w: plots.plot_training([ONE_UPDATE], {}, {}), "held_out is empty: give"),
    "training of losses": (lambda w: plots.plot_training([5.0], {1: 2.0}, {}), r"a step is 5\.0: give a TrainingStep"),
    "training, held_out a list": (
        lambda w: plots.plot_training([ONE_UPDATE], [2.0], {}),
        "held_out is .*: give a dict",
    ),
    "training, lines of words": (
        lambda w: plots.plot_training([ONE_UPDATE], {1: 2.0}, {"floor": "low"}),
        r"lines\['floor'\] is 'low': give a number",
    ),
    "smoothed over 0": (lambda w: plots.smoothed([1.0], 0), "window is 0: give a whole number from 1"),
    "smoothed over True": (lambda w: plots.smoothed([1.0], True), "window is True: give a whole number"),
    "smoothed over a NumPy number": (lambda w: plots.smoothed([1.0, 3.0], np.int64(2)), near(1, 2)),
    "smoothed words": (lambda w: plots.smoothed(["a"]), "values holds <U1 values: give"),
    "shown number": (lambda w: plots.shown(5), "a name is a str, not int: 5"),
    "plane of one vector's numbers": (lambda w: geometry.principal_plane(np.ones(3)), r"vectors has the shape \(3,\)"),
    "plane of NaN": (lambda w: geometry.principal_plane(MATRIX * NAN), "vectors holds NaN: "),
    "plane of nothing": (lambda w: geometry.principal_plane(np.ones((0, 3))), "vectors has the shape .*: give"),
    "plane of whole numbers": (lambda w: geometry.principal_plane(MATRIX.astype(np.int8))[1], near(1.0)),
    "turned towards other points": (
        lambda w: geometry.turned_towards(np.ones((3, 2)), np.ones((2, 2))),
        r"previous has the shape \(2, 2\), points \(3, 2\): give",
    ),
    "apartness of other lengths": (lambda w: geometry.apartness(MATRIX, ["x"]), "1 classes for 4 vectors: give"),
    "apartness of NaN": (lambda w: geometry.apartness(MATRIX * NAN, CLASSES), "vectors holds NaN: "),
    "apartness of two classes": (
        lambda w: geometry.apartness(np.array([[0.0], [0.0], [1.0], [1.0]]), CLASSES),
        near(1.0),
    ),
    "labels without widths": (
        lambda w: geometry.label_spots(np.ones((2, 2)), [1.0], 1, 1, (0, 1, 0, 1)),
        "1 widths for 2 points: give",
    ),
}


def monitor(w: World, evaluate: Any = lambda: 2.0, **options: Any) -> TrainingMonitor:
    """A monitor that has been shown the last update of a run."""
    watched = TrainingMonitor(evaluate, **options)
    watched.show(replace(ONE_UPDATE, updates=1))
    return watched


WINDOW: dict[str, Row] = {
    "no models": (lambda w: Explorer({}), "models is empty: give at least one"),
    "models a pair": (lambda w: Explorer((w.fake, w.tokenizer)), r"models is \(.*: give a dict"),
    "models without tokenizers": (lambda w: Explorer({"m": w.fake}), r"models\['m'\] is .*: give a name and a pair"),
    "models the other way round": (
        lambda w: Explorer({"m": (w.tokenizer, w.fake)}),
        "model is .*: give a language model",
    ),
    "models with a tokenizer of others": (
        lambda w: Explorer({"m": (w.fake, w.larger)}),
        "420 ids, the model 400: give",
    ),
    "window, prompt None": (lambda w: Explorer(w.models, None), "the prompt is a str, not NoneType"),
    "window, seed True": (lambda w: Explorer(w.models, seed=True), "seed is True: give a whole number from 0"),
    "window, seed too large": (lambda w: Explorer(w.models, seed=10**10), "seed is 10000000000: give a whole number"),
    "window, settings a number": (lambda w: Explorer(w.models, settings=0.8), r"settings is 0\.8: give a Sampling"),
    "window, settings no slider has": (
        lambda w: Explorer(w.models, settings=SamplingSettings(5.0)),
        r"settings.temperature is 5\.0: its slider goes from",
    ),
    "window, speed a number": (lambda w: Explorer(w.models, speed=5), "speed is 5: give one of"),
    "window, speed a list": (lambda w: Explorer(w.models, speed=["5/s"]), r"speed is \['5/s'\]: give one of"),
    "window, length 0": (lambda w: Explorer(w.models, max_new_tokens=0), "max_new_tokens is 0: give a whole number"),
    "window, large 'no'": (lambda w: Explorer(w.models, large="no"), "large is 'no': give True or False"),
    "window, numbers of NumPy": (
        lambda w: Explorer(w.models, "the cat", np.int64(3), max_new_tokens=np.int32(9)).settings.temperature,
        near(0.8),
    ),
    "run -1 steps": (lambda w: Explorer(w.models).run(-1), "steps is -1: give a whole number from 0"),
    "run half a step": (lambda w: Explorer(w.models).run(0.5), r"steps is 0\.5: give a whole number from 0"),
    "run a NumPy number of steps": (
        lambda w: ((e := Explorer(w.models, "the cat")), e.run(np.int64(2)), e.position)[-1],
        equal(2),
    ),
    "look at -1": (lambda w: Explorer(w.models).look(-1), "position is -1: give a whole number from 0"),
    "choose 400 in the window": (lambda w: Explorer(w.models).choose(400), "token_id 400 is outside 0 … 399"),
    "compare nothing": (lambda w: Explorer.compare({}), "runs is empty: give at least one"),
    "compare a pair": (lambda w: Explorer.compare((w.fake, w.tokenizer)), r"runs is \(.*: give a dict"),
    "compare three": (
        lambda w: Explorer.compare(dict.fromkeys("abc", (w.fake, w.tokenizer))),
        "runs has 3 of them: give two, such as",
    ),
    "compare models without tokenizers": (
        lambda w: Explorer.compare({"a": w.fake, "b": w.fake}),
        r"runs\['a'\] is .*: give a name and a tuple, such as in",
    ),
    "compare with a temperature": (
        lambda w: Explorer.compare({"a": (w.fake, w.tokenizer, 0.5), "b": (w.fake, w.tokenizer)}),
        "settings is 0.5: give a SamplingSettings",
    ),
    "compare with a seed of 1.5": (
        lambda w: Explorer.compare(dict.fromkeys("ab", (w.fake, w.tokenizer, None, 1.5))),
        r"runs\['a'\].seed is 1.5: give a whole number",
    ),
    "compare with a tokenizer of others": (
        lambda w: Explorer.compare({"a": (w.fake, w.tokenizer), "b": (w.fake, w.larger)}),
        "the tokenizer has .* ids, the model .*: give the tokenizer",
    ),
    "sliders over NaN": (lambda w: DistributionSliders([NAN, 1.0], str), "logits hold NaN: they must be numbers"),
    "sliders over words": (lambda w: DistributionSliders(["a"], str), "logits holds <U1 values: give one row"),
    "sliders over complex numbers": (lambda w: DistributionSliders([1j], str), "logits holds complex128 values: give"),
    "sliders over two rows": (lambda w: DistributionSliders(MATRIX, str), r"logits has the shape \(4, 3\): give"),
    "sliders over nothing": (lambda w: DistributionSliders([], str), r"logits has the shape \(0,\): give"),
    "sliders without names": (lambda w: DistributionSliders([1.0], None), "piece is None: give a function"),
    "sliders with a list of names": (lambda w: DistributionSliders([1.0], ["a"]), r"piece is \['a'\]: give a function"),
    "sliders over whole numbers": (lambda w: DistributionSliders([1, 1], str).probabilities, near(0.5, 0.5)),
    "nudge one name": (lambda w: LogitSliders(["a"], "a"), r"names is \['a'\]: give 2 to 8 different names"),
    "nudge nine names": (lambda w: LogitSliders([*"abcdefghi"], "a"), "names is .*: give 2 to 8 different names"),
    "nudge the same name twice": (lambda w: LogitSliders(["a", "a"], "a"), "names is .*: give 2 to 8 different"),
    "nudge one str": (lambda w: LogitSliders("ab", "a"), "names is 'ab': give a list"),
    "nudge numbers for names": (lambda w: LogitSliders([1, 2], 1), "a name is a str, not int"),
    "nudge towards no name": (lambda w: LogitSliders(["a", "b"], "c"), "right is 'c': give one of the names, such"),
    "nudge towards a list": (lambda w: LogitSliders(["a", "b"], ["a"]), r"right is \['a'\]: give one of the names"),
    "nudge too few logits": (lambda w: LogitSliders(["a", "b"], "a", [1.0]), r"logits is \[1\.0\]: give 2 numbers"),
    "nudge a logit of 11": (lambda w: LogitSliders(["a", "b"], "a", [0, 11]), r"logits is \[0\.0, 11\.0\]: give 2"),
    "nudge NaN": (lambda w: LogitSliders(["a", "b"], "a", [0, NAN]), "logits holds NaN: give 2 numbers"),
    "nudge words": (lambda w: LogitSliders(["a", "b"], "a", ["x", "y"]), "logits holds <U1 values: give 2 numbers"),
    "nudge whole numbers": (lambda w: LogitSliders(("a", "b"), "a", [1, 1]).probabilities, near(0.5, 0.5)),
    "gate above 1": (lambda w: ForgetGateSlider(forget_gate=1.5), r"forget_gate is 1\.5: give a number from 0 to 1"),
    "gate NaN": (lambda w: ForgetGateSlider(forget_gate=NAN), "forget_gate is nan: give a number from 0 to 1"),
    "gate True": (lambda w: ForgetGateSlider(forget_gate=True), "forget_gate is True: give a number from 0 to 1"),
    "gate over no steps": (lambda w: ForgetGateSlider(0), "steps is 0: give a whole number from 1 to 200"),
    "gate of NumPy": (lambda w: ForgetGateSlider(np.int64(2), np.float32(0.5)).cell, near(1, 0.5, 0.25)),
    "monitor every 0": (lambda w: monitor(w, every=0), "every is 0: give a whole number from 1"),
    "monitor every -1": (lambda w: monitor(w, every=-1), "every is -1: give a whole number from 1"),
    "monitor every True": (lambda w: monitor(w, every=True), "every is True: give a whole number"),
    "monitor every NumPy number": (lambda w: monitor(w, every=np.int64(5)).held_out, equal({1: 2.0})),
    "monitor without a measure": (lambda w: monitor(w, None), "evaluate is None: give a function"),
    "monitor with a number for a measure": (lambda w: monitor(w, 2.0), r"evaluate is 2\.0: give a function"),
    "monitor whose measure is None": (lambda w: monitor(w, lambda: None), r"evaluate\(\) is None: .*give"),
    "monitor whose measure is of NumPy": (lambda w: monitor(w, lambda: np.float32(2)).held_out, equal({1: 2.0})),
    "monitor whose measure is NaN": (lambda w: math.isnan(monitor(w, lambda: NAN).held_out[1]), equal(True)),
    "monitor, lines a list": (lambda w: monitor(w, lines=[2.0]), r"lines is \[2\.0\]: give a dict"),
    "monitor, lines of words": (lambda w: monitor(w, lines={"a": "b"}), r"lines\['a'\] is 'b': give a number"),
    "monitor, sample a str": (lambda w: monitor(w, sample="text"), "sample is 'text': give a function"),
    "monitor whose sample is None": (lambda w: monitor(w, sample=lambda: None), r"sample\(\) is a str, not NoneType"),
    "monitor, words a list": (lambda w: monitor(w, words=["a"]), r"words is \['a'\]: give a dict"),
    "monitor, vectors without words": (
        lambda w: monitor(w, vectors=lambda: MATRIX),
        "vectors without words: give both",
    ),
    "monitor, vectors an array": (lambda w: monitor(w, words={"x": ["a"]}, vectors=MATRIX), "vectors is .*: give a fu"),
    "monitor, too few words": (
        lambda w: monitor(w, words={"x": ["a"]}, vectors=lambda: MATRIX),
        r"vectors\(\) gives 4 vectors for 1 words: give",
    ),
    "monitor shown a loss": (lambda w: TrainingMonitor(lambda: 2.0).show(5.0), r"step is 5\.0: give a TrainingStep"),
}


def unknown_kind(w: World) -> Any:
    """A folder whose own code wants to be run, of a kind that the library does not know."""
    (w.saved(model_type="mine", auto_map={"AutoConfig": "own.C"}) / "own.py").write_text("raise SystemExit('run')")
    return w.pretrained.load_pretrained(w.tmp)


def outside(w: World) -> Any:
    """A folder whose index names a file beside it."""
    index = {"metadata": {}, "weight_map": {"transformer.wte.weight": "../model.safetensors"}}
    return w.loaded_with("model.safetensors.index.json", json.dumps(index))


PRETRAINED: dict[str, Row] = {
    "load a number": (lambda w: w.pretrained.load_pretrained(5), "name_or_folder is 5: give a path"),
    "load nothing": (lambda w: w.pretrained.load_pretrained(""), "name_or_folder is '': give a path"),
    "load an empty folder": (lambda w: w.pretrained.load_pretrained(w.tmp), "holds no model .*: give a folder made by"),
    "load a missing folder": (lambda w: w.pretrained.load_pretrained(w.tmp / "no"), "there is no folder .*: give one"),
    "load a file": (lambda w: w.pretrained.load_pretrained(w.file("a.bin")), "there is no folder .*: give one"),
    "load a name too long": (
        lambda w: w.pretrained.load_pretrained(LONG_NAME),
        "name_or_folder is 'aaa.*: give a path",
    ),
    "load a name that is not here": (lambda w: w.pretrained.load_pretrained("no-such"), "neither a folder nor a model"),
    "load for a chat 'no'": (
        lambda w: w.pretrained.load_pretrained(w.saved(), chat="no"),
        "chat is 'no': give True or False",
    ),
    "load, download 'no'": (
        lambda w: w.pretrained.load_pretrained(w.saved(), download="no"),
        "download is 'no': give True or False",
    ),
    "load a chat without a template": (
        lambda w: w.pretrained.load_pretrained(w.saved(), chat=True),
        "has no template for a conversation: load it without chat=True",
    ),
    "load a model with code of its own": (unknown_kind, "its config.json cannot be read: fetch or save it again"),
    "load an index that leads outside": (outside, r"names '../model.safetensors', which is no file of this folder"),
    "load a cut generation_config.json": (
        lambda w: w.loaded_with("generation_config.json", '{"eos_token_id": '),
        "generation_config.json cannot be read as JSON: fetch or save",
    ),
    "load a cut tokenizer.json": (lambda w: w.loaded_with("tokenizer.json", "{"), "tokenizer.json cannot be read as"),
    "load a config that is a list": (lambda w: w.loaded_with("config.json", "[]"), "its config.json cannot be read"),
    "load cut weights": (lambda w: w.loaded_with("model.safetensors", "cut"), "weights in .* are damaged.*fetch or"),
    "save a str": (lambda w: w.pretrained.save_pretrained(w.tmp, "gpt2", None), "give a PretrainedModel and its"),
    "save into a file": (
        lambda w: w.pretrained.save_pretrained(w.file("a"), *w.gpt2),
        "cannot save into .*Choose a folder you may write to",
    ),
    "random model of another family": (
        lambda w: w.pretrained.random_model(["a"], "bert"),
        "family is 'bert': give one",
    ),
    "random model of no family": (lambda w: w.pretrained.random_model(["a"], None), "family is None: give one of"),
    "random model of an unhashable family": (lambda w: w.pretrained.random_model(["a"], ["gpt2"]), "family is .*give"),
    "random model of one str": (lambda w: w.pretrained.random_model("text"), "texts is one str: give a list"),
    "random model of 10 ids": (lambda w: w.pretrained.random_model(["a"], vocab_size=10), "vocab_size is 10: give a"),
    "random model of 10**15 ids": (
        lambda w: w.pretrained.random_model(["a"], vocab_size=10**15),
        "vocab_size is 1000000000000000: give a whole number",
    ),
    "random model, numbers of NumPy": (
        lambda w: w.pretrained.random_model(["a cat"], vocab_size=np.int64(300), seed=np.int64(2))[1].vocab_size >= 257,
        equal(True),
    ),
    "random model, seed None": (lambda w: w.pretrained.random_model(["a"], seed=None), "seed is None: give a whole"),
    "a model that is a name": (lambda w: w.pretrained.PretrainedModel("gpt2"), "model is 'gpt2': give a PreTrainedMod"),
    "a tokenizer that is a name": (lambda w: w.pretrained.PretrainedTokenizer("gpt2"), "tokenizer is 'gpt2': give a"),
    "tokenizer bytes of another kind": (lambda w: w.pretrained.PretrainedTokenizer.from_bytes(b"{}"), "not the bytes"),
    "tokenizer bytes None": (lambda w: w.pretrained.PretrainedTokenizer.from_bytes(None), "not the bytes of a tokeni"),
    "embed nothing": (lambda w: w.gpt2[0].embed([]), "ids is empty: give at least one"),
    "embed an id too large": (lambda w: w.gpt2[0].embed([10**6]), "id 1000000 is outside 0 …"),
    "advance by a float": (lambda w: w.gpt2[0].advance([1.5]), r"id 1\.5 is not a whole number: give"),
    "advance beyond what it reads": (lambda w: w.gpt2[0].advance([5] * 1025), "1025 tokens are more than the 1024"),
    "rewind too far": (lambda w: w.gpt2[0].rewind(w.gpt2[0].advance([5])[1], 2), "cannot rewind to 2 tokens: the"),
    "encode None with its tokenizer": (lambda w: w.gpt2[1].encode(None), "a text is a str, not NoneType"),
    "prompt of half a character": (lambda w: w.gpt2[1].encode_prompt("\ud83d"), "lone surrogate.*remove it"),
    "decode an id of no token": (lambda w: w.gpt2[1].decode([10**6]), "token id 1000000 is outside 0 …"),
    "piece of a str": (lambda w: w.gpt2[1].piece("5"), "token id '5' is not a whole number: give"),
    "stream fed with -1": (lambda w: w.gpt2[1].text_stream().feed(-1), "token id -1 is outside 0 …"),
    "stream fed with None": (lambda w: w.gpt2[1].text_stream().feed(None), "token id None is not a whole number"),
    "a special token's name in a prompt": (
        lambda w: w.gpt2[1].encode_prompt("the <|endoftext|> cat"),
        lambda ids: 0 not in ids and len(ids) > 4,
    ),
    "a special token's name is text": (
        lambda w: w.gpt2[1].decode(w.gpt2[1].encode("the <|endoftext|> cat")),
        equal("the <|endoftext|> cat"),
    ),
    "an embedding model that is a number": (lambda w: w.embedding(5), "name_or_folder is 5: give a path"),
    "an embedding model that is not here": (lambda w: w.embedding(w.tmp / "no"), "there is no folder .*: give one"),
    "an embedding model that is a GPT": (lambda w: w.embedding(w.saved()), "has no padding token.*: give an embedding"),
}

TWIN: dict[str, Row] = {
    "twin of a number": (lambda w: w.keras.KerasTwin(400), "config is 400: give a LSTMConfig, such as"),
    "twin in float16": (lambda w: w.keras.KerasTwin(w.config, "float16"), "dtype is 'float16': give 'float32' or"),
    "twin in a list": (lambda w: w.keras.KerasTwin(w.config, ["float32"]), r"dtype is \['float32'\]: give 'float32'"),
    "twin, seed True": (lambda w: w.keras.KerasTwin(w.config, seed=True), "seed is True: give a whole number"),
    "twin, seed of NumPy": (lambda w: w.keras.KerasTwin(w.config, seed=np.int64(3)).vocab_size, equal(400)),
    "twin of a Transformer": (lambda w: w.keras.from_torch(w.transformer), "cannot make a twin of a Transformer.*give"),
    "twin in bfloat16": (
        lambda w: w.keras.from_torch(LSTMLanguageModel(w.config).bfloat16()),
        "the dtype is torch.bfloat16: give float32 or float64",
    ),
    "torch's model of no twin": (lambda w: w.keras.to_torch(w.lstm), "twin is LSTM.*: give a KerasTwin"),
    "twin embeds 400": (lambda w: w.twin.embed([400]), "id 400 is outside 0 … 399"),
    "twin advances by nothing": (lambda w: w.twin.advance([]), "ids is empty: give at least one"),
    "twin reads one row": (lambda w: w.twin(np.array([1, 2])), r"ids have the shape \(2,\): give \(B, T\)"),
    "twin trains at a number": (lambda w: w.keras.train_twin(w.twin, w.tokenizer, ["a"], 5), "config is 5: give a Tr"),
    "twin trains on one str": (lambda w: w.keras.train_twin(w.twin, w.tokenizer, "text"), "texts is one str: give"),
    "twin trains with a larger tokenizer": (
        lambda w: w.keras.train_twin(w.twin, w.larger, ["a"]),
        "420 ids, the model",
    ),
    "no twin trains": (lambda w: w.keras.train_twin(w.lstm, w.tokenizer, ["a"]), "twin is LSTM.*: give a KerasTwin"),
    "twin measured in batches of 0": (
        lambda w: w.keras.evaluate_twin(w.twin, w.tokenizer, ["a"], 0),
        "batch_size is 0: give a whole number from 1",
    ),
    "twin measured on nothing": (lambda w: w.keras.evaluate_twin(w.twin, w.tokenizer, []), "texts is empty: give one"),
    "ragged of nothing": (lambda w: w.keras.ragged([], w.tokenizer), "texts_as_ids is empty: give the ids of one"),
    "twin saved under a number": (lambda w: w.keras.save_twin(5, w.twin), "path is 5: give a path"),
    "twin saved under another ending": (lambda w: w.keras.save_twin(w.tmp / "a.h5", w.twin), "is no .keras file"),
    "twin saved into no folder": (lambda w: w.keras.save_twin(w.tmp / "b" / "a.keras", w.twin), "does not exist: make"),
    "another model saved": (lambda w: w.keras.save_twin(w.tmp / "a.keras", w.lstm), "cannot save a LSTM.*: give a"),
    "twin loaded from nowhere": (lambda w: w.keras.load_twin(w.tmp / "a.keras"), "does not exist: save a twin with"),
    "twin loaded from text": (lambda w: w.keras.load_twin(w.file("a.keras", b"text")), "is damaged or no Keras file"),
}

TABLES = {
    "sampling": SAMPLING,
    "tokenizer": TOKENIZER,
    "corpus": CORPUS,
    "models": MODELS,
    "streaming": STREAMING,
    "inside": INSIDE,
    "training": TRAINING,
    "figures": FIGURES,
    "window": WINDOW,
    "pretrained": PRETRAINED,
    "twin": TWIN,
}
ROWS = [pytest.param(*row, id=f"{table}: {name}") for table, rows in TABLES.items() for name, row in rows.items()]
OURS = (ValueError, TypeError, OSError, ArithmeticError)


@pytest.fixture(scope="module")
def whole_world(tokenizer):
    return World(tokenizer)


@pytest.fixture
def world(whole_world, tmp_path):
    whole_world.tmp = tmp_path
    return whole_world


@pytest.mark.parametrize(("call", "expected"), ROWS)
def test_every_input_is_right_or_refused_in_one_sentence_of_ours(world, call, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.filterwarnings("ignore", "Complex modules", UserWarning)
        if callable(expected):
            assert expected(call(world))
            return
        with pytest.raises(OURS, match=expected) as caught:
            call(world)
    raised_in = Path(traceback.extract_tb(caught.value.__traceback__)[-1].filename)
    assert raised_in.is_relative_to(HELPERS), f"raised in {raised_in}, not by this project"
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_the_table_is_as_long_as_it_was():
    assert len(ROWS) >= 470


# ------------------------------------------------------------------------------- what needs a process or a second look


@pytest.mark.parametrize("answer", ["", "y\n" * 20], ids=["closed", "yes"])
@pytest.mark.parametrize("kind", ["gpt2", "mine"])
def test_code_that_a_model_brings_along_is_never_run_and_nobody_is_asked(world, answer, kind):
    classes = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model", "AutoTokenizer": ["own.T", "own.T"]}
    folder = world.saved(model_type=kind, auto_map=classes)
    (folder / "own.py").write_text("from pathlib import Path\nPath(__file__).with_name('was-run').touch()\n")
    code = (
        "import sys\nfrom helpers.models.pretrained import load_pretrained\n"
        "try:\n    load_pretrained(sys.argv[1])\nexcept ValueError as error:\n    print(type(error).__name__)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        input=answer or None,
        stdin=None if answer else subprocess.DEVNULL,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0
    assert "[y/N]" not in run.stdout + run.stderr
    assert run.stdout.strip() == ("PretrainedError" if kind == "mine" else "")
    assert not list(folder.rglob("was-run"))


def test_a_vocabulary_that_is_far_too_large_is_refused_at_once(monkeypatch):
    monkeypatch.setattr("sentencepiece.SentencePieceTrainer.Train", lambda **_: pytest.fail("it was tried"))
    with pytest.raises(ValueError, match="vocab_size is 2147483647"):
        Tokenizer.train(SAMPLE_TEXTS, 2**31 - 1)


def test_a_run_that_diverges_stops_before_it_spoils_the_model(world):
    model = LSTMLanguageModel(world.config)
    with pytest.raises(ArithmeticError, match=r"diverged.*lower peak_learning_rate"):
        list(train(model, world.tokenizer, SAMPLE_TEXTS, TrainingConfig(60, peak_learning_rate=1e30)))


def test_the_norm_of_a_float16_row_is_right(world):
    row = np.full(6, 185.14, np.float16)
    step = world.embedded(lambda table: np.tile(row, (len(table), 1)))
    assert step.output.norm == pytest.approx(453.5, abs=0.2)
    assert step.output.cosine_to_previous == pytest.approx(1.0)
    assert step.output.embedding.dtype == np.float16
