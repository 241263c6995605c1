"""Columns that together tell a table's outcome, or tell it by being empty: written afterwards.

What one column tells by its order alone is `foreign`'s to refuse. Here are the other ways in which
a table knows its outcome: a column whose values tell it in no order, two columns together, a tree
of a few questions, and a field that is filled in, or emptied, when the customer leaves.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from features.errors import ContractBroken, Finding
from training.learning.matrix import Feature
from training.metrics.quality import auc
from training.tables.plain_table import DROP, column_finding

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Codes = npt.NDArray[np.int64]

# Rows that were not learnt from are told apart this well: AUC.
PERFECT = 0.999
# At most so many rows of each outcome, and so many columns in pairs, are looked at.
ROWS = 2000
PAIRED = 40
BINS = 12
# A tree of so many questions in a row.
DEPTH = 5
# In a cell of so impure a grid no pair can be perfect.
IMPURE = 0.05
# How pure the rows are that a field singles out, and how unlikely by chance that is.
PURE, CHANCE = 0.99, 1e-6
# A field says who stays where so few leave, in parts of the rate of all, of so many expected.
RARE, EXPECTED = 0.1, 20


def require_none(X: Floats, y: Labels, features: Sequence[Feature]) -> None:
    """Raises ContractBroken with every column, or pair of columns, that tells the outcome."""
    findings = [*_by_gaps(X, y, features)]
    rows = _rows(y)
    findings += _by_values(X[rows], y[rows], features)
    if findings:
        raise ContractBroken(findings)


def _rows(y: Labels) -> Codes:
    """Rows of both outcomes in random order: all of the rarer one, if they are not too many."""
    draw = np.random.default_rng(0)
    parts = [draw.permutation(np.flatnonzero(y == outcome))[:ROWS] for outcome in (0, 1)]
    return draw.permutation(np.concatenate(parts))


def _by_values(X: Floats, y: Labels, features: Sequence[Feature]) -> Iterator[Finding]:
    """What single columns, then pairs, then a small tree tell; a column is named once."""
    codes = [_codes(X[:, place], feature) for place, feature in enumerate(features)]
    alone = np.array([_held_out(each, y) for each in codes])
    told = set(np.flatnonzero(alone >= PERFECT).tolist())
    for place in sorted(told):
        yield _finding([features[place].name], "its values tell the outcome of every row")
    for pair in combinations(sorted(np.argsort(-alone, kind="stable")[:PAIRED].tolist()), 2):
        if told.isdisjoint(pair) and _tells(X, y, codes, features, pair):
            told |= {*pair}
            names = [features[place].name for place in pair]
            yield _finding(names, "together they tell the outcome of every row")
    if not told and (asked := _by_tree(X, y)):
        names = [features[place].name for place in asked]
        yield _finding(names, f"{DEPTH} questions in a row tell the outcome of every row")


def _tells(
    X: Floats, y: Labels, codes: Sequence[Codes], features: Sequence[Feature], pair: tuple[int, int]
) -> bool:
    """Whether two columns tell the outcome by their values, or by which of them is larger."""
    first, second = pair
    cells = codes[first] * (BINS + 1) + codes[second]
    counts, events = np.bincount(cells), np.bincount(cells, y)
    impure = np.minimum(events, counts - events).sum() / min(y.sum(), len(y) - y.sum())
    if impure <= IMPURE and _held_out(cells, y) >= PERFECT:
        return True
    if any(features[place].dtype == "category" for place in pair):
        return False
    gap = X[:, first] - X[:, second]
    unknown = np.isnan(gap)
    if unknown.all():
        return False
    orders = (auc(np.where(unknown, fill, gap), y) for fill in (-np.inf, np.inf))
    return any(max(one, 1 - one) >= PERFECT for one in orders)


def _codes(values: Floats, feature: Feature) -> Codes:
    """The values as at most `BINS` groups of about as many rows; 0 where there is none."""
    known = ~np.isnan(values)
    different = np.unique(values[known])
    if len(different) <= BINS:
        places = np.searchsorted(different, values[known])
    elif feature.dtype == "category":
        common = np.argsort(-np.bincount(values[known].astype(np.int64)), kind="stable")
        rank = np.minimum(np.argsort(common), BINS - 1)
        places = rank[values[known].astype(np.int64)]
    else:
        edges = np.quantile(values[known], np.arange(1, BINS) / BINS)
        places = np.searchsorted(edges, values[known], "right")
    codes = np.zeros(len(values), np.int64)
    codes[known] = places + 1
    return codes


def _held_out(cells: Codes, y: Labels) -> float:
    """How well the rate of a cell tells the outcome in the half that did not set it: AUC."""
    half = np.arange(len(y)) % 2 == 0
    scores = np.empty(len(y))
    for learn in (half, ~half):
        counts = np.bincount(cells[learn], minlength=cells.max() + 1)
        events = np.bincount(cells[learn], y[learn], minlength=cells.max() + 1)
        scores[~learn] = ((events + y.mean()) / (counts + 1))[cells[~learn]]
    return min(auc(scores[part], y[part]) for part in (half, ~half))


def _by_tree(X: Floats, y: Labels) -> list[int]:
    """The fewest columns of which a tree asks that tells the outcome of rows it has not seen."""
    asked = _asked(X, y, list(range(X.shape[1])))
    for place in asked:
        # A good column is asked first and may yet be none of those that are needed.
        asked = _asked(X, y, [other for other in asked if other != place]) or asked
    return asked


def _asked(X: Floats, y: Labels, places: Sequence[int]) -> list[int]:
    """The columns among `places` that a perfect tree asks for; none where it is not perfect."""
    from sklearn.tree import DecisionTreeClassifier

    half = np.arange(len(y)) % 2 == 0
    asked: set[int] = set()
    for learn in (half, ~half) if places else ():
        tree = DecisionTreeClassifier(max_depth=DEPTH, random_state=0)
        tree.fit(X[learn][:, places], y[learn])
        if auc(tree.predict_proba(X[~learn][:, places])[:, 1], y[~learn]) < PERFECT:
            return []
        asked |= {places[place] for place in tree.tree_.feature if place >= 0}
    return sorted(asked)


def _by_gaps(X: Floats, y: Labels, features: Sequence[Feature]) -> Iterator[Finding]:
    """Fields that are filled in, or emptied, for rows with the event alone."""
    for name, state, count, events in _singled_out(X, y, features):
        by_chance = count * np.log(y.mean()) > np.log(CHANCE)
        if events >= PURE * count and not by_chance:
            detail = f"of the {count:,} rows where it is {state}, {events:,} have the event"
            yield _finding([name], detail, count)


def notices(X: Floats, y: Labels, features: Sequence[Feature]) -> Iterator[str]:
    """Fields that say by being filled in, or empty, who stays: to be looked at."""
    for name, state, count, events in _singled_out(X, y, features):
        expected = float(y.mean()) * count
        if expected >= EXPECTED and events <= RARE * expected:
            yield (
                f"look at {name}: of the {count:,} rows where it is {state}, {events:,} have the "
                f"event; by the rate of all, {expected:,.0f} would. A field that changes when a "
                "customer leaves knows the outcome (--ignore)"
            )


def _singled_out(
    X: Floats, y: Labels, features: Sequence[Feature]
) -> Iterator[tuple[str, str, int, int]]:
    """Each column with gaps, filled in and empty: how many such rows, and how many events."""
    for place, feature in enumerate(features):
        empty = np.isnan(X[:, place])
        for rows, state in ((~empty, "filled in"), (empty, "empty")):
            if 0 < (count := int(rows.sum())) < len(y):
                yield feature.name, state, count, int(y[rows].sum())


def _finding(names: Sequence[str], detail: str, rows: int | None = None) -> Finding:
    drop = " or ".join(DROP.format(name=name) for name in names[:1])
    if len(names) > 1:
        drop = f"{drop}, or another of them"
    return column_finding(", ".join(names), f"{detail}: written after the outcome", drop, rows)
