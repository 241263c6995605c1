"""An invented company with published runs, for tests of what people read.

Every account that can go wrong on a page is in it: markup and formulas as names, ids that need
quoting, scores at the edges and clipped, gaps, unknown values, no history, no facts.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import floor
from pathlib import Path
from random import Random
from typing import Any

import lightgbm as lgb
import numpy as np
import pyarrow as pa
from starlette.applications import Starlette

from features.declaring.company import Company
from features.declaring.declaration import load
from features.settings import Settings
from serving.assessment.assess import Assessment
from serving.assessment.opportunities import Opportunity, State
from serving.assessment.score_parts import Driver
from serving.pages import views
from serving.published import movement_rows, runs
from serving.published.book import Book
from training.artifact import Artifact
from training.calibrating.bands import Band
from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors
from training.calibrating.score_interval import ScoreInterval
from training.champions import install_champion
from training.explaining.drivers import Meaning, amount
from training.learning.matrix import Feature
from training.learning.scorecard import EMPTY
from training.metrics.quality import BandOutcome
from training.movement.change import CHANGE_PARTS, Change, Movement
from training.records.evaluation import Tested

AS_OF = date(2026, 6, 29)
RUNS = 13
BASE = 58.25
HALF_WIDTH = 6.5
SCRIPT = "<script>alert(1)</script> GmbH"
ODD_ID = "kunde/7 ü&?#%"
NO_HISTORY = "11 days of history, at least 28 are needed"
INACTIVE = "no activity in the last 180 days"
HELD_BACK = "Held back while the account is at risk"

DECLARATION = """
[company]
name = "Sundial Software"
simulated = {simulated}
currency = "EUR"

[accounts]
source = "accounts"
key = "account_id"

[accounts.attributes]
name = "name"
segment = "plan"
owner = "csm"
mrr = "mrr"
renewal = "renewal"
since = "since"

[sources.accounts]
path = "accounts.parquet"

[sources.events]
path = "events.parquet"
account = "account_id"
event_time = {{ column = "at", zone = "UTC" }}

[targets.churn]
title = "{title}"
event = {{ source = "events", where = "kind = 'end'" }}
active_within = "180d"
gap = "7d"
horizon = "90d"

[targets.pause]
inactivity = {{ source = "events", within = "30d" }}
active_within = "180d"
horizon = "30d"

[targets.expansion]
title = "Buys more seats"
adverse = false
event = {{ source = "events", where = "kind = 'seats'" }}
active_within = "180d"
horizon = "60d"
playbook = "support-recovery"

[segments.mid]
title = "Mid-market"
where = "seats > 20"

[playbooks.re-engage-users]
title = "Re-engage users"
purpose = "Serves falling use."
owner = "CSM"
steps = [
  {{ do = "Call the day-to-day contact; ask what changed", channel = "phone", within = "2d" }},
  {{ do = "Send a usage summary by team", channel = "e-mail", within = "4d" }},
  {{ do = "Review active users again", within = "18d" }},
]

