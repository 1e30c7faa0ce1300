from __future__ import annotations

import json
import os
import shutil
from threading import Thread

import pytest
import safetensors.torch
import torch

from helpers.models import checkpoint
from helpers.models.checkpoint import CheckpointError, load_checkpoint, load_mine, load_shipped, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.tokenizer import Tokenizer


@pytest.fixture
def lstm(tokenizer):
    return LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=1)


@pytest.fixture
def saved(lstm, tokenizer, tmp_path):
    save_checkpoint(tmp_path / "model", lstm, tokenizer)
    return tmp_path / "model"


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_what_was_saved_is_loaded(saved, lstm, tokenizer):
    model, loaded_tokenizer = load_checkpoint(saved)
    assert model.config == lstm.config
    assert same_weights(model, lstm)
    assert loaded_tokenizer.fingerprint == tokenizer.fingerprint


def test_saving_twice_writes_the_same_bytes(saved, lstm, tokenizer):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}
    save_checkpoint(saved, lstm, tokenizer)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before


def test_a_new_checkpoint_replaces_the_old_and_leaves_nothing_behind(saved, tokenizer):
    other = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=2)
    save_checkpoint(saved, other, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], other)
    assert len(list(saved.iterdir())) == 3


def test_saving_leaves_files_alone_that_are_not_of_the_checkpoint(saved, tokenizer):
    mine = [saved / name for name in ("weights-backup.safetensors", "tokenizer-mine.model", "notes.txt")]
    for path in mine:
        path.write_text("precious")
    save_checkpoint(saved, LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=2), tokenizer)
    assert all(path.read_text() == "precious" for path in mine)
    assert len(list(saved.iterdir())) == 3 + len(mine)


@pytest.mark.parametrize("content", ['{"model_type": "llama"}', "{"], ids=["another program's", "damaged"])
def test_saving_replaces_no_config_that_is_not_ours(lstm, tokenizer, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match="is not a checkpoint of this series.*Nothing was written: save into ano"):
        save_checkpoint(tmp_path, lstm, tokenizer)
    assert [path.read_text() for path in tmp_path.iterdir()] == [content]


def test_of_two_saves_at_once_one_stands(tokenizer, tmp_path):
    models = [LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 8), seed=seed) for seed in range(4)]
    for number in range(5):
        folder = tmp_path / str(number)
        threads = [Thread(target=save_checkpoint, args=(folder, model, tokenizer)) for model in models]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        loaded, _ = load_checkpoint(folder)
        assert any(same_weights(loaded, model) for model in models)


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(saved, lstm, tokenizer, monkeypatch):
    other = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=2)
    read, saves = checkpoint._read_checked, [other]

    def read_late(*arguments):
        if saves:
            save_checkpoint(saved, saves.pop(), tokenizer)
        return read(*arguments)

    monkeypatch.setattr(checkpoint, "_read_checked", read_late)
    assert same_weights(load_checkpoint(saved)[0], other)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"weights": {}}, "lacks weights"),
        ({"tokenizer": {"file": "../tokenizer.model", "sha256": ""}}, "lacks tokenizer"),
        ({"architecture": []}, r"the architecture is \[\]"),
    ],
)
def test_a_config_with_parts_of_another_kind_is_refused(saved, changes, named):
    path = saved / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError, match=named):
        load_checkpoint(saved)


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_an_interrupted_save_leaves_the_old_checkpoint_whole(saved, lstm, tokenizer, monkeypatch, stopped_at):
    moves = []

    def replace_until(source, target):
        moves.append(target)
        if len(moves) == stopped_at:
            raise KeyboardInterrupt
        shutil.move(source, target)

    monkeypatch.setattr(os, "replace", replace_until)
    other = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 12), seed=2)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(saved, other, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], lstm)
    assert not list(saved.glob(".saving-*"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path, lstm, tokenizer):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="cannot save into .*file"):
        save_checkpoint(tmp_path / "file", lstm, tokenizer)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions only")
def test_a_read_only_folder_keeps_the_old_checkpoint(saved, lstm, tokenizer, monkeypatch):
    def refuse(*args, **options):  # root may write anywhere, so the system's answer is played
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoint.tempfile, "mkstemp", refuse)
    with pytest.raises(OSError, match="cannot save into .*Permission denied"):
        save_checkpoint(saved, lstm, tokenizer)
    assert same_weights(load_checkpoint(saved)[0], lstm)


def edited(folder, **changes):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps(config))


def test_missing_checkpoint(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere holds no checkpoint"):
        load_checkpoint(tmp_path / "nowhere")


def test_a_model_of_ones_own_that_was_never_trained_points_to_lesson_03(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_JOURNEY_MY_MODEL", str(tmp_path))
    with pytest.raises(CheckpointError, match="lesson 03"):
        load_mine()


@pytest.mark.parametrize("content", ["", "not json", "[]", "{}", '{"format": "other"}'])
def test_a_file_that_is_no_checkpoint(saved, content):
    (saved / "config.json").write_text(content)
    with pytest.raises(CheckpointError, match="format"):
        load_checkpoint(saved)


@pytest.mark.parametrize("part", ["weights", "tokenizer"])
def test_a_truncated_file_is_named_with_both_fingerprints(saved, part):
    path = next(saved.glob(f"{part}-*"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=rf"{part}-\w+\.\w+ is damaged: its SHA-256 is \w+…, expected \w+…"):
        load_checkpoint(saved)
    path.unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_checkpoint(saved)


def test_the_tokenizer_of_another_model_is_refused_with_both_fingerprints(saved, tokenizer):
    wanted = "0" * 64
    edited(saved, tokenizer_fingerprint=wanted)
    with pytest.raises(CheckpointError, match=rf"{tokenizer.fingerprint[:12]}.*{wanted[:12]}"):
        load_checkpoint(saved)


def test_another_architecture_is_named_beside_the_known_ones(saved):
    edited(saved, architecture="mamba")
    with pytest.raises(CheckpointError, match="'mamba', known are 'lstm'"):
        load_checkpoint(saved)


def test_weights_of_other_sizes_are_refused(saved):
    config = json.loads((saved / "config.json").read_text())
    edited(saved, model={**config["model"], "hidden_size": 13})
    with pytest.raises(CheckpointError, match="do not fit"):
        load_checkpoint(saved)


def test_a_config_without_its_parts_is_refused(saved):
    config = json.loads((saved / "config.json").read_text())
    del config["weights"]
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="lacks weights"):
        load_checkpoint(saved)


def test_a_model_is_saved_only_with_a_tokenizer_of_its_size(lstm, tmp_path):
    other = Tokenizer.train(["the cat sat on the mat"] * 3, 275)
    with pytest.raises(ValueError, match="275 ids, the model 400"):
        save_checkpoint(tmp_path, lstm, other)
    with pytest.raises(TypeError, match="Linear"):
        save_checkpoint(tmp_path, torch.nn.Linear(2, 2), other)


def test_the_shipped_checkpoint_loads_in_float64_and_is_small():
    model, tokenizer = load_shipped()
    assert model.embedding.weight.dtype == torch.float64
    assert model.vocab_size == tokenizer.vocab_size
    assert sum(path.stat().st_size for path in checkpoint.SHIPPED.iterdir()) < 8_000_000
    weights = next(checkpoint.SHIPPED.glob("weights-*"))
    assert all(tensor.dtype == torch.float32 for tensor in safetensors.torch.load_file(weights).values())
