"""Columns that hold what is true today, without a past: `last_login`, `total_orders`.

Nobody can tell what they said on an earlier day, so that no feature may be made of them: the
last login of a customer that left is a leak of the leaving. They count from the day on which they
are first collected.
"""

from features.drafting.tables.profiles import ColumnProfile, TableProfile
from features.drafting.words import KNOWN, OF_TODAY, is_contract


def columns_of_today(table: TableProfile) -> list[ColumnProfile]:
    """The columns that say by their names that they are overwritten."""
    return [
        column
        for column in table.columns
        if column.filled and (column.words & OF_TODAY or {"days", "since"} <= column.words)
        if not column.is_key_like
    ]


def is_snapshot(table: TableProfile, account: str) -> bool:
    """Whether a table has one row per account, in the state of today.

    Contracts have their own days, whatever else their rows say of today, and an export's recipe
    knows them.
    """
    of_today = columns_of_today(table)
    is_known = table.export is not None or is_contract(table.name)
    if is_known or not of_today or not table.column(account).is_unique:
        return False
    dated = [
        column
        for column in table.times
        if column not in of_today and not column.words & KNOWN and column.distinct > 1
    ]
    return not dated or len(of_today) > 1


def told(table: TableProfile) -> str:
    """What the draft says of such columns."""
    names = ", ".join(column.name for column in columns_of_today(table))
    return (
        f"{names}: as of today, without a past, so that no feature is made of it; "
        f"collect it every day from now on: churnlight collect {table.path} --company FOLDER"
    )
