"""In how many accounts a model of the simulated company names the cause that was planted.

From the repository's root, after `churnlight train`: ``python -m examples.saas.planted_causes``.

Beside the simulated company's tables lie two that no declaration names: `truth/planted.parquet`,
per account and as-of date a `cause`, its `share` of the account's true excess risk over the
average, and the one table (`source`) and its rows (`rows`, SQL) that show it; and the true
probabilities, `truth/churn_probability.parquet`. No score reads them.

A case is an account whose cause carries at least half of the true excess, and whose facts show as
much: of all that raises its risk as far as they show the true one (`visible_risk`), at least half
comes from the cause, context apart. There, a model that knew the truth would name it first.
Elsewhere it need not: who pays late by habit looks like a leaver, and no table tells the two apart.

The question is whether the indicator of those rows is the first reason that people would read: of
the leading ones, the one that lowers the score most.
"""

import argparse
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from examples.saas import visible_risk
from features import contract, publish, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import ChurnlightError, NotFound
from features.settings import Settings
from training.artifact import Artifact
from training.explaining.drivers import by_indicator
from training.learning.matrix import matrix
from training.procedure import labelled
from training.registry import tracking

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

HERE = Path(__file__).resolve().parent
CARRIES = 0.5
AIM = 0.95
TWIN = 0.5
CAUSES, PROBABILITY = "planted.parquet", "churn_probability.parquet"


@dataclass(frozen=True)
class Recovery:
    """In how many accounts with a planted cause its indicator is the first reason.

    `planted` counts the rows in which the cause carries half of the true excess and its indicator
    has an unusual value, `cases` those of them in which the facts show it, too; `planted_first`
    and `first` say in how many of each the indicator is the first reason.
    """

    cause: str
    indicator: str
    cases: int
    first: int
    planted: int
    planted_first: int

    @property
    def share(self) -> float:
        """The share of the cases with the indicator as first reason."""
        return self.first / self.cases

    @property
    def passed(self) -> bool:
        """Whether that is as much as a model that knew the truth would reach, or nearly so."""
        return self.share >= AIM

    def __str__(self) -> str:
        return (
            f"{self.cause}: {self.indicator} is the first reason in {self.first:,} of "
            f"{self.cases:,} cases ({self.share:.1%}, at least {AIM:.0%} expected), and in "
            f"{self.planted_first:,} of all {self.planted:,} rows with this planted cause"
        )


@dataclass(frozen=True)
class TrueRows:
    """Rows with a sealed true risk: their matrix, and what truth and facts say of them.

    `table` has account_id and as_of. `raising` (rows × indicators) is by how many log-odds each
    indicator raises the true risk, as far as the facts show it; context counts as raising nothing.
    """

    table: pa.Table
    X: Floats
    raising: Floats


def sealed(company: Company) -> Path | None:
    """The folder of the sealed truth; None where the company is real or has sealed no cause."""
    path = company.sources[company.accounts.source].path
    if not company.about.simulated or not path:
        return None
    truth = (company.folder / path).parent / "truth"
    return truth if all((truth / name).is_file() for name in (CAUSES, PROBABILITY)) else None


def recoveries(artifact: Artifact, table: pa.Table, company: Company) -> list[Recovery]:
    """One for each planted cause that one indicator shows and no other resembles.

    `table` has the rows to look at, with account_id and as_of. A cause without a case is left out.
    The sealed causes are causes of leaving, so an opportunity has none.
    """
    folder = sealed(company)
    if folder is None or not artifact.adverse:
        return []
    causes, rows = publish.read_parquet(folder / CAUSES), _true_rows(artifact, table, folder)
    kinds = causes.select(["cause", "source", "rows"]).group_by(["cause", "source", "rows"])
    every = []
    for kind in kinds.aggregate([]).sort_by("cause").to_pylist():
        shown_by = _indicators(artifact, company, kind["source"], kind["rows"])
        if len(shown_by) == 1 and not _has_twin(artifact, rows.X, shown_by[0]):
            of_cause = causes.filter(pc.equal(causes["cause"], kind["cause"]))
            shares = np.nan_to_num(_sealed_numbers(of_cause, "share", rows.table))
            every.append(_recovery(artifact, rows, shares, kind["cause"], shown_by[0]))
    return [recovery for recovery in every if recovery.cases]


def _true_rows(artifact: Artifact, table: pa.Table, folder: Path) -> TrueRows:
    """The rows whose true risk is sealed; the earliest have none."""
    probabilities = publish.read_parquet(folder / PROBABILITY)
    truth = _sealed_numbers(probabilities, "churn_probability", table)
    table, truth = table.filter(pa.array(~np.isnan(truth))), truth[~np.isnan(truth)]
    X = matrix(table, artifact.features)
    shown = visible_risk.contributions(X, truth, table["account_id"].to_pylist())
    _, folded = by_indicator(shown, artifact.features)
    context = _of_kind(artifact, "context")
    return TrueRows(table, X, np.where(context, 0.0, np.maximum(folded, 0.0)))


