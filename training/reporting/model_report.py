"""The model report and the model card: both from the artifact alone, the same bytes each time.

write(artifact, Path("model"))    # model/report.html and model/model-card.md
"""

from pathlib import Path

from features import publish
from training.artifact import Artifact
from training.expiry import VALID_FOR, due
from training.reporting import markdown, origin, page, standing
from training.reporting.page import List, Page, Section

REPORT, CARD = "report.html", "model-card.md"


def write(artifact: Artifact, folder: Path) -> Page:
    """Writes report and model card into `folder`; the report."""
    made = report(artifact)
    texts = {REPORT: page.render(made), CARD: markdown.render(card(artifact))}
    for name, text in texts.items():
        with publish.replacing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return made


def report(artifact: Artifact) -> Page:
    """Everything that is known of the model, drawn."""
    judged = artifact.evaluation
    sections = [
        origin.predicts(artifact),
        standing.quality(judged),
        standing.calibration(artifact),
        standing.value(artifact),
        standing.lights(artifact),
        *([standing.segments(judged)] if len(judged["segments"]) > 1 else []),
        *([standing.drivers(artifact)] if "drivers" in judged else []),
        *_certificate(artifact),
        standing.interval(artifact),
        *([standing.lead_times(judged["lead_times"])] if "lead_times" in judged else []),
        *([standing.drift(judged["drift"])] if judged.get("drift") else []),
        *([standing.shadows(judged["shadow"])] if judged["shadow"] else []),
        origin.data(artifact),
        origin.choice(artifact),
    ]
    return Page(
        f"Model report: {artifact.target}",
        _whose(artifact),
        sections=sections,
        lead=standing.judged_on(judged),
        keys=standing.keys(judged),
        notes=[*standing.verdicts(judged), *standing.left_out(artifact)],
        foot=_foot(artifact),
        simulated=_simulated(artifact),
    )


def card(artifact: Artifact) -> Page:
    """What one has to know before the model is used."""
    judged = artifact.evaluation
    sections = [
        origin.predicts(artifact),
        _use(artifact),
        standing.quality(judged),
        standing.calibration(artifact, drawn=False),
        standing.value(artifact, drawn=False),
        standing.lights(artifact, drawn=False),
        standing.segments(judged, drawn=False),
        *_certificate(artifact),
        standing.interval(artifact),
        origin.data(artifact),
        origin.choice(artifact),
        _limits(artifact),
        _expiry(artifact),
    ]
    return Page(
        f"Model card: {artifact.target}",
        _whose(artifact),
        sections=sections,
        lead=standing.judged_on(judged),
        notes=[*standing.verdicts(judged), *standing.left_out(artifact)],
        foot=_foot(artifact),
        simulated=_simulated(artifact),
    )


def _certificate(artifact: Artifact) -> list[Section]:
    found = artifact.evaluation.get("certificate")
    return [standing.certificate(found)] if found else []


def _whose(artifact: Artifact) -> str:
    return str(origin.about(artifact).get("company", "a table of your own"))


def _simulated(artifact: Artifact) -> bool:
    return bool(origin.about(artifact).get("simulated"))


def _foot(artifact: Artifact) -> str:
    return (
        f"Model digest {artifact.digest} · declaration {artifact.declaration_hash} · intervals "
        "are 95 %"
    )


def _use(artifact: Artifact) -> Section:
    return Section(
        "Intended use",
        List(
            [
                (
                    "To tell a team which accounts to look at first, with the reasons of each "
                    "score, while there is time to act."
                ),
                (
                    f"On accounts like those it learnt from: eligible for {artifact.target} and "
                    "with the same tables behind them."
                ),
            ]
        ),
        "It must not be used:",
        List(
            [
                (
                    "to decide by itself about a contract, a price, a credit or a person: somebody "
                    "looks at the account first;"
                ),
                (
                    "as a statement about why a customer leaves, or what would keep it: drivers "
                    "say what moves the score;"
                ),
                "to rate employees by the scores of their accounts;",
                (
                    "on accounts without enough history, which have no score, or in segments named "
                    "below as worse than the base rate."
                ),
            ]
        ),
    )


def _limits(artifact: Artifact) -> Section:
    judged = artifact.evaluation
    points = [
        (
            "Accounts that the team treated are in the data as they came out: where treatment "
            "works, the untreated risk is higher than stated."
        ),
        (
            f"The base rate was {judged['base_rate_in_training']:.1%} in training and "
            f"{judged['base_rate']:.1%} where it was judged; probabilities follow the latest as-of "
            "date."
        ),
        f"Measures rest on {judged['events']:,} events; what the intervals allow may be so.",
    ]
    if not judged["kind"].startswith("later"):
        points.append("It was not judged on later rows: how it keeps over time is not known.")
    return Section("Limits", List(points))


def _expiry(artifact: Artifact) -> Section:
    last, days = due(artifact), VALID_FOR.days
    told = (
        "The table states no day until which it was complete, so by its data no day of expiry is "
        f"known: train again within {days} days."
        if last is None
        else f"By its data, good for as-of dates up to {last}, {days} days after the day until "
        "which they were complete; scoring later ones is warned about. Then review it and train "
        "again."
    )
    registry = (
        f"The registry's tag `expiry` is {days} days after registration; loading, promoting and "
        "serving it after that day is warned about, too."
    )
    return Section("Expiry", told, registry)
