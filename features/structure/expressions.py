"""Whether each SQL expression of the declaration is one scalar of its row, and of the right type.

An expression may use the columns of its row and nothing else: no other rows (sub-selects,
windows, aggregates), no clock, no chance. Otherwise the past would not stay as it was.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from features import clock
from features.declaring.company import Company
from features.declaring.indicator import Indicator
from features.declaring.spelling import did_you_mean
from features.engines.on_duckdb import EngineError, unsteady_functions
from features.engines.sql_text import quote
from features.engines.sql_types import FLAG, NULL, is_number, type_in_words
from features.errors import Finding
from features.structure.readable import ReadableTables

Need = Literal[
    "true/false",
    "numbers",
    "true/false or numbers",
    "numbers or text",
    "text",
    "a date",
    "anything",
]

NEEDS: dict[str, Need] = {
    "sum": "numbers",
    "mean": "numbers",
    "max": "numbers",
    "min": "numbers",
    "quantile": "numbers",
    "change": "numbers",
    "days_until": "a date",
    "share": "true/false or numbers",
    "latest": "numbers or text",
}
FIXES = {
    "true/false": 'write a condition, such as where = "amount > 0" or where = "state = \'open\'"',
    "numbers": 'name a column of numbers, or turn text into them: "TRY_CAST(amount AS DOUBLE)"',
    "true/false or numbers": 'write a condition, such as value = "amount > 0"',
    "numbers or text": "name a column of numbers or of text",
    "text": "name a column of text",
    "a date": "name a column of dates or times, such as renews_on",
}
SCALAR = "write one expression over the columns of a row"
VALUE = "churnlight value"
CHECK_STEP = "features"
QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
CLOCK_WORDS = "current_date|current_time|current_timestamp|localtime|localtimestamp"
REFUSED = (
    (r"\$\w*\$|\be'", "a string that is not in plain quotes"),
    (r'"\s*\(', "a function in quotes"),
    (r";", "a semicolon"),
    (r"--|/\*", "a comment"),
    (r"\b(select|from|values|with|table)\b", "a sub-select"),
    (r"\bover\s*\(", "a window over other rows"),
    (r"\bunnest\s*\(", "a function that makes rows"),
    (r"\bcolumns\s*\(", "several columns"),
    (rf"\b({CLOCK_WORDS})\b", "the clock of this machine"),
    (r"\bage\s*\([^,]*\)", "the clock of this machine (age of one argument)"),
)


@dataclass(frozen=True)
class Expression:
    """An SQL text of the declaration: its key, its source, what its values have to be, for what.

    `step` is the pipeline step that needs it. What gives a source its shape is computed by DuckDB,
    whatever the engine.
    """

    key: str
    source: str
    text: str
    need: Need
    step: str
    is_draft: bool = False
    gives_shape: bool = False


def expressions_of(company: Company) -> Iterator[Expression]:
    """Every SQL expression of the declaration."""
    computed = company.staged("live", "shadow")
    computed |= {
        name: company.indicators[name]
        for expression in computed.values()
        for name in _below(company, expression)
    }
    for name, expression in company.indicators.items():
        yield from _of_indicator(f"indicators.{name}", expression, is_draft=name not in computed)
    for name, target in company.targets.items():
        for form, part in (("event", target.event), ("inactivity", target.inactivity)):
            if part is not None and part.where is not None:
                key = f"targets.{name}.{form}.where"
                yield Expression(key, part.source, part.where, "true/false", "train")
    yield from _of_sources(company)
    if not company.accounts.derived:
        for name, segment in company.segments.items():
            key = f"segments.{name}.where"
            yield Expression(key, company.accounts.source, segment.where, "true/false", "sources")


def _of_sources(company: Company) -> Iterator[Expression]:
    for name, source in company.sources.items():
        texts: dict[str, tuple[str | None, Need]] = {
            f"columns.{key}": (column.value, "anything") for key, column in source.columns.items()
        }
        for key, (text, need) in (texts | {"where": (source.where, "true/false")}).items():
            if text is not None:
                key_of_source = f"sources.{name}.{key}"
                yield Expression(key_of_source, name, text, need, "sources", gives_shape=True)


def _below(company: Company, indicator: Indicator) -> Iterator[str]:
    """The names of all indicators that this one is made of."""
    for name in indicator.bases():
        yield name
        yield from _below(company, company.indicators[name])


def _of_indicator(key: str, indicator: Indicator, *, is_draft: bool) -> Iterator[Expression]:
    if indicator.where is not None:
        yield Expression(
            f"{key}.where", indicator.source, indicator.where, "true/false", CHECK_STEP, is_draft
        )
    if indicator.about is not None:
        text = quote(indicator.about.column)
        yield Expression(
            f"{key}.about.column", indicator.source, text, "text", CHECK_STEP, is_draft
        )
    if indicator.value is not None:
        measure = indicator.of if indicator.measure == "ratio" else indicator.measure
        assert measure is not None
        need = NEEDS.get(measure, "anything")
        yield Expression(
            f"{key}.value", indicator.source, indicator.value, need, CHECK_STEP, is_draft
        )


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """What is wrong with each expression over a source that can be read."""
    sound: dict[str, list[Expression]] = {}
    for expression in expressions_of(readable.company):
        # What its text alone decides is told even of a source that cannot be read.
        if (refused := _refused(expression.text)) is not None:
            yield _finding(readable, expression, "not_one_value", f"contains {refused}", SCALAR)
        elif readable.holds(expression.source):
            findings = list(_breach(readable, expression))
            yield from findings
            if not findings and expression.text not in readable.tables.columns[expression.source]:
                sound.setdefault(expression.source, []).append(expression)
    for items in sound.values():
        yield from _failing(readable, items)


def _breach(readable: ReadableTables, expression: Expression) -> Iterator[Finding]:
    try:
        if not expression.gives_shape:
            readable.tables.engine.accept(expression.text)
        # A CASE cannot contain an expression of several columns.
        type_ = readable.tables.engine.types(
            f"SELECT *, CASE WHEN TRUE THEN ({expression.text}) END AS {quote(VALUE)} "
            f"FROM {quote(expression.source)}"
        )[VALUE]
    except EngineError as error:
        detail = f"is refused: {_first_line(error)}"
        yield _finding(readable, expression, "not_sql", detail, _fix(readable, expression, error))
        return
    if not _fits(type_, expression.need):
        detail = f"gives {type_in_words(type_)}, where {expression.need} are needed"
        name = "not_a_condition" if expression.need == "true/false" else "not_a_number"
        yield _finding(readable, expression, name, detail, FIXES[expression.need])
    elif expression.need == "a date" and _lacks_zone(readable, expression, type_):
        detail = "gives timestamps without a zone, and none is declared"
        fix = (
            f'"CAST({expression.text} AS DATE)" for whole days, or '
            f'sources.{expression.source}.event_time = {{ column = "…", zone = "Europe/Berlin" }}'
        )
        yield _finding(readable, expression, "naive_time", detail, fix)


def _lacks_zone(readable: ReadableTables, expression: Expression, type_: str) -> bool:
    zoned = readable.company.sources[expression.source].event_time
    try:
        clock.in_utc("x", type_, zoned.zone if zoned else None)
    except clock.NoZone:
        return True
    return False


def _failing(readable: ReadableTables, expressions: Sequence[Expression]) -> Iterator[Finding]:
    """Expressions over one source that fail on some row: asked together, then one by one."""
    counts = ", ".join(f"count(({expression.text}))" for expression in expressions)
    try:
        readable.tables.engine.row(f"SELECT {counts} FROM {quote(expressions[0].source)}")
    except EngineError as error:
        if len(expressions) > 1:
            for expression in expressions:
                yield from _failing(readable, [expression])
            return
        detail = f"fails on a row: {_first_line(error)}"
        fix = "use TRY_CAST, or exclude such rows with where"
        yield _finding(readable, expressions[0], "not_computable", detail, fix)


def _refused(text: str) -> str | None:
    """Why `text` is no scalar expression over one row, if it is not."""
    # The quotes stay: what a string begins with decides where it ends.
    bare = QUOTED.sub(lambda found: f"{found[0][0]}x{found[0][0]}", text)
    for pattern, what in REFUSED:
        if re.search(pattern, bare, re.IGNORECASE):
            return what
    if _unbalanced(bare):
        return "brackets that do not match"
    called = set(re.findall(r"(\w+)\s*\(", bare.lower()))
    unsteady = sorted(called & unsteady_functions())
    return f"{unsteady[0]}(), whose result may change from run to run" if unsteady else None


def _unbalanced(bare: str) -> bool:
    depth = 0
    for mark in re.findall(r"[()]", bare):
        depth += 1 if mark == "(" else -1
        if depth < 0:
            return True
    return depth != 0


def _fits(type_: str, need: Need) -> bool:
    is_flag = type_ in (FLAG, NULL)
    fits = {
        "true/false": is_flag,
        "numbers": is_number(type_) or is_flag,
        "true/false or numbers": is_number(type_) or is_flag,
        "numbers or text": is_number(type_) or is_flag or type_ == "VARCHAR",
        "text": type_ in ("VARCHAR", NULL),
        "a date": type_ in ("DATE", NULL) or type_.startswith("TIMESTAMP"),
        "anything": True,
    }
    return fits[need] or (need == "numbers or text" and type_.startswith("ENUM"))


def _fix(readable: ReadableTables, expression: Expression, error: EngineError) -> str:
    missing = re.search(r'column "([^"]+)" not found', str(error))
    if missing is None:
        return SCALAR
    return did_you_mean(missing[1], readable.tables.columns[expression.source])


def _first_line(error: EngineError) -> str:
    return str(error).splitlines()[0]


def _finding(
    readable: ReadableTables, expression: Expression, name: str, what: str, fix: str
) -> Finding:
    state: Literal["error", "warning"] = "warning" if expression.is_draft else "error"
    detail = f"{expression.key} {what}, over {readable.file(expression.source)}: {expression.text}"
    return Finding(name, expression.step, state, expression.source, None, None, detail, fix)
