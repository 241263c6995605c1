"""Tables of a real PostgreSQL are the same company as the same tables in files."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from features import contract, snapshots, sources
from features.assembling import source_sql
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import Finding
from features.reading.databases import fetching
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
    told = {item.name for item in contract.check(company)}
    assert told == {"outcomes", "coverage", "grows_with_the_data"}
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


def tickets_of(company: Company, folder: Path) -> tuple[list[dict[str, Any]], list[Finding]]:
    """The rows of the table of tickets as they are copied, and what is found meanwhile."""
    copied = fetching.spool(company, folder)
    rows = pq.read_table(copied.paths["tickets"]).to_pylist() if copied.paths else []
    return rows, copied.findings


@pytest.mark.parametrize("odd", ["infinity", "-infinity", "0044-03-15 BC", "10000-01-01"])
def test_a_date_that_only_postgres_has_is_one_row(
    folder: Path, postgres_url: str, odd: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE tickets (org bigint, opened date, closed timestamptz)")
        connection.execute("INSERT INTO tickets VALUES (7, '2024-02-01', '2024-02-01 08:00+01')")
        connection.execute("INSERT INTO tickets VALUES (8, %s, %s)", [odd, odd])
    place = f'sql = "{postgres_url}"\ntable = "tickets"'
    rows, found = tickets_of(declare(folder, "tickets", place), folder)
    assert [(row["org"], row["opened"]) for row in rows] == [(7, date(2024, 2, 1))]
    opened, closed = found
    assert (opened.name, opened.column, opened.rows) == ("odd_values", "opened", 1)
    assert f"such as {odd!r} in the row with org = 8 (50.0% of 2 rows)" in opened.detail
    assert "sources.tickets.tolerate" in opened.fix
    # Nothing is made of the time at which a ticket was closed.
    assert [item.state for item in (opened, closed)] == ["error", "warning"]
    write(folder, sane())
    rows, found = tickets_of(declare(folder, "tickets", f"{place}\ntolerate = 0.5"), folder)
    assert [item.state for item in found] == ["warning", "warning"]


def test_a_contract_that_ends_at_infinity_runs(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE subscriptions (account_id text, started date, ended date)")
        connection.execute(
            "INSERT INTO subscriptions VALUES ('a', '2024-01-01', 'infinity'), "
            "('b', '2024-01-01', '2024-02-01'), ('c', '2024-01-01', '-infinity')"
        )
    place = f'sql = "{postgres_url}"\ntable = "subscriptions"'
    copied = fetching.spool(declare(folder, "subscriptions", place), folder)
    rows = pq.read_table(copied.paths["subscriptions"]).to_pylist()
    # An end that cannot be read is no end and no open contract.
    assert [(row["account_id"], row["ended"]) for row in rows] == [
        ("a", None),
        ("b", date(2024, 2, 1)),
    ]
    assert [(item.name, item.rows, item.state) for item in copied.findings] == [
        ("odd_values", 1, "error"),
        ("never_ends", 1, "advice"),
    ]


def test_keys_and_numbers_of_a_database(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE DOMAIN euros AS numeric(10, 2)")
        connection.execute("CREATE DOMAIN code AS char(6)")
        connection.execute(
            "CREATE TABLE tickets "
            '(org numeric(20, 0), plan char(6), kind code, paid euros, "9%" int)'
        )
        connection.execute("INSERT INTO tickets VALUES (12345678901234567890, 'a', 'b', 1.5, 2)")
    company = declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"')
    [row], _ = tickets_of(company, folder)
    assert row == {"org": "12345678901234567890", "plan": "a", "kind": "b", "paid": 1.5, "9%": 2}


def in_sqlite(folder: Path, opened: str, values: list[Any]) -> Company:
    """The company with its tickets in SQLite, of which `opened` has a declared type."""
    with closing(sqlite3.connect(folder / "help desk.db")) as connection:
        connection.execute(f"CREATE TABLE tickets (org INTEGER, opened {opened})")
        connection.executemany("INSERT INTO tickets VALUES (?, ?)", list(enumerate(values)))
        connection.commit()
    return declare(folder, "tickets", 'sql = "sqlite:///help desk.db"\ntable = "tickets"')


DAYS: list[Any] = ["2024-02-01", "2024-02-02", "2024-02-03 00:00:00"]


@pytest.mark.parametrize("odd", ["2024-02-04 10:30:00", "01/31/1997", "2024-02-30", 738000, 2.5])
def test_an_odd_date_of_sqlite_is_one_row(folder: Path, odd: Any) -> None:
    rows, [finding] = tickets_of(in_sqlite(folder, "DATE", [*DAYS, odd]), folder)
    assert [row["opened"] for row in rows] == [date(2024, 2, day) for day in (1, 2, 3)]
    assert (finding.name, finding.column, finding.rows) == ("odd_values", "opened", 1)
    assert f"no dates are left out with their rows, such as {str(odd)!r}" in finding.detail
    assert "in the row with org = 3" in finding.detail


@pytest.mark.parametrize("missing", ["", " ", "NULL", "0000-00-00", None])
def test_a_missing_date_of_sqlite_is_none(folder: Path, missing: Any) -> None:
    rows, found = tickets_of(in_sqlite(folder, "DATE", [*DAYS, missing]), folder)
    assert (rows[-1]["opened"], found) == (None, [])


@pytest.mark.parametrize(
    ("declared", "values", "read"),
    [
        ("DATE", [1706745600, 1706832000], pa.int64()),
        ("DATE", ["2024-02-01 10:30:00", "2024-02-01", "2024-02-02 01:00"], pa.timestamp("us")),
        ("TIMESTAMP", ["2024-02-01T10:30:00Z"], pa.timestamp("us", tz="UTC")),
        ("DATETIME", ["2024-02-01 10:30:00.25+02:00"], pa.timestamp("us", tz="UTC")),
        ("DATE", ["31/01/2024", "01/02/2024"], pa.string()),
        ("INTEGER", [1, 2.5], pa.float64()),
        ("NUMERIC", ["free", "free"], pa.string()),
        ("", [1, 2], pa.int64()),
        ("BOOLEAN", [0, 1], pa.bool_()),
        ("BLOB", [b"\0\1"], pa.binary()),
    ],
)
def test_a_column_of_sqlite_is_what_it_holds(
    folder: Path, declared: str, values: list[Any], read: pa.DataType
) -> None:
    copied = fetching.spool(in_sqlite(folder, declared, values), folder)
    assert copied.findings == []
    column = pq.read_table(copied.paths["tickets"])["opened"]
    assert (column.type, column.null_count) == (read, 0)


@pytest.mark.parametrize(
    ("declared", "values"),
    [
        ("TEXT", ["1997-01-01", "1997-02-13"]),
        ("TEXT", ["01/01/1997", "02/13/1997"]),
        ("DATE", ["01/01/1997", "02/13/1997"]),
    ],
)
def test_days_that_a_database_holds_as_text_are_read(
    folder: Path, declared: str, values: list[Any]
) -> None:
    with sources.open_tables(in_sqlite(folder, declared, values)) as tables:
        found = tables.engine.rows("SELECT CAST(opened AS DATE) AS day FROM tickets ORDER BY org")
        assert found["day"].to_pylist() == [date(1997, 1, 1), date(1997, 2, 13)]
        assert tables.columns["tickets"]["opened"] != "VARCHAR"
    assert tables.unreadable == ()


def test_moments_that_a_database_counts_are_read(folder: Path) -> None:
    in_sqlite(folder, "DATE", [1706745600, 1706832000])
    text = (folder / "churnlight.toml").read_text("utf-8")
    counted = 'event_time = { column = "opened", epoch = "seconds" }'
    text = text.replace('event_time = "opened"', counted)
    (folder / "churnlight.toml").write_text(text, encoding="utf-8")
    company = load(folder)
    with sources.open_tables(company) as tables:
        moment = source_sql.event_time(tables, "tickets")
        found = tables.engine.rows(f"SELECT {moment} AS at FROM tickets ORDER BY org")
    assert [at.date() for at in found["at"].to_pylist()] == [date(2024, 2, 1), date(2024, 2, 2)]


def test_a_missing_file_of_sqlite_is_not_made(folder: Path) -> None:
    place = 'sql = "sqlite:///no.db"\ntable = "tickets"'
    [finding] = fetching.spool(declare(folder, "tickets", place), folder).findings
    assert (finding.name, finding.table) == ("no_database", "tickets")
    assert finding.detail == "SQL table tickets cannot be fetched: there is no file no.db"
    assert not (folder / "no.db").exists()


def test_a_file_that_is_no_sqlite_database(folder: Path) -> None:
    place = 'sql = "sqlite:///accounts.parquet"\ntable = "tickets"'
    [finding] = fetching.spool(declare(folder, "tickets", place), folder).findings
    assert "accounts.parquet is no SQLite database" in finding.detail


def test_one_table_that_fails_hides_no_other(folder: Path, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE subscriptions (account_id text, started date, ended date)")
        connection.execute("CREATE VIEW tickets AS SELECT 1 / 0 AS org, now() AS opened")
    declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"')
    place = f'sql = "{postgres_url}"\ntable = "subscriptions"'
    copied = fetching.spool(declare(folder, "subscriptions", place), folder)
    assert list(copied.paths) == ["subscriptions"]
    assert [(item.name, item.table) for item in copied.findings] == [("no_database", "tickets")]


def test_all_tables_are_read_as_of_one_moment(folder: Path, postgres_url: str) -> None:
    """A row written while the first table is read is not in the second."""
    with psycopg.connect(postgres_url) as connection:
        connection.execute("CREATE TABLE tickets (org bigint, opened date)")
        connection.execute(
            "CREATE VIEW subscriptions AS SELECT 'a' AS account_id, DATE '2024-01-01' AS started, "
            "NULL::date AS ended, pg_advisory_lock_shared(1)::text AS held"
        )
    declare(folder, "tickets", f'sql = "{postgres_url}"\ntable = "tickets"')
    place = f'sql = "{postgres_url}"\ntable = "subscriptions"'
    company = declare(folder, "subscriptions", place)
    assert [*company.sources].index("subscriptions") < [*company.sources].index("tickets")
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with (
        psycopg.connect(postgres_url, autocommit=True) as writer,
        ThreadPoolExecutor(1) as pool,
    ):
        writer.execute("SELECT pg_advisory_lock(1)")
        reading = pool.submit(fetching.spool, company, folder)
        while writer.execute(waiting).fetchone() != (1,):
            assert not reading.done()
        writer.execute("INSERT INTO tickets VALUES (7, '2024-02-01')")
        writer.execute("SELECT pg_advisory_unlock(1)")
        copied = reading.result()
    assert copied.findings == []
    assert pq.read_metadata(copied.paths["subscriptions"]).num_rows == 1
    assert pq.read_metadata(copied.paths["tickets"]).num_rows == 0


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (NOBODY, "nothing answers at 127.0.0.1:1"),
        ("postgresql://nobody:secret@no.such.invalid/x", "there is no host no.such.invalid"),
        ("postgresql://nobody:sec@ret@127.0.0.1/x", "the address has more than one @"),
        ("postgresql://nobody:secret", "sources.tickets.sql holds no database address"),
        ("nonsense", "sources.tickets.sql holds no database address"),
        ("nosuch://nobody:secret@x/y", "the database refused (NoSuchModuleError)"),
        ("mysql://nobody:secret@h/d", "the driver of mysql is not installed"),
    ],
)
def test_a_database_that_is_not_there_keeps_its_secret(folder: Path, url: str, said: str) -> None:
    company = declare(folder, "tickets", f'sql = "{url}"\ntable = "tickets"')
    [finding] = fetching.spool(company, folder).findings
    assert (finding.name, finding.table, finding.state) == ("no_database", "tickets", "error")
    assert said in finding.detail
    assert "sec" not in str(finding).replace("seconds", "")


def test_a_server_that_refuses_says_why(folder: Path, postgres_url: str) -> None:
    """The server asks one user for a password; its rules are put back afterwards."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("CREATE ROLE analyst LOGIN PASSWORD 'p@ss:w/rd'")
        connection.execute("CREATE TABLE tickets (org bigint, opened date)")
        connection.execute("GRANT SELECT ON tickets TO analyst")
        [path] = connection.execute("SHOW hba_file").fetchone() or [""]
        rules = Path(path).read_text("utf-8")
        Path(path).write_text(f"local all analyst scram-sha-256\n{rules}", encoding="utf-8")
        connection.execute("SELECT pg_reload_conf()")
        try:
            said = {
                given: fetching.spool(_as_user(folder, postgres_url, given), folder).findings
                for given in ("analyst:secret", "analyst", "nobody:secret", "analyst:p%40ss:w%2Frd")
            }
            no_database = postgres_url.replace("/test_", "/no_")
            said["no database"] = fetching.spool(
                _as_user(folder, no_database, "postgres:"), folder
            ).findings
        finally:
            Path(path).write_text(rules, encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")
    assert said.pop("analyst:p%40ss:w%2Frd") == []
    details = [finding.detail for [finding] in said.values()]
    assert "refuses the password of user analyst" in details[0]
    assert "refuses the password of user analyst" in details[1]
    assert "knows no user nobody" in details[2]
    assert "there is no database no_" in details[3]
    assert "secret" not in str(details)


def _as_user(folder: Path, url: str, user: str) -> Company:
    """The company with its tickets in a database, as this user with that password."""
    write(folder, sane())
    place = url.replace("postgres:@", f"{user}@")
    return declare(folder, "tickets", f'sql = "{place}"\ntable = "tickets"')


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
