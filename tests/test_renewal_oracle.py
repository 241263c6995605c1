"""The product's next decisions against a slow recount, and against what was not known yet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import renewal_oracle
from features import snapshots
from features.assembling import decisions
from features.assembling.decisions import Rule
from features.clock import day_number
from features.folding.term_chains import NEVER, Terms, rolled
from renewal_cases import GAP, GRACE, company
from renewal_oracle import Asked, Version

FIRST, UNTIL = date(2022, 1, 1), date(2024, 1, 1)
Day = st.integers(0, 400)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@st.composite
def versions(draw: st.DrawFn) -> Version:
    """A row of a table that anything can stand in; months of 30 days, so that edges meet."""
    start = draw(st.integers(0, 8)) * 30
    lasts = draw(st.sampled_from([None, -5, 30, 31, 90, 360]))
    ended = draw(st.sampled_from([None, None, 20, 30, 35, 41, 90, 91, 360]))
    known = start + draw(st.sampled_from([-20, 0, 0, 1, 15, 60]))
    told = draw(st.sampled_from([-40, 0, 0, 3]))
    return Version(
        draw(st.sampled_from(["a", "a", "a", "b"])),
        day(start),
        day(known),
        None if lasts is None or lasts <= 0 else day(start + lasts),
        None if ended is None else day(start + ended),
        None if ended is None else day(start + ended + told),
        float(draw(st.integers(0, 3))),
    )


Accounts = st.lists(st.lists(versions(), max_size=7), min_size=2, max_size=6)
ASKED = st.builds(
    Asked,
    st.sampled_from([0, GAP]),
    st.sampled_from([1, 30, 90]),
    st.sampled_from([None, 60, 200]),
    st.sampled_from([0, 0, 1, 30]),
    st.sampled_from([1, GRACE]),
    st.sampled_from([0, 3]),
)


def unmistakable(rows: Sequence[Version]) -> list[Version]:
    """The rows without a second version of a term that reached us on the same day."""
    return list({(row.contract, row.start, row.known): row for row in rows}.values())


def terms(accounts: Sequence[Sequence[Version]]) -> Terms:
    """The accounts' rows as the product sorts them."""
    ordered = [
        (number, row)
        for number, rows in enumerate(accounts)
        for row in sorted(rows, key=lambda row: (row.contract, row.start, row.known))
        if row.ended is None or row.ended > row.start
    ]
    names = [(number, row.contract) for number, row in ordered]
    contracts = {name: place for place, name in enumerate(dict.fromkeys(names))}
    days = {
        name: np.array([_number(getattr(row, name)) for _, row in ordered], np.int64)
        for name in ("start", "known", "renews", "ended", "ended_known")
    }
    return Terms(
        np.array([number for number, _ in ordered], np.int64),
        np.array([contracts[name] for name in names], np.int64),
        **days,
        resumes=np.full(len(ordered), NEVER),
        amount=np.array([row.amount for _, row in ordered]),
    )


def _number(when: date | None) -> int:
    return NEVER if when is None else day_number(when)


def rule(asked: Asked) -> Rule:
    most = NEVER if asked.most is None else asked.most
    settles = asked.grace + asked.delay
    return Rule(asked.gap, asked.least, most, asked.notice, asked.grace, settles)


@settings(max_examples=200)
@given(accounts=Accounts, asked=ASKED, mornings=st.lists(Day, min_size=1, max_size=6, unique=True))
def test_every_row_is_what_a_slow_recount_says(
    accounts: list[list[Version]], asked: Asked, mornings: list[int]
) -> None:
    accounts = [unmistakable(rows) for rows in accounts]
    days = [day(number) for number in sorted(mornings)]
    numbers = np.array([day_number(each) for each in days])
    who, decided = decisions.decide(terms(accounts), rule(asked), numbers, UNTIL)
    place = {int(account): position for position, account in enumerate(who)}
    for number, rows in enumerate(accounts):
        for at, morning in enumerate(days):
            expected = renewal_oracle.account(rows, morning, asked, UNTIL)
            if number not in place:
                assert expected.outcome == "no contract"
                continue
            index = place[number], at
            told = decisions.WORDS[decided.state[index]], decided.decision[index]
            assert told == (expected.outcome, _number(expected.decision)), (morning, rows)
            assert decided.by_amount[index] == _number(expected.by_amount), (morning, rows)


@settings(max_examples=150)
@given(
    accounts=Accounts,
    asked=ASKED,
    later=st.lists(versions(), max_size=4),
    morning=Day,
    fate=st.sampled_from([None, 1, 40, 300]),
)
def test_nothing_that_is_known_later_moves_a_decision_or_its_window(
    accounts: list[list[Version]],
    asked: Asked,
    later: list[Version],
    morning: int,
    fate: int | None,
) -> None:
    as_of = day(morning)
    accounts = [unmistakable(rows) for rows in accounts]
    # Other rows reach us from this morning on, and other ends of the rows that we know.
    changed = [
        [_with_another_end(row, as_of, fate) for row in rows if row.known < as_of]
        + [replace(row, known=max(row.known, as_of)) for row in later]
        for rows in accounts
    ]
    frozen = [_frozen(rows, asked, as_of) for rows in (accounts, changed)]
    assert frozen[0] == frozen[1]


