"""The decision of a review, as it is acted upon: read from its file, checked against the registry.

A review decides between two models on certain rows. `ReviewDecision` names them, so that the
decision can never be used for others.
"""

import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import StrictBool, TypeAdapter, ValidationError

from features.errors import ContractBroken, DeclarationError, Finding, GateRefused, NotFound

FILE = "review.json"
FORMAT = 3
PROMOTE: Literal["promote"] = "promote"
KEEP: Literal["keep"] = "keep"
Verb = Literal["promote", "keep"]

# The checks of a verdict, by name, in their order.
DIFFERENT, SKILL, BETTER = "different model", "skill", "better than the champion"


@dataclass(frozen=True)
class ReviewedModel:
    """One of the two models: its digest, and that of the rows it was trained on."""

    version: str
    digest: str
    data_digest: str

    @property
    def described(self) -> str:
        """Version and digests, for messages."""
        return (
            f"version {self.version} (model digest {self.digest[:12]}, training data "
            f"{self.data_digest[:12]})"
        )

    def is_same(self, other: "ReviewedModel") -> bool:
        """Whether both are one model, trained on the same rows, whatever their versions."""
        return (self.digest, self.data_digest) == (other.digest, other.data_digest)


@dataclass(frozen=True)
class _Check:
    name: str
    passed: StrictBool


@dataclass(frozen=True)
class _Verdict:
    decision: Verb
    reasons: tuple[str, ...]
    checks: tuple[_Check, ...]

    def __post_init__(self) -> None:
        passed = [check.passed for check in self.checks]
        follows = PROMOTE if passed and all(passed) else KEEP
        if self.decision != follows:
            raise ValueError(f"its checks mean {follows}, but its decision is {self.decision}")


@dataclass(frozen=True)
class _ReviewFile:
    """What a promotion needs of a `review.json`; the rest of the file is evidence for people."""

    format: Literal[3]
    target: str
    as_of: str
    verdict: _Verdict
    champion: ReviewedModel
    challenger: ReviewedModel


@dataclass(frozen=True)
class ReviewDecision:
    """The decision of a review, and its two models."""

    path: Path
    target: str
    as_of: str
    decision: Verb
    reasons: tuple[str, ...]
    champion: ReviewedModel
    challenger: ReviewedModel

    @property
    def summary(self) -> str:
        """The review in a few words, for the registry."""
        return f"as of {self.as_of}: {self.decision}; {'; '.join(self.reasons)}"

    def require_target(self, target: str) -> None:
        """Raises DeclarationError unless the review is of `target`."""
        if self.target != target:
            raise DeclarationError(
                f"{self.path} is a review of target {self.target}, not of {target}; name the "
                f"review of {target}, or --target {self.target}"
            )

    def require_of(self, champion: ReviewedModel | None, challenger: ReviewedModel) -> None:
        """Raises DeclarationError unless these are the models and the data of the review."""
        pairs = {"champion": (self.champion, champion), "challenger": (self.challenger, challenger)}
        for role, (reviewed, registered) in pairs.items():
            if registered is None or not reviewed.is_same(registered):
                present = registered.described if registered else "none"
                raise DeclarationError(
                    f"{self.path}: the {role} that was reviewed is {reviewed.described}, but the "
                    f"registry has {present}; review these two models again (churnlight review), "
                    "or promote with --reason TEXT"
                )

    def require_promotion(self) -> None:
        """Raises GateRefused unless the decision is to promote."""
        if self.decision != PROMOTE:
            raise GateRefused(
                f"version {self.challenger.version} of {self.target} is not promoted: {self.path} "
                f"says {self.decision}: {'; '.join(self.reasons)}; keep the champion, or promote "
                "with --reason TEXT"
            )


def read(path: Path) -> ReviewDecision:
    """The decision in a `review.json`.

    Raises
    ------
    NotFound
        There is no such file.
    ContractBroken
        It is no review, or its decision does not follow from its checks.
    """
    if not path.is_file():
        raise NotFound(f"{path}: no such file; churnlight review --out FOLDER writes {FILE} there")
    try:
        content = TypeAdapter(_ReviewFile).validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        detail = f"not a file that churnlight review writes ({where}: {first['msg']})"
        cure = f"name the {FILE} of a review, unchanged"
        raise ContractBroken(
            [Finding("review", "promote", "error", str(path), None, None, detail, cure)]
        ) from error
    verdict = content.verdict
    return ReviewDecision(
        path,
        content.target,
        content.as_of,
        verdict.decision,
        verdict.reasons,
        content.champion,
        content.challenger,
    )


def command(
    target: str, version: str, failed: Collection[str], company: str = "DIR", path: str = FILE
) -> str:
    """The command that acts on a review, or why there is none.

    Parameters
    ----------
    version : str
        That of the challenger in the registry.
    failed : collection of str
        The names of the checks that failed.
    company, path : str
        The folder of the company and the file of the review, for the command.
    """
    base = (
        f"churnlight promote --company {shlex.quote(company)} --target {target} --version {version}"
    )
    if not failed:
        return f"{base} --review {shlex.quote(path)}"
    if DIFFERENT in failed:
        return "nothing to do; train a challenger first (churnlight train)"
    if SKILL in failed:
        return "nothing to do; a challenger without skill is not promoted, whatever the reason"
    return f"nothing to do, the champion stays; to replace it anyway: {base} --reason TEXT"
