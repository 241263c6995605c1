"""The terms of a target by renewal, from its subscriptions, and the columns of rows by them."""

from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.assembling import decisions, source_sql, subscriptions
from features.assembling.column_sql import key_text
from features.assembling.decisions import LEFT, STATES, STAYED, WORDS, Rule
from features.declaring.target import Event, Target
from features.engines.sql_text import quote
from features.folding.fact_history import FactHistory, FoldedRows
from features.folding.term_chains import NEVER, Days, Terms
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
    amount = pc.fill_null(rows["amount"], 0.0).to_numpy()
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


def columns(
    name: str, target: Target, history: FactHistory, shown: FoldedRows, until: date
) -> dict[str, pa.Array]:
    """The columns of a target by renewal in the rows that are shown.

    Beside `eligible__` and `label__`: the `state__` of the account, the days of its `decision__`
    and of that of its largest contract, how many days the `term__` lasts that is decided, and when
    the label `settles__`; all of them known on the as-of date. Why a row has its label, or none,
    is in `label__TARGET__outcome`.
    """
    days = history.layout.calendar.days.astype(np.int64)
    low, high = (
        (int(shown.account.min()), int(shown.account.max())) if len(shown.account) else (0, 0)
    )
    there = history.terms[name].of_accounts(low, high)
    accounts, decided = decisions.decide(there, Rule.of(target), days, until)
    has_terms = np.isin(shown.account, accounts)
    place = np.searchsorted(accounts, shown.account[has_terms]), shown.date[has_terms]

    def on_rows(values: npt.NDArray[np.integer], without: int) -> Days:
        rows = np.full(len(shown.account), without)
        rows[has_terms] = values[place]
        return rows

    state = on_rows(decided.state, decisions.NO_CONTRACT)
    asked = state >= len(STATES)
    found = {
        f"eligible__{name}": pa.array(asked),
        f"label__{name}": pa.array(
            (state == LEFT).astype(np.int8), mask=~np.isin(state, (LEFT, STAYED))
        ),
        f"label__{name}__outcome": _words(state),
        f"state__{name}": _words(np.where(asked, decisions.ASKED, state)),
        f"decision__{name}": _dates(on_rows(decided.decision, NEVER)),
        f"settles__{name}": _dates(on_rows(decided.settles, NEVER)),
        f"term__{name}": _numbers(on_rows(decided.term, NEVER)),
    }
    if target.event is not None and target.event.amount is not None:
        found[f"decision_by_amount__{name}"] = _dates(on_rows(decided.by_amount, NEVER))
    return found


def _words(codes: Days) -> pa.Array:
    return pa.array(WORDS).take(pa.array(codes))


def _dates(days: Days) -> pa.Array:
    return _numbers(days).cast(pa.date32())


def _numbers(days: Days) -> pa.Array:
    return pa.array(np.where(days == NEVER, 0, days).astype(np.int32), mask=days == NEVER)
