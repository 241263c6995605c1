"""The JSON API as an application developer meets it, on a real model and published runs."""

import base64
import dataclasses
import json
import math
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import isclose
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient
from starlette.types import ASGIApp

import served_cases as cases
from features import publish
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import DeclarationError, NotFound
from features.settings import Settings
from serving.access import guard
from serving.api import openapi, reference
from serving.api.endpoint import Call, Endpoint
from serving.api.endpoints import ENDPOINTS, OPENAPI
from serving.api.parameters import ChoiceParameter, FlagParameter, Parameter
from serving.application import application, check_ready
from serving.batch import scoring_run
from serving.published import runs
from serving.published.book import Book
from trained_company import House
from training.champions import champion_folder, install_champion
from training.manifest import DamagedArtifact

JSON = {"content-type": "application/json"}
LOOPBACK = "http://localhost"


def client_of(app: ASGIApp, base_url: str = LOOPBACK) -> TestClient:
    return TestClient(app, base_url=base_url, raise_server_exceptions=False)


def app_of(company: Company, **settings: Any) -> ASGIApp:
    return application(Book.open(company, Settings(**settings)))


@pytest.fixture(scope="module")
def company(served: Company) -> Company:
    return served


@pytest.fixture
def own(company: Company, tmp_path: Path) -> Company:
    """Return a copy of the company that a test may change."""
    shutil.copytree(company.folder, tmp_path / "company")
    return load(tmp_path / "company")


@pytest.fixture(scope="module")
def app(company: Company) -> ASGIApp:
    return app_of(company)


@pytest.fixture(scope="module")
def client(app: ASGIApp) -> Iterator[TestClient]:
    with client_of(app) as opened:
        yield opened


