"""What README and data/README.md claim of the trained model that comes with the lessons."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from coherence import count_faults, sample

from helpers.corpus import DATA, load_corpus, text_bytes
from helpers.models.checkpoint import load_checkpoint, load_shipped, load_shipped_transformer, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.sampling import SamplingSettings
from helpers.training import bits_of
from helpers.training.baselines import KneserNey

sys.path.insert(0, str(DATA))
import make_checkpoint
from make_stories import load_grammar, make_stories

CLASSES = {
    "animals": "cat dog rabbit fox bear owl",
    "toys": "ball kite boat drum doll book",
    "colours": "red blue white yellow pink green",
    "places": "park garden forest meadow market village farm harbour",
    "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "tools": "hammer broom brush needle bucket rake wrench towel",
    "science": "quantum atomic magnetic electric nuclear optical thermal chemical",
    "particles": "electron proton neutron photon atom molecule magnet crystal",
    "spices": "salt pepper butter garlic cream basil lemon cheese",
}


@pytest.fixture(scope="module")
def shipped():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_shipped()
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def cosines(shipped):
    """Words, their classes, and the cosine of each word's embedding row with every other's (N, N)."""
    model, tokenizer = shipped
    words = [(word, name) for name, group in CLASSES.items() for word in group.split()]
    ids = [token_id for word, _ in words for token_id in tokenizer.encode(word)]
    assert len(ids) == len(words)  # each of them is one piece
    rows = model.embed(ids)
    directions = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return [word for word, _ in words], [name for _, name in words], directions @ directions.T


def test_fresh_documents_cost_hardly_more_than_the_floor_and_far_less_than_counting(shipped):
    model, tokenizer = shipped
    stories = list(make_stories(1_000, 400))
    texts = [story.text for story in stories]
    bits, floor = bits_of(model, tokenizer, texts).sum(), sum(story.bits for story in stories)
    assert 0.99 * floor < bits <= 1.06 * floor
    five_gram = KneserNey(tokenizer, load_corpus().train).bits_per_byte(texts)
    assert bits / text_bytes(texts) < 0.8 * five_gram


def test_five_nearest_words_are_of_the_same_class(cosines):
    words, names, likeness = cosines
    np.fill_diagonal(likeness := likeness.copy(), -9)
    five = np.argsort(-likeness, axis=1)[:, :5]
    purity = np.mean([names[j] == names[i] for i in range(len(words)) for j in five[i]])
    assert purity >= 0.9


def test_cat_is_near_dog_and_far_from_quantum(cosines):
    words, _, likeness = cosines
    cat, dog, quantum = (words.index(word) for word in ("cat", "dog", "quantum"))
    assert likeness[cat, dog] > likeness[cat, quantum] + 0.3


def test_quantums_five_nearest_of_all_used_ids_are_science_words(shipped):
    model, tokenizer = shipped
    used = sorted({i for text in load_corpus().train for i in tokenizer.encode(text)})
    rows = model.embed(used)
    [quantum] = tokenizer.encode("quantum")
    likeness = rows @ model.embed([quantum])[0] / np.linalg.norm(rows, axis=1)
    best = [tokenizer.piece(used[i]).strip("▁") for i in np.argsort(-likeness)[:6]]
    assert best[0] == "quantum"
    assert set(best[1:]) < set(CLASSES["science"].split())


def test_its_stories_hold_together_and_end(shipped):
    texts, ended = sample(*shipped, SamplingSettings(0.8, top_p=0.9), count=80)
    counted = count_faults(texts, load_grammar(), load_corpus().train)
    assert ended == 1.0
    assert float(counted["in the language (one wrong word = no)"].rstrip("%")) >= 85
    assert counted["found but never lost"].startswith("0 of ")
    assert counted["copies of training texts"].startswith("0 of ")


def test_the_transformer_is_as_near_to_the_floor_and_its_stories_hold_together():
    model, tokenizer = load_shipped_transformer()
    stories = list(make_stories(1_000, 200))
    ratio = bits_of(model, tokenizer, [story.text for story in stories]).sum() / sum(story.bits for story in stories)
    assert 0.99 < ratio <= 1.04
    texts, ended = sample(model, tokenizer, SamplingSettings(0.8, top_p=0.9), count=60)
    counted = count_faults(texts, load_grammar(), load_corpus().train)
    assert ended >= 0.98
    assert float(counted["in the language (one wrong word = no)"].rstrip("%")) >= 85
    assert counted["found but never lost"].startswith("0 of ")


def test_true_texts_have_no_faults():
    counted = count_faults([story.text for story in make_stories(1_002, 300)], load_grammar(), load_corpus().train)
    assert all(value.startswith("0 of ") for name, value in counted.items() if " of " in value), counted


def test_faults_are_counted():
    wrong = (
        "One day, Mia took her old red ball to the park. Now the red ball was gone, and Nora was very sad. "
        "The cat found the blue kite in a well and gave it back to Mia. Mia told his mother. "
        "Now, Mia was not bored any more, but happy."
    )
    counted = count_faults([wrong], load_grammar(), [wrong])
    assert counted["heroes per story"] == "2.000"
    assert counted["found but never lost"] == "1 of 1"
    assert counted["found in another colour, or another toy"] == "1 of 1"
    assert counted["mood that was not felt before"] == "1 of 1"
    assert counted["wrong pronoun"] == "1 of 1"
    assert counted["copies of training texts"] == "1 of 1"


def command_for(folder: Path, updates: int, model: str = "lstm") -> list[str]:
    command = [sys.executable, str(DATA / "make_checkpoint.py"), "--model", model]
    return [*command, "--updates", str(updates), "--out", str(folder)]


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_making_the_checkpoint_twice_gives_the_same_bytes(tmp_path, model):
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        subprocess.run(command_for(folder, 4, model), check=True, capture_output=True)
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--updates", "0", "--out", "trial"], "--updates 0: ask for 1 or more"),
        (["--updates", "-5", "--out", "trial"], "--updates -5: ask for 1 or more"),
        (["--updates", "4"], "would replace the model of the lessons: name another folder with --out"),
    ],
)
def test_a_trial_run_trains_as_asked_and_leaves_the_lessons_model_alone(monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(make_checkpoint, "train", None)
    monkeypatch.setattr(sys, "argv", ["make_checkpoint.py", *arguments])
    with pytest.raises(SystemExit):
        make_checkpoint.main()
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("place", ["file", "file/folder", "closed"])
def test_a_folder_that_cannot_be_written_is_named_before_anything_is_trained(monkeypatch, capsys, tmp_path, place):
    def refuse(*arguments, **options):  # root may write anywhere, so the system's answer is played
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").write_text("in the way")
    if place == "closed":
        monkeypatch.setattr(make_checkpoint.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(make_checkpoint, "load_corpus", None)
    monkeypatch.setattr(sys, "argv", ["make_checkpoint.py", "--updates", "4", "--out", str(tmp_path / place)])
    with pytest.raises(SystemExit):
        make_checkpoint.main()
    message = " ".join(capsys.readouterr().err.split())
    assert f"--out {tmp_path / place}: " in message
    assert "name a folder that you may write to" in message


def test_interrupted_half_way_it_leaves_the_old_checkpoint_whole(tmp_path, tokenizer):
    old = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 4, 4), seed=5)
    save_checkpoint(tmp_path, old, tokenizer)
    run = subprocess.Popen(command_for(tmp_path, 3_000), stdout=subprocess.PIPE, text=True)
    assert "update 1 of 3,000" in run.stdout.readline()
    time.sleep(0.2)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=300)
    model, _ = load_checkpoint(tmp_path)
    assert torch.allclose(model.embedding.weight, old.embedding.weight)
