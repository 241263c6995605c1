"""A made-up company on disk whose tables are exports of Stripe, Zendesk and Segment.

Design rule: written out month by month without chance, so that who left when can be worked out by
hand. Of 120 customers every third leaves; those who will leave stop using the product two months
before. There are trials that nobody paid, plan changes, and rows of the test mode's kind.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.publish import write_parquet

CUSTOMERS, TRIALS = 120, 30
FIRST, UNTIL = datetime(2023, 1, 2, 9, tzinfo=UTC), datetime(2024, 7, 1, tzinfo=UTC)

Rows = list[dict[str, Any]]


def left_on(number: int) -> datetime | None:
    """When a customer's last contract ended; every third customer left, in the end of a week."""
    if number % 3:
        return None
    return FIRST + timedelta(days=150 + 3 * number, hours=1)


def text(moment: datetime | None) -> str:
    """A moment as Stripe's dashboard writes it."""
    return moment.strftime("%Y-%m-%d %H:%M") if moment else ""


def customers() -> Rows:
    """The customers, with their keys in the helpdesk and in the product."""
    return [
        {
            "id": f"cus_{number:04}",
            "Description": "",
            "Email": f"c{number}@example.com",
            "Name": f"Company {number}",
            "Created (UTC)": text(FIRST - timedelta(days=1)),
            "Delinquent": "false",
            "helpdesk_org (metadata)": str(36000000 + number),
            "product_account (metadata)": f"acc-{number}",
        }
        for number in range(CUSTOMERS + TRIALS)
    ]


def subscriptions() -> Rows:
    """One row per subscription: contracts, plan changes in every fifth, and trials."""
    rows = []
    for number in range(CUSTOMERS):
        end = left_on(number)
        if number % 5 == 0:
            change = FIRST + timedelta(days=100)
            rows += [
                _subscription(number, "canceled", FIRST, change),
                _subscription(number, "canceled" if end else "active", change, end),
            ]
        else:
            rows.append(_subscription(number, "canceled" if end else "active", FIRST, end))
    for number in range(CUSTOMERS, CUSTOMERS + TRIALS):
        start = FIRST + timedelta(days=10 * (number - CUSTOMERS))
        trial = start + timedelta(days=14)
        rows.append(_subscription(number, "canceled", start, trial, trial))
    return rows


def _subscription(
    number: int,
    status: str,
    start: datetime,
    end: datetime | None,
    trial: datetime | None = None,
) -> dict[str, Any]:
    return {
        "id": f"sub_{number}_{start:%Y%m%d}",
        "Customer ID": f"cus_{number:04}",
        "Customer Email": f"c{number}@example.com",
        "Plan": "price_1",
        "Quantity": 1,
        "Interval": "month",
        "Amount": "20.00",
        "Status": status,
        "Created (UTC)": text(start),
        "Start Date (UTC)": text(start),
        "Current Period Start (UTC)": text(UNTIL - timedelta(days=10)),
        "Current Period End (UTC)": text(UNTIL + timedelta(days=20)),
        "Trial Start (UTC)": text(start) if trial else "",
        "Trial End (UTC)": text(trial),
        "Canceled At (UTC)": text(end - timedelta(days=5) if end else None),
        "Ended At (UTC)": text(end),
        "Cancel At Period End": "false",
    }


def tracks() -> Rows:
    """An event per customer every second day, until two months before the end."""
    return [
        {
            "id": f"{number}-{day:%Y%m%d}",
            "anonymous_id": "anon",
            "user_id": f"acc-{number}",
            "event": "report_opened",
            "event_text": "Report Opened",
            "timestamp": day,
            "original_timestamp": day,
            "sent_at": day,
            "received_at": day + timedelta(seconds=2),
            "context_library_name": "analytics.js",
        }
        for number in range(CUSTOMERS)
        for day in _days(number)
    ]


def _days(number: int) -> Iterator[datetime]:
    end = left_on(number)
    last = min(end - timedelta(days=60) if end else UNTIL, UNTIL)
    day = FIRST + timedelta(hours=number % 12)
    while day < last:
        yield day
        day += timedelta(days=2)


def tickets() -> Rows:
    """A ticket per customer every fifty days."""
    return [
        {
            "id": 1000 * number + ticket,
            "organization_id": 36000000 + number,
            "requester_id": 7,
            "submitter_id": 7,
            "created_at": f"{FIRST + timedelta(days=50 * ticket + number % 40):%Y-%m-%dT%H:%M:%SZ}",
            "status": "closed",
            "priority": "urgent" if ticket % 2 else "low",
            "type": "incident",
        }
        for number in range(CUSTOMERS)
        for ticket in range(11)
        if FIRST + timedelta(days=50 * ticket + number % 40) < (left_on(number) or UNTIL)
    ]


def in_csv(path: Path, rows: Rows) -> None:
    """Writes rows as a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write(folder: Path) -> None:
    """Writes the four exports as a user would put them into a folder."""
    in_csv(folder / "customers.csv", customers())
    in_csv(folder / "subscriptions.csv", subscriptions())
    in_csv(folder / "tickets.csv", tickets())
    write_parquet(pa.Table.from_pylist(tracks()), folder / "tracks.parquet")
