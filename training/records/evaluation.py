"""The evaluation of a model: how good it was, where that was tested, and how it explains itself.

Frozen records, in the order of the file `evaluation.json`. The headline figures are those of one
later date; what the model gains over simpler ones, and over the champion, is pooled over all test
dates. Dates are ISO dates; of a table with a time they are the names of its blocks.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from features.declaring.indicator import Kind
from training.metrics.losses import LossOnDate
from training.metrics.measured import Measured
from training.metrics.quality import BandOutcome, OpportunityOutcome, Quality, ShadowColumn
from training.metrics.segments import SegmentResult
from training.metrics.worth import Worth

Flags = npt.NDArray[np.bool_]

TestRows = Literal["later as-of date", "later block of time", "folds grouped by account"]
Subject = Literal["artifact", "procedure"]
# As `features.lead_times.findings.LeadFinding`, whose module brings half of scipy along.
LeadFinding = Literal["leading", "lagging", "not shown", "not measured"]


@dataclass(frozen=True)
class BaselineGain:
    """By how much the model's log loss is below that of a simpler model; above 0 is better."""

    baseline: str
    gain: Measured


@dataclass(frozen=True)
class DateResult:
    """The result of one test date; `trained_on` are the dates of the rows that trained."""

    as_of: str
    trained_on: tuple[str, ...]
    rows: int
    accounts: int
    events: int
    auc: Measured
    log_loss: Measured
    gain_over_base_rate: Measured
    baselines: tuple[BaselineGain, ...]


@dataclass(frozen=True)
class ChampionComparison:
    """By how much the model's log loss is below the champion's, on dates that trained neither.

    `why` says why they were not compared, and is empty where they were, on the dates `as_of`.
    """

    version: str
    digest: str
    why: str
    gain: Measured
    as_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class CertificateCheck:
    """One check of a certificate: its `value` over `cases`, and the side of `threshold` it needs.

    `value` and `passed` are None where no row could be checked.
    """

    name: str
    says: str
    value: float | None
    threshold: float
    aim: Literal["at least", "at most"]
    cases: int
    passed: bool | None

    @classmethod
    def at_most(
        cls, name: str, says: str, value: float, threshold: float, cases: int
    ) -> "CertificateCheck":
        """A check of a difference that should be nothing."""
        return cls(name, says, value, threshold, "at most", cases, value <= threshold)

    @classmethod
    def share(cls, name: str, says: str, good: Flags, threshold: float) -> "CertificateCheck":
        """A check of how many of the cases are `good`."""
        value = float(good.mean()) if len(good) else None
        passed = None if value is None else value >= threshold
        return cls(name, says, value, threshold, "at least", len(good), passed)


@dataclass(frozen=True)
class Certificate:
    """The checks of a model's explanations, made on accounts of one date."""

    as_of: str
    checks: tuple[CertificateCheck, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return all(check.passed is not False for check in self.checks)

    @property
    def failed(self) -> list[CertificateCheck]:
        """The checks that failed."""
        return [check for check in self.checks if check.passed is False]


@dataclass(frozen=True)
class IntervalCoverage:
    """How wide scores' intervals are, in points, and in what share of cases they covered.

    `rows` were scored by `redraws` pairs of models of other accounts; `widened` is the factor that
    the half-width was widened by, `covered_with_losses` the share with values missing.
    """

    rows: int
    redraws: int
    half_width: float
    widened: float
    covered: float
    covered_with_losses: float


@dataclass(frozen=True)
class LeadPoint:
    """A point of a lead-time curve; see `features.lead_times.curves.CurvePoint`."""

    from_days: int
    to_days: int
    churners: int
    coverage: float
    auc: float | None
    low: float | None
    high: float | None
    certified: bool


@dataclass(frozen=True)
class IndicatorLead:
    """The measured lead of one indicator, with the curve of the column that leads most."""

    indicator: str
    declared: Kind | None
    finding: LeadFinding
    headline: bool
    lead_days: int | None
    open_ended: bool
    sentence: str
    title: str
    column: str
    curve: tuple[LeadPoint, ...]


@dataclass(frozen=True)
class IndicatorLeads:
    """The lead times of all indicators on month starts, `step_days` apart."""

    step_days: int
    gap_days: int
    level: float
    churners: int
    as_of: tuple[str, str]
    indicators: tuple[IndicatorLead, ...]


@dataclass(frozen=True)
class DriverStrength:
    """How many points of the score an indicator moves, as the mean of absolute values."""

    indicator: str
    title: str
    points: float


@dataclass(frozen=True)
class Drivers:
    """How many points each indicator moves over `rows`, the strongest first, and a sample of rows.

    Of the sample (rows × the first indicators), `points` are those of the score, and `position` is
    the share of rows whose value is lower, None where it is unknown or no number.
    """

    rows: int
    indicators: tuple[DriverStrength, ...]
    points: tuple[tuple[float, ...], ...]
    position: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True)
