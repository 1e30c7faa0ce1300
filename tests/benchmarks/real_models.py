"""SmolLM2 in the live window, in a real kernel, beside `generate` of transformers: speed, load time, memory."""

from __future__ import annotations

import json

from window import in_a_kernel

from helpers.models.pretrained_files import SMOLLM, models_folder

IN_THE_KERNEL = """
import asyncio, json, resource, statistics, time
import torch
from IPython.display import display
from helpers.window.explorer import Explorer
from helpers.models.pretrained import load_pretrained
from helpers.sampling import SamplingSettings

torch.set_num_threads(1)
began = time.monotonic()
model, tokenizer = load_pretrained("smollm2-135m-instruct")
loaded = time.monotonic() - began

PROMPT, TOKENS = "Once upon a time, there was a", 60

class Endless:
    eos_ids, suppressed_ids = frozenset(), tokenizer.eos_ids | tokenizer.suppressed_ids
    def __getattr__(self, name):
        return getattr(tokenizer, name)

ids = torch.tensor([tokenizer.encode_prompt(PROMPT)])
settings = SamplingSettings(temperature=0.8, top_p=0.9)
explorer = Explorer({"SmolLM2": (model, Endless())}, PROMPT, settings=settings, speed="full", max_new_tokens=TOKENS)
display(explorer)

def generated():
    began = time.monotonic()
    model.model.generate(ids, attention_mask=torch.ones_like(ids), min_new_tokens=TOKENS, max_new_tokens=TOKENS,
                         do_sample=True, temperature=0.8, top_p=0.9, top_k=0, pad_token_id=2)
    return TOKENS / (time.monotonic() - began)

async def in_the_window():
    explorer._restart("")
    began = time.monotonic()
    await explorer._go_on()
    while explorer.playing:
        await asyncio.sleep(0.01)
    return TOKENS / (time.monotonic() - began)

rates = [(generated(), await in_the_window()) for _ in range(5)][1:]  # the first is to warm up
theirs, ours = zip(*rates)
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
ratio = statistics.median(mine / other for other, mine in rates)
print(json.dumps([statistics.median(theirs), statistics.median(ours), ratio, loaded, memory]))
"""


def real_model_rows() -> list[str]:
    if not (models_folder() / SMOLLM).is_dir():
        return ["(SmolLM2 was not measured: its weights are not there; make models)"]
    theirs, ours, ratio, loaded, memory = json.loads(in_a_kernel(IN_THE_KERNEL))
    return [
        "| SmolLM2-135M, float32: tokens a second | |",
        "|---|---|",
        f"| `transformers` generate with its cache, temperature .8, top-p .9 | {theirs:.1f} |",
        f"| the live window at full speed, with its records and frames | {ours:.1f} |",
        f"| ratio (median of four pairs, one after the other) | {ratio:.2f} |",
        f"| loading it, seconds; the kernel's memory at most, GB | {loaded:.1f}; {memory:.1f} |",
    ]
