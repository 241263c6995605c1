"""Tables of a real PostgreSQL are the same company as the same tables in files."""

from datetime import date
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from features import contract, snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import Finding
from sane_company import SCHEMAS, sane, write

NOBODY = "postgresql://nobody:secret@127.0.0.1:1/nowhere"
KINDS = {
    pa.string(): "text",
    pa.float64(): "numeric(12, 2)",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    pa.timestamp("us", tz="UTC"): "timestamptz",
}


def upload(url: str, folder: Path, table: str, schema: str = "public") -> None:
    """Copies a Parquet file of the company into a database table of the same columns."""
    rows = pq.read_table(folder / f"{table}.parquet")
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(KINDS[field.type]))
        for field in SCHEMAS[table]
    )
    name = sql.Identifier(schema, table)
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(name, columns))
        with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copy:
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copy.write_row(row)


def declare(folder: Path, table: str, where: str) -> Company:
    """The company, one of its tables somewhere else."""
    text = (folder / "churnlight.toml").read_text("utf-8")
    old = f'path = "{table}.parquet"'
    assert old in text
    (folder / "churnlight.toml").write_text(text.replace(old, where), encoding="utf-8")
    return load(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, sane())


def broken(company: Company) -> Finding:
    [finding] = [item for item in contract.check(company) if item.state == "error"]
    return finding


def test_the_same_rows_from_a_database(
    folder: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [date(2023, 9, 1), date(2024, 2, 1)]
    from_files = snapshots.build(load(folder), days)
    monkeypatch.setenv("COMPANY_DATABASE", postgres_url)
    for table in SCHEMAS:
        upload(postgres_url, folder, table, "crm" if table == "accounts" else "public")
        place = "crm.accounts" if table == "accounts" else table
        company = declare(folder, table, f'sql = "$COMPANY_DATABASE"\ntable = "{place}"')
        (folder / f"{table}.parquet").unlink()
    assert {item.name for item in contract.check(company)} == {"outcomes", "coverage"}
    assert snapshots.build(company, days).digest == from_files.digest


def test_types_of_the_database_are_kept(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute(
            "CREATE TABLE tickets (ticket int, org uuid, opened timestamptz, hours real, "
            "tags text[], about jsonb, note varchar(9), seen time)"
        )
        connection.execute(
            "INSERT INTO tickets VALUES (1, gen_random_uuid(), '2024-03-01 12:00+02', 1.5, "
            "ARRAY['a'], '{\"a\": 1}', 'x', '10:00'), (2, null, null, null, null, null, null, null)"
        )
    company = declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"')
    with sources.open_tables(company) as tables:
        types = tables.columns["tickets"]
        [first, _] = tables.engine.rows("SELECT * FROM tickets").to_pylist()
    assert types == {
        "ticket": "BIGINT",
        "org": "VARCHAR",
        "opened": "TIMESTAMP WITH TIME ZONE",
        "hours": "DOUBLE",
        "tags": "VARCHAR",
        "about": "VARCHAR",
        "note": "VARCHAR",
        "seen": "VARCHAR",
    }
    assert first["opened"].isoformat() == "2024-03-01T10:00:00+00:00"
    assert (first["hours"], first["about"], first["tags"]) == (1.5, '{"a": 1}', '["a"]')


def test_an_empty_table_of_a_database(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE tickets (org bigint, opened date, hours real)")
    finding = broken(declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"'))
    assert (finding.name, finding.table) == ("empty_table", "tickets")
    assert "SQL table tickets has no rows" in finding.detail


def test_a_table_that_is_not_there(folder: Path, postgres_url: str) -> None:
    finding = broken(declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tockets"'))
    assert (finding.name, finding.table) == ("no_sql_table", "tickets")
    assert "no table tockets" in finding.detail
    assert finding.fix == "fix sources.tickets.table"


def test_a_value_that_no_table_of_ours_can_hold(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE tickets (org bigint, opened date, hours real)")
        connection.execute("INSERT INTO tickets VALUES (1000, 'infinity', 1)")
    finding = broken(declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"'))
    assert (finding.name, finding.table) == ("no_database", "tickets")
    assert "cannot be fetched" in finding.detail


@pytest.mark.parametrize("url", [NOBODY, "nonsense", "nosuch://x/y", "mysql://u:secret@h/d"])
def test_a_database_that_is_not_there_keeps_its_secret(folder: Path, url: str) -> None:
    finding = broken(declare(folder, "tickets", f'sql = "{url}"\ntable = "tickets"'))
    assert (finding.name, finding.table, finding.state) == ("no_database", "tickets", "error")
    assert "secret" not in str(finding)
    assert "check the address" in finding.fix


def test_a_variable_that_is_not_set(folder: Path) -> None:
    finding = broken(declare(folder, "tickets", 'sql = "$NO_SUCH_VARIABLE"\ntable = "tickets"'))
    assert (finding.name, finding.table) == ("no_variable", "tickets")
    assert finding.fix == "export NO_SUCH_VARIABLE=postgresql://…"


def test_the_connection_only_reads(folder: Path, postgres_url: str) -> None:
    """A view that writes is refused by the database, and nothing was written."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE seen (at timestamptz)")
        connection.execute(
            "CREATE FUNCTION spy() RETURNS bigint LANGUAGE sql AS "
            "$$ INSERT INTO seen VALUES (now()) RETURNING 1 $$"
        )
        connection.execute(
            "CREATE VIEW tickets AS SELECT spy() AS org, DATE '2024-01-01' AS opened, 1.0 AS hours"
        )
    company = declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"')
    assert broken(company).name == "no_database"
    with psycopg.connect(postgres_url) as connection:
        [count] = connection.execute("SELECT count(*) FROM seen").fetchone() or [None]
    assert count == 0
