"""Why the last training of a target was refused, kept while nothing of it is registered.

So that `promote` can say at once what it would find out by way of the registry. A tracking server
may have models of others; there the registry is asked.
"""

from collections.abc import Sequence
from pathlib import Path

from features import publish
from features.declaring.company import Company
from features.errors import NotFound
from features.settings import Settings


def keep(company: Company, target: str, why: str, settings: Settings) -> None:
    """Keeps the reason for which nothing was registered."""
    path = _path(company, target, settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with publish.replacing(path) as temporary:
        temporary.write_text(why, encoding="utf-8")


def forget(company: Company, target: str, settings: Settings) -> None:
    """Forgets the reason, once a model is registered."""
    _path(company, target, settings).unlink(missing_ok=True)


def require_any_model(company: Company, targets: Sequence[str], settings: Settings) -> None:
    """Raises NotFound where the training of all these targets was refused, with the reasons."""
    if settings.tracking_uri:
        return
    paths = [_path(company, target, settings) for target in targets]
    if paths and all(path.is_file() for path in paths):
        reasons = dict.fromkeys(path.read_text(encoding="utf-8") for path in paths)
        raise NotFound(
            f"there is nothing to promote: the last training was refused: {'; '.join(reasons)}. "
            "Train again once that is fixed: churnlight train"
        )


def _path(company: Company, target: str, settings: Settings) -> Path:
    return settings.workspace_of(company) / "refused" / f"{target}.txt"
