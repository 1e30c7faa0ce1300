"""A real JupyterLab page in Debian's chromium, and a kernel that can be asked what is true."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from journey_coverage import watch
from server import PATIENCE, TOKEN, free_port, running

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
IMPORTS = "from helpers.models.checkpoint import load_all, load_shipped\nfrom helpers.window.explorer import Explorer"


class Browser:
    """Chromium: each page in a profile of its own, and what it runs of journey.js is counted."""

    def __init__(self, browser, config) -> None:
        self.browser, self.config, self.pages = browser, config, []

    def new_page(self, **options):
        page = self.browser.new_page(**options)
        watch(page, self.config)
        self.pages.append(page)
        return page

    def close(self) -> None:
        for page in self.pages:
            if not page.is_closed():
                page.close()
        self.browser.close()


@pytest.fixture(scope="module")
def chromium(request):
    """Closed at the end of each module: while it is open, an event loop runs in this thread."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test installs it")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("no chromium found: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = Browser(playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS), request.config)
        yield browser
        browser.close()


def settings_folder(folder: Path, theme: str) -> Path:
    """JupyterLab's settings for a test: a theme, no news, every cell in the page."""
    settings = {
        "apputils-extension/themes": {"theme": f"JupyterLab {theme.title()}"},
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    return folder


@contextmanager
def jupyter_lab(folder: Path, theme: str = "light", source: str = ""):
    """JupyterLab over a folder's own `notebooks`; source: a folder whose modules the kernels find first."""
    port, root = free_port(), folder / "notebooks"
    root.mkdir()
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(folder),
        "JUPYTERLAB_SETTINGS_DIR": str(settings_folder(folder / "settings", theme)),
        "TOKEN_JOURNEY_MY_MODEL": str(root / "my_model"),
        "TOKEN_JOURNEY_PROGRESS": str(root / "my_progress.json"),
        "PYTHONPATH": source,
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip", "127.0.0.1"),
        *("--port", str(port), "--ServerApp.port_retries=0"),
        f"--IdentityProvider.token={TOKEN}",
        f"--ServerApp.root_dir={root}",
    ]
    with running(command, port, env=environment, cwd=root) as server:
        server.folder = root
        yield server


@pytest.fixture(scope="session", params=["light"])
def lab(request, tmp_path_factory):
    """JupyterLab over an empty folder; TOKEN_JOURNEY_KERNEL names another ipykernel (make test-kernels)."""
    source = os.environ.get("TOKEN_JOURNEY_KERNEL", "")
    with jupyter_lab(tmp_path_factory.mktemp("lab"), request.param, source) as server:
        yield server


@pytest.fixture
def open_window(lab, chromium):
    """open_window(*cells): a notebook of these cells, opened in a page of its own and run, to its end if `wait`."""
    pages = []

    def opened(*cells: str, **options) -> WindowPage:
        pages.append(new_page(lab, chromium, *cells, **options))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def lesson(lab, chromium):
    """lesson("01"): that lesson in a page, run to its end, over the progress file of this test's JupyterLab."""
    pages = []

    def opened(number: str, size: tuple[int, int] = (1100, 900)) -> LessonPage:
        [path] = (PROJECT / "notebooks").glob(f"{number}_*.ipynb")
        copy = lab.folder / f"{path.stem}-{time.monotonic_ns()}.ipynb"
        shutil.copy(path, copy)
        page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
        page.set_default_timeout(PATIENCE * 1000)
        pages.append(LessonPage(page, lab, copy.name))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


@pytest.fixture(scope="module")
def pages_by_cell():
    """The pages of this module's windows: a page and its kernel take longer to start than most tests take."""
    pages: dict[str, WindowPage] = {}
    yield pages
    for page in pages.values():
        page.close()


@pytest.fixture
def window_again(lab, chromium, pages_by_cell):
    """window_again(cell): a new window, made by running the cell again where an earlier test of this module ran it.

    At the end of the test there is no error in its page.
    """
    used = []

    def again(cell: str) -> WindowPage:
        if cell in pages_by_cell:
            pages_by_cell[cell].run_all()
        else:
            pages_by_cell[cell] = new_page(lab, chromium, cell)
        used.append(pages_by_cell[cell])
        used[-1].errors.clear()
        return used[-1]

    yield again
    assert [page.errors for page in used] == [[] for _ in used]


def new_page(lab, chromium, *cells: str, size: tuple[int, int] = (1440, 900), wait: bool = True) -> WindowPage:
    path = lab.folder / f"window-{time.monotonic_ns()}.ipynb"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in (IMPORTS, *cells)])
    notebook.metadata["kernelspec"] = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    nbformat.write(notebook, path)
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(PATIENCE * 1000)
    return WindowPage(page, lab, path.name, wait)


