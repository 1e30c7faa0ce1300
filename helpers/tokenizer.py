"""Text to token ids and back: a SentencePiece BPE tokenizer, and a stream that turns ids into text one by one."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import sentencepiece as spm

PAD, UNK, BOS, EOS = range(4)
SPACE = "\u2581"  # SentencePiece writes a space as this block, so that pieces can be printed and joined
UNKNOWN_SIGN = "\u2585"  # SentencePiece writes an unknown piece as this block, and learns nothing from a text with it
LONGEST = 1 << 24  # bytes; SentencePiece learns nothing from a longer text
LARGEST = 2**31 - 1  # SentencePiece's numbers end here


class Tokenizer:
    """A trained BPE vocabulary with byte fallback: every text has ids, and its ids give it back, but for its spaces.

    What comes back is in NFKC; several spaces are one, those at either end are gone, and a '▁' is a space.
    """

    def __init__(self, model: bytes) -> None:
        """Wrap a serialised SentencePiece model; ValueError if the bytes are not one, or lack the four specials."""
        processor = spm.SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(model)
        except (RuntimeError, TypeError) as error:
            raise ValueError("not a SentencePiece model: give the bytes that Tokenizer.save wrote") from error
        specials = (processor.pad_id(), processor.unk_id(), processor.bos_id(), processor.eos_id())
        if specials != (PAD, UNK, BOS, EOS):
            raise ValueError(
                f"pad, unk, bos, eos have the ids {specials}, not (0, 1, 2, 3): train with Tokenizer.train"
            )
        self._model, self._processor = model, processor
        self._pieces = [processor.IdToPiece(token_id) for token_id in range(processor.GetPieceSize())]
        self._control = frozenset(i for i in range(len(self._pieces)) if processor.IsControl(i))
        self._byte_values = {i: int(p[3:5], 16) for i, p in enumerate(self._pieces) if processor.IsByte(i)}

    # ------------------------------------------------------------------------------------------------ make, load, save

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int = 1600) -> Tokenizer:
        """Learn a BPE vocabulary of `vocab_size` pieces (4 specials, 256 bytes, characters, merges) from texts.

        ValueError says what sizes the texts allow when `vocab_size` is too large or too small for them.
        """
        _check_vocab_size(vocab_size)
        if isinstance(texts, str):
            raise TypeError("texts is one str: give a list of texts, such as [text]")
        texts = [part for text in texts for part in _learnable(_check_text(text))]
        if not any(text.strip() for text in texts):
            raise ValueError("no text to learn pieces from: give one or more texts that are not blank")
        model = io.BytesIO()
        try:
            spm.SentencePieceTrainer.Train(
                sentence_iterator=iter(texts),
                model_writer=model,
                vocab_size=vocab_size,
                model_type="bpe",
                byte_fallback=True,
                normalization_rule_name="nfkc",
                character_coverage=1.0,
                pad_id=PAD,
                unk_id=UNK,
                bos_id=BOS,
                eos_id=EOS,
                num_threads=1,
                minloglevel=2,
                max_sentence_length=LONGEST,
            )
        except RuntimeError as error:
            raise ValueError(_plain_words(str(error), vocab_size)) from None
        return cls(model.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike) -> Tokenizer:
        """Read a tokenizer that `save` wrote; FileNotFoundError or ValueError names the path."""
        try:
            return cls(Path(path).read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Write the serialised model to `path`."""
        Path(path).write_bytes(self.to_bytes())

    def to_bytes(self) -> bytes:
        """The serialised SentencePiece model."""
        return self._model

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the pieces in id order: equal for two tokenizers exactly when ids mean the same pieces."""
        return hashlib.sha256("\n".join(self._pieces).encode()).hexdigest()

    # ------------------------------------------------------------------------------------------------ what ids mean

    vocab_size = property(lambda self: len(self._pieces), doc="V, the number of ids: 0 … V - 1.")
    pad_id = property(lambda self: PAD, doc="Fills short texts in a batch.")
    unk_id = property(lambda self: UNK, doc="Unknown piece; never produced, since bytes cover everything.")
    bos_id = property(lambda self: BOS, doc="Begin of text.")
    eos_id = property(lambda self: EOS, doc="End of text.")
    eos_ids = property(lambda self: frozenset({EOS}), doc="The ids that end a text.")
    suppressed_ids = property(lambda self: frozenset({PAD, UNK, BOS}), doc="The ids that are never sampled.")

    def piece(self, token_id: int) -> str:
        """The piece of an id as the vocabulary writes it, e.g. '▁cat' or '<0xC3>'."""
        return self._pieces[self._check_id(token_id)]

    def is_byte(self, token_id: int) -> bool:
        """Is this one of the 256 pieces that stand for a single byte?"""
        return self._check_id(token_id) in self._byte_values

    def _check_id(self, token_id: int) -> int:
        if isinstance(token_id, bool) or not hasattr(token_id, "__index__"):
            raise TypeError(f"token id {token_id!r} is not a whole number")
        if not 0 <= token_id < len(self._pieces):
            raise ValueError(f"token id {token_id} is outside 0 … {len(self._pieces) - 1}, the ids of this tokenizer")
        return token_id.__index__()

    # ------------------------------------------------------------------------------------------------ text <-> ids

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special ids; ValueError for a lone surrogate."""
        return self._processor.EncodeAsIds(_check_text(text))

    def encode_prompt(self, text: str) -> list[int]:
        """bos + the ids of a text: never empty, so that a model always has something to read."""
        return [BOS, *self.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids taken together; special ids say nothing."""
        return self._processor.DecodeIds([self._check_id(token_id) for token_id in ids])

    def text_stream(self) -> TextStream:
        """A fresh stream that turns ids into text one by one."""
        return TextStream(self)


class TextStream:
    """Ids in, text out, one id at a time; the parts joined equal `decode` of all the ids.

    Decoding id by id on its own loses spaces and breaks characters that take several bytes (é, 日, 😉). The stream
    keeps the bytes of an unfinished character until the rest arrives, or until it is clear that it never will.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # surrogateescape marks every bad byte on its own, as SentencePiece does; "replace" would merge several into one
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._at_start = True

    def feed(self, token_id: int) -> str:
        """The text that this id completes; '' while a character is unfinished."""
        if self._tokenizer.is_byte(token_id):
            self._at_start = False
            return _mark_bad_bytes(self._decoder.decode(bytes([self._tokenizer._byte_values[token_id]])))
        if token_id in self._tokenizer._control:
            return self._flush()
        if token_id == UNK:
            text = " \u2047 "  # how SentencePiece writes it
        else:
            text = self._tokenizer.piece(token_id).replace(SPACE, " ")
            text = text.removeprefix(" ") if self._at_start else text
        self._at_start = self._at_start and not text  # a lone space piece at the start leaves nothing
        return self._flush() + text

    def finish(self) -> str:
        """What is left of an unfinished character, one U+FFFD a byte."""
        return self._flush()

    def _flush(self) -> str:
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return _mark_bad_bytes(rest)


def _mark_bad_bytes(text: str) -> str:
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _check_text(text: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"a text is a str, not {type(text).__name__}: {text!r:.60}")
    if lone := re.search("[\ud800-\udfff]", text):
        raise ValueError(
            f"character {lone.start()} is a lone surrogate ({lone[0]!r}), half of a character that UTF-8 cannot hold: "
            "remove it, or read the text with errors='replace'"
        )
    return text


def _learnable(text: str) -> list[str]:
    """The text in parts that SentencePiece does not skip: none too long, none with the blocks it keeps for itself."""
    text = text.replace(SPACE, " ").replace(UNKNOWN_SIGN, " ")
    most = LONGEST // 4  # characters; one takes up to 4 bytes
    return [text[start : start + most] for start in range(0, len(text), most)]


def _check_vocab_size(value: int) -> None:
    wanted = f"vocab_size is {value!r}: give a whole number from 260 (4 specials, 256 bytes) to {LARGEST}, such as 1600"
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(wanted)
    if not 260 <= value <= LARGEST:
        raise ValueError(wanted)


def _plain_words(message: str, vocab_size: int) -> str:
    """SentencePiece's complaint about a vocabulary size, with the size that would work."""
    if too_high := re.search(r"value <= (\d+)", message):
        return (
            f"vocab_size {vocab_size} is too large for this text: its words yield at most {too_high[1]} pieces. "
            f"Ask for {too_high[1]} or fewer, or give more text."
        )
    if too_low := re.search(r"required_chars\D*\d+ vs (\d+)", message):
        return (
            f"vocab_size {vocab_size} is too small for this text: its characters, the 256 bytes and the special ids "
            f"alone take {too_low[1]}. Ask for {too_low[1]} or more."
        )
    return f"SentencePiece cannot learn {vocab_size} pieces from this text: {message.strip().splitlines()[-1]}"
