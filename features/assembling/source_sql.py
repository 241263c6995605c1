"""Declarations to the scalar SELECT of each source: account, event time, known time, values.

Row work only (filters, expressions, zones, keys); what needs the clock is `windows`.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime

import pyarrow as pa

from features import clock
from features.assembling import account_keys
from features.assembling.column_sql import in_utc, key_text
from features.declaring.company import Company
from features.declaring.indicator import Indicator, Topic
from features.declaring.target import Event, Inactivity
from features.engines.sql_text import literal, quote
from features.engines.sql_types import FLAG, is_number
from features.folding.fold_plan import EVERY_FACT, FoldPlan, FoldValue
from features.folding.records import FIRST_FLAGS, WORD
from features.sources import Tables

ACCOUNTS = account_keys.ACCOUNTS
ACCOUNT_FACTS = {
    "name": "VARCHAR",
    "owner": "VARCHAR",
    "parent": "VARCHAR",
    "mrr": "DOUBLE",
    "renewal": "DATE",
    "since": "DATE",
}

SMALL_INTEGER = re.compile(r"U?(TINY|SMALL)INT|U?INTEGER|BIGINT")
# What words are made of, as a regular expression says it.
LETTERS = r"\p{L}\p{N}"

NUMERIC = ("sum", "mean", "max", "min", "quantile", "change")
# No zone is further ahead of UTC: a sign-up day in local time starts at most so much earlier.
ZONE_SLACK_HOURS = 14


def accounts(tables: Tables) -> str:
    """SELECT of the accounts: account, account_id, since, segment, keys in other systems, until.

    `account` numbers them in the order of their ids; since is a date, null where derived. `until`
    is the day on which an account was known to be merged into another, else null.
    """
    return (
        "SELECT CAST(row_number() OVER (ORDER BY account_id) - 1 AS INTEGER) AS account, * "
        f"FROM ({unnumbered_accounts(tables)})"
    )


def unnumbered_accounts(tables: Tables) -> str:
    """As `accounts`, without their numbers."""
    declared = tables.company.accounts
    if declared.aliases is None:
        return f"SELECT *, CAST(NULL AS DATE) AS until FROM ({_all_accounts(tables)})"
    merged = account_keys.mergers(tables)
    return (
        f"SELECT named.*, until FROM ({_all_accounts(tables)}) AS named LEFT JOIN ("
        f"SELECT old, CAST(min(known) AS DATE) AS until FROM ({merged}) GROUP BY old) "
        "ON old = account_id"
    )


def _all_accounts(tables: Tables) -> str:
    declared = tables.company.accounts
    source, key = quote(declared.source), key_text(declared.key)
    if declared.derived:
        return (
            f"SELECT DISTINCT {key} AS account_id, CAST(NULL AS DATE) AS since, "
            f"'all' AS segment FROM {source} WHERE {key} IS NOT NULL"
        )
    since = quote(str(declared.attributes.since))
    crosswalk = [
        f"{key_text(column)} AS {quote(f'key of {system}')}"
        for system, column in declared.crosswalk.items()
    ]
    columns = [
        f"{key} AS account_id",
        f"CAST({since} AS DATE) AS since",
        f"{segment_sql(tables.company)} AS segment",
        *crosswalk,
    ]
    return f"SELECT {', '.join(columns)} FROM {source} WHERE {key} IS NOT NULL"


def account_facts(tables: Tables) -> str:
    """SELECT of what people want to see of each account: account_id and `ACCOUNT_FACTS`.

    As the account table says today; none of it is a feature. Derived accounts have nothing but
    their first day, that of their first fact.
    """
    declared = tables.company.accounts
    column_of: dict[str, str | None] = {
        name: getattr(declared.attributes, name) for name in ACCOUNT_FACTS
    }
    selected = {name: quote(column) if column else "NULL" for name, column in column_of.items()}
    if declared.derived:
        selected["since"] = f"min({event_time(tables, declared.source)})"
    selected = {name: f"CAST({selected[name]} AS {kind})" for name, kind in ACCOUNT_FACTS.items()}
    # What cannot be shown is not known: no amount that is not finite, no day beyond a calendar.
    selected["mrr"] = f"CASE WHEN isfinite({selected['mrr']}) THEN {selected['mrr']} END"
    for name in ("renewal", "since"):
        usable = f"{selected[name]} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'"
        selected[name] = f"CASE WHEN {usable} THEN {selected[name]} END"
    columns = ", ".join(f"{sql} AS {name}" for name, sql in selected.items())
    return (
        f"SELECT {key_text(declared.key)} AS account_id, {columns} FROM {quote(declared.source)} "
        f"WHERE {quote(declared.key)} IS NOT NULL {'GROUP BY 1' if declared.derived else ''} "
        "ORDER BY account_id"
    )


def segment_sql(company: Company) -> str:
    """The segment of a row of the account table; the first that matches, in declared order."""
    attribute = company.accounts.attributes.segment
    rest = f"coalesce({key_text(attribute)}, 'unknown')" if attribute else "'all'"
    cases = [f"WHEN ({segment.where}) THEN '{name}'" for name, segment in company.segments.items()]
    return f"CASE {' '.join(cases)} ELSE {rest} END" if cases else rest


def facts(
    tables: Tables,
    source: str,
    extra: dict[str, str] | None = None,
    shared: str = "event_time",
    *,
    early: bool = False,
) -> str:
    """SELECT of a source's facts: account, event_time, known_time and the `extra` columns.

    What happens to an account after a merger (`shared`, an expression over the columns) is also of
    the account that was merged into it, known never: so labels learn what became of that one.

    Facts of accounts that no account table knows, without key, without event or known time, or
    before their account's first day are left out (the data usability report counts them). With
    `early`, those before the first day stay, and `since` is beside them.

    Raises
    ------
    clock.NoZone, clock.NoTime
        A time column cannot be read as a time.
    """
    declared = tables.company.sources[source]
    assert declared.account is not None
    columns = [f"{sql} AS {quote(name)}" for name, sql in (extra or {}).items()]
    selected = ", ".join(
        [
            f"{key_text(declared.account.column)} AS fact_key",
            f"{event_time(tables, source)} AS event_time",
            f"{known_time(tables, source)} AS known_time",
            *columns,
        ]
    )
    rows = f"SELECT {selected} FROM {quote(source)}"
    there = "event_time IS NOT NULL AND known_time IS NOT NULL"
    there += "" if early else f" AND NOT {is_early(tables, source)}"
    names = "".join(f", {quote(name)}" for name in extra or {}) + (", since" if early else "")
    keys = account_keys.keys(tables, declared.account)
    if keys is not None:
        return (
            "SELECT account, event_time, greatest(known_time, coalesce(keys.known, known_time)) "
            f"AS known_time{names} FROM ({rows}) JOIN ({keys}) AS keys ON fact_key = keys.key "
            f"WHERE {there} AND (valid_from IS NULL OR event_time >= valid_from) "
            "AND (valid_to IS NULL OR event_time < valid_to) "
            f"AND (shared_from IS NULL OR {shared} >= shared_from)"
        )
    system = declared.account.system
    key = quote(f"key of {system}") if system else "account_id"
    return (
        f"SELECT account, event_time, known_time{names} FROM ({rows}) "
        f"JOIN {quote(ACCOUNTS)} ON fact_key = {key} WHERE {there}"
    )


def records(tables: Tables, plan: FoldPlan, reach: str, stream: str | None = None) -> str:
    """SELECT of a stream's facts as the kernel's records (`fact_history.StreamFacts`).

    Parameters
    ----------
    reach : str
        Condition on event_time and known_time that every fact of any use fulfils.
    stream : str, optional
        The stream's own SELECT of account, event_time and known_time, where it is not a source.
    """
    words = [_word(tables, plan, value) for value in plan.values]
    selected = [
        "account",
        "CAST(event_time AS DATE) AS day",
        "CAST(known_time AS DATE) AS known",
        *_flags([condition_name(position) for position in range(len(plan.keeps))]),
        *(quote(value_name(position)) for position in range(len(words))),
    ]
    if plan.has_moments:
        selected += ["epoch_us(event_time) AS event_us", "epoch_us(known_time) AS known_us"]
    return (
        f"SELECT {', '.join(selected)} FROM ({_stream(tables, plan, words, stream)}) WHERE {reach}"
    )


def unpacked_records(tables: Tables, plan: FoldPlan, reach: str, stream: str | None = None) -> str:
    """As `records`, before anything is packed: times, flags and values in columns of their own.

    Flags are `condition_name`, true or false, values `value_name`, a category as its text.
    """
    words = [value_sql(tables, plan, value) for value in plan.values]
    return f"SELECT * FROM ({_stream(tables, plan, words, stream)}) WHERE {reach}"


def condition_name(position: int) -> str:
    """The column of the condition at this place of a plan."""
    return f"keep {position}"


def value_name(position: int) -> str:
    """The column of the value at this place of a plan."""
    return f"value {position}"


def _stream(tables: Tables, plan: FoldPlan, words: list[str], stream: str | None) -> str:
    flags = {condition_name(position): text for position, text in enumerate(plan.keeps)}
    if stream is None:
        named = {value_name(position): text for position, text in enumerate(words)}
        return facts(tables, plan.stream, flags | named)
    columns = ", ".join(f"{sql} AS {quote(name)}" for name, sql in flags.items())
    return f"SELECT *, {columns} FROM ({stream})"


def _flags(names: list[str]) -> Iterator[str]:
    """The words of flags: sixteen in the first, 64 in each further one."""
    sizes = [(FIRST_FLAGS, "USMALLINT")]
    sizes += [(WORD, "UBIGINT")] * (-(-max(len(names) - FIRST_FLAGS, 0) // WORD))
    for size, kind in sizes:
        in_word, names = names[:size], names[size:]
        bits = [
            f"(CAST({quote(name)} AS {kind}) * CAST({1 << bit} AS {kind}))"
            for bit, name in enumerate(in_word)
        ]
        yield f"{' | '.join(bits)} AS {quote(f'flags {len(names)}')}"


def _word(tables: Tables, plan: FoldPlan, value: FoldValue) -> str:
    """The SQL expression of a value's 64 bits."""
    if value.kind != "category":
        return value_sql(tables, plan, value)
    name = _keep_categories(tables, plan.stream, value.text)
    return f"(SELECT place FROM {quote(name)} WHERE category = {value_sql(tables, plan, value)})"


