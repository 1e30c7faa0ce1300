from __future__ import annotations

import re

import pytest
from fakes import SAMPLE_TEXTS
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tokenizer import Tokenizer

SCRIPTS = [
    "The cat sat.",
    "café naïve ½ ﬁ",
    "日本語 한국어",
    "Привет мир",
    "שלום עולם",
    "नमस्ते",
    "😉👩‍👧‍👦🇩🇪",
    "a\ufffdb",
    "tabs\tand\nlines",
    "▁literal▁",
    "<s></s><0xC3>",
]


def streamed(tokenizer, ids):
    stream = tokenizer.text_stream()
    return "".join(stream.feed(i) for i in ids) + stream.finish()


@settings(max_examples=400)
@given(st.data())
def test_streamed_text_equals_whole_decode_on_random_ids(tokenizer, data):
    bytes_ = [i for i in range(tokenizer.vocab_size) if tokenizer.is_byte(i)]
    one = st.one_of(st.integers(0, tokenizer.vocab_size - 1), st.sampled_from(bytes_), st.integers(0, 3))
    ids = data.draw(st.lists(one, max_size=25))
    assert streamed(tokenizer, ids) == tokenizer.decode(ids)


@pytest.mark.parametrize("text", SCRIPTS)
def test_streamed_text_equals_whole_decode_in_every_script(tokenizer, text):
    ids = tokenizer.encode(text)
    assert streamed(tokenizer, ids) == tokenizer.decode(ids)


@given(st.text(st.characters(blacklist_categories=["Cs"]), max_size=40))
def test_decoding_what_was_encoded_gives_a_text_that_encodes_alike(tokenizer, text):
    once = tokenizer.decode(tokenizer.encode(text))
    assert tokenizer.decode(tokenizer.encode(once)) == once


def test_a_character_is_shown_when_its_last_byte_arrives(tokenizer):
    stream = tokenizer.text_stream()
    parts = [stream.feed(i) for i in tokenizer.encode("é€")]
    assert "".join(parts) == "é€"
    assert all("\ufffd" not in part for part in parts)


def test_a_real_replacement_character_does_not_stall_the_stream(tokenizer):
    stream = tokenizer.text_stream()
    assert "\ufffd" in "".join(stream.feed(i) for i in tokenizer.encode("a \ufffd"))


def test_prompt_starts_with_bos_and_is_never_empty(tokenizer):
    assert tokenizer.encode_prompt("") == [tokenizer.bos_id]
    assert tokenizer.encode_prompt("   ") == [tokenizer.bos_id]
    assert tokenizer.encode_prompt("cat") == [tokenizer.bos_id, *tokenizer.encode("cat")]


def test_typed_special_pieces_are_ordinary_text(tokenizer):
    assert not {tokenizer.bos_id, tokenizer.eos_id} & set(tokenizer.encode("<s>cat</s>"))


def test_special_ids(tokenizer):
    assert (tokenizer.pad_id, tokenizer.unk_id, tokenizer.bos_id, tokenizer.eos_id) == (0, 1, 2, 3)
    assert tokenizer.eos_ids == {3}
    assert tokenizer.suppressed_ids == {0, 1, 2}
    assert tokenizer.decode([2, 3, 0]) == ""


def test_byte_pieces_are_recognised_by_kind_not_by_place(tokenizer):
    assert sum(tokenizer.is_byte(i) for i in range(tokenizer.vocab_size)) == 256
    assert not tokenizer.is_byte(tokenizer.encode("cat")[0])


def test_saved_and_loaded_it_is_the_same(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "t.model")
    again = Tokenizer.load(tmp_path / "t.model")
    assert again.fingerprint == tokenizer.fingerprint
    assert again.encode("the fox") == tokenizer.encode("the fox")


def test_training_twice_gives_the_same_pieces():
    assert Tokenizer.train(SAMPLE_TEXTS, 380).fingerprint == Tokenizer.train(SAMPLE_TEXTS, 380).fingerprint


