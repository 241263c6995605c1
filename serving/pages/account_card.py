"""One account's page: its header, its reasons and its playbooks, worded.

Its one rule: it says what the assessment says, and where something is not known, that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor
from typing import NamedTuple

from markupsafe import Markup

from features.declaring.company import Company, Playbook
from serving.assessment.assess import Assessment
from serving.assessment.reasons import REAL_POINTS, merged, reads_unusual, reasons
from serving.assessment.score_parts import Driver, TargetScore
from serving.pages import charts, wording
from serving.pages.figures import CONTEXT
from serving.published.edition import Entry, Point
from training.calibrating.bands import BAND_WORDS, BANDS, band_of
from training.records.evaluation import Tested


@dataclass(frozen=True, slots=True)
class Reason:
    """One driver as a reason: its observation, its size in words and as a bar."""

    title: str
    sentence: str
    mark: str
    size: str
    bar: Markup
    playbook: str
    anchor: str


def reason_cards(scored: TargetScore, playbooks: Mapping[str, Playbook]) -> list[Reason]:
    """At most four reasons; where something is to be done, the lowering ones say what."""
    chosen = reasons(scored)
    offered = playbooks if scored.playbook else {}
    largest = max((abs(driver.points) for driver in chosen), default=1.0)
    among = merged(scored.drivers)
    return [_reason(driver, among, largest, offered) for driver in chosen]


def _reason(
    driver: Driver, among: Sequence[Driver], largest: float, offered: Mapping[str, Playbook]
) -> Reason:
    lowers = driver.points < 0
    plan = offered.get(driver.playbook or "") if lowers else None
    return Reason(
        title=driver.title,
        sentence=driver.sentence,
        mark="▼" if lowers else "▲",
        size=wording.size(driver, among),
        bar=charts.bar(driver.points, largest),
        playbook=plan.title if plan else "",
        anchor=f"playbook-{driver.playbook}" if plan else "",
    )


def outweighing(assessment: Assessment) -> list[str]:
    """The drivers with more points than any reason, and why they are not reasons."""
    chosen = reasons(assessment)
    largest = max((abs(driver.points) for driver in chosen), default=float("inf"))
    return [
        f"{driver.title} ({_why_no_reason(driver)})"
        for driver in merged(assessment.drivers)
        if driver not in chosen and abs(driver.points) > largest
    ]


def _why_no_reason(driver: Driver) -> str:
    if driver.value is None:
        return "not known"
    return "context" if driver.kind == CONTEXT else "at its usual value"


class ContextDriver(NamedTuple):
    """A context driver of some weight, apart from the reasons."""

    title: str
    sentence: str
    size: str


def context(scored: TargetScore) -> list[ContextDriver]:
    """The context drivers worth half a point or more, the largest first.

    As with reasons, none of them reads as its usual value.
    """
    among = merged(scored.drivers)
    weighty = [
        driver
        for driver in among
        if driver.kind == CONTEXT
        and driver.value is not None
        and abs(driver.points) >= REAL_POINTS
        and reads_unusual(driver)
    ]
    weighty.sort(key=lambda driver: -abs(driver.points))
    return [
        ContextDriver(driver.title, driver.sentence, wording.size(driver, among))
        for driver in weighty
    ]


def unknown(assessment: Assessment) -> list[str]:
    """The titles of the indicators whose value is not known."""
    return [driver.title for driver in assessment.drivers if driver.value is None]


@dataclass(frozen=True, slots=True)
class PlaybookCard:
    """A playbook as the page shows it; the account's own one comes first and open."""

    anchor: str
    plan: Playbook


def playbook_cards(assessment: Assessment, playbooks: Mapping[str, Playbook]) -> list[PlaybookCard]:
    """The account's playbook and those that its lowering reasons name, each once.

    None where the assessment names none: then nothing is to be done.
    """
    if assessment.playbook is None:
        return []
    lowering = [driver.playbook for driver in reasons(assessment) if driver.points < 0]
    names = dict.fromkeys(name for name in (assessment.playbook, *lowering) if name in playbooks)
    return [PlaybookCard(f"playbook-{name}", playbooks[name]) for name in names if name]


