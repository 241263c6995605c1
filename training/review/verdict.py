"""Promote or keep: the checks that decide, each with its figures, and what else is worth a warning.

The rules are those of `training.evaluating.gate`, by which `churnlight promote` goes, on more
evidence. A challenger is promoted when it passes every check: it has skill of its own, and on
outcomes that neither it nor the champion has learnt from its log loss is lower by more than noise.
A champion whose time is over gives way to whatever is not surely worse. What cannot be shown is not
passed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from training.evaluating import gate
from training.expiry import VALID_FOR
from training.phrases import figures
from training.registry import review_decision
from training.reporting.gains_plots import ADVERSE
from training.reporting.origin import words
from training.review.candidates import Candidate, Candidates
from training.review.ground import Ground
from training.review.sections.lights import Lights, lights

SAME = 1e-6
"""How far a repeated procedure's AUC may be from the stated one by the order of sums alone."""

BEYOND = 1.5
"""How many times the capacity red may be on one morning before it is worth a word."""


@dataclass(frozen=True)
class Check:
    """One question of the verdict: whether it is passed, and on which figures."""

    name: str
    passed: bool
    told: str
    figures: Mapping[str, Any]

    def plain(self) -> dict[str, Any]:
        """The same as JSON values."""
        return dict(vars(self))


