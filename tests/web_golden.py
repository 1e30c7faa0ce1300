"""What Python does, written down for the tests of web/: each function makes the data of one file in tests/web/."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import SAMPLE_TEXTS

from helpers import streaming
from helpers.interventions import AS_IT_IS, Change, can_change, edit_memory, mute_heads
from helpers.models.checkpoint import FILE, load_checkpoint, load_shipped, load_shipped_transformer, save_checkpoint
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.models.transformer import TransformerConfig, TransformerLanguageModel
from helpers.records import Inside, TokenStep
from helpers.sampling import FILTERS, SamplingSettings, draw, next_token_probabilities
from helpers.streaming import Generation
from helpers.tokenizer import Tokenizer
from helpers.window.journey import Frame, Part, Teller, closed_part, inside_part, read_part

SHIPPED = {"lstm": load_shipped, "transformer": load_shipped_transformer}
PROMPTS = ["One day, Mia", "", "The old farmer had", "Tom and 日本 €5 é", "“Help!” said the bird."]
SETTINGS = [
    SamplingSettings(temperature, top_k, top_p, min_p)
    for temperature, top_k, top_p, min_p in itertools.product((0.5, 1.0, 1.7), (0, 40), (0.9, 1.0), (0.0, 0.05))
] + [SamplingSettings(0.0), SamplingSettings(1.0, 1), SamplingSettings(2.0, 200, 0.05, 1.0)]
NEAR = 1e-9  # a draw this close to where two ids meet may fall to either side

# ---------------------------------------------------------------------------------------------- texts in many scripts

SCRIPTS = {
    "Latin": (0x20, 0x7F),
    "accents": (0xA0, 0x250),
    "Greek": (0x370, 0x400),
    "Cyrillic": (0x400, 0x530),
    "Hebrew": (0x590, 0x600),
    "Arabic": (0x600, 0x700),
    "Devanagari": (0x900, 0x980),
    "Thai": (0xE00, 0xE80),
    "jamo": (0x1100, 0x1200),
    "more Latin": (0x1E00, 0x1F00),
    "punctuation and spaces": (0x2000, 0x2070),
    "superscripts": (0x2070, 0x20A0),
    "letter-like": (0x2100, 0x2190),
    "circled": (0x2460, 0x2500),
    "kana": (0x3000, 0x3100),
    "squares": (0x3200, 0x3400),
    "Chinese": (0x4E00, 0x9FFF),
    "Hangul": (0xAC00, 0xD7A4),
    "compatibility": (0xF900, 0xFB50),
    "Arabic forms": (0xFB50, 0xFE00),
    "full width": (0xFF00, 0xFFF0),
    "mathematics": (0x1D400, 0x1D800),
    "emoji": (0x1F300, 0x1F700),
    "marks": (0x300, 0x370),
    "controls": (0x0, 0x20),
    "anything": (0x0, 0x110000),
}
ODD = [
    "", " ", "   ", "\t\n", "\x00", "a\x00b", "\ufeffa", "a\ufeff", "▁", "▁▁ a ▁", "a▁b", " a  b ", "\u3000a\u3000",
    "ﬁ ½ ² Ⅷ ①", "e\u0301 é ệ", "a\u0323\u0307", "가 \u1100\u1161\u11a8", "ｶﾞ", "\u00a8", "\u00a8a",
    "<s></s><unk><0x41>", "日本語😉👩‍👩‍👧", "\u2029x", "x" * 300, "the the the",
    "\U000e0001", "\uffff", "ￚ", "\u1e9b\u0323", "ﷺ", "\u0344",
    "\u2126", "\u00a0\u00a0x", "\u0958", "🇩🇪", "\u202eabc",
]  # fmt: skip


def texts(count: int) -> list[str]:
    """`count` texts: odd ones, then words in two scripts each, some with spaces of other kinds between them."""
    rng, found = np.random.default_rng(7), list(ODD)
    names = list(SCRIPTS)
    while len(found) < count:
        scripts = [SCRIPTS["Latin"], SCRIPTS[names[len(found) % len(names)]]]
        words = ["".join(_letters(rng, *scripts[rng.integers(2)])) for _ in range(rng.integers(1, 8))]
        found.append(str(rng.choice([" ", "  ", "\u00a0", "\n", "\u2003"])).join(words))
    return found


def _letters(rng: np.random.Generator, low: int, high: int) -> Iterator[str]:
    for code in rng.integers(low, high, rng.integers(1, 9)):
        if not 0xD800 <= code < 0xE000:  # half of a character
            yield chr(code)


# --------------------------------------------------------------------------------------------------- one for each file


def random(folder: Path) -> dict[str, Any]:
    seeds, places = [0, 1, 42, 2**32 - 1, 2**32, 2**53 + 1, 10**40], [0, 1, 2, 3, 100, 9999, 2**33]
    return {"seeds": [[str(seed), [[place, _number(seed, place)] for place in places]] for seed in seeds]}


def _number(seed: int, place: int) -> float:
    bits = np.random.PCG64(seed)
    bits.advance(place)
    return float(np.random.Generator(bits).random())


def tokenizer(folder: Path) -> dict[str, Any]:
    """Two tokenizers: the shipped one, which knows English alone, and one that has learned pieces of many scripts."""
    many = Tokenizer.train([*SAMPLE_TEXTS, *texts(2000)], vocab_size=6500)
    named = {"shipped": load_shipped()[1], "many": many}
    return {"tokenizers": [_tokenizer(folder, name, each) for name, each in named.items()]}


def _tokenizer(folder: Path, name: str, tokenizer: Tokenizer) -> dict[str, Any]:
    tokenizer.save(folder / f"{name}.model")
    rng, size = np.random.default_rng(1), tokenizer.vocab_size
    numbers = [rng.integers(0, 260 if each % 2 else size, 30).tolist() for each in range(300)]
    numbers += [[4 + byte for byte in text.encode()] for text in texts(100)]
    return {
        "name": name,
        "pieces": [tokenizer.piece(token_id) for token_id in range(size)],
        "texts": [[text, tokenizer.encode(text)] for text in texts(1000)],
        "streams": [[ids, _streamed(tokenizer, ids), tokenizer.decode(ids)] for ids in numbers],
    }


def _streamed(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    stream = tokenizer.text_stream()
    return [*(stream.feed(token_id) for token_id in ids), stream.finish()]


def sampling(folder: Path) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    rows = [rng.normal(0, 3, size).round(digits) for size, digits in ((5, 1), (50, 1), (400, 6), (1800, 9))]
    rows[1][:7] = -np.inf
    ties = [np.zeros(10), np.log([3, 1, 1, 2, 1, 2]), np.array([1.0, 2.0, 2.0, 1.0, 2.0])]
    exact = [SamplingSettings(1.0, 0, share / 10) for share in range(1, 10)]  # a sum of tenths that rounding misses
    exact += [SamplingSettings(1.0, count) for count in (1, 2, 3, 4)] + [SamplingSettings(1.0, min_p=0.5)]
    return {
        "filters": [
            [f.name, f.off, f.allowed, f.example, f.slider, f.label, f.short, f.whole] for f in FILTERS.values()
        ],
        "cases": [_sampled(row, settings) for row in rows for settings in SETTINGS]
        + [_sampled(row, settings) for row in ties for settings in exact],
    }


def _sampled(logits: np.ndarray, settings: SamplingSettings) -> dict[str, Any]:
    probabilities = next_token_probabilities(logits, settings)
    return {
        "logits": [None if value == -np.inf else value for value in logits.tolist()],
        "settings": vars(settings),
        "probabilities": probabilities.tolist(),
        "draws": [[number, draw(probabilities, Number(number))] for number in (0.0, 0.13, 0.52, 0.77, 1 - 2**-53)],
    }


class Number:
    """A generator of one number."""

    def __init__(self, number: float) -> None:
        self.random = lambda: number


def seeds(folder: Path) -> dict[str, Any]:
    """100 seeds for each model, 100 tokens each, over all settings, which change in the middle of a text.

    Where a text would end the likeliest other token is taken, so that it goes on.
    """
    models = {name: load() for name, load in SHIPPED.items()}
    return {name: [_text(*pair, seed) for seed in range(100)] for name, pair in models.items()}


def _text(model: Any, tokenizer: Tokenizer, seed: int) -> dict[str, Any]:
    near: list[bool] = []
    ends: list[int] = []

    def watched(probabilities: np.ndarray, rng: np.random.Generator) -> int:
        number = rng.random()
        sums = probabilities.cumsum()
        near.append(bool(np.abs(sums - number * sums[-1]).min() < NEAR and (probabilities > 0).sum() > 1))
        return draw(probabilities, Number(number))

    prompt, chosen = PROMPTS[seed % len(PROMPTS)], [SETTINGS[(seed + more) % len(SETTINGS)] for more in (0, 5)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "draw", watched)
        generation = Generation(model, tokenizer, prompt, seed)
        while len(generation.steps) < 100:
            step = generation.step(chosen[len(generation.steps) // 50])
            if step.finish_reason:
                ends.append(step.index)
                _choose_again(generation, step.index + 1)
    return {
        "prompt": prompt,
        "seed": seed,
        "settings": [vars(each) for each in chosen],
        "ids": [token.token_id for token in generation.tokens],
        "texts": [token.text for token in generation.tokens],
        "probabilities": [step.probability for step in generation.steps],
        "entropies": [step.entropy for step in generation.steps],
        "near": near,
        "ends": ends,
    }


def _choose_again(generation: Generation, count: int) -> None:
    """Take step number `count` back, and choose the likeliest other id instead."""
    step = generation.steps[count - 1]
    generation.rewind(step.index)
    other = next(each.token_id for each in step.candidates if each.token_id != step.output.token_id)
    generation.choose(other, step.settings)


# ----------------------------------------------------------------------------------------------------------- inside


def inside(folder: Path) -> dict[str, Any]:
    """What is inside the shipped models, small ones of other shapes, and models in which something was changed."""
    tokenizer = Tokenizer.train(SAMPLE_TEXTS, vocab_size=400)
    lstm, transformer = _small_models()
    save_checkpoint(folder / "lstm", lstm, tokenizer)
    save_checkpoint(folder / "transformer", transformer, tokenizer)
    save_checkpoint(folder / "half", LSTMLanguageModel(LSTMConfig(400, 8, 12, tied=True), seed=3).half(), tokenizer)
    return {"runs": [*_shipped_runs(), *_small_runs(folder)]}


def _small_models() -> tuple[LSTMLanguageModel, TransformerLanguageModel]:
    lstm = LSTMLanguageModel(LSTMConfig(400, 9, 11), seed=1)
    return lstm, TransformerLanguageModel(TransformerConfig(400, 12, 5, 3, 40, tied=False), seed=2)


def _shipped_runs() -> Iterator[dict[str, Any]]:
    (lstm, words), (transformer, _) = load_shipped(), load_shipped_transformer()
    yield _run({"shipped": "lstm"}, lstm, words)
    yield _run({"shipped": "transformer"}, transformer, words)
    mute = [(0, 1), (1, 3)]
    yield _run({"shipped": "transformer", "mute": mute}, mute_heads(transformer, mute), words)
    edits = {0: {3: 0.5}, 5: {5: 0.0, 200: -2.0}, 9: {17: lambda old: -old}}
    told = {**edits, 9: {17: "flip"}}  # JSON holds no function
    yield _run({"shipped": "lstm", "edit": told}, edit_memory(lstm, edits), words)


def _small_runs(folder: Path) -> Iterator[dict[str, Any]]:
    for name in ("lstm", "transformer", "half"):
        model, tokenizer = load_checkpoint(folder / name)
        yield _run({"file": f"{name}/{FILE}"}, model.double(), tokenizer)


def _run(named: dict[str, Any], model: Any, tokenizer: Any) -> dict[str, Any]:
    """A text with a choice that is unlikely, and what was inside at each place, asked after a rewind, too."""
    generation = Generation(model, tokenizer, "Mia and the cat", seed=4)
    settings = SamplingSettings(1.2, top_p=0.95)
    for _ in range(5):
        generation.step(settings)
    generation.choose(300, settings)
    for _ in range(4):
        generation.step(settings)
    generation.rewind(8)
    found = [_place(generation, place) for place in range(len(generation.tokens) - 1)]
    generation.step(settings)
    newest = _place(generation, len(generation.tokens) - 2)
    return {
        **named,
        "ids": [token.token_id for token in generation.tokens],
        "cosines": [token.cosine_to_previous for token in generation.tokens],
        "places": [*found, newest],
    }


def _place(generation: Generation, place: int) -> dict[str, Any]:
    whole, among = (generation.inside_at(place, lens=lens) for lens in ("vocabulary", "candidates"))
    assert whole
    assert among
    return {
        "expected": _step(generation.expected(place)),
        "inside": _inside(whole),
        "ranks": [each.rank for each in among.stages],
    }


def _step(step: TokenStep) -> dict[str, Any]:
    return {
        "index": step.index,
        "output": step.output.token_id,
        "by": step.chosen_by,
        "entropy": step.entropy,
        "candidates": [_candidate(each) for each in step.candidates],
    }


def _candidate(each: Any) -> list[Any]:
    return [each.token_id, each.piece, each.model_probability, each.sampling_probability]


def _inside(inside: Inside) -> dict[str, Any]:
    attention, memory = inside.attention, inside.memory
    parts = ("cell", "hidden", "input_gate", "forget_gate", "output_gate")
    return {
        "stages": [
            [stage.name, stage.vector.tolist(), stage.norm, stage.rank, [_candidate(each) for each in stage.candidates]]
            for stage in inside.stages
        ],
        "attention": None if attention is None else [attention.shape[:2], attention.ravel().tolist()],
        "memory": memory and [getattr(memory, name).tolist() for name in parts],
    }


# --------------------------------------------------------------------------------------------------------- messages


def messages(folder: Path) -> dict[str, Any]:
    """Every message that the Teller sends while a text is written, taken back, chosen from and looked into."""
    told = {name: _messages(*load(), CHANGES[name]) for name, load in SHIPPED.items()}
    changes = {name: [vars(change), str(change)] for name, change in CHANGES.items()}
    return {"script": SCRIPT, "prompts": PROMPTS[3:5], "changes": changes, "told": told}


SCRIPT: list[tuple[str, Any]] = [
    ("tell", 0), ("step", 3), ("tell", 3), ("inside", 3), ("read", 1), ("step", 1), ("tell", 2), ("rewind", 2),
    ("choose", 1), ("step", 2), ("inside", 5), ("closed", 4), ("quiet", 5), ("forget", 0), ("tell", 5), ("new", 0),
    ("tell", 0), ("step", 230), ("tell", 12), ("tell", 40), ("inside", 230), ("inside", 20), ("rewind", 20),
    ("inside", 20), ("change", 1), ("tell", 20), ("read", 1), ("inside", 20), ("step", 6), ("inside", 26),
    ("inside", 3), ("inside", 23), ("change", 0), ("inside", 26), ("step", 2), ("inside", 27), ("change", 1),
    ("choose again", 22), ("inside", 21), ("step", 3), ("inside", 24), ("forget", 0), ("inside", 24),
]  # fmt: skip
CHANGES = {"lstm": Change(flipped=((4, 5), (4, 200), (9, 17))), "transformer": Change(muted=((0, 1), (1, 3)))}


def _messages(model: Any, tokenizer: Tokenizer, other: Change) -> list[dict[str, Any]]:
    generation, teller, told, change = Generation(model, tokenizer, PROMPTS[3], seed=11), Teller(), [], AS_IT_IS
    for what, number in SCRIPT:
        if what == "step":
            for count in range(number):
                if generation.finish_reason:
                    _choose_again(generation, len(generation.steps))
                generation.step(SamplingSettings(1.0 + count % 3 / 10, top_k=30))
        elif what == "rewind":
            generation.rewind(number)
        elif what == "choose":
            generation.choose(generation.steps[-1].candidates[number].token_id)
        elif what == "choose again":
            _choose_again(generation, number)
        elif what == "change":
            change = other if number else AS_IT_IS
            generation.change(change.made(model), str(change))
        elif what == "forget":
            teller.forget()
        elif what == "new":
            generation = Generation(model, tokenizer, PROMPTS[4], seed=12)
        else:
            told.append(_message(teller, generation, what, number, (can_change(model), change)))
    return told


def _message(
    teller: Teller, generation: Generation, what: str, position: int, changes: tuple[str, Change]
) -> dict[str, Any]:
    parts: list[Part] = []
    if what == "inside":
        place = len(generation.tokens) - len(generation.steps) - 2 + position
        inside = generation.inside_at(place)
        assert inside
        parts = [inside_part(place, inside)]
    elif what == "read":
        parts = [read_part(generation.expected(position))]
    elif what == "closed":
        parts = [closed_part(position, "It does not say.")]
    frame = Frame(position, what == "quiet", ("a", "b", "c"), "", what == "inside", what != "quiet", *changes)
    message, buffers = teller.tell(generation, frame, parts)
    return {
        "message": message,
        "buffers": [_read(buffer) for buffer in buffers],
        "kinds": [buffer.dtype.name for buffer in buffers],
    }


def _read(buffer: Any) -> list[int]:
    content = buffer if isinstance(buffer, bytes) else np.ascontiguousarray(buffer).tobytes()
    return np.frombuffer(content, np.uint8).tolist()


def session(folder: Path) -> dict[str, Any]:
    generation = Generation(*load_shipped(), "One day, Mia", seed=3)
    for _ in range(20):
        generation.step(SamplingSettings(0.8, top_p=0.9))
    return {"prompt": "One day, Mia", "ids": [token.token_id for token in generation.tokens]}


# ------------------------------------------------------------------------------------------------------------ files


def files(folder: Path) -> dict[str, Any]:
    """Damaged files and files of other kinds, each with what its sentence has to name."""
    save_checkpoint(
        folder / "whole",
        LSTMLanguageModel(LSTMConfig(400, 8, 12), seed=1),
        Tokenizer.train(SAMPLE_TEXTS, vocab_size=400),
    )
    whole = (folder / "whole" / FILE).read_bytes()
    size = int.from_bytes(whole[:8], "little")
    cases = {
        "nothing": (b"", "cut off"),
        "a few bytes": (whole[:7], "cut off"),
        "its header cut": (whole[: size // 2], "cut off"),
        "a tensor cut": (whole[:-1000], "it ends within"),
        "one byte missing": (whole[:-1], "it ends within"),
        "more behind it": (whole + b"x", "the file holds"),
        "a page of a site": (b"<!DOCTYPE html><html><body>Not found</body></html>" * 9, "cut off"),
        "a flipped bit": (whole[:-9000] + bytes([whole[-9000] ^ 4]) + whole[-8999:], "damaged"),
        "a type of others": (_renamed(whole, '"F32"', '"F8_E4M3"'), "F8_E4M3"),
        "another format": (_renamed(whole, "token-journey-2", "token-journey-9"), "token-journey-9"),
        "another architecture": (_renamed(whole, 'architecture\\": \\"lstm', 'architecture\\": \\"gru'), "gru"),
        "another series": (_renamed(whole, '"token-journey"', '"others"'), "no checkpoint of this series"),
        "other sizes": (_renamed(whole, 'hidden_size\\": 12', 'hidden_size\\": 13'), "damaged"),
        "another tokenizer": (_resigned(folder, tokenizer="words"), "'words'"),
        "a damaged tokenizer": (_resigned(folder, cut=5000), "tokenizer cannot be read"),
    }  # fmt: skip
    for name, (content, _) in cases.items():
        (folder / name).write_bytes(content)
    halves = [0, 1, 0x3FF, 0x400, 0x3C00, 0x7BFF, 0x8001, 0xC000, 0xFBFF, 0x3555]
    return {
        "cases": [[name, sentence] for name, (_, sentence) in cases.items()],
        "whole": f"whole/{FILE}",
        "halves": [[bits, float(np.uint16(bits).view(np.float16))] for bits in halves],
    }


def _renamed(whole: bytes, old: str, new: str) -> bytes:
    """The file with other words in its header."""
    size = int.from_bytes(whole[:8], "little")
    header = whole[8 : 8 + size].decode()
    assert old in header
    changed = header.replace(old, new).encode()
    return len(changed).to_bytes(8, "little") + changed + whole[8 + size :]


def _resigned(folder: Path, tokenizer: str | None = None, cut: int = 0) -> bytes:
    """A file that says of itself what is not so, with a digest that fits."""
    import safetensors
    import safetensors.torch

    from helpers.models import checkpoint

    path = folder / "whole" / FILE
    tensors = safetensors.torch.load(path.read_bytes())
    with safetensors.safe_open(path, "pt") as file:
        header = json.loads(file.metadata()[checkpoint.HEADER])
    header["tokenizer"] = tokenizer or header["tokenizer"]
    tensors["tokenizer"] = tensors["tokenizer"][cut:].clone()
    header["sha256"] = checkpoint.digest_of(header, tensors)
    return safetensors.torch.save(tensors, metadata={checkpoint.HEADER: json.dumps(header)})
