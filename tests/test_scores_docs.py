"""The page of the scores' file names exactly the columns that the file has."""

import re
from pathlib import Path

import pyarrow as pa

from serving.published import runs

PAGE = (Path(__file__).parents[1] / "docs" / "scores.md").read_text("utf-8")


def listed(section: str) -> list[str]:
    """Return the names in the first column of the table below a heading."""
    table = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_every_column_is_explained_in_its_order() -> None:
    assert listed("Columns") == [*runs.SCHEMA.names, "movements"]


def test_every_field_of_a_driver_is_explained() -> None:
    fields = [runs.DRIVER.field(number).name for number in range(runs.DRIVER.num_fields)]
    plain = [name for name in fields if not name.endswith("_text")]
    assert sorted(listed("Drivers")) == sorted(plain)
    assert all(f"`{name}`" in PAGE for name in fields)
    assert pa.types.is_list(runs.SCHEMA.field("drivers").type)
