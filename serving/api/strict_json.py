"""JSON in and out, strictly: what is not plain JSON is refused, never guessed.

A body is bounded before it is read, in size and in time; a key that stands twice, NaN,
Infinity, lone surrogates and anything but UTF-8 are refused, and nothing is coerced.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import Response

from features.declaring.spelling import did_you_mean
from serving.problems import HttpProblem, invalid

SECONDS_FOR_BODY = 20
MAX_ERRORS = 50
_MEDIA_TYPE = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")

# Where pydantic speaks of Python.
WORDS = {
    "model_type": "an object is wanted",
    "dict_type": "an object is wanted",
    "list_type": "an array is wanted",
}

Model = TypeVar("Model", bound=BaseModel)


class StrictJson(Response):
    """A JSON response; a value that JSON does not have is an error here, not at the reader."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The content as UTF-8."""
        text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()


async def read(request: Request, model: type[Model], *, max_bytes: int) -> Model:
    """The body of `request` as a `model`.

    Raises
    ------
    HttpProblem
        415, 413, 408, 400 or 422: it is no such thing; the problem says what and where.
    """
    _check_headers(request)
    return validated(parse(await _body(request, max_bytes)), model)


def _check_headers(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if not _MEDIA_TYPE.fullmatch(given.strip()):
        got = repr(given) if given else "no Content-Type"
        raise HttpProblem("unsupported-media-type", f"application/json is wanted, got {got}")
    if coding := request.headers.get("content-encoding"):
        raise HttpProblem("unsupported-media-type", f"Content-Encoding {coding!r} is not read")


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


def parse(body: bytes) -> Any:
    """What a strict JSON document says; `HttpProblem` 400 where it is none."""
    try:
        found = json.loads(
            body.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_no_twice
        )
        if _SURROGATE.search(body):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeError:
        raise HttpProblem("bad-json", "the body is not UTF-8 text") from None
    except RecursionError:
        raise HttpProblem("bad-json", "the body is nested too deeply") from None
    except ValueError as error:
        raise HttpProblem("bad-json", _what(error)) from None
    return found


def _what(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg[0].lower()}{error.msg[1:]}"
    return str(error)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; send null for an unknown value")


def _no_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def validated(content: Any, model: type[Model]) -> Model:
    """`content` as a `model`; `HttpProblem` 422 with a JSON pointer per mistake otherwise."""
    try:
        return model.model_validate(content, strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise invalid([_mistake(item, model) for item in found[:MAX_ERRORS]]) from None


def _mistake(item: ErrorDetails, model: type[BaseModel]) -> dict[str, str]:
    path = item["loc"]
    if item["type"] == "extra_forbidden":
        hint = did_you_mean(str(path[-1]), _keys(model, path[:-1]))
        return {"pointer": pointer(path), "detail": f"unknown key; {hint}"}
    detail = WORDS.get(item["type"], item["msg"][0].lower() + item["msg"][1:])
    return {"pointer": pointer(path), "detail": detail}


def _keys(model: Any, path: Iterable[int | str]) -> list[str]:
    """The keys that the object at `path` of a `model` may have."""
    for part in path:
        model = get_args(model)[0] if isinstance(part, int) else model.model_fields[part].annotation
    return list(model.model_fields)


def pointer(path: Iterable[int | str]) -> str:
    """The JSON pointer (RFC 6901) of `path`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
