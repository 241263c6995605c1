"""Every file is read with the values that it holds, or the reader says what cannot be told."""

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import clock
from features.engines import on_spark
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote

EPOCH = datetime.fromisoformat("1970-01-01")
LAST_OF_FEBRUARY = 1_709_251_199_999_999_999
NANOSECONDS = [0, -1, -999, -1000, -1001, 999, 1000, LAST_OF_FEBRUARY, LAST_OF_FEBRUARY + 1, None]
AS_LATE_AS_YEAR_2100 = 4_102_444_800 * 10**9


def cut(nanoseconds: int | None) -> datetime | None:
    """The moment in whole microseconds, cut towards the past."""
    if nanoseconds is None:
        return None
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def times(engine: Engine, view: str, zone: str | None = "UTC") -> dict[str, list[datetime | None]]:
    """All columns of a view as the clock reads them: naive UTC."""
    types = engine.types(f"SELECT * FROM {quote(view)}")
    moments = [
        f"{clock.in_utc(quote(name), type_, zone)} AS {name}" for name, type_ in types.items()
    ]
    return engine.rows(f"SELECT {', '.join(moments)} FROM {quote(view)}").to_pydict()


def nanosecond_file(path: Path, values: list[int | None]) -> Path:
    kinds = {"naive": pa.timestamp("ns"), "zoned": pa.timestamp("ns", tz="Europe/Berlin")}
    pq.write_table(pa.table({name: pa.array(values, kind) for name, kind in kinds.items()}), path)
    return path


# Times in Parquet


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_a_parquet_time_of_any_unit_is_read(unit: str, zone: str | None, tmp_path: Path) -> None:
    moments = [EPOCH - timedelta(seconds=1), EPOCH + timedelta(days=19782.5), None]
    held = [moment and (moment.replace(tzinfo=UTC) if zone else moment) for moment in moments]
    pq.write_table(
        pa.table({"at": pa.array(held, pa.timestamp(unit, tz=zone))}), tmp_path / "t.parquet"
    )
    with Engine() as engine:
        engine.read_parquet("t", tmp_path / "t.parquet")
        assert times(engine, "t")["at"] == moments
        with_zone = engine.types("SELECT * FROM t")["at"] == "TIMESTAMP WITH TIME ZONE"
    assert with_zone == (zone is not None)


def test_the_last_nanosecond_of_a_day_belongs_to_it(tmp_path: Path) -> None:
    path = nanosecond_file(tmp_path / "t.parquet", NANOSECONDS)
    with Engine() as engine:
        engine.read_parquet("t", path)
        found = times(engine, "t")
        days = engine.rows("SELECT CAST(naive AS DATE) AS n, CAST(zoned AS DATE) AS z FROM t")
    wanted = [cut(value) for value in NANOSECONDS]
    assert found == {"naive": wanted, "zoned": wanted}
    assert days["n"].to_pylist() == [moment and moment.date() for moment in wanted]
    assert days["z"].to_pylist() == days["n"].to_pylist()


@given(value=st.integers(-AS_LATE_AS_YEAR_2100, AS_LATE_AS_YEAR_2100))
def test_nanoseconds_are_cut_and_never_rounded(value: int) -> None:
    with Engine() as engine:
        for type_ in ("TIMESTAMP_NS", "TIMESTAMPTZ_NS"):
            moment = clock.in_utc(f"CAST(make_timestamp_ns({value}) AS {type_})", type_, "UTC")
            assert engine.row(f"SELECT {moment}")[0] == cut(value)


def test_spark_cuts_nanoseconds_as_duckdb_does(java: str, tmp_path: Path) -> None:
    assert java
    path = nanosecond_file(tmp_path / "t.parquet", NANOSECONDS)
    with on_spark.Engine() as engine:
        engine.read_parquet("t", path)
        wanted = times(engine, "t")
        engine.open("t")
        found = engine.frame("SELECT naive, zoned FROM t").toArrow()
    assert found["naive"].to_pylist() == wanted["naive"]
    zoned = found["zoned"].cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us"))
    assert zoned.to_pylist() == wanted["zoned"]


# Keys


def test_a_uuid_is_text(tmp_path: Path) -> None:
    keys = [uuid.UUID(int=5), uuid.UUID("00000000-0000-4000-8000-00000000abcd")]
    table = pa.table({"id": pa.array([key.bytes for key in keys], pa.uuid())})
    pq.write_table(table, tmp_path / "t.parquet")
    with Engine() as engine:
        engine.read_parquet("t", tmp_path / "t.parquet")
        assert engine.types("SELECT * FROM t") == {"id": "VARCHAR"}
        assert engine.rows("SELECT * FROM t")["id"].to_pylist() == list(map(str, keys))
