"""Contributions to the margin as drivers: one per indicator, in health points, in a sentence.

All windows of one indicator and their paces are one driver, and the folding keeps the sum. The
value shown is that of the window which moves the score most in the driver's own direction; where a
pace does, it is that of the shorter window against the account's own pace. A sentence states the
value against the usual one; it never says that the one led to the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features.declaring.indicator import Dimension, Kind
from training.learning.matrix import Feature, indicator_names, reached

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
CURRENCIES = ("$", "€", "£", "¥")
SHARE, YES_NO = "%", "yes/no"
# A unit that begins so is one of differences, which are printed with their sign.
SIGN = "±"
OWN_PACE = "{value} {unit} in {window}; its own pace is {usual}"
# Of a value whose unit has no noun, such as an amount of money, the title says what it is.
OWN_PACE_OF = "{title} of {value} in {window}; its own pace is {usual}"


@dataclass(frozen=True)
class Meaning:
    """An indicator in people's words, as its declaration had them at training.

    `says` is its sentence, `says_good` the one where it raises the score, if that has its own.
    """

    title: str
    dimension: Dimension
    kind: Kind
    unit: str
    says: str
    playbook: str | None
    says_good: str | None = None


def by_indicator(contributions: Floats, features: Sequence[Feature]) -> tuple[list[str], Floats]:
    """The indicators in order of the features, and their summed contributions (rows × indicators).

    `contributions` is (rows × features + 1), the last column the bias, which is left out.
    """
    names = indicator_names(features)
    positions = [names.index(feature.indicator) for feature in features]
    folded = np.zeros((len(contributions), len(names)))
    for column, indicator in enumerate(positions):
        folded[:, indicator] += contributions[:, column]
    return names, folded


def shown_feature(features: Sequence[Feature], X: Floats, contributions: Floats) -> Places:
    """For each row and indicator, the feature (its number) whose value is shown.

    A known value comes before an unknown one, then the one that pushes most to the side of
    the indicator's sum. `X` is (rows × features), `contributions` (rows × features + 1).
    """
    names, folded = by_indicator(contributions, features)
    chosen = np.zeros((len(X), len(names)), dtype=np.int64)
    for number, name in enumerate(names):
        columns = np.array([i for i, feature in enumerate(features) if feature.indicator == name])
        push = contributions[:, columns] * np.sign(folded[:, [number]])
        chosen[:, number] = columns[
            np.argmax(np.where(np.isnan(X[:, columns]), -np.inf, push), axis=1)
        ]
    return chosen


def told(
    features: Sequence[Feature], place: int, row: Floats, history: int
) -> tuple[Feature, float]:
    """The feature at a place as its driver tells it, and its value in a `row` (features,).

    A pace is told as its shorter window, whose usual value is the account's own pace: what the
    longer window, as far as the account's `history` of days reaches, holds on average in a time of
    that length. Where that is as ever, or not known, it is told like any window.
    """
    place = _of_all(features, place)
    feature = features[place]
    if feature.against is None or feature.window is None:
        return feature, float(row[place])
    shorter, longer = (_place(features, name) for name in feature.columns)
    if np.isnan(row[place]) or row[place] == 0:
        return features[shorter], float(row[shorter])
    pace = float(row[longer] * feature.window / reached(feature, history))
    level = replace(features[shorter], usual=pace, against=feature.against)
    return level, float(row[shorter])


def of_segment(features: Sequence[Feature], segment: str) -> list[Feature]:
    """The features with what is usual in a segment, as far as it has its own."""
    return [
        replace(feature, usual=dict(feature.usual_in).get(segment, feature.usual))
        for feature in features
    ]


def levels(features: Sequence[Feature]) -> Places:
    """Per feature, the place of the column in its own unit: of a pace, its shorter window's."""
    return np.array([_place(features, feature.columns[0]) for feature in features])


def _of_all(features: Sequence[Feature], place: int) -> int:
    """The place of the column of all accounts, for one that a segment has of its own."""
    feature = features[place]
    if feature.within is None:
        return place
    mine = (feature.indicator, feature.window, feature.against)
    return next(
        number
        for number, other in enumerate(features)
        if other.within is None and mine == (other.indicator, other.window, other.against)
    )


def _place(features: Sequence[Feature], name: str) -> int:
    return next(number for number, feature in enumerate(features) if feature.name == name)


def sentence(meaning: Meaning, feature: Feature, value: float | str | None, *, lowers: bool) -> str:
    """The driver in words, chosen by whether it lowers the score; `not known` for no value."""
    if value is None:
        return f"{meaning.title}: not known"
    template = meaning.says if lowers else meaning.says_good or meaning.says
    printed, usual = value_and_usual(meaning, feature, value)
    if feature.against is not None:
        template = OWN_PACE if noun(meaning.unit, printed) else OWN_PACE_OF
    text = template.format(
        title=meaning.title,
        value=printed,
        usual=usual,
        window=span(feature.window),
        unit=noun(meaning.unit, printed),
    )
    # A unit that the value writes itself, such as "%", leaves the place of its noun empty.
    return text.replace("  ", " ")


def value_and_usual(
    meaning: Meaning, feature: Feature, value: float | str | None
) -> tuple[str, str]:
    """The value and the usual value of a driver, both as its sentence prints them.

    Where they are equal, the sentence compares nothing: the driver is no reason.
    """
    return amount(value, meaning.unit), amount(feature.usual, meaning.unit)


@lru_cache(maxsize=1 << 14)
def amount(value: float | str | None, unit: str) -> str:
    """A value as people write it.

    `1,240`, `3.5`, `38%` for shares, `$12.00` for money, `+2` for differences, `yes` for 1 of
    what either is or is not.
    """
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    text = _plain(value, unit.removeprefix(SIGN).strip())
    is_more = unit.startswith(SIGN) and value > 0 and any(digit in text for digit in "123456789")
    return f"+{text}" if is_more else text


def noun(unit: str, printed: str) -> str:
    """The word after a `printed` value of this unit: `days`, or `day` after 1.

    Empty where the value itself shows its unit, as `38%` and `$12` do.
    """
    plain = unit.removeprefix(SIGN).strip()
    if plain in (SHARE, YES_NO, *CURRENCIES):
        return ""
    return _singular(plain) if printed.lstrip("+−") == "1" else plain


def _singular(plural: str) -> str:
    """The last word of an English plural in the singular; any other word as it is."""
    head, gap, last = plural.rpartition(" ")
    if last == "people":
        return f"{head}{gap}person"
    if last.endswith("ies"):
        return f"{head}{gap}{last.removesuffix('ies')}y"
    if last.endswith(("sses", "xes", "ches", "shes")):
        return plural.removesuffix("es")
    return plural if last.endswith(("ss", "us", "is")) else plural.removesuffix("s")


def _plain(value: float, unit: str) -> str:
    if unit == YES_NO:
        return "yes" if value >= 0.5 else "no"
    if unit == SHARE:
        return f"{_digits(100 * value)}%"
    if unit in CURRENCIES:
        return f"{'−' if value < 0 else ''}{unit}{_money(abs(value))}"
    return _digits(value)


def _money(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2f}"


def _digits(value: float) -> str:
    places = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{places}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text.replace("-", "−")


def span(window: int | None) -> str:
    """A window in words."""
    if window is None:
        return "the whole history"
    return "the last day" if window == 1 else f"the last {window} days"
