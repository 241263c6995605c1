"""How good an artifact is: on a later as-of date where the history has one, else on folds.

With a later date at hand the artifact itself is judged there. Without, the whole procedure that
made it (fit, calibration, anchors) is repeated on the dates whose labels were settled by
the last one, and judged on that one. With too short a history even for that, folds grouped by
account are judged, each by a calibration and anchors that never saw it. The report says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.company import Company
from features.errors import GateRefused
from features.progress import Progress
from features.snapshots import Snapshots
from training import baselines, calibration, evaluate, scales, split
from training.artifact import Artifact
from training.matrix import Feature, matrix
from training.procedure import Held, as_rows, choose, fit
from training.search import Choice

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """Labelled rows of a target and the as-of dates in them: to learn from, and later ones.

    `choice` is the restraint of every model that is made of them.
    """

    built: Snapshots
    company: Company
    target: str
    table: pa.Table
    learn: Sequence[date]
    later: Sequence[date]
    choice: Choice | None = None

    def of(self, days: Sequence[date]) -> pa.Table:
        """The rows of `days`."""
        return self.table.filter(pc.is_in(self.table["as_of"], pa.array(days, pa.date32())))

    def fit(self, days: Sequence[date]) -> tuple[Artifact, Held]:
        """What the procedure makes of the rows of `days`."""
        return fit(self.of(days), self.built.columns, self.company, self.target, self.choice)

    @property
    def earlier(self) -> list[date]:
        """The as-of dates to learn from whose labels were settled by the last of them."""
        declared = self.company.targets[self.target]
        return [
            day
            for last in self.learn[-1:]
            for day in split.settled_before(self.learn, last, declared)
        ]

    def choose(self, trials: int | Choice, progress: Progress) -> "History":
        """The same with its choice, in which the date that will judge has no part.

        Where the earlier dates cannot support a model, they will not be judged by the last one
        either, and all dates choose.
        """
        if isinstance(trials, Choice):
            return replace(self, choice=trials)
        by_earlier = None if self.later else self._choice(self.earlier, trials, progress)
        return replace(self, choice=by_earlier or self._choice(self.learn, trials, progress))

    def _choice(self, days: Sequence[date], trials: int, progress: Progress) -> Choice | None:
        try:
            return choose(
                self.of(days),
                self.built.columns,
                self.company,
                self.target,
                trials=trials,
                progress=progress,
            )
        except GateRefused:
            return None


def judge(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    """The evaluation of `artifact`, learnt from `history.learn`, as plain JSON values."""
    if history.later:
        return _out_of_time(artifact, history, history.later[-1], "artifact")
    repeated = _repeated(history, history.earlier)
    if repeated is not None:
        return _out_of_time(repeated, history, history.learn[-1], "procedure")
    return _by_folds(artifact, held, history)


def _repeated(history: History, days: Sequence[date]) -> Artifact | None:
    """What the procedure would have made of `days`; None where they cannot support it."""
    try:
        return history.fit(days)[0] if days else None
    except GateRefused:
        return None


def _out_of_time(artifact: Artifact, history: History, day: date, judged: str) -> dict[str, Any]:
    test = history.of([day])
    margins = artifact.margins(matrix(test, artifact.features))
    labels = test[f"label__{artifact.target}"].to_numpy().astype(np.int8)
    about = {
        "kind": "later as-of date",
        "judged": judged,
        "as_of": day.isoformat(),
        "trained_on": artifact.training["as_of"],
    }
    report = evaluate.evaluate(
        artifact.calibration.logits(margins),
        labels,
        test["account_id"].to_pylist(),
        test["segment"].to_pylist(),
        artifact.training["base_rate"],
    )
    beside = {
        **_by_light(artifact, artifact.scale.unclipped(margins), labels),
        "baselines": _baselines(artifact, history, test),
        "shadow": _shadow(history, test, labels),
    }
    return {**about, **report, **beside}


def _baselines(artifact: Artifact, history: History, test: pa.Table) -> list[dict[str, Any]]:
    """By how much the artifact's log loss beats that of each baseline, taught on the same rows."""
    assert history.choice is not None
    taught = history.of([date.fromisoformat(day) for day in artifact.training["as_of"]])
    rows = as_rows(taught, artifact.features, history.company, history.target)
    held = as_rows(test, artifact.features, history.company, history.target)
    losses = calibration.log_losses(artifact.calibration.logits(artifact.margins(held.X)), held.y)
    return [
        {"baseline": item.name, **evaluate.gain(losses, item.logits(held.X), held.y, held.accounts)}
        for item in baselines.of(rows, history.choice.restraint)
    ]


def _by_folds(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    logits, scores = _cross_calibrated(held, history)
    about = {
        "kind": "folds grouped by account",
        "judged": "procedure",
        "as_of": held.day.isoformat(),
        "trained_on": artifact.training["as_of"],
    }
    base = artifact.training["base_rate"]
    report = evaluate.evaluate(logits, held.labels, held.accounts, held.segments, base)
    shadow = _shadow(history, history.of([held.day]), held.labels)
    return {**about, **report, **_by_light(artifact, scores, held.labels), "shadow": shadow}


def _by_light(
    artifact: Artifact, scores: Floats, labels: npt.NDArray[np.int8]
) -> dict[str, dict[str, dict[str, int]]]:
    """What became of the accounts by what they were told to be."""
    if artifact.adverse:
        return {"bands": evaluate.bands(scores, labels)}
    return {"opportunities": evaluate.opportunities(scores, labels)}


def _cross_calibrated(held: Held, history: History) -> tuple[Floats, Floats]:
    """Logits and scores of held rows, each fold's line and anchors fitted on the others."""
    declared = history.company.targets[history.target]
    logits, scores = np.empty(len(held.labels)), np.empty(len(held.labels))
    for fold in split.grouped(held.accounts):
        line = calibration.fit(held.margins[fold.train], held.labels[fold.train])
        anchors = scales.anchored(
            declared,
            line.logits(held.margins[fold.train]),
            held.labels[fold.train],
            history.company.bands.capacity,
        )
        logits[fold.test] = line.logits(held.margins[fold.test])
        scores[fold.test] = scales.scale(line, anchors).unclipped(held.margins[fold.test])
    return logits, scores


def _shadow(history: History, test: pa.Table, labels: npt.NDArray[np.int8]) -> list[dict[str, Any]]:
    """What each shadow column says by itself: reported, and never part of a score."""
    columns = [
        item for item in history.built.columns if item.stage == "shadow" and item.dtype == "number"
    ]
    plain = [Feature(item.name, item.indicator, item.window, item.dtype) for item in columns]
    X = matrix(test, plain)
    return [
        {"indicator": item.indicator, "column": item.name, **evaluate.alone(X[:, place], labels)}
        for place, item in enumerate(columns)
    ]