def problem(response: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """Return the problem that `response` is, after the checks that hold for every one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    found = cast(dict[str, Any], response.json())
    assert found["status"] == status
    assert found["type"] == f"/v1/openapi.json#/components/responses/{kind}"
    assert found["title"]
    assert found["detail"]
    return found


def scores(client: TestClient, *accounts: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    response = client.post("/v1/score", json={"accounts": list(accounts), **more})
    assert response.status_code == 200, response.text
    return cast(list[dict[str, Any]], response.json()["scores"])


def adds_up(score: dict[str, Any]) -> bool:
    total = score["base_points"] + sum(score["dimensions"].values())
    return isclose(total, score["health_score_unclipped"], abs_tol=1e-9)


# Scores


def test_a_known_account_has_the_score_that_was_published(client: TestClient) -> None:
    (now,) = scores(client, {"account_id": "a-001"})
    then = client.get("/v1/accounts/a-001").json()
    same = set(now) - {"computed_at"}
    assert {key: now[key] for key in same} == {key: then[key] for key in same}
    assert now["as_of"] == cases.AS_OF.isoformat()
    assert now["drivers"]


def test_points_add_up_to_the_unclipped_score(client: TestClient) -> None:
    found = scores(client, *({"account_id": f"a-{number:03}"} for number in range(20)))
    told = [score for score in found if score["band"] != "unscored"]
    assert len(told) >= 15
    for score in told:
        assert adds_up(score)
        points = sum(driver["health_points"] for driver in score["drivers"])
        assert isclose(score["base_points"] + points, score["health_score_unclipped"], abs_tol=1e-9)
        low, high = score["health_score_low"], score["health_score_high"]
        assert 0 <= low <= score["health_score"] <= high <= 100


def test_the_same_features_have_the_same_score(client: TestClient, company: Company) -> None:
    row = cases.rows(cases.AS_OF).to_pylist()[10]
    features = {feature.name: row[feature.name] for feature in cases.FEATURES}
    known, stated = scores(client, {"account_id": row["account_id"]}, {"features": features})
    for name in ("health_score_unclipped", "health_score_low", "health_score_high"):
        assert stated[name] == known[name]
    assert [driver["health_points"] for driver in stated["drivers"]] == [
        driver["health_points"] for driver in known["drivers"]
    ]
    assert stated["account_id"] is None
    assert stated["as_of"] is None


def test_the_order_of_the_request_is_kept(client: TestClient) -> None:
    asked = ["a-020", None, "a-010", cases.ODD_ID, None, "a-020"]
    items: list[dict[str, Any]] = [
        {"account_id": name} if name else {"features": {"spend__90d": 10.0 * place}}
        for place, name in enumerate(asked)
    ]
    found = scores(client, *items)
    assert [score["account_id"] for score in found] == asked
    alone = [scores(client, item)[0] for item in items]
    assert [score["health_score_unclipped"] for score in found] == [
        score["health_score_unclipped"] for score in alone
    ]


def test_what_is_left_out_or_null_is_unknown_and_named(client: TestClient) -> None:
    absent, null, known = scores(
        client,
        {"features": {"recency__all": 20}},
        {"features": {"recency__all": 20.0, "spend__28d": None, "plan__all": None}},
        {"features": {"recency__all": 20.0, "spend__28d": 5.5, "plan__all": "team"}},
    )
    assert absent["missing"] == null["missing"] == ["spend", "plan"]
    assert absent["health_score_unclipped"] == null["health_score_unclipped"]
    assert known["missing"] == []
    assert absent["completeness"] < known["completeness"]
    assert absent["interval_half_width"] == null["interval_half_width"]
    assert absent["interval_half_width"] > known["interval_half_width"]


def test_drivers_can_be_left_out(client: TestClient) -> None:
    (score,) = scores(client, {"account_id": "a-001"}, drivers=False)
    assert "drivers" not in score


@pytest.mark.parametrize("account", [*cases.IDLE, cases.NEW])
def test_an_unscored_account_has_nulls_and_a_reason(client: TestClient, account: str) -> None:
    (score,) = scores(client, {"account_id": account})
    assert score["band"] == "unscored"
    assert score["unscored_reason"]
    nulls = "health_score health_score_unclipped churn_probability base_points playbook"
    assert [score[name] for name in nulls.split()] == [None] * 5
    ends = "health_score_low health_score_high interval_half_width"
    assert [score[name] for name in ends.split()] == [None] * 3
    assert set(score["dimensions"].values()) == {None}
    assert score["drivers"] == []


def test_the_answer_says_what_it_was_made_with(client: TestClient, company: Company) -> None:
    (score,) = scores(client, {"features": {}}, target="churn")
    model = cases.artifact(company)
    assert score["model"] == {"name": model.name, "version": "7", "digest": model.digest}
    assert score["declaration_hash"] == company.declaration_hash
    assert (score["horizon_days"], score["gap_days"]) == (90, 0)
    assert datetime.now(UTC) - datetime.fromisoformat(score["computed_at"]) < timedelta(minutes=1)


def test_tables_to_answer(trained: House, tmp_path: Path) -> None:
    """From a company's tables through training and a batch run to the answers of the API."""
    company = trained.copy(tmp_path / "own").company
    run = scoring_run.score(company, [date(2025, 11, 24), date(2025, 12, 1)])[-1]
    assessed = {item.account_id: item for item in runs.from_rows(run.scores())}
    with client_of(app_of(company)) as opened:
        found = scores(opened, *({"account_id": name} for name in assessed))
        page = opened.get("/v1/accounts?limit=500&drivers=true").json()
    published = {account["account_id"]: account for account in page["accounts"]}
    assert len(found) == len(published) == len(assessed) > 300
    assert {score["band"] for score in found} >= {"red", "green", "unscored"}
    for score in found:
        item, shown = assessed[score["account_id"]], published[score["account_id"]]
        same = set(score) - {"computed_at"}
        assert {key: score[key] for key in same} == {key: shown[key] for key in same}
        assert score["health_score_unclipped"] == item.health_score_unclipped
        assert [driver["health_points"] for driver in score["drivers"]] == [
            driver.points for driver in item.drivers
        ]
        assert item.band == "unscored" or adds_up(score)
        known = 1 - len(score["missing"]) / len(company.staged("live"))
        assert isclose(score["completeness"], known)


# Requests that are refused


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        ({}, "/accounts", "field required"),
        ([], "", "object"),
        ({"accounts": []}, "/accounts", "at least 1"),
        ({"accounts": [{}]}, "/accounts/0", "either account_id or features"),
        (
            {"accounts": [{"account_id": "a", "features": {}}]},
            "/accounts/0",
            "either account_id or features",
        ),
        ({"accounts": [{"account_id": "a", "segment": "x"}]}, "/accounts/0", "features only"),
        ({"accounts": [{"account_id": 7}]}, "/accounts/0/account_id", "string"),
        ({"accounts": [{"account_id": None}]}, "/accounts/0/account_id", "string"),
        ({"accounts": [{"acount_id": "a"}]}, "/accounts/0/acount_id", "'account_id'"),
        ({"acounts": [{"account_id": "a"}]}, "/acounts", "'accounts'"),
        ({"accounts": [{"features": []}]}, "/accounts/0/features", "object"),
        ({"accounts": [{"features": {}}], "drivers": "true"}, "/drivers", "boolean"),
        ({"accounts": [{"features": {}}], "drivers": 1}, "/drivers", "boolean"),
        ({"accounts": [{"features": {}}], "target": "chrun"}, "/target", "'churn'"),
        (
            {"accounts": [{"features": {"spend_90d": 1}}]},
            "/accounts/0/features/spend_90d",
            "'spend__90d'",
        ),
        (
            {"accounts": [{"features": {"spend__90d": "1"}}]},
            "/accounts/0/features/spend__90d",
            "number",
        ),
        (
            {"accounts": [{"features": {"spend__90d": True}}]},
            "/accounts/0/features/spend__90d",
            "number",
        ),
        (
            {"accounts": [{"features": {"plan__all": 3}}]},
            "/accounts/0/features/plan__all",
            "string",
        ),
        ({"accounts": [{"features": {"a/b~c": 3}}]}, "/accounts/0/features/a~1b~0c", "unknown"),
        (
            {"accounts": [{"features": {}}] * 1001},
            "/accounts",
            "at most 1000",
        ),
    ],
)
def test_a_mistake_is_pointed_at(client: TestClient, body: Any, pointer: str, detail: str) -> None:
    found = problem(client.post("/v1/score", json=body), 422, "invalid-request")
    assert pointer in [error["pointer"] for error in found["errors"]]
    assert any(detail in error["detail"] for error in found["errors"])


