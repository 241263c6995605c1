"""Who left and who stayed, months × accounts: what every column is held against.

Everything here comes from `snapshots.build_from`, by the same code that labels rows for training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import snapshots
from features.assembling.decisions import IMMATURE, UNDECIDED, WORDS
from features.declaring.indicator import Indicator
from features.progress import Progress, silent
from features.sources import Tables

MOST_MONTHS = 24
MOST_ACCOUNTS = 20_000
# How long before the label window a column is looked at: nobody honestly knows so early.
LEAD_DAYS = 182

GONE, STAYED, OUT = 1, 0, -1


@dataclass(frozen=True)
class OutcomeGrid:
    """The outcomes of one target on its latest mature month starts.

    `there` (months × accounts) says which accounts existed. `outcome` (the same) is `GONE` for an
    eligible account that left in the label window, in the gap, or before without our knowing;
    `STAYED`; or `OUT` where it was not eligible, or by renewal is undecided or not settled yet.
    At most `MOST_ACCOUNTS` accounts, drawn without looking at them.
    """

    target: str
    months: tuple[date, ...]
    accounts: npt.NDArray[np.str_]
    there: npt.NDArray[np.bool_]
    outcome: npt.NDArray[np.int8]

    @property
    def rates(self) -> npt.NDArray[np.float64]:
        """The share of the eligible that left, per month; 0 where none was."""
        eligible = np.maximum((self.outcome != OUT).sum(axis=1), 1)
        shares: npt.NDArray[np.float64] = (self.outcome == GONE).sum(axis=1) / eligible
        return shares

    @property
    def lead(self) -> int | None:
        """How many months on, at least `LEAD_DAYS` have passed; none if the grid is too short."""
        ahead = [
            number
            for number, day in enumerate(self.months)
            if day - self.months[0] >= timedelta(days=LEAD_DAYS)
        ]
        return ahead[0] if ahead else None

    def on_grid(self, table: pa.Table, column: str) -> npt.NDArray[Any]:
        """A column of snapshots as months × accounts; NaN, for texts None, where there is none."""
        values = table[column]
        text = pa.types.is_string(values.type)
        plain = values.to_numpy()
        cells = np.full(self.outcome.shape, None if text else np.nan, object if text else float)
        month, account, inside = self._places(table)
        cells[month[inside], account[inside]] = plain[inside]
        return cells

    def _places(self, table: pa.Table) -> tuple[Any, Any, Any]:
        keys = table["account_id"].to_numpy().astype(str)
        days = table["as_of"].to_numpy().astype("datetime64[D]")
        account = np.minimum(np.searchsorted(self.accounts, keys), len(self.accounts) - 1)
        months = np.array(self.months, "datetime64[D]")
        return np.searchsorted(months, days), account, self.accounts[account] == keys


def outcome_grids(tables: Tables) -> list[OutcomeGrid]:
    """One grid for each adverse target that has mature month starts and accounts."""
    grids = []
    for name, target in tables.company.targets.items():
        months = snapshots.mature_month_starts(tables, name)[-MOST_MONTHS:]
        if target.adverse and months:
            rows = snapshots_if(tables, months, targets={name: target}, indicators={})
            if rows.table.num_rows:
                grids.append(_grid(name, months, rows.table))
    return grids


def snapshots_if(
    tables: Tables, days: Sequence[date], *, progress: Progress = silent, **changed: Any
) -> snapshots.Snapshots:
    """The snapshots that the company would have if `changed` were declared."""
    company = tables.company.model_copy(update=changed)
    return snapshots.build_from(replace(tables, company=company), days, progress=progress)


def probe_snapshots(
    tables: Tables, months: Sequence[date], probes: dict[str, Indicator]
) -> snapshots.Snapshots:
    """The snapshots of indicators that nobody declared."""
    return snapshots_if(tables, months, targets={}, indicators=probes)


def _grid(name: str, months: Sequence[date], table: pa.Table) -> OutcomeGrid:
    accounts = np.unique(table["account_id"].to_numpy().astype(str))
    if len(accounts) > MOST_ACCOUNTS:
        drawn = np.random.default_rng(0).choice(len(accounts), MOST_ACCOUNTS, replace=False)
        accounts = accounts[np.sort(drawn)]
    empty = np.full((len(months), len(accounts)), OUT, np.int8)
    grid = OutcomeGrid(name, tuple(months), accounts, empty > OUT, empty)
    there = ~np.isnan(grid.on_grid(table, "history_days"))
    eligible = grid.on_grid(table, f"eligible__{name}") == 1
    stayed = grid.on_grid(table, f"label__{name}") == 0
    if f"label__{name}__outcome" in table.column_names:
        words = grid.on_grid(table, f"label__{name}__outcome")
        eligible &= ~np.isin(words, [WORDS[UNDECIDED], WORDS[IMMATURE]])
    outcome = np.where(eligible, np.where(stayed, STAYED, GONE), OUT).astype(np.int8)
    return replace(grid, there=there, outcome=outcome)
