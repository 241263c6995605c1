"""Every breach of the data contract is found, alone, with its table, column, rows and fix."""

import json
import shutil
import signal
import subprocess
import sys
from datetime import date, time
from pathlib import Path
from threading import Timer
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from bad_companies import ADVICE, TABLES, TRAINING, WARNINGS, Defect, build
from bad_expressions import EXPRESSIONS
from features import contract, snapshots
from features.breaches import outcomes
from features.declaring.declaration import load
from features.errors import ContractBroken, Finding, NotFound
from features.reading import places
from features.verbs import app, point_in_time
from sane_company import sane, write
from training.verbs import app as training_app

SAAS = Path(__file__).parents[1] / "examples" / "saas"
AS_OF = date(2024, 1, 1)
TOLD = "outcomes"
ALWAYS = ("coverage", "grows_with_the_data")
STRUCTURAL = [*TABLES, *EXPRESSIONS]


def named(defect: Defect) -> str:
    return f"{defect.finding}-{defect.detail or defect.table}"


def found(folder: Path) -> list[Finding]:
    """What is found, without what is told of every source."""
    return [item for item in contract.check(load(folder)) if item.name not in ALWAYS]


def expect(findings: list[Finding], defect: Defect) -> Finding:
    """The finding of the defect, and no other one that is as bad or worse."""
    [match] = [
        item
        for item in findings
        if (item.name, item.table) == (defect.finding, defect.table)
        and defect.detail in item.detail
    ]
    others = {item.name for item in findings if item is not match} - defect.also - {TOLD, *ALWAYS}
    assert others == set()
    return match


@pytest.mark.parametrize("defect", [*STRUCTURAL, *TRAINING, *WARNINGS, *ADVICE], ids=named)
def test_each_defect_is_found_alone(defect: Defect, tmp_path: Path) -> None:
    company = load(build(tmp_path, defect))
    match = expect(contract.check(company), defect)
    assert (match.state, match.column, match.rows) == (defect.state, defect.column, defect.rows)
    assert defect.fix in match.fix
    assert match.fix
    if match.table in company.sources and match.name != "unknown_zone":
        assert places.location(company.sources[match.table]) in match.detail


def test_a_segment_whose_facts_come_once_a_year_is_not_left_out(tmp_path: Path) -> None:
    tables = sane()
    # In the last 90 days no account of pro has a ticket, as in most months, and all others have.
    tables["tickets"] = [
        row for row in tables["tickets"] if row["org"] % 2 == 0 or row["opened"].month == 1
    ]
    assert {item.name for item in found(write(tmp_path, tables))} == {TOLD}


@pytest.mark.parametrize("defect", STRUCTURAL, ids=named)
def test_structural_defects_stop_the_pipeline_before_anything_is_computed(
    defect: Defect, tmp_path: Path
) -> None:
    company = load(build(tmp_path, defect))
    with pytest.raises(ContractBroken) as caught:
        snapshots.build(company, [AS_OF])
    assert caught.value.exit_code == 3
    assert defect.finding in {item.name for item in caught.value.findings}
    assert all(item.state == "error" for item in caught.value.findings)
    assert defect.detail in str(caught.value)


@pytest.mark.parametrize("defect", [*WARNINGS, *ADVICE], ids=named)
def test_warnings_and_advice_stop_nothing(defect: Defect, tmp_path: Path) -> None:
    assert snapshots.build(load(build(tmp_path, defect)), [AS_OF]).table.num_rows > 0


def test_a_sane_company_has_nothing_but_its_outcomes(tmp_path: Path) -> None:
    [told] = found(write(tmp_path, sane()))
    assert (told.name, told.state, told.step) == (TOLD, "advice", "train")
    assert "43 accounts churned at 15 mature month starts" in told.detail
    assert "2024-01 5 of 60" in told.detail


def test_windows_that_reach_beyond_the_first_fact_are_told(tmp_path: Path) -> None:
    """Tickets of the whole history are; 90 days of logins, cut on three of 15 dates, are not."""
    [told] = [
        item
        for item in contract.check(load(write(tmp_path, sane())))
        if item.name == "grows_with_the_data"
    ]
    assert (told.table, told.state) == ("tickets", "advice")
    first = min(row["opened"] for row in sane()["tickets"])
    assert f"the first fact is of {first}" in told.detail
    assert "15 training dates" in told.detail
    assert "tickets (all)" in told.detail


def test_all_breaches_are_reported_at_once(tmp_path: Path) -> None:
    tables = sane()
    tables["accounts"][0]["account_id"] = "a01"
    tables["logins"][0]["at"] = None
    tables["tickets"].clear()
    text = (write(tmp_path, tables) / "churnlight.toml").read_text("utf-8")
    text = text.replace('ended = "ended"', 'ended = "gone"').replace("minutes >= 0", "minutes")
    (tmp_path / "churnlight.toml").write_text(text, encoding="utf-8")
    (tmp_path / "subscriptions.parquet").rename(tmp_path / "subs.parquet")
    names = [item.name for item in found(tmp_path) if item.state == "error"]
    assert sorted(names) == [
        "duplicate_account_key",
        "empty_table",
        "missing_file",
        "not_a_condition",
        "null_event_time",
        "unknown_account",
    ]


