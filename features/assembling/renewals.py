"""The terms of a target by renewal, from its subscriptions, and the columns of rows by them."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import clock
from features.assembling import decisions, forecast_outcomes, source_sql, subscriptions
from features.assembling.column_sql import key_text
from features.assembling.decisions import LEFT, STATES, STAYED, WORDS, Decided, Rule
from features.declaring.target import Event, Target
from features.engines.sql_text import quote
from features.folding.fact_history import FactHistory, FoldedRows
from features.folding.term_chains import NEVER, Days, Flags, Terms
from features.sources import Tables

DAYS = ("start", "known", "renews", "ended", "ended_known", "resumes")


def terms(tables: Tables, target: str) -> Terms:
    """Every version of every term, sorted; a term that did not last a day is none.

    The accounts have to be numbered already.
    """
    part = tables.company.targets[target].event
    assert part is not None
    rows = tables.engine.rows(
        f"SELECT * FROM ({versions(tables, part)}) "
        "ORDER BY account, contract NULLS FIRST, start, known, renews NULLS LAST, ended NULLS FIRST"
    )
    days = {name: _days(rows[name]) for name in DAYS}
    account = rows["account"].to_numpy().astype(np.int64)
    amount = pc.fill_null(rows["amount"], np.nan).to_numpy()
    return Terms(account, _contracts(account, rows["contract"]), **days, amount=amount)


def versions(tables: Tables, part: Event) -> str:
    """SELECT of account, contract, amount and the days of each version of a term."""
    also = {
        "begun": source_sql.event_time(tables, part.source),
        "recorded": _recorded(tables, part),
        "renews": renewal_day(tables, part),
        "contract": key_text(part.contract) if part.contract else "CAST(NULL AS VARCHAR)",
        "amount": _amount(part),
    }
    day = subscriptions.day
    # A term that is signed before it begins is known from its signature on, unless its account is
    # known later than both.
    signed = (
        "CASE WHEN known_time > greatest(event_time, recorded) THEN known_time ELSE recorded END"
    )
    return (
        f"SELECT account, contract, amount, {day('begun')} AS start, {day(signed)} AS known, "
        f"renews, {day('ended')} AS ended, {day('ended_known')} AS ended_known, "
        f"{day('resumes')} AS resumes "
        f"FROM ({subscriptions.rows_that_count(tables, part, also)}) WHERE lasted"
    )


def renewal_day(tables: Tables, part: Event) -> str:
    """A row's renewal as a date, null where it is a placeholder or not after the term's start."""
    written = f"CAST({quote(str(part.renews))} AS DATE)"
    start = source_sql.event_time(tables, part.source)
    holder = subscriptions.is_placeholder(written, start)
    return f"CASE WHEN NOT {holder} AND {written} > {subscriptions.day(start)} THEN {written} END"


def _recorded(tables: Tables, part: Event) -> str:
    """When a row reached us, be it before its term begins."""
    recorded = source_sql.recorded_time(tables, part.source)
    return recorded or source_sql.known_time(tables, part.source)


def _amount(part: Event) -> str:
    if part.amount is None:
        return "CAST(0 AS DOUBLE)"
    amount = f"CAST({quote(part.amount)} AS DOUBLE)"
    return f"CASE WHEN isfinite({amount}) THEN {amount} END"


def _days(column: pa.ChunkedArray) -> Days:
    numbers: Days = pc.fill_null(column.cast(pa.int32()), NEVER).to_numpy().astype(np.int64)
    return numbers


def _contracts(account: Days, contract: pa.ChunkedArray) -> Days:
    """The number of each row's contract; rows are sorted by account and contract."""
    names = contract.combine_chunks().dictionary_encode().indices
    code = pc.fill_null(names.cast(pa.int64()), -1).to_numpy()
    changes = (np.diff(account, prepend=-1) != 0) | (np.diff(code, prepend=-2) != 0)
    return np.cumsum(changes) - 1


