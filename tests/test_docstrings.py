"""Examples in docstrings run: each shows what its function returns."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("features", "training", "serving")
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ROOMS
    for path in sorted((ROOT / room).rglob("*.py"))
    if "    >>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_show_what_is_returned(module: str) -> None:
    result = doctest.testmod(import_module(module))
    assert result.attempted
    assert not result.failed


def test_ten_functions_have_examples() -> None:
    found = doctest.DocTestFinder(exclude_empty=True)
    tests = [test for module in WITH_EXAMPLES for test in found.find(import_module(module))]
    assert len([test for test in tests if test.examples]) >= 10
