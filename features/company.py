"""The declaration language of `churnlight.toml`: pure data, one class per table of the file.

Everything that is particular to a company stands in these classes and nowhere else. They are
frozen, refuse unknown keys and know nothing of files or engines; `features.declaration` reads
them from disk. Durations are written `"28d"` and held as whole days.
"""

import re
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

Dimension = Literal["outcome", "business", "relationship"]
Kind = Literal["leading", "lagging", "context"]
Stage = Literal["draft", "shadow", "live"]
Measure = Literal[
    "count",
    "sum",
    "mean",
    "max",
    "min",
    "share",
    "distinct",
    "latest",
    "days_since",
    "days_since_first",
    "quantile",
    "ratio",
]
Side = Literal["higher", "lower"]

DIMENSIONS: tuple[Dimension, ...] = ("outcome", "business", "relationship")
PLACEHOLDERS = frozenset({"value", "usual", "window", "unit"})
WHOLE_HISTORY: tuple[Measure, ...] = ("latest", "days_since", "days_since_first")
NEEDS_VALUE: tuple[Measure, ...] = (
    "sum",
    "mean",
    "max",
    "min",
    "share",
    "distinct",
    "latest",
    "quantile",
)


def refuse(what: str, mend: str) -> PydanticCustomError:
    """An error of a declaration in two parts: what is wrong and how to mend it."""
    return PydanticCustomError("declaration", "{what}", {"what": what, "mend": mend})


def _days(text: Any) -> Any:
    if isinstance(text, str) and (match := re.fullmatch(r"(\d{1,5})d", text.strip())):
        return int(match[1])
    raise refuse("not a duration", 'write whole days, such as "28d"')


def _window(text: Any) -> Any:
    return None if text == "all" else _days(text)


def _window_text(days: int | None) -> str:
    return "all" if days is None else f"{days}d"


def _plain_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name):
        raise refuse("not a usable name", "use lower-case letters, digits and single _ or -")
    return name


def _sentence(text: str) -> str:
    try:
        fields = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        raise refuse("not a sentence with {placeholders}", "close every brace") from None
    names = {str(name) for name, _, _ in fields}
    if any(form or conversion for _, form, conversion in fields):
        raise refuse("a placeholder with a format", "write it plain, such as {value}")
    if unknown := sorted(names - PLACEHOLDERS):
        raise refuse(
            f"unknown placeholder {{{unknown[0]}}}",
            "use {value}, {usual}, {window} or {unit}",
        )
    return text


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise refuse("empty", "name at least one")
    return items


Days = Annotated[int, BeforeValidator(_days), PlainSerializer(_window_text)]
Window = Annotated[int | None, BeforeValidator(_window), PlainSerializer(_window_text)]
Name = Annotated[str, AfterValidator(_plain_name)]
Sentence = Annotated[str, Field(min_length=1), AfterValidator(_sentence)]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Probability = Annotated[float, Field(gt=0, lt=1)]


