"""What a command costs in a process of its own: wall time, CPU time and peak memory.

Its one rule: the process that measures imports nothing heavy, since a child's peak memory never
reads less than what its parent held when it was started.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass


class Failed(Exception):
    """The measured command failed; the message is the end of what it wrote."""


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock, seconds of CPU with all children, and the largest resident set.

    `peak_mib` is that of the largest single process among the command and its children.
    """

    wall: float
    cpu: float
    peak_mib: float


def cost(command: Sequence[str]) -> Cost:
    """The cost of `command`, run once.

    Raises
    ------
    Failed
        It did not end with 0.
    """
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise Failed(f"{' '.join(command)}: {output.read().decode(errors='replace')[-2000:]}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def median(costs: Sequence[Cost]) -> Cost:
    """The median of each figure on its own."""
    return Cost(
        statistics.median(item.wall for item in costs),
        statistics.median(item.cpu for item in costs),
        statistics.median(item.peak_mib for item in costs),
    )


def load() -> str:
    """How busy the machine is, so that a reader knows what a timing is worth."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
