"""What becomes of the rows of a target by renewal: who is asked, who is left out, and why."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from features import snapshots
from features.assembling.decisions import NO_CONTRACT, OUTCOMES, STATES
from features.breaches.rounds import Round
from features.engines.on_duckdb import EngineError
from features.errors import ContractBroken, DeclarationError, Finding
from features.plurals import counted
from features.sources import Tables

ROUND = Round.LABELLED

# These cannot be decided from the tables; the others are left out because they should be.
UNDECIDABLE = ("undecided", "overdue", "no renewal date")
MANY = 0.1
EXAMPLES = 3


def breaches(tables: Tables) -> Iterator[Finding]:
    """One finding for each target by renewal that has mature dates."""
    for name, target in tables.company.targets.items():
        if target.by_renewal:
            try:
                yield from _of_target(tables, name)
            except (ContractBroken, DeclarationError, EngineError):
                # `outcomes` says why its rows cannot be computed.
                continue


def _of_target(tables: Tables, name: str) -> Iterator[Finding]:
    months = snapshots.mature_month_starts(tables, name)
    if not months:
        return
    asked = {name: tables.company.targets[name]}
    bare = tables.company.model_copy(update={"targets": asked, "indicators": {}})
    table = snapshots.build_from(replace(tables, company=bare), months).table
    outcome = table[f"label__{name}__outcome"]
    table = table.filter(pc.not_equal(outcome, STATES[NO_CONTRACT]))
    rows = _counts(table[f"label__{name}__outcome"])
    undecidable = sum(rows.get(word, 0) for word in UNDECIDABLE)
    state: Literal["warning", "advice"] = (
        "warning" if undecidable > MANY * table.num_rows else "advice"
    )
    detail = (
        f"targets.{name}: {tables.location(asked[name].source)}: {table.num_rows:,} rows of "
        f"accounts with a contract at {counted(len(months), 'mature month start')}: "
        f"{_listed(rows, OUTCOMES[:2])}. Left out: {_listed(rows, _left_out(rows)) or 'none'}"
        f"{_examples(table, name)}"
    )
    fix = "for your information: does this match what you expect?"
    if undecidable:
        event = asked[name].event
        assert event is not None
        fix = f"write {event.renews}, {event.ended} and signed terms where these are missing"
    source = asked[name].source
    yield Finding("next_decisions", "train", state, source, None, undecidable, detail, fix)


def _counts(outcome: pa.ChunkedArray) -> dict[str, int]:
    counts: list[dict[str, Any]] = pc.value_counts(outcome).to_pylist()
    return {entry["values"]: entry["counts"] for entry in counts}


def _left_out(rows: dict[str, int]) -> list[str]:
    """The words for rows without a label, the most frequent first."""
    return sorted(rows.keys() - set(OUTCOMES[:2]), key=lambda word: (-rows[word], word))


def _listed(rows: dict[str, int], words: list[str] | tuple[str, ...]) -> str:
    return ", ".join(f"{rows.get(word, 0):,} {word}" for word in words)


def _examples(table: pa.Table, name: str) -> str:
    """Some rows that cannot be decided, of different accounts."""
    outcome = table[f"label__{name}__outcome"]
    rows = table.filter(pc.is_in(outcome, pa.array(UNDECIDABLE)))
    found: dict[str, str] = {}
    for row in rows.select(["account_id", "as_of", f"label__{name}__outcome"]).to_pylist():
        said = f"{row['account_id']} on {row['as_of']} ({row[f'label__{name}__outcome']})"
        found.setdefault(row["account_id"], said)
        if len(found) == EXAMPLES:
            break
    return f"; for example {', '.join(found.values())}" if found else ""
