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
from features.engines.on_duckdb import Engine, EngineError
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
MENDS = {
    "true/false": 'write a condition, such as where = "amount > 0" or where = "state = \'open\'"',
    "numbers": 'name a column of numbers, or turn text into them: "TRY_CAST(amount AS DOUBLE)"',
    "true/false or numbers": 'write a condition, such as value = "amount > 0"',
    "numbers or text": "name a column of numbers or of text",
    "text": "name a column of text",
    "a date": "name a column of dates or times, such as renews_on",
}
SCALAR = "write one expression over the columns of a row"
VALUE = "churnlight value"
STEP = "features"
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

    `step` is the pipeline step that needs it.
    """

    key: str
    source: str
    text: str
    need: Need
    step: str
    is_draft: bool = False


def expressions_of(company: Company) -> Iterator[Expression]:
    """Every SQL expression of the declaration."""
    computed = company.staged("live", "shadow")
    computed |= {
        name: company.indicators[name]
        for item in computed.values()
        for name in _below(company, item)
    }
    for name, item in company.indicators.items():
        yield from _of_indicator(f"indicators.{name}", item, is_draft=name not in computed)
    for name, target in company.targets.items():
        for form, part in (("event", target.event), ("inactivity", target.inactivity)):
            if part is not None and part.where is not None:
                key = f"targets.{name}.{form}.where"
                yield Expression(key, part.source, part.where, "true/false", "train")
    if not company.accounts.derived:
        for name, segment in company.segments.items():
            key = f"segments.{name}.where"
            yield Expression(key, company.accounts.source, segment.where, "true/false", "sources")


def _below(company: Company, item: Indicator) -> Iterator[str]:
    """The names of all indicators that this one is made of."""
    for name in item.bases():
        yield name
        yield from _below(company, company.indicators[name])


def _of_indicator(key: str, item: Indicator, *, is_draft: bool) -> Iterator[Expression]:
    if item.where is not None:
        yield Expression(f"{key}.where", item.source, item.where, "true/false", STEP, is_draft)
    if item.about is not None:
        text = quote(item.about.column)
        yield Expression(f"{key}.about.column", item.source, text, "text", STEP, is_draft)
    if item.value is not None:
        measure = item.of if item.measure == "ratio" else item.measure
        assert measure is not None
        need = NEEDS.get(measure, "anything")
        yield Expression(f"{key}.value", item.source, item.value, need, STEP, is_draft)


def breaches(ground: ReadableTables) -> Iterator[Finding]:
    """What is wrong with each expression over a source that can be read."""
    sound: dict[str, list[Expression]] = {}
    for item in expressions_of(ground.company):
        if ground.holds(item.source):
            found = list(_breach(ground, item))
            yield from found
            if not found and item.text not in ground.tables.columns[item.source]:
                sound.setdefault(item.source, []).append(item)
    for items in sound.values():
        yield from _failing(ground, items)


def _breach(ground: ReadableTables, item: Expression) -> Iterator[Finding]:
    if (refused := _refused(ground.tables.engine, item.text)) is not None:
        yield _finding(ground, item, "not_one_value", f"contains {refused}", SCALAR)
        return
    try:
        ground.tables.engine.accept(item.text)
        # Inside a CASE nothing can stand that is several columns.
        found = ground.tables.engine.types(
            f"SELECT *, CASE WHEN TRUE THEN ({item.text}) END AS {quote(VALUE)} "
            f"FROM {quote(item.source)}"
        )[VALUE]
    except EngineError as error:
        detail = f"is refused: {_first_line(error)}"
        yield _finding(ground, item, "not_sql", detail, _mend(ground, item, error))
        return
    if not _fits(found, item.need):
        detail = f"gives {type_in_words(found)}, where {item.need} are needed"
        name = "not_a_condition" if item.need == "true/false" else "not_a_number"
        yield _finding(ground, item, name, detail, MENDS[item.need])
    elif item.need == "a date" and _lacks_zone(ground, item, found):
        detail = "gives timestamps without a zone, and none is declared"
        mend = (
            f'"CAST({item.text} AS DATE)" for whole days, or '
            f'sources.{item.source}.event_time = {{ column = "…", zone = "Europe/Berlin" }}'
        )
        yield _finding(ground, item, "naive_time", detail, mend)


def _lacks_zone(ground: ReadableTables, item: Expression, type_: str) -> bool:
    zoned = ground.company.sources[item.source].event_time
    try:
        clock.in_utc("x", type_, zoned.zone if zoned else None)
    except clock.NoZone:
        return True
    return False


def _failing(ground: ReadableTables, items: Sequence[Expression]) -> Iterator[Finding]:
    """Expressions over one source that fail on some row: asked together, then one by one."""
    counts = ", ".join(f"count(({item.text}))" for item in items)
    try:
        ground.tables.engine.row(f"SELECT {counts} FROM {quote(items[0].source)}")
    except EngineError as error:
        if len(items) > 1:
            for item in items:
                yield from _failing(ground, [item])
            return
        detail = f"fails on a row: {_first_line(error)}"
        mend = "use TRY_CAST, or leave such rows out by where"
        yield _finding(ground, items[0], "not_computable", detail, mend)


def _refused(engine: Engine, text: str) -> str | None:
    """Why `text` is no scalar expression over one row, if it is not."""
    # The quotes stay: what a string begins with decides where it ends.
    bare = QUOTED.sub(lambda found: f"{found[0][0]}x{found[0][0]}", text)
    for pattern, what in REFUSED:
        if re.search(pattern, bare, re.IGNORECASE):
            return what
    if _unbalanced(bare):
        return "brackets that do not match"
    called = set(re.findall(r"(\w+)\s*\(", bare.lower()))
    unsteady = sorted(called & _unsteady(engine))
    return f"{unsteady[0]}(), whose answer changes" if unsteady else None


def _unbalanced(bare: str) -> bool:
    depth = 0
    for mark in re.findall(r"[()]", bare):
        depth += 1 if mark == "(" else -1
        if depth < 0:
            return True
    return depth != 0


def _unsteady(engine: Engine) -> frozenset[str]:
    """The engine's functions that do not depend on their arguments alone."""
    found = engine.rows(
        "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'"
    )
    return frozenset(found.column(0).to_pylist())


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


def _mend(ground: ReadableTables, item: Expression, error: EngineError) -> str:
    missing = re.search(r'column "([^"]+)" not found', str(error))
    if missing is None:
        return SCALAR
    return did_you_mean(missing[1], ground.tables.columns[item.source])


def _first_line(error: EngineError) -> str:
    return str(error).splitlines()[0]


def _finding(ground: ReadableTables, item: Expression, name: str, what: str, mend: str) -> Finding:
    state: Literal["error", "warning"] = "warning" if item.is_draft else "error"
    detail = f"{item.key} {what}, over {ground.file(item.source)}: {item.text}"
    return Finding(name, item.step, state, item.source, None, None, detail, mend)
