"""The book of business that the API and the pages read: the latest published run, in memory.

Its one rule: an edition is built whole, from verified files, and then swapped in; a reader
never sees half of one, and where a new one cannot be read the last good one stays.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Self

from features.declaring.company import Company
from features.declaring.indicator import column_name
from features.errors import ChurnlightError, NotFound
from features.settings import Settings
from serving.published import prospects, runs
from serving.published.edition import Edition, Entries, Entry, Point, Total, bind
from serving.published.expected_loss import ExpectedLosses, expected_losses
from serving.published.prospects import Prospects

if TYPE_CHECKING:
    from training.artifact import Artifact
    from training.metrics.losses import LossOnDate

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
        self._prospects: Mapping[str, Prospects] = MappingProxyType({})
        self._artifacts: dict[str, tuple[tuple[int, ...], Artifact]] = {}
        self._failed: dict[str, _Failed] = {}
        self._losses: dict[str, tuple[Edition, ExpectedLosses | None]] = {}
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
                published = runs.published(self._root)
                editions = _editions(published, self.company)
                self._prospects = MappingProxyType(_prospects(published, self.company))
                self._editions = MappingProxyType(editions)
                self.stale = ""
            except NotFound:
                log.info("no scoring run is published under %s", self._root)
            except (ChurnlightError, OSError, ValueError, KeyError, TypeError) as error:
                self.stale = f"the latest run cannot be read: {error}"
                log.exception("keeping the last good run")

    @property
    def targets(self) -> tuple[str, ...]:
        """The adverse targets that have a published run, in the order of the declaration."""
        return tuple(name for name in self.company.adverse if name in self._editions)

    @property
    def opportunities(self) -> tuple[str, ...]:
        """The targets that are no risk and have a published run, in the same order."""
        return tuple(name for name in self.company.opportunities if name in self._prospects)

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

    def prospects(self, target: str) -> Prospects:
        """The published opportunities of `target`; as `edition`."""
        if target not in self._prospects:
            raise NotFound(f"no run is published for target {target!r}; run: churnlight score")
        return self._prospects[target]

    def artifact(self, target: str) -> "Artifact":
        """The promoted artifact of `target`, verified as it is loaded, and kept.

        Its explanations are compiled before anybody asks for one.

        Raises
        ------
        NotFound
            None is promoted.
        DamagedArtifact
            It cannot be read; it is read again when one of its files has changed.
        """
        from training.champions import champion_folder

        folder = champion_folder(self.workspace, target)
        seen = _signature(folder / "champion.json")
        kept = self._artifacts.get(target)
        if kept is None or kept[0] != seen:
            kept = seen, self._champion(target, folder)
            self._artifacts[target] = kept
        return kept[1]

    def expected_losses(self, edition: Edition) -> ExpectedLosses | None:
        """What an edition expects to be lost; worked out when it is first asked for, and kept."""
        kept = self._losses.get(edition.target)
        if kept is None or kept[0] is not edition:
            notice = self.company.targets[edition.target].notice or 0
            kept = edition, expected_losses(edition, notice)
            self._losses[edition.target] = kept
        return kept[1]

    def tested_losses(self, edition: Edition) -> "tuple[LossOnDate, ...]":
        """What the forecast of an edition expected on past dates, and what was lost.

        Nothing where another model than the promoted one made it.
        """
        try:
            artifact = self.artifact(edition.target)
        except ChurnlightError:
            return ()
        if artifact.forecast is None or artifact.digest != edition.model["digest"]:
            return ()
        return artifact.forecast.evaluation.losses

    def _champion(self, target: str, folder: Path) -> "Artifact":
        from training.champions import champion
        from training.expiry import overdue
        from training.manifest import DamagedArtifact

        # Whoever restores a file does not touch the pointer.
        files = {path: _signature(path) for path in folder.rglob("*")}
        failed = self._failed.get(target)
        if failed and failed.files == files:
            raise DamagedArtifact(failed.message)
        try:
            artifact = champion(self.workspace, target)
            log.info("target %s: explained by %s", target, artifact.explanation_path)
        except DamagedArtifact as error:
            self._failed[target] = _Failed(files, str(error))
            raise
        edition = self._editions.get(target)
        if edition and (warning := overdue(artifact, edition.run.as_of)):
            log.warning(warning)
        return artifact


class _Failed(NamedTuple):
    """A champion that could not be read: the state of its files then, and why."""

    files: dict[Path, tuple[int, ...]]
    message: str


def _signature(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0,)
    return status.st_mtime_ns, status.st_ino, status.st_size


def _editions(published: Sequence[runs.Run], company: Company) -> dict[str, Edition]:
    return {
        target: bind([run for run in published if target in run.models], target, _columns(company))
        for target in company.adverse
        if any(target in run.models for run in published)
    }


def _prospects(published: Sequence[runs.Run], company: Company) -> dict[str, Prospects]:
    """Of the latest run alone: an opportunity is shown while the scores beside it are as new."""
    latest = published[-1]
    return {
        target: prospects.bind(latest, target, _columns(company))
        for target in company.opportunities
        if target in latest.models
    }


def _columns(company: Company) -> dict[str, list[str]]:
    """The feature columns of each live indicator."""
    return {
        name: [column_name(name, window) for window in indicator.spans()]
        for name, indicator in company.staged("live").items()
    }
