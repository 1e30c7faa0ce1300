"""`make lab` opens JupyterLab, and a kernel there can run lesson 00."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
from server import PATIENCE, TOKEN, free_port, running

PROJECT = Path(__file__).resolve().parent.parent


pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture(scope="module")
def lab():
    port = free_port()
    options = f"--no-browser --port {port} --ServerApp.port_retries=0 --IdentityProvider.token={TOKEN}"
    with running(["make", "lab", f"LAB_ARGS={options}"], port, cwd=PROJECT) as server:
        yield server


def test_lab_answers_and_runs_the_first_cells_of_lesson_00(lab):
    lesson = lab.call("api/contents/00_start_here.ipynb")["content"]
    assert lesson["cells"][0]["source"].startswith("# 00 · Start here")
    session = {"path": "00_start_here.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
    kernel_id = lab.call("api/sessions", session)["kernel"]["id"]
    stored = nbformat.read(PROJECT / "notebooks" / "00_start_here.ipynb", as_version=4)
    imports, window, writes = [cell for cell in stored.cells if cell.cell_type == "code"][:3]
    for cell in (imports, window):
        lab.execute(kernel_id, cell.source)
    assert lab.execute(kernel_id, writes.source) == writes.outputs[0].text


def test_lab_wants_its_token(lab):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab.address}/api/contents", timeout=PATIENCE)


def test_packages_are_compiled_once_and_not_at_every_start():
    show = ["make", "--no-print-directory", "--eval", "show: ; @echo [$$PYTHONDONTWRITEBYTECODE]", "show"]
    run = subprocess.run(
        show,
        cwd=PROJECT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "[]\n"
