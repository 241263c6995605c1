"""The catalogue keeps its promises: every entry can be adopted, computed, said and acted on.

An entry added to a family's file is tested by standing there.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from catalogue_cases import ACCOUNTS, COMPARED, HEAD, TABLES, adopting, faults, mine, said
from features import catalog, contract, snapshots
from features.declaring.company import Company
from features.declaring.declaration import load, parse
from features.declaring.indicator import Indicator
from features.errors import DeclarationError
from features.publish import write_parquet
from features.reference.catalogue import page

INDICATORS = catalog.entries("indicators")
PLAYBOOKS = catalog.entries("playbooks")
ROOT = Path(__file__).parent.parent


def of_family(family: str) -> dict[str, dict[str, Any]]:
    """The indicators' entries of a family, by their full names."""
    return {name: item for name, item in INDICATORS.items() if name.startswith(f"{family}.")}


@cache
def family_company(family: str) -> Company:
    """All indicators of a family, adopted with nothing but their source."""
    return parse(adopting(list(of_family(family))))


def adopted(name: str) -> Indicator:
    return family_company(name.partition(".")[0]).indicators[mine(name)]


def in_folder(folder: Path, family: str, text: str) -> Company:
    """The declaration beside the table of the family."""
    (folder / "churnlight.toml").write_text(text, "utf-8")
    write_parquet(pa.Table.from_pylist(TABLES[family]), folder / "facts.parquet")
    return load(folder)


def test_there_is_a_family_for_each_kind_of_table() -> None:
    assert set(catalog.families()) == set(TABLES)


@pytest.mark.parametrize("family", TABLES)
def test_an_indicator_can_be_adopted_with_nothing_but_its_source(family: str) -> None:
    company = family_company(family)
    for name, entry in of_family(family).items():
        indicator = company.indicators[mine(name)]
        assert indicator.title == entry["title"], name
        assert indicator.playbook is None or indicator.playbook in company.playbooks, name


@pytest.mark.parametrize("family", TABLES)
def test_its_sentences_keep_the_rules_of_wording(family: str) -> None:
    bad = {name: faults(adopted(name)) for name in of_family(family)}
    assert {name: found for name, found in bad.items() if found} == {}


@pytest.mark.parametrize("family", TABLES)
def test_a_good_sentence_of_its_own_differs_from_the_other(family: str) -> None:
    same = [name for name in of_family(family) if adopted(name).says_good == adopted(name).says]
    assert same == []


@pytest.mark.parametrize("family", TABLES)
def test_a_family_can_be_computed_and_said_from_its_own_columns(
    family: str, tmp_path: Path
) -> None:
    names = list(of_family(family))
    company = in_folder(tmp_path, family, adopting(names))
    rows = snapshots.build(company, [date(2026, 6, 1)])
    unknown = [item.name for item in rows.columns if rows.table[item.name].null_count]
    assert rows.table.num_rows == len(ACCOUNTS)
    assert {item.indicator for item in rows.columns} == {mine(name) for name in names}
    assert unknown == []
    for item in rows.columns:
        indicator, value = company.indicators[item.indicator], rows.table[item.name][0].as_py()
        text = said(indicator, indicator.says, value=value, usual=value)
        assert re.search(r"(\d|: (yes|no))(?!.*[{}]).*" + COMPARED, text), text


def test_every_topic_of_the_taxonomy_is_found_in_texts_about_it(tmp_path: Path) -> None:
    names = [name for name, item in INDICATORS.items() if "about" in item]
    topics = {INDICATORS[name]["about"]["topic"] for name in names}
    company = in_folder(tmp_path, "voice", adopting(names))
    rows = snapshots.build(company, [date(2026, 6, 1)])
    counts = {item.name: rows.table[item.name][0].as_py() for item in rows.columns}
    assert topics == set(catalog.entries("taxonomies")["voice.software"]["topics"])
    assert {name for name, count in counts.items() if count != 1} == set()


@pytest.mark.parametrize("family", TABLES)
def test_a_leading_indicator_has_a_playbook_of_its_family(family: str) -> None:
    for name, entry in of_family(family).items():
        if entry["kind"] == "leading":
            assert f"{family}.{entry.get('playbook')}" in PLAYBOOKS, name


