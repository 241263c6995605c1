"""What the README says: two commands, and what they do in an empty clone."""

from pathlib import Path

from newcomer import commands, do_the_main_job, empty_clone


def test_the_first_screen_shows_two_commands() -> None:
    assert commands() == ["make demo", "make test"]


def test_the_main_job_in_an_empty_clone(tmp_path: Path) -> None:
    do_the_main_job(empty_clone(tmp_path), "examples/cdnow", commands()[0])
