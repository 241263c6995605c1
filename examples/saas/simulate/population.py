"""Who the accounts are: everything about them that is drawn once and never changes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .days import DAYS, Bools, Floats, Ints, to_date
from .names import companies, person
from .parameters import Calendar, Parameters, Population
from .streams import stream

INDUSTRIES = (
    "software",
    "manufacturing",
    "retail",
    "hospitality",
    "health",
    "finance",
    "logistics",
)
REGIONS = ("DACH", "Nordics", "UK & Ireland", "Benelux", "North America")
RANDOM_CAUSES = ("acquired", "insolvent", "budget cut")
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Accounts:
    """One entry per account; days count from 2024-01-01, keys differ by system."""

    account_id: Texts
    name: Texts
    helpdesk_org: Texts
    customer_no: Ints
    plan: Ints
    industry: Ints
    region: Ints
    seats: Ints
    csm: Ints
    parent: Ints
    created: Ints
    term: Ints
    mean: Floats
    lead: Ints
    silent: Bools
    holdout: Bools
    outage_shock: Floats
    price_shock: Floats
    random_exit: Ints
    random_cause: Ints
    has_plan: Bools
    decay: Floats
    pays_late: Floats

    def __len__(self) -> int:
        return len(self.account_id)

    def texts(self, field: str, words: tuple[str, ...]) -> Texts:
        """Return a coded field as words."""
        coded: Ints = getattr(self, field)
        return np.asarray([words[code] for code in coded], dtype=object)


def draw(count: int, seed: int, given: Parameters) -> Accounts:
    """Return ``count`` accounts in the order of their sign-up."""
    rng = stream(seed, "population")
    created = sign_ups(count, given.population, rng)
    plan = rng.choice(4, size=count, p=given.population.plan_share)
    hidden = traits(plan, created, given, stream(seed, "traits"))
    return Accounts(
        created=created,
        plan=plan,
        industry=rng.integers(0, len(INDUSTRIES), count),
        region=rng.integers(0, len(REGIONS), count),
        **commerce(plan, given.population, rng),
        parent=parents(plan, given.population.child_share, rng),
        **keys(count, seed),
        **hidden,
    )


def sign_ups(count: int, given: Population, rng: np.random.Generator) -> Ints:
    """Return the sorted days of sign-up; no day of the month is later than the 28th."""
    before = round(count * given.existing)
    old = -1 - (rng.exponential(given.age_mean, before).astype(np.int64) % given.age_max)
    new = rng.integers(0, DAYS - given.quiet_end, count - before)
    day = np.concatenate([old, new])
    date = to_date(day)
    in_month = (date - date.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
    return np.sort(day - np.maximum(in_month - 27, 0))


def commerce(plan: Ints, given: Population, rng: np.random.Generator) -> dict[str, Any]:
    """Return seats at sign-up, months of the term, the CSM and whether there is a success plan."""
    count = len(plan)
    spread = np.exp(rng.normal(0, given.seats_spread, count))
    teams = max(3, count // given.accounts_per_csm)
    return {
        "seats": np.maximum(np.asarray(given.seats_median)[plan] * spread, 2).astype(np.int64),
        "term": np.where(rng.random(count) < np.asarray(given.annual_share)[plan], 12, 1),
        "csm": rng.integers(0, teams, count),
        "has_plan": rng.random(count) < np.asarray(given.plan_goal)[plan],
    }


def parents(plan: Ints, share: float, rng: np.random.Generator) -> Ints:
    """Return the position of each account's parent, -1 for none; parents signed up earlier."""
    count = len(plan)
    guess = (rng.random(count) * np.arange(count)).astype(np.int64)
    wanted = rng.random(count) < share
    is_child = wanted & (plan[guess] >= 2) & (np.arange(count) > 0) & ~wanted[guess]
    return np.where(is_child, guess, -1)


def keys(count: int, seed: int) -> dict[str, Any]:
    """Return the names and the three systems' keys."""
    rng = stream(seed, "keys")
    width = max(4, len(str(count)))
    orgs = rng.permutation(9 * count) + 10 * count
    return {
        "account_id": np.asarray([f"A{i + 1:0{width}d}" for i in range(count)], dtype=object),
        "name": np.asarray(companies(count, rng), dtype=object),
        "helpdesk_org": np.asarray([f"org-{o:x}" for o in orgs[:count]], dtype=object),
        "customer_no": rng.permutation(9 * count)[:count] + 100_000,
    }


def traits(
    plan: Ints, created: Ints, given: Parameters, rng: np.random.Generator
) -> dict[str, Any]:
    """Return what nobody at the company can see: leads, means, sensitivities, random exits."""
    count, churn, usage = len(plan), given.churn, given.usage
    lead = rng.gamma(churn.lead_shape, churn.lead_scale, count)
    silent = rng.random(count) < given.population.silent
    decay = rng.uniform(usage.decay_low, usage.decay_high, count)
    wait = rng.exponential(365 / churn.random_rate, count).astype(np.int64)
    return {
        "lead": np.clip(np.round(lead), churn.lead_min, churn.lead_max).astype(np.int64),
        "silent": silent,
        "decay": np.where(silent, usage.silent_decay, decay),
        "mean": rng.normal(0, given.health.mean_sd, count),
        "holdout": rng.random(count) < given.population.holdout,
        "pays_late": rng.exponential(given.billing.habit, count) - 4,
        "random_exit": np.maximum(created, 0) + 1 + wait,
        "random_cause": rng.choice(3, size=count, p=churn.random_share),
        **sensitivities(count, given, rng),
    }


def sensitivities(count: int, given: Parameters, rng: np.random.Generator) -> dict[str, Any]:
    """Return how hard the outage and the price rise hit each account, in health."""
    calendar: Calendar = given.calendar
    hit = rng.random(count) < calendar.outage_hit
    return {
        "outage_shock": hit * rng.exponential(given.health.outage_shock, count),
        "price_shock": rng.exponential(given.health.price_shock, count),
    }


def csm_names(accounts: Accounts) -> Texts:
    """Return the first name of each account's CSM."""
    return np.asarray([person(int(c)) for c in accounts.csm], dtype=object)