def test_errors_come_first() -> None:
    assert contract.ORDER == {"error": 0, "warning": 1, "advice": 2}


def test_a_local_morning_of_the_sign_up_day_is_not_before_sign_up(tmp_path: Path) -> None:
    tables = sane()
    first = tables["logins"][0]["at"]
    tables["logins"][0]["at"] = first.replace(hour=0, minute=5)  # 23:05 UTC of the day before
    assert [item.name for item in found(write(tmp_path, tables))] == [TOLD]


def test_untyped_columns_of_nulls_are_not_wrong_types(tmp_path: Path) -> None:
    tables = sane()
    write(tmp_path, tables)
    subscriptions = pq.read_table(tmp_path / "subscriptions.parquet")
    untyped = subscriptions.set_column(2, "ended", pa.nulls(subscriptions.num_rows))
    pq.write_table(untyped, tmp_path / "subscriptions.parquet")
    assert {item.name for item in found(tmp_path) if item.state == "error"} == {"one_class"}


def test_decimal_keys_are_warned_about(tmp_path: Path) -> None:
    write(tmp_path, sane())
    for name, column in (
        ("accounts", "account_id"),
        ("subscriptions", "account_id"),
        ("logins", "account_id"),
    ):
        table = pq.read_table(tmp_path / f"{name}.parquet")
        numbers = pa.array([float(key[1:]) for key in table[column].to_pylist()])
        place = table.column_names.index(column)
        pq.write_table(table.set_column(place, column, numbers), tmp_path / f"{name}.parquet")
    [warning, _] = found(tmp_path)
    assert (warning.name, warning.state, warning.column) == (
        "decimal_account_key",
        "warning",
        "account_id",
    )


def test_segments_of_derived_accounts_are_of_no_use(tmp_path: Path) -> None:
    text = (write(tmp_path, sane()) / "churnlight.toml").read_text("utf-8")
    start, end = text.index("[accounts]"), text.index("[sources.accounts]")
    derived = '[accounts]\nsource = "logins"\nkey = "account_id"\nderived = true\n\n'
    text = text[:start] + derived + text[end:]
    text = text.replace('{ system = "helpdesk", column = "org" }', '"org"')
    text += '\n[segments.big]\ntitle = "Big"\nwhere = "true"\n'
    (tmp_path / "churnlight.toml").write_text(text, encoding="utf-8")
    names = {item.name for item in found(tmp_path)}
    assert {"unused_segments", "unused_source", "unknown_account"} <= names


def test_csv_tables_are_held_to_the_same_contract(tmp_path: Path) -> None:
    text = (write(tmp_path, sane()) / "churnlight.toml").read_text("utf-8")
    (tmp_path / "churnlight.toml").write_text(
        text.replace("tickets.parquet", "tickets.CSV"), "utf-8"
    )
    rows = pq.read_table(tmp_path / "tickets.parquet").to_pylist()
    lines = [f"{row['ticket']},{row['org']},{row['opened']},{row['hours']}" for row in rows]
    csv = tmp_path / "tickets.CSV"
    csv.write_text("\n".join(["ticket,org,opened,hours", *lines]), "utf-8")
    assert [item.name for item in found(tmp_path)] == [TOLD]
    csv.write_text("\n".join(["ticket,org,opened,hours", *lines, "1,1000,soon,1"]), "utf-8")
    told = {item.name: item for item in found(tmp_path) if item.column == "opened"}
    assert told["null_event_time"].rows == 1
    assert f"'soon' (1×, first in row {len(lines) + 2})" in told["odd_cells"].detail
    csv.write_bytes(b"")
    assert "unreadable" in {item.name for item in found(tmp_path)}


STRANGE = [
    ("account_id", [{"a": 1}], "not_a_key"),
    ("account_id", [["a00"]], "not_a_key"),
    ("account_id", [b"\xff"], "not_a_key"),
    ("account_id", [None], "null_key"),
    ("at", [time(10)], "not_a_time"),
    ("at", [10], "not_a_time"),
    ("recorded", ["yesterday"], "not_a_time"),
    ("minutes", [{"a": 1}], "not_a_number"),
    ("minutes", [date(2024, 1, 1)], "not_a_number"),
]


@pytest.mark.parametrize(("column", "values", "expected"), STRANGE)
def test_strange_types_are_findings(
    column: str, values: list[Any], expected: str, tmp_path: Path
) -> None:
    logins = pq.read_table(write(tmp_path, sane()) / "logins.parquet")
    strange = pa.array(values * logins.num_rows)
    place = logins.column_names.index(column)
    pq.write_table(logins.set_column(place, column, strange), tmp_path / "logins.parquet")
    assert expected in {item.name for item in found(tmp_path) if item.state == "error"}


