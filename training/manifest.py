"""The manifest of an artifact's directory: its files are verified before any of them is parsed."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from features.errors import ChurnlightError, NotFound

NAME = "manifest.json"
# The folder of a forecast in that of its artifact; it has a manifest of its own.
FORECAST = "forecast"


class DamagedArtifact(ChurnlightError):
    """An artifact's files are not those that were written, or not of a format that we read."""


@dataclass(frozen=True)
class Manifest:
    """The model's digest, and the SHA-256 of each file by its name."""

    digest: str
    files: dict[str, str]


def verify(folder: Path) -> str:
    """The model digest that the manifest states, once every file has the SHA-256 it states.

    Raises
    ------
    NotFound, DamagedArtifact
        There is no such directory; a file is missing or changed.
    """
    return verified(folder).digest


def verified(folder: Path) -> Manifest:
    """The manifest, once every file has the SHA-256 that it states; errors as of `verify`.

    That of a forecast in it likewise.
    """
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such artifact; train one with: churnlight train")
    try:
        content = json.loads((folder / NAME).read_text("utf-8"))
        manifest = Manifest(str(content["digest"]), dict(content["files"]))
        actual = {
            name: sha256_of(folder / name) for name in _names(folder) if name in manifest.files
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedArtifact(
            f"{folder}: no readable manifest.json ({error}); fetch the artifact again, or train "
            "again"
        ) from error
    if wrong := sorted(name for name in manifest.files if actual.get(name) != manifest.files[name]):
        raise DamagedArtifact(
            f"{folder}: {', '.join(wrong)} changed or missing since training; fetch the artifact "
            "again, or train again"
        )
    if f"{FORECAST}/{NAME}" in manifest.files:
        verified(folder / FORECAST)
    return manifest


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file in `folder`, and of the manifest of a forecast in it."""
    return {name: sha256_of(folder / name) for name in _names(folder)}


def _names(folder: Path) -> list[str]:
    files = sorted(file.name for file in folder.iterdir() if file.is_file())
    inner = f"{FORECAST}/{NAME}"
    return [*files, inner] if (folder / inner).is_file() else files


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