def value_sql(tables: Tables, plan: FoldPlan, value: FoldValue) -> str:
    """The SQL expression of a value: 64 bits, of a category its text."""
    text = f"({value.text})"
    if value.kind == "number":
        return f"CAST({text} AS DOUBLE)"
    if value.kind == "flag":
        return f"CAST(CAST({text} AS BOOLEAN) AS DOUBLE)"
    if value.kind == "category":
        return f"CAST({text} AS VARCHAR)"
    type_ = tables.engine.types(f"SELECT {text} AS v FROM {quote(plan.stream)}")["v"]
    if value.kind == "day":
        zoned = tables.company.sources[plan.stream].event_time
        moment = clock.in_utc(text, type_, zoned.zone if zoned else None)
        return f"CAST(date_diff('day', DATE '1970-01-01', CAST({moment} AS DATE)) AS DOUBLE)"
    if type_ == FLAG or SMALL_INTEGER.fullmatch(type_):
        return f"CAST({text} AS BIGINT)"
    # Adding 0 makes -0 and 0 the same bits; everything else is a hash of 64 bits.
    return f"hash({text} + 0)" if is_number(type_) else f"hash({text})"


def _keep_categories(tables: Tables, source: str, text: str) -> str:
    name = f"categories of {source}: {text}"
    tables.engine.keep(
        name,
        "SELECT category, CAST(row_number() OVER (ORDER BY category) - 1 AS DOUBLE) AS place "
        f"FROM ({category_texts(source, text)})",
    )
    return name


