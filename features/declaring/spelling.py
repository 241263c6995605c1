"""Guesses which name was meant by one that does not exist.

Every message about an unknown name (a key, a column, a file, a playbook) ends the same way, so
the guess is made in one place.
"""

import difflib
from collections.abc import Iterable

ALIKE = 0.5
MOST_NAMES = 12


def nearest(got: str, allowed: Iterable[str]) -> str | None:
    """The name among `allowed` that `got` most probably means, if any is similar enough.

    Examples
    --------
    >>> nearest("Custmer", ["customer", "order"])
    'customer'
    >>> nearest("zebra", ["customer", "order"]) is None
    True
    """
    by_folded = {name.casefold(): name for name in allowed}
    folded = got.casefold()
    close = difflib.get_close_matches(folded, list(by_folded), n=1, cutoff=ALIKE)
    longer = [name for name in by_folded if folded and folded in name]
    return by_folded[[*close, *longer][0]] if close or longer else None


def did_you_mean(got: str, allowed: Iterable[str]) -> str:
    """How to fix `got`: the nearest name, else the names that exist.

    Examples
    --------
    >>> did_you_mean("amout", ["amount", "at"])
    "did you mean 'amount'?"
    >>> did_you_mean("zebra", ["amount", "at"])
    'known: amount, at'
    """
    names = sorted(allowed)
    if (near := nearest(got, names)) is not None:
        return f"did you mean {near!r}?"
    if not names:
        return "none is declared"
    more = ", …" if len(names) > MOST_NAMES else ""
    return f"known: {', '.join(names[:MOST_NAMES])}{more}"
