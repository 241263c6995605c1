"""What a long piece of work tells while it goes on: the name of each step, as it begins.

Whoever shows the steps decides how; the work itself prints nothing.
"""

from collections.abc import Callable

Progress = Callable[[str], None]


def silent(step: str) -> None:
    """Tells nobody."""
