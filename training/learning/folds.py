"""Which rows a setting learns from and which, later ones where there are, it is measured on."""

from features.declaring.target import Target
from training.learning import split
from training.learning.model import TrainingRows

ONE_MOMENT = "folds grouped by account"
TOO_SHORT = f"{ONE_MOMENT}, the history being too short for later dates"
# What is compared needs no more rows.
LEARN_ROWS, TEST_ROWS = 24_000, 8_000
FEW_ROWS = 3_000


def folds_of(
    rows: TrainingRows, target: Target | None, most: int = split.ORIGINS
) -> tuple[list[split.CvFold], str]:
    """Folds with both outcomes on both sides, at most so many of later dates, and what they are."""
    if target is not None:
        later = [
            fold
            for fold in split.rolling(rows.as_of, rows.settles, rows.whole, most)
            if both_sides_usable(rows, fold)
        ]
        if later:
            return later, "later as-of dates"
    count = split.FOLDS if len(rows.y) < FEW_ROWS else split.ORIGINS
    grouped = [
        fold for fold in split.by_account(rows.accounts, count) if both_sides_usable(rows, fold)
    ]
    return grouped, ONE_MOMENT if target is None else TOO_SHORT


def both_sides_usable(rows: TrainingRows, fold: split.CvFold) -> bool:
    """Whether both sides of a fold have both outcomes."""
    return all(split.both_outcomes(rows.y[mask]) for mask in (fold.train, fold.test))


def thinned(rows: TrainingRows, fold: split.CvFold) -> tuple[TrainingRows, TrainingRows]:
    """Both sides of a fold, with no more rows than a comparison needs."""
    return (
        rows.where(fold.train).thinned(LEARN_ROWS),
        rows.where(fold.test).thinned(TEST_ROWS),
    )
