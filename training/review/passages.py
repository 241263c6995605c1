"""The evidence of a review beside the comparison itself, section by section, for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.reporting import plots
from training.reporting.page import (
    BANDS,
    UNKNOWN,
    Figure,
    Part,
    Section,
    Table,
    light,
    measured,
    number,
    share,
)
from training.scored import BANDS as CODES

Found = Mapping[str, Any]

MOST = 20
"""Rows that are shown of a list which may be long; review.json has all."""

MRR_TODAY = "MRR is what the account table says today; accounts without one are left out of it."
MODELS = ("champion", "challenger")


def sections(found: Found) -> list[Section]:
    """The sections after the comparison, in order."""
    parts: list[Callable[[Found], Section]] = [
        _ledger,
        _calibration,
        _drift,
        _migration,
        _flaps,
        _lead_times,
        _coverage,
    ]
    return [part(found) for part in parts]


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
    parts.append(_watermelons(ledger))
    return Section("Watermelon ledger", *parts)


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
            *(f"{own[band]:,} ({share(own['shares'][band])})" for band in CODES),
            *([share(own["revenue_red_before"]["share"])] if priced else []),
        ]
        for lead in ledger["leads"]
        for own in [part(lead)]
    ]
    more = ["MRR that was red"] if priced else []
    return Table(caption, ["lead", "churns", *(BANDS[band] for band in CODES), *more], rows)


def _watermelons(ledger: Found) -> Table:
    every = ledger["watermelons"]
    rows = [
        [
            item["account_id"],
            item["owner"] or UNKNOWN,
            item["churned"],
            number(item["mrr"], 2),
            number(item["health_score"], 0),
            f"{item['first_driver']} ({number(item['driver_points'], 1)})",
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


def _calibration(found: Found) -> Section:
    return Section(
        "Calibration by as-of date",
        "Observed minus predicted rate, 0 is right. Of dates that a model has learnt from or "
        "overlaps with, its own figures flatter it.",
        *(_by_date(found, role) for role in MODELS),
        *(_drawn(found, role) for role in MODELS),
    )


def _by_date(found: Found, role: str) -> Table:
    rows = [
        [
            day["as_of"],
            number(day[role]["rows"], 0),
            share(day["observed_rate"], 1),
            share(day[role].get("predicted_rate"), 1),
            measured(day[role]["in_the_large"]) if "in_the_large" in day[role] else UNKNOWN,
            number(day[role].get("ece")),
            day[role]["standing"],
        ]
        for day in found["calibration"]
    ]
    head = ["as-of date", "rows", "churned", "predicted", "observed − predicted", "ECE", "date is"]
    return Table(f"The {role}, by as-of date", head, rows)


def _drawn(found: Found, role: str) -> Figure:
    days = [
        day | {"predicted_rate": day[role]["predicted_rate"]}
        for day in found["calibration"]
        if "predicted_rate" in day[role]
    ]
    drawn = plots.calibration_by_date(days)
    return replace(drawn, name=f"{drawn.name}-{role}", title=f"{drawn.title}, {role}")


def _drift(found: Found) -> Section:
    drift = found["drift"]
    told = (
        f"From {drift['since']}, the last date that taught the champion, to {drift['until']}: the "
        f"population stability index of {drift['accounts'][0]:,} and {drift['accounts'][1]:,} "
        f"scored accounts. Above {drift['major_above']} beyond chance a shift is major."
    )
    parts: list[Part] = [told]
    items = drift["columns"]
    if drift["scores"]:
        items = [{"column": "the champion's health score", **drift["scores"]}, *items]
    rows = [
        [
            item["column"],
            number(item["index"]),
            number(item["by_chance"]),
            "major"
            if item["major"]
            else "beyond chance"
            if item["index"] > item["by_chance"]
            else "",
        ]
        for item in items[: MOST + 1]
    ]
    head = ["what", "index", "by chance 1 in 20", "shift"]
    parts.append(Table("Shift of scores and indicators", head, rows))
    parts.append(
        Table(
            "Bands of the scored accounts, by the champion",
            ["as-of date", *(BANDS[band] for band in CODES[:-1])],
            [
                [day["as_of"], *(share(day[band], 1) for band in CODES[:-1])]
                for day in drift["bands"]
            ],
        )
    )
    return Section("Drift", *parts)


def _migration(found: Found) -> Section:
    moved = found["migration"]
    rows = [
        [light(before), *(number(moved["matrix"][before][after], 0) for after in CODES)]
        for before in CODES
    ]
    head = ["champion says", *(f"challenger: {BANDS[band]}" for band in CODES)]
    changed = sorted(moved["moved"], key=lambda item: (-(item["mrr"] or 0.0), item["account_id"]))
    return Section(
        "Who changes colour",
        f"If the challenger took over on {moved['as_of']}, {moved['changed']:,} of "
        f"{moved['scored']:,} scored accounts would change their band: {moved['worse']:,} towards "
        f"red, {moved['better']:,} towards green, {moved['scored_by_one_alone']:,} are scored by "
        "one model alone.",
        Table("Bands by the two models", head, rows),
        *(_per(moved[f"per_{name}"], name) for name in _parted(moved)),
        _changed(changed),
    )


def _parted(moved: Found) -> list[str]:
    """By what the accounts are parted: owners and segments, where there are several."""
    return [name for name in ("owner", "segment") if len(moved[f"per_{name}"]) > 1]


def _per(items: Sequence[Found], name: str) -> Table:
    rows = [
        [
            item["name"],
            *(number(item[key], 0) for key in ("scored", "changed", "worse", "better")),
        ]
        for item in items[:MOST]
    ]
    head = [name, "scored", "change", "towards red", "towards green"]
    return Table(f"Per {name}", head, rows, _more(items))


def _changed(items: Sequence[Found]) -> Table:
    rows = [
        [
            item["account_id"],
            item["owner"],
            f"{BANDS[item['from']]} → {BANDS[item['to']]}",
            *(number(item["health_score"][role], 1) for role in MODELS),
            number(item["mrr"], 2),
        ]
        for item in items[:MOST]
    ]
    head = ["account", "owner", "band", "score, champion", "challenger", "MRR"]
    return Table("Accounts that change their band", head, rows, _more(items))


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
        "Flaps",
        f"Weekly scores from {flaps['from']} to {flaps['until']}. A flap is a change that is taken "
        f"back within {flaps['taken_back_within_weeks']} weeks. A change is announced when the "
        f"score lies {number(flaps['margin'], 0)} points beyond the edge, or beyond it at two "
        "scorings in a row; the price is a delay of a week for those that come by the second way.",
        Table("Changes of the band", head, rows),
    )


def _lead_times(found: Found) -> Section:
    changed = [item for item in found["lead_times"]["indicators"] if item["changed"]]
    rows = [[item["indicator"], *(_lead(item[role]) for role in MODELS)] for item in changed]
    every = len(found["lead_times"]["indicators"])
    told = f"Of {every} indicators, {len(changed)} have another lead time than at the champion's "
    parts: list[Part] = [f"{told}training."]
    if rows:
        parts.append(Table("Lead times that changed", ["indicator", *MODELS], rows))
    return Section("Lead times", *parts)


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
