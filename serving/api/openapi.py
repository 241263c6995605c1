"""The OpenAPI 3.1 document of the service, generated from endpoints, messages and problems.

`serving/api/openapi.json` is committed; `python -m serving.api.reference` writes it anew, and a
test compares. Its one rule: nothing is described here that an endpoint, a message or a problem
describes itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import JsonValue, TypeAdapter

from serving.api.endpoint import Operation
from serving.api.endpoints import ENDPOINTS
from serving.api.parameters import Parameter, Schema
from serving.problems import MEDIA_TYPE, PROBLEMS, Problem

REF = "#/components/schemas/{model}"

# The problems of every address, and those of the addresses that need the token.
OPEN = ("bad-host", "wrong-host", "internal-error")
GUARDED = (*OPEN, "unauthorized", "no-token")


def document(endpoints: Sequence[Operation] = ENDPOINTS) -> Schema:
    """The whole document."""
    by_use, shared = _schemas(endpoints)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Churnlight",
            "version": "1",
            "description": "Customer health scores with their reasons: 100 is the healthiest.",
        },
        "security": [{"token": []}, {"password": []}, {}],
        "paths": _paths(endpoints, by_use),
        "components": {
            "schemas": dict(sorted(shared.items())),
            "responses": {kind: _problem_response(kind) for kind in PROBLEMS},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "password": {"type": "http", "scheme": "basic"},
            },
        },
    }


Use = tuple[str, str]


def _schemas(endpoints: Sequence[Operation]) -> tuple[dict[Use, Schema], Schema]:
    """The schema of each endpoint's answer and request, and the definitions that they share."""
    types: dict[Use, type[object]] = {("problem", "answer"): Problem}
    for endpoint in endpoints:
        types[endpoint.name, "answer"] = endpoint.answer
        if endpoint.request is not None:
            types[endpoint.name, "request"] = endpoint.request
    mode: Literal["validation"] = "validation"
    inputs = [(use, mode, TypeAdapter(kind)) for use, kind in types.items()]
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=REF)
    by_use: dict[Use, Schema] = {use: schema for (use, _), schema in schemas.items()}
    shared = {name: _untitled(schema) for name, schema in definitions["$defs"].items()}
    return by_use, shared


def _untitled(schema: JsonValue) -> JsonValue:
    """`schema` without the titles that only repeat a name."""
    if isinstance(schema, list):
        return [_untitled(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _untitled(value)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)
    }


def _paths(endpoints: Iterable[Operation], by_use: Mapping[Use, Schema]) -> Schema:
    paths: dict[str, Schema] = {}
    for endpoint in endpoints:
        methods = paths.setdefault(endpoint.path, {})
        methods[endpoint.method.lower()] = _operation(endpoint, by_use)
    return {**paths}


def _operation(endpoint: Operation, by_use: Mapping[Use, Schema]) -> Schema:
    operation: Schema = {"operationId": endpoint.name, "summary": f"{endpoint.summary}."}
    if endpoint.role == "open":
        operation["security"] = []
    if endpoint.parameters:
        operation["parameters"] = [_parameter(parameter) for parameter in endpoint.parameters]
    if endpoint.request is not None:
        content: Schema = {"application/json": {"schema": by_use[endpoint.name, "request"]}}
        operation["requestBody"] = {"required": True, "content": content}
    answer: Schema = {endpoint.media_type: {"schema": by_use[endpoint.name, "answer"]}}
    everywhere = OPEN if endpoint.role == "open" else GUARDED
    operation["responses"] = {
        "200": {"description": "The response.", "content": answer},
        **_problem_responses((*everywhere, *endpoint.problems)),
    }
    return operation


def _parameter(parameter: Parameter) -> Schema:
    description = parameter.description[0].upper() + parameter.description[1:]
    required: Schema = {"required": True} if parameter.location == "path" else {}
    name: Schema = {"name": parameter.name, "in": parameter.location}
    return name | required | {"description": f"{description}.", "schema": parameter.schema()}


def _problem_responses(kinds: Iterable[str]) -> Schema:
    """The problems by status; the response of a status names all of its problems."""
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(str(PROBLEMS[kind].status), []).append(kind)
    return {
        status: _problem_response(*together)
        if len(together) > 1
        else {"$ref": f"#/components/responses/{together[0]}"}
        for status, together in sorted(by_status.items())
    }


def _problem_response(*kinds: str) -> Schema:
    descriptions = [f"{PROBLEMS[kind].title}. {PROBLEMS[kind].cure}" for kind in kinds]
    content: Schema = {"schema": {"$ref": REF.format(model="Problem")}}
    return {"description": " Or: ".join(descriptions), "content": {MEDIA_TYPE: content}}
