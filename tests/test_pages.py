"""The pages that people read: their figures agree with the book, the JSON and each other."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from math import floor
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import page_cases
from features.declaring.declaration import load
from features.settings import Settings
from page_cases import ODD_ID
from page_reader import Text, account, entries, read, scored
from serving.application import application
from serving.pages import account_card, figures, movement_card, wording
from serving.published.book import Book, Entry
from training.calibrating.bands import BAND_WORDS
from training.movement.change import CHANGE_PARTS, Change, ChangePart
from training.records.evaluation import TestRows

EVERY_ROW = {"status": "all", "size": "500"}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Return the book of the invented company."""
    return page_cases.publish(page_cases.declare(tmp_path_factory.mktemp("sundial")))


@pytest.fixture(scope="module")
def client(book: Book) -> TestClient:
    """Return a client of the pages."""
    return TestClient(page_cases.pages(book))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    """Return a client of a real company's first run, which knows no facts of its accounts."""
    company = page_cases.declare(tmp_path_factory.mktemp("plain"), simulated=False)
    book = page_cases.publish(company, weeks=1, empty=True, promoted=False)
    return TestClient(page_cases.pages(book))


def risk(entry: Entry) -> tuple[bool, float]:
    """Return what the default order sorts by: revenue times chance, unknown revenue last."""
    return entry.mrr is None, -(entry.mrr or 0) * (entry.assessment.churn_probability or 0)


# Portfolio


def test_the_head_says_how_many_from_when_and_what_leaving_means(client: TestClient) -> None:
    words = read(client, "/").words
    assert "74 scored accounts · scores of 29 Jun 2026 · computed 29 Jun 2026, 05:10 UTC" in words
    assert "“not renewing within 90 days” between 6 Jul 2026 and 3 Oct 2026" in words
    assert "Trend, 13 weeks" in words


def test_the_cards_count_what_the_book_holds(client: TestClient, book: Book) -> None:
    words = re.sub(r"\s+", " ", read(client, "/").words)
    for band in ("red", "yellow", "green"):
        mine = [entry for entry in scored(book) if entry.assessment.band == band]
        new = sum(entry.trend[-2].band != band for entry in mine)
        mrr = sum(entry.mrr or 0 for entry in mine)
        chances = f"about {mean_chance(mine)} in 100 leave; {usual_chance(book)}"
        assert f"{BAND_WORDS[band]} {len(mine)} accounts {chances}" in words
        assert f"{usual_chance(book)} €{mrr:,.0f} monthly revenue {new} moved here" in words


def mean_chance(found: Sequence[Entry]) -> int:
    """Return how many of a hundred such accounts leave."""
    each = [entry.assessment.churn_probability for entry in found]
    return round(100 * sum(chance or 0 for chance in each) / len(each))


def usual_chance(book: Book) -> str:
    """Return what stands beside every chance of the book."""
    return f"usual: about {mean_chance(scored(book))} in 100"


def test_the_card_of_those_not_scored_says_why(client: TestClient) -> None:
    words = re.sub(r"\s+", " ", read(client, "/").words)
    assert "Not scored 41 accounts 40 · no activity in the last 180 days 1 · 11 days" in words


def test_those_not_scored_are_listed_each_with_its_reason(client: TestClient) -> None:
    page = read(client, "/", status="unscored")
    assert "These accounts have no score; each row says why." in page.words
    reasons = [row[5] for row in page.rows(9)]
    assert sorted(set(reasons)) == [page_cases.NO_HISTORY, page_cases.INACTIVE]
    assert {row[2] for row in page.rows(9)} == {"–"}


def test_every_row_prints_the_score_of_the_book_rounded_down(
    client: TestClient, book: Book
) -> None:
    told = {row[0]: row for row in read(client, "/", **EVERY_ROW).rows(9)}
    assert len(told) == len(entries(book))
    for entry in entries(book):
        row = next(row for title, row in told.items() if title.startswith(entry.title))
        health = entry.assessment.health_score
        assert row[1] == BAND_WORDS[entry.assessment.band]
        assert row[2] == ("–" if health is None else str(floor(health)))


