"""How good an artifact is: on later as-of dates where the history has some, else on folds.

Where there is a later date, the artifact itself is tested on it. Otherwise the whole procedure that
made it (fit, calibration, anchors) is repeated on the dates whose labels were settled by the last
one, and tested on that one. Earlier dates that support no bands get the artifact's own, which the
test date has chosen. If the history is too short even for that, folds grouped by account are the
test, each with a line and anchors that never saw it (except for the pull of earlier dates, which is
one for all). The report says which.

That date gives the headline figures. The gains over the baselines, and over the champion where its
labels were settled by then, are pooled with those of up to four earlier origins, a horizon apart:
for each the whole procedure is repeated, the choice of model settings included, on the dates that
were settled by it. So no origin has chosen or trained the model that is tested on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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
from training.expiry import trained_until
from training.learning import moments, split
from training.learning.fitted import FittedModel
from training.learning.matrix import Feature, matrix
from training.metrics import quality, segments
from training.metrics.measured import UNKNOWN
from training.metrics.quality import Quality, ShadowColumn
from training.records.evaluation import (
    DECIDED_BY,
    ChampionComparison,
    DecisionGroup,
    Evaluation,
    TestRows,
)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Fits:
    """The model that is tested on the last date of a history, and the one of all its dates.

    `tested` is None where the history is too short; `origin` has what it predicts there. The
    model of all dates is fitted on first use: trees that prove nothing are not.
    """

    history: TargetHistory
    tested: FittedModel | None
    origin: Origin | None

    @cached_property
    def final(self) -> FittedModel:
        """The model of the dates to learn from; errors as of `TargetHistory.fit`."""
        if self.history.later and self.tested is not None:
            return self.tested
        return self.history.fit()

    def without_trees(self, why: str) -> "_Fits":
        """The same of the scorecards that stood beside the models."""
        try:
            tested = self.tested and self.tested.without_trees
        except GateRefused:
            tested = None
        plain = self.history.without_trees(why)
        return _Fits(plain, tested, self.origin and self.origin.without_trees())


def simplest(history: TargetHistory, earlier: Sequence[Origin], progress: Progress) -> Artifact:
    """As `evaluated`; where the trees prove nothing, the scorecard alone, evaluated likewise.

    A scorecard that supports no model leaves the trees in their place.
    """
    fits = _fits(history, progress)
    evaluation = _evaluation(fits, earlier)
    progress(f"fitting {history.target}")
    if why := gate.trees_prove_nothing(evaluation):
        plain = [origin.without_trees() for origin in earlier]
        try:
            return _evaluated(fits.without_trees(why), plain)
        except GateRefused as refused:
            evaluation = replace(evaluation, scorecard_refused=str(refused))
    return fits.history.made_of(fits.final).with_evaluation(evaluation)


def evaluated(history: TargetHistory, earlier: Sequence[Origin], progress: Progress) -> Artifact:
    """The artifact that the procedure makes of `history.learn`, with its evaluation.

    Gains are pooled with those of `earlier` origins where there is a later date to test on.
    """
    return evaluated_beside(history, earlier, progress)[0]


def evaluated_beside(
    history: TargetHistory, earlier: Sequence[Origin], progress: Progress
) -> tuple[Artifact, list[Origin]]:
    """The artifact as of `evaluated`, and all origins that it was evaluated on, latest first."""
    fits = _fits(history, progress)
    progress(f"fitting {history.target}")
    tested = [] if fits.origin is None else [fits.origin, *earlier]
    return _evaluated(fits, earlier), tested


def _fits(history: TargetHistory, progress: Progress) -> _Fits:
    progress(f"evaluating {history.target}")
    history = history.chosen()
    assert history.choice is not None
    tested: FittedModel | None = None
    if history.later:
        tested = history.fit()
    elif history.tests:
        tested = history.fitted_before(history.latest, history.choice)
    test = history.of([history.latest])
    return _Fits(history, tested, None if tested is None else _origin(tested, test, history))


def _evaluated(fits: _Fits, earlier: Sequence[Origin]) -> Artifact:
    evaluation = _evaluation(fits, earlier)
    return fits.history.made_of(fits.final).with_evaluation(evaluation)


def beside_itself(artifact: Artifact, champion: Artifact | None) -> Artifact:
    """The artifact, whose evaluation says so where it is the champion once more."""
    if champion is None or champion.digest != artifact.digest:
        return artifact
    same = _not_compared(champion, "the same model (equal digest)")
    return artifact.with_evaluation(replace(artifact.evaluation, champion=same))


def _evaluation(fits: _Fits, earlier: Sequence[Origin]) -> Evaluation:
    """The evaluation of the artifact that is made of the final model."""
    history = fits.history
    if fits.tested is None or fits.origin is None:
        return _by_folds(fits.final, history)
    origins = [fits.origin, *earlier]
    if history.later:
        evaluation = _out_of_time(fits.tested, _anchors(fits.final, history), history, origins)
        return replace(evaluation, tested="artifact")
    try:
        anchors_there = _anchors(fits.tested, history)
    except GateRefused:
        evaluation = _out_of_time(fits.tested, _anchors(fits.final, history), history, origins)
        return replace(evaluation, anchors_chosen_there=True)
    return _out_of_time(fits.tested, anchors_there, history, origins)


def _anchors(fitted: FittedModel, history: TargetHistory) -> Anchors | Edge:
    return procedure.anchors(fitted, history.company, history.target)


def _out_of_time(
    fitted: FittedModel, anchors: Anchors | Edge, history: TargetHistory, origins: Sequence[Origin]
) -> Evaluation:
    """The evaluation of the model that the first of the origins tests."""
    test = history.of([history.latest])
    margins = fitted.model.margins(matrix(test, fitted.rows.features))
    scores = scales.scale(fitted.calibration_fit.line, anchors).unclipped(margins)
    evaluation = _of_rows("later as-of date", origins, test, scores, history)
    return replace(evaluation, champion=_champion(history, origins))


def _of_rows(
    kind: TestRows,
    origins: Sequence[Origin],
    test: pa.Table,
    scores: Floats,
    history: TargetHistory,
) -> Evaluation:
    """The evaluation on the first origin's rows, `test`, which have the `scores` (rows,)."""
    first = origins[0]
    labels, accounts, logits = first.labels, first.accounts, first.logits
    measured = quality.evaluate(logits, labels, accounts, first.base)
    gains = pooled(origins, measured)
    adverse = history.declared.adverse
    return Evaluation(
        kind=kind,
        tested="procedure",
        as_of=first.as_of,
        trained_on=tuple(first.trained_on),
        quality=measured,
        gain_over_base_rate=gains.gain_over_base_rate,
        baselines=gains.baselines,
        test_dates=gains.test_dates,
        segments=segments.table(logits, labels, accounts, test["segment"].to_pylist(), measured),
        decisions=_decisions(first, test, scores, history, measured),
        value=history.worth(logits, labels, accounts),
        bands=quality.bands(scores, labels) if adverse else None,
        opportunities=None if adverse else quality.opportunities(scores, labels),
        shadow=_shadow(history, test, labels),
    )


