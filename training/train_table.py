"""`fit`: an artifact from one flat table that nobody declared, by the company's own procedure.

Without a time, rows are one moment: folds of whole accounts choose the settings, calibrate and
evaluate. With one, the table is cut into blocks by time; the last block tests a repetition of the
procedure on the blocks before it, which also chose the settings, and then calibrates the artifact
that is trained on all. The gains over the baselines are pooled with those of up to four earlier
blocks, each testing a model that was chosen and trained on the blocks before it. Such a table does
not say when a label was known: it is taken as known when the next block begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Unpack

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import MIN_CHURNERS
from features.errors import GateRefused
from features.plurals import counted
from features.progress import Progress, silent, with_subject
from features.snapshots import digest
from training import certificate, report_data
from training.artifact import Artifact
from training.calibrating import health
from training.calibrating.health import Anchors
from training.calibrating.scales import scale
from training.evaluating import baselines, gate
from training.evaluating.origins import Origin, pooled
from training.explaining.drivers import Meaning
from training.interval import redraws
from training.learning import cold_start, search, split
from training.learning.fitted import FittedModel
from training.learning.folds import TOO_SHORT, both_sides_usable, folds_of
from training.learning.matrix import Feature, matrix
from training.learning.model import TrainingRows
from training.learning.search import Choice
from training.metrics import quality, segments, worth
from training.procedure import training_record
from training.records.evaluation import Drift, Drivers, Evaluation, TestRows
from training.records.records import Records
from training.records.training_record import TableRecord, TrainingRecord
from training.tables import foreign, giveaways, label_column, near_duplicates, plain_table
from training.tables.label_column import ColumnName, RoleNames, Roles
from training.tables.plain_table import Frame

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

Choices = Mapping[int | None, Choice]
# By the test block, which is None where folds of all rows test the model.

CAPACITY = 0.10
BLOCKS = 10
MOMENT = "one moment"
ONE_OF_EACH = "name the column that identifies customers (--id), or keep one row of each"


@dataclass(frozen=True)
class _Read:
    """A training table that was read: its rows, and the names of its blocks in order of time.

    `places` are the rows' numbers in the table, the first being 1.
    """

    rows: TrainingRows
    blocks: Sequence[str]
    about: TableRecord
    data_digest: str
    places: Sequence[int]

    @property
    def label(self) -> str:
        """The column that is predicted."""
        return self.about.roles.label

    @property
    def block(self) -> npt.NDArray[np.int64]:
        """The number of each row's block."""
        return self.rows.as_of.astype(np.int64)

    def at(self, block: int) -> TrainingRows:
        """The rows of a block."""
        return self.rows.where(self.block == block)

    def before(self, block: int) -> TrainingRows:
        """The rows of all blocks before it."""
        return self.rows.where(self.block < block)


def fit(
    frame: Frame,
    label: ColumnName,
    *,
    trials: int = search.TRIALS,
    progress: Progress = silent,
    **roles: Unpack[RoleNames],
) -> Artifact:
    """An artifact that predicts the column `label` from all other columns of `frame`.

    Parameters
    ----------
    frame : pandas.DataFrame or pyarrow.Table
        One row per customer, or per customer and time.
    label : str
        A column of two values; rows without one are left out.
    trials : int
        How many model settings are tried.
    **roles
        `id`, the column that identifies customers (without it, rows of equal content are one);
        `time`, the column to split by; `event`, the label's value that is predicted, where that is
        not 1, true or yes; `ignore`, columns to leave out.

    Raises
    ------
    ContractBroken
        Columns that are unusable or leak the label, alone or together; all of them are listed.
    GateRefused
        Too few rows of either outcome, or columns without information.
    """
    read = _read(frame, Roles.of(label, **roles))
    progress(f"reading {len(read.rows.y):,} rows of {len(read.rows.features)} columns")
    artifact = _simplest(read, _choose(read, trials, progress), progress)
    artifact = redraws.with_score_interval(
        artifact, read.rows, _latest_with_enough(read.rows), progress
    )
    artifact = certificate.certified(artifact, read.rows, progress)
    return report_data.with_evidence(artifact, *_evidence(artifact, read))


def _choose(read: _Read, trials: int, progress: Progress) -> Choices:
    """The choice of each origin by the blocks before it, latest first; else that of all rows."""
    choices: dict[int | None, Choice] = {}
    for block in np.unique(read.block)[::-1][: split.MOST_TEST_DATES]:
        rows = read.before(int(block))
        if _enough(rows.y) and split.both_outcomes(read.at(int(block)).y):
            step = with_subject(f"{read.label}, {read.blocks[block]}", progress)
            choices[int(block)] = _chosen(read, rows, trials, step)
        elif not choices:
            step = with_subject(read.label, progress)
            return {None: _chosen(read, read.rows, trials, step)}
    return choices


