"""The live window in JupyterLab and Chromium: bytes on the wire, frames, long tasks, memory, a press until drawn."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

from playwright.sync_api import sync_playwright

TESTS = Path(__file__).resolve().parent.parent
CELL = """
import asyncio, time, torch
torch.set_num_threads(1)
model, tokenizer = load_shipped()

class Endless:
    eos_ids, suppressed_ids = frozenset(), tokenizer.suppressed_ids | tokenizer.eos_ids
    def __getattr__(self, name):
        return getattr(tokenizer, name)

async def play_again_and_again(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        explorer.reset()
        await asyncio.sleep(0.05)
        explorer.play()
        await asyncio.sleep(0.1)
        while explorer.playing and time.monotonic() < end:
            await asyncio.sleep(0.02)
    explorer.pause()

explorer = Explorer({"shipped": (model, Endless())}, max_new_tokens=1000, speed="full")
explorer
"""
WATCH = """seconds => new Promise(done => {
  const began = performance.now(), tasks = []; let frames = 0;
  const seen = new PerformanceObserver(list =>
    tasks.push(...list.getEntries().map(task => [task.startTime - began, task.duration])));
  seen.observe({type: "longtask"});
  const next = now => { frames++;
    if (now - began < 1000 * seconds) return requestAnimationFrame(next);
    seen.disconnect();
    done([1000 * frames / (now - began), tasks.filter(([start]) => start > 1000).map(([, long]) => long)]) };
  requestAnimationFrame(next) })"""
PRESS = """async places => { const found = [];
  const drawn = () => new Promise(done => requestAnimationFrame(() => {
    const channel = new MessageChannel(); channel.port1.onmessage = done; channel.port2.postMessage(0) }));
  for (const place of places) {
    const chip = document.querySelector(`.tj-chip[data-position="${place}"]`), began = performance.now();
    chip.click();
    do { await drawn() } while (!document.querySelector(`.tj-in[data-position="${place}"]`));
    found.push(performance.now() - began);
    await new Promise(done => setTimeout(done, 300)) }
  return found }"""


def browser_tests():
    """The module of the browser tests that opens JupyterLab; its name, conftest, belongs to another one, too."""
    sys.path.insert(0, str(TESTS))
    spec = importlib.util.spec_from_file_location("browser_tests", TESTS / "browser" / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Watched:
    """A window in a page, and what comes over the wire to it."""

    def __init__(self, server, browser, tests) -> None:
        self.window = tests.new_page(server, browser, CELL)
        self.page, self.frames = self.window.page, []
        self.session = self.page.context.new_cdp_session(self.page)
        self.session.on("Network.webSocketFrameReceived", lambda event: self.frames.append(content(event["response"])))
        for domain in ("Network", "Performance", "HeapProfiler"):
            self.session.send(f"{domain}.enable")

    def came(self, seconds: float) -> list[bytes]:
        """Messages of widgets that came within some seconds."""
        self.frames.clear()
        self.page.wait_for_timeout(1000 * seconds)
        return [frame for frame in self.frames if b'"msg_type": "comm_msg"' in frame]

    def at_twenty(self) -> float:
        """Bytes for each token at 20 tokens a second."""
        self.window.move("speed", "ArrowLeft", 1)
        self.window.press("play")
        self.window.wait_for_status("running")
        self.page.wait_for_timeout(1500)
        before, came, after = self.count(), self.came(4), self.count()
        self.window.press("pause")
        self.window.wait_for_status("paused")
        self.window.move("speed", "ArrowRight", 1)
        return sum(map(len, came)) / (after - before)

    def count(self) -> int:
        """How many tokens the page says there are."""
        return int(re.search(r"(\d+) tokens", self.window.status())[1])

    def at_full_speed(self, seconds: float = 6) -> tuple[float, float, list[float]]:
        """KB and frames a second, and the long tasks after the first second."""
        self.window.ask(f"asyncio.get_event_loop().create_task(play_again_and_again({seconds + 2})) and ''")
        self.frames.clear()
        frames, tasks = self.page.evaluate(WATCH, seconds)
        size = sum(len(frame) for frame in self.frames if b'"msg_type": "comm_msg"' in frame)
        self.window.wait_until("not explorer.playing")
        self.page.wait_for_timeout(3000)
        return size / seconds / 1000, frames, tasks

    def press(self) -> float:
        """ms from a press on a token to its being drawn, of a text with 1,000 new tokens; the slowest of eight."""
        self.window.ask("explorer.run(1000 - len(explorer.generation.steps))")
        newest = int(self.window.ask("len(explorer.generation.tokens)")) - 1
        self.page.locator(f".tj-chip[data-position='{newest}']").wait_for()
        return max(self.page.evaluate(PRESS, [newest - back for back in (5, 30, 20, 8, 3, 40, 50, 25)]))

    def heap(self) -> float:
        self.page.wait_for_timeout(1500)
        self.session.send("HeapProfiler.collectGarbage")
        return self.session.send("Runtime.getHeapUsage")["usedSize"]

    def memory(self) -> float:
        """Bytes of the page for a token, from token 100 to 1,000."""
        self.window.press("reset")
        self.window.wait_for_status("Back to the prompt")
        self.window.ask("explorer.run(100)")
        before = self.heap()
        self.window.ask("explorer.run(900)")
        return (self.heap() - before) / 900


def content(response: dict) -> bytes:
    data = response["payloadData"]
    return data.encode() if response["opcode"] == 1 else base64.b64decode(data)


def measured(source: str, presses: bool) -> SimpleNamespace:
    """What the window of the code in `source` costs; presses: also a press and the memory, which need this commit's."""
    tests = browser_tests()
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        sync_playwright() as playwright,
        tests.jupyter_lab(Path(folder), source=source) as server,
    ):
        path = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=tests.CHROMIUM_OPTIONS)
        watched = Watched(server, browser, tests)
        found = SimpleNamespace(full=watched.at_full_speed())
        watched.window.press("reset")
        watched.window.wait_for_status("Back to the prompt")
        found.twenty = watched.at_twenty()
        if presses:
            found.press, found.memory = watched.press(), watched.memory()
        browser.close()
    return found


def page_rows(now: str, before: str | None, commit: str) -> list[str]:
    if shutil.which("chromium") is None:
        return ["(No chromium: the page was not measured.)"]
    mine, theirs = measured(now, True), before and measured(before, False)
    load = os.getloadavg()[0]
    rows = [
        f"| in the page (JupyterLab, Chromium; load of the machine {load:.1f}) | the live window | of {commit} |",
        "|---|---|---|",
    ]

    def add(name, of, digits=",.0f"):
        rows.append(f"| {name} | {of(mine):{digits}} | {format(of(theirs), digits) if theirs else ''} |")

    add("bytes on the wire for a token, at 20 tokens a second", lambda found: found.twenty)
    add("KB a second at full speed", lambda found: found.full[0])
    add("frames a second at full speed", lambda found: found.full[1])
    add("tasks over 50 ms in five seconds of it", lambda found: len(found.full[2]))
    add("their median, ms", lambda found: statistics.median(found.full[2] or [0]))
    return [
        *rows,
        f"| ms from a press to its being drawn, at token 1,000, the slowest of eight | {mine.press:.0f} | |",
        f"| the page's memory, bytes for a token | {mine.memory:,.0f} | |",
    ]
