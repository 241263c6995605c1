"""Charts as SVG text, drawn on the server: sparkline, signed bar, score over time.

Its one rule: geometry goes into SVG attributes and colour in the stylesheet's classes, so that
the strictest content security policy holds. Every score axis is the fixed scale 0 to 100.
"""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from math import floor

from markupsafe import Markup

from serving.assessment.opportunities import State
from serving.pages.wording import day, score, short_day
from training.calibrating.bands import BAND_SHAPES, BAND_WORDS, GREEN_FROM, RED_BELOW, Band

SPARK_WIDTH, SPARK_HEIGHT = 104, 36
BAR_HALF, BAR_HEIGHT = 74, 12
PLOT_HEIGHT = 170
RED_EDGE, GREEN_EDGE = int(RED_BELOW), int(GREEN_FROM)

Health = float | None
Place = tuple[date, Health, Band]


def _shape(path: str) -> Markup:
    return Markup(f'<svg width="12" height="12" aria-hidden="true"><path d="{path}"/></svg>')


SHAPES: dict[Band, Markup] = {band: _shape(path) for band, path in BAND_SHAPES.items()}

_STATES: dict[State, str] = {
    "yes": "M4.6 0h2.8v4.6H12v2.8H7.4V12H4.6V7.4H0V4.6h4.6z",
    "held_back": "M2 1h2.8v10H2zM7.2 1H10v10H7.2z",
    "no": "M1 3.2h10v2H1zM1 6.8h10v2H1z",
    "unscored": BAND_SHAPES["unscored"],
}
STATE_SHAPES: dict[State, Markup] = {state: _shape(path) for state, path in _STATES.items()}


def places(days: Sequence[date]) -> list[int]:
    """The place of each of `days` (oldest first) across a sparkline."""
    span = max((days[-1] - days[0]).days, 1)
    right = SPARK_WIDTH - 4
    return [right - round((days[-1] - when).days / span * (right - 4)) for when in days]


def sparkline(across: Sequence[int], trend: Sequence[Health]) -> Markup:
    """A trend at `across` on the fixed scale; nulls leave gaps, the dashed line is red's edge."""
    scores = [value for value in trend if value is not None]
    if not scores:
        return Markup('<span class="quiet">no trend yet</span>')
    spots = [
        None if value is None else f"{x},{_spark_y(value)}"
        for x, value in zip(across, trend, strict=True)
    ]
    lines = "".join(f'<polyline points="{" ".join(run)}"/>' for run in _unbroken(spots))
    last_x, last_y = next(spot for spot in reversed(spots) if spot).split(",")
    return Markup(
        f'<svg class="spark" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" role="img" '
        f'aria-label="Score from {floor(scores[0])} to {floor(scores[-1])}">'
        f'<path class="edge" d="M0 {_spark_y(RED_EDGE)}h{SPARK_WIDTH}"/>{lines}'
        f'<circle cx="{last_x}" cy="{last_y}" r="3"/></svg>'
    )


def _spark_y(value: float) -> int:
    return 3 + round((100 - value) / 100 * (SPARK_HEIGHT - 6))


def _unbroken(spots: Sequence[str | None]) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for spot in spots:
        if spot is None:
            runs.append([])
        else:
            runs[-1].append(spot)
    return [run for run in runs if len(run) > 1]


def bar(points: float, largest: float) -> Markup:
    """A signed bar from the middle line: left lowers, right raises, full length at `largest`."""
    length = max(2, round(BAR_HALF * min(abs(points) / largest, 1)))
    side, start = ("raises", BAR_HALF) if points > 0 else ("lowers", BAR_HALF - length)
    return Markup(
        f'<svg class="bar {side}" width="{2 * BAR_HALF + 2}" height="{BAR_HEIGHT}" '
        f'aria-hidden="true"><rect x="{start + 1}" y="1" width="{length}" '
        f'height="{BAR_HEIGHT - 2}"/><path d="M{BAR_HALF + 1} 0v{BAR_HEIGHT}"/></svg>'
    )


def history(trend: Sequence[Place]) -> Markup:
    """The score over time on the zones of the bands; as wide as its box, text unscaled.

    Positions across are percentages, so the drawing stretches and the letters do not. Room
    for the axis labels is left by the stylesheet's padding. Empty where there never was a score.
    """
    spots = _spots(trend)
    if not any(spots):
        return Markup()
    parts = [*_zones(), *_ways(spots), *_dots(trend, spots), *_days(trend)]
    return Markup(
        f'<svg class="history" width="100%" height="{PLOT_HEIGHT + 30}" role="img" '
        f'aria-label="{_summary(trend)}">{"".join(parts)}</svg>'
    )


def _summary(trend: Sequence[Place]) -> str:
    scored = [(when, value) for when, value, _ in trend if value is not None]
    ends = [f"{score(value)} on {day(when)}" for when, value in (scored[0], scored[-1])]
    return f"Score {ends[0]}" if len(scored) == 1 else f"Score from {ends[0]} to {ends[1]}"


def _y(value: float) -> float:
    return round(6 + (100 - value) / 100 * PLOT_HEIGHT, 1)


def _x(when: date, trend: Sequence[Place]) -> float:
    first, last = trend[0][0], trend[-1][0]
    return round(100 * (when - first).days / (last - first).days, 2) if last > first else 100.0


def _spots(trend: Sequence[Place]) -> list[tuple[float, float] | None]:
    return [None if value is None else (_x(when, trend), _y(value)) for when, value, _ in trend]


def _zones() -> list[str]:
    zones: tuple[tuple[Band, int, int], ...] = (
        ("green", 100, GREEN_EDGE),
        ("yellow", GREEN_EDGE, RED_EDGE),
        ("red", RED_EDGE, 0),
    )
    rects = [
        f'<rect class="zone {band}" width="100%" y="{_y(top)}" height="{_y(low) - _y(top):.1f}"/>'
        f'<text class="zone-word" x="100%" dx="9" y="{(_y(top) + _y(low)) / 2 + 4:.1f}">'
        f"{BAND_WORDS[band]} {low}–{top if top == 100 else top - 1}</text>"
        for band, top, low in zones
    ]
    ticks = [
        f'<text class="tick" x="0" dx="-7" y="{_y(value) + 4}">{value}</text>'
        for value in (100, GREEN_EDGE, RED_EDGE, 0)
    ]
    return [*rects, *ticks]


def _ways(spots: Sequence[tuple[float, float] | None]) -> list[str]:
    return [
        f'<line x1="{here[0]}%" y1="{here[1]}" x2="{there[0]}%" y2="{there[1]}"/>'
        for here, there in pairwise(spots)
        if here and there
    ]


def _dots(trend: Sequence[Place], spots: Sequence[tuple[float, float] | None]) -> list[str]:
    last = max(index for index, spot in enumerate(spots) if spot)
    return [
        f'<circle cx="{spot[0]}%" cy="{spot[1]}" r="{5 if index == last else 2}">'
        f"<title>{day(when)}: {score(value)}, {BAND_WORDS[band]}</title></circle>"
        for index, ((when, value, band), spot) in enumerate(zip(trend, spots, strict=True))
        if spot
    ]


def _days(trend: Sequence[Place]) -> list[str]:
    last = len(trend) - 1
    labels = {0: "first", round(last / 3): "inner", round(2 * last / 3): "inner", last: "last"}
    return [
        f'<text class="when {anchor}" x="{_x(trend[index][0], trend)}%" y="{PLOT_HEIGHT + 26}">'
        f"{short_day(trend[index][0])}</text>"
        for index, anchor in sorted(labels.items())
    ]
