"""The next decision of each account on each as-of date, the window that ends with it, its outcome.

A contract is a chain of terms; rows that begin on the same day are versions of one term. On an
as-of date the term in force is the latest begun of those that are known and not known to be over,
in the version known last. Its renewal (`next_decision`) freezes the row's window: nothing that is
known later moves it. What became of the contract by the window's end (`outcomes`) may look ahead.
An account's row is that of its contract with the earliest decision.

All times are day numbers (days since 1970), `NEVER` where there is none.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from features.clock import day_number
from features.declaring.target import Target
from features.folding import term_chains
from features.folding.term_chains import NEVER, Days, Terms

Codes = npt.NDArray[np.int8]

# What a row is, by its code: the first four have a decision that is known.
STATES = (
    "asked",
    "in the gap",
    "pending",
    "beyond at_most",
    "overdue",
    "no renewal date",
    "leaving",
    "no contract",
)
ASKED, IN_THE_GAP, PENDING, BEYOND, OVERDUE, NO_DATE, LEAVING, NO_CONTRACT = range(8)
# Contracts that run, of which no end is known and no date is overdue.
RUNNING = (ASKED, IN_THE_GAP, PENDING, BEYOND, NO_DATE)
# What became of a row that is asked; instead of "asked" where that is settled.
OUTCOMES = ("left", "stayed", "undecided", "left before the window", "not settled yet")
LEFT, STAYED, UNDECIDED, TOO_SOON, IMMATURE = range(len(STATES), len(STATES) + len(OUTCOMES))
WORDS = STATES + OUTCOMES


@dataclass(frozen=True)
class Rule:
    """What a target says of decisions, in days; `most` is `NEVER` without an upper end.

    A contract with a `notice` renews by itself; any other has to be signed anew. `grace` is how
    long after a renewal it may be signed, `settles` how long after its end a window is known.
    """

    gap: int
    least: int
    most: int
    notice: int
    grace: int
    settles: int

    @classmethod
    def of(cls, target: Target) -> "Rule":
        """The rule of a target by renewal."""
        assert target.event is not None
        return cls(
            target.gap,
            target.horizon_days,
            NEVER if target.at_most is None else target.at_most,
            target.notice or 0,
            target.event.days_to_continue,
            target.days_from_end_to_settle,
        )


@dataclass(frozen=True)
class Decided:
    """Decisions by account or contract and as-of date, all of one shape.

    `state` is a code of `WORDS`. `decision` is the day of the next decision, `closes` the first
    day after the window, `settles` the day on whose morning its outcome is known for good; the
    latter two of rows that are asked. `by_amount` is the decision of the contract worth most,
    `term` how many days the term lasts whose renewal is decided, `version` the place of that term
    among the versions, -1 without one. `amount` is what the account's running contracts are worth,
    NaN where that of one is not known.
    """

    state: Codes
    decision: Days
    closes: Days
    settles: Days
    by_amount: Days
    term: Days
    version: Days
    amount: npt.NDArray[np.float64]


def decide(terms: Terms, rule: Rule, days: Days, until: date) -> tuple[Days, Decided]:
    """The accounts with terms, ascending, and their decisions on the as-of dates `days`.

    Parameters
    ----------
    terms : Terms
    rule : Rule
    days : (as-of dates,) int
        Ascending.
    until : date
        Up to which day the tables are complete: later outcomes are not settled yet.

    Returns
    -------
    (accounts,) int and Decided of shape (accounts, as-of dates)
    """
    if not len(terms):
        none = np.zeros((0, len(days)), np.int64)
        days_of_none = (none,) * 6
        return none[:, 0], Decided(none.astype(np.int8), *days_of_none, none.astype(float))
    contracts = next_decision(terms, rule, days)
    state = outcomes(terms, rule, days, contracts, day_number(until))
    return _by_account(terms, rule, contracts, state)


@dataclass(frozen=True)
class ContractDecisions:
    """The next decision of every contract (first axis) on every as-of date (second axis).

    `version` is the place of the term in force among the versions, -1 without one.
    """

    version: Days
    state: Codes
    decision: Days
    renewal: Days
    closes: Days


def next_decision(terms: Terms, rule: Rule, days: Days) -> ContractDecisions:
    """What is known on each morning of each contract's next decision, and the window for it."""
    version, runs = term_chains.in_force(terms, days)
    there = np.maximum(version, 0)
    renews = terms.renews[there]
    if rule.notice:
        renews = term_chains.rolled(terms.start[there], renews, days + rule.notice)
    renewal = np.where(version < 0, NEVER, renews)
    decision = np.where(renewal == NEVER, NEVER, renewal - rule.notice)
    known_end = (terms.ended[there] != NEVER) & (terms.ended_known[there] < days)
    state = np.select(
        [
            (version < 0) | ~runs,
            known_end,
            renewal == NEVER,
            renewal + rule.grace < days,
            decision < days,
            decision < days + rule.gap,
            decision > days + rule.most,
        ],
        [NO_CONTRACT, LEAVING, NO_DATE, OVERDUE, PENDING, IN_THE_GAP, BEYOND],
        ASKED,
    ).astype(np.int8)
    opens = days + rule.gap
    closes = np.maximum(opens + rule.least, np.where(renewal == NEVER, 0, renewal + rule.grace))
    return ContractDecisions(version, state, decision, renewal, closes)


