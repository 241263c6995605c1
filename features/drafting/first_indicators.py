"""First indicators for the facts that were found.

Few and plain on purpose: they are there to be read, changed and added to.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from features.drafting import signs
from features.drafting.failures import Failures
from features.drafting.first_playbooks import CARE, REVIEW, WIN_BACK
from features.drafting.money import Doubts
from features.drafting.reading import Reading
from features.drafting.signs import Sign
from features.drafting.tables.facts import FactTable
from features.drafting.tables.profiles import ColumnProfile
from features.drafting.words import (
    ACCOUNT,
    AMOUNT,
    BAD,
    NO_RATING,
    NOT_ADDED,
    PERSON,
    QUANTITY,
    RATING,
    head,
)
from features.plurals import counted

MOST_INDICATORS = 10


@dataclass(frozen=True)
class DraftIndicator:
    """An indicator of the draft: its name, its keys in the order of the file, and why.

    `doubt` is what there is to decide about it; such an indicator is in shadow. `column` is the
    column that it measures, if it does not count rows.
    """

    name: str
    why: str
    keys: dict[str, object] = field(default_factory=dict)
    doubt: str = ""
    column: str = ""


@dataclass(frozen=True)
class Subject:
    """Facts in words: what they are called, and what more of them means.

    `measure_of` is the column that counts in a table with one row per account and day, where
    the number of rows says nothing.
    """

    facts: FactTable
    dimension: str
    sign: Sign
    playbook: str
    measure_of: str | None = None

    @property
    def table(self) -> str:
        """The table's name."""
        return self.facts.table.name

    @property
    def many(self) -> str:
        """The facts, in the plural."""
        return self.table.replace("_", " ")

    @property
    def one(self) -> str:
        """One of the facts."""
        plural = self.many.endswith("s") and not self.many.endswith("ss")
        return self.many.removesuffix("s") if plural else self.many

    @property
    def healthy(self) -> str:
        """The side on which many of these facts are good."""
        return "lower" if self.sign.is_bad else "higher"


def indicators(
    reading: Reading,
    daily: frozenset[str],
    reserved: Iterable[str],
    amounts: Doubts,
    failed: Mapping[str, Failures],
) -> list[DraftIndicator]:
    """The indicators that exports feed; of other facts four to ten, the busiest in depth.

    `daily` names the tables with one row per account and day, `reserved` are the words that SQL
    keeps for itself, `amounts` says which amounts cannot be added up as they are, `failed` by table
    which rows tell of a failure.
    """
    keywords = frozenset(reserved)
    end = reading.end
    taken = end.facts.table.name if end is not None else None
    tables = [
        entry
        for entry in reading.facts
        if entry.table.name != taken and entry.table.export is None
        if entry is reading.activity or not signs.is_our_work(entry.table.name)
        if not _is_one_row_per_account(entry)
    ]
    adopted = [draft for entry in reading.facts for draft in _adopted(entry)]
    if adopted and not tables:
        return adopted
    subjects = [_subject(entry, reading, daily, keywords) for entry in tables or reading.facts]
    first = next(
        (subject for subject in subjects if subject.facts is reading.activity), subjects[0]
    )
    others = sorted(
        (subject for subject in subjects if subject is not first),
        key=lambda subject: (
            bool(subject.sign.doubt),
            not subject.sign.is_bad,
            -subject.facts.table.rows,
        ),
    )
    depth = list(_in_depth(first, keywords))
    failures = [
        _failures(subject, failed[subject.table], keywords)
        for subject in subjects
        if subject.table in failed and not subject.sign.is_bad
    ]
    drafts = [*depth, *failures, *(_one(subject, keywords) for subject in others)]
    told = [_with_doubt(draft, amounts) for draft in _of_different_names(drafts)]
    return [*adopted, *told[:MOST_INDICATORS]]


def _is_one_row_per_account(entry: FactTable) -> bool:
    """Whether a table is another system's accounts, or has a person for each: nothing to count."""
    named = entry.table.column(entry.account)
    return named.is_unique and head(entry.table.name) in ACCOUNT | PERSON


