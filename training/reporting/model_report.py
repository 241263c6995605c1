"""The model report and the model card: both from the artifact alone, the same bytes each time.

write(artifact, Path("model"))    # model/report.html and model/model-card.md
"""

from pathlib import Path

from features import publish
from training.artifact import Artifact
from training.expiry import VALID_FOR, due
from training.reporting import (
    decision_sections,
    explanation_sections,
    markdown,
    page,
    provenance,
    quality_sections,
    value_sections,
)
from training.reporting.page import List, Note, Page, Section

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
    """Everything that is known about the model, with figures."""
    evaluation = artifact.evaluation
    sections = [
        provenance.prediction(artifact),
        quality_sections.quality(evaluation),
        quality_sections.calibration(artifact),
        value_sections.value(artifact),
        value_sections.outcomes(artifact),
        *decision_sections.decisions(artifact),
        *decision_sections.forecast(artifact),
        *([value_sections.segments(evaluation)] if len(evaluation.segments) > 1 else []),
        *([explanation_sections.drivers(artifact)] if evaluation.drivers else []),
        *_certificate(artifact),
        explanation_sections.score_range(artifact),
        *(
            [explanation_sections.lead_times(evaluation.lead_times)]
            if evaluation.lead_times
            else []
        ),
        *([explanation_sections.drift(evaluation.drift)] if evaluation.drift else []),
        *([explanation_sections.shadows(evaluation.shadow)] if evaluation.shadow else []),
        provenance.data(artifact),
        provenance.choice(artifact),
    ]
    return Page(
        f"Model report: {artifact.target}",
        _whose(artifact),
        sections=sections,
        lead=quality_sections.tested_on(evaluation),
        keys=quality_sections.keys(evaluation),
        notes=_notes(artifact),
        foot=_foot(artifact),
        simulated=_simulated(artifact),
    )


def card(artifact: Artifact) -> Page:
    """What people must know before they use the model."""
    evaluation = artifact.evaluation
    sections = [
        provenance.prediction(artifact),
        _use(artifact),
        quality_sections.quality(evaluation),
        quality_sections.calibration(artifact, drawn=False),
        value_sections.value(artifact, drawn=False),
        value_sections.outcomes(artifact, drawn=False),
        *decision_sections.decisions(artifact),
        *decision_sections.forecast(artifact),
        value_sections.segments(evaluation, drawn=False),
        *_certificate(artifact),
        explanation_sections.score_range(artifact),
        provenance.data(artifact),
        provenance.choice(artifact),
        _limits(artifact),
        _expiry(artifact),
    ]
    return Page(
        f"Model card: {artifact.target}",
        _whose(artifact),
        sections=sections,
        lead=quality_sections.tested_on(evaluation),
        notes=_notes(artifact),
        foot=_foot(artifact),
        simulated=_simulated(artifact),
    )


def _notes(artifact: Artifact) -> list[Note]:
    return [
        *quality_sections.doubts(artifact),
        *quality_sections.verdicts(artifact.evaluation),
        *quality_sections.without_trees(artifact),
        *quality_sections.contradicted_sides(artifact),
        *quality_sections.own_columns(artifact),
    ]


def _certificate(artifact: Artifact) -> list[Section]:
    checks = artifact.evaluation.certificate
    return [explanation_sections.certificate(checks)] if checks else []


def _lead_times(artifact: Artifact) -> list[Section]:
    measured = artifact.evaluation.lead_times
    return [explanation_sections.lead_times(measured)] if measured else []


def _whose(artifact: Artifact) -> str:
    declared = artifact.training.declared
    return declared.company if declared else "a table of your own"


def _simulated(artifact: Artifact) -> bool:
    declared = artifact.training.declared
    return declared is not None and declared.simulated


def _foot(artifact: Artifact) -> str:
    return (
        f"Model digest {artifact.digest} · declaration {artifact.declaration_hash} · 95% intervals"
    )


def _use(artifact: Artifact) -> Section:
    return Section(
        "Intended use",
        List(
            [
                (
                    "To show a team which accounts to look at first, with the reasons for each "
                    "score, while there is time to act."
                ),
                (
                    f"For accounts like those in its training data: eligible for {artifact.target} "
                    "and with the same tables."
                ),
            ]
        ),
        "It must not be used:",
        List(
            [
                (
                    "to decide by itself about a contract, a price, a credit or a person: someone "
                    "must look at the account first;"
                ),
                (
                    "as an explanation of why a customer leaves, or of what would keep it: drivers "
                    "show what moves the score;"
                ),
                "to rate employees by the scores of their accounts;",
                (
                    "on accounts with too little history, which have no score, or in segments that "
                    "are named below as worse than the base rate."
                ),
            ]
        ),
    )


def _limits(artifact: Artifact) -> Section:
    evaluation = artifact.evaluation
    points = [
        (
            "Accounts that the team worked on are in the data with the outcome they had. Where "
            "that work helps, the risk of accounts left alone is higher than stated."
        ),
        (
            f"The base rate was {evaluation.quality.base_rate_in_training:.1%} in training and "
            f"{evaluation.quality.base_rate:.1%} in the test; probabilities follow the latest "
            f"{'year of outcomes' if artifact.training.by_renewal else 'training date'}."
        ),
        (
            f"The figures rest on {evaluation.quality.events:,} events: read them with their "
            "intervals."
        ),
    ]
    if not evaluation.on_later_rows:
        points.append("It was not tested on later data, so how well it lasts is unknown.")
    return Section("Limits", List(points))


def _expiry(artifact: Artifact) -> Section:
    last, days = due(artifact), VALID_FOR.days
    by_data = (
        "The table does not say until which day it is complete, so its data give no expiry date: "
        f"train again within {days} days."
        if last is None
        else f"Good for as-of dates up to {last}, {days} days after the day until which its data "
        "are complete. Scoring a later date gives a warning: review the model and train again."
    )
    by_registry = (
        f"The registry's tag `expiry` is {days} days after registration. Loading, promoting or "
        "serving the model after that day gives a warning, too."
    )
    return Section("Expiry", by_data, by_registry)
