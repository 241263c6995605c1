"""Whether the numbering or the order of the accounts says who left.

Numbers grow with time, and who came earlier had longer to leave; so accounts are compared only with
those that signed up in the same month.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from features.audit.outcome_grid import GONE, OUT, STAYED, OutcomeGrid
from features.engines.sql_text import quote
from features.errors import Finding
from features.evidence.significance import significantly_separates
from features.progress import Progress
from features.sources import Tables

# The area up to which an order may separate because it groups accounts by plan or region.
LEAST = 0.75

Floats = npt.NDArray[np.float64]


def breaches_of_target(tables: Tables, grid: OutcomeGrid, progress: Progress) -> Iterator[Finding]:
    """The account table's order of rows, or its keys' numbers, that separate gone and stayed."""
    progress("looking for the outcome in the order of accounts")
    accounts = tables.company.accounts
    if accounts.derived:
        return
    since, key = quote(str(accounts.attributes.since)), quote(accounts.key)
    text = f"CAST({key} AS VARCHAR)"
    table = tables.engine.rows(
        f"SELECT {text} AS account_id, date_trunc('month', CAST({since} AS DATE)) AS month, "
        f"TRY_CAST(regexp_replace({text}, '[^0-9]', '', 'g') AS DOUBLE) AS number, "
        f"CAST(row_number() OVER () AS DOUBLE) AS place FROM {quote(accounts.source)} "
        f"WHERE {key} IS NOT NULL AND {since} IS NOT NULL"
    )
    gone = _gone(grid, table["account_id"].to_numpy().astype(str))
    month = table["month"].to_numpy()
    orders = {"the order of the rows": "place", "the number in the key": "number"}
    for words, name in orders.items():
        area, few = stratified_auc(table[name].to_numpy().astype(float), gone, month)
        if significantly_separates(max(area, 1 - area), few, LEAST, 2 * len(orders)):
            yield _finding(tables, words, max(area, 1 - area), len(gone))


def _gone(grid: OutcomeGrid, keys: npt.NDArray[np.str_]) -> Floats:
    """1 for accounts that left, 0 for those that were there at the end, NaN for the others."""
    left = (grid.outcome == GONE).any(axis=0)
    last = np.where(grid.outcome != OUT, np.arange(len(grid.months))[:, None], -1).max(axis=0)
    stayed = ~left & (last == len(grid.months) - 1) & (grid.outcome[-1] == STAYED)
    gone = np.where(left, 1.0, np.where(stayed, 0.0, np.nan))
    positions = np.minimum(np.searchsorted(grid.accounts, keys), len(grid.accounts) - 1)
    result: Floats = np.where(grid.accounts[positions] == keys, gone[positions], np.nan)
    return result


def stratified_auc(
    values: Floats, gone: Floats, stratum: npt.NDArray[np.generic]
) -> tuple[float, int]:
    """The area under the ROC curve within strata (van Elteren 1960), and its smaller class.

    Strata with one class only say nothing and are left out.
    """
    usable = np.isfinite(values) & np.isfinite(gone)
    won, pairs, classes = 0.0, 0, np.zeros(2, int)
    for name in np.unique(stratum[usable]):
        rows = usable & (stratum == name)
        up, count = gone[rows] == 1, int(rows.sum())
        hits = int(up.sum())
        if 0 < hits < count:
            won += float(rankdata(values[rows])[up].sum()) - hits * (hits + 1) / 2
            pairs += hits * (count - hits)
            classes += (hits, count - hits)
    return (won / pairs if pairs else 0.5), int(classes.min())


def _finding(tables: Tables, words: str, area: float, count: int) -> Finding:
    accounts = tables.company.accounts
    detail = (
        f"{tables.location(accounts.source)}: of accounts that signed up in "
        f"the same month, {words} separates those that left (AUC {area:.2f}): the table was "
        "written or sorted after that was known"
    )
    fix = "provide the table in the order of sign-up with its original keys, and use neither"
    return Finding(
        "order_tells", "audit", "error", accounts.source, accounts.key, count, detail, fix
    )