def test_the_four_week_change_is_the_difference_of_printed_scores(
    client: TestClient, book: Book
) -> None:
    rows = read(client, "/", size="500").rows(9)
    by_title = {row[0]: row[3] for row in rows}
    entry = book.edition("churn").entry("northwind")
    then, now = (entry.trend[place].health_score or 0 for place in (-5, -1))
    moved = floor(now) - floor(then)
    title = next(title for title in by_title if title.startswith("Northwind"))
    assert by_title[title] == f"▲ {moved} better"


def test_the_default_order_is_revenue_at_risk(client: TestClient, book: Book) -> None:
    rows = read(client, "/", size="500").rows(9)
    expected = sorted(scored(book), key=risk)
    for row, entry in zip(rows, expected, strict=True):
        assert row[0].startswith(entry.title)


def test_without_revenue_the_default_order_is_the_chance_of_leaving(plain: TestClient) -> None:
    rows = read(plain, "/", size="500").rows(7)
    scores = [int(row[2]) for row in rows]
    assert scores == sorted(scores)


def test_orders(client: TestClient, book: Book) -> None:
    def titles(sort: str) -> list[str]:
        return [row[0] for row in read(client, "/", sort=sort, size="500").rows(9)]

    names = [entry.title.casefold() for entry in scored(book)]
    shown = [title.casefold() for title in titles("name")]
    assert all(title.startswith(name) for title, name in zip(shown, sorted(names), strict=True))
    assert titles("score") != titles("chance")
    assert titles("score")[0].startswith("Ceiling Industries")
    assert titles("chance")[0].startswith("Floor Works")
    moves = [row[3] for row in read(client, "/", sort="change", size="500").rows(9)]
    drops = [int(move.split()[1]) for move in moves if move.startswith("▼")]
    assert drops == sorted(drops, reverse=True)
    assert moves[-1] == "–"


def test_those_not_scored_come_last_in_every_order(client: TestClient) -> None:
    for sort in ("revenue", "chance", "score", "change", "name"):
        states = [row[1] for row in read(client, "/", sort=sort, **EVERY_ROW).rows(9)]
        assert states.index("Not scored") == states.index("Not scored", 74)
        assert set(states[74:]) == {"Not scored"}


def test_filters_narrow_the_rows(client: TestClient, book: Book) -> None:
    assert len(read(client, "/", q="HALDEN").rows(9)) == 5
    assert [row[0][:9] for row in read(client, "/", q="northwind").rows(9)] == ["Northwind"]
    reds = read(client, "/", status="red").rows(9)
    assert {row[1] for row in reds} == {"At risk"}
    small = [entry for entry in scored(book) if entry.assessment.segment == "small"]
    assert len(read(client, "/", segment="small").rows(9)) == len(small)
    mine = [entry for entry in scored(book) if entry.owner == "Dana Reyes"]
    assert len(read(client, "/", owner="Dana Reyes").rows(9)) == len(mine)


def test_a_search_without_result_says_so_and_leads_back(client: TestClient) -> None:
    page = read(client, "/", q="nobody at all")
    assert "No account matches these filters." in page.words
    assert "Showing 0 of 0" in page.words


def test_the_pager_passes_every_account_once(client: TestClient) -> None:
    address, seen = "/?status=all", list[str]()
    while address:
        page = read(client, address)
        seen += [row[0] for row in page.rows(9)]
        address = next((link for link in page.links if f"page={len(seen) // 50 + 1}" in link), "")
    assert len(seen) == len(set(seen)) == 115


def test_the_pager_says_where_it_is_and_leads_on(client: TestClient) -> None:
    first, second, whole = (
        read(client, "/", **params) for params in ({}, {"page": "2"}, {"size": "500"})
    )
    assert "Showing 1–50 of 74" in first.words
    assert {"/?page=2&sort=revenue", "/?sort=revenue&size=500"} <= set(first.links)
    assert "Showing 51–74 of 74" in second.words
    assert "/?sort=revenue" in second.links, "the first page"
    assert not any("page=3" in link for link in second.links)
    assert "Showing 1–74 of 74" in whole.words
    assert "Show 500 per page" in first.words
    assert "Show 500 per page" not in whole.words


