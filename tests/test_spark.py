"""Spark computes what DuckDB does; that its rows are the oracle's, `test_conformance` says."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import every_key
import small_company
from features import catalog, contract, publish, snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load, parse
from features.engines.on_spark import Engine, in_hadoop
from features.engines.spark_sql import translated
from features.errors import ContractBroken, DeclarationError
from features.store import FeatureStore
from measure_agreement import agree
from test_every_key import CONTRACT, WHOLE

# Before the first account, and two mornings.
DATES = [date(2020, 1, 6), date(2025, 6, 2), date(2025, 6, 9)]
ON_SPARK = '[company]\nengine = "spark"'
RANK = """
[indicators.visits_among_peers]
title = "Visits among peers"
dimension = "outcome"
kind = "context"
measure = "peer_rank"
of = "visits"
says = "{value}"
"""
EXPRESSIONS = (
    "a / b",
    "n / 2",
    "n // 2",
    "n % 3",
    "a > 1 AND NOT b > 1 OR a IS NULL",
    "isfinite(a / b)",
    "isnan(a)",
    "CASE WHEN a > 0 THEN 1 ELSE 2 END",
    "if(a > 0, 1, 2)",
    "coalesce(a, b, 7)",
    "nullif(n, 0)",
    "ifnull(a, 0)",
    "greatest(a, b)",
    "least(a, b)",
    "abs(a)",
    "ceil(a)",
    "floor(a)",
    "round(a)",
    "round(a, 1)",
    "sqrt(abs(a))",
    "exp(n)",
    "ln(abs(n) + 1)",
    "n ** 2",
    "CAST(b AS INTEGER)",
    "CAST(n AS VARCHAR)",
    "n::DOUBLE",
    "TRY_CAST(t AS INTEGER)",
    "lower(t)",
    "upper(t)",
    "length(t)",
    "left(t, 2)",
    "right(t, 2)",
    "substring(t, 2, 3)",
    "trim(t)",
    "replace(t, 'o', '0')",
    "starts_with(t, 'C')",
    "ends_with(t, 'e')",
    "contains(t, 'it''s')",
    "strpos(t, 'o')",
    "concat(t, 'x')",
    "t || 'x'",
    r"regexp_matches(t, '(^|[^\p{L}])cof.*\s')",
    "t IN ('Coffee', '12')",
    "t LIKE 'C%'",
    "n BETWEEN 0 AND 3",
    "year(d)",
    "quarter(d)",
    "month(d)",
    "day(d)",
    "hour(m)",
    "minute(m)",
    "extract(week FROM d)",
    "isodow(d)",
    "dayofweek(d)",
    "date_trunc('month', m)",
    "date_diff('day', d, CAST(m AS DATE))",
    "epoch_us(m)",
    "CAST(m AS DATE)",
    "d > DATE '2024-01-01'",
    "d + INTERVAL 3 DAY > m",
    "timezone('UTC', timezone('Europe/Berlin', m))",
    "timezone('UTC', timezone('Australia/Lord_Howe', m))",
    "timezone('UTC', timezone('America/New_York', m))",
)


@pytest.fixture
def engine(java: str, tmp_path: Path) -> Iterator[Engine]:
    assert java
    moments = ["2024-10-27 02:30", "2024-03-31 02:30", "2024-04-07 01:45", "2024-10-06 02:10"]
    table = pa.table(
        {
            "a": [1.5, -2.5, float("nan"), None, 0.0],
            "b": [0.0, -0.0, 2.0, 2.5, 3.5],
            "n": [7, -7, 0, None, 2],
            "t": ["Coffee  ", " it's one", "12", None, "Zoë COFfee e"],
            "d": [date(2024, 1, 7), date(2024, 12, 30), date(1969, 5, 5), None, date(2024, 2, 29)],
            "m": [*map(datetime.fromisoformat, moments), None],
        },
    )
    pq.write_table(table, tmp_path / "t[1].parquet")
    with Engine() as opened:
        opened.read_parquet("two words", tmp_path / "t[1].parquet")
        yield opened


@pytest.fixture
def company(tmp_path: Path) -> Company:
    small_company.write(tmp_path / "company", accounts=60)
    with (tmp_path / "company" / "churnlight.toml").open("a", encoding="utf-8") as declared:
        declared.write(RANK)
    return load(tmp_path / "company")


def on_spark(company: Company) -> Company:
    declared = company.folder / "churnlight.toml"
    text = declared.read_text("utf-8")
    declared.write_text(text.replace("[company]", '[company]\nengine = "spark"'), "utf-8")
    return load(company.folder)


def published(company: Company, folder: Path) -> FeatureStore:
    store = FeatureStore(folder)
    with sources.open_tables(company) as tables:
        assert store.refresh(tables, DATES) == DATES
    return store


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, date):
        return bool(found == wanted)
    return str(found) == str(wanted) or agree(found, wanted)


def test_expressions_mean_the_same(engine: Engine) -> None:
    columns = ", ".join(f"{text} AS c{place}" for place, text in enumerate(EXPRESSIONS))
    query = f'SELECT {columns} FROM "two words"'
    wanted = engine.rows(query).to_pydict()
    engine.open("two words")
    found = engine.frame(query).toArrow().to_pydict()
    for place, text in enumerate(EXPRESSIONS):
        pairs = list(zip(found[f"c{place}"], wanted[f"c{place}"], strict=True))
        assert all(map(same, *zip(*pairs, strict=True))), f"{text}: (found, wanted) {pairs}"


def test_what_is_published_is_what_duckdb_publishes(
    java: str, company: Company, tmp_path: Path
) -> None:
    assert java
    wanted = published(company, tmp_path / "one").read()
    store = published(on_spark(company), tmp_path / "other")
    assert store.read().equals(wanted)
    file = next(store.folder.glob(f"as_of={DATES[-1]}/rows.parquet"))
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    with pytest.raises(Exception, match="cannot be read"):
        publish.read_parquet(file)


def test_links_mergers_and_contracts_are_the_same(java: str, tmp_path: Path) -> None:
    assert java
    every_key.write(tmp_path)
    text = WHOLE.replace("FOLDER", str(tmp_path)).replace(CONTRACT, "")
    wanted, found = (
        snapshots.build(parse(declared, tmp_path), every_key.MORNINGS).table
        for declared in (text, text.replace("[company]", ON_SPARK))
    )
    assert len(wanted) > 0
    assert found.equals(wanted)
    with pytest.raises(DeclarationError, match="'next renewal' is not computed on a cluster"):
        snapshots.build(
            parse(f"{text.replace('[company]', ON_SPARK)}{CONTRACT}", tmp_path), every_key.MORNINGS
        )


def test_a_table_that_goes_while_it_is_read_is_named(
    java: str, company: Company, tmp_path: Path
) -> None:
    assert java
    with sources.open_tables(on_spark(company)) as tables:
        tables.engine.types("SELECT * FROM visits")
        (company.folder / "visits.parquet").write_bytes(b"PAR1 and no more")
        with pytest.raises(ContractBroken, match="visits"):
            FeatureStore(tmp_path / "features").refresh(tables, DATES)


@pytest.mark.parametrize("text", ["today() > at", "date_part('dow', at) = 1", "hash(at) = 1 ("])
def test_what_may_mean_something_else_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"may mean something else|cannot be read as SQL"):
        translated(text)


def test_the_check_names_an_expression_that_only_duckdb_computes(
    java: str, company: Company
) -> None:
    assert java
    declared = company.folder / "churnlight.toml"
    text = declared.read_text("utf-8")
    declared.write_text(
        text.replace(
            'measure = "count"', 'measure = "count"\nwhere = "monthname(at) = \'May\'"', 1
        ),
        "utf-8",
    )
    findings = contract.check(on_spark(company))
    assert ["monthname() may mean something else" in item.detail for item in findings].count(True)


def test_every_condition_and_value_of_the_catalogue_can_be_computed() -> None:
    for indicator in catalog.entries("indicators").values():
        for key in ("where", "value"):
            if key in indicator:
                assert translated(indicator[key])


def test_without_java_the_error_says_what_brings_it(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    declared = on_spark(company)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with (
        pytest.raises(DeclarationError, match="default-jre-headless"),
        sources.open_tables(declared),
    ):
        pass


def test_urls_are_those_that_hadoop_knows() -> None:
    assert in_hadoop("s3://bucket/a.parquet") == "s3a://bucket/a.parquet"
    assert in_hadoop("abfs://box@account/a") == "abfss://box@account/a"
    assert in_hadoop("file:///tmp/a.parquet") == "file:///tmp/a.parquet"
