"""The sealed truth: what the company cannot see. Nothing in ``churnlight.toml`` refers to it."""

from typing import Any

import numpy as np
import pyarrow as pa

from .ceiling import Ceiling, auc
from .columns import table
from .days import DAYS, WEEKS, Bools, Ints, to_date
from .health import CAUSES
from .parameters import PLANS, as_plain
from .planted import planted
from .population import RANDOM_CAUSES
from .world import World


def tables(world: World, ceiling: Ceiling) -> dict[str, pa.Table]:
    """Return the true health, probabilities, planted causes, ends and traits."""
    return {
        "health": health(world),
        "churn_probability": probabilities(world, ceiling),
        "planted": planted(world, ceiling),
        "churn": churn(world),
        "traits": traits(world),
    }


def by_decision(world: World) -> Bools:
    """Return who left within the records because they had decided to."""
    gone = world.life.ended < DAYS
    return np.asarray(gone & (world.life.ended == world.life.leaves))


def health(world: World) -> pa.Table:
    """Return latent health at the start of each week of an account's time as a customer."""
    week, account = np.nonzero(world.active[:, : 7 * WEEKS : 7].T)
    return table(
        {
            "account_id": world.accounts.account_id[account],
            "week": to_date(7 * week),
            "health": world.life.health[account, week],
            "decided": world.life.decided[account] < 7 * week,
        }
    )


def probabilities(world: World, ceiling: Ceiling) -> pa.Table:
    """Return the true churn probability at month starts, and whether the account left."""
    return table(
        {
            "account_id": world.accounts.account_id[ceiling.account],
            "as_of": to_date(ceiling.as_of),
            "churn_probability": ceiling.probability,
            "churned": ceiling.churned,
            "mature": ceiling.mature,
            "counted": ceiling.counted,
        }
    )


def causes(world: World) -> Any:
    """Return the cause of each account's end as a word."""
    decided = np.asarray(CAUSES, dtype=object)[np.minimum(world.life.cause, len(CAUSES) - 1)]
    chance = np.asarray(RANDOM_CAUSES, dtype=object)[world.accounts.random_cause]
    return np.where(by_decision(world), decided, chance)


def churn(world: World) -> pa.Table:
    """Return every end within the records: its cause and the lead that was planted."""
    gone = np.flatnonzero(world.life.ended < DAYS)
    known = by_decision(world)[gone]
    decided = np.where(known, to_date(world.life.decided[gone]), np.datetime64("NaT"))
    return table(
        {
            "account_id": world.accounts.account_id[gone],
            "ended_at": to_date(world.life.ended[gone]),
            "cause": causes(world)[gone],
            "predictable": known,
            "decided_at": decided,
            "lead_days": np.where(known, world.life.leaves[gone] - world.life.decided[gone], 0),
            "silent": world.accounts.silent[gone],
        }
    )


def traits(world: World) -> pa.Table:
    """Return what is planted in each account: lead, hold-out, sensitivities."""
    accounts = world.accounts
    names = ("account_id", "lead", "silent", "holdout", "mean", "outage_shock", "price_shock")
    return table({name: getattr(accounts, name) for name in names})


def figures(world: World, ceiling: Ceiling) -> dict[str, Any]:
    """Return the printed facts: Bayes AUC, churn rates, leads, and the playbooks' effects."""
    counted = ceiling.mature & ceiling.counted
    leavers, decided = world.life.ended < DAYS, by_decision(world)
    planted = (world.life.leaves - world.life.decided)[decided]
    return {
        "simulated": True,
        "seed": world.seed,
        "accounts": len(world.accounts),
        "active_at_export": int((world.life.ended >= DAYS).sum()),
        "churned": int(leavers.sum()),
        "bayes_auc": round(auc(ceiling.probability[counted], ceiling.churned[counted]), 4),
        "unpredictable_share": round(float((leavers & ~decided).sum() / leavers.sum()), 4),
        "churn_per_90_days": rates(world, ceiling, counted),
        "lead_days_drawn": quantiles(world.accounts.lead),
        "lead_days_of_churned": quantiles(planted),
        "causes": dict(zip(*tally(causes(world)[leavers]), strict=True)),
        "playbooks": {p.name: {"effect_on_health": p.effect} for p in world.given.playbooks},
        "parameters": as_plain(world.given),
    }


def tally(words: Any) -> tuple[list[str], list[int]]:
    """Return the different words and how often each stands there."""
    names, counts = np.unique(words.astype(str), return_counts=True)
    return names.tolist(), counts.tolist()


def quantiles(days: Ints) -> dict[str, float]:
    """Return the 10, 50 and 90 % quantiles."""
    low, middle, high = np.quantile(days, (0.1, 0.5, 0.9)).round(1).tolist()
    return {"p10": low, "p50": middle, "p90": high}


def rates(world: World, ceiling: Ceiling, counted: Bools) -> dict[str, float]:
    """Return the share that churned per as-of date, over all and by year and plan."""
    year = to_date(ceiling.as_of).astype("datetime64[Y]").astype(int) + 1970
    plan = world.accounts.plan[ceiling.account]
    groups = {"all": counted}
    groups |= {str(y): counted & (year == y) for y in np.unique(year[counted])}
    groups |= {name: counted & (plan == number) for number, name in enumerate(PLANS)}
    churned = ceiling.churned
    return {name: round(float(churned[rows].mean()), 4) for name, rows in groups.items()}
