"""The small company with contracts beside its visits, whose ends are as awkward as ends can be.

One design rule: terms last about as long as an account visits, so that a model finds something;
around that they overlap, pause for about the grace, end twice or before they began, and are
written down late.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.declaring.declaration import load
from ledger_cases import crown, taught
from measure_oracle import start_of
from trained_company import House, learning_dates

ENDS = "ends"
GAP, HORIZON, GRACE = 7, 45, 10
TAUGHT = 5
DECLARED = f"""
[sources.terms]
path = "terms.parquet"
account = {{ system = "helpdesk", column = "org" }}
event_time = {{ column = "began", zone = "Europe/Berlin" }}
known_time = {{ column = "noted", zone = "UTC" }}
tolerate = 0.2

[targets.ends]
event = {{ source = "terms", ended = "ended", ended_known = {{ column = "end_noted", zone = "UTC" }}, grace = "{GRACE}d" }}
gap = "{GAP}d"
horizon = "{HORIZON}d"
p_red = 0.4
p_green = 0.1
"""  # noqa: E501 — TOML keeps an inline table on one line.

# Hours between the end of a term and the next one: renewed at once, paused for about the grace.
PAUSES = (0, 0, 0, 24 * GRACE - 1, 24 * GRACE, 24 * GRACE + 1, 24 * GRACE + 30, 24 * 40, -24 * 5)
# Hours until a beginning or an end was written down: some after the review's morning.
DELAYS = (0, 3, 80, 80, 24 * 30)
LATE = datetime(2025, 11, 15, tzinfo=UTC)
Line = tuple[str, datetime, datetime | None, datetime | None, datetime | None]


def make(trained: House, folder: Path) -> House:
    """Return a copy in `folder` in which both targets have a model, registered and installed.

    Each is champion and challenger at once. The one of `ENDS` learnt from the first `TAUGHT`
    dates, that of the visits is the house's own.
    """
    house = trained.copy(folder)
    write(folder)
    house = replace(house, company=load(folder))
    days = learning_dates(house.company)[:TAUGHT]
    for artifact in (taught(house.company, ENDS, days), house.trained.artifact):
        crown(artifact, house.company, house.settings)
    return house


def write(folder: Path) -> None:
    """Write the terms and declare them."""
    pq.write_table(_terms(folder), folder / "terms.parquet")
    with (folder / "churnlight.toml").open("a", encoding="utf-8") as declaration:
        declaration.write(DECLARED)


def _terms(folder: Path) -> pa.Table:
    draw = np.random.default_rng(5)
    visits = pq.read_table(folder / "visits.parquet").group_by("account_id")
    last = visits.aggregate([("at", "max")])
    gone = dict(zip(last["account_id"].to_pylist(), last["at_max"].to_pylist(), strict=True))
    lines: list[Line] = [("nobody", LATE, LATE, None, None)]
    for row in pq.read_table(folder / "accounts.parquet").to_pylist():
        until = gone.get(row["account_id"])
        if until is not None:
            since = start_of(row["since"])
            lines += _lines(row["org"], since, until, draw)
    names = ["org", "began", "ended", "noted", "end_noted"]
    columns = [list(column) for column in zip(*lines, strict=True)]
    types = [pa.string(), *[pa.timestamp("us")] * 4]
    return pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], names)


def _lines(org: str, since: datetime, last: datetime, draw: np.random.Generator) -> list[Line]:
    """The account's terms: from its first day (or the hours around it) until it goes."""
    found: list[Line] = []
    began = since + timedelta(hours=int(draw.choice([-30, -13, 0, 9])))
    while began < last:
        ended = began + timedelta(hours=24 * int(draw.choice([30, 60, 91])) + int(draw.integers(5)))
        runs = last > LATE and ended > last
        found.append(_line(org, began, None if runs else ended, draw))
        if draw.random() < 0.1:
            found.append(_line(org, began + timedelta(days=3), ended - timedelta(days=9), draw))
        if draw.random() < 0.1:
            found.append(_line(org, began + timedelta(days=1), ended, draw))
        if draw.random() < 0.05:
            found.append(_line(org, ended + timedelta(days=14), ended + timedelta(days=12), draw))
        if runs:
            return found
        began = ended + timedelta(hours=int(draw.choice(PAUSES)))
    return found


def _line(org: str, began: datetime, ended: datetime | None, draw: np.random.Generator) -> Line:
    late = timedelta(hours=int(draw.choice(DELAYS)))
    noted = None if draw.random() < 0.02 else began + late
    known = None if ended is None or draw.random() < 0.05 else ended + late
    return org, began, ended, noted, known
