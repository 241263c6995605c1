"""The book of business that the API and the pages read: the latest published run, in memory.

Its one rule: an edition is built whole, from verified files, and then swapped in; a reader
never sees half of one, and where a new one cannot be read the last good one stays.
"""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from features.company import Company
from features.errors import ChurnlightError, NotFound
from features.indicator import column_name
from features.settings import Settings
from serving import runs
from serving.edition import Edition, Entries, Entry, Point, Total, bind

if TYPE_CHECKING:
    from training.artifact import Artifact

__all__ = ["Book", "Edition", "Entries", "Entry", "Point", "Total"]

log = logging.getLogger("churnlight")


class Book:
    """The published runs of one company, kept in memory and renewed when a new one appears."""

    def __init__(self, company: Company, settings: Settings) -> None:
        self.company = company
        self.settings = settings
        self.workspace = settings.workspace_of(company)
        self._root = self.workspace / "scores"
        self._renewing = threading.Lock()
        self._seen: tuple[int, ...] = ()
        self._editions: Mapping[str, Edition] = MappingProxyType({})
        self._artifacts: dict[str, tuple[tuple[int, ...], Artifact]] = {}
        self.stale = ""

    @classmethod
    def open(cls, company: Company, settings: Settings) -> Self:
        """The book of `company` as it is published now; empty where nothing is yet."""
        book = cls(company, settings)
        book.refresh()
        return book

    def refresh(self) -> None:
        """Takes up what was published since; costs one `stat` where nothing was.

        Where the new state cannot be read, the last good one stays and `stale` says why.
        """
        with self._renewing:
            seen = _signature(self._root / "current.json")
            if seen == self._seen:
                return
            self._seen = seen
            try:
                self._editions = MappingProxyType(_editions(self._root, self.company))
                self.stale = ""
            except NotFound:
                log.info("no scoring run is published under %s", self._root)
            except (ChurnlightError, OSError, ValueError, KeyError, TypeError) as error:
                self.stale = f"the latest run cannot be read: {error}"
                log.exception("keeping the last good run")

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that have a published run, in the order of the declaration."""
        return tuple(name for name in adverse(self.company) if name in self._editions)

    def edition(self, target: str) -> Edition:
        """Everything that is published of `target`.

        Hold on to it for the length of a request, so that its parts belong together.

        Raises
        ------
        NotFound
            Nothing is published for this target.
        """
        if target not in self._editions:
            raise NotFound(f"no run is published for target {target!r}; run: churnlight score")
        return self._editions[target]

    def artifact(self, target: str) -> "Artifact":
        """The promoted artifact of `target`, verified as it is loaded, and kept.

        Its explanations are compiled before anybody asks for one.

        Raises
        ------
        NotFound
            None is promoted.
        """
        from training.artifact import champion, champion_folder
        from training.expiry import overdue

        seen = _signature(champion_folder(self.workspace, target) / "champion.json")
        kept = self._artifacts.get(target)
        if kept is None or kept[0] != seen:
            found = champion(self.workspace, target)
            log.info("target %s: explained by %s", target, found.explanation_path)
            edition = self._editions.get(target)
            if edition and (told := overdue(found, edition.run.as_of)):
                log.warning(told)
            kept = seen, found
            self._artifacts[target] = kept
        return kept[1]


def adverse(company: Company) -> tuple[str, ...]:
    """The targets that have health scores, in the order of the declaration: first, the default."""
    return tuple(name for name, item in company.targets.items() if item.adverse)


def _signature(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0,)
    return found.st_mtime_ns, found.st_ino, found.st_size


def _editions(root: Path, company: Company) -> dict[str, Edition]:
    found = runs.published(root)
    targets = dict.fromkeys(target for run in found for target in run.models)
    indicators = {
        name: [column_name(name, window) for window in item.spans()]
        for name, item in company.staged("live").items()
    }
    return {
        target: bind([run for run in found if target in run.models], target, indicators)
        for target in targets
    }
