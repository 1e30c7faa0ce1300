from __future__ import annotations

import hashlib
import json
import re
import sys

import pytest

from helpers.corpus import DATA, load_corpus, text_bytes

sys.path.insert(0, str(DATA))
from make_stories import GrammarError, load_grammar, main, make_stories

# What data/README.md says of each file: seed, documents.
FILES = {"train": (1, 5000), "validation": (2, 500)}


@pytest.fixture(scope="module")
def grammar():
    return load_grammar()


@pytest.mark.parametrize("part", FILES)
def test_the_bundled_corpus_is_the_generators_output_bit_for_bit(part, tmp_path):
    seed, documents = FILES[part]
    main(["--seed", str(seed), "--documents", str(documents), "--out", str(tmp_path / "again.jsonl")])
    again = (tmp_path / "again.jsonl").read_bytes()
    assert again == (DATA / f"stories-{part}.jsonl").read_bytes()
    assert hashlib.sha256(again).hexdigest() in (DATA / "README.md").read_text(encoding="utf-8")


def test_every_text_has_one_derivation_and_its_bits_are_exact(grammar):
    for story in make_stories(3, 1500, grammar):
        [found] = grammar.derivations(story.text)
        assert found.bits == pytest.approx(story.bits, abs=1e-9)
        assert found.kind == story.kind


def test_words_in_the_wrong_place_are_not_accepted(grammar):
    story = next(s for s in make_stories(4, 100, grammar) if s.kind == "lost" and "Mia" in s.text)
    assert grammar.accepts(story.text)
    assert not grammar.accepts(story.text.replace("Mia", "Tom", 1))
    assert not grammar.accepts(story.text[:-1])
    assert not grammar.accepts(story.text + " The end.")
    assert not grammar.accepts("")


def test_hero_and_pronoun_agree_and_what_is_lost_is_found_or_there_is_a_new_one(grammar):
    wrong = {"Mia": "he|him|his", "Nora": "he|him|his", "Tom": "she|her", "Leo": "she|her"}
    for story in make_stories(5, 500, grammar):
        heroes = [hero for hero in wrong if hero in story.text]
        assert len(heroes) <= 1
        if heroes:
            assert not re.search(rf"\b({wrong[heroes[0]]})\b", story.text, re.IGNORECASE)
        if story.kind == "lost":
            assert ", but lost it " in story.text or ", but dropped it " in story.text
            assert " found the " in story.text or re.search(r" came with a \w+ \w+ \w+ and gave it to ", story.text)


def test_the_floor_lies_where_texts_are_neither_dull_nor_noise():
    corpus = load_corpus()
    assert 0.15 <= corpus.floor_bits_per_byte <= 0.30
    assert 1_000_000 < text_bytes(corpus.train + corpus.validation) < 2_000_000
    assert not set(corpus.train) & set(corpus.validation)


def test_weights_decide_how_often_each_alternative_is_told(tmp_path):
    (tmp_path / "g").write_text("[words x: it]\n2.5*a\n1.5*b\n[text t 1]\n{~one|two|three} <x>.\n?20% {9*Yes|No}.\n")
    grammar = load_grammar(tmp_path / "g")
    expected = {"one": 6 / 11, "two": 3 / 11, "three": 2 / 11, "a": 2.5 / 4, "b": 1.5 / 4, "Yes": 0.18, "No": 0.02}
    stories = list(make_stories(0, 20_000, grammar))
    for word, share in expected.items():
        assert sum(word in re.findall(r"\w+", story.text) for story in stories) / 20_000 == pytest.approx(
            share, abs=0.015
        )
    [found] = grammar.derivations("two b. No.")
    assert 2**-found.bits == pytest.approx(3 / 11 * 1.5 / 4 * 0.2 * 0.1)


def test_a_second_draw_keeps_the_weights_of_the_rows_that_are_left(tmp_path):
    (tmp_path / "g").write_text("[words x: ~ it]\na\nb\nc\n[words y = x but not x]\n[text t 1]\n<x> <y> <y>\n")
    grammar = load_grammar(tmp_path / "g")
    [found] = grammar.derivations("b a a")
    assert 2**-found.bits == pytest.approx(3 / 11 * 1 / (1 + 1 / 3))
    assert not grammar.accepts("b b b")
    stories = list(make_stories(0, 500, grammar))
    assert all(grammar.derivations(story.text)[0].bits == pytest.approx(story.bits) for story in stories)


