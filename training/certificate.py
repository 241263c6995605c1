"""The certificate of a model's explanations: checks made at its training and stored with it.

They need nothing but the model and the rows that trained it. Summary and report name every check
that failed; a failed check stops nothing.

Fidelity tests a direction, never an amount. A driver's points count from the mean over the training
rows: with the top driver's values replaced by those of training rows, the score should on average
move as the driver states. (A scorecard only adds up, so it always does.)

Stability tests whether another training would have the same top driver: with trees, a training with
another seed; of a scorecard, which has no seed, one on another sample of accounts. A bag holds
several seeds already: each of its boosters alone is compared with the mean of the others, which is
stricter than comparing two bags, because a smaller bag varies more.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from features.progress import Progress, silent
from training.artifact import Artifact
from training.explaining.drivers import by_indicator
from training.learning import model, split
from training.learning.matrix import Feature
from training.learning.model import TrainingRows
from training.records.evaluation import Certificate, CertificateCheck, Evaluation

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

SHOWN_ROWS = 2_000
COMPARED_ROWS = 300
FAITHFUL_ROWS, REFERENCES = 300, 100
LARGEST_GAP = 1e-9
LARGEST_DIFFERENCE = 1e-10
FAITHFUL, STABLE = 0.95, 0.90


def certified(artifact: Artifact, rows: TrainingRows, progress: Progress = silent) -> Artifact:
    """The artifact with its certificate in its evaluation.

    `rows` are those that trained it; accounts of their latest moment are explained.
    """
    progress(f"checking the explanations of {artifact.target}")
    latest = rows.where(rows.at_last).thinned(SHOWN_ROWS)
    compared = latest.X[split.evenly_spaced(len(latest.X), COMPARED_ROWS)]
    by_booster = _by_booster(artifact, compared)
    checks = [
        _additivity(artifact, latest.X),
        _agreement(artifact, compared, by_booster),
        _fidelity(artifact, latest.X, rows.X),
        _under_seeds(artifact, by_booster)
        if artifact.boosters
        else _under_halves(artifact, rows, latest.X),
    ]
    made = Certificate(str(latest.latest), tuple(checks))
    return artifact.with_evaluation(replace(artifact.evaluation, certificate=made))


def failures(evaluation: Evaluation) -> list[str]:
    """One line for each check that failed."""
    return [
        f"explanation check {check.name} failed in {check.cases:,} cases: {check.says} is "
        f"{check.value:.3g} (target: {check.aim} {check.threshold:g})"
        for check in (evaluation.certificate.failed if evaluation.certificate else ())
    ]


def top_drivers(contributions: Floats, features: Sequence[Feature]) -> Places:
    """Per row the number of the indicator with most points, in the order of the features."""
    _, folded = by_indicator(contributions, features)
    top: Places = np.argmax(np.abs(folded), axis=1)
    return top


def _additivity(artifact: Artifact, X: Floats) -> CertificateCheck:
    parts, scale = artifact.contributions(X), artifact.scale
    total = scale.unclipped(parts[:, -1]) + (parts[:, :-1] * scale.points_per_margin).sum(axis=1)
    gap = float(np.abs(total - scale.unclipped(artifact.margins(X))).max(initial=0.0))
    says = "the largest gap between the score and base plus drivers, in points"
    return CertificateCheck.at_most("additivity", says, gap, LARGEST_GAP, len(X))


def _by_booster(artifact: Artifact, X: Floats) -> Floats:
    """The contributions (boosters × rows × columns + 1) of each booster alone, from LightGBM.

    Each includes the scorecard's, as a model of that one booster would.
    """
    contributions = [
        booster.predict(X, pred_contrib=True, num_threads=1) for booster in artifact.boosters
    ]
    trees = np.asarray(contributions, dtype=np.float64).reshape(
        len(contributions), len(X), X.shape[1] + 1
    )
    return artifact.scorecard.contributions(X) + trees


def _agreement(artifact: Artifact, X: Floats, by_booster: Floats) -> CertificateCheck:
    """The contributions against LightGBM's own; of a scorecard alone there is nothing to check."""
    says = "the largest difference from LightGBM's pred_contrib, relative to the margin"
    if not len(by_booster):
        return CertificateCheck("agreement", says, None, LARGEST_DIFFERENCE, "at most", 0, None)
    theirs = by_booster.mean(axis=0)
    scale = np.maximum(1.0, np.abs(theirs.sum(axis=1, keepdims=True)))
    worst = float((np.abs(artifact.contributions(X) - theirs) / scale).max(initial=0.0))
    return CertificateCheck.at_most("agreement", says, worst, LARGEST_DIFFERENCE, len(X))


def _fidelity(artifact: Artifact, X: Floats, training_rows: Floats) -> CertificateCheck:
    """Whether the score moves as the top driver states, when training rows' values replace its."""
    shown = X[split.evenly_spaced(len(X), FAITHFUL_ROWS)]
    others = training_rows[split.evenly_spaced(len(training_rows), REFERENCES)]
    says = "the share whose score moves as stated when training rows' values replace the top driver"
    return CertificateCheck.share(
        "fidelity", says, _moves_as_stated(artifact, shown, others), FAITHFUL
    )


def _moves_as_stated(artifact: Artifact, shown: Floats, others: Floats) -> Flags:
    """Of each row with a top driver, whether `others` in its place move the margin back."""
    contributions = artifact.contributions(shown)
    names, folded = by_indicator(contributions, artifact.features)
    top = top_drivers(contributions, artifact.features)
    replaced = np.repeat(shown, len(others), axis=0)
    for column, feature in enumerate(artifact.features):
        mine = np.repeat(top == names.index(feature.indicator), len(others))
        replaced[mine, column] = np.tile(others[:, column], len(shown))[mine]
    after = artifact.margins(replaced).reshape(len(shown), len(others)).mean(axis=1)
    states = np.take_along_axis(folded, top[:, None], axis=1)[:, 0]
    good: Flags = ((artifact.margins(shown) - after) * states > 0)[states != 0]
    return good


def _under_seeds(artifact: Artifact, by_booster: Floats) -> CertificateCheck:
    """Whether each booster, of a seed of its own, agrees with the mean of the others."""
    says = "the share with the same top driver under another seed"
    agree = [
        top_drivers(one, artifact.features)
        == top_drivers(np.delete(by_booster, number, axis=0).mean(axis=0), artifact.features)
        for number, one in enumerate(by_booster)
        if len(by_booster) > 1
    ]
    good = np.concatenate(agree) if agree else np.zeros(0, dtype=np.bool_)
    return CertificateCheck.share("stability", says, good, STABLE)


def _under_halves(artifact: Artifact, rows: TrainingRows, X: Floats) -> CertificateCheck:
    """Of each row and half, whether its scorecard agrees with the artifact's.

    Half of a sample differs from the whole as much as the whole does from the truth (the
    delete-half jackknife, Shao & Wu 1989).
    """
    says = "the share with the same top driver when trained on either half of the accounts"
    model_settings = artifact.training.model_settings
    of_whole = top_drivers(artifact.contributions(X), artifact.features)
    agree = []
    for half in split.by_account(rows.accounts, 2):
        half_rows = rows.where(half.train)
        if len(np.unique(half_rows.y)) == 2:
            card = model.fit_model(half_rows, model_settings).scorecard
            contributions = replace(artifact, scorecard=card).contributions(X)
            agree.append(top_drivers(contributions, artifact.features) == of_whole)
    good = np.concatenate([np.zeros(0, dtype=np.bool_), *agree])
    return CertificateCheck.share("stability", says, good, STABLE)