[playbooks.support-recovery]
title = "Support recovery"
owner = "Support lead"
steps = [{{ do = "Agree on a fix date with the reporter", channel = "phone", within = "1d" }}]
"""
INDICATOR = """
[indicators.{name}]
title = "{title}"
dimension = "{dimension}"
kind = "{kind}"
source = "events"
measure = "count"
windows = ["28d"]
healthy = "higher"
unit = "{unit}"
says = "x"
"""
# name: title, dimension, kind, unit, usual, sentence, playbook
INDICATORS: dict[str, tuple[str, str, str, str, float | str, str, str | None]] = {
    "active_users": (
        "Weekly active users", "outcome", "leading", "users", 31.0,
        "{value} weekly active users in the last 28 days, typically {usual}", "re-engage-users",
    ),
    "escalations": (
        "Open escalations", "relationship", "leading", "tickets", 0.0,
        "{value} escalations are open, typically {usual}", "support-recovery",
    ),
    "seat_use": (
        "Seats in use", "outcome", "leading", "%", 0.8,
        "{value} of the seats are in use, typically {usual}", "re-engage-users",
    ),
    "late_payment": (
        "Late payment", "business", "lagging", "days", 1.0,
        "Invoices were paid {value} days late, typically {usual}", None,
    ),
    "spend": (
        "Spend", "business", "leading", "€", 4200.0,
        "{value} spent in the last 28 days, typically {usual}", None,
    ),
    "nps": (
        "Survey answer", "relationship", "leading", "points", 8.0,
        "Last survey answer: {value}, typically {usual}", None,
    ),
    "plan": (
        "Plan", "business", "context", "", "Team", "The plan is {value}, typically {usual}", None,
    ),
    "age": (
        "Age of the account", "business", "context", "days", 410.0,
        "A customer for {value} days, typically {usual}", None,
    ),
}  # fmt: skip
OLD_VALUES: dict[str, float | str] = {
    "active_users": 22.0, "escalations": 1.0, "seat_use": 0.52, "late_payment": 12.0,
    "spend": 2890.5, "nps": 4.0, "plan": "Basic", "age": 203.0,
}  # fmt: skip


def declare(folder: Path, *, simulated: bool = True, title: str = "not renewing") -> Company:
    """Return the invented company, declared in `folder`."""
    text = DECLARATION.format(simulated=str(simulated).lower(), title=title)
    for name, (label, dimension, kind, unit, *_, playbook) in INDICATORS.items():
        text += INDICATOR.format(
            name=name, title=label, dimension=dimension, kind=kind, unit=unit
        ) + (f'playbook = "{playbook}"\n' if playbook else "")
    (folder / "churnlight.toml").write_text(text, encoding="utf-8")
    return load(folder)


def driver(name: str, value: float | str | None, points: float) -> Driver:
    """Return a driver of the invented company's."""
    title, dimension, kind, unit, usual, says, playbook = INDICATORS[name]
    told = says.format(value=amount(value, unit), usual=amount(usual, unit))
    return Driver(
        indicator=name,
        title=title,
        dimension=dimension,
        kind=kind,
        value=value,
        usual=usual,
        window=None if kind == "context" else 28,
        unit=unit,
        points=points,
        sentence=f"{title}: not known" if value is None else told,
        playbook=playbook,
    )


def band_of(health: float) -> Band:
    """Return the band of a score."""
    return "red" if health < 40 else "yellow" if health < 70 else "green"


def assess(account: str, drivers: list[Driver], as_of: date, segment: str = "mid") -> Assessment:
    """Return an assessment whose score is the base and the drivers' points."""
    unclipped = BASE + sum(item.points for item in drivers)
    worst = min(drivers, key=lambda item: item.points)
    band = band_of(clipped(unclipped))

    def points(dimension: str) -> float:
        return sum(
            item.points
            for item in drivers
            if dimension == ("context" if item.kind == "context" else item.dimension)
        )

    return Assessment(
        account_id=account,
        as_of=as_of,
        target="churn",
        churn_probability=float(1 / (1 + np.exp((unclipped - 30) / 14))),
        health_score=clipped(unclipped),
        health_score_unclipped=unclipped,
        health_score_low=clipped(unclipped - HALF_WIDTH),
        health_score_high=clipped(unclipped + HALF_WIDTH),
        interval_half_width=HALF_WIDTH,
        band=band,
        completeness=sum(item.value is not None for item in drivers) / len(drivers),
        base_points=BASE,
        outcome_points=points("outcome"),
        business_points=points("business"),
        relationship_points=points("relationship"),
        context_points=points("context"),
        drivers=tuple(drivers),
        playbook=None if band == "green" else worst.playbook,
        model_version="7",
        segment=segment,
        unscored_reason=None,
    )


def unscored(account: str, as_of: date, reason: str) -> Assessment:
    """Return an account that has no score, and why."""
    return Assessment(
        account_id=account,
        as_of=as_of,
        target="churn",
        band="unscored",
        completeness=0.4,
        model_version="7",
        segment="mid",
        unscored_reason=reason,
    )