def _sealed_numbers(sealed_rows: pa.Table, column: str, table: pa.Table) -> Floats:
    """The sealed number of each row of `table`, NaN where there is none."""
    rows = sealed_rows.select(["account_id", "as_of", column]).to_pylist()
    numbers = {(row["account_id"], row["as_of"]): row[column] for row in rows}
    keys = zip(table["account_id"].to_pylist(), table["as_of"].to_pylist(), strict=True)
    return np.array([numbers.get(key, np.nan) for key in keys], dtype=np.float64)


def _of_kind(artifact: Artifact, kind: str) -> Flags:
    """Which indicators, in order of the features, are of this kind."""
    names = dict.fromkeys(feature.indicator for feature in artifact.features)
    return np.array([artifact.kinds[name] == kind for name in names])


def _indicators(artifact: Artifact, company: Company, source: str, rows: str) -> list[str]:
    """Those that show these rows; where none keeps to them, those of the whole source."""
    of_source = [name for name in artifact.meanings if company.indicators[name].source == source]
    exact = [
        name
        for name in of_source
        if _one_line(company.indicators[name].where or "") == _one_line(rows)
    ]
    return exact or of_source


def _one_line(sql: str) -> str:
    return " ".join(sql.split())


def _recovery(
    artifact: Artifact, rows: TrueRows, shares: Floats, cause: str, indicator: str
) -> Recovery:
    names, folded = by_indicator(artifact.contributions(rows.X), artifact.features)
    column, leading = names.index(indicator), _of_kind(artifact, "leading")
    points = np.where(leading, folded * artifact.scale.points_per_margin, np.inf)
    first = (np.argmin(points, axis=1) == column) & leading[column]
    planted = (shares >= CARRIES) & _is_unusual(artifact, rows.X, indicator)
    half = rows.raising[:, column] >= CARRIES * rows.raising.sum(axis=1)
    cases = planted & half & (rows.raising[:, column] > 0)
    counts = (cases, first & cases, planted, first & planted)
    return Recovery(cause, indicator, *(int(flags.sum()) for flags in counts))


def _is_unusual(artifact: Artifact, X: Floats, indicator: str) -> Flags:
    """Whether one of the indicator's values differs from its usual one."""
    unusual = np.zeros(len(X), dtype=np.bool_)
    for column, feature in enumerate(artifact.features):
        if feature.indicator == indicator:
            unusual |= ~np.isnan(X[:, column]) & (X[:, column] != feature.usual_coded)
    return unusual


def _has_twin(artifact: Artifact, X: Floats, indicator: str) -> bool:
    """Whether a column of another indicator is correlated with one of this indicator's."""
    mine: list[Floats] = []
    others: list[Floats] = []
    for column, feature in enumerate(artifact.features):
        if feature.dtype == "number":
            (mine if feature.indicator == indicator else others).append(X[:, column])
    return any(_correlation(first, second) >= TWIN for first in mine for second in others)


def _correlation(first: Floats, second: Floats) -> float:
    both = ~np.isnan(first) & ~np.isnan(second)
    first, second = first[both], second[both]
    if len(first) < 2 or not first.std() or not second.std():
        return 0.0
    return float(abs(np.corrcoef(first, second)[0, 1]))


def training_rows(company: Company, artifact: Artifact) -> pa.Table:
    """The labelled rows of the dates that the artifact was trained on."""
    days = [date.fromisoformat(day) for day in artifact.training.as_of]
    with contract.sound_tables(company) as tables:
        return labelled(snapshots.build_from(tables, days), company, artifact.target)


def main() -> int:
    """Print one line per planted cause; the exit code is 1 where a model names one too rarely."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--company", type=Path, default=HERE, help="its folder (this one)")
    parser.add_argument("--target", default="churn", help="the target of the model (churn)")
    parser.add_argument(
        "--version", default="challenger", help="registry version or alias (challenger)"
    )
    given = parser.parse_args()
    try:
        company = load(given.company)
        artifact = tracking.fetch(company, given.target, given.version, Settings.read())
        every = recoveries(artifact, training_rows(company, artifact), company)
        if not every:
            raise NotFound(
                f"{given.company}: no planted cause to look for; make the company's tables with "
                "python examples/saas/get_data.py, then train"
            )
    except ChurnlightError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{artifact.name} version {artifact.version}")
    for recovery in every:
        print(f"  {recovery}")
    return 0 if all(recovery.passed for recovery in every) else 1


if __name__ == "__main__":
    raise SystemExit(main())
