"""Inside the live window: heads are looked through and muted, a unit of the memory is flipped, all is taken back."""

from __future__ import annotations

import pytest

TRANSFORMER = """
from helpers.models.checkpoint import load_shipped_transformer
explorer = Explorer({"Transformer": load_shipped_transformer()}, seed=3, speed="10/s", max_new_tokens=1000)
explorer.run(12)
explorer._controls.inside.value = True
explorer"""
LSTM = """
explorer = Explorer({"LSTM": load_shipped()}, seed=3, speed="10/s")
explorer.run(12)
explorer._controls.inside.value = True
explorer"""
STEPS = "len(explorer.generation.steps)"
CHANGED = "[step.changed for step in explorer.generation.steps]"
SCROLLING = """() => [...document.querySelectorAll('.explorer, .explorer *')].filter(e => {
  const style = getComputedStyle(e);
  return (/auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1)
      || (/auto|scroll/.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1) }).map(e => e.className)"""
OUTSIDE = """() => { const part = document.querySelector('.explorer-stages').getBoundingClientRect();
  return [...document.querySelectorAll('.explorer-stages *')].map(e => [e.className, e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.bottom > part.bottom + 1 || box.right > part.right + 1))
    .map(([name]) => name) }"""


@pytest.fixture
def transformer(window_again):
    """One window over the Transformer after twelve steps, its inside open."""
    return opened(window_again, TRANSFORMER, ".explorer-heads")


@pytest.fixture
def lstm(window_again):
    """The same over the LSTM."""
    return opened(window_again, LSTM, ".explorer-memory")


def opened(window_again, cell, part):
    window = window_again(cell)
    window.page.locator(part).wait_for()
    return window


def head(window, name):
    return window.part("heads").locator(f"[data-head='{name}']")


def mute(window, name):
    head(window, name).click()
    window.part("mute").click()


def shades(window):
    return (
        window.part("text").locator(".tj-chip").evaluate_all("es => es.map(e => e.style.getPropertyValue('--share'))")
    )


def test_a_head_that_is_pressed_tints_the_text_by_its_look_and_says_where_it_looks(transformer):
    window = transformer
    look = window.part("look")
    assert "The mean of all heads looks from" in look.inner_text()
    head(window, "0.2").click()
    window.part("heads").locator("[aria-pressed=true]").wait_for()
    look.filter(has_text="Layer 0 head 2 looks from").wait_for()
    ids = "[t.token_id for t in explorer.generation.tokens]"
    weights = window.ask(f"explorer.generation.inside_at(len({ids}) - 2).attention[0, 2].round(2).tolist()")
    largest = max(float(each) for each in weights.strip("[]").split(","))
    assert f"with {largest:.2f} at" in look.inner_text()
    window.part("tint").locator("[aria-pressed=true]").get_by_text("attention 0.2").wait_for()
    by_head = shades(window)
    head(window, "0.2").click()
    look.filter(has_text="The mean of all heads").wait_for()
    window.part("tint").get_by_text("attention", exact=True).wait_for()
    assert shades(window) != by_head


def test_heads_that_are_muted_act_from_the_next_token_on_and_reset_takes_them_back(transformer):
    window = transformer
    window.part("text").locator(".tj-chip").nth(8).click()
    window.wait_for_status("looking at step 5 of 12")
    mute(window, "0.2")
    window.wait_for_status("muted: layer 0 head 2 · This acts from the next token on")
    mute(window, "1.3")
    window.wait_for_status("muted: layer 0 head 2, layer 1 head 3")
    assert window.part("heads").locator(".tj-muted").count() == 2
    assert window.ask(STEPS) == "12"  # nothing is lost by it
    window.press("step")
    window.wait_for_status("Forked after step 5; 7 later tokens were dropped")
    window.press("step")
    window.wait_until(f"{STEPS} == 7")
    assert window.ask(CHANGED) == str([""] * 5 + ["muted: layer 0 head 2, layer 1 head 3"] * 2)
    chips = window.part("text").locator(".tj-changed")
    chips.nth(1).wait_for()
    assert chips.count() == 2
    chips.last.hover()
    window.page.locator(".tj-tip").filter(has_text="muted: layer 0 head 2, layer 1 head 3").wait_for()
    shown = window.part("candidates").locator(".tj-sentence").inner_text()
    assert shown.endswith("(muted: layer 0 head 2, layer 1 head 3).")
    window.press("reset")
    window.wait_for_status("with nothing changed in the model")
    window.press("step")
    window.wait_until(f"{CHANGED} == ['']")
    window.part("text").locator(".tj-chip").nth(5).wait_for()
    assert window.part("text").locator(".tj-changed").count() == 0
    assert window.part("heads").locator(".tj-muted").count() == 0


