"""What a review says, made up: figures in which every digit that is printed can be told apart.

One design rule: nothing is trained or scored here, so that tests of the pages are quick.
"""

from dataclasses import replace
from datetime import date, timedelta

import report_cases
from training.metrics.calibration_table import CalibrationMeasures, CalibrationTable, Rates
from training.metrics.measured import UNKNOWN, Measured
from training.metrics.segments import Shrunken
from training.metrics.value import Caught, Worked
from training.metrics.worth import AtCapacity
from training.reporting.target_words import CHURN
from training.review.by_model import ByModel
from training.review.candidates import ModelSummary
from training.review.comparison import (
    ComparisonResult,
    DateComparison,
    Levels,
    ModelComparison,
    ModelQuality,
    SegmentCalibration,
    SegmentComparison,
    TeamValue,
)
from training.review.comparison_dates import MaturedDate
from training.review.content import ReviewContent
from training.review.sections.calibration import ModelCalibration, ReviewDateCalibration
from training.review.sections.coverage import ModelCoverage, SegmentCoverage
from training.review.sections.drift import MeasuredShift, ReviewDrift, ReviewedColumn, StatusShares
from training.review.sections.flaps import BandChanges, Changes, Flaps
from training.review.sections.lead_times import IndicatorLeadTime, LeadTime, ReviewLeadTimes
from training.review.sections.ledger import BandCounts, LeadTotals, Ledger, LedgerEntry
from training.review.sections.migration import GroupMigration, Migration, MovedAccount
from training.review.verdict import Verdict, VerdictCheck

MORNING, DAY, EARLIER = date(2026, 6, 1), date(2026, 3, 1), date(2026, 2, 1)
LEADS = (30, 60, 90, 180)
WATERMELONS = 21
GAIN = Measured(0.012345, 0.001234, 0.023456)
MEASURED = CalibrationMeasures(
    Measured(0.01234, 0.00123, 0.02345), Measured(1.0123, 0.9012, 1.1234), UNKNOWN
)
RATES = report_cases.rates(3)


def model(version: str, dates: int) -> ModelSummary:
    """Return what the review says of a model that was trained on so many dates."""
    return ModelSummary(
        name="acme-churn",
        version=version,
        digest=version * 64,
        trained_on=(date(2025, 7, 1), date(2025, 6 + dates, 1)),
        training_dates=dates,
        trained_until=date(2026, 1, 30),
        data_until=DAY,
        data_digest="d" * 64,
        rows=1000,
        good_until=date(2026, 9, 1),
        expiry=date(2026, 8, 1) if dates > 1 else None,
    )


def team(accounts: int, share: float) -> TeamValue:
    """Return what a team would have had of a model."""
    worked = Worked(0.1, accounts, 6.0, 0.61234, 2.0, 0.3)
    at = AtCapacity(
        0.1, accounts + 1, 6.0, Measured(0.5, 0.4, 0.6), Measured(2.1234, 1.5, 3.0), UNKNOWN
    )
    return TeamValue(
        at_capacity=at,
        gains=report_cases.curve(),
        worked_first=worked,
        revenue=Caught(9, 8, 100.0, 100 * share, share),
    )


def quality(auc: float) -> ModelQuality:
    """Return a model's quality, told apart by its AUC."""
    return ModelQuality(
        auc=auc,
        log_loss=auc / 2,
        predicted_rate=auc / 4,
        ece=auc / 8,
        calibration=MEASURED,
        reliability=RATES,
    )


def segment(name: str, gain: Measured | None) -> SegmentComparison:
    """Return the comparison on one segment."""
    own = SegmentCalibration(
        calibration=MEASURED, reliability=RATES, shrunken=Shrunken(0.4, 0.01234, 1.0123, 0.02345)
    )
    return SegmentComparison(
        segment=name,
        rows=1200,
        accounts=600,
        events=120,
        base_rate=0.10234,
        predicted_rate=ByModel(0.11234, 0.12345),
        log_loss_gain=gain,
        calibration=ByModel(own, own),
    )


