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
    facts = [item for item in reading.facts if item is not reading.term] or [reading.activity]
    subjects = [
        _subject(item, reading, daily, keywords)
        for item in facts
        if item is reading.activity or not name_words(item.table.name) & ROLE_WORDS["work"]
    ]
    first = next(item for item in subjects if item.facts is reading.activity or len(facts) == 1)
    others = sorted(
        (item for item in subjects if item is not first),
        key=lambda item: (not item.is_bad, not item.is_sure, -item.facts.table.rows),
    )
    depth = list(_in_depth(first, keywords))
    return [*depth, *(_one(item, keywords) for item in others)][:MOST_INDICATORS]


def _subject(
    facts: FactTable, reading: Reading, daily: frozenset[str], keywords: frozenset[str]
) -> Subject:
    named = name_words(facts.table.name)
    is_bad = bool(named & ROLE_WORDS["bad"])
    relation = is_bad or bool(named & ROLE_WORDS["relation"])
    business = bool(named & (ROLE_WORDS["business"] | ROLE_WORDS["term"])) or reading.term is None
    dimension = "relationship" if relation else "business" if business else "outcome"
    playbook = CARE if is_bad else (REVIEW if reading.term else WIN_BACK)
    counted = [item for item in facts.table.columns if _role(item) == "quantity"]
    measure_of = _sql(counted[0].name, keywords) if counted and facts.table.name in daily else None
    is_sure = is_bad or business or facts is reading.activity
    return Subject(facts, dimension, is_bad, is_sure, playbook, measure_of)


def _in_depth(item: Subject, keywords: frozenset[str]) -> Iterator[DraftIndicator]:
    if item.measure_of is None:
        yield _count(item)
    yield _recency(item)
    yield _trend(item)
    roles: set[str] = set()
    for column in item.facts.table.columns:
        role = _role(column)
        if role is not None and role not in roles:
            roles.add(role)
            yield _amount(item, column, keywords)
    yield _tenure(item)


def _one(item: Subject, keywords: frozenset[str]) -> DraftIndicator:
    """What one would look at first: a rating, else how many."""
    ratings = [column for column in item.facts.table.columns if _role(column) == "rating"]
    return _amount(item, ratings[0], keywords) if ratings else _count(item)


def _count(item: Subject) -> DraftIndicator:
    sure = "" if item.is_sure else "; in shadow, it moves no score until you are sure"
    return DraftIndicator(
        f"{item.table}_count",
        f"more {item.many} are {'worse' if item.is_bad else 'better'}{sure}",
        _keys(item, item.many.capitalize(), "count", windows=["28d", "90d"])
        | ({} if item.is_sure else {"stage": "shadow"})
        | _shown(item, item.healthy, item.many, "{value} {unit} in {window}"),
    )


def _recency(item: Subject) -> DraftIndicator:
    quiet = {"where": f"{item.measure_of} > 0"} if item.measure_of else {}
    told = f"Last {item.one} {{value}} {{unit}} ago"
    return DraftIndicator(
        f"{item.table}_recency",
        "days without any",
        _keys(item, f"Days since the last {item.one}", "days_since", **quiet)
        | _shown(item, "higher" if item.is_bad else "lower", "days", told),
    )


def _trend(item: Subject) -> DraftIndicator:
    of = {"value": item.measure_of, "of": "sum"} if item.measure_of else {"of": "count"}
    told = f"{item.many.capitalize()} in {{window}}: {{value}} times the previous pace"
    return DraftIndicator(
        f"{item.table}_trend",
        "the pace of 28 days relative to the 84 days before; 1 is unchanged",
        _keys(item, f"Trend of {item.many}", "ratio", **of, windows=["28d"], earlier="84d")
        | _shown(item, item.healthy, "times", told),
    )


def _tenure(item: Subject) -> DraftIndicator:
    told = f"First {item.one} {{value}} {{unit}} ago"
    return DraftIndicator(
        f"{item.table}_tenure",
        "nobody can change it, so it is context and gets no playbook",
        _keys(item, f"Days since the first {item.one}", "days_since_first", kind="context")
        | {"unit": "days", "says": f"{told}, typically {{usual}}"},
    )


def _role(column: ColumnProfile) -> str | None:
    """What a column of numbers holds, by its name: rating, amount or quantity."""
    adds_up = column.is_number and not column.words & NOT_ADDED
    roles = ("rating", "amount", "quantity") if adds_up else ()
    return next((role for role in roles if column.words & ROLE_WORDS[role]), None)


def _amount(item: Subject, column: ColumnProfile, keywords: frozenset[str]) -> DraftIndicator:
    is_rating = _role(column) == "rating"
    measure = "mean" if is_rating else "sum"
    noun = " ".join(column.name.lower().replace("_", " ").split())
    title = f"{item.many.capitalize()}: {'mean ' if is_rating else ''}{noun}"
    value = _sql(column.name, keywords)
    return DraftIndicator(
        "_".join([item.table, *_plain(noun).split(), measure]),
        f"the column name {column.name} suggests that its {measure} matters",
        _keys(item, title, measure, value=value, windows=["90d"])
        | _shown(
            item, "higher" if is_rating else item.healthy, noun, f"{title} in {{window}}: {{value}}"
        ),
    )


def _shown(item: Subject, healthy: str, unit: str, told: str) -> dict[str, object]:
    says = f"{told}, typically {{usual}}"
    return {"healthy": healthy, "unit": unit, "says": says, "playbook": item.playbook}


def _plain(text: str) -> str:
    return "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in text)


def _sql(column: str, keywords: frozenset[str]) -> str:
    """A column's name as an SQL expression."""
    plain = column.isidentifier() and column.isascii() and column.lower() not in keywords
    return column if plain else '"' + column.replace('"', '""') + '"'


def _keys(
    item: Subject, title: str, measure: str, kind: str = "leading", **more: object
) -> dict[str, object]:
    return {
        "title": title,
        "dimension": item.dimension,
        "kind": kind,
        "source": item.table,
        "measure": measure,
        **more,
    }


def playbooks(drafts: Iterable[DraftIndicator]) -> dict[str, dict[str, object]]:
    """The playbooks that these indicators name."""
    used = {item.keys.get("playbook") for item in drafts}
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
