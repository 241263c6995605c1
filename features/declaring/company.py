"""The declaration language of `churnlight.toml`: pure data, one class per table of the file.

Everything that is particular to a company is in these classes, and in those of its sources, targets
and indicators beside this module, and nowhere else. They are frozen, refuse unknown keys and know
nothing of files or engines; `features.declaring.declaration` reads them from disk. Durations are
written `"28d"` and held as whole days.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.declaring.indicator import Indicator, Keywords, Stage
from features.declaring.source import AccountKey, Source, TimeColumn, as_column
from features.declaring.target import Target
from features.declaring.vocabulary import (
    Days,
    Name,
    Text,
    TomlTable,
    not_empty,
    refuse,
)


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


class Aliases(TomlTable):
    """Merged accounts: `old` keys that became `new` ones, and when that was known."""

    source: str
    old: Text
    new: Text
    known_time: Annotated[TimeColumn, BeforeValidator(as_column)]


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
    account: Annotated[AccountKey, BeforeValidator(as_column)]
    valid_from: Annotated[TimeColumn, BeforeValidator(as_column)] | None = None
    valid_to: Annotated[TimeColumn, BeforeValidator(as_column)] | None = None
    known_time: Annotated[TimeColumn, BeforeValidator(as_column)] | None = None


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