def test_a_head_muted_while_a_text_plays_acts_and_the_text_plays_on(transformer):
    window = transformer
    window.press("play")
    window.wait_for_status("running")
    mute(window, "0.0")
    window.wait_until(f"{CHANGED}[-1] == 'muted: layer 0 head 0'")
    window.wait_for_status("running.*muted: layer 0 head 0")
    window.part("unmute").click()
    window.wait_until(f"{CHANGED}[-1] == ''")
    window.wait_for_status("running")
    window.press("pause")
    window.wait_for_status("paused")


def test_heads_are_one_stop_for_tab_and_the_keyboard_mutes(transformer):
    window = transformer
    window.part("heads").locator("[tabindex='0']").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        window.page.keyboard.press(key)
    assert window.page.evaluate("document.activeElement.dataset.head") == "1.2"
    window.page.keyboard.press("m")
    window.wait_for_status("muted: layer 1 head 2")
    window.page.keyboard.press("Enter")
    window.part("look").filter(has_text="Layer 1 head 2 (muted)").wait_for()
    window.page.keyboard.press("Tab")
    assert window.page.evaluate("document.activeElement.className") == "explorer-mute"
    window.page.keyboard.press("Enter")
    window.wait_for_status("Nothing is changed from the next token on")
    assert window.page.locator(".jp-Notebook .jp-CodeCell").count() == 2  # no key went to JupyterLab


def test_pointing_at_a_token_tints_those_that_it_looked_at(transformer):
    window = transformer
    window.part("tint").locator("[data-tint=norm]").click()
    window.page.wait_for_timeout(100)
    by_norm = shades(window)
    chips = window.part("text").locator(".tj-chip")
    newest = chips.count() - 1
    chips.nth(newest - 1).hover()  # its inside is known: it is the one looked at
    window.part("text").locator(".tj-warm").wait_for()
    assert shades(window) != by_norm
    chips.nth(3).hover()  # of this one the page does not know it
    window.part("text").locator(".tj-warm").wait_for(state="detached")
    assert shades(window) == by_norm


def test_the_memory_is_drawn_along_the_text_and_a_unit_tells_its_gates(lstm):
    window = lstm
    memory, strip = window.part("memory"), window.part("memory").locator(".tj-along")
    assert memory.locator("span").first.inner_text().startswith("unit ")
    said = memory.locator(".tj-sentence")
    assert "256 units after" in said.inner_text()
    press_unit(window, place=9, row=2)
    window.wait_for_status("looking at step 6 of 12")
    unit = int(memory.locator("span").nth(2).inner_text().split()[1])
    kept = "explorer.generation.memories(9, 10)[0]"
    value, forget = window.ask(f"f'{{{kept}.cell[{unit}]:+.2f}} {{{kept}.forget_gate[{unit}]:.2f}}'").split()
    said.filter(has_text=f"Unit {unit} after").wait_for()
    assert f": {value}; input gate" in said.inner_text()
    assert f"forget gate {forget}" in said.inner_text()
    columns = strip.locator("canvas").evaluate("e => [e.width, e.height]")
    assert columns == [20, 8]
    # a column stands above its dot in the plot below
    dot, box = window.part("norms").locator(".tj-lit").bounding_box(), strip.bounding_box()
    assert dot["x"] + dot["width"] / 2 == pytest.approx(box["x"] + box["width"] * 9.5 / 20, abs=3)


def press_unit(window, place, row, columns=20):
    window.part("memory").scroll_into_view_if_needed()
    box = window.part("memory").locator(".tj-along").bounding_box()
    window.page.mouse.click(
        box["x"] + box["width"] * (place + 0.5) / columns, box["y"] + box["height"] * (row + 0.5) / 8
    )


