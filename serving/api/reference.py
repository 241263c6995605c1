"""Writes what callers read about the API: its OpenAPI document, and the tables of docs/api.md.

    python -m serving.api.reference

Each table of docs/api.md is enclosed in two comments that name it; the text around it is written by
hand. A test compares both files with the endpoints.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from features import publish
from serving.api import openapi
from serving.api.endpoint import Operation
from serving.api.endpoints import ENDPOINTS, OPENAPI
from serving.api.parameters import Parameter
from serving.problems import PROBLEMS

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
CALLERS = {"open": "anybody", "token": "with the token"}


def page(text: str, endpoints: Sequence[Operation] = ENDPOINTS) -> str:
    """`text`, the Markdown of docs/api.md, with its tables made anew."""
    tables = {
        "endpoints": endpoint_table(endpoints),
        "parameters": parameter_table(endpoints),
        "problems": problem_table(),
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}: generated -->", f"<!-- end of {name} -->"
        section = re.compile(f"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        made = f"{begin}\n{table}{end}"
        text, replaced = section.subn(made.replace("\\", r"\\"), text)
        if replaced != 1:
            raise ValueError(f"docs/api.md must have {begin} … {end} once, has it {replaced} times")
    return text


def endpoint_table(endpoints: Sequence[Operation]) -> str:
    """One row per endpoint: method and path, who may call it, what it returns."""
    rows = [
        f"| `{endpoint.method} {endpoint.path}` | {CALLERS[endpoint.role]} | {endpoint.summary} |"
        for endpoint in endpoints
    ]
    return _table("| endpoint | who may call it | what it returns |", rows)


def parameter_table(endpoints: Sequence[Operation]) -> str:
    """One row per declared query parameter, with the endpoints that take it."""
    paths: dict[Parameter, list[str]] = {}
    for endpoint in endpoints:
        for parameter in endpoint.parameters:
            if parameter.location == "query":
                paths.setdefault(parameter, []).append(f"`{endpoint.path}`")
    rows = [
        f"| `{parameter.name}` | {', '.join(takers)} | {parameter.rule()} | "
        f"{parameter.description} |"
        for parameter, takers in paths.items()
    ]
    return _table("| parameter | of | value | meaning |", rows)


def problem_table() -> str:
    """One row per type of problem: its status, when it occurs, what the caller should do."""
    rows = [
        f"| {problem.status} | `{kind}` | {problem.title} | {problem.cure} |"
        for kind, problem in PROBLEMS.items()
    ]
    return _table("| status | type | title | what to do |", rows)


def _table(head: str, rows: Sequence[str]) -> str:
    rule = "|" + "---|" * (head.count("|") - 1)
    return "\n".join((head, rule, *rows, ""))


if __name__ == "__main__":
    publish.write_json(openapi.document(), OPENAPI)
    with publish.replacing(PAGE) as beside:
        beside.write_text(page(PAGE.read_text("utf-8")), "utf-8")
