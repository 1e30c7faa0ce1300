"""web/ does what helpers/ does: Python writes down what it does, and node compares (tests/web/)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import web_golden

TESTS = Path(__file__).with_name("web")
NODE = shutil.which("node")
OLDEST = 18


def why_not() -> str:
    """Why node cannot run the tests here; nothing if it can."""
    if NODE is None:
        return "node is not installed: apt-get install nodejs"
    found = subprocess.run([NODE, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return "" if int(found[1:].split(".")[0]) >= OLDEST else f"node is {found}: version {OLDEST} or later is needed"


@pytest.mark.skipif(bool(why_not()), reason=why_not())
@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".test.mjs") for path in TESTS.glob("*.test.mjs")))
def test_javascript_does_what_python_does(name, tmp_path):
    data = getattr(web_golden, name)(tmp_path)
    (tmp_path / f"{name}.json").write_text(json.dumps(data, allow_nan=False), encoding="utf-8")
    command = [NODE, "--test", str(TESTS / f"{name}.test.mjs")]
    environment = {**os.environ, "TOKEN_JOURNEY_GOLDEN": str(tmp_path)}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "# pass 0" not in run.stdout
