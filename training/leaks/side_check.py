"""The declared sides that labelled rows contradict, as findings."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from features.declaring.company import Company
from features.declaring.mistakes import DECLARATION_FILE
from features.errors import Finding, GateRefused
from features.snapshots import Snapshots
from training import procedure
from training.learning import sides


def breaches(
    built: Snapshots, company: Company, dates: Mapping[str, Sequence[date]]
) -> Iterator[Finding]:
    """A warning for each side of a target that its rows on `dates` contradict.

    Of a target with too few accounts of either kind there is none: it has no model either.
    """
    for name, days in dates.items():
        declared = company.targets[name]
        table = procedure.labelled(built.on(days), company, name)
        try:
            rows = procedure.rows_of(table, built.columns, company, name)
        except GateRefused:
            continue
        for found in sides.contradicted(rows, declared):
            detail = f"target {name}: {sides.said(found, declared)}"
            place = f"indicators.{found.indicator}"
            yield Finding(
                "contradicted_side",
                "audit",
                "warning",
                DECLARATION_FILE,
                place,
                None,
                detail,
                sides.FIX,
            )
