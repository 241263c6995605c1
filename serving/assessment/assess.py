"""From rows and an artifact to assessments: the only place where health becomes a band and a plan.

Batch files, the HTTP API and the pages all show what this module says; it is pure (no clock,
no disk, no network).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import pyarrow as pa

from features.declaring.company import Company
from serving.assessment.forecasts import forecasts
from serving.assessment.reasons import REAL_POINTS
from serving.assessment.score_parts import (
    AboutRow,
    Driver,
    ScoreParts,
    TargetScore,
    score_parts,
)
from training.calibrating.bands import Band, band_of

if TYPE_CHECKING:
    from training.artifact import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(TargetScore):
    """The health of one account for one adverse target on one as-of date.

    `health_score` is 0 to 100, 100 the healthiest; `health_score_low` and `health_score_high` are
    the ends of the interval around it. By renewal, `forecast_probability` is the chance that it
    leaves within `forecast_days` of the as-of date, of everybody with a running contract.
    """

    churn_probability: float | None = None
    health_score: float | None = None
    health_score_unclipped: float | None = None
    health_score_low: float | None = None
    health_score_high: float | None = None
    band: Band
    forecast_probability: float | None = None
    forecast_days: int | None = None


class Forecast(TypedDict):
    """The fields of the forecast beside a light."""

    forecast_probability: float | None
    forecast_days: int | None


def assess(rows: pa.Table, artifact: "Artifact", company: Company) -> list[Assessment]:
    """The assessment of each row by the artifact of an adverse target, in the rows' order.

    Parameters and errors as of `score_parts`.
    """
    within = None if artifact.forecast is None else artifact.forecast.horizon_days
    ahead: list[Forecast] = [
        {"forecast_probability": chance, "forecast_days": None if chance is None else within}
        for chance in forecasts(rows, artifact)
    ]
    return [
        _assessment(about, parts, forecast)
        if parts
        else Assessment(**about, **forecast, band="unscored")
        for (about, parts), forecast in zip(
            score_parts(rows, artifact, company), ahead, strict=True
        )
    ]


def _assessment(about: AboutRow, parts: ScoreParts, forecast: Forecast) -> Assessment:
    score, low, high = parts.on_scale
    return Assessment(
        **about,
        **parts.fields,
        **forecast,
        churn_probability=parts.probability,
        health_score=score,
        health_score_unclipped=parts.unclipped,
        health_score_low=low,
        health_score_high=high,
        band=band_of(parts.unclipped),
        playbook=_playbook(parts.drivers, parts.unclipped),
    )


def _playbook(drivers: Sequence[Driver], health_score: float) -> str | None:
    """The playbook of the worst real driver that can be acted on: known, and not context.

    A green account needs none.
    """
    if band_of(health_score) == "green":
        return None
    actionable = [
        driver
        for driver in drivers
        if driver.playbook and driver.kind != "context" and driver.value is not None
    ]
    worst = min(actionable, key=lambda driver: driver.points, default=None)
    return worst.playbook if worst and worst.points <= -REAL_POINTS else None
