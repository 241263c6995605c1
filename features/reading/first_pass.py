"""One pass over a text file into a Parquet file, most of its columns typed on the way.

The first rows suggest what a column holds where it is written in the plainest way: whole numbers,
numbers with a decimal point, ISO days and moments, true and false. Each further cell must be
exactly that; with the first that is not, its column becomes text and the pass begins anew. What is
text at the end is looked at in `features.reading.columns`, by all of its values.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import literal, quote
from features.reading import amounts, moments
from features.reading.text_files import Layout

FIRST_ROWS = 2000
# A double holds every number of so many digits.
LARGEST = "1e15"
NOT_PLAIN = re.compile(r"churnlight: column (\d+) is not plain")
FLAG_WORDS = "('true', 'false', 'True', 'False', 'TRUE', 'FALSE')"


@dataclass(frozen=True)
class Plain:
    """A plain kind of column: its SQL type, and whether cell {x}, cast to {v}, is exactly that."""

    type: str
    suggested: Callable[[str], bool]
    exact: str


def _moment(value: str, *, zoned: bool) -> bool:
    form = moments.form_of(value)
    return (
        form is not None
        and form.date == "iso"
        and form.time in PLAIN_TIMES
        and form.has_zone == zoned
        and form.zone in ("", "Z", "offset")
        and re.match(r"\d{4}-\d\d-\d\d", value) is not None
    )


PLAIN_TIMES = ("Tsecond", "Tfraction", " second", " fraction")
SECONDS = "{x} LIKE '____-__-__ __:__:__' OR {x} LIKE '____-__-__T__:__:__'"
FRACTION = "{x} LIKE '____-__-__ __:__:__.%' OR {x} LIKE '____-__-__T__:__:__.%'"
ENDS = "{x} LIKE '%Z' OR {x} LIKE '____-__-__%+%' OR {x} LIKE '____-__-__%:%-%'"
PLAIN = (
    Plain(
        "BIGINT",
        lambda value: re.fullmatch(r"-?[1-9]\d{0,17}|0", value) is not None,
        "CAST({v} AS VARCHAR) IS NOT DISTINCT FROM {x}",
    ),
    Plain(
        "DOUBLE",
        lambda value: re.fullmatch(r"-?(?!0\d)\d{1,15}(\.\d+)?", value) is not None,
        f"{{x}} IS NULL OR (abs({{v}}) < {LARGEST} AND NOT starts_with({{x}}, '00'))",
    ),
    Plain(
        "DATE",
        lambda value: re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None,
        "CAST({v} AS VARCHAR) IS NOT DISTINCT FROM {x}",
    ),
    Plain(
        "TIMESTAMP",
        lambda value: _moment(value, zoned=False),
        f"{{x}} IS NULL OR ({{v}} IS NOT NULL AND ({SECONDS} OR ({FRACTION}) AND NOT ({ENDS})))",
    ),
    Plain(
        "TIMESTAMPTZ",
        lambda value: _moment(value, zoned=True),
        f"{{x}} IS NULL OR ({{v}} IS NOT NULL AND {{x}} LIKE '____-__-__%:%' AND ({ENDS}))",
    ),
    Plain(
        "BOOLEAN",
        lambda value: f"'{value}'" in FLAG_WORDS,
        f"{{x}} IS NULL OR {{x}} IN {FLAG_WORDS}",
    ),
    Plain(
        "TIME",
        lambda value: re.fullmatch(r"\d\d:\d\d:\d\d", value) is not None,
        "CAST({v} AS VARCHAR) IS NOT DISTINCT FROM {x}",
    ),
)


def write(
    engine: Engine, layout: Layout, paths: list[Path], texts: Sequence[str], out: Path, threads: int
) -> dict[str, str]:
    """Writes the table into `out`, in the order of its rows; returns the types of the columns.

    Parameters
    ----------
    texts : sequence of str
        Columns that stay as they are written: keys.

    Raises
    ------
    EngineError
        A line does not fit the layout, or is not UTF-8.
    """
    scan = layout.scan(paths)
    plain = _suggested(engine, layout, scan, texts)
    while True:
        try:
            engine.spool(_selected(layout, scan, plain), out, threads)
        except EngineError as error:
            if (found := NOT_PLAIN.search(str(error))) is None:
                raise
            del plain[layout.names[int(found[1])]]
        else:
            return {name: plain[name].type if name in plain else "VARCHAR" for name in layout.names}


def _suggested(engine: Engine, layout: Layout, scan: str, texts: Sequence[str]) -> dict[str, Plain]:
    """The columns whose first cells are all of one plain kind, in the order of the file."""
    first = engine.rows(f"SELECT {layout.listed} FROM {scan} LIMIT {FIRST_ROWS}")
    found: dict[str, Plain] = {}
    for name in layout.names:
        values = {value for value in first[name].to_pylist() if value is not None}
        kind = next((kind for kind in PLAIN if values and all(map(kind.suggested, values))), None)
        if kind is not None and name not in texts and not _may_group(kind, values):
            found[name] = kind
    return found


def _may_group(kind: Plain, values: set[str]) -> bool:
    """Whether the points of all of these numbers may group thousands: other columns may tell."""
    pointed = [value for value in values if "." in value]
    one_point = re.compile(amounts.BODIES["one point"])
    return (
        kind.type == "DOUBLE"
        and bool(pointed)
        and all(one_point.fullmatch(value.lstrip("-")) for value in pointed)
    )


def _selected(layout: Layout, scan: str, plain: Mapping[str, Plain]) -> str:
    """SELECT of all columns; it fails with the first cell that is not plain."""
    read = {name: quote(f"read {name}") for name in plain}
    casts = "".join(
        f", TRY_CAST({quote(name)} AS {kind.type}) AS {read[name]}" for name, kind in plain.items()
    )
    columns = ", ".join(
        f"{read[name]} AS {quote(name)}" if name in plain else quote(name) for name in layout.names
    )
    checks = "".join(
        f" WHEN NOT ({kind.exact.format(x=quote(name), v=read[name])}) "
        f"THEN error({literal(f'churnlight: column {layout.names.index(name)} is not plain')})"
        for name, kind in plain.items()
    )
    where = f" WHERE CASE{checks} ELSE TRUE END" if checks else ""
    return f"SELECT {columns} FROM (SELECT *{casts} FROM {scan}){where}"