@pytest.mark.parametrize("family", TABLES)
def test_a_playbook_says_for_whom_by_whom_and_by_when(family: str) -> None:
    text = HEAD + '[indicators.one]\nadopt = "shop.tenure"\nsource = "facts"\n'
    names = [name for name in PLAYBOOKS if name.startswith(f"{family}.")]
    for name in names:
        text += f'[playbooks.{mine(name)}]\nadopt = "{name}"\n'
    company = parse(text)
    for name in names:
        playbook = company.playbooks[mine(name)]
        days = [step.within for step in playbook.steps]
        assert playbook.purpose.startswith("For "), name
        assert None not in days, name
        assert days == sorted(days, key=lambda day: day or 0), name


def test_playbooks_of_different_families_never_share_a_name() -> None:
    names = [name.partition(".")[2] for name in PLAYBOOKS]
    assert sorted(set(names)) == sorted(names)


def test_every_playbook_serves_an_indicator() -> None:
    served = {
        f"{name.partition('.')[0]}.{item.get('playbook')}" for name, item in INDICATORS.items()
    }
    assert set(PLAYBOOKS) <= served


def test_what_confirms_is_not_sold_as_a_warning() -> None:
    kinds = {name: INDICATORS[name]["kind"] for name in INDICATORS}
    confirming = ("shop.refunds", "support.cancellation_tickets", "billing.credit_notes")
    assert {kinds[name] for name in confirming} == {"lagging"}


def test_the_playbook_comes_along_and_a_declared_one_wins() -> None:
    own = '[playbooks.win-back]\nadopt = "shop.win-back"\nowner = "Mia"\n'
    assert parse(adopting(["shop.recency"])).playbooks["win-back"].owner == "CRM manager"
    assert parse(adopting(["shop.recency"]) + own).playbooks["win-back"].owner == "Mia"


def test_one_line_brings_along_what_a_share_is_made_of(tmp_path: Path) -> None:
    company = in_folder(tmp_path, "usage", adopting(["usage.seats_in_use"]))
    rows = snapshots.build(company, [date(2026, 6, 1)])
    share = company.indicators["my-seats_in_use"]
    others = {name: item for name, item in company.indicators.items() if item is not share}
    assert {name: item.stage for name, item in others.items()} == {
        "people": "draft",
        "licensed_seats": "draft",
    }
    assert share.windows == company.indicators["people"].windows == (28, 84)
    assert [item.name for item in rows.columns] == ["my-seats_in_use__28d", "my-seats_in_use__84d"]
    assert rows.table["my-seats_in_use__28d"][0].as_py() == pytest.approx(1 / 10)
    assert said(share, share.says, value=0.1, usual=0.52) == (
        "10% of licensed seats used in the last 90 days, typically 52%"
    )


def test_a_rank_of_a_share_brings_along_all_three() -> None:
    text = adopting(["usage.user_rank"]) + 'of = "peak_seat_use"\nwindows = ["14d"]\n'
    company = parse(text)
    bases = {"peak_seat_use", "busiest_day", "licensed_seats"}
    assert set(company.indicators) == {"my-user_rank"} | bases
    assert company.indicators["busiest_day"].windows == (14,)
    assert set(company.playbooks) == {"re-engage-users"}


def test_a_declared_base_stands_before_the_catalogues() -> None:
    own = '[indicators.people]\nadopt = "usage.people"\nsource = "facts"\nvalue = "mail"\n'
    company = parse(adopting(["usage.seats_in_use"]) + own)
    assert company.indicators["people"].value == "mail"
    assert company.indicators["people"].stage == "live"


def test_a_broken_base_is_as_bad_as_what_is_made_of_it(tmp_path: Path) -> None:
    company = in_folder(tmp_path, "shop", adopting(["usage.peak_seat_use", "shop.tenure"]))
    found = {item.detail.split()[0]: item.state for item in contract.check(company)}
    assert found["indicators.busiest_day.value"] == "error"
    assert found["indicators.licensed_seats.value"] == "error"


def test_a_topic_brings_its_taxonomy_along_and_takes_the_companys_words() -> None:
    text = adopting(["voice.about_price", "voice.about_speed"])
    own = '[taxonomies.software]\nadopt = "voice.software"\ntopics.price = ["zu teuer"]\n'
    offered = catalog.entries("taxonomies")["voice.software"]["topics"]
    plain, changed = parse(text).indicators, parse(text + own).indicators
    assert _keywords(plain["my-about_price"]) == tuple(offered["price"])
    assert _keywords(changed["my-about_price"]) == ("zu teuer",)
    assert _keywords(changed["my-about_speed"]) == tuple(offered["speed"])


