"""What a review computes, on made-up scores: the comparison of two models, and its verdict.

One design rule: expected figures are computed here anew, from the rows, as plainly as can be.
"""

import re
from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit, logit

import review_cases
from training.calibrating.bands import BANDS, RED, band_codes
from training.calibrating.opportunity import LISTED_FROM
from training.metrics.measured import UNKNOWN, Measured
from training.review import verdict
from training.review.by_model import ByModel
from training.review.comparison import ComparedRows, ComparisonResult, ModelComparison, compare
from training.review.comparison_dates import ComparisonDates
from training.review.scored import ScoredArrays
from training.review.statuses import NO, NOT_SCORED, OPPORTUNITIES, YES, Statuses, of_opportunity

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

DAYS = [date(2025, 10, 1), date(2025, 11, 1), date(2025, 12, 1)]
HEALTH = Statuses(BANDS, RED, band_codes)
OPPORTUNITY = Statuses(OPPORTUNITIES, YES, of_opportunity)


def scored(chances: Floats) -> ScoredArrays:
    return ScoredArrays(logit(chances), 100 * (1 - chances), np.ones(len(chances)))


@pytest.fixture(scope="module")
def rows() -> ComparedRows:
    """120, 80 and 40 rows of three days; nobody churned after the last; few accounts are small."""
    draw = np.random.default_rng(0)
    chances = draw.uniform(0.05, 0.95, 240)
    days = np.repeat(np.array(DAYS, dtype="datetime64[D]"), [120, 80, 40])
    labels = ((draw.random(240) < chances) & (days < days[-1])).astype(np.int8)
    noisy = expit(logit(chances) + draw.normal(0, 1, 240))
    return ComparedRows(
        ByModel(scored(noisy), scored(chances)),
        labels,
        [f"A{number % 120}" for number in range(240)],
        np.where(np.arange(240) % 6 == 0, "small", "large").astype(object),
        days,
        np.where(np.arange(240) % 2, 10.0, np.nan),
    )


def compared(rows: ComparedRows | None, statuses: Statuses = HEALTH) -> ModelComparison:
    dates = ComparisonDates("unseen", DAYS, None, "as asked", ())
    return compare(rows, dates, 0.1, statuses)


@pytest.fixture(scope="module")
def found(rows: ComparedRows) -> ComparisonResult:
    result = compared(rows).result
    assert result is not None
    return result


def losses(scores: ScoredArrays, labels: Labels) -> Floats:
    chances = expit(scores.logits)
    lost: Floats = -np.log(np.where(labels == 1, chances, 1 - chances))
    return lost


def ranked(scores: ScoredArrays, labels: Labels) -> float:
    """The share of pairs of a churned and a stayed account in which the first is the riskier."""
    pairs = np.subtract.outer(scores.logits[labels == 1], scores.logits[labels == 0])
    return float((pairs > 0).mean())


# The comparison


def test_gains_are_those_of_the_rows(rows: ComparedRows, found: ComparisonResult) -> None:
    lower = losses(rows.scores.champion, rows.labels) - losses(rows.scores.challenger, rows.labels)
    assert found.log_loss_gain.value == pytest.approx(lower.mean())
    assert (found.rows, found.accounts, found.events) == (240, 120, rows.labels.sum())
    for day, of_day in zip(DAYS, found.by_as_of, strict=True):
        mask = rows.as_of == np.datetime64(day)
        assert (of_day.as_of, of_day.rows) == (day, mask.sum())
        assert of_day.log_loss_gain.value == pytest.approx(lower[mask].mean())
        assert of_day.base_rate == pytest.approx(rows.labels[mask].mean())
    large, small = found.segments
    mask = rows.segments == "large"
    assert (large.segment, large.rows, small.rows) == ("large", 200, 40)
    assert large.log_loss_gain is not None
    assert large.log_loss_gain.value == pytest.approx(lower[mask].mean())
    assert small.log_loss_gain is None, "on fewer than 50 rows"


