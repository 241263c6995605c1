"""Ten thousand random folders of tables: `init` drafts what loads, or says why not."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from random_folders import RandomTable, assert_drafted_or_refused, folders


@settings(max_examples=10_000, suppress_health_check=list(HealthCheck))
@given(tables=folders)
def test_init_never_fails(tmp_path: Path, tables: list[RandomTable]) -> None:
    assert_drafted_or_refused(tmp_path / "folder", tables)
