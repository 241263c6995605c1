"""What is welcome: its scale, its model, its scores beside health, and what people see of it."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import small_company
from features.breaches import lint
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import DeclarationError
from page_reader import read
from serving.api import openapi
from serving.application import application
from serving.assessment.assess import assess
from serving.assessment.opportunities import Opportunity, opportunities
from serving.batch import scoring_run
from serving.published import runs
from serving.published.book import Book
from serving.published.run_table import of_target
from serving.published.runs import Run
from trained_company import CHOICE, TARGET, House, built, learning_dates
from training import report_data
from training.artifact import Artifact
from training.calibrating import opportunity
from training.calibrating.calibration import Calibration
from training.calibrating.opportunity import Edge, OpportunityScale
from training.champions import install_champion
from training.indicators import admission, lead_times
from training.learning.model import monotone_signs
from training.registry import run_record
from training.reporting import markdown, model_report, page
from training.train import choose_targets, fit_and_evaluate

NAME = "big_purchase"
DECLARED = """
[targets.big_purchase]
title = "Spends € 100 at once"
adverse = false
event = { source = "visits", where = "amount >= 100" }
active = "visits"
active_within = "60d"
horizon = "30d"
p_high = 0.05
playbook = "offer"
likelier = { visits = "higher" }

[playbooks.offer]
title = "Offer"
owner = "sales"
steps = [{ do = "Show what is new", within = "7d" }]
"""


# The scale


def scale(p_high: float = 0.2, slope: float = 0.8) -> OpportunityScale:
    return OpportunityScale(Calibration(slope, -0.3, 100, 30), Edge(p_high, "declared"))


@given(st.floats(-20, 20), st.floats(0.01, 0.95), st.floats(0.2, 3))
def test_ten_points_double_the_odds_and_seventy_is_the_edge(
    margin: float, p_high: float, slope: float
) -> None:
    one = scale(p_high, slope)
    doubled = margin + math.log(2) / slope
    low, high = one.unclipped(np.array([margin, doubled]))
    assert high - low == pytest.approx(10, abs=1e-9)
    edge = (math.log(p_high / (1 - p_high)) + 0.3) / slope
    assert one.unclipped(np.array([edge]))[0] == pytest.approx(70, abs=1e-9)
    assert one.points_per_margin > 0


@given(
    st.lists(st.integers(-40, 40), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
)
def test_no_more_are_told_than_can_be_worked_and_equals_stay_together(
    tenths: list[int], capacity: float
) -> None:
    logits = np.array(tenths) / 10
    found = opportunity.edge(None, logits, capacity)
    line = Calibration(1.0, 0.0, 1, 1)
    told = OpportunityScale(line, found).unclipped(logits) >= opportunity.LISTED_FROM
    assert told.sum() <= capacity * len(logits)
    assert not set(logits[told]) & set(logits[~told])
    # One value more would be too many.
    if not told.all():
        more = logits >= logits[~told].max()
        assert more.sum() > capacity * len(logits)


# The declaration


def declared(folder: Path, *changes: tuple[str, str]) -> Company:
    text = small_company.DECLARATION + DECLARED
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "churnlight.toml").write_text(text, "utf-8")
    return load(folder)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("p_high = 0.05", "p_red = 0.6\np_green = 0.2", "an opportunity has no bands"),
        ("adverse = false\n", "", "p_high, playbook and likelier are for opportunities"),
        ('playbook = "offer"', 'playbook = "ofer"', "did you mean 'offer'"),
        ("likelier = { visits", "likelier = { visit", "did you mean 'visits'"),
    ],
)
def test_keys_of_the_other_kind_and_unknown_names_are_refused(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    with pytest.raises(DeclarationError, match=told):
        declared(tmp_path, (old, new))


def test_an_opportunity_without_a_playbook_is_reported(tmp_path: Path) -> None:
    silent = declared(tmp_path / "a", ('playbook = "offer"\n', ""))
    assert ("no_playbook", f"targets.{NAME}") in found_in(silent)
    assert ("unused_playbook", "playbooks.offer") in found_in(silent)
    assert not [item for item in found_in(declared(tmp_path / "b")) if "offer" in item[1]]


def found_in(company: Company) -> list[tuple[str, str]]:
    return [(item.name, str(item.column)) for item in lint.breaches(company)]


# The model


@pytest.fixture(scope="module")
def house(trained: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Return the small company with an opportunity, a champion of it, and one more run."""
    own = trained.copy(tmp_path_factory.mktemp("opportunities") / "own")
    path = own.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8") + DECLARED, "utf-8")
    company = load(own.company.folder)
    days = learning_dates(company)
    rows = built(company, *days)
    mrr = dict.fromkeys(rows.table["account_id"].to_pylist(), 10.0)
    made = fit_and_evaluate(rows, company, NAME, days, choice=CHOICE, mrr=mrr)
    made = dataclasses.replace(made, name="shop", registered_version="3")
    install_champion(told_to_half_of_the_red(made, own.champion, company), own.workspace)
    return dataclasses.replace(own, company=company)


