"""Run `churnlight` and interrupt it, for real, at the moment when it renames a file to a name.

    python interrupted.py SIGKILL current.json score --company DIR …

Its one rule: nothing of the product is replaced; Python's own audit hooks say when a file is
about to be renamed, and the process then gets the signal that a user or the system would send.
"""

import os
import signal
import sys
from pathlib import Path


def main(name: str, place: str, words: list[str]) -> None:
    """Run the command `words` and send the signal `name` when a file is renamed to `place`."""
    number = signal.Signals[name]

    def interrupt(event: str, arguments: tuple[object, ...]) -> None:
        if event == "os.rename" and Path(str(arguments[1])).name.startswith(place):
            os.kill(os.getpid(), number)

    from serving.cli import main as churnlight

    sys.argv = ["churnlight", *words]
    sys.addaudithook(interrupt)
    churnlight()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
