"""The words that pages use for dates, money, chances, sizes and arrows.

Its one rule: a figure is worded in one place, so that it reads the same everywhere.
Scores are printed as whole numbers rounded down, so that a score below 40 never reads 40.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import floor

from features.declaring.target import Target
from serving.assessment.score_parts import Driver
from training.explaining.drivers import amount, noun

DASH = "–"
LITTLE_POINTS = 3.0
LONGEST_LINE = 40
LONGEST_BRIEF = 55
SHORTEST_TITLE = 20
_SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


def day(when: date) -> str:
    """`21 Nov 2026`."""
    return f"{when.day} {when:%b} {when.year}"


def short_day(when: date) -> str:
    """`21 Nov`."""
    return f"{when.day} {when:%b}"


def moment(iso: str) -> str:
    """`21 Nov 2026, 05:10 UTC` for an ISO 8601 time in UTC."""
    when = datetime.fromisoformat(iso)
    return f"{day(when.date())}, {when:%H:%M} UTC"


def distance(when: date, as_of: date) -> str:
    """How far `when` is from the day of the scores: `in 52 days`, `today`, `3 days ago`."""
    days = (when - as_of).days
    if days == 0:
        return "today"
    return f"in {counted(days, 'day')}" if days > 0 else f"{counted(-days, 'day')} ago"


def counted(number: int, thing: str) -> str:
    """`1 account`, `3,201 accounts`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def money(value: float, currency: str) -> str:
    """Whole units of `currency` (an ISO 4217 code or a symbol): `€8,400`, `8,400 CHF`."""
    symbol = _SYMBOLS.get(currency, currency if len(currency) == 1 else "")
    number = f"{'−' if round(value) < 0 else ''}{symbol}{abs(round(value)):,}"
    return number if symbol or not currency else f"{number} {currency}"


def known(value: float | str | None, unit: str) -> str:
    """A driver's value with its unit, as its sentence writes it, or that it is not known."""
    text = amount(value, unit)
    return f"{text} {noun(unit, text)}".rstrip() if isinstance(value, int | float) else text


def version(name: str) -> str:
    """A model's version: `v7` for one of the registry."""
    return f"v{name}" if name.isdigit() else name


def score(health: float | None) -> str:
    """A health score rounded down, or a dash."""
    return DASH if health is None else str(floor(health))


def likely_range(low: float | None, high: float | None) -> str:
    """The interval around a score, both ends rounded down like the score: `24–37`.

    Empty where there is none, or none that shows.
    """
    if low is None or high is None or score(low) == score(high):
        return ""
    return f"{score(low)}–{score(high)}"


def points(number: float) -> str:
    """Health points with sign and one decimal: `+3.0`, `−7.2`, `0.0`."""
    text = f"{abs(number):.1f}"
    if text == "0.0":
        return text
    return f"+{text}" if number > 0 else f"−{text}"


def chance(probability: float) -> str:
    """A probability as a natural frequency: `about 44 in 100`."""
    of_hundred = round(100 * probability)
    if of_hundred == 0:
        return "fewer than 1 in 100"
    return "more than 99 in 100" if of_hundred == 100 else f"about {of_hundred} in 100"


def usual_chance(mean: float | None) -> str:
    """The mean of all scored accounts, beside which a chance is read: `usual: about 61 in 100`."""
    return "" if mean is None else f"usual: {chance(mean)}"


@dataclass(frozen=True, slots=True)
class Arrow:
    """A score's way between two days, in whole points as they are printed."""

    mark: str
    points: int
    word: str


def arrow(then: float | None, now: float | None) -> Arrow | None:
    """How the printed score moved, or `None` where either is unknown."""
    if then is None or now is None:
        return None
    change = floor(now) - floor(then)
    if change == 0:
        return Arrow("●", 0, "same")
    return Arrow("▲", change, "better") if change > 0 else Arrow("▼", -change, "worse")


def size(driver: Driver, among: Sequence[Driver] = ()) -> str:
    """How much a driver moves the score, in one of three sizes.

    "a little" is less than `LITTLE_POINTS`; "the score most" is the largest of `among` on its
    side, unless it is little; everything between is just "the score".
    """
    verb = "Raises" if driver.points > 0 else "Lowers"
    if abs(driver.points) < LITTLE_POINTS:
        return f"{verb} the score a little"
    side = [other for other in among if (other.points > 0) == (driver.points > 0)]
    most = max((abs(other.points) for other in side), default=None)
    return f"{verb} the score{' most' if abs(driver.points) == most else ''}"


def brief(driver: Driver) -> str:
    """A driver in a line of a table: its sentence where that fits, else title, value, usual one.

    The title is cut where the rest would not fit beside it in two lines.
    """
    if len(driver.sentence) <= LONGEST_LINE:
        return driver.sentence
    usual = "" if driver.usual is None else f", typically {amount(driver.usual, driver.unit)}"
    worded = f"{driver.title}: {known(driver.value, driver.unit)}{usual}"
    if len(worded) <= LONGEST_LINE:
        return worded
    plain = f": {amount(driver.value, driver.unit)}{usual}"
    return f"{shortened(driver.title, max(LONGEST_BRIEF - len(plain), SHORTEST_TITLE))}{plain}"


def within(target: Target, days: int) -> str:
    """In how long an account may leave: `in 90 days`, `by its next renewal`."""
    return "by its next renewal" if target.by_renewal else f"in {counted(days, 'day')}"


def window(target: Target, first: date, last: date) -> str:
    """The days in which an event counts, from `first` on; by renewal until `last` at least."""
    if target.by_renewal:
        return f"from {day(first)} until its next renewal, {day(last)} at the earliest"
    return f"between {day(first)} and {day(last)}"


def leaving(target: Target) -> str:
    """What "leaving" means for a target, in the words of the declaration where it has some."""
    days = target.horizon_days
    span = "by its next renewal" if target.by_renewal else f"within {counted(days, 'day')}"
    if target.title:
        said = not target.by_renewal and str(days) in target.title
        return target.title if said else f"{target.title} {span}"
    if target.inactivity:
        return f"no {target.inactivity.source} for {counted(days, 'day')}"
    event = target.event
    assert event is not None, "a target is either an event or inactivity"
    return f"{'an end' if event.ended else 'an event'} in {event.source} {span}"


def shortened(text: str, limit: int = 90) -> str:
    """`text`, cut at a word where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    return f"{text[:limit].rsplit(' ', 1)[0]}…"
