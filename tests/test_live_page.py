"""The live pages of docs/: what stands in them, and that they are what `make pages` writes."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DOCS = PROJECT / "docs"
sys.path.insert(0, str(DOCS))
from live_page import ENTRY, FILE, PAGES, bundle, live_page  # noqa: E402

MODEL = re.compile(r'(?<=id="model">)[^<]*')


@pytest.mark.parametrize("name", PAGES)
def test_the_committed_page_is_what_make_pages_writes(name):
    """All but how zlib packs the model, which differs from version to version."""
    committed, fresh = (DOCS / f"{name}.html").read_text(encoding="utf-8"), live_page(name)
    assert MODEL.sub("", committed) == MODEL.sub("", fresh), "run make pages"
    packed = MODEL.search(committed)
    assert packed
    assert gzip.decompress(base64.b64decode(packed[0])) == (PAGES[name][1] / FILE).read_bytes()
    assert live_page(name) == fresh


@pytest.mark.parametrize("name", PAGES)
def test_nothing_but_its_own_script_and_style_may_act_in_a_page(name):
    text = (DOCS / f"{name}.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    for part in ("style", "script"):
        [code] = re.findall(rf'<{part}(?: type="module")?>(.*?)</{part}>', text, re.S)
        assert f"{part}-src 'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'" in policy[1]
    assert not re.search(r'\bsrc="|https?://(?!www\.w3\.org/2000/svg)|innerHTML|localStorage|cookie', text)


def test_the_pages_are_small():
    sizes = {path.name: path.stat().st_size for path in DOCS.glob("*.html")}
    assert sizes["index.html"] <= 3_000_000
    assert sum(sizes.values()) <= 7_000_000


def test_links_lead_to_pages_that_are_there():
    for path in DOCS.glob("*.html"):
        for link in re.findall(r'href="([^"]+)"', path.read_text(encoding="utf-8")):
            assert (DOCS / link).is_file(), link


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: apt-get install nodejs")
def test_the_modules_make_one_script(tmp_path):
    """Each module once, behind those that it imports; what is exported under a name is found under it."""
    script = bundle(ENTRY)
    assert len(re.findall(r"^const \$\w+ = ", script, re.M)) == len(set(re.findall(r"^const (\$\w+) = ", script, re.M)))
    assert not re.search(r"^\s*(import|export) ", script, re.M)
    (tmp_path / "script.mjs").write_text(
        script + "console.log($random.Draws.name, $safetensors.fromHalf(0x3c00), $sampling.FILTERS.length);",
        encoding="utf-8",
    )
    command = [shutil.which("node"), str(tmp_path / "script.mjs")]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "Draws 1 4\n"
