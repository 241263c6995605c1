"""The records of a search's trials and folds, for readers of how a model was chosen."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SearchTrial:
    """One trial's settings, its log `loss`, and on how many `folds` (1 where it was given up)."""

    leaves: int
    learning_rate: float
    l2: float
    min_rows: int
    columns: float
    drawn: bool
    loss: float
    folds: int


@dataclass(frozen=True)
class Losses:
    """Log losses on the folds: of the chosen model, of the best one, and of the scorecard alone."""

    chosen: float
    best: float
    scorecard: float


@dataclass(frozen=True)
class FoldLosses:
    """One fold's as-of dates and rows, with the log loss of the chosen model and the scorecard."""

    as_of: tuple[str, ...]
    rows: int
    loss: float
    scorecard: float
