"""Two runs side by side, and the tree of branches, in a real JupyterLab page."""

from __future__ import annotations

import pytest

PAIR = """
from helpers.sampling import SamplingSettings
model, tokenizer = load_shipped()
explorer = Explorer.compare({"calm": (model, tokenizer, SamplingSettings(0.2)), "wild": (model, tokenizer)},
    seed=2, settings=SamplingSettings(1.4), speed="full", max_new_tokens=30)
explorer"""
SHIPPED = 'explorer = Explorer({"shipped": load_shipped()}, seed=2, speed="full", max_new_tokens=30)\nexplorer'
HOSTILE = """
class Hostile:
    def __getattr__(self, name):
        return getattr(tokenizer, name)
    def piece(self, token_id):
        return f"<img src=x onerror=\\"document.body.dataset.hit='1'\\"> \\u202e{token_id}"
explorer = Explorer.compare({"<b>one</b>": (model, Hostile()), "two": (load_all()["untrained"][0], tokenizer)},
    seed=2, speed="full", max_new_tokens=20)
explorer"""
TEXTS = "[text.text for text in explorer.generations.values()]"
BOTH = "[len(text.steps) for text in explorer.generations.values()]"


@pytest.fixture
def pair(window_again):
    """One window over two runs."""
    return window_again(PAIR)


@pytest.fixture
def window(window_again):
    """One window over the shipped model."""
    return window_again(SHIPPED)


def played(window):
    """The text, or both, to the limit."""
    window.press("play")
    window.wait_for_status("stopped|ended")


def chips(window, number: int):
    """The tokens of one of two texts."""
    return window.part("text").nth(number).locator(".tj-chip")


def first_piece(chip) -> str:
    return chip.inner_text().split("\n")[0]


def test_both_texts_grow_in_step_and_the_place_where_they_part_is_marked(pair):
    assert "no new token yet" in pair.part("parting").inner_text()
    for count in (1, 2):
        pair.press("step")
        pair.wait_until(f"{BOTH} == [{count}, {count}]")
    played(pair)
    said = pair.part("parting").inner_text()
    parted = [pair.part("text").nth(number).locator(".tj-part") for number in (0, 1)]
    pieces = [first_piece(chip) for chip in parted]
    agree = int(
        pair.ask(
            "next(n for n, (a, b) in enumerate(zip(*[[s.output.token_id for s in t.steps] "
            "for t in explorer.generations.values()])) if a != b)"
        )
    )
    assert (
        said == f"The two texts agree for {agree} tokens; then “calm” says ‘{pieces[0]}’ and “wild” says ‘{pieces[1]}’."
    )
    assert pieces[0] != pieces[1]
    assert pair.page.locator(".explorer-status").count() == 1
    assert (
        pair.ask("[{s.settings.temperature for s in t.steps} for t in explorer.generations.values()]")
        == "[{0.2}, {1.4}]"
    )


def test_a_press_on_either_row_shows_its_candidates_in_both(pair):
    played(pair)
    chips(pair, 1).nth(8).click()
    pair.wait_for_status("looking at step 5 of 30")
    for number in (0, 1):
        assert pair.part("text").nth(number).locator(".tj-in").get_attribute("data-position") == "8"
        shown = pair.page.locator(".explorer-choices").nth(number).locator("button:visible").first.inner_text()
        wanted = pair.ask(f"list(explorer.generations.values())[{number}].steps[4].candidates[0].piece")
        assert shown == wanted.replace("▁", "·")
    chips(pair, 0).nth(1).click()  # within the prompt: what both expected there
    pair.page.get_by_text("The prompt goes on with").nth(1).wait_for()
    assert pair.page.get_by_text("The prompt goes on with").count() == 2
    pair.press("back")
    pair.wait_for_status("looking at step 4 of 30")
    pair.press("reset")
    pair.wait_until(f"{BOTH} == [0, 0]")


def test_a_token_under_the_pointer_is_marked_in_both_and_keys_move_it(pair):
    played(pair)
    chips(pair, 0).nth(6).hover()
    pair.page.wait_for_function("document.querySelectorAll('.tj-hover').length === 2")
    assert chips(pair, 1).nth(6).get_attribute("class").endswith("tj-hover")
    text = pair.part("text").nth(1)
    text.focus()
    pair.page.keyboard.press("Home")
    pair.page.keyboard.press("ArrowRight")
    pair.page.wait_for_function("document.querySelectorAll('.tj-hover[data-position=\"1\"]').length === 2")
    for _ in range(5):
        pair.page.keyboard.press("ArrowRight")
    pair.page.keyboard.press("Enter")
    pair.wait_for_status("looking at step 3 of 30")


