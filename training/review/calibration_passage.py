"""Whether the two models' probabilities mean what they say: the review's section, for people."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from training.reporting import reliability
from training.reporting.page import UNKNOWN, Figure, Part, Section, Table, number, share, shares
from training.segments import FEW_EVENTS

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
    for role in MODELS:
        parts += [*_compared(found["comparison"], role), *_by_date(found["calibration"], role)]
    return Section("Calibration", *parts)


def _compared(compared: Found, role: str) -> Iterator[Part]:
    """The model's curve on the rows of the comparison, and the segments of these."""
    if not compared["rows"]:
        return
    title = f"Reliability on the compared rows, {role}"
    yield reliability.curve(compared[role]["reliability"], f"reliability-{role}", title)
    if len(compared["segments"]) > 1:
        yield _by_segment(compared["segments"], role)


def _by_segment(segments: list[Found], role: str) -> Table:
    rows = [
        [
            item["segment"],
            *reliability.measures(own),
            share(drawn["weight"]),
            number(drawn["in_the_large"]),
            number(drawn["slope"], 2),
        ]
        for item in segments
        for own in [item["calibration"][role]]
        for drawn in [own["drawn_to_all"]]
    ]
    head = ["segment", "observed − predicted", "slope", "ECE", "own weight"]
    return Table(
        f"The {role}, by segment of the compared rows",
        [*head, "drawn to all: obs. − pred.", "drawn to all: slope"],
        rows,
        "Few events say little about a segment: the last columns have its figures drawn to those "
        f"of all rows, its own with the weight n / (n + {FEW_EVENTS}), n being the rarer outcome.",
    )


def _by_date(days: list[Found], role: str) -> Iterator[Part]:
    known = [day | day[role] | {"as_of": day["as_of"]} for day in days if "slope" in day[role]]
    yield Table(
        f"The {role}, by as-of date",
        [
            "as-of date",
            "rows",
            "predicted",
            "observed",
            "observed − predicted",
            "slope",
            "ECE",
            "date is",
        ],
        [_row(day, role) for day in days],
    )
    if known:
        yield from _drawn(known, role)


def _row(day: Found, role: str) -> list[str]:
    own = day[role]
    if "slope" not in own:
        return [day["as_of"], number(own["rows"], 0), *[UNKNOWN] * 5, own["standing"]]
    return [
        day["as_of"],
        number(own["rows"], 0),
        share(own["predicted_rate"], 1),
        shares(reliability.observed(own), 1),
        *reliability.measures(own),
        own["standing"],
    ]


def _drawn(known: list[dict[str, Any]], role: str) -> Iterator[Figure]:
    """Rates over time, and the curves of the latest dates."""
    rates = reliability.by_date(known)
    yield replace(rates, name=f"{rates.name}-{role}", title=f"{rates.title}, {role}")
    latest = known[-reliability.MOST :]
    yield reliability.curves(
        [(day["as_of"], day["reliability"]) for day in latest],
        f"reliability-by-date-{role}",
        f"Reliability by as-of date, {role}",
    )