def told_to_half_of_the_red(made: Artifact, health: Artifact, company: Company) -> Artifact:
    """Return the artifact with an edge amid the red accounts, so that every state is there."""
    rows = built(company).table
    both = zip(assess(rows, health, company), opportunities(rows, made, company, []), strict=True)
    red = [item.opportunity_probability for own, item in both if own.band == "red"]
    chances = [chance for chance in red if chance is not None]
    return dataclasses.replace(made, anchors=Edge(float(np.median(chances)), "declared"))


@pytest.fixture(scope="module")
def artifact(house: House) -> Artifact:
    return Book(house.company, house.settings).artifact(NAME)


@pytest.fixture(scope="module")
def run(house: House) -> Run:
    (made,) = scoring_run.score(house.company, settings=house.settings)
    return made


@pytest.fixture(scope="module")
def scored(run: Run) -> list[Opportunity]:
    return runs.opportunities_from_rows(of_target(run.scores(), NAME))


def test_an_opportunity_is_trained_and_judged_as_churn_is(artifact: Artifact) -> None:
    judged = artifact.evaluation
    assert not artifact.adverse
    assert artifact.anchors.chosen == "declared"
    assert (judged.quality.auc.value or 0) > 0.5
    assert {item.baseline for item in judged.baselines}
    told = judged.opportunities
    assert told is not None
    assert told["yes"].accounts + told["no"].accounts == judged.quality.rows
    assert told["yes"].happened + told["no"].happened == judged.quality.events
    assert (judged.bands, judged.lead_times) == (None, None)
    assert judged.value.revenue is None, "what is welcome puts none at risk"
    assert artifact.output_names[:2] == ("opportunity_probability", "opportunity_score")
    assert artifact.output_names[2:] == ("opportunity_score_low", "opportunity_score_high")


def test_its_card_and_its_metrics_speak_of_an_opportunity(artifact: Artifact) -> None:
    text = markdown.render(model_report.card(artifact))
    assert re.search(r"is an opportunity from a probability of \d+\.\d% up", text)
    assert "the opportunity score from 0 to 100 (100 = best prospect)" in text
    assert "health" not in text.lower()
    names = {name for name, _, _ in run_record.metrics(artifact)}
    assert {"opportunity/yes/accounts", "opportunity/no/happened"} <= names
    assert not [name for name in names if name.startswith("band/")]


def test_an_opportunity_has_its_report_in_its_own_words(artifact: Artifact) -> None:
    days = artifact.training.as_of
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(60, len(artifact.features)))
    told = report_data.with_evidence(artifact, report_data.drivers(artifact, rows), None)
    report = page.render(model_report.report(told))
    card = markdown.render(model_report.card(told))
    assert "accounts worked, likeliest first" in report
    for text in (report, card):
        assert "churned" not in text
    assert "Opportunity points by indicator" in report
    assert run_record.metrics(told)
    assert days[0] in card


