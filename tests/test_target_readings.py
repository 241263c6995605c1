"""What `check` says of a target's outcomes beside what other readings of it would give."""

from datetime import timedelta
from pathlib import Path

from features import contract
from features.declaring.declaration import parse
from sane_company import DECLARATION, LEAVERS, sane, write

DAYS_AWAY = 20
# The last two leave after the windows of the mature month starts.
COUNTED = LEAVERS - 2


def _found(folder: Path, *, back: int = 0, where: str = "") -> dict[str, str]:
    """The details of the outcomes, and of ends that begin again, if `back` leavers come back."""
    tables = sane()
    for row in tables["subscriptions"][:back]:
        again = row["ended"] + timedelta(days=DAYS_AWAY)
        tables["subscriptions"].append(row | {"started": again, "ended": None})
    text = DECLARATION.replace('grace = "14d"', f'grace = "14d"{where}')
    findings = contract.check(parse(text, write(folder, tables, text)))
    return {one.name: f"{one.state}: {one.detail}" for one in findings}


def test_readings_that_change_nothing_are_named_once(tmp_path: Path) -> None:
    found = _found(tmp_path)
    assert "In brackets" not in found["outcomes"]
    assert found["outcomes"].endswith("The same without grace and with 30 days of grace")
    assert "ends_that_begin_again" not in found


def test_customers_who_come_back_soon_are_counted_beside(tmp_path: Path) -> None:
    found = _found(tmp_path, back=10)
    # The last month start, of which three more are, is not mature with a longer grace.
    assert f"with 30 days of grace, {COUNTED - 10 - 3} accounts churned" in found["outcomes"]
    assert "The same without grace" in found["outcomes"]
    assert found["ends_that_begin_again"].startswith("warning")
    assert (
        f"Of {LEAVERS} churns, 10 begin again within 30 days, typically after 20"
        in (found["ends_that_begin_again"])
    )


def test_what_where_leaves_out_is_counted_beside(tmp_path: Path) -> None:
    where = ", where = \"account_id <> 'a40'\""
    found = _found(tmp_path, where=where)
    assert f"without where, {COUNTED} accounts churned" in found["outcomes"]
