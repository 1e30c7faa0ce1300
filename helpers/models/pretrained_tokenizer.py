"""Tokenizers of real models: any fast tokenizer of `transformers`, behind the protocol of protocols.py."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import tokenizers
from tokenizers.decoders import DecodeStream

from helpers import checks
from helpers.models.pretrained_files import PretrainedError, transformers
from helpers.records import SPACE


class PretrainedTokenizer:
    """A fast tokenizer of `transformers`, as protocols.TokenizerProtocol; it works without its model, too.

    eos_ids: every id that model or tokenizer call an end. suppressed_ids: other special tokens, and rows of the model's
    table that no token has. A special token's name within a text, such as "<|endoftext|>", is text and nothing else.
    """

    kind = "huggingface"  # what a checkpoint calls a tokenizer of this class

    def __init__(self, tokenizer: Any, model: Any = None, chat: bool = False) -> None:
        example = ", such as load_pretrained(name)[1].tokenizer"
        checks.of_kind("tokenizer", tokenizer, transformers.PreTrainedTokenizerBase, example)
        self.tokenizer, self.chat, self._model = tokenizer, checks.true_or_false("chat", chat), model
        self.vocab_size = len(tokenizer)
        rows = self.vocab_size if model is None else len(model.get_input_embeddings().weight)
        self.eos_ids = _end_ids(tokenizer, model)
        self._check(rows)
        special = {token_id for token_id, token in tokenizer.added_tokens_decoder.items() if token.special}
        self.suppressed_ids = frozenset(special | set(range(self.vocab_size, rows))) - self.eos_ids
        self._of_bytes = "ByteLevel" in repr(tokenizer.backend_tokenizer.decoder)

    @property
    def eos_id(self) -> int:
        """The id that ends a text in training."""
        return min(self.eos_ids) if self.tokenizer.eos_token_id is None else self.tokenizer.eos_token_id

    @property
    def bos_id(self) -> int:
        """The id that begins a text or, where a tokenizer has none, the one that ends the text before."""
        return self.eos_id if self.tokenizer.bos_token_id is None else self.tokenizer.bos_token_id

    @property
    def pad_id(self) -> int:
        """The id that fills short texts in a batch; the end token where a tokenizer has none of its own."""
        return self.eos_id if self.tokenizer.pad_token_id is None else self.tokenizer.pad_token_id

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the tokens in id order."""
        tokens = self.tokenizer.convert_ids_to_tokens(range(self.vocab_size))
        return hashlib.sha256("\n".join(map(str, tokens)).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """All that `from_bytes` needs: the tokenizer's own JSON and the names of its special tokens."""
        named = {f"{name}_token": getattr(self.tokenizer, f"{name}_token") for name in ("bos", "eos", "pad", "unk")}
        return json.dumps({"tokenizer": self.tokenizer.backend_tokenizer.to_str(), "special": named}).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> PretrainedTokenizer:
        """The tokenizer whose bytes these are, without a model; ValueError if they are none."""
        try:
            stored = json.loads(content)
            backend = tokenizers.Tokenizer.from_str(stored["tokenizer"])
            named = {name: token for name, token in stored["special"].items() if token is not None}
        except Exception as error:  # the library raises bare Exceptions
            raise ValueError("not the bytes of a tokenizer: give those that to_bytes returned") from error
        return cls(transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **named))

    def for_chat(self) -> PretrainedTokenizer:
        """The same tokenizer, which puts prompts into the model's template for a conversation."""
        return PretrainedTokenizer(self.tokenizer, self._model, chat=True)

    def _check(self, rows: int) -> None:
        name = self.tokenizer.name_or_path
        if not self.tokenizer.is_fast:
            raise PretrainedError(f"the tokenizer of {name} is not a fast one: save it again with its tokenizer.json")
        if not self.eos_ids:
            raise PretrainedError(
                f"{name} has no end token, so no text would ever end: "
                "set eos_token in its tokenizer_config.json or eos_token_id in its generation_config.json"
            )
        if self.vocab_size > rows:
            raise PretrainedError(
                f"the tokenizer of {name} has {self.vocab_size} ids, the model {rows} embedding rows: "
                "give a folder in which both belong together"
            )
        if self.chat and not self.tokenizer.chat_template:
            raise PretrainedError(f"{name} has no template for a conversation: load it without chat=True")

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without special ids."""
        return self._ids_of(checks.text_of("a text", text), add_special_tokens=False, split_special_tokens=True)

    def _ids_of(self, text: str, **options: bool) -> list[int]:
        return list(self.tokenizer(text, **options)["input_ids"])

    def encode_prompt(self, text: str) -> list[int]:
        """The ids of a prompt as the model expects it: with its own first token, or in its chat template. Never empty.

        An empty prompt is the token that begins a text or, where a model has none, the one that ends the text before.
        """
        text = checks.text_of("the prompt", text)
        if self.chat:
            message = [{"role": "user", "content": text}]
            whole = self.tokenizer.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
            return self._ids_of(whole, add_special_tokens=False)  # the template's marks are special tokens by name
        return self._ids_of(text, split_special_tokens=True) or [self.bos_id]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without special tokens; U+FFFD stands for bytes that are no character."""
        known = [token_id for token_id in self._checked(ids) if token_id < self.vocab_size]
        return self.tokenizer.decode(known, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def piece(self, token_id: int) -> str:
        """A token as one piece: '▁' for a space, <0xE9> for a byte that is not a character of its own."""
        return _piece(self.tokenizer, self._of_bytes, *self._checked([token_id]))

    def _checked(self, ids: Iterable[int]) -> list[int]:
        """Ids as a list; rows of the model's table that no token has are allowed."""
        rows = max(self.vocab_size, 1 + max(self.suppressed_ids, default=0))
        return [
            checks.token_id(each, rows, "the ids of this tokenizer", "token id") for each in checks.listed("ids", ids)
        ]

    def text_stream(self) -> PretrainedTextStream:
        """A fresh stream that turns ids into text, one at a time."""
        return PretrainedTextStream(self)


class PretrainedTextStream:
    """Turns ids into text one at a time: what all feeds and `finish` gave, joined, is `decode` of all ids.

    One exception: a tokenizer with byte pieces decodes a run of them anew with each, so that bytes which are no
    character may take back one that was given. What was given stays.
    """

    def __init__(self, tokenizer: PretrainedTokenizer) -> None:
        self._tokenizer, self._given = tokenizer, 0
        self._ids: list[int] = []
        self._stream = DecodeStream(skip_special_tokens=True)

    def feed(self, token_id: int) -> str:
        """The text that this id completes; "" while a character lacks bytes."""
        [token_id] = self._tokenizer._checked([token_id])
        self._ids.append(token_id)
        known = token_id < self._tokenizer.vocab_size
        try:
            text = (known and self._stream.step(self._tokenizer.tokenizer.backend_tokenizer, token_id)) or ""
        except Exception:  # the library has no other kind for "text that was given has changed"
            self._stream, text = DecodeStream(self._ids, True), self._tokenizer.decode(self._ids)[self._given :]
        self._given += len(text)
        return text

    def finish(self) -> str:
        """What an unfinished character leaves: U+FFFD."""
        rest = self._tokenizer.decode(self._ids)[self._given :]
        self._given += len(rest)
        return rest


# -------------------------------------------------------------------------------------------------------------- tokens


def _end_ids(tokenizer: Any, model: transformers.PreTrainedModel | None) -> frozenset[int]:
    named = [tokenizer.eos_token_id]
    if model is not None:
        named += [model.config.eos_token_id, getattr(model.generation_config, "eos_token_id", None)]
    ids = [one for ends in named for one in (ends if isinstance(ends, list | tuple) else [ends])]
    return frozenset(one for one in ids if one is not None and one < len(tokenizer))


def _piece(tokenizer: Any, of_bytes: bool, token_id: int) -> str:
    if token_id >= len(tokenizer):
        return f"<unused {token_id}>"
    token = tokenizer.convert_ids_to_tokens(token_id)
    if not of_bytes or token_id in tokenizer.added_tokens_decoder:
        return token
    raw = bytes(_byte_of()[letter] for letter in token)
    try:
        return raw.decode("utf-8").replace(" ", SPACE)
    except UnicodeDecodeError:
        return "".join(f"<0x{byte:02X}>" for byte in raw)


@lru_cache(1)
def _byte_of() -> dict[str, int]:
    """The byte behind each letter of a byte-level token: GPT-2 writes bytes without a sign of their own as Ā, ā, Ă …"""
    seen = [byte for byte in range(256) if 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174]
    hidden = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + n): byte for n, byte in enumerate(hidden)}
