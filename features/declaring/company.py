"""The declaration language of `churnlight.toml`: pure data, one class per table of the file.

Everything that is particular to a company is in these classes and nowhere else. They are
frozen, refuse unknown keys and know nothing of files or engines; `features.declaring.declaration`
reads them from disk. Durations are written `"28d"` and held as whole days.
"""

import codecs
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.declaring.column import DeclaredColumn, Unit
from features.declaring.indicator import Indicator, Keywords, Side, Stage
from features.declaring.vocabulary import (
    NEXT_RENEWAL,
    Days,
    Horizon,
    Name,
    Probability,
    Share,
    Text,
    TomlTable,
    not_empty,
    refuse,
)

# How many days a window by renewal covers at least, unless the declaration says otherwise.
LEAST_DAYS = 90


class About(TomlTable):
    """`[company]`: who it is, and from and up to which day its tables are complete."""

    name: Text
    data_from: date | None = None
    data_until: date | None = None
    simulated: bool = False
    currency: str = ""
    engine: Literal["duckdb", "spark"] = "duckdb"


class Attributes(TomlTable):
    """Which columns of the account table hold the facts that every page wants to show."""

    name: str | None = None
    segment: str | None = None
    owner: str | None = None
    parent: str | None = None
    mrr: str | None = None
    renewal: str | None = None
    since: str | None = None


class AccountKey(TomlTable):
    """A source's account column, in the keys of `system` (of the crosswalk) or of a `link`."""

    column: Text
    system: str | None = None
    link: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.system is not None and self.link is not None:
            raise refuse("either a system or a link", "name the one whose keys the column has")
        return self


class TimeColumn(TomlTable):
    """A time column: the IANA zone of timestamps that carry none, or the unit of a count."""

    column: Text
    zone: str | None = None
    epoch: Unit | None = None


def _column(text: Any) -> Any:
    return {"column": text} if isinstance(text, str) else text


class KnownTime(TomlTable):
    """When a fact reached us: a column of its own, or the event time and a fixed delay."""

    column: str | None = None
    zone: str | None = None
    epoch: Unit | None = None
    delay: Days | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (self.delay is None):
            raise refuse(
                "needs either a column or a delay",
                '{ column = "ingested_at" } or { delay = "1d" }',
            )
        if self.delay is not None and (self.zone is not None or self.epoch is not None):
            raise refuse("a delay has no zone or epoch", "remove it, or name a column")
        return self


class Aliases(TomlTable):
    """Merged accounts: `old` keys that became `new` ones, and when that was known."""

    source: str
    old: Text
    new: Text
    known_time: Annotated[TimeColumn, BeforeValidator(_column)]


class Accounts(TomlTable):
    """`[accounts]`: the table with one row per account, or the facts that accounts come from."""

    source: str
    key: Text
    derived: bool = False
    attributes: Attributes = Attributes()
    crosswalk: dict[str, str] = Field(default_factory=dict)
    aliases: Aliases | None = None

    @model_validator(mode="after")
    def _knows_since_when(self) -> Self:
        if not self.derived and self.attributes.since is None:
            raise refuse(
                "no column for an account's first day",
                'name the sign-up column: attributes = { since = "…" }, or, where accounts '
                "are known from their facts alone, derived = true",
            )
        if self.derived and (self.attributes != Attributes() or self.crosswalk):
            raise refuse(
                "derived accounts have no attributes and no crosswalk",
                "remove both, or name a table with one row per account",
            )
        return self


class Link(TomlTable):
    """`[links.NAME]`: a table that says which account the keys of something else belong to.

    `valid_from` and `valid_to` are when a row holds (the latter is the first moment at which it no
    longer does), by the time of the event; `known_time` is when it reached us.
    """

    source: str
    key: Text
    account: Annotated[AccountKey, BeforeValidator(_column)]
    valid_from: Annotated[TimeColumn, BeforeValidator(_column)] | None = None
    valid_to: Annotated[TimeColumn, BeforeValidator(_column)] | None = None
    known_time: Annotated[TimeColumn, BeforeValidator(_column)] | None = None


