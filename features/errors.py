"""Every error that Churnlight raises on purpose, as one family with one exit code each.

::

    ChurnlightError              1   a failure that the user can act on
    ├── DeclarationError         2   churnlight.toml (or a call) is wrong
    ├── ContractBroken           3   the company's tables break the data contract
    ├── GateRefused              4   the data cannot support a model that may be trusted
    ├── NotFound                 5   an account, model, date or folder that is not there
    └── Busy                    75   somebody else holds the workspace; try again

A message says what is wrong, where, and how to fix it; the command line prints it as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal


class ChurnlightError(Exception):
    """A failure with a message for the user; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, order=True)
class Mistake:
    """One mistake in a declaration: its line, the rule, the value, and how to fix it."""

    file: str
    line: int
    key: str
    what: str
    got: str
    fix: str

    def __str__(self) -> str:
        got = f", got {self.got}" if self.got else ""
        fix = f"; {self.fix}" if self.fix else ""
        return f"{self.file}:{self.line}: {self.key}: {self.what}{got}{fix}"


@dataclass(frozen=True)
class Finding:
    """One row of the data usability report.

    `name` is the check's, `step` the pipeline step that it protects, `rows` how many rows it
    concerns (`None` where rows are not what is counted), `fix` what to do about it.
    """

    name: str
    step: str
    state: Literal["error", "warning", "advice"]
    table: str
    column: str | None
    rows: int | None
    detail: str
    fix: str

    def __str__(self) -> str:
        where = f"{self.table}.{self.column}" if self.column else self.table
        rows = f" ({self.rows:,} rows)" if self.rows is not None else ""
        return f"{self.state}: {where}: {self.detail}{rows}; {self.fix}"


class DeclarationError(ChurnlightError):
    """A declaration, or the options of a call, cannot be understood; carries every problem."""

    exit_code = 2

    def __init__(self, message: str, problems: Sequence[Mistake] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Sequence[Mistake]) -> "DeclarationError":
        """One error that lists `problems`, one a line, in the order of the file."""
        ordered = sorted(problems)
        return cls("\n".join(map(str, ordered)), ordered)


class ContractBroken(ChurnlightError):
    """The company's tables break the data contract; carries every finding of state error."""

    exit_code = 3

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


class GateRefused(ChurnlightError):
    """The data cannot support what was asked of the model; the message says by how much."""

    exit_code = 4


class NotFound(ChurnlightError):
    """Something that was named does not exist."""

    exit_code = 5


class Busy(ChurnlightError):
    """Another process is at work in this company's workspace."""

    exit_code = 75
