"""What changes no row: tomorrow's facts, the order of rows, other accounts, other dates."""

import random
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure_cases import (
    AnyAsked,
    Keys,
    Layout,
    PeerRank,
    account_id,
    built,
    every_comparison,
    every_measure,
    said,
    stored,
    write,
)
from measure_oracle import Fact, is_known, start_of
from random_tables import FactTable, Kind, crowds, rows
from snapshot_properties import (
    assert_published_rows_stay,
    assert_same_to_the_last_bit,
    assert_weekly_refresh_equals_the_rebuild,
    features,
    rebuild,
)

AS_OF = date(2024, 5, 1)
WEEK = timedelta(days=7)
KINDS: tuple[Kind, ...] = ("number", "day", "moment", "body")
Drawn = tuple[FactTable, Layout]


def everything(kind: Kind, table: FactTable) -> list[AnyAsked]:
    plain = every_measure(kind, table) if kind == "number" else ()
    return [*plain, *every_comparison(kind, table)]


def table_of(table: FactTable, layout: Layout, asked: Sequence[AnyAsked]) -> pa.Table:
    with tempfile.TemporaryDirectory() as folder:
        return built(write(Path(folder), table, layout, asked), table.as_of).table


@st.composite
def not_yet_known(draw: st.DrawFn, table: FactTable, layout: Layout, kind: Kind) -> list[Fact]:
    """Draw facts that had not happened at the as-of date, or not reached us."""
    drawn = draw(st.lists(rows(table, kind), min_size=1, max_size=10))
    shift = st.timedeltas(timedelta(0), timedelta(days=10))
    now = start_of(table.as_of)
    late = [replace(fact, known_time=max(fact.known_time, now + draw(shift))) for fact in drawn]
    return [fact for fact in (said(row, layout.zone) for row in late) if not is_known(fact, now)]


@pytest.mark.parametrize("kind", KINDS)
def test_facts_known_at_or_after_the_as_of_date_change_no_feature(kind: Kind) -> None:
    @settings(max_examples=8)
    @given(drawn=stored(kind), data=st.data())
    def unchanged(drawn: Drawn, data: st.DataObject) -> None:
        table, layout = drawn[0], replace(drawn[1], suffix="parquet")
        late = data.draw(not_yet_known(table, layout, kind))
        facts = data.draw(st.permutations([*table.facts, *late]))
        asked = everything(kind, table)
        found = table_of(replace(table, facts=tuple(facts)), layout, asked)
        wanted = table_of(table, layout, asked)
        assert_same_to_the_last_bit(features(found), features(wanted))

    unchanged()


@settings(max_examples=15)
@given(drawn=stored("number"), data=st.data())
def test_the_order_of_rows_changes_nothing_to_the_last_bit(
    drawn: Drawn, data: st.DataObject
) -> None:
    layout = replace(drawn[1], suffix="parquet")
    numbers = st.floats(-1e17, 1e17) | st.sampled_from([0.1, 0.2, 0.3, 1e16, -1e16])
    facts = [
        fact if fact.value is None else replace(fact, value=data.draw(numbers))
        for fact in drawn[0].facts
    ]
    table = replace(drawn[0], facts=tuple(facts))
    asked = everything("number", table)
    turned = replace(
        table,
        facts=tuple(data.draw(st.permutations(facts))),
        accounts=tuple(data.draw(st.permutations(table.accounts))),
    )
    found, wanted = table_of(turned, layout, asked), table_of(table, layout, asked)
    assert_same_to_the_last_bit(found, wanted)


def test_many_numbers_in_any_order_give_the_same_bits() -> None:
    draw = random.Random(7)
    moments = [start_of(AS_OF) - timedelta(days=days) for days in (1, 2, 9, 30)]
    numbers = [0.1, 0.2, 0.7, 1e16, -1e16, 1e-5]
    facts = [
        Fact("a1", at, at, draw.choice([*numbers, draw.uniform(-1e5, 1e5)]))
        for at in draw.choices(moments, k=500)
    ]
    table = FactTable(AS_OF, 7, 28, ("a1",), tuple(facts))
    asked = everything("number", table)
    wanted = table_of(table, Layout(), asked)
    for _ in range(3):
        turned = replace(table, facts=tuple(draw.sample(facts, len(facts))))
        assert_same_to_the_last_bit(table_of(turned, Layout(), asked), wanted)


@settings(max_examples=10)
@given(
    table=crowds(),
    keys=st.sampled_from(["string", "integer", "derived"]),
    newcomers=st.integers(1, 30),
    data=st.data(),
)
def test_more_accounts_change_no_other_row_but_ranks(
    table: FactTable, keys: Keys, newcomers: int, data: st.DataObject
) -> None:
    layout = Layout(keys=keys)
    first = len(table.accounts) + 1
    names = tuple(f"a{number}" for number in range(first, first + newcomers))
    new = data.draw(st.lists(rows(replace(table, accounts=names), "number"), max_size=40))
    asked = everything("number", table)
    more = replace(table, accounts=(*names, *table.accounts), facts=(*new, *table.facts))
    ranks = [item.column for item in asked if isinstance(item, PeerRank)]
    found = table_of(more, layout, asked).drop_columns(ranks)
    old = pa.array([account_id(account, layout) for account in table.accounts])
    kept = found.filter(pa.compute.is_in(found["account_id"], old))
    assert_same_to_the_last_bit(kept, table_of(table, layout, asked).drop_columns(ranks))


@settings(max_examples=5)
@given(drawn=stored("number"), data=st.data())
def test_a_date_alone_has_the_rows_of_a_rebuild_and_published_rows_stay(
    drawn: Drawn, data: st.DataObject
) -> None:
    table, layout = drawn[0], replace(drawn[1], suffix="parquet")
    asked = everything("number", table)
    published = [table.as_of - 2 * WEEK, table.as_of - WEEK]
    # What had reached us by the last published date, and besides something of each account.
    start = start_of(published[0]) - timedelta(days=40)
    always = [Fact(account, start, start, 1.5) for account in table.accounts]
    early = [fact for fact in table.facts if is_known(fact, published[-1])]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        facts = tuple(data.draw(st.permutations([*always, *table.facts])))
        before = write(Path(one), replace(table, facts=(*early, *always)), layout, asked)
        after = write(Path(two), replace(table, facts=facts), layout, asked)
        assert_published_rows_stay(before, after, published, rebuild)
        assert_weekly_refresh_equals_the_rebuild(after, published, table.as_of, rebuild)
