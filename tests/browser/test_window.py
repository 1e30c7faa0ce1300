"""The live window in a real JupyterLab page: what a reader does, and what the kernel says of it."""

from __future__ import annotations

import ast

import pytest

SHIPPED = 'explorer = Explorer({"shipped": load_shipped()}, seed=2, speed="10/s")\nexplorer'
# an untrained model hardly ever draws its end token, so a slow page has time
LONG = (
    'explorer = Explorer({"untrained": load_all()["untrained"]}, seed=2, speed="10/s", max_new_tokens=1000)\nexplorer'
)
STEPS = "len(explorer.generation.steps)"
STREAMS = "[t.get_name() for t in __import__('asyncio').all_tasks()].count('token-journey live window')"
HOSTILE = [
    "<img src=x onerror=\"document.body.dataset.hit='1'\">",
    "</svg><script>document.body.dataset.hit='1'</script>",
    "\u202eright to left \u202c\u200f &amp; <b>bold</b>",
    "x" * 10_000,
]


@pytest.fixture
def window(window_again):
    """One window over the shipped model."""
    return window_again(SHIPPED)


@pytest.fixture
def long_window(window_again):
    """The same over a model whose texts run on."""
    return window_again(LONG)


def step(window):
    """One step, and the page shows it."""
    window.press("step")
    window.wait_until(f"{STEPS} == 1")
    tokens = window.ask("len(explorer.generation.tokens)")
    window.wait_for_status(f"· {tokens} tokens")
    window.part("norms").get_by_text(f"{tokens} tokens").wait_for()


def test_sliders_moved_by_keyboard_act_on_the_very_next_token(long_window):
    window = long_window
    window.ask("moves := []")
    for name in ("temperature", "top_k", "top_p"):
        window.ask(
            f"explorer._controls.filters[{name!r}].observe(lambda c: "
            f"moves.append((len(explorer.generation.steps), '{name}', round(c['new'], 2))), names='value')"
        )
    window.press("play")
    window.wait_for_status("running")
    window.wait_until(f"{STEPS} >= 4")
    assert window.move("temperature", "ArrowRight", 6) == "1.1"
    assert window.move("top-k", "ArrowRight", 5) == "5.0"
    assert window.move("top-p", "ArrowLeft", 4) == "0.7"
    values = "[(s := {}).temperature, s.top_k, s.top_p]"
    window.wait_until(f"{values.format('explorer.settings')} == [1.1, 5, 0.7]")
    window.wait_until(f"{STEPS} >= moves[-1][0] + 2")
    window.press("pause")
    window.wait_for_status("paused")
    assert window.ask(values.format("explorer.generation.steps[0].settings")) == "[0.8, 0, 0.9]"
    assert window.ask(values.format("explorer.generation.steps[-1].settings")) == "[1.1, 5, 0.7]"
    # the token that is being computed while a slider moves may still have the value before; the next one may not
    obeyed = (
        "all(getattr(explorer.generation.steps[n + 1].settings, name) in "
        "{v for m, other, v in moves if other == name and n <= m <= n + 1} for n, name, _ in moves)"
    )
    assert window.ask(obeyed) == "True"
    assert window.part("norms").locator("svg path[stroke-dasharray='2 3']").count() >= 1


def test_looking_back_changes_nothing_and_playing_from_there_forks(window):
    for _ in range(3):
        window.press("step")
    window.wait_until(f"{STEPS} == 3")
    before = window.ask("explorer.generation.text")
    window.press("back")
    window.wait_for_status("looking at step 2 of 3")
    assert window.move("position", "ArrowLeft", 1) == "1"
    window.wait_for_status("looking at step 1 of 3")
    assert window.ask("explorer.generation.text") == before
    chips = window.part("text")
    assert chips.locator(".tj-in").inner_text().split("\n")[0] == "·Mia"
    assert chips.locator(".tj-out").count() == 1
    window.press("play")
    window.wait_for_status("Forked after step 1; 2 later tokens were dropped")
    window.wait_until(f"{STEPS} >= 4")
    window.press("pause")
    window.wait_for_status("paused")
    assert window.ask("explorer.generation.text").startswith(before)  # same seed, same settings: the same again