def test_only_the_sides_that_the_target_names_bind_its_model(house: House) -> None:
    features = house.champion.features
    signs = dict(
        zip(
            (item.name for item in features),
            monotone_signs(house.company, NAME, features),
            strict=True,
        )
    )
    bound = {"visits__28d", "visits__90d", "visits__pace_28d_90d"}
    assert {name for name, sign in signs.items() if sign} == bound
    assert {sign for sign in signs.values() if sign} == {1}


def test_what_is_adverse_comes_first_whatever_the_order(house: House) -> None:
    targets = dict(reversed(house.company.targets.items()))
    company = house.company.model_copy(update={"targets": targets})
    assert next(iter(targets)) == NAME
    assert choose_targets(company, []) == choose_targets(company, [NAME, TARGET]) == [TARGET, NAME]
    assert choose_targets(company, [NAME]) == [NAME]


def test_there_is_no_warning_time_before_what_is_welcome(house: House) -> None:
    with pytest.raises(DeclarationError, match="'big_purchase' is an opportunity; a lead time"):
        lead_times.measure_leads(house.company, [NAME])


def test_worth_alone_admits_an_indicator_to_an_opportunity(house: House) -> None:
    (found,) = admission.evaluate_indicators(house.company, [NAME], settings=house.settings)
    assert {item.lead for item in found.evidence} == {None}
    assert {item.verdict for item in found.evidence} <= {
        "admitted", "admit", "not proven", "keep in shadow",
    }  # fmt: skip
    assert all(item.why.startswith("An opportunity has no lead time.") for item in found.evidence)
    json.dumps(found.plain())


# Scores


def test_parts_add_up_to_the_opportunity_score(scored: list[Opportunity]) -> None:
    told = [item for item in scored if item.opportunity != "unscored"]
    assert len(told) > 100
    for item in told:
        base, whole = item.base_points, item.opportunity_score_unclipped
        assert base is not None
        assert whole is not None
        drivers = base + math.fsum(driver.points for driver in item.drivers)
        parts = [item.outcome_points, item.business_points, item.relationship_points]
        summed = base + math.fsum(part for part in [*parts, item.context_points] if part)
        assert drivers == pytest.approx(whole, abs=1e-9)
        assert summed == pytest.approx(whole, abs=1e-9)


def test_an_opportunity_is_held_back_exactly_where_health_is_red_or_unknown(
    run: Run, scored: list[Opportunity]
) -> None:
    health = {item.account_id: item for item in runs.from_rows(of_target(run.scores(), TARGET))}
    states = set()
    for item in scored:
        if item.opportunity_score_unclipped is None:
            assert (item.opportunity, item.drivers) == ("unscored", ())
            assert item.unscored_reason
            continue
        band = health[item.account_id].band
        expected = "no" if item.opportunity_score_unclipped < 70 else "yes"
        if expected == "yes" and band in ("red", "unscored"):
            expected = "held_back"
        assert item.opportunity == expected
        assert (item.held_back_reason is not None) == (expected == "held_back")
        assert item.playbook == ("offer" if expected == "yes" else None)
        states.add(expected)
    assert states == {"yes", "no", "held_back"}


def test_a_red_account_is_held_back_for_its_own_reason(house: House, artifact: Artifact) -> None:
    rows = built(house.company).table
    risks = ["Held back: so"] * rows.num_rows
    alone = opportunities(rows, artifact, house.company, [])
    held = opportunities(rows, artifact, house.company, risks)
    assert {item.opportunity for item in alone} == {"yes", "no", "unscored"}
    assert {item.opportunity for item in held} == {"held_back", "no", "unscored"}
    scores = [[item.opportunity_score for item in items] for items in (alone, held)]
    assert scores[0] == scores[1]


