"""The watermelon ledger equals a recount from the raw tables by who has not seen its code."""

from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

import subscribed_company
from ledger_cases import assessed, facts, published, recount, require_same, reviewed, terms
from ledger_oracle import Asked, active, ends, running, silences
from subscribed_company import ENDS, GAP, GRACE, HORIZON, TAUGHT
from trained_company import TARGET, House, learning_dates

WITHIN, MIN_HISTORY = 60, 28
# The visits begin on that day, and so do the tickets, half an hour before midnight UTC.
FIRST_MORNING = date(2025, 1, 1) + timedelta(days=MIN_HISTORY)
UNTIL, EARLIER = date(2025, 12, 1), date(2025, 11, 5)

ACCOUNTS = "SELECT account_id, since, size, owner, mrr FROM '{folder}/accounts.parquet'"
VISITS = """SELECT account_id, "at", known FROM '{folder}/visits.parquet'"""
# A contract that is older than its account counts from the account's first day on.
TERMS = """
    SELECT account_id, CASE WHEN early THEN since::TIMESTAMPTZ ELSE start END AS start,
        stop, start_known, stop_known
    FROM (
        SELECT *, timezone('Europe/Berlin', began) AS start,
            timezone('Europe/Berlin', ended) AS stop, timezone('UTC', noted) AS start_known,
            timezone('UTC', end_noted) AS stop_known,
            start < since::TIMESTAMPTZ - INTERVAL 14 HOUR AS early
        FROM '{folder}/terms.parquet' JOIN '{folder}/accounts.parquet' USING (org)
    )
    WHERE start_known IS NOT NULL AND (NOT early OR stop IS NULL OR stop > since::TIMESTAMPTZ)
"""


@pytest.fixture(scope="module")
def house(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """The small company that also ends contracts, with a champion of either target."""
    return subscribed_company.make(trained, tmp_path_factory.mktemp("recount") / "small")


def test_a_ledger_of_ended_contracts_is_what_the_tables_and_the_scores_say(
    house: House, tmp_path: Path
) -> None:
    folder, days = house.company.folder, learning_dates(house.company)
    settled = days[TAUGHT - 1] + timedelta(days=GAP + HORIZON + GRACE)
    asked = Asked(EARLIER, FIRST_MORNING, settled, GRACE, MIN_HISTORY)
    rows = terms(folder, TERMS)
    outcome = ends(rows, GRACE), running(rows)
    scored = partial(published, folder, ENDS, tmp_path / "scores.parquet")
    counted = recount(folder, asked, ACCOUNTS, outcome, scored)
    assert {row["in_sample"] for row in counted.rows} == {True, False}
    require_same(reviewed(folder, ENDS, EARLIER, tmp_path), counted)


def test_a_ledger_of_silences_is_what_the_tables_and_the_scores_say(
    house: House, tmp_path: Path
) -> None:
    folder, days = house.company.folder, learning_dates(house.company)
    asked = Asked(UNTIL, FIRST_MORNING, days[-1] + timedelta(days=WITHIN), WITHIN, MIN_HISTORY)
    rows = facts(folder, VISITS)
    outcome = silences(rows, WITHIN), active(rows, WITHIN)
    scored = partial(assessed, house.company, TARGET)
    counted = recount(folder, asked, ACCOUNTS, outcome, scored)
    assert len({row["band"] for row in counted.rows}) == 4
    require_same(reviewed(folder, TARGET, UNTIL, tmp_path), counted)
