"""Whether each indicator says anything about the accounts on the last day of the data."""

from collections.abc import Iterator
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from features import snapshots
from features.assembling.feature_plan import FeatureColumn
from features.breaches.rounds import Round
from features.declaring.mistakes import DECLARATION_FILE
from features.engines.on_duckdb import EngineError
from features.errors import DeclarationError, Finding
from features.sources import Tables

ROUND = Round.SOUND


def breaches(tables: Tables) -> Iterator[Finding]:
    """Indicator columns that are null, or the same, for every account."""
    company = tables.company
    if not company.staged("live", "shadow"):
        return
    until = snapshots.data_until(tables)
    bare = company.model_copy(update={"targets": {}})
    try:
        built = snapshots.build_from(replace(tables, company=bare), [until])
    except (EngineError, DeclarationError) as error:
        yield _not_computable(str(error))
        return
    for column in built.columns if built.table.num_rows > 1 else ():
        source = company.indicators[column.indicator].source
        location = tables.location(source)
        yield from _breach(column, built.table[column.name], source, f"{location}, as of {until}")


def _not_computable(detail: str) -> Finding:
    fix = "remove the indicators one by one to find it"
    return Finding(
        "not_computable", "features", "error", DECLARATION_FILE, "indicators", None, detail, fix
    )


def _breach(
    column: FeatureColumn, values: pa.ChunkedArray, source: str, location: str
) -> Iterator[Finding]:
    key = f"indicators.{column.indicator}"
    accounts = len(values)
    if values.null_count == accounts:
        detail = f"{key} is null for all {accounts:,} accounts ({location})"
        fix = 'widen its windows, fix value or where, or set stage = "draft"'
        yield Finding("all_null", "features", "warning", source, column.name, accounts, detail, fix)
    elif values.null_count == 0 and pc.count_distinct(values).as_py() == 1:
        detail = f"{key} is {values[0].as_py()!r} for all {accounts:,} accounts ({location})"
        fix = "measure something that differs between accounts, or widen its windows"
        yield Finding("constant", "features", "advice", source, column.name, accounts, detail, fix)
