"""What a recount of the ledger needs of a company: its raw rows by plain SQL, what was said of it.

One design rule: nothing here asks the product who churned; the tables are read by DuckDB as files.
"""

import csv
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from features.declaring.company import Company
from features.errors import GateRefused
from features.settings import Settings
from ledger_oracle import (
    Account,
    Asked,
    Churn,
    Eligible,
    Fact,
    Recount,
    Row,
    Term,
    count,
    looks,
)
from serving.assessment.assess import Assessment, assess
from serving.cli import app
from trained_company import CHOICE, built
from training.artifact import Artifact
from training.champions import champion, install_champion
from training.registry import tracking
from training.train import fit_and_evaluate

CLOSE = 1e-9
VERSION = "1"
Looks = set[tuple[str, date]]


def crown(artifact: Artifact, company: Company, settings: Settings) -> None:
    """Register it as the first version of its model, challenger and installed champion at once."""
    tracking.register(artifact, company, settings)
    registered = tracking.fetch(company, artifact.target, VERSION, settings)
    install_champion(registered, settings.workspace_of(company))


def taught(company: Company, target: str, days: Sequence[date]) -> Artifact:
    """Return a quick model that learnt from these days alone."""
    return fit_and_evaluate(built(company, *days), company, target, days, choice=CHOICE)


def accounts(folder: Path, query: str) -> dict[str, Account]:
    """Return what `query` says of each account: key, since, segment, owner, MRR."""
    return {str(key): Account(*said) for key, *said in _rows(folder, query)}


def facts(folder: Path, query: str) -> list[Fact]:
    """Return the facts that `query` finds: account, event time and known time in UTC."""
    return [Fact(*row) for row in _rows(folder, query)]


def terms(folder: Path, query: str) -> list[Term]:
    """Return the subscriptions that `query` finds: account, began, ended, when each was known."""
    return [Term(*row) for row in _rows(folder, query)]


def _rows(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(query.format(folder=folder)).to_arrow_table()
    return [tuple(row.values()) for row in found.to_pylist()]


def told(*words: object) -> None:
    """Run the command; to keep the champion is as good an answer as any."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, GateRefused):
        raise done.exception


def recount(
    folder: Path,
    asked: Asked,
    accounts_by: str,
    outcome: tuple[set[Churn], Eligible],
    scored: Callable[[Looks], list[Row]],
) -> Recount:
    """Return what `churnlight review` has to say, by the scores that `scored` gives."""
    churns, eligible = outcome
    scores = scored(looks(churns, asked))
    return count(churns, asked, accounts(folder, accounts_by), eligible, scores)


def assessed(company: Company, target: str, wanted: Looks) -> list[Row]:
    """Return what the champion says of the wanted accounts and as-of dates alone."""
    artifact = champion(Settings().workspace_of(company), target)
    rows = built(company, *sorted({day for _, day in wanted})).table
    keys = zip(rows["account_id"].to_pylist(), rows["as_of"].to_pylist(), strict=True)
    rows = rows.filter(pa.array([key in wanted for key in keys]))
    return [_plain(item) for item in assess(rows, artifact, company)]


def _plain(item: Assessment) -> Row:
    names = ("account_id", "as_of", "band", "health_score", "churn_probability", "completeness")
    drivers = [
        {"indicator": it.indicator, "kind": it.kind, "health_points": it.points}
        for it in item.drivers
    ]
    return {name: getattr(item, name) for name in names} | {"drivers": drivers}


def published(company: Path, target: str, out: Path, wanted: Looks) -> list[Row]:
    """Return the rows of `churnlight score` with the champion on all as-of dates wanted."""
    asked = [word for day in sorted({day for _, day in wanted}) for word in ("--as-of", day)]
    told(
        "score", "--company", company, "--target", target, "--model", VERSION, "--out", out, *asked
    )
    rows: list[Row] = pq.read_table(out).to_pylist()
    return rows


def reviewed(company: Path, target: str, morning: date, out: Path) -> dict[str, Any]:
    """Return `review.json` of `churnlight review` and, as `rows`, what its `ledger.csv` has."""
    model = ("--target", target, "--challenger", VERSION)
    told("review", "--company", company, "--out", out, "--as-of", morning, *model)
    content: dict[str, Any] = json.loads((out / "review.json").read_text("utf-8"))
    with (out / "ledger.csv").open(encoding="utf-8", newline="") as lines:
        content["rows"] = [_parsed(row) for row in csv.DictReader(lines)]
    return content


def _parsed(row: dict[str, str]) -> Row:
    found: Row = {name: text or None for name, text in row.items()}
    for name in ("churned", "looked_on"):
        found[name] = date.fromisoformat(row[name])
    for name in ("lead_days", "days_before"):
        found[name] = int(row[name])
    for name in ("health_score", "churn_probability", "driver_points", "mrr"):
        found[name] = float(row[name]) if row[name] else None
    return found | {"in_sample": {"true": True, "false": False}[row["in_sample"]]}


def require_same(review: dict[str, Any], recount: Recount) -> None:
    """Assert that every row and every total of the review is that of the recount."""
    said, asked = review["ledger"], recount.asked
    window = [date.fromisoformat(said[name]) for name in ("churned_from", "churned_before")]
    assert window == [asked.since, asked.before]
    assert said["churns"] == recount.churns
    _require_same_rows(review["rows"], recount.rows)
    for told_of, counted in zip(said["leads"], recount.leads, strict=True):
        assert _close(told_of) == counted
    melons = [
        (row["account_id"], date.fromisoformat(row["churned"])) for row in said["watermelons"]
    ]
    assert melons == recount.watermelons


def _require_same_rows(said: Sequence[Row], counted: Sequence[Row]) -> None:
    keys = [
        [(row["account_id"], row["churned"], row["lead_days"]) for row in rows]
        for rows in (said, counted)
    ]
    assert keys[0] == keys[1]
    for told_of, row in zip(said, counted, strict=True):
        assert _close(told_of) == row


def _close(item: Any) -> Any:
    """Return it with its fractional numbers equal to whatever is within 1e-9 of them."""
    if isinstance(item, dict):
        return {name: _close(value) for name, value in item.items()}
    return pytest.approx(item, rel=CLOSE, abs=CLOSE) if isinstance(item, float) else item