@dataclass(frozen=True)
class _Rows:
    """The rows that are shown, and where their accounts and dates are among the decisions."""

    count: int
    there: Flags
    place: tuple[Days, npt.NDArray[np.integer]]

    @classmethod
    def of(cls, shown: FoldedRows, accounts: Days) -> Self:
        """The rows whose accounts are among `accounts`, ascending."""
        there = np.isin(shown.account, accounts)
        place = np.searchsorted(accounts, shown.account[there]), shown.date[there]
        return cls(len(shown.account), there, place)

    def take(self, values: npt.NDArray[Any], without: float) -> npt.NDArray[Any]:
        """The value (accounts × as-of dates) of each row, `without` where it has none."""
        rows = np.full(self.count, without, np.float64 if values.dtype.kind == "f" else np.int64)
        rows[self.there] = values[self.place]
        return rows


def columns(
    name: str, target: Target, history: FactHistory, shown: FoldedRows, until: date
) -> dict[str, pa.Array]:
    """The columns of a target by renewal in the rows that are shown.

    Beside `eligible__` and `label__`: the `state__` of the account, the days of its `decision__`
    and of that of its largest contract, how many days the `term__` lasts that is decided, when the
    label `settles__`, whether a contract is `running__`, and the `amount__` of those that are; all
    of them known on the as-of date. Why a row has its label, or none, is in
    `label__TARGET__outcome`; the forecast's label is `label__TARGET__forecast`.
    """
    days = history.layout.calendar.days.astype(np.int64)
    low, high = (
        (int(shown.account.min()), int(shown.account.max())) if len(shown.account) else (0, 0)
    )
    there = history.terms[name].of_accounts(low, high)
    rule, horizon = Rule.of(target), (target.forecast_days or 0, clock.day_number(until))
    accounts, decided = decisions.decide(there, rule, days, until)
    leaves = forecast_outcomes.within(there, rule, accounts, decided, days, horizon)
    rows = _Rows.of(shown, accounts)
    found = _of_light(name, decided, rows) | _of_forecast(name, decided, leaves, rows)
    if target.event is not None and target.event.amount is not None:
        found[f"decision_by_amount__{name}"] = _dates(rows.take(decided.by_amount, NEVER))
        found[f"amount__{name}"] = pa.array(rows.take(decided.amount, 0), from_pandas=True)
    return found


def _of_light(name: str, decided: Decided, rows: _Rows) -> dict[str, pa.Array]:
    state = rows.take(decided.state, decisions.NO_CONTRACT)
    asked = state >= len(STATES)
    return {
        f"eligible__{name}": pa.array(asked),
        f"label__{name}": pa.array(
            (state == LEFT).astype(np.int8), mask=~np.isin(state, (LEFT, STAYED))
        ),
        f"label__{name}__outcome": _words(state),
        f"state__{name}": _words(np.where(asked, decisions.ASKED, state)),
        f"decision__{name}": _dates(rows.take(decided.decision, NEVER)),
        f"settles__{name}": _dates(rows.take(decided.settles, NEVER)),
        f"term__{name}": _numbers(rows.take(decided.term, NEVER)),
    }


def _of_forecast(
    name: str, decided: Decided, leaves: decisions.Codes, rows: _Rows
) -> dict[str, pa.Array]:
    left = rows.take(leaves, forecast_outcomes.UNKNOWN)
    running = rows.take(forecast_outcomes.running(decided), 0)
    return {
        f"running__{name}": pa.array(running.astype(bool)),
        f"label__{name}__forecast": pa.array(
            (left == forecast_outcomes.LEFT).astype(np.int8),
            mask=left == forecast_outcomes.UNKNOWN,
        ),
    }


def _words(codes: Days) -> pa.Array:
    return pa.array(WORDS).take(pa.array(codes))


def _dates(days: Days) -> pa.Array:
    return _numbers(days).cast(pa.date32())


def _numbers(days: Days) -> pa.Array:
    return pa.array(np.where(days == NEVER, 0, days).astype(np.int32), mask=days == NEVER)