def _decisions(
    first: Origin, test: pa.Table, scores: Floats, history: TargetHistory, measured: Quality
) -> tuple[DecisionGroup, ...]:
    """By renewal, how good the scores are for each term, and by days to the decision."""
    if not history.declared.by_renewal:
        return ()
    target, found = history.target, []
    names = moments.terms(test, target), moments.distances(test, target)
    for by, groups, order in zip(
        DECIDED_BY, names, (moments.TERMS, moments.DISTANCES), strict=True
    ):
        of_groups = segments.table(first.logits, first.labels, first.accounts, groups, measured)
        for result in sorted(of_groups, key=lambda each: order.index(each.segment)):
            rows = np.asarray(groups) == result.segment
            outcomes = quality.bands(scores[rows], first.labels[rows])
            found.append(DecisionGroup(by, result, outcomes))
    return tuple(found)


def earlier_origins(history: TargetHistory, progress: Progress = silent) -> Iterator[Origin]:
    """The procedure's predictions at each origin before the latest date, latest first.

    Each by the choice that was made for it. An origin whose earlier dates support no model is left
    out.
    """
    for day, choice in history.choices.items():
        progress(f"evaluating {history.target} on {day}")
        fitted, test = history.fitted_before(day, choice), history.of([day])
        if fitted is not None and test.num_rows:
            yield _origin(fitted, test, history)


