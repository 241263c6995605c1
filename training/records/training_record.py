"""The training record: what a model was made from, and how it was chosen.

Frozen records, in the order of the file `training.json`. Dates are ISO dates; of a table with a
time they are the names of its blocks.
"""

from dataclasses import dataclass

from features.declaring.target import Target
from training.learning.model import ModelSettings
from training.learning.offsets import Offset
from training.learning.sides import ContradictedSide
from training.learning.trials import FoldLosses, Losses, SearchTrial
from training.metrics.calibration_table import DateCalibration
from training.tables.label_column import Roles


@dataclass(frozen=True)
class OffsetRecord:
    """How earlier dates moved the calibration's offset; see `training.learning.offsets`."""

    latest: float
    pulled_by: float
    slope_expected: float
    dates: tuple[Offset, ...]


@dataclass(frozen=True)
class Declared:
    """The parts of the declaration that a report shows."""

    company: str
    simulated: bool
    currency: str
    capacity: float
    target: Target


@dataclass(frozen=True)
class TableRecord:
    """How a table that nobody declared was read.

    `left_out` are columns that say nothing, `notices` what a person should look at.
    """

    roles: Roles
    rows_without_label: int
    repeated_rows: int
    left_out: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def without_meaning(self) -> list[str]:
        """The columns that training knew and did not use."""
        return [*self.roles.named, *self.left_out]


@dataclass(frozen=True)
class TrainingRecord:
    """The data of a model and the choice of its settings.

    `declared` is known of a company's model, `table` of that of a table. `losses` are None where
    nothing was searched; `trees_left_out` says why there is nothing but the scorecard, and is empty
    where there are trees; `contradicted` are declared sides that the rows speak against.
    `data_until` is None where the rows stated no day until which they are complete.
    """

    as_of: tuple[str, ...]
    rows: int
    accounts: int
    events: int
    bag: int
    model_settings: ModelSettings
    chosen_on: str
    trials: tuple[SearchTrial, ...]
    losses: Losses | None
    folds: tuple[FoldLosses, ...]
    trees_left_out: str
    parameters: dict[str, bool | int | float | str]
    base_rate: float
    offset: OffsetRecord
    calibration_by_as_of: tuple[DateCalibration, ...]
    data_digest: str = ""
    data_until: str | None = None
    explanation_path: str | None = None
    declared: Declared | None = None
    contradicted: tuple[ContradictedSide, ...] = ()
    table: TableRecord | None = None

    @property
    def by_renewal(self) -> bool:
        """Whether each row's window ends with its own renewal; then years of outcomes calibrate."""
        return self.declared is not None and self.declared.target.by_renewal
