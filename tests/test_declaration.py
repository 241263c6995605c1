"""Every mistake in a declaration is reported with its line and a fix, all of them at once."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features import catalog
from features.declaring.declaration import load, parse
from features.errors import DeclarationError, Mistake, NotFound
from sane_company import DECLARATION


def problems(text: str) -> tuple[Mistake, ...]:
    with pytest.raises(DeclarationError) as caught:
        parse(text)
    return caught.value.problems


def line_of(text: str, fragment: str) -> int:
    return text[: text.index(fragment)].count("\n") + 1


def changed(old: str, new: str) -> str:
    assert old in DECLARATION
    return DECLARATION.replace(old, new, 1)


def test_a_sane_declaration_is_read() -> None:
    company = parse(DECLARATION, Path("somewhere"))
    assert company.about.data_until == date(2024, 7, 1)
    assert company.folder == Path("somewhere")
    assert company.targets["churn"].horizon == 60
    assert company.targets["churn"].days_to_settle == 14 + 60 + 14
    assert company.indicators["tickets"].spans() == (None,)
    assert company.sources["tickets"].account is not None
    assert company.sources["tickets"].account.system == "helpdesk"
    assert re.fullmatch(r"[0-9a-f]{64}", company.declaration_hash)


MISTAKES = [
    # (what it says instead of what, where the line is, key, what, got, fix)
    (
        'name = "Sane"',
        "naem = 1\nname = 3",
        "name = 3",
        "company.name: not text, got 3; write it in quotes",
    ),
    (
        'name = "Sane"',
        'nmae = "Sane"',
        "nmae",
        "company.nmae: unknown key, got 'nmae'; did you mean 'name'?",
    ),
    ('name = "Sane"', "", "[company]", "company.name: missing; add name = …"),
    ('name = "Sane"', 'name = ""', "name =", "company.name: empty"),
    (
        "data_until = 2024-07-01",
        'data_until = "2024-07-01"',
        "data_until",
        "company.data_until: not a date, got '2024-07-01'; write it without quotes",
    ),
    (
        "data_until = 2024-07-01",
        "data_until = 2024-07-01T08:00:00",
        "data_until",
        "company.data_until: not a date, got 2024-07-01T08:00:00; write it without",
    ),
    (
        "data_until = 2024-07-01",
        'simulated = "yes"',
        "simulated",
        "company.simulated: neither true nor false, got 'yes'; write true or false",
    ),
    (
        "data_until = 2024-07-01",
        'folder = "elsewhere"',
        "folder",
        "company.folder: unknown key, got 'folder'; known: currency",
    ),
    (
        'source = "accounts"',
        'source = "acounts"',
        "source =",
        "accounts.source: no such source is declared, got 'acounts'; did you mean 'accounts'?",
    ),
    (
        ', since = "signed_up"',
        "",
        "[accounts]",
        "accounts: no column for an account's first day; name the sign-up column",
    ),
    (
        'system = "helpdesk"',
        'system = "helpdsk"',
        "system =",
        "no such system in accounts.crosswalk, got 'helpdsk'; did you mean 'helpdesk'?",
    ),
    (
        'path = "tickets.parquet"',
        "",
        "[sources.tickets]",
        "sources.tickets: needs either path or sql; path = ",
    ),
    (
        'path = "tickets.parquet"',
        'sql = "postgresql://here"',
        "[sources.tickets]",
        "sources.tickets: sql and table go together",
    ),
    (
        'event_time = "opened"',
        "",
        "[sources.tickets]",
        'sources.tickets.event_time: missing; add event_time = "…": indicators.tickets',
    ),
    (
        'known_time = { column = "recorded" }',
        'known_time = { column = "recorded", delay = "1d" }',
        "known_time",
        "sources.logins.known_time: needs either a column or a delay",
    ),
    (
        "tolerate = 0.0",
        "tolerate = 1.5",
        "tolerate",
        "sources.logins.tolerate: too large, got 1.5; it must be at most 1",
    ),
    ("tolerate = 0.0", "tolerate = -1", "tolerate", "too small, got -1; it must be at least 0"),
    (
        "tolerate = 0.0",
        'tolerate = "0"',
        "tolerate",
        "not a number, got '0'; write it without quotes",
    ),
    (
        'horizon = "60d"',
        'horizon = "60"',
        "horizon",
        "targets.churn.horizon: not a duration, got '60'; write whole days, such as \"28d\"",
    ),
    ('horizon = "60d"', "horizon = 60", "horizon", "targets.churn.horizon: not a duration, got 60"),
    ('horizon = "60d"', "", "[targets.churn]", "targets.churn.horizon: missing; add horizon = …"),
    (
        'gap = "14d"',
        'gap = "14d"\np_red = 0.3\np_green = 0.2',
        "[targets.churn]",
        "targets.churn: the anchors are too close: odds(p_red) < 2 · odds(p_green); move",
    ),
    (
        'gap = "14d"',
        'inactivity = { source = "logins", within = "60d" }',
        "[targets.churn]",
        "targets.churn: needs either event or inactivity",
    ),
    (
        'event = { source = "subscriptions", ended = "ended", grace = "14d" }',
        'inactivity = { source = "logins", within = "30d" }',
        "[targets.churn]",
        'an inactivity target asks for silence over its whole horizon; set horizon = "30d"',
    ),
    (
        'event = { source = "subscriptions", ended = "ended", grace = "14d" }',
        'event = { source = "logins" }',
        "[targets.churn]",
        "targets.churn: no rule for which accounts are active",
    ),
    (
        'dimension = "outcome"',
        'dimension = "outcomes"',
        "dimension",
        "no such choice, got 'outcomes'; did you mean 'outcome'? one of 'outcome', 'business', 're",
    ),
    (
        'measure = "count"',
        'measure = "mean"',
        "[indicators.logins]",
        'indicators.logins: mean needs a value; value = "amount"',
    ),
    (
        'measure = "count"',
        'measure = "quantile"\nvalue = "minutes"',
        "[indicators.logins]",
        "indicators.logins: quantile is required for measure = quantile, and for no other",
    ),
    (
        'measure = "count"',
        'measure = "ratio"',
        "[indicators.logins]",
        "indicators.logins: of is required for measure = ratio or peer_rank, and for no other",
    ),
    (
        'windows = ["28d", "90d"]',
        "",
        "[indicators.logins]",
        "indicators.logins: count needs windows",
    ),
    (
        'windows = ["28d", "90d"]',
        'windows = ["28d", "28d"]',
        "[indicators.logins]",
        "indicators.logins: a window is listed twice; name each window once",
    ),
    ('windows = ["28d", "90d"]', 'windows = ["0d"]', "[indicators.logins]", "a window of no days"),
    ('windows = ["28d", "90d"]', 'windows = "28d"', "windows", "not an array, got '28d'"),
    (
        'windows = ["28d", "90d"]',
        'windows = [\n  "28d",\n  "90",\n]',
        '"90",',
        "indicators.logins.windows.1: not a duration, got '90'",
    ),
    ('healthy = "higher"', "", "[indicators.logins]", "indicators.logins: no healthy side"),
    (
        'playbook = "call"',
        'playbook = "cal"',
        "playbook",
        "indicators.logins.playbook: no such playbook is declared, got 'cal'; did you mean 'call'?",
    ),
    (
        'says = "{value} logins in {window}"',
        'says = "{number} logins"',
        "{number}",
        "indicators.logins.says: unknown placeholder {number}, got '{number} logins'; use",
    ),
    (
        'says = "{value} logins in {window}"',
        'says = { bad = "{value} logins", good = "{value} logins" }',
        "says",
        'indicators.logins.says: a table, where one sentence is expected; write says = "…", and',
    ),
    (
        'says = "{value} logins in {window}"',
        'says = "{value} logins in {window}"\nsays_good = "{numbers} logins"',
        "{numbers}",
        "indicators.logins.says_good: unknown placeholder {numbers}",
    ),
    ("{value} logins in", "{value:.1f} logins in", "{value:", "a placeholder with a format"),
    (
        "{value} logins in",
        "{value logins in",
        "{value logins",
        "not a sentence with {placeholders}",
    ),
    (
        "[indicators.minutes]",
        "[indicators.Minutes]",
        "[indicators.Minutes]",
        "indicators.Minutes: not a usable name, got 'Minutes'; use lower-case letters",
    ),
    (
        'steps = [{ do = "Call", within = "2d" }]',
        'steps = [\n  { do = "Call" },\n  { within = "2d" },\n]',
        '{ within = "2d" },',
        "playbooks.call.steps.1.do: missing; add do = …",
    ),
    (
        'steps = [{ do = "Call", within = "2d" }]',
        "steps = []",
        "steps",
        "playbooks.call.steps: empty",
    ),
    (
        'owner = "csm"',
        'owner = "csm"\nadopt = "support.nothing"',
        "adopt",
        "no such entry of the catalogue",
    ),
]


@pytest.mark.parametrize(("old", "new", "place", "message"), MISTAKES, ids=[m[3] for m in MISTAKES])
def test_each_mistake_has_its_line_and_its_mend(
    old: str, new: str, place: str, message: str
) -> None:
    text = changed(old, new)
    start = DECLARATION.index(old)
    around = text.rindex(place, 0, start + len(new) + len(place)) if place in text else 0
    line = text[:around].count("\n") + 1
    told = [str(item) for item in problems(text)]
    assert any(item.startswith(f"churnlight.toml:{line}: ") and message in item for item in told), (
        told
    )


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = changed('name = "Sane"', "name = 1").replace('"60d"', '"60"').replace('"csm"', "7")
    found = problems(text)
    assert [item.key for item in found] == [
        "company.name",
        "targets.churn.horizon",
        "playbooks.call.owner",
    ]
    assert [item.line for item in found] == sorted(item.line for item in found)


def test_missing_tables_are_named() -> None:
    assert [str(item) for item in problems("")] == [
        "churnlight.toml:1: accounts: missing; add a table [accounts]",
        "churnlight.toml:1: company: missing; add a table [company]",
        "churnlight.toml:1: indicators: missing; add a table [indicators.NAME]",
        "churnlight.toml:1: sources: missing; add a table [sources.NAME]",
        "churnlight.toml:1: targets: missing; add a table [targets.NAME]",
    ]


@pytest.mark.parametrize("key", ["folder", "declaration_hash"])
def test_what_is_not_for_the_file_is_refused(key: str) -> None:
    [problem] = problems(f'{key} = "x"\n{DECLARATION}')
    assert (problem.line, problem.key, problem.what) == (1, key, "unknown key")


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("[company]\nname = ", 2, "invalid value"),
        ("[company]\nname = 'a'\nname = 'b'", 3, "cannot overwrite a value"),
        ("[company\n", 1, "expected ']'"),
        ("x = " + "[" * 5000, 1, "too deep"),
        ("x = " + "1" * 6000, 1, "too many digits"),
    ],
)
def test_a_text_that_is_no_toml(text: str, line: int, what: str) -> None:
    [problem] = problems(text)
    assert (problem.line, problem.key) == (line, "syntax")
    assert what in problem.what.lower()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="churnlight init"):
        load(tmp_path)
    with pytest.raises(NotFound):
        load(tmp_path / "nowhere")
    (tmp_path / "churnlight.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DeclarationError, match="not UTF-8 text"):
        load(tmp_path)
    (tmp_path / "churnlight.toml").unlink()
    (tmp_path / "churnlight.toml").mkdir()
    with pytest.raises(DeclarationError, match="cannot be read"):
        load(tmp_path)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "churnlight.toml").write_text(DECLARATION, encoding="utf-8-sig")
    assert load(tmp_path).about.name == "Sane"


def test_the_hash_is_of_the_meaning_and_of_the_order() -> None:
    plain = parse(DECLARATION).declaration_hash
    assert parse(f"# a comment\n{DECLARATION}\n\n").declaration_hash == plain
    assert parse(changed('"14d" }', '"15d" }')).declaration_hash != plain
    one, two = (
        '[segments.one]\ntitle = "1"\nwhere = "true"\n',
        '[segments.two]\ntitle = "2"\nwhere = "true"\n',
    )
    first, second = parse(f"{DECLARATION}\n{one}{two}"), parse(f"{DECLARATION}\n{two}{one}")
    assert first.declaration_hash != second.declaration_hash


# --- adoption ---------------------------------------------------------------------------------


def adopted(name: str, more: str = "") -> str:
    return f'{DECLARATION}\n[indicators.adopted]\nadopt = "{name}"\nsource = "logins"\n{more}\n'


ENTRIES = sorted(catalog.entries("indicators"))


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_of_the_catalogue_can_be_adopted(name: str) -> None:
    company = parse(adopted(name))
    offered = catalog.entries("indicators")[name]
    assert company.indicators["adopted"].title == offered["title"]
    if (playbook := company.indicators["adopted"].playbook) is not None:
        assert playbook in company.playbooks


def test_own_keys_win_over_adopted_ones() -> None:
    company = parse(adopted(ENTRIES[0], 'title = "Mine"'))
    assert company.indicators["adopted"].title == "Mine"
    assert company.indicators["adopted"].adopt == ENTRIES[0]


def test_an_entry_that_is_not_there_is_one_problem() -> None:
    family, _, name = ENTRIES[0].partition(".")
    [problem] = problems(adopted(f"{family}.{name}x"))
    assert problem.key == "indicators.adopted.adopt"
    assert problem.fix == f"did you mean '{ENTRIES[0]}'?"


def test_an_own_playbook_wins_over_an_adopted_one() -> None:
    playbooks = catalog.entries("playbooks")
    name = next(key for key in ENTRIES if "playbook" in catalog.entries("indicators")[key])
    playbook = catalog.entries("indicators")[name]["playbook"]
    assert f"{name.partition('.')[0]}.{playbook}" in playbooks
    mine = f'[playbooks.{playbook}]\ntitle = "Mine"\nowner = "me"\nsteps = [{{ do = "it" }}]\n'
    assert parse(adopted(name) + mine).playbooks[playbook].title == "Mine"


# --- anything at all --------------------------------------------------------------------------


def survives(text: str) -> None:
    found: tuple[Mistake, ...] = (Mistake("", 1, "", "none", "", ""),)
    try:
        parse(text)
    except DeclarationError as error:
        found = error.problems
    assert found
    assert all(item.what and item.line >= 1 for item in found)


@given(st.text())
def test_no_text_crashes(text: str) -> None:
    survives(text)


SCRAPS = st.sampled_from(
    [*"[]{}=.,#\"'\n \\", '"""', "'''", "accounts", "sources", "1", "true", "[["]
)


@given(st.lists(SCRAPS, max_size=30).map("".join))
def test_no_scraps_of_toml_crash(text: str) -> None:
    survives(text)


VALUES = st.sampled_from(
    [
        "1",
        "-1.5",
        "nan",
        "inf",
        "true",
        '""',
        '"x"',
        "2024-01-01",
        "[]",
        "{}",
        '["a"]',
        "[{}]",
        "{ a = 1 }",
    ]
)
VALUE = re.compile(r"(?<== )(\"[^\"\n]*\"|\[[^\n]*\]|\{[^\n]*\}|[\d.-]+|true)(?=\n)")
PLACES = [match.span() for match in VALUE.finditer(DECLARATION)]


@given(st.sampled_from(PLACES), VALUES)
def test_no_value_anywhere_crashes(place: tuple[int, int], value: str) -> None:
    survives(DECLARATION[: place[0]] + value + DECLARATION[place[1] :])


HEADERS = [line for line in DECLARATION.splitlines() if line.startswith("[")]


@given(st.sampled_from(HEADERS), VALUES)
def test_no_value_in_the_place_of_a_table_crashes(header: str, value: str) -> None:
    start = DECLARATION.index(header)
    rest = DECLARATION[start + len(header) :]
    end = rest.find("\n[")
    without = DECLARATION[:start] + (rest[end:] if end >= 0 else "")
    survives(f"{header.strip('[]')} = {value}\n{without}")


@given(st.integers(0, len(DECLARATION)), st.integers(0, 40))
def test_no_missing_piece_crashes(start: int, length: int) -> None:
    survives(DECLARATION[:start] + DECLARATION[start + length :])