class ColumnShift:
    """How far one column moved: its population stability index."""

    column: str
    index: float


@dataclass(frozen=True)
class Drift:
    """How far columns moved between two dates: of `columns` compared, the `furthest`."""

    since: str
    until: str
    columns: int
    furthest: tuple[ColumnShift, ...]


DecidedBy = Literal["term", "days to the decision"]
DECIDED_BY: tuple[DecidedBy, ...] = get_args(DecidedBy)


@dataclass(frozen=True)
class DecisionGroup:
    """How good the scores of a model by renewal are for one group of decisions.

    The group is a term, or a range of days to the decision, whose name is the `segment` of its
    result; `bands` has an entry per colour.
    """

    by: DecidedBy
    result: SegmentResult
    bands: dict[str, BandOutcome]


@dataclass(frozen=True)
class OwnColumns:
    """By how much columns of its own lower the log loss of a segment's rows on later dates.

    `kept` says whether the model has them: where the gain is significant.
    """

    segment: str
    gain: Measured
    rows: int
    kept: bool


@dataclass(frozen=True)
class Tested:
    """The part of an evaluation that an account's page shows; see `Evaluation`."""

    kind: TestRows
    subject: Subject
    as_of: str
    bands: dict[str, BandOutcome]


@dataclass(frozen=True)
class Evaluation:
    """How good a model was on rows that had no part in making what was tested.

    `tested` is the artifact itself where a later date was at hand, else the procedure that made it,
    repeated on earlier dates. `test_dates` begins with the one of the headline figures, `as_of`.
    Where earlier dates supported no bands, `anchors_chosen_there`: the test date has chosen them.
    `bands` has an entry per colour of an adverse target; `opportunities`, "yes" and "no" of others.
    `decisions` are the groups of a target by renewal, `losses` what its forecast expected to be
    lost on each test date, and what was; `own_columns` the segments that were tried with such.
    `scorecard_refused` says why the scorecard alone is no model, where trees that are no
    significant gain over it had to stay.
    """

    kind: TestRows
    tested: Subject
    as_of: str
    trained_on: tuple[str, ...]
    quality: Quality
    gain_over_base_rate: Measured
    baselines: tuple[BaselineGain, ...]
    test_dates: tuple[DateResult, ...]
    segments: tuple[SegmentResult, ...]
    value: Worth
    bands: dict[str, BandOutcome] | None = None
    opportunities: dict[str, OpportunityOutcome] | None = None
    anchors_chosen_there: bool = False
    champion: ChampionComparison | None = None
    shadow: tuple[ShadowColumn, ...] = ()
    certificate: Certificate | None = None
    interval: IntervalCoverage | None = None
    lead_times: IndicatorLeads | None = None
    drivers: Drivers | None = None
    drift: Drift | None = None
    decisions: tuple[DecisionGroup, ...] = ()
    scorecard_refused: str = ""
    losses: tuple[LossOnDate, ...] = ()
    own_columns: tuple[OwnColumns, ...] = ()

    @property
    def summary(self) -> Tested:
        """The part of it that pages show."""
        return Tested(self.kind, self.tested, self.as_of, self.bands or {})

    @property
    def on_later_rows(self) -> bool:
        """Whether the rows were of a later time than those that trained."""
        return self.kind != "folds grouped by account"
