"""A finding names the row that an editor or a spreadsheet shows, whoever found it."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from declared_terms import ACCOUNTS_AND_TERMS
from features import contract
from features.declaring.company import Company
from features.declaring.declaration import parse

HEAD = (
    """
[company]
name = "Rows"
data_from = 2023-01-01
data_until = 2024-01-01
"""
    + ACCOUNTS_AND_TERMS
    + """
[sources.rates]
path = "rates.csv"
[sources.events]
path = "events.%s"
account = "account_id"
event_time = "at"
known_time = "noted"
tolerate = 0.5
%s
[indicators.events]
title = "Events"
dimension = "outcome"
kind = "context"
source = "events"
measure = "count"
windows = ["all"]
says = "{value} events"
[targets.churn]
event = { source = "terms", ended = "ends" }
gap = "0d"
horizon = "30d"
"""
)
# The sixth row is odd in every way: its event is before the sign-up, its known time no time.
EVENTS = [
    {"account_id": "A", "at": f"2023-03-{day:02}", "noted": f"2023-04-{day:02}"}
    | {"kind": "test" if day < 4 else "real", "paid": str(day), "in": "EUR"}
    for day in range(1, 29)
]
EVENTS[5] |= {"at": "2022-01-01", "noted": "soon"}
CURRENCY = 'currency = { column = "in", to = "USD", rates = "rates.csv", amounts = ["paid"] }'


def company(folder: Path, suffix: str, more: str) -> Company:
    """Write the events in a file of a kind, and the end of a contract before its start."""
    names = list(EVENTS[0])
    lines = [",".join(names), *(",".join(row.values()) for row in EVENTS)]
    if suffix == "parquet":
        pq.write_table(pa.Table.from_pylist(EVENTS), folder / "events.parquet")
    elif suffix == "jsonl":
        lines = [json.dumps(row) for row in EVENTS]
    if suffix != "parquet":
        (folder / f"events.{suffix}").write_text("\n".join(lines) + "\n", "utf-8")
    for name, text in {
        "accounts": "account_id,since\nA,2023-01-01\nB,2023-01-01\n",
        "rates": "date,currency,rate\n2021-01-01,EUR,1.1\n",
        "terms": "account_id,starts,ends\nA,2023-01-01,\nB,2023-05-01,2023-02-01\n",
    }.items():
        (folder / f"{name}.csv").write_text(text, "utf-8")
    return parse(HEAD % (suffix, more), folder)


@pytest.mark.parametrize(
    ("suffix", "more", "row"),
    [
        ("csv", "", 7),
        ("csv", "where = \"kind = 'real'\"", 7),
        ("csv", CURRENCY, 7),
        ("csv", f"where = \"kind = 'real'\"\n{CURRENCY}", 7),
        ("csv", 'columns = { fee = "paid" }', 7),
        ("jsonl", "", 6),
        ("parquet", "", 6),
    ],
)
def test_every_finding_counts_rows_as_an_editor_does(
    suffix: str, more: str, row: int, tmp_path: Path
) -> None:
    rows = {
        finding.name: re.findall(r"first in row ([\d,]+)", finding.detail)
        for finding in contract.check(company(tmp_path, suffix, more))
    }
    assert rows["before_sign_up"] == [str(row)]
    assert rows["null_known_time"] == [str(row)]
    assert rows["odd_cells"] == [str(row)]
    assert rows["ends_before_start"] == ["3"]