class Currency(TomlTable):
    """Amounts in several currencies: `column` names the currency of a row, `to` the one wanted.

    `rates` is a file with the columns date, currency and rate: how many of `to` one unit is worth.
    The last rate before the day of the event counts. `amounts` are the columns to convert.
    """

    column: Text
    to: Text
    rates: Text
    amounts: Annotated[tuple[Text, ...], Field(strict=False), AfterValidator(not_empty)]


def _codec(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise refuse("no such encoding", 'write "cp1252", "latin-1" or "utf-16"') from None
    return name


class CsvFormat(TomlTable):
    """How a text file is written, where its values do not tell."""

    separator: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    decimal: Literal[".", ","] | None = None
    encoding: Annotated[str, AfterValidator(_codec)] | None = None


class Source(TomlTable):
    """`[sources.NAME]`: one table of the company, with the columns of its key and its times.

    `absent` is what no row in a window means for count, sum and distinct: `"zero"` (nothing
    happened) or `"missing"` (we do not know). `tolerate` is the share of rows with a broken
    reference that may be left out with a warning. `date_order` and `csv` say of a text file what
    its values do not prove. `where` is which rows count at all, for whatever
    reads the source, and `columns` names and computes columns that its table has otherwise.
    """

    adopt: str | None = None
    path: str | None = None
    sql: str | None = None
    table: str | None = None
    account: Annotated[AccountKey, BeforeValidator(_column)] | None = None
    event_time: Annotated[TimeColumn, BeforeValidator(_column)] | None = None
    known_time: Annotated[KnownTime, BeforeValidator(_column)] | None = None
    currency: Currency | None = None
    date_order: Literal["day first", "month first"] | None = None
    csv: CsvFormat = CsvFormat()
    absent: Literal["zero", "missing"] = "zero"
    tolerate: Share = 0.0
    where: str | None = None
    columns: dict[Text, DeclaredColumn] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.sql is None):
            raise refuse("needs either path or sql", 'path = "orders.parquet"')
        if (self.sql is None) != (self.table is None):
            raise refuse(
                "sql and table go together",
                'sql = "postgresql://…" (or "$NAME_OF_A_VARIABLE"), table = "orders"',
            )
        if self.currency is not None and self.event_time is None:
            raise refuse("currency needs the day of each fact", 'add event_time = "…"')
        return self


def _is_unset(value: Any) -> bool:
    """Whether a key is not there: then it is no part of what is hashed either."""
    return value is None


class Pause(TomlTable):
    """The columns of a subscription's pause: when it began and, once known, when it is over."""

    begins: Annotated[Text, Field(alias="from")]
    until: Text


class Event(TomlTable):
    """A target that happens: a subscription's end (`ended`, with grace) or any dated fact.

    `ended_known` is when an end reached us; without it, ends are known when they happen. An end
    on the first day of a `paused` interval is a pause and no end.

    `renews` is the day on which a subscription's term is over and the next one has to be signed.
    Rows of one `contract` of an account (its product, say) follow each other; those that begin on
    the same day are versions of one term. `amount` is what a contract is worth.
    """

    source: str
    ended: str | None = None
    ended_known: Annotated[KnownTime, BeforeValidator(_column)] | None = None
    paused: Pause | None = None
    grace: Days = 0
    where: str | None = None
    renews: Annotated[Text | None, Field(exclude_if=_is_unset)] = None
    contract: Annotated[Text | None, Field(exclude_if=_is_unset)] = None
    amount: Annotated[Text | None, Field(exclude_if=_is_unset)] = None

    @model_validator(mode="after")
    def _knows_of_what(self) -> Self:
        given = {"ended_known": self.ended_known, "paused": self.paused, "grace": self.grace}
        for key, value in given.items():
            if value and self.ended is None:
                raise refuse(f"{key} without ended", "name the column of the end, or remove it")
        return self

    @property
    def columns_of_the_end(self) -> tuple[str, ...]:
        """The columns that are filled in when a subscription ends or pauses."""
        known_column = self.ended_known.column if self.ended_known else None
        pause = (self.paused.begins, self.paused.until) if self.paused else ()
        return tuple(column for column in (self.ended, known_column, *pause) if column)

    @property
    def days_to_continue(self) -> int:
        """Within how many days after an end another subscription continues it: at least one."""
        return 0 if self.ended is None else max(self.grace, 1)


