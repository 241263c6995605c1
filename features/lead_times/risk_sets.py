"""Who is compared with whom: each churner with accounts at risk on the same day, as long known.

A churner examined L days before its churn is compared with accounts that were at risk on that as-of
date, had as long a history then, and were still there when it left (the risk set of Cox 1972;
the comparison is the incident/dynamic one of Heagerty & Zheng 2005, the marker taken L days
earlier). What says nothing about churn is then the same on both sides, however much it grows with
tenure, season or the reach of the tables. Where churn is silence, only accounts that were active
in the same days count: nobody else could have had a last activity there, and a churner, which
had one by definition, would otherwise look livelier than the rest.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.lead_times.lags import Lag

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

# Accounts beside each churner; more would narrow no interval by as much as 3 %.
CONTROLS = 20
# As long a history: within a tenth of the churner's own, or two weeks.
CALIPER_SHARE, CALIPER_DAYS = 0.1, 14
NO_CHURN = 2**30
_DAY_SPAN = 2**20


@dataclass(frozen=True)
class RiskPanel:
    """At-risk rows sorted by as-of date and history, and when each account next churned.

    `row` is each row's number in the snapshots; `as_of`, `history` and `next_churn` are in days
    (dates since 1970; `NO_CHURN` where no churn followed), `account` numbers the accounts from 0.
    `known_until` is the day up to which churns are settled; `activity` holds the days of activity
    as sorted keys, for targets that are a silence.
    """

    row: Ints
    as_of: Ints
    history: Ints
    account: Ints
    next_churn: Ints
    segment: npt.NDArray[np.object_]
    accounts: int
    known_until: int
    activity: Ints | None

    def within(self, segment: str | None) -> Mask:
        """The rows of a segment; all of them for `None`."""
        if segment is None:
            return np.ones(len(self.row), dtype=bool)
        rows: Mask = self.segment == segment
        return rows


@dataclass(frozen=True)
class Matched:
    """Churners at one lag and their controls, as places in the panel.

    `churner` is (cases,), `control` (cases × CONTROLS) and `valid` says which of them count.
    """

    churner: Ints
    control: Ints
    valid: Mask


def risk_panel(
    table: pa.Table,
    target: str,
    churns: pa.Table,
    activity: pa.Table | None,
    known_until: date,
) -> RiskPanel:
    """The rows of `table` (snapshots) that were at risk of `target`, ready to be matched.

    `churns` and `activity` are what `features.assembling.churn_days` says of the target.
    """
    names = pc.unique(table["account_id"])
    at_risk = table[f"eligible__{target}"].to_numpy(zero_copy_only=False).astype(bool)
    as_of, history = _days(table["as_of"]), table["history_days"].to_numpy().astype(np.int64)
    account = _codes(table["account_id"], names)
    # Among equals chance decides who is nearest, not the alphabet.
    chance = np.random.default_rng(0).random(len(names))
    row = np.flatnonzero(at_risk)
    row = row[np.lexsort((chance[account[row]], history[row], as_of[row]))]
    days = _keys(churns, names)
    key = account[row] * _DAY_SPAN + as_of[row]
    following = np.append(days, -1)[np.searchsorted(days, key)]
    same = following // _DAY_SPAN == account[row]
    segment = table["segment"].to_numpy(zero_copy_only=False)[row]
    return RiskPanel(
        row=row,
        as_of=as_of[row],
        history=history[row],
        account=account[row],
        next_churn=np.where(same, following % _DAY_SPAN, NO_CHURN),
        segment=segment.astype(object),
        accounts=len(names),
        known_until=(known_until - date(1970, 1, 1)).days,
        activity=None if activity is None else _keys(activity, names),
    )


def _days(column: pa.ChunkedArray) -> Ints:
    return column.cast(pa.int32()).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _codes(column: pa.ChunkedArray, names: pa.Array) -> Ints:
    return pc.index_in(column, names).to_numpy(zero_copy_only=False).astype(np.int64)  # type: ignore[no-any-return]


def _keys(dated: pa.Table, names: pa.Array) -> Ints:
    """Accounts and days as one sorted number each; accounts that the panel lacks are left out."""
    if not dated.num_rows:
        return np.zeros(0, dtype=np.int64)
    dated = dated.filter(pc.is_in(dated["account_id"], names))
    return np.sort(_codes(dated["account_id"], names) * _DAY_SPAN + _days(dated["day"]))


def matched(panel: RiskPanel, lag: Lag, among: Mask | None = None) -> Matched:
    """The churners at `lag` and, for each, the controls nearest in history on its as-of date."""
    churners, controls = _both_sides(panel, lag)
    if among is not None:
        churners, controls = churners & among, controls & among
    case, pool = np.flatnonzero(churners), np.flatnonzero(controls)
    if not len(case) or not len(pool):
        none = np.zeros((0, CONTROLS), dtype=np.int64)
        return Matched(case[:0], none, none.astype(bool))
    middle = np.searchsorted(pool, case)
    places = middle[:, None] + np.arange(-(CONTROLS // 2), CONTROLS - CONTROLS // 2)
    inside = (places >= 0) & (places < len(pool))
    control = pool[np.clip(places, 0, len(pool) - 1)]
    caliper = np.maximum(CALIPER_SHARE * panel.history[case], CALIPER_DAYS)
    near = np.abs(panel.history[control] - panel.history[case][:, None]) <= caliper[:, None]
    valid = inside & near & (panel.as_of[control] == panel.as_of[case][:, None])
    # As many younger as older: the youngest accounts, which often leave most, have only older
    # neighbours, and everything that grows with tenure would seem to separate them.
    equal = panel.history[control] == panel.history[case][:, None]
    valid &= equal | valid[:, ::-1]
    some = valid.any(axis=1)
    return Matched(case[some], control[some], valid[some])


def _both_sides(panel: RiskPanel, lag: Lag) -> tuple[Mask, Mask]:
    """Rows whose account churns in the bin, and rows whose account could have and did not."""
    opens, closes = panel.as_of + lag.start, panel.as_of + lag.upto
    settled = closes <= panel.known_until
    churners = settled & (panel.next_churn >= opens) & (panel.next_churn < closes)
    controls = settled & (panel.next_churn >= closes)
    if panel.activity is not None:
        controls &= _active(panel, panel.activity, opens, closes)
    return churners, controls


def _active(panel: RiskPanel, activity: Ints, opens: Ints, closes: Ints) -> Mask:
    """Whether each row's account has an activity in its `[opens, closes)`."""
    base = panel.account * _DAY_SPAN
    active: Mask = np.searchsorted(activity, base + closes) > np.searchsorted(
        activity, base + opens
    )
    return active
