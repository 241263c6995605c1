"""From rows and an artifact to assessments: the only place where health becomes reasons and a plan.

Batch files, the HTTP API and the pages all show what this module says; it is pure (no clock,
no disk, no network).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaring.company import Company, Target
from features.declaring.indicator import DIMENSIONS, Side
from training.calibrating.bands import Band, Obstacle, band_of, obstacles
from training.explaining.drivers import by_indicator, sentence, told
from training.learning.matrix import Feature, known_share, matrix

if TYPE_CHECKING:
    from training.artifact import Artifact

Floats = npt.NDArray[np.float64]

MAX_REASONS = 4
REAL_POINTS = 0.5


@dataclass(frozen=True, slots=True)
class Driver:
    """One indicator's part in an account's score.

    `value` and `usual` are those of the window that moves the score most, in the indicator's
    unit; `window` is in days, `None` for the whole history; `points` are signed, of health or of
    opportunity as the score is.
    """

    indicator: str
    title: str
    dimension: str
    kind: str
    value: float | str | None
    usual: float | str | None
    window: int | None
    unit: str
    points: float
    sentence: str
    playbook: str | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is said of one account for one target on one as-of date.

    `base_points + outcome_points + business_points + relationship_points + context_points` is
    `health_score_unclipped`, and so is `base_points` plus the drivers' points, to 1e-9. An
    unscored account has nulls in their place, no drivers and an `unscored_reason`.
    `health_score_low` and `health_score_high` are the ends of the interval around the score, of
    `interval_half_width` points before it is clipped: no value that goes missing makes it smaller.
    """

    account_id: str
    as_of: date | None
    target: str
    churn_probability: float | None
    health_score: float | None
    health_score_unclipped: float | None
    health_score_low: float | None
    health_score_high: float | None
    interval_half_width: float | None
    band: Band
    completeness: float
    base_points: float | None
    outcome_points: float | None
    business_points: float | None
    relationship_points: float | None
    context_points: float | None
    drivers: tuple[Driver, ...]
    playbook: str | None
    model_version: str
    segment: str
    unscored_reason: str | None


def assess(rows: pa.Table, artifact: "Artifact", company: Company) -> list[Assessment]:
    """What the artifact of an adverse target says of each row, in the rows' order.

    Parameters
    ----------
    rows : pyarrow.Table
        Snapshot rows: account_id, as_of, segment, history_days, `eligible__TARGET` and the
        artifact's columns.

    Raises
    ------
    ContractBroken
        The rows lack columns that the model needs, or have them in another type.
    """
    return [
        Assessment(**about, **(_health(found) if found else _UNSCORED))
        for about, found in scored(rows, artifact, company)
    ]


class Scored(NamedTuple):
    """What any target's model says of a row: probability, unclipped score, and its parts.

    `half_width` is that of the interval around the unclipped score.
    """

    probability: float
    unclipped: float
    half_width: float
    base: float
    dimensions: dict[str, float]
    drivers: tuple[Driver, ...]

    @property
    def held(self) -> tuple[float, float, float]:
        """The score and both ends of its interval, within 0 to 100."""
        points = (
            self.unclipped,
            self.unclipped - self.half_width,
            self.unclipped + self.half_width,
        )
        score, low, high = (float(np.clip(item, 0, 100)) for item in points)
        return score, low, high


def scored(
    rows: pa.Table, artifact: "Artifact", company: Company
) -> list[tuple[dict[str, Any], Scored | None]]:
    """For each row what is said of it in any case, and its score where it has one.

    Parameters and errors as of `assess`.
    """
    X = matrix(rows, artifact.features)
    facts = _facts(rows)
    completeness = known_share(X, artifact.features)
    target = company.targets[artifact.target]
    codes = obstacles(rows, artifact.target, artifact.min_history_days, completeness)
    why = [
        _why_unscored(Obstacle(code), fact["history_days"], artifact.min_history_days, target)
        for code, fact in zip(codes.tolist(), facts, strict=True)
    ]
    found = iter(_scored(X[[reason is None for reason in why]], artifact, company))
    return [
        (_about(fact, float(share), reason, artifact), None if reason else next(found))
        for fact, share, reason in zip(facts, completeness, why, strict=True)
    ]


def _about(
    fact: dict[str, Any], completeness: float, reason: str | None, artifact: "Artifact"
) -> dict[str, Any]:
    return {
        "account_id": fact["account_id"],
        "as_of": fact["as_of"],
        "segment": fact["segment"],
        "target": artifact.target,
        "completeness": completeness,
        "model_version": artifact.version,
        "unscored_reason": reason,
    }


def _facts(rows: pa.Table) -> list[dict[str, Any]]:
    facts: list[dict[str, Any]] = rows.select(
        ["account_id", "as_of", "segment", "history_days"]
    ).to_pylist()
    return facts


def _why_unscored(
    obstacle: Obstacle, history_days: int, min_history: int, target: Target
) -> str | None:
    """The obstacle in words."""
    match obstacle:
        case Obstacle.NONE:
            return None
        case Obstacle.INACTIVE if target.contractual:
            return "No active subscription"
        case Obstacle.INACTIVE:
            return f"No longer active: nothing in the last {target.active_within} days"
        case Obstacle.TOO_NEW:
            return f"Too little history: {history_days} days, {min_history} are needed"
        case Obstacle.NOTHING_KNOWN:
            return "None of the indicators is known"


_UNSCORED: dict[str, Any] = dict.fromkeys(
    [
        "churn_probability",
        "health_score",
        "health_score_unclipped",
        "health_score_low",
        "health_score_high",
        "interval_half_width",
        "base_points",
        "outcome_points",
        "business_points",
        "relationship_points",
        "context_points",
        "playbook",
    ]
) | {"band": "unscored", "drivers": ()}


