"""How good a model is: sections of the report and of the model card, from its evaluation.

Every measure stands with its 95 % interval, and beside what is simpler.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from features.breaches.drift import MAJOR
from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.calibrating.health import Anchors
from training.calibrating.opportunity import Edge
from training.evaluating import gate
from training.metrics.proportion import Proportion
from training.reporting import driver_plots, gains_plots, lead_plots, plots, reliability
from training.reporting.origin import about, happened, points, words
from training.reporting.page import (
    UNKNOWN,
    Figure,
    Key,
    Note,
    Part,
    Section,
    Table,
    light,
    measured,
    number,
    sentence,
    share,
    shares,
)

Row = Mapping[str, Any]


def judged_on(judged: Row) -> str:
    """Where the model was judged, in a sentence."""
    whose = "It" if judged["judged"] == "artifact" else "The procedure that made it"
    return (
        f"{whose} was judged on a {judged['kind']}, {judged['as_of']}: {judged['rows']:,} rows of "
        f"{judged['accounts']:,} accounts that had no part in making what was judged."
        if judged["kind"].startswith("later")
        else f"{whose} was judged on {judged['kind']}, for want of a later date that could judge "
        f"it: {judged['rows']:,} rows of {judged['accounts']:,} accounts."
    )


def keys(judged: Row) -> list[Key]:
    """The few figures that one asks for first."""
    at = judged["value"]["at_capacity"]
    return [
        Key("AUC", number(judged["auc"]["value"]), _between(judged["auc"])),
        Key("Log loss", number(judged["log_loss"]["value"]), _between(judged["log_loss"])),
        Key(
            "Calibration error (ECE)", number(judged["ece"]), _between(judged["calibration"]["ece"])
        ),
        Key(
            f"Lift at capacity {share(at['share'])}",
            number(at["lift"]["value"], 2),
            _between(at["lift"], 2),
        ),
    ]


def _between(item: Row, digits: int = 3) -> str:
    if item["low"] is None or item["high"] is None:
        return "no interval"
    return f"{number(item['low'], digits)} to {number(item['high'], digits)}"


def verdicts(judged: Row) -> list[Note]:
    """What the gate says: whether it may be promoted, the champion beside it, weak segments."""
    evaluation, gain = dict(judged), measured(judged["gain_over_base_rate"], 4)
    good = (
        f"On {gate.judges(judged)} surely better than the base rate, by a log loss lower by "
        f"{gain}, and every baseline."
    )
    short = gate.shortfalls(evaluation)
    notes = [
        Note(sentence(f"not to be promoted: {'; '.join(short)}"), "bad")
        if short
        else Note(good, "good")
    ]
    if line := gate.champion_line(evaluation):
        notes.append(Note(sentence(line)))
    return notes + [Note(sentence(line), "caution") for line in gate.weak_segments(evaluation)]


def left_out(artifact: Artifact) -> list[Note]:
    """Why the model is a scorecard alone, where it is."""
    why = artifact.training["trees_left_out"]
    return [Note(sentence(f"a scorecard alone: {why}"))] if why else []


def quality(judged: Row) -> Section:
    """Measures with their intervals, beside the baselines."""
    rows = [
        ["AUC", measured(judged["auc"]), "chance has 0.5, the best is 1"],
        ["log loss", measured(judged["log_loss"], 4), "lower is better"],
        [
            "gain over the base rate",
            measured(judged["gain_over_base_rate"], 4),
            f"log loss on {gate.judges(judged)}, above 0 is better",
        ],
    ]
    parts: list[Part] = [Table("Measures", ["measure", "value", "scale"], rows)]
    if judged.get("baselines"):
        parts.append(_simpler(judged))
    if len(judged.get("origins", ())) > 1:
        parts += [_origins(judged), _origins_beside(judged)]
    return Section("Quality", *parts)


def _simpler(judged: Row) -> Table:
    """The gains over the baselines, and what the model is by them."""
    rows = [[item["baseline"], measured(item, 4), gate.word(item)] for item in judged["baselines"]]
    title = "Log loss below that of what is simpler"
    return Table(title, ["simpler model", "lower by", "so it is"], rows)


def _origins(judged: Row) -> Table:
    """What each date showed over which gains are pooled."""
    rows = [
        [
            item["as_of"],
            number(item["rows"], 0),
            number(item["events"], 0),
            measured(item["auc"]),
            measured(item["log_loss"], 4),
            measured(item["gain_over_base_rate"], 4),
        ]
        for item in judged["origins"]
    ]
    note = (
        "Gains over what is simpler are means over the rows of all these dates; an account that "
        "several dates judged counts as one. On each date the whole procedure was repeated on "
        "what was known by then, the choice of the model included, and the best column is the one "
        "that was best by then. All other figures are of the first date here."
    )
    head = ["date", "rows", "events", "AUC", "log loss", "gain over the base rate"]
    return Table("Date by date", head, rows, note)


def _origins_beside(judged: Row) -> Table:
    """What each date showed beside what is simpler."""
    rows = [
        [item["as_of"], rival["baseline"], measured(rival, 4)]
        for item in judged["origins"]
        for rival in item["baselines"]
    ]
    return Table("Date by date, beside what is simpler", ["date", "simpler model", "gain"], rows)


def calibration(artifact: Artifact, *, drawn: bool = True) -> Section:
    """Whether the probabilities mean what they say, on the judged rows and over time."""
    judged, line = artifact.evaluation, artifact.calibration
    found = judged["calibration"]
    rows = [
        ["observed − predicted rate", measured(found["in_the_large"]), "right at 0"],
        ["slope", measured(found["slope"]), "right at 1; below, too sure of itself"],
        [f"ECE, {len(judged['reliability'])} groups", measured(found["ece"]), "right at 0"],
        ["observed rate", share(judged["base_rate"], 1), ""],
        ["predicted rate", share(judged["predicted_rate"], 1), ""],
        ["rate known to training", share(judged["base_rate_in_training"], 1), ""],
    ]
    told = (
        f"One line on the margin, slope {number(line.slope, 2)} (its prior is 1 ± "
        f"{line.prior_width:g}), fitted on {line.rows:,} rows with {line.events:,} events of the "
        f"{'latest as-of date' if about(artifact) else 'latest rows'}, by margins that had not "
        "seen their account."
    )
    parts: list[Part] = [
        told,
        Table("Calibration where it was judged", ["measure", "value", "scale"], rows),
    ]
    dates = artifact.training["calibration_by_as_of"]
    if drawn:
        parts += [reliability.curve(judged["reliability"]), reliability.by_date(dates)]
    parts.append(reliability.dates_table(dates, "By as-of date that taught it"))
    if drawn and len(dates) > 1:
        parts.append(_by_date(dates))
    return Section("Calibration", *parts)


def _by_date(dates: Sequence[Row]) -> Figure:
    latest = dates[-reliability.MOST :]
    return reliability.curves(
        [(str(item["as_of"]), item["reliability"]) for item in latest],
        "reliability-by-date",
        f"Reliability by as-of date{', the latest' if len(latest) < len(dates) else ''}",
    )


def value(artifact: Artifact, *, drawn: bool = True) -> Section:
    """What working the riskiest accounts finds, and the revenue that it catches."""
    judged = artifact.evaluation
    at, word = judged["value"]["at_capacity"], happened(artifact)
    told = (
        f"Working the {words(artifact).first} {share(at['share'])} of the accounts, "
        f"{at['accounts']:,}, finds {number(at['churned'], 0)} that {word} later."
    )
    rows = [
        [f"precision: of the worked, {word}", shares(at["precision"])],
        ["lift: times what chance finds", measured(at["lift"], 2)],
        [f"reach: of all that {word}, worked", shares(at["reach"])],
    ]
    if judged["value"]["revenue"]:
        rows.append(["revenue at risk caught", _revenue(judged["value"]["revenue"], artifact)])
    parts: list[Part] = [told, Table("At the team's capacity", ["measure", "value"], rows)]
    if judged["value"]["revenue"]:
        known = judged["value"]["revenue"]
        parts.append(
            f"Revenue is the monthly recurring revenue that the account table states today, known "
            f"of {known['known']:,} of the {known['accounts']:,} accounts that {word}."
        )
    if drawn:
        curve = judged["value"]["gains"]
        parts += [
            gains_plots.gains(curve, at["share"], words(artifact)),
            gains_plots.lift(curve, at["share"], words(artifact)),
            gains_plots.precision(curve, judged["base_rate"], at, words(artifact)),
        ]
    return Section("Value at the team's capacity", *parts)


def _revenue(found: Row, artifact: Artifact) -> str:
    currency = about(artifact).get("currency", "")
    amounts = f"{number(found['caught'], 0)} of {number(found['churned'], 0)} {currency}".strip()
    return f"{shares(found['share'])}, {amounts}"


def lights(artifact: Artifact, *, drawn: bool = True) -> Section:
    """What became of the accounts by what they were told to be: their colour, or opportunities."""
    if isinstance(artifact.anchors, Anchors):
        return bands(artifact, artifact.anchors, drawn=drawn)
    return opportunities(artifact, artifact.anchors)


def opportunities(artifact: Artifact, edge: Edge) -> Section:
    """To how many accounts that were told, and to how many others, it happened later."""
    counts = artifact.evaluation["opportunities"]
    words = {"yes": "opportunity", "no": "no opportunity"}
    rows = [
        [
            word,
            number(counts[name]["accounts"], 0),
            number(counts[name]["happened"], 0),
            shares(Proportion(counts[name]["happened"], counts[name]["accounts"]).plain()),
        ]
        for name, word in words.items()
    ]
    why = (
        f"An account is told as an opportunity from a probability of {share(edge.p_high, 1)} on, "
        f"an opportunity score of 70 (100 is the best prospect); chosen from {edge.chosen}."
    )
    names = ["told as", "accounts", happened(artifact), "rate"]
    return Section("Opportunities", why, Table("What came of them", names, rows))


def _apart(judged: Row) -> str:
    """On which rows the rates of the bands are counted, apart from those that chose them."""
    if judged.get("anchors_chosen_there"):
        return (
            "The rates are of the very accounts that chose these edges, for earlier dates support "
            "no bands: they may flatter."
        )
    if judged["kind"].startswith("later"):
        return "The rates are of a later date than the one that chose."
    return "The rates are of folds, each scored by what the others taught."


def bands(artifact: Artifact, anchors: Anchors, *, drawn: bool = True) -> Section:
    """How many accounts had each colour, and how many of these churned later."""
    counts = artifact.evaluation["bands"]
    told = (
        f"Red is a churn probability above {share(anchors.p_red, 1)}, green one up to "
        f"{share(anchors.p_green, 1)}; chosen from {anchors.chosen}. "
        f"{_apart(artifact.evaluation)}"
    )
    rows = [
        [light(name), number(counts[name]["accounts"], 0), number(counts[name]["churned"], 0), rate]
        for name in BANDS
        if name in counts
        for rate in [shares(Proportion(counts[name]["churned"], counts[name]["accounts"]).plain())]
    ]
    table = Table(
        "Bands, and what came of them", ["band", "accounts", happened(artifact), "rate"], rows
    )
    parts: list[Part] = [told, table]
    if drawn:
        parts.append(plots.bands(counts))
    return Section("Bands", *parts)


def segments(judged: Row, *, drawn: bool = True) -> Section:
    """Quality and calibration of each segment, the worst named."""
    worse = list(gate.weak_segments(dict(judged)))
    verdict = (
        Note(sentence("; ".join(worse)), "bad")
        if worse
        else Note("In no segment is it worse than the base rate.", "good")
    )
    parts: list[Part] = [
        verdict,
        _quality_by_segment(judged),
        reliability.segments_table(judged["segments"]),
        reliability.drawn_table(judged["segments"]),
        ONE_FOR_ALL,
    ]
    if drawn:
        parts.append(_curves_by_segment(judged))
    return Section("Segments", *parts)


ONE_FOR_ALL = (
    "What is drawn to all is the better guess of a segment's calibration. The scores know nothing "
    "of this: one calibration and one pair of anchors hold for all accounts."
)


def _quality_by_segment(judged: Row) -> Table:
    rows = [
        [
            item["segment"],
            number(item["accounts"], 0),
            number(item["events"], 0),
            share(item["observed_rate"], 1),
            share(item["predicted_rate"], 1),
            measured(item["auc"], 2),
            measured(item["gain_over_base_rate"], 3),
        ]
        for item in judged["segments"]
    ]
    head = ["segment", "accounts", "events", "observed", "predicted", "AUC"]
    return Table("By segment", [*head, "gain over the base rate"], rows)


def _curves_by_segment(judged: Row) -> Figure:
    every = judged["segments"]
    largest = sorted(every, key=lambda item: -item["accounts"])[: reliability.MOST]
    shown = [item for item in every if item in largest]
    return reliability.curves(
        [(str(item["segment"]), item["reliability"]) for item in shown],
        "reliability-by-segment",
        f"Reliability by segment{', the largest' if len(shown) < len(every) else ''}",
    )


def drivers(artifact: Artifact) -> Section:
    """Which indicators move scores."""
    found = artifact.evaluation["drivers"]
    told = (
        "Exact Shapley values, all columns of an indicator together, in points of the score; base "
        "and drivers add up to it. They say what moves the score, not why customers act."
    )
    return Section("Drivers", told, driver_plots.summary(found, points(artifact)))


def interval(artifact: Artifact) -> Section:
    """How wide the interval around a score is, and how often it covered where it was measured."""
    title, found = "Interval around a score", artifact.evaluation.get("interval")
    if found is None:
        return Section(title, "Not measured, for want of accounts: it is the whole scale.")
    return Section(
        title,
        f"Where all is known it reaches {number(found['half_width'], 1)} points to either side of "
        "the score; every value that is not known makes it wider. Nine in ten scores of models "
        "that other accounts would have taught are to be inside. Of those that measured it "
        f"{share(found['covered'], 1)} were, before it was made "
        f"{number(found['widened'], 2)} times as wide; with values taken away, "
        f"{share(found['covered_with_losses'], 1)}.",
    )


def certificate(found: Row) -> Section:
    """What was checked of the explanations, and what was missed."""
    rows = [
        [
            item["name"],
            f"{item['says'].rstrip(',')}",
            UNKNOWN if item["value"] is None else f"{item['value']:.3g}",
            f"{item['aim']} {item['threshold']:g}",
            number(item["cases"], 0),
            _outcome(item["passed"]),
        ]
        for item in found["checks"]
    ]
    missed = [item["name"] for item in found["checks"] if item["passed"] is False]
    verdict = (
        Note(f"Missed: {', '.join(missed)}.", "caution")
        if missed
        else Note("Every check that could be made was passed.", "good")
    )
    head = ["check", "what is measured", "found", "wanted", "cases", "outcome"]
    table = Table(f"Checked on {found['as_of']}", head, rows)
    return Section("Certificate of the explanations", verdict, table)


def _outcome(passed: bool | None) -> str:
    return {True: "passed", False: "missed", None: "nothing to check"}[passed]


def lead_times(found: Row) -> Section:
    """How long before churn each indicator separates, on month starts."""
    shown = [item for item in found["indicators"] if item["lead_days"] is not None]
    others = [item["title"] for item in found["indicators"] if item["lead_days"] is None]
    rows = [
        [item["title"], item["declared"] or UNKNOWN, item["finding"], _lead(item)]
        for item in sorted(shown, key=lambda item: -item["lead_days"])
    ]
    told = (
        f"On as-of dates {found['step_days']} days apart, {found['churners']:,} accounts that "
        "churned against accounts at risk of like tenure. Thick: separation is certain; dashed: "
        f"the gap of {found['gap_days']} days. churnlight lead-time measures by weeks."
    )
    parts: list[Part] = [told, *lead_plots.curves(found)]
    if rows:
        parts.append(Table("Leads", ["indicator", "declared", "found", "lead"], rows))
    if others:
        parts.append(f"Without a certain lead: {', '.join(others)}.")
    return Section("Lead times", *parts)


def _lead(item: Row) -> str:
    if item["lead_days"] is None:
        return UNKNOWN
    return f"{item['lead_days']} days{' or more' if item['open_ended'] else ''}"


def drift(found: Row) -> Section:
    """How far the columns have moved in the history."""
    items = [{"name": item["column"], "index": item["index"]} for item in found["furthest"]]
    told = (
        f"Population stability index of {found['columns']} columns from {found['since']} to "
        f"{found['until']}; 0 is no change, from {MAJOR} on it is commonly called "
        "major."
    )
    return Section("Drift", told, plots.shift(items, "Columns that moved furthest"))


def shadows(found: list[Row]) -> Section:
    """Indicators that are computed and move no score yet."""
    rows = [[item["column"], share(item["known"]), number(item["auc"])] for item in found]
    return Section(
        "Shadow indicators",
        "They are computed and reported, and move no score.",
        Table("What each says by itself", ["column", "known", "AUC alone"], rows),
    )
