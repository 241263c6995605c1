"""Folders of small random tables, with the names and the oddities that `init` may meet.

Names are drawn from the words that `init` knows, from words that SQL keeps for itself, and from
nonsense; what a column holds follows from a seed, so that drawing one folder is quick.
"""

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
from hypothesis import strategies as st

from features.drafting import draft, words
from features.errors import DeclarationError, NotFound

RESERVED = ("select", "order", "group", "at", "table", "end", "from", "to", "case", "user", "desc")
NONSENSE = (
    "xyzzy",
    "42",
    "ä",
    "",
    " ",
    '"',
    "\\",
    "{x}",
    "a\nb",
    "%",
    "\x7f",
    "'",
    "#",
    "[",
    "é.ñ",
)
KNOWN = sorted(
    words.ACCOUNT | words.PERSON | words.CONTRACT | words.NO_CONTRACT | words.LOSS | words.BAD
    | words.GOOD | words.LEFT | words.OVER | words.CANCELLED | words.KNOWN | words.CHANGED
    | words.SINCE | words.AMOUNT | words.QUANTITY | words.RATING | words.PRODUCT
    | words.ENDS_OF_OTHER_THINGS.keys() | {"id", "key", "date", "on", "no", "currency", "status"}
)  # fmt: skip
TABLES = ("accounts", "customers", "users", "subscriptions", "logins", "tickets", "cancellations")
COLUMNS = ("account_id", "customer_id", "user_id", "id", "created_at", "started_on", "ended_at")
FIRST = date(2023, 1, 1)
EARLY = datetime(2023, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True)
class Column:
    """A column: its name, what it holds, and the share of its cells that are null."""

    name: str
    kind: str
    nulls: float


@dataclass(frozen=True)
class RandomTable:
    """A table to write: its name, whether as CSV, its columns, rows and the seed of its cells."""

    name: str
    is_csv: bool
    columns: tuple[Column, ...]
    rows: int
    seed: int


KINDS: dict[str, tuple[pa.DataType, Callable[[random.Random, int], object]]] = {
    "key": (pa.string(), lambda _, row: f"k{row}"),
    "repeated key": (pa.string(), lambda chance, _: f"k{chance.randrange(6)}"),
    "number": (pa.int64(), lambda _, row: row + 1),
    "repeated number": (pa.int32(), lambda chance, _: chance.randrange(1, 6)),
    "uuid": (pa.string(), lambda chance, _: str(UUID(int=chance.randrange(9)))),
    "float": (pa.float64(), lambda chance, _: chance.choice([1.5, -2.0, float("nan"), 1e308])),
    "decimal": (pa.decimal128(9, 2), lambda chance, _: Decimal(chance.randrange(9)) / 4),
    "text": (pa.string(), lambda chance, _: chance.choice(["", "EUR", "USD", "n/a", '"', "1e5"])),
    "flag": (pa.bool_(), lambda chance, _: chance.random() < 0.5),
    "day": (pa.date32(), lambda chance, _: FIRST + timedelta(days=chance.randrange(700))),
    "edge": (pa.date32(), lambda chance, _: chance.choice([date.min, date.max, FIRST, FIRST])),
    "moment": (
        pa.timestamp("us"),
        lambda chance, _: EARLY + timedelta(hours=chance.randrange(9999)),
    ),
    "zoned": (
        pa.timestamp("ns", tz="UTC"),
        lambda chance, _: EARLY.replace(tzinfo=UTC) + timedelta(hours=chance.randrange(9999)),
    ),
    "time of day": (pa.time64("us"), lambda chance, _: chance.randrange(86_400_000_000)),
    "bytes": (pa.binary(), lambda chance, _: bytes([chance.randrange(256)])),
    "list": (pa.list_(pa.int64()), lambda chance, _: [chance.randrange(3)]),
    "struct": (pa.struct([("id", pa.int64())]), lambda _, row: {"id": row}),
    "nothing": (pa.null(), lambda *_: None),
}  # fmt: skip
NOT_IN_CSV = frozenset({"bytes", "list", "struct"})

_word = st.sampled_from([*KNOWN, *RESERVED])
_joined = st.builds(
    lambda parts, glue: glue.join(parts),
    st.lists(_word, min_size=1, max_size=3),
    st.sampled_from(["_", " ", "", "-", "."]),
)
_form = st.sampled_from([str.lower, str.upper, str.title, str.lower, str.lower])
_name = st.one_of(
    st.builds(lambda name, form: form(name), _joined, _form), st.sampled_from(NONSENSE)
)
_columns = st.lists(
    st.builds(
        Column,
        st.one_of(st.sampled_from(COLUMNS), _name),
        st.sampled_from(sorted(KINDS)),
        st.sampled_from([0.0, 0.0, 0.3, 1.0]),
    ),
    min_size=1,
    max_size=6,
)
_plausible = st.builds(
    lambda key, day, more: (Column(key, "repeated key", 0.0), Column(day, "day", 0.0), *more),
    st.sampled_from(COLUMNS[:4]),
    st.sampled_from(COLUMNS[4:]),
    _columns,
)
_tables = st.builds(
    RandomTable,
    st.one_of(st.sampled_from(TABLES), _name),
    st.sampled_from([False, False, False, True]),
    st.one_of(_columns.map(tuple), _plausible),
    st.sampled_from([0, 1, 2, 12, 40]),
    st.integers(0, 2**16),
)
_accounts = st.builds(
    lambda key, name, more, rows: RandomTable(
        name, False, (Column(key, "key", 0.0), Column("created_at", "day", 0.0), *more), rows, rows
    ),
    st.sampled_from(COLUMNS[:4]),
    st.sampled_from(TABLES[:3]),
    _columns,
    st.sampled_from([1, 6, 12]),
)
folders: st.SearchStrategy[list[RandomTable]] = st.builds(
    lambda tables, accounts: [*tables, *accounts],
    st.lists(_tables, min_size=1, max_size=4),
    st.lists(_accounts, max_size=1),
)


def write(folder: Path, tables: list[RandomTable]) -> None:
    """Writes the tables into `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for table in tables:
        stem = "".join("_" if letter in "/\0\n" else letter for letter in table.name) or "empty"
        content = _content(table)
        if table.is_csv:
            pc.write_csv(content, folder / f"{stem[:60]}.csv")
        else:
            pq.write_table(content, folder / f"{stem[:60]}.parquet")


def _content(table: RandomTable) -> pa.Table:
    chance = random.Random(table.seed)
    used = [column for column in table.columns if not (table.is_csv and column.kind in NOT_IN_CSV)]
    arrays = [_cells(column, table.rows, chance) for column in used]
    return pa.Table.from_arrays(arrays, names=[column.name for column in used])


def _cells(column: Column, rows: int, chance: random.Random) -> pa.Array:
    type_, draw = KINDS[column.kind]
    cells = [None if chance.random() < column.nulls else draw(chance, row) for row in range(rows)]
    return pa.array(cells, type_)


def assert_drafted_or_refused(folder: Path, tables: list[RandomTable]) -> bool:
    """Fails unless `init` drafts a declaration that loads, or says why not; whether it drafted."""
    write(folder, tables)
    try:
        text = draft.draft_declaration(folder)
    except (DeclarationError, NotFound) as refused:
        why = str(refused)
    else:
        assert "[targets.churn]" in text
        return True
    assert why.startswith(f"{folder}: ")  # and not the mistakes of a draft that does not load
    return False
