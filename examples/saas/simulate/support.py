"""Tickets, their resolutions, and the satisfaction scores that follow.

One rule: a ticket's row holds what was known when it was opened; how it went is a fact of its own
in ``resolutions``, at the time it was solved.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from .columns import facts
from .days import WEEKS, Bools, Floats, Ints, day_of, to_time, utc_offset
from .world import World

CALM = ("how-to", "feature request", "integration")
TROUBLE = ("bug", "performance", "billing")
TOPICS = CALM + TROUBLE
PRIORITIES = ("low", "normal", "high", "urgent")
BUSY_DAYS = (0.22, 0.22, 0.2, 0.19, 0.13, 0.02, 0.02)


@dataclass(frozen=True)
class Tickets:
    """One entry per ticket, by position; seconds are of the day on the helpdesk's wall clock."""

    account: Ints
    day: Ints
    second: Ints
    topic: Ints
    priority: Ints
    vendor: Bools
    health: Floats


@dataclass(frozen=True)
class Resolutions:
    """One entry per ticket that was solved while the account was a customer."""

    ticket: Ints
    day: Ints
    second: Ints
    hours: Floats
    reopened: Bools


def tables(world: World) -> dict[str, pa.Table]:
    """Return ``tickets`` and ``resolutions``."""
    tickets = opened(world)
    solved = resolved(world, tickets)
    return {
        "tickets": ticket_table(world, tickets),
        "resolutions": resolution_table(world, tickets, solved),
    }


def logistic(logit: Any) -> Floats:
    """Return the probability of a logit."""
    return np.asarray(1 / (1 + np.exp(-logit)))


def rates(world: World) -> tuple[Floats, Floats]:
    """Return the weekly rates of calm and of troubled tickets: accounts x weeks."""
    given, health = world.given.support, world.life.health
    size = world.accounts.seats[:, None] ** given.seats_power
    staying = 1 - world.progress[:, ::7]
    calm = given.engaged_rate * size * np.exp(given.engaged_slope * health) * staying
    off = (health - given.trouble_at) / given.trouble_width
    trouble = given.trouble_rate * size * np.exp(-(off**2)) * staying
    struck = (world.accounts.outage_shock > 0)[:, None] * given.outage_tickets * size / 4
    trouble[:, [day_of(world.given.calendar.outage_on) // 7]] += struck
    return calm, trouble * np.where(world.accounts.silent, 0.1, 1)[:, None]


def opened(world: World) -> Tickets:
    """Return all tickets, by account and week."""
    rng, given = world.rng("tickets"), world.given.support
    counts = [rng.poisson(rate) for rate in rates(world)]
    cell = np.concatenate([np.repeat(np.arange(c.size), c.ravel()) for c in counts])
    trouble = np.repeat([0, 1], [c.sum() for c in counts])
    account, week = np.divmod(cell, WEEKS)
    day = 7 * week + rng.choice(7, size=len(cell), p=BUSY_DAYS)
    topics = np.stack([given.calm_topics, given.trouble_topics]).cumsum(axis=1)[trouble]
    topic = 3 * trouble + np.minimum((topics < rng.random((len(cell), 1))).sum(axis=1), 2)
    kept = world.customers(account, day)
    return Tickets(
        account=account[kept],
        day=day[kept],
        second=rng.integers(7 * 3600, 19 * 3600, len(cell))[kept],
        topic=topic[kept],
        priority=rng.choice(4, size=len(cell), p=given.priorities)[kept],
        vendor=(rng.random(len(cell)) < given.vendor)[kept],
        health=world.health(account[kept], day[kept]),
    )


def resolved(world: World, tickets: Tickets) -> Resolutions:
    """Return how the tickets were solved."""
    rng, given = world.rng("resolutions"), world.given.support
    count = len(tickets.account)
    again = rng.random(count) < logistic(given.reopened[0] + given.reopened[1] * tickets.health)
    spread = np.exp(rng.normal(0, given.hours_spread, count)) * np.where(again, 2.0, 1.0)
    days_taken = np.asarray(given.hours)[tickets.priority] * spread / 24
    day = tickets.day + np.round(days_taken).astype(np.int64)
    within = np.minimum(tickets.second + np.maximum(days_taken, 0.01) * 86400, 22 * 3600)
    second = np.where(day == tickets.day, within, rng.integers(7 * 3600, 19 * 3600, count))
    solved = (rng.random(count) < given.solved) & world.customers(tickets.account, day)
    ticket = np.flatnonzero(solved)
    day, second = day[ticket], second[ticket].astype(np.int64)
    wall = (day - tickets.day[ticket]) * 86400 + second - tickets.second[ticket]
    summer_time = utc_offset(day) - utc_offset(tickets.day[ticket])
    hours = np.round((wall - summer_time) / 3600, 2)
    return Resolutions(ticket, day, second, hours, again[ticket])


def ticket_table(world: World, tickets: Tickets) -> pa.Table:
    """Return the tickets as the helpdesk exports them when they are opened."""
    columns = {
        "ticket_no": np.arange(len(tickets.account)) + 50_001,
        "helpdesk_org": world.accounts.helpdesk_org[tickets.account],
        "opened_at": to_time(tickets.day, tickets.second),
        "priority": np.asarray(PRIORITIES, dtype=object)[tickets.priority],
        "topic": np.asarray(TOPICS, dtype=object)[tickets.topic],
        "initiated_by": np.asarray(("customer", "vendor"), dtype=object)[
            tickets.vendor.astype(int)
        ],
        "ingested_at": exported(world, "ticket export", tickets.day, tickets.second),
    }
    return facts(columns, "opened_at", "ingested_at")


def resolution_table(world: World, tickets: Tickets, solved: Resolutions) -> pa.Table:
    """Return the resolutions as the helpdesk exports them when a ticket is solved."""
    rng, given = world.rng("how it went"), world.given.support
    health, hard = tickets.health[solved.ticket], tickets.priority[solved.ticket] >= 2
    once = rng.random(len(health)) < logistic(
        given.first_contact[0] + given.first_contact[1] * health
    )
    logit = given.escalated[0] + given.escalated[1] * health + 1.2 * hard
    columns = {
        "ticket_no": solved.ticket + 50_001,
        "helpdesk_org": world.accounts.helpdesk_org[tickets.account[solved.ticket]],
        "resolved_at": to_time(solved.day, solved.second),
        "resolution_hours": solved.hours,
        "first_contact_resolved": once & ~solved.reopened,
        "reopened": solved.reopened,
        "escalated": rng.random(len(health)) < logistic(logit),
        "ingested_at": exported(world, "resolution export", solved.day, solved.second),
    }
    return facts(columns, "resolved_at", "ingested_at")


def exported(world: World, topic: str, day: Ints, second: Ints) -> Any:
    """Return when the helpdesk's export brought each row: within the hour, some days late."""
    rng = world.rng(topic)
    delay = rng.integers(300, 3600, len(day))
    late = rng.random(len(day)) < world.given.support.late
    delay += late * rng.integers(1, 6, len(day)) * 86400
    return to_time(day, second - utc_offset(day) + delay)
