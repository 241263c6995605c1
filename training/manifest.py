"""The manifest of an artifact's directory: its files are verified before any of them is parsed."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from features.errors import ChurnlightError, NotFound


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
    """The manifest, once every file has the SHA-256 that it states; errors as of `verify`."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such artifact; train one with: churnlight train")
    try:
        content = json.loads((folder / "manifest.json").read_text("utf-8"))
        manifest = Manifest(str(content["digest"]), dict(content["files"]))
        actual = {
            file.name: sha256_of(file) for file in folder.iterdir() if file.name in manifest.files
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
    return manifest


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
