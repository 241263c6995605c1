"""The findings of the curves: which indicators lead, which only confirm, which stay open."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from features.declaring.indicator import Indicator, Kind, Stage
from features.declaring.target import Target
from features.lead_times.certificate import LEVEL
from features.lead_times.curves import CurvePoint, LeadCurve

LeadFinding = Literal["leading", "lagging", "not shown", "not measured"]


@dataclass(frozen=True)
class Lead:
    """The measured lead of one indicator, or of the model.

    `classify` is *leading* where separation is certain at the target's gap, *lagging* where it is
    certain only nearer to churn, *not shown* where it is certain nowhere, and *not measured*
    where too few accounts churned. `lead_days`, `open_ended`, `column` and `at_gap` are those of
    the column that leads most, whose curve comes first. `headline` says whether the indicator
    may head an account's reasons. `definitional` marks leads shorter than the silence that is
    churn.
    """

    name: str
    title: str
    family: str
    declared: Kind | None
    stage: Stage | None
    finding: LeadFinding
    lead_days: int | None
    open_ended: bool
    definitional: bool
    headline: bool
    column: str
    at_gap: CurvePoint
    curves: tuple[LeadCurve, ...]
    segments: tuple[LeadCurve, ...]
    sentence: str


@dataclass(frozen=True)
class LeadTimes:
    """The lead times of a company's indicators for one target, and of its model where asked.

    Day counts are whole days; `churners` counts accounts that churned while they were looked at,
    `level` is the error that one certificate admits, and `skipped` says for some columns why they
    have no curve.
    """

    target: str
    gap_days: int
    step_days: int
    as_of: tuple[str, ...]
    churners: int
    level: float
    silence_days: int | None
    leads: tuple[Lead, ...]
    model: Lead | None
    skipped: dict[str, str]

    def of(self, indicator: str) -> Lead | None:
        """The measured lead of an indicator; None where it has no curve."""
        return next((lead for lead in self.leads if lead.name == indicator), None)

    def plain(self) -> dict[str, object]:
        """The same as JSON values."""
        return asdict(self)


def best_first(curves: Sequence[LeadCurve], gap: int) -> list[LeadCurve]:
    """The curves by certain lead, then by the separation at the gap."""
    return sorted(
        curves,
        key=lambda curve: (
            -1 if curve.lead_days is None else curve.lead_days,
            curve.from_day(gap).auc or 0.0,
        ),
        reverse=True,
    )


def classify(curve: LeadCurve, gap: int) -> LeadFinding:
    """The finding on a column's lead that its curve supports."""
    if curve.from_day(gap).certified:
        return "leading"
    if curve.lead_days is not None:
        return "lagging"
    return "not shown" if curve.from_day(gap).auc is not None else "not measured"


def may_head(indicator: Indicator, finding: LeadFinding) -> bool:
    """Whether the indicator may head the reasons: as declared, else as measured.

    What could not be measured keeps the kind that it declares.
    """
    if indicator.kind != "leading":
        return False
    return (
        finding in ("leading", "not measured") if indicator.headline is None else indicator.headline
    )


def lead_sentence(
    declared: Kind | None, curve: LeadCurve, finding: LeadFinding, target: Target
) -> str:
    """The finding in a sentence, with what it rests on."""
    at_gap = curve.from_day(target.gap)
    basis = f"{at_gap.churners} accounts that churned"
    if finding == "not measured":
        return f"Not measured: {basis} are too few."
    numbers = (
        f"AUC {at_gap.auc:.2f} ({at_gap.low:.2f} to {at_gap.high:.2f}) at {_days(at_gap)}, {basis}"
    )
    contrary = " It is declared leading." if declared == "leading" and finding != "leading" else ""
    if finding == "not shown":
        return f"No separation shown: {numbers}.{contrary}"
    if finding == "lagging":
        return (
            f"Lagging: separates {curve.lead_days} days before churn but not at the gap of "
            f"{target.gap}; {numbers}.{contrary}"
        )
    more = " or more" if curve.open_ended else ""
    return f"Leads by {curve.lead_days} days{more}; {numbers}.{_caution(curve, target)}"


def _days(point: CurvePoint) -> str:
    return f"{point.from_days}–{point.to_days} days before churn"


def _caution(curve: LeadCurve, target: Target) -> str:
    silence = silence_of(target)
    if silence is not None and (curve.lead_days or 0) < silence:
        return f" Shorter than the {silence} days of silence that are churn: partly its definition."
    return (
        " It separates at every lag that was measured: a standing difference."
        if curve.open_ended
        else ""
    )


def silence_of(target: Target) -> int | None:
    """The days of silence that make an inactivity target; None for others."""
    return target.inactivity.within if target.inactivity else None


__all__ = [
    "LEVEL",
    "Lead",
    "LeadFinding",
    "LeadTimes",
    "best_first",
    "classify",
    "lead_sentence",
    "may_head",
]
