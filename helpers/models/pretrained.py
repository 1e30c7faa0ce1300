"""Real models: any causal language model that `transformers` loads, behind the protocols of protocols.py.

GPT-2 and LLaMA families are tested. Every folder made with `save_pretrained` will do; nothing is fetched unasked.
"""

from __future__ import annotations

import copy
import inspect
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tokenizers
import torch

from helpers import checks
from helpers.models.output import MOST, check_length
from helpers.models.pretrained_files import PretrainedError, explained, load_model, quiet, source_of, transformers
from helpers.models.pretrained_tokenizer import PretrainedTokenizer
from helpers.records import Opened

FAMILIES = ("gpt2", "llama")
END = "<|endoftext|>"  # GPT-2's end of a text


def load_pretrained(
    name_or_folder: str | os.PathLike, *, chat: bool = False, download: bool = False
) -> tuple[PretrainedModel, PretrainedTokenizer]:
    """A causal language model in float32 and its own tokenizer; PretrainedError says what is wrong and what helps.

    name_or_folder: a folder made with `save_pretrained`, a name under models/, or a name on the Hugging Face hub, which
    is looked for on this machine, and fetched only with download=True. chat: prompts are put into the model's template
    for a conversation.
    """
    checks.true_or_false("chat", chat)
    source, local = source_of(name_or_folder), {"local_files_only": not checks.true_or_false("download", download)}
    config = explained(source, "config.json", transformers.AutoConfig.from_pretrained, **local)
    _check_causal(source, config)
    tokenizer = explained(source, "tokenizer", transformers.AutoTokenizer.from_pretrained, **local)
    model = load_model(source, transformers.AutoModelForCausalLM, config, **local)
    return PretrainedModel(model), PretrainedTokenizer(tokenizer, model, chat)


def save_pretrained(folder: str | os.PathLike, model: PretrainedModel, tokenizer: PretrainedTokenizer) -> None:
    """Write model and tokenizer into `folder`, as load_pretrained and the `transformers` library read them.

    All files are written beside it first, and moved into place when they are whole.
    """
    if not isinstance(model, PretrainedModel) or not isinstance(tokenizer, PretrainedTokenizer):
        raise TypeError("give a PretrainedModel and its PretrainedTokenizer, as load_pretrained returns them")
    folder = checks.path_of("folder", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".saving-") as beside, quiet():
            model.model.save_pretrained(beside)
            tokenizer.tokenizer.save_pretrained(beside)
            for path in sorted(Path(beside).iterdir(), key=lambda path: path.name == "config.json"):
                path.replace(folder / path.name)  # config.json last: without it a folder is no model
    except OSError as error:
        raise OSError(
            f"cannot save into {folder}: {error.strerror or error}. Choose a folder you may write to."
        ) from error


def random_model(
    texts: Iterable[str], family: str = "gpt2", vocab_size: int = 500, seed: int = 0
) -> tuple[PretrainedModel, PretrainedTokenizer]:
    """A tiny, untrained GPT-2 or LLaMA (2 layers, D 64) with a byte-level BPE of `texts`: real code, random numbers."""
    if family not in FAMILIES:
        raise ValueError(f"family is {checks.shown(family)}: give one of {', '.join(map(repr, FAMILIES))}")
    seed = checks.whole_number("seed", seed)
    what = " (256 bytes and the end token), such as 500"  # with far too many, the library would end Python itself
    vocab_size = checks.whole_number("vocab_size", vocab_size, 257, MOST, what)
    tokenizer = _trained_bpe(checks.texts_of(texts), vocab_size)
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 1024}
    sizes |= {"vocab_size": len(tokenizer), "bos_token_id": 0, "eos_token_id": 0}
    if family == "llama":
        sizes |= {"intermediate_size": 128, "num_key_value_heads": 2}
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.for_model(family, **sizes)).eval()
    rng = np.random.default_rng(seed)
    with torch.no_grad():  # drawn with NumPy: torch's generator gives other numbers on other CPUs
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.from_numpy(rng.normal(0.0, 0.3, tuple(parameter.shape))))
    return PretrainedModel(model), PretrainedTokenizer(tokenizer, model)


