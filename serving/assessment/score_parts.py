"""The scores of rows by any target's model: probability, score and the parts that add up to it.

Health and opportunities are read off it, each by its own rule, in the modules beside this one. It
is pure (no clock, no disk, no network).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaring.company import Company
from features.declaring.indicator import DIMENSIONS, Healthy
from features.declaring.target import Target
from features.plurals import counted
from training.calibrating.bands import Obstacle, obstacles
from training.explaining.drivers import by_indicator, of_segment, sentence, shown_feature, told
from training.learning.matrix import HISTORY, Feature, known_share, matrix

if TYPE_CHECKING:
    from training.artifact import Artifact

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Driver:
    """One indicator's part in an account's score.

    `value` and `usual` are those of the window that moves the score most, in the indicator's
    unit; `window` is in days, `None` for the whole history; `points` are signed, of health or of
    opportunity as the score is. `unhealthy` are values on the unhealthy side of the usual one that
    raise an opportunity whose target does not say so: nothing to praise. Drivers of one `concept`
    are one fact.
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
    unhealthy: bool = False
    concept: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetScore:
    """One account's score for one target on one as-of date, of either kind.

    `base_points + outcome_points + business_points + relationship_points + context_points` is the
    unclipped score, and so is `base_points` plus the drivers' points, to 1e-9. An unscored account
    has nulls in their place, no drivers and an `unscored_reason`. The interval around the score is
    of `interval_half_width` points before it is clipped: no value that goes missing makes it
    smaller.
    """

    account_id: str
    as_of: date | None
    target: str
    interval_half_width: float | None = None
    completeness: float
    base_points: float | None = None
    outcome_points: float | None = None
    business_points: float | None = None
    relationship_points: float | None = None
    context_points: float | None = None
    drivers: tuple[Driver, ...] = ()
    playbook: str | None = None
    model_version: str
    segment: str
    unscored_reason: str | None = None


class PartFields(TypedDict):
    """The fields of a `TargetScore` that its parts fill."""

    interval_half_width: float
    base_points: float
    outcome_points: float
    business_points: float
    relationship_points: float
    context_points: float
    drivers: tuple[Driver, ...]


class ScoreParts(NamedTuple):
    """The score of a row and its parts, before it is read as health or as an opportunity.

    `half_width` is that of the interval around the unclipped score.
    """

    probability: float
    unclipped: float
    half_width: float
    base: float
    drivers: tuple[Driver, ...]
    outcome_points: float
    business_points: float
    relationship_points: float
    context_points: float

    @property
    def on_scale(self) -> tuple[float, float, float]:
        """The score and both ends of its interval, capped at 0 and 100."""
        points = (
            self.unclipped,
            self.unclipped - self.half_width,
            self.unclipped + self.half_width,
        )
        score, low, high = (float(np.clip(end, 0, 100)) for end in points)
        return score, low, high

    @property
    def fields(self) -> PartFields:
        """The fields that both kinds of score keep."""
        return {
            "interval_half_width": self.half_width,
            "base_points": self.base,
            "outcome_points": self.outcome_points,
            "business_points": self.business_points,
            "relationship_points": self.relationship_points,
            "context_points": self.context_points,
            "drivers": self.drivers,
        }


class AboutRow(TypedDict):
    """The fields of every row, scored or not."""

    account_id: str
    as_of: date | None
    segment: str
    target: str
    completeness: float
    model_version: str
    unscored_reason: str | None


def score_parts(
    rows: pa.Table, artifact: "Artifact", company: Company
) -> list[tuple[AboutRow, ScoreParts | None]]:
    """For each row, in order, the fields of every row, and its score where it has one.

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
    X = matrix(rows, artifact.features)
    completeness = known_share(X, artifact.features)
    codes = obstacles(rows, artifact.target, artifact.min_history_days, completeness)
    scored = codes == Obstacle.NONE
    asked = rows.filter(pa.array(scored))
    parts = iter(_parts(X[scored], asked, artifact, company))
    return [
        (about, next(parts) if about["unscored_reason"] is None else None)
        for about in _about(rows, codes.tolist(), completeness.tolist(), artifact, company)
    ]


def _about(
    rows: pa.Table,
    codes: Sequence[int],
    completeness: Sequence[float],
    artifact: "Artifact",
    company: Company,
) -> list[AboutRow]:
    target, decision = company.targets[artifact.target], f"decision__{artifact.target}"
    asked = [decision] if target.by_renewal and decision in rows.column_names else []
    facts = rows.select(["account_id", "as_of", "segment", "history_days", *asked]).to_pylist()
    return [
        {
            "account_id": fact["account_id"],
            "as_of": fact["as_of"],
            "segment": fact["segment"],
            "target": artifact.target,
            "completeness": share,
            "model_version": artifact.version,
            "unscored_reason": _why_not_asked(
                Obstacle(code), _days_ahead(fact["as_of"], fact.get(decision)), target
            )
            or _why_unscored(
                Obstacle(code), fact["history_days"], artifact.min_history_days, target
            ),
        }
        for fact, code, share in zip(facts, codes, completeness, strict=True)
    ]


def _days_ahead(as_of: date | None, decision: date | None) -> int:
    """Days until the account's next decision; 0 where there is none."""
    return (decision - as_of).days if as_of and decision else 0