def test_the_card_of_the_chosen_band_alone_is_marked(client: TestClient) -> None:
    chosen = r'class="card (\w+)"[^>]*aria-current="true"'
    for band in BAND_WORDS:
        assert re.findall(chosen, client.get("/", params={"status": band}).text) == [band]
    assert re.findall(chosen, client.get("/").text) == []


def test_columns_that_no_account_can_fill_are_left_out(plain: TestClient) -> None:
    page = read(plain, "/")
    assert page.cells[0] == [
        "Account", "Status", "Score", "4 weeks", "Trend", "Main reasons", "Next step"
    ]  # fmt: skip
    assert "Owner" not in page.words
    assert "revenue" not in page.words
    assert "moved here this week" not in page.words


def test_the_list_by_opportunity_leaves_them_out_too(tmp_path: Path) -> None:
    company, targets = page_cases.declare(tmp_path), ("churn", "expansion")
    empty = page_cases.publish(company, weeks=1, targets=targets, empty=True, promoted=False)
    page = read(TestClient(page_cases.pages(empty)), "/opportunities")
    assert page.cells[0] == ["Account", "Health", "Score", "Chance", "Main reasons", "Next step"]


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"status": "blue"}, "status: got “blue”; choose one of scored, red, yellow"),
        ({"sort": "luck"}, "sort: got “luck”"),
        ({"segment": "<b>"}, "segment: got “&lt;b&gt;”"),
        ({"owner": "Nobody"}, "owner: got “Nobody”"),
        ({"page": "0"}, "page: got “0”; it must be a whole number, 1 or greater"),
        ({"page": "-1"}, "page: got “-1”"),
        ({"page": "٣"}, "page: got"),
        ({"page": "9" * 5000}, "page: got"),
        ({"page": "99"}, "page: got 99; the last page is 2"),
        ({"size": "51"}, "size: got “51”; choose one of 50, 500"),
        ({"q": "x" * 201}, "q: at most 200 characters, got 201"),
        ({"target": "growth"}, "target: got “growth”; choose one of churn"),
    ],
)
def test_a_parameter_that_cannot_be_understood_is_a_readable_page(
    client: TestClient, params: dict[str, str], said: str
) -> None:
    for address in ("/", "/accounts.csv") if "page" not in params else ("/",):
        response = client.get(address, params=params)
        assert response.status_code == 400
        assert said in response.text
        assert "← Accounts" in response.text


# Account


def test_the_header_card_says_the_figures_of_the_assessment(client: TestClient, book: Book) -> None:
    page, item = account(client, "northwind"), book.edition("churn").entry("northwind").assessment
    chance = round(100 * (item.churn_probability or 0))
    assert page.facts["Chance of leaving in 90 days"] == (
        f"about {chance} in 100 {usual_chance(book)}"
    )
    assert page.facts["Similar accounts that left (last test)"] == "41 of 97"
    assert "the 97 accounts that were At risk on 5 Jan 2026" in page.words
    assert page.facts["Renewal"] == "24 Jun 2026 (5 days ago)"
    assert page.facts["Monthly revenue"] == "€450"
    assert page.facts["Data as of"] == "29 Jun 2026"
    assert page.facts["Data coverage"] == "7 of 8 signals"
    assert page.facts["Model"] == "v7, tested on 5 Jan 2026"
    assert re.search(r"31\s+/ 100\s+100 = healthiest\s+range 24–37", page.words)
    assert "Likely range of the score: 24–37." in page.words
    assert "1 of 8 signals is missing, which widens the range." in page.words


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("seventy", "range 63–76 may be Watch"),
        ("clipped-high", "100 = healthiest; capped at 0–100"),
    ],
)
def test_the_interval_says_which_light_it_could_be(
    name: str, said: str, client: TestClient
) -> None:
    assert said in re.sub(r"\s+", " ", account(client, name).words)


def test_an_account_that_is_not_scored_has_no_interval(client: TestClient) -> None:
    words = account(client, "newcomer").words
    assert "range" not in words