class Past(NamedTuple):
    """The run nearest to four weeks ago, and how the printed score moved since."""

    arrow: wording.Arrow
    score: str
    word: str
    day: str
    span: str


def past(trend: Sequence[Point], index: int | None) -> Past | None:
    """Where the account stood about four weeks ago, if it had a score then and has one now."""
    if index is None:
        return None
    then, now = trend[index], trend[-1]
    moved = wording.arrow(then.health_score, now.health_score)
    if moved is None:
        return None
    days = (now.as_of - then.as_of).days
    span = "4 weeks" if days == 28 else wording.counted(days, "day")
    word = BAND_WORDS[then.band]
    return Past(moved, wording.score(then.health_score), word, wording.short_day(then.as_of), span)


def last_light(entry: Entry, company: Company) -> str:
    """By renewal, the light that an account without a score had last; empty where it had none.

    `Last scored 17 Jun: At risk`: an account is not scored while its renewal is being decided.
    """
    target = company.targets[entry.assessment.target]
    if not target.by_renewal or entry.assessment.band != "unscored":
        return ""
    lit = [point for point in entry.trend if point.band != "unscored"]
    if not lit:
        return ""
    return f"Last scored {wording.short_day(lit[-1].as_of)}: {BAND_WORDS[lit[-1].band]}"


class Alike(NamedTuple):
    """How many accounts of the same light left, on a slice that the model never saw."""

    left: str
    accounts: str
    day: str


def alike(assessment: Assessment, tested: Tested | None) -> Alike | None:
    """The measured outcome of the account's band, where the test has one."""
    outcome = tested.bands.get(assessment.band) if tested else None
    if not outcome or not outcome.accounts:
        return None
    return Alike(f"{outcome.churned:,}", f"{outcome.accounts:,}", checked(tested))


def checked(tested: Tested | None) -> str:
    """The as-of date on which the model was tested, or nothing."""
    return wording.day(date.fromisoformat(tested.as_of)) if tested else ""


def made_alike(version: str, tested: Tested | None) -> str:
    """That a model built the same way was tested, where it was not this very one."""
    if not tested or tested.subject == "artifact":
        return ""
    data = "other accounts" if tested.kind.startswith("folds") else "earlier data"
    return f"Model {version}. A model built the same way on {data} was tested on {checked(tested)}."


def completeness(assessment: Assessment) -> str:
    """How much is known of the account: `7 of 9 signals`, or a share where none are listed."""
    if not assessment.drivers:
        return f"{floor(100 * assessment.completeness)}%"
    present = len(assessment.drivers) - len(unknown(assessment))
    return f"{present} of {wording.counted(len(assessment.drivers), 'signal')}"


class Interval(NamedTuple):
    """The interval around a score: its ends, the other lights in it, and how much is missing."""

    range: str
    could_be: str
    unknown: str


def interval(assessment: Assessment) -> Interval | None:
    """How sure the score is, where there is one."""
    low, high = assessment.health_score_low, assessment.health_score_high
    if low is None or high is None:
        return None
    inside = BANDS[BANDS.index(band_of(low)) : BANDS.index(band_of(high)) + 1]
    others = " or ".join(BAND_WORDS[band] for band in inside if band != assessment.band)
    lost = len(unknown(assessment))
    signals = wording.counted(len(assessment.drivers), "signal")
    share = f"{lost} of {signals} {'is' if lost == 1 else 'are'} missing" if lost else ""
    return Interval(wording.likely_range(low, high), others, share)


def about(entry: Entry, words: Mapping[str, str]) -> list[str]:
    """The line below the name: segment, owner, parent, id, since when."""
    parts = [
        words.get(entry.assessment.segment),
        f"owner {entry.owner}" if entry.owner else None,
        f"part of {entry.parent}" if entry.parent else None,
        f"account {entry.assessment.account_id}" if entry.name else None,
        f"customer since {wording.day(entry.since)}" if entry.since else None,
    ]
    return [part for part in parts if part]
