"""The exports of widespread products, recognised by their columns."""

from collections.abc import Iterable

from features.declaring.recipe import recipes


def recognised(columns: Iterable[str]) -> str | None:
    """The recipe of a table with these columns: of those that fit, the one that asks for most.

    Two that ask for equally many are no recognition.
    """
    names = list(columns)
    fitting = {
        name: len(recipe.required)
        for name, recipe in recipes().items()
        if recipe.of is None and recipe.is_of(names)
    }
    most = max(fitting.values(), default=0)
    best = [name for name, count in fitting.items() if count == most]
    return best[0] if len(best) == 1 else None