def outcomes(
    terms: Terms, rule: Rule, days: Days, contracts: ContractDecisions, until: int
) -> Codes:
    """The states, with what became of the contract instead of "asked"."""
    state = contracts.state.copy()
    contract, at = np.nonzero(state == ASKED)
    opens, closes = days[at] + rule.gap, contracts.closes[contract, at]
    chains = term_chains.chains(terms, rule.grace)
    left = chains.ends_between(contract, opens, closes) > 0
    too_soon = chains.ends_before(contract, opens) > chains.ends_known(contract, days[at])
    version, renewal = contracts.version[contract, at], contracts.renewal[contract, at]
    undecided = ~chains.signed(rule.grace)[version]
    if rule.notice:
        undecided &= chains.moved()[version] < closes
    else:
        undecided |= chains.lapsed(version, renewal, closes, rule.grace)
    state[contract, at] = np.select(
        [closes + rule.settles > until, too_soon, left, undecided],
        [IMMATURE, TOO_SOON, LEFT, UNDECIDED],
        STAYED,
    )
    return state


def _by_account(
    terms: Terms, rule: Rule, contracts: ContractDecisions, state: Codes
) -> tuple[Days, Decided]:
    """The account's contract with the earliest decision; beside it, that of the largest amount."""
    account = terms.account[terms.first_of_contract]
    first = np.flatnonzero(np.diff(account, prepend=-1))
    dated = contracts.state <= BEYOND
    # A known decision before any other state, and those in the order of their codes.
    urgent = np.where(dated, contracts.decision, NEVER + contracts.state.astype(np.int64))
    known = np.nan_to_num(terms.amount[np.maximum(contracts.version, 0)])
    amount = np.where(dated, -known, np.inf)
    every = np.arange(state.shape[1])
    earliest, largest = ((_first_lowest(by, first), every) for by in (urgent, amount))
    closes = np.where(contracts.state == ASKED, contracts.closes, NEVER)[earliest]
    decision = np.where(dated, contracts.decision, NEVER)
    there = np.maximum(contracts.version, 0)
    worth = np.where(np.isin(contracts.state, RUNNING), terms.amount[there], 0.0)
    term = np.where(dated, terms.renews[there] - terms.start[there], NEVER)
    return account[first], Decided(
        state[earliest],
        decision[earliest],
        closes,
        np.where(closes == NEVER, NEVER, closes + rule.settles),
        decision[largest],
        term[earliest],
        contracts.version[earliest],
        np.add.reduceat(worth, first, axis=0),
    )


def _first_lowest(values: npt.NDArray[np.number], first: Days) -> Days:
    """Per group of rows, from each `first` on, and column: the first row with the lowest value."""
    lowest = np.minimum.reduceat(values, first, axis=0)
    group = np.repeat(np.arange(len(first)), np.diff([*first, len(values)]))
    place = np.where(values == lowest[group], np.arange(len(values))[:, None], len(values))
    return np.asarray(np.minimum.reduceat(place, first, axis=0))
