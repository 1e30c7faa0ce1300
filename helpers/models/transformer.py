"""A small GPT, which looks back at every token by attention.

B batch, T tokens, V vocabulary, D width of every vector, S heads, L layers, C context length.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from helpers import checks
from helpers.models.output import (
    MOST,
    LanguageModelOutput,
    SizesOfConfig,
    check_batch,
    check_length,
    checked_device,
    numpy_weights,
    table_for_lens,
)
from helpers.records import Opened

EPSILON = 1e-5  # keeps a layer norm from dividing by zero


@dataclass(frozen=True)
class TransformerConfig:
    """Sizes of a TransformerLanguageModel; its design is that of GPT-2 (Radford et al. 2019), smaller.

    `tied`: the output layer is the embedding table itself; otherwise it is a table of its own.
    """

    vocab_size: int
    embedding_dim: int = 128
    layers: int = 2
    heads: int = 4
    context_length: int = 256
    tied: bool = True

    def __post_init__(self) -> None:
        for name in ("vocab_size", "embedding_dim", "layers", "heads", "context_length"):
            object.__setattr__(self, name, checks.whole_number(name, getattr(self, name), 1, MOST))
        object.__setattr__(self, "tied", checks.true_or_false("tied", self.tied))
        if self.embedding_dim % self.heads:
            raise ValueError(f"embedding_dim is {self.embedding_dim}: give a multiple of heads ({self.heads})")


class Block(nn.Module):
    """Attention over all tokens so far, then a small MLP for each token alone; both are added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, eps=EPSILON)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width, eps=EPSILON)
        self.mlp_in = nn.Linear(width, 4 * width)
        self.mlp_out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        b, t, d = x.shape
        heads = self.queries_keys_values(self.attention_norm(x)).view(b, t, 3, self.heads, d // self.heads)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)  # (B, S, T, D / S) each
        attended = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = x + self.attention_out(attended.transpose(1, 2).reshape(b, t, d))
        return x + self.mlp_out(functional.gelu(self.mlp_in(self.mlp_norm(x)), approximate="tanh"))


class TransformerLanguageModel(SizesOfConfig, nn.Module):
    """Reads up to C token ids and scores every id as the next one."""

    def __init__(self, config: TransformerConfig, seed: int = 0, device: str | torch.device = "cpu") -> None:
        super().__init__()
        checks.of_kind("config", config, TransformerConfig, ", such as TransformerConfig(vocab_size=1800)")
        checks.whole_number("seed", seed)
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.embedding_dim)
        self.position = nn.Embedding(config.context_length, config.embedding_dim)
        self.blocks = nn.ModuleList(Block(config.embedding_dim, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.embedding_dim, eps=EPSILON)
        if not config.tied:
            self.output = nn.Linear(config.embedding_dim, config.vocab_size, bias=False)
        self._initialise(np.random.default_rng(seed))
        self.to(checked_device(device))

    @torch.no_grad()
    def _initialise(self, rng: np.random.Generator) -> None:
        """GPT-2's start, drawn with NumPy: normal, 0.02; what is added to the stream is smaller the more layers add."""
        for name, parameter in self.named_parameters():
            if parameter.dim() == 1:
                parameter.fill_(1.0 if "norm.weight" in name else 0.0)
            else:
                shrink = math.sqrt(2 * self.config.layers) if "_out." in name else 1.0
                parameter.copy_(torch.from_numpy(rng.normal(0.0, 0.02 / shrink, tuple(parameter.shape))))

    def forward(self, ids: Tensor, state: None = None) -> LanguageModelOutput:
        """ids (B, T) -> logits (B, T, V): at each position, a score for every id as the next one."""
        check_batch(ids, self.config.vocab_size)
        check_length(ids.shape[1], self.config.context_length)
        embeddings = self.embedding(ids)  # (B, T, D)
        x = embeddings + self.position.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        table = self.embedding.weight if self.config.tied else self.output.weight
        return LanguageModelOutput(functional.linear(self.norm(x), table), None, embeddings)

    # --------------------------------------------------------------------- for generation: streaming.LanguageModel

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D), without their positions."""
        return numpy_weights({"table": self.embedding.weight})["table"][checks.token_ids(ids, self.vocab_size)]

    def advance(self, ids: Sequence[int], state: TransformerState | None = None) -> tuple[np.ndarray, TransformerState]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state)."""
        state = TransformerState(self) if state is None else state
        vector = self.read(ids, state)[0][-1]
        return state.weights["embedding.weight" if self.config.tied else "output.weight"] @ vector, state

    def rewind(self, state: TransformerState, length: int) -> TransformerState:
        """The state as it was after the first `length` tokens: later keys and values will be written over."""
        state.length = checks.rewind_length(length, state.length)
        state.latest = None
        return state

    def heads(self) -> tuple[int, int]:
        """How many layers, and how many attention heads in each."""
        return self.config.layers, self.config.heads

    def without_heads(self, muted: Sequence[tuple[int, int]]) -> TransformerLanguageModel:
        """A copy in which these (layer, head) add nothing to the residual stream."""
        model, width = copy.deepcopy(self), self.config.embedding_dim // self.config.heads
        with torch.no_grad():
            for layer, head in muted:
                # (D, S · d): its columns hold what each head gathered
                weight = model.get_parameter(f"blocks.{layer}.attention_out.weight")
                weight[:, head * width : (head + 1) * width] = 0.0
        return model

    def opened(self, state: TransformerState, position: int, token_id: int) -> Opened:
        """What happened when that token was read: the residual stream after each part, and who looked at whom.

        The newest token's vectors are kept; an older token is read once more, with the cache as it was then.
        """
        checks.whole_number("position", position, 0, state.length - 1, ", one of the tokens read")
        if state.latest is None or position != state.length - 1:
            state = state.before(position)
            self.read([token_id], state)
        assert state.latest is not None
        stream, attention_weights = state.latest
        vectors = [x[-1] for x in stream]
        readable = layer_norm(np.array(vectors), state.weights, "norm")
        table = table_for_lens(state.weights, "embedding.weight" if self.config.tied else "output.weight")
        attention_rows = np.array([weights[:, -1] for weights in attention_weights])
        stages = tuple(zip(stage_names(self.config.layers), vectors, readable, strict=True))
        return Opened(stages, table, attention=attention_rows)

    def read(self, ids: Sequence[int], state: TransformerState | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Each token's vector after all layers, (T, D), and the attention weights, (L, S, T, tokens so far).

        Keys and values of earlier tokens come from the state (the cache); without one, ids are a whole text.
        """
        state = TransformerState(self) if state is None else state
        rows, before = self.embed(ids), state.length
        check_length(before + len(rows), self.config.context_length)
        state.length = before + len(rows)
        stream, attention_weights = [rows + state.weights["position.weight"][before : state.length]], []
        for number in range(self.config.layers):
            between, x, weights = _block(stream[-1], number, self.config.heads, state, before)
            stream += [between, x]
            attention_weights.append(weights)
        state.latest = stream, attention_weights
        return layer_norm(stream[-1], state.weights, "norm"), np.array(attention_weights)


@cache
def stage_names(layers: int) -> tuple[str, ...]:
    """The stations of a token's vector: its row and place, then after each part of each block."""
    return ("row + place", *(f"after {part} {n}" for n in range(layers) for part in ("attention", "MLP")))


class TransformerState:
    """What a Transformer carries along a text: its weights as NumPy views, and each token's keys and values.

    The cache (L, 2, C, D) holds them for every place; `length` says how many are read. Without it, each new token
    would cost the whole text again. One token costs less with NumPy's operators than with torch's. `latest` keeps what
    the last reading computed anyway: the residual stream (T, D) after each part, and each layer's attention weights.
    """

    def __init__(self, model: TransformerLanguageModel) -> None:
        c = model.config
        self.weights = numpy_weights(dict(model.named_parameters()))
        self.cache = np.zeros((c.layers, 2, c.context_length, c.embedding_dim), self.weights["norm.weight"].dtype)
        self.length = 0
        self.latest: tuple[list[np.ndarray], list[np.ndarray]] | None = None

    def before(self, position: int) -> TransformerState:
        """A state of its own, as it was before the token at `position` was read."""
        state = copy.copy(self)
        state.cache, state.length, state.latest = self.cache.copy(), position, None
        return state


def _block(
    x: np.ndarray, number: int, heads: int, state: TransformerState, before: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Block's forward for the T newest tokens: (T, D) -> (T, D) after attention, (T, D) after the MLP, and the
    attention weights (S, T, tokens so far)."""
    name, w = f"blocks.{number}", state.weights
    together = _linear(layer_norm(x, w, f"{name}.attention_norm"), w, f"{name}.queries_keys_values")  # (T, 3 D)
    queries, keys, values = together.reshape(len(x), 3, -1).swapaxes(0, 1)
    state.cache[number, :, before : state.length] = keys, values
    keys, values = state.cache[number, :, : state.length]
    attended, weights = attention(*(_by_head(part, heads) for part in (queries, keys, values)))
    x = x + _linear(attended.transpose(1, 0, 2).reshape(x.shape), w, f"{name}.attention_out")
    inner = gelu(_linear(layer_norm(x, w, f"{name}.mlp_norm"), w, f"{name}.mlp_in"))
    return x, x + _linear(inner, w, f"{name}.mlp_out"), weights


def attention(queries: np.ndarray, keys: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each query's mean of the values, weighted by how well the keys fit: softmax(Q Kᵀ / √d) V, causal.

    queries (S, T, d) are the last T of the N keys and values (S, N, d); a token sees itself and what is before it.
    Gives (S, T, d) and the weights (S, T, N). (Vaswani et al. 2017, "Attention Is All You Need".)
    """
    scores = queries @ keys.transpose(0, 2, 1) / math.sqrt(queries.shape[-1])
    new, all_of_them = scores.shape[-2:]
    if new > 1:
        scores = np.where(np.tri(new, all_of_them, all_of_them - new, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights @ values, weights


def _by_head(x: np.ndarray, heads: int) -> np.ndarray:
    """(T, D) -> (S, T, D / S)."""
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def _linear(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer_norm(x: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Each vector (…, D) with mean 0 and variance 1, then scaled and shifted by what was learned."""
    size = x.shape[-1]  # for one token np.add.reduce takes a third of the time of mean
    centred = x - np.add.reduce(x, axis=-1, keepdims=True) / size
    scale = np.sqrt(np.add.reduce(centred * centred, axis=-1, keepdims=True) / size + EPSILON)
    return centred / scale * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def gelu(x: np.ndarray) -> np.ndarray:
    """A smooth step times x, in GPT-2's form with tanh (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
