"""The leak audit over many seeds: honest companies raise no alarm, whatever the chance."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leaky_companies
from features.declaring.declaration import load
from training.leaks import deep_check

SAAS = Path(__file__).parents[1] / "examples" / "saas"
ACCOUNTS = 400
TRUE_SHIFTS = {"drift"}
"""The simulated company has a new workspace in its second year, and the report rightly says so."""
BY_CHANCE = {"months_without_outcome"}
"""It asks for three expected outcomes, and chance has none of three in one month of twenty."""


def simulated(folder: Path, seed: int) -> Path:
    """Writes the simulated company of a seed, with its declaration."""
    command = [sys.executable, str(SAAS / "get_data.py"), "--seed", str(seed)]
    command += ["--accounts", str(ACCOUNTS), "--out", str(folder / "data")]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copy(SAAS / "churnlight.toml", folder)
    return folder


def alarms(folder: Path) -> set[str]:
    """The names of all errors and warnings of the whole audit, training included."""
    return {item.name for item in deep_check.check_deep(load(folder)) if item.state != "advice"}


@pytest.mark.parametrize("seed", [*range(100, 107), 117])
def test_the_simulated_company_raises_no_alarm(seed: int, tmp_path: Path) -> None:
    assert alarms(simulated(tmp_path, seed)) <= TRUE_SHIFTS | BY_CHANCE


@pytest.mark.parametrize("seed", range(200, 208))
def test_a_company_of_pure_chance_raises_no_alarm(seed: int, tmp_path: Path) -> None:
    assert alarms(leaky_companies.write(tmp_path, leaky_companies.honest(seed))) <= BY_CHANCE
