"""The labelled rows of a target over its as-of dates, and what the procedure makes of some of them.

A model of some dates has model settings that were chosen on those dates: the choice of an origin
looks at nothing that was settled after it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.declaring.company import Company
from features.declaring.target import Target
from features.errors import GateRefused
from features.progress import Progress, with_subject
from features.snapshots import Snapshots
from training import procedure
from training.artifact import Artifact
from training.learning import moments, split
from training.learning.fitted import FittedModel
from training.learning.matrix import Feature
from training.learning.model import TrainingRows
from training.learning.search import Choice
from training.metrics import worth
from training.metrics.worth import Worth
from training.procedure import as_rows, choose

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TargetHistory:
    """Labelled rows of a target and the as-of dates in them: to learn from, and later ones.

    `choice` has the model settings for the last dates, `choices` those for each earlier
    origin, `champion` the model that one of them may replace, `mrr` the monthly recurring revenue
    of the accounts of which it is known. `own` are the segments with columns of their own.
    """

    built: Snapshots
    company: Company
    target: str
    table: pa.Table
    learn: Sequence[date]
    later: Sequence[date]
    choice: Choice | None = None
    choices: Mapping[date, Choice] = field(default_factory=dict)
    champion: Artifact | None = None
    mrr: Mapping[str, float] = field(default_factory=dict)
    own: tuple[str, ...] = ()

    @property
    def declared(self) -> Target:
        """The target as declared."""
        return self.company.targets[self.target]

    def of(self, days: Sequence[date]) -> pa.Table:
        """The rows of `days`."""
        return self.table.filter(pc.is_in(self.table["as_of"], pa.array(days, pa.date32())))

    @property
    def learning(self) -> pa.Table:
        """The rows to learn from; by renewal, what the later date to test on could know of them."""
        if self.later and self.declared.by_renewal:
            return self.settled_by(self.latest)
        return self.of(self.learn)

    def one_later(self) -> "TargetHistory":
        """The same with the last of its later dates that may test, if there is one."""
        return replace(self, later=[day for day in self.later if day in self.tests][-1:])

    def rows(self, table: pa.Table, features: Sequence[Feature]) -> TrainingRows:
        """Some of the rows as the input of a model."""
        return as_rows(table, features, self.company, self.target)

    def chosen(self) -> "TargetHistory":
        """The same, which has a choice; errors as of `procedure.choose`."""
        if self.choice is not None:
            return self
        choice = choose(self.learning, self.built.columns, self.company, self.target)
        return replace(self, choice=choice)

    def fit(self) -> FittedModel:
        """The model of the rows to learn from; errors as of `procedure.learn`."""
        assert self.choice is not None
        return self._learnt(self.learning, self.choice)

    def made_of(self, fitted: FittedModel) -> Artifact:
        """The artifact of a fitted model; errors as of `procedure.made_of`."""
        assert self.choice is not None
        return procedure.made_of(fitted, self.choice, self.company, self.target)

    def fitted_before(self, day: date, choice: Choice) -> FittedModel | None:
        """The model of the rows settled by `day` under a choice; None where they support none."""
        try:
            return self._learnt(self.settled_by(day), choice)
        except GateRefused:
            return None

    def _learnt(self, table: pa.Table, choice: Choice) -> FittedModel:
        columns = self.built.columns
        return procedure.learn(table, columns, self.company, self.target, choice, self.own)

    def worth(self, logits: Floats, labels: npt.NDArray[np.int8], accounts: Sequence[str]) -> Worth:
        """The value of calibrated `logits` at the team's capacity."""
        # An opportunity puts no revenue at risk.
        mrr = self.mrr if self.target in self.company.adverse else {}
        return worth.of(logits, labels, accounts, self.company.bands.capacity, mrr)

    @property
    def latest(self) -> date:
        """The as-of date of the headline figures: the last that may test."""
        return self.tests[-1] if self.tests else [*self.learn, *self.later][-1]

    @cached_property
    def tests(self) -> list[date]:
        """The as-of dates that may test: all; by renewal, those whose rows are settled by now."""
        days = [*self.learn, *self.later]
        if not self.declared.by_renewal:
            return days
        return moments.whole_dates(self.of(days), self.target, self.built.data_until)

    def settled_by(self, day: date) -> pa.Table:
        """The rows to learn from whose labels were settled by `day`."""
        if self.declared.by_renewal:
            return moments.settled_by(self.of(self.learn), self.target, day)
        return self.of(split.settled_before(self.learn, day, self.declared))

    def without_trees(self, why: str) -> "TargetHistory":
        """The same, restricted to scorecards without trees."""
        assert self.choice is not None
        plain = {day: choice.without_trees(why) for day, choice in self.choices.items()}
        return replace(self, choice=self.choice.without_trees(why), choices=plain)

    def choose(self, trials: int | Choice, progress: Progress) -> "TargetHistory":
        """The same with its choice, in which the latest date has no part where it is the test.

        Where the earlier dates cannot support a model, none is tested on the last one either, and
        all dates choose.
        """
        choice, day = None, self.latest
        if not self.later and self.tests:
            choice = self._choice(self.settled_by(day), day, trials, progress)
        return replace(self, choice=choice or self._choice(self.learning, day, trials, progress))

    def choose_earlier(self, trials: int | Choice, progress: Progress) -> "TargetHistory":
        """The same with a choice for each earlier origin, of what was settled by it.

        An origin whose earlier dates support none has no choice.
        """
        _, *before = split.origins(self.tests, self.latest, self.declared)
        choices = {day: self._choice(self.settled_by(day), day, trials, progress) for day in before}
        kept = {day: choice for day, choice in choices.items() if choice is not None}
        return replace(self, choices=kept)

    def _choice(
        self, table: pa.Table, origin: date, trials: int | Choice, progress: Progress
    ) -> Choice | None:
        if isinstance(trials, Choice):
            return trials
        try:
            return choose(
                table,
                self.built.columns,
                self.company,
                self.target,
                trials=trials,
                progress=with_subject(f"{self.target}, {origin}", progress),
            )
        except GateRefused:
            return None
