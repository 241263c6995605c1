"""One rule, one set of words, shapes and colours for bands, wherever they are shown."""

import math
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.pages import charts
from serving.pages.views import STYLES
from training.calibrating.bands import (
    BAND_COLOURS,
    BAND_SHAPES,
    BAND_WORDS,
    BANDS,
    STATIC,
    band_codes,
    band_of,
)
from training.reporting.page import Page, light, render

SHEET = (STATIC / "bands.css").read_text("utf-8")


@given(scores=st.lists(st.floats(-50, 150) | st.sampled_from([39.999, 40.0, 69.999, 70.0])))
def test_one_score_and_an_array_of_them_have_the_same_bands(scores: list[float]) -> None:
    codes = band_codes(np.array(scores))
    assert [BANDS[code] for code in codes] == [band_of(score) for score in scores]
    by_the_words = ["red" if s < 40 else "green" if s >= 70 else "yellow" for s in scores]
    assert [band_of(score) for score in scores] == by_the_words


def test_an_account_without_a_score_has_a_band_of_its_own() -> None:
    assert [BANDS[code] for code in band_codes(np.array([math.nan, 0.0]))] == ["unscored", "red"]


def test_every_band_has_a_word_a_shape_a_colour_and_a_badge() -> None:
    for has in (BAND_WORDS, BAND_SHAPES, BAND_COLOURS):
        assert tuple(has) == BANDS
        assert len(set(has.values())) == len(BANDS)
    assert re.findall(r"^\.badge\.(\w+) ", SHEET, re.MULTILINE) == list(BANDS)


def test_pages_and_reports_draw_the_same_badge_from_the_same_sheet() -> None:
    for band in BANDS:
        drawn = f'd="{BAND_SHAPES[band]}"'
        assert drawn in charts.SHAPES[band]
        assert drawn in light(band)
        assert BAND_WORDS[band] in light(band)
    assert SHEET in render(Page("Report", "Acme", sections=[]))
    for sheet in STYLES[1:]:
        assert ".badge.red" not in sheet.read_text("utf-8")