def test_the_file_has_no_health_of_opportunities_and_none_of_theirs_of_health(run: Run) -> None:
    rows = run.scores().to_pylist()
    upward = {name for name in runs.SCHEMA.names if "opportunity" in name}
    downward = {"churn_probability", "health_score", "health_score_unclipped", "band"}
    for row in rows:
        absent = downward if row["target"] == NAME else upward | {"held_back_reason"}
        assert {row[name] for name in absent} == {None}
        unit = "health_points" if row["target"] == NAME else "opportunity_points"
        assert {driver[unit] for driver in row["drivers"]} <= {None}


def test_the_sentence_tells_on_which_side_of_the_usual_a_value_is(
    house: House, scored: list[Opportunity]
) -> None:
    recency = house.company.indicators["recency"]
    assert recency.says_good is not None
    drivers = [driver for item in scored for driver in item.drivers]
    seen = set()
    for driver in drivers:
        if driver.indicator == "recency" and isinstance(driver.value, float):
            assert isinstance(driver.usual, float)
            bad = driver.value > driver.usual
            assert (
                driver.sentence.split()[0]
                == (recency.says if bad else recency.says_good).split()[0]
            )
            seen.add((bad, driver.points > 0))
    assert len(seen) >= 3


def test_a_company_scores_and_serves_on_while_an_opportunity_has_no_champion(
    trained: House, tmp_path: Path
) -> None:
    own = trained.copy(tmp_path / "own")
    path = own.company.folder / "churnlight.toml"
    path.write_text(path.read_text("utf-8") + DECLARED, "utf-8")
    company, told = load(own.company.folder), list[str]()
    (made,) = scoring_run.score(company, settings=own.settings, progress=told.append)
    assert list(made.models) == [TARGET]
    assert [line for line in told if line.startswith(f"leaving out {NAME}")]
    app = application(Book.open(company, own.settings))
    with TestClient(app, base_url="http://127.0.0.1:3000") as opened:
        assert "pportunit" not in opened.get("/").text
        assert opened.get("/opportunities").status_code == 404
        assert opened.get("/v1/opportunities").status_code == 503


# The API


@pytest.fixture(scope="module")
def client(house: House, run: Run) -> Iterator[TestClient]:
    app = application(Book.open(house.company, house.settings))
    with TestClient(app, base_url="http://127.0.0.1:3000") as opened:
        yield opened


