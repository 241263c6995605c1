"""Interrupt a process, for real, at the moment when it renames a file to a name.

Its one rule: nothing of the product is replaced; Python's own audit hooks say when a file is
about to be renamed, and the process then gets the signal that a user or the system would send.
"""

import os
import signal
import sys
from pathlib import Path


def interrupt_at(name: str, place: str) -> None:
    """Have this process get the signal `name` when it renames a file to a name like `place`."""
    number = signal.Signals[name]

    def interrupt(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and Path(str(arguments[1])).name.startswith(place):
            os.kill(os.getpid(), number)

    sys.addaudithook(interrupt)