@pytest.mark.parametrize(
    ("kind", "trained_on"),
    [("later as-of date", "earlier data"), ("folds grouped by account", "other accounts")],
)
def test_a_check_of_another_model_made_the_same_way_is_called_that(
    kind: TestRows, trained_on: str, tmp_path: Path
) -> None:
    company = page_cases.declare(tmp_path)
    model = page_cases.artifact()
    assert model.tested is not None
    model = replace(model, tested=replace(model.tested, subject="procedure", kind=kind))
    book = page_cases.publish(company, weeks=1, model=model)
    page = account(TestClient(page_cases.pages(book)), "northwind")
    assert page.facts["Similar accounts that left (last test)"] == "41 of 97"
    assert page.facts["Model"] == "v7"
    assert (
        f"Model v7. A model built the same way on {trained_on} was tested on 5 Jan 2026. "
        "“Similar accounts” are the 97 accounts that were At risk on 5 Jan 2026." in page.words
    )


def test_a_model_that_is_not_the_promoted_one_is_not_given_its_record(plain: TestClient) -> None:
    page = account(plain, "northwind")
    assert "Similar accounts that left (last test)" not in page.facts
    assert page.facts["Model"] == "v7"


def test_reasons_are_told_with_number_size_and_playbook(client: TestClient) -> None:
    words = re.sub(r"\s+", " ", account(client, "northwind").words)
    assert (
        "Weekly active users 18 weekly active users in the last 28 days, typically 31 "
        "Playbook: Re-engage users ▼ Lowers the score most" in words
    )
    assert "Open escalations 2 escalations are open, typically 0" in words
    assert "▲ Raises the score most" in words
    assert "▼ Lowers the score a little" in words
    assert "Context (cannot be changed) The plan is Basic, typically Team" in words
    assert "Not known for this account: Late payment." in words


def test_what_outweighs_every_reason_is_said_above_them() -> None:
    drivers = [
        page_cases.driver("active_users", 18.0, -15.0),
        page_cases.driver("plan", "Basic", -43.0),
        page_cases.driver("nps", None, 20.0),
        page_cases.driver("age", 203.0, -14.0),
    ]
    item = page_cases.assess("any", drivers, page_cases.AS_OF)
    assert account_card.outweighing(item) == ["Plan (context)", "Survey answer (not known)"]
    assert [reason.size for reason in account_card.reason_cards(item, {})] == ["Lowers the score"]
    assert [said.size for said in account_card.context(item)] == [
        "Lowers the score most",
        "Lowers the score",
    ]
    assert account_card.outweighing(replace(item, drivers=item.drivers[1:])) == []


def test_a_healthy_account_is_offered_no_playbook(client: TestClient, book: Book) -> None:
    greens = [
        item.assessment.account_id for item in scored(book) if item.assessment.band == "green"
    ]
    assert greens
    for account_id in greens:
        assert "Playbook:" not in account(client, account_id).words


def test_all_the_numbers_add_up_to_the_printed_score(client: TestClient, book: Book) -> None:
    for entry in scored(book):
        item = entry.assessment
        parts, total = _table_of_numbers(account(client, item.account_id))
        assert sum(tenths for tenths, _ in parts.values()) == total
        for title, (tenths, members) in parts.items():
            assert not members or sum(members) == tenths, title
        assert total == floor(10 * (item.health_score_unclipped or 0))
        for title, name in GROUP_POINTS.items():
            exact = getattr(item, name)
            assert abs(parts.get(title, (0, []))[0] / 10 - exact) < 0.1 + 1e-9


def test_the_numbers_keep_their_tenths() -> None:
    drivers = [
        page_cases.driver("nps", 4.0, -7.26),
        page_cases.driver("age", 203.0, 3.14),
        page_cases.driver("active_users", 12.0, -1.04),
    ]
    item = replace(page_cases.assess("any", drivers, page_cases.AS_OF), base_points=50.55)
    item = replace(item, health_score_unclipped=45.39)
    told = figures.adding_up(item)
    assert told is not None
    parts = [(told.base, 50.55)]
    for group in told.groups:
        [figure] = group.figures
        assert group.points == figure.points
        exact = next(driver.points for driver in drivers if driver.title == figure.title)
        parts.append((figure.points, exact))
    assert len(parts) == 4
    assert all(abs(_tenths(text) / 10 - exact) <= 0.1 for text, exact in parts)
    assert sum(_tenths(text) for text, _ in parts) == _tenths(told.total) == 453