def _why_not_asked(obstacle: Obstacle, ahead: int, target: Target) -> str | None:
    """The obstacle in words, where it is one of the renewal; `ahead` is in days."""
    decided = "Notice ends" if target.notice else "Renews"
    when = f"in {counted(ahead, 'day')}" if ahead else "today"
    match obstacle:
        case Obstacle.DECIDED_SOON:
            return f"{decided} {when}: no longer scored"
        case Obstacle.PENDING:
            return f"Renewal due {counted(-ahead, 'day')} ago: not signed yet"
        case Obstacle.OVERDUE:
            return "Renewal overdue: neither signed nor ended"
        case Obstacle.LEAVING:
            return "Leaving: the end of the contract is known"
        case Obstacle.FAR_OFF:
            return f"{decided} {when}: scored from {target.at_most} days before"
        case Obstacle.NO_RENEWAL:
            return "No renewal date is known"
    return None


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
    return None


def _parts(X: Floats, rows: pa.Table, artifact: "Artifact", company: Company) -> list[ScoreParts]:
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
    sides = {} if artifact.adverse else _sides(company, artifact.target)
    drivers = _drivers(X, rows, contributions, artifact, _Told(sides, _concepts(company)))
    return [
        ScoreParts(
            probability=float(probability[row]),
            unclipped=float(unclipped[row]),
            half_width=float(half_widths[row]),
            base=float(base[row]),
            drivers=drivers[row],
            **_by_dimension(points[row], artifact),
        )
        for row in range(len(X))
    ]


def _by_dimension(points: Floats, artifact: "Artifact") -> dict[str, float]:
    """The points of each dimension; context indicators apart."""
    sums = dict.fromkeys([f"{name}_points" for name in (*DIMENSIONS, "context")], 0.0)
    for feature, worth in zip(artifact.features, points, strict=True):
        meaning = artifact.meanings[feature.indicator]
        name = "context" if meaning.kind == "context" else meaning.dimension
        sums[f"{name}_points"] += float(worth)
    return sums


def _drivers(
    X: Floats,
    rows: pa.Table,
    contributions: Floats,
    artifact: "Artifact",
    said: "_Told",
) -> list[tuple[Driver, ...]]:
    """Every indicator of every row, what moves the score most first."""
    names, folded = by_indicator(contributions, artifact.features)
    points = folded * artifact.scale.points_per_margin
    columns = shown_feature(artifact.features, X, contributions)
    history, segments = rows[HISTORY].to_numpy(), rows["segment"].to_pylist()
    usual = {name: of_segment(artifact.features, name) for name in set(segments)}
    order = np.argsort(-np.abs(points), axis=1, kind="stable")
    return [
        tuple(
            _driver(
                names[i],
                artifact,
                *told(usual[segments[row]], int(columns[row, i]), X[row], history[row]),
                float(points[row, i]),
                said,
            )
            for i in order[row]
        )
        for row in range(len(X))
    ]


def _driver(
    name: str,
    artifact: "Artifact",
    feature: Feature,
    coded: float,
    points: float,
    said: "_Told",
) -> Driver:
    meaning, value = artifact.meanings[name], feature.value(coded)
    is_bad = _is_bad(points, value, feature, said.sides.get(name))
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
        sentence=sentence(meaning, feature, value, lowers=is_bad),
        playbook=meaning.playbook,
        unhealthy=is_bad and points > 0,
        concept=said.concepts.get(name),
    )


class _Told(NamedTuple):
    """How indicators are told: the good side of each, where it matters, and its concept."""

    sides: Mapping[str, Healthy | None]
    concepts: Mapping[str, str | None]


def _concepts(company: Company) -> dict[str, str | None]:
    return {name: company.indicators[name].concept for name in company.indicators}


def _sides(company: Company, target: str) -> dict[str, Healthy | None]:
    """The side of each indicator's value that is good, for the sentences of an opportunity.

    The one on which the target itself says that it is likelier, else the healthy one.
    """
    likelier = company.targets[target].likelier
    return {
        name: likelier.get(name, indicator.healthy)
        for name, indicator in company.indicators.items()
    }


def _is_bad(
    points: float, value: float | str | None, feature: Feature, side: Healthy | None
) -> bool:
    """Whether the sentence is the one for what is bad.

    A health score decides it. An opportunity's says nothing of health, so there the declared
    `side` of the value does, against the usual one.
    """
    usual = feature.usual
    if (
        side not in ("higher", "lower")
        or not isinstance(value, float)
        or not isinstance(usual, float)
    ):
        return points < 0
    return value < usual if side == "higher" else value > usual
