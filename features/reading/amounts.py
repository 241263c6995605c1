"""The ways in which people write numbers, and the SQL that reads each of them.

`1,234` and `1.234` alone tell not whether their sign groups thousands or begins the decimals. Any
number that can be read in one way only decides for its column, and after it for its file.
"""

import re
from dataclasses import dataclass
from typing import Literal

Decimal = Literal[".", ","]

CURRENCY = r"(?:[$€£¥]|(?:USD|EUR|GBP|CHF|JPY|AUD|CAD|SEK|NOK|DKK|PLN|INR))"
# No number of ours begins with 0 and another digit: that is an id.
GROUP = r"[1-9]\d{0,2}"
# What the digits say, tried in this order; only the last two can be read in two ways.
BODIES = {
    "whole": r"\d+",
    "commas, then point": rf"{GROUP}(?:,\d{{3}})+\.\d*|{GROUP}(?:,\d{{3}}){{2,}}",
    "points, then comma": rf"{GROUP}(?:\.\d{{3}})+,\d+|{GROUP}(?:\.\d{{3}}){{2,}}",
    "spaces": rf"{GROUP}(?:[ '’\x{{00A0}}\x{{202F}}]\d{{3}})+",
    "spaces, then point": rf"{GROUP}(?:[ '’\x{{00A0}}\x{{202F}}]\d{{3}})+\.\d+",
    "spaces, then comma": rf"{GROUP}(?:[ '’\x{{00A0}}\x{{202F}}]\d{{3}})+,\d+",
    "one comma": rf"{GROUP},\d{{3}}",
    "one point": rf"{GROUP}\.\d{{3}}",
    "point": r"\d*\.\d+(?:[eE][+-]?\d+)?|\d+\.|\d+[eE][+-]?\d+",
    "comma": r"\d*,\d+",
}
PROVES: dict[str, Decimal] = {
    "commas, then point": ".",
    "points, then comma": ",",
    "spaces, then point": ".",
    "spaces, then comma": ",",
    "point": ".",
    "comma": ",",
}
SIGN = r"[+-]?"


@dataclass(frozen=True)
class Form:
    """One way to write a number: its digits, and what stands around them."""

    body: str
    money: bool = False
    percent: bool = False
    bracketed: bool = False

    @property
    def pattern(self) -> str:
        """What a value of this form matches, as a whole, for DuckDB."""
        return self._around(BODIES[self.body])

    def _around(self, body: str) -> str:
        inner = f"(?:{body})"
        if self.money:
            inner = f"(?:{SIGN}{CURRENCY} ?{SIGN}{inner}|{SIGN}{inner} ?{CURRENCY})"
        else:
            inner = SIGN + inner
        if self.percent:
            inner = f"{inner} ?%"
        return rf"\({inner}\)" if self.bracketed else inner

    @property
    def is_plain(self) -> bool:
        """Whether SQL reads it as it is."""
        bare = not (self.money or self.percent or self.bracketed)
        return bare and self.body in ("whole", "point", "one point")

    def sql(self, text: str, decimal: Decimal, *, whole: bool) -> str:
        """`text` as a number: of whole numbers BIGINT, else DOUBLE; a percentage as written."""
        kind = "BIGINT" if whole else "DOUBLE"
        if self.is_plain and (decimal == "." or self.body == "whole"):
            return f"TRY_CAST({text} AS {kind})"
        digits = f"regexp_replace({text}, '[^0-9.,eE+-]', '', 'g')"
        if self.money:
            # Letters of a currency are no exponent.
            digits = f"regexp_replace({text}, '[^0-9.,+-]', '', 'g')"
        grouping = "," if decimal == "." else "."
        digits = f"replace({digits}, '{grouping}', '')"
        number = f"TRY_CAST(replace({digits}, ',', '.') AS {kind})"
        return f"-{number}" if self.bracketed else number


FORMS = tuple(
    Form(body, money, percent, bracketed)
    for bracketed in (False, True)
    for percent in (False, True)
    for money in (False, True)
    if not (money and percent)
    for body in BODIES
)
_PATTERNS = tuple(
    (form, re.compile(re.sub(r"\\x\{(\w{4})\}", r"\\u\1", form.pattern))) for form in FORMS
)


def form_of(value: str) -> Form | None:
    """The form of a value; none where it is no number."""
    return next((form for form, pattern in _PATTERNS if pattern.fullmatch(value)), None)


def is_id(value: str) -> bool:
    """Whether it is digits that a number would not keep: zeros in front, or more than 18."""
    digits = value.lstrip("+-")
    return digits.isdigit() and (len(digits) > 18 or (len(digits) > 1 and digits[0] == "0"))