def _with_doubt(draft: DraftIndicator, amounts: Doubts) -> DraftIndicator:
    """The draft, moving no score where the column that it adds up is in doubt."""
    doubt = amounts.get((str(draft.keys["source"]), draft.column))
    if doubt is None:
        return draft
    asked = "; ".join(filter(None, [doubt.told, draft.doubt]))
    return replace(draft, keys=draft.keys | {"stage": doubt.stage}, doubt=asked)


def _adopted(entry: FactTable) -> Iterator[DraftIndicator]:
    """What a recognised export feeds."""
    for name, keys in (entry.table.export.indicators if entry.table.export else {}).items():
        of_its_own = {key: value for key, value in keys.items() if key != "adopt"}
        yield DraftIndicator(
            name if entry.table.name in name else f"{entry.table.name}_{name}",
            f"{entry.table.recipe} feeds it",
            {"adopt": keys["adopt"], "source": entry.table.name, **of_its_own},
        )


def _of_different_names(drafts: list[DraftIndicator]) -> list[DraftIndicator]:
    """The first of each name: columns that differ in signs alone make one indicator."""
    return list({draft.name: draft for draft in reversed(drafts)}.values())[::-1]


def _subject(
    facts: FactTable, reading: Reading, daily: frozenset[str], keywords: frozenset[str]
) -> Subject:
    name = facts.table.name
    is_silence = reading.end is None and facts is reading.activity
    sign = signs.of_table(name, is_silence=is_silence)
    has_contracts = reading.end is not None and reading.end.kind != "loss"
    playbook = CARE if sign.is_bad else (REVIEW if has_contracts else WIN_BACK)
    adding = [column for column in facts.table.columns if _role(column) == "quantity"]
    measure_of = _sql(adding[0].name, keywords) if adding and name in daily else None
    dimension = signs.dimension(name, has_contracts=has_contracts)
    return Subject(facts, dimension, sign, playbook, measure_of)


def _in_depth(subject: Subject, keywords: frozenset[str]) -> Iterator[DraftIndicator]:
    if subject.measure_of is None:
        yield _count(subject)
    yield _recency(subject)
    yield _trend(subject)
    roles: set[str] = set()
    for column in subject.facts.table.columns:
        role = _role(column)
        if role is not None and role not in roles:
            roles.add(role)
            yield _amount(subject, column, keywords)
    yield _tenure(subject)


def _one(subject: Subject, keywords: frozenset[str]) -> DraftIndicator:
    """The first thing to look at: a rating, else the count."""
    ratings = [column for column in subject.facts.table.columns if _role(column) == "rating"]
    return _amount(subject, ratings[0], keywords) if ratings else _count(subject)


def _count(subject: Subject) -> DraftIndicator:
    keys = _keys(subject, subject.many.capitalize(), "count", windows=["28d", "90d"])
    return DraftIndicator(
        f"{subject.table}_count",
        f"more {subject.many} are {'worse' if subject.sign.is_bad else 'better'}",
        keys | _shown(subject, subject.healthy, subject.many, "{value} {unit} in {window}"),
        _doubt(subject),
    )


def _failures(subject: Subject, failed: Failures, keywords: frozenset[str]) -> DraftIndicator:
    """How many of the facts failed, which is a bad sign whatever more of them are."""
    called = " or ".join(" ".join(_shown_text(state).split()) for state in failed.states)
    many = f"{subject.many} ({called or failed.noun.replace('_', ' ')})"
    condition = failed.condition(_sql(failed.column.name, keywords))
    bad = replace(subject, sign=Sign(is_bad=True), playbook=CARE)
    keys = _keys(bad, many.capitalize(), "count", where=condition, windows=["90d"])
    return DraftIndicator(
        "_".join([subject.table, *_plain(failed.noun.lower()).split(), "count"]),
        f"{counted(failed.rows, 'row')} of {subject.facts.table.rows:,} failed, by "
        f"{failed.column.name}; more are worse",
        keys | _shown(bad, "lower", many, "{value} {unit} in {window}"),
    )


def _shown_text(state: str) -> str:
    return re.sub("[_{}]", " ", state)


