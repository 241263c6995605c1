"""The tables that the verbs `lead-time` and `indicators` print; `--json` holds everything."""

from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.lead_times.findings import Lead, LeadTimes
from training.indicators.admission import Admission, Evidence

TABLE_WIDTH = 130


def show_leads(measured: Sequence[LeadTimes]) -> None:
    """One table per target: which indicators lead, by how many days, and the evidence."""
    console = Console(width=TABLE_WIDTH, highlight=False)
    for target_leads in measured:
        title = (
            f"{target_leads.target}: {target_leads.churners:,} accounts churned; "
            f"{len(target_leads.as_of)} as-of dates, {target_leads.step_days}-day steps, "
            f"{target_leads.gap_days}-day gap"
        )
        shown = _table(title, ["indicator", "declared", "measured", "lead", "AUC at the gap"])
        for lead in sorted(target_leads.leads, key=_order):
            shown.add_row(*_lead_cells(lead))
        if target_leads.model:
            shown.add_row(*_lead_cells(target_leads.model))
        console.print(shown)
        if target_leads.silence_days:
            console.print(Text(_silence_note(target_leads.silence_days)))
        for column, why in target_leads.skipped.items():
            console.print(Text(f"{column}: {why}"))


def _order(lead: Lead) -> tuple[int, float]:
    days = -1 if lead.lead_days is None else lead.lead_days
    return -days, -(lead.at_gap.auc or 0.0)


def _silence_note(days: int) -> str:
    return (
        f"Churn is dated by the last activity, which is known only after {days} days of silence; "
        "a shorter lead is partly the definition of churn."
    )


def _table(title: str, names: Sequence[str]) -> Table:
    shown = Table(title=Text(title), title_justify="left")
    for name in names:
        side: Literal["right", "left"] = "right" if name in RIGHT_ALIGNED else "left"
        shown.add_column(name, justify=side, overflow="fold", no_wrap=name in ON_ONE_LINE)
    shown.add_column("coverage", justify="right")
    shown.add_column("lift", justify="right")
    return shown


RIGHT_ALIGNED = ("lead", "weight", "worth")
ON_ONE_LINE = ("worth", "lead", "AUC at the gap", "verdict")


def _lead_cells(lead: Lead) -> list[Text]:
    return [
        Text(lead.name),
        Text(lead.declared or "model"),
        Text(lead.finding),
        Text(_days(lead)),
        Text(_auc(lead)),
        *_reach(lead),
    ]


def _days(lead: Lead | None) -> str:
    if lead is None or lead.lead_days is None:
        return "–"
    return f"{lead.lead_days} d{'+' if lead.open_ended else ''}"


def _auc(lead: Lead) -> str:
    point = lead.at_gap
    if point.auc is None:
        return f"too few churned: {point.churners}"
    return f"{point.auc:.2f} ({point.low:.2f} to {point.high:.2f})"


def _reach(lead: Lead | None) -> list[Text]:
    if lead is None:
        return [Text("–"), Text("–")]
    lift = "–" if lead.at_gap.lift is None else f"{lead.at_gap.lift:.1f}"
    return [Text(f"{lead.at_gap.coverage:.0%}"), Text(lift)]


def show_admissions(admitted: Sequence[Admission]) -> None:
    """One table per target: weight, worth and lead of each indicator, and the verdict."""
    console = Console(width=TABLE_WIDTH, highlight=False)
    for admission in admitted:
        title = (
            f"{admission.target}: model version {admission.model_version}, weights on "
            f"{admission.as_of}, worth = log loss saved on {admission.evaluated_on}, in thousandths"
        )
        names = ["indicator", "kind, stage", "weight", "worth", "lead", "verdict"]
        shown = _table(title, names)
        for evidence in admission.evidence:
            shown.add_row(*_evidence_cells(evidence))
        console.print(shown)


def _evidence_cells(evidence: Evidence) -> list[Text]:
    return [
        Text(evidence.indicator),
        Text(f"{evidence.kind}, {evidence.stage}"),
        Text("–" if evidence.weight is None else f"{evidence.weight:.0%}"),
        Text(evidence.worth.in_millinats or "–"),
        Text(_days(evidence.lead)),
        Text(evidence.verdict),
        *_reach(evidence.lead),
    ]