def measured(ground: Ground, comparison: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict with its checks as JSON values."""
    checks = [
        another(ground.models),
        _skill(ground.models.challenger),
        better(
            comparison,
            ground.models.champion.expired(ground.dates.as_of),
            words(ground.models.challenger.artifact).came,
        ),
    ]
    failed = [item for item in checks if not item.passed]
    decisive = failed or checks
    return {
        "decision": review_decision.KEEP if failed else review_decision.PROMOTE,
        "reasons": [item.told for item in decisive],
        "checks": [item.plain() for item in checks],
    }


def another(models: Candidates) -> Check:
    """Whether the challenger is another model than the champion."""
    digests = {item.role: item.artifact.digest for item in models}
    told = (
        "the challenger is the champion itself"
        if models.same
        else "the challenger is another model than the champion"
    )
    return Check("another model", not models.same, told, digests)


def _skill(challenger: Candidate) -> Check:
    judged = challenger.artifact.evaluation
    shown = {
        "gain_over_base_rate": judged["gain_over_base_rate"],
        "baselines": list(judged.get("baselines", ())),
        "as_of": judged["as_of"],
        "judged": judged["judged"],
    }
    where = f"on {gate.judges(judged)} the challenger's {judged['judged']} is"
    if lacking := gate.shortfalls(judged):
        return Check("skill", False, f"{where} {'; '.join(lacking)}", shown)
    gain = figures(judged["gain_over_base_rate"])
    told = f"{where} better than the base rate (log loss lower by {gain}) and all that is simpler"
    return Check("skill", True, told, shown)


def better(comparison: Mapping[str, Any], expired: bool, came: str = ADVERSE.came) -> Check:
    """Whether the challenger is surely better; of an expired champion, not surely worse.

    `came` is how one says that it happened to an account.
    """
    name = "better than the champion"
    if not comparison["rows"]:
        told = comparison["told"]
        if comparison["basis"] != "none":
            told = "on the dates to compare on, accounts of one outcome alone are scored by both"
        return Check(name, False, told, {})
    gain = comparison["log_loss_gain"]
    shown = {
        "log_loss_gain": gain,
        "auc_gain": comparison["auc_gain"],
        "champion_expired": expired,
    }
    surely = gate.beats(gain)
    worse = gain["high"] is None or gain["high"] < 0
    passed = surely or (expired and not worse)
    told = (
        f"on {_span(comparison['as_of'])} the challenger's log loss is {_word(surely, worse)} "
        f"the champion's: lower by {figures(gain)}, on {comparison['rows']:,} rows of which "
        f"{comparison['events']:,} {came}"
    )
    if expired and not surely:
        told += "; the champion's time is over, and what is not surely worse may follow it"
    elif comparison["same"] and not passed:
        told += f" ({comparison['told']})"
    return Check(name, passed, told, shown)


def _word(surely: bool, worse: bool) -> str:
    if surely:
        return "surely below"
    return "surely above" if worse else "not surely below"


def _span(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{len(days)} dates from {days[0]} to {days[-1]}"


def warnings(ground: Ground, found: Mapping[str, Any], reason: str) -> list[str]:
    """What the reader should know besides, in whole sentences."""
    return [
        *_of_time(ground, reason),
        *_of_registry(ground.models),
        *_of_tables(found["comparison"], ground.models.challenger),
        *_of_segments(found["comparison"]),
        *_of_bands(found, ground.company.bands.capacity, lights(ground.models.challenger.artifact)),
        *_of_shift(found["drift"]),
    ]


def _of_time(ground: Ground, reason: str) -> Iterator[str]:
    champion, challenger = ground.models
    apart = challenger.data_until - champion.data_until
    if not ground.models.same and apart < VALID_FOR and not reason:
        yield (
            f"retrained {apart.days} days after the champion, by the tables' time, and the review "
            f"is due after {VALID_FOR.days} ({champion.good_until}); say why with --reason"
        )
    today = ground.dates.as_of
    if champion.expired(today):
        registry = champion.expiry or "not known"
        yield (
            f"the champion's time is over on {today}: its tables reach to {champion.data_until}, "
            f"and by them it was good until {champion.good_until}; the registry's expiry, by the "
            f"wall clock, is {registry}"
        )


def _of_registry(models: Candidates) -> Iterator[str]:
    champion = models.champion.artifact
    if not models.champion.tags:
        yield (
            f"the registry does not know the installed champion (version {champion.version}, "
            f"digest {champion.digest[:12]}); its expiry is unknown"
        )


def _of_tables(comparison: Mapping[str, Any], challenger: Candidate) -> Iterator[str]:
    """A procedure that is repeated on the same rows comes out the same."""
    judged, made = challenger.artifact.evaluation, comparison["repeated_auc"]
    stated = judged["auc"]["value"]
    alike = judged["judged"] == "procedure" and judged["kind"] == "later as-of date"
    if alike and made is not None and stated is not None and abs(made - stated) > SAME:
        yield (
            f"repeated, the challenger's procedure has an AUC of {made:.4f} where its own "
            f"evaluation says {stated:.4f}: the tables or the code have changed since its training"
        )


def _of_segments(comparison: Mapping[str, Any]) -> Iterator[str]:
    for item in comparison.get("segments", ()):
        gain = item["log_loss_gain"]
        if gain and gain["high"] is not None and gain["high"] < 0:
            yield (
                f"segment {item['segment']}: the challenger is surely worse than the champion, "
                f"its log loss lower by {figures(gain)}"
            )


def _of_bands(found: Mapping[str, Any], capacity: float, light: Lights) -> Iterator[str]:
    matrix, first = found["migration"]["matrix"], light.names[light.first]
    what = "red" if first == "red" else "told as opportunities"
    red = sum(after[first] for after in matrix.values())
    every = sum(count for after in matrix.values() for band, count in after.items())
    every -= sum(after["unscored"] for after in matrix.values())
    if every and red > BEYOND * capacity * every:
        yield (
            f"under the challenger {red:,} of {every:,} scored accounts ({red / every:.0%}) are "
            f"{what} on {found['migration']['as_of']}; the team's capacity is {capacity:.0%}"
        )


def _of_shift(drift: Mapping[str, Any]) -> Iterator[str]:
    major = [f"{item['title']} ({item['column']})" for item in drift["columns"] if item["major"]]
    if major:
        more = f" and {len(major) - 3} more" if len(major) > 3 else ""
        yield (
            f"since {drift['since']} columns have shifted beyond chance ({len(major)}): "
            f"{', '.join(major[:3])}{more}"
        )
    if drift["scores"] and drift["scores"]["major"]:
        yield (
            f"since {drift['since']} the champion's scores have shifted beyond chance (stability "
            f"index {drift['scores']['index']:.2f})"
        )