def _recency(subject: Subject) -> DraftIndicator:
    quiet = {"where": f"{subject.measure_of} > 0"} if subject.measure_of else {}
    sentence = f"Last {subject.one} {{value}} {{unit}} ago"
    return DraftIndicator(
        f"{subject.table}_recency",
        "days without any",
        _keys(subject, f"Days since the last {subject.one}", "days_since", **quiet)
        | _shown(subject, "higher" if subject.sign.is_bad else "lower", "days", sentence),
        _doubt(subject),
    )


def _trend(subject: Subject) -> DraftIndicator:
    of = {"value": subject.measure_of, "of": "sum"} if subject.measure_of else {"of": "count"}
    sentence = f"{subject.many.capitalize()} in {{window}}: {{value}} times the previous pace"
    return DraftIndicator(
        f"{subject.table}_trend",
        "the pace of 28 days relative to the 84 days before; 1 is unchanged",
        _keys(subject, f"Trend of {subject.many}", "ratio", **of, windows=["28d"], earlier="84d")
        | _shown(subject, subject.healthy, "times", sentence),
        _doubt(subject),
    )


def _tenure(subject: Subject) -> DraftIndicator:
    sentence = f"First {subject.one} {{value}} {{unit}} ago"
    return DraftIndicator(
        f"{subject.table}_tenure",
        "nobody can change it, so it is context and gets no playbook",
        _keys(subject, f"Days since the first {subject.one}", "days_since_first", kind="context")
        | {"unit": "days", "says": f"{sentence}, typically {{usual}}"},
    )


def _role(column: ColumnProfile) -> str | None:
    """What a column of numbers holds, by its name: rating, amount or quantity."""
    adds_up = column.is_number and not column.words & NOT_ADDED
    if adds_up and column.words & RATING and not column.words & NO_RATING:
        return "rating"
    roles = {"amount": AMOUNT, "quantity": QUANTITY} if adds_up else {}
    return next((role for role, words in roles.items() if column.words & words), None)


def _amount(subject: Subject, column: ColumnProfile, keywords: frozenset[str]) -> DraftIndicator:
    is_rating = _role(column) == "rating"
    measure = "mean" if is_rating else "sum"
    noun = " ".join(re.sub("[_{}]", " ", column.name.lower()).split())
    title = f"{subject.many.capitalize()}: {'mean ' if is_rating else ''}{noun}"
    healthy = "higher" if is_rating else "lower" if column.words & BAD else subject.healthy
    is_sure = is_rating or bool(column.words & BAD)
    shown = _shown(subject, healthy, noun, f"{title} in {{window}}: {{value}}", is_sure=is_sure)
    return DraftIndicator(
        "_".join([subject.table, *_plain(noun).split(), measure]),
        f"the column name {column.name} suggests that its {measure} matters",
        _keys(subject, title, measure, value=_sql(column.name, keywords), windows=["90d"]) | shown,
        "" if is_sure else _doubt(subject),
        column.name,
    )


def _shown(
    subject: Subject, healthy: str, unit: str, sentence: str, *, is_sure: bool = False
) -> dict[str, object]:
    says = f"{sentence}, typically {{usual}}"
    shadow: dict[str, object] = {}
    if subject.sign.doubt and not is_sure:
        shadow = {"stage": "shadow"}
    shown = {"healthy": healthy, "unit": unit, "says": says, "playbook": subject.playbook}
    return shadow | shown


def _doubt(subject: Subject) -> str:
    """What to decide before the indicator may move a score."""
    if not subject.sign.doubt:
        return ""
    table = subject.facts.table
    return (
        f"{table.path}, {counted(table.rows, 'row')}: {subject.sign.doubt}; in shadow it moves no "
        'score: confirm healthy, then set stage = "live"'
    )


def _plain(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in text)


def _sql(column: str, keywords: frozenset[str]) -> str:
    """A column's name as an SQL expression."""
    plain = column.isidentifier() and column.isascii() and column.lower() not in keywords
    return column if plain else '"' + column.replace('"', '""') + '"'


def _keys(
    subject: Subject, title: str, measure: str, kind: str = "leading", **more: object
) -> dict[str, object]:
    return {
        "title": title,
        "dimension": subject.dimension,
        "kind": kind,
        "source": subject.table,
        "measure": measure,
        **more,
    }
