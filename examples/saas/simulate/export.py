"""Everything together: from a seed to a folder of tables, whole or not at all."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import billing, defects, directory, success, support, truth, usage, voice
from .ceiling import ceiling
from .names import LARGEST
from .parameters import PARAMETERS, Parameters
from .world import World, build

SMALLEST = 50
SEAL = Path("truth") / "figures.json"


class Refused(Exception):
    """The folder or the size cannot be used; the message says how to fix it."""


def export(
    count: int, seed: int, out: Path, *, spoiled: bool = False, given: Parameters = PARAMETERS
) -> dict[str, Any]:
    """Write the company's tables to ``out`` and return the printed facts.

    Raises
    ------
    Refused
        ``count`` is out of range, or ``out`` holds something that is not an earlier export.
    """
    if not SMALLEST <= count <= LARGEST:
        raise Refused(f"--accounts: got {count}, use {SMALLEST} to {LARGEST}")
    if out.exists() and not (out / SEAL).is_file():
        raise Refused(f"--out: {out} exists and is no earlier export, name another folder")
    world = build(count, seed, given)
    tables = company_tables(world)
    best = ceiling(world.accounts, world.life, seed, given)
    figures = truth.figures(world, best)
    figures["defects"] = defects.spoil(tables, world) if spoiled else {}
    figures["rows"] = {name: len(table) for name, table in tables.items()}
    hidden = {f"truth/{name}": table for name, table in truth.tables(world, best).items()}
    publish(tables | hidden, figures, out)
    return figures


def company_tables(world: World) -> dict[str, pa.Table]:
    """Return the tables that the company itself has."""
    return {
        "accounts": directory.table(world),
        "usage": usage.table(world),
        "surveys": voice.table(world),
        **support.tables(world),
        **billing.tables(world),
        **success.tables(world),
    }


def publish(tables: dict[str, pa.Table], figures: dict[str, Any], out: Path) -> None:
    """Write all files beside ``out`` first, then put the folder in its place."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as work:
        fresh = Path(work) / "fresh"
        (fresh / "truth").mkdir(parents=True)
        for name, table in tables.items():
            pq.write_table(table, fresh / f"{name}.parquet", write_page_checksum=True)
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        (fresh / SEAL).write_text(text + "\n", encoding="utf-8")
        replace(fresh, out, Path(work) / "old")


def replace(fresh: Path, out: Path, old: Path) -> None:
    """Put the fresh folder where the old one was; the old one comes back if that fails."""
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except BaseException:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
