"""The LSTM of lstm.py once more, in Keras on TensorFlow: the same weights, the same logits, the same text.

B batch, T tokens, V vocabulary, D embedding dimension, H hidden size.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from helpers import checks
from helpers.corpus import text_bytes
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.output import LanguageModelOutput, SizesOfConfig, check_batch_shape
from helpers.protocols import TokenizerProtocol
from helpers.records import Memory, Opened, TrainingStep
from helpers.training.config import USUAL, TrainingConfig
from helpers.training.loop import (
    check_config,
    check_finite,
    checked_ids,
    encode_texts,
    endless_batches,
    one_cycle,
    tokens_of_a_usual_batch,
)

if importlib.util.find_spec("triton") and "triton" not in sys.modules:
    # torch's CUDA builds bring it; loaded after TensorFlow, its LLVM ends Python at once (tensorflow/tensorflow#124205)
    if sys.modules.get("tensorflow"):
        raise ImportError(
            "TensorFlow was imported first: restart the kernel, and import helpers.models.keras_twin before it"
        )
    import triton  # noqa: F401
try:
    # Both are read once, when TensorFlow is imported: it would greet each notebook with lines about the processor
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # with it rounding differs more from one processor to another
    import keras
    import tensorflow as tf
    from keras import layers
except ModuleNotFoundError as error:
    if str(error.name).split(".")[0] not in ("tensorflow", "keras"):
        raise
    raise ImportError(
        "TensorFlow is not installed: run make tensorflow (or: pip install -r requirements/tensorflow.txt), "
        "then restart the kernel"
    ) from None
if (backend := keras.backend.backend()) != "tensorflow":
    raise ImportError(f"Keras runs on {backend} here: set KERAS_BACKEND=tensorflow, then restart the kernel")

PAD = 0  # the id that Keras's mask_zero stands for
NAME = "token_journey>KerasTwin"  # what a .keras file calls a twin
IDS = tf.TensorSpec([None, None], tf.int32)  # (B, T), of any size
DTYPES = {torch.float32: "float32", torch.float64: "float64"}

History = list[tuple[tf.Tensor, tf.Tensor]]  # (h, c), (1, H) each, after every token read so far


@keras.saving.register_keras_serializable("token_journey")
class KerasTwin(SizesOfConfig, keras.Model):
    """Embedding with padding masked -> LSTM -> logits; a `streaming.LanguageModel` like its model in torch.

    Weights begin as Keras draws them from `seed`; `from_torch` copies those of a torch model instead.
    """

    def __init__(self, config: LSTMConfig, dtype: str = "float32", seed: int = 0) -> None:
        if dtype not in DTYPES.values():
            raise ValueError(f"dtype is {checks.shown(dtype)}: give 'float32' or 'float64'")
        checks.of_kind("config", config, LSTMConfig, ", such as LSTMConfig(vocab_size=1800)")
        super().__init__(dtype=dtype)
        self.config = config
        d, h, v = config.embedding_dim, config.hidden_size, config.vocab_size
        draw = keras.initializers.GlorotUniform(
            keras.random.SeedGenerator(checks.whole_number("seed", seed))
        )  # one generator for all layers
        like = {"kernel_initializer": draw, "dtype": dtype}
        self.embedding = layers.ReversibleEmbedding(v, d, mask_zero=True, embeddings_initializer=draw, dtype=dtype)
        self.lstm = layers.LSTM(h, return_sequences=True, return_state=True, recurrent_initializer=draw, **like)
        self.head = layers.Dense(d if config.tied else v, **like)
        if config.tied:
            self.output_bias = self.add_weight(shape=(v,), initializer="zeros", name="output_bias")
        for layer, width in ((self.embedding, 1), (self.lstm, d), (self.head, h)):
            layer.build((None, None, width))
        self.built = True
        half = tf.TensorSpec([1, h], dtype)
        # Bound to one signature, the step is traced here and never again
        self._step = tf.function(self._read_one, [tf.TensorSpec([], tf.int32), half, half]).get_concrete_function()
        self._bits = tf.function(self._bits_of_batch, [IDS])

    # ---------------------------------------------------------------------------------------------------- for training

    def __call__(self, ids: tf.Tensor, *arguments: Any, **options: Any) -> LanguageModelOutput:
        """`call`, after a check of ids (B, T): Keras would bury an error that is raised within."""
        if tf.executing_eagerly():
            check_batch_shape(tuple(np.shape(ids)))
            checks.token_ids([int(np.min(ids)), int(np.max(ids))], self.vocab_size)
        return super().__call__(ids, *arguments, **options)

    def call(self, ids: tf.Tensor, state: Sequence[tf.Tensor] | None = None) -> LanguageModelOutput:
        """ids (B, T) -> logits (B, T, V), state [h, c], embeddings (B, T, D); id 0 is padding and leaves no trace."""
        embeddings = self.embedding(ids)
        # The mask travels with `embeddings`, but Keras drops it as soon as a state is passed: so it is passed too
        hidden, *state = self.lstm(embeddings, initial_state=state, mask=keras.ops.not_equal(ids, PAD))
        return LanguageModelOutput(self._logits(hidden), state, embeddings)

    def _logits(self, hidden: tf.Tensor) -> tf.Tensor:
        scores = self.head(hidden)
        return self.embedding(scores, reverse=True) + self.output_bias if self.config.tied else scores

    def _bits_of_batch(self, ids: tf.Tensor) -> tf.Tensor:
        """-log2 P of all that follows the first column of ids (B, T), padding left out."""
        return tf.reduce_sum(token_losses(self(ids[:, :-1]).logits, ids[:, 1:])) / math.log(2)

    # --------------------------------------------------------------------- for generation: streaming.LanguageModel

    def embed(self, ids: Sequence[int]) -> np.ndarray:
        """The embedding rows of ids, (T, D)."""
        return tf.gather(self.embedding.embeddings.value, checks.token_ids(ids, self.vocab_size)).numpy()

    def advance(self, ids: Sequence[int], state: History | None = None) -> tuple[np.ndarray, History]:
        """Read one or more ids after `state`: (logits (V,) for the next id, the new state)."""
        ids = checks.token_ids(ids, self.vocab_size)
        history = [] if state is None else state
        h, c = history[-1] if history else (tf.zeros([1, self.config.hidden_size], self.dtype),) * 2
        for token_id in ids:
            logits, h, c = self._step(tf.constant(token_id, tf.int32), h, c)
            history.append((h, c))
        return logits.numpy(), history

    def rewind(self, state: History, length: int) -> History:
        """The state as it was after the first `length` tokens."""
        del state[checks.rewind_length(length, len(state)) :]
        return state

    def opened(self, state: History, position: int, token_id: int) -> Opened:
        """What happened when that token was read: row, hidden state, projection, and the memory."""
        checks.whole_number("position", position, 0, len(state) - 1, ", one of the tokens read")
        h, c = (part.numpy()[0] for part in state[position])
        before = state[position - 1][0].numpy()[0] if position else np.zeros_like(h)
        row = self.embed([token_id])[0]
        kernel, recurrent, bias = (weight.numpy() for weight in self.lstm.weights)
        sums = row @ kernel + before @ recurrent + bias
        i, f, _, o = (0.5 + 0.5 * np.tanh(0.5 * sums)).reshape(4, len(h))  # Keras's order i f c o is torch's i f g o
        memory = Memory(c, h, i, f, o)
        weight, head_bias = (part.numpy() for part in self.head.weights)
        if not self.config.tied:
            return Opened((("row", row, None), ("hidden state", h, h)), weight.T, head_bias, memory=memory)
        projected, table = h @ weight + head_bias, self.embedding.embeddings.numpy()
        stages = (("row", row, row), ("hidden state", h, None), ("projection", projected, projected))
        return Opened(stages, table, self.output_bias.numpy(), memory=memory)

    def units(self) -> int:
        """H, how many units the cell state has."""
        return self.config.hidden_size

    def with_cell(self, state: History, cell: np.ndarray) -> History:
        """The state with another cell state (H,) after the newest token; the hidden state stays."""
        hidden, old = state[-1]
        return [*state[:-1], (hidden, tf.constant(cell[None], old.dtype))]

    def _read_one(self, token_id: tf.Tensor, h: tf.Tensor, c: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        row = keras.ops.take(self.embedding.embeddings, token_id, axis=0)[None]  # one text has no padding: no mask
        _, (h, c) = self.lstm.cell(row, [h, c])
        return self._logits(h)[0], h, c

    # ---------------------------------------------------------------------------------------- for Keras's own files

    def get_config(self) -> dict:
        return {"config": asdict(self.config), "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict) -> KerasTwin:
        return cls(LSTMConfig(**config["config"]), config["dtype"])


# ------------------------------------------------------------------------------------------------ from torch and back


def from_torch(lstm: LSTMLanguageModel) -> KerasTwin:
    """A Keras model with the sizes, the dtype (float32 or float64) and a copy of the weights of `lstm`."""
    if not isinstance(lstm, LSTMLanguageModel):
        raise TypeError(f"cannot make a twin of a {type(lstm).__name__}: give an LSTMLanguageModel")
    if (dtype := lstm.embedding.weight.dtype) not in DTYPES:
        raise ValueError(f"the dtype is {dtype}: give float32 or float64, such as model.float()")
    weights = {name: weight.numpy(force=True) for name, weight in lstm.named_parameters()}
    twin = KerasTwin(lstm.config, DTYPES[dtype])
    twin.embedding.set_weights([weights["embedding.weight"]])
    bias = weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"]  # torch adds two; one does the same
    twin.lstm.set_weights([weights["lstm.weight_ih_l0"].T, weights["lstm.weight_hh_l0"].T, bias])
    head = "project" if lstm.config.tied else "output"
    twin.head.set_weights([weights[f"{head}.weight"].T, weights[f"{head}.bias"]])
    if lstm.config.tied:
        twin.output_bias.assign(weights["output_bias"])
    return twin


def to_torch(twin: KerasTwin) -> LSTMLanguageModel:
    """The way back: a torch model with a copy of the twin's weights; the second of torch's two biases is 0."""
    check_twin(twin)
    embedding, (kernel, recurrent, bias), (head, head_bias) = (
        layer.get_weights() for layer in (twin.embedding, twin.lstm, twin.head)
    )
    name = "project" if twin.config.tied else "output"
    weights = {
        "embedding.weight": embedding[0],
        "lstm.weight_ih_l0": kernel.T,
        "lstm.weight_hh_l0": recurrent.T,
        "lstm.bias_ih_l0": bias,
        "lstm.bias_hh_l0": np.zeros_like(bias),
        f"{name}.weight": head.T,
        f"{name}.bias": head_bias,
    }
    if twin.config.tied:
        weights["output_bias"] = twin.output_bias.numpy()
    lstm = LSTMLanguageModel(twin.config).to(getattr(torch, twin.dtype))
    lstm.load_state_dict({key: torch.from_numpy(np.array(weight)) for key, weight in weights.items()})
    return lstm


def check_twin(twin: object) -> None:
    """TypeError for anything but a KerasTwin."""
    checks.of_kind("twin", twin, KerasTwin, ", such as from_torch(lstm)")


# -------------------------------------------------------------------------------------------------------- training


def ragged(texts_as_ids: Sequence[Sequence[int] | np.ndarray], tokenizer: TokenizerProtocol) -> tf.RaggedTensor:
    """bos + ids + eos of each text, as one ragged tensor: rows of their own length, to be padded when they are read."""
    if tokenizer.pad_id != PAD:
        raise ValueError(f"the tokenizer's pad_id is {tokenizer.pad_id}: Keras masks id {PAD} alone")
    rows = [[tokenizer.bos_id, *ids, tokenizer.eos_id] for ids in checked_ids(texts_as_ids)]
    return tf.RaggedTensor.from_row_lengths(np.concatenate(rows).astype(np.int32), [len(row) for row in rows])


def token_losses(logits: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """Cross-entropy in nats of each next token, (B, T); 0 where the target is padding."""
    return keras.losses.sparse_categorical_crossentropy(targets, logits, from_logits=True, ignore_class=PAD)


def train_twin(
    twin: KerasTwin, tokenizer: TokenizerProtocol, texts: Sequence[str], config: TrainingConfig = USUAL
) -> Iterator[TrainingStep]:
    """Train `twin` in place as helpers.training.train does a torch model: the same batches, rates, steps, records."""
    check_config(config)
    check_twin(twin)
    encoded = encode_texts(twin, tokenizer, texts)
    batches = _batches(encoded, ragged(encoded, tokenizer), config)
    return _updates(twin, batches, tokens_of_a_usual_batch(encoded, config.batch_size), config)


def _batches(encoded: Sequence[np.ndarray], rows: tf.RaggedTensor, config: TrainingConfig) -> tf.data.Dataset:
    """Endless (epoch, ids (B, T)): texts of similar length, padded to the longest, in the order of `train`."""
    chosen = tf.data.Dataset.from_generator(
        lambda: endless_batches(encoded, config.batch_size, np.random.default_rng(config.seed)),
        output_signature=(tf.TensorSpec([], tf.int32), tf.TensorSpec([None], tf.int32)),
    )
    return chosen.map(lambda epoch, texts: (epoch, tf.gather(rows, texts).to_tensor(PAD))).prefetch(2)


def _updates(
    twin: KerasTwin, batches: tf.data.Dataset, usual_tokens: float, config: TrainingConfig
) -> Iterator[TrainingStep]:
    optimizer = keras.optimizers.Adam(beta_2=config.adam_beta2, epsilon=1e-8)  # torch's ε; Keras's own is 1e-7
    optimizer.build(twin.trainable_variables)
    update = _compiled_update(twin, optimizer, usual_tokens, config.clip)
    tokens_seen = 0
    for step, (epoch, ids) in enumerate(batches.take(config.updates), start=1):
        learning_rate = optimizer.learning_rate = config.peak_learning_rate * one_cycle((step - 1) / config.updates)
        loss, norm, tokens = (float(value) for value in update(ids))
        check_finite(step, loss, norm, learning_rate)
        tokens_seen += int(tokens)
        yield TrainingStep(step, config.updates, int(epoch), loss, learning_rate, norm, tokens_seen)


def _compiled_update(
    twin: KerasTwin, optimizer: keras.optimizers.Optimizer, usual_tokens: float, clip: float
) -> Callable:
    """One update as one graph, traced once for batches of any size: ids -> loss, gradient norm, tokens."""
    variables, bias = twin.trainable_variables, twin.lstm.cell.bias

    def update(ids: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            nats = tf.reduce_sum(token_losses(twin(ids[:, :-1]).logits, ids[:, 1:]))
            objective = nats / usual_tokens  # by a batch's mean, tokens of short texts would weigh more than others
        # torch adds two biases, equal in gradient: both count in the norm, and the sum takes the steps of both
        gradients = tape.gradient(objective, [*variables, bias])
        # Looked-up rows come as (row, gradient) pairs, whose norm would count a row that occurs twice as two rows
        gradients, norm = tf.clip_by_global_norm([tf.convert_to_tensor(g) for g in gradients], clip)
        before = tf.identity(bias.value)
        optimizer.apply(gradients[:-1], variables)
        bias.assign_add(bias.value - before)
        tokens = tf.math.count_nonzero(ids[:, 1:])
        return nats / tf.cast(tokens, nats.dtype), norm, tokens

    return tf.function(update, [IDS])


def evaluate_twin(twin: KerasTwin, tokenizer: TokenizerProtocol, texts: Sequence[str], batch_size: int = 4) -> float:
    """Held-out bits per byte, the end of each text included, as helpers.training.evaluate has them for torch."""
    check_twin(twin)
    texts, batch_size = checks.texts_of(texts), checks.whole_number("batch_size", batch_size, 1)
    rows = ragged(sorted(encode_texts(twin, tokenizer, texts), key=len), tokenizer)
    batches = (rows[start : start + batch_size].to_tensor(PAD) for start in range(0, len(texts), batch_size))
    return sum(float(twin._bits(ids)) for ids in batches) / text_bytes(texts)


# ----------------------------------------------------------------------------------------------------------- files


def save_twin(path: str | os.PathLike, twin: KerasTwin) -> None:
    """Write `twin` as one .keras file (weights and sizes, no code); a file that was there is replaced at one stroke."""
    path = _checked_path(path)
    if not isinstance(twin, KerasTwin):
        raise TypeError(f"cannot save a {type(twin).__name__}: give a KerasTwin")
    for variable in twin.variables:
        checks.finite(f"the weight {variable.path}", variable.numpy(), "the model diverged; nothing was saved")
    try:
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".saving-") as folder:
            twin.save(whole := Path(folder) / path.name)
            whole.replace(path)
    except OSError as error:
        raise OSError(
            f"cannot save {path}: {error.strerror or error}. What was there before is whole; make room, or choose "
            "another folder."
        ) from error


def load_twin(path: str | os.PathLike) -> KerasTwin:
    """The twin in a .keras file; ValueError if there is none, or if the file is damaged or another model's."""
    path = _checked_path(path)
    if not path.is_file():
        raise ValueError(f"{path} does not exist: save a twin with save_twin, or check the path")
    try:
        with zipfile.ZipFile(path) as file:  # looked into first, so that nothing of another model is ever built
            config = json.loads(file.read("config.json"))
        found = config["registered_name"] or config["class_name"]
        if found == NAME:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras, zip and HDF5 raise a dozen kinds
        raise ValueError(f"{path} is damaged or no Keras file ({type(error).__name__}): save the twin again") from error
    raise ValueError(f"{path} holds {found!r}, not {NAME!r}: give a file that save_twin wrote")


def _checked_path(path: str | os.PathLike) -> Path:
    path = checks.path_of("path", path)
    if path.suffix != ".keras" or path.is_dir():
        raise ValueError(f"{path} is no .keras file: Keras keeps a model in one, such as {path.stem or 'twin'}.keras")
    if not path.parent.is_dir():
        raise ValueError(f"the folder {path.parent} does not exist: make it first, or choose another")
    return path
