"""The promoted artifact of each target, kept beside the registry for the service to start from."""

import json
import shutil
from pathlib import Path

from features import publish
from features.errors import NotFound
from training.artifact import Artifact, first_load
from training.manifest import DamagedArtifact, verify


def champion_folder(workspace: Path, target: str) -> Path:
    """Where the promoted artifact of `target` is kept beside the registry."""
    return workspace / "champion" / target


def install_champion(artifact: Artifact, workspace: Path) -> None:
    """Makes `artifact` the one that the service starts from; the pointer is replaced last."""
    root = champion_folder(workspace, artifact.target)
    folder = root / artifact.digest
    _clear_if_damaged(folder)
    artifact.save(folder)
    first_load(folder)
    pointer = {"digest": artifact.digest, "name": artifact.name, "version": artifact.version}
    publish.write_json(pointer, root / "champion.json")


def _clear_if_damaged(folder: Path) -> None:
    """A published directory stays as it is, unless it is no longer what was published."""
    try:
        verify(folder)
    except DamagedArtifact:
        shutil.rmtree(folder)
    except NotFound:
        return


def champion(workspace: Path, target: str) -> Artifact:
    """The promoted artifact of `target`, verified.

    Raises
    ------
    NotFound
        None has been promoted.
    DamagedArtifact
        Its files are not what was promoted.
    """
    root = champion_folder(workspace, target)
    pointer = _pointer(root / "champion.json", target)
    folder = root / pointer["digest"]
    artifact = Artifact.load(folder, name=pointer["name"], version=pointer["version"])
    if artifact.digest != pointer["digest"]:
        raise DamagedArtifact(f"{folder}: is not the artifact that was promoted; promote again")
    return artifact


def _pointer(path: Path, target: str) -> dict[str, str]:
    try:
        content = json.loads(path.read_text("utf-8"))
        return {key: str(content[key]) for key in ("digest", "name", "version")}
    except FileNotFoundError:
        raise NotFound(
            f"no champion for target {target!r}; run: churnlight train, then churnlight promote"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedArtifact(f"{path}: cannot be read ({error!r}); promote again") from error
