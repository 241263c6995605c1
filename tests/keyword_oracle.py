"""Whether a text has a keyword, decided character by character and word by word.

Its one design rule is that of `measure_oracle`: from the definition alone, without a regular
expression, and importing nothing of the product.
"""

import unicodedata
from collections.abc import Iterable


def mentions(text: str | None, keywords: Iterable[str]) -> bool:
    """Tell whether one of the keywords stands in `text` as whole words, in any case.

    Letters and digits of any script make words, everything else parts them. A keyword of several
    words wants them one after the other; one that ends in `*` wants its last word's beginning.
    """
    if text is None:
        return False
    said = words(text)
    return any(_stands(keyword, said) for keyword in keywords)


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, in order."""
    found, word = [], ""
    for character in [*text, " "]:
        if _of_a_word(character):
            word += character
        elif word:
            found.append(word.lower())
            word = ""
    return found


def _of_a_word(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind.startswith("L") or kind == "Nd"


def _stands(keyword: str, said: list[str]) -> bool:
    wanted = words(keyword)
    for first in range(len(said) - len(wanted) + 1):
        here = said[first : first + len(wanted)]
        same = here[:-1] == wanted[:-1]
        last_fits = here[-1].startswith(wanted[-1]) if keyword.endswith("*") else here == wanted
        if same and last_fits:
            return True
    return False
