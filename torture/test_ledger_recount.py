"""The watermelon ledgers of the example companies equal a recount from their raw tables."""

import shutil
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from examples.cdnow.get_data import master_file, orders
from examples.saas.simulate.export import export
from features.declaring.company import Company
from features.declaring.declaration import load
from features.publish import write_parquet
from features.settings import Settings
from ledger_cases import assessed, crown, facts, recount, require_same, reviewed, taught, terms
from ledger_oracle import Asked, Recount, active, ends, running, silences

EXAMPLES = Path(__file__).parents[1] / "examples"
TARGET = "churn"
MIN_HISTORY = timedelta(days=28)

PLANS = "SELECT account_id, created_at, plan, csm, mrr FROM '{folder}/data/accounts.parquet'"
TERMS = """
    SELECT account_id, greatest(started_at, created_at)::TIMESTAMPTZ AS began,
        ended_at::TIMESTAMPTZ AS ended, recorded_at, end_recorded_at
    FROM '{folder}/data/subscriptions.parquet'
    JOIN '{folder}/data/accounts.parquet' USING (customer_no)
    WHERE recorded_at IS NOT NULL
        AND (started_at >= created_at OR ended_at IS NULL OR ended_at > created_at)
"""
BUYERS = """
    SELECT customer_id, min(ordered_on) AS since, 'all' AS segment, NULL AS owner, NULL AS mrr
    FROM '{folder}/data/orders.parquet' GROUP BY customer_id
"""
ORDERS = """
    SELECT customer_id, ordered_on::TIMESTAMPTZ AS ordered, ordered_on::TIMESTAMPTZ AS known
    FROM '{folder}/data/orders.parquet'
"""


def declared(name: str, folder: Path) -> Company:
    """The example's declaration beside its tables in `folder`."""
    shutil.copy(EXAMPLES / name / "churnlight.toml", folder)
    return load(folder)


def require_seen(counted: Recount) -> None:
    """Assert that the ledger holds rows in and out of sample, and accounts of every band."""
    assert {row["in_sample"] for row in counted.rows} == {True, False}
    assert {row["band"] for row in counted.rows} == {"red", "yellow", "green", "unscored"}


def test_the_ledger_of_contracts(tmp_path: Path) -> None:
    export(1500, 7, tmp_path / "data")
    company = declared("saas", tmp_path)
    days = [date(2025, month, 1) for month in (3, 5, 7, 9)]
    crown(taught(company, TARGET, days), company, Settings())
    rows = terms(tmp_path, TERMS)
    outcome = ends(rows, 14), running(rows)
    scored = partial(assessed, company, TARGET)
    settled = days[-1] + timedelta(days=14 + 90 + 14)
    for morning in (date(2026, 7, 1), date(2026, 4, 18)):
        asked = Asked(morning, date(2024, 1, 1) + MIN_HISTORY, settled, 14, MIN_HISTORY.days)
        counted = recount(tmp_path, asked, PLANS, outcome, scored)
        if morning.month == 7:
            require_seen(counted)
        require_same(reviewed(tmp_path, TARGET, morning, tmp_path / "review"), counted)


def test_the_ledger_of_silences(tmp_path: Path) -> None:
    write_parquet(orders(master_file()), tmp_path / "data" / "orders.parquet")
    company = declared("cdnow", tmp_path)
    days = [date(1997, 5, 1), date(1997, 7, 1), date(1997, 10, 1)]
    crown(taught(company, TARGET, days), company, Settings())
    rows = facts(tmp_path, ORDERS)
    outcome = silences(rows, 90), active(rows, 180)
    scored = partial(assessed, company, TARGET)
    first = date(1997, 1, 1) + MIN_HISTORY
    for morning in (date(1998, 7, 1), date(1998, 3, 5)):
        asked = Asked(morning, first, days[-1] + timedelta(days=90), 90, MIN_HISTORY.days)
        counted = recount(tmp_path, asked, BUYERS, outcome, scored)
        if morning.month == 7:
            require_seen(counted)
        require_same(reviewed(tmp_path, TARGET, morning, tmp_path / "review"), counted)
