"""A checkpoint is one file: what was saved is loaded, whole, or one sentence says why not."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import safetensors.torch
import torch
from fakes import SAMPLE_TEXTS

from helpers.models import checkpoint
from helpers.models.checkpoint import (
    FILE,
    HEADER,
    TOKENIZER,
    CheckpointError,
    load_all,
    load_checkpoint,
    load_mine,
    load_shipped,
    load_shipped_transformer,
    save_checkpoint,
)
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.streaming import stream
from helpers.tokenizer import Tokenizer
from helpers.training import TrainingConfig, train


@pytest.fixture
def lstm(tokenizer):
    return LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=1)


@pytest.fixture
def other(tokenizer):
    return LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=2)


@pytest.fixture
def saved(lstm, tokenizer, tmp_path):
    save_checkpoint(tmp_path / "model", lstm, tokenizer)
    return tmp_path / "model"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The folder of the learner's own model."""
    monkeypatch.setenv("TOKEN_JOURNEY_MY_MODEL", str(tmp_path))
    return tmp_path


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def unpacked(folder):
    """What the file says of itself, and its tensors."""
    content = (folder / FILE).read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][HEADER])
    return header, safetensors.torch.load(content)


def rewritten(folder, header=None, tensors=None, honest=True):
    """The file with another header or other tensors; `honest`: with the digest that belongs to them."""
    old_header, old_tensors = unpacked(folder)
    header, tensors = {**old_header, **(header or {})}, {**old_tensors, **(tensors or {})}
    if honest:
        header["sha256"] = checkpoint.digest_of(header, tensors)
    content = safetensors.torch.save(tensors, metadata={HEADER: json.dumps(header)})
    (folder / FILE).write_bytes(content)


# ------------------------------------------------------------------------------------------------ saved, and loaded


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_what_was_saved_is_loaded(tokenizer, tmp_path, kind, tied):
    size = tokenizer.vocab_size
    if kind == "lstm":
        model = LSTMLanguageModel(LSTMConfig(size, 8, 12, tied=tied), seed=1)
    else:
        model = TransformerLanguageModel(TransformerConfig(size, 8, 2, 4, 32, tied=tied), seed=1)
    save_checkpoint(tmp_path, model, tokenizer)
    loaded, loaded_tokenizer = load_checkpoint(tmp_path)
    assert type(loaded) is type(model)
    assert loaded.config == model.config
    assert same_weights(loaded, model)
    assert not loaded.training
    assert loaded_tokenizer.fingerprint == tokenizer.fingerprint


def test_a_model_in_float64_is_loaded_in_float32(lstm, tokenizer, tmp_path):
    save_checkpoint(tmp_path, lstm.double(), tokenizer)
    loaded, _ = load_checkpoint(tmp_path)
    assert same_weights(loaded, lstm.float())


def test_the_shipped_models_are_in_float64_and_their_files_small_and_in_float32():
    for load, folder in (
        (load_shipped, checkpoint.SHIPPED),
        (load_shipped_transformer, checkpoint.SHIPPED_TRANSFORMER),
    ):
        model, tokenizer = load()
        assert model.embedding.weight.dtype == torch.float64
        assert model.vocab_size == tokenizer.vocab_size
        assert [path.name for path in folder.iterdir()] == [FILE]
        assert (folder / FILE).stat().st_size < 8_000_000
        weights = {name: tensor for name, tensor in unpacked(folder)[1].items() if name != TOKENIZER}
        assert all(tensor.dtype == torch.float32 for tensor in weights.values())


def test_a_tokenizer_of_transformers_is_saved_loaded_trained_with_and_streamed(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed: make models")
    from helpers.models.pretrained import PretrainedTokenizer, random_model

    tokenizer = PretrainedTokenizer(random_model(SAMPLE_TEXTS)[1].tokenizer)
    model = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=1)
    assert len(list(train(model, tokenizer, SAMPLE_TEXTS, TrainingConfig(updates=3)))) == 3
    save_checkpoint(tmp_path, model, tokenizer)
    loaded, loaded_tokenizer = load_checkpoint(tmp_path)
    assert same_weights(loaded, model)
    assert loaded_tokenizer.fingerprint == tokenizer.fingerprint
    assert loaded_tokenizer.eos_ids == tokenizer.eos_ids
    texts = [
        [step.output for step in stream(*pair, "the cat 😉", max_new_tokens=9)]
        for pair in ((model, tokenizer), (loaded, loaded_tokenizer))
    ]
    assert texts[0] == texts[1]


