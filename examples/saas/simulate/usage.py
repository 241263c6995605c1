"""Daily usage as telemetry sees it: a row of zeros is a quiet day, a missing row is not known."""

from typing import Any

import numpy as np
import pyarrow as pa

from .columns import facts
from .days import DAYS, WEEKS, Bools, Floats, day_of, to_date, to_time
from .parameters import Parameters
from .population import INDUSTRIES
from .world import World


def table(world: World) -> pa.Table:
    """Return one row per account and day on which telemetry arrived."""
    rng, use = world.rng("usage"), world.given.usage
    users = active_users(world, rng)
    sent = world.active & ~gaps(world)
    day, account = np.nonzero(sent.T)
    people = users[account, day]
    health = world.health(account, day)
    calendar = world.given.calendar
    more = product(world.given, day, calendar.product_events)
    clicks = people * use.events_per_user * np.exp(use.events_slope * health) * more
    events = noisy(clicks, use.day_shape, rng)
    share = key_share(world.given, health, product(world.given, day, calendar.product_key) / more)
    admins = use.admin_rate * (people / 4) ** use.admin_power * np.exp(use.admin_slope * health)
    columns = {
        "account_id": world.accounts.account_id[account],
        "day": to_date(day),
        "licensed_seats": world.seats[account, day].astype(np.int32),
        "active_users": people.astype(np.int32),
        "events": events.astype(np.int32),
        "key_feature_events": rng.binomial(events, share).astype(np.int32),
        "admin_logins": rng.poisson(admins).astype(np.int32),
        "ingested_at": arrival(world, day),
    }
    return facts(columns, "day", "ingested_at")


def key_share(given: Parameters, health: Floats, gain: Floats) -> Floats:
    """Return the share of events that are uses of the key feature."""
    share = given.usage.key_share * np.exp(given.usage.key_slope * health) * gain
    return np.asarray(np.minimum(share, 0.9))


def noisy(mean: Floats, shape: float, rng: np.random.Generator) -> Any:
    """Return over-dispersed counts (negative binomial) of a mean."""
    return rng.poisson(mean * rng.gamma(shape, 1 / shape, mean.shape))


def active_users(world: World, rng: np.random.Generator) -> Any:
    """Return active users per account and day, never more than the licensed seats."""
    use, count = world.given.usage, len(world.accounts)
    own = rng.normal(0, use.adoption_sd, (count, 1))
    logit = use.adoption + own + use.adoption_slope * world.life.health
    weekly = np.exp(levels(count, world.given, rng)) / (1 + np.exp(-logit))
    share = np.repeat(weekly, 7, axis=1)[:, :DAYS] * rhythm(world)
    share *= 1 - world.accounts.decay[:, None] * world.progress
    share *= disturbances(world)
    return np.minimum(noisy(share * world.seats, use.day_shape, rng), world.seats)


def levels(count: int, given: Parameters, rng: np.random.Generator) -> Floats:
    """Return the slow noise of each account's level, in logs per week."""
    use = given.usage
    level = np.empty((count, WEEKS))
    level[:, 0] = rng.normal(0, use.level_sd, count)
    fresh = use.level_sd * np.sqrt(1 - use.level_memory**2)
    for week in range(1, WEEKS):
        level[:, week] = use.level_memory * level[:, week - 1] + rng.normal(0, fresh, count)
    return level


def rhythm(world: World) -> Floats:
    """Return the factor of weekday and season per account and day."""
    use, day = world.given.usage, np.arange(DAYS)
    week = np.asarray(use.weekday)[day % 7]
    date = to_date(day)
    month = date.astype("datetime64[M]").astype(int) % 12 + 1
    in_month = (date - date.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
    season = 1 - use.summer * np.isin(month, (7, 8))
    holidays = ((month == 12) & (in_month >= 22)) | ((month == 1) & (in_month <= 2))
    season = season * (1 - use.year_end * holidays)
    open_ = [INDUSTRIES.index(i) for i in ("retail", "hospitality")]
    weekends = 1 + (use.weekend_open - 1) * (day % 7 >= 5)
    busy = np.isin(world.accounts.industry, open_)[:, None]
    return np.asarray(np.where(busy, weekends, 1.0) * week * season)


def spells(world: World, topic: str, rate: float, days: tuple[int, int]) -> Any:
    """Return accounts, first days and ends of spells that come at a yearly rate."""
    rng, count = world.rng(topic), len(world.accounts)
    account = np.repeat(np.arange(count), rng.poisson(rate * DAYS / 365, count))
    first = rng.integers(0, DAYS, len(account))
    last = np.minimum(first + rng.integers(*days, len(account)), DAYS)
    return account, first, last


def disturbances(world: World) -> Floats:
    """Return the factor of false dips and of the outage: both pass by themselves."""
    use, calendar = world.given.usage, world.given.calendar
    factor = np.ones((len(world.accounts), DAYS))
    account, first, last = spells(world, "dips", use.dip_rate, use.dip_days)
    depth = world.rng("depths").uniform(*use.dip_depth, len(account))
    for a, start, end, lost in zip(account, first, last, depth, strict=True):
        factor[a, start:end] *= 1 - lost
    down = day_of(calendar.outage_on)
    factor[world.accounts.outage_shock > 0, down : down + calendar.outage_days] *= (
        calendar.outage_left
    )
    return factor


def gaps(world: World) -> Bools:
    """Return the account days from which no telemetry arrived."""
    use, calendar = world.given.usage, world.given.calendar
    lost = np.zeros((len(world.accounts), DAYS), dtype=bool)
    for a, start, end in zip(*spells(world, "gaps", use.gap_rate, use.gap_days), strict=True):
        lost[a, start:end] = True
    hit = world.rng("collector").random(len(world.accounts)) < use.collector_hit
    failed = day_of(calendar.collector_on)
    lost[hit, failed : failed + calendar.collector_days] = True
    return lost


def product(given: Parameters, day: Any, gain: float) -> Floats:
    """Return the factor by which the new workspace raised a number of clicks on some days."""
    calendar = given.calendar
    reached = (day - day_of(calendar.product_on)) / calendar.product_days
    return np.asarray(1 + gain * np.clip(reached, 0, 1))


def arrival(world: World, day: Any) -> Any:
    """Return when each row arrived: in the next night, some of them days later."""
    rng, use = world.rng("arrival"), world.given.usage
    night = 86400 + rng.integers(5400, 18000, len(day))
    late = rng.random(len(day)) < use.late
    extra = np.ceil(rng.exponential(use.late_days, len(day))) * late * 86400
    return to_time(day, night + extra)