def _trained_bpe(texts: Iterable[str], vocab_size: int) -> transformers.PreTrainedTokenizerFast:
    """Byte-level BPE as GPT-2's (Radford et al. 2019)."""
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer, bpe.decoder = byte_level, tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocab_size, initial_alphabet=byte_level.alphabet(), special_tokens=[END], show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=END, bos_token=END)


def _check_causal(source: str, config: transformers.PretrainedConfig) -> None:
    named = getattr(config, "architectures", None) or []
    causal = all(re.search(r"(ForCausalLM|LMHeadModel)$", name) for name in named)
    if not causal or type(config) not in transformers.MODEL_FOR_CAUSAL_LM_MAPPING:
        what = ", ".join(named) or config.model_type
        raise PretrainedError(
            f"{source} is a {what}, which does not predict the next token: give a causal model, such as GPT-2 or LLaMA"
        )


class PretrainedModel:
    """A causal language model of `transformers`, as streaming.LanguageModel. V ids, D numbers in an embedding row."""

    def __init__(self, model: transformers.PreTrainedModel) -> None:
        checks.of_kind("model", model, transformers.PreTrainedModel, ", such as load_pretrained(name)[0].model")
        self.model: Any = model
        self._table = _embedding_table(model)
        self.vocab_size, self.embedding_dim = self._table.shape
        self.context_length: int | None = getattr(model.config, "max_position_embeddings", None)
        keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._options: dict[str, Any] = {"logits_to_keep": 1} if keeps else {}  # the last token's logits are enough
        self._options |= {"use_cache": True, "return_dict": True}
        self._before_norm: torch.Tensor | None = None
        norm = _final_norm(model)
        if norm is not None:
            norm.register_forward_pre_hook(self._keep_unnormed)

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""
        return _numpy(self._table[checks.token_ids(ids, self.vocab_size)])

    @torch.inference_mode()
    def advance(self, ids: Sequence[int], state: PretrainedState | None = None) -> tuple[np.ndarray, PretrainedState]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state)."""
        state, ids = state or PretrainedState(), checks.token_ids(ids, self.vocab_size)
        check_length(len(state.ids) + len(ids), self.context_length)
        unread = ids if state.cache is not None else state.ids + ids
        looks = {"output_hidden_states": True, "output_attentions": True} if len(unread) == 1 else {}
        self._attend_by("eager" if looks else "sdpa")
        output = self.model(torch.tensor([unread]), past_key_values=state.cache, **self._options, **looks)
        state.cache = output.past_key_values
        state.ids.extend(ids)
        state.latest = self._look(output) if looks else None  # of a long text attention would fill the memory
        return _numpy(output.logits[0, -1]), state

    def _attend_by(self, implementation: str) -> None:
        """The library's eager attention gives its weights; for a long prompt sdpa takes less memory and time."""
        if self.model.config._attn_implementation != implementation:
            with quiet(), suppress(ValueError, ImportError, AttributeError):  # a model that has one way only
                self.model.set_attn_implementation(implementation)

    def _keep_unnormed(self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        """The residual stream as it goes into the final norm: `transformers` hands out what comes out of it."""
        self._before_norm = inputs[0][0, -1].detach()

    def _look(self, output: Any) -> _Look:
        """What one forward pass of one token computed: the stream after each block, and the attention weights."""
        hidden = [layer[0, -1] for layer in output.hidden_states]
        if self._before_norm is not None:
            hidden[-1] = self._before_norm
        weights = [layer[0, :, -1] for layer in output.attentions or () if layer is not None]
        return _Look(torch.stack(hidden), torch.stack(weights) if weights else None)

    @torch.inference_mode()
    def opened(self, state: PretrainedState, position: int, token_id: int) -> Opened:
        """What happened when that token was read: the residual stream after each block, and who looked at whom.

        The newest token's vectors are kept; for an older one the text is read once more.
        """
        checks.whole_number("position", position, 0, len(state.ids) - 1, ", one of the tokens read")
        if position != len(state.ids) - 1 or state.latest is None:
            before = self.advance(state.ids[:position])[1] if position else PretrainedState()
            _, state = self.advance([token_id], before)
        assert state.latest is not None
        hidden, attention = state.latest
        names = ["row", *(f"after block {number}" for number in range(len(hidden) - 1))]
        norm = _final_norm(self.model)
        readable = (
            [None] * len(hidden) if norm is None else [_numpy(norm(vector[None, None])[0, 0]) for vector in hidden]
        )
        head = self.model.get_output_embeddings()
        bias = None if getattr(head, "bias", None) is None else _numpy(head.bias)
        stages = tuple(zip(names, map(_numpy, hidden), readable, strict=True))
        return Opened(stages, _numpy(head.weight), bias, None if attention is None else _numpy(attention))

    def heads(self) -> tuple[int, int]:
        """How many layers, and how many attention heads in each; TypeError where they cannot be muted."""
        _attention_outputs(self.model)
        return self.model.config.num_hidden_layers, self.model.config.num_attention_heads

    def without_heads(self, muted: Sequence[tuple[int, int]]) -> PretrainedModel:
        """A copy in which these (layer, head) add nothing; all weights but the changed ones are shared."""
        outputs = _attention_outputs(self.model)
        changed = {id(outputs[layer].weight) for layer, _ in muted}
        shared = {id(p): p for p in (*self.model.parameters(), *self.model.buffers()) if id(p) not in changed}
        model = copy.deepcopy(self.model, shared)
        outputs, width = _attention_outputs(model), _head_width(self.model.config)
        with torch.no_grad():
            for layer, head in muted:
                weight = outputs[layer].weight
                # GPT-2 keeps its matrices the other way round: what goes in lies in the rows
                rows = weight if isinstance(outputs[layer], transformers.pytorch_utils.Conv1D) else weight.T
                rows[head * width : (head + 1) * width] = 0.0
        return PretrainedModel(model)

    def rewind(self, state: PretrainedState, length: int) -> PretrainedState:
        """The state as it was after the first `length` tokens."""
        length = checks.rewind_length(length, len(state.ids))
        dropped, state.latest = len(state.ids) - length, None
        del state.ids[length:]
        try:
            if dropped:
                state.cache.crop(-dropped)
        except (AttributeError, NotImplementedError, RuntimeError):  # a sliding window, a recurrent layer
            state.cache = None  # the text is read again
        return state


def _final_norm(model: Any) -> torch.nn.Module | None:
    """The norm between the last block and the output layer, by the names that the library's models give it."""
    for name in ("norm", "ln_f", "final_layer_norm", "final_layernorm"):
        if isinstance(found := getattr(model.base_model, name, None), torch.nn.Module):
            return found
    return None


def _attention_outputs(model: Any) -> list[Any]:
    """Each layer's matrix that mixes what its heads gathered, by the names that the library's models give it."""
    ends = ("attn.c_proj", "self_attn.o_proj", "attention.dense", "self_attn.out_proj", "self_attn.dense")
    found = [module for name, module in model.named_modules() if name.endswith(ends)]
    if len(found) != model.config.num_hidden_layers:
        raise TypeError(
            f"the heads of a {type(model).__name__} cannot be muted: its layers are built in another way than those of "
            "GPT-2 and LLaMA; give a model of these families"
        )
    return found


def _head_width(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def _embedding_table(model: transformers.PreTrainedModel) -> torch.Tensor:
    """The embedding table, (V, D)."""
    table = model.get_input_embeddings().weight
    assert isinstance(table, torch.Tensor)
    return table.detach()


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    """The tensor's numbers; in float32 where NumPy has no such type, or one that is too small for a norm."""
    return (tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor).numpy(force=True)


class _Look(NamedTuple):
    """Of one token: the residual stream after each block (blocks + 1, D), and attention weights (L, S, N) or None."""

    hidden: torch.Tensor
    attention: torch.Tensor | None


@dataclass
class PretrainedState:
    """What has been read: the ids, and the model's cache of their keys and values (None: to be computed).

    latest: what the forward pass of the newest token computed, if it was read alone.
    """

    ids: list[int] = field(default_factory=list)
    cache: Any = None
    latest: _Look | None = None