def result() -> ComparisonResult:
    """Return what the comparison shows: one date, two segments."""
    sizes = {"rows": 2345, "accounts": 1234, "events": 240}
    day = DateComparison(
        as_of=DAY,
        **sizes,
        base_rate=0.10234,
        levels=ByModel(Levels(auc=0.7, log_loss=0.43215, predicted_rate=0.1),
                       Levels(auc=0.8, log_loss=0.41234, predicted_rate=0.1)),
        log_loss_gain=GAIN,
        value=ByModel(team(230, 0.41234), team(240, 0.51234)),
    )  # fmt: skip
    return ComparisonResult(
        **sizes,
        base_rate=0.10234,
        quality=ByModel(quality(0.71234), quality(0.81234)),
        log_loss_gain=GAIN,
        auc_gain=Measured(0.1, 0.05, 0.15),
        by_as_of=[day],
        valued_on=DAY,
        segments=[segment("large", GAIN), segment("small", None)],
    )


def comparison() -> ModelComparison:
    """Return the comparison on a date that neither model was trained on."""
    return ModelComparison(
        basis="unseen",
        explanation="the two models are compared on dates that neither was trained on",
        since_the_champion=[
            MaturedDate(EARLIER, "overlapping", "unseen"),
            MaturedDate(DAY, "unseen", "unseen"),
        ],
        as_of=[DAY],
        repeated_auc=None,
        makes_champion=False,
        result=result(),
    )


def counts(churns: int, red: int, green: int) -> BandCounts:
    """Return counts of which the rest were not scored."""
    bands = {"red": red, "yellow": 0, "green": green, "unscored": churns - red - green}
    shares = {band: number / churns if churns else None for band, number in bands.items()}
    caught = Caught(churns, churns, 100.0, 25.0, 0.25 if churns else None)
    return BandCounts(churns=churns, **bands, shares=shares, revenue_red_before=caught)


def entry(number: int) -> LedgerEntry:
    """Return a watermelon."""
    return LedgerEntry(
        account_id=f"W{number:02}",
        churned=DAY,
        lead_days=30,
        looked_on=DAY - timedelta(days=31),
        days_before=31,
        in_sample=number == 0,
        band="green",
        health_score=80.6,
        churn_probability=0.1,
        first_driver="visits" if number == 0 else "gone",
        driver_points=12.34,
        segment="small",
        owner=None if number == 0 else "Ada",
        mrr=1234.567 if number == 0 else None,
    )