def test_too_many_pieces_for_the_text_says_what_to_choose():
    with pytest.raises(ValueError, match=r"vocab_size 64000 is too large .* at most \d+ .* or fewer"):
        Tokenizer.train(["One short line.", "And another.", "And a third."], 64_000)


def test_too_few_pieces_for_the_scripts_says_what_to_choose():
    many_characters = "".join(map(chr, range(0x4E00, 0x5300)))
    with pytest.raises(ValueError, match=r"vocab_size 300 is too small .* Ask for \d+ or more") as caught:
        Tokenizer.train([many_characters], 300)
    fewest = int(re.search(r"(\d+) or more", str(caught.value))[1])
    assert Tokenizer.train([many_characters], fewest).vocab_size == fewest


@pytest.mark.parametrize("size", [1, 3, 259, 2**31, 2**40])
def test_a_size_that_no_text_allows_is_named_with_the_range(size):
    with pytest.raises(ValueError, match=f"vocab_size is {size}: give a whole number from 260 .* to 1,000,000"):
        Tokenizer.train(SAMPLE_TEXTS, size)


@pytest.mark.parametrize("more", ["▅ ", " " * (1 << 24)], ids=["unknown sign", "16 MiB"])
def test_no_text_is_left_out_of_training(more):
    tokenizer = Tokenizer.train(["aa" + more + "qq", "xyz"], 268)
    assert set("aqxyz") <= {tokenizer.piece(i) for i in range(tokenizer.vocab_size)}


def test_the_sign_of_an_unknown_piece_is_text_like_any_other(tokenizer):
    assert tokenizer.decode(tokenizer.encode("25 ▅ 50")) == "25 ▅ 50"


@pytest.mark.parametrize(
    ("text", "back"), [("  two  spaces ", "two spaces"), ("a▁b", "a b"), ("½\u00a0ﬁ", "1⁄2 fi"), ("\ta\n b", "\ta\n b")]
)
def test_ids_give_a_text_back_in_nfkc_with_single_spaces(tokenizer, text, back):
    assert tokenizer.decode(tokenizer.encode(text)) == back


@pytest.mark.parametrize("texts", [[], [""], ["  ", "\n"], ["▁", "▅"]])
def test_no_text_to_learn_from(texts):
    with pytest.raises(ValueError, match="no text|texts is empty"):
        Tokenizer.train(texts, 300)


def test_a_single_str_is_not_a_list_of_letters():
    with pytest.raises(TypeError, match=r"list of texts, such as \[text\]"):
        Tokenizer.train("the cat sat on the mat", 268)


@pytest.mark.parametrize(("size", "kind"), [(0, ValueError), (-5, ValueError), ("600", TypeError), (2.5, TypeError)])
def test_vocab_size_must_be_a_whole_number(size, kind):
    with pytest.raises(kind, match="vocab_size"):
        Tokenizer.train(SAMPLE_TEXTS, size)


def test_lone_surrogate_is_named_with_its_place(tokenizer):
    with pytest.raises(ValueError, match="character 3 is a lone surrogate"):
        tokenizer.encode_prompt("abc\ud83dd")


@pytest.mark.parametrize("text", [None, 5, b"bytes"])
def test_a_text_is_a_str(tokenizer, text):
    with pytest.raises(TypeError, match="str"):
        tokenizer.encode(text)


@pytest.mark.parametrize(
    ("token_id", "kind"), [(-1, ValueError), (400, ValueError), ("3", TypeError), (1.0, TypeError)]
)
def test_ids_outside_the_vocabulary_are_refused(tokenizer, token_id, kind):
    with pytest.raises(kind, match="token id"):
        tokenizer.decode([token_id])
    with pytest.raises(kind, match="token id"):
        tokenizer.piece(token_id)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path):
    (tmp_path / "x.model").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"x\.model: not a SentencePiece model"):
        Tokenizer.load(tmp_path / "x.model")
