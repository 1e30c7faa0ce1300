"""A journey as one HTML file: what stands in it, what it refuses to overwrite, and the one that is committed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeModel, WithoutEnd
from test_inside import lstm, transformer

from helpers.window import page
from helpers.window.explorer import Explorer

PROJECT = Path(__file__).resolve().parent.parent
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e-?\d+)?")


@pytest.fixture
def explorer(tokenizer, endless):
    explorer = Explorer({"small": (lstm(tokenizer.vocab_size), endless)}, prompt="the cat sat", seed=1)
    explorer.run(12)
    return explorer


def recorded(text):
    """The recording within a page, each buffer an array: what journey.js makes of it."""
    packed = re.search(r'<script type="text/plain" id="journey">(.*?)</script>', text, re.S)[1]
    whole = gzip.decompress(base64.b64decode(packed))
    end = 4 + int.from_bytes(whole[:4], "little")
    recording = json.loads(whole[4:end])
    for part in [recording["text"], *recording["steps"], *recording["reads"]]:
        for number, (kind, size) in enumerate(part[1]):
            content, end = whole[end : end + size], end + size
            part[1][number] = unblocked(content) if kind == "blocks" else np.frombuffer(content, np.uint8)
    assert end == len(whole)
    return recording


def unblocked(content):
    rows = np.frombuffer(content, np.uint8).reshape(-1, 36)
    return (rows[:, :4].copy().view("<f4") * rows[:, 4:].view(np.int8)).ravel()


def test_a_page_holds_the_whole_journey(explorer, tmp_path):
    path = explorer.save_page(tmp_path / "journey.html")
    generation, recording = explorer.generation, recorded(path.read_text(encoding="utf-8"))
    text, [rows, cells, _gates] = recording["text"]
    assert [token["id"] for token in text["tokens"]] == [token.token_id for token in generation.tokens]
    np.testing.assert_allclose(
        rows.view(np.float32).reshape(len(generation.tokens), -1),
        [token.embedding for token in generation.tokens],
        rtol=1e-6,
    )
    memories = generation.memories(0, len(generation.tokens) - 1)
    np.testing.assert_allclose(
        cells.view(np.int16).reshape(len(memories), -1) / 32767 * text["memory"]["largest"],
        [memory.cell for memory in memories],
        atol=1e-4,
    )
    assert len(recording["steps"]) == 13
    assert len(recording["reads"]) == len(generation.tokens) - 13
    begin = len(generation.tokens) - 13
    for number, step in enumerate(generation.steps, start=1):
        told, (vectors, *_) = recording["steps"][number]
        assert told["status"][0] == f"step {number} of 12"
        assert "temperature 0.8 · top-p 0.9" in told["status"][1]
        assert told["inside"]["place"] == step.input.position == begin + number - 1
        inside = np.concatenate([stage.vector for stage in generation.inside(step.index).stages])
        np.testing.assert_allclose(vectors[: len(inside)], inside, atol=np.abs(inside).max() / 254 + 1e-6)
    for place, (told, _) in enumerate(recording["reads"]):
        assert told["read"]["place"] == told["inside"]["place"] == place
        assert told["read"]["step"]["by"] == "prompt"


def test_numbers_in_blocks_keep_two_digits():
    values = np.random.default_rng(0).normal(size=150).astype(np.float32) * np.geomspace(1e-6, 1e6, 150)
    values[40:70] = 0
    found = unblocked(page.blocks(values))[:150]
    for begin in range(0, 150, 32):
        block = slice(begin, begin + 32)
        np.testing.assert_allclose(found[block], values[block], atol=np.abs(values[block]).max() / 254 * 1.01)
    assert np.isfinite(unblocked(page.blocks(np.array([np.nan, np.inf, 1], np.float32)))).all()


def test_a_page_is_the_same_twice_and_replaces_the_one_before(explorer, tmp_path):
    path = tmp_path / "journey.html"
    first = explorer.save_page(path).read_bytes()
    assert explorer.save_page(str(path)) == path
    assert path.read_bytes() == first
    assert [each.name for each in tmp_path.iterdir()] == ["journey.html"]


def test_nothing_but_its_own_script_and_style_may_act_in_a_page(explorer, tmp_path):
    text = explorer.save_page(tmp_path / "journey.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    for part in ("style", "script"):
        [code] = re.findall(rf'<{part}(?: type="module")?>(.*?)</{part}>', text, re.S)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{part}-src 'sha256-{digest}'" in policy
        assert (PROJECT / "helpers/window" / {"style": "journey.css", "script": "journey.js"}[part]).read_text(
            encoding="utf-8"
        ) in code
    assert not re.search(r'\b(?:src|href)="|https?://(?!www\.w3\.org/2000/svg)', text)


def test_hostile_text_stays_text(endless, tmp_path):
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    explorer = Explorer({hostile: (FakeModel(400), endless)}, prompt=hostile, seed=1)
    explorer.run(2)
    text = explorer.save_page(tmp_path / "journey.html").read_text(encoding="utf-8")
    assert "alert" not in html.unescape(text).replace(hostile, "").replace(hostile, "")
    assert text.count("<script") == text.count("</script") == 2
    assert "<img" not in text


def test_a_closed_model_and_a_text_without_steps_can_be_saved(tokenizer, tmp_path):
    explorer = Explorer({"closed": (FakeModel(400), WithoutEnd(tokenizer))}, prompt="the cat", seed=1)
    empty = recorded(explorer.save_page(tmp_path / "empty.html").read_text(encoding="utf-8"))
    assert len(empty["steps"]) == 1
    explorer.run(3)
    recording = recorded(explorer.save_page(tmp_path / "closed.html").read_text(encoding="utf-8"))
    assert "does not say" in recording["steps"][2][0]["inside"]["why"]


def test_where_the_inside_of_all_would_be_too_much_the_newest_is_kept(tokenizer, endless, tmp_path, monkeypatch):
    explorer = Explorer({"small": (transformer(tokenizer.vocab_size), endless)}, prompt="the cat sat", seed=1)
    explorer.run(8)
    monkeypatch.setattr(page, "ROOM", 4_000)
    recording = recorded(explorer.save_page(tmp_path / "journey.html").read_text(encoding="utf-8"))
    kept = [part for part in recording["steps"] if "stages" in part[0].get("inside", {})]
    assert 0 < len(kept) < 8
    assert kept == recording["steps"][-len(kept) :]
    assert f"the newest {len(kept)} steps" in recording["steps"][1][0]["inside"]["why"]


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("journey.txt", ValueError, "does not end in .html: give a name such as journey.html"),
        ("journey", ValueError, "does not end in .html: give a name such as journey.html"),
        ("there/journey.html", FileNotFoundError, "there is no folder: make it first"),
        ("folder.html", IsADirectoryError, "is a folder: give the path of a file, such as"),
        ("other.html", FileExistsError, "is there, and no saved journey: give another name, or overwrite=True"),
        ("empty.html", FileExistsError, "or overwrite=True"),
        ("file/journey.html", FileNotFoundError, "file is no folder"),
    ],
)
def test_a_path_that_cannot_be_is_refused_in_one_sentence(explorer, tmp_path, name, kind, words):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "other.html").write_text("<p>mine</p>")
    for empty in ("empty.html", "file"):
        (tmp_path / empty).touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(kind, match=re.escape(words)) as caught:
        explorer.save_page(tmp_path / name)
    assert name.split("/")[0] in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "other.html").read_text() == "<p>mine</p>"


@pytest.mark.parametrize("path", [None, 3, "", "a" * 300 + ".html", "a\0.html"])
def test_what_is_no_path_is_refused(explorer, path):
    with pytest.raises((TypeError, ValueError), match="^path is "):
        explorer.save_page(path)


@pytest.mark.skipif(sys.platform != "linux", reason="a folder in which nobody may write: /proc of Linux")
def test_a_folder_in_which_nobody_may_write_is_named(explorer):
    with pytest.raises(OSError, match=r"/proc/journey.html cannot be written \(.*\): choose a folder that you may"):
        explorer.save_page("/proc/journey.html")


def test_another_file_is_replaced_only_if_that_is_asked_for(explorer, tmp_path):
    (tmp_path / "other.html").write_text("<p>mine</p>")
    explorer.save_page(tmp_path / "other.html", overwrite=True)
    assert page.MARK in (tmp_path / "other.html").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="overwrite is 1: give True or False"):
        explorer.save_page(tmp_path / "other.html", overwrite=1)


def test_a_long_story_fits(tmp_path):
    """200 tokens of the shipped LSTM (D 64), all of their insides included, in less than 500 KB."""
    from helpers.models.checkpoint import load_shipped

    model, tokenizer = load_shipped()
    explorer = Explorer({"shipped": (model, WithoutEnd(tokenizer))}, seed=3)
    explorer.run(195)
    assert len(explorer.generation.tokens) == 200
    path = explorer.save_page(tmp_path / "journey.html")
    assert path.stat().st_size < 500_000
    assert all("stages" in part[0]["inside"] for part in recorded(path.read_text(encoding="utf-8"))["steps"][1:])


def test_the_committed_page_is_what_make_pages_writes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(PROJECT / "docs")
    from make_pages import PAGE, story

    committed = PAGE.read_text(encoding="utf-8")
    fresh = story().save_page(tmp_path / "journey.html").read_text(encoding="utf-8")
    assert shell(committed) == shell(fresh), "run make pages"
    same(recorded(committed), recorded(fresh))


def shell(text):
    return re.sub(r'(id="journey">).*?(</script>)', r"\1\2", text, flags=re.S)


def same(one, other):
    """Equal but for the last digits, which differ from CPU to CPU; in a sentence, too."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            same(one[name], other[name])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for each, its in zip(one, other, strict=True):
            same(each, its)
    elif isinstance(one, str):
        assert NUMBER.sub("#", one) == NUMBER.sub("#", other)
        figures = [[float(figure) for figure in NUMBER.findall(text)] for text in (one, other)]
        np.testing.assert_allclose(*figures, rtol=1e-3, atol=0.11)
    elif one is None:
        assert other is None
    elif isinstance(one, np.ndarray) and one.dtype == np.uint8:
        assert one.size == other.size
        if one.size % 4 == 0:
            np.testing.assert_allclose(one.view("<f4"), other.view("<f4"), rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=0.05)
