"""Kernel time for one drawn frame of the live window, in a real kernel, beside a matplotlib figure shown again."""

from __future__ import annotations

import json

from jupyter_client.manager import start_new_kernel

IN_THE_KERNEL = """
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

times, sizes = [], []
draw, send = explorer._draw, explorer._view.send

def timed():
    began = time.process_time()
    draw()
    times.append(time.process_time() - began)

def measured(message, buffers=None):
    sizes.append(len(json.dumps(message)) + sum(map(len, buffers or [])))
    send(message, buffers)

def usual():
    clear_output(wait=True)
    display(plot_norms(explorer.generation.tokens))

async def frames(steps):
    # play at 20 tokens a second, which draws a frame for nearly each: the median frame
    times.clear()
    explorer._controls.length.value = len(explorer.generation.steps) + steps
    explorer._controls.play.click()
    await asyncio.sleep(0.3)
    while explorer.playing:
        await asyncio.sleep(0.1)
    return 1e3 * statistics.median(times[2:-1])

explorer._draw = timed
early = await frames(60)
figures = []
for _ in range(10):
    began = time.process_time()
    usual()
    figures.append(1e3 * (time.process_time() - began))
explorer._controls.length.value = 1000
explorer.run(840)
late = await frames(60)
figure = statistics.median(figures)
explorer._view.send = measured
await frames(40)
print(json.dumps([early, late, figure, statistics.mean(sizes[2:-1])]))
"""


def frame_milliseconds() -> tuple[float, ...]:
    """CPU ms of the kernel for a frame, medians: at token 10, at 1,000, matplotlib; bytes of a token's message."""
    return tuple(json.loads(in_a_kernel(IN_THE_KERNEL)))


def in_a_kernel(code: str) -> str:
    """What the code prints in a fresh kernel."""
    printed: list[str] = []
    manager, client = start_new_kernel()
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


def window_rows() -> list[str]:
    early, late, figure, size = frame_milliseconds()
    return [
        "| kernel's CPU ms for one frame (median) | token 10 | token 1,000 |",
        "|---|---|---|",
        f"| the live window | {early:.2f} | {late:.2f} |",
        f"| usual: matplotlib figure of the norms, `clear_output`, shown again | {figure:.0f} | |",
        f"| the window is cheaper | {figure / early:.0f} times | |",
        f"| bytes of a token's message, at 20 tokens a second | | {size:.0f} |",
    ]