def test_every_mistake_is_told_at_once(client: TestClient) -> None:
    items = [{"account_id": 1}, {"acount_id": "a"}, {"features": None}]
    found = problem(client.post("/v1/score", json={"accounts": items}), 422, "invalid-request")
    pointers = {error["pointer"] for error in found["errors"]}
    wanted = {"/accounts/0/account_id", "/accounts/1/acount_id", "/accounts/2/features"}
    assert wanted <= pointers


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "line 1"),
        (b"{", "line 1"),
        (b'{"accounts": NaN}', "NaN"),
        (b'{"accounts": -Infinity}', "Infinity"),
        (b'{"accounts": [], "accounts": []}', "duplicate key 'accounts'"),
        (b'{"accounts": [{"features": {"a": 1, "a": 2}}]}', "duplicate key 'a'"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b'{"accounts": [{"account_id": "\\ud800"}]}', "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"accounts": ' + b"9" * 5000 + b"}", "digits"),
    ],
)
def test_what_is_not_strict_json_is_refused(client: TestClient, body: bytes, detail: str) -> None:
    found = problem(client.post("/v1/score", content=body, headers=JSON), 400, "bad-json")
    assert detail in found["detail"]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400])
def test_a_number_that_is_not_finite_is_refused(client: TestClient, number: str) -> None:
    body = '{"accounts": [{"features": {"spend__90d": ' + number + "}}]}"
    response = client.post("/v1/score", content=body, headers=JSON)
    found = problem(response, 422, "invalid-request")
    assert found["errors"][0]["detail"] == "must be a finite number or null"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=latin-1"},
        {"content-type": "application/jsonp"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
)
def test_another_media_type_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    response = client.post("/v1/score", content=b'{"accounts": []}', headers=headers)
    problem(response, 415, "unsupported-media-type")


def test_the_charset_may_be_named(client: TestClient) -> None:
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    body = json.dumps({"accounts": [{"features": {}}]})
    assert client.post("/v1/score", content=body, headers=headers).status_code == 200


def test_unknown_accounts_are_listed(client: TestClient) -> None:
    items = [{"account_id": name} for name in ("zz", "a-001", "yy", "zz")]
    response = client.post("/v1/score", json={"accounts": items})
    found = problem(response, 404, "unknown-accounts")
    assert found["unknown_accounts"] == ["yy", "zz"]


def endless(read: list[int]) -> Iterator[bytes]:
    for _ in range(1000):
        read.append(1)
        yield b"[" * 1024


def test_a_large_body_is_refused_before_it_is_read_whole(company: Company) -> None:
    with client_of(app_of(company, max_body_kib=8)) as small:
        announced = small.post("/v1/score", content=b" " * 9000, headers=JSON)
        found = problem(announced, 413, "body-too-large")
        assert "8 KiB" in found["detail"]
        chunked = small.post("/v1/score", content=endless([]), headers=JSON)
        assert "content-length" not in chunked.request.headers
        problem(chunked, 413, "body-too-large")


def test_a_declared_target_without_a_model_is_not_ready(client: TestClient) -> None:
    body = {"accounts": [{"features": {}}], "target": "pause"}
    found = problem(client.post("/v1/score", json=body), 503, "not-ready")
    assert "pause" in found["detail"]
    problem(client.get("/v1/accounts?target=pause"), 503, "not-ready")


# Reading


def test_the_list_is_ordered_and_paged(client: TestClient) -> None:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        parameters = {"limit": "7"} | ({"after": after} if after else {})
        page = client.get("/v1/accounts", params=parameters).json()
        assert page["total"] == cases.ACCOUNTS
        assert len(page["accounts"]) <= 7
        found += page["accounts"]
        if page["next"] is None:
            break
        after = page["next"]
    ids = [account["account_id"] for account in found]
    assert len(set(ids)) == len(ids) == cases.ACCOUNTS
    told = [account["health_score_unclipped"] for account in found]
    known = [score for score in told if score is not None]
    assert known == sorted(known)
    assert told == known + [None] * 3
    assert all("drivers" not in account for account in found)