def _chosen(read: _Read, rows: TrainingRows, trials: int, progress: Progress) -> Choice:
    return cold_start.choose_settings(rows, *_folds(read, rows), trials=trials, progress=progress)


@dataclass(frozen=True)
class _Fits:
    """The model of all rows, and the one that is tested on the last block, with its origins.

    `tested` is None where there is no later block.
    """

    final: FittedModel
    tested: FittedModel | None
    origins: Sequence[Origin]

    def without_trees(self) -> "_Fits":
        """The same of the scorecards that stood beside the models; errors as of theirs."""
        try:
            tested = self.tested and self.tested.without_trees
        except GateRefused:
            tested = None
        origins = [origin.without_trees() for origin in self.origins]
        return _Fits(self.final.without_trees, tested, origins)


def _simplest(read: _Read, choices: Choices, progress: Progress) -> Artifact:
    """The evaluated artifact; where its trees bring no significant gain, the scorecard alone.

    Within one moment nothing drifts: there the folds that chose the trees have tested them.
    """
    fits, choice = _fits(read, choices, progress), next(iter(choices.values()))
    artifact = _evaluated(read, fits, choice)
    if len(read.blocks) > 1 and (why := gate.trees_prove_nothing(artifact.evaluation)):
        return _evaluated(read, fits.without_trees(), choice.without_trees(why))
    return artifact


def _fits(read: _Read, choices: Choices, progress: Progress) -> _Fits:
    """The model of all rows by the first choice, and those that test it on that choice's origin."""
    (latest, choice), *earlier = choices.items()
    progress("fitting")
    final = _fitted(read.rows, choice)
    progress("evaluating")
    tested = None if latest is None else _fitted_before(read, latest, choice)
    if latest is None or tested is None:
        return _Fits(final, None, ())
    origins = [_origin(read, tested, latest)]
    for block, earlier_choice in earlier:
        assert block is not None
        if before := _fitted_before(read, block, earlier_choice):
            origins.append(_origin(read, before, block))
    return _Fits(final, tested, origins)


def _evaluated(read: _Read, fits: _Fits, choice: Choice) -> Artifact:
    """The artifact of all rows by the choice, tested on its origin or on folds."""
    artifact = _with_near_duplicates(_made(read, fits.final, choice), read, fits.final)
    if fits.tested is None:
        return artifact.with_evaluation(_by_folds(artifact, fits.final))
    tested = _made(read, fits.tested, choice)
    return artifact.with_evaluation(_out_of_time(tested, fits.origins))


def _with_near_duplicates(artifact: Artifact, read: _Read, fitted: FittedModel) -> Artifact:
    """The artifact whose record tells rows that stand on both sides of a split."""
    logits = fitted.calibration_fit.line.logits(fitted.margins)
    cure = "keep one row of each" if read.about.roles.id else ONE_OF_EACH
    found = near_duplicates.notices(read.rows, logits, read.places, cure)
    about = replace(read.about, notices=(*read.about.notices, *found))
    return artifact.with_training(replace(artifact.training, table=about))


def _fitted_before(read: _Read, block: int, choice: Choice) -> FittedModel | None:
    """The model of the blocks before one; None where their calibration runs backwards."""
    try:
        return _fitted(read.before(block), choice)
    except GateRefused:
        return None


