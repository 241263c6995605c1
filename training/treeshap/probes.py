"""Rows on which a compiled model is compared with LightGBM: around every threshold, and beyond."""

import numpy as np

from training.treeshap.tables import Floats, ShapTables

PROBE_SEED = 20
SPECIAL = (np.nan, 0.0, -0.0, np.inf, -np.inf, 1e-40)
UNKNOWN = 1_000_003.0


def probes(tables: ShapTables, columns: int, rows: int) -> Floats:
    """Random rows (rows × columns): values on and beside thresholds, categories, the unusual."""
    random = np.random.default_rng(PROBE_SEED)
    codes = tables.codes
    X = random.normal(size=(rows, columns))
    for number, feature in enumerate(codes.feature):
        cuts = np.unique(codes.cuts[codes.start[number] : codes.start[number + 1]])
        near = np.concatenate([cuts, np.nextafter(cuts, np.inf), cuts - 1.0, cuts + 1.0])
        X[:, feature] = random.choice(near, rows)
    for number, feature in enumerate(codes.category_feature):
        count = codes.category_start[number + 1] - codes.category_start[number]
        X[:, feature] = random.integers(0, count + 1, rows)
        X[:, feature] = np.where(random.random(rows) < 0.1, UNKNOWN, X[:, feature])
    unusual = random.random(X.shape) < 0.15
    X[unusual] = random.choice(SPECIAL, int(unusual.sum()))
    return X
