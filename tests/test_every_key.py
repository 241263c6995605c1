"""Every key that a declaration accepts changes a result, and not its hash alone."""

# ruff: noqa: E501, ISC004 (a piece of a declaration is one line)

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from every_key import keys, refuse, results, write
from features.errors import ChurnlightError
from shown_keys import SERVED, SHOWN, shown

ROOT = Path(__file__).parents[1]
BASE = """
[company]
name = "Every key"
data_from = 2023-01-01
data_until = 2023-12-01
[accounts]
source = "accounts"
key = "account_id"
attributes = { name = "name", segment = "plan", owner = "owner", parent = "parent", mrr = "mrr", renewal = "renewal", since = "since" }
crosswalk = { helpdesk = "org" }
[accounts.aliases]
source = "merged"
old = "was"
new = "is"
known_time = { column = "noted", zone = "UTC" }
[sources.accounts]
path = "accounts.csv"
[sources.accounts_b]
path = "accounts_b.csv"
[sources.merged]
path = "merged.csv"
[sources.merged_b]
path = "merged_b.csv"
[sources.users]
path = "users.csv"
[sources.users_b]
path = "users_b.csv"
[sources.terms]
path = "terms.csv"
account = "account_id"
event_time = { column = "starts", zone = "UTC" }
tolerate = 0.9
[sources.terms_b]
path = "terms_b.csv"
account = "account_id"
event_time = { column = "starts", zone = "UTC" }
tolerate = 0.9
[sources.events]
path = "events.csv"
account = { column = "user", link = "users" }
event_time = { column = "at", zone = "UTC" }
known_time = { column = "known", zone = "UTC" }
currency = { column = "currency", to = "EUR", rates = "rates.csv", amounts = ["amount"] }
absent = "zero"
where = "renamed > 0"
tolerate = 0.9
[sources.events.columns]
seconds = { holds = "time", epoch = "seconds" }
renamed = { names = ["score"] }
maybe = { names = ["nowhere"], optional = true }
[sources.tickets]
sql = "sqlite:///FOLDER/help.db"
table = "tickets"
account = { column = "org", system = "helpdesk" }
event_time = "at"
known_time = { delay = "1d" }
tolerate = 0.9
[links.users]
source = "users"
key = "user"
account = { column = "company", system = "helpdesk" }
valid_from = { column = "joined", zone = "UTC" }
valid_to = { column = "left", zone = "UTC" }
known_time = { column = "noted", zone = "UTC" }
[targets.churn]
title = "Leaves"
gap = "2d"
horizon = "30d"
[targets.churn.event]
source = "terms"
ended = "ends"
ended_known = { column = "noted", zone = "UTC" }
paused = { from = "paused", until = "resumed" }
grace = "5d"
where = "kind = 'paid'"
[targets.silence]
inactivity = { source = "events", within = "20d", where = "sort = 'a'" }
active_within = "120d"
horizon = "20d"
[targets.upgrade]
adverse = false
event = { source = "events", where = "sort = 'b'" }
active = "tickets"
active_within = "90d"
horizon = "60d"
[segments.large]
title = "Large"
where = "mrr >= 20"
[taxonomies.topics.topics]
price = ["expensive", "invoice"]
"""
INDICATOR = """
[indicators.%s]
title = "T"
dimension = "outcome"
kind = "context"
source = "events"
windows = ["60d"]
says = "{value}"
"""
MEASURES = {
    "paid": 'value = "amount"\nwhere = "sort <> \'c\'"\nmeasure = "sum"\n',
    "low": 'value = "renamed"\nmeasure = "quantile"\nquantile = 0.1\n',
    "topic": 'about = { column = "body", taxonomy = "topics", topic = "price" }\n'
    'measure = "count"\n',
    "words": 'about = { column = "body", keywords = ["slow"] }\nmeasure = "count"\n',
    "pace": 'measure = "ratio"\nof = "count"\nearlier = "84d"\nlag = "70d"\nshrink = 1.0\n',
    "then": 'value = "seconds"\nmeasure = "days_until"\n',
    "share": 'measure = "quotient"\nover = "topic"\nper = "words"\n',
}
CONTRACT = """
[targets.contract]
event = { source = "terms", ended = "ends", renews = "renews", contract = "kind", amount = "fee" }
horizon = "next renewal"
at_least = "20d"
at_most = "300d"
notice = "3d"
forecast = "60d"
"""
WHOLE = BASE + CONTRACT + "".join(INDICATOR % name + keys for name, keys in MEASURES.items())
DERIVED = """[accounts]
source = "terms"
key = "account_id"
derived = true
"""
ATTRIBUTES = BASE[BASE.index("[accounts]") : BASE.index("[accounts.aliases]")]

