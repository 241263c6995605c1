"""A table of the declaration as text: its comments above it, its keys, an empty line below."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def table(name: str, keys: Mapping[str, object], *comments: str) -> Iterator[str]:
    """The lines of the table `name`; each comment is one line."""
    yield from map(comment, comments)
    yield f"[{name}]"
    yield from (f"{key} = {value(given)}" for key, given in keys.items())
    yield ""


def comment(text: str) -> str:
    """A comment in one line, whatever a column's name brings with it."""
    return f"# {' '.join(CONTROL.sub(' ', text).split())}"


def value(given: object) -> str:
    """A value as TOML text."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, Mapping):
        pairs = (f"{_key(name)} = {value(element)}" for name, element in given.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(given, list):
        return f"[{', '.join(map(value, given))}]"
    if isinstance(given, date):
        return given.isoformat()
    return _text(given) if isinstance(given, str) else str(given)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
