"""`[indicators.NAME]`: one measure of health, and the keys that each measure takes."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from features.declaring.vocabulary import (
    Days,
    Sentence,
    Share,
    Text,
    TomlTable,
    Window,
    not_empty,
    refuse,
    window_text,
)

Dimension = Literal["outcome", "business", "relationship"]
Kind = Literal["leading", "lagging", "context"]
Stage = Literal["draft", "shadow", "live"]
Measure = Literal[
    "count",
    "sum",
    "mean",
    "max",
    "min",
    "share",
    "distinct",
    "latest",
    "days_since",
    "days_since_first",
    "days_until",
    "quantile",
    "ratio",
    "change",
    "longest_silence",
    "deviation",
    "quotient",
    "peer_rank",
]
Side = Literal["higher", "lower"]
# Or neither: values in the middle are healthy, and both ends are not.
Healthy = Side | Literal["range"]

DIMENSIONS: tuple[Dimension, ...] = ("outcome", "business", "relationship")
# Measures that look at the whole history unless windows are given.
WHOLE_HISTORY: tuple[Measure, ...] = ("latest", "days_since", "days_since_first", "days_until")

# Measures that need windows with an end.
BOUNDED: tuple[Measure, ...] = ("ratio", "change", "longest_silence", "deviation")

# Measures of other indicators, without facts of their own, and the keys that name those.
BASES: dict[str, tuple[str, ...]] = {"quotient": ("over", "per"), "peer_rank": ("of",)}

FEWEST_BASELINES = 3

NEEDS_VALUE: tuple[Measure, ...] = (
    "sum",
    "mean",
    "max",
    "min",
    "share",
    "distinct",
    "latest",
    "quantile",
    "days_until",
    "change",
)


# Keys that some measures need and others do not know, and how to fix it.
PARTS: dict[str, tuple[tuple[Measure, ...], str]] = {
    "quantile": (("quantile",), 'measure = "quantile", quantile = 0.5'),
    "of": (
        ("ratio", "peer_rank"),
        'measure = "ratio", of = "count", windows = ["28d"], earlier = "84d"',
    ),
    "earlier": (
        ("ratio", "deviation"),
        'measure = "ratio", of = "count", windows = ["28d"], earlier = "84d"',
    ),
    "over": (("quotient",), 'measure = "quotient", over = "active_users", per = "seats"'),
    "per": (("quotient",), 'measure = "quotient", over = "active_users", per = "seats"'),
}

# Keys that some measures may have.
OPTIONS: dict[str, tuple[tuple[Measure, ...], str]] = {
    "lag": (("ratio",), 'measure = "ratio", of = "count", earlier = "28d", lag = "364d"'),
    "shrink": (("ratio",), 'measure = "ratio", of = "count", earlier = "84d", shrink = 4.0'),
}


def _one_sentence(says: Any) -> Any:
    if isinstance(says, dict):
        raise refuse(
            "a table, where one sentence is expected",
            'write says = "…", and says_good = "…" only where the good side needs other words',
        )
    return says


Says = Annotated[Sentence, BeforeValidator(_one_sentence)]


def _keyword(text: str) -> str:
    if not re.search(r"\w", text) or "*" in text[:-1]:
        raise refuse(
            "not a keyword",
            'write whole words, such as "too expensive", or "invoice*" for all that begin so',
        )
    return text


Keyword = Annotated[str, AfterValidator(_keyword)]
Keywords = Annotated[tuple[Keyword, ...], Field(strict=False), AfterValidator(not_empty)]


class Topic(TomlTable):
    """Rows whose text in `column` is about a topic: one of a taxonomy, or of these keywords."""

    column: Text
    taxonomy: str | None = None
    topic: str | None = None
    keywords: Keywords | None = None

    @model_validator(mode="after")
    def _one_topic(self) -> Self:
        if (self.taxonomy is None) != (self.topic is None):
            raise refuse("taxonomy and topic go together", "name both")
        if self.taxonomy is not None and self.keywords is not None:
            raise refuse("keywords beside a topic of a taxonomy", "name either of them")
        if self.taxonomy is None and self.keywords is None:
            raise refuse("no topic", 'about = { column = "body", taxonomy = "…", topic = "…" }')
        return self


class Indicator(TomlTable):
    """`[indicators.NAME]`: one measure of health over one or more windows.

    `healthy` is the side of the value, as it is shown, on which an account does well: days
    since the last order are healthy when lower. `says` is the sentence of its driver, and
    `says_good`, where there is one, the sentence where the driver raises the score. `headline`
    says whether it may head an account's reasons; without it, its measured lead decides. Indicators
    of one `concept` are one fact, as the days since a term began and those to its end are: they
    are told as one reason.
    """

    adopt: str | None = None
    title: Text
    dimension: Dimension
    kind: Kind
    stage: Stage = "live"
    source: str
    value: str | None = None
    where: str | None = None
    about: Topic | None = None
    measure: Measure
    windows: Annotated[tuple[Window, ...], Field(strict=False)] = ()
    quantile: Share | None = None
    of: str | None = None
    earlier: Days | None = None
    lag: Days | None = None
    shrink: Annotated[float, Field(ge=0)] | None = None
    over: str | None = None
    per: str | None = None
    healthy: Healthy | None = None
    unit: str = ""
    says: Says
    says_good: Sentence | None = None
    playbook: str | None = None
    headline: bool | None = None
    concept: Text | None = None

    @model_validator(mode="after")
    def _has_its_parts(self) -> Self:
        if self.measure in NEEDS_VALUE and self.value is None:
            raise refuse(
                f"{self.measure} needs a value",
                'value = "amount" (a column or a scalar SQL expression)',
            )
        for key, (measures, fix) in PARTS.items():
            if (self.measure in measures) != (getattr(self, key) is not None):
                raise refuse(
                    f"{key} is required for measure = {' or '.join(measures)}, and for no other",
                    fix,
                )
        for key, (measures, fix) in OPTIONS.items():
            if self.measure not in measures and getattr(self, key) is not None:
                raise refuse(f"{key} is for measure = {' or '.join(measures)}", fix)
        return self

    @model_validator(mode="after")
    def _parts_fit_each_other(self) -> Self:
        if self.measure == "ratio" and self.of not in ("count", "sum"):
            raise refuse("a ratio of neither counts nor sums", 'of = "count" or of = "sum"')
        if self.of == "sum" and self.value is None:
            raise refuse("a ratio of sums needs a value", 'value = "amount"')
        if self.shrink is not None and self.of != "count":
            raise refuse("shrink is for counts", 'remove it, or of = "count"')
        if self.measure in BASES and (self.value or self.where or self.about):
            raise refuse(
                f"a {self.measure} has no facts of its own",
                "put value, where and about into the indicators that it is made of",
            )
        return self

    @model_validator(mode="after")
    def _windows_fit_the_measure(self) -> Self:
        if not self.windows and self.measure not in WHOLE_HISTORY:
            raise refuse(f"{self.measure} needs windows", 'windows = ["28d", "90d"]')
        if len(set(self.windows)) != len(self.windows):
            raise refuse("a window is listed twice", "name each window once")
        if 0 in self.windows or self.earlier == 0:
            raise refuse("a window of no days", 'use at least "1d"')
        if self.measure in BOUNDED and None in self.windows:
            raise refuse(f"a {self.measure} needs a bounded recent window", 'windows = ["28d"]')
        return self

    @model_validator(mode="after")
    def _earlier_fits_the_windows(self) -> Self:
        for window in self.windows:
            if self.lag is not None and self.lag < (window or 0):
                raise refuse(
                    "lag is shorter than the window, so that the spans overlap",
                    f'lag = "{window}d" or more; "364d" for the same weeks of last year',
                )
            if self.measure == "deviation":
                spans, rest = divmod(self.earlier or 0, window or 1)
                if rest or spans < FEWEST_BASELINES:
                    raise refuse(
                        "earlier is not three or more times the window",
                        f'earlier = "{4 * (window or 1)}d"',
                    )
        return self

    @model_validator(mode="after")
    def _has_a_side(self) -> Self:
        if self.kind != "context" and self.healthy is None:
            fix = 'healthy = "higher", "lower" or, where the middle is good, "range"'
            raise refuse("no healthy side", fix)
        if self.kind == "context" and self.playbook is not None:
            raise refuse(
                "context cannot be changed, so it gets no playbook",
                "remove playbook, or declare the kind leading or lagging",
            )
        return self

    def bases(self) -> tuple[str, ...]:
        """The names of the indicators that it is made of."""
        return tuple(getattr(self, key) for key in BASES.get(self.measure, ()))

    def spans(self) -> tuple[int | None, ...]:
        """The windows in days, `None` for the whole history."""
        return self.windows or (None,)


def column_name(indicator: str, window: int | None) -> str:
    """The feature column of an indicator's window.

    Examples
    --------
    >>> column_name("spend", 90), column_name("recency", None)
    ('spend__90d', 'recency__all')
    """
    return f"{indicator}__{window_text(window)}"
