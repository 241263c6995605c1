"""From a row to what people read: points that add up, bands, reasons, sentences, playbooks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.declaring.company import Company
from serving.assessment.assess import Assessment, assess
from serving.assessment.opportunities import Opportunity
from serving.assessment.reasons import MAX_REASONS, REAL_POINTS, reasons
from serving.assessment.score_parts import Driver
from serving.published.runs import from_rows, to_table
from trained_company import TARGET, House, built
from training.artifact import Artifact
from training.calibrating.bands import band_of
from training.explaining.drivers import (
    Meaning,
    amount,
    noun,
    sentence,
    shown_feature,
    value_and_usual,
)
from training.learning.matrix import Feature, matrix, tabular

POINTS = ("outcome_points", "business_points", "relationship_points", "context_points")
AS_OF = date(2025, 11, 1)

Row = dict[str, Any]


def row(artifact: Artifact, **values: Any) -> Row:
    """A row of which everything asked for is known, unless `values` say otherwise."""
    usual = {item.name: item.usual for item in artifact.features}
    own = {"account_id": "A1", "as_of": AS_OF, "segment": "small", "history_days": 400}
    return own | {f"eligible__{TARGET}": True} | usual | values


def table(artifact: Artifact, rows: Sequence[Row]) -> pa.Table:
    types = {"number": pa.float64(), "category": pa.string()}
    return pa.Table.from_pylist(
        list(rows),
        pa.schema(
            [
                ("account_id", pa.string()),
                ("as_of", pa.date32()),
                ("segment", pa.string()),
                ("history_days", pa.int32()),
                *((item.name, types[item.dtype]) for item in artifact.features),
                (f"eligible__{TARGET}", pa.bool_()),
            ]
        ),
    )


def one(house: House, **values: Any) -> Assessment:
    artifact = house.champion
    (found,) = assess(table(artifact, [row(artifact, **values)]), artifact, house.company)
    return found


@st.composite
def random_rows(draw: st.DrawFn, features: Sequence[Feature]) -> list[Row]:
    """Draw rows with unknown values, extremes and categories that training never saw."""
    numbers = st.none() | st.floats(-1e6, 1e6) | st.integers(0, 200).map(float)
    words = st.none() | st.sampled_from(["web", "shop", "app", "fax", ""])
    rows = st.fixed_dictionaries(
        {item.name: words if item.dtype == "category" else numbers for item in features}
    )
    return draw(st.lists(rows, min_size=1, max_size=12))


def adds_up(item: Assessment) -> bool:
    score, base = item.health_score_unclipped, item.base_points
    assert score is not None
    assert base is not None
    by_driver = base + math.fsum(driver.points for driver in item.drivers)
    by_dimension = base + math.fsum(getattr(item, name) for name in POINTS)
    return abs(by_driver - score) <= 1e-9 and abs(by_dimension - score) <= 1e-9


@given(data=st.data())
def test_points_add_up_to_the_unclipped_score(data: st.DataObject, trained: House) -> None:
    artifact = trained.champion
    drawn = data.draw(random_rows(artifact.features))
    rows = table(artifact, [row(artifact, **values) for values in drawn])
    found = assess(rows, artifact, trained.company)
    for item in found:
        if item.unscored_reason:
            assert item.completeness == 0
            continue
        assert adds_up(item)
        sizes = [-abs(driver.points) for driver in item.drivers]
        assert sizes == sorted(sizes)
        assert {driver.indicator for driver in item.drivers} == set(artifact.meanings)
        assert item.health_score == min(max(item.health_score_unclipped or 0, 0), 100)
        assert item.band == band_of(item.health_score)
    assert from_rows(to_table(found)) == found


def test_the_score_is_that_of_the_model_itself(trained: House) -> None:
    artifact = trained.champion
    rows = built(trained.company).table
    found = assess(rows, artifact, trained.company)
    margins = artifact.margins(matrix(rows, artifact.features))
    probability = artifact.scale.probability(margins)
    unclipped = artifact.scale.unclipped(margins)
    scored = [number for number, item in enumerate(found) if item.band != "unscored"]
    assert len(scored) > 50
    for number in scored:
        assert found[number].churn_probability == pytest.approx(probability[number], abs=1e-12)
        assert found[number].health_score_unclipped == pytest.approx(unclipped[number], abs=1e-9)


def test_points_stand_in_the_dimension_of_their_indicator(trained: House) -> None:
    found = one(trained, recency__all=55.0, visits__28d=0.0, tickets__90d=9.0, channel__all="web")
    for name in ("outcome", "business", "relationship"):
        own = [item for item in found.drivers if item.dimension == name and item.kind != "context"]
        total = math.fsum(item.points for item in own)
        assert getattr(found, f"{name}_points") == pytest.approx(total, abs=1e-9)
    context = math.fsum(item.points for item in found.drivers if item.kind == "context")
    assert found.context_points == pytest.approx(context, abs=1e-9)


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (-20.0, "red"),
        (0.0, "red"),
        (39.999999999, "red"),
        (40.0, "yellow"),
        (69.999999999, "yellow"),
        (70.0, "green"),
        (100.0, "green"),
        (130.0, "green"),
    ],
)
def test_the_band_is_a_function_of_the_score(score: float, band: str) -> None:
    assert band_of(score) == band


# Unscored


ENDS = ("health_score_low", "health_score_high", "interval_half_width")
SCORES = ("churn_probability", "health_score", "health_score_unclipped", *ENDS)
NULLS = (*SCORES, "base_points", *POINTS)


@pytest.mark.parametrize(
    ("values", "told_reason"),
    [
        ({"history_days": 27}, "Too little history: 27 days, 28 are needed"),
        ({"eligible__churn": False}, "No longer active: nothing in the last 60 days"),
        ({"eligible__churn": False, "history_days": 1}, "No longer active"),
        (
            dict.fromkeys(
                ["visits__28d", "visits__90d", "recency__all", "spend__90d", "tickets__90d"]
            )
            | {"channel__all": None},
            "None of the indicators is known",
        ),
        ({"history_days": 0}, "Too little history: 0 days"),
    ],
)
def test_unscored_is_a_band_of_its_own_with_a_reason(
    values: Row, told_reason: str, trained: House
) -> None:
    found = one(trained, **values)
    assert found.band == "unscored"
    assert found.unscored_reason is not None
    assert found.unscored_reason.startswith(told_reason)
    assert [getattr(found, name) for name in NULLS] == [None] * len(NULLS)
    assert (found.drivers, found.playbook, reasons(found)) == ((), None, ())


@settings(max_examples=40)
@given(data=st.data())
def test_removing_data_scores_nobody_and_widens_no_claim(
    data: st.DataObject, trained: House
) -> None:
    artifact = trained.champion
    drawn = data.draw(random_rows(artifact.features))
    facts = st.fixed_dictionaries(
        {"history_days": st.integers(0, 60), f"eligible__{TARGET}": st.sampled_from([True, False])}
    )
    before = [row(artifact, **values) | data.draw(facts) for values in drawn]
    names = [item.name for item in tabular(artifact.features)]
    lost = [data.draw(st.sets(st.sampled_from(names), min_size=1)) for _ in before]
    after = [own | dict.fromkeys(gone) for own, gone in zip(before, lost, strict=True)]
    fewer = [own | {"history_days": data.draw(st.integers(0, 60))} for own in after]
    rows = [table(artifact, each) for each in (before, after, fewer)]
    for whole, part, short, own in zip(
        *(assess(each, artifact, trained.company) for each in rows), fewer, strict=True
    ):
        assert short.band == "unscored" or own["history_days"] >= artifact.min_history_days
        assert whole.band != "unscored" or part.band == "unscored"
        assert (part.band == "unscored") == (part.unscored_reason is not None)
        assert part.completeness <= whole.completeness
        assert known(part) <= known(whole) or whole.band == "unscored"
        assert {item.indicator for item in reasons(part)} <= known(part)


def known(item: Assessment) -> set[str]:
    """The indicators of which the assessment states a value."""
    return {driver.indicator for driver in item.drivers if driver.value is not None}


def test_enough_history_on_the_day_is_scored(trained: House) -> None:
    assert one(trained, history_days=28).band != "unscored"


def test_an_ended_subscription_is_said_to_be_one(trained: House) -> None:
    company = trained.company
    contract = company.targets[TARGET].model_copy(
        update={"inactivity": None, "event": ended_event(company)}
    )
    other = company.model_copy(update={"targets": {TARGET: contract}})
    rows = table(trained.champion, [row(trained.champion, eligible__churn=False)])
    (found,) = assess(rows, trained.champion, other)
    assert found.unscored_reason == "No active subscription"


def ended_event(company: Company) -> Any:
    from features.declaring.target import Event

    return Event(source=next(iter(company.sources)), ended="ended")


def test_completeness_is_the_share_of_known_live_indicators(trained: House) -> None:
    assert one(trained).completeness == 1.0
    assert one(trained, visits__28d=None).completeness == 1.0  # its other window is known
    assert one(trained, visits__28d=None, visits__90d=None).completeness == 0.8
    assert one(trained, channel__all="fax").completeness == 0.8  # never seen, so it says nothing
    assert one(trained, recency__all=None, tickets__90d=None).completeness == 0.6


# Reasons


@st.composite
def assessments(draw: st.DrawFn) -> Assessment:
    """Draw an assessment of drivers of every kind, sign, size and knowledge."""
    drivers = tuple(
        driver(
            f"i{number}",
            draw(st.sampled_from(["leading", "leading", "lagging", "context"])),
            draw(st.sampled_from([-9.0, -3.0, -0.6, -0.5, -0.4, 0.0, 0.3, 0.5, 0.7, 4.0, 8.0])),
            value=draw(st.sampled_from([1.0, 1.0, 1.0, 2.0, 2.0004, 2.01, None])),
        )
        for number in range(draw(st.integers(0, 9)))
    )
    return told_of(drivers)


def driver(name: str, kind: str, points: float, *, value: float | None = 1.0) -> Driver:
    return Driver(name, name, "business", kind, value, 2.0, 28, "", points, f"{name}.", "call")


def told_of(drivers: tuple[Driver, ...]) -> Assessment:
    return Assessment(
        account_id="A1",
        as_of=AS_OF,
        target=TARGET,
        churn_probability=0.5,
        health_score=50.0,
        health_score_unclipped=50.0,
        health_score_low=45.0,
        health_score_high=55.0,
        interval_half_width=5.0,
        band="yellow",
        completeness=1.0,
        base_points=50.0,
        drivers=drivers,
        model_version="1",
        segment="all",
    )


@given(item=assessments())
def test_reasons_keep_their_rules(item: Assessment) -> None:
    found = reasons(item)
    real = [
        own
        for own in item.drivers
        if own.kind != "context"
        and own.value not in (None, 2.0, 2.0004)  # which both read "2", as the usual one does
        and abs(own.points) >= REAL_POINTS
    ]
    assert len(found) == len(set(found)) <= MAX_REASONS
    assert set(found) <= set(real)
    if not any(own.kind == "leading" for own in real):
        assert found == ()
        return
    assert len(found) == min(len(real), MAX_REASONS)
    assert found[0].kind == "leading"
    leading = [own.points for own in real if own.kind == "leading"]
    lowering = [points for points in leading if points < 0]
    assert found[0].points == (min(lowering) if lowering else max(leading))
    sides = [own.points > 0 for own in found[1:]]
    assert sides == sorted(sides)
    assert {own.points > 0 for own in found} == {own.points > 0 for own in real}


@settings(max_examples=40)
@given(data=st.data())
def test_no_reason_reads_as_its_usual_value_and_none_is_lost_from_the_sums(
    data: st.DataObject, trained: House
) -> None:
    artifact = trained.champion
    drawn = data.draw(random_rows(artifact.features))
    rows = [row(artifact, **values) for values in drawn]
    for item in assess(table(artifact, rows), artifact, trained.company):
        for reason in reasons(item):
            assert amount(reason.value, reason.unit) != amount(reason.usual, reason.unit)
        if item.base_points is not None and item.health_score_unclipped is not None:
            whole = item.base_points + math.fsum(driver.points for driver in item.drivers)
            assert whole == pytest.approx(item.health_score_unclipped, abs=1e-9)


def test_a_reason_at_its_usual_value_gives_its_place_to_the_next() -> None:
    usual = driver("usual", "leading", -9.0, value=2.0)
    others = [driver("next", "leading", -5.0), driver("good", "lagging", 1.0)]
    found = reasons(told_of((usual, *others)))
    assert [item.indicator for item in found] == ["next", "good"]
    assert reasons(told_of((usual,))) == ()


def test_reasons_follow_the_size_of_their_points() -> None:
    kinds = [("a", "lagging", -9.0), ("b", "leading", -5.0), ("c", "leading", 3.0)]
    kinds += [("d", "context", -20.0), ("e", "leading", -4.0), ("f", "lagging", 1.0)]
    found = reasons(told_of(tuple(driver(*item) for item in kinds)))
    assert [item.indicator for item in found] == ["b", "a", "e", "c"]


def test_a_real_reason_of_the_other_side_takes_the_last_place() -> None:
    bad = [driver(f"bad{number}", "leading", -9.0 + number) for number in range(5)]
    good = driver("good", "lagging", 0.5)
    found = reasons(told_of((*bad, good)))
    assert [item.indicator for item in found] == ["bad0", "bad1", "bad2", "good"]


def test_a_leading_reason_heads_however_many_lagging_ones_weigh_more() -> None:
    lagging = [driver(f"lag{number}", "lagging", -9.0 + number) for number in range(4)]
    leading = driver("lead", "leading", -1.0)
    found = reasons(told_of((*lagging, leading, driver("good", "lagging", 0.7))))
    assert [item.indicator for item in found] == ["lead", "lag0", "lag1", "good"]


def test_of_a_healthy_account_what_raises_the_score_comes_first() -> None:
    kinds = [("a", "leading", -9.0), ("b", "leading", 5.0), ("c", "lagging", 3.0)]
    drivers = tuple(driver(*item) for item in kinds)
    watched = told_of(drivers)
    assert [item.indicator for item in reasons(watched)] == ["a", "b", "c"]
    healthy = replace(watched, band="green")
    assert [item.indicator for item in reasons(healthy)] == ["b", "c", "a"]


def test_indicators_of_one_concept_are_one_reason() -> None:
    until = replace(driver("until", "leading", -6.0), concept="calendar")
    since = replace(driver("since", "leading", -3.5), concept="calendar")
    notice = replace(driver("notice", "leading", 1.0), concept="calendar")
    found = reasons(told_of((driver("visits", "leading", -8.0), until, since, notice)))
    assert [(item.indicator, item.points) for item in found] == [("until", -8.5), ("visits", -8.0)]


def test_nothing_unhealthy_is_a_reason_for_an_opportunity() -> None:
    late = replace(driver("late", "leading", 9.0), unhealthy=True)
    seats = driver("seats", "leading", 2.0)
    idle = driver("idle", "leading", -6.0)
    found = told_of((late, idle, seats))
    prospect = Opportunity(
        account_id="A1",
        as_of=AS_OF,
        target=TARGET,
        completeness=1.0,
        drivers=found.drivers,
        model_version="1",
        segment="all",
        opportunity="yes",
    )
    assert [item.indicator for item in reasons(prospect)] == ["seats", "idle"]


# Sentences and playbooks


def of(item: Assessment, indicator: str) -> Driver:
    return next(driver for driver in item.drivers if driver.indicator == indicator)


def test_a_sentence_states_the_value_the_usual_one_and_the_window(trained: House) -> None:
    found = one(trained, recency__all=55.0, visits__28d=0.0, visits__90d=1.0)
    usual = {item.name: item.usual for item in trained.champion.features}
    recency = of(found, "recency")
    assert recency.points < 0
    assert recency.value == 55
    assert recency.usual == usual["recency__all"]
    assert (
        recency.sentence
        == f"No visit for 55 days, typically {amount(usual['recency__all'], 'days')}"
    )
    visits = of(found, "visits")
    name = f"visits__{visits.window}d"
    assert (visits.value, visits.usual) == ({28: 0.0, 90: 1.0}[visits.window or 0], usual[name])
    assert visits.sentence == (
        f"{amount(visits.value, '')} visits in the last {visits.window} days, "
        f"typically {amount(usual[name], '')}"
    )


def test_the_side_of_a_sentence_is_that_of_its_points(trained: House) -> None:
    for days in (1.0, 55.0):
        recency = of(one(trained, recency__all=days), "recency")
        bad = recency.sentence.startswith("No visit for")
        assert bad == (recency.points < 0)


def test_what_is_missing_is_said_and_gets_no_playbook(trained: House) -> None:
    found = one(trained, recency__all=None)
    missing = of(found, "recency")
    assert missing.sentence == "Days since the last visit: not known"
    assert missing.value is None
    assert missing not in reasons(found)


@given(data=st.data())
def test_the_playbook_is_that_of_the_worst_actionable_driver(
    data: st.DataObject, trained: House
) -> None:
    artifact = trained.champion
    drawn = data.draw(random_rows(artifact.features))
    rows = table(artifact, [row(artifact, **values) for values in drawn])
    for item in assess(rows, artifact, trained.company):
        lowering = [
            driver
            for driver in item.drivers
            if driver.points <= -REAL_POINTS
            and driver.playbook
            and driver.kind != "context"
            and driver.value is not None
        ]
        if lowering and item.band != "green":
            worst = min(driver.points for driver in lowering)
            assert item.playbook in {
                driver.playbook for driver in lowering if driver.points == worst
            }
        else:
            assert item.playbook is None


def test_a_context_driver_never_has_a_playbook(trained: House) -> None:
    assert of(one(trained), "channel").playbook is None


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "", "0"),
        (3.0, "visits", "3"),
        (3.456, "", "3.46"),
        (3.5, "", "3.5"),
        (12.34, "", "12.3"),
        (1234.5, "", "1,234"),
        (-2.5, "", "−2.5"),
        (0.385, "%", "38.5%"),
        (1.0, "%", "100%"),
        (12.0, "$", "$12"),
        (12.5, "€", "€12.50"),
        (1240.4, "€", "€1,240"),
        (-12.5, "€", "−€12.50"),
        (2.0, "± points", "+2"),
        (-2.0, "± points", "−2"),
        (0.0, "± points", "0"),
        (0.001, "±", "0"),
        (-0.001, "", "0"),
        (0.125, "± %", "+12.5%"),
        (-40.0, "± €", "−€40"),
        (0.0, "± $", "$0"),
        (1.0, "yes/no", "yes"),
        (0.0, "yes/no", "no"),
        ("pro", "", "pro"),
        (None, "days", "not known"),
    ],
)
def test_amounts_are_written_as_people_write_them(
    value: float | str | None, unit: str, text: str
) -> None:
    assert amount(value, unit) == text


def test_the_window_that_pushes_most_to_the_drivers_side_is_told() -> None:
    features = [
        Feature("v__28d", "v", 28, "number"),
        Feature("v__90d", "v", 90, "number"),
        Feature("r__all", "r", None, "number"),
    ]
    X = np.array([[1.0, 2.0, 3.0], [np.nan, 2.0, 3.0], [1.0, 2.0, np.nan]])
    contributions = np.array([[0.5, -0.2, 0.1, 9], [0.9, 0.2, 0.1, 9], [-0.5, 0.2, 0.1, 9]])
    assert shown_feature(features, X, contributions).tolist() == [[0, 2], [1, 2], [0, 2]]


def test_a_sentence_fills_every_placeholder() -> None:
    says = "{value} {unit} in {window}, typically {usual}"
    meaning = Meaning("Tickets", "relationship", "leading", "tickets", says, None)
    feature = Feature("t__28d", "t", 28, "number", (), 1.0)
    four, one = (sentence(meaning, feature, value, lowers=True) for value in (4.0, 1.0))
    assert four == "4 tickets in the last 28 days, typically 1"
    assert one == "1 ticket in the last 28 days, typically 1"


def test_the_good_sentence_is_used_where_the_score_is_raised() -> None:
    meaning = Meaning("Tickets", "relationship", "leading", "tickets", "{value}", None)
    with_two = replace(meaning, says_good="Fine: {value}")
    feature = Feature("t__28d", "t", 28, "number", (), 1.0)
    assert sentence(meaning, feature, 4.0, lowers=False) == "4"
    assert sentence(with_two, feature, 4.0, lowers=False) == "Fine: 4"
    assert sentence(with_two, feature, 4.0, lowers=True) == "4"


def test_value_and_usual_are_those_that_the_sentence_prints() -> None:
    meaning = Meaning("Quiet days", "outcome", "leading", "%", "{value}, typically {usual}", None)
    feature = Feature("q__28d", "q", 28, "number", (), 0.0004)
    printed = value_and_usual(meaning, feature, 0.0)
    assert sentence(meaning, feature, 0.0, lowers=True) == "{}, typically {}".format(*printed)
    assert value_and_usual(meaning, feature, 0.25) == ("25%", "0.04%")


@pytest.mark.parametrize(
    ("unit", "printed", "word"),
    [
        ("days", "1", "day"),
        ("days", "0", "days"),
        ("± points", "+1", "point"),
        ("± points", "−1", "point"),
        ("people", "1", "person"),
        ("queries", "1", "query"),
        ("boxes", "1", "box"),
        ("credit notes", "1", "credit note"),
        ("status", "1", "status"),
        ("of 10", "1", "of 10"),
        ("%", "1%", ""),
        ("$", "$1", ""),
    ],
)
def test_a_units_noun_is_singular_after_one(unit: str, printed: str, word: str) -> None:
    assert noun(unit, printed) == word
