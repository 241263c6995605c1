"""On which outcomes champion and challenger may be compared, and who stands for the challenger.

Only dates that neither model has learnt from count. A challenger that was trained on all that is
known leaves none: then its procedure is repeated on those of its dates that were settled by the
last of them, and what that makes stands in its place on that one. If the champion has learnt from
it too, nothing can be compared, and that is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import numpy as np

from features import clock
from features.errors import GateRefused
from features.progress import Progress, silent
from training import procedure
from training.artifact import Artifact
from training.learning import split
from training.learning.matrix import matrix
from training.learning.model import ModelSettings
from training.learning.search import Choice
from training.metrics import quality
from training.review.ground import Ground


@dataclass(frozen=True)
class Basis:
    """The dates that are compared on, and the model that stands for the challenger there.

    `kind` is "unseen" (neither model has learnt from the dates), "procedure" (the challenger's
    procedure, repeated) or "none"; `stands` is None for the last. `standings` says of every date
    that has matured since the champion what either model has to do with it.
    """

    kind: Literal["unseen", "procedure", "none"]
    days: Sequence[date]
    stands: Artifact | None
    told: str
    standings: Sequence[dict[str, Any]]
    repeated_auc: float | None = None
    """Of the repeated procedure on all rows that judged it, as its evaluation states it."""
    same: bool = False
    """Whether the repeated procedure makes the champion itself."""


def basis(ground: Ground, progress: Progress = silent) -> Basis:
    """The best ground for a comparison that the history allows."""
    champion, challenger = ground.models
    since = [
        day
        for day in ground.dates.mature
        if clock.settled(day, champion.target) > champion.taught_until
    ]
    standings = [
        {
            "as_of": str(day),
            "champion": champion.standing(day),
            "challenger": challenger.standing(day),
        }
        for day in since
    ]
    fresh = [day for day in since if champion.standing(day) == "unseen"]
    unseen = [day for day in fresh if challenger.standing(day) == "unseen"]
    if unseen:
        told = "both models are compared on dates that neither of them has learnt from"
        return Basis("unseen", unseen, challenger.artifact, told, standings)
    return _by_procedure(ground, fresh, standings, progress)


def _by_procedure(
    ground: Ground,
    fresh: Sequence[date],
    standings: Sequence[dict[str, Any]],
    progress: Progress,
) -> Basis:
    """The challenger's procedure, repeated, on the last date that taught it."""
    challenger = ground.models.challenger
    day = challenger.taught[-1]
    earlier = split.settled_before(challenger.taught, day, challenger.target)
    if why := _not_repeated(fresh, day, earlier):
        return Basis("none", (), None, why, standings)
    progress(f"repeating the challenger's procedure as of {day}")
    try:
        stands = repeated(ground, earlier)
    except GateRefused as error:
        told = f"the challenger's procedure cannot be repeated as of {day}: {error}"
        return Basis("none", (), None, told, standings)
    same = _is_champion(ground, stands)
    told = (
        "the challenger has learnt from every date that the champion has not; its procedure, "
        f"repeated on the {len(earlier)} dates that were settled by {day}, stands for it there"
        f"{THE_SAME if same else ''}"
    )
    made = _auc(ground, stands, day)
    return Basis("procedure", [day], stands, told, standings, repeated_auc=made, same=same)


THE_SAME = (
    ", and makes the champion itself: the two differ by what has been learnt since alone, which "
    "nothing can judge yet"
)


def _not_repeated(fresh: Sequence[date], day: date, earlier: Sequence[date]) -> str:
    """Why the procedure cannot stand for the challenger on `day`; empty where it can."""
    if not fresh:
        return (
            "no outcome has matured that the champion has not learnt from: the two cannot be "
            "compared"
        )
    if day not in fresh or not earlier:
        return (
            "there is no date that neither model has learnt from, and none on which the "
            "challenger's procedure could be repeated beside the champion: the two cannot be "
            "compared"
        )
    return ""


def _is_champion(ground: Ground, stands: Artifact) -> bool:
    champion = ground.models.champion.artifact
    pairs = [(item.scorecard, item.models, item.calibration) for item in (stands, champion)]
    return pairs[0] == pairs[1]


def _auc(ground: Ground, stands: Artifact, day: date) -> float:
    rows = procedure.labelled(ground.mature.on([day]), ground.company, ground.target)
    labels = rows[f"label__{ground.target}"].to_numpy().astype(np.int8)
    margins = stands.margins(matrix(rows, stands.features))
    return quality.auc(stands.calibration.logits(margins), labels)


def repeated(ground: Ground, days: Sequence[date]) -> Artifact:
    """What the challenger's procedure makes of the rows of `days`.

    From the challenger's own columns, whatever has been declared since, and with its own settings
    and anchors: so few rows may not support bands, and to compare probabilities none are needed.
    """
    challenger = ground.models.challenger.artifact
    made = challenger.training
    company = procedure.under(ground.company, ground.target, challenger.anchors)
    choice = Choice(ModelSettings(**made["model_settings"]), made["chosen_on"])
    table = procedure.labelled(ground.mature.on(days), company, ground.target)
    known = {item.name for item in challenger.features}
    columns = [item for item in ground.mature.columns if item.name in known]
    return procedure.fit(table, columns, company, ground.target, choice)[0]