GROUP_POINTS = {
    "Starting point, the same for every account": "base_points",
    "Outcomes": "outcome_points",
    "Business": "business_points",
    "Relationship": "relationship_points",
    "Context (cannot be changed)": "context_points",
}


def _table_of_numbers(page: Text) -> tuple[dict[str, tuple[int, list[int]]], int]:
    """Return, in tenths of points, each part with its members, and the total."""
    parts: dict[str, tuple[int, list[int]]] = {}
    for row in page.cells[1:]:
        if row[0].startswith("Score"):
            return parts, _tenths(row[-1])
        if len(row) == 2:
            parts[row[0]] = _tenths(row[1]), []
        else:
            list(parts.values())[-1][1].append(_tenths(row[-1]))
    raise AssertionError("the table has no total")


def _tenths(text: str) -> int:
    return round(10 * float(text.replace("−", "-")))


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=12))
def test_shares_sum_and_stay_within_one(values: list[float]) -> None:
    total = floor(sum(values))
    shares = figures.share_out(total, values)
    assert sum(shares) == total
    assert all(abs(share - value) < 1 + 1e-9 for share, value in zip(shares, values, strict=True))


def test_a_total_below_its_rounded_parts_is_taken_from_the_part_that_loses_least() -> None:
    assert figures.share_out(0, [1.0, 0.9]) == [0, 0]
    assert figures.share_out(0, [0.9, 1.0]) == [0, 0]


@pytest.mark.parametrize(
    ("account_id", "said"),
    [("clipped-high", "(shown as 100) 112.3"), ("clipped-low", "(shown as 0) −8.7")],
)
def test_a_score_at_its_limit_says_so(client: TestClient, account_id: str, said: str) -> None:
    words = re.sub(r"\s+", " ", account(client, account_id).words)
    assert "capped at 0–100" in words
    assert said in words
    assert "shown as" not in account(client, "northwind").words


def test_a_score_just_below_forty_never_reads_forty(client: TestClient) -> None:
    page = account(client, "edge")
    assert re.search(r"39\s+/ 100", page.words)
    assert "At risk" in page.words
    assert _table_of_numbers(page)[1] == 399


def test_movement_card_names_values_and_data_that_came_or_went(client: TestClient) -> None:
    words = re.sub(r"\s+", " ", account(client, "northwind").words)
    assert "What changed since 22 Jun 2026" in words
    assert "Status moved from Watch to At risk (40 → 31)" in words
    assert (
        "Weekly active users: 22 → 18 users , −5.5 points "
        "Open escalations: 1 → 2 tickets , −3.8 points" in words
    )
    assert "No longer known: Late payment (0.0 points)" in words
    assert "New data: Survey answer (0.0 points)" in words
    assert "Age of the account:" not in words
    assert "model changed" not in words


def test_the_movement_on_the_page_adds_up_and_is_that_of_the_book(
    client: TestClient, book: Book
) -> None:
    for entry in scored(book):
        whole = book.edition("churn").entry(entry.assessment.account_id).movement
        rows = _movement_rows(account(client, entry.assessment.account_id))
        if whole is None:
            assert rows == []
            continue
        *parts, total = [_tenths(row[-1]) for row in rows if len(row) == 2]
        assert sum(parts) == total == round(10 * (whole.new_score - whole.old_score))
        for tenths, name in zip(parts, movement_card.PART_WORDS, strict=True):
            assert abs(tenths / 10 - getattr(whole, name)) < 0.1 + 1e-9
        signals = [_tenths(row[-1]) for row in rows if len(row) == 5]
        assert len(signals) == len(whole.changes)
        assert sum(signals) == sum(parts[:4])


def _movement_rows(page: Text) -> list[list[str]]:
    """Return the rows of the table of the movement, its heading left out."""
    first = [row[:2] == ["Signal", "Then"] for row in page.cells]
    rows = page.cells[first.index(True) + 1 :] if any(first) else []
    last = next((n for n, row in enumerate(rows) if row[0].startswith("Change of the score")), -1)
    return rows[: last + 1]


