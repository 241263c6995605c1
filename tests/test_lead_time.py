"""Lead times: who is compared with whom, what the numbers are, and what may be claimed of them."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import planted_leads
import small_company
from features import clock, contract, snapshots, sources
from features.assembling import churn_days
from features.declaring.company import Company
from features.declaring.declaration import load
from features.lead_times import certificate, findings, lags, measure, plots, risk_sets
from features.lead_times.curves import Track, curve
from features.lead_times.family import family_of
from features.lead_times.findings import LeadTimes
from features.lead_times.lags import Lag
from features.lead_times.measure import Churned, LeadComparisons
from features.lead_times.risk_sets import RiskPanel, matched, risk_panel
from features.lead_times.separation import Separation, intervals, resampling, separation
from features.snapshots import Snapshots

Floats = npt.NDArray[np.float64]
DAY_0 = date(2025, 1, 6)


# The grid of lags


@given(st.integers(0, 120), st.integers(1, 60))
def test_lags_cover_the_year_without_a_hole_and_the_gap_is_an_edge(gap: int, step: int) -> None:
    found = lags.grid(gap, step)
    assert found[0].start == 0
    assert found[-1].upto > lags.LONGEST
    assert [item.upto for item in found[:-1]] == [item.start for item in found[1:]]
    assert all(item.upto - item.start <= step for item in found)
    assert found[lags.at_gap(found, gap)].start == gap


# Days of churn


def _open(company: Company, target: str = "churn") -> tuple[pa.Table, pa.Table | None]:
    with sources.open_tables(company) as tables:
        return churn_days.of_churn(tables, target), churn_days.of_activity(tables, target)


def _plain(table: pa.Table) -> list[tuple[str, str]]:
    return [(row["account_id"], str(row["day"])) for row in table.to_pylist()]


def test_a_contract_churns_on_the_day_of_its_end_unless_it_is_continued_within_the_grace(
    tmp_path: Path,
) -> None:
    company = planted_leads.write(tmp_path, seed=0, accounts=3, noise=1)
    terms = {
        "account_id": ["P0000", "P0000", "P0001", "P0002"],
        "started": [date(2024, 1, 1), date(2024, 3, 5), date(2024, 1, 1), date(2024, 1, 1)],
        "ended": [date(2024, 3, 1), date(2024, 6, 1), date(2024, 5, 1), None],
    }
    pq.write_table(pa.table(terms), tmp_path / "subscriptions.parquet")
    accounts = pq.read_table(tmp_path / "accounts.parquet")
    early = pa.array([date(2023, 12, 1)] * 3)
    place = accounts.column_names.index("since")
    pq.write_table(accounts.set_column(place, "since", early), tmp_path / "accounts.parquet")
    text = (tmp_path / "churnlight.toml").read_text("utf-8")
    path = tmp_path / "churnlight.toml"
    path.write_text(text.replace('ended = "ended"', 'ended = "ended", grace = "7d"'), "utf-8")
    churned, activity = _open(load(tmp_path))
    assert _plain(churned) == [("P0000", "2024-06-01"), ("P0001", "2024-05-01")]
    assert activity is None
    assert company.targets["churn"].contractual


def test_silence_dates_from_the_last_activity_before_it(tmp_path: Path) -> None:
    company = small_company.write(tmp_path, accounts=40)
    churned, activity = _open(company)
    assert activity is not None
    visits = pq.read_table(tmp_path / "visits.parquet").to_pylist()
    days: dict[str, set[date]] = {}
    for row in visits:
        days.setdefault(row["account_id"], set()).add(row["at"].date())
    assert _plain(activity) == sorted((key, str(day)) for key in days for day in days[key])
    expected = [
        (key, str(day))
        for key in sorted(days)
        for day in sorted(days[key])
        if not any(timedelta(0) < other - day <= timedelta(60) for other in days[key])
    ]
    assert _plain(churned) == expected


def test_a_churn_is_settled_when_its_silence_lies_in_the_tables(tmp_path: Path) -> None:
    target = small_company.write(tmp_path, accounts=5).targets["churn"]
    until = clock.churns_known_until(target, date(2025, 12, 1))
    assert until == date(2025, 10, 2)
    # The last settled day is the day before: its sixty days of silence end with 30 November.
    assert until - timedelta(1) + timedelta(60) < date(2025, 12, 1)


# Risk sets


def _table(rows: list[tuple[str, int, int]]) -> pa.Table:
    """Snapshots of (account, week, history in days), everybody eligible."""
    names, weeks, history = (list(column) for column in zip(*rows, strict=True))
    return pa.table(
        {
            "account_id": names,
            "as_of": pa.array([DAY_0 + timedelta(weeks=week) for week in weeks], pa.date32()),
            "segment": ["all"] * len(rows),
            "history_days": pa.array(history, pa.int32()),
            "eligible__churn": [True] * len(rows),
        }
    )


def _panel(rows: list[tuple[str, int, int]], churned: dict[str, int]) -> RiskPanel:
    """The panel of those rows; `churned` is the day of each churn, counted from `DAY_0`."""
    days = [DAY_0 + timedelta(days=day) for day in churned.values()]
    events = pa.table({"account_id": list(churned), "day": pa.array(days, pa.date32())})
    return risk_panel(_table(rows), "churn", events, None, DAY_0 + timedelta(days=400))


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[RiskPanel, Floats]:
    """A few accounts over a few weeks, some of which churn, and a value per row."""
    count = draw(st.integers(4, 14))
    names = [f"a{number}" for number in range(count)]
    ages = draw(st.lists(st.integers(0, 400), min_size=count, max_size=count))
    churned = {name: draw(st.integers(0, 60)) for name in names if draw(st.integers(0, 2)) == 0}
    rows = [
        (name, week, age + 7 * week)
        for week in range(5)
        for name, age in zip(names, ages, strict=True)
        if churned.get(name, 999) >= 7 * week
    ]
    values = st.sampled_from([0.0, 1.0, 2.0, 3.0, float("nan")])
    drawn = draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
    found = _panel(rows, churned)
    return found, np.array(drawn)[found.row]


@given(_worlds(), st.sampled_from(lags.grid(3, 7, 40)))
def test_a_churner_stands_beside_accounts_at_risk_on_its_day_with_as_long_a_history(
    world: tuple[RiskPanel, Floats], lag: Lag
) -> None:
    found, _ = world
    pairs = matched(found, lag)
    to_churn = found.next_churn - found.as_of
    assert ((to_churn[pairs.churner] >= lag.start) & (to_churn[pairs.churner] < lag.upto)).all()
    for case, controls, valid in zip(pairs.churner, pairs.control, pairs.valid, strict=True):
        beside = controls[valid]
        assert len(set(beside.tolist())) == len(beside) > 0
        assert (found.account[beside] != found.account[case]).all()
        assert (found.as_of[beside] == found.as_of[case]).all()
        assert (to_churn[beside] >= lag.upto).all()
        near = max(0.1 * found.history[case], 14)
        assert (np.abs(found.history[beside] - found.history[case]) <= near).all()


def test_a_churn_that_is_not_settled_is_no_case_and_no_control() -> None:
    rows = [(name, week, 100) for name in ("a", "b") for week in range(3)]
    events = pa.table({"account_id": ["a"], "day": pa.array([DAY_0 + timedelta(9)], pa.date32())})
    table = _table(rows)
    settled = risk_panel(table, "churn", events, None, DAY_0 + timedelta(14))
    assert len(matched(settled, Lag(7, 14)).churner) == 1
    open_still = risk_panel(table, "churn", events, None, DAY_0 + timedelta(13))
    assert len(matched(open_still, Lag(7, 14)).churner) == 0


def test_of_a_silence_only_accounts_active_in_the_same_days_are_controls() -> None:
    rows = [(name, 0, 100) for name in ("left", "active", "quiet")]
    events = pa.table({"account_id": ["left"], "day": pa.array([DAY_0 + timedelta(8)])})
    seen = [("left", 8), ("active", 9), ("quiet", 20)]
    activity = pa.table(
        {
            "account_id": [name for name, _ in seen],
            "day": pa.array([DAY_0 + timedelta(day) for _, day in seen]),
        }
    )
    found = risk_panel(_table(rows), "churn", events, activity, DAY_0 + timedelta(300))
    pairs = matched(found, Lag(7, 14))
    beside = found.account[pairs.control[pairs.valid]]
    assert beside.tolist() == [1]


# Separation


def _slowly(values: Floats, found: RiskPanel, lag: Lag, weights: Floats) -> float:
    """The AUC from its definition, pair by pair, each account with its weight."""
    pairs = matched(found, lag)
    total, mass = 0.0, 0.0
    for case, controls, valid in zip(pairs.churner, pairs.control, pairs.valid, strict=True):
        own, won, beside = values[case], 0.0, 0.0
        for control in controls[valid]:
            other, weight = values[control], weights[found.account[control]]
            if not np.isnan(own) and not np.isnan(other):
                won += weight * (1.0 if own > other else 0.5 if own == other else 0.0)
                beside += weight
        if beside:
            total += weights[found.account[case]] * won / beside
            mass += weights[found.account[case]]
    return total / mass if mass else float("nan")


@given(_worlds())
def test_the_auc_is_the_mean_share_of_controls_below(world: tuple[RiskPanel, Floats]) -> None:
    found, values = world
    lag = Lag(0, 7)
    fast = separation(values, found, matched(found, lag)).auc
    np.testing.assert_allclose(fast, _slowly(values, found, lag, np.ones(found.accounts)))


@settings(max_examples=30)
@given(_worlds())
def test_the_influence_is_the_derivative_by_an_accounts_weight(
    world: tuple[RiskPanel, Floats],
) -> None:
    found, values = world
    lag, step = Lag(0, 14), 1e-5
    influence = separation(values, found, matched(found, lag)).influence
    base = np.ones(found.accounts)
    for account in range(found.accounts):
        more, less = base.copy(), base.copy()
        more[account] += step
        less[account] -= step
        rise = _slowly(values, found, lag, more) - _slowly(values, found, lag, less)
        if not np.isnan(rise):
            assert influence[account] == pytest.approx(rise / (2 * step), abs=1e-6)


def _drawn(seed: int, accounts: int, shift: float) -> tuple[RiskPanel, Floats]:
    """A world of one week in which half of the accounts churn, their value `shift` higher."""
    draw = np.random.default_rng(seed)
    names = [f"a{number:03}" for number in range(accounts)]
    churned = dict.fromkeys(names[::2], 3)
    found = _panel([(name, 0, 100) for name in names], churned)
    values = draw.normal(size=accounts) + shift * np.array([name in churned for name in names])
    return found, values[found.row]


def test_the_interval_is_that_of_resampled_accounts() -> None:
    found, values = _drawn(1, 240, 0.6)
    pairs = matched(found, Lag(0, 7))
    (span,) = intervals([separation(values, found, pairs)], resampling(found.accounts, 2000))
    draw = np.random.default_rng(2)
    drawn = [
        _slowly(
            values, found, Lag(0, 7), draw.multinomial(240, np.full(240, 1 / 240)).astype(float)
        )
        for _ in range(150)
    ]
    np.testing.assert_allclose(span, np.quantile(drawn, (0.025, 0.975)), atol=0.02)


def test_a_value_that_rises_with_another_has_the_same_curve() -> None:
    found, values = _drawn(3, 200, 0.5)
    pairs = matched(found, Lag(0, 7))
    plain, other = (separation(v, found, pairs) for v in (values, np.exp(values)))
    assert plain.auc == other.auc
    assert plain.lift == other.lift
    assert separation(-values, found, pairs).auc == pytest.approx(1 - plain.auc)


def test_a_value_that_is_always_the_same_says_nothing() -> None:
    found, values = _drawn(4, 200, 0.5)
    same = separation(np.ones_like(values), found, matched(found, Lag(0, 7)))
    assert (same.auc, same.chance) == (0.5, 1.0)
    assert same.lift == pytest.approx(1.0)


def test_a_value_that_tells_all_apart_is_no_chance() -> None:
    found, _ = _drawn(4, 200, 0.0)
    apart = (found.next_churn < risk_sets.NO_CHURN).astype(float)
    sure = separation(apart, found, matched(found, Lag(0, 7)))
    assert (sure.auc, sure.chance, sure.lift) == (1.0, 0.0, 10.0)


def test_few_accounts_that_carry_the_whole_difference_are_no_proof() -> None:
    found, _ = _drawn(5, 400, 0.0)
    churned = np.flatnonzero(found.next_churn < risk_sets.NO_CHURN)
    rare = np.zeros(len(found.row))
    rare[churned[:8]] = 1.0
    once = separation(rare, found, matched(found, Lag(0, 7)))
    assert once.auc > 0.5
    assert once.chance > certificate.LEVEL


def test_coverage_is_the_share_of_churners_whose_value_is_known() -> None:
    found, values = _drawn(6, 200, 0.5)
    churned = np.flatnonzero(found.next_churn < risk_sets.NO_CHURN)
    values[churned[:25]] = np.nan
    seen = separation(values, found, matched(found, Lag(0, 7)))
    assert seen.coverage == pytest.approx(0.75)
    assert seen.churners == 75


# Certificates


def _at(sure: bool, churners: int = 100) -> Separation:
    """A separation that is certain, or says nothing."""
    influence = np.tile([0.001, -0.001], 50)
    return Separation(0.9 if sure else 0.5, influence, churners, 1.0, 1.0)


@pytest.mark.parametrize(
    ("sure", "gap", "certain"),
    [
        ([1, 1, 1, 0, 1], 0, {0, 1, 2}),
        ([1, 0, 1, 1, 0], 2, {0, 2, 3}),
        ([0, 0, 1, 1, 1], 2, {2, 3, 4}),
        ([0, 1, 1, 1, 1], 0, set()),
        ([1, 1, 1, 1, 1], 2, {0, 1, 2, 3, 4}),
    ],
)
def test_a_run_ends_at_the_first_lag_that_is_not_certain(
    sure: list[int], gap: int, certain: set[int]
) -> None:
    assert certificate.certified([_at(bool(item)) for item in sure], gap) == certain


def test_a_lag_with_too_few_churners_ends_a_run() -> None:
    found = [_at(True), _at(True, churners=29), _at(True)]
    assert certificate.certified(found, 0) == {0}


# Worlds


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Snapshots, Churned]:
    """A world with planted leads and ten kinds of noise, and its weekly rows."""
    company = planted_leads.write(tmp_path_factory.mktemp("planted"), seed=3, noise=10)
    with contract.sound_tables(company) as tables:
        built = snapshots.build_from(tables, measure.as_of_dates(tables, "churn"))
        return company, built, measure.churned(tables, "churn")


@pytest.fixture(scope="module")
def ground(world: tuple[Company, Snapshots, Churned]) -> LeadComparisons:
    """Who is compared with whom in that world."""
    company, built, events = world
    return measure.compare_groups(built, company, events, planted_leads.STEP)


@pytest.fixture(scope="module")
def found(world: tuple[Company, Snapshots, Churned], ground: LeadComparisons) -> LeadTimes:
    """Its lead times."""
    return measure.measure(world[1], ground)


@pytest.mark.parametrize("planted", planted_leads.LEADS)
def test_a_planted_lead_is_found_within_one_step(planted: int, found: LeadTimes) -> None:
    lead = found.of(f"planted_{planted}")
    assert lead is not None
    assert abs((lead.lead_days or 0) - planted) <= planted_leads.STEP
    assert lead.headline == (planted > 0)


def test_noise_is_not_believed(found: LeadTimes) -> None:
    noise = [lead for lead in found.leads if lead.name.startswith("noise")]
    assert len(noise) == 10
    assert {lead.finding for lead in noise} <= {"not shown", "not measured"}
    assert not any(lead.headline for lead in noise)


def test_tenure_leads_nobody_although_young_accounts_leave_more(
    world: tuple[Company, Snapshots, Churned], ground: LeadComparisons
) -> None:
    history = world[1].table["history_days"].to_numpy().astype(float)
    rows = ground.everyone.panel.row
    soon = ground.everyone.panel.next_churn - ground.everyone.panel.as_of < 60
    assert history[rows][soon].mean() < 0.8 * history[rows][~soon].mean()
    tenure = curve(Track("tenure", None, history, "higher"), ground.everyone)
    assert tenure.lead_days is None
    assert all(abs(point.auc - 0.5) < 0.02 for point in tenure.points if point.auc is not None)


def test_a_value_that_leaves_its_healthy_range_leads_whichever_way_it_goes(
    ground: LeadComparisons, world: tuple[Company, Snapshots, Churned]
) -> None:
    panel, draw = ground.everyone.panel, np.random.default_rng(8)
    values = draw.normal(size=world[1].table.num_rows)
    soon = panel.next_churn - panel.as_of < 60
    values[panel.row[soon]] += draw.choice([-3.0, 3.0], soon.sum())
    one_sided = curve(Track("depth", None, values, "higher"), ground.everyone)
    ranged = curve(Track("depth", None, values, "range"), ground.everyone)
    assert one_sided.lead_days is None
    assert abs((ranged.lead_days or 0) - 60) <= planted_leads.STEP
    assert ranged.riskier == "outside"


def test_the_segments_have_curves_of_their_own(found: LeadTimes) -> None:
    lead = found.of("planted_60")
    assert lead is not None
    assert [part.segment for part in lead.segments] == ["large", "small"]
    assert all((part.lead_days or 0) > 40 for part in lead.segments)


def test_a_coarse_grid_finds_the_same_coarsely(
    world: tuple[Company, Snapshots, Churned],
) -> None:
    company, built, events = world
    ground = measure.compare_groups(built, company, events, 30, segments=False)
    lead = measure.measure(built, ground, step=30).of("planted_60")
    assert lead is not None
    assert lead.lead_days in (30, 60)
    assert lead.segments == ()


def test_the_result_is_plain_json_with_every_point(found: LeadTimes) -> None:
    plain: dict[str, Any] = found.plain()
    lead = plain["leads"][0]
    assert plain["step_days"] == 7
    assert lead["curves"][0]["points"][0].keys() >= {"from_days", "auc", "low", "high", "coverage"}
    assert lead["sentence"].startswith("Leads by")


def test_each_family_is_a_picture(found: LeadTimes, tmp_path: Path) -> None:
    few = replace(found, leads=found.leads[:3])
    written = plots.write(few, tmp_path / "plots", "Planted")
    assert [path.name for path in written] == ["outcomes.png"]
    assert written[0].read_bytes().startswith(b"\x89PNG")
    assert list(written[0].parent.iterdir()) == written


# What is said of it


def test_too_few_churners_are_not_measured_and_keep_their_kind(tmp_path: Path) -> None:
    company = planted_leads.write(tmp_path, seed=0, accounts=50, noise=1)
    with contract.sound_tables(company) as tables:
        built = snapshots.build_from(tables, measure.as_of_dates(tables, "churn"))
        events = measure.churned(tables, "churn")
    few = measure.measure(built, measure.compare_groups(built, company, events, 7)).of("planted_60")
    assert few is not None
    assert (few.finding, few.headline) == ("not measured", True)
    assert "too few" in few.sentence


@pytest.mark.parametrize(
    ("kind", "declared", "finding", "heads"),
    [
        ("leading", None, "leading", True),
        ("leading", None, "not measured", True),
        ("leading", None, "not shown", False),
        ("leading", None, "lagging", False),
        ("leading", True, "lagging", True),
        ("leading", False, "leading", False),
        ("lagging", None, "leading", False),
        ("lagging", True, "leading", False),
        ("context", None, "leading", False),
    ],
)
def test_who_may_head_the_reasons(
    kind: str, declared: bool | None, finding: findings.LeadFinding, heads: bool, tmp_path: Path
) -> None:
    item = small_company.write(tmp_path, accounts=5).indicators["visits"]
    changed = item.model_copy(update={"kind": kind, "headline": declared})
    assert findings.may_head(changed, finding) == heads


def test_an_indicator_of_ones_own_stands_with_its_neighbours() -> None:
    saas = load(Path(__file__).parents[1] / "examples" / "saas")
    assert family_of("active_users_trend", saas) == "usage"
    assert family_of("key_feature_use", saas) == "usage"
    assert family_of("champion_left", saas) == "relationship"
    assert family_of("days_in_term", saas) == "renewal"
