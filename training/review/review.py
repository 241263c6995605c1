"""`review`: everything that the ML engineer needs twice a year, from one call, with a verdict.

The same tables, models and morning give the same bytes: nothing in a review comes from the wall
clock but what the registry wrote down.
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from features import contract, publish, snapshots
from features.declaring.company import Company
from features.errors import DeclarationError, GateRefused, NotFound
from features.progress import Progress, silent
from features.settings import Settings
from training.registry import review_decision
from training.reporting import markdown
from training.reporting import page as html
from training.reporting.origin import words
from training.review import basis, comparison, page, verdict
from training.review.candidates import Candidates, candidates
from training.review.ground import Ground, ground
from training.review.sections import (
    coverage,
    flaps,
    leads,
    ledger,
    migration,
    reliability,
    shift,
)
from training.review.sections.lights import lights

FORMAT = 2
CHALLENGER = "challenger"
NOT_ASKED = {
    "ledger": "nobody leaves by an opportunity, so there is no churn to look back at",
    "flaps": "an opportunity has no bands, and no change of one is announced",
    "lead_times": "a lead time is warning time, and an opportunity warns of nothing",
}
"""Why a review of an opportunity leaves these out; in the order of its sections."""


@dataclass(frozen=True)
class Review:
    """What was found, as JSON values, and the ledger's entries; none of an opportunity."""

    content: dict[str, Any]
    ledger: pa.Table | None

    @property
    def promotes(self) -> bool:
        """Whether the verdict is to promote."""
        return bool(self.content["verdict"]["decision"] == "promote")

    @property
    def as_json(self) -> str:
        """The content as readable JSON."""
        return json.dumps(self.content, indent=2, ensure_ascii=False, allow_nan=False)

    def write(self, folder: Path) -> None:
        """Writes review.json, review.md, review.html and, of churn, ledger.csv into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        publish.write_json(self.content, folder / review_decision.FILE)
        if self.ledger is not None:
            publish.write_csv(self.ledger, folder / "ledger.csv")
        shown = page.page(self.content)
        html.write(shown, folder / "review.html")
        with publish.replacing(folder / "review.md") as temporary:
            temporary.write_text(markdown.render(shown), encoding="utf-8")

    def require_promotion(self) -> None:
        """Raises GateRefused, with the reasons, unless the verdict is to promote."""
        if not self.promotes:
            reasons = "; ".join(self.content["verdict"]["reasons"])
            raise GateRefused(f"keep the champion of {self.content['target']}: {reasons}")


@dataclass(frozen=True)
class Asked:
    """What a review is asked for.

    Parameters
    ----------
    target : str, optional
        Without it, the only adverse target of the declaration, or its only one.
    challenger : str
        A registry alias or version.
    as_of : date, optional
        The review's morning; outcomes count that are settled by then. By default `data_until`.
    reason : str
        Why one retrains inside the review period.
    """

    target: str | None = None
    challenger: str = CHALLENGER
    as_of: date | None = None
    reason: str = ""


def review(
    company: Company,
    asked: Asked = Asked(),
    *,
    settings: Settings | None = None,
    progress: Progress = silent,
) -> Review:
    """The review of a target's champion and a challenger; neither they nor the registry change.

    Raises
    ------
    NotFound
        There is no champion, no registry, no such challenger or target, or the morning is one that
        the history does not have: later than the data, before the first account, or before all that
        taught a model was settled.
    DeclarationError
        The declaration measures something else than a model learnt from, or several targets could
        be meant.
    ContractBroken
        The company's tables break the data contract.
    """
    settings = settings or Settings.read()
    models = candidates(company, _one(company, asked.target), asked.challenger, settings)
    with contract.sound_tables(company) as tables:
        morning = snapshots.requested_dates(tables, [asked.as_of] if asked.as_of else [])[0]
        _require_time(models, morning)
        stands_on = ground(tables, models, morning, progress=progress)
    return _of(stands_on, asked.reason, progress)


def _require_time(models: Candidates, morning: date) -> None:
    for item in models:
        if item.taught_until > morning:
            raise NotFound(
                f"--as-of {morning}: the {item.role}, version {item.artifact.version}, has learnt "
                f"from outcomes that were settled on {item.taught_until}; take that day or a later "
                "one"
            )


def _one(company: Company, wanted: str | None) -> str:
    """The target to review: the one that is wanted, else the only adverse one, or the only one."""
    if wanted is not None:
        if wanted not in company.targets:
            known = ", ".join(company.targets)
            raise NotFound(f"target {wanted!r} is not declared; known: {known}")
        return wanted
    likely = company.adverse or company.opportunities
    if len(likely) != 1:
        raise DeclarationError(
            f"a review is of one target; name it with --target: {', '.join(company.targets)}"
        )
    return next(iter(likely))


def _of(stands_on: Ground, reason: str, progress: Progress) -> Review:
    if not stands_on.latest.num_rows:
        raise NotFound(
            f"--as-of {stands_on.dates.as_of}: no account was there yet; take a later day"
        )
    on = basis.basis(stands_on, progress)
    progress("comparing the two models")
    pairs = comparison.compared(stands_on, on)
    entries = _entries(stands_on, progress)
    progress("measuring calibration, drift, migration and flaps")
    light = lights(stands_on.models.champion.artifact)
    capacity = stands_on.company.bands.capacity
    churn = entries is not None
    found: dict[str, Any] = {
        "comparison": comparison.measured(pairs, on, capacity, light),
        "ledger": ledger.measured(entries, stands_on) if entries is not None else None,
        "calibration": reliability.measured(stands_on),
        "drift": shift.measured(stands_on),
        "migration": migration.measured(stands_on),
        "flaps": flaps.measured(stands_on) if churn else None,
        "lead_times": leads.measured(stands_on.models) if churn else None,
        "coverage": coverage.measured(stands_on),
        "not_asked": {} if churn else NOT_ASKED,
    }
    content = {
        "format": FORMAT,
        **_about(stands_on, reason),
        "verdict": verdict.measured(stands_on, found["comparison"]),
        "warnings": verdict.warnings(stands_on, found, reason),
        **found,
    }
    if entries is None:
        return Review(content, None)
    return Review(content, pa.Table.from_pylist([vars(item) for item in entries], LEDGER))


def _entries(stands_on: Ground, progress: Progress) -> list[ledger.Entry] | None:
    """The ledger's entries; None of an opportunity."""
    if not stands_on.adverse:
        return None
    progress("looking back at who churned")
    return ledger.entries(stands_on)


