"""Text to token ids and back: a SentencePiece BPE tokenizer, and a stream that turns ids into text one by one."""

from __future__ import annotations

import codecs
import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence

import sentencepiece as spm

from helpers import checks
from helpers.records import SPACE

PAD, UNK, BOS, EOS = range(4)
UNKNOWN_SIGN = "\u2585"  # SentencePiece writes an unknown piece as this block, and learns nothing from a text with it
LONGEST = 1 << 24  # bytes; SentencePiece learns nothing from a longer text
SMALLEST, MOST_PIECES = 260, 10**6  # SentencePiece takes a minute to refuse a vocabulary that is far too large


class Tokenizer:
    """A trained BPE vocabulary with byte fallback: every text has ids, and its ids give it back, but for its spaces.

    What comes back is in NFKC; several spaces are one, those at either end are gone, and a '▁' is a space.
    """

    kind = "sentencepiece"  # what a checkpoint calls a tokenizer of this class

    def __init__(self, model: bytes) -> None:
        """Wrap a serialised SentencePiece model; ValueError if the bytes are not one, or lack the four specials."""
        processor = spm.SentencePieceProcessor()
        try:
            processor.LoadFromSerializedProto(model)
        except Exception as error:  # the library has a kind of its own for each
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
        vocab_size = _checked_vocab_size(vocab_size)
        texts = [part for text in checks.texts_of(texts) for part in _learnable(text)]
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
        path = checks.path_of("path", path)
        if not path.is_file():
            found = "is a folder" if path.is_dir() else "does not exist"
            raise FileNotFoundError(f"{path} {found}: save a tokenizer with Tokenizer.save, or check the path")
        try:
            return cls(path.read_bytes())
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def save(self, path: str | os.PathLike) -> None:
        """Write the serialised model to `path`; OSError says why it cannot be."""
        try:
            checks.path_of("path", path).write_bytes(self.to_bytes())
        except OSError as error:
            raise OSError(f"cannot write {path}: {error.strerror or error}. Choose a file you may write to.") from error

    def to_bytes(self) -> bytes:
        """The serialised SentencePiece model."""
        return self._model

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the pieces in id order: equal for two tokenizers exactly when ids mean the same pieces."""
        return hashlib.sha256("\n".join(self._pieces).encode()).hexdigest()

    # ------------------------------------------------------------------------------------------------ what ids mean

    pad_id: int = PAD  # fills short texts in a batch
    unk_id: int = UNK  # the unknown piece; never produced, since bytes cover everything
    bos_id: int = BOS  # begin of text
    eos_id: int = EOS  # end of text
    eos_ids: frozenset[int] = frozenset({EOS})  # the ids that end a text
    suppressed_ids: frozenset[int] = frozenset({PAD, UNK, BOS})  # the ids that are never sampled

    @property
    def vocab_size(self) -> int:
        """V, the number of ids: 0 … V - 1."""
        return len(self._pieces)

    def piece(self, token_id: int) -> str:
        """The piece of an id as the vocabulary writes it, e.g. '▁cat' or '<0xC3>'."""
        return self._pieces[self._check_id(token_id)]

    def is_byte(self, token_id: int) -> bool:
        """Is this one of the 256 pieces that stand for a single byte?"""
        return self._check_id(token_id) in self._byte_values

    def _check_id(self, token_id: int) -> int:
        return checks.token_id(token_id, len(self._pieces), "the ids of this tokenizer", "token id")

    # ------------------------------------------------------------------------------------------------ text <-> ids

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special ids; ValueError for a lone surrogate."""
        return self._processor.EncodeAsIds(checks.text_of("a text", text))

    def encode_prompt(self, text: str) -> list[int]:
        """bos + the ids of a text: never empty, so that a model always has something to read."""
        return [BOS, *self.encode(text)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids taken together; special ids say nothing. No ids are no text."""
        return self._processor.DecodeIds([self._check_id(token_id) for token_id in checks.listed("ids", ids)])

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


def _learnable(text: str) -> list[str]:
    """The text in parts that SentencePiece does not skip: none too long, none with the blocks it keeps for itself."""
    text = text.replace(SPACE, " ").replace(UNKNOWN_SIGN, " ")
    most = LONGEST // 4  # characters; one takes up to 4 bytes
    return [text[start : start + most] for start in range(0, len(text), most)]


def _checked_vocab_size(value: int) -> int:
    wanted = f"vocab_size is {checks.shown(value)}: give a whole number from {SMALLEST} (4 specials, 256 bytes) to "
    if not checks.is_whole(value):
        raise TypeError(f"{wanted}{MOST_PIECES:,}, such as 1600")
    if not SMALLEST <= value <= MOST_PIECES:
        raise ValueError(f"{wanted}{MOST_PIECES:,}, such as 1600")
    return int(value)


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
