"""The model report and the model card: made from an artifact alone, and true to its numbers."""

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Page as BrowserPage

from trained_company import TARGET, House, built, learning_dates
from training import expiry, report_data
from training.artifact import Artifact
from training.explaining.drivers import by_indicator
from training.learning.matrix import matrix
from training.metrics import value, worth
from training.metrics.measured import Measured
from training.records.evaluation import Certificate, CertificateCheck
from training.reporting import markdown, model_report, page
from training.reporting.markdown import escaped


@pytest.fixture(scope="module")
def artifact(trained: House) -> Artifact:
    return trained.trained.artifact


@pytest.fixture(scope="module")
def html(artifact: Artifact) -> str:
    return page.render(model_report.report(artifact))


@pytest.fixture(scope="module")
def card(artifact: Artifact) -> str:
    return markdown.render(model_report.card(artifact))


# Report and card


def test_both_are_made_again_from_the_saved_artifact_alone(
    artifact: Artifact, html: str, card: str, tmp_path: Path
) -> None:
    artifact.save(tmp_path / "model")
    model_report.write(Artifact.load(tmp_path / "model"), tmp_path / "model")
    assert (tmp_path / "model" / "report.html").read_text("utf-8") == html
    assert (tmp_path / "model" / "model-card.md").read_text("utf-8") == card
    assert Artifact.load(tmp_path / "model").digest == artifact.digest


def test_the_report_shows_every_plot_that_is_promised(artifact: Artifact) -> None:
    names = {figure.name for figure in model_report.report(artifact).figures}
    promised = "reliability calibration-by-date gains lift precision-at-capacity bands drivers"
    assert {*promised.split(), "drift"} <= names
    assert any(name.startswith("lead-time-") for name in names)


def test_the_numbers_are_those_of_the_evaluation(artifact: Artifact, html: str, card: str) -> None:
    judged = artifact.evaluation
    for text in (html, card):
        assert page.with_interval(judged.quality.auc) in text
        assert page.with_interval(judged.quality.log_loss, 4) in text
        assert page.shares(judged.value.at_capacity.precision) in text
        assert artifact.digest in text
        for item in judged.segments:
            assert item.segment in text
        for result in judged.test_dates:
            assert result.as_of in text
            assert page.with_interval(result.gain_over_base_rate, 4) in text


def test_the_card_says_what_one_must_know_before_use(artifact: Artifact, card: str) -> None:
    titles = re.findall(r"^## (.*)$", card, flags=re.MULTILINE)
    asked = "What it predicts|Intended use|Quality|Calibration|Segments|Data|Limits|Expiry"
    assert set(asked.split("|")) <= set(titles)
    assert "It must not be used" in card
    assert f"{artifact.horizon_days} days that begin {_gap(artifact)}" in card
    assert artifact.training.data_digest in card


def _gap(artifact: Artifact) -> str:
    return f"after a gap of {artifact.gap_days} days." if artifact.gap_days else "on that date."


def test_without_a_gap_the_card_speaks_of_none(artifact: Artifact) -> None:
    for days, begin in ((0, "begin on that date."), (14, "begin after a gap of 14 days.")):
        assert begin in markdown.render(model_report.card(replace(artifact, gap_days=days)))


def test_a_segment_that_is_worse_than_the_base_rate_is_named(artifact: Artifact) -> None:
    first, *others = artifact.evaluation.segments
    loss = Measured(-0.1, -0.2, -0.05)
    worse = replace(first, worse_than_base_rate=True, gain_over_base_rate=loss)
    judged = replace(artifact.evaluation, segments=(worse, *others))
    told = markdown.render(model_report.card(artifact.with_evaluation(judged)))
    assert f"worse than the base rate on segment {first.segment}" in told.lower()


def test_what_the_certificate_missed_is_named(artifact: Artifact) -> None:
    check = CertificateCheck("fidelity", "the share that", 0.97, 0.9, "at least", 300, True)
    checks = (
        check,
        replace(check, name="stability", value=0.5, passed=False),
        replace(check, name="planted causes", value=None, passed=None),
    )
    judged = replace(artifact.evaluation, certificate=Certificate("2026-01-01", checks))
    told = markdown.render(model_report.card(artifact.with_evaluation(judged)))
    assert "> Failed: stability." in told
    assert "| stability | the share that | 0.5 | at least 0.9 | 300 | failed |" in told
    assert "nothing to check" in told


def test_a_simulated_company_is_called_so(artifact: Artifact) -> None:
    about = artifact.training.declared
    assert about is not None
    about = replace(about, simulated=True)
    made = artifact.with_training(replace(artifact.training, declared=about))
    assert "Simulated data" in page.render(model_report.report(made))
    assert "simulated data" in markdown.render(model_report.card(made))


