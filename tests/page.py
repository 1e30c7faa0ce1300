"""A page without a browser: it keeps what the window's messages tell, as journey.js does."""

from __future__ import annotations

import numpy as np


class Page:
    """Takes every message of a JourneyView, or of a Teller, from now on."""

    def __init__(self, view=None) -> None:
        self.run, self.tokens, self.rows, self.messages = None, [], [], []
        self.inside = self.read = None
        self.memory, self.model, self.pieces = {}, None, {}
        if view is not None:
            view.forget()
            view.send = self.take

    def take(self, message, buffers=()) -> None:
        self.messages.append((message, [bytes(buffer) for buffer in buffers]))
        if "trouble" in message:
            return
        if message["run"] != self.run:
            self.tokens, self.rows = [], []
        assert message["begin"] <= len(self.tokens), "tokens are missing before those of this message"
        self.run, begin = message["run"], message["begin"]
        new = [self.named(token) for token in message["tokens"]]
        rows = np.frombuffer(buffers[0], np.float32).reshape(len(new), -1) if new else []
        self.tokens, self.rows = [*self.tokens[:begin], *new], [*self.rows[:begin], *rows]
        self.inside, self.model = message.get("inside", self.inside), message.get("model", self.model)
        if "read" in message:
            self.read = message["read"] | {"step": self.named_step(message["read"]["step"])}
        self.last = message
        newest = len(self.tokens) - 1
        self.memory = {place: held for place, held in self.memory.items() if place < min(begin - 1, newest) or not new}
        if "memory" in message:
            self.take_memory(message["memory"], *buffers[-2:])

    def take_memory(self, record, cells, gates) -> None:
        count = record["count"]
        cells = np.frombuffer(cells, np.int16).reshape(count, -1) / 32767 * record["largest"]
        gates = np.frombuffer(gates, np.uint8).reshape(count, 3, -1) / 255
        self.memory |= {record["begin"] + n: (cells[n], gates[n]) for n in range(count)}

    def named(self, token):
        """The token with the piece that was told of its id, now or before; its candidates, too."""
        step = token["step"] and self.named_step(token["step"])
        piece = self.pieces[token["id"]] = token.get("piece") or self.pieces[token["id"]]
        return token | {"piece": piece, "step": step}

    def named_step(self, step):
        rows = []
        for token_id, model, left, *piece in step["candidates"]:
            self.pieces[token_id] = piece[0] if piece else self.pieces[token_id]
            rows.append([token_id, self.pieces[token_id], model, left])
        return step | {"candidates": rows}

    @property
    def status(self) -> str:
        """The line above the text."""
        *parts, trouble = self.last["status"]
        return trouble or " · ".join(filter(None, parts))

    def shows(self, generation) -> bool:
        """Whether the page has this text: every token's row, and how each came about."""
        tokens, steps = generation.tokens, generation.steps
        assert [token["id"] for token in self.tokens] == [token.token_id for token in tokens]
        np.testing.assert_allclose(self.rows, [token.embedding for token in tokens], rtol=1e-6)
        told = [token["step"] for token in self.tokens]
        assert told[: len(tokens) - len(steps)] == [None] * (len(tokens) - len(steps))
        for record, step in zip(told[len(tokens) - len(steps) :], steps, strict=True):
            assert [row[0] for row in record["candidates"]] == [row.token_id for row in step.candidates]
            assert record["by"] == step.chosen_by
        return True
