"""JSON in and out, strictly: anything but plain JSON is refused, never guessed.

A body is bounded before it is read, in size and in time; duplicate keys, NaN, Infinity, lone
surrogates and anything but UTF-8 are refused, and nothing is coerced.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeVar, get_args

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import Response

from features.declaring.spelling import did_you_mean
from serving.problems import MAX_ERRORS, HttpProblem, Mistake, in_body, invalid

SECONDS_FOR_BODY = 20
_MEDIA_TYPE = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# Pydantic's messages for these errors name Python's types.
DETAILS = {
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be an array",
}

Model = TypeVar("Model", bound=BaseModel)


class StrictJson(Response):
    """A JSON response; a value that JSON cannot hold is an error here, not at the reader."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The content as UTF-8."""
        text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()


async def read_body(request: Request, model: type[Model], *, max_bytes: int) -> Model:
    """The body of `request` as a `model`.

    Raises
    ------
    HttpProblem
        415, 413, 408, 400 or 422: the body is not one; the problem says why and where.
    """
    _check_headers(request)
    return validated(parse(await _body(request, max_bytes)), model)


def _check_headers(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if not _MEDIA_TYPE.fullmatch(given.strip()):
        got = repr(given) if given else "no Content-Type"
        raise HttpProblem("unsupported-media-type", f"the body must be application/json, got {got}")
    if coding := request.headers.get("content-encoding"):
        raise HttpProblem(
            "unsupported-media-type", f"must be sent without Content-Encoding, got {coding!r}"
        )


async def _body(request: Request, max_bytes: int) -> bytes:
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:
        _too_large(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS_FOR_BODY):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    _too_large(max_bytes)
    except TimeoutError:
        detail = f"the body took longer than {SECONDS_FOR_BODY} seconds"
        raise HttpProblem("body-too-slow", detail, headers={"connection": "close"}) from None
    return bytes(body)


def _too_large(max_bytes: int) -> NoReturn:
    detail = f"the body is larger than {max_bytes // 1024} KiB (CHURNLIGHT_MAX_BODY_KIB)"
    raise HttpProblem("body-too-large", detail, headers={"connection": "close"})


def parse(body: bytes) -> JsonValue:
    """The content of a strict JSON document; `HttpProblem` 400 where `body` is none."""
    try:
        content: JsonValue = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
        if _SURROGATE.search(body):
            json.dumps(content, ensure_ascii=False).encode()
    except UnicodeError:
        raise HttpProblem("bad-json", "the body is not UTF-8 text") from None
    except RecursionError:
        raise HttpProblem("bad-json", "the body is nested too deeply") from None
    except ValueError as error:
        raise HttpProblem("bad-json", _detail(error)) from None
    return content


def _detail(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"
    return str(error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; send null for an unknown value")


def _no_duplicates(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    by_key = dict(pairs)
    if len(by_key) < len(pairs):
        (duplicate, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"duplicate key {duplicate!r}")
    return by_key


def validated(content: JsonValue, model: type[Model]) -> Model:
    """`content` as a `model`; `HttpProblem` 422 with a JSON pointer per mistake otherwise."""
    try:
        return model.model_validate(content, strict=True)
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MAX_ERRORS]
        raise invalid([_mistake(details, model) for details in errors]) from None


def _mistake(details: ErrorDetails, model: type[BaseModel]) -> Mistake:
    path = details["loc"]
    if details["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _keys(model, path[:-1]))
        return in_body(pointer(path), f"unknown key; {hint}")
    message = details["msg"]
    detail = DETAILS.get(details["type"], message[0].lower() + message[1:])
    return in_body(pointer(path), detail)


def _keys(model: type[BaseModel], path: Iterable[int | str]) -> list[str]:
    """The keys that the object at `path` of a `model` may have."""
    kind: object = model
    for part in path:
        kind = get_args(kind)[0] if isinstance(part, int) else _fields(kind)[part].annotation
    return list(_fields(kind))


def _fields(kind: object) -> Mapping[str, FieldInfo]:
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    return kind.model_fields


def pointer(path: Iterable[int | str]) -> str:
    """The JSON pointer (RFC 6901) of `path`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
