"""Whether planted causes are found: for a company that is simulated and sealed what it planted.

Beside the tables of such a company lies `truth/planted.parquet`, which no declaration names: per
account and as-of date a `cause`, its `share` of the account's excess risk over the average, and the
`source`, the one table that shows it. A score never reads it. What is asked is whether the
indicator of that source is the first reason that people would read: the one that lowers the score
most, context told apart.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import publish
from features.company import Company
from training.artifact import Artifact
from training.certificate import Check
from training.drivers import fold
from training.matrix import matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CARRIES = 0.5
FOUND = 0.95
TWIN = 0.5


def sealed(company: Company) -> Path | None:
    """Where the planted causes are sealed; None where the company is real or has sealed none."""
    path = company.sources[company.accounts.source].path
    if not company.company.simulated or not path:
        return None
    found = (company.folder / path).parent / "truth" / "planted.parquet"
    return found if found.is_file() else None


def checks(artifact: Artifact, table: pa.Table, company: Company) -> list[Check]:
    """One check for each planted cause that one indicator shows and no other resembles.

    `table` has the rows to look at, with account_id and as_of. The cases are those whose cause
    carries at least half of the excess risk and which the indicator shows, by another value than
    its usual one; without a case there is no check. What is sealed are causes of leaving, so
    nothing is asked of an opportunity.
    """
    path = sealed(company)
    if path is None or not artifact.adverse:
        return []
    causes, X = publish.read_parquet(path), matrix(table, artifact.features)
    pairs = causes.select(["cause", "source"]).group_by(["cause", "source"]).aggregate([])
    found = []
    for pair in pairs.sort_by("cause").to_pylist():
        indicators = [it for it in artifact.meanings if _source(it, company) == pair["source"]]
        if len(indicators) == 1 and not _has_twin(artifact, X, indicators[0]):
            shares = _shares(causes, table, pair["cause"])
            found.append(_check(artifact, X, shares, pair["cause"], indicators[0]))
    return [item for item in found if item.cases]


def _source(indicator: str, company: Company) -> str:
    return company.indicators[indicator].source


def _shares(causes: pa.Table, table: pa.Table, cause: str) -> Floats:
    rows = causes.to_pylist()
    known = {
        (row["account_id"], row["as_of"]): row["share"] for row in rows if row["cause"] == cause
    }
    asked = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return np.array([known.get(key, 0.0) for key in asked])


def _check(artifact: Artifact, X: Floats, shares: Floats, cause: str, indicator: str) -> Check:
    cases = X[(shares >= CARRIES) & _shown(artifact, X, indicator)]
    names, folded = fold(artifact.contributions(cases), artifact.features)
    points = folded * artifact.scale.points_per_margin
    context = [artifact.kinds[name] == "context" for name in names]
    first = np.argmin(np.where(context, np.inf, points), axis=1)
    says = f"the share whose first reason is {indicator} where {cause} was planted"
    return Check.share("planted cause", says, first == names.index(indicator), FOUND)


def _shown(artifact: Artifact, X: Floats, indicator: str) -> Flags:
    shown = np.zeros(len(X), dtype=np.bool_)
    for place, feature in enumerate(artifact.features):
        if feature.indicator == indicator:
            shown |= ~np.isnan(X[:, place]) & (X[:, place] != feature.usual_coded)
    return shown


def _has_twin(artifact: Artifact, X: Floats, indicator: str) -> bool:
    """Whether a column of another indicator goes with one of its own."""
    own: list[Floats] = []
    others: list[Floats] = []
    for place, feature in enumerate(artifact.features):
        if feature.dtype == "number":
            (own if feature.indicator == indicator else others).append(X[:, place])
    return any(_correlation(mine, theirs) >= TWIN for mine in own for theirs in others)


def _correlation(first: Floats, second: Floats) -> float:
    known = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[known], second[known]
    if len(first) < 2 or not first.std() or not second.std():
        return 0.0
    return float(abs(np.corrcoef(first, second)[0, 1]))