def test_while_paused_a_candidate_can_be_chosen(window):
    step(window)
    second = window.part("choice").nth(1)
    name = second.inner_text()
    second.press("Enter")
    window.wait_for_status(f"You chose {name}")
    assert window.ask("explorer.generation.steps[0].chosen_by") == "learner"
    assert window.part("text").locator(".tj-out").inner_text().startswith(name)
    window.press("play")
    window.wait_for_status("running")
    assert window.part("choice").first.is_disabled()
    window.press("pause")
    window.wait_for_status("paused")
    assert window.ask("explorer.generation.steps[0].chosen_by") == "learner"


def test_the_same_seed_tells_the_same_story_to_its_end(window):
    window.move("speed", "ArrowRight", 2)
    stories = []
    for _ in range(2):
        window.press("play")
        window.wait_for_status("end token")
        stories.append(window.ask("explorer.generation.text"))
        window.press("reset")
        window.wait_for_status("Back to the prompt")
        assert window.ask(STEPS) == "0"
    assert stories[0] == stories[1]
    assert stories[0].endswith(".")


def test_a_hostile_prompt_is_shown_as_text(window):
    box = window.part("prompt").locator("input")
    for prompt in HOSTILE:
        box.fill(prompt)
        box.press("Enter")
        window.wait_until(f"{STEPS} == 0 and explorer._controls.prompt.value == {prompt!r}")
        step(window)
        assert window.page.evaluate("document.body.dataset.hit") is None
        assert window.page.locator(".explorer img[src=x], .explorer script").count() == 0
        assert "\u202e" not in window.part("text").inner_text()
        assert prompt[-4:].strip() in window.ask("explorer.generation.text")


def test_an_error_is_said_in_the_window(window):
    window.ask("setattr(explorer.generation, 'step', lambda settings: 1 / 0)")
    window.press("play")
    assert window.wait_for_status("division") == "division by zero"
    window.press("reset")
    window.wait_for_status("Back to the prompt")


def test_rerunning_the_cell_or_interrupting_leaves_one_stream_and_no_traceback(long_window):
    window = long_window
    window.press("play")
    window.wait_for_status("running")
    window.run_all()
    window.wait_until(f"{STREAMS} == 0")
    window.press("play")
    window.wait_for_status("running")
    assert window.ask(STREAMS) == "1"
    window.menu("Kernel", "Interrupt Kernel")
    window.page.wait_for_timeout(1000)
    window.wait_until(f"{STREAMS} <= 1")
    assert window.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert "Traceback" not in window.page.locator(".jp-Notebook").inner_text()


def test_after_a_restart_the_window_says_what_to_do(long_window):
    window = long_window
    window.press("play")
    window.wait_for_status("running")
    window.menu("Kernel", "Restart Kernel…")
    window.page.locator(".jp-Dialog .jp-mod-accept").click()
    window.page.get_by_text("| Idle").wait_for()
    assert "run this cell again" in window.page.locator(".explorer .tj-note").inner_text()
    assert "Traceback" not in window.page.locator(".jp-Notebook").inner_text()
    window.run_all()
    window.press("play")
    window.wait_for_status("running")
    window.errors.clear()  # the old widgets' channels were closed under them: JupyterLab's own words


def test_of_two_windows_one_streams_at_a_time(open_window):
    window = open_window(LONG, LONG.replace("explorer", "other"))
    window.press("play", 0)
    window.wait_for_status("running", 0)
    window.press("play", 1)
    window.wait_for_status("running", 1)
    window.wait_for_status("paused", 0)
    assert window.ask(STREAMS) == "1"
    window.press("step", 0)
    window.wait_until("not explorer.playing and other.playing")
    assert window.errors == []


def test_every_control_can_be_reached_with_tab_in_reading_order(window):
    step(window)
    window.part("play").focus()
    order = []
    for _ in range(40):
        name = window.page.evaluate(
            """() => { const parts = [...document.activeElement.closest('[class*=explorer-]')?.classList ?? []];
            return (parts.find(name => name.startsWith('explorer-')) ?? '').slice(9) }"""
        )
        order += [name] if name and name not in order else []
        window.page.keyboard.press("Tab")
    controls = "play step back reset prompt seed model inside tree temperature top-k top-p min-p speed length"
    assert order == [*controls.split(), *["tint", "next-open", "text", "choice", "position"]]