@pytest.mark.parametrize("browser_page", [1280, 390], indirect=True)
def test_axe_finds_nothing_and_nothing_runs_out_of_the_page(
    browser_page: BrowserPage, html: str
) -> None:
    browser_page.set_content(html)
    found = Axe().run(browser_page)
    assert found.violations_count == 0, found.generate_report()
    width = browser_page.evaluate("document.documentElement.scrollWidth")
    assert width <= browser_page.evaluate("innerWidth")


@given(st.text())
def test_no_text_becomes_markup_in_a_card(text: str) -> None:
    told = escaped(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[|*_`<\[#]", told)
    assert "\n" not in told


# The evidence that is kept


def test_driver_points_are_the_artifacts_own(trained: House, artifact: Artifact) -> None:
    days = learning_dates(trained.company)
    rows = built(trained.company, days[-1]).table
    X = matrix(rows, artifact.features)
    found = report_data.drivers(artifact, X)
    names, folded = by_indicator(artifact.contributions(X), artifact.features)
    points = folded * artifact.scale.points_per_margin
    for item in found.indicators:
        own = np.abs(points[:, names.index(item.indicator)]).mean()
        assert item.points == pytest.approx(own, abs=1e-3)
    strengths = [item.points for item in found.indicators]
    assert strengths == sorted(strengths, reverse=True)
    assert len(found.points) <= report_data.SAMPLE
    places = [x for row in found.position for x in row if x is not None]
    assert all(0 <= x <= 1 for x in places)


def test_no_account_is_in_what_is_kept(trained: House, artifact: Artifact) -> None:
    known = set(built(trained.company).table["account_id"].to_pylist())
    kept = str(artifact.evaluation) + str(artifact.training)
    assert not any(f"'{account}'" in kept for account in known)


def test_drift_finds_the_column_that_moved(artifact: Artifact) -> None:
    generator = np.random.default_rng(0)
    before = generator.normal(size=(500, len(artifact.features)))
    latest = generator.normal(size=(500, len(artifact.features)))
    numeric = [i for i, item in enumerate(artifact.features) if item.dtype == "number"]
    latest[:, numeric[0]] += 2
    found = report_data.drift(artifact.features, numeric, (before, latest), ("a", "b"))
    first, second = found.furthest[:2]
    assert first.column == artifact.features[numeric[0]].name
    assert first.index > 0.25 > second.index


# What scores are worth


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=60),
    st.floats(0, 1),
)
def test_who_is_worked_is_what_the_capacity_allows(
    rows: list[tuple[int, bool]], capacity: float
) -> None:
    risk = np.array([score for score, _ in rows], dtype=float)
    labels = np.array([came for _, came in rows], dtype=np.int8)
    part = worth.worked(risk, capacity)
    assert ((part >= 0) & (part <= 1)).all()
    assert part.sum() == pytest.approx(int(capacity * len(risk)))
    assert part @ labels == pytest.approx(value.at_capacity(risk, labels, capacity).churned)


def test_revenue_counts_what_churned_and_is_known() -> None:
    risk = np.array([3.0, 2.0, 1.0, 0.0])
    labels = np.array([1, 0, 1, 1], dtype=np.int8)
    mrr = {"a": 100.0, "b": 50.0, "c": 300.0}
    found = worth.of(risk, labels, ["a", "b", "c", "d"], 0.5, mrr).revenue
    assert found is not None
    assert (found.accounts, found.known) == (3, 2)
    assert (found.churned, found.caught) == (400.0, 100.0)
    assert found.share.value == 0.25


def test_without_revenue_nothing_is_said_of_it() -> None:
    risk, labels = np.array([1.0, 0.0]), np.array([1, 0], dtype=np.int8)
    assert worth.of(risk, labels, ["a", "b"], 0.5).revenue is None


# How long it is good for


def test_a_model_is_overdue_half_a_year_after_its_data(artifact: Artifact) -> None:
    last = expiry.due(artifact)
    assert last == date.fromisoformat(artifact.training.data_until or "") + timedelta(days=183)
    assert expiry.overdue(artifact, last) == ""
    assert "was due for review after" in expiry.overdue(artifact, last + timedelta(days=1))


def test_a_model_expires_with_its_registration(artifact: Artifact) -> None:
    assert expiry.expired(artifact, "2026-05-01", date(2026, 5, 1)) == ""
    assert "expired on 2026-05-01" in expiry.expired(artifact, "2026-05-01", date(2026, 5, 2))
    assert expiry.expired(artifact, None, date(2026, 5, 2)) == ""
    assert TARGET in expiry.expired(artifact, "2026-05-01", date(2027, 1, 1))
