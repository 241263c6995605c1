"""What a column of text holds, decided from all its values: days, moments, numbers, flags or text.

A few cells may be no such thing: they are missing, and told. What stands for a missing value in
files (`MISSING`) is missing without a word, but only in columns of times, numbers and flags: among
texts, NA may be Namibia.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from features.declaring.column import Unit
from features.engines.on_duckdb import Engine
from features.engines.sql_text import literal, quote
from features.reading import amounts, moments
from features.reading.amounts import Decimal
from features.reading.moments import ORDERS, Order
from features.reading.notes import CellNote, Note, listed

MISSING = ("", "-", "--", "null", "n/a", "#n/a", "na", "nan", "none", "nil", "nat", "\\n")
NO_DAYS = ("0000-00-00", "0000-00-00 00:00:00")
FLAGS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"))
ROW = "file_row_number"
# A number or a time is what nearly all values of its column are: at most one in twenty is odd, and
# those are few words ("unknown", "?"), not a text column's many ("12a", "14b").
MOST_ODD_SHARE = 0.05
MOST_ODD_VALUES = 20
# From this share of the values on, a text is looked at as a column of numbers or times.
LOOKED_AT = 0.5
SAMPLE_ROWS = 2000
# Whose amounts have a decimal point everywhere.
WITH_DECIMAL_POINT = ("$", "£", "USD", "GBP", "AUD")
LONGEST = 60
FIX_ODD = "they are read as missing; correct them where they mean something"


@dataclass(frozen=True)
class Rows:
    """Where the values of a column are: a table function of `engine` with `file_row_number`."""

    engine: Engine
    scan: str
    rows: int
    first: int = 2
    """The number of the first row, as an editor shows it: 2 where row 1 names the columns."""

    def asked(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query, each by column."""
        found: list[dict[str, Any]] = self.engine.rows(query).to_pylist()
        return found


@dataclass(frozen=True)
class Reading:
    """One way to read an undecided column of days: its rows, first and last day."""

    order: Order
    rows: int
    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.order}: {self.first} to {self.last}"


@dataclass(frozen=True)
class Held:
    """What a column holds: `sql` reads it; None where it stays text.

    `proves` is the order of day and month, or the decimal sign, that its values prove;
    `open` are the readings between which they leave the choice, `settle` makes it. `epoch` is the
    unit in which it counts moments.
    """

    column: str
    kind: Literal["times", "numbers", "others"] = "others"
    sql: str | None = None
    notes: tuple[Note, ...] = ()
    proves: Order | Decimal | None = None
    open: tuple[Reading, ...] = ()
    settle: Callable[[Any], "Held"] | None = field(default=None, compare=False)
    epoch: Unit | None = None


def is_missing(text: str) -> str:
    """SQL: whether `text` stands for a missing value in a column of times or numbers."""
    words = ", ".join(literal(word) for word in (*MISSING, *NO_DAYS))
    return f"lower(trim({text})) IN ({words})"


def says_nothing(value: str) -> bool:
    """As `is_missing`, of a value at hand."""
    return value.strip().lower() in (*MISSING, *NO_DAYS)