def test_a_pressed_candidate_is_taken_by_both(pair):
    played(pair)
    chips(pair, 1).nth(7).click()
    pair.wait_for_status("looking at step 4 of 30")
    pair.page.locator(".explorer-choices").nth(1).locator("button:visible").nth(2).click()
    pair.wait_for_status("You chose")
    pair.wait_until(f"{BOTH} == [4, 4]")
    assert pair.ask("len({t.steps[3].output.token_id for t in explorer.generations.values()})") == "1"


def test_two_runs_fit_and_nothing_jumps_while_they_grow(pair):
    pair.page.set_viewport_size({"width": 1280, "height": 720})
    whole, plot = (pair.page.locator(name).last for name in (".explorer", ".explorer-norms"))
    before = whole.bounding_box()["height"], plot.bounding_box()["y"] - whole.bounding_box()["y"]
    played(pair)
    after = whole.bounding_box()["height"], plot.bounding_box()["y"] - whole.bounding_box()["y"]
    assert after == before
    assert after[0] <= 688
    left, right = (pair.page.locator(".explorer-stations").nth(number).bounding_box() for number in (0, 1))
    assert abs(left["width"] - right["width"]) < 2
    assert left["x"] + left["width"] < right["x"]


def test_one_slider_below_both_looks_at_a_step_of_each(pair):
    played(pair)
    [slider] = pair.page.locator(".explorer-position input").all()
    left, right = (pair.page.locator(".explorer-norms").nth(number).bounding_box() for number in (0, 1))
    box = slider.bounding_box()
    assert box["y"] >= left["y"] + left["height"]
    assert box["width"] > left["width"]
    assert box["x"] + box["width"] < right["x"] + right["width"]
    slider.fill("3")
    pair.wait_for_status("looking at step 3 of 30")
    assert pair.page.locator(".tj-out").count() == 2
    assert pair.page.locator(".explorer-position").inner_text().split("\n")[-1].strip().endswith("3 of 30")


def test_hostile_names_and_pieces_of_two_runs_are_text(pair):
    page = pair.page
    pair.ask("0")
    page.locator(".jp-CodeCell .cm-content").last.click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(HOSTILE)
    pair.run_all()
    page.locator(".tj-run b").first.wait_for()
    played(pair)
    assert page.locator(".tj-run b").first.inner_text() == "<b>one</b>"
    assert "“<b>one</b>” says ‘<img src" in pair.part("parting").inner_text()
    assert page.locator(".explorer img, .explorer script, .tj-run b b").count() == 0
    assert page.evaluate("document.body.dataset.hit") is None


def test_the_tree_is_folded_and_a_press_on_a_branch_brings_it_back(window):
    assert not window.part("branches").is_visible()
    played(window)
    text = window.ask("explorer.generation.text")
    window.part("text").locator(".tj-chip").nth(8).click()
    window.wait_for_status("looking at step 5 of 30")
    window.move("temperature", "ArrowRight", 15)
    window.wait_until("explorer.settings.temperature > 1.5")
    played(window)
    window.wait_until("not explorer.playing")
    assert window.ask("len(explorer.forks)") == "1"
    other = window.ask("explorer.generation.text")
    assert other != text
    window.press("tree")
    branch = window.page.locator("[data-branch='1']")
    branch.wait_for()
    assert branch.inner_text().startswith(f"1 · after step {window.ask('explorer.forks[0].parted')}: ")
    branch.focus()
    window.page.keyboard.press("Enter")
    window.wait_for_status("Branch 1 is back")
    assert window.ask("explorer.generation.text") == text
    window.page.locator("[data-branch='2']").click()
    window.wait_for_status("Branch 2 is back")
    assert window.ask("explorer.generation.text") == other
    window.press("tree")
    window.part("branches").wait_for(state="hidden")


def test_many_branches_scroll_within_the_tree_and_the_window_keeps_its_height(window):
    window.press("tree")
    window.page.get_by_text("No branch was left yet").wait_for()
    height = window.page.locator(".explorer").last.bounding_box()["height"]
    window.ask("explorer.run(3)")
    for number in range(14):
        window.ask(f"explorer.look({1 + number % 3})")
        window.wait_until(f"explorer.position == {1 + number % 3}")
        shown = "explorer.generation.steps[explorer.position - 1]"
        window.ask(f"explorer.choose({shown}.candidates[{number % 7}].token_id)")
        window.wait_until(f"{shown}.chosen_by == 'learner' and explorer.position == len(explorer.generation.steps)")
        window.ask("explorer.run(3)")
    branches = window.page.locator(".tj-bring")
    branches.nth(4).wait_for()
    assert branches.count() == int(window.ask("len(explorer.forks)")) > 4
    assert window.page.locator(".explorer").last.bounding_box()["height"] == height
    assert window.page.locator(".tj-branch").count() == branches.count() + 1
