"""Every file is read with the values that it holds, or the reader says what cannot be told."""

import gzip
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import clock
from features.engines import on_spark
from features.engines.on_duckdb import Engine
from features.engines.sql_text import quote
from features.reading.files import Declared, Reader, parts
from features.reading.notes import Note
from features.reading.text_files import NoTable

ZONED = "TIMESTAMP WITH TIME ZONE"
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
    found: dict[str, list[datetime | None]] = engine.rows(
        f"SELECT {', '.join(moments)} FROM {quote(view)}"
    ).to_pydict()
    return found


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


def test_sixteen_bytes_are_a_uuid_and_sixteen_letters_are_not(tmp_path: Path) -> None:
    keys = [uuid.UUID("00000000-0000-4000-8000-00000000abcd"), uuid.UUID(int=5)]
    columns = {
        "id": pa.array([key.bytes for key in keys], pa.binary(16)),
        "user": pa.array([keys[0].bytes, None], pa.binary()),
        "letters": pa.array([b"abcdefghijklmnop"] * 2, pa.binary()),
        "short": pa.array([keys[0].bytes, b"1"], pa.binary()),
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    found = shown(tmp_path / "t.parquet", tmp_path)
    assert found["id"] == list(map(str, keys))
    assert found["user"] == [str(keys[0]), None]
    assert found["letters"] == [b"abcdefghijklmnop"] * 2
    assert found["short"] == [keys[0].bytes, b"1"]


def test_an_id_in_two_spellings_is_told_and_not_merged(tmp_path: Path) -> None:
    found = column(tmp_path, ["17", "18.0", "17.0", "17", "17.0", "a.0"], is_key="x".__eq__)
    assert found.values["x"] == ["17", "18.0", "17.0", "17", "17.0", "a.0"]
    (note,) = found.notes
    assert (note.name, note.state, note.column, note.rows) == ("two_spellings", "warning", "x", 2)
    assert "'17.0' (2×, first in row 4) beside '17' (2×)" in note.detail
    assert not column(tmp_path, ["17.0", "18"], is_key="x".__eq__).notes


# Text files


class Read(NamedTuple):
    """What was read: values by column, SQL types, and what the reader noticed."""

    values: dict[str, list[Any]]
    types: dict[str, str]
    notes: list[Note]


def read(folder: Path, content: str | bytes, name: str = "t.csv", **declared: Any) -> Read:
    """What a file holds, by column, with the SQL types and what the reader noticed."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with Engine() as engine:
        reader = Reader(engine, folder, 1)
        reader.look("t", [path], Declared(**declared))
        notes = reader.show()["t"]
        types = engine.types("SELECT * FROM t")
        zoned = [name for name, type_ in types.items() if type_ == ZONED]
        utc = ", ".join(f"timezone('UTC', {quote(name)}) AS {quote(name)}" for name in zoned)
        query = f"SELECT * REPLACE ({utc}) FROM t" if zoned else "SELECT * FROM t"
        return Read(engine.rows(query).to_pydict(), types, notes)


def column(folder: Path, values: Iterable[str], **declared: Any) -> Read:
    """A file of one column `x`, and one of texts."""
    lines = "".join(f'"{value}",z\n' for value in values)
    return read(folder, f"x,other\n{lines}", **declared)


DAY = date(2024, 12, 31)
NOON = datetime.combine(DAY, datetime.min.time()) + timedelta(hours=23, minutes=5)


@pytest.mark.parametrize(
    ("written", "held"),
    [
        (["2024-12-31"], DAY),
        (["2024/12/31"], DAY),
        (["31/12/2024", "01/02/2024"], DAY),
        (["12/31/2024", "01/02/2024"], DAY),
        (["31.12.24"], DAY),
        (["31-Dec-2024", "1-may-2024"], DAY),
        (["Dec 31, 2024", "May 1, 2024"], DAY),
        (["December 31, 2024"], DAY),
        (["2024-12-31 23:05:00"], NOON),
        (["2024-12-31T23:05:00.000Z"], NOON),
        (["2024-12-31 23:05:00 UTC"], NOON),
        (["2025-01-01T01:05:00+02:00"], NOON),
        (["2024-12-31T23:05:00.000+0000"], NOON),
        (["12/31/2024 11:05 PM"], NOON),
        (["31.12.2024 23:05"], NOON),
        (["2024-12-31 23:05:00.000000999"], NOON),
        (["7", "-3"], 7),
        (["7.5", "3"], 7.5),
        (["1e3", "2.5"], 1000.0),
        (["$1,234.50", "$40"], 1234.5),
        (["1.234,50", "7,5"], 1234.5),
        (["1 234,50"], 1234.5),
        (["-€40"], -40),
        (["(40.25)", "1.5"], -40.25),
        (["12%", "5%"], 12),
        (["true", "false"], True),
        (["yes", "no"], True),
        (["00123", "12"], "00123"),
        (["12345678901234567890", "12"], "12345678901234567890"),
        (["NA", "DE"], "NA"),
        (["12a", "14"], "12a"),
    ],
)
def test_a_column_is_read_as_what_all_its_values_are(
    written: list[str], held: object, tmp_path: Path
) -> None:
    found = column(tmp_path, written)
    assert found.values["x"][0] == held
    assert type(found.values["x"][0]) is type(held)
    assert not [note for note in found.notes if note.name != "nearly_numbers"]


@pytest.mark.parametrize("odd", ["?", "unknown", "<1", "12 months"])
def test_a_few_cells_that_are_no_numbers_are_missing_and_told(odd: str, tmp_path: Path) -> None:
    found = column(tmp_path, ["5", odd, *map(str, range(60)), odd])
    assert found.values["x"][:3] == [5, None, 0]
    (note,) = found.notes
    assert (note.name, note.column, note.rows) == ("odd_cells", "x", 2)
    assert f"2 of 63 values are no numbers: {odd!r} (2×, first in row 3)" in note.detail


@pytest.mark.parametrize("word", ["", " ", "-", "NULL", "N/A", "NA", "\\N", "None", "NaN"])
def test_words_for_nothing_are_missing_numbers(word: str, tmp_path: Path) -> None:
    found = column(tmp_path, ["5", word, "7"])
    assert (found.values["x"], found.notes) == ([5, None, 7], [])


def test_no_day_is_a_missing_day(tmp_path: Path) -> None:
    found = column(tmp_path, ["2024-12-31", "0000-00-00", "NaT"])
    assert (found.values["x"], found.notes) == ([DAY, None, None], [])


def test_keys_stay_as_they_are_written(tmp_path: Path) -> None:
    keys = ["00123", "1e5", "1.0", "12345678901234567890", "NULL", "2024-01-01"]
    assert column(tmp_path, keys, is_key=lambda name: name == "x").values["x"] == keys


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            ["01/02/2024", "03/04/2024"],
            "'01/02/2024' in row 2; day first: 2024-02-01 to 2024-04-03",
        ),
        (["13/02/2024", "03/14/2024"], "only be month first, such as '03/14/2024' in row 3"),
        (["2024-01-01 10:00:00", "2024-01-01 10:00:00Z"], "1 of the times carry a zone"),
        (["1,234", "950"], "thousands (1234) or begins decimals (1.234)"),
        (["$40", "€50"], "amounts in $ and in €"),
        (["40%", "50"], "1 of 2 numbers are percentages"),
    ],
)
def test_what_can_be_read_in_two_ways_stays_text_and_is_told(
    values: list[str], told: str, tmp_path: Path
) -> None:
    found = column(tmp_path, values)
    assert found.values["x"] == values
    assert told in found.notes[0].detail


def test_an_order_of_day_and_month_is_declared(tmp_path: Path) -> None:
    found = column(tmp_path, ["01/02/2024"], date_order="month first")
    assert found.values["x"] == [date(2024, 1, 2)]
    refused = column(tmp_path, ["31/12/2024"], date_order="month first")
    assert [(note.name, note.state) for note in refused.notes] == [
        ("contradicted_date_order", "error")
    ]


def test_other_columns_and_other_files_prove_the_order(tmp_path: Path) -> None:
    found = read(tmp_path, "x,y\n01/02/2024,12/31/2024\n")
    assert found.values["x"] == [date(2024, 1, 2)]
    (tmp_path / "a.csv").write_text("x\n01/02/2024\n")
    (tmp_path / "b.csv").write_text("x\n31/12/2024\n")
    with Engine() as engine:
        reader = Reader(engine, tmp_path, 1)
        for name in "ab":
            reader.look(name, [tmp_path / f"{name}.csv"], Declared())
        reader.show()
        assert engine.row("SELECT x FROM a") == (date(2024, 2, 1),)


def test_counts_since_1970_are_declared_and_refused_where_they_cannot_be(tmp_path: Path) -> None:
    values = ["1735686300", "1735686301"]
    assert column(tmp_path, values, times={"x": "seconds"}).values["x"][0] == NOON
    for epoch, name in ((None, "undeclared_epoch"), ("milliseconds", "contradicted_epoch")):
        (note,) = column(tmp_path, values, times={"x": epoch}).notes
        assert (note.name, note.state) == (name, "error")
        assert "seconds 2024-12-31 to 2024-12-31" in note.detail
    (note,) = column(tmp_path, ["45000", "45657"], times={"x": None}).notes
    assert note.name == "excel_days"


def test_the_first_rows_do_not_decide_alone(tmp_path: Path) -> None:
    found = column(tmp_path, [*["7"] * 3000, "00123"])
    assert found.values["x"][-1] == "00123"
    found = column(tmp_path, [*["basic"] * 3000, *["7"] * 3000])
    assert found.types["x"] == "VARCHAR"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("a;b\n1,5;x\n", {"a": [1.5], "b": ["x"]}),
        ("a\tb\n1\tx\n", {"a": [1], "b": ["x"]}),
        (b"\xef\xbb\xbfa,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ("a,b\n1,é\n".encode("utf-16"), {"a": [1], "b": ["é"]}),
        ("a,b\n1,x,\n2,y,\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b,\n1,x,\n2,y,\n", {"a": [1, 2], "b": ["x", "y"]}),
        ('a,b\n1,"x, ""y""\nz"\n', {"a": [1], "b": ['x, "y"\nz']}),
        (",b\n0,x\n1,y\n", {"b": ["x", "y"]}),
        ("sep=;\na;b\n1;x\n", {"a": [1], "b": ["x"]}),
        (gzip.compress(b"a,b\n1,x\n", mtime=0), {"a": [1], "b": ["x"]}),
    ],
)
def test_a_layout_is_found(
    content: str | bytes, wanted: dict[str, list[object]], tmp_path: Path
) -> None:
    packed = isinstance(content, bytes) and content[:2] == b"\x1f\x8b"
    assert read(tmp_path, content, "t.csv.gz" if packed else "t.csv").values == wanted


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a,b\n1,2\n1,é\n".encode("cp1252"), "line 3 is not UTF-8: byte 0xe9"),
        ("a,b\n1,2\n1,2,3\n4\n", "2 malformed lines: line 3: .*; line 4: "),
        ("a,b,A\n1,2,3\n", "columns 1 and 3 have one name, 'a'"),
        ("", "is empty"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(
    content: str | bytes, told: str, tmp_path: Path
) -> None:
    with pytest.raises(NoTable, match=told):
        read(tmp_path, content)


def test_an_encoding_is_declared(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b\n1,é\n".encode("cp1252"), encoding="cp1252")
    assert found.values == {"a": [1], "b": ["é"]}


# Other kinds of files


def shown(path: Path, spool: Path, **declared: Any) -> dict[str, list[Any]]:
    """What the table at `path` holds, by column."""
    with Engine() as engine:
        reader = Reader(engine, spool, 1)
        reader.look("t", parts(path), Declared(**declared))
        reader.show()
        found: dict[str, list[Any]] = engine.rows("SELECT * FROM t").to_pydict()
        return found


def test_json_lines_are_read_by_the_types_of_json(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": 7, "on": "2024-12-31", "zip": "00123", "amount": 2.5}\n{"id": 8, "plan": "a"}\n'
    )
    assert shown(path, tmp_path, is_key=lambda name: name == "id") == {
        "id": ["7", "8"],
        "on": [DAY, None],
        "zip": ["00123", None],
        "amount": [2.5, None],
        "plan": [None, "a"],
    }


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    pq.write_table(pa.table({"a": [1]}), folder / "0.parquet")
    pq.write_table(pa.table({"a": [2], "b": ["x"]}), folder / "1.parquet")
    (folder / "_SUCCESS").touch()
    assert shown(folder, tmp_path) == {"a": [1, 2], "b": [None, "x"]}
    (folder / "2.csv").write_text("a\n1\n")
    with pytest.raises(NoTable, match=r"files of the kinds \.csv, \.parquet"):
        shown(folder, tmp_path)


def test_the_rows_that_airbyte_keeps_as_json_are_read_as_rows(tmp_path: Path) -> None:
    data = ['{"id": "007", "plan": "a\\nb"}', '{"id": "8", "on": "2024-12-31"}']
    pq.write_table(
        pa.table({"_airbyte_raw_id": ["p", "q"], "_airbyte_data": data}), tmp_path / "0.parquet"
    )
    (tmp_path / "spool").mkdir()
    assert shown(tmp_path / "0.parquet", tmp_path / "spool") == {
        "id": ["007", "8"],
        "plan": ["a\nb", None],
        "_airbyte_raw_id": ["p", "q"],
        "on": [None, DAY],
    }


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


NAMES = cell("A1", "id") + cell("B1", "seats") + cell("C1", "on")
VALUES = f'<c r="A2"><v>7</v></c><c r="B2"><v>2.5</v></c>{cell("C2", "12/31/2024")}'
SHEET = (
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1">{NAMES}</row><row r="2">{VALUES}</row>'
    "</sheetData></worksheet>"
)
BOOK = {
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
    f'Type="{LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>'
    '<sheet name="Accounts" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" '
    f'Type="{LINKS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/worksheets/sheet1.xml": SHEET,
}


def workbook(path: Path, parts: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as book:
        for name, text in parts.items():
            book.writestr(name, text)


def test_the_first_sheet_of_a_workbook_is_a_table(tmp_path: Path) -> None:
    workbook(tmp_path / "t.xlsx", BOOK)
    found = shown(tmp_path / "t.xlsx", tmp_path, is_key=lambda name: name == "id")
    assert found == {"id": ["7"], "seats": [2.5], "on": [DAY]}


def test_a_workbook_says_which_of_its_sheets_it_read(tmp_path: Path) -> None:
    listed = '<sheet name="Accounts" sheetId="1" r:id="r1"/>'
    more = listed.replace("Accounts", "Notes").replace('sheetId="1"', 'sheetId="2"')
    book = BOOK | {"xl/workbook.xml": BOOK["xl/workbook.xml"].replace(listed, listed + more)}
    workbook(tmp_path / "t.xlsx", book)
    (note,) = read(tmp_path, (tmp_path / "t.xlsx").read_bytes(), "t.xlsx").notes
    assert note.name == "other_sheets"
    assert "its first sheet, 'Accounts', is read, not 'Notes'" in note.detail


def test_days_of_a_workbook_may_be_whole_numbers(tmp_path: Path) -> None:
    written = cell("C2", "12/31/2024")
    for number, wanted, told in (
        ("20241231", [DAY], []),
        ("20241331", [20241331], []),
        ("45657", [45657], ["excel_days"]),
    ):
        sheet = SHEET.replace(written, f'<c r="C2"><v>{number}</v></c>')
        workbook(tmp_path / "t.xlsx", BOOK | {"xl/worksheets/sheet1.xml": sheet})
        content = (tmp_path / "t.xlsx").read_bytes()
        found = read(tmp_path, content, "t.xlsx", times={"on": None})
        assert (found.values["on"], [note.name for note in found.notes]) == (wanted, told)
        guessed = read(tmp_path, content, "t.xlsx", is_time="on".__eq__, guesses=True)
        assert (guessed.values["on"], [note.name for note in guessed.notes]) == (wanted, told)
    assert "2024-12-31 to 2024-12-31" in found.notes[0].detail


def test_a_day_as_a_number_is_no_count_where_an_epoch_says_so(tmp_path: Path) -> None:
    found = column(tmp_path, ["20241231", "20250101"], times={"x": "seconds"})
    assert found.values["x"][0] == datetime.fromisoformat("1970-08-23T06:33:51")
    assert column(tmp_path, ["20241231"], times={"x": None}).values["x"] == [DAY]


@pytest.mark.parametrize(
    "content",
    [
        "A001,2024-01-31,9.99,pro\nA002,2024-02-01,5.00,pro\n",
        "2024-01-31,7\n",
        "ann@acme.example,3\nbob@acme.example,4\n",
    ],
)
def test_a_table_without_names_is_told(content: str, tmp_path: Path) -> None:
    with pytest.raises(NoTable, match="its first row holds data") as refused:
        read(tmp_path, content)
    assert refused.value.fix == "write the names of the columns as its first row"


@pytest.mark.parametrize("names", ["id,2024-01,2024-02", "x1,x2,x3", "0,1,2", "q,2023,2024"])
def test_names_may_look_like_data_beside_others(names: str, tmp_path: Path) -> None:
    assert list(read(tmp_path, f"{names}\n7,5.5,3\n8,1.5,4\n").values) == names.split(",")


# Whatever is written


def dates(form: str, at_least: int = 1) -> st.SearchStrategy[tuple[str, list[date]]]:
    days = st.dates(date(1970, 1, 1), date(2068, 12, 31))
    return st.tuples(st.just(form), st.lists(days, min_size=at_least, max_size=8))


FORMS = (
    *("%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%m-%d-%Y", "%d-%b-%Y", "%b %d, %Y"),
    *("%Y-%m-%dT00:00:00", "%m/%d/%Y %I:%M %p", "%d/%m/%y %H:%M:%S"),
)


@given(written=st.sampled_from(FORMS).flatmap(dates))
def test_days_are_read_as_written_or_called_ambiguous(written: tuple[str, list[date]]) -> None:
    form, days = written
    with tempfile.TemporaryDirectory() as folder:
        found = column(Path(folder), [day.strftime(form) for day in days])
    if found.notes:
        assert [note.name for note in found.notes] == ["ambiguous_date_order"]
        assert all(day.day <= 12 for day in days)
    else:
        assert [getattr(x, "date", lambda x=x: x)() for x in found.values["x"]] == days


NUMBER_FORMS = (str, "{:,.2f}".format, "${:,.2f}".format, "{:.3f}".format, "{:,.0f}".format)


def german(number: float) -> str:
    return f"{number:,.2f}".translate(str.maketrans(",.", ".,"))


@given(
    written=st.sampled_from((*NUMBER_FORMS, german)),
    numbers=st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=8),
)
def test_numbers_are_read_as_written_or_called_ambiguous(
    written: Callable[[float], str], numbers: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = column(Path(folder), [written(number) for number in numbers])
    if found.notes:
        assert [note.name for note in found.notes] == ["ambiguous_decimals"]
    else:
        assert found.values["x"] == numbers
