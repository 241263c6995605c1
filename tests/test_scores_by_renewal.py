"""Who is scored by renewal, what the others are told, and that they keep their last light."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

import renewing_company
from features import snapshots
from features.declaring.company import Company
from features.settings import Settings
from page_reader import account, read
from renewing_company import GAP, TARGET
from serving.application import application
from serving.assessment.assess import Assessment, assess
from serving.batch.scoring_run import score
from serving.pages import portfolio
from serving.pages.selection import HealthQuery
from serving.published.book import Book
from test_training_by_renewal import CHOICE
from training.artifact import Artifact
from training.calibrating.bands import BAND_WORDS, OF_STATE
from training.champions import install_champion
from training.train import fit_and_evaluate

BEFORE, AS_OF = date(2024, 11, 20), date(2024, 12, 1)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return renewing_company.write(tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="module")
def artifact(company: Company) -> Artifact:
    rows, months = renewing_company.built(company)
    return fit_and_evaluate(rows, company, TARGET, months[-8:], choice=CHOICE)


@pytest.fixture(scope="module")
def book(company: Company, artifact: Artifact) -> Book:
    settings = Settings()
    install_champion(artifact, settings.workspace_of(company))
    score(company, [BEFORE, AS_OF], settings=settings)
    return Book.open(company, settings)


@pytest.fixture(scope="module")
def client(book: Book) -> Iterator[TestClient]:
    with TestClient(application(book), base_url="http://localhost") as opened:
        yield opened


def put(row: pa.Table, column: str, value: object) -> pa.Table:
    place = row.column_names.index(column)
    field = row.schema.field(place)
    return row.set_column(place, field, pa.array([value], field.type))


def told(company: Company, artifact: Artifact, state: str, ahead: int | None) -> Assessment:
    """What an account is told in a state, its decision so many days ahead."""
    row = snapshots.build(company, [AS_OF]).table
    row = row.filter(pa.array([it == "asked" for it in row[f"state__{TARGET}"].to_pylist()]))[:1]
    row = put(put(row, f"state__{TARGET}", state), f"eligible__{TARGET}", state == "asked")
    decision = None if ahead is None else AS_OF + timedelta(days=ahead)
    (found,) = assess(put(row, f"decision__{TARGET}", decision), artifact, company)
    return found


@pytest.mark.parametrize(
    ("state", "ahead", "reason"),
    [
        ("in the gap", 6, "Renews in 6 days: no longer scored"),
        ("in the gap", 0, "Renews today: no longer scored"),
        ("pending", -1, "Renewal due 1 day ago: not signed yet"),
        ("overdue", None, "Renewal overdue: neither signed nor ended"),
        ("leaving", None, "Leaving: the end of the contract is known"),
        ("beyond at_most", 500, "Renews in 500 days: scored from 400 days before"),
        ("no renewal date", None, "No renewal date is known"),
        ("no contract", None, "No active subscription"),
    ],
)
def test_who_is_not_asked_is_never_green_and_is_told_why(
    state: str, ahead: int | None, reason: str, company: Company, artifact: Artifact
) -> None:
    target = company.targets[TARGET].model_copy(update={"at_most": 400})
    company = company.model_copy(update={"targets": {TARGET: target}})
    found = told(company, artifact, state, ahead)
    assert (found.band, found.unscored_reason) == ("unscored", reason)
    assert (found.health_score, found.churn_probability, found.drivers) == (None, None, ())


def test_where_notice_is_given_the_days_are_those_to_its_last(
    company: Company, artifact: Artifact
) -> None:
    target = company.targets[TARGET].model_copy(update={"notice": 30})
    company = company.model_copy(update={"targets": {TARGET: target}})
    found = told(company, artifact, "in the gap", 6)
    assert found.unscored_reason == "Notice ends in 6 days: no longer scored"


def test_every_state_has_its_reason() -> None:
    from features.assembling.decisions import STATES

    assert set(OF_STATE) == set(STATES) - {"asked", "no contract"}


def test_those_who_are_asked_are_scored_and_no_others(book: Book) -> None:
    rows = snapshots.build(book.company, [AS_OF]).table.to_pylist()
    asked = {row["account_id"] for row in rows if row[f"state__{TARGET}"] == "asked"}
    found = {entry.account_id: entry.assessment.band for entry in book.edition(TARGET).find()}
    assert {name for name, band in found.items() if band != "unscored"} == asked
    assert len(asked) > 100


def test_in_the_gap_an_account_keeps_the_light_that_it_had_last(
    book: Book, client: TestClient
) -> None:
    ahead = {
        row["account_id"]: (row[f"decision__{TARGET}"] - AS_OF).days
        for row in snapshots.build(book.company, [AS_OF]).table.to_pylist()
        if row[f"state__{TARGET}"] == "in the gap"
    }
    entries = {entry.account_id: entry for entry in book.edition(TARGET).find()}
    lit = [name for name in ahead if entries[name].trend[-2].band != "unscored"]
    assert lit
    for name in lit[:3]:
        page = account(client, name)
        assert 0 <= ahead[name] < GAP
        assert f"Renews in {ahead[name]} day" in page.words
        band = BAND_WORDS[entries[name].trend[-2].band]
        assert f"Last scored 20 Nov: {band}" in page.words
        # No movement is told: it has become neither better nor worse.
        assert entries[name].movement is None
    (row,) = [
        cells for cells in read(client, "/", status="unscored").cells if lit[0] in " ".join(cells)
    ]
    assert "Last scored 20 Nov" in " ".join(row)


def test_the_pages_say_that_the_chance_is_of_the_next_renewal(
    book: Book, client: TestClient
) -> None:
    entry = next(it for it in book.edition(TARGET).find() if it.assessment.band != "unscored")
    page = account(client, entry.account_id)
    assert page.facts["Chance of leaving by its next renewal"]
    # Gap 14, at least 60 days.
    words = " ".join(page.words.split())
    assert "from 15 Dec 2024 until its next renewal, 12 Feb 2025 at the earliest" in words


def test_causes_that_differ_in_their_days_are_counted_together(book: Book) -> None:
    notes = next(
        card.notes
        for card in portfolio.cards(
            HealthQuery.read({}, book.edition(TARGET)), book.edition(TARGET), ""
        )
        if card.band == "unscored"
    )
    assert any("Renews in … days: no longer scored" in note for note in notes), notes