class WindowPage:
    """A notebook in the page, with what a reader does to the live window in it."""

    def __init__(self, page, lab, name: str, wait: bool = True) -> None:
        self.page, self.lab, self.name = page, lab, name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        # a workspace of its own: JupyterLab would open the notebooks of earlier tests again
        page.goto(f"{lab.address}/lab/workspaces/{Path(name).stem}/tree/{name}?token={TOKEN}")
        page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        page.get_by_text("| Idle").wait_for()  # Run All before that does nothing at times
        page.keyboard.press("Control+b")  # the file browser takes a quarter of the page
        self.run_all(wait)

    def run_all(self, wait: bool = True) -> None:
        earlier = self.page.query_selector(".explorer")
        self.menu("Run", "Run All Cells")
        if earlier:
            earlier.wait_for_element_state("hidden")
        self.page.locator(".explorer").first.wait_for()
        if wait:
            self.page.get_by_text("| Idle").wait_for()

    def menu(self, name: str, entry: str) -> None:
        self.page.locator(".lm-MenuBar-item").get_by_text(name, exact=True).click()
        self.page.locator(".lm-Menu-item").get_by_text(entry, exact=False).first.click()

    def part(self, name: str, number: int = 0):
        """The element of class explorer-<name>, in the window of that number."""
        return self.page.locator(".explorer").nth(number).locator(f".explorer-{name}")

    def press(self, name: str, number: int = 0) -> None:
        self.part(name, number).click()

    def status(self, number: int = 0) -> str:
        return self.part("status", number).inner_text()

    def wait_for_status(self, words: str, number: int = 0, seconds: float = PATIENCE) -> str:
        self.part("status", number).filter(has_text=re.compile(words)).wait_for(timeout=seconds * 1000)
        return self.status(number)

    def move(self, slider: str, key: str, times: int, number: int = 0) -> str:
        """Arrow keys on a slider's handle: its value afterwards."""
        handle = self.part(slider, number).locator("[role=slider], [type=range]")
        handle.focus()
        for _ in range(times):
            self.page.keyboard.press(key)
        return handle.get_attribute("aria-valuenow") or handle.input_value()

    def ask(self, expression: str) -> str:
        """What the kernel says the expression is."""
        sessions = self.lab.call("api/sessions")
        [kernel_id] = [session["kernel"]["id"] for session in sessions if session["path"] == self.name]
        return self.lab.execute(kernel_id, f"print({expression})").strip()

    def wait_until(self, expression: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while self.ask(expression) != "True":
            assert time.monotonic() < deadline, f"{expression} did not become true; status: {self.status()}"
            time.sleep(0.1)

    def close(self) -> None:
        sessions = self.lab.call("api/sessions")
        for session in sessions:
            if session["path"] == self.name:
                self.lab.delete(f"api/sessions/{session['id']}")
        self.page.close()


class LessonPage(WindowPage):
    """A lesson, run to its end, with what a learner does in it."""

    def run_all(self, wait: bool = True) -> None:
        self.menu("Run", "Run All Cells")
        self.page.locator(".jp-InputPrompt", has_text="*").first.wait_for()
        if wait:  # between two cells the kernel is idle, too: what counts is that no cell waits
            self.page.wait_for_function(
                "![...document.querySelectorAll('.jp-InputPrompt')].some(p => p.innerText.includes('*'))"
            )

    def cell(self, words: str):
        return self.page.locator(".jp-CodeCell").filter(has=self.page.locator(".cm-content", has_text=words)).last

    def answer(self, words: str, code: str, wanted: str) -> str:
        """Write `code` into the cell that holds `words`, run it, and wait for an output that begins as `wanted`."""
        cell = self.cell(words)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Shift+Enter")
        self.cell(words).locator(".jp-OutputArea-output").get_by_text(re.compile(f"^{wanted}")).wait_for()
        return self.cell(words).locator(".jp-OutputArea").inner_text()

    def guess(self, number: int, choice: str) -> str:
        """Press a choice of the lesson's prediction of that number: what is said to it."""
        prediction = self.page.locator(".predict").nth(number)
        prediction.locator(".predict-choice").get_by_text(choice, exact=True).click()
        said = prediction.locator(".predict-said [role=status]")
        said.wait_for()
        return said.inner_text()
