"""Every recipe of the catalogue can be adopted, is recognised, and reads its export by hand.

A recipe that is added is tested by standing there; its export is one entry of `exports`.
"""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exports import EXPORTS, Export, at
from features import catalog, contract, snapshots, sources
from features.assembling import churn_days
from features.declaring.column import plain
from features.declaring.company import Company
from features.declaring.declaration import load, parse
from features.declaring.recipe import recipes
from features.drafting.tables import exports
from features.errors import DeclarationError
from features.publish import write_parquet
from features.reference import sources_page
from features.structure import soundness

RECIPES = recipes()
ROOT = Path(__file__).parents[1]
HEAD = """
[company]
name = "Somebody"
data_until = 2024-06-01
[accounts]
source = "facts"
key = "{key}"
{accounts}
[targets.churn]
inactivity = {{ source = "facts", within = "90d" }}
active_within = "180d"
horizon = "90d"
[indicators.rows]
title = "Rows"
dimension = "business"
kind = "context"
source = "facts"
measure = "count"
windows = ["all"]
says = "{{value}} in {{window}}, typically {{usual}}"
[sources.facts]
adopt = "{recipe}"
path = "facts.{suffix}"
"""


def declaring(name: str, suffix: str = "csv") -> str:
    """A declaration with nothing but the recipe and what it feeds."""
    recipe = RECIPES[name]
    if recipe.account is not None:
        key, accounts, more = recipe.account, "derived = true", ""
    else:
        key, since = str(recipe.key), recipe.attributes.since
        accounts = f'attributes = {{ since = "{since}" }}'
        more = f'account = "{key}"\nevent_time = {{ column = "{since}", zone = "UTC" }}\n'
    text = HEAD.format(key=key, accounts=accounts, recipe=name, suffix=suffix) + more
    for indicator, keys in recipe.indicators.items():
        given = "\n".join(f"{key} = {toml(value)}" for key, value in keys.items())
        text += f'[indicators.{indicator}]\nsource = "facts"\n{given}\n'
    return text


def toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')


def in_folder(folder: Path, export: Export) -> Company:
    (folder / "churnlight.toml").write_text(declaring(export.recipe, export.suffix), "utf-8")
    path = folder / f"facts.{export.suffix}"
    if export.suffix == "parquet":
        write_parquet(pa.Table.from_pylist(export.rows), path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, export.rows[0])
            writer.writeheader()
            writer.writerows(export.rows)
    return load(folder)


def in_utc(value: Any) -> Any:
    """Naive moments are of UTC, as every recipe declares it."""
    is_naive = isinstance(value, datetime) and value.tzinfo is None
    return value.replace(tzinfo=UTC) if is_naive else value


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_can_be_adopted_with_nothing_but_a_path(name: str) -> None:
    source = parse(declaring(name)).sources["facts"]
    assert (source.adopt, source.path) == (name, "facts.csv")
    assert list(source.columns) == list(RECIPES[name].columns)


@pytest.mark.parametrize("name", RECIPES)
def test_no_name_belongs_to_two_columns_of_a_recipe(name: str) -> None:
    columns = RECIPES[name].columns.items()
    names = [
        plain(text)
        for key, column in columns
        for text in (key, *column.names)
        if column.value is None
    ]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_how_its_accounts_are_known_and_from_where_it_knows(name: str) -> None:
    recipe = RECIPES[name]
    assert (recipe.account is None) == (recipe.kind == "accounts") == (recipe.key is not None)
    assert (recipe.event is not None) == (recipe.kind == "subscriptions")
    assert all(text.endswith(")") and "(20" in text for text in recipe.documentation)
    assert len(recipe.required) >= 4
    used = [recipe.account, recipe.key, recipe.event and recipe.event.ended]
    assert {column for column in used if column} <= set(recipe.columns)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_recognised_by_its_columns_and_by_no_others(name: str) -> None:
    recipe = RECIPES[name]
    if recipe.of is None:
        assert exports.recognised(recipe.required) == name
        assert exports.recognised(recipe.required[1:]) != name
    else:
        assert RECIPES[recipe.of].of is None


@pytest.mark.parametrize("export", EXPORTS, ids=str)
def test_an_export_is_recognised(export: Export) -> None:
    recipe = RECIPES[export.recipe]
    assert exports.recognised(export.rows[0]) == (recipe.of or export.recipe)


