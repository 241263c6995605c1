"""What is usual: of all accounts, of a segment, and of a segment that is small."""

import numpy as np
import pyarrow as pa
import pytest

from training.explaining.drivers import of_segment
from training.explaining.usual import by_segment, usual, usual_in
from training.learning.matrix import Feature


def column(*values: float | str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values)])


def test_the_usual_value_is_the_median_or_the_commonest_text() -> None:
    assert usual(column(4.0, None, 1.0, 2.0, 9.0)) == 3.0
    assert usual(column("b", "a", None, "b", "a")) == "a"
    assert usual(pa.chunked_array([pa.nulls(2, pa.float64())])) is None


def test_a_large_segment_has_its_own_and_a_small_one_that_of_all() -> None:
    values = column(*[1.0] * 700, *[9.0] * 400, *[9.0] * 3)
    segments = column(*["small"] * 700, *["large"] * 400, *["new"] * 3)
    assert usual(values) == 1.0
    assert usual_in(values, segments) == (("large", 9.0), ("new", 1.0), ("small", 1.0))


def test_a_segment_without_a_known_value_has_that_of_all() -> None:
    values, segments = column(1.0, 2.0, 3.0, None), column("a", "a", "a", "b")
    assert usual_in(values, segments) == (("a", 2.0), ("b", 2.0))


def test_one_segment_is_all() -> None:
    assert usual_in(column(1.0, 2.0), column("all", "all")) == ()
    assert usual_in(pa.chunked_array([pa.nulls(2, pa.float64())]), column("a", "b")) == ()


@pytest.mark.parametrize("seed", range(3))
def test_what_is_usual_of_texts_goes_by_segment_too(seed: int) -> None:
    draw = np.random.default_rng(seed)
    segments = draw.choice(["a", "b"], 400)
    values = np.where(draw.random(400) < 0.9, segments, "c")
    assert usual_in(column(*values), column(*segments)) == (("a", "a"), ("b", "b"))


def test_a_driver_is_told_against_its_segment() -> None:
    table = pa.table({"segment": ["a", "b", "b"], "x__28d": [1.0, 8.0, 8.0]})
    features = [
        Feature("x__28d", "x", 28, "number", (), 8.0),
        Feature("p", "x", 7, "number", (), 0.0, 28),
    ]
    found = by_segment(features, table)
    assert dict(found[0].usual_in).keys() == {"a", "b"}
    assert found[1] == features[1]
    assert [item.usual for item in of_segment(found, "b")] == [8.0, 0.0]
    assert [item.usual for item in of_segment(found, "none")] == [8.0, 0.0]