def it_stands_still_while_a_text_plays(window, tenths):
    """Play for some tenths of a second, then pause: the window keeps its height, and nothing in it scrolls."""
    whole, heights = window.page.locator(".explorer"), set()
    window.press("play")
    for _ in range(tenths):
        heights.add(whole.bounding_box()["height"])
        window.page.wait_for_timeout(100)
    window.press("pause")
    window.wait_for_status("paused")
    heights.add(whole.bounding_box()["height"])
    assert len(heights) == 1
    assert window.page.evaluate(SCROLLING) == []


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)], ids=str)
def test_nothing_jumps_overlaps_or_scrolls(long_window, size):
    window = long_window
    window.page.set_viewport_size({"width": size[0], "height": size[1]})
    it_stands_still_while_a_text_plays(window, tenths=30)
    assert window.page.evaluate(OVERLAPPING) == []


def test_every_figure_stands_beside_its_sentence(window):
    step(window)
    for part in ("norms", "cosines", "surprise", "candidates", "embedding"):
        sentence = window.part(part).locator(".tj-sentence").inner_text()
        picture = window.part(part).locator("[role=img], img")
        assert len(sentence.split()) >= 8
        assert sentence == (picture.get_attribute("aria-label") or picture.get_attribute("alt"))
    assert "6 tokens" in window.part("norms").locator(".tj-sentence").inner_text()
    assert window.part("text").get_attribute("aria-label").startswith("5 tokens of the prompt and 1 new")


def test_any_token_can_be_pressed_also_of_the_prompt(window):
    for _ in range(3):
        window.press("step")
    window.wait_until(f"{STEPS} == 3")
    text, chips = window.ask("explorer.generation.text"), window.part("text").locator(".tj-chip")
    for place in (5, 2, 0, 6, 7):
        chips.nth(place).click()
        went_in = window.part("text").locator(f".tj-in[data-position='{place}']")
        went_in.wait_for()
        assert went_in.locator("i").inner_text() == window.page.locator(".explorer .tj-big").inner_text()
        shown = window.part("candidates").locator(".tj-sentence")
        if place == 7:  # nothing has come after the newest token
            assert "has not read on from here" in shown.inner_text()
        else:
            shown.filter(
                has_text=window.ask(
                    f"__import__('helpers.sentences').sentences.of_choice(explorer.generation.expected({place}))"
                )
            ).wait_for()
    assert window.ask("explorer.generation.text") == text  # to look is free
    chips.nth(5).click()
    window.wait_for_status("looking at step 2 of 3")
    assert window.ask("explorer.position") == "2"


def test_the_text_is_one_stop_for_tab_and_arrow_keys_move_within_it(window):
    for _ in range(3):
        window.press("step")
    window.wait_until(f"{STEPS} == 3")
    window.part("text").locator(".tj-chip").nth(7).wait_for()
    text, tip = window.part("text"), window.page.locator(".explorer .tj-tip")
    text.focus()
    window.page.keyboard.press("Home")
    tip.filter(has_text="position 0 ").wait_for()
    for _ in range(5):
        window.page.keyboard.press("ArrowRight")
    tip.filter(has_text="position 5 ").wait_for()
    told = tip.inner_text()
    for words in ("id ", "norm ", "probability ", "bits"):
        assert words in told
    active = text.get_attribute("aria-activedescendant")
    assert window.page.locator(f"#{active}").get_attribute("data-position") == "5"
    window.page.keyboard.press("Enter")
    window.wait_for_status("looking at step 2 of 3")
    assert window.page.locator(".jp-Notebook .jp-Cell").count() == 2  # no key went to JupyterLab


def test_pointing_at_a_token_marks_it_in_every_plot(window):
    for _ in range(3):
        window.press("step")
    window.wait_until(f"{STEPS} == 3")
    window.part("text").locator(".tj-chip").nth(6).hover()
    for plot in ("norms", "cosines", "surprise"):
        window.part(plot).locator(".tj-ring[visibility=visible]").wait_for()
    box = window.part("norms").locator("svg").bounding_box()
    window.page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"])
    window.part("text").locator(".tj-hover").wait_for()
    assert window.part("text").locator(".tj-hover").get_attribute("data-position") != "6"
    window.page.mouse.click(box["x"] + 0.08 * box["width"], box["y"] + 0.4 * box["height"])
    window.part("text").locator(".tj-in.tj-prompt").wait_for()


