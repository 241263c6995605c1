"""Small made-up exports of widespread products, with the quirks of the real ones.

One `Export` per recipe and form. `rows` are spelt as the product spells them, `read` is by hand
what some columns of the rows that count are, in the order of the file.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
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
CONTRACTS: Rows = [
    {
        "id": f"sub_{number}",
        "customer": f"cus_{customer}",
        "contract_from": at(start),
        "ended_at": at(ended) if ended else None,
    }
    for number, customer, start, ended in (
        (1, 1, "2024-01-05 10:22", "2024-06-05 10:22"),
        (3, 3, "2024-01-19 10:22", ""),
        (5, 5, "2024-01-05 10:22", "2024-03-01 09:00"),
        (6, 5, "2024-03-01 09:00", ""),
    )
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
    *(
        Export(
            "stripe.invoices",
            f"Airbyte, in {currency}",
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
                for number, total, created, due, paid in (
                    (1, 2000, "2024-01-05 10:00", "", "2024-01-05 10:01"),
                    (2, 2000, "2024-02-05 10:00", "2024-03-06 10:00", "2024-03-11 08:00"),
                    (3, 0, "2024-03-05 10:00", "", "2024-03-05 10:00"),
                    (4, 2000, "2024-04-05 10:00", "2024-05-05 10:00", ""),
                )
            ],
            [
                {"id": "in_1", "amount": amount, "days_late": 0, "paid_at": at("2024-01-05 10:01")},
                {"id": "in_2", "amount": amount, "days_late": 5, "paid_at": at("2024-03-11 08:00")},
            ],
            suffix="parquet",
            features={"days_late__180d": {"cus_1": 2.5}, "overdue_share__180d": {"cus_1": 0.5}},
        )
        # Yen have no cents.
        for currency, amount in (("usd", 20.0), ("jpy", 2000.0))
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

# Short and long ids of Salesforce's that name the same records.
ACME_15, ACME = "001Dn00000AbCdE", "001Dn00000AbCdEIAV"
ONE_15, ONE = "006Dn00000aaaaa", "006Dn00000aaaaaIAA"

ZENDESK_TICKET = {
    "id": 1,
    "organization_id": 360001234567,
    "requester_id": 7,
    "submitter_id": 7,
    "created_at": "2024-05-20T09:00:00Z",
    "status": "closed",
    "priority": "urgent",
    "type": "incident",
}
ZENDESK = [
    Export(
        "zendesk.tickets",
        "API",
        [
            ZENDESK_TICKET,
            ZENDESK_TICKET | {"id": 2, "submitter_id": 8, "priority": "low", "type": "question"},
            ZENDESK_TICKET | {"id": 3, "organization_id": ""},
            ZENDESK_TICKET | {"id": 4, "status": "deleted"},
        ],
        [
            {"id": "1", "priority": "urgent", "topic": "bug", "initiated_by": "customer"},
            {"id": "2", "priority": "low", "topic": "question", "initiated_by": "agent"},
        ],
        features={
            "tickets__28d": {"360001234567": 1},
            "urgent_tickets__28d": {"360001234567": 1},
            "problem_tickets__28d": {"360001234567": 1},
        },
    ),
    Export(
        "zendesk.tickets",
        "Parquet whose gaps made fractions of the ids",
        [
            ZENDESK_TICKET | {"organization_id": 360001234567.0, "created_at": at("2024-05-20")},
            ZENDESK_TICKET | {"organization_id": None, "created_at": at("2024-05-20")},
        ],
        [{"organization_id": "360001234567", "created_at": at("2024-05-20")}],
        suffix="parquet",
    ),
    Export(
        "zendesk.satisfaction_ratings",
        "API",
        [
            {
                "id": number,
                "assignee_id": 9,
                "group_id": 5,
                "requester_id": 7,
                "ticket_id": 1,
                "score": score,
                "created_at": "2024-05-20T09:00:00Z",
                "updated_at": "2024-05-21T09:00:00Z",
            }
            for number, score in ((1, "offered"), (2, "good_with_comment"), (3, "bad"))
        ],
        [
            {"id": "2", "score": 5, "updated_at": at("2024-05-21 09:00")},
            {"id": "3", "score": 1, "updated_at": at("2024-05-21 09:00")},
        ],
        features={"csat__90d": {"7": 3.0}, "low_csat__90d": {"7": 1}},
    ),
    Export(
        "zendesk.users",
        "API",
        [
            {
                "id": number,
                "email": "a@example.com",
                "name": "Ann",
                "organization_id": organization,
                "role": "end-user",
                "created_at": "2024-05-20T09:00:00Z",
            }
            for number, organization in ((7, 360001234567), (8, ""))
        ],
        [{"user_id": "7", "organization_id": "360001234567"}],
    ),
    Export(
        "zendesk.organizations",
        "API",
        [
            {
                "id": 360001234567,
                "name": "Acme",
                "created_at": "2023-05-20T09:00:00Z",
                "shared_tickets": "false",
                "shared_comments": "false",
                "external_id": "007",
            }
        ],
        [{"organization_id": "360001234567", "name": "Acme", "external_id": "007"}],
    ),
    *(
        Export(
            f"zendesk.exported_{name}",
            "CSV of the account's data",
            [
                {
                    "Id": number,
                    "Requester": "Ada",
                    "Submitter": "Ada",
                    "Organization": "Acme",
                    "Status": "Solved" if solved else "Open",
                    "Priority": "High",
                    "Ticket type": "Problem",
                    "Created at": "2024-05-01 09:00",
                    "Solved at": solved,
                    "Reopens": 1,
                    "Replies": 2,
                    "First reply time in minutes": "30",
                    "First reply time in minutes within business hours": "10",
                    "Full resolution time in minutes": "150" if solved else "",
                    "Full resolution time in minutes within business hours": "90",
                }
                for number, solved in ((1, "2024-05-01 11:30"), (2, ""))
            ],
            read,
            features=found,
        )
        for name, read, found in (
            (
                "tickets",
                [{"id": "1", "priority": "high"}, {"id": "2", "priority": "high"}],
                {"urgent_tickets__90d": {"Acme": 2}},
            ),
            (
                "resolutions",
                [{"id": "1", "resolution_hours": 2.5, "reopened": True}],
                {"resolution_hours__90d": {"Acme": 2.5}},
            ),
        )
    ),
]

SALESFORCE = [
    Export(
        "salesforce.accounts",
        "Data Loader",
        [
            {
                "Id": ACME,
                "IsDeleted": deleted,
                "Name": name,
                "Type": "Customer",
                "ParentId": "",
                "Industry": "Energy",
                "OwnerId": "005Dn000001AAAA",
                "CreatedDate": "2023-01-05T10:22:33.000+0000",
            }
            for name, deleted in (("Acme", "false"), ("Gone", "true"))
        ],
        [{"account_id": ACME, "name": "Acme", "created_date": at("2023-01-05 10:22:33")}],
    ),
    Export(
        "salesforce.opportunities",
        "report with short ids",
        [
            {
                "Opportunity ID": ONE_15,
                "Account ID": ACME_15,
                "Opportunity Name": "More seats",
                "Stage": stage,
                "Amount": "1200.00",
                "Close Date": "2024-03-01",
                "Closed": closed,
                "Won": won,
            }
            for stage, closed, won in (
                ("Closed Won", "1", "1"),
                ("Closed Lost", "1", "0"),
                ("Negotiation", "0", "0"),
            )
        ],
        [
            {"id": ONE, "account_id": ACME, "won": True, "lost": False, "amount": 1200.0},
            {"id": ONE, "account_id": ACME, "won": False, "lost": True, "amount": 1200.0},
        ],
        features={
            "won__365d": {ACME: 1},
            "lost__180d": {ACME: 1},
            "won_amount__365d": {ACME: 1200.0},
        },
    ),
    *(
        Export(
            f"salesforce.{name}",
            "Fivetran",
            [
                {
                    "id": f"500Dn00000aaaa{number}",
                    "case_number": f"0000{number}",
                    "account_id": ACME,
                    "created_date": at("2024-05-01 10:00"),
                    "closed_date": closed,
                    "status": "Closed" if closed else "New",
                    "priority": "Critical",
                    "is_escalated": False,
                    "type": "Problem",
                    "is_deleted": False,
                }
                for number, closed in ((1, at("2024-05-04 10:00")), (2, None))
            ],
            read,
            suffix="parquet",
            features=found,
        )
        for name, read, found in (
            (
                "cases",
                [
                    {"case_number": "00001", "priority": "urgent", "topic": "bug"},
                    {"case_number": "00002", "priority": "urgent", "topic": "bug"},
                ],
                {"urgent_tickets__90d": {ACME: 2}},
            ),
            (
                "resolutions",
                [{"case_number": "00001", "resolution_hours": 72.0}],
                {"resolution_hours__90d": {ACME: 72.0}, "late_resolutions__90d": {ACME: 1.0}},
            ),
        )
    ),
    Export(
        "salesforce.contacts",
        "Data Loader",
        [
            {
                "Id": "003Dn00000aaaaa",
                "AccountId": ACME,
                "LastName": "Lovelace",
                "Email": "ada@example.com",
                "CreatedDate": "2024-03-05T10:22:33.000+0000",
                "IsDeleted": "false",
            }
        ],
        [{"contact_id": "003Dn00000aaaaaIAA", "account_id": ACME, "change": "joined"}],
        features={"contacts_added__180d": {ACME: 1}},
    ),
]

HUBSPOT = [
    Export(
        "hubspot.companies",
        "Airbyte",
        [
            {
                "id": "1001",
                "properties_name": "Acme",
                "properties_domain": "acme.example",
                "properties_createdate": "2023-05-20T09:00:00.123Z",
                "archived": False,
            }
        ],
        [{"company_id": "1001", "name": "Acme", "createdate": at("2023-05-20 09:00:00.123")}],
        suffix="parquet",
    ),
    Export(
        "hubspot.deals",
        "API with milliseconds",
        [
            {
                "hs_object_id": str(number),
                "dealname": "More seats",
                "hs_primary_associated_company": "1001;1002",
                "closedate": str(1000 * seconds("2024-03-01 12:00")),
                "dealstage": stage,
                "amount": "99.5",
            }
            for number, stage in ((1, "closedwon"), (2, "closedlost"), (3, "presentationscheduled"))
        ],
        [
            {
                "deal_id": "1",
                "company_id": "1001",
                "won": True,
                "closedate": at("2024-03-01 12:00"),
            },
            {
                "deal_id": "2",
                "company_id": "1001",
                "won": False,
                "closedate": at("2024-03-01 12:00"),
            },
        ],
        suffix="parquet",
        features={"won__365d": {"1001": 1}, "lost__365d": {"1001": 1}},
    ),
    Export(
        "hubspot.deals",
        "export",
        [
            {
                "Record ID": "9007199254740993",
                "Deal Name": "More seats",
                "Deal Stage": "Closed Won (Sales Pipeline)",
                "Close Date": "2024-03-01 12:00",
                "Amount": "99.5",
                "Associated Company IDs (Primary)": "1001",
            }
        ],
        [{"deal_id": "9007199254740993", "won": True, "lost": False, "amount": 99.5}],
    ),
    *(
        Export(
            f"hubspot.{name}",
            "export",
            [
                {
                    "Ticket ID": number,
                    "Ticket name": "It is slow",
                    "Ticket status": "Closed",
                    "Priority": "High",
                    "Create date": "2024-05-01 10:00",
                    "Close date": closed,
                    "Associated Company IDs": "1001",
                }
                for number, closed in ((1, "2024-05-01 13:00"), (2, ""))
            ],
            read,
            features=found,
        )
        for name, read, found in (
            (
                "tickets",
                [{"ticket_id": "1", "priority": "high"}, {"ticket_id": "2", "priority": "high"}],
                {"tickets__90d": {"1001": 2}},
            ),
            (
                "resolutions",
                [{"ticket_id": "1", "resolution_hours": 3.0}],
                {"resolution_hours__90d": {"1001": 3.0}},
            ),
        )
    ),
    *(
        Export(
            f"hubspot.fivetran_{name}",
            "Fivetran",
            [
                {
                    "id": number,
                    "property_subject": "It is slow",
                    "property_hs_pipeline_stage": "4",
                    "property_hs_ticket_priority": "HIGH",
                    "property_createdate": at("2024-05-01 10:00"),
                    "property_closed_date": closed,
                    "_fivetran_deleted": deleted,
                }
                for number, closed, deleted in (
                    (1, at("2024-05-01 13:00"), False),
                    (2, None, False),
                    (3, at("2024-05-01 13:00"), True),
                )
            ],
            read,
            suffix="parquet",
            features=found,
        )
        for name, read, found in (
            (
                "tickets",
                [{"ticket_id": "1", "priority": "high"}, {"ticket_id": "2", "priority": "high"}],
                {"tickets__90d": {"1": 1, "2": 1}},
            ),
            (
                "resolutions",
                [{"ticket_id": "1", "resolution_hours": 3.0}],
                {"resolution_hours__90d": {"1": 3.0}},
            ),
        )
    ),
]

USAGE = [
    Export(
        "segment.tracks",
        "warehouse",
        [
            {
                "id": f"ajs-{number}",
                "anonymous_id": "anon",
                "user_id": user,
                "event": "report_opened",
                "event_text": "Report Opened",
                "timestamp": at(f"2024-05-{day:02} 23:59"),
                "original_timestamp": at(f"2024-05-{day:02} 23:58"),
                "sent_at": at(f"2024-05-{day:02} 23:58"),
                "received_at": at(received),
                "context_library_name": "analytics.js",
                "context_page_path": "/",
            }
            for number, user, day, received in (
                (1, "u1", 20, "2024-05-20 23:59:01"),
                (2, "u1", 21, "2024-05-22 08:00"),
                (3, "u1", 31, "2024-06-02 08:00"),
                (4, None, 21, "2024-05-22 08:00"),
            )
        ],
        [
            {"id": "ajs-1", "events": 1, "active_on": date(2024, 5, 20)},
            {"id": "ajs-2", "events": 1, "active_on": date(2024, 5, 21)},
            {"id": "ajs-3", "events": 1, "active_on": date(2024, 5, 31)},
        ],
        suffix="parquet",
        # The third event reached us after the as-of date.
        features={"active_days__28d": {"u1": 2}, "days_since_use__all": {"u1": 11}},
    ),
    Export(
        "mixpanel.events",
        "raw export",
        [
            {
                "event": "Report opened",
                "time": seconds("2024-05-20 10:00"),
                "distinct_id": "u1",
                "$insert_id": str(number),
                "mp_processing_time_ms": 1000 * seconds("2024-05-20 10:00") + 250,
            }
            for number in (1, 2)
        ],
        [
            {
                "insert_id": "1",
                "time": at("2024-05-20 10:00"),
                "known_at": at("2024-05-20 10:00:00.250"),
            },
            {
                "insert_id": "2",
                "time": at("2024-05-20 10:00"),
                "known_at": at("2024-05-20 10:00:00.250"),
            },
        ],
        suffix="parquet",
        features={"active_days__28d": {"u1": 1}},
    ),
    Export(
        "amplitude.events",
        "export",
        [
            {
                "uuid": "a",
                "amplitude_id": 12345678901234,
                "user_id": user,
                "session_id": 1716199200000,
                "event_type": "report opened",
                "event_time": "2024-05-20 10:00:00.123000",
                "server_received_time": "2024-05-20 10:00:05.000000",
            }
            for user in ("u1", "")
        ],
        [{"user_id": "u1", "event_time": at("2024-05-20 10:00:00.123")}],
        features={"active_days__28d": {"u1": 1}},
    ),
    Export(
        "ga4.events",
        "BigQuery as Parquet",
        [
            {
                "event_date": "20240520",
                "event_timestamp": 1_000_000 * seconds("2024-05-20 10:00") + number,
                "event_name": "page_view",
                "event_params": [
                    {"key": "page_title", "value": {"string_value": "Home", "int_value": None}},
                    {"key": "ga_session_id", "value": {"string_value": None, "int_value": session}},
                ],
                "user_id": user,
                "user_pseudo_id": "1.2",
            }
            for number, session, user in (
                (1, 100, "u1"),
                (2, 100, "u1"),
                (3, 200, "u1"),
                (4, 300, None),
            )
        ],
        [
            {"session_id": 100, "event_timestamp": at("2024-05-20 10:00:00.000001")},
            {"session_id": 100, "event_timestamp": at("2024-05-20 10:00:00.000002")},
            {"session_id": 200, "event_timestamp": at("2024-05-20 10:00:00.000003")},
        ],
        suffix="parquet",
        features={"sessions__28d": {"u1": 2}, "active_days__28d": {"u1": 1}},
    ),
]

BILLING = [
    Export(
        "chargebee.subscriptions",
        "API",
        [
            {
                "id": f"s{number}",
                "customer_id": f"c{number}",
                "status": status,
                "started_at": seconds("2024-01-05"),
                "activated_at": seconds("2024-01-19") if status != "trial" else None,
                "trial_end": seconds("2024-01-19") if number > 1 else None,
                "cancelled_at": seconds(cancelled) if cancelled else None,
                "current_term_end": seconds("2024-06-05"),
                "cancel_schedule_created_at": None,
                "deleted": False,
            }
            | ({"status": "cancelled"} if status == "trial" else {})
            for number, status, cancelled in (
                (1, "cancelled", "2024-03-05"),
                (2, "non_renewing", "2024-06-05"),
                (3, "trial", "2024-01-19"),
                (4, "in_trial", ""),
            )
        ],
        [
            {"id": "s1", "contract_from": at("2024-01-05"), "ended_at": at("2024-03-05")},
            {"id": "s2", "contract_from": at("2024-01-19"), "ended_at": None},
        ],
        suffix="parquet",
        features={"tenure__all": {"c1": 148, "c2": 134}},
    ),
    Export(
        "chargebee.invoices",
        "API",
        [
            {
                "id": f"i{number}",
                "customer_id": "c1",
                "date": seconds("2024-02-01"),
                "due_date": seconds("2024-02-15"),
                "paid_at": seconds(paid) if paid else None,
                "total": 9900,
                "amount_due": 0,
                "currency_code": "EUR",
                "recurring": True,
            }
            for number, paid in ((1, "2024-02-20"), (2, ""))
        ],
        [{"id": "i1", "amount": 99.0, "days_late": 5}],
        suffix="parquet",
        features={"days_late__180d": {"c1": 5.0}, "invoiced__365d": {"c1": 99.0}},
    ),
    Export(
        "chargebee.customers",
        "API",
        [
            {
                "id": "c1",
                "company": None,
                "email": "ada@example.com",
                "created_at": seconds("2024-01-05"),
                "auto_collection": "on",
                "net_term_days": 0,
            }
        ],
        [{"customer_id": "c1", "name": "ada@example.com", "created_at": at("2024-01-05")}],
        suffix="parquet",
    ),
    Export(
        "recurly.subscriptions",
        "API",
        [
            {
                "uuid": f"s{number}",
                "account_code": f"a{number}",
                "state": state,
                "activated_at": "2024-01-05T00:00:00Z",
                "canceled_at": "2024-01-10T00:00:00Z" if expires else "",
                "expires_at": expires,
                "trial_ends_at": trial,
                "current_period_ends_at": "2024-06-05T00:00:00Z",
            }
            for number, state, expires, trial in (
                (1, "expired", "2024-03-05T00:00:00Z", "2024-01-19T00:00:00Z"),
                (2, "canceled", "2024-06-05T00:00:00Z", ""),
                (3, "expired", "2024-01-19T00:00:00Z", "2024-01-19T00:00:00Z"),
                (4, "future", "", ""),
            )
        ],
        [
            {"id": "s1", "contract_from": at("2024-01-19"), "ended_at": at("2024-03-05")},
            {"id": "s2", "contract_from": at("2024-01-05"), "ended_at": None},
        ],
        features={"tenure__all": {"a1": 134, "a2": 148}},
    ),
]

# The id that Intercom gives itself: other tables name companies by it.
INTERCOM_COMPANY = "531ee472cce572a6ec000006"
INTERCOM_CONVERSATION = {
    "id": "c1",
    "created_at": seconds("2024-05-20 10:00"),
    "updated_at": seconds("2024-05-22 10:00"),
    "waiting_since": None,
    "snoozed_until": None,
    "state": "closed",
    "priority": "priority",
    "source": '{"author": {"id": "p1", "type": "user"}}',
    "conversation_rating": f'{{"rating": 2, "created_at": {seconds("2024-05-21 10:00")}}}',
}
SUPPORT = [
    *(
        Export(
            f"intercom.{name}",
            "API",
            [
                INTERCOM_CONVERSATION,
                INTERCOM_CONVERSATION
                | {
                    "id": "c2",
                    "source": '{"author": {"id": "p1", "type": "bot"}}',
                    "conversation_rating": None,
                },
            ],
            read,
            suffix="parquet",
            features=found,
        )
        for name, read, found in (
            (
                "conversations",
                [
                    {"id": "c1", "contact": "p1", "priority": "high", "initiated_by": "customer"},
                    {"id": "c2", "contact": "p1", "priority": "high", "initiated_by": "agent"},
                ],
                {"tickets__28d": {"p1": 1}},
            ),
            (
                "ratings",
                [{"id": "c1", "score": 2.0, "rated_at": at("2024-05-21 10:00")}],
                {"csat__90d": {"p1": 2.0}, "low_csat__90d": {"p1": 1}},
            ),
        )
    ),
    Export(
        "intercom.contact_companies",
        "Fivetran",
        [
            {
                "contact_id": contact,
                "company_id": company,
                "contact_updated_at": at("2024-05-20 09:00"),
                "_fivetran_active": active,
            }
            for contact, company, active in (("p1", "531e", False), ("p1", INTERCOM_COMPANY, True))
        ],
        [{"contact_id": "p1", "company_id": INTERCOM_COMPANY}],
        suffix="parquet",
    ),
    Export(
        "intercom.companies",
        "API",
        [
            {
                "id": INTERCOM_COMPANY,
                "company_id": "0042",
                "name": "Acme",
                "created_at": seconds("2023-05-20"),
                "session_count": 3,
                "user_count": 2,
                "monthly_spend": 0,
            }
        ],
        [{"company_id": "0042", "name": "Acme", "created_at": at("2023-05-20")}],
        suffix="parquet",
    ),
    Export(
        "freshdesk.tickets",
        "API",
        [
            {
                "id": number,
                "company_id": 48000012345,
                "requester_id": 7,
                "created_at": "2024-05-20T09:00:00Z",
                "fr_due_by": "2024-05-21T09:00:00Z",
                "fr_escalated": "false",
                "is_escalated": "false",
                "priority": priority,
                "source": source,
                "status": 5,
                "type": "Incident",
                "spam": spam,
            }
            for number, priority, source, spam in (
                (1, 4, 1, "false"),
                (2, 1, 10, "false"),
                (3, 4, 1, "true"),
            )
        ],
        [
            {"id": "1", "priority": "urgent", "topic": "bug", "initiated_by": "customer"},
            {"id": "2", "priority": "low", "topic": "bug", "initiated_by": "agent"},
        ],
        features={"urgent_tickets__28d": {"48000012345": 1}},
    ),
    Export(
        "freshdesk.contacts",
        "API",
        [
            {
                "id": number,
                "company_id": company,
                "name": "Ann",
                "email": "a@example.com",
                "job_title": "",
                "time_zone": "Berlin",
                "created_at": "2024-05-20T09:00:00Z",
            }
            for number, company in ((7, 48000012345), (8, ""))
        ],
        [{"user_id": "7", "company_id": "48000012345"}],
    ),
    Export(
        "freshdesk.satisfaction_ratings",
        "API",
        [
            {
                "id": number,
                "survey_id": 1,
                "user_id": 7,
                "agent_id": 1,
                "ticket_id": 20,
                "created_at": "2024-05-20T09:00:00Z",
                "ratings": f'{{"default_question": {answer}}}',
            }
            for number, answer in ((1, 103), (2, -103), (3, 100))
        ],
        [{"id": "1", "score": 5}, {"id": "2", "score": 1}, {"id": "3", "score": 3}],
        features={"csat__90d": {"7": 3.0}, "low_csat__90d": {"7": 1}},
    ),
    *(
        Export(
            f"freshdesk.exported_{name}",
            "CSV",
            [
                {
                    "Ticket ID": number,
                    "Subject": "It is slow",
                    "Status": "Closed",
                    "Priority": "Medium",
                    "Source": "Email",
                    "Type": "Problem",
                    "Created time": "2024-05-01 09:00:00",
                    "Due by Time": "2024-05-03 09:00:00",
                    "Resolved time": resolved,
                    "Resolution time (in hrs)": "08:00:00",
                    "Company Name": "Acme",
                }
                for number, resolved in ((1, "2024-05-03 10:00:00"), (2, ""))
            ],
            read,
            features=found,
        )
        for name, read, found in (
            (
                "tickets",
                [
                    {"ticket_id": "1", "priority": "normal"},
                    {"ticket_id": "2", "priority": "normal"},
                ],
                {"tickets__90d": {"Acme": 2}, "urgent_tickets__90d": {"Acme": 0}},
            ),
            (
                "resolutions",
                [{"ticket_id": "1", "resolution_hours": 49.0}],
                {"late_resolutions__90d": {"Acme": 1.0}},
            ),
        )
    ),
]

SURVEYS = [
    Export(
        "surveys.delighted",
        "API",
        [
            {
                "id": str(number),
                "person": "p1",
                "survey_type": "nps",
                "score": score,
                "comment": None,
                "permalink": "-",
                "created_at": seconds(f"2024-05-2{number}"),
            }
            for number, score in ((1, 10), (2, 3))
        ],
        [{"id": "1", "kind": "nps", "score": 10}, {"id": "2", "kind": "nps", "score": 3}],
        suffix="parquet",
        features={"nps_latest__all": {"p1": 3.0}, "detractors__365d": {"p1": 0.5}},
    ),
    Export(
        "surveys.typeform",
        "CSV",
        [
            {
                "#": "odwdp4nzj1xg6m9l",
                "How likely are you to recommend us to a friend or colleague?": score,
                "customer_id": "0042",
                "Response Type": "completed",
                "Start Date (UTC)": "2024-05-20 10:00:00",
                "Stage Date (UTC)": "",
                "Submit Date (UTC)": "2024-05-20 10:02:00",
                "Network ID": "653e97acae",
            }
            for score in ("9", "")
        ],
        [{"account_id": "0042", "score": 9, "submit_date": at("2024-05-20 10:02")}],
        features={"nps_latest__all": {"0042": 9.0}},
    ),
]

EXPORTS = [*STRIPE, *ZENDESK, *SALESFORCE, *HUBSPOT, *USAGE, *BILLING, *SUPPORT, *SURVEYS]
