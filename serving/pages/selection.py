"""Which accounts a reader of the list by health asks for, and in which order.

Its one rule: choosing and ordering work on whole columns of the edition; no account becomes
an object before its row is shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from serving.pages.account_list import AccountListQuery, CommonChoice, one_of
from serving.published.edition import Edition
from serving.published.run_table import RowIndex
from training.calibrating.bands import BAND_WORDS, BANDS, UNSCORED

Status = Literal["scored", "all", "red", "yellow", "green", "unscored"]
Sort = Literal["revenue", "chance", "score", "change", "name"]

STATUS_WORDS: dict[Status, str] = {
    "scored": "All scored",
    "red": BAND_WORDS["red"],
    "yellow": BAND_WORDS["yellow"],
    "green": BAND_WORDS["green"],
    "unscored": BAND_WORDS["unscored"],
    "all": "All (unscored last)",
}
SORT_WORDS: dict[Sort, str] = {
    "revenue": "Most revenue at risk first",
    "chance": "Highest chance of leaving first",
    "score": "Highest score first",
    "change": "Largest drop in 4 weeks first",
    "name": "Name",
}
SIZES = (50, 500)
FOUR_WEEKS = 28
NEAR_ENOUGH = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthQuery(AccountListQuery):
    """The query of the list by health."""

    path: ClassVar[str] = "/"
    defaults: ClassVar[Mapping[str, str | int]] = {"status": "scored", "page": 1, "size": SIZES[0]}

    status: Status
    sort: Sort
    size: int

    @property
    def per_page(self) -> int:
        """How many rows a page has."""
        return self.size

    @classmethod
    def read(cls, given: Mapping[str, str], edition: Edition) -> "HealthQuery":
        """The query that the parameters of a URL make; unknown parameters are ignored.

        Raises
        ------
        BadQuery
            A value is none of those that the edition knows.
        """
        return cls(
            **CommonChoice.read(given, edition)._asdict(),
            status=one_of(given, "status", list(STATUS_WORDS)),
            sort=one_of(given, "sort", sorts_of(edition)),
            size=int(one_of(given, "size", [str(size) for size in SIZES])),
        )


def sorts_of(edition: Edition) -> list[Sort]:
    """The orders that can be asked for, the default one first."""
    return [name for name in get_args(Sort) if name != "revenue" or edition.has("mrr")]


def select(query: HealthQuery, edition: Edition) -> RowIndex:
    """The rows of the edition that the query asks for, in its order, unscored ones last."""
    band = query.status if query.status in BANDS else None
    matches = edition.rows(
        light=band, q=query.q or None, segment=query.segment or None, owner=query.owner or None
    )
    unscored = edition.trend_band[matches, -1] == UNSCORED
    if query.status == "scored":
        matches, unscored = matches[~unscored], unscored[~unscored]
    keys = _order(query.sort, edition)[matches]
    return matches[np.lexsort((matches, keys, unscored))]


def _order(sort: Sort, edition: Edition) -> npt.NDArray[np.float64] | npt.NDArray[np.int64]:
    """One sortable value per row; smaller comes first, NaN last."""
    if sort == "name":
        titles = pc.coalesce(edition.column("name"), edition.column("account_id"))
        return np.unique([text.casefold() for text in titles.to_pylist()], return_inverse=True)[1]
    if sort == "score":
        return -_floats(edition, "health_score_unclipped")
    if sort == "change":
        now, then = edition.trend_health[:, -1], _four_weeks_ago(edition)
        return np.floor(now) - np.floor(then)
    if sort == "revenue":
        return -_floats(edition, "mrr") * _floats(edition, "churn_probability")
    return np.arange(len(edition))


def _floats(edition: Edition, name: str) -> npt.NDArray[np.float64]:
    values = pc.fill_null(edition.column(name), np.nan).to_numpy()
    return cast("npt.NDArray[np.float64]", values)


def _four_weeks_ago(edition: Edition) -> npt.NDArray[np.float64]:
    earlier = weeks_before(edition.trend_dates)
    if earlier is None:
        return np.full(len(edition), np.nan)
    return edition.trend_health[:, earlier]


def weeks_before(days: tuple[date, ...]) -> int | None:
    """The place of the run nearest to four weeks before the last, if one is within a week."""
    away = [abs((days[-1] - when).days - FOUR_WEEKS) for when in days]
    nearest = int(np.argmin(away))
    return nearest if away[nearest] <= NEAR_ENOUGH else None
