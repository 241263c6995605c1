"""How good an artifact is: on a later as-of date where the history has one, else on folds.

With a later date at hand the artifact itself is judged there. Without, the whole procedure that
made it (size, fit, calibration, anchors) is repeated on the dates whose labels were settled by
the last one, and judged on that one. With too short a history even for that, folds grouped by
account are judged, each by a calibration and anchors that never saw it. The report says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.company import Company
from features.errors import GateRefused
from features.snapshots import Snapshots
from training import calibration, evaluate, health, split
from training.artifact import Artifact
from training.fit import Held, fit
from training.matrix import Feature, matrix

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """Labelled rows of a target and the as-of dates in them: to learn from, and later ones."""

    built: Snapshots
    company: Company
    target: str
    table: pa.Table
    learn: Sequence[date]
    later: Sequence[date]

    def of(self, days: Sequence[date]) -> pa.Table:
        """The rows of `days`."""
        return self.table.filter(pc.is_in(self.table["as_of"], pa.array(days, pa.date32())))

    def fit(self, days: Sequence[date]) -> tuple[Artifact, Held]:
        """What the procedure makes of the rows of `days`."""
        return fit(self.of(days), self.built.columns, self.company, self.target)


def judge(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    """The evaluation of `artifact`, learnt from `history.learn`, as plain JSON values."""
    if history.later:
        return _out_of_time(artifact, history, history.later[-1], "artifact")
    last = history.learn[-1]
    earlier = split.settled_before(history.learn, last, history.company.targets[history.target])
    repeated = _repeated(history, earlier)
    if repeated is not None:
        return _out_of_time(repeated, history, last, "procedure")
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
    bands = evaluate.bands(artifact.scale.unclipped(margins), labels)
    return {**about, **report, "bands": bands, "shadow": _shadow(history, test, labels)}


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
    return {**about, **report, "bands": evaluate.bands(scores, held.labels), "shadow": shadow}


def _cross_calibrated(held: Held, history: History) -> tuple[Floats, Floats]:
    """Logits and health scores of held rows, each fold's line and anchors fitted on the others."""
    declared = history.company.targets[history.target]
    logits, scores = np.empty(len(held.labels)), np.empty(len(held.labels))
    for fold in split.grouped(held.accounts):
        line = calibration.fit(held.margins[fold.train], held.labels[fold.train])
        anchors = health.anchors(
            declared,
            line.logits(held.margins[fold.train]),
            held.labels[fold.train],
            history.company.bands.capacity,
        )
        logits[fold.test] = line.logits(held.margins[fold.test])
        scores[fold.test] = health.Scale(line, anchors).unclipped(held.margins[fold.test])
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
