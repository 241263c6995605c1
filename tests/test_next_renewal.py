"""The next decision of an account: every awkward renewal date, with days worked out by hand.

Gap 7, at least 30 days, grace 10: on 1 March the window opens on 8 March and lasts at least until
7 April; that of a renewal on 1 July lasts until 11 July, and its outcome is known on 21 July.
"""

from datetime import date
from pathlib import Path

import pytest

from features import sources
from features.assembling import churn_days
from features.audit import outcome_grid
from renewal_cases import Term, company, rows, said

AS_OF = "2023-03-01"
YEAR: Term = ("A", "", "2022-07-01", "2023-07-01")
SIGNED: Term = ("A", "", "2023-07-01", "2024-07-01")


def asked(
    folder: Path, *terms: Term, as_of: str = AS_OF, **more: str
) -> tuple[str, str | None, int | None]:
    return said(rows(company(folder, terms, **more), as_of)["A", as_of])


def ended(term: Term, day: str, known: str = "") -> Term:
    return (*term[:4], day, term[5] if len(term) > 5 else "", known or day)


LEFT, STAYED = ("left", "2023-07-01", 1), ("stayed", "2023-07-01", 0)
UNDECIDED = ("undecided", "2023-07-01", None)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        # Left at the renewal, a fixed 30 days would not have seen it; left on the day before it.
        ([ended(YEAR, "2023-07-01")], LEFT),
        ([ended(YEAR, "2023-06-30")], LEFT),
        # Signed on the day, on the last day of the grace, and a day too late.
        ([ended(YEAR, "2023-07-01"), SIGNED], STAYED),
        ([YEAR, ("A", "", "2023-07-11", "2024-07-01")], STAYED),
        ([YEAR, ("A", "", "2023-07-12", "2024-07-01")], UNDECIDED),
        # Renewed early, also by another length of term.
        ([ended(YEAR, "2023-05-01"), ("A", "", "2023-05-01", "2024-05-01")], STAYED),
        ([ended(YEAR, "2023-05-01"), ("A", "", "2023-05-01", "2023-08-01")], STAYED),
        # The same end written twice is one; a plan that changes before the renewal signs nothing.
        ([YEAR, ("A", "", "2023-05-01", "2023-07-01")], UNDECIDED),
        # Neither signed nor ended; left in the gap, or in the window before the renewal.
        ([YEAR], UNDECIDED),
        ([ended(YEAR, "2023-03-05")], ("left before the window", "2023-07-01", None)),
        ([ended(YEAR, "2023-03-08")], LEFT),
        # Ended on the last day of the window, and a day later: nobody signed by then.
        ([ended(YEAR, "2023-07-10")], LEFT),
        ([ended(YEAR, "2023-07-11")], UNDECIDED),
    ],
)
def test_the_window_ends_with_the_renewal(
    terms: list[Term], expected: tuple[str, str, int | None], tmp_path: Path
) -> None:
    assert asked(tmp_path, *terms) == expected


@pytest.mark.parametrize(
    ("as_of", "outcome"),
    [
        ("2023-06-24", "undecided"),
        ("2023-06-25", "in the gap"),
        ("2023-07-01", "in the gap"),
        ("2023-07-02", "pending"),
        ("2023-07-11", "pending"),
        ("2023-07-12", "overdue"),
        ("2024-03-01", "overdue"),
    ],
)
def test_a_renewal_in_the_past_is_pending_within_the_grace_and_then_overdue(
    as_of: str, outcome: str, tmp_path: Path
) -> None:
    assert asked(tmp_path, YEAR, as_of=as_of)[0] == outcome


@pytest.mark.parametrize("renews", ["", "2022-07-01", "2022-01-05", "2099-12-31"])
def test_a_term_without_a_usable_date_is_not_asked(renews: str, tmp_path: Path) -> None:
    assert asked(tmp_path, ("A", "", "2022-07-01", renews)) == ("no renewal date", None, None)


