"""The table in which findings are shown to people."""

import pytest

from features import report
from features.errors import Finding


def test_no_message_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["folder/" * 30, "x" * 150, " ".join(f"2023-{month:02} 1 of 9" for month in range(13))]
    place = ("a_table_with_a_long_name_of_its_own", "a_column_with_a_long_name")
    findings = [
        Finding("ends_that_begin_again", "sources", "warning", *place, 12_345_678, text, text)
        for text in words
    ]
    report.show(findings)
    shown = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= report.WIDTH
    bare = "".join(letter for letter in shown if letter.isalnum())
    for text in words:
        # Lines of a table are broken by its other columns, letters are not lost.
        letters = "".join(letter for letter in text if letter.isalnum())
        assert all(shown.count(letter) >= 2 * letters.count(letter) for letter in set(letters))
    assert bare.count("12345678") == len(findings)