def test_every_recipe_has_a_made_up_export() -> None:
    assert {export.recipe for export in EXPORTS} == set(RECIPES)


@pytest.mark.parametrize("export", EXPORTS, ids=str)
def test_an_export_is_read_as_it_is_meant(export: Export, tmp_path: Path) -> None:
    company = in_folder(tmp_path, export)
    with sources.open_tables(company) as tables:
        broken = [str(item) for item in soundness.breaches(tables) if item.state == "error"]
        assert broken == []
        rows = tables.engine.rows("SELECT * FROM facts").to_pylist()
        wanted = list(export.read[0])
        assert [{key: in_utc(row[key]) for key in wanted} for row in rows] == export.read
        built = snapshots.build_from(tables, [date(2024, 6, 1)])
    ids = built.table["account_id"].to_pylist()
    for column, by_account in export.features.items():
        values = dict(zip(ids, built.table[column].to_pylist(), strict=True))
        assert values == pytest.approx(by_account, nan_ok=True), column


def test_a_subscription_of_chargebee_that_goes_on_after_a_pause_is_no_churn(tmp_path: Path) -> None:
    """c1 began again by the end of its pause, c2 after it; c3 cancelled on the day of a pause."""
    rows = [
        {"id": f"s{number}", "customer_id": customer, "status": status, "trial_end": None}
        | {"started_at": at(start), "activated_at": at(start), "current_term_end": at("2024-06-05")}
        | {"cancelled_at": at(end) if end else None, "pause_date": at(pause) if pause else None}
        | {"resume_date": at("2024-04-20") if pause else None}
        for number, (customer, status, start, end, pause) in enumerate(
            [
                ("c1", "cancelled", "2023-06-01", "2024-01-20", "2024-01-10"),
                ("c1", "active", "2024-04-20", "", ""),
                ("c2", "cancelled", "2023-06-01", "2024-01-20", "2024-01-10"),
                ("c2", "active", "2024-04-22", "", ""),
                ("c3", "cancelled", "2023-06-01", "2024-01-10", "2024-01-10"),
            ]
        )
    ]
    write_parquet(pa.Table.from_pylist(rows), tmp_path / "facts.parquet")
    event = RECIPES["chargebee.subscriptions"].event
    assert event is not None
    text = declaring("chargebee.subscriptions", "parquet")
    text = text[: text.index("[targets.churn]")] + text[text.index("[indicators.rows]") :]
    text += '[targets.churn]\nhorizon = "90d"\n[targets.churn.event]\nsource = "facts"\n'
    text += f'ended = "{event.ended}"\npaused = {{ from = "{event.paused["from"]}", '
    text += f'until = "{event.paused["until"]}" }}\n'
    with contract.sound_tables(parse(text, tmp_path)) as tables:
        days = churn_days.of_churn(tables, "churn").to_pylist()
    assert [(row["account_id"], str(row["day"])) for row in days] == [
        ("c2", "2024-01-20"),
        ("c3", "2024-01-10"),
    ]


def test_what_the_company_writes_wins_over_the_recipe() -> None:
    own = 'absent = "missing"\ncolumns.customer = ["Kunde"]\nwhere = "status = \'active\'"\n'
    source = parse(declaring("stripe.charges").replace("[indicators.f", own + "[indicators.f", 1))
    facts = source.sources["facts"]
    assert (facts.absent, facts.where) == ("missing", "status = 'active'")
    assert facts.columns["customer"].names == ("Kunde",)
    assert facts.columns["failed"].value == "status = 'failed'"


def test_a_misspelt_recipe_is_named_with_the_nearest_one() -> None:
    text = declaring("stripe.charges").replace("stripe.charges", "stripe.charge")
    with pytest.raises(DeclarationError, match=r"sources\.facts\.adopt: .*stripe\.charges"):
        parse(text)


def test_the_page_of_the_sources_is_made_from_the_recipes() -> None:
    page = (ROOT / "docs" / "sources.md").read_text("utf-8")
    assert page == sources_page.page(), (
        "python -m features.reference.sources_page > docs/sources.md"
    )
    assert all(f"### `{name}`" in page for name in catalog.recipes())
