"""In which round a check of the data usability report is asked, and what it is given.

Rounds run in the order in which they are listed here, so that one broken column hides no other
breach and nothing is computed from tables that cannot be read. Within a round, modules are asked
in alphabetical order.
"""

from enum import Enum


class Round(Enum):
    """The condition for asking the `breaches` of a module; its value is the progress line.

    READABLE: nothing; `breaches` gets `ReadableTables`, which says which columns may be read.
    LABELLED: only indicators' expressions are in error; it gets `Tables`, as the next two do.
    SOUND: no table, column or expression is in error.
    COMPUTABLE: besides, every indicator can be computed.
    DECLARED: nothing; it gets the `Company`, whose declaration alone is looked at.
    """

    READABLE = "checking the facts"
    LABELLED = "counting outcomes"
    SOUND = "measuring indicators"
    COMPUTABLE = "looking for changes"
    DECLARED = "checking the declaration"
