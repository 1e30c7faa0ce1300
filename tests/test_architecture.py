"""Who may import whom: the arrows between the helpers, checked in their source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parent.parent / "helpers"
HEAVY = {
    "torch",
    "sentencepiece",
    "safetensors",
    "matplotlib",
    "ipywidgets",
    "IPython",
    "transformers",
    "tensorflow",
    "keras",
}

# module: (helpers it may import, heavy libraries it may import)
ALLOWED = {
    "corpus": (set(), set()),
    "tokenizer": (set(), {"sentencepiece"}),
    "sampling": (set(), set()),
    "model": (set(), {"torch"}),
    "transformer": ({"model"}, {"torch"}),
    "checkpoint": ({"model", "transformer", "tokenizer"}, {"torch", "safetensors"}),
    "training": ({"corpus"}, {"torch"}),
    "baselines": ({"corpus"}, set()),
    "streaming": ({"sampling"}, set()),
    "geometry": (set(), set()),
    "plots": ({"geometry"}, {"matplotlib", "IPython"}),
    "svg": (set(), set()),
    "views": ({"svg"}, {"IPython"}),
    "training_views": ({"geometry", "svg"}, set()),
    "distribution": ({"sampling", "svg", "views"}, {"ipywidgets"}),
    "controls": ({"sampling", "views"}, {"ipywidgets"}),
    "explorer": ({"sampling", "streaming", "views", "controls"}, set()),
    "training_monitor": ({"geometry", "views", "training_views"}, {"ipywidgets"}),
    "model_files": (set(), {"torch", "transformers", "safetensors"}),
    "pretrained": ({"model_files"}, {"torch", "transformers"}),
    "sentence_embedding": ({"model_files"}, {"torch", "transformers"}),
    "keras_twin": ({"model", "corpus", "training"}, {"torch", "tensorflow", "keras"}),
    "__init__": (set(), set()),
}
MODULES = sorted(path.stem for path in HELPERS.glob("*.py"))


def imported(module):
    for node in ast.walk(ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "helpers":
                yield from (f"helpers.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_before_it(module):
    helpers, heavy = ALLOWED[module]
    names = set(imported(module))
    assert {name.split(".")[1] for name in names if name.startswith("helpers.")} <= helpers
    assert {name.split(".")[0] for name in names} & HEAVY <= heavy


@pytest.mark.parametrize("module", MODULES)
def test_library_code_neither_prints_nor_seeds_nor_keeps_global_state(module):
    tree = ast.parse((HELPERS / f"{module}.py").read_text(encoding="utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not calls & {"print", "np.random.seed", "torch.manual_seed", "torch.set_num_threads", "random.seed"}
    assert not any(isinstance(node, ast.Global) for node in ast.walk(tree))


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_short_and_say_what_they_are_for(module):
    source = (HELPERS / f"{module}.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 340
    assert ast.get_docstring(ast.parse(source))


def test_importing_helpers_costs_nothing():
    code = f"import sys, helpers; print(sorted({HEAVY!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_without_tensorflow_the_twin_says_what_to_run():
    code = "import sys; sys.modules['tensorflow'] = None; import helpers.keras_twin"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stderr.strip().splitlines()[-1] == (
        "ImportError: TensorFlow is not installed: run make tensorflow "
        "(or: pip install -r requirements/tensorflow.txt), then restart the kernel"
    )
