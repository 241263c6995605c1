"""The small sane company with one defect each, on disk.

Design rule: a defect is one change of the rows, the declaration or the files, next to the finding
that it has to give; everything else about the company stays sane, so whatever else is found is a
false alarm.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sane_company import ACCOUNTS, DECLARATION, LEAVERS, Tables, sane, write


@dataclass(frozen=True)
class Defect:
    """One change of the sane company, and the finding that says so.

    `text` replaces its first by its second part in the declaration; `also` are the checks that
    may rightly speak up too.
    """

    finding: str
    table: str
    column: str | None = None
    rows: int | None = None
    state: str = "error"
    fix: str = ""
    detail: str = ""
    change: Callable[[Tables], object] = len
    text: tuple[tuple[str, str], ...] = ()
    files: Callable[[Path], object] = Path.exists
    also: frozenset[str] = field(default_factory=frozenset)


def build(folder: Path, defect: Defect) -> Path:
    """Writes the sane company with one defect into `folder`."""
    tables, text = sane(), DECLARATION
    defect.change(tables)
    for old, new in defect.text:
        assert old in text, f"the sane declaration does not say {old!r}"
        text = text.replace(old, new, 1)
    write(folder, tables, text)
    defect.files(folder)
    return folder


def _set(table: str, column: str, value: Any, count: int = 1) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for row in tables[table][:count]:
            row[column] = value

    return change


def _repeat(table: str, count: int) -> Callable[[Tables], None]:
    return lambda tables: tables[table].extend(dict(row) for row in tables[table][:count])


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _keep_leavers(count: int) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for row in tables["subscriptions"][count:]:
            row["ended"] = None

    return change


def _leave_late(tables: Tables) -> None:
    for row in tables["subscriptions"][:LEAVERS]:
        row["ended"] = date(2023, 12, 20) + (row["ended"] - date(2023, 3, 1)) * 0.35


def _end_tickets(tables: Tables) -> None:
    tables["tickets"] = [row for row in tables["tickets"] if row["opened"] < date(2024, 6, 1)]


def _note_no_end(folder: Path) -> None:
    path = folder / "subscriptions.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows.append_column("noted", pa.nulls(rows.num_rows, pa.date32())), path)


def _all_leave(tables: Tables) -> None:
    for row in tables["subscriptions"]:
        row["ended"] = date(2023, 3, 20)


def _come_again(tables: Tables) -> None:
    """Five logins are corrected a week later."""
    for row in tables["logins"][:5]:
        later = (row["at"] + timedelta(days=7)).isoformat()
        tables["logins"].append(row | {"recorded": later, "minutes": row["minutes"] + 1})


def _load(until: date, recorded: str) -> Callable[[Tables], None]:
    """The logins before a day are loaded on another one."""

    def change(tables: Tables) -> None:
        for row in tables["logins"]:
            if row["at"].date() < until:
                row["recorded"] = recorded

    return change


def _go_on(tables: Tables) -> None:
    """Ten accounts that left have three logins each, weeks after their end."""
    for row in tables["subscriptions"][:10]:
        last = datetime.combine(row["ended"], time(10))
        for days in (40, 41, 42):
            moment = last + timedelta(days=days)
            again = {"account_id": row["account_id"], "at": moment, "recorded": moment.isoformat()}
            tables["logins"].append(again | {"minutes": 1.0, "device": "desk", "is_admin": False})


def _strange_parents(folder: Path) -> None:
    path = folder / "accounts.parquet"
    rows = pq.read_table(path)
    parents = ["a00", "nobody", *[None] * (rows.num_rows - 2)]
    pq.write_table(rows.append_column("parent", pa.array(parents)), path)


def _without_pro(since: date) -> Callable[[Tables], None]:
    """No tickets of accounts with the plan pro from a day on."""

    def change(tables: Tables) -> None:
        tables["tickets"] = [
            row for row in tables["tickets"] if row["org"] % 2 == 0 or row["opened"] < since
        ]

    return change


def _from(since: date, column: str, value: Callable[[Any], Any]) -> Callable[[Tables], None]:
    """Another value of a column of logins from a day on."""

    def change(tables: Tables) -> None:
        for row in tables["logins"]:
            if row["at"].date() >= since:
                row[column] = value(row[column])

    return change


def _coded(tables: Tables) -> None:
    """Devices are numbers up to a day, and words from then on."""
    for row in tables["logins"]:
        if row["at"].date() < date(2023, 12, 1):
            row["device"] = str(len(row["device"]))


ALL_TICKETS = len(sane()["tickets"])
LOADED = sum(row["at"].date() < date(2023, 5, 1) for row in sane()["logins"])
PRO = sum(number % 2 for number in range(LEAVERS, ACCOUNTS))
READS_DEVICE = (("minutes >= 0", "minutes >= 0 AND device <> '?'"),)
BEFORE = datetime(2022, 12, 30, 10)  # noqa: DTZ001 (naive on purpose)
AFTER = datetime(2024, 7, 3, 10)  # noqa: DTZ001 (naive on purpose)
OTHER_INDICATOR = (
    "[playbooks.call]",
    """[indicators.other]
