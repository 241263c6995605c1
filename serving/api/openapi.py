"""The OpenAPI 3.1 document of the service, generated from the messages and the problems.

`serving/api/openapi.json` is committed; `python -m serving.api.openapi` writes it anew, and a test
compares. Its one rule: what a message or a problem says of itself is not said twice here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from features import publish
from serving.api import messages, opportunity_messages
from serving.api.handlers import OPENAPI
from serving.api.listing import DEFAULT_LIMIT, MAX_LIMIT
from serving.api.metrics import EXPOSITION
from serving.problems import KINDS, MEDIA_TYPE
from serving.published.edition import LONGEST_SEARCH
from serving.published.prospects import STATES
from training.calibrating.bands import BANDS

REF = "#/components/schemas/{model}"
Schema = dict[str, Any]

OPEN = ("bad-host", "wrong-host", "internal-error")
ANYWHERE = (*OPEN, "unauthorized", "no-token")
BODY = (
    "bad-json",
    "body-too-slow",
    "body-too-large",
    "unsupported-media-type",
    "invalid-request",
)

PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details as in RFC 9457.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong in this request"},
        "errors": {
            "type": "array",
            "description": "every mistake of the request, at most 50",
            "items": {
                "type": "object",
                "required": ["detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer (RFC 6901) into the body",
                    },
                    "parameter": {"type": "string", "description": "name of a query parameter"},
                    "detail": {"type": "string"},
                },
            },
        },
        "unknown_accounts": {
            "type": "array",
            "description": "the accounts that are not in the latest run, at most 100",
            "items": {"type": "string"},
        },
        "lacking": {
            "type": "object",
            "description": "per target, what keeps it from being served",
            "additionalProperties": {"type": "string"},
        },
    },
}


@dataclass(frozen=True)
class Operation:
    """One method at one address: what it is for, what it takes, what it gives."""

    name: str
    summary: str
    answer: Any
    problems: tuple[str, ...] = ()
    body: Any = None
    parameters: tuple[Schema, ...] = ()
    open: bool = False
    media: str = "application/json"


def _query(name: str, schema: Schema, description: str) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


TARGET = _query(
    "target", {"type": "string"}, "An adverse target; by default the first declared one."
)
ACCOUNT_ID: Schema = {
    "name": "account_id",
    "in": "path",
    "required": True,
    "description": "The account's key, percent-encoded.",
    "schema": {"type": "string", "minLength": 1},
}
FILTERS = (
    _query(
        "q",
        {"type": "string", "maxLength": LONGEST_SEARCH},
        "Only accounts with this text in account_id or name, in any case.",
    ),
    _query("segment", {"type": "string"}, "Only accounts of this segment."),
    _query("owner", {"type": "string"}, "Only accounts of this owner."),
)
PAGING = (
    _query(
        "limit",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        "How many accounts a page has.",
    ),
    _query("after", {"type": "string"}, "`next` of the page before."),
    _query("drivers", {"type": "boolean", "default": False}, "Whether the accounts carry drivers."),
)
LIST_PARAMETERS = (
    _query("band", {"enum": list(BANDS)}, "Only accounts of this band."),
    *FILTERS,
    TARGET,
    *PAGING,
)
OPPORTUNITY = _query(
    "target", {"type": "string"}, "A target that is not adverse; by default the first declared one."
)
OPPORTUNITY_PARAMETERS = (
    _query("opportunity", {"enum": list(STATES)}, "Only accounts in this state."),
    *FILTERS,
    OPPORTUNITY,
    *PAGING,
)

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("/livez", "get"): Operation("livez", "Is the process up?", messages.Alive, open=True),
    ("/readyz", "get"): Operation(
        "readyz",
        "Is a verified model promoted and a run published, and which?",
        messages.Ready,
        ("not-ready",),
        open=True,
    ),
    ("/metrics", "get"): Operation(
        "metrics", "The state of each target for Prometheus.", str, media=EXPOSITION
    ),
    ("/v1/openapi.json", "get"): Operation("openapi", "This document.", dict[str, Any]),
    ("/v1/score", "post"): Operation(
        "score",
        "Score accounts with the promoted model, by their id or by their features.",
        opportunity_messages.Scores,
        (*BODY, "unknown-accounts", "not-ready"),
        body=messages.ScoreRequest,
    ),
    ("/v1/accounts", "get"): Operation(
        "accounts",
        "The published scores, lowest health score first, unscored accounts last.",
        messages.AccountPage,
        ("invalid-request", "list-changed", "not-ready"),
        parameters=LIST_PARAMETERS,
    ),
    ("/v1/accounts/{account_id}", "get"): Operation(
        "account",
        "One account's published score with its drivers, its trend and its facts.",
        messages.AccountDetail,
        ("invalid-request", "unknown-accounts", "not-ready"),
        parameters=(ACCOUNT_ID, TARGET),
    ),
    ("/v1/opportunities", "get"): Operation(
        "opportunities",
        "The published opportunities, highest score first, unscored accounts last.",
        opportunity_messages.OpportunityPage,
        ("invalid-request", "list-changed", "not-ready"),
        parameters=OPPORTUNITY_PARAMETERS,
    ),
    ("/v1/opportunities/{account_id}", "get"): Operation(
        "opportunity",
        "One account's published opportunity with its drivers and its facts.",
        opportunity_messages.AccountOpportunity,
        ("invalid-request", "unknown-accounts", "not-ready"),
        parameters=(ACCOUNT_ID, OPPORTUNITY),
    ),
}


def document() -> Schema:
    """The whole document."""
    refs, schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Churnlight",
            "version": "1",
            "description": "Customer health scores with their reasons: 100 is the healthiest.",
        },
        "security": [{"token": []}, {"password": []}, {}],
        "paths": _paths(refs),
        "components": {
            "schemas": dict(sorted((schemas | {"Problem": PROBLEM}).items())),
            "responses": {kind: _problem(kind) for kind in KINDS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _schemas() -> tuple[dict[str, Schema], Schema]:
    """The schema of each answer and body by operation, and the definitions that they share."""
    answers = {name: item.answer for name, item in _operations().items()}
    bodies = {f"{name} body": item.body for name, item in _operations().items() if item.body}
    mode: Literal["validation"] = "validation"
    wanted = [(name, mode, TypeAdapter(kind)) for name, kind in (answers | bodies).items()]
    found, shared = TypeAdapter.json_schemas(wanted, ref_template=REF)
    return {name: schema for (name, _), schema in found.items()}, _plain(shared["$defs"])


def _operations() -> dict[str, Operation]:
    return {item.name: item for item in OPERATIONS.values()}


def _plain(schema: Any) -> Any:
    """`schema` without the titles that only repeat a name."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _plain(item)
        for key, item in schema.items()
        if key != "title" or not isinstance(item, str)
    }