def _with_another_end(row: Version, as_of: date, fate: int | None) -> Version:
    """The row with another end than the one that is not known on the morning."""
    is_known = row.ended is not None and (row.ended_known or row.ended) < as_of
    if is_known:
        return row
    ended = None if fate is None else max(as_of, row.start) + timedelta(days=fate)
    return replace(row, ended=ended, ended_known=ended)


def _frozen(
    accounts: Sequence[Sequence[Version]], asked: Asked, as_of: date
) -> dict[int, tuple[int, ...]]:
    """Of each account that has a contract: whether it is asked, its decision and window."""
    days = np.array([day_number(as_of)])
    who, decided = decisions.decide(terms(accounts), rule(asked), days, UNTIL)
    state = np.where(decided.state >= len(decisions.STATES), decisions.ASKED, decided.state)
    columns = (state, decided.decision, decided.closes, decided.settles, decided.by_amount)
    rows = {
        int(account): tuple(int(column[place, 0]) for column in columns)
        for place, account in enumerate(who)
    }
    return {who: row for who, row in rows.items() if row[0] != decisions.NO_CONTRACT}


@settings(max_examples=150)
@given(
    st.dates(date(2015, 1, 1), date(2023, 12, 31)),
    st.integers(1, 900),
    st.dates(date(2015, 1, 1), date(2040, 1, 1)),
)
def test_renewals_roll_by_months_where_terms_are_whole_months(
    start: date, days: int, least: date
) -> None:
    renews = start + timedelta(days=days)
    arrays = (np.array([[day_number(each)]]) for each in (start, renews, least))
    expected = day_number(renewal_oracle.next_renewal(start, renews, least))
    assert rolled(*arrays)[0, 0] == expected


@pytest.mark.parametrize("keys", ["", 'notice = "30d"\nat_most = "300d"'])
def test_the_tables_say_what_a_slow_recount_says(keys: str, tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    accounts = {f"A{number:03}": _drawn(draw) for number in range(120)}
    lines = [
        (name, row.contract, *map(str, (row.start, row.renews or "", row.ended or "")),
         str(row.known), str(row.ended_known or ""), str(row.amount))
        for name, rows in accounts.items() for row in rows
    ]  # fmt: skip
    event = ', contract = "contract", amount = "fee"'
    declared = company(tmp_path, lines, until=str(UNTIL), event=event, keys=keys)
    days = [date(2022, month, 5) for month in range(3, 13)]
    asked = Asked(GAP, 30, 300 if keys else None, 30 if keys else 0, GRACE, 0)
    built = snapshots.build(declared, days).table.to_pylist()
    outcomes = set()
    for row in built:
        if row["account_id"] not in accounts:
            continue
        rows = accounts[row["account_id"]]
        expected = renewal_oracle.account(rows, row["as_of"], asked, UNTIL)
        outcomes.add(expected.outcome)
        told = (row["label__churn__outcome"], row["decision__churn"])
        assert told == (expected.outcome, expected.decision), (row, rows)
        assert row["decision_by_amount__churn"] == expected.by_amount
        assert row["label__churn"] == {"left": 1, "stayed": 0}.get(expected.outcome)
    assert {"left", "stayed", "undecided", "in the gap"} <= outcomes


def _drawn(draw: np.random.Generator) -> list[Version]:
    """The terms of one or two products, renewed at once, late, early or not at all."""
    rows = []
    for contract in ("crm", "erp")[: draw.integers(1, 3)]:
        start = FIRST + timedelta(days=int(draw.integers(0, 90)))
        while start < date(2023, 10, 1):
            renews = start + timedelta(days=int(draw.choice([30, 91, 365])))
            pause = int(draw.choice([0, 0, 0, 1, -9, GRACE, GRACE + 1]))
            ended = None if draw.random() < 0.3 else renews + timedelta(days=min(pause, 0))
            told = timedelta(days=int(draw.choice([0, 2, -20])))
            known = start + timedelta(days=int(draw.choice([0, 0, 4, -12])))
            fee = float(draw.integers(1, 4))
            end_known = None if ended is None else max(ended + told, start)
            rows.append(Version(contract, start, known, renews, ended, end_known, fee))
            if draw.random() < 0.2:
                moved = renews + timedelta(days=40)
                rows.append(
                    Version(
                        contract, start, known + timedelta(days=25), moved, ended, end_known, fee
                    )
                )
            if draw.random() < 0.25:
                break
            start = renews + timedelta(days=pause)
    return rows
