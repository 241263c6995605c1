"""How good an artifact is: on a later as-of date where the history has one, else on folds.

With a later date at hand the artifact itself is judged there. Without, the whole procedure that
made it (fit, calibration, anchors) is repeated on the dates whose labels were settled by
the last one, and judged on that one. Earlier dates that support no bands get the artifact's
own, which the judging date has chosen. With too short a history even for that, folds grouped by
account are judged, each by a calibration and anchors that never saw it. The report says which.
On the same rows stand the baselines and, where its labels were settled by then, the champion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.company import Company
from features.errors import DeclarationError, GateRefused
from features.progress import Progress
from features.snapshots import Snapshots
from training import (
    baselines,
    calibration,
    evaluate,
    gate,
    procedure,
    scales,
    segments,
    split,
    worth,
)
from training.artifact import Artifact, require_same_meaning
from training.health import Anchors
from training.matrix import Feature, matrix
from training.opportunity import Edge
from training.procedure import Held, as_rows, choose, fit
from training.search import Choice

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class History:
    """Labelled rows of a target and the as-of dates in them: to learn from, and later ones.

    `choice` is the restraint of every model that is made of them, `champion` the model that one
    of them may replace, `mrr` the monthly recurring revenue of the accounts of which it is known.
    """

    built: Snapshots
    company: Company
    target: str
    table: pa.Table
    learn: Sequence[date]
    later: Sequence[date]
    choice: Choice | None = None
    champion: Artifact | None = None
    mrr: Mapping[str, float] = field(default_factory=dict)

    def of(self, days: Sequence[date]) -> pa.Table:
        """The rows of `days`."""
        return self.table.filter(pc.is_in(self.table["as_of"], pa.array(days, pa.date32())))

    def fit(self, days: Sequence[date]) -> tuple[Artifact, Held]:
        """What the procedure makes of the rows of `days`."""
        return fit(self.of(days), self.built.columns, self.company, self.target, self.choice)

    def under(self, anchors: Anchors | Edge) -> "History":
        """The same, whose models all have these anchors."""
        if not isinstance(anchors, Anchors):
            return self
        return replace(self, company=procedure.under(self.company, self.target, anchors))

    def worth(
        self, logits: Floats, labels: npt.NDArray[np.int8], accounts: Sequence[str]
    ) -> dict[str, Any]:
        """What calibrated `logits` are worth at the team's capacity."""
        # What is welcome puts no revenue at risk.
        mrr = self.mrr if self.target in self.company.adverse else {}
        return worth.of(logits, labels, accounts, self.company.bands.capacity, mrr)

    @property
    def earlier(self) -> list[date]:
        """The as-of dates to learn from whose labels were settled by the last of them."""
        declared = self.company.targets[self.target]
        return [
            day
            for last in self.learn[-1:]
            for day in split.settled_before(self.learn, last, declared)
        ]

    def without_trees(self, why: str) -> "History":
        """The same, of which a scorecard alone is made."""
        assert self.choice is not None
        return replace(self, choice=self.choice.without_trees(why))

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


def simplest(history: History, progress: Progress) -> Artifact:
    """What `judged` makes, and where its trees prove nothing, the scorecard alone, judged likewise.

    A scorecard that supports no model leaves the trees in their place.
    """
    artifact = judged(history, progress)
    if not (why := gate.trees_prove_nothing(artifact.evaluation)):
        return artifact
    try:
        return judged(history.without_trees(why), progress)
    except GateRefused:
        return artifact


def judged(history: History, progress: Progress) -> Artifact:
    """The artifact that the procedure makes of `history.learn`, with its evaluation."""
    progress(f"fitting {history.target}")
    artifact, held = history.fit(history.learn)
    progress(f"evaluating {history.target}")
    return replace(artifact, evaluation=judge(artifact, held, history))