def test_areas_are_within_dates_and_a_date_of_one_outcome_has_none(
    rows: ComparedRows, found: ComparisonResult
) -> None:
    first, second, last = (rows.as_of == np.datetime64(day) for day in DAYS)
    areas = []
    for scores, quality in zip(rows.scores, found.quality, strict=True):
        own = [
            ranked(
                ScoredArrays(scores.logits[mask], scores.health, scores.health), rows.labels[mask]
            )
            for mask in (first, second)
        ]
        areas.append((120 * own[0] + 80 * own[1]) / 200)
        assert quality.auc == pytest.approx(areas[-1])
    assert found.auc_gain.value == pytest.approx(areas[1] - areas[0])
    assert not rows.labels[last].any()
    assert [levels.auc for levels in found.by_as_of[-1].levels] == [None, None]


def test_the_team_works_the_red_ones_or_the_opportunities(rows: ComparedRows) -> None:
    for statuses, first in ((HEALTH, rows.scores.champion.health < 40), (OPPORTUNITY, None)):
        result = compared(rows, statuses).result
        assert result is not None
        if first is None:
            first = rows.scores.champion.health >= LISTED_FROM
        mask = rows.as_of == np.datetime64(DAYS[0])
        team = result.by_as_of[0].value.champion
        assert team.worked_first.accounts == (first & mask).sum()
        assert team.worked_first.churned == rows.labels[first & mask].sum()
        assert team.at_capacity.accounts == 12
        if statuses is OPPORTUNITY:
            assert team.revenue is None
        else:
            churned = mask & (rows.labels == 1) & ~np.isnan(rows.mrr)
            assert team.revenue is not None
            assert team.revenue.share == pytest.approx((churned & first).sum() / churned.sum())


def test_without_rows_a_comparison_says_only_on_which_dates_it_would_have_been() -> None:
    none = compared(None)
    assert (none.basis, none.as_of, none.result) == ("unseen", DAYS, None)
    assert verdict.is_better(none, False).reason.startswith("on the comparison dates, all accounts")
    nowhere = replace(none, basis="none", explanation="nothing has matured")
    assert verdict.is_better(nowhere, False).reason == "nothing has matured"


# The verdict


@pytest.mark.parametrize(
    ("days", "on"),
    [(1, "on 2025-10-01, "), (2, "on 2 dates from 2025-10-01 to 2025-11-01, ")],
)
def test_a_verdict_names_its_dates_and_figures(days: int, on: str) -> None:
    check = verdict.is_better(replace(review_cases.comparison(), as_of=DAYS[:days]), False)
    assert check.passed
    assert check.reason == (
        f"{on}the challenger's log loss is significantly lower than the champion's: gain in "
        "log loss 0.0123 (95% CI 0.0012 to 0.0235) over 2,345 rows, in 240 of which the account "
        "churned"
    )


@pytest.mark.parametrize(
    ("gain", "expired", "same", "said"),
    [
        (Measured(0.01, -0.01, 0.02), True, False, "not significantly lower .*; the champion has"),
        (
            Measured(0.01, -0.01, 0.02),
            False,
            True,
            r"not significantly lower .* \(it is the same\)$",
        ),
        (
            Measured(-0.02, -0.03, -0.01),
            False,
            False,
            "is significantly higher than .* 240 of which the account churned$",
        ),
        (UNKNOWN, False, False, "not significantly lower than .*: gain in log loss unknown"),
    ],
)
def test_a_verdict_says_why_a_champion_may_stay(
    gain: Measured, expired: bool, same: bool, said: str
) -> None:
    comparison = review_cases.comparison()
    result = replace(review_cases.result(), log_loss_gain=gain)
    comparison = replace(
        comparison, result=result, makes_champion=same, explanation="it is the same"
    )
    check = verdict.is_better(comparison, expired)
    assert check.passed == expired
    assert re.search(said, check.reason)


def test_an_opportunity_begins_at_its_edge() -> None:
    scores = np.array([np.nan, LISTED_FROM - 1e-9, LISTED_FROM, LISTED_FROM + 1])
    assert of_opportunity(scores).tolist() == [NOT_SCORED, NO, YES, YES]
    assert (HEALTH.first_name, HEALTH.unscored) == ("red", BANDS.index("unscored"))
    assert (OPPORTUNITY.first_name, OPPORTUNITY.unscored) == ("yes", NOT_SCORED)
