"""Columns and labels of every legitimate kind are read as what they are, or told by name."""

from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import training
from features.errors import ContractBroken, DeclarationError
from training.tables import foreign, label_column, plain_table
from training.tables.label_column import Roles

ROWS = 240
NUMBER, TEXT = pa.float64(), pa.string()


def customers(rows: int = ROWS) -> pd.DataFrame:
    """Two columns, and an outcome that one of them tells in part."""
    draw = np.random.default_rng(0)
    use = draw.normal(size=rows)
    left = draw.random(rows) < 1 / (1 + np.exp(-use))
    return pd.DataFrame({"use": use, "plan": draw.choice(["a", "b"], rows), "left": left})


def read(values: Any) -> pa.Array:
    """What a column of a frame becomes."""
    return plain_table.as_table(pd.DataFrame({"column": values}))["column"].combine_chunks()


def label(values: list[Any], event: Any = None) -> list[float]:
    """How a column of these values reads as a label."""
    table = plain_table.as_table(pd.DataFrame({"left": values}))
    return [float(item) for item in label_column.read_labels(table, Roles.of("left", event=event))]


# Columns

PANDAS: list[tuple[str, Callable[[], Any], list[Any]]] = [
    ("sparse numbers", lambda: pd.arrays.SparseArray([0, 0, 7]), [0.0, 0.0, 7.0]),
    ("flags with gaps", lambda: pd.array([True, None], "boolean"), [1.0, None]),
    ("integers with gaps", lambda: pd.array([3, None], "Int64"), [3.0, None]),
    (
        "times of a zone",
        lambda: pd.to_datetime(["1970-01-02T01:00"]).tz_localize("Europe/Berlin"),
        [1.0],
    ),
    ("durations", lambda: pd.to_timedelta([36, None], "h"), [1.5, None]),
    ("times of day", lambda: [time(13, 30)], [13.5]),
    ("decimals", lambda: [Decimal("1.5")], [1.5]),
    ("numbered categories", lambda: pd.Categorical([3, 1, None]), [3.0, 1.0, None]),
    ("intervals", lambda: pd.cut([1, 9], [0, 5, 10]), ["(0, 5]", "(5, 10]"]),
    ("mixed values", lambda: [1, "one", None], ["1", "one", None]),
    ("bytes that are text", lambda: [b"caf\xc3\xa9"], ["café"]),
]


@pytest.mark.parametrize(("kind", "given", "wanted"), PANDAS, ids=[kind for kind, *_ in PANDAS])
def test_a_pandas_column_is_read_as_what_it_is(
    kind: str, given: Callable[[], Any], wanted: list[Any]
) -> None:
    del kind
    assert read(given()).to_pylist() == wanted


ARROW: list[tuple[pa.Array, list[Any]]] = [
    (pa.array(["a"], pa.large_string()), ["a"]),
    (pa.array(["a"], pa.string_view()), ["a"]),
    (pa.array([5, 5]).dictionary_encode(), [5.0, 5.0]),
    (pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array([1.5])), [1.5, 1.5]),
    (pa.array([1.5], pa.float16()), [1.5]),
    (pa.array([time(1, 30)], pa.time32("s")), [1.5]),
]


@pytest.mark.parametrize(("given", "wanted"), ARROW, ids=[str(item.type) for item, _ in ARROW])
def test_an_arrow_column_is_read_as_what_it_is(given: pa.Array, wanted: list[Any]) -> None:
    assert plain_table.as_table(pa.table({"column": given}))["column"].to_pylist() == wanted


def test_a_column_of_no_known_kind_is_told_beside_all_others() -> None:
    frame = customers().assign(wave=1j, bag=pd.Series([[1]] * ROWS))
    with pytest.raises(ContractBroken) as caught:
        training.fit(frame, "left")
    assert [item.column for item in caught.value.findings] == ["wave", "bag"]


@pytest.mark.parametrize("given", [{"left": [1]}, np.zeros((2, 2)), pd.Series([1])], ids=type)
def test_what_is_no_table_is_refused_by_its_name(given: Any) -> None:
    with pytest.raises(DeclarationError, match=f"got .*{type(given).__name__}"):
        training.fit(given, "left")


def test_a_text_that_every_row_has_for_itself_is_told_as_a_name() -> None:
    frame = customers(200).assign(code=[f"C{number}" for number in range(200)])
    with pytest.raises(ContractBroken, match=r"table.code: all .* of its values differ"):
        training.fit(frame, "left")


# Customers


def test_ids_that_differ_in_their_last_digit_are_different_customers() -> None:
    frame = customers().assign(id=2**60 + np.arange(ROWS))
    assert training.fit(frame, "left", id="id", trials=1).training.accounts == ROWS


def test_a_row_without_an_id_is_known_by_its_content() -> None:
    table = pa.table({"id": ["1", None, None], "use": [1.0, 1.0, 2.0]})
    y = np.array([0, 1, 1], dtype=np.int8)
    features = foreign.features_of(table, y, Roles("left", id="id", ignore=("id",)))
    assert len(set(foreign.row_customers(table, y, Roles("left", id="id"), features))) == 3


def test_rows_of_coarse_columns_are_customers_each() -> None:
    coarse = customers()[["plan", "left"]]
    made = training.fit(coarse, "left", trials=1).training
    assert (made.accounts, made.table and made.table.repeated_rows) == (ROWS, 0)


# Labels


@pytest.mark.parametrize(
    ("values", "event"),
    [
        (["No", "Yes ", " Yes"], None),
        (["no", "Yes", "YES"], None),
        (["stays", "Goes", "goes "], "goes"),
        ([-1, 1, 1], None),
        ([1, 2, 2], 2),
        ([1.0, 2.0, 2.0], "2.0"),
        ([1_000_001.0, 1_000_002.0, 1_000_002.0], 1_000_002),
        ([False, True, True], True),
        ([False, True, True], "true"),
        (["false", "true", "true"], True),
    ],
)
def test_a_label_is_read_as_it_is_meant(values: list[Any], event: Any) -> None:
    assert label(values, event) == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("gap", ["", "  ", None, np.nan])
def test_an_empty_label_is_none(gap: Any) -> None:
    assert np.isnan(label(["no", "yes", gap])).tolist() == [False, False, True]


def test_names_need_not_be_texts() -> None:
    frame = customers().set_axis([0, 1, 2], axis=1)
    assert len(training.fit(frame, 2, ignore=1, trials=1).features) == 1
