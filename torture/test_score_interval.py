"""The interval around a score against what it speaks of: other draws of the company's accounts.

Companies that are simulated from other seeds have other accounts and the same truth. Each one's
scores of its own accounts, and of those that lost values, are compared with what the models of the
others say of them: the whole procedure was repeated there, its search included.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from examples.saas.simulate.export import export
from features import contract, snapshots
from features.declaring.declaration import load
from training import procedure
from training.artifact import Artifact
from training.calibrating import scales
from training.calibrating.health import Anchors
from training.interval import redraws
from training.learning.model import TrainingRows

Floats = npt.NDArray[np.float64]
Note = Callable[[str, object], None]

DECLARATION = Path(__file__).parents[1] / "examples" / "saas" / "churnlight.toml"
TARGET, ACCOUNTS, TRIALS = "churn", 1_500, 6
SEEDS = (7, 11, 12, 13)
# One scale for all, since another one is another score.
SCALE = Anchors(0.15, 0.05, "declared")


@dataclass(frozen=True)
class Drawn:
    """A sample of the company: its model, and the rows that trained it."""

    artifact: Artifact
    rows: TrainingRows

    @property
    def latest(self) -> Floats:
        """The rows of its latest as-of date."""
        return self.rows.where(self.rows.as_of == self.rows.as_of.max()).X


def drawn(folder: Path, seed: int) -> Drawn:
    """The company of a seed, trained in `folder`."""
    folder.mkdir()
    (folder / "churnlight.toml").write_text(DECLARATION.read_text("utf-8"), "utf-8")
    export(ACCOUNTS, seed, folder / "data")
    company = procedure.under(load(folder), TARGET, SCALE)
    with contract.sound_tables(company) as tables:
        built = snapshots.build_from(tables, snapshots.mature_month_starts(tables, TARGET))
    table = procedure.labelled(built, company, TARGET)
    choice = procedure.choose(table, built.columns, company, TARGET, trials=TRIALS)
    artifact, _ = procedure.fit(table, built.columns, company, TARGET, choice)
    rows = procedure.as_rows(table, artifact.features, company, TARGET)
    interval, _ = redraws.measured(artifact, rows, rows.as_of == rows.as_of.max())
    return Drawn(artifact.with_interval(interval), rows)


@pytest.fixture(scope="module")
def draws(tmp_path_factory: pytest.TempPathFactory) -> list[Drawn]:
    """Four draws of the company."""
    place = tmp_path_factory.mktemp("draws")
    return [drawn(place / str(seed), seed) for seed in SEEDS]


def inside(draws: Sequence[Drawn], rate: float) -> list[float]:
    """The share of scores that the others put inside, when `rate` of the values are lost."""
    found = []
    for own, other in permutations(draws, 2):
        lost = np.random.default_rng(1).random(own.latest.shape) < rate
        poorer = np.where(lost, np.nan, own.latest)
        mine = own.artifact.scale.unclipped(own.artifact.margins(poorer))
        theirs = _scores(other, own)
        found.append(float((np.abs(theirs - mine) <= own.artifact.half_widths(poorer)).mean()))
    return found


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.8])
def test_nine_of_ten_scores_of_another_draw_lie_in_the_interval(
    rate: float, draws: list[Drawn], record_property: Note
) -> None:
    found = inside(draws, rate)
    record_property("inside", found)
    assert np.mean(found) >= 0.9


def test_it_is_no_wider_than_four_times_what_other_draws_differ_by(draws: list[Drawn]) -> None:
    for own in draws:
        mine = own.artifact.scale.unclipped(own.artifact.margins(own.latest))
        apart = [
            np.quantile(np.abs(_scores(other, own) - mine), 0.9)
            for other in draws
            if other is not own
        ]
        assert np.median(own.artifact.half_widths(own.latest)) <= 4 * np.median(apart)


def _scores(by: Drawn, of: Drawn) -> Floats:
    scale = scales.scale(by.artifact.calibration, SCALE)
    return scale.unclipped(by.artifact.margins(of.latest))
