"""How a customer's leaving shows: every column and table that could say it, ranked, with reasons.

What says that a customer left comes first, a request to cancel after it, and what may not end a
contract (a ticket, a trial, a billing period) last, each with the reason. Each is counted:
accounts that it lets leave per year, so that a wrong choice is seen.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from features.drafting.tables.facts import ENDS, KEY, FactTable
from features.drafting.tables.profiles import ColumnProfile
from features.drafting.tables.spans import day_of
from features.drafting.words import (
    ACCOUNT,
    CANCELLED,
    ENDS_OF_OTHER_THINGS,
    LEFT,
    LOSS,
    NO_CONTRACT,
    NO_LOSS,
    OF_A_CONTRACT,
    PERSON,
    PRODUCT,
    head,
    name_words,
    words_in_order,
)
from features.engines.on_duckdb import Engine, EngineError
from features.engines.sql_text import quote
from features.plurals import counted

Kind = Literal["end", "notice", "loss"]

# Words that belong to an end only beside each other: `valid_to`, `until`, not `paid_to`.
OPEN_ENDED = frozenset({"to", "until", "thru", "through"})
BESIDE_OPEN_ENDED = OPEN_ENDED | frozenset(
    "valid effective active contract subscription date day at on time start end row".split()
)
# What may be wrong about a share of the rows before a table is no table of contracts.
FEW = 0.05
# Rows per account from which on a table of losses tells of something that happens again and again.
AGAIN = 2.0
NOT_DELETED = frozenset({"deleted", "archived"})


@dataclass(frozen=True)
class End:
    """One way in which leaving may show: `column` of `facts`.

    `kind` is `end` (when a contract ends), `notice` (that it was asked for) or `loss` (a row of
    its own per customer that left). `against` is why it cannot be the target, empty where it can.
    `churned` counts the accounts that it lets leave, by year.
    """

    facts: FactTable
    column: ColumnProfile
    kind: Kind
    place: int
    against: str = ""
    churned: dict[int, int] = field(default_factory=dict)

    @property
    def asks(self) -> bool:
        """Whether it says that leaving was asked for, which is often taken back."""
        said = name_words(self.facts.table.name) & LOSS if self.kind == "loss" else frozenset()
        return self.kind == "notice" or (said != frozenset() and said <= CANCELLED)

    @property
    def rank(self) -> tuple[object, ...]:
        """The smaller, the likelier to be the target."""
        words = self.column.words
        return (
            bool(self.against),
            self.asks or bool(words & NOT_DELETED),
            self.place,
            not words & LEFT,
            not words & {"ended", "cancelled", "canceled"},
        )


def find(
    engine: Engine, facts: Iterable[FactTable], accounts: FactTable | None, until: date
) -> list[End]:
    """Every candidate, the likeliest first; `accounts` is the account table, read as facts."""
    own = [] if accounts is None else [accounts]
    found = [
        _counted(engine, end, until)
        for entry in [*facts, *own]
        for end in candidates(entry, is_account=entry is accounts)
    ]
    return sorted(found, key=lambda end: end.rank)


def candidates(facts: FactTable, *, is_account: bool = False) -> Iterator[End]:
    """The ways in which leaving may show in a table, by its names and types, uncounted."""
    if (export := facts.table.export) is not None:
        if export.event is not None:
            yield End(facts, facts.table.column(export.event.ended), "end", 0)
        # What a company added itself to its accounts, such as Churn_Date__c, no recipe knows.
        own = [one for one in facts.table.columns if one.name not in export.columns]
        for column in filter(is_end, own if export.key is not None else []):
            yield _end_of_contracts(facts, column, is_account=is_account)
        return
    if is_loss(facts.table.name) and not is_account:
        asks = {"request", "requests"} & name_words(facts.table.name)
        yield End(facts, facts.event, "notice" if asks else "loss", 1)
        return
    for column in facts.table.columns:
        if is_end(column):
            yield _end_of_contracts(facts, column, is_account=is_account)


def _end_of_contracts(facts: FactTable, column: ColumnProfile, *, is_account: bool) -> End:
    kind: Kind = "notice" if _is_notice(column) else "end"
    place = 2 if is_account else 0 if facts.is_contract else 3
    return End(facts, column, kind, place, _refused(facts, column, is_account=is_account))


def is_loss(name: str) -> bool:
    """Whether each row of a table of that name is a customer that left."""
    return bool(name_words(name) & LOSS) and not name_words(name) & NO_LOSS


def is_end(column: ColumnProfile) -> bool:
    """Whether a column is called like the end of something, and is neither key nor number."""
    said = column.words & ENDS
    if not said or column.is_number or column.is_key_like:
        return False
    told = column.words <= BESIDE_OPEN_ENDED or column.words & ENDS_OF_OTHER_THINGS.keys()
    return not said <= OPEN_ENDED or bool(told)


def _is_notice(column: ColumnProfile) -> bool:
    return bool(column.words & CANCELLED) and not column.words & (ENDS - CANCELLED)


def _refused(facts: FactTable, column: ColumnProfile, *, is_account: bool) -> str:
    """What the names say against a column; empty where they say nothing."""
    other = next((word for word in words_in_order(column.name) if word in ENDS_OF_OTHER_THINGS), "")
    if other:
        return f"“{other}”: it is the end of {ENDS_OF_OTHER_THINGS[other]}"
    noun = head(facts.table.name)
    if not is_account and noun in NO_CONTRACT | PERSON:
        return f"{'an' if noun[0] in 'aeio' else 'a'} {noun} is no contract"
    if not column.filled:
        return "it is empty"
    if not column.is_time:
        return f"it holds no times (such as {column.type})"
    if column == facts.event:
        return "no column says when what ends there began"
    # An account table of a second system, too, says of its accounts that they left.
    if is_account or facts.is_contract or noun in ACCOUNT:
        return ""
    speaks = any(other.words & OF_A_CONTRACT for other in facts.table.columns)
    return "" if speaks else "nothing in the table's name or columns speaks of a contract"


def _counted(engine: Engine, end: End, until: date) -> End:
    """`end` with what its rows say: whom it lets leave, and what speaks against it."""
    if not end.column.is_time or not end.column.filled:
        return end
    try:
        against = end.against or _against(engine, end, until)
        return replace(end, against=against, churned=_churned(engine, end, until))
    except EngineError as error:
        return replace(end, against=f"its times cannot be compared ({str(error).splitlines()[0]})")


def _churned(engine: Engine, end: End, until: date) -> dict[int, int]:
    """Accounts by the year in which the last of their rows ended, or in which they were lost."""
    day = day_of(end.column)
    last = f"max({day})" if end.kind == "loss" else f"max(coalesce({day}, DATE '9999-12-31'))"
    found = engine.rows(
        f"SELECT CAST(year(last) AS INT) AS of_year, count(*) AS accounts FROM "
        f"(SELECT {last} AS last FROM {end.facts.rows} "
        f"WHERE {KEY} IS NOT NULL GROUP BY {KEY}) "
        f"WHERE last <= DATE '{until}' GROUP BY 1 ORDER BY 1"
    )
    years, accounts = (found.column(number).to_pylist() for number in (0, 1))
    return dict(zip(years, accounts, strict=True))


def _against(engine: Engine, end: End, until: date) -> str:
    if end.kind == "loss" or (end.kind == "notice" and is_loss(end.facts.table.name)):
        return _happens_again(engine, end)
    accounts, running, several, backwards, rows = _shape(engine, end, until)
    ended = accounts - running
    if not running:
        return f"in all {counted(accounts, 'account')} every row has ended: nothing runs"
    if not ended:
        return f"no account has left by {until}"
    if backwards > FEW * rows:
        return f"{backwards:,} of {rows:,} rows end before they start"
    if end.place == 3 and several > FEW * running:
        return f"{several:,} of {running:,} accounts have several open at once"
    return ""


def _shape(engine: Engine, end: End, until: date) -> tuple[int, int, int, int, int]:
    """Accounts, those with an open row, with several of one product; rows ended too early, rows."""
    table, day = end.facts.table, day_of(end.column)
    products = [column.name for column in table.columns if column.words & PRODUCT]
    keys = [KEY, *map(quote, products[:1])]
    row = engine.row(
        f"WITH each AS (SELECT {KEY} AS account, count_if({day} IS NULL OR {day} > "
        f"DATE '{until}') AS open, count_if({day} < {day_of(end.facts.event)}) AS backwards, "
        f"count({day}) AS ended FROM {end.facts.rows} WHERE {KEY} IS NOT NULL "
        f"GROUP BY {', '.join(keys)}), "
        "accounts AS (SELECT account, sum(open) AS open, max(open) AS most, "
        "sum(backwards) AS backwards, sum(ended) AS ended FROM each GROUP BY account) "
        "SELECT count(*), count_if(open > 0), count_if(most > 1), sum(backwards), sum(ended) "
        "FROM accounts"
    )
    accounts, running, several, backwards, ended = (int(number or 0) for number in row)
    return accounts, running, several, backwards, ended


def _happens_again(engine: Engine, end: End) -> str:
    rows, accounts = engine.row(f"SELECT count({KEY}), count(DISTINCT {KEY}) FROM {end.facts.rows}")
    if accounts and rows >= AGAIN * accounts:
        return f"{counted(accounts, 'account')} in {rows:,} rows: nobody leaves so often"
    return ""