def test_a_unit_that_is_flipped_forks_the_text_after_its_token(lstm):
    window = lstm
    before = window.ask("[t.token_id for t in explorer.generation.tokens]")
    press_unit(window, place=8, row=0)
    window.wait_for_status("looking at step 5 of 12")
    unit = int(window.part("memory").locator("span").first.inner_text().split()[1])
    value = window.ask(f"explorer.generation.memories(8, 9)[0].cell[{unit}]")
    window.part("flip").click()
    window.wait_for_status(f"looking at step 4 of 12.*flipped: unit {unit} at position 8")
    assert window.page.locator(".tj-turned").count() == 1
    assert window.ask("[t.token_id for t in explorer.generation.tokens]") == before
    window.press("step")
    window.wait_for_status("Forked after step 4; 8 later tokens were dropped")
    window.press("step")
    window.wait_until(f"{STEPS} == 6")
    assert window.ask(CHANGED) == str([""] * 4 + [f"flipped: unit {unit} at position 8"] * 2)
    flipped = window.ask(f"explorer.generation.memories(8, 9)[0].cell[{unit}]")
    assert float(flipped) == pytest.approx(-float(value))
    press_unit(window, place=8, row=0)
    window.part("memory").locator(".tj-sentence").filter(
        has_text=f"{float(flipped):+.2f}, flipped; input gate"
    ).wait_for()
    window.part("flip").filter(has_text="back at").click()
    window.wait_for_status("Nothing is changed from the next token on")
    window.press("play")
    window.wait_for_status("running")
    window.press("pause")
    window.wait_for_status("paused")
    assert not any(window.ask(CHANGED).strip("[]").replace("'", "").split(", "))


def test_a_page_that_is_loaded_anew_keeps_what_is_changed(open_window):
    window = open_window(TRANSFORMER)
    mute(window, "0.1")
    window.wait_for_status("muted: layer 0 head 1")
    window.press("step")
    window.wait_until(f"{STEPS} == 13")
    window.menu("File", "Save Notebook")
    window.page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")
    window.page.reload()
    window.part("text").locator(".tj-changed").wait_for()
    window.wait_for_status("muted: layer 0 head 1")
    assert window.part("heads").locator(".tj-muted").inner_text() == "0.1"
    assert window.errors == []


def test_a_unit_that_is_pressed_is_forgotten_where_a_smaller_memory_has_none_of_its_number(open_window):
    window = open_window(
        """
from helpers.models.lstm import LSTMConfig, LSTMLanguageModel
model, tokenizer = load_shipped()
small = LSTMLanguageModel(LSTMConfig(tokenizer.vocab_size, 8, 6))
explorer = Explorer({"shipped": (model, tokenizer), "small": (small, tokenizer)}, seed=3)
explorer.run(9)
explorer._controls.inside.value = True
explorer"""
    )
    press_unit(window, place=9, row=7)
    window.part("flip").click()
    window.wait_for_status("flipped: unit")
    window.part("model").locator("select").select_option("small")
    window.wait_for_status("Started afresh")
    assert "flipped" not in window.status()
    window.press("step")
    window.part("memory").get_by_text("6 units after").wait_for()
    assert window.part("memory").locator(".tj-memory span").all_inner_texts()[:8] == [f"unit {n}" for n in range(6)] + [
        "",
        "",
    ]
    assert window.errors == []


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)], ids=str)
@pytest.mark.parametrize("cell", [TRANSFORMER, LSTM], ids=["transformer", "lstm"])
def test_nothing_jumps_or_leaves_its_part_while_a_text_plays(window_again, cell, size):
    window = window_again(cell)
    window.page.set_viewport_size({"width": size[0], "height": size[1]})
    whole, tops = window.page.locator(".explorer"), set()
    for press in ("reset", "play"):
        window.press(press)
        for _ in range(12):
            tops.add(
                tuple(
                    window.part(part).bounding_box()["y"] - whole.bounding_box()["y"]
                    for part in ("stages", "norms", "position")
                )
            )
            window.page.wait_for_timeout(100)
    window.press("pause")
    window.wait_for_status("paused|ended")
    assert len(tops) == 1
    assert window.page.evaluate(SCROLLING) == []
    assert window.page.evaluate(OUTSIDE) == []


def test_a_model_that_does_not_say_it_has_no_such_buttons(open_window):
    window = open_window(
        """
from types import SimpleNamespace
model, tokenizer = load_shipped()
names = ("vocab_size", "embedding_dim", "context_length", "embed", "advance", "rewind")
closed = SimpleNamespace(**{name: getattr(model, name) for name in names})
explorer = Explorer({"closed": (closed, tokenizer)}, seed=3)
explorer.run(3)
explorer._controls.inside.value = True
explorer"""
    )
    window.part("stages").get_by_text("This model does not say what is inside it.").wait_for()
    for part in ("heads", "memory", "mute", "flip"):
        assert window.part(part).is_hidden()
    assert window.errors == []
