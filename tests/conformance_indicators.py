"""What the conformance company declares: its sources, and every measure over several windows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from declared_measures import Indicator
from measure_oracle import Absent

Windows = tuple[int | None, ...]

BOUNDED: Windows = (7, 28)
BOTH: Windows = (7, 28, None)
EARLIER = ("earlier_days", 84)  # twelve spans of a week and three of four weeks
LAST_YEAR = (("earlier_days", 28), ("lag_days", 364))
SHRINK = ("shrink", 1.5)


@dataclass(frozen=True)
class Source:
    """A table of facts: the zone of its clocks (None: with an offset), its keys and its file."""

    name: str
    zone: str | None = None
    system: str | None = None
    suffix: Literal["parquet", "csv"] = "parquet"
    absent: Absent = "zero"
    times: Literal["timestamp", "date"] = "timestamp"

    def toml(self) -> str:
        """Return the table that declares it."""
        zone = f', zone = "{self.zone}"' if self.zone else ""
        system = f'system = "{self.system}", ' if self.system else ""
        return f"""[sources.{self.name}]
path = "{self.name}.{self.suffix}"
account = {{ {system}column = "account" }}
event_time = {{ column = "at"{zone} }}
known_time = {{ column = "known"{zone} }}
absent = "{self.absent}"
tolerate = 1.0"""


SOURCES = (
    Source("facts"),
    Source("bills", zone="Europe/Berlin", system="billing", absent="missing"),
    Source("visits", zone="America/New_York", suffix="csv"),
    Source("calls", zone="Australia/Sydney", absent="missing"),
    Source("days", system="billing", absent="missing", times="date"),
    Source("whale"),
)


def _asked(
    source: str,
    name: str,
    measure: str,
    windows: Windows = BOTH,
    value: str | None = None,
    *options: tuple[str, object],
) -> Indicator:
    return Indicator(f"{source}-{name}", measure, windows, source, value, options=options)


def _plain(source: str) -> Iterator[Indicator]:
    """Yield the measures of one window."""
    yield Indicator(f"{source}-rows", "count", BOTH, source, where=None)
    yield _asked(source, "kept", "count")
    yield _asked(source, "numbers", "count", BOTH, "number")
    yield from (
        _asked(source, name, name, BOTH, "number") for name in ("sum", "mean", "max", "min")
    )
    yield _asked(source, "low", "quantile", BOTH, "number", ("quantile", 0.1))
    yield _asked(source, "median", "quantile", BOTH, "number", ("quantile", 0.5))
    for value in ("number", "plan", "flag", "due"):
        yield _asked(source, f"distinct-{value}", "distinct", BOTH, value)
    yield _asked(source, "latest", "latest", BOTH, "number")
    yield _asked(source, "latest-plan", "latest", BOTH, "plan")
    yield _asked(source, "share", "share", BOTH, "flag")
    yield _asked(source, "since", "days_since")
    yield _asked(source, "since-plan", "days_since", BOTH, "plan")
    yield _asked(source, "since-first", "days_since_first")
    yield _asked(source, "pace", "ratio", BOUNDED, None, ("of", "count"), EARLIER)
    yield _asked(source, "pace-sum", "ratio", BOUNDED, "number", ("of", "sum"), EARLIER)


def _compared(source: str) -> Iterator[Indicator]:
    """Yield what compares spans, indicators and accounts, looks ahead or reads texts."""
    count = ("of", "count")
    yield _asked(source, "yearly", "ratio", BOUNDED, None, count, *LAST_YEAR)
    yield _asked(source, "yearly-sum", "ratio", BOUNDED, "number", ("of", "sum"), *LAST_YEAR)
    yield _asked(source, "shrunk", "ratio", BOUNDED, None, count, EARLIER, SHRINK)
    yield _asked(source, "shrunk-yearly", "ratio", BOUNDED, "plan", count, *LAST_YEAR, SHRINK)
    yield _asked(source, "change", "change", BOUNDED, "number")
    yield _asked(source, "due", "days_until", BOTH, "due")
    yield _asked(source, "due-moment", "days_until", (28, None), "moment")
    yield Indicator(f"{source}-silence", "longest_silence", BOUNDED, source, where=None)
    yield _asked(source, "silence-number", "longest_silence", BOUNDED, "number")
    yield _asked(source, "deviation", "deviation", BOUNDED, None, EARLIER)
    for topic in ("price", "trouble"):
        about = ("body", topic)
        yield Indicator(f"{source}-{topic}", "count", BOTH, source, about=about)
        yield Indicator(f"{source}-sum-{topic}", "sum", BOTH, source, "number", None, about)
        yield Indicator(f"{source}-quiet-{topic}", "longest_silence", (28,), source, about=about)


def _of_others(source: str) -> Iterator[Indicator]:
    """Yield quotients and ranks of the indicators above."""
    name = f"{source}-{{}}".format
    yield _asked(source, "kept-ever", "count", (None,))
    for quotient, over, per, windows in (
        ("kept-share", "kept", "rows", ()),
        ("kept-part", "kept", "kept-ever", ()),
        ("per-number", "sum", "numbers", (28,)),
        ("by-latest", "kept", "latest", (7, 28)),
    ):
        options = (("over", name(over)), ("per", name(per)))
        yield Indicator(name(quotient), "quotient", windows, None, options=options)
    for rank, of, windows in (
        ("rank", "rows", ()),
        ("rank-sum", "sum", (28,)),
        ("rank-share", "kept-share", ()),
        ("rank-silence", "silence", ()),
    ):
        yield Indicator(name(rank), "peer_rank", windows, None, options=(("of", name(of)),))


def _of_nothing(source: str) -> Iterator[Indicator]:
    """Yield measures of a column that is null in every row."""
    for name in ("count", "sum", "distinct", "latest"):
        yield _asked(source, f"{name}-nothing", name, BOTH, "nothing")
    yield _asked(source, "change-nothing", "change", BOUNDED, "nothing")
    yield _asked(source, "silence-nothing", "longest_silence", BOUNDED, "nothing")


def _of_the_whale() -> Iterator[Indicator]:
    few = ("rows", "sum", "mean", "median", "distinct-number", "latest", "since-first", "pace")
    more = ("shrunk", "change", "silence", "deviation", "price")
    for indicator in (*_plain("whale"), *_compared("whale")):
        if indicator.name.removeprefix("whale-") in few + more:
            yield indicator


INDICATORS = (
    *(item for source in SOURCES[:-1] for item in _plain(source.name)),
    *(
        _asked("facts", f"{name}-nothing", name, BOTH, "nothing")
        for name in ("count", "sum", "latest")
    ),
    _asked("facts", "change-nothing", "change", BOUNDED, "nothing"),
    *(item for source in SOURCES[:-1] for item in _compared(source.name)),
    *(item for source in SOURCES[:-1] for item in _of_others(source.name)),
    *_of_the_whale(),
)


# Of each kind of value one measure: as a number, a text, a flag, a day, a moment, and by its topic.
OF_EACH_KIND = {"rows", "sum", "latest-plan", "distinct-flag", "due", "due-moment", "price"}


def distributed() -> tuple[Indicator, ...]:
    """Return what is asked of a cluster: it reads by itself, and folds by the same kernel.

    Every measure of one source, and of the others one for each kind of value.
    """
    parts = ((indicator, indicator.name.split("-", 1)) for indicator in INDICATORS)
    return tuple(
        indicator
        for indicator, (source, name) in parts
        if source == SOURCES[0].name or name in OF_EACH_KIND
    )
