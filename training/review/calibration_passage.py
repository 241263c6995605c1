"""Whether the two models' probabilities mean what they say: the review's section, for people."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from training.reporting import reliability
from training.reporting.page import UNKNOWN, Figure, Part, Section, Table, number, share

Found = Mapping[str, Any]

MODELS = ("champion", "challenger")


def section(found: Found) -> Section:
    """Of either model: the compared rows, their segments, and every as-of date, with intervals."""
    parts: list[Part] = [
        (
            "Observed minus predicted rate and ECE: right at 0; slope: right at 1. Of dates that a "
            "model has learnt from or overlaps with, its own figures flatter it."
        )
    ]
    compared, days = found["comparison"], found["calibration"]
    if compared["rows"]:
        parts += [_curve(compared, role) for role in MODELS]
    if compared["rows"] and len(compared["segments"]) > 1:
        segments = compared["segments"]
        parts += [table for role in MODELS for table in _by_segment(segments, role)]
    parts += [_by_date(days, role) for role in MODELS]
    parts += [figure for role in MODELS for figure in _drawn(days, role)]
    return Section("Calibration", *parts)


def _curve(compared: Found, role: str) -> Figure:
    """The model's curve on the rows of the comparison."""
    title = f"Reliability on the compared rows, {role}"
    return reliability.curve(compared[role]["reliability"], f"reliability-{role}", title)


def _by_segment(segments: list[Found], role: str) -> Iterator[Table]:
    items = [item["calibration"][role] | {"segment": item["segment"]} for item in segments]
    own = [item | {"calibration": item} for item in items]
    yield reliability.segments_table(own, f"The {role}, by segment of the compared rows")
    yield reliability.drawn_table(own, f"The {role}, drawn to all compared rows")


def _by_date(days: list[Found], role: str) -> Table:
    rows = [
        [day["as_of"], number(own["rows"], 0), *_measures(own), own["standing"]]
        for day in days
        for own in [day[role]]
    ]
    head = ["as-of date", "rows", "observed", "observed − predicted", "slope", "ECE", "date is"]
    return Table(f"The {role}, by as-of date", head, rows)


def _measures(own: Found) -> list[str]:
    if "slope" not in own:
        return [UNKNOWN] * 4
    return [share(own["observed_rate"], 1), *reliability.measures(own)]


def _drawn(days: list[Found], role: str) -> Iterator[Figure]:
    """Rates over time, and the curves of the latest dates; none where no date has a row."""
    known = [day[role] | {"as_of": day["as_of"]} for day in days if "slope" in day[role]]
    if not known:
        return
    rates = reliability.by_date(known)
    yield replace(rates, name=f"{rates.name}-{role}", title=f"{rates.title}, {role}")
    latest = known[-reliability.MOST :]
    yield reliability.curves(
        [(day["as_of"], day["reliability"]) for day in latest],
        f"reliability-by-date-{role}",
        f"Reliability by as-of date, {role}",
    )
