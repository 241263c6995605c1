"""The worth of each indicator: models with and without it, out of time, paired.

For each of the last as-of dates that have settled labels before them, the model is made twice
from the same rows with the same seeds, with and without the indicator, and both are evaluated on
that date. They are compared by each row's log loss after an affine calibration has removed the
shift of the base rate; the interval resamples accounts and keeps the pairs together (leaving
one covariate out and refitting: Lei et al. 2018). The model settings are chosen once, on rows
that were settled before the first of these dates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from features.declaring.company import Company
from features.declaring.target import Target
from features.errors import GateRefused
from features.snapshots import Snapshots
from training.calibrating import calibration
from training.learning import model, search, split
from training.learning.folds import both_sides_usable, folds_of
from training.learning.matrix import Feature
from training.learning.model import ModelSettings
from training.metrics import quality
from training.procedure import as_rows, describe, labelled, require_enough

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class IndicatorWorth:
    """Log loss that an indicator saves the model, in nats per row, with its 95% interval.

    Above 0 the model is better with it than without; None where accounts were too few.
    """

    value: float | None
    low: float | None
    high: float | None

    @property
    def in_millinats(self) -> str | None:
        """Value and interval in thousandths of a nat; None where they could not be measured."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return f"{1000 * self.value:.2f} ({1000 * self.low:.2f} to {1000 * self.high:.2f})"

    @property
    def proven(self) -> bool:
        """Whether the model is significantly better with the indicator."""
        return self.low is not None and self.low > 0


@dataclass(frozen=True)
class AblationTrial:
    """Rows with every column that is tried, and the folds on which models are evaluated."""

    company: Company
    rows: model.TrainingRows
    features: tuple[Feature, ...]
    live: frozenset[str]
    folds: tuple[split.CvFold, ...]
    model_settings: ModelSettings
    evaluated_on: str

    @property
    def accounts(self) -> list[str]:
        """The account of each test row, fold after fold."""
        return [name for fold in self.folds for name in self.rows.where(fold.test).accounts]

    def losses(self, indicators: frozenset[str]) -> Floats:
        """The loss of every test row under models of these indicators alone."""
        kept = [i for i, feature in enumerate(self.features) if feature.indicator in indicators]
        rows = self.rows.only(kept)
        return np.concatenate([self._fold_losses(rows, fold) for fold in self.folds])

    def _fold_losses(self, rows: model.TrainingRows, fold: split.CvFold) -> Floats:
        test, margins = rows.where(fold.test), np.zeros(int(fold.test.sum()))
        if len(rows.features):
            margins = model.fit_model(rows.where(fold.train), self.model_settings).margins(test.X)
        losses: Floats = calibration.left_over(margins[None], test.y)[0]
        return losses


def trial(built: Snapshots, company: Company, target: str, months: Sequence[date]) -> AblationTrial:
    """The trial of every live and shadow indicator on the month starts in `built`.

    Raises
    ------
    GateRefused
        Too few accounts churned or stayed, or no fold has both outcomes.
    """
    table = labelled(built.on(months), company, target)
    require_enough(table, target, company)
    features = describe(table, built.columns, company, target)
    rows = as_rows(table, features, company, target)
    folds = split.rolling(rows.as_of, rows.settles, rows.whole, split.ORIGINS)
    evaluated_on = "later as-of dates"
    if not (usable := _usable(rows, folds)):
        usable, evaluated_on = (
            _usable(rows, list(split.by_account(rows.accounts))),
            "folds of accounts",
        )
    if not usable:
        raise GateRefused(
            f"target {target}: no as-of date has both accounts that churned and accounts that "
            "stayed, so no indicator can be tested; add history"
        )
    live = frozenset(column.indicator for column in built.columns if column.stage == "live")
    first = rows.where(usable[0].train)
    model_settings = _model_settings(first, live, company.targets[target])
    return AblationTrial(company, rows, tuple(features), live, usable, model_settings, evaluated_on)


def _usable(rows: model.TrainingRows, folds: Sequence[split.CvFold]) -> tuple[split.CvFold, ...]:
    return tuple(fold for fold in folds if both_sides_usable(rows, fold))


def _model_settings(
    rows: model.TrainingRows, live: frozenset[str], target: Target
) -> ModelSettings:
    """Settings that suit the live indicators; the first trials of a search are enough here."""
    live_rows = rows.only(
        [i for i, feature in enumerate(rows.features) if feature.indicator in live]
    )
    folds, chosen_on = folds_of(live_rows, target)
    return search.search_settings(
        live_rows, folds, chosen_on, trials=len(search.FIRST_TRIED)
    ).model_settings


def worth(tested: AblationTrial, indicator: str, base: Floats) -> IndicatorWorth:
    """How much `indicator` is worth to the model of all live ones, whose losses are `base`.

    A live indicator is removed, any other is added.
    """
    is_live = indicator in tested.live
    other = tested.losses(tested.live ^ {indicator})
    saved = other - base if is_live else base - other
    gain = quality.mean_interval(saved, tested.accounts)
    return IndicatorWorth(gain.value, gain.low, gain.high)
