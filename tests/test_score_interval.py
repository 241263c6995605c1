"""The interval around a score: it holds what it promises, and no lost value ever narrows it."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.assessment.assess import Assessment, assess
from serving.pages import wording
from trained_company import TARGET, House, built, learning_dates
from training.artifact import Artifact
from training.calibrating.score_interval import WIDEST, ScoreInterval
from training.interval import redraws
from training.learning import model, offsets
from training.learning.matrix import tabular
from training.learning.model import TrainingRows
from training.procedure import as_rows, labelled

Floats = npt.NDArray[np.float64]

COLUMNS = 6
REDRAWN = 4


@pytest.fixture(scope="module")
def taught(trained: House) -> TrainingRows:
    """The rows that the artifact learnt from."""
    company = trained.company
    table = labelled(built(company, *learning_dates(company)), company, TARGET)
    return as_rows(table, trained.champion.features, company, TARGET)


# What is lost never narrows it


@st.composite
def intervals(draw: st.DrawFn) -> ScoreInterval:
    """Draw any widths that an artifact may have."""
    parts = st.floats(0, 30)
    costs = draw(arrays.arrays(np.float64, (COLUMNS, COLUMNS), elements=parts))
    return ScoreInterval.of(draw(parts), np.maximum(costs, costs.T))


@given(
    interval=intervals(),
    known=arrays.arrays(np.bool_, (5, COLUMNS)),
    kept=arrays.arrays(np.bool_, (5, COLUMNS)),
)
def test_no_value_that_goes_missing_narrows_it(
    interval: ScoreInterval, known: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_]
) -> None:
    before, after = (np.where(flags, 1.0, np.nan) for flags in (known, known & kept))
    wide, wider = interval.half_widths(before), interval.half_widths(after)
    assert (wider >= wide).all()
    assert (wide >= interval.known).all()
    alone = [interval.half_widths(row[None])[0] for row in after]
    assert np.array_equal(alone, wider)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000))
def test_an_account_of_which_less_is_known_has_a_wider_interval_or_no_score(
    seed: int, trained: House
) -> None:
    artifact, rows = trained.champion, built(trained.company).table.slice(0, 60)
    order = np.random.default_rng(seed).permutation(
        [item.name for item in tabular(artifact.features)]
    )
    before = assess(rows, artifact, trained.company)
    for name in order:
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pa.nulls(len(rows), rows.schema.field(name).type))
        after = assess(rows, artifact, trained.company)
        for whole, part in zip(before, after, strict=True):
            assert is_told_within(part)
            if part.interval_half_width is not None:
                assert whole.interval_half_width is not None
                assert part.interval_half_width >= whole.interval_half_width
        before = after
    assert {item.band for item in before} == {"unscored"}


def is_told_within(item: Assessment) -> bool:
    """Whether the score lies in its interval, which is as wide as it says; null where unscored."""
    low, score, high = item.health_score_low, item.health_score, item.health_score_high
    if item.band == "unscored":
        return (low, high, item.interval_half_width) == (None, None, None)
    middle, half = item.health_score_unclipped, item.interval_half_width
    assert low is not None
    assert high is not None
    assert score is not None
    assert middle is not None
    assert half is not None
    ends = [min(max(end, 0.0), 100.0) for end in (middle - half, middle + half)]
    return half > 0 and [low, high] == ends and low <= score <= high


# It holds what it promises


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
def test_nine_of_ten_scores_that_were_known_lie_in_the_interval_of_what_is_left(
    rate: float, trained: House, taught: TrainingRows
) -> None:
    artifact = trained.champion
    X = taught.X[taught.as_of == taught.as_of.max()]
    lost = np.random.default_rng(3).random(X.shape) < rate
    poorer = np.where(lost, np.nan, X)
    missed = artifact.scale.unclipped(artifact.margins(X)) - artifact.scale.unclipped(
        artifact.margins(poorer)
    )
    half = artifact.half_widths(poorer)
    assert (np.abs(missed) <= half).mean() >= 0.9
    assert np.median(half) > np.median(artifact.half_widths(X))


def test_nine_of_ten_scores_of_models_of_resampled_accounts_lie_in_it(
    trained: House, taught: TrainingRows
) -> None:
    artifact = trained.champion
    X = taught.X[taught.as_of == taught.as_of.max()]
    told, half = artifact.calibration.logits(artifact.margins(X)), artifact.interval.half_widths(X)
    inside = [np.abs(redrawn(taught, X, artifact, seed) - told) <= half for seed in range(REDRAWN)]
    assert np.mean(inside) >= 0.9


def redrawn(rows: TrainingRows, X: Floats, like: Artifact, seed: int) -> Floats:
    """Return the log-odds of X by a model of as many accounts, drawn with replacement."""
    names, whose = np.unique(rows.accounts, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), len(names))
    places = np.repeat(np.arange(len(whose)), np.bincount(drawn, minlength=len(names))[whose])
    accounts = [rows.accounts[int(place)] for place in places]
    own = dataclasses.replace(
        rows, X=rows.X[places], y=rows.y[places], accounts=accounts, as_of=rows.as_of[places]
    )
    model_settings = like.training.model_settings
    margins = model.cross_fitted(own, model_settings)
    line = offsets.fit_dates(margins, own.y, own.as_of, own.ahead).line
    return line.logits(model.fit_model(own, model_settings).margins(X))


def test_its_checks_are_kept_with_it(trained: House) -> None:
    own = trained.trained.artifact
    told = own.evaluation.interval
    assert told is not None
    points = abs(own.scale.points_per_logit)
    assert told.half_width == pytest.approx(own.interval.known * points, abs=1e-3)
    assert told.covered_with_losses >= 0.85
    assert told.widened == 1 or told.covered < 0.9
    assert told.redraws == redraws.PAIRS


def test_of_accounts_that_cannot_be_halved_nothing_is_claimed(
    trained: House, taught: TrainingRows
) -> None:
    own = trained.trained.artifact
    one = dataclasses.replace(taught, accounts=["A1"] * len(taught.y))
    found = redraws.with_score_interval(own, one, taught.as_of == taught.as_of.max())
    assert found.interval.known == WIDEST
    told = assess(built(trained.company).table, found, trained.company)
    ends = {(item.health_score_low, item.health_score_high) for item in told}
    assert ends == {(0.0, 100.0), (None, None)}


# What people read of it


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (68.2, 82.9, "68–82"),
        (39.97, 45.0, "39–45"),
        (100.0, 100.0, ""),
        (76.1, 76.9, ""),
        (None, None, ""),
    ],
)
def test_its_ends_are_rounded_down_like_the_score(
    low: float | None, high: float | None, said: str
) -> None:
    assert wording.likely_range(low, high) == said
