"""The procedure that turns labelled rows into an artifact.

The evaluation repeats it, whole, on earlier rows.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import clock
from features.assembling.feature_plan import FeatureColumn
from features.contract import MIN_CHURNERS
from features.declaring.company import Company
from features.declaring.definitions import definitions
from features.errors import GateRefused
from features.progress import Progress, silent
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.calibrating import scales
from training.calibrating.health import Anchors
from training.calibrating.opportunity import Edge
from training.explaining import usual
from training.explaining.drivers import Meaning
from training.learning import cold_start, model, moments, search, split
from training.learning.derived import own_columns, paces
from training.learning.fitted import FittedModel
from training.learning.folds import folds_of
from training.learning.matrix import Feature, matrix
from training.learning.search import Choice
from training.metrics.calibration_table import by_as_of
from training.records.records import Records
from training.records.training_record import OffsetRecord, TrainingRecord

Floats = npt.NDArray[np.float64]


def labelled(snapshots: Snapshots, company: Company, target: str) -> pa.Table:
    """The rows that may teach or test: eligible, mature, with enough history to be scored."""
    table = scorable(snapshots, company, target)
    return table.filter(pc.is_valid(table[f"label__{target}"]))


def scorable(snapshots: Snapshots, company: Company, target: str) -> pa.Table:
    """The rows that are scored: eligible, with enough history; by renewal, with their shares."""
    table = snapshots.table
    enough = pc.greater_equal(table["history_days"], company.bands.min_history)
    table = table.filter(pc.and_(table[f"eligible__{target}"], enough))
    return moments.with_shares(table, target) if company.targets[target].by_renewal else table


def choose(
    table: pa.Table,
    columns: Sequence[FeatureColumn],
    company: Company,
    target: str,
    *,
    trials: int = search.TRIALS,
    progress: Progress = silent,
) -> Choice:
    """The settings that suit labelled rows best, chosen on later as-of dates where there are some.

    Raises
    ------
    GateRefused
        Too few accounts of either kind.
    """
    rows = rows_of(table, columns, company, target)
    folds, chosen_on = folds_of(rows, company.targets[target])
    return cold_start.choose_settings(rows, folds, chosen_on, trials=trials, progress=progress)


def rows_of(
    table: pa.Table,
    columns: Sequence[FeatureColumn],
    company: Company,
    target: str,
    own: Sequence[str] = (),
) -> model.TrainingRows:
    """Labelled rows as what the model is given, with the columns that may move a score.

    The segments in `own` have columns of their own beside those of all.

    Raises
    ------
    GateRefused
        Too few accounts of either kind.
    """
    require_enough(table, target, company)
    features = own_columns.with_own(describe(table, live(columns), company, target), own)
    return as_rows(table, features, company, target)


def live(columns: Sequence[FeatureColumn]) -> list[FeatureColumn]:
    """The columns that may move a score."""
    return [column for column in columns if column.stage == "live"]


def fit(
    table: pa.Table,
    columns: Sequence[FeatureColumn],
    company: Company,
    target: str,
    choice: Choice | None = None,
    own: Sequence[str] = (),
) -> tuple[Artifact, FittedModel]:
    """An artifact from labelled rows, calibrated and anchored on their latest moment.

    Also returns the fitted model. Without a `choice` of settings, they are chosen on the rows. The
    segments in `own` have columns of their own.

    Raises
    ------
    GateRefused
        Too few accounts of either kind, a calibration that runs backwards, or bands that the
        rows cannot support; the message says by how much.
    """
    require_enough(table, target, company)
    choice = choice or choose(table, columns, company, target)
    fitted = learn(table, columns, company, target, choice, own)
    return made_of(fitted, choice, company, target), fitted


def learn(
    table: pa.Table,
    columns: Sequence[FeatureColumn],
    company: Company,
    target: str,
    choice: Choice,
    own: Sequence[str] = (),
) -> FittedModel:
    """A model trained on labelled rows, calibrated on their latest moment, without a scale.

    The segments in `own` have columns of their own.

    Raises
    ------
    GateRefused
        Too few accounts of either kind, or a calibration that runs backwards.
    """
    rows = rows_of(table, columns, company, target, own)
    _require_both(rows, company.targets[target].words[0])
    return FittedModel.of(rows, choice.model_settings, rows.at_last)


def anchors(fitted: FittedModel, company: Company, target: str) -> Anchors | Edge:
    """The anchors of a fitted model's scale, from rows of the latest moment.

    Their margins are of models that did not see their accounts. Where these are too few to support
    bands, earlier moments help, at least a horizon apart.

    Raises
    ------
    GateRefused
        All of them support none; the message is that of the latest moment.
    """
    rows, declared, capacity = fitted.rows, company.targets[target], company.bands.capacity
    logits, refusals = fitted.calibration_fit.line.logits(fitted.margins), []
    moment, counts = rows.moment, rows.counts
    every = np.unique(moment).astype(object).tolist()
    days = split.apart(every, every[-1], declared)
    for count in range(1, len(days) + 1):
        mask = np.isin(moment, np.array(days[:count], "datetime64[D]"))
        try:
            edges = scales.anchored(declared, logits[mask], rows.y[mask], capacity, counts[mask])
        except GateRefused as refused:
            refusals.append(refused)
            continue
        return edges if count == 1 else replace(edges, chosen=f"{edges.chosen} of {count} dates")
    raise refusals[0]


def made_of(fitted: FittedModel, choice: Choice, company: Company, target: str) -> Artifact:
    """The artifact of a fitted model: with its scale and the words of the declaration.

    Raises
    ------
    GateRefused
        Its rows support no bands.
    """
    declared, features = company.targets[target], tuple(fitted.rows.features)
    return Artifact(
        target=target,
        horizon_days=declared.horizon_days,
        gap_days=declared.gap,
        min_history_days=company.bands.min_history,
        scorecard=fitted.model.scorecard,
        models=tuple(booster.model_to_string() for booster in fitted.model.boosters),
        calibration=fitted.calibration_fit.line,
        anchors=anchors(fitted, company, target),
        features=features,
        meanings=_meanings(company, features),
        declaration_hash=company.declaration_hash,
        records=Records(made_training=training_record(fitted, choice)),
        definitions=definitions(company, target),
    )


def under(company: Company, target: str, fixed: Anchors | Edge) -> Company:
    """The company as if it declared these anchors of `target`.

    Earlier rows may be too few for bands of their own; ranks and probabilities need none.
    """
    edges = {name: value for name, value in asdict(fixed).items() if name != "chosen"}
    declared = company.targets[target].model_copy(update=edges)
    return company.model_copy(update={"targets": company.targets | {target: declared}})


def require_enough(table: pa.Table, target: str, company: Company) -> None:
    """Raises GateRefused unless enough distinct accounts churned, and enough stayed."""
    for label, word in zip((1, 0), company.targets[target].words, strict=True):
        chosen = table.filter(pc.equal(table[f"label__{target}"], label))
        accounts = pc.count_distinct(chosen["account_id"]).as_py()
        if accounts < MIN_CHURNERS:
            raise GateRefused(
                f"target {target}: {accounts} accounts {word} on the given as-of dates and "
                f"{MIN_CHURNERS} are needed; add as-of dates, widen the horizon or the active rule"
            )


def _require_both(rows: model.TrainingRows, word: str) -> None:
    labels = rows.y[rows.at_last]
    if (events := int(labels.sum())) in (0, len(labels)):
        raise GateRefused(
            f"on the latest as-of date, {rows.latest}, {events} of {len(labels)} accounts "
            f"{word}, so nothing can be calibrated there; leave the date out, or fix data_until "
            "if the tables end before it"
        )


def describe(
    table: pa.Table, columns: Sequence[FeatureColumn], company: Company, target: str
) -> list[Feature]:
    """The columns as the artifact knows them, with their paces, and the usual value of each."""
    latest = _latest_rows(table, company, target)
    plain = [
        Feature(
            column.name,
            column.indicator,
            column.window,
            column.dtype,
            _categories(table[column.name]) if column.dtype == "category" else (),
            usual.usual(latest[column.name]),
        )
        for column in columns
    ]
    described = usual.by_segment(plain, latest)
    return [
        feature if feature.against is None else _with_usual(feature, latest)
        for feature in paces.with_paces(described, company)
    ]


def _latest_rows(table: pa.Table, company: Company, target: str) -> pa.Table:
    """The rows that say what is usual: of the latest date, or of the latest decisions."""
    if company.targets[target].by_renewal:
        return moments.of_the_latest(table, target)
    return table.filter(pc.equal(table["as_of"], pc.max(table["as_of"])))


def _with_usual(feature: Feature, latest: pa.Table) -> Feature:
    values = matrix(latest, [feature])
    return replace(feature, usual=None if np.isnan(values).all() else float(np.nanmedian(values)))


def _categories(column: pa.ChunkedArray) -> tuple[str, ...]:
    return tuple(sorted(pc.unique(pc.drop_null(column)).to_pylist()))


def as_rows(
    table: pa.Table, features: Sequence[Feature], company: Company, target: str
) -> model.TrainingRows:
    """The table as what the model is given."""
    declared = company.targets[target]
    as_of = table["as_of"].to_numpy().astype("datetime64[D]")
    day: date = as_of.max().astype(object)
    times = moments.of(table, target) if declared.by_renewal else None
    return model.TrainingRows(
        matrix(table, features),
        table[f"label__{target}"].to_numpy().astype(np.int8),
        table["account_id"].to_pylist(),
        as_of,
        features,
        model.monotone_signs(company, target, features),
        (clock.settled(day, declared) - day).days if times is None else moments.YEAR,
        times,
    )


def _meanings(company: Company, features: Sequence[Feature]) -> dict[str, Meaning]:
    meanings = {}
    for name in dict.fromkeys(feature.indicator for feature in features):
        indicator = company.indicators[name]
        meanings[name] = Meaning(
            indicator.title,
            indicator.dimension,
            indicator.kind,
            indicator.unit,
            indicator.says,
            indicator.playbook,
            indicator.says_good,
        )
    return meanings


def training_record(fitted: FittedModel, choice: Choice) -> TrainingRecord:
    """The record of a training: its rows, its choice of settings, and its calibration."""
    rows, history = fitted.rows, fitted.calibration_fit
    logits = history.line.logits(fitted.margins)
    return TrainingRecord(
        as_of=tuple(fitted.days),
        rows=len(rows.y),
        accounts=len(set(rows.accounts)),
        events=int(rows.y.sum()),
        bag=model.BAG if choice.model_settings.share else 0,
        model_settings=choice.model_settings,
        chosen_on=choice.chosen_on,
        trials=choice.trials,
        losses=choice.losses,
        folds=choice.folds,
        trees_left_out=choice.trees_left_out,
        parameters=model.PARAMETERS,
        base_rate=fitted.base,
        offset=OffsetRecord(
            latest=history.offsets[-1].offset,
            pulled_by=history.pull.shift,
            slope_expected=history.pull.slope,
            dates=history.offsets,
        ),
        calibration_by_as_of=tuple(by_as_of(logits, rows.y, rows.moment, rows.accounts)),
    )


def size(made: TrainingRecord) -> str:
    """How big the model is."""
    kept = made.model_settings
    trees = f"{made.bag} × {kept.rounds} trees of {kept.leaves} leaves"
    if not kept.share:
        return "a scorecard"
    if kept.share == 1:
        return trees
    return f"{kept.share:.0%} trees ({trees}) and {1 - kept.share:.0%} scorecard"
