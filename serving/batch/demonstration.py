"""`demo`: the main job from the example's data to published scores, in one call."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from features import clock, contract, publish, snapshots
from features.declaring import declaration
from features.declaring.company import Company
from features.errors import ChurnlightError, ContractBroken, Finding, GateRefused
from features.progress import Progress, silent
from features.settings import Settings
from serving.assessment.assess import Assessment
from serving.assessment.opportunities import STATE_WORDS, Opportunity
from serving.assessment.reasons import reasons
from serving.batch import scoring_run
from serving.published import runs
from serving.published.run_table import of_target
from serving.published.runs import Run
from training.calibrating.bands import BAND_WORDS
from training.registry import tracking
from training.summary import of_company
from training.train import Trained, TrainingResult, train

WEEKS = 13
WHY = "the demonstration shows what was trained last"


def run(folder: Path, *, settings: Settings, progress: Progress = silent) -> str:
    """Checks, trains, promotes and scores the company in `folder`; returns the lines to print.

    An opportunity that gets no model, or whose model the gate refuses, is named and left out of
    the scores.

    Raises
    ------
    ChurnlightError
        Whatever a step raises; what was published before stays.
    """
    progress("fetching the data")
    fetch_data(folder)
    company = declaration.load(folder)
    with publish.alone(settings.workspace_of(company)):
        progress("checking the tables")
        findings = contract.check(company)
        if errors := [finding for finding in findings if finding.state == "error"]:
            raise ContractBroken(errors)
        training = train(company, settings=settings, progress=progress)
        refused = [
            *_left_out(training, company),
            *_promote(training.trained, company, settings, progress),
        ]
        published = scoring_run.score(
            company, last_weeks(company), settings=settings, progress=progress
        )
    made = [line for model in training.trained for line in _made(model, company, settings)]
    lines = [*_checked(findings), *made, *refused]
    return "\n".join([*lines, *_scored(company, published[-1])])


def _made(model: Trained, company: Company, settings: Settings) -> tuple[str, str]:
    """A line about the trained model, and one with the path of its report."""
    report = tracking.report_of(model.artifact, company, settings)
    return of_company(model), f"  report {report}"


def _left_out(training: TrainingResult, company: Company) -> Iterator[str]:
    """A line for each opportunity whose rows support no model; raises for other targets."""
    for target, refusal in training.refused.items():
        if target in company.adverse:
            raise refusal
        yield str(refusal)


def _promote(
    trained: Sequence[Trained], company: Company, settings: Settings, progress: Progress
) -> Iterator[str]:
    """Promotes each trained model; a line for each that the gate refuses.

    It raises where there is no champion to score in its place. What could not be set beside the
    champion takes its place, for a reason that is given.
    """
    for model in trained:
        progress(f"promoting {model.name}")
        champion = model.artifact.evaluation.champion
        reason = WHY if champion and champion.gain.low is None else ""
        try:
            tracking.promote(
                company, model.artifact.target, model.version, settings=settings, reason=reason
            )
        except GateRefused as error:
            if model.artifact.adverse and champion is None:
                raise
            yield str(error)


def fetch_data(folder: Path) -> None:
    """Runs the example's own `get_data.py`, if it has one and its data is not there yet."""
    script = folder / "get_data.py"
    if not script.exists() or any((folder / "data").glob("*.parquet")):
        return
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ChurnlightError(f"{script} failed: {done.stderr.strip() or done.stdout.strip()}")


def last_weeks(company: Company, count: int = WEEKS) -> list[date]:
    """The weekly as-of dates up to `data_until`."""
    with contract.sound_tables(company) as tables:
        return clock.weekly(snapshots.data_until(tables), count)


def _checked(findings: Sequence[Finding]) -> list[str]:
    """The verdict on the tables, and each warning in one line."""
    warnings = [str(finding) for finding in findings if finding.state == "warning"]
    return [contract.verdict(findings), *(f"  {line}" for line in warnings)]


def _scored(company: Company, scored: Run) -> Iterator[str]:
    """Per target how many accounts have which light, and the worst account."""
    scores = scored.scores()
    for target in scored.models:
        rows = of_target(scores, target)
        yield f"{target}, scores of {scored.as_of}"
        if target in company.opportunities:
            yield from _prospects(runs.opportunities_from_rows(rows))
            continue
        mine = runs.from_rows(rows)
        for band, word in BAND_WORDS.items():
            yield f"  {word:<11}{sum(assessment.band == band for assessment in mine):>8,} accounts"
        worst = min(
            (assessment for assessment in mine if assessment.health_score_unclipped is not None),
            key=lambda assessment: (assessment.health_score_unclipped, assessment.account_id),
            default=None,
        )
        if worst:
            yield _portrait(worst, company)


def _prospects(items: Sequence[Opportunity]) -> Iterator[str]:
    for state, word in STATE_WORDS.items():
        in_state = sum(opportunity.opportunity == state for opportunity in items)
        yield f"  {word:<15}{in_state:>4,} accounts"


def _portrait(assessment: Assessment, company: Company) -> str:
    """One account in a few lines, with the reasons that its page shows."""
    head = (
        f"account {assessment.account_id} on {assessment.as_of}: "
        f"{BAND_WORDS[assessment.band]}, health score "
        f"{int(assessment.health_score or 0)} / 100 (100 = healthiest), churn probability "
        f"{assessment.churn_probability:.2f}"
    )
    why = [f"  {driver.points:+6.1f}  {driver.sentence}" for driver in reasons(assessment)]
    playbook = company.playbooks.get(assessment.playbook or "")
    steps = [f"  playbook: {playbook.title}: {playbook.steps[0].do}"] if playbook else []
    return "\n".join([head, *why, *steps])