def test_bits_are_the_entropy_of_a_small_grammar(tmp_path):
    (tmp_path / "g").write_text("[words x: it]\na\nb\nc\nd\n[text only 1]\n<x> {<x>|3*no}.\n?Yes.\n")
    grammar = load_grammar(tmp_path / "g")
    [found] = grammar.derivations("a a. Yes.")
    assert found.bits == pytest.approx(2 + 2 + 1)
    [found] = grammar.derivations("c no.")
    assert found.bits == pytest.approx(2 + 0.4150375 + 1)
    assert not grammar.accepts("a b.")


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("[text t 1]\n<who> ran.", r"^line 2, \[text t 1\]: <who> has no \[words who\]: write that section"),
        (
            "[words a: it]\nx\n[text t 1]\n<a.size> ran.",
            r"^line 4, \[text t 1\]: <a.size>: \[words a\] has no column 'size': choose one of it",
        ),
        ("[text t 1]\n@nowhere", r"^line 2, \[text t 1\]: no \[phrase nowhere\]: write that section"),
        ("[text t 1]\n{a|b", r"^line 2, \[text t 1\]: .* bracket in '{a\|b': close what you open"),
        ("[text t 1]\n}a{", r"^line 2, \[text t 1\]: "),
        ("[text t 1]\nOne.\n{a|b\nTwo.}", r"^line 3, \[text t 1\]: .* in the same line"),
        (
            "[words a: it, that]\nonly one\n[text t 1]\nx",
            r"^line 2, \[words a: it, that\]: 'only one' has 1 cells .* it, that: give it 2",
        ),
        ("[poem]\nx", r"^line 1, \[poem\]: .* starts with words, phrase or text"),
        ("[text p 50]\nA.\n[text p 50]\nB.", r"\[text p 50\]: a section named p comes before it: choose another"),
        ("[words a: it]\nx\n[words a: it]\ny", r"\[words a: it\]: a section named a"),
        (
            "[text p 5]\nA dog | a cat ran.",
            r"^line 2, \[text p 5\]: a \| outside of .* in 'A dog \| a cat ran\.': write {a\|b}",
        ),
        ("[phrase a]\nx | y\n[text p 5]\n@a", r"\[phrase a\]: a \| outside"),
        ("[text p 5]\nA dog } ran { home.", r"\[text p 5\]: a } before its {"),
        ("[text p 5]\n?Maybe.\nThen.", r"\[text p 5\]: '\?Maybe\.': .* take its '\?' away"),
        ("[phrase a]\n?x\n[text p 5]\n@a", r"^line 2, \[phrase a\]: '\?x': .* take its '\?' away"),
        ("[text picnic]\nHi.", r"\[text picnic\]: .* write it like .*\[text picnic 5\]"),
        ("[text p nan]\nHi.", r"\[text p nan\]: .* write it like"),
        ("[text p 0]\nHi.", r"\[text p 0\]: its share is 0: give a number above 0"),
        ("[text p " + "9" * 400 + "]\nHi.", "its share is 999"),
        ("[text p 5]\n", r"\[text p 5\]: it has no lines: write one"),
        ("[words a: it]\n[text p 5]\n<a>.", r"\[words a: it\]: it has no lines: write one"),
        ("[words a: it, it]\nx, y\n[text p 5]\n<a>.", r"\[words a: it, it\]: two columns .* choose another"),
        ("[text p 5]\nA.\n{0*a|b}", r"^line 3, \[text p 5\]: the weight 0\* .* above 0, such as 3\* or 2.5\*"),
        ("[text p 5]\n{a|-1*b}", r"\[text p 5\]: the weight -1\* in '{a\|-1\*b}': give a number above 0"),
        ("[text p 5]\n{nan*a|b}", r"the weight nan\* .* above 0"),
        ("[text p 5]\n{inf*a|b}", r"the weight inf\* .* above 0"),
        ("[text p 5]\n{1e3*a|b}", r"the weight 1e3\* .* above 0"),
        ("[text p 5]\n{abc*a|b}", r"the weight abc\* .* above 0"),
        ("[text p 5]\n{1,5*a|b}", r"the weight 1,5\* .* 2.5\*"),
        ("[text p 5]\n{*a|b}", r"the weight \* .* above 0"),
        ("[text p 5]\n{" + "9" * 400 + "*a|b}", "the weight 999"),
        ("[text p 5]\n{0." + "0" * 400 + "1*a|b}", "the weight 0.000"),
        ("[text p 5]\n{~a|2*b}", r"^line 2, \[text p 5\]: 2\* and ~ both weigh '2\*b': take one"),
        ("[phrase a]\n{0*x|y}\n[text p 5]\n@a", r"^line 2, \[phrase a\]: the weight 0\*"),
        ("[words a: it]\n3*x\n# no\n0*y\n[text p 5]\n<a>", r"^line 4, \[words a: it\]: the weight 0\* in '0\*y'"),
        ("[words a: it]\n-2*x\ny\n[text p 5]\n<a>", r"^line 2, \[words a: it\]: the weight -2\*"),
        ("[words a: it]\nnan*x\ny\n[text p 5]\n<a>", r"the weight nan\*"),
        ("[words a: it]\nabc*x\ny\n[text p 5]\n<a>", r"the weight abc\*"),
        ("[words a: ~ it]\nx\n2*y\n[text p 5]\n<a>", r"^line 3, \[words a: ~ it\]: 2\* and ~ both weigh"),
        ("[words a: it, an]\n2*x, y\n3*z\n[text p 5]\n<a>", r"^line 3, \[words a: it, an\]: '3\*z' has 1 cells"),
        ("[text p 5]\nA.\n?0% B.", r"^line 3, \[text p 5\]: '\?0% B.' is told 0 % .* from 0 to 100, such as \?30%"),
        ("[text p 5]\nA.\n?100% B.", "is told 100 %"),
        ("[text p 5]\nA.\n?nan% B.", "is told nan %"),
        ("[text p 5]\nA.\n?-5% B.", "is told -5 %"),
        ("[text p 5]\nA.\n?% B.", "is told  %"),
        ("[phrase a]\n@a\n[text p 5]\n@a", r"\[phrase a\]: @a would be inside itself"),
        ("[phrase a]\n{x|@b}\n[phrase b]\n@a\n[text p 5]\n@a", r"\[phrase b\]: @a would be inside itself"),
        ("[words b = a but not a]\n[text p 5]\n<b>", r"\[words b = a but not a\]: no \[words a: …\] comes before"),
        ("[words a: it]\nx\n[words b = a but not a]", r"\[words b = a but not a\]: a has 1 row.* 2 or more"),
        (
            "[words a: it]\nx\ny\n[words b = a but not a]\nz",
            r"^line 5, \[words b = a but not a\]: .* take its own away, .*'z'",
        ),
        ("\nHi.\n[text p 5]\nHo.", "^line 2: 'Hi.' stands before the first section: put it below"),
        ("# nothing\n", "has no text section: write one"),
    ],
)
def test_mistakes_in_a_grammar_are_named(tmp_path, source, match):
    (tmp_path / "g").write_text(source)
    with pytest.raises(GrammarError, match=match):
        load_grammar(tmp_path / "g")