# Of each key: what stands there, and what does instead.
CHANGES: dict[str, tuple[str, str]] = {
    "company.data_from": ("data_from = 2023-01-01", "data_from = 2023-03-01"),
    "company.data_until": ("data_until = 2023-12-01", "data_until = 2023-09-01"),
    "accounts.source": ('source = "accounts"', 'source = "accounts_b"'),
    "accounts.key": ('key = "account_id"', 'key = "other_id"'),
    "accounts.derived": (ATTRIBUTES, DERIVED),
    "accounts.attributes.name": ('name = "name"', 'name = "label"'),
    "accounts.attributes.segment": ('segment = "plan"', 'segment = "tier"'),
    "accounts.attributes.owner": ('owner = "owner"', 'owner = "boss"'),
    "accounts.attributes.parent": ('parent = "parent"', 'parent = "group"'),
    "accounts.attributes.mrr": ('mrr = "mrr"', 'mrr = "arr"'),
    "accounts.attributes.renewal": ('renewal = "renewal"', 'renewal = "term"'),
    "accounts.attributes.since": ('since = "since"', 'since = "joined"'),
    "accounts.crosswalk.*": ('helpdesk = "org"', 'helpdesk = "desk"'),
    "accounts.aliases.source": ('source = "merged"', 'source = "merged_b"'),
    "accounts.aliases.old": ('old = "was"', 'old = "formerly"'),
    "accounts.aliases.new": ('new = "is"', 'new = "now"'),
    "accounts.aliases.known_time.column": (
        '"noted", zone = "UTC" }\n[sources',
        '"told", zone = "UTC" }\n[sources',
    ),
    "accounts.aliases.known_time.zone": (
        'zone = "UTC" }\n[sources',
        'zone = "America/New_York" }\n[sources',
    ),
    "sources.*.path": ('path = "events.csv"', 'path = "events_b.csv"'),
    "sources.*.sql": ("help.db", "other.db"),
    "sources.*.table": ('table = "tickets"', 'table = "tickets_b"'),
    "sources.*.account.column": ('column = "user", link', 'column = "login", link'),
    "sources.*.account.system": ('column = "org", system = "helpdesk"', 'column = "org"'),
    "sources.*.account.link": (
        'column = "user", link = "users"',
        'column = "org", system = "helpdesk"',
    ),
    "sources.*.event_time.column": ('column = "at"', 'column = "happened"'),
    "sources.*.event_time.zone": (
        'column = "at", zone = "UTC"',
        'column = "at", zone = "America/New_York"',
    ),
    "sources.*.known_time.column": ('column = "known"', 'column = "stored"'),
    "sources.*.known_time.zone": (
        'column = "known", zone = "UTC"',
        'column = "known", zone = "America/New_York"',
    ),
    "sources.*.known_time.delay": ('delay = "1d"', 'delay = "40d"'),
    "sources.*.currency.column": ('column = "currency"', 'column = "coin"'),
    "sources.*.currency.to": ('to = "EUR"', 'to = "USD"'),
    "sources.*.currency.rates": ("rates.csv", "rates_b.csv"),
    "sources.*.currency.amounts": ('amounts = ["amount"]', 'amounts = ["fee"]'),
    "sources.*.absent": ('absent = "zero"', 'absent = "missing"'),
    "sources.*.tolerate": (
        "tolerate = 0.9\n[sources.events.columns]",
        "tolerate = 0.0\n[sources.events.columns]",
    ),
    "sources.*.where": ('where = "renamed > 0"', 'where = "renamed > 4"'),
    "sources.*.columns.*.names": ('names = ["score"]', 'names = ["fee"]'),
    "sources.*.columns.*.value": ('names = ["score"]', 'value = "fee * 3"'),
    "sources.*.columns.*.holds": ('{ names = ["score"] }', '{ names = ["score"], holds = "text" }'),
    "sources.*.columns.*.epoch": ('epoch = "seconds"', 'epoch = "milliseconds"'),
    "sources.*.columns.*.unit": ('names = ["score"]', 'names = ["score"], unit = "cents"'),
    "sources.*.columns.*.optional": (", optional = true", ""),
    "targets.*.adverse": ("adverse = false", "adverse = true"),
    "targets.*.event.source": ('source = "terms"\nended', 'source = "terms_b"\nended'),
    "targets.*.event.ended": ('ended = "ends"', 'ended = "quits"'),
    "targets.*.event.ended_known.column": (
        'ended_known = { column = "noted"',
        'ended_known = { column = "told"',
    ),
    "targets.*.event.ended_known.zone": (
        'column = "noted", zone = "UTC" }\npaused',
        'column = "noted", zone = "America/New_York" }\npaused',
    ),
    "targets.*.event.ended_known.delay": (
        '{ column = "noted", zone = "UTC" }\npaused',
        '{ delay = "60d" }\npaused',
    ),
    "targets.*.event.paused.from": ('from = "paused"', 'from = "halted"'),
    "targets.*.event.paused.until": ('until = "resumed"', 'until = "back"'),
    "targets.*.event.grace": ('grace = "5d"', 'grace = "15d"'),
    "targets.*.event.renews": ('renews = "renews"', 'renews = "due"'),
    "targets.*.event.contract": (', contract = "kind"', ""),
    "targets.*.event.amount": (', amount = "fee"', ""),
    "targets.*.at_least": ('at_least = "20d"', 'at_least = "200d"'),
    "targets.*.at_most": ('at_most = "300d"', 'at_most = "9d"'),
    "targets.*.forecast": ('forecast = "60d"', 'forecast = "9d"'),
    "targets.*.notice": ('notice = "3d"', 'notice = "9d"'),
    "targets.*.event.where": ("where = \"kind = 'paid'\"", ""),
    "targets.*.inactivity.source": (
        'source = "events", within = "20d", where = "sort = \'a\'"',
        'source = "tickets", within = "20d"',
    ),
    "targets.*.inactivity.within": (
        'within = "20d", where = "sort = \'a\'" }\nactive_within = "120d"\nhorizon = "20d"',
        'within = "50d", where = "sort = \'a\'" }\nactive_within = "120d"\nhorizon = "50d"',
    ),
    "targets.*.inactivity.where": (", where = \"sort = 'a'\" }", " }"),
    "targets.*.active": ('active = "tickets"\n', 'active = "terms"\n'),
    "targets.*.active_within": ('active_within = "120d"', 'active_within = "7d"'),
    "targets.*.gap": ('gap = "2d"', 'gap = "20d"'),
    "targets.*.horizon": ('gap = "2d"\nhorizon = "30d"', 'gap = "2d"\nhorizon = "60d"'),
    "targets.*.reporting_delay": ('gap = "2d"', 'gap = "2d"\nreporting_delay = "90d"'),
    "links.*.source": ('source = "users"', 'source = "users_b"'),
    "links.*.key": ('key = "user"', 'key = "login"'),
    "links.*.account.column": ('column = "company"', 'column = "firm"'),
    "links.*.account.link": (
        '[links.users]\nsource = "users"\nkey = "user"\naccount = { column = "company", system = "helpdesk" }',
        '[links.firms]\nsource = "users_b"\nkey = "company"\naccount = { column = "firm", system = "helpdesk" }\n'
        '[links.users]\nsource = "users"\nkey = "user"\naccount = { column = "company", link = "firms" }',
    ),
    "links.*.account.system": ('{ column = "company", system = "helpdesk" }', '"company"'),
    "links.*.valid_from.column": ('column = "joined"', 'column = "entered"'),
    "links.*.valid_from.zone": ('"joined", zone = "UTC"', '"joined", zone = "Mars/Phobos"'),
    "links.*.valid_to.column": ('column = "left"', 'column = "gone"'),
    "links.*.valid_to.zone": ('"left", zone = "UTC"', '"left", zone = "Mars/Phobos"'),
    "links.*.known_time.column": (
        '"noted", zone = "UTC" }\n[targets',
        '"told", zone = "UTC" }\n[targets',
    ),
    "links.*.known_time.zone": (
        'zone = "UTC" }\n[targets',
        'zone = "America/New_York" }\n[targets',
    ),
    "segments.*.where": ("mrr >= 20", "mrr >= 30"),
    "taxonomies.*.topics.*": ('"expensive", "invoice"', '"expensive"'),
    "taxonomies.*.adopt": (
        '[taxonomies.topics.topics]\nprice = ["expensive", "invoice"]\n',
        "",
    ),
    "indicators.*.stage": ('kind = "context"', 'kind = "context"\nstage = "draft"'),
    "indicators.*.source": (
        'source = "events"\nwindows = ["60d"]\nsays = "{value}"\nvalue = "amount"\nwhere = "sort <> \'c\'"',
        'source = "tickets"\nwindows = ["60d"]\nsays = "{value}"\nvalue = "hours"',
    ),
    "indicators.*.value": ('value = "amount"', 'value = "fee"'),
    "indicators.*.where": ("sort <> 'c'", "sort <> 'a'"),
    "indicators.*.about.column": ('column = "body", taxonomy', 'column = "note", taxonomy'),
    "indicators.*.about.taxonomy": (
        'taxonomy = "topics", topic = "price"',
        'keywords = ["fine"]',
    ),
    "indicators.*.about.topic": ('price = ["expensive", "invoice"]', 'price = ["fine"]'),
    "indicators.*.about.keywords": ('keywords = ["slow"]', 'keywords = ["fine"]'),
    "indicators.*.measure": ('measure = "sum"', 'measure = "max"'),
    "indicators.*.windows": ('windows = ["60d"]', 'windows = ["90d"]'),
    "indicators.*.quantile": ("quantile = 0.1", "quantile = 0.9"),
    "indicators.*.of": (
        'of = "count"\nearlier = "84d"\nlag = "70d"\nshrink = 1.0',
        'of = "sum"\nvalue = "fee"\nearlier = "84d"\nlag = "70d"',
    ),
    "indicators.*.earlier": ('earlier = "84d"', 'earlier = "10d"'),
    "indicators.*.lag": ('lag = "70d"', 'lag = "100d"'),
    "indicators.*.shrink": ("shrink = 1.0", "shrink = 4.0"),
    "indicators.*.over": ('over = "topic"', 'over = "paid"'),
    "indicators.*.per": ('per = "words"', 'per = "paid"'),
    "bands.min_history": ("[segments.large]", '[bands]\nmin_history = "90d"\n[segments.large]'),
}