def ledger() -> Ledger:
    """Return a ledger whose longest lead has no entry and whose shortest is partly in sample."""
    totals = [
        LeadTotals(
            lead_days=lead,
            left_out=40 - churns,
            **vars(counts(churns, churns // 4, churns // 2)),
            out_of_sample=counts(fresh, 0, fresh),
        )
        for lead, churns, fresh in zip(LEADS, (40, 20, 8, 0), (30, 20, 0, 0), strict=True)
    ]
    return Ledger(EARLIER, MORNING, 40, totals, [entry(number) for number in range(WATERMELONS)])


def calibration() -> list[ReviewDateCalibration]:
    """Return two dates, on the first of which the challenger scores nobody."""
    rates = Rates(200, 21, 0.11234, 0.10512, 0.05, 0.2)
    table = CalibrationTable(rates, MEASURED, RATES)
    known = ModelCalibration("unseen", 1200, table)
    nobody = ModelCalibration("trained on", 0, None)
    return [
        ReviewDateCalibration(EARLIER, 1200, 126, 0.105, ByModel(known, nobody)),
        ReviewDateCalibration(DAY, 1200, 126, 0.105, ByModel(known, known)),
    ]


def drift() -> ReviewDrift:
    """Return shifts of the scores and of two columns."""
    column = ReviewedColumn(
        index=0.5,
        by_chance=0.1,
        major=True,
        column="visits__28d",
        indicator="visits",
        title="Visits",
    )
    other = replace(column, index=0.2, major=False, column="spend__28d", title="Spend")
    shares: dict[str, float | None] = {"red": 0.1234, "yellow": 0.25, "green": 0.6266}
    return ReviewDrift(
        since=EARLIER,
        until=MORNING,
        accounts=(1234, 2345),
        major_above=0.25,
        columns=[column, other],
        scores=MeasuredShift(index=0.0512, by_chance=0.0612, major=False),
        statuses=(StatusShares(EARLIER, shares), StatusShares(MORNING, dict.fromkeys(shares))),
    )


def migration(accounts: int = WATERMELONS) -> Migration:
    """Return a migration of so many accounts from red to green, all of one owner."""
    bands = ("red", "yellow", "green", "unscored")
    matrix = {old: dict.fromkeys(bands, 0) for old in bands}
    matrix["red"] |= {"red": 1500, "green": accounts}
    group = {"scored": 1500 + accounts, "worse": 0, "better": accounts, "scored_by_one_alone": 0}
    moved = [
        MovedAccount(
            account_id=f"M{number:02}",
            owner="Ada",
            segment="small",
            before="red",
            after="green",
            score=ByModel(35.67, 71.23),
            mrr=1234.567 * number if number else None,
        )
        for number in range(accounts)
    ]
    return Migration(
        as_of=MORNING,
        matrix=matrix,
        changed=accounts,
        **group,
        per_owner=[
            GroupMigration(name="Ada", changed=accounts, **group),
            GroupMigration(name="Ben", changed=0, **(group | {"better": 0})),
        ],
        per_segment=[GroupMigration(name="small", changed=accounts, **group)],
        moved=moved,
    )


def flaps() -> Flaps:
    """Return changes of bands that hysteresis halves."""
    shown, announced = Changes(2000, 90, 10, 4.5123, 0.5123), Changes(2000, 45, 1, 2.2512, 0.0512)
    changes = BandChanges(shown, announced, 9, 0.2123)
    return Flaps(26, EARLIER, MORNING, 3.0, 4, ByModel(changes, changes))


def lead_times() -> ReviewLeadTimes:
    """Return four indicators: later, found anew, open-ended now, and as before."""
    then = LeadTime("Visits", "leads", 60, open_ended=False, headline=True)
    pairs = {
        "visits": (then, replace(then, title="Visits a week", lead_days=90)),
        "spend": (None, replace(then, title="Spend", finding="says nothing", lead_days=None)),
        "tickets": (
            replace(then, title="Tickets"),
            replace(then, title="Tickets", open_ended=True),
        ),
        "channel": (then, then),
    }
    return ReviewLeadTimes(
        ByModel(30, 30),
        [
            IndicatorLeadTime(name, ByModel(*pair), pair[0] != pair[1])
            for name, pair in pairs.items()
        ],
    )


def content() -> ReviewContent:
    """Return the whole review, whose verdict is to promote."""
    covered = ByModel(ModelCoverage(90, 0.9, 0.81), ModelCoverage(0, None, None))
    return ReviewContent(
        format=3,
        company="Acme",
        simulated=False,
        currency="EUR",
        target="churn",
        as_of=MORNING,
        data_until=MORNING,
        data_digest="0123456789abcdef" * 4,
        adverse=True,
        score="health_score",
        words=CHURN,
        titles={"visits": "Visits"},
        silence_days=60,
        capacity=0.1,
        champion=model("1", 1),
        challenger=model("2", 6),
        reason="a new plan",
        verdict=Verdict("promote", ["it is better"], [VerdictCheck("skill", True, "it is better")]),
        warnings=["the tables have changed"],
        comparison=comparison(),
        ledger=ledger(),
        calibration=calibration(),
        drift=drift(),
        migration=migration(),
        flaps=flaps(),
        lead_times=lead_times(),
        coverage=[SegmentCoverage("all accounts", 1200, 1100, covered)],
        not_applicable={},
    )
