"""How good an artifact is: on later as-of dates where the history has some, else on folds.

With a later date at hand the artifact itself is judged there. Without, the whole procedure that
made it (fit, calibration, anchors) is repeated on the dates whose labels were settled by
the last one, and judged on that one. Earlier dates that support no bands get the artifact's
own, which the judging date has chosen. With too short a history even for that, folds grouped by
account are judged, each by a line and anchors that never saw it (but for the pull of earlier dates,
which is one for all). The report says which.

That date gives the headline figures. What the model gains over its baselines, and over the champion
where its labels were settled by then, is pooled with up to four earlier origins, a horizon
apart: on each the procedure is repeated whole, the choice of model settings included, on the
dates that were settled by it. So no origin has chosen or taught what is judged on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaring.company import Target
from features.errors import DeclarationError, GateRefused
from features.progress import Progress, silent
from training import procedure
from training.artifact import Artifact, require_same_meaning
from training.calibrating import scales
from training.calibrating.health import Anchors
from training.calibrating.opportunity import Edge
from training.evaluating import baselines, gate
from training.evaluating.origins import Origin, over_champion, pooled
from training.evaluating.target_history import TargetHistory
from training.learning import split
from training.learning.fitted import FittedModel
from training.learning.matrix import Feature, matrix
from training.metrics import quality, segments

Floats = npt.NDArray[np.float64]


def simplest(history: TargetHistory, earlier: Sequence[Origin], progress: Progress) -> Artifact:
    """What `judged` makes, and where its trees prove nothing, the scorecard alone, judged likewise.

    A scorecard that supports no model leaves the trees in their place.
    """
    artifact = judged(history, earlier, progress)
    if not (why := gate.trees_prove_nothing(artifact.evaluation)):
        return artifact
    plain = [origin.without_trees() for origin in earlier]
    try:
        return judged(history.without_trees(why), plain, progress)
    except GateRefused:
        return artifact


def judged(history: TargetHistory, earlier: Sequence[Origin], progress: Progress) -> Artifact:
    """The artifact that the procedure makes of `history.learn`, with its evaluation."""
    progress(f"fitting {history.target}")
    artifact, learnt = history.fit(history.learn)
    progress(f"evaluating {history.target}")
    return replace(artifact, evaluation=judge(artifact, learnt, history, earlier))


def beside_itself(artifact: Artifact, champion: Artifact | None) -> Artifact:
    """The artifact, whose evaluation says so where it is the champion once more."""
    if champion is None or champion.digest != artifact.digest:
        return artifact
    told = {"champion": _not_compared(champion, "the same model, of an equal digest")}
    return replace(artifact, evaluation=artifact.evaluation | told)


def judge(
    artifact: Artifact, learnt: FittedModel, history: TargetHistory, earlier: Sequence[Origin]
) -> dict[str, Any]:
    """The evaluation of `artifact`, learnt from `history.learn`, as plain JSON values.

    Gains are pooled with those of `earlier` origins, if a later date judges.
    """
    if history.later:
        return _out_of_time(learnt, artifact.anchors, history, earlier) | {"judged": "artifact"}
    assert history.choice is not None
    repeated = history.learnt_before(history.latest, history.choice)
    if repeated is None:
        return _by_folds(learnt, history)
    try:
        own = procedure.anchors(repeated, history.company, history.target)
    except GateRefused:
        report = _out_of_time(repeated, artifact.anchors, history, earlier)
        return report | {"anchors_chosen_there": True}
    return _out_of_time(repeated, own, history, earlier)


def _out_of_time(
    learnt: FittedModel, anchors: Anchors | Edge, history: TargetHistory, earlier: Sequence[Origin]
) -> dict[str, Any]:
    test = history.of([history.latest])
    origin = _origin(learnt, test, history)
    labels, accounts, logits = origin.labels, origin.accounts, origin.logits
    report = quality.evaluate(logits, labels, accounts, origin.base)
    margins = learnt.model.margins(matrix(test, learnt.rows.features))
    scores = scales.scale(learnt.calibration_fit.line, anchors).unclipped(margins)
    return {
        "kind": "later as-of date",
        "judged": "procedure",
        "as_of": origin.as_of,
        "trained_on": origin.trained_on,
        **report,
        "segments": segments.table(logits, labels, accounts, test["segment"].to_pylist(), report),
        **_by_light(history.declared, scores, labels),
        "value": history.worth(logits, labels, accounts),
        **pooled([origin, *earlier], report),
        "champion": _champion(history, [origin, *earlier]),
        "shadow": _shadow(history, test, labels),
    }


def earlier_origins(history: TargetHistory, progress: Progress = silent) -> Iterator[Origin]:
    """What the procedure would have said at each origin before the latest date, latest first.

    Each by the choice that was made for it. An origin whose earlier dates support no model is left
    out.
    """
    for day, choice in history.choices.items():
        progress(f"judging {history.target} on {day} too")
        learnt, test = history.learnt_before(day, choice), history.of([day])
        if learnt is not None and test.num_rows:
            yield _origin(learnt, test, history)


def _origin(learnt: FittedModel, test: pa.Table, history: TargetHistory) -> Origin:
    """The rows of one later as-of date, what was learnt says of them, and what its rivals do."""
    rows = history.rows(test, learnt.rows.features)
    return Origin(
        as_of=str(rows.latest),
        trained_on=learnt.days,
        labels=rows.y,
        accounts=rows.accounts,
        logits=learnt.logits(rows.X),
        base=learnt.base,
        rivals=baselines.beside(rows, learnt),
        champion=_of_champion(history, rows.latest, test),
    )


def _of_champion(history: TargetHistory, day: date, test: pa.Table) -> Floats | None:
    """What the champion says of the rows of a date; None where it cannot be judged there."""
    old = history.champion
    if old is None or _why_not_compared(old, history, day):
        return None
    return old.calibration.logits(old.margins(matrix(test, old.features)))


def _champion(history: TargetHistory, origins: Sequence[Origin]) -> dict[str, Any] | None:
    """By how much the log loss beats the champion's, where it had learnt nothing of the date."""
    old = history.champion
    if old is None:
        return None
    if found := over_champion(origins):
        return {**_not_compared(old, ""), **found}
    return _not_compared(old, _why_not_compared(old, history, history.latest))


