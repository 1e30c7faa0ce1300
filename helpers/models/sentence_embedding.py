"""An embedding model that stands alone: a sentence goes in, one vector comes out, no next token is predicted.

The sentence-transformers library does the same and brings scikit-learn and SciPy along; these lines need neither.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch

from helpers import checks
from helpers.models.pretrained_files import MINILM, PretrainedError, explained, load_model, source_of, transformers

AT_ONCE = 32  # texts in one pass; more would take more memory and no less time


class SentenceEmbedding:
    """A model that turns each text, whole, into one vector of D numbers."""

    def __init__(self, name_or_folder: str | os.PathLike = MINILM) -> None:
        """Load from a folder or a name under models/; PretrainedError says what is wrong and what helps."""
        source, local = source_of(name_or_folder), {"local_files_only": True}
        config = explained(source, "config.json", transformers.AutoConfig.from_pretrained, **local)
        self.tokenizer = explained(source, "tokenizer", transformers.AutoTokenizer.from_pretrained, **local)
        if self.tokenizer.pad_token_id is None:
            raise PretrainedError(f"{source} has no padding token: give an embedding model, such as {MINILM}")
        self.model = load_model(source, transformers.AutoModel, config, **local)
        self.embedding_dim = config.hidden_size
        self.context_length = config.max_position_embeddings

    @torch.inference_mode()
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """One vector of length 1 for each text, (N, D): the mean of its tokens' vectors after all layers.

        Padding is left out of the mean; of a text longer than the model reads, the beginning counts. (Reimers and
        Gurevych 2019, "Sentence-BERT".)
        """
        texts = checks.texts_of(texts)
        vectors = np.zeros((len(texts), self.embedding_dim), dtype=np.float32)
        by_length = sorted(range(len(texts)), key=lambda number: len(texts[number]))
        for start in range(0, len(texts), AT_ONCE):
            chosen = by_length[start : start + AT_ONCE]
            vectors[chosen] = self._vectors([texts[number] for number in chosen])
        return vectors

    def _vectors(self, texts: list[str]) -> np.ndarray:
        """The vectors of a few texts, (N, D)."""
        batch = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.context_length, return_tensors="pt"
        )
        hidden = self.model(**batch).last_hidden_state  # (N, T, D)
        real = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)  # (N, T, 1)
        mean = (hidden * real).sum(dim=1) / real.sum(dim=1)
        return torch.nn.functional.normalize(mean, dim=1).numpy()
