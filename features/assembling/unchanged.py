"""What has to be asked of a company to say what its rows would be, had nothing happened.

The rows of a day as if no fact had become known since an earlier one say what time alone does to
an account: facts leave their windows or grow older, a date comes near. They are folded from the
same facts by the same kernel (`features.clock.Calendar.unchanged`). Beside each indicator goes the
age of its last fact, an indicator of its own that is declared here.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.declaring.company import Company
from features.declaring.indicator import Indicator

# No declared name holds a blank.
LAST_FACT = "{} last fact"
# Between an indicator and its window in a column's name.
SEPARATOR = "__"
# Keys of an indicator that an age of facts does not have.
OTHER_KEYS = ("quantile", "of", "earlier", "lag", "shrink", "over", "per")


def asked(company: Company, further: int) -> Company:
    """The company without targets, and with the age of each indicator's last fact.

    It is looked for in all days that count for the indicator's value, and so many days `further`.
    """
    ages = {
        LAST_FACT.format(name): _age(company.indicators[name], further)
        for name in _with_facts(company, company.staged("live", "shadow"))
    }
    return company.model_copy(update={"targets": {}, "indicators": {**company.indicators, **ages}})


def last_facts(company: Company, rows: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """The age in days of an indicator's last fact in rows that were `asked`, NaN without any.

    Of an indicator that is made of others the last fact of any of them.
    """
    ages = np.full(rows.num_rows, np.nan)
    bases = {LAST_FACT.format(base) for base in _with_facts(company, [name])}
    for column in rows.column_names:
        if column.rpartition(SEPARATOR)[0] in bases:
            ages = np.fmin(ages, rows[column].to_numpy())
    return ages


def _with_facts(company: Company, names: Iterable[str]) -> Iterator[str]:
    """These indicators, in place of those that are made of others what they are made of."""
    for name in names:
        bases = company.indicators[name].bases()
        yield from _with_facts(company, bases) if bases else (name,)


def _age(indicator: Indicator, further: int) -> Indicator:
    spans = indicator.spans()
    around = (indicator.earlier or 0) + (indicator.lag or 0) + further
    windows = () if None in spans else (max(span or 0 for span in spans) + around,)
    changes: Mapping[str, object] = dict.fromkeys(OTHER_KEYS) | {
        "measure": "days_since",
        "stage": "live",
        "windows": windows,
    }
    return indicator.model_copy(update=changes)