@pytest.mark.parametrize("field", ["band", "segment"])
def test_the_list_is_filtered_by_what_a_score_says(client: TestClient, field: str) -> None:
    everything = client.get("/v1/accounts?limit=500").json()["accounts"]
    for value in {account[field] for account in everything}:
        page = client.get("/v1/accounts", params={field: value, "limit": 500}).json()
        wanted = [account for account in everything if account[field] == value]
        assert page["accounts"] == wanted
        assert page["total"] == len(wanted)


def test_the_list_is_searched_and_filtered_by_owner(client: TestClient) -> None:
    page = client.get("/v1/accounts", params={"q": "SHOP 1", "owner": "Ivo Kunz"}).json()
    names = {account["account"]["name"] for account in page["accounts"]}
    assert names == {"Shop 1", "Shop 11", "Shop 13", "Shop 15", "Shop 17", "Shop 19"}
    assert client.get("/v1/accounts", params={"q": "no such"}).json()["accounts"] == []
    by_id = client.get("/v1/accounts", params={"q": "KUNDE/7 Ü"}).json()["accounts"]
    assert [account["account_id"] for account in by_id] == [cases.ODD_ID]


def test_the_list_carries_drivers_on_request(client: TestClient) -> None:
    page = client.get("/v1/accounts?drivers=true&band=red&limit=3").json()
    assert all(account["drivers"] for account in page["accounts"])


@pytest.mark.parametrize("account", ["a-002", cases.ODD_ID])
def test_one_account_has_facts_drivers_and_trend(client: TestClient, account: str) -> None:
    found = client.get(f"/v1/accounts/{quote(account, safe='')}").json()
    assert found["account_id"] == account
    assert found["account"]["owner"] in ("Dana Reyes", "Ivo Kunz")
    assert found["account"]["since"] == "2024-02-29"
    assert [point["as_of"] for point in found["trend"]] == [
        (cases.AS_OF - timedelta(days=7 * week)).isoformat() for week in (2, 1, 0)
    ]
    assert found["trend"][-1]["health_score"] == found["health_score"]


def test_one_account_says_what_moved_its_score_since_the_run_before(client: TestClient) -> None:
    found = client.get("/v1/accounts/a-002").json()
    changes = found["changes"]
    assert changes["since"] == found["trend"][-2]["as_of"]
    assert changes["new_score"] == pytest.approx(found["health_score_unclipped"], abs=1e-9)
    parts = {name: changes[name] for name in ("behaviour", "data", "model", "definition")}
    moved = changes["new_score"] - changes["old_score"]
    assert math.fsum(parts.values()) == pytest.approx(moved, abs=1e-9)
    assert (parts["model"], parts["definition"]) == (0, 0)
    points = math.fsum(item["health_points"] for item in changes["indicators"])
    assert points == pytest.approx(parts["behaviour"] + parts["data"], abs=1e-9)
    assert all(item["old"] != item["new"] for item in changes["indicators"])
    assert client.get(f"/v1/accounts/{cases.IDLE[0]}").json()["changes"] is None


def test_an_account_without_values_names_what_is_missing(client: TestClient) -> None:
    assert client.get(f"/v1/accounts/{cases.BLANK}").json()["missing"] == ["spend", "plan"]


def test_an_unknown_account_is_not_found(client: TestClient) -> None:
    found = problem(client.get("/v1/accounts/nobody"), 404, "unknown-accounts")
    assert found["unknown_accounts"] == ["nobody"]


@pytest.mark.parametrize(
    ("query", "parameter", "detail"),
    [
        ("limit=0", "limit", "1 to 500"),
        ("limit=501", "limit", "1 to 500"),
        ("limit=1e2", "limit", "1 to 500"),
        ("limit=-1", "limit", "1 to 500"),
        ("limit=²", "limit", "1 to 500"),
        ("band=at-risk", "band", "red, yellow, green, unscored"),
        ("drivers=1", "drivers", "true or false"),
        ("sgment=mid", "sgment", "'segment'"),
        ("limit=1&limit=2", "limit", "only once"),
        ("after=nonsense", "after", "next"),
        ("after=%C3%BC", "after", "next"),
        ("target=chrun", "target", "'churn'"),
        (f"q={'x' * 201}", "q", "200"),
    ],
)
def test_a_query_is_read_strictly(
    client: TestClient, query: str, parameter: str, detail: str
) -> None:
    found = problem(client.get(f"/v1/accounts?{query}"), 422, "invalid-request")
    assert [error["parameter"] for error in found["errors"]] == [parameter]
    assert detail in found["errors"][0]["detail"]


