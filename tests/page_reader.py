"""A page as a reader has it, for tests: its words, rows, facts and links."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote

from starlette.testclient import TestClient

from serving.published.book import Book, Entry


@dataclass
class Text(HTMLParser):
    """A page as a reader has it: rows of cells, pairs of facts, links and plain words."""

    source: str
    cells: list[list[str]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    words: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._term = ""
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a link, an id, or where a row, a cell or a term begins."""
        given = dict(attrs)
        self.links += [given["href"] or ""] if tag == "a" and "href" in given else []
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")
        if tag == "dt":
            self._term = ""
        self._open.append(tag)
        self.words += " "

    def handle_endtag(self, tag: str) -> None:
        """Close the tag and what stayed open in it."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Keep the words, and whose they are."""
        self.words += data
        if "dt" in self._open:
            self._term += data
        if "dd" in self._open:
            self.facts[self._term] = self.facts.get(self._term, "") + data
        if self.cells and {"td", "th"} & set(self._open):
            self.cells[-1][-1] = f"{self.cells[-1][-1]} {data.strip()}".strip()

    def rows(self, columns: int) -> list[list[str]]:
        """Return the rows of this many cells, without the one of the headings."""
        return [row for row in self.cells if len(row) == columns][1:]


def read(client: TestClient, address: str, **params: str) -> Text:
    """Return the page at `address`, which must be there."""
    response = client.get(address, params=params or None)
    assert response.status_code == 200, response.text
    return Text(response.text)


def account(client: TestClient, account_id: str) -> Text:
    """Return the page of one account."""
    return read(client, f"/accounts/{quote(account_id, safe='')}")


def entries(book: Book) -> list[Entry]:
    """Return every entry of the default target."""
    return list(book.edition("churn").find())


def scored(book: Book) -> list[Entry]:
    """Return every entry that has a score."""
    return [entry for entry in entries(book) if entry.assessment.band != "unscored"]
