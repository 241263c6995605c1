"""A model of the next renewal learns from what was settled, row by row, and is judged likewise."""

import dataclasses
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

import renewing_company
from features import sources
from features.assembling import churn_days
from features.declaring.company import Company
from features.progress import silent
from features.snapshots import Snapshots
from renewing_company import GAP, TARGET, UNTIL
from training.artifact import Artifact
from training.calibrating import calibration, health
from training.evaluating.evaluation_dates import evaluated
from training.evaluating.target_history import TargetHistory
from training.leaks import null_world
from training.learning import moments, search, split
from training.learning.search import Choice
from training.procedure import labelled, scorable
from training.reporting import model_report
from training.train import fit_and_evaluate

Dates = npt.NDArray[np.datetime64]

CHOICE = Choice(dataclasses.replace(search.FIRST_TRIED[0], share=0.0), "the tests' own choice")


@dataclasses.dataclass(frozen=True, repr=False)
class Made:
    """The company, its rows on month starts, and the artifact that training makes of them."""

    company: Company
    rows: Snapshots
    months: list[date]
    artifact: Artifact

    @property
    def table(self) -> pa.Table:
        """Return the labelled rows."""
        return labelled(self.rows, self.company, TARGET)

    def history(self, table: pa.Table | None = None) -> TargetHistory:
        """Return what the evaluation works with, of these rows or the company's own."""
        own = self.table if table is None else table
        return TargetHistory(self.rows, self.company, TARGET, own, self.months, [], choice=CHOICE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    company = renewing_company.write(tmp_path_factory.mktemp("renewing"))
    rows, months = renewing_company.built(company)
    artifact = fit_and_evaluate(rows, company, TARGET, months, choice=CHOICE)
    return Made(company, rows, months, artifact)


def days(table: pa.Table, column: str) -> Dates:
    found: Dates = table[column].to_numpy().astype("datetime64[D]")
    return found


def labels(table: pa.Table) -> npt.NDArray[np.int8]:
    return np.asarray(table[f"label__{TARGET}"].to_numpy(), np.int8)


def with_labels(table: pa.Table, values: npt.NDArray[np.int8]) -> pa.Table:
    place = table.column_names.index(f"label__{TARGET}")
    return table.set_column(place, table.schema.field(place), pa.array(values))


# What may teach


def test_no_row_whose_decision_lies_in_the_gap_teaches_calibrates_or_judges(made: Made) -> None:
    states = made.rows.table[f"state__{TARGET}"].to_pylist()
    assert states.count("in the gap") > 100
    ahead = days(made.table, f"decision__{TARGET}") - days(made.table, "as_of")
    assert ahead.min().astype(int) >= GAP
    assert made.artifact.training.rows == made.table.num_rows


def test_every_row_that_teaches_was_settled_by_the_end_of_the_data(made: Made) -> None:
    settles = days(made.table, f"settles__{TARGET}")
    assert settles.max() <= np.datetime64(UNTIL)
    asked = scorable(made.rows, made.company, TARGET)
    late = asked.filter(pc.greater(asked[f"settles__{TARGET}"], pa.scalar(UNTIL)))
    assert late.num_rows > 500
    assert late[f"label__{TARGET}"].null_count == late.num_rows


def test_counting_who_left_early_before_a_row_is_settled_would_teach_that_more_leave(
    made: Made,
) -> None:
    # A year later we know what became of all who were asked in the second half of 2023.
    day = date(2024, 1, 1)
    table = made.table.filter(pc.less(made.table["as_of"], pa.scalar(day)))
    asked = days(table, "as_of") >= np.datetime64("2023-07-01")
    ends = _ends(made)
    gone = np.array([ends.get(name, "9999") < str(day) for name in table["account_id"].to_pylist()])
    settled = days(table, f"settles__{TARGET}") <= np.datetime64(day)
    left = labels(table)
    early = asked & ~settled & gone & (left == 1)
    assert early.sum() > 30
    truth = left[asked].mean()
    naive = left[asked & settled | early].mean()
    known = table.filter(pa.array(settled))
    times = moments.of(known, TARGET)
    latest = times.moment == times.moment.max()
    honest = np.average(labels(known)[latest], weights=times.counts[latest])
    # Measured: 24 in 100 left, 29 of those who could be counted early, 22 of the latest year's.
    assert naive > 1.15 * truth
    assert abs(honest - truth) < abs(naive - truth) / 2


def _ends(made: Made) -> dict[str, str]:
    """The last end of each account that no other term continues."""
    lines = (made.company.folder / "terms.csv").read_text("utf-8").splitlines()[1:]
    last = {line.split(",")[0]: line.split(",") for line in lines}
    return {name: ends for name, (_, _, _, ends, _) in last.items() if ends}


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 14), st.integers(1, 14)), min_size=1
    ),
    most=st.integers(1, 4),
)
def test_a_fold_trains_on_what_was_settled_and_tests_dates_that_are_whole(
    rows: list[tuple[int, int, int]], most: int
) -> None:
    start = np.datetime64("2024-01-01")
    as_of, wait, more = (start + np.array(column) for column in zip(*rows, strict=True))
    settles = as_of + (wait - start)
    whole = settles + (more - start)
    folds = split.rolling(as_of, settles, whole, most)
    assert len(folds) <= most
    for fold in folds:
        (day,) = set(as_of[fold.test])
        assert fold.train.any()
        assert (settles[fold.train] <= day).all()
        assert (settles[~fold.train] > day).all()
        assert whole[fold.test].min() <= settles.max()