def _paths(refs: Mapping[str, Schema]) -> Schema:
    paths: Schema = {}
    for (path, method), item in OPERATIONS.items():
        paths.setdefault(path, {})[method] = _operation(item, refs)
    return paths


def _operation(item: Operation, refs: Mapping[str, Schema]) -> Schema:
    operation: Schema = {"operationId": item.name, "summary": item.summary}
    if item.open:
        operation["security"] = []
    if item.parameters:
        operation["parameters"] = list(item.parameters)
    if item.body:
        content = {"application/json": {"schema": refs[f"{item.name} body"]}}
        operation["requestBody"] = {"required": True, "content": content}
    answer = {item.media: {"schema": refs[item.name]}}
    anywhere = OPEN if item.open else ANYWHERE
    operation["responses"] = {
        "200": {"description": "The answer.", "content": answer},
        **_responses((*anywhere, *item.problems)),
    }
    return operation


def _responses(kinds: Iterable[str]) -> Schema:
    """The problems by status; where two share a status, the response is described as both."""
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(str(KINDS[kind].status), []).append(kind)
    return {
        status: _problem(*found)
        if len(found) > 1
        else {"$ref": f"#/components/responses/{found[0]}"}
        for status, found in sorted(by_status.items())
    }


def _problem(*kinds: str) -> Schema:
    told = [f"{KINDS[kind].title}. {KINDS[kind].mend}" for kind in kinds]
    content = {"schema": {"$ref": REF.format(model="Problem")}}
    return {"description": " Or: ".join(told), "content": {MEDIA_TYPE: content}}


if __name__ == "__main__":
    publish.write_json(document(), OPENAPI)
