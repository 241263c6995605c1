"""The README's main job for the simulated company, in an empty clone."""

from pathlib import Path

from newcomer import commands, do_the_main_job, empty_clone

COMPANY = "examples/saas"


def test_the_main_job_for_the_simulated_company(tmp_path: Path) -> None:
    do_the_main_job(empty_clone(tmp_path), COMPANY, f"{commands()[0]} COMPANY={COMPANY}")
