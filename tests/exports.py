"""Small made-up exports of widespread products, with the quirks of the real ones.

One `Export` per recipe and form. `rows` are spelt as the product spells them, `read` is by hand
what some columns of the rows that count are, in the order of the file.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Export:
    """A table as a product exports it: the recipe, the form, the rows, and how they are read."""

    recipe: str
    form: str
    rows: Rows
    read: Rows
    suffix: str = "csv"
    features: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.recipe}, {self.form}"


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds(text: str) -> int:
    """A moment as seconds since 1970."""
    return int(at(text).timestamp())


# A contract that ended, a trial that was never paid, a trial that became a contract, a trial of
# today, a plan change that closes one row and opens the next, and a first payment that failed.
DASHBOARD_SUBSCRIPTIONS = [
    {
        "id": f"sub_{number}",
        "Customer ID": f"cus_{customer}",
        "Customer Email": "a@example.com",
        "Plan": "price_1",
        "Quantity": 1,
        "Interval": "month",
        "Amount": "20.00",
        "Status": status,
        "Created (UTC)": start,
        "Start Date (UTC)": start,
        "Current Period Start (UTC)": "2024-05-05 10:22",
        "Current Period End (UTC)": "2024-06-05 10:22",
        "Trial Start (UTC)": start if trial else "",
        "Trial End (UTC)": trial,
        "Canceled At (UTC)": canceled,
        "Ended At (UTC)": ended,
        "Cancel At Period End": "true" if canceled else "false",
    }
    for number, customer, status, start, trial, canceled, ended in (
        (1, 1, "canceled", "2024-01-05 10:22", "", "2024-05-20 08:00", "2024-06-05 10:22"),
        (2, 2, "canceled", "2024-01-05 10:22", *(["2024-01-19 10:22"] * 3)),
        (3, 3, "active", "2024-01-05 10:22", "2024-01-19 10:22", "", ""),
        (4, 4, "trialing", "2024-12-25 10:22", "2025-01-05 10:22", "", ""),
        (5, 5, "canceled", "2024-01-05 10:22", "", "2024-03-01 09:00", "2024-03-01 09:00"),
        (6, 5, "active", "2024-03-01 09:00", "", "", ""),
        (7, 6, "incomplete_expired", "2024-01-05 10:22", "", "", "2024-01-06 10:22"),
    )
]
CONTRACTS = [
    {
        "id": "sub_1",
        "customer": "cus_1",
        "contract_from": "2024-01-05 10:22",
        "ended_at": "2024-06-05 10:22",
    },
    {"id": "sub_3", "customer": "cus_3", "contract_from": "2024-01-19 10:22", "ended_at": None},
    {
        "id": "sub_5",
        "customer": "cus_5",
        "contract_from": "2024-01-05 10:22",
        "ended_at": "2024-03-01 09:00",
    },
    {"id": "sub_6", "customer": "cus_5", "contract_from": "2024-03-01 09:00", "ended_at": None},
]
CONTRACTS = [
    {
        key: at(value) if value and key in ("contract_from", "ended_at") else value
        for key, value in row.items()
    }
    for row in CONTRACTS
]


def _api(row: dict[str, Any], livemode: bool = True) -> dict[str, Any]:
    """A subscription as the API has it: seconds, and names of its own."""
    times = {
        "start_date": row["Start Date (UTC)"],
        "created": row["Created (UTC)"],
        "trial_end": row["Trial End (UTC)"],
        "canceled_at": row["Canceled At (UTC)"],
        "ended_at": row["Ended At (UTC)"],
        "current_period_end": row["Current Period End (UTC)"],
    }
    return {
        "id": row["id"],
        "object": "subscription",
        "customer": row["Customer ID"],
        "status": row["Status"],
        **{key: seconds(text) if text else None for key, text in times.items()},
        "cancel_at_period_end": False,
        "livemode": livemode,
    }


def _fivetran(row: dict[str, Any], active: bool = True) -> dict[str, Any]:
    """As Fivetran has it: timestamps with a zone, and rows of the past that are not active."""
    plain = _api(row)
    names = ("start_date", "created", "trial_end", "canceled_at", "ended_at", "current_period_end")
    times = {
        name: datetime.fromtimestamp(plain[name], UTC) if plain[name] else None for name in names
    }
    kept = {key: plain[key] for key in ("id", "status", "livemode")}
    return {"_fivetran_active": active, "customer_id": plain["customer"], **kept, **times}


TEST_MODE = DASHBOARD_SUBSCRIPTIONS[0] | {"id": "sub_8", "Customer ID": "cus_8"}

STRIPE = [
    Export(
        "stripe.subscriptions",
        "dashboard",
        DASHBOARD_SUBSCRIPTIONS,
        CONTRACTS,
        features={"tenure__all": {"cus_1": 148, "cus_3": 134, "cus_5": 148}},
    ),
    Export(
        "stripe.subscriptions",
        "Airbyte",
        [*map(_api, DASHBOARD_SUBSCRIPTIONS), _api(TEST_MODE, livemode=False)],
        CONTRACTS,
        suffix="parquet",
    ),
    Export(
        "stripe.subscriptions",
        "Fivetran",
        [*map(_fivetran, DASHBOARD_SUBSCRIPTIONS), _fivetran(TEST_MODE, active=False)],
        CONTRACTS,
        suffix="parquet",
    ),
    Export(
        "stripe.invoices",
        "Airbyte",
        [
            {
                "id": f"in_{number}",
                "customer": "cus_1",
                "created": seconds(created),
                "due_date": seconds(due) if due else None,
                "amount_due": total,
                "total": total,
                "currency": currency,
                "attempt_count": 1,
                "paid": bool(paid),
                "status_transitions": f'{{"paid_at": {seconds(paid)}}}' if paid else "{}",
                "livemode": True,
            }
            for number, total, currency, created, due, paid in (
                (1, 2000, "usd", "2024-01-05 10:00", "", "2024-01-05 10:01"),
                (2, 2000, "jpy", "2024-02-05 10:00", "2024-03-06 10:00", "2024-03-11 08:00"),
                (3, 0, "usd", "2024-03-05 10:00", "", "2024-03-05 10:00"),
                (4, 2000, "usd", "2024-04-05 10:00", "2024-05-05 10:00", ""),
            )
        ],
        [
            {"id": "in_1", "amount": 20.0, "days_late": 0, "paid_at": at("2024-01-05 10:01")},
            {"id": "in_2", "amount": 2000.0, "days_late": 5, "paid_at": at("2024-03-11 08:00")},
        ],
        suffix="parquet",
    ),
    Export(
        "stripe.dashboard_invoices",
        "dashboard",
        [
            {
                "id": "in_1",
                "Customer": "cus_1",
                "Amount Due": "20.00",
                "Billing": "send_invoice",
                "Currency": "usd",
                "Date (UTC)": "2024-01-05 10:00",
                "Due Date (UTC)": "2024-02-04 10:00",
                "Total": "20.00",
                "Amount Paid": "20.00",
                "Status": "paid",
                "Paid At (UTC)": "2024-02-06 09:00",
            }
        ],
        [{"id": "in_1", "amount": 20.0, "days_late": 2, "paid_at": at("2024-02-06 09:00")}],
    ),
    Export(
        "stripe.charges",
        "Fivetran",
        [
            {
                "id": f"ch_{number}",
                "customer_id": "cus_1",
                "created": at("2024-05-05 10:00"),
                "amount": 2050,
                "amount_refunded": 0,
                "balance_transaction_id": "txn_1",
                "currency": "eur",
                "status": status,
                "livemode": number != 3,
            }
            for number, status in ((1, "succeeded"), (2, "failed"), (3, "failed"))
        ],
        [
            {"id": "ch_1", "amount": 20.5, "failed": False},
            {"id": "ch_2", "amount": 20.5, "failed": True},
        ],
        suffix="parquet",
        features={
            "failed_payments__28d": {"cus_1": 1},
            "invoiced__365d": {"cus_1": 20.5},
        },
    ),
    Export(
        "stripe.dashboard_payments",
        "dashboard",
        [
            {
                "id": "ch_1",
                "Created date (UTC)": "2024-05-05 10:00:01",
                "Amount": "20.50",
                "Amount Refunded": "0.00",
                "Currency": "eur",
                "Captured": "true",
                "Status": "Failed",
                "Customer ID": "cus_1",
            }
        ],
        [{"id": "ch_1", "amount": 20.5, "failed": True, "created": at("2024-05-05 10:00:01")}],
    ),
    Export(
        "stripe.customers",
        "dashboard",
        [
            {
                "id": "cus_1",
                "Description": "",
                "Email": "a@example.com",
                "Name": "Acme",
                "Created (UTC)": "2024-01-02 09:00",
                "Delinquent": "false",
            }
        ],
        [{"customer": "cus_1", "name": "Acme", "created": at("2024-01-02 09:00")}],
    ),
]

EXPORTS = [*STRIPE]