def test_a_date_that_is_moved_later_does_not_move_the_window(tmp_path: Path) -> None:
    moved: Term = ("A", "", "2022-07-01", "2023-12-01", "", "2023-04-15")
    assert asked(tmp_path, YEAR, moved) == UNDECIDED
    assert asked(tmp_path, YEAR, moved, as_of="2023-05-01")[1] == "2023-12-01"
    assert asked(tmp_path, YEAR, moved, as_of="2023-04-15")[1] == "2023-07-01"
    # Put off, and left at the first date all the same; put off, and signed before that.
    assert asked(tmp_path, YEAR, ended(moved, "2023-07-01")) == LEFT
    assert asked(tmp_path, YEAR, ended(moved, "2023-07-01"), SIGNED) == STAYED


def test_a_term_that_is_signed_before_it_begins_is_next(tmp_path: Path) -> None:
    early: Term = ("A", "", "2023-07-01", "2024-07-01", "", "2023-04-15")
    assert asked(tmp_path, ended(YEAR, "2023-07-01"), early) == STAYED
    # The end of the first term is known in May, and so is what continues it.
    first = ended(YEAR, "2023-07-01", "2023-05-01")
    assert asked(tmp_path, first, early, as_of="2023-06-01")[1] == "2024-07-01"


def test_after_a_known_notice_an_account_is_leaving(tmp_path: Path) -> None:
    term = ended(YEAR, "2023-07-01", "2023-02-10")
    assert asked(tmp_path, term) == ("leaving", None, None)
    assert asked(tmp_path, term, as_of="2023-02-10") == LEFT
    assert asked(tmp_path, term, as_of="2023-08-01")[0] == "no contract"


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        # Decided on 1 June, 30 days before; the window waits for the end on 1 July.
        ("2023-03-01", ("left", "2023-06-01", 1)),
        ("2023-05-25", ("left", "2023-06-01", 1)),
        ("2023-05-26", ("in the gap", "2023-06-01", None)),
        ("2023-06-01", ("in the gap", "2023-06-01", None)),
        ("2023-06-05", ("leaving", None, None)),
    ],
)
def test_a_notice_makes_its_last_day_the_decision(
    as_of: str, expected: tuple[str, str | None, int | None], tmp_path: Path
) -> None:
    term = ended(YEAR, "2023-07-01", "2023-05-28" if as_of > "2023-06-01" else "2023-06-20")
    assert asked(tmp_path, term, as_of=as_of, keys='notice = "30d"') == expected


def test_without_notice_a_contract_renews_itself_and_the_following_renewal_is_next(
    tmp_path: Path,
) -> None:
    keys = 'notice = "30d"'
    assert asked(tmp_path, YEAR, keys=keys) == ("stayed", "2023-06-01", 0)
    assert asked(tmp_path, YEAR, as_of="2023-06-02", keys=keys)[1] == "2024-06-01"
    assert asked(tmp_path, YEAR, as_of="2023-09-01", keys=keys) == ("stayed", "2024-06-01", 0)
    month: Term = ("A", "", "2023-01-31", "2023-02-28")
    # Renewals on 28 February, 31 March, 30 April: a day's notice before each.
    for as_of, decision in (("2023-03-01", "2023-03-30"), ("2023-03-31", "2023-04-29")):
        assert asked(tmp_path, month, as_of=as_of, keys='notice = "1d"')[1] == decision


def test_a_contract_that_renews_itself_may_be_rewritten_with_its_next_date(tmp_path: Path) -> None:
    keys = 'notice = "30d"'
    rewritten: Term = ("A", "", "2022-07-01", "2024-07-01", "", "2023-07-01")
    assert asked(tmp_path, YEAR, rewritten, keys=keys) == ("stayed", "2023-06-01", 0)
    put_off: Term = ("A", "", "2022-07-01", "2023-12-01", "", "2023-05-01")
    assert asked(tmp_path, YEAR, put_off, keys=keys) == ("undecided", "2023-06-01", None)


