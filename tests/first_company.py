"""The tables of docs/first-company.md: a small software company, in four CSV files.

Two things go wrong by themselves: the users of an account stop signing in, or its tickets pile up.
Either makes it far more likely to leave within the month, so that no column alone says it all.
"""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np

ACCOUNTS = 1_000
FIRST, UNTIL = date(2024, 3, 1), date(2026, 1, 1)
DAYS_OF_A_MONTH = 30

# Per month: how likely either trouble is to begin and to end, and an account to leave.
BEGINNING, ENDING = 0.02, 0.08
LEAVING = (0.001, 0.2, 0.5)  # by how many of the two troubles it has
# Per day: how likely somebody is to sign in, by the account's pace, and to open a ticket.
QUIET = 0.15
OPENING, PILING_UP = 0.01, 0.12

Row = Sequence[object]


def write(folder: Path) -> Path:
    """Write accounts.csv, subscriptions.csv, events.csv and tickets.csv into `folder`."""
    random = np.random.default_rng(7)
    folder.mkdir(parents=True)
    accounts: list[Row] = []
    terms: list[Row] = []
    events: list[Row] = []
    tickets: list[Row] = []
    for number in range(ACCOUNTS):
        account = f"C{number:04}"
        began = FIRST + timedelta(days=int(random.integers(0, 400)))
        days = list(_days(random, began))
        ended = began + timedelta(days=len(days))
        plan = str(random.choice(["basic", "team", "business"]))
        accounts.append((account, f"Customer {number:04}", plan, f"{plan}-desk", began))
        terms.append((account, began, ended if ended < UNTIL else ""))
        pace = random.uniform(0.2, 0.5)
        for count, (quiet, piling_up) in enumerate(days):
            day = began + timedelta(days=count)
            if random.random() < (pace * QUIET if quiet else pace):
                event = str(random.choice(["report", "export", "share"]))
                events.append((account, _moment(random, day), event))
            if random.random() < (PILING_UP if piling_up else OPENING):
                severity = str(random.choice(["low", "high"]))
                tickets.append((account, _moment(random, day), severity))
    _csv(folder / "accounts.csv", "account_id name plan owner created_on", accounts)
    _csv(folder / "subscriptions.csv", "account_id started_on ended_on", terms)
    _csv(folder / "events.csv", "account_id occurred_at event", events)
    _csv(folder / "tickets.csv", "account_id opened_at severity", tickets)
    return folder


def _days(random: np.random.Generator, began: date) -> Iterator[tuple[bool, bool]]:
    """Yield, for each day until the account leaves, whether it is quiet and its tickets pile up."""
    troubles = np.array([False, False])
    for day in range((UNTIL - began).days):
        if day and day % DAYS_OF_A_MONTH == 0:
            if random.random() < LEAVING[troubles.sum()]:
                return
            turn = random.random(2) < np.where(troubles, ENDING, BEGINNING)
            troubles = troubles ^ turn
        yield bool(troubles[0]), bool(troubles[1])


def _moment(random: np.random.Generator, day: date) -> str:
    return f"{day} {random.integers(7, 19):02}:00:00"


def _csv(path: Path, names: str, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([names.split(), *rows])
