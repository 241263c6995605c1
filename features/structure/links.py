"""Whether every key leads to one account at a time: links and merged accounts."""

from collections.abc import Iterator

from features.assembling import account_keys
from features.declaring.company import Aliases, Link
from features.errors import Finding
from features.structure.readable import ReadableTables, with_read_errors

BEGINNING = "TIMESTAMP '0001-01-01'"


def breaches(readable: ReadableTables) -> Iterator[Finding]:
    """Keys that belong to two accounts at once, and mergers that lead nowhere."""
    for name, link in readable.company.links.items():
        times = (link.valid_from, link.valid_to, link.known_time)
        columns = [link.key, link.account.column, *(at.column for at in times if at)]
        if readable.holds(link.source, *columns):
            findings = _of_link(readable, name, link)
            yield from with_read_errors(link.source, readable.file(link.source), findings)
    aliases = readable.company.accounts.aliases
    if aliases is not None and readable.holds(
        aliases.source, aliases.old, aliases.new, aliases.known_time.column
    ):
        findings = _of_aliases(readable, aliases)
        yield from with_read_errors(aliases.source, readable.file(aliases.source), findings)


def _of_link(readable: ReadableTables, name: str, link: Link) -> Iterator[Finding]:
    begins = f"coalesce(valid_from, {BEGINNING})"
    taken = (
        f"SELECT key, {begins} AS begins, max(coalesce(valid_to, {account_keys.NEVER})) OVER "
        f"(PARTITION BY key ORDER BY {begins}, named "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken "
        f"FROM ({account_keys.link_rows(readable.tables, link)}) WHERE key IS NOT NULL"
    )
    double = f"({taken}) WHERE taken > begins"
    counted = readable.row(f"SELECT count(*) AS rows, count(DISTINCT key) AS keys FROM {double}")
    if counted["rows"]:
        detail = (
            f"{readable.file(link.source)}: {counted['keys']:,} keys of links.{name} belong to "
            "several accounts at once, such as "
            f"{readable.examples(f'SELECT DISTINCT key FROM {double}')}"
        )
        fix = "keep one row per key, or declare when each holds: valid_from, valid_to"
        place = (link.source, link.key, counted["rows"])
        yield Finding("ambiguous_link", "sources", "error", *place, detail, fix)


def _of_aliases(readable: ReadableTables, aliases: Aliases) -> Iterator[Finding]:
    rows = readable.tables.engine.rows(account_keys.direct_mergers(readable.tables))
    became: dict[str, set[str]] = {}
    for old, new in zip(rows["old"].to_pylist(), rows["new"].to_pylist(), strict=True):
        became.setdefault(old, set()).add(new)
    place = (aliases.source, aliases.old)
    if several := sorted(old for old, new in became.items() if len(new) > 1):
        detail = (
            f"{readable.file(aliases.source)}: {len(several):,} accounts were merged into several, "
            f"such as {several[0]!r}"
        )
        fix = "keep the one row per old key that holds"
        yield Finding("ambiguous_alias", "sources", "error", *place, len(several), detail, fix)
    elif endless := sorted(old for old in became if _is_endless(old, became)):
        detail = (
            f"{readable.file(aliases.source)}: {len(endless):,} accounts were merged in a circle, "
            f"or over more than {account_keys.MOST_MERGERS} others, such as {endless[0]!r}"
        )
        fix = "write the account that is left as the new one of each"
        yield Finding("endless_alias", "sources", "error", *place, len(endless), detail, fix)


def _is_endless(old: str, became: dict[str, set[str]]) -> bool:
    for _ in range(account_keys.MOST_MERGERS):
        if old not in became:
            return False
        old = next(iter(became[old]))
    return old in became