def test_a_monthly_contract_has_the_least_window_and_an_annual_one_its_own(tmp_path: Path) -> None:
    months: list[Term] = [
        ("A", "", f"2023-0{month}-01", f"2023-0{month + 1}-01") for month in range(1, 6)
    ]
    declared = company(tmp_path, [*months, ("B", *YEAR[1:])], until="2023-07-20")
    found = rows(declared, "2023-03-20")
    # [27 March, 26 April) and 10 days; [27 March, 11 July) and 10 days, one more than there are.
    assert found["A", "2023-03-20"]["settles__churn"] == date(2023, 5, 6)
    assert found["B", "2023-03-20"]["settles__churn"] == date(2023, 7, 21)
    assert said(found["A", "2023-03-20"]) == ("stayed", "2023-04-01", 0)
    assert said(found["B", "2023-03-20"]) == ("not settled yet", "2023-07-01", None)


def test_a_monthly_contract_that_stops_without_an_end_is_undecided(tmp_path: Path) -> None:
    months: list[Term] = [
        ("A", "", f"2023-0{month}-01", f"2023-0{month + 1}-01") for month in (1, 2, 3)
    ]
    # The window ends on 16 April: the term of 1 April is missing, its grace ends on 11 April.
    assert asked(tmp_path, *months, as_of="2023-03-10") == ("undecided", "2023-04-01", None)


def test_a_contract_that_is_overdue_at_the_end_of_its_window_is_undecided(tmp_path: Path) -> None:
    months: list[Term] = [
        ("A", "", f"2023-0{month}-01", f"2023-0{month + 1}-01") for month in (1, 2, 3)
    ]
    # Signed on 1 March; the term that should have followed on 1 April has not by 11 April. The
    # window ends on 29 March, or on 18 April.
    shorter = asked(tmp_path, *months, as_of="2023-02-17", least="33d")
    assert shorter == ("stayed", "2023-03-01", 0)
    longer = asked(tmp_path, *months, as_of="2023-02-17", least="53d")
    assert longer == ("undecided", "2023-03-01", None)


def test_who_left_early_is_not_settled_before_those_who_stay(tmp_path: Path) -> None:
    gone = ("A", "", "2022-07-01", "2023-07-01", "2023-03-20", "", "2023-03-20")
    for until, outcome in (("2023-07-20", "not settled yet"), ("2023-07-21", "left")):
        assert asked(tmp_path, gone, until=until)[0] == outcome


def test_keeping_who_left_early_would_say_that_all_leave(tmp_path: Path) -> None:
    # Of ten annual contracts three are left in April; the others are signed on 1 July.
    gone: list[Term] = [ended((f"A{place}", *YEAR[1:]), "2023-04-01") for place in range(3)]
    stay: list[Term] = [
        (f"A{place}", *term[1:]) for place in range(3, 10) for term in (YEAR, SIGNED)
    ]
    counts = {}
    for until in ("2023-06-01", "2023-07-21"):
        found = rows(company(tmp_path, [*gone, *stay], until=until), AS_OF)
        known = [row["label__churn"] for (name, _), row in found.items() if name != "Z"]
        counts[until] = (known.count(1), known.count(0))
    # On 1 June the tables know three that left and none that stayed.
    assert counts == {"2023-06-01": (0, 0), "2023-07-21": (3, 7)}


def test_a_decision_beyond_at_most_is_not_asked(tmp_path: Path) -> None:
    # 122 days from 1 March to 1 July.
    assert asked(tmp_path, YEAR, SIGNED, keys='at_most = "121d"')[0] == "beyond at_most"
    assert asked(tmp_path, YEAR, SIGNED, keys='at_most = "122d"')[0] == "stayed"


SEVERAL: list[Term] = [
    ("A", "crm", "2022-07-01", "2023-07-01", "2023-07-01", "", "2023-07-01", "10"),
    ("A", "erp", "2022-10-01", "2023-10-01", "", "", "", "90"),
    ("A", "erp", "2023-10-01", "2024-10-01", "", "", "", "90"),
]


