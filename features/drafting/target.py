"""The target of the draft, and the comment that shows what the other readings would give."""

from collections.abc import Iterator

from features.drafting.ends import End
from features.drafting.reading import Reading, is_side_show
from features.drafting.words import LOSS, name_words

GRACE = "30d"
LONG_HISTORY = 240
YEARS_SHOWN = 5


def keys(reading: Reading, days: int) -> dict[str, object]:
    """The target's keys; `days` is how long the history is."""
    horizon, active = ("90d", "180d") if days >= LONG_HISTORY else ("30d", "60d")
    end, activity = reading.end, reading.activity
    if end is None:
        assert activity is not None
        silence = {"source": activity.table.name, "within": horizon}
        return {
            "adverse": True,
            "inactivity": silence,
            "active_within": active,
            "gap": "0d",
            "horizon": horizon,
        }
    event: dict[str, object] = {"source": end.facts.table.name}
    if end.kind != "loss":
        event |= {"ended": end.column.name, **_pauses(end), "grace": GRACE}
        return {"adverse": True, "event": event, "gap": "14d", "horizon": horizon}
    by = {"active": activity.table.name} if activity is not None else {}
    return {
        "adverse": True,
        "event": event,
        **by,
        "active_within": active,
        "gap": "14d",
        "horizon": horizon,
    }


def _pauses(end: End) -> dict[str, object]:
    """The columns of pauses, where the table is an export that has them."""
    table = end.facts.table
    paused = table.export.event.paused if table.export and table.export.event else None
    filled = paused is not None and all(table.column(name).filled for name in paused.values())
    return {"paused": paused} if filled else {}


def comments(reading: Reading) -> Iterator[str]:
    """Why this target, and every other column or table that was looked at, with its figures."""
    end = reading.end
    if end is not None:
        yield f"guessed: {_place(end)} {_meaning(end)}: {_figures(end)}"
    else:
        yield f"guessed: {_silence(reading)}"
        yield from _no_use(reading)
    yield from _unheard(reading)
    for other in reading.ends:
        if other is end:
            continue
        label = "not taken" if other.against else "instead"
        reason = other.against or _meaning(other)
        yield f"{label}: {_place(other)}: {reason}{_would_give(other)}"
    if end is not None and end.asks:
        yield (
            f"decide: {_place(end)} is notice, not the end; if another table says when contracts "
            "end, name that"
        )


def _unheard(reading: Reading) -> Iterator[str]:
    """What to decide where a table that could say who left is left out."""
    for end, without in reading.unheard:
        instead = "silence is churn instead" if reading.end is None else "it has no say"
        yield (
            f"decide: {_place(end)} {_says(end)}, but the table is left out and {instead}: "
            f"{without.why}; complete the accounts, or give them a column with the keys of "
            f"{end.facts.table.path}, and run init again"
        )


def _silence(reading: Reading) -> str:
    activity = reading.activity
    assert activity is not None
    looked = (
        "none of the columns and tables below says when a contract ends"
        if reading.ends
        else "no column or table is called like the end of a contract"
    )
    return f"{looked}, so silence in {activity.table.path}, the busiest table of use, is churn"


def _no_use(reading: Reading) -> Iterator[str]:
    """What to decide where no table tells of use or orders."""
    if reading.activity is not None and is_side_show(reading.activity):
        yield (
            f"decide: {reading.activity.table.path} does not tell what customers do, and who is "
            "silent there may be content: add a table of use or of orders, or one that says when "
            "contracts end, and run init again"
        )


def _place(end: End) -> str:
    column = f"{end.facts.table.path}, {end.column.name}"
    return end.facts.table.path if end.kind == "loss" else column


def _meaning(end: End) -> str:
    if end.kind == "loss":
        words = sorted(name_words(end.facts.table.name) & LOSS)
        return f"has a row per customer that left (“{words[0]}”), dated by {end.column.name}"
    if end.kind == "notice":
        return f"{_says(end)} (notice), which may be taken back"
    return f"{_says(end)}; grace of {GRACE} allows for late renewals"


def _says(end: End) -> str:
    """What a column or table tells."""
    if end.kind == "notice":
        return "says when leaving was asked for"
    return "tells who left" if end.kind == "loss" else "says when contracts end"


def _figures(end: End) -> str:
    """Accounts that left, by year."""
    if not end.churned:
        return "no account has left"
    total = sum(end.churned.values())
    years = sorted(end.churned.items())[-YEARS_SHOWN:]
    listed = ", ".join(f"{number:,} in {year}" for year, number in years)
    earlier = ", …" if len(end.churned) > YEARS_SHOWN else ""
    return f"{total:,} churned accounts ({listed}{earlier})"


def _would_give(end: End) -> str:
    return f"; it would give {_figures(end)}" if end.churned else ""


def looked_at(reading: Reading) -> list[str]:
    """Every column and table that could have said when a customer leaves, and why it does not."""
    looked = [f"{_place(end)}: {end.against}" for end in reading.ends]
    apart = [f"{_place(end)}: left out: {without.why}" for end, without in reading.unheard]
    return [*looked, *apart] or ["nothing of that name"]
