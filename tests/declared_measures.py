"""Measures as a company declares them: tables of TOML for `tests` that ask for any of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# Letters of three scripts, several words, a beginning of a word, a number.
TOPICS = {
    "price": ("too expensive", "price", "invoice*", "цена"),
    "trouble": ("ärger", "20"),
}
TAXONOMY = "voice"


@dataclass(frozen=True)
class Indicator:
    """One `[indicators.NAME]` table.

    Parameters
    ----------
    name, measure
        As they stand in the declaration.
    windows
        In days, None is "all"; empty takes the measure's default.
    source
        None for measures of other indicators.
    value, where
        Column or expression; None for none.
    about
        A column with texts, and the one of `TOPICS` that they are to be about; None for all rows.
    options
        Keys of the measure's own: `quantile`, `of`, `over`, `per` and `shrink` as they are
        declared, `earlier_days` and `lag_days` in days.
    """

    name: str
    measure: str
    windows: tuple[int | None, ...] = ()
    source: str | None = "facts"
    value: str | None = None
    where: str | None = "keep"
    about: tuple[str, str] | None = None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def more(self) -> dict[str, Any]:
        """The options by name."""
        return dict(self.options)

    def columns(self) -> list[str]:
        """Return the feature columns of the declared windows."""
        return [column(self.name, days) for days in self.windows]

    def toml(self) -> str:
        """Return the table."""
        keys: dict[str, Any] = {
            "title": "T",
            "dimension": "business",
            "kind": "context",
            "measure": self.measure,
            "source": self.source,
            "where": self.where if self.source else None,
            "value": self.value,
            "windows": [duration(days) for days in self.windows] or None,
        }
        keys |= {name: self.more.get(name) for name in ("quantile", "of", "over", "per", "shrink")}
        keys |= {name: self._days(f"{name}_days") for name in ("earlier", "lag")}
        lines = [f"{key} = {_said(item)}" for key, item in keys.items() if item is not None]
        lines += ['says = "{value}"', *self._about()]
        return "\n".join([f"[indicators.{self.name}]", *lines])

    def _days(self, name: str) -> str | None:
        return duration(self.more[name]) if name in self.more else None

    def _about(self) -> list[str]:
        if self.about is None:
            return []
        text, topic = self.about
        return [f'about = {{ column = "{text}", taxonomy = "{TAXONOMY}", topic = "{topic}" }}']


def _said(item: Any) -> str:
    # What JSON writes of texts, numbers and lists is TOML.
    return json.dumps(item, ensure_ascii=False)


def duration(days: int | None) -> str:
    """Return how the declaration and the columns write so many days."""
    return "all" if days is None else f"{days}d"


def column(name: str, days: int | None) -> str:
    """Return the feature column of an indicator's window."""
    return f"{name}__{duration(days)}"


def taxonomies(indicators: Sequence[Indicator]) -> str:
    """Return the table of topics, or nothing where no indicator is about one."""
    if not any(indicator.about for indicator in indicators):
        return ""
    topics = [f"{topic} = {_said(list(words))}" for topic, words in TOPICS.items()]
    return "\n".join([f"[taxonomies.{TAXONOMY}.topics]", *topics])