def test_days_of_churn_are_those_of_a_fixed_horizon(made: Made, tmp_path: Path) -> None:
    found = []
    for company in (made.company, renewing_company.write(tmp_path, renewing_company.FIXED)):
        with sources.open_tables(company) as tables:
            found.append(churn_days.of_churn(tables, TARGET).to_pylist())
    assert len(found[0]) > 100
    assert found[0] == found[1]


# What calibrates


def test_a_year_of_outcomes_counts_its_decisions_in_the_shares_of_those_scored(made: Made) -> None:
    times = moments.of(made.table, TARGET)
    latest = times.moment == times.moment.max()
    assert times.settles[latest].min() > times.moment.max() - np.timedelta64(moments.YEAR, "D")
    rows = made.table.filter(pa.array(latest))
    decided = {(row["account_id"], row[f"decision__{TARGET}"]) for row in rows.to_pylist()}
    counts = times.counts[latest]
    assert counts.sum() == pytest.approx(len(decided))
    # The shares by term are those of everyone who was scored in the year before.
    asked = scorable(made.rows, made.company, TARGET)
    last = pc.greater(asked["as_of"], pa.scalar(made.months[-13]))
    wanted = np.array(moments.terms(asked.filter(last), TARGET)) == "monthly"
    monthly = np.array(moments.terms(rows, TARGET)) == "monthly"
    share = counts[monthly].sum() / counts.sum()
    assert abs(share - wanted.mean()) < abs(monthly.mean() - wanted.mean()) / 2


@settings(max_examples=20)
@given(seed=st.integers(0, 99), capacity=st.floats(0.02, 0.15))
def test_a_row_that_counts_for_several_is_as_many_rows(seed: int, capacity: float) -> None:
    draw = np.random.default_rng(seed)
    margins = np.round(draw.normal(-1, 2, 600), 2)
    left = (draw.random(600) < expit(margins)).astype(np.int8)
    counts = draw.integers(1, 4, 600)
    every = np.repeat(np.arange(600), counts)
    ones = np.ones(len(every))
    one = calibration.fit(margins, left, counts.astype(float))
    other = calibration.fit(margins[every], left[every], ones)
    assert (one.slope, one.offset) == pytest.approx((other.slope, other.offset), abs=1e-4)
    bands = [
        health.supported(own, labels_of, capacity, weights)
        for own, labels_of, weights in (
            (margins, left, counts.astype(float)),
            (margins[every], left[every], ones),
        )
    ]
    assert bands[0] == bands[1]


def test_a_year_that_the_history_does_not_cover_counts_for_nothing(made: Made) -> None:
    times = moments.of(made.table, TARGET)
    first = times.moment == times.moment.min()
    assert not times.counts[first].any()
    assert made.artifact.training.offset.dates[0].weight < 1e-6