# Addresses, methods, callers


@pytest.mark.parametrize(
    "path",
    ["/docs.json", "/schema.json", "/healthz", "/assets/x.js", "/v1", "/v1/score/"],
)
def test_only_our_own_addresses_exist(client: TestClient, path: str) -> None:
    problem(client.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/score", {"POST"}),
        ("OPTIONS", "/v1/score", {"POST"}),
        ("DELETE", "/v1/accounts/a-001", {"GET", "HEAD"}),
        ("POST", "/v1/accounts", {"GET", "HEAD"}),
        ("POST", "/readyz", {"GET", "HEAD"}),
        ("PUT", "/static/churnlight.css", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_refused_with_allow(
    client: TestClient, method: str, path: str, allowed: set[str]
) -> None:
    response = client.request(method, path)
    problem(response, 405, "method-not-allowed")
    assert set(response.headers["allow"].split(", ")) == allowed


def test_allow_lists_the_methods_of_all_endpoints_at_a_path(company: Company) -> None:
    wall = dataclasses.replace(PAINT, name="repaint", method="POST")
    book = Book.open(company, Settings())
    with client_of(application(book, (*ENDPOINTS, PAINT, wall))) as painting:
        assert painting.post("/v1/paint/north").json() == {
            "colour": None,
            "path": {"wall": "north"},
        }
        response = painting.put("/v1/paint/north")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1/accounts", "/v1/accounts/a-001", "/"])
def test_head_answers_like_get(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.status_code == get.status_code == 200
    same = ("content-type", "content-length", "cache-control")
    assert [head.headers[name] for name in same] == [get.headers[name] for name in same]


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/v1/accounts", "/nothing", "/static/churnlight.css"]
)
def test_every_answer_has_the_security_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert "static" in path or headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.x", "[::1]"]
)
def test_another_host_name_is_refused(client: TestClient, host: str) -> None:
    for path in ("/v1/accounts", "/livez", "/"):
        problem(client.get(path, headers={"host": host}), 421, "wrong-host")


@pytest.mark.parametrize("host", ["localhost:3000", "LOCALHOST", "127.0.0.1:80"])
def test_a_public_host_is_answered_on_any_port(client: TestClient, host: str) -> None:
    assert client.get("/livez", headers={"host": host}).status_code == 200


def test_two_host_headers_are_refused(client: TestClient) -> None:
    response = client.get("/livez", headers=[("host", "localhost"), ("host", "localhost")])
    problem(response, 400, "bad-host")


TOKEN = "a-very-secret-tökén"


@pytest.fixture(scope="module")
def locked(company: Company) -> Iterator[TestClient]:
    with client_of(app_of(company, token=SecretStr(TOKEN))) as opened:
        yield opened


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()


@pytest.mark.parametrize("path", ["/", "/v1/accounts", "/v1/score", "/v1/openapi.json", "/nothing"])
@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Basic",
        "Basic !!!",
        basic("wrong"),
        basic(""),
        "Token x",
    ],
)
def test_without_the_token_nothing_is_told(
    locked: TestClient, path: str, given: str | None
) -> None:
    headers = {} if given is None else {"authorization": given}
    response = locked.get(path, headers=headers)
    problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("given", [b"Bearer " + TOKEN.encode(), basic(TOKEN).encode()])
def test_the_token_opens_as_bearer_and_as_basic_password(locked: TestClient, given: bytes) -> None:
    headers = [(b"authorization", given)]
    assert locked.get("/v1/accounts/a-001", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_health_needs_no_token(locked: TestClient, path: str) -> None:
    assert locked.get(path).status_code == 200


def test_without_a_token_only_loopback_is_answered(company: Company) -> None:
    settings = {"public_hosts": "10.0.0.8,churn.example"}
    for base in ("http://10.0.0.8", "http://churn.example"):
        with client_of(app_of(company, **settings), base) as outside:
            problem(outside.get("/v1/accounts"), 403, "no-token")
            assert outside.get("/livez").status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "churn.example"])
def test_an_open_service_does_not_start(host: str) -> None:
    with pytest.raises(DeclarationError, match="CHURNLIGHT_HOST"):
        guard.check(Settings(host=host))


@pytest.mark.parametrize("settings", [{"host": "::1"}, {"host": "0.0.0.0", "token": "secret"}])
def test_a_closed_service_starts(settings: dict[str, Any]) -> None:
    guard.check(Settings(**settings))


# Readiness, new runs, new models


def test_ready_says_what_answers(client: TestClient, company: Company) -> None:
    found = client.get("/readyz").json()
    model = cases.artifact(company)
    assert found["status"] == "ready"
    assert found["targets"]["churn"]["model"]["digest"] == model.digest
    assert found["targets"]["churn"]["as_of"] == cases.AS_OF.isoformat()
    assert list(found["targets"]) == ["churn"]
    assert found["targets"]["churn"]["explanation_path"] == "compiled"


