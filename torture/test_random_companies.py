"""Hundreds of random companies a kind against the oracle, where `make test` draws dozens."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from measure_agreement import assert_equals_the_oracle
from measure_cases import Layout, every_comparison, every_measure, stored
from random_tables import FactTable, Kind, crowds

Drawn = tuple[FactTable, Layout]


@pytest.mark.parametrize("kind", ["number", "flag", "text"])
def test_measures_equal_the_oracle(kind: Kind) -> None:
    @settings(max_examples=300)
    @given(drawn=stored(kind))
    def equal(drawn: Drawn) -> None:
        assert_equals_the_oracle(*drawn, list(every_measure(kind, drawn[0])))

    equal()


@pytest.mark.parametrize("kind", ["number", "day", "moment", "body"])
def test_comparisons_days_ahead_and_topics_equal_the_oracle(kind: Kind) -> None:
    @settings(max_examples=300)
    @given(drawn=stored(kind))
    def equal(drawn: Drawn) -> None:
        assert_equals_the_oracle(*drawn, list(every_comparison(kind, drawn[0])))

    equal()


@settings(max_examples=150)
@given(
    table=crowds(),
    layout=st.builds(Layout, keys=st.sampled_from(["string", "integer", "crosswalk", "derived"])),
)
def test_ranks_among_peers_equal_the_oracle(table: FactTable, layout: Layout) -> None:
    assert_equals_the_oracle(table, layout, list(every_comparison("number", table)))