def category_texts(source: str, text: str) -> str:
    """SELECT of the different texts that an expression over the source has, as `category`."""
    return (
        f"SELECT category FROM (SELECT DISTINCT CAST(({text}) AS VARCHAR) AS category "
        f"FROM {quote(source)}) WHERE category IS NOT NULL"
    )


def categories(tables: Tables, indicator: Indicator) -> pa.Array:
    """The texts of a categorical indicator, sorted; the kernel knows them by their places."""
    name = f"categories of {indicator.source}: {indicator.value}"
    rows = tables.engine.rows(f"SELECT category FROM {quote(name)} ORDER BY place")
    return rows["category"].combine_chunks()


def is_early(tables: Tables, source: str) -> str:
    """SQL condition (never null) that a fact happened before its account's first day."""
    return f"coalesce(event_time < since - {slack(tables, source)}, FALSE)"


def slack(tables: Tables, source: str) -> str:
    """How long before 00:00 UTC of its account's first day a fact of the source may happen."""
    declared = tables.company.sources[source].event_time
    by_day = declared is not None and tables.columns[source][declared.column] == "DATE"
    return f"INTERVAL {0 if by_day else ZONE_SLACK_HOURS} HOUR"


def event_time(tables: Tables, source: str) -> str:
    """A fact's event time as naive UTC."""
    declared = tables.company.sources[source].event_time
    assert declared is not None
    return in_utc(tables, source, declared.column, declared.zone)