def get(client: TestClient, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def fits(name: str, message: Any) -> bool:
    """Return whether a message is as the document says."""
    document = openapi.document()
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema_rs.validator_for(schema).is_valid(message)


def test_the_list_has_every_account_best_prospect_first(
    client: TestClient, scored: list[Opportunity]
) -> None:
    address, seen = "/v1/opportunities?limit=150&drivers=true", []
    page = get(client, address)
    assert fits("OpportunityPage", page)
    seen += page["opportunities"]
    while page["next"]:
        page = get(client, f"{address}&after={page['next']}")
        seen += page["opportunities"]
    assert len(seen) == page["total"] == len(scored)
    scores = [item["opportunity_score_unclipped"] for item in seen]
    known = [score for score in scores if score is not None]
    assert known == sorted(known, reverse=True)
    assert scores[: len(known)] == known
    own = {item.account_id: item for item in scored}
    for item in seen:
        assert item["opportunity"] == own[item["account_id"]].opportunity
        assert len(item["drivers"]) == len(own[item["account_id"]].drivers)


def test_filters_and_one_account(client: TestClient) -> None:
    page = get(client, "/v1/opportunities?opportunity=held_back")
    (first, *_) = page["opportunities"]
    assert {item["opportunity"] for item in page["opportunities"]} == {"held_back"}
    assert first["held_back_reason"].startswith("Held back while the account")
    one = get(client, f"/v1/opportunities/{first['account_id']}?target={NAME}")
    assert fits("AccountOpportunity", one)
    assert {key: value for key, value in one.items() if key != "drivers"} == first
    total = one["base_points"] + sum(item["opportunity_points"] for item in one["drivers"])
    assert total == pytest.approx(one["opportunity_score_unclipped"], abs=1e-9)


def test_a_score_made_now_is_the_published_one_and_held_back_likewise(
    client: TestClient, scored: list[Opportunity]
) -> None:
    names = [item.account_id for item in scored[:60]]
    body = {"target": NAME, "accounts": [{"account_id": name} for name in names]}
    answer = client.post("/v1/score", json=body).json()
    assert fits("Scores", answer)
    for said, item in zip(answer["scores"], scored, strict=False):
        assert said["opportunity"] == item.opportunity
        assert said["held_back_reason"] == item.held_back_reason
        assert said["opportunity_score"] == item.opportunity_score


def test_stated_features_are_held_back_too(client: TestClient) -> None:
    gone = {"visits__28d": 0, "visits__90d": 0, "recency__all": 59, "spend__90d": 400}
    body = {"target": NAME, "accounts": [{"features": gone}]}
    (said,) = client.post("/v1/score", json=body).json()["scores"]
    (health,) = client.post("/v1/score", json={"accounts": [{"features": gone}]}).json()["scores"]
    assert health["band"] == "red"
    assert said["opportunity"] in ("held_back", "no")
    assert (said["opportunity"] == "held_back") == (said["opportunity_score_unclipped"] >= 70)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        (f"/v1/opportunities?target={TARGET}", "is adverse, so it is not an opportunity"),
        ("/v1/opportunities?target=upsell", "no such target: 'upsell'"),
        ("/v1/opportunities?band=red", "unknown parameter"),
        ("/v1/opportunities?opportunity=maybe", "one of yes, no, held_back, unscored"),
        (f"/v1/accounts?target={NAME}", "is an opportunity, so it has no health score"),
    ],
)
def test_what_is_asked_of_the_wrong_kind_is_refused(
    client: TestClient, address: str, told: str
) -> None:
    response = client.get(address)
    assert response.status_code == 422
    assert told in response.json()["detail"]


def test_accounts_that_are_not_there_are_not_found(client: TestClient) -> None:
    response = client.get("/v1/opportunities/nobody")
    assert response.status_code == 404
    assert response.json()["unknown_accounts"] == ["nobody"]


def test_the_service_says_from_which_models_it_answers(client: TestClient) -> None:
    ready = get(client, "/readyz")
    assert list(ready["targets"]) == [TARGET, NAME]
    assert ready["targets"][NAME]["model"]["name"] == "shop"
    assert f'target="{NAME}"' in client.get("/metrics").text


# Pages


def words(client: TestClient, address: str) -> str:
    return " ".join(read(client, address).words.split())


def first_with(scored: Sequence[Opportunity], state: str) -> Opportunity:
    return next(item for item in scored if item.opportunity == state)


def test_the_list_says_what_is_likely_and_what_is_held_back(
    client: TestClient, scored: list[Opportunity]
) -> None:
    told = words(client, "/opportunities")
    count = sum(item.opportunity == "yes" for item in scored)
    assert f"{count} opportunities, best prospect first." in told
    assert "Offer First: Show what is new" in told
    assert re.search(r"about \d+ in 100", told)
    assert "100 = best prospect" in told
    held = words(client, "/opportunities?show=held_back")
    assert "Held back while the account" in held
    assert "First: Show what is new" not in held


def test_the_account_page_shows_the_opportunity_below_health(
    client: TestClient, scored: list[Opportunity]
) -> None:
    for state, word in {"yes": "Playbook: Offer", "held_back": "Held back while"}.items():
        item = first_with(scored, state)
        told = words(client, f"/accounts/{item.account_id}")
        assert "Opportunities Spends € 100 at once" in told
        assert "100 = best prospect" in told
        assert word in told
        assert ("Playbook: Offer" in told) == (state == "yes")