def test_metrics_say_who_explains_the_scores(client: TestClient) -> None:
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert answer.text.splitlines()[-2:] == [
        'churnlight_explanation_path{target="churn",path="compiled"} 1',
        'churnlight_explanation_path{target="churn",path="pred_contrib"} 0',
    ]


def test_without_a_run_or_a_model_it_is_alive_and_not_ready(tmp_path: Path) -> None:
    company = cases.declare(tmp_path)
    with client_of(app_of(company)) as empty:
        assert empty.get("/livez").status_code == 200
        found = problem(empty.get("/readyz"), 503, "not-ready")
        assert set(found["lacking"]) == {"churn", "pause"}
        problem(empty.get("/v1/accounts"), 503, "not-ready")
        problem(empty.post("/v1/score", json={"accounts": [{"features": {}}]}), 503, "not-ready")
        assert empty.get("/").status_code == 503


def test_a_new_run_and_a_new_model_are_taken_up(own: Company) -> None:
    with client_of(app_of(own)) as opened:
        first = opened.get("/v1/accounts?limit=5").json()
        model = cases.artifact(own, seed=1, version="8")
        install_champion(model, Settings().workspace_of(own))
        (score,) = scores(opened, {"account_id": "a-001"})
        assert score["model"]["version"] == "8"
        assert opened.get("/v1/accounts/a-001").json()["model"]["version"] == "7"
        cases.publish(own, model, cases.AS_OF + timedelta(days=7))
        assert opened.get("/v1/accounts/a-001").json()["model"]["version"] == "8"
        later = opened.get("/v1/accounts", params={"after": first["next"]})
        problem(later, 409, "list-changed")


def test_a_damaged_run_leaves_the_last_good_one(own: Company) -> None:
    with client_of(app_of(own)) as opened:
        before = opened.get("/v1/accounts").json()
        assert before["stale"] is None
        run = cases.publish(own, cases.artifact(own), cases.AS_OF + timedelta(days=7))
        scored = run.folder / "scores.parquet"
        scored.write_bytes(scored.read_bytes()[:-100])
        after = opened.get("/v1/accounts").json()
        assert after["accounts"] == before["accounts"]
        assert "scores.parquet" in after["stale"]
        assert "scores.parquet" in opened.get("/readyz").json()["stale"]


def test_a_damaged_model_is_never_used(own: Company) -> None:
    (folder,) = champion_folder(Settings().workspace_of(own), "churn").glob("*/")
    text = (folder / "model-0.txt").read_text("utf-8")
    (folder / "model-0.txt").write_text(text.replace("leaf_value=", "leaf_value=1", 1), "utf-8")
    with client_of(app_of(own)) as opened:
        assert "model-0.txt" in problem(opened.get("/readyz"), 503, "not-ready")["detail"]
        body = {"accounts": [{"account_id": "a-001"}]}
        problem(opened.post("/v1/score", json=body), 503, "not-ready")
        assert opened.get("/v1/accounts/a-001").status_code == 200


def test_a_damaged_model_is_read_again_only_when_a_file_changes(own: Company) -> None:
    (folder,) = champion_folder(Settings().workspace_of(own), "churn").glob("*/")
    path, book = folder / "model-0.txt", Book.open(own, Settings())
    text = path.read_text("utf-8")
    path.write_text(f"{text}\n", "utf-8")
    with pytest.raises(DamagedArtifact, match=r"model-0\.txt changed") as first:
        book.artifact("churn")
    assert any(frame.name == "verified" for frame in first.traceback)
    with pytest.raises(DamagedArtifact, match=re.escape(str(first.value))) as second:
        book.artifact("churn")
    assert not any(frame.name == "verified" for frame in second.traceback)
    path.write_text(text, "utf-8")
    assert book.artifact("churn").digest == folder.name


def test_a_run_without_what_the_model_needs_is_said(own: Company) -> None:
    later = cases.AS_OF + timedelta(days=7)
    cases.publish(own, cases.artifact(own), later, lacking=("plan__all",))
    with client_of(app_of(own)) as opened:
        body = {"accounts": [{"account_id": "a-001"}]}
        found = problem(opened.post("/v1/score", json=body), 503, "not-ready")
        assert "plan__all" in found["detail"]
        assert opened.get("/v1/accounts/a-001").status_code == 200


def test_facts_that_are_not_all_there_are_no_silent_nulls(own: Company) -> None:
    with client_of(app_of(own)) as opened:
        run = cases.publish(own, cases.artifact(own), cases.AS_OF + timedelta(days=7))
        known = publish.read_parquet(run.folder / "accounts.parquet")
        publish.write_parquet(known.drop_columns(["since"]), run.folder / "accounts.parquet")
        stale = opened.get("/v1/accounts").json()["stale"]
    assert "accounts.parquet: lacks the columns since; run: churnlight score" in stale


