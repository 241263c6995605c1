"""When the product and the oracle agree, and the comparison of one random company with both."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from measure_cases import AnyAsked, Layout, built, by_account, expected, write
from random_tables import FactTable

TOLERANCE = 1e-9


def agree(found: Any, wanted: Any, *, floor: float = 0.0) -> bool:
    """Tell whether both are the same, nulls and texts included, numbers to 1e-9 of `wanted`.

    Numbers that differ by `floor` at most are the same as well.
    """
    if wanted is None or isinstance(wanted, str) or found is None:
        return bool(found == wanted)
    return bool(abs(found - wanted) <= max(floor, TOLERANCE * abs(wanted)))


def assert_equals_the_oracle(table: FactTable, layout: Layout, asked: Sequence[AnyAsked]) -> None:
    """Assert that a company on disk gets the oracle's answer in every cell."""
    with tempfile.TemporaryDirectory() as folder:
        snapshot = built(write(Path(folder), table, layout, asked), table.as_of)
    for item in asked:
        found, wanted = by_account(snapshot, item.column), expected(table, layout, item)
        assert found.keys() == wanted.keys()
        wrong = {
            name: (found[name], value)
            for name, value in wanted.items()
            if not agree(found[name], value, floor=TOLERANCE)
        }
        assert not wrong, f"{item}: (found, wanted) {wrong}"
