"""What a model has to beat: a Kneser-Ney n-gram model, which counts and does not learn.

No kept library fits: nltk's takes seconds for one probability, KenLM's training needs a compiler and Boost.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from helpers import checks
from helpers.corpus import text_bytes
from helpers.protocols import TokenizerProtocol


class KneserNey:
    """Interpolated Kneser-Ney over token ids (Kneser and Ney 1995; Chen and Goodman 1999), one discount an order.

    Each order's discounted counts give way to the next shorter context; a shorter context counts in how many different
    places a token was seen, not how often.
    """

    def __init__(self, tokenizer: TokenizerProtocol, texts: Sequence[str], order: int = 5) -> None:
        """Count the n-grams of texts, bos and eos included; order is 1 and up."""
        order = checks.whole_number("order", order, 1, remedy=", such as 5")
        checks.tokenizer_with("encode", tokenizer)
        self._tokenizer, self._order = tokenizer, order
        grams: Counter = Counter()
        for text in checks.texts_of(texts):
            ids = self._padded(text)
            grams.update(tuple(ids[end - order : end]) for end in range(order, len(ids) + 1))
        self._levels = []  # for each order, longest first: {context: Counter of next ids}, discount
        for _ in range(order):
            self._levels.append((_by_context(grams), _discount(grams)))
            grams = Counter(gram[1:] for gram in grams)  # continuation counts: one for each different beginning

    def bits_per_byte(self, texts: Sequence[str]) -> float:
        """Bits per byte of texts, the end of each included."""
        bits, texts = 0.0, checks.texts_of(texts)
        for text in texts:
            ids = self._padded(text)
            bits -= sum(math.log2(self._probability(ids[:end], ids[end])) for end in range(self._order - 1, len(ids)))
        return bits / text_bytes(texts)

    def probability(self, before: Sequence[int], token_id: int) -> float:
        """P(token_id | the last order - 1 ids of `before`)."""
        size, what = self._tokenizer.vocab_size, "the ids of this tokenizer"
        known = [checks.token_id(each, size, what) for each in checks.listed("before", before)]
        return self._probability(known, checks.token_id(token_id, size, what))

    def _probability(self, before: list[int], token_id: int) -> float:
        probability = 1 / self._tokenizer.vocab_size
        for length, (table, discount) in enumerate(reversed(self._levels)):
            seen = table.get(tuple(before[len(before) - length :]))
            if seen is None:
                break  # a longer context was not seen either
            total = seen.total()
            probability = (max(seen[token_id] - discount, 0) + discount * len(seen) * probability) / total
        return probability

    def _padded(self, text: str) -> list[int]:
        start = [self._tokenizer.bos_id] * max(1, self._order - 1)
        return [*start[: self._order - 1], *self._tokenizer.encode(text), self._tokenizer.eos_id]


def _by_context(grams: Counter) -> dict[tuple[int, ...], Counter]:
    table: dict[tuple[int, ...], Counter] = defaultdict(Counter)
    for gram, count in grams.items():
        table[gram[:-1]][gram[-1]] = count
    return dict(table)


def _discount(grams: Counter) -> float:
    """Ney, Essen and Kneser's estimate n1 / (n1 + 2 n2) from the numbers of n-grams seen once and twice."""
    once, twice = sum(c == 1 for c in grams.values()), sum(c == 2 for c in grams.values())
    return once / (once + 2 * twice) if once else 0.5
