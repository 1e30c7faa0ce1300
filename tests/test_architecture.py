"""Who may import whom: the arrows between the rooms of helpers/, checked in their source."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
WEB = HELPERS.parent / "web"
HEAVY = {"torch", "sentencepiece", "safetensors", "matplotlib", "ipywidgets", "anywidget", "IPython"}
HEAVY |= {"transformers", "tokenizers", "tensorflow", "keras"}
LEAVES = {"checks", "records", "protocols", "sentences"}  # imported by everyone, and they import no one but each other

# module, or room: (other helpers it may import, heavy libraries it may import)
ALLOWED = {
    "__init__": (set(), set()),
    "checks": (set(), set()),
    "records": (set(), set()),
    "protocols": (set(), set()),
    "sentences": (set(), set()),
    "corpus": (set(), set()),
    "tokenizer": (set(), {"sentencepiece"}),
    "sampling": (set(), set()),
    "streaming": ({"sampling"}, set()),
    "interventions": (set(), set()),
    "models": ({"tokenizer"}, {"torch", "safetensors"}),
    "models/pretrained": ({"models"}, {"torch", "transformers", "tokenizers"}),
    "models/pretrained_tokenizer": (set(), {"tokenizers"}),
    "models/pretrained_files": (set(), {"torch", "transformers", "safetensors"}),
    "models/sentence_embedding": ({"models"}, {"torch", "transformers"}),
    "models/keras_twin": ({"models", "corpus", "training"}, {"torch", "tensorflow", "keras"}),
    "training": ({"corpus", "models"}, {"torch"}),
    "training/resuming": ({"models"}, {"torch", "safetensors"}),
    "figures": ({"sampling"}, {"matplotlib", "IPython"}),
    "exercises": (
        {"tokenizer", "corpus", "sampling", "streaming", "interventions", "models", "training", "window"},
        {"torch", "ipywidgets"},
    ),
    "window": (
        {"sampling", "streaming", "interventions", "figures"},
        {"ipywidgets", "anywidget", "traitlets", "IPython"},
    ),
}
MODULES = sorted(str(path.relative_to(HELPERS).with_suffix("")) for path in HELPERS.rglob("*.py"))


def room_of(module: str) -> str:
    return module.split("/")[0]


def imported(module: str):
    """What a module imports when it runs: a block for the type checker alone does not count."""
    tree = ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "helpers":
                yield from (f"helpers.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_before_it(module):
    rooms, heavy = ALLOWED[module] if module in ALLOWED else ALLOWED[room_of(module)]
    names = set(imported(module))
    found = {name.split(".")[1] for name in names if name.startswith("helpers.")} - LEAVES - {room_of(module)}
    assert found <= rooms
    assert {name.split(".")[0] for name in names} & HEAVY <= heavy


@pytest.mark.parametrize("module", MODULES)
def test_library_code_neither_prints_nor_seeds_nor_keeps_global_state(module):
    tree = ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"print", "np.random.seed", "torch.manual_seed", "torch.set_num_threads", "random.seed"}
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree))


@pytest.mark.parametrize("module", MODULES)
def test_modules_say_what_they_are_for(module):
    assert ast.get_docstring(ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("script", sorted([*HELPERS.rglob("*.js"), *WEB.glob("*.js")]), ids=lambda path: path.name)
def test_no_text_enters_a_page_as_html_or_code(script):
    ways = r"(?:inner|outer|Adjacent)HTML|document\.write|srcdoc|ContextualFragment|DOMParser|eval\(|new Function"
    assert re.findall(ways, script.read_text(encoding="utf-8")) == []


def test_a_model_file_of_others_is_never_run():
    """Every loader of `transformers` goes through the one function that forbids a folder's own code."""
    for module in MODULES:
        tree = ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".from_pretrained"):
                assert any(keyword.arg == "trust_remote_code" for keyword in node.keywords), module


def test_importing_helpers_costs_nothing():
    code = f"import sys, helpers; print(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_without_tensorflow_the_twin_says_what_to_run():
    code = "import sys; sys.modules['tensorflow'] = None; import helpers.models.keras_twin"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.strip().splitlines()[-1] == (
        "ImportError: TensorFlow is not installed: run make tensorflow "
        "(or: pip install -r requirements/tensorflow.txt), then restart the kernel"
    )