def test_the_text_is_tinted_by_choice_and_the_next_open_step_is_found(window):
    for _ in range(8):
        window.press("step")
    window.wait_until(f"{STEPS} == 8")
    window.part("text").locator(".tj-chip").nth(12).wait_for()
    shades = "es => es.map(e => e.style.getPropertyValue('--share')).join(' ')"
    chips, found = window.part("text").locator(".tj-chip"), set()
    for tint in ("norm", "surprise", "entropy"):
        window.part("tint").locator(f"[data-tint={tint}]").click()
        window.part("tint").locator(f"[data-tint={tint}][aria-pressed=true]").wait_for()
        window.page.wait_for_timeout(100)
        found.add(chips.evaluate_all(shades))
    assert len(found) == 3
    assert window.part("tint").locator("[data-tint=attention]").is_hidden()  # an LSTM looks at nothing
    hesitated = window.ask("[s.index + 1 for s in explorer.generation.steps if s.entropy >= 1]")
    window.part("next-open").click()
    window.wait_for_status("looking at step")
    assert int(window.ask("explorer.position")) == int(hesitated.strip("[]").split(",")[0])


def test_a_view_that_opens_later_shows_all_that_there_is(open_window):
    window = open_window(SHIPPED, "explorer.run(12)", "explorer")
    for number in (0, 1):
        chips = window.part("text", number).locator(".tj-chip")
        chips.nth(16).wait_for()
        assert chips.count() == 17
    window.menu("File", "Save Notebook")
    window.page.locator(".lm-TabBar-tab.jp-mod-dirty").wait_for(state="detached")
    window.page.reload()
    window.page.locator(".explorer .tj-chip").nth(16).wait_for()
    window.press("step")
    window.wait_until(f"{STEPS} == 13")
    window.part("text").locator(".tj-chip").nth(17).wait_for()


def test_bars_are_as_long_as_the_probabilities_and_a_small_one_is_short(window):
    step(window)
    step_ = window.ask(
        "[[c.model_probability, c.sampling_probability] for c in explorer.generation.steps[0].candidates]"
    )
    widths = "es => es.map(e => parseFloat(e.style.width))"
    for column, name in enumerate(("tj-model", "tj-left")):
        bars = window.part("candidates").locator(f".tj-bar:not([hidden]) .{name}").evaluate_all(widths)
        given = [row[column] for row in ast.literal_eval(step_)]
        largest = max(0.05, *(max(row) for row in ast.literal_eval(step_)))
        assert bars == pytest.approx([100 * value / largest for value in given], abs=0.2)


def test_the_inside_opens_at_a_press_follows_the_step_and_stands_still(window):
    step(window)
    assert window.part("stages").is_hidden()
    window.press("inside")
    names = window.ask("' '.join(stage.name for stage in explorer.generation.inside(0).stages)")
    window.part("stages").locator(".tj-stage").nth(2).wait_for()
    shown = [row.locator("span").first.inner_text() for row in window.part("stages").locator(".tj-stage").all()]
    assert " ".join(shown) == names
    it_stands_still_while_a_text_plays(window, tenths=15)
    window.press("back")
    window.wait_for_status("looking at step")
    norm = window.ask("f'{explorer.generation.inside(explorer.position - 1).stages[-1].norm:.2f}'")
    assert window.part("stages").locator("b").last.inner_text() == norm
    window.press("inside")
    window.part("stages").wait_for(state="hidden")


SCROLLING = """() => [...document.querySelectorAll('.explorer, .explorer *')].filter(e => {
  const style = getComputedStyle(e);
  return (/auto|scroll/.test(style.overflowX) && e.scrollWidth > e.clientWidth + 1)
      || (/auto|scroll/.test(style.overflowY) && e.scrollHeight > e.clientHeight + 1) }).map(e => e.className)"""
OVERLAPPING = """() => {
  const names = ['controls', 'sliders', 'status', 'text', 'stations', 'norms', 'cosines', 'position'];
  const boxes = names.map(name => [name, document.querySelector('.explorer-' + name).getBoundingClientRect()]);
  return boxes.slice(1).filter(([, box], n) => box.top < boxes[n][1].bottom - 4).map(([name]) => name) }"""
