"""The checks of an artifact's values, beyond its digests.

Anyone who can write a folder can also renew its digests, so nothing is taken for granted: every
value must have its field's type, and together they must score the rows that they were made for.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import ConfigDict, JsonValue, TypeAdapter, ValidationError

from training.calibrating.calibration import Calibration
from training.calibrating.health import Anchors, Scale
from training.calibrating.opportunity import Edge, OpportunityScale
from training.calibrating.score_interval import ScoreInterval
from training.explaining.drivers import Meaning
from training.learning.matrix import Feature
from training.learning.scorecard import Scorecard
from training.records.evaluation import Tested

# Whole numbers beyond it are not exact as float64.
LONGEST = 2**53
HUGE = 1e30


@dataclass(frozen=True)
class ArtifactContent:
    """What `artifact.json` holds beside its format; `models` is how many texts belong to it."""

    # A key that no field has means another format, or a forged file.
    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    target: str
    horizon_days: int
    gap_days: int
    min_history_days: int
    models: int
    scorecard: Scorecard
    calibration: Calibration
    anchors: Anchors | Edge
    features: tuple[Feature, ...]
    meanings: dict[str, Meaning]
    definitions: dict[str, str]
    declaration_hash: str
    interval: ScoreInterval
    lagging: tuple[str, ...]
    tested: Tested | None
    data_until: str | None


class Scoring(Protocol):
    """The values of an artifact that must fit each other for it to score."""

    @property
    def horizon_days(self) -> int:
        """Days that the target looks ahead."""

    @property
    def gap_days(self) -> int:
        """Days between the as-of date and the horizon."""

    @property
    def min_history_days(self) -> int:
        """Days of history that an account needs."""

    @property
    def scorecard(self) -> Scorecard:
        """Points per column."""

    @property
    def calibration(self) -> Calibration:
        """The line from margins to logits."""

    @property
    def anchors(self) -> Anchors | Edge:
        """The probabilities at the edges of its bands."""

    @property
    def scale(self) -> Scale | OpportunityScale:
        """The scale of its scores."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """Its columns, in their order."""

    @property
    def meanings(self) -> Mapping[str, object]:
        """By indicator."""

    @property
    def interval(self) -> ScoreInterval:
        """How wide the ranges of its scores are."""


def parse(text: str) -> dict[str, JsonValue]:
    """The object that the JSON `text` holds, all its numbers finite.

    Raises
    ------
    ValueError
        It is not that.
    """
    try:
        content = json.loads(
            text, parse_constant=_no_number, parse_float=_finite, parse_int=_not_too_long
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(content, dict):
        raise ValueError("it is not an object")
    return content


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is too large")
    return number


def _not_too_long(text: str) -> int:
    if len(text) > len(str(LONGEST)) or abs(int(text)) > LONGEST:
        raise ValueError(f"{text[:20]} is too large")
    return int(text)


def typed(values: dict[str, JsonValue]) -> ArtifactContent:
    """The typed content.

    Raises
    ------
    ValueError
        A value is not of its field's type; the message has its place.
    """
    try:
        # As JSON, where a list is a tuple and yet no text is a number.
        content: ArtifactContent = _adapter().validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg'].lower()}") from None
    return content


@cache
def _adapter() -> TypeAdapter[ArtifactContent]:
    return TypeAdapter(ArtifactContent)


def require_sense(artifact: Scoring) -> None:
    """Raises ValueError, with what is wrong, unless the values fit each other and can score."""
    names = [feature.name for feature in artifact.features]
    unknown = {feature.indicator for feature in artifact.features} - artifact.meanings.keys()
    width = artifact.interval.mistake(len(artifact.features))
    wrong = {
        width: bool(width),
        "calibration.slope must be above 0": artifact.calibration.slope <= 0,
        f"anchors must have {_ORDER}": not _in_order(artifact.anchors),
        "features must have a name each": len(set(names)) < len(names),
        f"meanings lack {', '.join(sorted(unknown))}": bool(unknown),
        "days must not be negative": min(
            artifact.horizon_days, artifact.gap_days, artifact.min_history_days
        )
        < 0,
    }
    if broken_rule := next((mistake for mistake, is_so in wrong.items() if is_so), None):
        raise ValueError(broken_rule)
    _require_scores(artifact)


_ORDER = "0 < p_green < p_red < 1, or 0 < p_high < 1"


def _in_order(anchors: Anchors | Edge) -> bool:
    if isinstance(anchors, Edge):
        return 0 < anchors.p_high < 1
    return 0 < anchors.p_green < anchors.p_red < 1


def _require_scores(artifact: Scoring) -> None:
    """The scorecard gives every kind of row finite health points."""
    with np.errstate(all="ignore"):
        try:
            points = artifact.scorecard.contributions(_probes(artifact.features))
        except (ValueError, IndexError, TypeError) as error:
            raise ValueError(f"scorecard does not fit the features: {error}") from error
        scores = [artifact.scale.unclipped(points.sum(axis=1))]
        scores += list(points * artifact.scale.points_per_margin)
    if not all(np.isfinite(values).all() for values in scores):
        raise ValueError("scorecard: its points do not give finite scores")


def _probes(features: tuple[Feature, ...]) -> npt.NDArray[np.float64]:
    """Rows of unknown values, and of each column's smallest and largest values."""
    sides = [_sides(feature) for feature in features]
    return np.array([[math.nan] * len(sides), *zip(*sides, strict=True)])


def _sides(feature: Feature) -> tuple[float, float]:
    if feature.dtype == "number":
        return -HUGE, HUGE
    return (0.0, len(feature.categories) - 1.0) if feature.categories else (math.nan, math.nan)
