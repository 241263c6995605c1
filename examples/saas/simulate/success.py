"""People at the accounts, the outcomes of success plans, and what the CSMs did."""

from typing import Any

import numpy as np
import pyarrow as pa

from .columns import facts
from .days import DAYS, Floats, Ints, to_date, to_time
from .world import World

MILESTONES = ("first team live", "core process moved", "integration live", "reporting in use")
ONGOING = "quarterly goal"


def tables(world: World) -> dict[str, pa.Table]:
    """Return ``contacts``, ``milestones`` and ``csm_actions``."""
    return {
        "contacts": contacts(world),
        "milestones": milestones(world),
        "csm_actions": csm_actions(world),
    }


def contacts(world: World) -> pa.Table:
    """Return who joined and who left, as far and as late as the CRM heard of it."""
    rng, success = world.rng("contacts"), world.given.success
    parts = [(*newcomers(world, role), role, "joined") for role in ("champion", "sponsor", "admin")]
    for role in ("champion", "sponsor", "admin"):
        account, day = departures(world, role, rng)
        heard = rng.random(len(account)) < success.recorded
        parts.append((account[heard], day[heard], role, "left"))
        follows = rng.random(len(account)) < success.successor
        wait = 7 * rng.integers(*success.successor_weeks, len(account))
        parts.append((account[follows], (day + wait)[follows], role, "joined"))
    return contact_table(world, parts, rng)


def newcomers(world: World, role: str) -> tuple[Ints, Ints]:
    """Return the first person of a role at the accounts that signed up within the records."""
    account = np.flatnonzero(world.accounts.created >= 0)
    wait = world.rng(f"first {role}").integers(0, 21, len(account))
    return account, world.accounts.created[account] + wait


def departures(world: World, role: str, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return who lost a person of a role, and when; only champions and sponsors touch health."""
    if role == "admin":
        rate = world.given.success.admin_rate * DAYS / 365
        account = np.repeat(np.arange(len(world.accounts)), rng.poisson(rate, len(world.accounts)))
        return account, rng.integers(0, DAYS, len(account))
    lost = [(week, np.flatnonzero(getattr(left, role))) for week, left in world.life.left]
    account = np.concatenate([who for _, who in lost])
    week_ = np.repeat([week for week, _ in lost], [len(who) for _, who in lost])
    return account, 7 * week_ + rng.integers(0, 5, len(account))


def contact_table(world: World, parts: list[Any], rng: np.random.Generator) -> pa.Table:
    """Return the changes in one table."""
    account = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts])
    sizes = [len(part[0]) for part in parts]
    delay = rng.exponential(world.given.success.crm_delay, len(day)) * 86400 + 3600
    columns = {
        "account_id": world.accounts.account_id[account],
        "changed_on": to_date(day),
        "role": np.repeat(np.asarray([part[2] for part in parts], dtype=object), sizes),
        "change": np.repeat(np.asarray([part[3] for part in parts], dtype=object), sizes),
        "ingested_at": to_time(day, delay),
    }
    kept = world.customers(account, day)
    return facts({n: v[kept] for n, v in columns.items()}, "changed_on", "ingested_at")


def milestones(world: World) -> pa.Table:
    """Return what of each success plan was reached, on the day it was due."""
    rng, success = world.rng("milestones"), world.given.success
    who = np.flatnonzero(world.accounts.has_plan)
    number = np.arange(1, (DAYS + world.given.population.age_max) // success.milestone_days + 2)
    day = world.accounts.created[who][:, None] + success.milestone_days * number
    account = np.broadcast_to(who[:, None], day.shape)
    due = world.customers(account, day)
    account, day = account[due], day[due]
    achieved = shares(world, account, day, rng)
    name = np.asarray((*MILESTONES, ONGOING), dtype=object)
    place = np.minimum(np.broadcast_to(number - 1, due.shape)[due], len(MILESTONES))
    columns = {
        "account_id": world.accounts.account_id[account],
        "due_on": to_date(day),
        "milestone": name[place],
        "achieved_share": achieved,
        "reached_on_time": achieved >= success.on_time,
        "ingested_at": to_time(day, rng.integers(36_000, 10 * 86400, len(day))),
    }
    return facts(columns, "due_on", "ingested_at")


def shares(world: World, account: Ints, day: Ints, rng: np.random.Generator) -> Floats:
    """Return the shares of the goals that were achieved."""
    success = world.given.success
    mean = success.achieved[0] + success.achieved[1] * world.health(account, day)
    mean = mean * (1 - success.achieved_leaver * world.leaving(account, day))
    noisy = mean + rng.normal(0, success.achieved_noise, len(account))
    return np.asarray(np.round(np.clip(noisy, 0, 1.3), 2))


def csm_actions(world: World) -> pa.Table:
    """Return playbooks, business reviews and the customers' own calls; who began is recorded."""
    parts = [played(world), reviews(world), calls(world)]
    account, day, playbook = (np.concatenate(column) for column in zip(*parts, strict=True))
    sizes = [len(part[0]) for part in parts]
    kinds = np.repeat(np.asarray(["playbook", "business review", "call"], dtype=object), sizes)
    began = np.repeat(np.asarray(["csm", "csm", "customer"], dtype=object), sizes)
    rng = world.rng("action export")
    second = rng.integers(8 * 3600, 17 * 3600, len(day))
    columns = {
        "account_id": world.accounts.account_id[account],
        "acted_at": to_time(day, second),
        "initiated_by": began,
        "kind": kinds,
        "playbook": playbook,
        "ingested_at": to_time(day, second + rng.integers(600, 3 * 86400, len(day))),
    }
    kept = world.customers(account, day)
    return facts({n: v[kept] for n, v in columns.items()}, "acted_at", "ingested_at")


def played(world: World) -> tuple[Any, Any, Any]:
    """Return the playbooks that were run, early in their week."""
    rng = world.rng("playbook days")
    account = np.concatenate([who for _, who, _ in world.life.treated])
    week = np.repeat([w for w, _, _ in world.life.treated], [len(t[1]) for t in world.life.treated])
    number = np.concatenate([which for _, _, which in world.life.treated])
    names = np.asarray([playbook.name for playbook in world.given.playbooks], dtype=object)
    return account, 7 * week + rng.integers(0, 3, len(account)), names[number]


def reviews(world: World) -> tuple[Any, Any, Any]:
    """Return the business reviews of business and enterprise accounts."""
    every = world.given.success.review_days
    who = np.flatnonzero(world.accounts.plan >= 2)
    first = world.rng("reviews").integers(0, every, len(who))
    day = first[:, None] + every * np.arange(DAYS // every + 1)
    account = np.broadcast_to(who[:, None], day.shape)
    return account.ravel(), day.ravel(), np.full(day.size, None, dtype=object)


def calls(world: World) -> tuple[Any, Any, Any]:
    """Return the customers' own calls: the engaged call more, who is leaving hardly ever."""
    rng, success = world.rng("calls"), world.given.success
    rate = success.calls * 7 / 365 * np.exp(0.5 * world.life.health) * (1 - world.progress[:, ::7])
    account, week = np.nonzero(rng.random(rate.shape) < rate)
    day = 7 * week + rng.integers(0, 5, len(week))
    return account, day, np.full(len(day), None, dtype=object)