# ----------------------------------------------------------------------------------------------------------- saving


def test_saving_twice_writes_the_same_bytes(saved, lstm, tokenizer):
    before = (saved / FILE).read_bytes()
    save_checkpoint(saved, lstm, tokenizer)
    assert (saved / FILE).read_bytes() == before


def test_a_new_checkpoint_replaces_the_old_and_leaves_nothing_behind(saved, other, tokenizer):
    save_checkpoint(saved, other, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], other)
    assert [path.name for path in saved.iterdir()] == [FILE]


def test_everyone_may_read_what_was_saved(saved):
    assert stat.S_IMODE((saved / FILE).stat().st_mode) == 0o644


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "notes.txt", "tokenizer.model"])
def test_saving_leaves_files_of_others_alone(saved, other, tokenizer, name):
    (saved / name).write_text("precious")
    save_checkpoint(saved, other, tokenizer)
    assert (saved / name).read_text() == "precious"
    assert same_weights(load_checkpoint(saved)[0], other)


def test_what_a_killed_save_left_is_cleared_after_a_day_and_not_before(saved, lstm, tokenizer):
    old, young, folder = (saved / f".saving-{name}" for name in ("old", "young", "folder"))
    folder.mkdir()
    for path in (old, young):
        path.write_text("half")
    for path in (old, folder):
        os.utime(path, (time.time() - 90_000,) * 2)
    save_checkpoint(saved, lstm, tokenizer)
    assert not old.exists()
    assert young.exists()
    assert folder.exists()


@pytest.mark.parametrize("stopped", ["mkstemp", "fsync", "chmod", "replace"])
@pytest.mark.parametrize("kind", [KeyboardInterrupt, OSError])
def test_an_interrupted_save_leaves_the_old_checkpoint_whole(saved, lstm, other, tokenizer, monkeypatch, stopped, kind):
    def stop(*arguments, **options):
        raise kind(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.tempfile if stopped == "mkstemp" else os, stopped, stop)
    with pytest.raises(kind, match="No space left on device") as caught:
        save_checkpoint(saved, other, tokenizer)
    if kind is OSError:
        assert str(caught.value).startswith(f"cannot save into {saved}: No space left on device. Choose a folder")
    assert same_weights(load_checkpoint(saved)[0], lstm)
    assert [path.name for path in saved.iterdir()] == [FILE]


def test_of_savers_at_once_one_stands_and_a_reader_never_sees_half_a_file(tokenizer, tmp_path):
    models = [LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 8), seed=seed) for seed in range(3)]
    save_checkpoint(tmp_path, models[0], tokenizer)
    for number in range(40):  # leftovers that all of them want to clear
        path = tmp_path / f".saving-{number}"
        path.write_text("half")
        os.utime(path, (time.time() - 90_000,) * 2)
    troubles = []

    def save(model):
        try:
            for _ in range(15):
                save_checkpoint(tmp_path, model, tokenizer)
        except Exception as error:
            troubles.append(error)

    threads = [Thread(target=save, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        loaded, _ = load_checkpoint(tmp_path)
        assert any(same_weights(loaded, model) for model in models)
    assert troubles == []
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_folder_that_is_a_file_is_named(lstm, tokenizer, tmp_path):
    (tmp_path / "file").write_text("in the way")
    for folder in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(OSError, match=r"cannot save into .*file.*Choose a folder you may write to"):
            save_checkpoint(folder, lstm, tokenizer)
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_read_only_folder_keeps_the_old_checkpoint(saved, lstm, other, tokenizer, monkeypatch):
    def refuse(*arguments, **options):  # root may write anywhere, so the system's answer is played
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(checkpoint.tempfile, "mkstemp", refuse)
    with pytest.raises(OSError, match=r"cannot save into .*Permission denied\. Choose a folder you may write to"):
        save_checkpoint(saved, other, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], lstm)


def test_a_model_is_saved_only_with_a_tokenizer_of_its_size(lstm, tmp_path):
    smaller = Tokenizer.train(["the cat sat on the mat"] * 3, 275)
    with pytest.raises(ValueError, match="275 ids, the model 400: save a model with the tokenizer"):
        save_checkpoint(tmp_path / "model", lstm, smaller)
    with pytest.raises(TypeError, match="cannot save a Linear: known are lstm, transformer"):
        save_checkpoint(tmp_path / "model", torch.nn.Linear(2, 2), smaller)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_model_that_diverged_is_not_saved_over_a_good_one(saved, lstm, other, tokenizer, value):
    with torch.no_grad():
        other.lstm.bias_hh_l0[3] = value
    with pytest.raises(ValueError, match=r"the weight lstm.bias_hh_l0 holds (NaN|infinity): the model diverged"):
        save_checkpoint(saved, other, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], lstm)


