"""Who may be asked about and what became of them, where it reached us later than it happened."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import contract, snapshots, sources
from features.assembling import source_sql
from features.clock import is_mature, settled
from features.declaring.declaration import parse
from features.errors import DeclarationError
from sane_company import DECLARATION, sane, write

AS_OF = date(2024, 1, 1)
UNTIL = date(2024, 7, 1)

HEAD = """
[company]
name = "Outcomes"
data_until = 2024-07-01
[accounts]
source = "accounts"
key = "key"
attributes = { since = "since" }
[sources.accounts]
path = "accounts.parquet"
[sources.visits]
path = "visits.parquet"
account = "key"
event_time = "at"
known_time = "known"
[sources.ends]
path = "ends.parquet"
account = "key"
event_time = "at"
known_time = "known"
[indicators.visits]
title = "Visits"
dimension = "business"
kind = "context"
source = "visits"
measure = "count"
windows = ["all"]
says = "b"
says_good = "g"
[targets.churn]
gap = "7d"
horizon = "30d"
"""
Fact = tuple[str, date, date | None]


def _write(folder: Path, name: str, facts: list[Fact]) -> None:
    columns = {
        "key": pa.array([fact[0] for fact in facts], pa.string()),
        "at": pa.array([fact[1] for fact in facts], pa.date32()),
        "known": pa.array([fact[2] for fact in facts], pa.date32()),
    }
    pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def outcomes(
    folder: Path, target: str, ends: list[Fact], visits: list[Fact] | None = None
) -> dict[str, tuple[bool, int | None]]:
    """(eligible, label) of each account on `AS_OF`; by default all of them visit all the time."""
    names = sorted({fact[0] for fact in ends} | {"stays"})
    since = [date(2023, 1, 1)] * len(names)
    pq.write_table(pa.table({"key": names, "since": since}), folder / "accounts.parquet")
    weekly = [date(2023, 1, 2) + timedelta(weeks=number) for number in range(78)]
    _write(folder, "visits", visits or [(name, day, day) for name in names for day in weekly])
    _write(folder, "ends", ends)
    table = snapshots.build(parse(HEAD + target, folder), [AS_OF]).table
    flags = zip(table["eligible__churn"], table["label__churn"], strict=True)
    found = [(eligible.as_py(), label.as_py()) for eligible, label in flags]
    return dict(zip(table["account_id"].to_pylist(), found, strict=True))


def day(shift: int) -> date:
    return AS_OF + timedelta(days=shift)


EVENT = 'event = { source = "ends" }\nactive_within = "60d"\n'


def test_an_adverse_event_ends_eligibility_when_it_is_known(tmp_path: Path) -> None:
    found = outcomes(
        tmp_path,
        EVENT,
        [
            ("known", day(-2), day(-1)),
            ("late", day(-2), day(3)),
            ("gap", day(6), day(6)),
            ("first day", day(7), day(7)),
            ("last day", day(36), day(36)),
            ("after", day(37), day(37)),
        ],
    )
    assert found == {
        "known": (False, None),
        "late": (True, None),
        "gap": (True, None),
        "first day": (True, 1),
        "last day": (True, 1),
        "after": (True, 0),
        "stays": (True, 0),
    }


def test_what_is_not_adverse_may_happen_again(tmp_path: Path) -> None:
    ends: list[Fact] = [("again", day(-2), day(-1)), ("again", day(8), day(8))]
    found = outcomes(tmp_path, f"{EVENT}adverse = false\n", ends)
    assert found == {"again": (True, 1), "stays": (True, 0)}


def test_the_event_itself_makes_nobody_active_unless_it_is_asked_to(tmp_path: Path) -> None:
    ends: list[Fact] = [("silent", day(-2), day(-2))]
    visits: list[Fact] = [("stays", day(-9), day(-9)), ("silent", day(-61), day(-61))]
    upgrade = f"{EVENT}adverse = false\n"
    assert outcomes(tmp_path, upgrade, ends, visits)["silent"] == (False, None)
    own = f'{upgrade}active = "ends"\n'
    assert outcomes(tmp_path, own, ends, visits)["silent"] == (True, 0)
    assert outcomes(tmp_path, own, ends, visits)["stays"] == (False, None)


TERM = 'event = { source = "visits", ended = "ended"%s, grace = "5d" }\n'


def ended(folder: Path, known: str) -> dict[str, tuple[bool, int | None]]:
    """Subscriptions since 2023 that ended at -2, -2, -20 and +10, known at +3, -1, never, +12."""
    ends = {"late": (-2, 3), "told": (-2, -1), "never": (-20, None), "leaves": (10, 12)}
    outcomes(folder, EVENT, [(name, day(-200), day(-200)) for name in ends])
    subscriptions = {
        "key": list(ends),
        "at": [date(2023, 2, 1)] * 4,
        "known": [date(2023, 2, 1)] * 4,
        "ended": [day(end) for end, _ in ends.values()],
        "noted": [None if noted is None else day(noted) for _, noted in ends.values()],
    }
    pq.write_table(pa.table(subscriptions), folder / "visits.parquet")
    table = snapshots.build(parse(HEAD + TERM % known, folder), [AS_OF]).table
    flags = zip(table["eligible__churn"], table["label__churn"], strict=True)
    found = [(eligible.as_py(), label.as_py()) for eligible, label in flags]
    return dict(zip(table["account_id"].to_pylist(), found, strict=True))


def test_a_subscription_runs_until_its_end_is_known(tmp_path: Path) -> None:
    gone, left = (False, None), (True, 1)
    by_column = ended(tmp_path, ', ended_known = "noted"')
    assert by_column == {"late": (True, None), "told": gone, "never": gone, "leaves": left} | {
        "stays": gone
    }
    at_once = ended(tmp_path, "")
    assert at_once == {"late": gone, "told": gone, "never": gone, "leaves": left, "stays": gone}
    delayed = ended(tmp_path, ', ended_known = { delay = "2d" }')
    assert delayed["late"] == delayed["told"] == (True, None)
    assert delayed["never"] == gone


@pytest.mark.parametrize(
    ("old", "new", "days"),
    [
        ('event_time = "started"', 'event_time = "started"\nknown_time = { delay = "14d" }', 14),
        ('ended = "ended"', 'ended = "ended", ended_known = { delay = "9d" }', 9),
        ('gap = "14d"', 'gap = "14d"\nreporting_delay = "3d"', 3),
        ('gap = "14d"', 'gap = "14d"', 0),
    ],
)
def test_a_label_waits_for_what_is_reported_late(old: str, new: str, days: int) -> None:
    target = parse(DECLARATION.replace(old, new, 1)).targets["churn"]
    assert target.reporting_delay == days
    assert settled(AS_OF, target) == AS_OF + timedelta(days=14 + 60 + 14 + days)
    assert is_mature(UNTIL - timedelta(days=88 + days), target, UNTIL)
    assert not is_mature(UNTIL - timedelta(days=87 + days), target, UNTIL)


def test_a_declared_delay_is_never_shorter_than_that_of_the_source() -> None:
    text = DECLARATION.replace('gap = "14d"', 'gap = "14d"\nreporting_delay = "3d"')
    late = 'event_time = "started"\nknown_time = { delay = "14d" }'
    target = parse(text.replace('event_time = "started"', late)).targets["churn"]
    assert target.reporting_delay == 14


MISPLACED = [
    ('ended = "ended"', 'ended_known = "ended"', "ended_known without ended"),
    ('gap = "14d"', 'gap = "14d"\nactive = "logins"', "active is for dated events"),
    ('gap = "14d"', 'gap = "14d"\nactive = "login"', "did you mean 'logins'"),
]


@pytest.mark.parametrize(("old", "new", "told"), MISPLACED)
def test_what_does_not_belong_to_a_target_is_refused(old: str, new: str, told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        parse(DECLARATION.replace(old, new, 1))


def test_months_start_where_the_last_source_begins(tmp_path: Path) -> None:
    tables = sane()
    tables["tickets"] = [row for row in tables["tickets"] if row["opened"] >= date(2023, 5, 3)]
    text = DECLARATION.replace("data_from = 2023-01-02\n", "")
    with contract.sound_tables(parse(text, write(tmp_path, tables, text))) as found:
        assert snapshots.data_from(found) == date(2023, 5, 3)
        assert snapshots.mature_month_starts(found, "churn")[0] == date(2023, 6, 1)
    declared = parse(DECLARATION, tmp_path)
    with contract.sound_tables(declared) as found:
        assert snapshots.mature_month_starts(found, "churn")[0] == date(2023, 2, 1)


def test_what_was_written_down_before_it_happened_moves_no_maturity(tmp_path: Path) -> None:
    tables = sane()
    tables["logins"][0]["at"] = tables["logins"][0]["at"].replace(year=2031)
    text = DECLARATION.replace("data_until = 2024-07-01\n", "")
    with contract.sound_tables(parse(text, write(tmp_path, tables, text))) as found:
        assert snapshots.data_until(found) <= date(2024, 7, 1)


def test_what_was_never_recorded_or_before_sign_up_is_no_fact(tmp_path: Path) -> None:
    tables = sane()
    text = DECLARATION.replace("tolerate = 0.0\n", "")
    text = text.replace("event_time = ", "tolerate = 0.1\nevent_time = ")
    write(tmp_path, tables, text)
    before = snapshots.build(parse(text, tmp_path), [AS_OF]).table["logins__90d"].to_pylist()
    late = [row for row in tables["logins"] if row["at"].date() >= date(2023, 12, 25)]
    for row in [row for row in late if row["at"].date() < AS_OF][:7]:
        row["recorded"] = None
    write(tmp_path, tables, text)
    after = snapshots.build(parse(text, tmp_path), [AS_OF]).table["logins__90d"].to_pylist()
    assert sum(before) - sum(after) == 7
    tables["accounts"][-1]["signed_up"] = AS_OF - timedelta(days=1)
    write(tmp_path, tables, text)
    again = snapshots.build(parse(text, tmp_path), [AS_OF]).table["logins__90d"].to_pylist()
    assert again[-1] <= 1 < after[-1]


def test_a_contract_older_than_its_account_counts_from_the_first_day(tmp_path: Path) -> None:
    """Its account is eligible, and churns when it ends; what was over by then never counts."""
    tables = sane()
    key = tables["subscriptions"][0]["account_id"]
    others = [row for row in tables["subscriptions"] if row["account_id"] != key]
    since = next(row for row in tables["accounts"] if row["account_id"] == key)["signed_up"]
    over = {"account_id": key, "started": since - timedelta(60), "ended": since - timedelta(9)}
    runs = {"account_id": key, "started": since - timedelta(60), "ended": None}
    text = DECLARATION.replace('event_time = "started"', 'event_time = "started"\ntolerate = 0.1')
    labels = {}
    for name, row in (("over", over), ("runs", runs), ("ends", runs | {"ended": AS_OF})):
        tables["subscriptions"] = [row, *others]
        company = parse(text, write(tmp_path, tables, text))
        rows = snapshots.build(company, [AS_OF - timedelta(30)]).table
        found = dict(
            zip(rows["account_id"].to_pylist(), rows["label__churn"].to_pylist(), strict=True)
        )
        labels[name] = found.get(key)
    assert labels == {"over": None, "runs": False, "ends": True}


@pytest.mark.parametrize("is_derived", [False, True])
def test_account_facts_say_since_when(is_derived: bool, tmp_path: Path) -> None:
    text = DECLARATION
    if is_derived:
        start, end = text.index("[accounts]"), text.index("[sources.accounts]")
        derived = '[accounts]\nsource = "logins"\nkey = "account_id"\nderived = true\n\n'
        text = text[:start] + derived + text[end:]
        text = text.replace('account = { system = "helpdesk", column = "org" }', 'account = "org"')
        text = text.replace('event_time = "opened"', 'event_time = "opened"\ntolerate = 1.0')
    with sources.open_tables(parse(text, write(tmp_path, sane(), text))) as tables:
        found = tables.engine.rows(source_sql.account_facts(tables)).to_pylist()
    wanted = [row["signed_up"] for row in sane()["accounts"]]
    assert [row["since"] for row in found] == wanted
    assert list(found[0]) == ["account_id", *source_sql.ACCOUNT_FACTS]