class Table(BaseModel):
    """The base of every table of the declaration: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class About(Table):
    """`[company]`: who it is, and from and up to which day its tables are complete."""

    name: Text
    data_from: date | None = None
    data_until: date | None = None
    simulated: bool = False
    currency: str = ""
    engine: Literal["duckdb"] = "duckdb"


class Attributes(Table):
    """Which columns of the account table hold the facts that every page wants to show."""

    name: str | None = None
    segment: str | None = None
    owner: str | None = None
    parent: str | None = None
    mrr: str | None = None
    renewal: str | None = None
    since: str | None = None


class Accounts(Table):
    """`[accounts]`: the table with one row per account, or the facts that accounts come from."""

    source: str
    key: Text
    derived: bool = False
    attributes: Attributes = Attributes()
    crosswalk: dict[str, str] = {}

    @model_validator(mode="after")
    def _knows_since_when(self) -> Self:
        if not self.derived and self.attributes.since is None:
            raise refuse(
                "no day from which on an account exists",
                'name the sign-up column: attributes = { since = "…" }, or, where accounts '
                "are known from their facts alone, derived = true",
            )
        if self.derived and (self.attributes != Attributes() or self.crosswalk):
            raise refuse(
                "derived accounts have no attributes and no crosswalk",
                "remove both, or name a table with one row per account",
            )
        return self


class AccountKey(Table):
    """A source's account column, in the keys of `system` (one of the crosswalk's)."""

    column: Text
    system: str | None = None


class TimeColumn(Table):
    """A time column; `zone` is the IANA zone of timestamps that carry none."""

    column: Text
    zone: str | None = None


class KnownTime(Table):
    """When a fact reached us: a column of its own, or the event time and a fixed delay."""

    column: str | None = None
    zone: str | None = None
    delay: Days | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.delay is None):
            raise refuse(
                "needs either a column or a delay",
                '{ column = "ingested_at" } or { delay = "1d" }',
            )
        return self


def _column(text: Any) -> Any:
    return {"column": text} if isinstance(text, str) else text


class Source(Table):
    """`[sources.NAME]`: one table of the company and where its key and its times stand.

    `absent` is what no row in a window means for count, sum and distinct: `"zero"` (nothing
    happened) or `"missing"` (we do not know). `tolerate` is the share of rows with a broken
    reference that may be left out with a warning.
    """

    path: str | None = None
    sql: str | None = None
    table: str | None = None
    account: Annotated[AccountKey, BeforeValidator(_column)] | None = None
    event_time: Annotated[TimeColumn, BeforeValidator(_column)] | None = None
    known_time: Annotated[KnownTime, BeforeValidator(_column)] | None = None
    absent: Literal["zero", "missing"] = "zero"
    tolerate: Share = 0.0

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.sql is None):
            raise refuse("needs either path or sql", 'path = "orders.parquet"')
        if (self.sql is None) != (self.table is None):
            raise refuse(
                "sql and table go together",
                'sql = "postgresql://…" (or "$NAME_OF_A_VARIABLE"), table = "orders"',
            )
        return self


class Event(Table):
    """A target that happens: a subscription's end (`ended`, with grace) or any dated fact.

    `ended_known` is when an end reached us; without it, ends are known when they happen.
    """

    source: str
    ended: str | None = None
    ended_known: Annotated[KnownTime, BeforeValidator(_column)] | None = None
    grace: Days = 0
    where: str | None = None

    @model_validator(mode="after")
    def _knows_of_what(self) -> Self:
        if self.ended_known is not None and self.ended is None:
            raise refuse("ended_known without ended", "name the column of the end, or remove it")
        return self


class Inactivity(Table):
    """A target that shows by silence: no fact of `source` for `within` days."""

    source: str
    within: Days
    where: str | None = None


class Target(Table):
    """`[targets.NAME]`: what is predicted, from `as_of + gap` on, for `horizon` days.

    `active` names the source whose facts make an account active, where the target is a dated
    event; without it, every source but the event's own. `reporting_delay` is never less than the
    delay that the target's source declares (`features.declaration` sees to it). `p_red` and
    `p_green` set the band anchors by hand; else validation data choose them.
    """

    adverse: bool = True
    title: str = ""
    event: Event | None = None
    inactivity: Inactivity | None = None
    active: str | None = None
    active_within: Days | None = None
    gap: Days = 0
    horizon: Days
    reporting_delay: Days = 0
    p_red: Probability | None = None
    p_green: Probability | None = None

    @model_validator(mode="after")
    def _one_definition(self) -> Self:
        if (self.event is None) == (self.inactivity is None):
            raise refuse(
                "needs either event or inactivity",
                'event = { source = "…", ended = "…" } or inactivity = { source = "…", '
                'within = "90d" }',
            )
        if self.inactivity and self.inactivity.within != self.horizon:
            raise refuse(
                "an inactivity target asks for silence over its whole horizon",
                f'set horizon = "{self.inactivity.within}d", as inactivity.within',
            )
        if not self.contractual and self.active_within is None:
            raise refuse(
                "no rule for which accounts are active",
                'active_within = "180d": accounts with a fact in that many days',
            )
        if self.active is not None and (self.contractual or self.inactivity):
            raise refuse(
                "active is for dated events",
                "remove it: a running subscription, or the source of the inactivity, decides",
            )
        return self

    @model_validator(mode="after")
    def _anchors_apart(self) -> Self:
        if (self.p_red is None) != (self.p_green is None):
            raise refuse("p_red and p_green go together", "set both or neither")
        if self.p_red and self.p_green and odds(self.p_red) < 2 * odds(self.p_green):
            raise refuse(
                "the anchors are too close: odds(p_red) < 2 · odds(p_green)",
                "move them apart",
            )
        return self

    @property
    def contractual(self) -> bool:
        """Whether an active subscription, and not activity, makes an account eligible."""
        return self.event is not None and self.event.ended is not None

    @property
    def source(self) -> str:
        """The source whose facts, or whose silence, are the target."""
        part = self.event or self.inactivity
        assert part is not None
        return part.source

    @property
    def days_to_settle(self) -> int:
        """Days from the as-of date until its outcome is known for good."""
        grace = self.event.grace if self.event else 0
        return self.gap + self.horizon + grace + self.reporting_delay


class Says(Table):
    """The sentence of a driver: `bad` when it lowers the score, `good` when it raises it."""

    bad: Sentence
    good: Sentence


class Indicator(Table):
    """`[indicators.NAME]`: one measure of health over one or more windows.

    `healthy` is the side of the value, as it is shown, on which an account does well: days
    since the last order are healthy when lower.
    """

    adopt: str | None = None
    title: Text
    dimension: Dimension
    kind: Kind
    stage: Stage = "live"
    source: str
    value: str | None = None
    where: str | None = None
    measure: Measure
    windows: Annotated[tuple[Window, ...], Field(strict=False)] = ()
    quantile: Share | None = None
    of: Literal["count", "sum"] | None = None
    earlier: Days | None = None
    healthy: Side | None = None
    unit: str = ""
    says: Says
    playbook: str | None = None

    @model_validator(mode="after")
    def _parts_fit_the_measure(self) -> Self:
        if self.measure in NEEDS_VALUE and self.value is None:
            raise refuse(
                f"{self.measure} needs a value",
                'value = "amount" (a column or a scalar SQL expression)',
            )
        if (self.measure == "quantile") != (self.quantile is not None):
            raise refuse(
                "quantile is for measure = quantile, and needed there",
                'measure = "quantile", quantile = 0.5',
            )
        if (self.measure == "ratio") != (self.of is not None and self.earlier is not None):
            raise refuse(
                "of and earlier are for measure = ratio, and both needed there",
                'measure = "ratio", of = "count", windows = ["28d"], earlier = "84d"',
            )
        if self.of == "sum" and self.value is None:
            raise refuse("a ratio of sums needs a value", 'value = "amount"')
        return self

    @model_validator(mode="after")
    def _windows_fit_the_measure(self) -> Self:
        if not self.windows and self.measure not in WHOLE_HISTORY:
            raise refuse(f"{self.measure} needs windows", 'windows = ["28d", "90d"]')
        if len(set(self.windows)) != len(self.windows):
            raise refuse("a window stands twice", "name each window once")
        if 0 in self.windows or self.earlier == 0:
            raise refuse("a window of no days", 'use at least "1d"')
        if self.measure == "ratio" and None in self.windows:
            raise refuse("a ratio needs a bounded recent window", 'windows = ["28d"]')
        return self

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.kind != "context" and self.healthy is None:
            raise refuse("no healthy side", 'healthy = "higher" or healthy = "lower"')
        if self.kind == "context" and self.playbook is not None:
            raise refuse(
                "context cannot be changed, so it gets no playbook",
                "remove playbook, or declare the kind leading or lagging",
            )
        return self

    def spans(self) -> tuple[int | None, ...]:
        """The windows in days, `None` for the whole history."""
        return self.windows or (None,)


def column_name(indicator: str, window: int | None) -> str:
    """The feature column of an indicator's window, such as `spend__90d` or `recency__all`."""
    return f"{indicator}__{_window_text(window)}"


