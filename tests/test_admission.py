"""Which indicators are admitted, and what the model's own lead time rests on."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from features import contract, snapshots
from features.lead_times import measure
from features.lead_times.curves import CurvePoint, LeadCurve
from features.lead_times.findings import Lead, LeadFinding, LeadTimes
from serving.assessment.assess import assess
from serving.assessment.reasons import reasons
from serving.assessment.score_parts import Driver
from serving.cli import app
from trained_company import TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.indicators import ablation, admission, lead_times, report
from training.indicators.ablation import IndicatorWorth
from training.indicators.admission import Admission, AdmissionVerdict
from training.learning import split
from training.summary import of_company

PROVEN, UNPROVEN = IndicatorWorth(0.002, 0.001, 0.003), IndicatorWorth(0.002, -0.001, 0.005)


def lead(finding: LeadFinding) -> Lead:
    """A lead of which only the finding matters."""
    point = CurvePoint(0, 6, 100, 1.0, 0.6, 0.55, 0.65, 1.5, certified=finding == "leading")
    days = {"leading": 14, "lagging": 0}.get(finding)
    curve = LeadCurve("visits__28d", 28, None, "lower", (point,), days, open_ended=False)
    return Lead(
        name="visits",
        title="Visits",
        family="usage",
        declared="leading",
        stage="live",
        finding=finding,
        lead_days=days,
        open_ended=False,
        definitional=False,
        headline=finding == "leading",
        column="visits__28d",
        at_gap=point,
        curves=(curve,),
        segments=(),
        sentence="",
    )


@pytest.mark.parametrize(
    ("kind", "stage", "finding", "worth", "verdict"),
    [
        ("leading", "shadow", "leading", PROVEN, "admit"),
        ("leading", "shadow", "leading", UNPROVEN, "keep in shadow"),
        ("leading", "shadow", "not shown", UNPROVEN, "keep in shadow"),
        ("leading", "shadow", "not measured", PROVEN, "keep in shadow"),
        ("leading", "shadow", "not shown", PROVEN, "lagging"),
        ("leading", "shadow", "lagging", UNPROVEN, "lagging"),
        ("lagging", "shadow", "lagging", PROVEN, "admit"),
        ("context", "shadow", "not shown", PROVEN, "admit"),
        ("context", "shadow", "leading", UNPROVEN, "keep in shadow"),
        ("leading", "live", "leading", UNPROVEN, "admitted"),
        ("leading", "live", "lagging", PROVEN, "lagging"),
        ("leading", "live", "not shown", UNPROVEN, "not proven"),
        ("lagging", "live", "leading", PROVEN, "admitted"),
        ("lagging", "live", "leading", UNPROVEN, "not proven"),
    ],
)
def test_the_verdict_follows_from_lead_and_worth(
    kind: str,
    stage: str,
    finding: LeadFinding,
    worth: IndicatorWorth,
    verdict: AdmissionVerdict,
    trained: House,
) -> None:
    item = trained.company.indicators["visits"].model_copy(update={"kind": kind, "stage": stage})
    assert admission.decide(item, lead(finding), worth) == verdict


@pytest.fixture(scope="module")
def judged(trained: House) -> Admission:
    """The admission of the small company's indicators."""
    (found,) = admission.evaluate_indicators(trained.company, [TARGET], settings=trained.settings)
    return found


def test_every_live_and_shadow_indicator_is_judged(judged: Admission, trained: House) -> None:
    expected = set(trained.company.staged("live", "shadow"))
    assert {item.indicator for item in judged.evidence} == expected
    weights = [item.weight for item in judged.evidence if item.stage == "live"]
    assert sum(weight or 0 for weight in weights) == pytest.approx(1)
    assert [item.weight for item in judged.evidence if item.stage == "shadow"] == [None]


def test_the_heaviest_comes_first_with_its_evidence(judged: Admission) -> None:
    weights = [item.weight or 0.0 for item in judged.evidence]
    assert weights == sorted(weights, reverse=True)
    first = judged.evidence[0]
    assert first.lead is not None
    assert f"{first.lead.at_gap.churners} accounts that churned" in first.why
    assert "thousandths of log loss without it" in first.why


def test_a_category_has_no_curve_and_is_tried_all_the_same(judged: Admission) -> None:
    (channel,) = (item for item in judged.evidence if item.indicator == "channel")
    assert channel.lead is None
    assert channel.worth.value is not None
    assert "no riskier side, so no lead time" in channel.why


def test_the_evidence_is_plain_json(judged: Admission) -> None:
    plain = json.loads(json.dumps(judged.plain(), allow_nan=False))
    assert plain["evaluated_on"] == "later as-of dates"
    assert "curves" not in plain["evidence"][0]["lead"]
    assert plain["evidence"][0]["lead"]["at_gap"]["coverage"] > 0.9


@pytest.fixture(scope="module")
def trial(trained: House) -> ablation.AblationTrial:
    """The trial of the small company's indicators."""
    months = learning_dates(trained.company)
    return ablation.trial(built(trained.company, *months), trained.company, TARGET, months)