@pytest.fixture
def mixed(own: Company) -> Company:
    """Return the company with a first target that is not adverse."""
    path = own.folder / "churnlight.toml"
    text = path.read_text("utf-8")
    first = text.index("[targets.")
    path.write_text(text[:first] + EXPANSION + text[first:], "utf-8")
    return load(own.folder)


EXPANSION = """
[targets.expansion]
adverse = false
inactivity = { source = "orders", within = "30d" }
active_within = "180d"
horizon = "30d"

"""


def test_the_default_target_is_the_first_adverse_one(mixed: Company) -> None:
    assert next(iter(mixed.targets)) == "expansion"
    with client_of(app_of(mixed)) as opened:
        assert opened.get("/v1/accounts/a-001").json()["target"] == "churn"
        assert scores(opened, {"account_id": "a-001"})[0]["target"] == "churn"
        assert list(opened.get("/readyz").json()["targets"]) == ["churn"]
        assert "Chance of leaving" in opened.get("/accounts/a-001").text
        refused = problem(opened.get("/v1/accounts?target=expansion"), 422, "invalid-request")
        told = "target 'expansion' is an opportunity, so it has no health score"
        assert refused["detail"].startswith(told)


def test_without_an_adverse_target_there_is_nothing_to_serve(mixed: Company) -> None:
    only = {"expansion": mixed.targets["expansion"]}
    upward = mixed.model_copy(update={"targets": only})
    with pytest.raises(DeclarationError, match="no target is adverse"):
        check_ready(upward, Settings())
    with client_of(app_of(upward)) as opened:
        problem(opened.get("/v1/accounts"), 503, "not-ready")
        problem(opened.get("/readyz"), 503, "not-ready")
        assert opened.get("/").status_code == 503


def test_both_ways_to_a_score_name_the_declaration_of_its_model(own: Company) -> None:
    model = dataclasses.replace(cases.artifact(own), declaration_hash="f" * 64)
    install_champion(model, Settings().workspace_of(own))
    cases.publish(own, model, cases.AS_OF + timedelta(days=7))
    with client_of(app_of(own)) as opened:
        (score,) = scores(opened, {"account_id": "a-001"})
        assert score["declaration_hash"] == "f" * 64
        assert opened.get("/v1/accounts/a-001").json()["declaration_hash"] == "f" * 64
        assert opened.get("/readyz").json()["targets"]["churn"]["declaration_hash"] == "f" * 64


def test_what_cannot_be_served_does_not_start(tmp_path: Path, company: Company) -> None:
    check_ready(company, Settings())
    with pytest.raises(NotFound, match="churnlight score"):
        check_ready(cases.declare(tmp_path), Settings())


# The document, and whatever else may be sent


def test_the_committed_document_is_the_generated_one(client: TestClient) -> None:
    committed = json.loads(OPENAPI.read_text("utf-8"))
    assert committed == openapi.document(), "run: python -m serving.api.reference"
    assert client.get("/v1/openapi.json").json() == committed


def test_the_docs_have_the_tables_that_the_endpoints_make() -> None:
    committed = reference.PAGE.read_text("utf-8")
    assert committed == reference.page(committed), "run: python -m serving.api.reference"
    document: Any = openapi.document()
    for field in document["components"]["schemas"]["HealthScore"]["required"]:
        assert f"`{field}`" in committed


def test_the_docs_lose_no_table_in_silence() -> None:
    committed = reference.PAGE.read_text("utf-8")
    with pytest.raises(ValueError, match="problems"):
        reference.page(committed.replace("<!-- end of problems -->", ""))


# Adding an endpoint


def paint(call: Call[None]) -> object:
    return {"colour": call.parameters.get("colour"), "path": dict(call.path)}


PAINT = Endpoint(
    name="paint",
    path="/v1/paint/{wall}",
    summary="The colour of a wall",
    handler=paint,
    answer=dict[str, Any],
    problems=("invalid-request",),
    parameters=(
        Parameter(name="wall", location="path", description="the wall"),
        ChoiceParameter(name="colour", choices=("white", "ochre"), description="the new colour"),
        FlagParameter(name="glossy", description="whether it shines"),
    ),
)


@pytest.fixture(scope="module")
def painting(company: Company) -> Iterator[TestClient]:
    book = Book.open(company, Settings(token=SecretStr("key")))
    with client_of(application(book, (*ENDPOINTS, PAINT))) as opened:
        yield opened


KEY = {"authorization": "Bearer key"}


