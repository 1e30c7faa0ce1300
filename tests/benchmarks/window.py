"""The live window: what a token costs the kernel, the wire and the page, beside the window of an older commit."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from jupyter_client.manager import start_new_kernel
from window_page import page_rows

PROJECT = Path(__file__).resolve().parents[2]
BEFORE = "d35cd2a"  # its kernel painted each frame as HTML
ROUNDS = 2

WINDOW = """
import asyncio, json, statistics, time
import torch
from IPython.display import clear_output, display
from helpers.models.checkpoint import load_shipped
from helpers.window.explorer import Explorer
from helpers.figures.plots import plot_norms

torch.set_num_threads(1)
model, tokenizer = load_shipped()

class Endless:
    eos_ids, suppressed_ids = frozenset(), tokenizer.suppressed_ids | tokenizer.eos_ids
    def __getattr__(self, name):
        return getattr(tokenizer, name)

explorer = Explorer({"shipped": (model, Endless())}, max_new_tokens=1000, speed="20/s")
display(explorer)
"""
FRAMES = """
draw = explorer._draw

async def spent(steps, speed, shown):
    # CPU ms of the whole process for each token, messages and the thread that sends them included
    explorer._draw = draw if shown else lambda: None
    explorer._controls.speed.value = speed
    begin = len(explorer.generation.steps)
    explorer._controls.length.value = begin + steps
    began = time.process_time()
    explorer._controls.play.click()
    await asyncio.sleep(0.3)
    while explorer.playing:
        await asyncio.sleep(0.1)
    spent = 1e3 * (time.process_time() - began) / (len(explorer.generation.steps) - begin)
    explorer.generation.rewind(begin)
    explorer.position = begin
    return spent

async def cost(speed, steps):
    return statistics.median([await spent(steps, speed, True) - await spent(steps, speed, False) for _ in range(3)])

async def costs():
    explorer._controls.length.value = 1000
    return [await cost("5/s", 10), await cost("20/s", 40)]

explorer.run(10)
early = await costs()
explorer._draw = draw
explorer.run(950)
print(json.dumps([*early, *await costs()]))
"""
USUAL = """
explorer.run(60)
times = []
for _ in range(10):
    began = time.process_time()
    clear_output(wait=True)
    display(plot_norms(explorer.generation.tokens))
    times.append(1e3 * (time.process_time() - began))
print(statistics.median(times))
"""
MEMORY = """
import gc, tracemalloc
from helpers.streaming import Generation

def held():
    gc.collect()
    return tracemalloc.get_traced_memory()[0]

alone = Generation(model, Endless(), "One day, Mia")
explorer.run(100)
tracemalloc.start()
before = held()
for _ in range(900):
    alone.step(explorer.settings)
text = (held() - before) / 900
before = held()
explorer._controls.speed.value = "full"
explorer.play()
await asyncio.sleep(0.3)
while explorer.playing:
    await asyncio.sleep(0.1)
print(json.dumps([(held() - before) / 900, text]))
"""


@contextmanager
def older_source() -> Iterator[str | None]:
    """A folder with the code of the older commit, or None where the history does not reach so far."""
    archive = ["git", "-C", str(PROJECT), "archive", BEFORE, "helpers", "data"]
    packed = subprocess.run(archive, capture_output=True)
    with TemporaryDirectory() as folder:
        if packed.returncode == 0:
            with tarfile.open(fileobj=BytesIO(packed.stdout)) as files:
                files.extractall(folder, filter="data")
        yield folder if packed.returncode == 0 else None


def in_a_kernel(code: str, source: str = str(PROJECT)) -> str:
    """What the code prints in a fresh kernel, which imports `helpers` from the folder `source`."""
    printed: list[str] = []
    with mock.patch.dict(os.environ, {"PYTHONPATH": source}):
        manager, client = start_new_kernel(cwd=source)
    try:
        client.execute_interactive(code, timeout=600, output_hook=lambda message: collect(message, printed))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return "".join(printed)


def collect(message: dict, printed: list[str]) -> None:
    if message["msg_type"] == "error":
        raise RuntimeError("\n".join(message["content"]["traceback"]))
    if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
        printed.append(message["content"]["text"])


def kernel_rows(before: str | None) -> list[str]:
    """Kernels of both commits in turn; the median of the rounds."""
    found: dict[str, list[list[float]]] = {}
    for _ in range(ROUNDS):
        for source in filter(None, (str(PROJECT), before)):
            found.setdefault(source, []).append(json.loads(in_a_kernel(WINDOW + FRAMES, source)))
    now, *older = ([statistics.median(column) for column in zip(*rounds, strict=True)] for rounds in found.values())
    rows = [row("the live window", now)]
    for then in older:
        rows.append(row(f"the window of {BEFORE}", then))
        rows.append(row("cheaper, times", [b / a for a, b in zip(now, then, strict=True)], ".1f"))
    memory, text = json.loads(in_a_kernel(WINDOW + MEMORY))
    figure = float(in_a_kernel(WINDOW + USUAL))
    return [
        "| kernel's CPU ms for a token shown, messages included | token 10, 5/s | 20/s | token 1,000, 5/s | 20/s |",
        "|---|---|---|---|---|",
        *rows,
        f"| usual: matplotlib figure of the norms, `clear_output`, shown again | {figure:.0f} | | | |",
        f"| the kernel's memory, bytes for a token; of them the text's own | | | {memory:,.0f}; {text:,.0f} | |",
    ]


def row(name: str, values: list[float], digits: str = ".2f") -> str:
    return f"| {name} | " + " | ".join(format(value, digits) for value in values) + " |"


def window_rows() -> list[str]:
    with older_source() as before:
        return [*kernel_rows(before), "", *page_rows(str(PROJECT), before, BEFORE)]