def _evidence(artifact: Artifact, read: _Read) -> tuple[Drivers, Drift | None]:
    """Drivers on the last block, and the drift from the block in the middle to it."""
    blocks = np.unique(read.block)
    since, until = int(blocks[len(blocks) // 2]), int(blocks[-1])
    X = {block: read.rows.X[read.block == block] for block in (since, until)}
    moved = None
    if since < until:
        every, dates = range(len(artifact.features)), (read.blocks[since], read.blocks[until])
        moved = report_data.drift(artifact.features, every, (X[since], X[until]), dates)
    return report_data.drivers(artifact, X[until]), moved


def _read(frame: Frame, roles: Roles) -> _Read:
    table = plain_table.as_table(frame, texts=() if roles.id is None else (roles.id,))
    labels = label_column.read_labels(table, roles)
    labelled = ~np.isnan(labels)
    table, y = table.filter(pa.array(labelled)), labels[labelled].astype(np.int8)
    if not _enough(y):
        raise GateRefused(
            f"label {roles.label}: {int(y.sum())} rows with the event and {int((1 - y).sum())} "
            f"without; at least {MIN_CHURNERS} of each are needed: add rows"
        )
    constant = foreign.constant(table, roles)
    table = table.drop_columns(list(constant))
    features = foreign.features_of(table, y, roles)
    X = matrix(table, features)
    giveaways.require_none(X, y, features)
    notices = [f"left out {name}: {why}" for name, why in constant.items()]
    notices += giveaways.notices(X, y, features)
    accounts = foreign.row_customers(table, y, roles, features)
    _require_folds(y, accounts, roles)
    blocks, names = _blocks(table, roles)
    as_of = np.array(blocks, "datetime64[D]")
    rows = TrainingRows(X, y, accounts, as_of, features, [0] * len(features))
    repeated = len(y) - len(set(accounts)) if roles.id is None else 0
    about = TableRecord(roles, int((~labelled).sum()), repeated, tuple(constant), tuple(notices))
    return _Read(rows, names, about, digest(table), (np.flatnonzero(labelled) + 1).tolist())


def _require_folds(y: Labels, accounts: Sequence[str], roles: Roles) -> None:
    """Raises GateRefused where holding some accounts out leaves one outcome alone."""
    if all(
        split.both_outcomes(y[fold.train]) and fold.test.any()
        for fold in split.by_account(accounts)
    ):
        return
    by = f"column {roles.id}" if roles.id is not None else "equal content"
    raise GateRefused(
        f"label {roles.label}: its {len(y):,} rows belong to "
        f"{counted(len(set(accounts)), 'customer')} (by "
        f"{by}), too few to hold some of them out; name the column that identifies customers "
        "(id), or add rows"
    )


def _enough(y: Labels) -> bool:
    return MIN_CHURNERS <= int(y.sum()) <= len(y) - MIN_CHURNERS


def _blocks(table: pa.Table, roles: Roles) -> tuple[npt.NDArray[np.int64], list[str]]:
    """The number of each row's block of time, and the blocks' names: their first times."""
    if roles.time is None:
        return np.zeros(table.num_rows, dtype=np.int64), [MOMENT]
    column = table[roles.time]
    if not pa.types.is_floating(column.type):
        raise GateRefused(
            f"time {roles.time}: the column is text; give every row a date or a number"
        )
    unknown = column.null_count + int(pc.sum(pc.is_inf(column)).as_py() or 0)
    if unknown:
        raise GateRefused(
            f"time {roles.time}: {unknown:,} rows have no time; give every row a date or a number"
        )
    times = column.to_numpy()
    edges = np.unique(times)
    if len(edges) > BLOCKS:
        edges = np.unique(np.quantile(times, np.arange(BLOCKS) / BLOCKS, method="higher"))
    return np.searchsorted(edges, times, "right") - 1, [_moment(edge) for edge in edges]


def _moment(value: float) -> str:
    """A time as people write it: a day where the number is one of this age, else as it is."""
    if 3650 < value < 36500:
        return str(datetime.fromtimestamp(value * 86400, UTC).date())
    return f"{value:g}"


def _folds(read: _Read, rows: TrainingRows) -> tuple[list[split.CvFold], str]:
    """Folds by blocks of time where the rows have some, else by accounts; and what they are."""
    later = [fold for fold in split.forward(rows.as_of) if both_sides_usable(rows, fold)]
    if later:
        return later, "later blocks of time"
    grouped, one_moment = folds_of(rows, None)
    return grouped, one_moment if len(read.blocks) == 1 else TOO_SHORT


def _fitted(rows: TrainingRows, choice: Choice) -> FittedModel:
    """The model of the rows, calibrated on the latest of them with enough of both outcomes."""
    return FittedModel.of(rows, choice.model_settings, _latest_with_enough(rows))


def _made(read: _Read, fitted: FittedModel, choice: Choice) -> Artifact:
    """The artifact of a fitted model."""
    line, features, roles = (
        fitted.calibration_fit.line,
        tuple(fitted.rows.features),
        read.about.roles,
    )
    return Artifact(
        target=roles.label,
        horizon_days=0,
        gap_days=0,
        min_history_days=0,
        scorecard=fitted.model.scorecard,
        models=tuple(booster.model_to_string() for booster in fitted.model.boosters),
        calibration=line,
        anchors=_anchors(line.logits(fitted.calibration_margins), fitted.calibration_rows.y),
        features=features,
        meanings={feature.indicator: _meaning(feature) for feature in features},
        declaration_hash=sha256(repr(sorted(asdict(roles).items())).encode()).hexdigest(),
        records=Records(made_training=_named_by_blocks(read, training_record(fitted, choice))),
        definitions={},
    )


def _latest_with_enough(rows: TrainingRows) -> split.Mask:
    for block in np.unique(rows.as_of)[::-1]:
        mask: split.Mask = rows.as_of >= block
        if _enough(rows.y[mask]):
            return mask
    return np.ones(len(rows.y), dtype=np.bool_)


def _anchors(logits: Floats, labels: Labels) -> Anchors:
    """The bands' anchors; where the rows support none, the base rate's odds doubled and halved."""
    try:
        return health.supported(logits, labels, CAPACITY)
    except GateRefused as refused:
        odds = float(labels.mean() / (1 - labels.mean()))
        red, green = (times * odds / (1 + times * odds) for times in (2.0, 0.5))
        return Anchors(red, green, f"odds of the base rate, doubled and halved, since {refused}")


def _meaning(feature: Feature) -> Meaning:
    name = feature.name.replace("{", "{{").replace("}", "}}")
    says = f"{name}: {{value}} (typically {{usual}})"
    return Meaning(feature.name, "business", "leading", "", says, None)


def _named_by_blocks(read: _Read, made: TrainingRecord) -> TrainingRecord:
    """The training record of the table, with the blocks of time by their names."""
    offsets = (replace(each, as_of=_name(read, each.as_of)) for each in made.offset.dates)
    calibrated = (
        replace(each, as_of=_name(read, each.as_of)) for each in made.calibration_by_as_of
    )
    return replace(
        made,
        as_of=_names(read, made.as_of),
        offset=replace(made.offset, dates=tuple(offsets)),
        calibration_by_as_of=tuple(calibrated),
        folds=tuple(replace(fold, as_of=_names(read, fold.as_of)) for fold in made.folds),
        table=read.about,
        data_digest=read.data_digest,
    )


def _names(read: _Read, days: Sequence[str]) -> tuple[str, ...]:
    return tuple(_name(read, day) for day in days)


def _name(read: _Read, day: str) -> str:
    """The name of the block behind a day, by which rows know it."""
    return read.blocks[int(np.datetime64(day, "D").astype(np.int64))]


def _origin(read: _Read, fitted: FittedModel, block: int) -> Origin:
    """The rows of a block, the logits of a model of earlier blocks, and its rivals."""
    test = read.at(block)
    return Origin(
        as_of=read.blocks[block],
        trained_on=_names(read, fitted.days),
        labels=test.y,
        accounts=test.accounts,
        logits=fitted.logits(test.X),
        base=fitted.base,
        rivals=baselines.beside(test, fitted),
    )


def _out_of_time(artifact: Artifact, origins: Sequence[Origin]) -> Evaluation:
    """The evaluation on the first origin, whose rows have not trained `artifact`, among all."""
    return _evaluation("later block of time", artifact, origins)


def _by_folds(artifact: Artifact, fitted: FittedModel) -> Evaluation:
    """Each fold by a line of the others; the margins never saw their account."""
    held, logits = fitted.calibration_rows, baselines.cross_calibrated(fitted)
    days, rivals = artifact.training.as_of, baselines.beside_held(fitted)
    origin = Origin(days[-1], days, held.y, held.accounts, logits, fitted.base, rivals)
    return _evaluation("folds grouped by account", artifact, [origin])


def _evaluation(kind: TestRows, artifact: Artifact, origins: Sequence[Origin]) -> Evaluation:
    first = origins[0]
    labels, accounts, logits = first.labels, first.accounts, first.logits
    # The line is in the logits already.
    scores = scale(replace(artifact.calibration, slope=1.0, offset=0.0), artifact.anchors)
    measured = quality.evaluate(logits, labels, accounts, first.base)
    gains = pooled(origins, measured)
    return Evaluation(
        kind=kind,
        tested="procedure",
        as_of=first.as_of,
        trained_on=artifact.training.as_of,
        quality=measured,
        gain_over_base_rate=gains.gain_over_base_rate,
        baselines=gains.baselines,
        test_dates=gains.test_dates,
        segments=segments.table(logits, labels, accounts, ["all"] * len(labels), measured),
        value=worth.of(logits, labels, accounts, CAPACITY),
        bands=quality.bands(scores.unclipped(logits), labels),
    )