# Changes that are refused, for what is named is not there or not good enough.
REFUSED = {
    "accounts.derived",
    "sources.*.sql",
    "sources.*.account.system",
    "sources.*.account.link",
    "sources.*.columns.*.holds",
    "sources.*.columns.*.optional",
    "sources.*.tolerate",
    "links.*.account.system",
    "links.*.valid_from.zone",
    "links.*.valid_to.zone",
    "taxonomies.*.adopt",
}
ANCHORS = "training/calibrating/health.py"
ADOPTED = ("features/declaring/adoption.py", r"get\(\"adopt\"\)")
# Keys that change no row: what is shown, adopted or made of them by a training, and where.
OPENED = "features/sources.py"
NAMED = "features/declaring/named_columns.py"
READ_BY = {
    # What these make of a file, tests/test_reading.py says.
    "sources.*.date_order": (OPENED, r"source\.date_order"),
    "sources.*.csv.separator": (OPENED, r"source\.csv\.separator"),
    "sources.*.csv.decimal": (OPENED, r"source\.csv\.decimal"),
    "sources.*.csv.encoding": (OPENED, r"source\.csv\.encoding"),
    "sources.*.event_time.epoch": (NAMED, r"at\.epoch"),
    "sources.*.known_time.epoch": (NAMED, r"[^_]known\.epoch"),
    "links.*.valid_from.epoch": (NAMED, r"at\.epoch"),
    "links.*.valid_to.epoch": (NAMED, r"at\.epoch"),
    "links.*.known_time.epoch": (NAMED, r"at\.epoch"),
    "accounts.aliases.known_time.epoch": (NAMED, r"at\.epoch"),
    "targets.*.event.ended_known.epoch": (NAMED, r"ended_known\.epoch"),
    "company.engine": ("features/sources.py", r"about\.engine"),
    "sources.*.adopt": ADOPTED,
    "indicators.*.adopt": ADOPTED,
    "playbooks.*.adopt": ADOPTED,
    "targets.*.p_red": (ANCHORS, r"target\.p_red"),
    "targets.*.p_green": (ANCHORS, r"target\.p_green"),
    "targets.*.p_high": ("training/calibrating/scales.py", r"target\.p_high"),
    "targets.*.playbook": ("serving/assessment/opportunities.py", r"\.playbook"),
    "targets.*.likelier.*": ("training/learning/model.py", r"target\.likelier"),
    "indicators.*.healthy": ("training/learning/model.py", r"\.healthy"),
    "indicators.*.concept": ("serving/assessment/score_parts.py", r"indicators\[name\]\.concept"),
    "indicators.*.headline": ("features/lead_times/findings.py", r"indicator\.headline"),
    "bands.capacity": ("training/procedure.py", r"bands\.capacity"),
}


