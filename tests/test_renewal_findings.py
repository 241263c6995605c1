"""What `check` says of renewal dates: two readings with their counts, and what is left out."""

from pathlib import Path

from features import contract
from features.errors import Finding
from renewal_cases import Term, company

YEAR: Term = ("A", "", "2022-07-01", "2023-07-01")


def found(name: str, folder: Path, *terms: Term, **more: str) -> Finding | None:
    declared = company(folder, terms, **more)
    return next((one for one in contract.check(declared) if one.name == name), None)


def test_terms_side_by_side_are_refused_until_it_is_said_what_they_are(tmp_path: Path) -> None:
    terms: list[Term] = [
        ("A", "crm", "2022-07-01", "2023-07-01"),
        ("A", "erp", "2022-10-01", "2023-10-01"),
        ("B", "crm", "2022-07-01", "2023-07-01", "2022-10-01", "", "2022-10-01"),
        ("B", "crm", "2022-10-01", "2023-10-01"),
    ]
    refused = found("several_contracts", tmp_path, *terms)
    assert refused is not None
    assert (refused.state, refused.column, refused.rows) == ("error", "renews", 1)
    assert "1 of 5 terms, of 1 accounts, run on beside a later one" in refused.detail
    assert "first in row 1" in refused.detail
    event = ', contract = "contract"'
    assert found("several_contracts", tmp_path, *terms, event=event) is None


def test_a_date_that_was_corrected_runs_beside_nothing(tmp_path: Path) -> None:
    corrected: Term = (*YEAR, "", "2022-09-01")
    terms: list[Term] = [("A", "", "2022-07-01", "2024-07-01"), corrected]
    following: Term = ("A", "", "2023-07-01", "2024-07-01")
    assert found("several_contracts", tmp_path, *terms, following) is None


def test_two_dates_for_one_term_on_one_day_are_refused(tmp_path: Path) -> None:
    terms: list[Term] = [YEAR, ("A", "", "2022-07-01", "2023-12-01")]
    refused = found("two_renewals", tmp_path, *terms)
    assert refused is not None
    assert (refused.state, refused.rows) == ("error", 2)
    assert "as versions of one term they are 1 terms, as products 2" in refused.detail
    moved: Term = (*terms[1], "", "2022-12-01")
    assert found("two_renewals", tmp_path, YEAR, moved) is None


def test_dates_that_are_missing_or_before_their_term_are_told(tmp_path: Path) -> None:
    terms: list[Term] = [YEAR, ("B", "", "2022-07-01", ""), ("C", "", "2022-07-01", "2022-06-01")]
    told = found("no_renewal_date", tmp_path, *terms)
    assert told is not None
    assert (told.state, told.rows) == ("warning", 2)
    assert "(1 empty, 1 not after the term's first day or a placeholder; first in row 2)" in (
        told.detail
    )


def test_who_is_asked_and_who_is_left_out_is_counted_by_reason(tmp_path: Path) -> None:
    terms: list[Term] = [
        YEAR,
        ("B", "", "2022-07-01", "2023-07-01", "2023-07-01", "", "2023-07-01"),
    ]
    told = found("next_decisions", tmp_path, *terms, until="2023-09-20")
    assert told is not None
    # A and B have eleven month starts each before that of their renewal, 1 July 2023, which lies
    # in the gap; on 1 August A is overdue and B is gone. Z left on 1 June 2022: four, and one.
    assert "30 rows of accounts with a contract at 19 mature month starts" in told.detail
    assert "15 left, 0 stayed. Left out: 11 undecided, 3 in the gap, 1 overdue" in told.detail
    assert "for example A on 2022-08-01 (undecided)" in told.detail
    assert (told.state, told.rows) == ("warning", 12)
