"""How wide the interval around a score is, and how often it holds what it promises.

For each example and target: the full width on the latest as-of date; how many of its scores by
models of resampled accounts (with replacement, the whole procedure but the search) lie in it; and,
where values are taken away, how many of the scores that were known lie in what it is then.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

# As the product's own commands: threads that wait must not burn a core; read when libgomp loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt

from benchmarks.instruments.copies import NoData, copied
from features import contract, snapshots
from features.declaring import declaration
from features.declaring.company import Company
from training import procedure
from training.artifact import Artifact
from training.calibrating.bands import GREEN_FROM, RED_BELOW, band_codes
from training.interval import redraws
from training.learning import model, offsets
from training.learning.model import TrainingRows

Floats = npt.NDArray[np.float64]

COMPANIES = ("cdnow", "saas")
DRAWS, TRIALS = 5, 6
RATES = (0.2, 0.5, 0.8)
SEED = 9


@dataclass(frozen=True)
class Line:
    """Figures of one model: widths in points, the rest shares of its scored accounts."""

    company: str
    target: str
    accounts: int
    width: float
    width_half_known: float
    width_nothing_known: float
    crossing: float
    redrawn: float
    lost: dict[str, float]


def measured(name: str, target: str, artifact: Artifact, rows: TrainingRows) -> Line:
    """The figures of an artifact on the latest of its training rows."""
    at = rows.as_of == rows.as_of.max()
    interval, _ = redraws.measured(artifact, rows, at)
    own = artifact.with_interval(interval)
    X = rows.X[at]
    scores, half = own.scale.unclipped(own.margins(X)), own.half_widths(X)
    again = [own.scale.unclipped(_again(own, rows, X, seed)) for seed in range(DRAWS)]
    lost = np.random.default_rng(SEED).random(X.shape) < 0.5
    crossing = band_codes(scores - half) != band_codes(scores + half)
    return Line(
        company=name,
        target=target,
        accounts=len(X),
        width=float(np.median(2 * half)),
        width_half_known=float(np.median(2 * own.half_widths(np.where(lost, np.nan, X)))),
        width_nothing_known=float(2 * own.half_widths(np.full((1, X.shape[1]), np.nan))[0]),
        crossing=float(crossing.mean()),
        redrawn=float(np.mean([np.abs(found - scores) <= half for found in again])),
        lost=dict(_lost(own, X, scores)),
    )


def _again(artifact: Artifact, rows: TrainingRows, X: Floats, seed: int) -> Floats:
    """Margins of X, on the artifact's scale, by a model of as many resampled accounts."""
    names, whose = np.unique(rows.accounts, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), len(names))
    places = np.repeat(np.arange(len(whose)), np.bincount(drawn, minlength=len(names))[whose])
    accounts = [rows.accounts[int(place)] for place in places]
    own = replace(
        rows, X=rows.X[places], y=rows.y[places], accounts=accounts, as_of=rows.as_of[places]
    )
    model_settings = artifact.training.model_settings
    line = offsets.fit_dates(
        model.cross_fitted(own, model_settings), own.y, own.as_of, own.ahead
    ).line
    logits = line.logits(model.fit_model(own, model_settings).margins(X))
    return (logits - artifact.calibration.offset) / artifact.calibration.slope


def _lost(artifact: Artifact, X: Floats, scores: Floats) -> Iterator[tuple[str, float]]:
    random = np.random.default_rng(SEED)
    windows = np.array([item.window or 0 for item in artifact.features])
    dimensions = np.array(
        [artifact.meanings[item.indicator].dimension for item in artifact.features]
    )
    losses = [(f"{rate:.0%} of all values", random.random(X.shape) < rate) for rate in RATES]
    losses += [(f"dimension {name}", dimensions == name) for name in np.unique(dimensions)]
    losses += [(f"window {days or 'all'}", windows == days) for days in np.unique(windows)]
    for name, lost in losses:
        poorer = np.where(lost, np.nan, X)
        missed = np.abs(artifact.scale.unclipped(artifact.margins(poorer)) - scores)
        yield str(name), float((missed <= artifact.half_widths(poorer)).mean())


def trained(company: Company) -> Iterator[tuple[str, Artifact, TrainingRows]]:
    """What training makes of all mature month starts, for each target, with its rows."""
    with contract.sound_tables(company) as tables:
        days = {name: snapshots.mature_month_starts(tables, name) for name in company.targets}
        built = snapshots.build_from(tables, sorted({day for own in days.values() for day in own}))
    for target in company.targets:
        table = procedure.labelled(built, company, target)
        choice = procedure.choose(table, built.columns, company, target, trials=TRIALS)
        artifact, _ = procedure.fit(table, built.columns, company, target, choice)
        yield target, artifact, procedure.as_rows(table, artifact.features, company, target)


def of(name: str) -> Iterator[Line]:
    """The figures of an example."""
    with copied(name) as folder:
        company = declaration.load(folder)
        for target, artifact, rows in trained(company):
            yield measured(name, target, artifact, rows)


def worded(item: Line) -> str:
    """The figures in a few lines."""
    lost = "\n".join(f"    without {name}: {share:.3f}" for name, share in item.lost.items())
    return (
        f"{item.company} {item.target}: {item.accounts:,} accounts, width {item.width:.1f} points "
        f"(half of the values {item.width_half_known:.1f}, none {item.width_nothing_known:.1f}); "
        f"{item.crossing:.0%} could have another light ({RED_BELOW:g}, {GREEN_FROM:g})\n"
        f"  inside: by resampled accounts {item.redrawn:.3f}\n{lost}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures every example; one JSON line each with `--json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--company", choices=COMPANIES)
    given = parser.parse_args(arguments)
    for name in [given.company] if given.company else COMPANIES:
        try:
            for line in of(name):
                print(json.dumps(asdict(line)) if given.json else worded(line), flush=True)
        except NoData as error:
            print(f"{name}: left out, {error}", flush=True)


if __name__ == "__main__":
    main()
