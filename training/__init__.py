"""From snapshots to a validated artifact: splitting, fitting, calibration, health, evaluation.

`training.fit(frame, label="churned")` makes an artifact of a table of your own.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.train_table import fit

# Threads of LightGBM that wait must not burn the core that another one needs: on a busy machine
# that made training five times slower. libgomp reads it once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["fit"]


def __getattr__(name: str) -> object:
    # What the service imports of this room must not bring the search along.
    if name == "fit":
        from training.train_table import fit

        return fit
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
