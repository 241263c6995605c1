"""The pages of reference say what the code says."""

import re
from pathlib import Path

import pytest

import bad_companies
import bad_expressions
from features.breaches.outcomes import MIN_CHURNERS
from features.declaring import column, company, indicator, source, target
from features.declaring.company import Company
from features.declaring.declaration import parse
from features.declaring.vocabulary import TomlTable
from features.errors import ChurnlightError
from features.reference import settings_page
from features.settings import Settings
from leaky_companies import LEAKS
from serving import cli, cli_page

DOCS = Path(__file__).parents[1] / "docs"
TRAINING = DOCS.parent / "training"
PAGE = (DOCS / "declaration.md").read_text("utf-8")
SECTIONS = {
    company.About: "[company]",
    company.Accounts: "[accounts]",
    company.Attributes: "[accounts]",
    source.Source: "[sources.NAME]",
    source.Currency: "[sources.NAME]",
    source.CsvFormat: "[sources.NAME]",
    column.Column: "[sources.NAME]",
    source.AccountKey: "[sources.NAME]",
    source.TimeColumn: "[sources.NAME]",
    source.KnownTime: "[sources.NAME]",
    company.Link: "[links.NAME]",
    company.Aliases: "[accounts]",
    target.Target: "[targets.NAME]",
    target.Event: "[targets.NAME]",
    target.Pause: "[targets.NAME]",
    target.Inactivity: "[targets.NAME]",
    company.Segment: "[segments.NAME]",
    indicator.Indicator: "[indicators.NAME]",
    indicator.Topic: "[indicators.NAME]",
    company.Taxonomy: "[taxonomies.NAME]",
    company.Bands: "[bands]",
    company.Playbook: "[playbooks.NAME]",
    company.Step: "[playbooks.NAME]",
}


def section(title: str) -> str:
    start = PAGE.index(f"## `{title}`")
    return PAGE[start : PAGE.index("\n## ", start)]


def test_every_table_of_the_language_has_a_section() -> None:
    assert {*SECTIONS, Company} == set(TomlTable.__subclasses__())


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_key_is_explained(model: type[TomlTable]) -> None:
    said = set(re.findall(r"(?:`|[{,] )(\w+)(?:`| =)", section(SECTIONS[model])))
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert keys - said == set()


@pytest.mark.parametrize("model", SECTIONS, ids=lambda model: model.__name__)
def test_every_plain_default_is_told(model: type[TomlTable]) -> None:
    for name, field in model.model_fields.items():
        if not isinstance(field.default, bool | int | float | str) or field.is_required():
            continue
        shown = {str(field.default).lower(), f'"{field.default}"', f'"{field.default}d"'}
        rows = [
            line
            for line in section(SECTIONS[model]).splitlines()
            if line.startswith("|") and f"`{name}`" in line
        ]
        assert any(f"`{text}`" in line for line in rows for text in shown), (name, field.default)


@pytest.mark.parametrize(
    "choices", [indicator.Measure, indicator.Kind, indicator.Stage, indicator.Dimension]
)
def test_every_choice_is_explained(choices: object) -> None:
    said = section("[indicators.NAME]")
    words: tuple[str, ...] = getattr(choices, "__args__", ())
    assert words
    assert [word for word in words if f"`{word}`" not in said and f'`"{word}"`' not in said] == []


def test_the_examples_of_the_page_are_one_valid_declaration() -> None:
    declared = parse("\n".join(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)))
    assert list(declared.targets) == ["churn", "renewal", "silence", "expansion"]
    named = ["accounts", "logins", "tickets", "subscriptions", "invoices"]
    more = ["health", "payments", "users", "clicks", "upgrades"]
    assert list(declared.sources) == [*named, *more]


def test_every_check_is_listed_with_its_state() -> None:
    listed = PAGE[PAGE.index("## What `churnlight check` looks at") :]
    states = {
        name: line.split("|")[2]
        for line in listed.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    defects = (
        *bad_companies.TABLES,
        *bad_expressions.EXPRESSIONS,
        *bad_companies.TRAINING,
        *bad_companies.WARNINGS,
        *bad_companies.ADVICE,
    )
    spoiled = [(item.finding, item.state) for item in defects]
    for finding, state in [*spoiled, *((leak.finding, leak.state) for leak in LEAKS)]:
        assert state in states[finding], finding
    assert f"fewer than {MIN_CHURNERS} different accounts" in listed


def test_every_check_of_the_code_is_listed() -> None:
    code = "\n".join(
        path.read_text("utf-8")
        for path in [*(DOCS.parent / "features").rglob("*.py"), *TRAINING.rglob("*.py")]
        if path.parent.name in ("breaches", "structure", "audit", "training", "leaks")
        or path.name in ("sources.py", "shaping.py", "leaks.py")
    )
    names = {
        *re.findall(r'(?:Finding|_finding|_error|_broken|Rule)\(\s*(?:\w+, )*"(\w+_\w+)"', code),
        *re.findall(r'\("(?:error|advice)", "(\w+)"\)', code),
    }
    names |= set(re.findall(r'^NAME = "(\w+)"$', code, re.MULTILINE))
    assert len(names) > 45
    assert {name for name in names if f"`{name}`" not in PAGE} == set()


def test_the_page_of_settings_is_made_from_the_settings() -> None:
    page = (DOCS / "settings.md").read_text("utf-8")
    assert page == settings_page.page(), (
        "python -m features.reference.settings_page > docs/settings.md"
    )
    assert all(f"`CHURNLIGHT_{name.upper()}`" in page for name in Settings.model_fields)


def test_the_page_of_the_command_line_is_made_from_the_program() -> None:
    page = (DOCS / "cli.md").read_text("utf-8")
    assert page == cli_page.page(), "python -m serving.cli_page > docs/cli.md"
    assert all(f"\n## {verb}\n" in page for verb in cli.VERBS)
    errors: list[type[ChurnlightError]] = [ChurnlightError, *ChurnlightError.__subclasses__()]
    assert {error.exit_code for error in errors} < set(cli.EXIT_CODES)