def test_a_model_is_never_tried_on_rows_that_were_not_later(trial: ablation.AblationTrial) -> None:
    target = trial.company.targets[TARGET]
    for fold in trial.folds:
        (day,) = np.unique(trial.rows.as_of[fold.test])
        fitted = [item.astype(object) for item in np.unique(trial.rows.as_of[fold.train])]
        assert split.settled_before(fitted, day.astype(object), target) == fitted


def test_what_the_model_has_no_use_for_is_worth_nothing(trial: ablation.AblationTrial) -> None:
    place = [item.name for item in trial.features].index("basket__90d")
    X = trial.rows.X.copy()
    X[:, place] = np.nan
    empty = replace(trial, rows=replace(trial.rows, X=X))
    saved = ablation.worth(empty, "basket", empty.losses(empty.live))
    assert not saved.proven


def test_a_column_that_knows_the_outcome_is_worth_much(trial: ablation.AblationTrial) -> None:
    place = [item.name for item in trial.features].index("basket__90d")
    X = trial.rows.X.copy()
    X[:, place] = -trial.rows.y
    telling = replace(trial, rows=replace(trial.rows, X=X))
    saved = ablation.worth(telling, "basket", telling.losses(telling.live))
    assert saved.proven
    assert (saved.value or 0) > 0.1


def test_a_model_of_nothing_says_the_base_rate(trial: ablation.AblationTrial) -> None:
    losses = trial.losses(frozenset())
    first = trial.rows.where(trial.folds[0].test).y
    rate = first.mean()
    expected = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert losses[: len(first)].mean() == pytest.approx(expected, rel=1e-3)


# Lead times beside the model


def test_the_models_margin_comes_from_outcomes_that_were_settled(trained: House) -> None:
    (found,) = lead_times.measure_leads(trained.company, [TARGET], step=14)
    assert found.model is not None
    assert found.model.column == "margin"
    first = date.fromisoformat(found.as_of[0])
    with contract.sound_tables(trained.company) as tables:
        months = snapshots.mature_month_starts(tables, TARGET)
        weeks = measure.as_of_dates(tables, TARGET, 14)
    target = trained.company.targets[TARGET]
    assert not split.settled_before(months, first, target)
    taught = [day for day in months if split.settled_before(months, day, target)]
    churned = [point.churners for point in found.model.curves[0].points]
    reach = (weeks[-1] - taught[0]).days
    assert churned[0] > 0
    assert all(
        count == 0
        for count, point in zip(churned, found.model.curves[0].points, strict=True)
        if point.from_days > reach
    )


def test_training_keeps_the_leads_and_says_who_does_not_lead(trained: House) -> None:
    kept = trained.champion.evaluation.lead_times
    assert kept is not None
    assert kept.step_days == lead_times.MONTH
    by_name = {item.indicator: item for item in kept.indicators}
    assert set(by_name) >= {"visits", "recency", "spend", "tickets"}
    for name, item in by_name.items():
        if name in trained.champion.meanings and item.declared == "leading":
            kind = trained.champion.kinds[name]
            assert kind == ("leading" if item.headline else "lagging")
    silent = [name for name, item in by_name.items() if item.declared == "leading"]
    demoted = [name for name in silent if not by_name[name].headline]
    assert all(name in of_company(trained.trained) for name in demoted)
    assert "tickets" in demoted, "tickets of the small company have nothing to do with churn"


def test_what_does_not_lead_heads_no_reasons(trained: House) -> None:
    rows = built(trained.company, date(2025, 11, 1)).table
    heads = {item.indicator for item in _heads(rows, trained.champion, trained)}
    assert "visits" in heads
    found = LeadTimes(
        target=TARGET,
        gap_days=0,
        step_days=30,
        as_of=("2025-01-01",),
        churners=100,
        level=0.001,
        silence_days=60,
        leads=(lead("not shown"),),
        model=None,
        skipped={},
    )
    told = lead_times.with_lead_times(trained.champion, found)
    assert told.digest == trained.champion.digest
    assert "visits" not in {item.indicator for item in _heads(rows, told, trained)}


def _heads(rows: pa.Table, artifact: Artifact, house: House) -> list[Driver]:
    """The first reason of every account that has one."""
    told = [reasons(item) for item in assess(rows, artifact, house.company)]
    return [drivers[0] for drivers in told if drivers]


# The command line


def test_lead_times_come_as_json_with_pictures(trained: House, tmp_path: Path) -> None:
    words = [
        "lead-time",
        "--company",
        str(trained.company.folder),
        "--json",
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)
    assert found["silence_days"] == 60
    assert found["skipped"] == {"channel__all": "a category has no riskier side"}
    names = {path.name for path in (tmp_path / TARGET).iterdir()}
    assert names == {f"{lead['family']}.png" for lead in [*found["leads"], found["model"]]}


def test_both_reports_are_tables_for_people(
    judged: Admission, capsys: pytest.CaptureFixture[str]
) -> None:
    report.show_admissions([judged])
    shown = capsys.readouterr().out
    assert all(item.indicator in shown and item.verdict in shown for item in judged.evidence)
