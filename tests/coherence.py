"""Do stories hold together? Counted, not felt: for texts of a model and for true texts of the grammar alike.

python tests/coherence.py     prints the table of data/README.md (about three minutes)
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from helpers.corpus import DATA, load_corpus
from helpers.models.checkpoint import load_shipped, load_shipped_transformer
from helpers.sampling import SamplingSettings
from helpers.streaming import Generation
from helpers.training import bits_of

sys.path.insert(0, str(DATA))
from make_stories import Grammar, load_grammar, make_stories

STORIES = 1_000
LONGEST = 250  # tokens; the longest of 5,000 true texts has fewer
HEROES = {"Mia": "she", "Nora": "she", "Tom": "he", "Leo": "he"}
CLASSES = {
    "hero": list(HEROES),
    "animal": ["cat", "dog", "rabbit", "fox", "bear", "owl"],
    "toy": ["ball", "kite", "boat", "drum", "doll", "book"],
    "colour": ["red", "blue", "white", "yellow", "pink", "green"],
    "mood": ["sad", "worried", "bored", "scared", "lonely"],
}


def sample(model, tokenizer, settings: SamplingSettings, count: int = STORIES) -> tuple[list[str], float]:
    """`count` stories with the seeds 0, 1, 2, … and the share of them that ended by the end token."""
    texts, ended = [], 0
    for seed in range(count):
        generation = Generation(model, tokenizer, "", seed)
        while not generation.finish_reason:
            generation.step(settings, last=len(generation.steps) + 1 == LONGEST)
        texts.append(generation.text)
        ended += generation.finish_reason == "eos"
    return texts, ended / count


def count_faults(texts: Sequence[str], grammar: Grammar, training_texts: Iterable[str]) -> dict[str, str]:
    """What holds and what does not, as "faults of cases" or a mean."""
    known = set(training_texts)
    stories = [text for text in texts if mentioned(text, "hero")]
    lost_and_found = [both for both in map(lost_and_found_toy, texts) if both]
    felt = [mood_was_felt(text, match) for text in texts for match in NOT_ANY_MORE.finditer(text)]
    found = [text for text in texts if " found the " in text and " gave it back" in text]
    return {
        "in the language (one wrong word = no)": f"{np.mean([grammar.accepts(text) for text in texts]):.1%}",
        "heroes per story": f"{np.mean([len(mentioned(text, 'hero')) for text in stories]):.3f}",
        "animals per story": f"{np.mean([len(mentioned(text, 'animal')) for text in stories]):.3f}",
        "found but never lost": faults(not re.search(r"but (lost|dropped) it", text) for text in found),
        "found in another colour, or another toy": faults(lost != found for lost, found in lost_and_found),
        "mood that was not felt before": faults(not was for was in felt),
        "wrong pronoun": faults(wrong_pronoun(text) for text in stories),
        "copies of training texts": faults(text in known for text in texts),
    }


NOT_ANY_MORE = re.compile(r"was not (\w+) (?:any more|at all)")


def mentioned(text: str, kind: str) -> set[str]:
    return set(re.findall(r"\w+", text)) & set(CLASSES[kind])


def lost_and_found_toy(text: str) -> tuple[tuple[str, str], tuple[str, str]] | None:
    lost = re.search(r"Now the (\w+) (\w+) was gone", text)
    found = re.search(r"found the (\w+) (\w+) ", text)
    return (lost.groups(), found.groups()) if lost and found else None


def mood_was_felt(text: str, match: re.Match) -> bool:
    return bool(re.search(rf"(was|felt) \w+ {match[1]}\b", text[: match.start()]))


def wrong_pronoun(text: str) -> bool:
    """A pronoun of the other gender in a story with one hero."""
    kinds = {HEROES[hero] for hero in mentioned(text, "hero")}
    others = {"she": r"\b(he|him|his)\b", "he": r"\b(she|her)\b"}
    return len(kinds) == 1 and bool(re.search(others[kinds.pop()], text, re.IGNORECASE))


def faults(cases: Iterable[bool]) -> str:
    cases = list(cases)
    return f"{sum(cases)} of {len(cases)}"


@torch.no_grad()
def bits_per_mention(model, tokenizer, texts: Sequence[str]) -> dict[str, tuple[float, float]]:
    """For each class of words: mean bits of a first mention in a text, and of every later mention of the same word."""
    kind_of = {tokenizer.encode(word)[0]: kind for kind, words in CLASSES.items() for word in words}
    first, later = defaultdict(list), defaultdict(list)
    for text in texts:
        ids = tokenizer.encode_prompt(text)
        surprise = -model(torch.tensor([ids])).logits[0].log_softmax(dim=-1) / math.log(2)
        seen = set()
        for place, token_id in enumerate(ids[1:]):
            if token_id in kind_of:
                (later if token_id in seen else first)[kind_of[token_id]].append(float(surprise[place, token_id]))
                seen.add(token_id)
    return {kind: (float(np.mean(first[kind])), float(np.mean(later[kind]))) for kind in CLASSES}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["lstm", "transformer"], default="lstm")
    load = load_shipped if parser.parse_args().model == "lstm" else load_shipped_transformer
    torch.set_num_threads(1)
    model, tokenizer = load()
    grammar, known = load_grammar(), load_corpus().train
    columns = {"true texts": (true := [story.text for story in make_stories(1_001, STORIES)], 1.0)}
    columns["temperature 1"] = sample(model, tokenizer, SamplingSettings())
    columns["temperature .8, top-p .9"] = sample(model, tokenizer, SamplingSettings(0.8, top_p=0.9))
    counted = {name: count_faults(texts, grammar, known) for name, (texts, _) in columns.items()}
    print(f"| {STORIES:,} texts each | " + " | ".join(columns) + " |\n|---" + "|---" * len(columns) + "|")
    for measure in counted["true texts"]:
        print(f"| {measure} | " + " | ".join(column[measure] for column in counted.values()) + " |")
    print("| ended by the end token | " + " | ".join(f"{ended:.1%}" for _, ended in columns.values()) + " |")
    fresh = list(make_stories(1_000, 1_000))
    bits = bits_of(model, tokenizer, [story.text for story in fresh])
    exact = np.array([story.bits for story in fresh])
    ratio = bits.sum() / exact.sum()
    error = float(np.std(bits - ratio * exact) * math.sqrt(len(fresh)) / exact.sum())
    print(f"\nTimes the floor on 1,000 fresh documents: {ratio:.4f} ± {error:.4f} (standard error)")
    print("\n| bits per mention | " + " | ".join(CLASSES) + " |\n|---" + "|---" * len(CLASSES) + "|")
    mentions = bits_per_mention(model, tokenizer, true[:300])
    for row, name in enumerate(["first", "again"]):
        print(f"| {name} | " + " | ".join(f"{mentions[kind][row]:.3f}" for kind in CLASSES) + " |")


if __name__ == "__main__":
    main()
