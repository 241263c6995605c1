"""The small sane company with one expression each that is no scalar of its row.

Design rule: as in `bad_companies`; the defect is always in the declaration.
"""

from bad_companies import Defect


def _where(text: str) -> tuple[tuple[str, str], ...]:
    return (('where = "minutes >= 0"', f"where = {text!r}"),)


def _value_is(text: str) -> tuple[tuple[str, str], ...]:
    return (('value = "minutes"', f"value = {text!r}"),)


DUE = """
[indicators.due]
adopt = "renewal.days_until"
source = "tickets"
value = "opened + INTERVAL 1 YEAR"
"""
EXPRESSIONS = [
    Defect(
        "not_sql",
        "logins",
        detail="indicators.logins.where",
        fix="did you mean 'minutes'?",
        text=_where("minuts > 1"),
    ),
    Defect("not_sql", "logins", detail="indicators.logins.where", text=_where("minutes >")),
    Defect("not_sql", "logins", detail="indicators.minutes.value", text=_value_is("sum(minutes)")),
    Defect(
        "not_one_value",
        "logins",
        detail="a sub-select",
        fix="one expression over the columns of a row",
        text=_where("minutes > (SELECT avg(minutes) FROM logins)"),
    ),
    Defect("not_one_value", "logins", detail="a semicolon", text=_where("true; DROP TABLE x")),
    Defect("not_one_value", "logins", detail="a comment", text=_where("true -- all")),
    Defect(
        "not_one_value",
        "logins",
        detail="not in plain quotes",
        text=_where("device = $$'$$ OR (SELECT true) OR device = $$'$$"),
    ),
    Defect(
        "not_one_value",
        "logins",
        detail="not in plain quotes",
        text=_where("device = E'\\' OR (SELECT true) OR device = '"),
    ),
    Defect("not_one_value", "logins", detail="a function in quotes", text=_where('at > "now"()')),
    Defect("not_one_value", "logins", detail="a sub-select", text=_where("1 IN (TABLE logins)")),
    Defect("not_one_value", "logins", detail="brackets", text=_where("true) OR (true")),
    Defect(
        "not_one_value",
        "logins",
        detail="a window over other rows",
        text=_value_is("max(minutes) OVER (PARTITION BY account_id)"),
    ),
    Defect("not_one_value", "logins", detail="several columns", text=_value_is("COLUMNS(*)")),
    Defect("not_sql", "logins", detail="STAR expression", text=_value_is("*")),
    Defect("not_one_value", "logins", detail="now()", text=_where("at > now()")),
    Defect("not_one_value", "logins", detail="the clock", text=_where("at > current_date")),
    Defect(
        "not_a_condition",
        "logins",
        detail="gives numbers, where true/false",
        fix="write a condition",
        text=_where("minutes"),
    ),
    Defect(
        "not_a_condition",
        "accounts",
        detail="segments.big.where",
        text=(
            (
                "[indicators.logins]",
                '[segments.big]\ntitle = "Big"\nwhere = "plan"\n\n[indicators.logins]',
            ),
        ),
    ),
    Defect(
        "not_a_number",
        "logins",
        detail="indicators.minutes.value gives text",
        fix="TRY_CAST",
        text=_value_is("device"),
    ),
    Defect(
        "not_computable",
        "logins",
        detail="fails on a row",
        fix="TRY_CAST",
        text=_value_is("CAST(device AS DOUBLE)"),
    ),
    Defect(
        "naive_time",
        "tickets",
        detail="indicators.due.value gives timestamps without a zone",
        fix="CAST(opened + INTERVAL 1 YEAR AS DATE)",
        text=(
            (
                "[indicators.logins]",
                f"{DUE}\n[indicators.logins]",
            ),
        ),
    ),
]