def _origin(fitted: FittedModel, test: pa.Table, history: TargetHistory) -> Origin:
    """The rows of one later as-of date, the logits of a model of earlier dates, and its rivals."""
    rows = history.rows(test, fitted.rows.features)
    return Origin(
        as_of=str(rows.latest),
        trained_on=fitted.days,
        labels=rows.y,
        accounts=rows.accounts,
        logits=fitted.logits(rows.X),
        base=fitted.base,
        rivals=baselines.beside(rows, fitted),
        champion=_of_champion(history, rows.latest, test),
    )


def _of_champion(history: TargetHistory, day: date, test: pa.Table) -> Floats | None:
    """The champion's log-odds on the rows of a date; None where it cannot be tested there."""
    old = history.champion
    if old is None or _why_not_compared(old, history, day):
        return None
    return old.calibration.logits(old.margins(matrix(test, old.features)))


def _champion(history: TargetHistory, origins: Sequence[Origin]) -> ChampionComparison | None:
    """The comparison with the champion on the dates that did not train it; None without one."""
    old = history.champion
    if old is None:
        return None
    if beaten_by := over_champion(origins):
        return ChampionComparison(old.version, old.digest, "", beaten_by.gain, beaten_by.as_of)
    return _not_compared(old, _why_not_compared(old, history, history.latest))


def _not_compared(old: Artifact, why: str) -> ChampionComparison:
    return ChampionComparison(old.version, old.digest, why, UNKNOWN)


def _why_not_compared(old: Artifact, history: TargetHistory, day: date) -> str:
    """Why the champion cannot be tested on `day`; empty where it can."""
    try:
        require_same_meaning(old, history.company)
    except DeclarationError:
        return "not comparable: churnlight.toml has changed measures that it was trained on"
    if trained_until(old, history.declared) > day:
        return f"not comparable on {day}: it was trained on that date; run churnlight review"
    return ""


def _by_folds(fitted: FittedModel, history: TargetHistory) -> Evaluation:
    logits, scores = _cross_calibrated(fitted, history)
    held = fitted.calibration_rows
    test = history.learning.filter(pa.array(fitted.calibrating))
    rivals, day = baselines.beside_held(fitted), str(held.latest)
    origin = Origin(day, fitted.days, held.y, held.accounts, logits, fitted.base, rivals)
    evaluation = _of_rows("folds grouped by account", [origin], test, scores, history)
    old, short = history.champion, "not comparable: the history is too short for a later date"
    return replace(evaluation, champion=None if old is None else _not_compared(old, short))


def _cross_calibrated(fitted: FittedModel, history: TargetHistory) -> tuple[Floats, Floats]:
    """Logits and scores of held rows, each fold's line and anchors fitted on the others."""
    held, margins = fitted.calibration_rows, fitted.calibration_margins
    logits, scores = np.empty(len(held.y)), np.empty(len(held.y))
    for fold in split.by_account(held.accounts):
        line = fitted.line_of(fold.train)
        anchors = scales.anchored(
            history.declared,
            line.logits(margins[fold.train]),
            held.y[fold.train],
            history.company.bands.capacity,
            held.counts[fold.train],
        )
        logits[fold.test] = line.logits(margins[fold.test])
        scores[fold.test] = scales.scale(line, anchors).unclipped(margins[fold.test])
    return logits, scores


def _shadow(
    history: TargetHistory, test: pa.Table, labels: npt.NDArray[np.int8]
) -> tuple[ShadowColumn, ...]:
    """How well each shadow column separates by itself: reported, and never part of a score."""
    columns = [
        column
        for column in history.built.columns
        if column.stage == "shadow" and column.dtype == "number"
    ]
    plain = [
        Feature(column.name, column.indicator, column.window, column.dtype) for column in columns
    ]
    X = matrix(test, plain)
    return tuple(
        quality.shadow_column(column.indicator, column.name, X[:, number], labels)
        for number, column in enumerate(columns)
    )
