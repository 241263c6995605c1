"""Who is scored by renewal, what the others are told, and that they keep their last light."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

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
from serving.batch.scoring_run import loss_lines, score
from serving.pages import portfolio
from serving.pages.selection import HealthQuery
from serving.published.book import Book
from test_training_by_renewal import CHOICE
from training.artifact import Artifact
from training.calibrating.bands import BAND_WORDS, OF_STATE
from training.champions import install_champion
from training.forecast import with_forecast
from training.manifest import DamagedArtifact
from training.reporting import model_report
from training.summary import of_company
from training.train import Trained, fit_and_evaluate

BEFORE, AS_OF = date(2024, 11, 20), date(2024, 12, 1)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return renewing_company.write(tmp_path_factory.mktemp("scored"))


@pytest.fixture(scope="module")
def artifact(company: Company) -> Artifact:
    rows, months = renewing_company.built(company)
    made = fit_and_evaluate(rows, company, TARGET, months[-8:], choice=CHOICE)
    return with_forecast(made, rows, company, months)


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


# The forecast beside the light


def test_everybody_with_a_running_contract_has_a_chance_of_leaving_within_days(
    book: Book, artifact: Artifact
) -> None:
    rows = snapshots.build(book.company, [AS_OF]).table
    runs = {row["account_id"]: row[f"running__{TARGET}"] for row in rows.to_pylist()}
    scores = book.edition(TARGET).run.scores().to_pylist()
    chances = {row["account_id"]: row["forecast_probability"] for row in scores}
    assert {name for name, chance in chances.items() if chance is not None} == {
        name for name, running in runs.items() if running
    }
    model = artifact.forecast
    assert model is not None
    there = rows.filter(rows[f"running__{TARGET}"])
    own = dict(zip(there["account_id"].to_pylist(), model.probability(there), strict=True))
    for row in scores:
        assert row["forecast_days"] == (90 if runs[row["account_id"]] else None)
        if runs[row["account_id"]]:
            assert row["forecast_probability"] == pytest.approx(own[row["account_id"]], abs=1e-12)
    # Within 90 days fewer leave than by the next renewal, which may be a year away.
    lit = [row for row in scores if row["churn_probability"] is not None]
    sums = [sum(row[f"{kind}_probability"] for row in lit) for kind in ("forecast", "churn")]
    assert sums[0] < 0.7 * sums[1]


def test_the_forecast_was_judged_on_a_later_date(artifact: Artifact) -> None:
    assert artifact.forecast is not None
    judged = artifact.forecast.evaluation
    assert judged.kind == "later as-of date"
    assert judged.gain_over_base_rate.known
    assert judged.quality.predicted_rate == pytest.approx(judged.quality.base_rate, abs=0.05)


def test_a_forecast_is_saved_with_its_light_and_damage_to_it_is_seen(
    artifact: Artifact, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    artifact.save(folder)
    again = Artifact.load(folder)
    assert again.digest == artifact.digest != artifact.with_forecast(None).digest
    assert again.forecast is not None
    assert artifact.forecast is not None
    assert again.forecast.evaluation == artifact.forecast.evaluation
    (folder / "forecast" / "artifact.json").write_text("{}", "utf-8")
    with pytest.raises(DamagedArtifact, match=r"artifact\.json changed or missing"):
        Artifact.load(folder)
    shutil.rmtree(folder / "forecast")
    with pytest.raises(DamagedArtifact, match=r"forecast/manifest\.json changed or missing"):
        Artifact.load(folder)


def test_report_and_summary_say_how_good_the_forecast_is(
    artifact: Artifact, tmp_path: Path
) -> None:
    model_report.write(artifact, tmp_path)
    card = (tmp_path / model_report.CARD).read_text("utf-8")
    assert "leaves within 90 days of the as-of date" in card
    assert "The forecast by predicted rate" in card
    assert "Expected and lost" in card
    assert "forecast of 90 days on 2024-" in of_company(Trained(artifact, "light", "1", "run"))


def test_pages_and_api_show_the_chance_beside_the_light(book: Book, client: TestClient) -> None:
    first = client.get("/v1/accounts?limit=1").json()["accounts"][0]
    chance = first["forecast_probability"]
    assert first["forecast_days"] == 90
    page = account(client, first["account_id"])
    assert page.facts["Chance of leaving within 90 days"] == f"about {chance * 100:.0f} in 100"
    assert "Leave within 90 days" in read(client, "/").words
    now = client.post("/v1/score", json={"accounts": [{"account_id": first["account_id"]}]}).json()
    assert now["scores"][0]["forecast_probability"] == pytest.approx(chance, abs=1e-12)
    unscored = client.get("/v1/accounts?band=unscored&limit=500").json()["accounts"]
    gap = next(row for row in unscored if row["forecast_probability"] is not None)
    body = {"accounts": [{"account_id": gap["account_id"]}]}
    (again,) = client.post("/v1/score", json=body).json()["scores"]
    assert again["unscored_reason"] == gap["unscored_reason"] != "No active subscription"
    assert again["forecast_probability"] == pytest.approx(gap["forecast_probability"], abs=1e-12)


# The expected loss


def test_the_expected_loss_is_chance_times_fee_by_the_month_of_the_renewal(
    book: Book, client: TestClient
) -> None:
    rows = {
        row["account_id"]: row for row in snapshots.build(book.company, [AS_OF]).table.to_pylist()
    }
    expected: dict[str, float] = {}
    for scored in book.edition(TARGET).run.scores().to_pylist():
        row, chance = rows[scored["account_id"]], scored["forecast_probability"]
        if chance is not None:
            month = f"{row[f'decision__{TARGET}']:%Y-%m}"
            fee = renewing_company.fee(int(scored["account_id"][1:]))
            assert row[f"amount__{TARGET}"] == fee
            expected[month] = expected.get(month, 0.0) + chance * fee
    found = client.get("/v1/expected-loss").json()
    assert (found["target"], found["as_of"], found["days"]) == (TARGET, str(AS_OF), 90)
    assert {each["renewal_month"]: each["expected"] for each in found["months"]} == (
        pytest.approx(expected)
    )
    assert list(expected) != sorted(expected)
    assert [each["renewal_month"] for each in found["months"]] == sorted(expected)
    total = found["total"]
    assert total["expected"] == pytest.approx(sum(expected.values()))
    assert total["low"] < total["expected"] < total["high"] < total["worth"]


def test_what_was_expected_on_past_dates_stands_beside_what_was_lost(
    artifact: Artifact, book: Book, client: TestClient
) -> None:
    assert artifact.forecast is not None
    judged = artifact.forecast.evaluation
    found = client.get("/v1/expected-loss").json()["back_test"]
    assert [each["as_of"] for each in found] == [result.as_of for result in judged.test_dates]
    for each in found:
        rows = snapshots.build(book.company, [date.fromisoformat(each["as_of"])]).table
        lost = [
            renewing_company.fee(int(row["account_id"][1:]))
            for row in rows.to_pylist()
            if row[f"label__{TARGET}__forecast"] and row["history_days"] >= 28
        ]
        assert each["lost"] == sum(lost) > 0
        assert each["low"] <= each["expected"] <= each["high"]
    assert sum(each["low"] <= each["lost"] <= each["high"] for each in found) >= len(found) - 1


def test_the_list_tells_the_expected_loss_by_month(book: Book, client: TestClient) -> None:
    found = book.expected_losses(book.edition(TARGET))
    assert found is not None
    assert book.expected_losses(book.edition(TARGET)) is found
    page = read(client, "/").words
    assert f"Expected to be lost within 90 days: {found.total.expected.value:,.0f} (" in page
    for month in ("Dec 2024", "Jan 2025"):
        assert month in page


def test_the_terminal_is_told_the_expected_loss(book: Book) -> None:
    told = list(loss_lines([book.edition(TARGET).run], book.company, book.settings))
    assert told[0].startswith(f"{TARGET}: within 90 days of {AS_OF}, ")
    assert any("renewing in 2025-01: " in line for line in told)
    assert " was lost" in told[-1]


def test_without_a_forecast_no_loss_is_expected(
    artifact: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> None:
    company, settings = renewing_company.write(tmp_path_factory.mktemp("bare")), Settings()
    install_champion(artifact.with_forecast(None), settings.workspace_of(company))
    score(company, [AS_OF], settings=settings)
    bare = Book.open(company, settings)
    assert not list(loss_lines([bare.edition(TARGET).run], company, settings))
    with TestClient(application(bare), base_url="http://localhost") as client:
        answer = client.get("/v1/expected-loss")
        assert (answer.status_code, answer.json()["status"]) == (422, 422)
        assert "it has no forecast" in answer.text
        assert "Leave within" not in read(client, "/").words
        first = client.get("/v1/accounts?limit=1").json()["accounts"][0]
        assert (first["forecast_probability"], first["forecast_days"]) == (None, None)