def test_one_key_of_a_topic_can_be_changed_alone_and_own_keywords_replace_it() -> None:
    base = adopting(["voice.about_price"])
    moved = parse(base + 'about.column = "comment"\n').indicators["my-about_price"]
    plain = parse(base + 'about = { column = "comment", keywords = ["money"] }\n')
    assert moved.about is not None
    assert (moved.about.column, moved.about.topic) == ("comment", "price")
    assert _keywords(plain.indicators["my-about_price"]) == ("money",)
    assert plain.taxonomies == {}


def test_a_misspelt_taxonomy_is_named_with_the_nearest_one() -> None:
    text = adopting(["shop.tenure"]) + '[taxonomies.mine]\nadopt = "voice.softwear"\n'
    with pytest.raises(DeclarationError, match=r"taxonomies\.mine\.adopt: .*voice\.software"):
        parse(text)


def _keywords(indicator: Indicator) -> tuple[str, ...] | None:
    return indicator.about.keywords if indicator.about else None


def test_what_the_company_writes_wins_over_the_catalogue() -> None:
    text = adopting(["shop.spend"]) + 'value = "dollars"\nwindows = ["30d"]\nunit = "$"\n'
    indicator = parse(text).indicators["my-spend"]
    assert (indicator.value, indicator.windows, indicator.unit) == ("dollars", (30,), "$")
    assert indicator.measure == "sum"


def test_a_misspelt_entry_is_named_with_the_nearest_one() -> None:
    with pytest.raises(DeclarationError, match=r"churnlight\.toml:\d+: .*shop\.recency"):
        parse(adopting(["shop.recencey"]))


def test_the_page_of_the_catalogue_is_up_to_date() -> None:
    written = (ROOT / "docs" / "catalogue.md").read_text("utf-8")
    assert written == page(), "python -m features.reference.catalogue > docs/catalogue.md"


def test_the_page_shows_every_entry_and_no_broken_table() -> None:
    text = page()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) == len(INDICATORS)
    assert {line.count("|") for line in rows} == {7}
    assert all(f"**`{name}`**" in text for name in PLAYBOOKS)


def test_a_sentence_of_ones_own_serves_both_sides() -> None:
    own = 'says = "Quiet for {value} {unit}, typically {usual}"\n'
    text = adopting(["shop.recency"])
    assert adopted("shop.recency").says_good is not None
    assert parse(text + own).indicators["my-recency"].says_good is None
    both = parse(text + own + 'says_good = "Seen {value} {unit} ago, typically {usual}"\n')
    assert both.indicators["my-recency"].says_good == "Seen {value} {unit} ago, typically {usual}"


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("Fewer orders in {window}: {value}, typically {usual}", "asserts a side"),
        ("{value} orders in {window}, typically {usual}", "reads wrong for 1"),
        ("Orders in {window}: {value}", "lacks {usual}"),
        ("Orders: {value}, typically {usual}", "lacks {window}"),
        ("Leaves because of {value} in {window}, typically {usual}", "explains"),
        ("Orders in the last {window}: {value}, typically {usual}", "says the same word twice"),
        ("Typically {usual}: {value} {unit} in {window}", "does not end with the usual value"),
    ],
)
@pytest.mark.parametrize("key", ["says", "says_good"])
def test_the_rules_of_wording_notice_a_bad_sentence(key: str, sentence: str, fault: str) -> None:
    found = faults(adopted("shop.orders").model_copy(update={key: sentence}))
    assert any(fault in item for item in found)
    assert all(item.startswith(f"{key}: ") for item in found)


def test_a_sentence_reads_as_people_speak() -> None:
    trend, spend, orders = (adopted(f"shop.{name}") for name in ("order_trend", "spend", "orders"))
    in_dollars = spend.model_copy(update={"unit": "$"})
    assert said(trend, trend.says, value=0.62, usual=0.95) == (
        "Orders in the last 90 days: 62% of the previous pace (typically 95%)"
    )
    assert said(in_dollars, spend.says, value=1240, usual=96.5) == (
        "$1,240 spent in the last 90 days, typically $96.50"
    )
    assert said(orders, orders.says, value=1, usual=0) == "1 order in the last 90 days, typically 0"