def test_of_several_contracts_the_earliest_is_asked_and_the_largest_is_shown(
    tmp_path: Path,
) -> None:
    event = ', contract = "contract", amount = "fee"'
    declared = company(tmp_path, SEVERAL, event=event)
    found = rows(declared, AS_OF, "2023-06-28", "2023-08-01")
    # It leaves the smaller product while the larger one runs on.
    assert said(found["A", AS_OF]) == LEFT
    assert found["A", AS_OF]["decision_by_amount__churn"] == date(2023, 10, 1)
    assert said(found["A", "2023-06-28"])[0] == "in the gap"
    assert said(found["A", "2023-08-01"]) == ("stayed", "2023-10-01", 0)


def test_who_has_no_contract_that_runs_is_not_asked(tmp_path: Path) -> None:
    later: Term = ("A", "", "2023-04-01", "2024-04-01", "", "2023-02-01")
    assert asked(tmp_path, later)[::2] == ("no contract", None)
    assert asked(tmp_path, ended(YEAR, "2023-01-01"))[0] == "no contract"


def test_only_who_is_asked_is_eligible(tmp_path: Path) -> None:
    found = rows(company(tmp_path, [YEAR, SIGNED]), AS_OF, "2023-06-28")
    assert [row["eligible__churn"] for key, row in found.items() if key[0] == "A"] == [True, False]
    assert found["A", AS_OF]["state__churn"] == "asked"
    assert found["A", "2023-06-28"]["state__churn"] == "in the gap"


def churned(folder: Path, *terms: Term, **more: str) -> list[tuple[str, str]]:
    with sources.open_tables(company(folder, terms, **more)) as tables:
        found = churn_days.of_churn(tables, "churn").to_pylist()
    return [(row["account_id"], str(row["day"])) for row in found if row["account_id"] != "Z"]


def test_an_account_churns_when_no_term_of_any_contract_continues_it(tmp_path: Path) -> None:
    event = ', contract = "contract"'
    crm: Term = ("A", "crm", "2022-07-01", "2023-07-01", "2023-07-01", "", "2023-07-01")
    erp: Term = ("A", "erp", "2022-07-01", "2023-07-01", "2023-10-01", "", "2023-10-01")
    assert churned(tmp_path, crm, erp, event=event) == [("A", "2023-10-01")]
    # Ten days of grace continue it, and what is written last of a term counts.
    late: Term = ("A", "", "2023-07-11", "2024-07-01")
    assert churned(tmp_path, ended(YEAR, "2023-07-01"), late) == []
    undone: Term = (*YEAR, "", "2023-08-01")
    assert churned(tmp_path, ended(YEAR, "2023-07-01"), undone) == []
    assert churned(tmp_path, YEAR, ended((*YEAR, "", "2023-08-01"), "2023-09-01")) == [
        ("A", "2023-09-01")
    ]


def test_the_leak_audit_holds_columns_against_nobody_who_is_undecided(tmp_path: Path) -> None:
    terms: list[Term] = [
        YEAR,
        ("B", *ended(YEAR, "2023-07-01")[1:]),
        ("C", *YEAR[1:]),
        ("C", *SIGNED[1:]),
        # Left early, in a window that is not over by the end of the tables.
        ("D", "", "2022-12-01", "2023-12-01", "2023-05-01", "", "2023-05-01"),
    ]
    with sources.open_tables(company(tmp_path, terms, until="2023-08-01")) as tables:
        (grid,) = outcome_grid.outcome_grids(tables)
    march = grid.months.index(date(2023, 3, 1))
    found = dict(zip(grid.accounts.tolist(), grid.outcome[march].tolist(), strict=True))
    out, gone, stayed = outcome_grid.OUT, outcome_grid.GONE, outcome_grid.STAYED
    assert [found[name] for name in "ABCD"] == [out, gone, stayed, out]