def judge(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    """The evaluation of `artifact`, learnt from `history.learn`, as plain JSON values."""
    report, old = _judged(artifact, held, history), history.champion
    if old is not None and old.digest == artifact.digest:
        return report | {"champion": _not_compared(old, "the same model, of an equal digest")}
    return report


def _judged(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    if history.later:
        return _out_of_time(artifact, history, history.later[-1], "artifact")
    repeated = _repeated(history, history.earlier)
    if repeated is not None:
        return _out_of_time(repeated, history, history.learn[-1], "procedure")
    under = history.under(artifact.anchors)
    repeated = _repeated(under, history.earlier)
    if repeated is not None:
        report = _out_of_time(repeated, under, history.learn[-1], "procedure")
        return report | {"anchors_chosen_there": True}
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
    logits = artifact.calibration.logits(margins)
    accounts, names = test["account_id"].to_pylist(), test["segment"].to_pylist()
    report = evaluate.evaluate(logits, labels, accounts, artifact.training["base_rate"])
    return {
        "kind": "later as-of date",
        "judged": judged,
        "as_of": day.isoformat(),
        "trained_on": artifact.training["as_of"],
        **report,
        "segments": segments.table(logits, labels, accounts, names, report),
        **_by_light(artifact, artifact.scale.unclipped(margins), labels),
        "value": history.worth(logits, labels, accounts),
        "baselines": _baselines(artifact, history, test, logits),
        "champion": _champion(history, day, test, logits),
        "shadow": _shadow(history, test, labels),
    }


def _baselines(
    artifact: Artifact, history: History, test: pa.Table, logits: Floats
) -> list[dict[str, Any]]:
    """By how much the artifact's log loss beats that of each baseline, taught on the same rows."""
    taught = history.of([date.fromisoformat(day) for day in artifact.training["as_of"]])
    rows = as_rows(taught, artifact.features, history.company, history.target)
    held = as_rows(test, artifact.features, history.company, history.target)
    latest = rows.as_of == rows.as_of.max()
    assert history.choice is not None
    return baselines.beside(logits, held, rows, history.choice.restraint, latest)


def _champion(history: History, day: date, test: pa.Table, logits: Floats) -> dict[str, Any] | None:
    """By how much the log loss beats the champion's, where it had learnt nothing of that date."""
    old = history.champion
    if old is None:
        return None
    if why := _why_not_compared(old, history, day):
        return _not_compared(old, why)
    labels = test[f"label__{old.target}"].to_numpy().astype(np.int8)
    losses = calibration.log_losses(logits, labels)
    other = old.calibration.logits(old.margins(matrix(test, old.features)))
    found = evaluate.gain(losses, other, labels, test["account_id"].to_pylist())
    return {**_not_compared(old, ""), **found}


def _not_compared(old: Artifact, why: str) -> dict[str, Any]:
    return {
        "version": old.version,
        "digest": old.digest,
        "why": why,
        **dict.fromkeys(("value", "low", "high")),
    }


def _why_not_compared(old: Artifact, history: History, day: date) -> str:
    """Why the champion cannot be judged on `day`; empty where it can."""
    try:
        require_same_meaning(old, history.company)
    except DeclarationError:
        return "not comparable: churnlight.toml measures something else than it learnt from"
    taught = [date.fromisoformat(item) for item in old.training["as_of"]]
    settled = split.settled_before(taught, day, history.company.targets[history.target])
    if len(settled) < len(taught):
        return f"not comparable on {day}: it has learnt from that date; run churnlight review"
    return ""


def _by_folds(artifact: Artifact, held: Held, history: History) -> dict[str, Any]:
    logits, scores = _cross_calibrated(held, history)
    base, own = artifact.training["base_rate"], (held.labels, held.accounts)
    report = evaluate.evaluate(logits, *own, base)
    taught = history.of([date.fromisoformat(day) for day in artifact.training["as_of"]])
    rows = as_rows(taught, artifact.features, history.company, history.target)
    at = rows.as_of == np.datetime64(held.day, "D")
    old, short = history.champion, "not comparable: the history is too short for a later date"
    assert history.choice is not None
    return {
        "kind": "folds grouped by account",
        "judged": "procedure",
        "as_of": held.day.isoformat(),
        "trained_on": artifact.training["as_of"],
        **report,
        "segments": segments.table(logits, *own, held.segments, report),
        **_by_light(artifact, scores, held.labels),
        "value": history.worth(logits, *own),
        "baselines": baselines.beside_held(logits, rows, history.choice.restraint, at),
        "champion": None if old is None else _not_compared(old, short),
        "shadow": _shadow(history, history.of([held.day]), held.labels),
    }


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
        line = held.pull.line(held.margins[fold.train], held.labels[fold.train])
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
