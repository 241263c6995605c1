"""The verdict of a review as it is acted upon: read from its file, held against the registry.

A review decides between two models on certain rows. `Decided` says which they were, so that the
verdict can never be used for others.
"""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import ContractBroken, DeclarationError, Finding, GateRefused, NotFound

FILE = "review.json"
PROMOTE, KEEP = "promote", "keep"


@dataclass(frozen=True)
class Model:
    """One of the two models: its digest, and that of the rows that taught it."""

    version: str
    digest: str
    data_digest: str


@dataclass(frozen=True)
class Decided:
    """What a review decided, and on which models."""

    path: Path
    target: str
    as_of: str
    decision: str
    reasons: tuple[str, ...]
    champion: Model
    challenger: Model

    @property
    def told(self) -> str:
        """The review in a few words, for the registry."""
        return f"as of {self.as_of}: {self.decision}; {'; '.join(self.reasons)}"

    def require_target(self, target: str) -> None:
        """Raises DeclarationError unless the review is of `target`."""
        if self.target != target:
            raise DeclarationError(
                f"{self.path}: a review of target {self.target}, not of {target}; take that one's"
            )

    def require_of(self, champion: Model | None, challenger: Model) -> None:
        """Raises DeclarationError unless these are the models and the data of the review."""
        known = {"champion": (self.champion, champion), "challenger": (self.challenger, challenger)}
        for role, (reviewed, found) in known.items():
            if found is None or _rows(reviewed) != _rows(found):
                what = f"version {found.version}, {_digests(found)}" if found else "none"
                raise DeclarationError(
                    f"{self.path}: reviewed as {role} version {reviewed.version}, "
                    f"{_digests(reviewed)}, and the registry has {what}; review these two anew "
                    "(churnlight review), or promote with --reason TEXT"
                )

    def require_promotion(self) -> None:
        """Raises GateRefused unless the verdict is to promote."""
        if self.decision != PROMOTE:
            raise GateRefused(
                f"version {self.challenger.version} of {self.target} is not promoted: {self.path} "
                f"says {self.decision}: {'; '.join(self.reasons)}; keep the champion, or promote "
                "with --reason TEXT"
            )


def _rows(model: Model) -> tuple[str, str]:
    return model.digest, model.data_digest


def _digests(model: Model) -> str:
    return f"digest {model.digest[:12]}, taught by rows {model.data_digest[:12]}"


def read(path: Path) -> Decided:
    """The verdict in a `review.json`.

    Raises
    ------
    NotFound
        There is no such file.
    ContractBroken
        It is no review.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file; churnlight review --out FOLDER writes {FILE} there")
    try:
        content = json.loads(path.read_text("utf-8"))
        verdict = content["verdict"]
        _require_sound(verdict)
        return Decided(
            path,
            str(content["target"]),
            str(content["as_of"]),
            str(verdict["decision"]),
            tuple(map(str, verdict["reasons"])),
            _model(content["champion"]),
            _model(content["challenger"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        detail = f"it is not what churnlight review writes ({error!r})"
        mend = f"name the {FILE} of a review, as it was written"
        found = Finding("review", "promote", "error", str(path), None, None, detail, mend)
        raise ContractBroken([found]) from error


def _require_sound(verdict: Mapping[str, Any]) -> None:
    """Raises ValueError unless the decision follows from the checks, as that of a review does."""
    passed = [item["passed"] for item in verdict["checks"]]
    follows = PROMOTE if passed and all(item is True for item in passed) else KEEP
    if verdict["decision"] != follows:
        raise ValueError(f"its checks come to {follows}, and it says {verdict['decision']}")


def _model(content: Mapping[str, Any]) -> Model:
    return Model(*(str(content[name]) for name in ("version", "digest", "data_digest")))


def command(found: Mapping[str, Any], company: str = "DIR", path: str = FILE) -> str:
    """The command that acts on the verdict of a review's content, or why there is none."""
    passed = {item["name"]: item["passed"] for item in found["verdict"]["checks"]}
    base = (
        f"churnlight promote --company {shlex.quote(company)} --target {found['target']} "
        f"--version {found['challenger']['version']}"
    )
    if found["verdict"]["decision"] == PROMOTE:
        return f"{base} --review {shlex.quote(path)}"
    if not passed["another model"]:
        return "nothing; train a challenger first (churnlight train)"
    if not passed["skill"]:
        return "nothing; no reason outweighs a challenger without skill of its own"
    return f"nothing, the champion stays; to replace it all the same: {base} --reason TEXT"
