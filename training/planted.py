"""Whether planted causes are found: for a company that is simulated and sealed its truth.

Beside the tables of such a company lie two that no declaration names: `truth/planted.parquet`, per
account and as-of date a `cause`, its `share` of the account's true excess risk over the average,
and the one table (`source`) and its rows (`rows`, SQL) that show it; and the true probabilities,
`truth/churn_probability.parquet`. A score never reads them.

A case is an account whose cause carries at least half of the true excess, and of which the facts
tell the same: of all that raises its risk as far as they show the true one (`training.observable`),
at least half is the cause's, context apart. There, a model that knew the truth would name it first.
Elsewhere it need not: who pays late by habit looks like a leaver, and no table tells the two apart.

What is asked is whether the indicator of those rows is the first reason that people would read: of
the leading ones, the one that lowers the score most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import publish
from features.declaring.company import Company
from features.snapshots import Snapshots
from training import certificate, observable
from training.artifact import Artifact
from training.certificate import Check
from training.explaining.drivers import fold
from training.learning.matrix import matrix
from training.procedure import labelled

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CARRIES = 0.5
FOUND = 0.95
TWIN = 0.5
CAUSES, PROBABILITY = "planted.parquet", "churn_probability.parquet"


@dataclass(frozen=True)
class Looked:
    """The rows that are looked at: their matrix, and what truth and facts tell of them.

    `table` has account_id and as_of. `raising` (rows × indicators) is by how many log-odds each
    indicator raises the true risk, as far as the facts tell it; context is told to raise nothing.
    """

    table: pa.Table
    X: Floats
    raising: Floats


def sealed(company: Company) -> Path | None:
    """The folder of the sealed truth; None where the company is real or has sealed no cause."""
    path = company.sources[company.accounts.source].path
    if not company.company.simulated or not path:
        return None
    found = (company.folder / path).parent / "truth"
    return found if all((found / name).is_file() for name in (CAUSES, PROBABILITY)) else None


def told_by(
    artifact: Artifact, built: Snapshots, company: Company, days: Sequence[date]
) -> Artifact:
    """The artifact whose certificate tells, too, whether planted causes are found on `days`."""
    table = labelled(built, company, artifact.target)
    taught = table.filter(pc.is_in(table["as_of"], pa.array(days, pa.date32())))
    return certificate.adding(artifact, checks(artifact, taught, company))


def checks(artifact: Artifact, table: pa.Table, company: Company) -> list[Check]:
    """One check for each planted cause that one indicator shows and no other resembles.

    `table` has the rows to look at, with account_id and as_of. Without a case there is no check.
    What is sealed are causes of leaving, so nothing is asked of an opportunity.
    """
    folder = sealed(company)
    if folder is None or not artifact.adverse:
        return []
    causes, looked = publish.read_parquet(folder / CAUSES), _looked(artifact, table, folder)
    kinds = causes.select(["cause", "source", "rows"]).group_by(["cause", "source", "rows"])
    found = []
    for kind in kinds.aggregate([]).sort_by("cause").to_pylist():
        shown_by = _indicators(artifact, company, kind["source"], kind["rows"])
        if len(shown_by) == 1 and not _has_twin(artifact, looked.X, shown_by[0]):
            shares = _of(
                causes.filter(pc.equal(causes["cause"], kind["cause"])), "share", looked.table
            )
            found.append(
                _check(artifact, looked, np.nan_to_num(shares), kind["cause"], shown_by[0])
            )
    return [item for item in found if item.cases]


def _looked(artifact: Artifact, table: pa.Table, folder: Path) -> Looked:
    """The rows whose true risk is sealed; the earliest have none."""
    truth = _of(publish.read_parquet(folder / PROBABILITY), "churn_probability", table)
    table, truth = table.filter(pa.array(~np.isnan(truth))), truth[~np.isnan(truth)]
    X = matrix(table, artifact.features)
    told = observable.contributions(X, truth, table["account_id"].to_pylist())
    _, folded = fold(told, artifact.features)
    return Looked(table, X, np.where(_of_kind(artifact, "context"), 0.0, np.maximum(folded, 0.0)))


def _of(sealed: pa.Table, column: str, table: pa.Table) -> Floats:
    """The sealed number of each row of `table`, NaN where none is."""
    rows = sealed.select(["account_id", "as_of", column]).to_pylist()
    known = {(row["account_id"], row["as_of"]): row[column] for row in rows}
    asked = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return np.array([known.get(key, np.nan) for key in asked], dtype=np.float64)


def _of_kind(artifact: Artifact, *kinds: str) -> Flags:
    """Which indicators, in order of the features, are of these kinds."""
    names = dict.fromkeys(feature.indicator for feature in artifact.features)
    return np.array([artifact.kinds[name] in kinds for name in names])


def _indicators(artifact: Artifact, company: Company, source: str, rows: str) -> list[str]:
    """Those that show these rows; where none keeps to them, those of the whole source."""
    own = [name for name in artifact.meanings if company.indicators[name].source == source]
    exact = [name for name in own if _plain(company.indicators[name].where or "") == _plain(rows)]
    return exact or own


def _plain(sql: str) -> str:
    return " ".join(sql.split())


def _check(artifact: Artifact, looked: Looked, shares: Floats, cause: str, indicator: str) -> Check:
    names, folded = fold(artifact.contributions(looked.X), artifact.features)
    place, leading = names.index(indicator), _of_kind(artifact, "leading")
    points = np.where(leading, folded * artifact.scale.points_per_margin, np.inf)
    first = (np.argmin(points, axis=1) == place) & leading[place]
    carried = (shares >= CARRIES) & _shown(artifact, looked.X, indicator)
    half = looked.raising[:, place] >= CARRIES * looked.raising.sum(axis=1)
    cases = carried & half & (looked.raising[:, place] > 0)
    says = (
        f"the share whose first reason is {indicator} where {cause} was planted and, as far as the "
        f"facts tell, carries half of the risk (told in {cases.sum():,} of {carried.sum():,}, of "
        f"which {first[carried].sum():,} have that reason)"
    )
    return Check.share("planted cause", says, first[cases], FOUND)


def _shown(artifact: Artifact, X: Floats, indicator: str) -> Flags:
    """Whether one of the indicator's values is another than its usual one."""
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
