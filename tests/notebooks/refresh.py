"""Execute lessons from the first cell on, in a fresh kernel each, and store them with their outputs (make refresh)."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def refresh(path: Path) -> None:
    """Run the notebook at `path`; if every cell succeeds, write it back with what it printed."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1200, record_timing=False, resources={"metadata": {"path": path.parent}}).execute()
    nbformat.write(cleaned(notebook), path)


def cleaned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without widgets (reopened, a stored one shows "model not found") and without metadata that differs by machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = joined([o for o in cell.outputs if WIDGET_VIEW not in o.get("data", {})])
    return notebook


def joined(outputs: list) -> list:
    """What a cell printed bit by bit, as one output."""
    result: list = []
    for output in outputs:
        if result and output.output_type == result[-1].output_type == "stream" and output.name == result[-1].name:
            result[-1].text += output.text
        else:
            result.append(output)
    return result


if __name__ == "__main__":
    os.environ["TOKEN_JOURNEY_MY_MODEL"] = tempfile.mkdtemp(prefix="my_model-")  # what a learner made stays as it is
    os.environ["TOKEN_JOURNEY_PROGRESS"] = str(Path(os.environ["TOKEN_JOURNEY_MY_MODEL"], "my_progress.json"))
    for path in [Path(name) for name in sys.argv[1:]] or [
        *sorted(NOTEBOOKS.glob("[0-9]*.ipynb")),
        NOTEBOOKS / "primer.ipynb",
    ]:
        print(f"running {path.name} …", flush=True)
        refresh(path)
