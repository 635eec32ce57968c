"""The tutorial, run cell by cell: what it prints is what the worked example's notebook printed."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
from conftest import ROOT

pyplot = pytest.importorskip("matplotlib.pyplot")
BOOK = ROOT / "examples/python/convolutions.ipynb"
# Cells of the worked example that call a layer where the tutorial calls the function: the same numbers, under another cell.
SAME = {19: 20, 21: 22, 23: 24}


def run(source: str, names: dict) -> object:
    """Runs a cell and gives the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, BOOK.name, "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), BOOK.name, "eval"), names)


def test_every_number_is_the_worked_examples(monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.chdir(BOOK.parent)
    expected = {case["cell"]: case["expected"] for case in json.loads((ROOT / "tests/data/notebook.json").read_text())["cases"]}
    for cell, twin in SAME.items():
        assert expected.pop(cell) == expected[twin]
    names: dict = {}
    for cell in json.loads(BOOK.read_text())["cells"]:
        if cell["cell_type"] != "code":
            continue
        value = run("".join(cell["source"]), names)
        printed = cell["metadata"].get("prints")
        if printed is not None:
            assert np.array_equal(value, expected.pop(printed)), f"cell {printed}"
    pyplot.close("all")
    assert not expected, f"cells of the worked example that the tutorial does not print: {sorted(expected)}"