def scored(account: str, health: float, as_of: date, seed: int) -> Assessment:
    """Return an account whose unclipped score is `health`, shared out among the indicators."""
    random = Random(f"{seed}")
    weights = {name: random.uniform(-1, 1) for name in INDICATORS}
    weights["active_users"] += 2.5
    wanted = health - BASE
    parts = {name: wanted * weight / sum(weights.values()) for name, weight in weights.items()}
    drivers = [
        driver(name, None if random.random() < 0.08 else value, parts[name])
        for name, value in _values(seed, as_of).items()
    ]
    found = assess(account, drivers, as_of, segment="mid" if seed % 3 else "small")
    return replace(
        found,
        health_score_unclipped=health,
        health_score=clipped(health),
        health_score_low=clipped(health - HALF_WIDTH),
        health_score_high=clipped(health + HALF_WIDTH),
    )


def clipped(points: float) -> float:
    """Return points as they are told."""
    return min(max(points, 0.0), 100.0)


def _values(seed: int, as_of: date) -> dict[str, float | str]:
    week = (AS_OF - as_of).days // 7
    users = max(1, 40 - seed % 30 + week // 2)
    moving = {
        "active_users": float(users),
        "seat_use": round(users / 60, 3),
        "age": 410.0 - week * 7,
    }
    return OLD_VALUES | moving


def named() -> dict[str, tuple[str | None, float]]:
    """Return the accounts that tests know by id: name and final unclipped score."""
    return {
        "northwind": ("Northwind Logistics", 31.4),
        "script": (SCRIPT, 38.2),
        "edge": ("Edge of Forty & Sons", 39.97),
        "seventy": ("Exactly Seventy", 70.0),
        "clipped-high": ("Ceiling Industries", 112.34),
        "clipped-low": ("Floor Works", -8.66),
        "formula": ('=HYPERLINK("http://example.org","x")', 52.0),
        "plus": ("+49 Telecom", 47.0),
        "minus": ("-Minus Ltd", 61.0),
        "at": ("@Home Care", 66.0),
        ODD_ID: ("Møller & Søn", 44.4),
        "nameless": (None, 81.0),
        "long": ("Vereinigte Donaudampfschifffahrtsgesellschaftskapitänsmützenhersteller AG", 58.0),
    }


def people() -> dict[str, tuple[str | None, float]]:
    """Return every scored account: the named ones and a crowd."""
    random = Random("crowd")
    words = "Halden Aster Bluepeak Orchid Kestrel Juniper Larch Marlow Quill Tern Upland Vesper"
    kinds = "Dental Publishing Energy Travel Foods"
    crowd = [f"{first} {kind}" for first in words.split() for kind in kinds.split()]
    return named() | {
        f"a-{number:03}": (name, random.uniform(12, 108)) for number, name in enumerate(crowd)
    }


def week(number: int) -> date:
    """Return the as-of date of a run, `RUNS - 1` being the latest."""
    return AS_OF - timedelta(days=7 * (RUNS - 1 - number))


def run_of(number: int) -> list[Assessment]:
    """Return all assessments of one week; scores drift towards their final value."""
    day, left = week(number), RUNS - 1 - number
    found = []
    for seed, (account, (_, health)) in enumerate(people().items()):
        drift = (
            0.0 if account in ("edge", "seventy") and left < 1 else ((seed % 7) - 2.6) * left / 1.4
        )
        if account == "a-005" and number == 7:
            found.append(unscored(account, day, NO_HISTORY))
        else:
            found.append(scored(account, health + drift, day, seed))
    if number == RUNS - 1:
        found += [unscored("newcomer", day, NO_HISTORY), scored("first-score", 45.0, day, 3)]
    found += [unscored(f"old-{n:02}", day, INACTIVE) for n in range(40)]
    return [_northwind(item, number) if item.account_id == "northwind" else item for item in found]


def _northwind(item: Assessment, number: int) -> Assessment:
    """The account that the tests read closely: figures that change in the last week."""
    assert item.as_of is not None
    if number < RUNS - 2:
        return item
    now = number == RUNS - 1
    drivers = [
        driver("active_users", 18.0 if now else 22.0, -17.71 if now else -12.2),
        driver("escalations", 2.0 if now else 1.0, -9.14 if now else -5.3),
        driver("seat_use", 0.41, -2.06),
        driver("late_payment", None if now else 3.0, -1.95),
        driver("spend", 2890.5, 4.04),
        driver("nps", 9.0 if now else None, 1.53),
        driver("plan", "Basic", -1.11),
        driver("age", 203.0, -0.45),
    ]
    return assess("northwind", drivers, item.as_of)


def opportunity(item: Assessment) -> Opportunity:
    """Return an opportunity of the account: likeliest where it is healthiest."""
    told = None if item.health_score_unclipped is None else item.health_score_unclipped + 35
    state: State = "unscored" if told is None else "yes" if told >= 70 else "no"
    if state == "yes" and item.band == "red":
        state = "held_back"
    same = {name: getattr(item, name) for name in SAME}
    return Opportunity(
        **same,
        target="expansion",
        opportunity_probability=None if told is None else min(told / 140, 0.99),
        opportunity_score=None if told is None else clipped(told),
        opportunity_score_unclipped=told,
        opportunity_score_low=None if told is None else clipped(told - HALF_WIDTH),
        opportunity_score_high=None if told is None else clipped(told + HALF_WIDTH),
        interval_half_width=None if told is None else HALF_WIDTH,
        opportunity=state,
        base_points=None if told is None else BASE + 35,
        playbook="support-recovery" if state == "yes" else None,
        held_back_reason=f"{HELD_BACK}: not renewing" if state == "held_back" else None,
    )


SAME = (
    "account_id as_of completeness outcome_points business_points relationship_points "
    "context_points drivers model_version segment unscored_reason"
).split()


def facts(*, empty: bool = False) -> pa.Table:
    """Return the account facts of the latest run; `empty` for a company that knows none."""
    ids = [item.account_id for item in run_of(RUNS - 1)]
    names = {account: name for account, (name, _) in people().items()}
    rows: list[dict[str, Any]] = [
        {
            "account_id": account,
            "name": None if empty else names.get(account, account.title()),
            "owner": None if empty or number % 9 == 8 else ("Dana Reyes", "Ivo Kunz")[number % 2],
            "parent": None,
            "mrr": None if empty or number % 11 == 7 else float(450 + (number * 977) % 12000),
            "renewal": None if empty or number % 10 == 9
            else AS_OF + timedelta(days=number * 13 % 400 - 5),
            "since": None if empty else date(2024, 2, 29),
        }
        for number, account in enumerate(ids)
    ]  # fmt: skip
    texts = [(name, pa.string()) for name in ("account_id", "name", "owner", "parent")]
    others = [("mrr", pa.float64()), ("renewal", pa.date32()), ("since", pa.date32())]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, *others]))