class Segment(Table):
    """`[segments.NAME]`: the accounts whose row of the account table passes `where`."""

    title: Text
    where: Text


class Bands(Table):
    """`[bands]`: how many accounts the team can work, and when there is enough history."""

    capacity: Annotated[float, Field(gt=0, lt=1)] = 0.10
    min_history: Days = 28


class Step(Table):
    """One step of a playbook: what to do, by which channel, within how many days."""

    do: Text
    channel: str | None = None
    within: Days | None = None


class Playbook(Table):
    """`[playbooks.NAME]`: what to do about a driver."""

    adopt: str | None = None
    title: Text
    purpose: str = ""
    owner: Text
    steps: Annotated[tuple[Step, ...], Field(strict=False), AfterValidator(_not_empty)]
    cooldown: Days = 30


class Company(Table):
    """A whole declaration, adopted parts filled in.

    `folder` is where the file stands (paths are relative to it), `declaration_hash` the
    SHA-256 of everything else in it.
    """

    company: About
    accounts: Accounts
    sources: Annotated[dict[Name, Source], Field(min_length=1)]
    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    segments: dict[Name, Segment] = {}
    indicators: Annotated[dict[Name, Indicator], Field(min_length=1)]
    bands: Bands = Bands()
    playbooks: dict[Name, Playbook] = {}
    folder: Annotated[Path, Field(exclude=True)] = Path()
    declaration_hash: Annotated[str, Field(exclude=True)] = ""

    def staged(self, *stages: Stage) -> dict[str, Indicator]:
        """The indicators in any of `stages`, in the order of the file."""
        return {name: item for name, item in self.indicators.items() if item.stage in stages}


def odds(probability: float) -> float:
    """The odds p / (1 − p) of a probability."""
    return probability / (1 - probability)
