"""The glossary has one line per term, and every word of the code's vocabulary."""

import re
from pathlib import Path
from typing import get_args

import pytest

from features.declaring.indicator import DIMENSIONS, Kind, Measure, Stage
from training.calibrating.bands import BAND_WORDS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "glossary.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| term |")
]
TERMS = [row[0] for row in ROWS]


def spellings(term: str) -> set[str]:
    """Return `as-of date (`as_of`)` as both of its spellings."""
    return {part.strip(" `)").lower() for part in term.split("(")}


def aliases() -> tuple[str, ...]:
    """Return the aliases that the registry's code sets."""
    texts = [path.read_text("utf-8") for path in (ROOT / "training" / "registry").glob("*.py")]
    found = re.findall(r'set_registered_model_alias\([^,]+, "(\w+)"', "".join(texts))
    return tuple(sorted(set(found)))


KNOWN = set().union(*map(spellings, TERMS))


def words_of_contributing() -> list[str]:
    """Return the list that follows "One word per thing" in CONTRIBUTING.md."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("\n## Words\n")[2]
    listed = re.search(r"pages and docs: (.*?)\.", text, re.DOTALL)
    assert listed is not None
    return [word.strip(" `").lower() for word in " ".join(listed[1].split()).split(",")]


def test_every_term_has_one_line_and_every_line_a_meaning() -> None:
    assert sorted(set(TERMS)) == sorted(TERMS)
    assert [row for row in ROWS if len(row) != 2 or not row[1]] == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("dimension", DIMENSIONS),
        ("kind", get_args(Kind)),
        ("stage", get_args(Stage)),
        ("measure", get_args(Measure)),
        ("registry alias", aliases()),
        ("band", tuple(BAND_WORDS)),
    ],
)
def test_the_codes_vocabulary_is_explained_and_nothing_else(
    what: str, words: tuple[str, ...]
) -> None:
    explained = [spellings(term) for term, meaning in ROWS if meaning.startswith(f"{what}: ")]
    assert len(explained) == len(words)
    assert all(any(word in names for names in explained) for word in words)


def test_the_word_of_a_band_on_pages_stands_beside_its_name() -> None:
    assert [f"`{band}` ({word})" for band, word in BAND_WORDS.items()] == [
        term for term, meaning in ROWS if meaning.startswith("band: ")
    ]


def test_the_words_of_contributing_are_explained() -> None:
    words = words_of_contributing()
    assert len(words) > 10
    assert [word for word in words if word not in KNOWN] == []