class Inactivity(TomlTable):
    """A target that shows by silence: no fact of `source` for `within` days."""

    source: str
    within: Days
    where: str | None = None


class Target(TomlTable):
    """`[targets.NAME]`: what is predicted, from `as_of + gap` on, for `horizon` days.

    `active` names the source whose facts make an account active, where the target is a dated
    event; without it, every source but the event's own. `reporting_delay` is never less than the
    delay that the target's source declares (`features.declaring.declaration` sees to it).
    `p_red` and `p_green` set the band anchors by hand; else validation data choose them.

    With `horizon = "next renewal"` each account has its own window: at least `at_least` days, and
    until its next renewal. `notice` is how long before that it is decided; a contract with a
    notice renews by itself. Decisions beyond `at_most` days are not scored.

    What is not adverse is an opportunity. It has no bands: from the probability `p_high` on it is
    shown, with its `playbook`; `likelier` names, of indicators, the side on which it is likelier.
    """

    adverse: bool = True
    title: str = ""
    event: Event | None = None
    inactivity: Inactivity | None = None
    active: str | None = None
    active_within: Days | None = None
    gap: Days = 0
    horizon: Horizon
    at_least: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    at_most: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    notice: Annotated[Days | None, Field(exclude_if=_is_unset)] = None
    reporting_delay: Days = 0
    p_red: Probability | None = None
    p_green: Probability | None = None
    p_high: Probability | None = None
    playbook: str | None = None
    likelier: dict[Name, Side] = Field(default_factory=dict)

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
        if self.active_within is not None and self.contractual:
            raise refuse(
                "active_within has no effect beside ended",
                "remove it: a running subscription makes an account active",
            )
        if self.active is not None and (self.contractual or self.inactivity):
            raise refuse(
                "active is for dated events",
                "remove it: a running subscription, or the source of the inactivity, decides",
            )
        return self

    @model_validator(mode="after")
    def _of_the_next_renewal(self) -> Self:
        if self.horizon == NEXT_RENEWAL:
            self._has_renewals()
            return self
        given = {"at_least": self.at_least, "at_most": self.at_most, "notice": self.notice}
        event = self.event or Event(source=self.source)
        given |= {f"event.{key}": getattr(event, key) for key in ("renews", "contract", "amount")}
        for key, value in given.items():
            if value is not None:
                fix = f'remove it, or set horizon = "{NEXT_RENEWAL}"'
                raise refuse(f"{key} has no effect with a horizon of days", fix)
        return self

    def _has_renewals(self) -> None:
        if self.event is None or self.event.ended is None or self.event.renews is None:
            raise refuse(
                "no renewal dates",
                'event = { source = "…", ended = "…", renews = "…" }: the column of the '
                "subscriptions in which each term says when it renews",
            )
        if not self.adverse:
            raise refuse("the next renewal is asked of a loss", "set adverse = true")
        if self.at_most is not None and self.at_most <= self.gap:
            raise refuse(
                "at_most leaves nothing to score",
                f"every decision would lie in the gap: make it longer than {self.gap} days",
            )

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

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        if not self.adverse and (self.p_red or self.p_green):
            raise refuse(
                "an opportunity has no bands",
                "remove p_red and p_green; p_high is the probability from which it is listed",
            )
        if self.adverse and (self.p_high or self.playbook or self.likelier):
            raise refuse(
                "p_high, playbook and likelier are for opportunities",
                "remove them, or set adverse = false",
            )
        return self

    @property
    def contractual(self) -> bool:
        """Whether an active subscription, and not activity, makes an account eligible."""
        return self.event is not None and self.event.ended is not None

    @property
    def words(self) -> tuple[str, str]:
        """The verbs for accounts with the event and without: churned and stayed."""
        return ("churned", "stayed") if self.adverse else ("converted", "did not convert")

    @property
    def source(self) -> str:
        """The source whose facts, or whose silence, are the target."""
        part = self.event or self.inactivity
        assert part is not None
        return part.source

    @property
    def by_renewal(self) -> bool:
        """Whether each account's window ends with its own next renewal."""
        return self.horizon == NEXT_RENEWAL

    @property
    def horizon_days(self) -> int:
        """The days that the prediction covers; by renewal, those that it covers at least."""
        if not isinstance(self.horizon, int):
            return LEAST_DAYS if self.at_least is None else self.at_least
        return self.horizon

    @property
    def days_from_end_to_settle(self) -> int:
        """Days from the end of the window until what happened in it is known for good."""
        return (self.event.days_to_continue if self.event else 0) + self.reporting_delay

    @property
    def days_to_settle(self) -> int:
        """Days from the as-of date until an outcome is known for good; by renewal, the earliest."""
        return self.gap + self.horizon_days + self.days_from_end_to_settle