def samples(rows: Rows, columns: Sequence[str]) -> dict[str, list[str]]:
    """Some of the values of each column, from all over the table."""
    if not columns or not rows.rows:
        return {column: [] for column in columns}
    step = max(rows.rows // SAMPLE_ROWS, 1)
    listed_columns = ", ".join(
        f"left({quote(name)}, {LONGEST}) AS {quote(name)}" for name in columns
    )
    found = rows.engine.rows(
        f"SELECT {listed_columns} FROM {rows.scan} WHERE {ROW} % {step} = 0 LIMIT {2 * SAMPLE_ROWS}"
    )
    return {
        name: [value for value in found[name].to_pylist() if value is not None] for name in columns
    }


def look(rows: Rows, column: str, sample: list[str]) -> Held:
    """What a column of text holds."""
    told = [value.strip() for value in sample if not says_nothing(value)]
    if sample and not told:
        # The words for nothing alone say not of what.
        return Held(column)
    if _share(told, moments.form_of) >= LOOKED_AT:
        times = {form for value in told if (form := moments.form_of(value))}
        return replace(_times(rows, column, times), kind="times")
    if _share(told, amounts.form_of) >= LOOKED_AT:
        numbers = {amount for value in told if (amount := amounts.form_of(value))}
        return replace(_numbers(rows, column, numbers), kind="numbers")
    return _flags(rows, column, told)


def _share(values: list[str], form_of: Callable[[str], object]) -> float:
    return sum(form_of(value) is not None for value in values) / max(len(values), 1)


def _complete(rows: Rows, column: str, forms: set[Any], form_of: Callable[[str], Any]) -> list[Any]:
    """The forms that the values of a column have, those of rare values too."""
    text = f"trim({quote(column)})"
    while True:
        known = " OR ".join(_matches(text, form.pattern) for form in _sorted(forms))
        rest = rows.asked(
            f"SELECT {text} AS v FROM {rows.scan} WHERE NOT ({known}) "
            f"AND NOT {is_missing(quote(column))} AND length({text}) <= {LONGEST} "
            f"GROUP BY 1 ORDER BY min({ROW}) LIMIT 200"
        )
        new = {form for row in rest if (form := form_of(row["v"]))} - forms
        if not new:
            return _sorted(forms)
        forms = forms | new


def _sorted(forms: Iterable[Any]) -> list[Any]:
    return sorted(forms, key=repr)


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _by_form(text: str, parsed: dict[Any, str]) -> str:
    """Each value by the SQL of its own form."""
    if len(parsed) == 1 and next(iter(parsed)).date == "iso" if parsed else False:
        return next(iter(parsed.values()))
    cases = [f"WHEN {_matches(text, form.pattern)} THEN {sql}" for form, sql in parsed.items()]
    return f"CASE {' '.join(cases)} END"


# Times


def _times(rows: Rows, column: str, forms: set[moments.Form]) -> Held:
    found = _complete(rows, column, set(forms), moments.form_of)
    zones = {form.has_zone for form in found if not form.is_day}
    if len(zones) > 1:
        return _mixed_zones(rows, column, found)
    undecided = [form for form in found if form.is_open]
    if not undecided:
        return _as_times(rows, column, found, None)
    evidence = _evidence(rows, column, undecided)
    if evidence["day"] and evidence["month"]:
        return _both_orders(rows, column, undecided, evidence)

    def settle(order: Any) -> Held:
        return _as_times(rows, column, found, order)

    if evidence["day"] or evidence["month"] or not evidence["apart"]:
        order = ORDERS[1] if evidence["month"] else ORDERS[0]
        proven = order if evidence["day"] or evidence["month"] else None
        return replace(settle(order), proves=proven, settle=settle)
    readings = tuple(_reading(evidence, order) for order in ORDERS)
    note = _undecided(rows, column, evidence, readings)
    return Held(column, notes=(note,), open=readings, settle=settle)


def _evidence(rows: Rows, column: str, forms: list[moments.Form]) -> dict[str, Any]:
    """How many values are days in one order of day and month only, and how both orders read."""
    text = f"trim({quote(column)})"
    day, month = (
        f"CAST({_by_form(text, {form: form.sql(text, order) for form in forms})} AS TIMESTAMP)"
        for order in ORDERS
    )
    return rows.asked(
        "SELECT count(*) FILTER (m IS NULL AND d IS NOT NULL) AS day, "
        "count(*) FILTER (d IS NULL AND m IS NOT NULL) AS month, "
        "count(*) FILTER (d <> m) AS apart, "
        "CAST(min(d) AS DATE) AS day_first, CAST(max(d) AS DATE) AS day_last, "
        "CAST(min(m) AS DATE) AS month_first, CAST(max(m) AS DATE) AS month_last, "
        f"arg_min(v, {ROW}) FILTER (d <> m) AS value, min({ROW}) FILTER (d <> m) AS row, "
        f"arg_min(v, {ROW}) FILTER (m IS NULL AND d IS NOT NULL) AS day_value, "
        f"min({ROW}) FILTER (m IS NULL AND d IS NOT NULL) AS day_row, "
        f"arg_min(v, {ROW}) FILTER (d IS NULL AND m IS NOT NULL) AS month_value, "
        f"min({ROW}) FILTER (d IS NULL AND m IS NOT NULL) AS month_row "
        f"FROM (SELECT {text} AS v, {ROW}, {day} AS d, {month} AS m FROM {rows.scan})"
    )[0]


def _reading(evidence: dict[str, Any], order: Order) -> Reading:
    part = order.split()[0]
    return Reading(
        order, evidence["apart"], str(evidence[f"{part}_first"]), str(evidence[f"{part}_last"])
    )


def _undecided(
    rows: Rows, column: str, evidence: dict[str, Any], readings: tuple[Reading, ...]
) -> Note:
    detail = (
        f"no value proves whether day or month comes first, such as {evidence['value']!r} in row "
        f"{evidence['row'] + rows.first:,}; {'; '.join(map(str, readings))}"
    )
    fix = 'say which it is: date_order = "day first" or date_order = "month first"'
    return Note("ambiguous_date_order", "warning", column, evidence["apart"], detail, fix)


def _both_orders(
    rows: Rows, column: str, forms: list[moments.Form], evidence: dict[str, Any]
) -> Held:
    told = [
        f"{evidence[part]:,} values can only be {part} first, such as "
        f"{evidence[f'{part}_value']!r} in row {evidence[f'{part}_row'] + rows.first:,}"
        for part in ("day", "month")
    ]
    fix = "write all of them in one order, best as 2026-06-30"
    detail = f"{', and '.join(told)}; it stays text"
    note = Note("mixed_date_order", "warning", column, evidence["apart"], detail, fix)
    return Held(column, notes=(note,), settle=lambda order: _as_times(rows, column, forms, order))


def _mixed_zones(rows: Rows, column: str, forms: list[moments.Form]) -> Held:
    text = f"trim({quote(column)})"
    zoned = " OR ".join(_matches(text, form.pattern) for form in forms if form.has_zone)
    found = rows.asked(
        f"SELECT count(*) AS n, min({ROW}) AS row, arg_min({text}, {ROW}) AS v "
        f"FROM {rows.scan} WHERE {zoned}"
    )[0]
    detail = (
        f"{found['n']:,} of the times carry a zone, such as {found['v']!r} in row "
        f"{found['row'] + rows.first:,}, and the others none; it stays text"
    )
    note = Note("mixed_zones", "warning", column, found["n"], detail, "write all with their zone")
    return Held(column, notes=(note,))


def _as_times(rows: Rows, column: str, forms: list[moments.Form], order: Order | None) -> Held:
    text = f"trim({quote(column)})"
    kind = "DATE"
    if any(not form.is_day for form in forms):
        kind = "TIMESTAMPTZ" if any(form.has_zone for form in forms) else "TIMESTAMP"
    parsed = {form: f"CAST({form.sql(text, order)} AS {kind})" for form in forms}
    return _with_odd_cells(rows, column, _by_form(text, parsed), "dates or times")


# Numbers


def _numbers(rows: Rows, column: str, forms: set[amounts.Form]) -> Held:
    found = _complete(rows, column, set(forms), amounts.form_of)
    evidence = _number_evidence(rows, column, found)
    if evidence["ids"]:
        return Held(column)
    if note := _units_apart(column, evidence):
        return Held(column, notes=(note,))
    proofs = {sign for form in found if (sign := amounts.PROVES.get(form.body))}
    bodies = {form.body for form in found}

    def settle(decimal: Any) -> Held:
        return _as_numbers(rows, column, found, decimal)

    if len(proofs) > 1 or (not proofs and bodies >= {"one comma", "one point"}):
        note = _both_decimals(column, rows, found)
        return Held(column, notes=(note,), settle=settle)
    if proofs:
        sign = proofs.pop()
        return replace(settle(sign), proves=sign, settle=settle)
    if "one comma" in bodies and evidence["most"] not in WITH_DECIMAL_POINT:
        return Held(column, notes=(_thousands_or_decimals(rows, column),), settle=settle)
    # `1.234` alone is what every program writes.
    return replace(settle("."), settle=settle)


def _number_evidence(rows: Rows, column: str, forms: list[amounts.Form]) -> dict[str, Any]:
    text = f"trim({quote(column)})"
    money = f"regexp_extract({text}, {literal(amounts.CURRENCY)})"
    known = " OR ".join(_matches(text, form.pattern) for form in forms)
    is_id = _matches(text, r"[+-]?(0\d+|\d{19,})")
    return rows.asked(
        f"SELECT count(*) FILTER ({is_id}) AS ids, count(*) AS n, "
        f"count(*) FILTER (ends_with({text}, '%')) AS percents, "
        f"min({money}) FILTER ({money} <> '') AS least, max({money}) AS most "
        f"FROM {rows.scan} WHERE {known}"
    )[0]


def _units_apart(column: str, evidence: dict[str, Any]) -> Note | None:
    """What is said of amounts in two currencies, and of percentages beside plain numbers."""
    fix = "write one unit a column; it stays text"
    if evidence["least"] != (evidence["most"] or None):
        detail = f"amounts in {evidence['least']} and in {evidence['most']} stand side by side"
        return Note("mixed_units", "warning", column, evidence["n"], detail, fix)
    if 0 < evidence["percents"] < evidence["n"]:
        detail = f"{evidence['percents']:,} of {evidence['n']:,} numbers are percentages"
        return Note("mixed_units", "warning", column, evidence["percents"], detail, fix)
    return None


def _both_decimals(column: str, rows: Rows, forms: list[amounts.Form]) -> Note:
    detail = "some numbers have a decimal comma and others a decimal point; it stays text"
    fix = 'write all in one way, or say csv = { decimal = "," } and the others are missing'
    return Note("mixed_decimals", "warning", column, None, detail, fix)


def _thousands_or_decimals(rows: Rows, column: str) -> Note:
    text = f"trim({quote(column)})"
    pattern = amounts.SIGN + amounts.BODIES["one comma"]
    found = rows.asked(
        f"SELECT count(*) AS n, min({ROW}) AS row, arg_min({text}, {ROW}) AS v "
        f"FROM {rows.scan} WHERE {_matches(text, pattern)}"
    )[0]
    value = found["v"]
    detail = (
        f"no value proves whether the comma of {value!r} in row {found['row'] + rows.first:,} "
        f"groups thousands ({value.replace(',', '')}) or begins decimals "
        f"({value.replace(',', '.')}); it stays text"
    )
    fix = 'say what begins decimals: csv = { decimal = "." } or csv = { decimal = "," }'
    return Note("ambiguous_decimals", "warning", column, found["n"], detail, fix)


def _as_numbers(rows: Rows, column: str, forms: list[amounts.Form], decimal: Decimal) -> Held:
    text = f"trim({quote(column)})"
    other = {name for name, sign in amounts.PROVES.items() if sign != decimal}
    fitting = [form for form in forms if form.body not in other]
    decimals = "one comma" if decimal == "," else "one point"
    whole = all(
        form.body
        in ("whole", "commas, then point", "points, then comma", "spaces", "one comma", "one point")
        and form.body != decimals
        for form in fitting
    ) and not _has_decimals(rows, column, fitting)
    cases = [
        f"WHEN {_matches(text, form.pattern)} THEN {form.sql(text, decimal, whole=whole)}"
        for form in fitting
    ]
    return _with_odd_cells(rows, column, f"CASE {' '.join(cases)} END", "numbers")


def _has_decimals(rows: Rows, column: str, forms: list[amounts.Form]) -> bool:
    if all(form.body in ("whole", "spaces", "one comma", "one point") for form in forms):
        return False
    text = f"trim({quote(column)})"
    both = _matches(text, r".*(\..*,|,.*\.).*")
    found = rows.asked(f"SELECT count(*) FILTER ({both}) AS n FROM {rows.scan}")
    return bool(found[0]["n"])


# Flags


def _flags(rows: Rows, column: str, told: list[str]) -> Held:
    words = {value.lower() for value in told}
    pair = next((pair for pair in FLAGS if words and words <= set(pair)), None)
    if pair is None:
        return Held(column)
    text = f"lower(trim({quote(column)}))"
    others = rows.asked(
        f"SELECT count(*) AS n FROM {rows.scan} WHERE {text} NOT IN {pair} "
        f"AND NOT {is_missing(quote(column))}"
    )[0]["n"]
    if others:
        return Held(column)
    return Held(
        column, sql=f"CASE {text} WHEN '{pair[0]}' THEN TRUE WHEN '{pair[1]}' THEN FALSE END"
    )


# Odd cells


def _with_odd_cells(rows: Rows, column: str, sql: str, kind: str) -> Held:
    """The column read by `sql` if nearly all of its values are such, else text; and what is odd."""
    text = quote(column)
    counted = rows.asked(
        "SELECT count(*) AS told, count(*) FILTER (read IS NULL) AS odd "
        f"FROM (SELECT {sql} AS read FROM {rows.scan} "
        f"WHERE {text} IS NOT NULL AND NOT {is_missing(text)})"
    )[0]
    if not counted["odd"]:
        return Held(column, sql=sql)
    found = rows.asked(
        f"SELECT {text} AS v, count(*) AS n, min({ROW}) AS row FROM {rows.scan} "
        f"WHERE {text} IS NOT NULL AND NOT {is_missing(text)} AND ({sql}) IS NULL "
        f"GROUP BY 1 ORDER BY 3 LIMIT {MOST_ODD_VALUES + 1}"
    )
    cells = [CellNote(row["v"], row["n"], row["row"] + rows.first) for row in found]
    few = len(cells) <= MOST_ODD_VALUES
    share = counted["odd"] / counted["told"]
    if few and share <= MOST_ODD_SHARE:
        detail = f"{counted['odd']:,} of {counted['told']:,} values are no {kind}: {listed(cells)}"
        return Held(
            column,
            sql=sql,
            notes=(Note("odd_cells", "warning", column, counted["odd"], detail, FIX_ODD),),
        )
    if not few:
        return Held(column)
    odd = f"{counted['odd']:,} of {counted['told']:,} values are no {kind}"
    detail = f"it stays text, since {odd}: {listed(cells)}"
    fix = "correct them or leave them empty, and it is read as " + kind
    return Held(
        column, notes=(Note("nearly_numbers", "advice", column, counted["odd"], detail, fix),)
    )