def summary(found: Review) -> str:
    """The verdict in a few lines: what decided, and the warnings."""
    said = found.content
    checks = [
        f"  {'passed' if item['passed'] else 'not passed'}: {item['name']}: {item['told']}"
        for item in said["verdict"]["checks"]
    ]
    warned = [f"  warning: {text}" for text in said["warnings"]]
    head = (
        f"{said['target']} on {said['as_of']}: {said['verdict']['decision']} "
        f"(champion version {said['champion']['version']}, challenger version "
        f"{said['challenger']['version']})"
    )
    return "\n".join([head, *checks, *warned])


def next_step(found: Review, company: Path, out: Path) -> str:
    """What to do on the verdict: the command that acts on it, as the review's last word."""
    told = review_decision.command(found.content, str(company), str(out / review_decision.FILE))
    return f"next: {told}"


LEDGER = pa.schema(
    [
        ("account_id", pa.string()),
        ("churned", pa.date32()),
        ("lead_days", pa.int32()),
        ("looked_on", pa.date32()),
        ("days_before", pa.int32()),
        ("in_sample", pa.bool_()),
        ("band", pa.string()),
        ("health_score", pa.float64()),
        ("churn_probability", pa.float64()),
        ("first_driver", pa.string()),
        ("driver_points", pa.float64()),
        ("segment", pa.string()),
        ("owner", pa.string()),
        ("mrr", pa.float64()),
    ]
)


def _about(stands_on: Ground, reason: str) -> dict[str, Any]:
    models: Candidates = stands_on.models
    declared = stands_on.company.targets[stands_on.target]
    return {
        "company": stands_on.company.about.name,
        "simulated": stands_on.company.about.simulated,
        "currency": stands_on.company.about.currency,
        "target": stands_on.target,
        "as_of": str(stands_on.dates.as_of),
        "data_until": str(stands_on.mature.data_until),
        "data_digest": snapshots.digest(stands_on.latest),
        "adverse": stands_on.adverse,
        "score": models.champion.artifact.answers[1],
        "words": vars(words(models.challenger.artifact)),
        "titles": _titles(models),
        "silence_days": declared.inactivity.within if declared.inactivity else None,
        "capacity": stands_on.company.bands.capacity,
        "champion": models.champion.plain(),
        "challenger": models.challenger.plain(),
        "reason": reason,
    }


def _titles(models: Candidates) -> dict[str, str]:
    """What people call the indicators that either model knows."""
    return {
        name: meaning.title
        for item in models
        for name, meaning in sorted(item.artifact.meanings.items())
    }
