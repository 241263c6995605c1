"""Pages and CSV as an attacker meets them: markup, formulas, foreign content, claims."""

import csv
import io
import re
from math import floor
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

import page_cases
from page_cases import ODD_ID, SCRIPT
from page_reader import Text, entries, read, scored
from serving.application import application
from serving.published.book import Book
from training.calibrating.bands import BAND_WORDS

EVERY_PAGE = [
    "/",
    "/?status=all&page=2",
    f"/?q={quote(SCRIPT)}",
    "/?q=nobody",
    "/?status=<script>alert(1)</script>",
    "/accounts/script",
    "/accounts/northwind",
    "/accounts/clipped-high",
    "/accounts/newcomer",
    "/accounts/first-score",
    f"/accounts/{quote(ODD_ID, safe='')}",
    "/accounts/<script>alert(1)</script>",
]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Return the book of the invented company."""
    company = page_cases.declare(tmp_path_factory.mktemp("sundial"))
    return page_cases.publish(company, promoted=False)


@pytest.fixture(scope="module")
def client(book: Book) -> TestClient:
    """Return a client of the pages."""
    return TestClient(application(book), "http://localhost")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Return a client of a real company's first run, which knows no facts of its accounts."""
    company = page_cases.declare(tmp_path_factory.mktemp("plain"), simulated=False)
    book = page_cases.publish(company, weeks=1, empty=True, promoted=False)
    return TestClient(application(book), "http://localhost")


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_no_page_runs_or_fetches_anything_foreign(client: TestClient, address: str) -> None:
    response = client.get(address)
    assert "<script" not in response.text
    assert not re.search(r"<[^>]+\s(style|on\w+)\s*=", response.text)
    assert not re.search(
        r"""(src|href|action)=["']?(https?:|//|data:|javascript:)""", response.text
    )
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self';")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_no_page_claims_a_cause(client: TestClient, address: str) -> None:
    words = Text(client.get(address).text).words
    assert not re.search(r"\b(because|causes?d?|will|guarantee\w*|log-odds)\b", words)


@pytest.mark.parametrize("address", EVERY_PAGE)
def test_simulated_data_is_labelled_on_every_page(
    client: TestClient, plain: TestClient, address: str
) -> None:
    assert "Simulated data" in client.get(address).text
    assert "Simulated data" not in plain.get(address).text


def test_markup_in_names_is_text(client: TestClient) -> None:
    escaped = "&lt;script&gt;alert(1)&lt;/script&gt; GmbH"
    assert escaped in client.get("/", params={"size": "500"}).text
    assert f"<h1>{escaped}</h1>" in client.get("/accounts/script").text
    assert "&lt;script&gt;" in client.get("/", params={"q": SCRIPT}).text


# CSV


def table(client: TestClient, **params: str) -> list[dict[str, str]]:
    """Return the rows of the downloaded CSV file."""
    response = client.get("/accounts.csv", params=params)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="accounts-churn-2026-06-29.csv"' in response.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(response.text)))


def test_the_csv_holds_the_rows_of_the_choice_in_its_order(client: TestClient) -> None:
    params = {"status": "yellow", "sort": "name"}
    rows = read(client, "/", size="500", **params).rows(9)
    lines = table(client, **params)
    assert len(rows) == len(lines)
    for row, line in zip(rows, lines, strict=True):
        assert row[0].startswith(line["name"].removeprefix("'") or line["account_id"])
        assert row[2] == str(floor(float(line["health_score"])))


def test_the_csv_holds_the_exact_figures(client: TestClient, book: Book) -> None:
    found = {line["account_id"]: line for line in table(client, status="all")}
    assert len(found) == len(entries(book))
    for entry in scored(book):
        item, line = entry.assessment, found[entry.assessment.account_id]
        assert float(line["health_score"]) == item.health_score
        assert float(line["churn_probability"]) == item.churn_probability
        assert line["status"] == BAND_WORDS[item.band]
    assert found["newcomer"]["health_score"] == ""
    assert found["newcomer"]["main_reason"] == page_cases.NO_HISTORY


def test_no_cell_of_the_csv_starts_a_formula(client: TestClient) -> None:
    lines = table(client, status="all")
    assert not [cell for line in lines for cell in line.values() if cell[:1] in tuple("=+-@\t\r")]
    names = {line["account_id"]: line["name"] for line in lines}
    assert names["formula"] == '\'=HYPERLINK("http://example.org","x")'
    assert names["minus"] == "'-Minus Ltd"
