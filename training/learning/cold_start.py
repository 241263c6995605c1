"""Few churners: below a threshold, the model is a strongly shrunken scorecard alone.

The threshold is read off the learning curve of the shipped companies (`docs/learning-curve.md`).
The artifact, its drivers and its pages are those of any other model.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from features.progress import Progress, silent
from training.learning import search, split
from training.learning.folds import ONE_MOMENT
from training.learning.model import TrainingRows
from training.learning.search import Choice

# So many different accounts must have the rarer outcome (mostly churn) before trees are tried.
# From there on the search for trees cost no shipped company more than 0.6 % of its log loss on a
# later date; on fewer it cost up to 1.4 %, and lowered no real company's loss significantly.
LEAST_FOR_TREES = 100

# The same for a table of one moment, whose folds are like the rows that will be scored. There the
# search for trees was better than the shrunken scorecard from 40 on; fewer were not tried.
LEAST_IN_A_MOMENT = 40

# The scorecard's ridge where too few accounts could choose one. At 40 and 90 churners it was at
# most 0.8 % of log loss from the best of 1, 10, 30 and 100 on every shipped company; a choice by
# folds was 1.1 %, 100 1.7 % and 10 1.5 %.
PENALTY = 30.0

# The settings of a model of few churners.
SHRUNKEN = replace(search.FIRST_TRIED[0], share=0.0, penalty=PENALTY)


def choose_settings(
    rows: TrainingRows,
    folds: Sequence[split.CvFold],
    chosen_on: str,
    *,
    trials: int = search.TRIALS,
    progress: Progress = silent,
) -> Choice:
    """The settings that suit the rows, found by a search; with few churners, fixed ones."""
    count = rarer(rows)
    least = LEAST_IN_A_MOMENT if chosen_on == ONE_MOMENT else LEAST_FOR_TREES
    if count >= least:
        return search.search_settings(rows, folds, chosen_on, trials=trials, progress=progress)
    why = f"{count} accounts have the rarer outcome; trees need at least {least}"
    return Choice(SHRUNKEN, "nothing: too few accounts", trees_left_out=why)


def rarer(rows: TrainingRows) -> int:
    """How many different accounts have the rarer of the two outcomes, on any date."""
    accounts = np.asarray(rows.accounts)
    return min(len(np.unique(accounts[rows.y == outcome])) for outcome in (0, 1))
