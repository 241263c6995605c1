"""Compile the lock files, and prove that they still are what was asked for.

Design rule: `check` needs no network and never fails because somebody released something. A lock
is fresh when (1) the digest in its first line is that of the inputs it was compiled from, (2) every
requirement of its `.in` file and of pyproject.toml is met by a locked version, (3) it records
neither an address nor a path. That the locked versions fit each other is `uv pip check`'s part.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements-tools", "requirements", "requirements-dev")
HEADER = "# inputs sha256:"
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ;\\]+)", re.MULTILINE)
MACHINE = re.compile(r"://|@ file|--(index-url|extra-index-url|find-links)|(^|[\s=])/\w")
COMPILE = (
    "pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links "
    "--python-version 3.11 --python-platform linux --custom-compile-command"
).split()


def requirements(name: str) -> list[str]:
    """Return the requirement lines of an `.in` file, without comments and options."""
    text = (ROOT / f"{name}.in").read_text()
    lines = (line.split(" #")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def pins(name: str) -> dict[str, str]:
    """Return the locked version of every package of a lock file."""
    return dict(PIN.findall((ROOT / f"{name}.lock").read_text()))


def inputs_digest(name: str) -> str:
    """Return the SHA-256 of what a lock was compiled from; for the tests also the runtime pins."""
    asked = sorted(requirements(name))
    if name == "requirements-dev":
        asked += [f"-c {package}=={version}" for package, version in pins("requirements").items()]
    return hashlib.sha256("\n".join(asked).encode()).hexdigest()


def compile_all(uv: str, upgrade: bool) -> None:
    """Resolve every `.in` file; locked versions stay unless `upgrade`, or no longer asked for."""
    for name in LOCKS:
        lock = ROOT / f"{name}.lock"
        command = [uv, *COMPILE, "make lock", *(["--upgrade"] if upgrade else [])]
        subprocess.run([*command, f"{name}.in", "--output-file", lock.name], cwd=ROOT, check=True)
        body = re.sub(rf"^{HEADER}.*\n", "", lock.read_text(), flags=re.MULTILINE)
        lock.write_text(f"{HEADER}{inputs_digest(name)}\n{body}")


def declared() -> list[str]:
    """Return every dependency that pyproject.toml declares, the build backend included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras: dict[str, list[str]] = project["project"].get("optional-dependencies", {})
    found = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    return found + [line for extra in extras.values() for line in extra]


def unmet(asked: Iterable[str], locked: dict[str, str], where: str) -> Iterator[str]:
    """Yield a sentence for every requirement that the locked versions do not meet."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for line in asked:
        requirement = Requirement(line)
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            yield f"{where} asks for {line!r}, locked is {version or 'nothing'}: run `make lock`"


def stale(name: str) -> Iterator[str]:
    """Yield a sentence for everything that is wrong with one lock file."""
    text = (ROOT / f"{name}.lock").read_text()
    if text.splitlines()[0] != f"{HEADER}{inputs_digest(name)}":
        yield f"{name}.lock was compiled from other inputs than {name}.in: run `make lock`"
    yield from unmet(requirements(name), pins(name), f"{name}.in")
    for number, line in enumerate(text.splitlines(), start=1):
        if MACHINE.search(line):
            yield f"{name}.lock:{number}: an address or a path of a machine: {line.strip()!r}"


def unbounded() -> Iterator[str]:
    """Yield a sentence for every dependency in pyproject.toml that has no lower bound."""
    for line in declared():
        if not re.search(r">=|==|~=", line):
            yield f"pyproject.toml: {line!r} has no lower bound: write {line}>=VERSION"


def check() -> int:
    """Write every finding to stderr and return 1 if there is one, else 0."""
    findings = [sentence for name in LOCKS for sentence in stale(name)]
    # What only an extra brings is locked for the tests.
    locked = pins("requirements-dev") | pins("requirements")
    findings += [*unbounded(), *unmet(declared(), locked, "pyproject.toml")]
    sys.stderr.writelines(f"{sentence}\n" for sentence in findings)
    return int(bool(findings))


def main() -> int:
    """Run `locks.py compile --uv PATH [--upgrade]` or `locks.py check`; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check")
    compiling = verbs.add_parser("compile")
    compiling.add_argument("--uv", required=True)
    compiling.add_argument("--upgrade", action="store_true")
    arguments = parser.parse_args()
    if arguments.verb == "check":
        return check()
    compile_all(arguments.uv, arguments.upgrade)
    return 0


if __name__ == "__main__":
    sys.exit(main())
