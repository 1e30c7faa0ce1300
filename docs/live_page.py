"""The live page: web/, the window's view and a model in one HTML file, which needs neither Jupyter nor a network."""

from __future__ import annotations

import base64
import gzip
import html
import re
from pathlib import Path

from helpers.models.checkpoint import FILE, SHIPPED, SHIPPED_TRANSFORMER
from helpers.window.journey import CSS
from helpers.window.page import one_file

PROJECT = Path(__file__).resolve().parent.parent
ENTRY = PROJECT / "web" / "page.js"
STORIES = PROJECT / "data" / "stories-train.jsonl"
PROMPT = "One day, Mia"
IMPORT = re.compile(
    r'^import (\* as (?P<whole>\w+)|\{(?P<parts>[^}]*)\}|(?P<default>\w+)) from "(?P<path>[^"]+)";\n', re.M
)
EXPORT = re.compile(
    r"^export (?P<default>default )?(?P<code>(?:async )?(?:function|class) (?P<name>\w+)|const [^\n]*)", re.M
)
CONSTANT = re.compile(r"(\w+) = ")

MAIN = """<p>{about}</p>
<p class="tj-waiting">The model is being unpacked. If this line stays, the browser is too old for this page, or it \
does not run JavaScript: <a href="journey.html">a recorded text</a> needs less.</p>
<footer>{links} To train such a model yourself, and to look into it step by step, get the lessons: \
<code>make lab</code> opens the first one in JupyterLab, <code>make test</code> checks that all of them run.</footer>"""
START = """
$page.start(document.querySelector("main"), document.getElementById("model").textContent, {prompt});
"""
ABOUT = (
    "A {kind} with {count:,} numbers, trained on {stories:,} short stories, writes in this page. Nothing is loaded "
    "from elsewhere, and nothing that you type leaves it. Press Play. Move a slider while the text grows. Press "
    "a token."
)
PAGES = {
    "index": (
        "A live LSTM",
        SHIPPED,
        "small LSTM",
        'The same window with <a href="transformer.html">a small Transformer</a>, which looks back at every token; '
        '<a href="journey.html">a recorded text</a>.',
    ),
    "transformer": (
        "A live Transformer",
        SHIPPED_TRANSFORMER,
        "small Transformer",
        'The same window with <a href="index.html">an LSTM</a>, which keeps a memory instead; '
        '<a href="journey.html">a recorded text</a>.',
    ),
}


def live_page(name: str) -> str:
    """The page of this name, "index" or "transformer", as text."""
    title, folder, kind, links = PAGES[name]
    content = (folder / FILE).read_bytes()
    about = ABOUT.format(kind=kind, count=_weights(content), stories=len(STORIES.read_bytes().splitlines()))
    return one_file(
        html.escape(title),
        MAIN.format(about=about, links=links),
        ("model", base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()),
        "".join(path.read_text(encoding="utf-8") for path in (CSS, PROJECT / "web" / "page.css")),
        bundle(ENTRY) + START.format(prompt=f'"{PROMPT}"'),
        look="tj-saved tj-live",
    )


def _weights(content: bytes) -> int:
    """How many numbers the model of a checkpoint has."""
    import safetensors.numpy

    return sum(array.size for name, array in safetensors.numpy.load(content).items() if name != "tokenizer")


def bundle(entry: Path) -> str:
    """A module and all that it imports as one script: each in a function of its own, `$name` is what it exports."""
    found: dict[Path, str] = {}

    def add(path: Path) -> None:
        if path in found:
            return
        code = path.read_text(encoding="utf-8")
        for match in IMPORT.finditer(code):
            add((path.parent / match["path"]).resolve())
        found[path] = _as_function(path, code)

    add(entry)
    return "".join(found.values())


def _as_function(path: Path, code: str) -> str:
    exports = [pair for match in EXPORT.finditer(code) for pair in _exported(match)]
    code = IMPORT.sub(_imported, code)
    code = EXPORT.sub(lambda match: match["code"], code)
    return f"const ${path.stem} = (() => {{\n{code}\nreturn {{ {', '.join(exports)} }};\n}})();\n"


def _imported(match: re.Match[str]) -> str:
    names = match["whole"] or (f"{{ default: {match['default']} }}" if match["default"] else f"{{{match['parts']}}}")
    return f"const {names} = ${Path(match['path']).stem};\n"


def _exported(match: re.Match[str]) -> list[str]:
    if match["default"]:
        return [f"default: {match['name']}"]
    return [match["name"]] if match["name"] else CONSTANT.findall(match["code"])