# ---------------------------------------------------------------------------------------------------------- loading


def test_a_folder_without_a_checkpoint_says_how_to_save_one(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            CheckpointError, match=rf"{folder.name} holds no checkpoint .*save one with save_checkpoint"
        ):
            load_checkpoint(folder)


@pytest.mark.parametrize("size", [0, 7, 8, 60, 500, 5000, -10, -1])
def test_a_truncated_file_is_named(saved, size):
    path = saved / FILE
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=rf"{FILE} .*save the checkpoint again"):
        load_checkpoint(saved)


@pytest.mark.parametrize("kind", ["lstm", "transformer"])
def test_a_flipped_bit_anywhere_never_gives_another_model_nor_another_error(tokenizer, tmp_path, kind):
    size = tokenizer.vocab_size
    if kind == "lstm":
        model = LSTMLanguageModel(LSTMConfig(size, 4, 4), seed=1)
    else:  # of 12 numbers and 2 heads one flipped bit could make 3 heads or 6, with weights of the same shapes
        model = TransformerLanguageModel(TransformerConfig(size, 12, 1, 2, 4), seed=1)
    save_checkpoint(tmp_path, model, tokenizer)
    whole, rng, refused = (tmp_path / FILE).read_bytes(), np.random.default_rng(0), 0
    header_bits = 8 * (8 + int.from_bytes(whole[:8], "little"))
    places = [*rng.integers(0, header_bits, 300), *rng.integers(0, 8 * len(whole), 100)]
    for place in map(int, places):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / FILE).write_bytes(flipped)
        try:
            loaded, loaded_tokenizer = load_checkpoint(tmp_path)
        except CheckpointError:
            refused += 1
        else:
            assert loaded.config == model.config
            assert same_weights(loaded, model)
            assert loaded_tokenizer.fingerprint == tokenizer.fingerprint
    assert refused > 380


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a model",
        b"\xff" * 100,
        safetensors.torch.save({"weight": torch.ones(2)}),
        safetensors.torch.save({"weight": torch.ones(2)}, metadata={"format": "pt"}),
        safetensors.torch.save({"weight": torch.ones(2)}, metadata={HEADER: "[]"}),
        safetensors.torch.save({"weight": torch.ones(2)}, metadata={HEADER: "null"}),
        safetensors.torch.save({"weight": torch.ones(2)}, metadata={HEADER: "{"}),
    ],
    ids=["empty", "text", "bytes", "of others", "of others with notes", "a list", "null", "damaged"],
)
def test_a_file_of_others_is_no_checkpoint(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match="is damaged, or no checkpoint of this series: save the checkpoint again"):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ({"format": "token-journey-9"}, "the format is 'token-journey-9', expected 'token-journey-2'"),
        ({"format": None}, "the format is None, expected"),
        ({"architecture": "mamba"}, "the architecture is 'mamba', known are 'lstm', 'transformer'"),
        ({"architecture": []}, r"the architecture is \[\], known are"),
        ({"tokenizer": "other"}, "the tokenizer is 'other', which this version does not know"),
        ({"tokenizer": "huggingface"}, "its tokenizer cannot be read"),
        ({"model": {"vocab_size": 400, "embedding_dim": 8, "hidden_size": 13}}, "the weights do not fit"),
        ({"model": {"vocab_size": 400, "colour": 3}}, "the weights do not fit"),
        ({"model": {"vocab_size": True}}, "the weights do not fit"),
        ({"model": []}, "the weights do not fit"),
        ({"architecture": "transformer"}, "the weights do not fit"),
    ],
)
def test_a_header_that_says_something_else_is_named(saved, header, named):
    if header.get("tokenizer") == "huggingface":
        pytest.importorskip("transformers", reason="transformers is not installed: make models")
    rewritten(saved, header)
    with pytest.raises(CheckpointError, match=named):
        load_checkpoint(saved)