def test_what_is_predicted_happens_in_the_latest_year_and_on_the_test_date(made: Made) -> None:
    judged = made.artifact.evaluation
    assert judged.quality.predicted_rate == pytest.approx(judged.quality.base_rate, abs=0.05)
    latest = made.artifact.training.calibration_by_as_of[-1].table.rates
    assert latest.low <= latest.predicted_rate <= latest.high
    by_term = {group.result.segment: group.result for group in judged.decisions}
    for name in ("monthly", "yearly"):
        assert by_term[name].predicted_rate == pytest.approx(by_term[name].observed_rate, abs=0.1)


# What judges


def test_a_date_judges_once_nineteen_in_twenty_of_its_rows_are_settled(made: Made) -> None:
    asked = scorable(made.rows, made.company, TARGET)
    settled = days(asked, f"settles__{TARGET}") <= np.datetime64(UNTIL)
    as_of = days(asked, "as_of")
    whole = [day for day in np.unique(as_of) if settled[as_of == day].mean() >= 0.95]
    assert made.artifact.evaluation.as_of == str(whole[-1])
    assert date(2023, 10, 1) < whole[-1].astype(object) < made.months[-8]


def test_what_is_settled_after_a_test_date_teaches_nothing_of_it(made: Made) -> None:
    day = date.fromisoformat(made.artifact.evaluation.as_of)
    after = days(made.table, f"settles__{TARGET}") > np.datetime64(day)
    turned = with_labels(made.table, np.where(after, 1 - labels(made.table), labels(made.table)))
    own, other = (made.history(table).fitted_before(day, CHOICE) for table in (None, turned))
    assert own is not None
    assert other is not None
    assert own.calibration_fit == other.calibration_fit
    assert np.array_equal(own.model.margins(own.rows.X), other.model.margins(own.rows.X))
    assert own.rows.settles.max() <= np.datetime64(day)


def test_named_dates_are_tested_on_the_last_later_one_that_is_whole(made: Made) -> None:
    learn, later = made.months[:20], made.months[22:]
    artifact = fit_and_evaluate(made.rows, made.company, TARGET, learn, later, choice=CHOICE)
    judged = artifact.evaluation
    assert (judged.tested, judged.as_of) == ("artifact", made.artifact.evaluation.as_of)
    known = made.table.filter(
        pc.and_(
            pc.is_in(made.table["as_of"], pa.array(learn)),
            pc.less_equal(
                made.table[f"settles__{TARGET}"], pa.scalar(date.fromisoformat(judged.as_of))
            ),
        )
    )
    assert artifact.training.rows == known.num_rows


def test_a_history_without_a_whole_date_is_tested_on_folds(made: Made) -> None:
    artifact = fit_and_evaluate(made.rows, made.company, TARGET, made.months[-8:], choice=CHOICE)
    assert artifact.evaluation.kind == "folds grouped by account"
    assert artifact.evaluation.decisions


def test_in_null_worlds_nothing_is_found(made: Made) -> None:
    def plain(
        built: Snapshots,
        company: Company,
        target: str,
        learn: Sequence[date],
        later: Sequence[date],
    ) -> Artifact:
        table = labelled(built, company, target)
        return evaluated(
            TargetHistory(built, company, target, table, learn, later, choice=CHOICE), (), silent
        )

    (finding,) = null_world.breaches(
        made.rows, made.company, {TARGET: made.months}, procedure=plain
    )
    assert finding.state == "advice", finding.detail
    assert finding.name == "null_world"


# What people read


def test_report_and_card_say_whose_window_it_is_and_tell_the_terms_apart(
    made: Made, tmp_path: Path
) -> None:
    model_report.write(made.artifact, tmp_path)
    card = (tmp_path / model_report.CARD).read_text("utf-8")
    assert "until the account's own next renewal, 60 days at least" in card
    assert "year of outcomes until" in card
    for row in ("| monthly |", "| yearly |", "| 120 to 179 days |"):
        assert row in card
