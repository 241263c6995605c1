"""The evidence of a review beside the comparison itself, section by section, for people."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from training.calibrating.bands import BAND_WORDS, BANDS
from training.reporting.page import (
    UNKNOWN,
    Cell,
    Part,
    Section,
    Table,
    light,
    number,
    share,
)
from training.review import calibration_passage
from training.review.calibration_passage import MODELS

Found = Mapping[str, Any]

MOST = 20
"""Rows that are shown of a list which may be long; review.json has all."""

MRR_TODAY = "MRR is what the account table says today; accounts without one are left out of it."
LIGHTS: Mapping[str, str] = {
    **{str(band): word for band, word in BAND_WORDS.items()},
    "yes": "Opportunity",
    "no": "No opportunity",
}
"""What accounts are told to be, as people read it."""


def sections(found: Found) -> list[Section]:
    """The sections after the comparison, in order; what is not asked of a target says why."""
    parts: list[tuple[str, Callable[[Found], Section]]] = [
        ("ledger", _ledger),
        ("calibration", calibration_passage.section),
        ("drift", _drift),
        ("migration", _migration),
        ("flaps", _flaps),
        ("lead_times", _lead_times),
        ("coverage", _coverage),
    ]
    return [
        _not_asked(name, found["not_asked"][name]) if name in found["not_asked"] else part(found)
        for name, part in parts
    ]


TITLES = {"ledger": "Watermelon ledger", "flaps": "Flaps", "lead_times": "Lead times"}


def _not_asked(name: str, why: str) -> Section:
    return Section(TITLES[name], f"Not asked: {why}.")


def _ledger(found: Found) -> Section:
    ledger = found["ledger"]
    told = (
        f"What the champion says of the {ledger['churns']:,} churns from {ledger['churned_from']} "
        f"to before {ledger['churned_before']}, on weekly mornings before them, built anew from "
        "the tables. Whoever churned while green is a watermelon. These are the model's own "
        "back-tested scores, not those that were published at the time."
    )
    parts: list[Part] = [told]
    if found["silence_days"]:
        parts.append(
            f"Churn is dated by the last activity, which nobody can know before "
            f"{found['silence_days']} days of silence: an account that was busy to its last day "
            "is green here, and no model could have known better."
        )
    every = _leads(ledger, "Before churn", lambda lead: lead)
    left_out = [[number(lead["left_out"], 0)] for lead in ledger["leads"]]
    rows = [[*row, *more] for row, more in zip(every.rows, left_out, strict=True)]
    parts.append(Table(every.caption, [*every.head, "left out"], rows, _in_sample(ledger)))
    if any(lead["out_of_sample"]["churns"] not in (0, lead["churns"]) for lead in ledger["leads"]):
        own = "Before churn, on mornings after all that taught the champion"
        parts.append(_leads(ledger, own, lambda lead: lead["out_of_sample"]))
    parts.append(_watermelons(ledger, found["titles"]))
    return Section(TITLES["ledger"], *parts)


def _in_sample(ledger: Found) -> str:
    fresh = sum(lead["out_of_sample"]["churns"] for lead in ledger["leads"])
    every = sum(lead["churns"] for lead in ledger["leads"])
    told = (
        f"{every - fresh:,} of {every:,} scores are in sample: their mornings lie before the last "
        "outcome that taught the champion was settled, so it may have learnt from what came."
    )
    return f"{told} {MRR_TODAY}" if _has_mrr(ledger) else told


def _has_mrr(ledger: Found) -> bool:
    return any(lead["revenue_red_before"]["known"] for lead in ledger["leads"])


def _leads(ledger: Found, caption: str, part: Callable[[Found], Found]) -> Table:
    priced = _has_mrr(ledger)
    rows = [
        [
            f"{lead['lead_days']} days",
            number(own["churns"], 0),
            *(f"{own[band]:,} ({share(own['shares'][band])})" for band in BANDS),
            *([share(own["revenue_red_before"]["share"])] if priced else []),
        ]
        for lead in ledger["leads"]
        for own in [part(lead)]
    ]
    more = ["MRR that was red"] if priced else []
    return Table(caption, ["lead", "churns", *(BAND_WORDS[band] for band in BANDS), *more], rows)


def _watermelons(ledger: Found, titles: Found) -> Table:
    every = ledger["watermelons"]
    rows = [
        [
            item["account_id"],
            item["owner"] or UNKNOWN,
            item["churned"],
            number(item["mrr"], 2),
            number(item["health_score"], 0),
            f"{titles.get(item['first_driver'], UNKNOWN)} ({number(item['driver_points'], 1)})",
            "yes" if item["in_sample"] else "no",
        ]
        for item in every[:MOST]
    ]
    head = ["account", "owner", "churned", "MRR", "score", "first driver (points)", "in sample"]
    lead = ledger["leads"][0]["lead_days"]
    return Table(f"Watermelons: green {lead} days before", head, rows, _more(every))


def _more(every: Sequence[Any]) -> str:
    if len(every) <= MOST:
        return ""
    return f"The first {MOST} of {len(every):,}; review.json has all."


def _drift(found: Found) -> Section:
    drift = found["drift"]
    told = (
        f"From {drift['since']}, the last date that taught the champion, to {drift['until']}: the "
        f"population stability index of {drift['accounts'][0]:,} and {drift['accounts'][1]:,} "
        f"scored accounts. Above {drift['major_above']} beyond chance a shift is major."
    )
    return Section("Drift", told, _shifts(drift), _lights_then_and_now(drift))


def _shifts(drift: Found) -> Table:
    items = drift["columns"]
    if drift["scores"]:
        items = [{"title": "The champion's scores", "column": "", **drift["scores"]}, *items]
    rows = [
        [
            item["title"],
            item["column"],
            number(item["index"]),
            number(item["by_chance"]),
            _size(item),
        ]
        for item in items[: MOST + 1]
    ]
    head = ["what", "column", "index", "by chance 1 in 20", "shift"]
    return Table("Shift of scores and indicators", head, rows, _more(drift["columns"]))


def _size(item: Found) -> str:
    """The size of a shift in words; empty where chance alone may have made it."""
    if item["major"]:
        return "major"
    return "beyond chance" if item["index"] > item["by_chance"] else ""


def _lights_then_and_now(drift: Found) -> Table:
    names = [name for name in drift["lights"][0] if name != "as_of"]
    return Table(
        "What the champion says of the scored accounts",
        ["as-of date", *(LIGHTS[name] for name in names)],
        [[day["as_of"], *(share(day[name], 1) for name in names)] for day in drift["lights"]],
    )


def _migration(found: Found) -> Section:
    moved = found["migration"]
    names = list(moved["matrix"])
    rows = [
        [_light(before), *(number(moved["matrix"][before][after], 0) for after in names)]
        for before in names
    ]
    head = ["champion says", *(f"challenger: {LIGHTS[name]}" for name in names)]
    changed = sorted(moved["moved"], key=lambda item: (-(item["mrr"] or 0.0), item["account_id"]))
    worse, better = _ways(found)
    return Section(
        "Who changes colour" if found["adverse"] else "Who becomes an opportunity, and who no more",
        f"If the challenger took over on {moved['as_of']}, {moved['changed']:,} of "
        f"{moved['scored']:,} scored accounts would be told something else: {moved['worse']:,} "
        f"{worse}, {moved['better']:,} {better}, {moved['scored_by_one_alone']:,} are scored by "
        "one model alone.",
        Table("What the two models say", head, rows),
        *(_per(moved[f"per_{name}"], name, (worse, better)) for name in _parted(moved)),
        *([_changed(changed, found["score"])] if changed else []),
    )


def _ways(found: Found) -> tuple[str, str]:
    """The two ways in which an account may move, the worse one first."""
    if found["adverse"]:
        return "towards red", "towards green"
    return "no more an opportunity", "newly an opportunity"


def _light(name: str) -> Cell:
    band = next((band for band in BANDS if band == name), None)
    return light(band) if band else LIGHTS[name]


def _parted(moved: Found) -> list[str]:
    """By what the accounts are parted: owners and segments, where there are several."""
    return [name for name in ("owner", "segment") if len(moved[f"per_{name}"]) > 1]


def _per(items: Sequence[Found], name: str, ways: tuple[str, str]) -> Table:
    rows = [
        [
            item["name"],
            *(number(item[key], 0) for key in ("scored", "changed", "worse", "better")),
        ]
        for item in items[:MOST]
    ]
    head = [name, "scored", "change", *ways]
    return Table(f"Per {name}", head, rows, _more(items))


def _changed(items: Sequence[Found], score: str) -> Table:
    rows = [
        [
            item["account_id"],
            item["owner"],
            f"{LIGHTS[item['from']]} → {LIGHTS[item['to']]}",
            *(number(item[score][role], 1) for role in MODELS),
            number(item["mrr"], 2),
        ]
        for item in items[:MOST]
    ]
    head = ["account", "owner", "told as", "score, champion", "challenger", "MRR"]
    return Table("Accounts that are told something else", head, rows, _more(items))


def _flaps(found: Found) -> Section:
    flaps = found["flaps"]
    rows = [
        [
            f"{role}, {told}",
            number(kind["account_weeks"], 0),
            number(kind["changes"], 0),
            number(kind["changes_per_100"], 2),
            number(kind["flaps"], 0),
            number(kind["flaps_per_100"], 2),
            number(kind.get("delay_weeks"), 2),
        ]
        for role in MODELS
        for told, kind in (
            ("the light", flaps[role]["light"]),
            ("announced", flaps[role]["announced"]),
        )
    ]
    head = ["bands", "account-weeks", "changes", "per 100", "flaps", "per 100", "delay (weeks)"]
    return Section(
        TITLES["flaps"],
        f"Weekly scores from {flaps['from']} to {flaps['until']}. A flap is a change that is taken "
        f"back within {flaps['taken_back_within_weeks']} weeks. A change is announced when the "
        f"score lies {number(flaps['margin'], 0)} points beyond the edge, or beyond it at two "
        "scorings in a row; the price is a delay of a week for those that come by the second way.",
        Table("Changes of the band", head, rows),
    )


def _lead_times(found: Found) -> Section:
    changed = [item for item in found["lead_times"]["indicators"] if item["changed"]]
    titles = found["titles"]
    rows = [
        [titles.get(item["indicator"], item["indicator"]), *(_lead(item[role]) for role in MODELS)]
        for item in changed
    ]
    every = len(found["lead_times"]["indicators"])
    told = f"Of {every} indicators, {len(changed)} have another lead time than at the champion's "
    parts: list[Part] = [f"{told}training."]
    if rows:
        parts.append(Table("Lead times that changed", ["indicator", *MODELS], rows))
    return Section(TITLES["lead_times"], *parts)


def _lead(item: Found | None) -> str:
    if item is None:
        return "not measured"
    if item["lead_days"] is None:
        return str(item["finding"])
    return f"{item['finding']}, {item['lead_days']} days{' or more' if item['open_ended'] else ''}"


def _coverage(found: Found) -> Section:
    rows = [
        [
            item["segment"],
            number(item["accounts"], 0),
            number(item["eligible"], 0),
            *(
                cell
                for role in MODELS
                for cell in (share(item[role]["share_scored"]), share(item[role]["completeness"]))
            ),
        ]
        for item in found["coverage"]
    ]
    own = ["scored", "completeness"]
    head = [
        "segment",
        "accounts",
        "eligible",
        *(f"{role}: {name}" for role in MODELS for name in own),
    ]
    return Section(
        "Coverage",
        f"Accounts on {found['as_of']}. Scored is a share of the eligible ones; completeness is "
        "the share of the model's indicators that are known, on average of the scored ones.",
        Table("Coverage per segment", head, rows),
    )
