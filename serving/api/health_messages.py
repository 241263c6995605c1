"""Health scores as the API sends them: one score, one account, one page of the list."""

from typing import Annotated, get_args

from pydantic import WithJsonSchema
from typing_extensions import TypedDict

from serving.api.score_messages import (
    AccountFacts,
    DimensionName,
    DriverCommon,
    KindName,
    PageCommon,
    ScoreCommon,
    ScoreOrigin,
    account_facts,
    driver_common,
    published_origin,
    score_common,
)
from serving.assessment.assess import Assessment
from serving.assessment.score_parts import Driver
from serving.published.book import Edition, Entry
from serving.published.movement_rows import Moved, Over
from training.calibrating.bands import Band
from training.movement.change import Change, ChangePart


class HealthDriver(DriverCommon):
    """One indicator's part in a health score: negative `health_points` lower it.

    `window` is in days, null for the whole history.
    """

    health_points: float
    playbook: str | None


class _HasDrivers(TypedDict, total=False):
    drivers: list[HealthDriver]


class HealthScore(ScoreCommon, _HasDrivers):
    """Health score (100 = healthiest) and churn probability of one account.

    `base_points` and the four dimensions add up to `health_score_unclipped`, and so do
    `base_points` and the drivers' points. `health_score_low` and `health_score_high` are the ends
    of the interval around the score, of `interval_half_width` points before it is clipped, which
    never shrinks when a value goes missing. An unscored account has nulls and a reason. A score by
    features has neither account_id nor as_of. By renewal, `forecast_probability` is the chance that
    the account leaves within `forecast_days` of the as-of date, whatever its next decision; null
    without a running contract, and for every other target.
    """

    health_score: float | None
    health_score_low: float | None
    health_score_high: float | None
    health_score_unclipped: float | None
    band: Band
    churn_probability: float | None
    forecast_probability: float | None
    forecast_days: int | None


class AccountHealth(HealthScore):
    """The published health score of an account, and its facts."""

    account: AccountFacts


class TrendPoint(TypedDict):
    """The published score of one as-of date."""

    as_of: str
    health_score: float | None
    band: Band


class IndicatorChange(TypedDict):
    """One indicator that changed since an earlier run, and its part in the score's movement.

    `part` says why it changed: behaviour of the account; the calendar, for what moves by the date
    alone; windows that old facts left while no new ones came, or in which more ran out than its
    pace brings in; data that came, went or was corrected. `still` is the value that it would have,
    had nothing become known since, `last_fact` the day of its last fact known by then; both are
    null where that was not worked out. `window` is in days, null for the whole history.
    """

    indicator: str
    title: str
    dimension: DimensionName
    kind: KindName
    part: Annotated[str, WithJsonSchema({"enum": list(get_args(ChangePart))})]
    old: float | str | None
    new: float | str | None
    window: int | None
    unit: str
    health_points: float
    still: float | str | None
    last_fact: str | None


class ScoreMovement(TypedDict):
    """What moved the unclipped score since an earlier run.

    `over` says which: the run before, the one of 4 or of 13 weeks ago, or the first since the
    account's last renewal. `behaviour`, `calendar`, `windows`, `data`, `model` and `definition`
    add up to `new_score` minus `old_score`; the points of the `indicators` add up to the first
    four. Only what changed has points.
    """

    over: Annotated[str, WithJsonSchema({"enum": list(get_args(Over))})]
    since: str
    old_score: float
    new_score: float
    behaviour: float
    calendar: float
    windows: float
    data: float
    model: float
    definition: float
    indicators: list[IndicatorChange]


class AccountHealthDetail(AccountHealth):
    """As in the list, with drivers, trend (oldest as-of date first) and what moved the score.

    `changes` is null where the account has no score in this run or had none in the previous one,
    or where the previous run, or its model, could not be read. `movements` are the same since every
    run that it is compared with, as far as the account had a score in it.
    """

    trend: list[TrendPoint]
    changes: ScoreMovement | None
    movements: list[ScoreMovement]


class HealthPage(PageCommon):
    """One page of the list: lowest health score first, unscored accounts last.

    `total` counts all accounts that pass the filters; `next` is the `after` of the next page, null
    on the last one.
    """

    accounts: list[AccountHealth]


def health_score(score: Assessment, origin: ScoreOrigin, *, drivers: bool) -> HealthScore:
    """The message of one health score, with or without its drivers."""
    message: HealthScore = {
        # mypy: TypedDict unpacking loses the drivers type.
        **score_common(score, origin),  # type: ignore[typeddict-item]
        "health_score": score.health_score,
        "health_score_low": score.health_score_low,
        "health_score_high": score.health_score_high,
        "health_score_unclipped": score.health_score_unclipped,
        "band": score.band,
        "churn_probability": score.churn_probability,
        "forecast_probability": score.forecast_probability,
        "forecast_days": score.forecast_days,
    }
    if drivers:
        message["drivers"] = _drivers(score.drivers)
    return message


def account_health(entry: Entry, edition: Edition, *, drivers: bool) -> AccountHealth:
    """The message of one published account, with or without its drivers."""
    score = health_score(entry.assessment, published_origin(entry, edition), drivers=False)
    message: AccountHealth = {**score, "account": account_facts(entry)}
    if drivers:
        message["drivers"] = _drivers(entry.assessment.drivers)
    return message


def account_health_detail(entry: Entry, edition: Edition) -> AccountHealthDetail:
    """The message of one published account with drivers, trend and changes."""
    trend: list[TrendPoint] = [
        {"as_of": point.as_of.isoformat(), "health_score": point.health_score, "band": point.band}
        for point in entry.trend
    ]
    account = account_health(entry, edition, drivers=True)
    moved = [_movement(item) for item in entry.moved]
    last = next((item for item in moved if item["over"] == "run"), None)
    return {**account, "trend": trend, "changes": last, "movements": moved}


def _drivers(drivers: tuple[Driver, ...]) -> list[HealthDriver]:
    return [
        {**driver_common(driver), "health_points": driver.points, "playbook": driver.playbook}
        for driver in drivers
    ]


def _movement(moved: Moved) -> ScoreMovement:
    movement = moved.movement
    return {
        "over": moved.over,
        "since": moved.since.isoformat(),
        "old_score": movement.old_score,
        "new_score": movement.new_score,
        "behaviour": movement.behaviour,
        "calendar": movement.calendar,
        "windows": movement.windows,
        "data": movement.data,
        "model": movement.model,
        "definition": movement.definition,
        "indicators": [_change(change) for change in movement.changes],
    }


def _change(change: Change) -> IndicatorChange:
    last_fact = change.last_fact
    return {
        "indicator": change.indicator,
        "title": change.title,
        "dimension": change.dimension,
        "kind": change.kind,
        "part": change.part,
        "old": change.old,
        "new": change.new,
        "window": change.window,
        "unit": change.unit,
        "health_points": change.health_points,
        "still": change.still,
        "last_fact": last_fact.isoformat() if last_fact else None,
    }
