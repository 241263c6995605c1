"""Which accounts a reader of the portfolio asks for, and in which order.

Its one rule: choosing and ordering work on whole columns of the edition; no account becomes
an object before its row is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal, cast, get_args
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from serving.pages import wording
from serving.published.edition import Edition
from serving.published.target_edition import LONGEST_SEARCH, RowIndex
from training.calibrating.bands import BAND_WORDS, BANDS, UNSCORED

Status = Literal["scored", "all", "red", "yellow", "green", "unscored"]
Sort = Literal["revenue", "chance", "score", "change", "name"]

STATUS_WORDS: dict[Status, str] = {
    "scored": "All scored",
    "red": BAND_WORDS["red"],
    "yellow": BAND_WORDS["yellow"],
    "green": BAND_WORDS["green"],
    "unscored": BAND_WORDS["unscored"],
    "all": "All, not scored last",
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


class BadQuery(ValueError):
    """A query parameter that cannot be understood; the message is for the reader."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a reader asked to see; empty texts mean no filter."""

    target: str
    q: str
    status: Status
    segment: str
    owner: str
    sort: Sort
    page: int
    size: int

    @classmethod
    def read(cls, given: Mapping[str, str], edition: Edition) -> "Query":
        """The query that the parameters of a URL make; unknown parameters are ignored.

        Raises
        ------
        BadQuery
            A value is none of those that the edition knows.
        """
        q = given.get("q", "").strip()
        if len(q) > LONGEST_SEARCH:
            raise BadQuery(f"q: at most {LONGEST_SEARCH} letters, got {len(q)}")
        sorts = sorts_of(edition)
        return cls(
            target=given.get("target", ""),
            q=q,
            status=one_of(given, "status", list(STATUS_WORDS)),
            segment=one_of(given, "segment", ["", *edition.values("segment")]),
            owner=one_of(given, "owner", ["", *edition.values("owner")]),
            sort=one_of(given, "sort", sorts),
            page=whole(given, "page"),
            size=int(one_of(given, "size", [str(size) for size in SIZES])),
        )

    def link(self, path: str = "/", **changed: Any) -> str:
        """The address of this query with some parameters changed, defaults left out."""
        wanted = asdict(replace(self, **({"page": 1} | changed)))
        plain = {"status": "scored", "page": 1, "size": SIZES[0]}
        said = {key: value for key, value in wanted.items() if value not in ("", plain.get(key))}
        return f"{path}?{urlencode(said)}"


def one_of(given: Mapping[str, str], key: str, known: list[Any]) -> Any:
    """The parameter `key`, one of `known`, the first of them where it is empty; else BadQuery."""
    value = given.get(key) or known[0]
    if value not in known:
        told = ", ".join(str(item) for item in known[:12] if item)
        more = ", …" if len(known) > 12 else ""
        raise BadQuery(f"{key}: got “{wording.shortened(value)}”; write one of {told}{more}")
    return value


def whole(given: Mapping[str, str], key: str) -> int:
    """The parameter `key`, a whole number from 1 on, 1 where it is empty; else BadQuery."""
    value = given.get(key) or "1"
    if not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) > 0):
        raise BadQuery(f"{key}: got “{wording.shortened(value)}”; write a whole number from 1 on")
    return int(value)


def sorts_of(edition: Edition) -> list[Sort]:
    """The orders that can be asked for, the default one first."""
    return [name for name in get_args(Sort) if name != "revenue" or has(edition, "mrr")]


def has(edition: Edition, fact: str) -> bool:
    """Whether any account of the company has this fact."""
    column = edition.column(fact)
    return bool(column.null_count < len(column))


def select(query: Query, edition: Edition) -> RowIndex:
    """The rows of the edition that the query asks for, in its order, unscored ones last."""
    band = query.status if query.status in BANDS else None
    found = edition.rows(
        light=band, q=query.q or None, segment=query.segment or None, owner=query.owner or None
    )
    unscored = edition.trend_band[found, -1] == UNSCORED
    if query.status == "scored":
        found, unscored = found[~unscored], unscored[~unscored]
    keys = _order(query.sort, edition)[found]
    return found[np.lexsort((found, keys, unscored))]


def _order(sort: Sort, edition: Edition) -> npt.NDArray[Any]:
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
    place = weeks_before(edition.trend_dates)
    if place is None:
        return np.full(len(edition), np.nan)
    return edition.trend_health[:, place]


def weeks_before(days: tuple[date, ...]) -> int | None:
    """The place of the run nearest to four weeks before the last, if one is within a week."""
    away = [abs((days[-1] - when).days - FOUR_WEEKS) for when in days]
    nearest = int(np.argmin(away))
    return nearest if away[nearest] <= NEAR_ENOUGH else None