def _health(found: Scored) -> dict[str, Any]:
    score, low, high = found.held
    return {
        "churn_probability": found.probability,
        "health_score": score,
        "health_score_unclipped": found.unclipped,
        "health_score_low": low,
        "health_score_high": high,
        "interval_half_width": found.half_width,
        "band": band_of(found.unclipped),
        "base_points": found.base,
        **found.dimensions,
        "drivers": found.drivers,
        "playbook": _playbook(found.drivers, found.unclipped),
    }


def _scored(X: Floats, artifact: "Artifact", company: Company) -> list[Scored]:
    """Probability, score, points and drivers of each row."""
    if not len(X):
        return []
    scale = artifact.scale
    contributions = artifact.contributions(X)
    margins = contributions.sum(axis=1)
    unclipped, probability = scale.unclipped(margins), scale.probability(margins)
    half_widths = artifact.half_widths(X)
    base = scale.unclipped(contributions[:, -1])
    points = contributions[:, :-1] * scale.points_per_margin
    sides = {} if artifact.adverse else _sides(company)
    drivers = _drivers(X, contributions, artifact, sides)
    return [
        Scored(
            float(probability[row]),
            float(unclipped[row]),
            float(half_widths[row]),
            float(base[row]),
            _by_dimension(points[row], artifact),
            drivers[row],
        )
        for row in range(len(X))
    ]


def _by_dimension(points: Floats, artifact: "Artifact") -> dict[str, float]:
    """The points of each dimension; context indicators apart."""
    found = dict.fromkeys([f"{name}_points" for name in (*DIMENSIONS, "context")], 0.0)
    for feature, worth in zip(artifact.features, points, strict=True):
        meaning = artifact.meanings[feature.indicator]
        name = "context" if meaning.kind == "context" else meaning.dimension
        found[f"{name}_points"] += float(worth)
    return found


def _drivers(
    X: Floats, contributions: Floats, artifact: "Artifact", sides: Mapping[str, Side | None]
) -> list[tuple[Driver, ...]]:
    """Every indicator of every row, what moves the score most first."""
    names, folded = by_indicator(contributions, artifact.features)
    points = folded * artifact.scale.points_per_margin
    places = told(artifact.features, X, contributions)
    order = np.argsort(-np.abs(points), axis=1, kind="stable")
    return [
        tuple(
            _driver(
                names[i],
                artifact,
                places[row, i],
                X[row, places[row, i]],
                float(points[row, i]),
                sides.get(names[i]),
            )
            for i in order[row]
        )
        for row in range(len(X))
    ]


def _driver(
    name: str,
    artifact: "Artifact",
    place: int,
    coded: float,
    points: float,
    side: Side | None,
) -> Driver:
    meaning, feature = artifact.meanings[name], artifact.features[place]
    value = feature.value(coded)
    return Driver(
        indicator=name,
        title=meaning.title,
        dimension=meaning.dimension,
        kind=artifact.kinds[name],
        value=value,
        usual=feature.usual,
        window=feature.window,
        unit=meaning.unit,
        points=points,
        sentence=sentence(meaning, feature, value, lowers=_is_bad(points, value, feature, side)),
        playbook=meaning.playbook,
    )


def _sides(company: Company) -> dict[str, Side | None]:
    return {name: item.healthy for name, item in company.indicators.items()}


def _is_bad(points: float, value: float | str | None, feature: Feature, side: Side | None) -> bool:
    """Whether the sentence for what is bad is told.

    A health score decides it. An opportunity's says nothing of health, so there the declared
    healthy `side` of the value does, against the usual one.
    """
    usual = feature.usual
    if side is None or not isinstance(value, float) or not isinstance(usual, float):
        return points < 0
    return value < usual if side == "higher" else value > usual


def _playbook(drivers: Sequence[Driver], health_score: float) -> str | None:
    """The playbook of the worst real driver that can be acted on: known, and not context.

    A green account needs none.
    """
    if band_of(health_score) == "green":
        return None
    actionable = [
        item
        for item in drivers
        if item.playbook and item.kind != "context" and item.value is not None
    ]
    worst = min(actionable, key=lambda item: item.points, default=None)
    return worst.playbook if worst and worst.points <= -REAL_POINTS else None


class Driven(Protocol):
    """What has drivers and may have a playbook: an assessment, or an opportunity."""

    @property
    def drivers(self) -> tuple[Driver, ...]:
        """What moves the score."""

    @property
    def playbook(self) -> str | None:
        """What is to be done, if anything."""


def reasons(assessment: Driven) -> tuple[Driver, ...]:
    """The drivers worth saying: at most four, of known value, none of them context.

    The largest leading one comes first, for a lagging one is no headline; the others follow by
    the size of their points. Where all tell one side, a real one (half a point or more) of the
    other side takes the last place.
    """
    told = [
        item for item in assessment.drivers if item.kind != "context" and item.value is not None
    ]
    told = [item for item in told if abs(item.points) >= REAL_POINTS]
    ranked = sorted(told, key=lambda item: (-abs(item.points), item.indicator))
    headline = next((item for item in ranked if item.kind == "leading"), None)
    if headline is None:
        return ()
    return tuple(_both_sides([headline, *(item for item in ranked if item is not headline)]))


def _both_sides(ranked: Sequence[Driver]) -> list[Driver]:
    first = list(ranked[:MAX_REASONS])
    sides = {item.points > 0 for item in first}
    other = [item for item in ranked[MAX_REASONS:] if (item.points > 0) not in sides]
    return [*first[:-1], other[0]] if len(sides) == 1 and other else first