def known_time(tables: Tables, source: str) -> str:
    """A fact's known time as naive UTC, never before its event time; null if never recorded."""
    declared = tables.company.sources[source].known_time
    event = event_time(tables, source)
    if declared is None:
        return event
    if declared.column is None:
        return f"{event} + INTERVAL {declared.delay} DAY"
    recorded = recorded_time(tables, source)
    return f"CASE WHEN {recorded} IS NOT NULL THEN greatest({event}, {recorded}) END"


def recorded_time(tables: Tables, source: str) -> str | None:
    """A fact's known time as its column says it, naive UTC; none where no column says it."""
    declared = tables.company.sources[source].known_time
    if declared is None or declared.column is None:
        return None
    return in_utc(tables, source, declared.column, declared.zone)


def first_day(tables: Tables, source: str) -> date | None:
    """The day of a source's first fact."""
    return _day(tables, f"SELECT min({event_time(tables, source)}) FROM {quote(source)}")


def _day(tables: Tables, query: str) -> date | None:
    moment: datetime | None = tables.engine.row(query)[0]
    return moment.date() if moment is not None else None


def target_filter(part: Event | Inactivity) -> str:
    """The filter of a target's facts."""
    return f"coalesce(({part.where}), FALSE)" if part.where else "TRUE"


def counts_for(indicator: Indicator, *, numeric: bool = False) -> str:
    """Whether a row counts for the indicator: it passes the filter and has a value."""
    conditions = [f"({text})" for text in (indicator.where,) if text]
    if indicator.about is not None:
        conditions.append(is_about(indicator.about))
    if indicator.value is not None:
        conditions.append(f"({indicator.value}) IS NOT NULL")
    if numeric or indicator.measure in NUMERIC or indicator.of == "sum":
        # NaN and infinity (a division by zero) are no measurement.
        conditions.append(f"isfinite(CAST(({indicator.value}) AS DOUBLE))")
    return f"coalesce({' AND '.join(conditions)}, FALSE)" if conditions else EVERY_FACT


def is_about(about: Topic) -> str:
    """Whether a row's text has one of the topic's keywords, as whole words in any case."""
    patterns = "|".join(_pattern(keyword) for keyword in about.keywords or ())
    pattern = f"(^|[^{LETTERS}])({patterns})([^{LETTERS}]|$)"
    return f"regexp_matches(lower(CAST({quote(about.column)} AS VARCHAR)), {literal(pattern)})"


def _pattern(keyword: str) -> str:
    words = re.findall(r"[^\W_]+\*?", keyword.lower())
    texts = [word.replace("*", f"[{LETTERS}]*") for word in words]
    return f"[^{LETTERS}]+".join(texts)
