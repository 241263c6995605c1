"""The verbs `init`, `collect` and `features`, and what all verbs share: options and progress.

stdout carries data, stderr progress. A verb turns options into one call of a Python function;
heavy libraries are imported inside it, so that `churnlight --help` stays light.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.progress import is_intermediate
from features.reading import kinds

if TYPE_CHECKING:
    import pyarrow as pa

    from features.progress import Progress
    from features.snapshots import Snapshots

app = typer.Typer(no_args_is_help=True, add_completion=False)

FOLDER, FILE, TARGET, DATE = "FOLDER", "FILE", "TARGET", "YYYY-MM-DD"
COMPANY_HELP = "Company folder, with its churnlight.toml."
CompanyFolder = Annotated[Path, typer.Option("--company", metavar=FOLDER, help=COMPANY_HELP)]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", metavar=TARGET, help="Only this target; repeatable. Default: all."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON to stdout.")]
DAY = ["%Y-%m-%d"]


@contextmanager
def progress(first: str) -> "Iterator[Progress]":
    """Shows the current step on stderr; yields the function that names the next one.

    A terminal shows the current step alone; a file or a log gets one line per step, and of a
    series (`tuning 3/8`) the last one.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        typer.echo(first, err=True)
        yield _log
        return
    with console.status(first) as status:
        yield lambda step: status.update(step)


def _log(step: str) -> None:
    if not is_intermediate(step):
        typer.echo(step, err=True)


@app.command()
def init(
    folder: Annotated[
        Path,
        typer.Argument(metavar=FOLDER, help="Folder of tables: Parquet, CSV, SQLite and more."),
    ],
    force: Annotated[bool, typer.Option(help="Overwrite an existing churnlight.toml.")] = False,
) -> None:
    """Write a first churnlight.toml for a folder of tables.

    Every guess is marked "guessed", every open question "decide".
    """
    from features.drafting import draft

    with progress(f"reading the tables in {folder}"):
        path = draft.write(folder, force=force)
    typer.echo(path)
    typer.echo(
        f"next: read it, correct the guesses, then: churnlight check --company {folder}", err=True
    )


@app.command()
def collect(
    tables: Annotated[
        list[str], typer.Argument(metavar="TABLE...", help=f"Files in the folder: {kinds.LISTED}.")
    ],
    company: CompanyFolder,
) -> None:
    """Keep today's copy of tables that hold only the state of today.

    A copy is collected/NAME/DAY.parquet, one per day, with its moment in collected_at.
    """
    from features import collecting

    with progress(f"copying {', '.join(tables)}"):
        places = collecting.collect(company, tables)
    for place in places:
        typer.echo(place)
        typer.echo(f"declare it: {collecting.declared_as(place)}", err=True)


@app.command()
def features(
    company: CompanyFolder,
    out: Annotated[
        Path,
        typer.Option(
            metavar="FILE|FOLDER",
            help="File to write (.parquet, .csv or .json), or feature store folder to extend: "
            "dates that it holds are kept, missing ones are added.",
        ),
    ],
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=DAY, metavar=DATE, help="As-of date; repeatable. Default: data_until."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the features of every account at each as-of date.

    A row holds what was known of the account on the morning of that date.
    """
    from features import publish

    days = [day.date() for day in as_of or ()]
    if not out.suffix:
        _publish(company, out, days, as_json=as_json)
        return
    publish.require_suffix(out)
    with progress("opening the tables") as step:
        built = point_in_time(company, days, step)
        publish.write_table(built.table, out)
    if as_json:
        typer.echo(json.dumps(_summary(built, out), indent=2, ensure_ascii=False))


def _publish(folder: Path, out: Path, as_of: Sequence[date], *, as_json: bool) -> None:
    from features import contract, publish, snapshots
    from features.declaring.declaration import load
    from features.store import FeatureStore

    store = FeatureStore(out)
    with (
        publish.alone(out),
        progress("opening the tables") as step,
        contract.sound_tables(load(folder)) as tables,
    ):
        new = store.refresh(tables, snapshots.requested_dates(tables, as_of), progress=step)
    if as_json:
        report = {"out": str(out), "published": store.published(), "new": new}
        typer.echo(json.dumps(report, indent=2, default=str))


def point_in_time(folder: Path, as_of: Sequence[date], step: "Progress") -> "Snapshots":
    """The snapshots of the company in `folder`, by default at its data_until.

    Raises
    ------
    NotFound
        An as-of date is later than the data.
    """
    from features import contract, snapshots
    from features.declaring.declaration import load

    with contract.sound_tables(load(folder)) as tables:
        return snapshots.build_from(tables, snapshots.requested_dates(tables, as_of), progress=step)


def _summary(built: "Snapshots", out: Path) -> dict[str, object]:
    return {
        "out": str(out),
        "rows": built.table.num_rows,
        "as_of": [day.isoformat() for day in _days(built.table)],
        "data_until": built.data_until.isoformat(),
        "columns": [column.name for column in built.columns],
        "digest": built.digest,
    }


def _days(table: "pa.Table") -> list[date]:
    return sorted(set(table["as_of"].to_pylist()))
