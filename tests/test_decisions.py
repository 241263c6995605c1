"""Every decision has a number, a status and a date, and a line in the index."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("0*.md"))
HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\n"
    r"- Status: (?P<status>accepted|replaced by \[\d+\]\(\d{4}-[\w-]+\.md\))\n"
    r"- Date: (?P<date>\d{4}-\d{2}-\d{2})\n\n"
)


def test_the_index_lists_every_decision_as_its_page_states_it() -> None:
    rows = []
    for page in PAGES:
        head = HEAD.match(page.read_text("utf-8"))
        assert head is not None, f"{page.name}: not number and title, status, date"
        assert int(page.name[:4]) == int(head["number"]), page.name
        rows.append(
            f"| [{head['number']}]({page.name}) | {head['title']} | {head['status']} "
            f"| {head['date']} |"
        )
    listed = re.findall(r"^\| \[.*$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert listed == rows
