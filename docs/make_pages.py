"""Write the pages of docs/, for a browser without Jupyter: live models, and a recorded story (make pages)."""

from __future__ import annotations

from pathlib import Path

from live_page import PAGES, live_page

from helpers.models.checkpoint import load_shipped
from helpers.window.explorer import Explorer
from helpers.window.page import write_page

PAGE = Path(__file__).with_name("journey.html")


def story() -> Explorer:
    """A window in which a text was written: temperature 1.2 for the second half of its first 60 steps."""
    explorer = Explorer({"shipped": load_shipped()}, prompt="One day, Mia", seed=3)
    for temperature, steps in ((0.8, 30), (1.2, 30), (0.8, 140)):
        explorer._controls.filters["temperature"].value = temperature
        explorer.run(steps)
    return explorer


if __name__ == "__main__":
    story().save_page(PAGE)
    for name in PAGES:
        write_page(PAGE.with_name(f"{name}.html"), live_page(name))