def artifact() -> Artifact:
    """Return a small real model; only its evaluation and digest are read by pages."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 1))
    data = lgb.Dataset(X, label=(X[:, 0] > 0).astype(int), feature_name=["active_users__28d"])
    options = {"objective": "binary", "num_leaves": 4, "verbose": -1, "num_threads": 1}
    text = lgb.train(options, data, num_boost_round=2).model_to_string()
    return Artifact(
        target="churn",
        horizon_days=90,
        gap_days=7,
        min_history_days=28,
        scorecard=EMPTY,
        models=(text,),
        calibration=Calibration(1.0, 0.0, 200, 100),
        anchors=Anchors(0.4, 0.1, "declared"),
        interval=ScoreInterval.of(0.3, np.full((1, 1), 0.04)),
        features=(Feature("active_users__28d", "active_users", 28, "number", (), 31.0),),
        meanings={"active_users": Meaning("Users", "outcome", "leading", "users", "x", None)},
        definitions={},
        declaration_hash="0" * 64,
        tested=Tested(
            "later as-of date",
            "artifact",
            "2026-01-05",
            {
                "red": BandOutcome(97, 41),
                "yellow": BandOutcome(310, 38),
                "green": BandOutcome(1204, 29),
            },
        ),
        name="sundial-churn",
        registered_version="7",
    )


def pages(book: Book) -> Starlette:
    """Return the pages of `book` alone, without the guard."""
    return Starlette(routes=[address.route for address in views.addresses(book)])


def publish(
    company: Company,
    *,
    weeks: int = RUNS,
    targets: tuple[str, ...] = ("churn",),
    empty: bool = False,
    promoted: bool = True,
    model: Artifact | None = None,
) -> Book:
    """Publish the company's last `weeks` runs and open the book on them.

    Every one of `targets` gets the same scores, "expansion" opportunities; `empty` leaves the
    account facts out, and `promoted = False` the model that made them, which is `model` or the
    small one.
    """
    settings = Settings()
    workspace = settings.workspace_of(company)
    model = model or artifact()
    if promoted:
        install_champion(model, workspace)
    before: runs.Run | None = None
    for number in range(RUNS - weeks, RUNS):
        found = run_of(number)
        every: list[runs.ScoredRow] = [
            replace(item, target=name) for name in targets for item in found
        ]
        if "expansion" in targets:
            every = [*every[: len(found)], *map(opportunity, found)]
        scores = runs.to_table(every)
        run = _run(company, workspace / "scores", week(number), dict.fromkeys(targets, model))
        tables = {
            "scores": scores,
            "features": pa.table({"account_id": scores["account_id"]}),
            "accounts": facts(empty=empty),
            "changes": _changes(number, before, targets),
        }
        before = runs.write(run, tables)
        runs.make_current([before], workspace / "scores")
    return Book.open(company, settings)


def _changes(number: int, before: runs.Run | None, targets: tuple[str, ...]) -> pa.Table:
    """What moved the invented scores: of every value that changed, the difference of its points."""
    parts = [movement_rows.SCHEMA.empty_table()]
    if before:
        old = {item.account_id: item for item in run_of(number - 1)}
        pairs = [(old[item.account_id], item) for item in run_of(number) if item.account_id in old]
        pairs = [pair for pair in pairs if all(item.drivers for item in pair)]
        found = [movement(*pair) for pair in pairs]
        ids = [item.account_id for _, item in pairs]
        kept = dict(zip(ids, found, strict=True))
        parts += [movement_rows.to_table(kept, target, "run", before) for target in targets]
    return pa.concat_tables(parts)


def movement(before: Assessment, now: Assessment) -> Movement:
    """Return the movement between two weeks; what no changed value explains is the model's."""
    old = {driver.indicator: driver for driver in before.drivers}
    changes = [
        _change(old[item.indicator], item)
        for item in now.drivers
        if old[item.indicator].value != item.value
    ]
    assert before.health_score_unclipped is not None
    assert now.health_score_unclipped is not None
    behaviour, data = (
        sum(item.health_points for item in changes if item.part == part)
        for part in ("behaviour", "data")
    )
    whole = now.health_score_unclipped - before.health_score_unclipped
    return Movement(
        old_score=before.health_score_unclipped,
        new_score=now.health_score_unclipped,
        behaviour=behaviour,
        calendar=0.0,
        windows=0.0,
        data=data,
        model=whole - behaviour - data,
        definition=0.0,
        changes=tuple(sorted(changes, key=lambda item: -abs(item.health_points))),
    )