@pytest.mark.parametrize("part", ["architecture", "model", "tokenizer", "sha256"])
def test_a_header_without_one_of_its_parts_is_named(saved, part):
    header, tensors = unpacked(saved)
    del header[part]
    (saved / FILE).write_bytes(safetensors.torch.save(tensors, metadata={HEADER: json.dumps(header)}))
    with pytest.raises(CheckpointError, match=f"lacks {part}: save the checkpoint again"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("name", "tensor", "named"),
    [
        (
            "embedding.weight",
            torch.full((400, 8), float("nan")),
            "the weight embedding.weight holds NaN: train the mod",
        ),
        ("embedding.weight", torch.ones(400, 9), "the weights do not fit"),
        ("embedding.weight", torch.ones(400, 8, dtype=torch.int8), "embedding.weight holds torch.int8 values"),
        (
            "embedding.weight",
            torch.ones(400, 8, dtype=torch.complex64),
            "embedding.weight holds torch.complex64 values",
        ),
        ("embedding.weight", torch.ones(400, 8, dtype=torch.bfloat16), "embedding.weight holds torch.bfloat16 values"),
        ("one more", torch.ones(1), "the weights do not fit"),
        (TOKENIZER, torch.zeros(9, dtype=torch.uint8), "its tokenizer cannot be read"),
        (TOKENIZER, torch.ones(9), "tokenizer holds torch.float32 values"),
    ],
)
def test_tensors_that_cannot_be_are_named(saved, name, tensor, named):
    rewritten(saved, tensors={name: tensor}, honest=tensor.dtype != torch.bfloat16)  # of which no digest can be made
    with pytest.raises(CheckpointError, match=named):
        load_checkpoint(saved)


def test_the_tokenizer_of_a_model_of_another_size_is_refused(saved):
    smaller = Tokenizer.train(["the cat sat on the mat"] * 3, 275)
    rewritten(saved, tensors={TOKENIZER: torch.frombuffer(bytearray(smaller.to_bytes()), dtype=torch.uint8)})
    with pytest.raises(CheckpointError, match="the model has 400 ids, the tokenizer 275"):
        load_checkpoint(saved)


def test_what_was_changed_after_it_was_saved_is_refused(saved, tokenizer):
    for changes in ({"tensors": {"output.bias": torch.zeros(400)}}, {"header": {"sha256": "0" * 64}}):
        rewritten(saved, **changes, honest=False)
        with pytest.raises(CheckpointError, match="it changed after it was saved"):
            load_checkpoint(saved)


def test_a_file_that_may_not_be_read_is_named(saved, monkeypatch):
    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CheckpointError, match=rf"{FILE} cannot be read \(Permission denied\): check who may read it"):
        load_checkpoint(saved)


# ------------------------------------------------------------------------------------------------- a model of one's own


def test_a_model_of_ones_own_is_loaded_in_float64(own, lstm, tokenizer):
    save_checkpoint(own, lstm, tokenizer)
    model, _ = load_mine()
    assert model.embedding.weight.dtype == torch.float64
    assert same_weights(model.float(), lstm)


def test_a_model_of_ones_own_that_was_never_trained_points_to_the_lesson(own):
    with pytest.raises(CheckpointError, match=r"holds no checkpoint.*the lesson on training trains and saves"):
        load_mine()


def test_all_models_are_the_shipped_an_untrained_one_and_ones_own(own, lstm, tokenizer):
    assert list(load_all()) == ["shipped", "untrained"]
    save_checkpoint(own, lstm, tokenizer)
    assert list(load_all()) == ["shipped", "untrained", "your own"]


@pytest.mark.parametrize("content", [b"", b"half a file", None], ids=["empty", "damaged", "unreadable"])
def test_a_broken_model_of_ones_own_is_left_out_with_a_warning(own, lstm, tokenizer, content, monkeypatch):
    save_checkpoint(own, lstm, tokenizer)
    if content is None:
        read = Path.read_bytes
        denied = PermissionError(errno.EACCES, "Permission denied")

        def refuse(path):
            if path.parent == own:
                raise denied
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", refuse)
    else:
        (own / FILE).write_bytes(content)
    with pytest.warns(UserWarning, match="your own model is left out: "):
        models = load_all()
    assert list(models) == ["shipped", "untrained"]