class Taxonomy(TomlTable):
    """`[taxonomies.NAME]`: topics that texts can be about, each with its keywords.

    A keyword is one or more whole words, in any case; `*` at the end matches any continuation
    of the last word.
    """

    adopt: str | None = None
    topics: Annotated[dict[Name, Keywords], Field(min_length=1)]


class Segment(TomlTable):
    """`[segments.NAME]`: the accounts whose row of the account table passes `where`."""

    title: Text
    where: Text


class Bands(TomlTable):
    """`[bands]`: how many accounts the team can work, and when there is enough history.

    `capacity` is a share of all accounts, for the red ones and for each kind of opportunity.
    """

    capacity: Annotated[float, Field(gt=0, lt=1)] = 0.10
    min_history: Days = 28


class Step(TomlTable):
    """One step of a playbook: what to do, by which channel, within how many days."""

    do: Text
    channel: str | None = None
    within: Days | None = None


class Playbook(TomlTable):
    """`[playbooks.NAME]`: what to do about a driver."""

    adopt: str | None = None
    title: Text
    purpose: str = ""
    owner: Text
    steps: Annotated[tuple[Step, ...], Field(strict=False), AfterValidator(not_empty)]
    cooldown: Days = 30


class Company(TomlTable):
    """A whole declaration, adopted parts filled in.

    `about` is the table `[company]`. `folder` is where the file is (paths are relative to it),
    `declaration_hash` the SHA-256 of everything else in it.
    """

    about: Annotated[About, Field(alias="company")]
    accounts: Accounts
    sources: Annotated[dict[Name, Source], Field(min_length=1)]
    targets: Annotated[dict[Name, Target], Field(min_length=1)]
    links: dict[Name, Link] = Field(default_factory=dict)
    segments: dict[Name, Segment] = Field(default_factory=dict)
    taxonomies: dict[Name, Taxonomy] = Field(default_factory=dict)
    indicators: Annotated[dict[Name, Indicator], Field(min_length=1)]
    bands: Bands = Bands()
    playbooks: dict[Name, Playbook] = Field(default_factory=dict)
    folder: Annotated[Path, Field(exclude=True)] = Path()
    declaration_hash: Annotated[str, Field(exclude=True)] = ""

    def bases(self, name: str) -> set[str]:
        """The indicators that the indicator `name` is made of, and those that they are made of."""
        direct = self.indicators[name].bases()
        return {*direct, *(base for other in direct for base in self.bases(other))}

    @property
    def linking(self) -> set[str]:
        """The sources that say of which account something is."""
        aliases = self.accounts.aliases
        return {
            *(link.source for link in self.links.values()),
            *([aliases.source] if aliases else []),
        }

    @property
    def adverse(self) -> tuple[str, ...]:
        """The targets that have health scores, in the order of the file: first, the default."""
        return tuple(name for name, target in self.targets.items() if target.adverse)

    @property
    def opportunities(self) -> tuple[str, ...]:
        """The targets that are not adverse, in the order of the file."""
        return tuple(name for name, target in self.targets.items() if not target.adverse)

    def staged(self, *stages: Stage) -> dict[str, Indicator]:
        """The indicators in any of `stages`, in the order of the file."""
        return {name: target for name, target in self.indicators.items() if target.stage in stages}


def odds(probability: float) -> float:
    """The odds p / (1 − p) of a probability.

    Examples
    --------
    >>> odds(0.75)
    3.0
    """
    return probability / (1 - probability)
