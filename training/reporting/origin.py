"""What a model is, and how it was made: sections of the report and of the model card."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from training.artifact import Artifact
from training.learning.search import ONE_MOMENT
from training.procedure import size
from training.reporting.gains_plots import ADVERSE, Words
from training.reporting.page import UNKNOWN, List, Part, Section, Table, number

Row = Mapping[str, Any]


def words(artifact: Artifact) -> Words:
    """How one speaks of the target: accounts churn, and anything else happens."""
    if artifact.adverse:
        return ADVERSE if about(artifact) else replace(ADVERSE, came="had the event")
    return Words("had the event", "likeliest")


def happened(artifact: Artifact) -> str:
    """What one says of accounts to which it came."""
    return words(artifact).came


def points(artifact: Artifact) -> str:
    """What the points of the score are."""
    return "health points" if artifact.adverse else "opportunity points"


def about(artifact: Artifact) -> Row:
    """What training kept of the declaration; nothing of a table that nobody declared."""
    found: Row = artifact.training.get("declared", {})
    return found


def declared(artifact: Artifact) -> Row:
    """The target as declared."""
    found: Row = about(artifact).get("target", {})
    return found


def predicts(artifact: Artifact) -> Section:
    """Target, horizon, gap and eligibility, in sentences."""
    if not declared(artifact):
        return Section("What it predicts", *_of_table(artifact))
    return Section("What it predicts", List(_of_target(artifact)))


def _of_table(artifact: Artifact) -> list[Part]:
    roles = artifact.training["roles"]
    by = f"rows of one {roles['id']} belong together" if roles["id"] else "each row by itself"
    time = f"rows are in the order of {roles['time']}" if roles["time"] else "rows have no time"
    event = roles["event"] or "1, true or yes"
    return [
        f"Whether the column {roles['label']} of a table says {event}: {by}, {time}.",
        (
            "The table declares neither horizon nor gap: what its label means, and whether its "
            "columns were known before the outcome, is for those who made it to say."
        ),
    ]


def _of_target(artifact: Artifact) -> list[str]:
    target = declared(artifact)
    inside = "; what happens inside the gap teaches and judges nothing" if artifact.gap_days else ""
    titled = f": {target['title']}" if target.get("title") else ""
    return [
        f"Target {artifact.target}{titled}. {_event(target)}",
        (
            f"Asked on an as-of date for the {artifact.horizon_days} days that begin after a gap "
            f"of {artifact.gap_days} days{inside}."
        ),
        (
            f"Eligible: {_eligible(target)}. Accounts with less than "
            f"{artifact.min_history_days} days of history are not scored."
        ),
        "The churn probability is between 0 and 1, high is bad; the health score between 0 and "
        "100, 100 is healthiest."
        if artifact.adverse
        else "The probability is between 0 and 1, the opportunity score between 0 and 100; high is "
        "welcome, and there is no band.",
    ]


def _event(target: Row) -> str:
    part = target.get("inactivity") or target["event"]
    where = f", counting {part['where']}" if part.get("where") else ""
    if "inactivity" in target:
        return f"It has come when {part['source']} shows nothing for {part['within']}{where}."
    if part.get("ended"):
        grace = f" with a grace of {part['grace']}" if part.get("grace") else ""
        return f"It has come when a subscription in {part['source']} ends{grace}{where}."
    return f"It has come with a dated fact of {part['source']}{where}."


def _eligible(target: Row) -> str:
    if (target.get("event") or {}).get("ended"):
        return "accounts with a running subscription"
    facts = target.get("active") or (target.get("inactivity") or {}).get("source") or "any source"
    return f"accounts active within {target.get('active_within')} (facts of {facts})"


def data(artifact: Artifact) -> Section:
    """What it learnt from, by dates, rows and digest."""
    made, days = artifact.training, artifact.training["as_of"]
    spans = days[0] if len(days) == 1 else f"{len(days)}, {days[0]} to {days[-1]}"
    rows = [
        ["as-of dates" if about(artifact) else "blocks of time", spans],
        ["rows", number(made["rows"], 0)],
        ["accounts", number(made["accounts"], 0)],
        [f"rows that {happened(artifact)}", number(made["events"], 0)],
        ["indicators", number(len(artifact.meanings), 0)],
        ["columns", number(len(artifact.features), 0)],
        ["data complete until", made.get("data_until", UNKNOWN)],
        ["digest of the rows", made["data_digest"]],
    ]
    return Section("Data", Table("What it learnt from", ["what", "value"], rows))


def choice(artifact: Artifact) -> Section:
    """How the model settings were chosen: folds, trials and losses."""
    made = artifact.training
    kept = made["model_settings"]
    told = (
        f"The model is {size(made)}, calibrated by one line and with monotone signs as "
        f"declared. {_found(made)} Learning rate {kept['learning_rate']:g}, "
        f"L2 {kept['l2']:g}, at least {kept['min_rows']} rows per leaf, scorecard's ridge "
        f"{kept['penalty']:g}."
    )
    parts: list[Part] = [told]
    if made["losses"]:
        words = {"chosen": "chosen", "best": "best trial", "scorecard": "scorecard alone"}
        rows = [[words.get(name, name), number(loss, 4)] for name, loss in made["losses"].items()]
        parts.append(Table("Log loss on the folds", ["model", "log loss"], rows))
    if made.get("folds"):
        parts.append(_folds(made["folds"]))
    return Section("How it was chosen", *parts)


def _found(made: Row) -> str:
    """How the model settings were found."""
    if not made["trials"]:
        why = made["trees_left_out"] or made["chosen_on"]
        return f"Its model settings were not searched for: {why}."
    told = (
        f"Its model settings were chosen in {len(made['trials'])} trials on {made['chosen_on']}: "
        "the simplest whose loss is within noise of the best."
    )
    if made["chosen_on"] == ONE_MOMENT:
        return f"{told} The same folds judge it, which may flatter it."
    return f"{told} What judges it may take trees away that are not surely better, and no more."


def _folds(folds: list[Row]) -> Table:
    rows = [
        [f"{place}: {_span(item['as_of'])}", number(item["rows"], 0), number(item["loss"], 4)]
        for place, item in enumerate(folds, 1)
    ]
    return Table("The chosen one, fold by fold", ["fold, as-of", "rows", "log loss"], rows)


def _span(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
