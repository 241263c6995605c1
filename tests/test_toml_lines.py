"""Each key of a TOML text is found at its line, whatever surrounds it."""

import pytest

from features.declaring.toml_lines import Lines

LINES = '''\
top = 1
[a]            # a comment with [brackets] and = signs
"quoted key" = "x # no comment"
text = """
[not.a.table]
key = 1
"""
literal = \'\'\'
[neither]
\'\'\'
list = [
  1,
  { x = 1, y = "}" },  # ]
]
inline = { one = 1, two = { three = "]" } }
dotted.key = 2
when = 2024-01-01 08:00:00
[a.b]
c = 1
[[rows]]
v = 1
[[rows]]
v = 2
[rows.more]
w = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("top", 1),
        ("a", 2),
        ("a|quoted key", 3),
        ("a|text", 4),
        ("not", 1),
        ("a|key", 2),
        ("a|literal", 8),
        ("neither", 1),
        ("a|list", 11),
        ("a|list|0", 12),
        ("a|list|1|y", 13),
        ("a|inline|two|three", 15),
        ("a|inline|four", 15),
        ("a|dotted", 16),
        ("a|dotted|key", 16),
        ("a|when", 17),
        ("a|b", 18),
        ("a|b|c", 19),
        ("rows|0|v", 21),
        ("rows|1|v", 23),
        ("rows|1|more|w", 25),
        ("nothing|here", 1),
    ],
)
def test_lines_of_keys(path: str, line: int) -> None:
    assert Lines(LINES)[tuple(path.split("|"))] == line
