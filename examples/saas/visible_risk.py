"""How much of a simulated company's true risk its tables show: the best that any model can do.

Such a company seals, beside its tables, the true churn probability of each account and month start,
given what nobody can see. How much of it the columns show is estimated by trees trained on the
probability itself: they have no noise of outcomes to fit, and no account is explained by trees that
were trained on it.
"""

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from training.learning import split

Floats = npt.NDArray[np.float64]

# As many and as few rounds as the truth needs, which has no noise to fit.
OPTIONS = {
    "objective": "cross_entropy",
    "num_leaves": 15,
    "learning_rate": 0.08,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.5,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 120
HALVES = 2


def train_on_truth(X: Floats, truth: Floats) -> lgb.Booster:
    """Trees trained on rows (rows × columns) and their true probabilities (rows,)."""
    return lgb.train(OPTIONS, lgb.Dataset(X, truth), ROUNDS)


def contributions(X: Floats, truth: Floats, accounts: Sequence[str]) -> Floats:
    """What each column shows of the true probability, in log-odds (rows × columns + 1).

    The last column is the same for all rows of a half of the accounts; each half is explained by
    trees trained on the other. The sum of a row is all that the columns show.

    Parameters
    ----------
    X : array of shape (rows × columns)
    truth : array of shape (rows,)
        The true probability of each row, between 0 and 1.
    accounts : sequence of str
        The account of each row.
    """
    shown = np.zeros((len(X), X.shape[1] + 1))
    for half in split.by_account(accounts, HALVES):
        if half.test.any():
            trees = train_on_truth(X[half.train], truth[half.train])
            shown[half.test] = trees.predict(X[half.test], pred_contrib=True, num_threads=1)
    return shown
