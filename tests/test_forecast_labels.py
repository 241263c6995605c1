"""Who has a forecast by renewal and who leaves within its days, each worked out by hand.

Gap 7 and grace 10 are those of the light; the forecast has no gap: on 1 March its 90 days last
until 30 May, and their outcome is known ten days later.
"""

from datetime import date, timedelta
from pathlib import Path

import pytest

import renewing_company
from features import snapshots
from features.errors import DeclarationError
from renewal_cases import Term, company, rows
from renewing_company import GRACE, TARGET, UNTIL

AS_OF = "2023-03-01"
YEAR: Term = ("A", "", "2022-07-01", "2023-07-01")
SOON: Term = ("A", "", "2022-04-01", "2023-04-01")
FORECAST = 90


def ended(term: Term, day: str, known: str = "") -> Term:
    return (*term[:4], day, term[5] if len(term) > 5 else "", known or day)


def forecast(
    folder: Path, *terms: Term, as_of: str = AS_OF, **more: str
) -> tuple[bool, int | None]:
    """Whether the account's contract runs, and the label of its forecast."""
    row = rows(company(folder, terms, **more), as_of)["A", as_of]
    return row["running__churn"], row["label__churn__forecast"]


@pytest.mark.parametrize(
    ("terms", "label"),
    [
        # Left on the first and on the last of the days, and a day later.
        ([ended(YEAR, "2023-03-01")], 1),
        ([ended(YEAR, "2023-05-29")], 1),
        ([ended(YEAR, "2023-05-30")], 0),
        # The light's gap is none of the forecast's.
        ([ended(YEAR, "2023-03-05")], 1),
        # Left before, and nobody knew: there was nothing left to forecast.
        ([ended(YEAR, "2023-02-10", "2023-03-10")], None),
        # Continued within the grace, and a day too late.
        ([ended(SOON, "2023-04-01"), ("A", "", "2023-04-11", "2024-04-11")], 0),
        ([ended(SOON, "2023-04-01"), ("A", "", "2023-04-12", "2024-04-12")], 1),
        # Overdue when the days are over: neither signed nor ended.
        ([SOON], None),
        # Two versions of one term are one: the last says that it ended, and when.
        ([YEAR, (*YEAR, "2023-04-20", "2023-02-01", "2023-04-20")], 1),
    ],
)
def test_the_forecast_asks_who_leaves_within_its_days(
    terms: list[Term], label: int | None, tmp_path: Path
) -> None:
    assert forecast(tmp_path, *terms) == (True, label)


@pytest.mark.parametrize(
    ("as_of", "label"), [("2024-09-22", 0), ("2024-09-23", 0), ("2024-09-24", None)]
)
def test_a_forecast_is_settled_after_its_days_and_the_grace(
    as_of: str, label: int | None, tmp_path: Path
) -> None:
    # Ten days after 22 December is the first of January, the end of the data.
    term: Term = ("A", "", "2022-07-01", "2026-07-01")
    assert forecast(tmp_path, term, as_of=as_of) == (True, label)


def test_other_days_are_declared(tmp_path: Path) -> None:
    term = ended(YEAR, "2023-05-15")
    assert forecast(tmp_path, term, keys='forecast = "60d"') == (True, 0)
    assert forecast(tmp_path, term, keys='forecast = "76d"') == (True, 1)
    with pytest.raises(DeclarationError, match="a forecast of no days"):
        company(tmp_path, [term], keys='forecast = "0d"')


@pytest.mark.parametrize(
    ("terms", "more", "runs"),
    [
        ([YEAR], {}, True),
        # In the gap, pending, without a usable date, beyond `at_most`: no light, a forecast.
        ([("A", "", "2022-03-05", "2023-03-05")], {}, True),
        ([("A", "", "2022-02-25", "2023-02-25")], {}, True),
        ([("A", "", "2022-07-01", "")], {}, True),
        ([YEAR], {"keys": 'at_most = "100d"'}, True),
        # Overdue, leaving, gone: nothing to forecast.
        ([("A", "", "2022-02-01", "2023-02-01")], {}, False),
        ([ended(YEAR, "2023-07-01", "2023-02-10")], {}, False),
        ([ended(YEAR, "2023-01-10")], {}, False),
    ],
)
def test_everybody_with_a_running_contract_has_a_forecast(
    terms: list[Term], more: dict[str, str], runs: bool, tmp_path: Path
) -> None:
    running, label = forecast(tmp_path, *terms, **more)
    assert running == runs
    assert runs or label is None


def test_of_several_contracts_the_account_leaves_with_the_last(tmp_path: Path) -> None:
    one = ended(("A", "seats", "2022-07-01", "2023-07-01"), "2023-04-01")
    other: Term = ("A", "support", "2022-07-01", "2024-07-01")
    keys = {"event": ', contract = "contract"'}
    assert forecast(tmp_path, one, other, **keys) == (True, 0)
    assert forecast(tmp_path, one, ended(other, "2023-05-01"), **keys) == (True, 1)


@pytest.mark.parametrize(
    ("fees", "worth"), [(("10", "5.5"), 15.5), (("10", ""), None), (("0", "5.5"), 5.5)]
)
def test_an_account_is_worth_its_running_contracts(
    fees: tuple[str, str], worth: float | None, tmp_path: Path
) -> None:
    dates, known = ("2022-07-01", "2024-07-01"), ("", "2022-07-01", "")
    terms = [("A", name, *dates, *known, fee) for name, fee in zip("ab", fees, strict=True)]
    # One that is over, and one that is known to be left, are worth nothing any more.
    terms.append(("A", "c", *dates, "2023-01-10", "2022-07-01", "2023-01-10", "100"))
    terms.append(("A", "d", *dates, "2023-07-10", "2022-07-01", "2023-02-10", "100"))
    declared = company(tmp_path, terms, event=', contract = "contract", amount = "fee"')
    assert rows(declared, AS_OF)["A", AS_OF]["amount__churn"] == worth


def test_every_label_of_a_company_is_that_of_a_recount(tmp_path: Path) -> None:
    declared = renewing_company.write(tmp_path)
    days = [date(2023, 2, 1), date(2024, 5, 20), date(2024, 9, 25)]
    own: dict[str, list[tuple[date, date | None]]] = {}
    for line in (tmp_path / "terms.csv").read_text("utf-8").splitlines()[1:]:
        account, start, _, ends, _ = line.split(",")
        over = date.fromisoformat(ends) if ends else None
        own.setdefault(account, []).append((date.fromisoformat(start), over))
    found = snapshots.build(declared, days).table.to_pylist()
    for row in found:
        day, terms = row["as_of"], own[row["account_id"]]
        last = day + timedelta(days=FORECAST)
        runs = any(start < day and (over is None or over >= day) for start, over in terms)
        left = terms[-1][1] is not None and day <= terms[-1][1] < last
        settled = last + timedelta(days=GRACE) <= UNTIL
        expected = int(left) if runs and settled else None
        assert (row[f"running__{TARGET}"], row[f"label__{TARGET}__forecast"]) == (runs, expected)
    assert sum(row[f"label__{TARGET}__forecast"] or 0 for row in found) > 20