DAYS = (date(2026, 6, 22), date(2026, 6, 29))
MOVEMENTS = st.lists(st.tuples(st.sampled_from(CHANGE_PARTS), st.floats(-80, 80)), max_size=12)


@given(drawn=MOVEMENTS, model=st.floats(-40, 40), definition=st.floats(-40, 40))
def test_a_printed_movement_adds_up(
    drawn: list[tuple[ChangePart, float]], model: float, definition: float
) -> None:
    found = tuple(
        Change(
            "a", "A", "outcome", "leading", 1.0, None if part == "data" else 2.0, 28, "", part, p
        )
        for part, p in drawn
    )
    told = movement_card.describe_movement(
        page_cases.movement_of(50.0, found, model=model, definition=definition), *DAYS
    )
    parts = [_tenths(item.points) for item in told.parts]
    assert sum(parts) == _tenths(told.total)
    for part, tenths in zip(told.parts[:4], parts, strict=False):
        assert sum(_tenths(line.points) for line in part.figures) == (tenths if part.figures else 0)
    listed = [_tenths(line.points) for line in told.signals]
    rest = _tenths(told.others[1]) if told.others else 0
    assert sum(listed) + rest == sum(
        _tenths(part.points) for part in told.parts[:3] if part.figures
    )
    causes = [*listed, *(_tenths(line.points) for line in (*told.went, *told.came)), *parts[4:]]
    assert not any(0 < abs(cause) < abs(rest) for cause in causes)


@pytest.mark.parametrize(("points", "listed"), [(-38.3, ["R", "A"]), (-0.3, ["A"])])
def test_what_grows_by_itself_is_told_where_it_moved_the_score(
    points: float, listed: list[str]
) -> None:
    renewal = Change(
        "r", "R", "business", "context", 112.0, 105.0, None, "days", "behaviour", points
    )
    other = Change("a", "A", "outcome", "leading", 1.0, 2.0, 28, "", "behaviour", 0.6)
    nothing = Change("b", "B", "outcome", "leading", 1.0, 2.0, 28, "", "behaviour", 0.01)
    told = movement_card.describe_movement(
        page_cases.movement_of(70.0, (renewal, other, nothing)), *DAYS
    )
    assert [line.title for line in told.signals] == listed


def test_another_model_and_scale_are_told_with_their_points() -> None:
    told = movement_card.describe_movement(
        page_cases.movement_of(50.0, (), model=-7.0, definition=2.0), *DAYS
    )
    assert (told.model, told.definition, told.total) == ("−7.0", "+2.0", "−5.0")
    assert told.briefly == (("new model", "−7.0"), ("new scale", "+2.0"))
    still, capped = page_cases.movement_of(50.0, ()), page_cases.movement_of(101.0, (), model=-2.0)
    assert not movement_card.describe_movement(still, *DAYS).clipped
    assert movement_card.describe_movement(capped, *DAYS).clipped


def test_an_account_that_is_not_scored_says_why_and_shows_no_score(client: TestClient) -> None:
    page = account(client, "newcomer")
    assert page_cases.NO_HISTORY in page.words
    assert "/ 100" not in page.words
    assert page.facts["Data coverage"] == "40%"
    assert not any("Chance" in term for term in page.facts)
    assert "What is raising" not in page.words
    assert "No score in this period." in page.words


def test_the_history_has_a_table_with_its_gap(client: TestClient, book: Book) -> None:
    rows = account(client, "a-005").rows(3)
    trend = book.edition("churn").entry("a-005").trend
    told = [(wording.score(point.health_score), BAND_WORDS[point.band]) for point in trend]
    assert [(row[1], row[2]) for row in rows] == told[::-1]
    assert ("–", "Not scored") in told


def test_playbook_links_lead_to_their_cards(client: TestClient, book: Book) -> None:
    for entry in scored(book):
        page = account(client, entry.assessment.account_id)
        inner = [link[1:] for link in page.links if link.startswith("#")]
        assert set(inner) <= set(page.ids)


def test_a_playbook_tells_owner_steps_channel_and_days(client: TestClient) -> None:
    words = re.sub(r"\s+", " ", account(client, "northwind").words)
    assert (
        "Playbook: Re-engage users Serves falling use. Owner: CSM. "
        "Do not repeat within 30 days. "
        "Call the day-to-day contact; "
        "ask what changed phone · within 2 days Send a usage summary" in words
    )
    assert "phone · within 1 day" in words