def test_the_defects_of_the_simulator_are_counted_exactly(tmp_path: Path) -> None:
    command = [sys.executable, str(SAAS / "get_data.py"), "--accounts", "300", "--defects"]
    subprocess.run([*command, "--out", str(tmp_path / "data")], check=True, capture_output=True)
    shutil.copy(SAAS / "churnlight.toml", tmp_path)
    told = {(item.name, item.table, item.column): item.rows for item in found(tmp_path)}
    assert told["duplicate_account_key", "accounts", "account_id"] == 2 * 3
    assert told["unknown_account", "usage", "account_id"] == 120
    assert told["unknown_account", "tickets", "helpdesk_org"] == 40
    assert told["before_sign_up", "usage", "day"] == 20
    assert told["duplicate_rows", "usage", None] == 200


def test_too_few_says_how_many_there_are_and_are_needed() -> None:
    rows = pa.table(
        {
            "account_id": ["a", "b", "b", "c"],
            "as_of": pa.array([AS_OF, AS_OF, date(2024, 2, 1), AS_OF]),
            "label__churn": pa.array([1, 0, 1, None], pa.int8()),
        }
    )
    counted = outcomes.count_outcomes(rows, "churn")
    assert counted == outcomes.OutcomeCounts(((AS_OF, 2, 1), (date(2024, 2, 1), 1, 1)), 2, 1)


def test_check_prints_a_table_of_100_columns(tmp_path: Path) -> None:
    write(tmp_path, sane())
    answer = CliRunner().invoke(training_app, ["check", "--company", str(tmp_path)])
    assert answer.exit_code == 0
    assert max(map(len, answer.stdout.splitlines())) <= 100
    assert "errors: 0, warnings: 0, advice: 5; the tables can be used" in answer.stdout


def test_check_in_json_exits_3_on_errors(tmp_path: Path) -> None:
    build(tmp_path, STRUCTURAL[0])
    answer = CliRunner().invoke(training_app, ["check", "--company", str(tmp_path), "--json"])
    assert answer.exit_code == 3
    first = json.loads(answer.stdout)[0]
    assert list(first) == ["name", "step", "state", "table", "column", "rows", "detail", "fix"]
    assert (first["name"], first["state"], first["table"]) == ("missing_file", "error", "logins")


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_features_writes_rows_of_each_day(suffix: str, tmp_path: Path) -> None:
    write(tmp_path, sane())
    out = tmp_path / "out" / f"features.{suffix}"
    days = ["--as-of", "2024-01-01", "--as-of", "2024-02-01"]
    options = ["features", "--company", str(tmp_path), "--out", str(out), "--json", *days]
    answer = CliRunner().invoke(app, options)
    assert answer.exit_code == 0, answer.output
    summary = json.loads(answer.stdout)
    assert summary["as_of"] == ["2024-01-01", "2024-02-01"]
    assert summary["rows"] == 2 * len(sane()["accounts"])
    built = snapshots.build(load(tmp_path), [AS_OF, date(2024, 2, 1)])
    assert summary["digest"] == built.digest
    if suffix == "parquet":
        assert snapshots.digest(pq.read_table(out)) == built.digest
    else:
        assert out.read_text("utf-8").splitlines()[0].startswith('"account_id","as_of","segment"')


def test_features_are_of_data_until_by_default(tmp_path: Path) -> None:
    write(tmp_path, sane())
    steps: list[str] = []
    built = point_in_time(tmp_path, [], steps.append)
    assert set(built.table["as_of"].to_pylist()) == {date(2024, 7, 1)}
    assert steps[0] == "reading logins"
    with pytest.raises(NotFound, match="complete up to 2024-07-01"):
        point_in_time(tmp_path, [date(2024, 7, 2)], steps.append)


def test_a_broken_company_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    build(tmp_path, STRUCTURAL[0])
    out = tmp_path / "features.csv"
    out.write_text("old", "utf-8")
    options = ["features", "--company", str(tmp_path), "--out", str(out)]
    answer = CliRunner().invoke(app, options)
    assert isinstance(answer.exception, ContractBroken)
    assert out.read_text("utf-8") == "old"
    assert not list(tmp_path.glob(".features*"))


def test_features_refuses_an_unknown_format(tmp_path: Path) -> None:
    write(tmp_path, sane())
    options = ["features", "--company", str(tmp_path), "--out", str(tmp_path / "features.xlsx")]
    answer = CliRunner().invoke(app, options)
    assert "use .parquet, .csv or .json" in str(answer.exception)


ENDLESS = """
import signal
import sys
from features.engines.on_duckdb import Engine

query = "SELECT sum(a.range * b.range) FROM range(3000000) AS a, range(3000000) AS b"
signal.signal(signal.SIGINT, signal.default_int_handler)
with Engine() as engine:
    try:
        print("asked", flush=True)
        {ask}
    except KeyboardInterrupt:
        sys.exit("interrupted")
"""


@pytest.mark.parametrize(
    "ask", ["engine.row(query)", "engine.rows(query)", "engine.keep('t', query)"]
)
def test_ctrl_c_ends_a_query_as_an_interrupt(ask: str) -> None:
    # In a process of its own: Python hears Ctrl-C in the main thread alone.
    command = [sys.executable, "-c", ENDLESS.format(ask=ask)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        press = Timer(0.2, process.send_signal, [signal.SIGINT])
        press.start()
        try:
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, said) == (1, "interrupted\n")