def test_an_added_endpoint_is_routed(painting: TestClient, client: TestClient) -> None:
    answer = painting.get("/v1/paint/north?colour=ochre", headers=KEY).json()
    assert answer == {"colour": "ochre", "path": {"wall": "north"}}
    problem(client.get("/v1/paint/north"), 404, "not-found")


def test_an_added_endpoint_is_guarded(painting: TestClient) -> None:
    problem(painting.get("/v1/paint/north"), 401, "unauthorized")
    problem(painting.post("/v1/paint/north", headers=KEY), 405, "method-not-allowed")


def test_an_added_endpoint_is_open_only_where_it_says_so(company: Company) -> None:
    book = Book.open(company, Settings(token=SecretStr("key")))
    opened = dataclasses.replace(PAINT, role="open")
    with client_of(application(book, (*ENDPOINTS, opened))) as anybody:
        assert anybody.get("/v1/paint/north").status_code == 200


def test_an_added_endpoint_checks_its_parameters(painting: TestClient) -> None:
    answer = painting.get("/v1/paint/north?colour=red&glossy=1&coats=2", headers=KEY)
    found = problem(answer, 422, "invalid-request")
    assert {error["parameter"]: error["detail"] for error in found["errors"]} == {
        "coats": "unknown parameter; known: colour, glossy",
        "colour": "must be one of white, ochre, got 'red'",
        "glossy": "must be true or false, got '1'",
    }


def test_an_added_endpoint_is_in_the_document() -> None:
    document: Any = openapi.document((*ENDPOINTS, PAINT))
    operation = document["paths"]["/v1/paint/{wall}"]["get"]
    shown = {item["name"]: (item["in"], item["schema"]) for item in operation["parameters"]}
    assert shown == {
        "wall": ("path", {"type": "string", "minLength": 1}),
        "colour": ("query", {"enum": ["white", "ochre"]}),
        "glossy": ("query", {"type": "boolean", "default": False}),
    }
    assert set(operation["responses"]) == {"200", "400", "401", "403", "421", "422", "500"}


def test_an_added_endpoint_is_in_the_docs() -> None:
    text = reference.page(reference.PAGE.read_text("utf-8"), (*ENDPOINTS, PAINT))
    assert "| `GET /v1/paint/{wall}` | with the token | The colour of a wall |" in text
    assert "| `colour` | `/v1/paint/{wall}` | one of white, ochre | the new colour |" in text


@pytest.fixture(scope="module")
def described(company: Company) -> Any:
    app = app_of(company, token=SecretStr(TOKEN), public_hosts="testserver")
    headers = {"authorization": basic(TOKEN)}
    return schemathesis.openapi.from_asgi("/v1/openapi.json", app, headers=headers)


OPERATIONS = [(endpoint.path, endpoint.method) for endpoint in ENDPOINTS]
WITH_INPUT = [
    (endpoint.path, endpoint.method)
    for endpoint in ENDPOINTS
    if endpoint.request or endpoint.parameters
]


@pytest.mark.parametrize(
    ("mode", "path", "method"),
    [(GenerationMode.POSITIVE, *operation) for operation in OPERATIONS]
    + [(GenerationMode.NEGATIVE, *operation) for operation in WITH_INPUT],
)
def test_every_answer_is_as_the_document_says(
    described: Any, mode: GenerationMode, path: str, method: str
) -> None:
    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        # Whether a target or a feature is declared, no schema knows.
        case.call_and_validate(
            headers={"authorization": basic(TOKEN)}, excluded_checks=[positive_data_acceptance]
        )

    ask()


texts = st.text(max_size=8) | st.sampled_from(["a-001", "spend__90d", "churn", "all"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {},
    optional={
        "account_id": values | st.just("a-001"),
        "features": values | st.dictionaries(st.sampled_from(["spend__90d", "plan__all"]), values),
        "segment": values,
    },
)
bodies = st.fixed_dictionaries(
    {"accounts": values | st.lists(items, max_size=3)},
    optional={"target": values, "drivers": values},
)


@given(body=values | bodies)
def test_whatever_is_sent_is_answered_in_json(client: TestClient, body: Any) -> None:
    response = client.post("/v1/score", content=json.dumps(body), headers=JSON)
    assert response.status_code in (200, 400, 404, 422, 503), response.text
    if response.status_code == 200:
        assert len(response.json()["scores"]) == len(body["accounts"])
    else:
        kind = response.json()["type"].rpartition("/")[2]
        problem(response, response.status_code, kind)


@given(body=st.binary(max_size=64))
def test_whatever_bytes_are_sent_are_answered_in_json(client: TestClient, body: bytes) -> None:
    response = client.post("/v1/score", content=body, headers=JSON)
    problem(response, response.status_code, response.json()["type"].rpartition("/")[2])
    assert response.status_code in (400, 422)
