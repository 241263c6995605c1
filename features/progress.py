"""Progress of long work: the name of each step, reported as the step begins.

Whoever shows the steps decides how; the work itself prints nothing. A step that is one of a series
says so by a count: `churn, 2026-03-01: tuning 3/8`.
"""

import re
from collections.abc import Callable

Progress = Callable[[str], None]

_COUNT = re.compile(r"\b(\d+)/(\d+)\b")


def silent(step: str) -> None:
    """Shows nothing."""


def with_subject(subject: str, progress: Progress) -> Progress:
    """The same progress, whose steps begin with what they are about.

    Examples
    --------
    >>> with_subject("churn, 2026-03-01", print)("tuning 1/8")
    churn, 2026-03-01: tuning 1/8
    """
    return lambda step: progress(f"{subject}: {step}")


def is_intermediate(step: str) -> bool:
    """Whether a step is one of a series, and not its last.

    Examples
    --------
    >>> is_intermediate("churn, 2026-03-01: tuning 3/8")
    True
    >>> is_intermediate("churn, 2026-03-01: tuning 8/8")
    False
    >>> is_intermediate("opening the tables")
    False
    """
    count = _COUNT.search(step)
    return count is not None and int(count[1]) < int(count[2])
