"""Subscriptions, changes of seats, invoices, payments and reminders, in the billing system's keys.

One rule: an invoice never changes; that it was paid, or that a reminder went out, is a fact of its
own on its own day.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .columns import facts
from .days import DAYS, EXPORTED, Floats, Ints, month_later, to_date, to_time
from .world import World

QUARTERS = 4


def tables(world: World) -> dict[str, pa.Table]:
    """Return the five tables of the billing system."""
    invoices = issued(world)
    paid, late = settled(world, invoices)
    return {
        "subscriptions": subscriptions(world),
        "seat_changes": seat_changes(world),
        "invoices": invoice_table(world, invoices),
        "payments": payment_table(world, invoices, paid, late),
        "reminders": reminder_table(world, invoices, paid),
    }


def subscriptions(world: World) -> pa.Table:
    """Return one row per term; its end stays null until it has been recorded."""
    contracts, rng = world.contracts, world.rng("subscription export")
    count = len(contracts.account)
    begun = signed(world, rng)
    over = to_time(contracts.ended, rng.integers(3600, 200_000, count))
    unknown = over >= EXPORTED.astype("datetime64[us]")
    columns = {
        "customer_no": world.accounts.customer_no[contracts.account],
        "started_at": to_date(contracts.started),
        "ended_at": np.where(unknown, np.datetime64("NaT"), to_date(contracts.ended)),
        "term_months": contracts.months.astype(np.int32),
        "seats": contracts.seats.astype(np.int32),
        "mrr": contracts.mrr,
        "recorded_at": begun,
        "end_recorded_at": np.where(unknown, np.datetime64("NaT"), over),
    }
    return facts(columns, "started_at", "recorded_at")


def signed(world: World, rng: np.random.Generator) -> Any:
    """Return when each term was recorded: the first draws of the export of subscriptions."""
    contracts = world.contracts
    return to_time(contracts.started, rng.integers(3600, 72_000, len(contracts.account)))


def seat_changes(world: World) -> pa.Table:
    """Return one row per term that began with other seats than the one before had."""
    contracts = world.contracts
    begun = signed(world, world.rng("subscription export"))
    follows = contracts.account[1:] == contracts.account[:-1]
    moved = contracts.seats[1:] != contracts.seats[:-1]
    later = 1 + np.flatnonzero(follows & moved)
    columns = {
        "customer_no": world.accounts.customer_no[contracts.account[later]],
        "changed_at": to_date(contracts.started[later]),
        "seats_before": contracts.seats[later - 1].astype(np.int32),
        "seats_after": contracts.seats[later].astype(np.int32),
        "recorded_at": begun[later],
    }
    return facts(columns, "changed_at", "recorded_at")


@dataclass(frozen=True)
class Invoices:
    """One entry per invoice; numbers are positions."""

    account: Ints
    issued: Ints
    due: Ints
    amount: Floats


def issued(world: World) -> Invoices:
    """Return the invoices of the records: monthly, or quarterly for annual terms."""
    contracts, terms = world.contracts, world.given.billing.due
    annual = contracts.months == 12
    step = np.arange(QUARTERS)
    shape = (len(annual), QUARTERS)
    day = month_later(
        np.broadcast_to(contracts.started[:, None], shape), np.broadcast_to(3 * step, shape)
    )
    account = np.broadcast_to(contracts.account[:, None], shape)
    sent = (annual[:, None] | (step == 0)) & (day < contracts.ended[:, None])
    sent &= world.customers(account, day)
    months = np.broadcast_to(np.where(annual, 3, 1)[:, None], shape)[sent]
    due = day[sent] + np.where(months == 3, terms[1], terms[0])
    mrr = np.broadcast_to(contracts.mrr[:, None], shape)[sent]
    order = np.argsort(day[sent], kind="stable")
    columns = (account[sent], day[sent], due, np.round(months * mrr, 2))
    return Invoices(*(values[order] for values in columns))


def settled(world: World, invoices: Invoices) -> tuple[Ints, Ints]:
    """Return the day each invoice was paid (beyond the records: not yet) and how late that was."""
    rng, billing = world.rng("payments"), world.given.billing
    account, due = invoices.account, np.minimum(invoices.due, DAYS - 1)
    leaving = world.leaving(account, due)
    late = world.accounts.pays_late[account] + rng.normal(0, billing.noise, len(account))
    late = late + billing.trouble * np.maximum(-world.health(account, due), 0)
    late = np.round(late + billing.leaver * leaving).astype(np.int64)
    never = (leaving > 0) & (rng.random(len(account)) < billing.unpaid)
    paid = np.maximum(invoices.due + late, invoices.issued + 1)
    return np.where(never, 10 * DAYS, paid), paid - invoices.due


def invoice_table(world: World, invoices: Invoices) -> pa.Table:
    """Return the invoices as they were issued."""
    delay = world.rng("invoice export").integers(7200, 100_000, len(invoices.account))
    columns = {
        "invoice_no": np.arange(len(invoices.account)) + 200_001,
        "customer_no": world.accounts.customer_no[invoices.account],
        "issued_at": to_date(invoices.issued),
        "due_at": to_date(invoices.due),
        "amount": invoices.amount,
        "recorded_at": to_time(invoices.issued, delay),
    }
    return facts(columns, "issued_at", "recorded_at")


def payment_table(world: World, invoices: Invoices, paid: Ints, late: Ints) -> pa.Table:
    """Return the payments; negative lateness is a payment before it was due."""
    done = np.flatnonzero(world.customers(invoices.account, paid))
    delay = world.rng("payment export").integers(20_000, 250_000, len(done))
    columns = {
        "invoice_no": done + 200_001,
        "customer_no": world.accounts.customer_no[invoices.account[done]],
        "paid_at": to_date(paid[done]),
        "amount": invoices.amount[done],
        "days_late": late[done].astype(np.int32),
        "recorded_at": to_time(paid[done], delay),
    }
    return facts(columns, "paid_at", "recorded_at")


def reminder_table(world: World, invoices: Invoices, paid: Ints) -> pa.Table:
    """Return the reminders that went out while an invoice was unpaid."""
    parts: list[tuple[Any, ...]] = []
    for level, after in enumerate(world.given.billing.reminders, start=1):
        day = invoices.due + after
        sent = np.flatnonzero((paid > day) & world.customers(invoices.account, day))
        parts.append((sent, day[sent], np.full(len(sent), level)))
    invoice, day, level_ = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = {
        "invoice_no": invoice + 200_001,
        "customer_no": world.accounts.customer_no[invoices.account[invoice]],
        "sent_at": to_date(day),
        "level": level_.astype(np.int32),
        "recorded_at": to_time(day, np.full(len(day), 32_400)),
    }
    return facts(columns, "sent_at", "recorded_at")