def test_a_phrase_may_be_used_more_than_once(tmp_path):
    (tmp_path / "g").write_text("\ufeff[phrase a]\nx\n?y\n[phrase b]\n@a@a\n[text p 1]\n@b @a", encoding="utf-8")
    grammar = load_grammar(tmp_path / "g")
    assert grammar.accepts("xx x")
    assert grammar.accepts("x yx x y")


def test_the_command_refuses_to_write_nothing(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--seed", "1", "--documents", "0", "--out", str(tmp_path / "x")])
    assert "ask for 1 or more" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_mistake_in_the_grammar_leaves_the_file_that_was_there(tmp_path, monkeypatch):
    (tmp_path / "stories.jsonl").write_text("precious")
    (tmp_path / "g").write_text("[text p 1]\n<nobody>.")
    monkeypatch.setattr(load_grammar, "__defaults__", (tmp_path / "g",))
    with pytest.raises(GrammarError):
        main(["--seed", "1", "--documents", "2", "--out", str(tmp_path / "stories.jsonl")])
    assert (tmp_path / "stories.jsonl").read_text() == "precious"


def test_each_line_of_the_corpus_is_one_object_with_text_and_bits():
    with (DATA / "stories-validation.jsonl").open(encoding="utf-8") as file:
        assert set(json.loads(file.readline())) == {"text", "bits"}


# ------------------------------------------------------------------------------------------------ a file of one's own


def write(tmp_path, content):
    path = tmp_path / "mine.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_paragraphs_are_texts_and_every_tenth_is_held_out(tmp_path):
    corpus = load_corpus(write(tmp_path, "\ufeff" + "\r\n\r\n".join(f"Text\r\n{n}" for n in range(1, 31))))
    assert corpus.name == "mine"
    assert corpus.validation == ("Text 10", "Text 20", "Text 30")
    assert len(corpus.train) == 27
    assert corpus.train[0] == "Text 1"
    assert corpus.floor_bits_per_byte is None


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        (" \n\n ", "is empty"),
        ("only one line", r"holds 1 text\(s\), too few .* blank line"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not a text file"),
        ("naïve".encode("latin-1"), r"not UTF-8 \(byte 2 is 0xEF\)"),
        ("text".encode("utf-16"), "not"),
    ],
)
def test_unusable_files_are_named_with_a_remedy(tmp_path, content, match):
    path = write(tmp_path, content)
    with pytest.raises(ValueError, match=match) as caught:
        load_corpus(path)
    assert "mine.txt" in str(caught.value)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.txt does not exist"):
        load_corpus(tmp_path / "nothing.txt")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load_corpus(tmp_path)
