"""The training monitor in a real page: it moves while its cell runs, and Interrupt keeps what was learned."""

from __future__ import annotations

import re

MONITOR = """
from helpers.corpus import load_corpus
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
from helpers.training import TrainingConfig, evaluate, train
from helpers.window.training_monitor import TrainingMonitor
explorer = Explorer(load_all())
display(explorer)
corpus, (_, tokenizer) = load_corpus(), load_shipped()
learner = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, tied=True))
ids = tokenizer.encode("cat dog red blue")
monitor = TrainingMonitor(lambda: evaluate(learner, tokenizer, corpus.validation[:10]), every=20, sample=lambda: "<b>",
    lines={"floor": corpus.floor_bits_per_byte}, words={"animals": ["cat", "dog"], "colours": ["red", "blue"]},
    vectors=lambda: learner.embed(ids))
display(monitor)
try:
    for step in train(learner, tokenizer, corpus.train, TrainingConfig(updates=100_000)):
        monitor.show(step)
except KeyboardInterrupt:
    print("stopped early")
"""


def test_the_monitor_moves_and_interrupt_keeps_what_was_learned(open_window):
    window = open_window(MONITOR, wait=False)
    monitor = window.page.locator(".training-monitor")
    monitor.get_by_text("update").first.wait_for()
    first = monitor.inner_text()
    monitor.get_by_text(re.compile(r"after \d{2,},?\d* updates it writes")).wait_for()
    assert monitor.inner_text() != first
    for sentence in monitor.locator(".tj-sentence").all():
        assert len(sentence.inner_text().split()) >= 8
    assert monitor.locator("svg[role=img]").count() == 3
    window.menu("Kernel", "Interrupt Kernel")
    window.page.locator(".jp-OutputArea-output").get_by_text("stopped early").wait_for()
    assert int(window.ask("len(monitor.steps)")) >= 20
    assert window.ask("monitor.held_out[20] < monitor.held_out[1]") == "True"
    assert window.errors == []
