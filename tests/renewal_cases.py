"""A company of contracts that renew, from a few rows: what the tests of the next renewal ask.

One design rule: the test writes every row and every expected day itself; nothing is derived here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from declared_terms import ACCOUNTS_AND_TERMS, COUNT_OF_TERMS
from features import snapshots
from features.declaring.company import Company
from features.declaring.declaration import parse

GAP, GRACE = 7, 10
HEAD = """
[company]
name = "Renewals"
data_from = 2022-01-01
data_until = {until}
{accounts_and_terms}
known_time = {{ column = "noted", zone = "UTC" }}
{count_of_terms}
[targets.churn]
event = {{ source = "terms", ended = "ends", ended_known = {{ column = "end_noted", zone = "UTC" }}, grace = "10d", renews = "renews"{event} }}
gap = "7d"
horizon = "next renewal"
at_least = "{least}"
{keys}
"""  # noqa: E501 — TOML keeps an inline table on one line.
COLUMNS = ("account_id", "contract", "starts", "renews", "ends", "noted", "end_noted", "fee")
# A term: account, contract, first day, renewal, end, known, end known, fee. What is left out at
# the end is empty, except that a term is known on its first day.
Term = Sequence[str]


def company(
    folder: Path,
    terms: Iterable[Term],
    *,
    until: str = "2025-01-01",
    event: str = "",
    keys: str = "",
    least: str = "30d",
) -> Company:
    """Write the terms, and the accounts that have them, all since 2022."""
    rows = [dict(zip(COLUMNS, term, strict=False)) for term in terms]
    # A term of Z decides what a column holds where all other cells are empty.
    whole = ("Z", "z", "2022-01-01", "2022-06-01", "2022-06-01", "2022-01-01", "2022-06-01", "1.5")
    rows.append(dict(zip(COLUMNS, whole, strict=True)))
    lines = [",".join(COLUMNS), *(",".join(_cells(row)) for row in rows)]
    (folder / "terms.csv").write_text("\n".join(lines) + "\n", "utf-8")
    names = sorted({row["account_id"] for row in rows})
    accounts = ["account_id,since", *(f"{name},2022-01-01" for name in names)]
    (folder / "accounts.csv").write_text("\n".join(accounts) + "\n", "utf-8")
    return parse(
        HEAD.format(
            accounts_and_terms=ACCOUNTS_AND_TERMS,
            count_of_terms=COUNT_OF_TERMS,
            until=until,
            event=event,
            keys=keys,
            least=least,
        ),
        folder,
    )


def _cells(row: Mapping[str, str]) -> list[str]:
    row = {"noted": "", **row}
    return [str(row.get(name) or (row["starts"] if name == "noted" else "")) for name in COLUMNS]


def rows(declared: Company, *days: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The rows on these as-of dates, by account and day."""
    table = snapshots.build(declared, [date.fromisoformat(day) for day in days]).table
    return {(row["account_id"], str(row["as_of"])): row for row in table.to_pylist()}


def said(row: Mapping[str, Any]) -> tuple[str, str | None, int | None]:
    """What became of the row, the day of its decision and its label."""
    decision = row["decision__churn"]
    return row["label__churn__outcome"], decision and str(decision), row["label__churn"]
