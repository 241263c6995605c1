"""The review as a page for people: the verdict first, then the evidence in order of weight."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from training.registry import review_decision
from training.reporting import gains_plots
from training.reporting.gains_plots import Words
from training.reporting.page import (
    Figure,
    Key,
    Note,
    Page,
    Section,
    Table,
    measured,
    number,
    sentence,
    share,
    shares,
)
from training.review import passages

Found = Mapping[str, Any]


def page(found: Found) -> Page:
    """The content of a review, as `review` answers it, as a page."""
    promote = found["verdict"]["decision"] == "promote"
    return Page(
        title=f"Review of {found['target']} on {found['as_of']}",
        company=found["company"],
        lead=_lead(found),
        keys=list(_keys(found)),
        notes=[
            Note(
                f"Verdict: {'promote the challenger' if promote else 'keep the champion'}. "
                f"{sentence('; '.join(found['verdict']['reasons']))}",
                "good" if promote else "bad",
            ),
            *(Note(sentence(text), "caution") for text in found["warnings"]),
        ],
        sections=[
            _checks(found),
            _comparison(found),
            *passages.sections(found),
        ],
        foot=(
            f"Intervals are 95 % and resample accounts. {_scale(found)} Rows of "
            f"{found['as_of']}: SHA-256 {found['data_digest'][:12]}."
        ),
        simulated=found["simulated"],
    )


def _scale(found: Found) -> str:
    if found["adverse"]:
        return "Health scores run from 0 to 100, 100 is healthiest."
    return "Opportunity scores run from 0 to 100, 100 is the best prospect; 70 is told."


def _lead(found: Found) -> str:
    champion, challenger = found["champion"], found["challenger"]
    reason = f" Reason given for retraining: {found['reason']}." if found["reason"] else ""
    return (
        f"Champion: version {champion['version']}, taught on {_taught(champion)}. Challenger: "
        f"version {challenger['version']}, taught on {_taught(challenger)}. Outcomes count that "
        f"are settled by {found['as_of']}; the tables reach to {found['data_until']}.{reason}"
    )


def _taught(model: Found) -> str:
    first, last = model["taught_on"]
    dates = model["taught_dates"]
    days = f"{dates} as-of dates from {first} to {last}" if dates > 1 else f"one as-of date, {last}"
    expiry = f", expires {model['expiry']}" if model["expiry"] else ""
    return f"{days} (settled by {model['taught_until']}{expiry})"


def _keys(found: Found) -> Iterator[Key]:
    compared = found["comparison"]
    if compared["rows"]:
        yield _key("Challenger's log loss lower by", compared["log_loss_gain"])
        yield _key("Challenger's AUC higher by", compared["auc_gain"])
    moved = found["migration"]
    what = "Bands that change" if found["adverse"] else "Told something else"
    yield Key(what, number(moved["changed"], 0), f"of {moved['scored']:,} accounts")
    if not found["ledger"]:
        return
    first = found["ledger"]["leads"][0]
    yield Key(
        f"Green {first['lead_days']} days before churn",
        share(first["shares"]["green"]),
        f"{first['green']:,} of {first['churns']:,}",
    )


def _key(label: str, gain: Found) -> Key:
    between = f"{number(gain['low'], 4)} to {number(gain['high'], 4)}"
    return Key(label, number(gain["value"], 4), between)


def _checks(found: Found) -> Section:
    rows = [
        [item["name"], "passed" if item["passed"] else "not passed", sentence(item["told"])]
        for item in found["verdict"]["checks"]
    ]
    return Section(
        "What decides",
        "The challenger is promoted if it passes every check; what cannot be shown is not passed.",
        Table("Checks", ["check", "result", "on what"], rows),
        f"What to do: {review_decision.command(found)}",
    )


def _comparison(found: Found) -> Section:
    compared = found["comparison"]
    parts: list[Any] = [sentence(compared["told"])]
    if compared["since_the_champion"]:
        parts.append(_standings(compared))
    if not compared["rows"]:
        return Section("Champion against challenger", *parts)
    return Section(
        "Champion against challenger",
        *parts,
        _levels(found),
        _by_date(found),
        _worth(found),
        *_gains(found),
        _segments(found),
    )


def _gains(found: Found) -> Iterator[Figure]:
    """The cumulative gains of either model on the last compared date."""
    day = found["comparison"]["by_as_of"][-1]
    for role in ("champion", "challenger"):
        curve, words = day["value"][role]["gains"], Words(**found["words"])
        drawn = gains_plots.gains(curve, found["capacity"], words)
        title = f"{drawn.title}, {role}, {day['as_of']}"
        yield replace(drawn, name=f"gains-{role}", title=title)


def _standings(compared: Found) -> Table:
    used = set(compared["as_of"])
    return Table(
        "As-of dates that have matured since the champion",
        ["as-of date", "champion", "challenger", "compared on"],
        [
            [
                day["as_of"],
                day["champion"],
                day["challenger"],
                "yes" if day["as_of"] in used else "",
            ]
            for day in compared["since_the_champion"]
        ],
        "learnt: the date taught the model; overlapping: part of its outcomes lie in the time of "
        "those that did; unseen: all that taught the model was settled on that morning.",
    )


def _levels(found: Found) -> Table:
    compared = found["comparison"]
    names = {"auc": "AUC", "log_loss": "log loss", "ece": "ECE", "predicted_rate": "predicted rate"}
    rows = [
        [told, *(number(compared[role][name], 4) for role in ("champion", "challenger"))]
        for name, told in names.items()
    ]
    return Table(
        f"{compared['rows']:,} rows of {compared['accounts']:,} accounts, {compared['events']:,} "
        f"{found['words']['came']} ({share(compared['base_rate'], 1)})",
        ["measure", "champion", "challenger"],
        rows,
        f"Paired, the challenger's log loss is lower by {measured(compared['log_loss_gain'], 4)} "
        f"and its AUC higher by {measured(compared['auc_gain'], 4)}.",
    )


def _by_date(found: Found) -> Table:
    compared = found["comparison"]
    rows = [
        [
            day["as_of"],
            number(day["rows"], 0),
            share(day["base_rate"], 1),
            number(day["champion"]["log_loss"], 4),
            number(day["challenger"]["log_loss"], 4),
            measured(day["log_loss_gain"], 4),
        ]
        for day in compared["by_as_of"]
    ]
    came = found["words"]["came"]
    head = ["as-of date", "rows", came, "log loss, champion", "challenger", "lower by"]
    return Table("By as-of date", head, rows)


def _worth(found: Found) -> Table:
    day = found["comparison"]["by_as_of"][-1]
    models = [day["value"][role] for role in ("champion", "challenger")]
    name, what = ("red", "red") if found["adverse"] else ("yes", "told")
    capacity = [item["at_capacity"] for item in models]
    first, revenue = [item[name] for item in models], [item["revenue"] for item in models]
    priced = bool(revenue[0] and revenue[0]["known"])
    rows = [
        ["accounts worked at capacity", *(number(item["accounts"], 0) for item in capacity)],
        ["precision at capacity", *(shares(item["precision"]) for item in capacity)],
        ["lift at capacity", *(measured(item["lift"], 2) for item in capacity)],
        [
            f"of all that {found['words']['came']}, worked",
            *(shares(item["reach"]) for item in capacity),
        ],
        [f"{what} accounts", *(number(item["accounts"], 0) for item in first)],
        [f"precision of {what}", *(share(item["precision"], 1) for item in first)],
    ]
    if priced:
        rows.append(["churned MRR that was red", *(share(item["share"], 1) for item in revenue)])
    return Table(
        f"What the team would have had, {day['as_of']} (capacity {share(found['capacity'])})",
        ["measure", "champion", "challenger"],
        rows,
        passages.MRR_TODAY if priced else "",
    )


def _segments(found: Found) -> Table:
    compared = found["comparison"]
    rows = [
        [
            item["segment"],
            number(item["rows"], 0),
            share(item["base_rate"], 1),
            *(share(item["predicted_rate"][role], 1) for role in ("champion", "challenger")),
            measured(item["log_loss_gain"], 4) if item["log_loss_gain"] else "too few",
        ]
        for item in compared["segments"]
    ]
    came = found["words"]["came"]
    head = ["segment", "rows", came, "said, champion", "challenger", "log loss lower by"]
    return Table("By segment", head, rows)