@cache
def _whole(folder: Path) -> dict[str, Any]:
    refuse(folder, WHOLE)
    return dict(results(folder, WHOLE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("keys")
    write(made)
    return made


@pytest.mark.parametrize("key", CHANGES)
def test_a_key_changes_a_result(key: str, folder: Path) -> None:
    old, new = CHANGES[key]
    assert old in WHOLE, f"the declaration does not say {old!r}"
    text = WHOLE.replace(old, new, 1)
    if key in REFUSED:
        with pytest.raises(ChurnlightError):
            refuse(folder, text)
    else:
        whole = _whole(folder)
        assert any(whole.get(name) != found for name, found in results(folder, text))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return shown(tmp_path_factory.mktemp("shown") / "as declared", SERVED)


@pytest.mark.parametrize("key", SHOWN)
def test_a_key_changes_a_page(key: str, pages: dict[str, str], tmp_path: Path) -> None:
    old, new = SHOWN[key]
    assert old in SERVED
    assert shown(tmp_path / "changed", SERVED.replace(old, new, 1)) != pages


@pytest.mark.parametrize("key", READ_BY)
def test_a_key_that_changes_no_row_is_read_where_it_is_shown(key: str) -> None:
    file, pattern = READ_BY[key]
    assert re.search(pattern, (ROOT / file).read_text("utf-8"))


def test_every_key_is_looked_at() -> None:
    assert set(keys()) == {*CHANGES, *SHOWN, *READ_BY}
