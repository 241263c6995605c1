"""Where labels are chance, the procedure finds nothing; one that cheats is caught."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import leaky_companies
import small_company
from features import snapshots, sources
from features.declaring.company import Company
from features.declaring.declaration import load
from features.errors import GateRefused
from features.snapshots import Snapshots
from training.artifact import Artifact
from training.leaks import null_world
from training.leaks.same_grid import require_grid
from training.learning import split
from training.procedure import labelled
from training.train import fit_and_evaluate

TARGET = "churn"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, Snapshots, list[date]]:
    """The honest company, its rows and its as-of dates."""
    folder = tmp_path_factory.mktemp("null")
    company = load(leaky_companies.write(folder, leaky_companies.honest()))
    with sources.open_tables(company) as tables:
        days = snapshots.mature_month_starts(tables, TARGET)
        return company, snapshots.build_from(tables, days), days


World = tuple[Company, Snapshots, list[date]]


def test_the_procedure_finds_nothing_where_nothing_is(world: World) -> None:
    company, built, days = world
    [told] = null_world.breaches(built, company, {TARGET: days})
    assert (told.name, told.state) == ("null_world", "advice"), told.detail


def cheating(
    built: Snapshots, company: Company, target: str, learn: Sequence[date], later: Sequence[date]
) -> Artifact:
    """Encode accounts by their outcomes on all dates, before the dates are divided."""
    label, column = f"label__{target}", "spend__90d"
    rates = built.table.group_by("account_id").aggregate([(label, "mean")])
    place = pc.index_in(built.table["account_id"], rates["account_id"])
    kept = pc.negate(pc.take(rates[f"{label}_mean"], place))
    number = built.table.column_names.index(column)
    encoded = replace(built, table=built.table.set_column(number, column, kept))
    return null_world.on_last_date(encoded, company, target, learn, later)


def test_a_procedure_that_learns_what_it_is_judged_by_is_caught(tmp_path: Path) -> None:
    company = small_company.write(tmp_path)
    with sources.open_tables(company) as tables:
        days = snapshots.mature_month_starts(tables, TARGET)
        built = snapshots.build_from(tables, days)
    told = [*null_world.breaches(built, company, {TARGET: days}, procedure=cheating)]
    assert [(item.name, item.state) for item in told] == [("null_world", "error")], told[0].detail


def test_null_labels_keep_each_dates_count_and_stay_together_by_account(world: World) -> None:
    company, built, _ = world
    table = labelled(built, company, TARGET)
    drawn = null_world.null_world(table, TARGET, company.targets[TARGET], np.random.default_rng(1))
    name = f"label__{TARGET}"
    for rows in (table, drawn):
        rows.validate()
    counts = [
        rows.group_by("as_of").aggregate([(name, "sum")]).sort_by("as_of")
        for rows in (table, drawn)
    ]
    assert counts[0].equals(counts[1])
    assert agreement(drawn, 31) > agreement(drawn, 92) + 0.1


def agreement(table: pa.Table, apart: int) -> float:
    """How often a label 1 is 1 again at most so many days later (and more than a month less)."""
    labels = {
        (account, day): label
        for account, day, label in zip(
            table["account_id"].to_pylist(),
            table["as_of"].to_pylist(),
            table[f"label__{TARGET}"].to_pylist(),
            strict=True,
        )
    }
    pairs = [
        label
        for (account, day), first in labels.items()
        for (other, later), label in labels.items()
        if first and other == account and apart - 31 < (later - day).days <= apart
        if later > day
    ]
    return float(np.mean(pairs))


def test_too_short_a_history_is_said_and_no_alarm(world: World) -> None:
    company, built, days = world
    [told] = null_world.breaches(built, company, {TARGET: days[-1:]})
    assert (told.name, told.state) == ("not_audited", "advice")
    assert "no as-of date is settled" in told.detail


def leaving_today(company: Company, built: Snapshots, days: list[date]) -> pa.Table:
    """Churners on their last date before the churn, stayers on the last one of all."""
    rows = labelled(built, company, TARGET)
    label = rows[f"label__{TARGET}"]
    left = rows.filter(pc.equal(label, 1))
    last = left.group_by("account_id").aggregate([("as_of", "max")])
    left = left.join(last, "account_id").filter(pc.field("as_of") == pc.field("as_of_max"))
    stayed = rows.filter(pc.and_(pc.equal(label, 0), pc.equal(rows["as_of"], pa.scalar(days[-1]))))
    return pa.concat_tables([left.select(rows.column_names), stayed])


def test_churners_at_their_churn_and_stayers_today_are_refused(world: World) -> None:
    company, built, days = world
    panel = replace(built, table=leaving_today(company, built, days))
    with pytest.raises(GateRefused, match="sampled at their churn date and the others today"):
        fit_and_evaluate(panel, company, TARGET, days)


def test_whole_dates_and_whole_accounts_are_no_such_panel(world: World) -> None:
    company, built, days = world
    history = company.bands.min_history
    rows = labelled(built, company, TARGET)
    some = pc.is_in(rows["account_id"], pc.unique(rows["account_id"])[::2])
    quarters = pc.is_in(rows["as_of"], pa.array(days[::3], pa.date32()))
    for table in (built.table, rows, rows.filter(some), rows.filter(quarters), rows.slice(0, 0)):
        require_grid(table, TARGET, history)


def test_an_honest_drawing_of_rows_is_no_such_panel(world: World) -> None:
    company, built, _ = world
    rows = labelled(built, company, TARGET)
    drawn = rows.filter(pa.array(np.random.default_rng(0).random(rows.num_rows) < 0.3))
    require_grid(drawn, TARGET, company.bands.min_history)


def test_earlier_dates_are_those_that_were_settled(world: World) -> None:
    company, _, days = world
    earlier = split.settled_before(days, days[-1], company.targets[TARGET])
    assert earlier
    assert (days[-1] - earlier[-1]).days >= company.targets[TARGET].days_to_settle
