"""A made company whose contracts run by month or by year and are left at their renewals.

One design rule: the chance of leaving depends on the use before the renewal alone, so that a test
knows what a model can hear, and on nothing that a row says of the calendar.
"""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from declared_terms import ACCOUNTS_AND_TERMS
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.snapshots import Snapshots

TARGET = "churn"
FIRST, UNTIL = date(2021, 1, 1), date(2025, 1, 1)
GAP, GRACE, LEAST = 14, 10, 60
ACCOUNTS, WEEK, EARLY = 320, 7, 45
DECLARATION = f"""
[company]
name = "Renewing"
data_from = {FIRST}
data_until = {UNTIL}
{ACCOUNTS_AND_TERMS}
[sources.logins]
path = "logins.csv"
account = "account_id"
event_time = "day"
[indicators.logins]
title = "Logins"
dimension = "outcome"
kind = "leading"
source = "logins"
value = "logins"
measure = "sum"
windows = ["28d"]
healthy = "higher"
unit = "logins"
says = "{{value}} {{unit}} in {{window}}, typically {{usual}}"
[indicators.term]
title = "Days of the term"
dimension = "business"
kind = "context"
source = "terms"
value = "renews - starts"
measure = "latest"
windows = ["all"]
unit = "days"
says = "A term of {{value}} {{unit}} (typically {{usual}})"
[targets.churn]
gap = "{GAP}d"
KIND
p_red = 0.4
p_green = 0.12
"""
TERMS = f'source = "terms", ended = "ends", grace = "{GRACE}d"'
RENEWAL = f"""
event = {{ {TERMS}, renews = "renews", amount = "fee" }}
horizon = "next renewal"
at_least = "{LEAST}d"
"""
FIXED = f"""
event = {{ {TERMS} }}
horizon = "{LEAST}d"
"""


def write(folder: Path, kind: str = RENEWAL) -> Company:
    """Write the company's tables, and return it as declared."""
    draw = np.random.default_rng(11)
    terms: list[str] = []
    logins: list[str] = []
    accounts: list[str] = []
    for number in range(ACCOUNTS):
        name = f"A{number:03}"
        since = FIRST + timedelta(days=int(draw.integers(0, 900)))
        accounts.append(f"{name},{since}")
        last = _live(name, since, 30 if number % 4 == 0 else 365, (terms, logins), draw)
        assert last > since
    _table(folder / "accounts.csv", "account_id,since", accounts)
    _table(folder / "terms.csv", "account_id,starts,renews,ends,fee", terms)
    _table(folder / "logins.csv", "account_id,day,logins", logins)
    return parse(DECLARATION.replace("KIND", kind), folder)


def fee(number: int) -> int:
    """Return what the account of that number pays; nothing of it tells who leaves."""
    return 100 + 10 * (number % 7)


def _live(
    name: str,
    since: date,
    length: int,
    tables: tuple[list[str], list[str]],
    draw: np.random.Generator,
) -> date:
    """Write an account's terms and logins until it leaves or the data end; return that day."""
    terms, logins = tables
    start, health = since, draw.normal()
    while start < UNTIL:
        renews = start + timedelta(days=length)
        base = -1.1 if length > 90 else -4.2
        leaves = draw.random() < 1 / (1 + np.exp(-(base - 1.3 * health)))
        # A third of those who leave a year do so some weeks before its end.
        early = leaves and length > 90 and draw.random() < 1 / 3
        ends = renews - timedelta(days=EARLY) if early else renews
        over = leaves and ends < UNTIL
        until = ends if over or renews < UNTIL else ""
        terms.append(f"{name},{start},{renews},{until},{fee(int(name[1:]))}")
        for days in range(0, (min(ends, UNTIL) - start).days, WEEK):
            used = draw.poisson(np.exp(2 + 0.7 * health))
            logins.append(f"{name},{start + timedelta(days=days)},{used}")
        if over:
            return ends
        start, health = renews, 0.8 * health + 0.6 * draw.normal()
    return UNTIL


def _table(path: Path, head: str, lines: list[str]) -> None:
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")


def built(company: Company) -> tuple[Snapshots, list[date]]:
    """Return the rows of all mature month starts, and those dates."""
    with sources.open_tables(company) as tables:
        months = snapshots.mature_month_starts(tables, TARGET)
        return snapshots.build_from(tables, months), months