title = "Other"
dimension = "business"
kind = "leading"
source = "tickets"
where = "hours < 0"
value = "hours"
measure = "{measure}"
windows = ["90d"]
healthy = "higher"
says = "{{value}}"
playbook = "call"

[playbooks.call]""",
)


def _other(measure: str) -> tuple[tuple[str, str], ...]:
    return ((OTHER_INDICATOR[0], OTHER_INDICATOR[1].format(measure=measure)),)


TABLES = [
    Defect(
        "missing_file",
        "logins",
        fix="did you mean 'logins.parquet'?",
        detail="login.parquet: no such file",
        text=(('path = "logins.parquet"', 'path = "login.parquet"'),),
    ),
    Defect(
        "missing_file",
        "logins",
        detail="*.csv",
        text=(('path = "logins.parquet"', 'path = "events*.csv"'),),
    ),
    Defect(
        "unsupported_file",
        "logins",
        fix="convert",
        detail="logins.feather",
        text=(('path = "logins.parquet"', 'path = "logins.feather"'),),
    ),
    Defect(
        "unreadable",
        "logins",
        detail="logins.parquet cannot be read",
        fix="repair the file",
        files=lambda folder: _truncate(folder / "logins.parquet"),
    ),
    Defect(
        "empty_table",
        "tickets",
        rows=0,
        detail="tickets.parquet has no rows",
        fix="export it again",
        change=lambda tables: tables["tickets"].clear(),
    ),
    Defect(
        "missing_column",
        "logins",
        "acount_id",
        detail="sources.logins.account",
        fix="did you mean 'account_id'?",
        text=(
            ('"logins.parquet"\naccount = "account_id"', '"logins.parquet"\naccount = "acount_id"'),
        ),
    ),
    Defect(
        "missing_column",
        "accounts",
        "Signed_Up",
        detail="accounts.attributes.since",
        fix="did you mean 'signed_up'?",
        text=(('since = "signed_up"', 'since = "Signed_Up"'),),
    ),
    Defect(
        "missing_column",
        "accounts",
        "org",
        detail="accounts.crosswalk.helpdesk",
        fix="did you mean 'helpdesk_org'?",
        text=(('helpdesk = "helpdesk_org"', 'helpdesk = "org"'),),
    ),
    Defect(
        "missing_column",
        "subscriptions",
        "end",
        detail="targets.churn.event.ended",
        fix="did you mean 'ended'?",
        text=(('ended = "ended"', 'ended = "end"'),),
    ),
    Defect(
        "not_a_time",
        "logins",
        "device",
        detail="holds text",
        fix="2026-06-30",
        text=(('column = "at"', 'column = "device"'),),
    ),
    Defect(
        "not_a_time",
        "accounts",
        "name",
        detail="accounts.attributes.since",
        text=(('since = "signed_up"', 'since = "name"'),),
    ),
    Defect(
        "not_a_key",
        "logins",
        "is_admin",
        detail="holds true/false",
        fix="write keys as text",
        text=(
            ('"logins.parquet"\naccount = "account_id"', '"logins.parquet"\naccount = "is_admin"'),
        ),
    ),
    Defect(
        "not_a_number",
        "accounts",
        "plan",
        detail="accounts.attributes.mrr",
        fix="plain numbers",
        text=(('mrr = "mrr"', 'mrr = "plan"'),),
    ),
    Defect(
        "naive_time",
        "logins",
        "at",
        detail="without a zone",
        fix='sources.logins.event_time = { column = "at", zone = "Europe/Berlin" }',
        text=((', zone = "Europe/Berlin"', ""),),
    ),
    Defect(
        "unknown_zone",
        "logins",
        "at",
        detail="'Europe/Berlim'",
        fix="Europe/Berlin",
        text=(("Europe/Berlin", "Europe/Berlim"),),
    ),
    Defect(
        "ends_before_start",
        "subscriptions",
        "ended",
        2,
        fix="to leave a share out as void: sources.subscriptions.tolerate",
        detail="2 of 90 subscriptions end before they start, first in row 1 (2023-01-02 to "
        "2022-01-01). Left out as void, they are nobody's; read as still running, 2 accounts more",
        change=_set("subscriptions", "ended", date(2022, 1, 1), 2),
    ),
    Defect(
        "null_account_key",
        "accounts",
        "account_id",
        2,
        fix="give each account its key",
        change=_set("accounts", "account_id", None, 2),
        also=frozenset({"unknown_account"}),
    ),
    Defect(
        "duplicate_account_key",
        "accounts",
        "account_id",
        6,
        detail="'a00', 'a01', 'a02'",
        fix="one row per account",
        change=_repeat("accounts", 3),
        also=frozenset({"duplicate_crosswalk_key"}),
    ),
    Defect(
        "duplicate_crosswalk_key",
        "accounts",
        "helpdesk_org",
        2,
        detail="such as '1001'",
        fix="one row per account",
        change=_set("accounts", "helpdesk_org", 1001),
        also=frozenset({"unknown_account"}),
    ),
    Defect(
        "unknown_account",
        "logins",
        "account_id",
        3,
        detail="such as 'zz'",
        fix="sources.logins.tolerate",
        change=_set("logins", "account_id", "zz", 3),
    ),
    Defect(
        "unknown_account",
        "tickets",
        "org",
        4,
        detail="such as '7'",
        fix="sources.tickets.tolerate",
        change=_set("tickets", "org", 7, 4),
    ),
    Defect(
        "null_key",
        "logins",
        "account_id",
        2,
        fix="fill in the key",
        change=_set("logins", "account_id", None, 2),
    ),
    Defect(
        "null_event_time",
        "logins",
        "at",
        5,
        fix="fill in the time",
        change=_set("logins", "at", None, 5),
    ),
    Defect(
        "placeholder_time",
        "tickets",
        "opened",
        2,
        fix="leave such times empty",
        change=_set("tickets", "opened", date(9999, 12, 31), 2),
        also=frozenset({"after_data_until"}),
    ),
    Defect(
        "null_event_time",
        "tickets",
        "opened",
        ALL_TICKETS,
        detail="100.0%",
        change=_set("tickets", "opened", None, ALL_TICKETS),
        text=(('event_time = "opened"', 'event_time = "opened"\ntolerate = 1.0'),),
    ),
    Defect(
        "null_known_time",
        "logins",
        "recorded",
        3,
        fix="sources.logins.tolerate",
        change=_set("logins", "recorded", None, 3),
    ),
    Defect(
        "before_sign_up",
        "logins",
        "at",
        1,
        detail="before their account's first day",
        fix="fix the time",
        change=_set("logins", "at", BEFORE),
    ),
]

TRAINING = [
    Defect(
        "no_mature_month",
        "subscriptions",
        detail="88 days (until its outcome is settled)",
        fix="targets.churn.horizon",
        text=(("data_until = 2024-07-01", "data_until = 2023-04-20"),),
        also=frozenset({"after_data_until", "constant", "all_null"}),
    ),
    Defect(
        "one_class",
        "subscriptions",
        rows=0,
        detail="0 different accounts churned",
        fix="longer history",
        change=_keep_leavers(0),
        also=frozenset({"drift", "source_ends_early", "months_without_outcome"}),
    ),
    Defect(
        "one_class",
        "subscriptions",
        rows=0,
        detail="0 different accounts stayed",
        change=_all_leave,
        also=frozenset({"after_the_end", "source_ends_early", "months_without_outcome"}),
    ),
    Defect(
        "too_few_churners",
        "subscriptions",
        rows=12,
        detail="12 different accounts churned at 15 mature month starts, 30 are needed",
        fix="more accounts",
        change=_keep_leavers(12),
        also=frozenset({"source_ends_early", "months_without_outcome"}),
    ),
]

WARNINGS = [
    Defect(
        "unknown_account",
        "logins",
        "account_id",
        3,
        "warning",
        change=_set("logins", "account_id", "zz", 3),
        text=(("tolerate = 0.0", "tolerate = 0.01"),),
    ),
    Defect(
        "null_since",
        "accounts",
        "signed_up",
        2,
        "warning",
        "sign-up",
        change=_set("accounts", "signed_up", None, 2),
    ),
    Defect(
        "known_before_event",
        "logins",
        "recorded",
        3,
        "warning",
        change=_set("logins", "recorded", "2022-01-01T00:00:00", 3),
    ),
    Defect(
        "null_known_time",
        "logins",
        "recorded",
        3,
        "warning",
        detail="left out",
        change=_set("logins", "recorded", None, 3),
        text=(("tolerate = 0.0", "tolerate = 0.01"),),
    ),
    Defect(
        "null_ended_known",
        "subscriptions",
        "noted",
        LEAVERS,
        "warning",
        text=(('ended = "ended"', 'ended = "ended", ended_known = "noted"'),),
        files=_note_no_end,
    ),
    Defect(
        "source_ends_early",
        "tickets",
        state="warning",
        fix="update it to 2024-07-01",
        detail="ends on 2024-05-31, 31 days before",
        change=_end_tickets,
    ),
    Defect(
        "months_without_outcome",
        "subscriptions",
        state="warning",
        fix="set company.data_from",
        detail="at 9 of 15 mature month starts, 2023-02 to 2023-10",
        change=_leave_late,
    ),
    Defect(
        "after_data_until",
        "logins",
        "at",
        2,
        "warning",
        "move data_until",
        "not used yet",
        change=_set("logins", "at", AFTER, 2),
        also=frozenset({"known_before_event"}),
    ),
    Defect(
        "placeholder_end",
        "subscriptions",
        "ended",
        3,
        "warning",
        fix="leave ended empty",
        detail="3 of 90 ends are placeholders, read as no end: 1970-01-01 in 3 rows; first in "
        "row 1",
        change=_set("subscriptions", "ended", date(1970, 1, 1), 3),
    ),
    Defect("duplicate_rows", "logins", None, 7, "warning", change=_repeat("logins", 7)),
    Defect(
        "all_null",
        "tickets",
        "other__90d",
        90,
        "warning",
        "widen its windows",
        "indicators.other",
        text=_other("mean"),
    ),
    Defect(
        "rewritten",
        "logins",
        "recorded",
        5,
        "warning",
        "keep one row per fact",
        "both versions count",
        change=_come_again,
    ),
    Defect(
        "late_load",
        "logins",
        "recorded",
        LOADED,
        "warning",
        "set company.data_from to 2023-12-15",
        "became known on one day, 2023-12-15",
        change=_load(date(2023, 5, 1), "2023-12-15T01:00:00"),
        also=frozenset({"drift"}),
    ),
    Defect(
        "after_the_end",
        "logins",
        None,
        30,
        "warning",
        "fix the ends",
        "10 of 45 accounts that left",
        change=_go_on,
    ),
    Defect(
        "unknown_parent",
        "accounts",
        "parent",
        1,
        "warning",
        "add the parents",
        text=(('mrr = "mrr"', 'mrr = "mrr", parent = "parent"'),),
        files=_strange_parents,
    ),
    Defect(
        "segment_left_out",
        "tickets",
        None,
        PRO,
        "warning",
        "its accounts look silent",
        "no account of segment 'pro'",
        change=_without_pro(date(2023, 1, 1)),
    ),
    Defect(
        "segment_ends_early",
        "tickets",
        None,
        None,
        "warning",
        "add the rows of 'pro' up to",
        "end on 2024-02",
        change=_without_pro(date(2024, 3, 1)),
    ),
    Defect(
        "unit_change",
        "logins",
        "minutes",
        None,
        "warning",
        "to one unit",
        "from 2024-01 on",
        change=_from(date(2024, 1, 1), "minutes", lambda minutes: 60 * minutes),
        also=frozenset({"drift"}),
    ),
    Defect(
        "type_change",
        "logins",
        "device",
        None,
        "warning",
        "in one type",
        "from 2023-12 on",
        change=_coded,
        text=READS_DEVICE,
    ),
    Defect(
        "renamed_values",
        "logins",
        "device",
        None,
        "warning",
        "use the same word",
        "'DESK', 'PHONE' instead of 'desk', 'phone'",
        change=_from(date(2024, 1, 1), "device", str.upper),
        text=READS_DEVICE,
    ),
    Defect(
        "drift",
        "logins",
        "minutes__90d",
        None,
        "warning",
        "train on later as-of dates",
        "since 2023-07-03",
        change=_from(date(2024, 1, 1), "minutes", lambda _: 45.0),
    ),
    Defect(
        "no_playbook",
        "churnlight.toml",
        "indicators.logins",
        None,
        "warning",
        'playbook = "…" in [indicators.logins]',
        text=(('playbook = "call"', ""),),
    ),
]

REST = '[playbooks.rest]\ntitle = "R"\nowner = "o"\nsteps = [{ do = "x" }]\n\n'
ADVICE = [
    Defect(
        "constant",
        "tickets",
        "other__90d",
        90,
        "advice",
        "measure something that differs",
        "indicators.other is 0.0 for all",
        text=_other("count"),
    ),
    Defect(
        "nothing_adverse",
        "churnlight.toml",
        "targets",
        state="advice",
        fix="declare an adverse target",
        text=(("[targets.churn]", "[targets.churn]\nadverse = false"),),
        also=frozenset({"no_playbook"}),
    ),
    Defect(
        "unused_playbook",
        "churnlight.toml",
        "playbooks.rest",
        state="advice",
        text=(
            (
                "[playbooks.call]",
                REST + "[playbooks.call]",
            ),
        ),
    ),
    Defect(
        "unused_system",
        "churnlight.toml",
        "accounts.crosswalk.crm",
        state="advice",
        fix='system = "crm"',
        text=(('helpdesk = "helpdesk_org"', 'helpdesk = "helpdesk_org", crm = "name"'),),
    ),
    Defect(
        "unused_source",
        "churnlight.toml",
        "sources.more",
        state="advice",
        text=(
            ("[sources.tickets]", '[sources.more]\npath = "tickets.parquet"\n\n[sources.tickets]'),
        ),
    ),
]
