"""First indicators, playbooks and a target for the facts that were found.

Few and plain on purpose: they are there to be read, changed and added to.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from features.drafting.guesses import ROLE_WORDS, FactTable, Reading
from features.drafting.profiles import ColumnProfile, name_words

MOST_INDICATORS = 10
NOT_ADDED = frozenset({"unit", "per", "rate", "share", "average", "avg", "mean"})
WIN_BACK, CARE, REVIEW = "win-back", "support-recovery", "check-in"

PLAYBOOKS: dict[str, dict[str, object]] = {
    WIN_BACK: {
        "title": "Win back",
        "purpose": "Activity is fading: find out what has changed.",
        "owner": "crm",
        "steps": [
            {"do": "Write with an offer that fits the last order", "within": "2d"},
            {"do": "Call if there is no answer", "channel": "phone", "within": "7d"},
        ],
        "cooldown": "30d",
    },
    REVIEW: {
        "title": "Check-in",
        "purpose": "Usage is fading: find out what the customer wants, and what is in the way.",
        "owner": "csm",
        "steps": [
            {"do": "Call the main contact", "channel": "phone", "within": "3d"},
            {"do": "Agree on one next step and a date", "within": "10d"},
        ],
        "cooldown": "30d",
    },
    CARE: {
        "title": "Support recovery",
        "purpose": "Problems pile up: show that somebody takes care of them.",
        "owner": "support",
        "steps": [
            {"do": "Go through the open cases with their owner", "within": "1d"},
            {"do": "Call the reporter with a date for each", "channel": "phone", "within": "3d"},
        ],
        "cooldown": "30d",
    },
}


@dataclass(frozen=True)
class DraftIndicator:
    """An indicator of the draft: its name, its keys in the order of the file, and why."""

    name: str
    why: str
    keys: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """Facts in words: what they are called, and what more of them means.

    `measure_of` is the column that counts in a table with one row per account and day, where
    the number of rows says nothing.
    """

    facts: FactTable
    dimension: str
    is_bad: bool
    is_sure: bool
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
        return "lower" if self.is_bad else "higher"


def indicators(
    reading: Reading, daily: frozenset[str], reserved: Iterable[str]
) -> list[DraftIndicator]:
    """Four to ten indicators: the busiest facts in depth, one each for the others.

    `daily` names the tables with one row per account and day, `reserved` are the words that SQL
    keeps for itself.
    """
    keywords = frozenset(reserved)
    tables = [facts for facts in reading.facts if facts is not reading.term] or [reading.activity]
    subjects = [
        _subject(facts, reading, daily, keywords)
        for facts in tables
        if facts is reading.activity or not name_words(facts.table.name) & ROLE_WORDS["work"]
    ]
    first = next(
        subject for subject in subjects if subject.facts is reading.activity or len(tables) == 1
    )
    others = sorted(
        (subject for subject in subjects if subject is not first),
        key=lambda subject: (not subject.is_bad, not subject.is_sure, -subject.facts.table.rows),
    )
    depth = list(_in_depth(first, keywords))
    return [*depth, *(_one(subject, keywords) for subject in others)][:MOST_INDICATORS]


def _subject(
    facts: FactTable, reading: Reading, daily: frozenset[str], keywords: frozenset[str]
) -> Subject:
    named = name_words(facts.table.name)
    is_bad = bool(named & ROLE_WORDS["bad"])
    relation = is_bad or bool(named & ROLE_WORDS["relation"])
    business = bool(named & (ROLE_WORDS["business"] | ROLE_WORDS["term"])) or reading.term is None
    dimension = "relationship" if relation else "business" if business else "outcome"
    playbook = CARE if is_bad else (REVIEW if reading.term else WIN_BACK)
    counted = [column for column in facts.table.columns if _role(column) == "quantity"]
    measure_of = _sql(counted[0].name, keywords) if counted and facts.table.name in daily else None
    is_sure = is_bad or business or facts is reading.activity
    return Subject(facts, dimension, is_bad, is_sure, playbook, measure_of)


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
    sure = "" if subject.is_sure else "; in shadow, it moves no score until you are sure"
    return DraftIndicator(
        f"{subject.table}_count",
        f"more {subject.many} are {'worse' if subject.is_bad else 'better'}{sure}",
        _keys(subject, subject.many.capitalize(), "count", windows=["28d", "90d"])
        | ({} if subject.is_sure else {"stage": "shadow"})
        | _shown(subject, subject.healthy, subject.many, "{value} {unit} in {window}"),
    )


def _recency(subject: Subject) -> DraftIndicator:
    quiet = {"where": f"{subject.measure_of} > 0"} if subject.measure_of else {}
    sentence = f"Last {subject.one} {{value}} {{unit}} ago"
    return DraftIndicator(
        f"{subject.table}_recency",
        "days without any",
        _keys(subject, f"Days since the last {subject.one}", "days_since", **quiet)
        | _shown(subject, "higher" if subject.is_bad else "lower", "days", sentence),
    )


def _trend(subject: Subject) -> DraftIndicator:
    of = {"value": subject.measure_of, "of": "sum"} if subject.measure_of else {"of": "count"}
    sentence = f"{subject.many.capitalize()} in {{window}}: {{value}} times the previous pace"
    return DraftIndicator(
        f"{subject.table}_trend",
        "the pace of 28 days relative to the 84 days before; 1 is unchanged",
        _keys(subject, f"Trend of {subject.many}", "ratio", **of, windows=["28d"], earlier="84d")
        | _shown(subject, subject.healthy, "times", sentence),
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
    roles = ("rating", "amount", "quantity") if adds_up else ()
    return next((role for role in roles if column.words & ROLE_WORDS[role]), None)


def _amount(subject: Subject, column: ColumnProfile, keywords: frozenset[str]) -> DraftIndicator:
    is_rating = _role(column) == "rating"
    measure = "mean" if is_rating else "sum"
    noun = " ".join(column.name.lower().replace("_", " ").split())
    title = f"{subject.many.capitalize()}: {'mean ' if is_rating else ''}{noun}"
    value = _sql(column.name, keywords)
    return DraftIndicator(
        "_".join([subject.table, *_plain(noun).split(), measure]),
        f"the column name {column.name} suggests that its {measure} matters",
        _keys(subject, title, measure, value=value, windows=["90d"])
        | _shown(
            subject,
            "higher" if is_rating else subject.healthy,
            noun,
            f"{title} in {{window}}: {{value}}",
        ),
    )


def _shown(subject: Subject, healthy: str, unit: str, sentence: str) -> dict[str, object]:
    says = f"{sentence}, typically {{usual}}"
    return {"healthy": healthy, "unit": unit, "says": says, "playbook": subject.playbook}


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


def playbooks(drafts: Iterable[DraftIndicator]) -> dict[str, dict[str, object]]:
    """The playbooks that these indicators name."""
    used = {indicator.keys.get("playbook") for indicator in drafts}
    return {name: keys for name, keys in PLAYBOOKS.items() if name in used}


def target(reading: Reading, days: int) -> tuple[str, dict[str, object]]:
    """The target's keys and why; `days` is how long the history is."""
    horizon = "90d" if days >= 240 else "30d"
    if (term := reading.term) is not None and term.ended is not None:
        event = {"source": term.table.name, "ended": term.ended.name, "grace": "30d"}
        why = f"{term.table.path} records when contracts end; grace allows for late renewals"
        return why, {"adverse": True, "event": event, "gap": "14d", "horizon": horizon}
    inactivity = {"source": reading.activity.table.name, "within": horizon}
    why = "no table records when a contract ends, so inactivity in the busiest one is churn"
    active = "180d" if horizon == "90d" else "60d"
    return why, {
        "adverse": True,
        "inactivity": inactivity,
        "active_within": active,
        "gap": "0d",
        "horizon": horizon,
    }