def test_an_unknown_account_is_a_readable_page(client: TestClient) -> None:
    response = client.get("/accounts/nobody")
    assert response.status_code == 404
    assert "Account not found" in response.text


def test_ids_that_need_quoting_are_found_by_their_link(client: TestClient) -> None:
    page = read(client, "/", q="kunde/7 ü&?#%")
    link = next(link for link in page.links if link.startswith("/accounts/"))
    assert link == f"/accounts/{quote(ODD_ID, safe='')}"
    assert "Møller & Søn" in read(client, link).words


def test_the_page_and_the_json_agree_on_every_account(book: Book) -> None:
    both = TestClient(application(book), "http://localhost", client=("127.0.0.1", 50000))
    for entry in entries(book):
        path = quote(entry.assessment.account_id, safe="")
        said = both.get(f"/v1/accounts/{path}").json()
        page = Text(both.get(f"/accounts/{path}").text)
        assert BAND_WORDS[said["band"]] in page.words
        if said["health_score"] is None:
            assert said["unscored_reason"] in page.words
            continue
        assert re.search(rf"\b{floor(said['health_score'])}\s+/ 100", page.words)
        chance = f"{wording.chance(said['churn_probability'])} {usual_chance(book)}"
        assert page.facts[f"Chance of leaving in {said['horizon_days']} days"] == chance
        assert page.facts["Model"].startswith(f"v{said['model']['version']}")
        parts, _ = _table_of_numbers(page)
        for title, name in GROUP_POINTS.items():
            points = said["dimensions"].get(name.removesuffix("_points"), said["base_points"])
            assert abs(parts.get(title, (0, []))[0] / 10 - points) < 0.1 + 1e-9


# Several targets, none, and a broken run


def test_a_target_is_chosen_by_name_and_kept_in_links(tmp_path: Path) -> None:
    company = page_cases.declare(tmp_path)
    book = page_cases.publish(company, weeks=2, targets=("churn", "pause"), promoted=False)
    client = TestClient(page_cases.pages(book))
    page = read(client, "/", target="pause", status="red")
    assert "“no events for 30 days” between 29 Jun 2026 and 28 Jul 2026" in page.words
    links = [link for link in page.links if link.startswith("/accounts/")]
    assert links
    assert all(link.endswith("?target=pause") for link in links)
    assert "Chance of leaving in 30 days" in read(client, links[0]).facts
    assert "Chance of leaving in 90 days" in account(client, "northwind").facts


def test_before_the_first_run_the_page_says_what_to_do(tmp_path: Path) -> None:
    book = Book.open(page_cases.declare(tmp_path), Settings())
    response = TestClient(page_cases.pages(book)).get("/")
    assert response.status_code == 503
    assert "churnlight score" in response.text


@pytest.mark.parametrize("simulated", [True, False])
def test_a_simulated_company_is_called_that_once(simulated: bool, tmp_path: Path) -> None:
    page_cases.declare(tmp_path, simulated=simulated)
    path = tmp_path / "churnlight.toml"
    text = path.read_text("utf-8").replace('"Sundial Software"', '"Acme (simulated)"')
    path.write_text(text, "utf-8")
    words = Text(
        TestClient(page_cases.pages(Book.open(load(tmp_path), Settings()))).get("/").text
    ).words
    assert ("Simulated data" in words) == simulated
    assert ("Acme (simulated)" in words) != simulated


def test_a_run_that_cannot_be_read_leaves_the_last_good_scores_and_says_so(
    tmp_path: Path,
) -> None:
    book = page_cases.publish(page_cases.declare(tmp_path), weeks=1, promoted=False)
    client = TestClient(page_cases.pages(book))
    assert "last readable scores" not in read(client, "/").words
    current = tmp_path / ".churnlight" / "scores" / "current.json"
    current.write_text('{"2026-07-06": "not-there"}', encoding="utf-8")
    page = read(client, "/")
    assert "Showing the last readable scores" in page.words
    assert "74 scored accounts" in page.words
