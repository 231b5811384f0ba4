import ast
from pathlib import Path

import nbclient
import nbformat
import pytest

import tsrnn

FOLDER = Path(tsrnn.__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LINES_OF_A_SCREEN = 25

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_there_is_a_first_notebook():
    assert "first_forecast" in [path.stem for path in NOTEBOOKS]


@each_notebook
def test_a_notebook_is_valid_and_stored_without_outputs(path):
    nbformat.validate(read(path))
    for cell in code_cells(path):
        assert cell.outputs == []
        assert cell.execution_count is None


@each_notebook
def test_a_notebook_asks_one_question_first_and_answers_it_last(path):
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    title = cells[0].source.splitlines()[0]
    assert title.startswith("# ")
    assert title.endswith("?")
    headings = [line for cell in cells if cell.cell_type == "markdown" for line in cell.source.splitlines()]
    assert [line for line in headings if line.startswith("# ")] == [title]
    assert [line for line in headings if line.startswith("## ")][-1] == "## Answer"


@each_notebook
def test_no_cell_is_longer_than_a_screen(path):
    assert max(len(cell.source.splitlines()) for cell in read(path).cells) <= LINES_OF_A_SCREEN


@each_notebook
def test_a_notebook_uses_only_public_names_of_tsrnn(path):
    names = []
    for node in ast.walk(ast.parse("\n".join(cell.source for cell in code_cells(path)))):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module == "tsrnn":
            assert {alias.name for alias in node.names} <= set(tsrnn.__all__)
        elif isinstance(node, ast.ImportFrom):
            names += [*node.module.split("."), *(alias.name for alias in node.names)]
    assert [name for name in names if name.startswith("_")] == []


@each_notebook
def test_a_notebook_runs_from_top_to_bottom_without_a_warning(path, monkeypatch):
    # On a busy machine several threads wait for each other longer than these small networks take to train.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=180, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    # Warnings of a kernel arrive on its stderr.
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