def _not_compared(old: Artifact, why: str) -> dict[str, Any]:
    return {
        "version": old.version,
        "digest": old.digest,
        "why": why,
        **dict.fromkeys(("value", "low", "high")),
    }


def _why_not_compared(old: Artifact, history: TargetHistory, day: date) -> str:
    """Why the champion cannot be judged on `day`; empty where it can."""
    try:
        require_same_meaning(old, history.company)
    except DeclarationError:
        return "not comparable: churnlight.toml measures something else than it learnt from"
    taught = [date.fromisoformat(item) for item in old.training["as_of"]]
    settled = split.settled_before(taught, day, history.declared)
    if len(settled) < len(taught):
        return f"not comparable on {day}: it has learnt from that date; run churnlight review"
    return ""


def _by_folds(learnt: FittedModel, history: TargetHistory) -> dict[str, Any]:
    logits, scores = _cross_calibrated(learnt, history)
    held, taught = learnt.calibration_rows, history.of(history.learn)
    test = taught.filter(pa.array(learnt.calibrating))
    labels, accounts = held.y, held.accounts
    report = quality.evaluate(logits, labels, accounts, learnt.base)
    rivals = baselines.beside_held(learnt)
    origin = Origin(str(held.latest), learnt.days, labels, accounts, logits, learnt.base, rivals)
    old, short = history.champion, "not comparable: the history is too short for a later date"
    return {
        "kind": "folds grouped by account",
        "judged": "procedure",
        "as_of": origin.as_of,
        "trained_on": origin.trained_on,
        **report,
        "segments": segments.table(logits, labels, accounts, test["segment"].to_pylist(), report),
        **_by_light(history.declared, scores, labels),
        "value": history.worth(logits, labels, accounts),
        **pooled([origin], report),
        "champion": None if old is None else _not_compared(old, short),
        "shadow": _shadow(history, test, labels),
    }


def _by_light(
    target: Target, scores: Floats, labels: npt.NDArray[np.int8]
) -> dict[str, dict[str, dict[str, int]]]:
    """What became of the accounts by what they were told to be."""
    if target.adverse:
        return {"bands": quality.bands(scores, labels)}
    return {"opportunities": quality.opportunities(scores, labels)}


def _cross_calibrated(learnt: FittedModel, history: TargetHistory) -> tuple[Floats, Floats]:
    """Logits and scores of held rows, each fold's line and anchors fitted on the others."""
    held, margins, pull = (
        learnt.calibration_rows,
        learnt.calibration_margins,
        learnt.calibration_fit.pull,
    )
    logits, scores = np.empty(len(held.y)), np.empty(len(held.y))
    for fold in split.by_account(held.accounts):
        line = pull.line(margins[fold.train], held.y[fold.train])
        anchors = scales.anchored(
            history.declared,
            line.logits(margins[fold.train]),
            held.y[fold.train],
            history.company.bands.capacity,
        )
        logits[fold.test] = line.logits(margins[fold.test])
        scores[fold.test] = scales.scale(line, anchors).unclipped(margins[fold.test])
    return logits, scores


def _shadow(
    history: TargetHistory, test: pa.Table, labels: npt.NDArray[np.int8]
) -> list[dict[str, Any]]:
    """What each shadow column says by itself: reported, and never part of a score."""
    columns = [
        item for item in history.built.columns if item.stage == "shadow" and item.dtype == "number"
    ]
    plain = [Feature(item.name, item.indicator, item.window, item.dtype) for item in columns]
    X = matrix(test, plain)
    return [
        {"indicator": item.indicator, "column": item.name, **quality.alone(X[:, place], labels)}
        for place, item in enumerate(columns)
    ]