def _change(old: Driver, new: Driver) -> Change:
    return Change(
        indicator=new.indicator,
        title=new.title,
        dimension=new.dimension,
        kind=new.kind,
        old=old.value,
        new=new.value,
        window=new.window,
        unit=new.unit,
        part="behaviour" if (old.value is None) == (new.value is None) else "data",
        health_points=new.points - old.points,
    )


def _run(company: Company, root: Path, day: date, models: dict[str, Artifact]) -> runs.Run:
    return runs.Run(
        folder=root / f"{day}--7",
        as_of=day,
        computed_at=f"{day}T05:10:00+00:00",
        data_until=day,
        declaration_hash=company.declaration_hash,
        data_digest="0" * 64,
        models={
            name: runs.described(model)
            | {
                "name": f"sundial-{name}",
                "horizon_days": company.targets[name].horizon_days,
                "gap_days": company.targets[name].gap,
            }
            for name, model in models.items()
        },
    )


def printed(health: float) -> str:
    """Return a score as pages print it."""
    return str(floor(health))


def movement_of(old_score: float, changes: Sequence[Change], **parts: float) -> Movement:
    """Return a movement from the old score: its changes, and a new model or definition."""
    sums = {
        part: math.fsum(item.health_points for item in changes if item.part == part)
        for part in CHANGE_PARTS
    }
    every = {**sums, "model": 0.0, "definition": 0.0, **parts}
    return Movement(
        old_score=old_score,
        new_score=old_score + math.fsum(every.values()),
        changes=tuple(changes),
        **every,
    )
