"""The verbs `score`, `serve` and `demo`."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.reading import kinds
from features.verbs import COMPANY_HELP, DATE, DAY, FILE, FOLDER, CompanyFolder, Targets, progress

if TYPE_CHECKING:
    from features.settings import Settings

app = typer.Typer()

Host = Annotated[
    str, typer.Option(metavar="ADDRESS", help="Address to bind. Default: CHURNLIGHT_HOST.")
]
Port = Annotated[
    int,
    typer.Option(
        min=0,
        max=65535,
        metavar="PORT",
        show_default=False,
        help="Port to bind. Default: CHURNLIGHT_PORT.",
    ),
]


@app.command()
def score(
    out: Annotated[
        Path, typer.Option(metavar=FILE, help="File to write: .parquet, .csv or .json.")
    ],
    company: Annotated[Path | None, typer.Option(metavar=FOLDER, help=COMPANY_HELP)] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help=f"Table to score instead of a company: {kinds.LISTED}.",
        ),
    ] = None,
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=DAY, metavar=DATE, help="As-of date; repeatable. Default: data_until."
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL", help="Registry alias or version; with --table, the model's folder."
        ),
    ] = "champion",
    target: Targets = None,
) -> None:
    """Score every account, publish the run and write its rows.

    Give --company; or --table, and as --model the folder of a model that was trained on a table.
    """
    from features import publish
    from features.errors import DeclarationError

    if (company is None) == (table is None):
        raise DeclarationError("give either a company folder (--company) or a table (--table)")
    publish.require_suffix(out)
    publish.require_place(out)
    if table is not None:
        from serving.batch import table_scores

        count, further = table_scores.score(Path(model), table, out)
        if further:
            typer.echo(f"not in the model, so not read: {', '.join(further)}", err=True)
        typer.echo(f"{count:,} rows in {out}")
        return
    assert company is not None
    _score_company(company, out, as_of, model, target)


def _score_company(
    company: Path, out: Path, as_of: list[datetime] | None, model: str, target: list[str] | None
) -> None:
    from features import publish
    from features.declaring import declaration
    from features.settings import Settings
    from serving.batch import scoring_run

    declared, settings = declaration.load(company), Settings.read()
    with publish.alone(settings.workspace_of(declared)), progress("scoring") as step:
        published = scoring_run.score(
            declared,
            [day.date() for day in as_of or ()],
            targets=target or (),
            model=model,
            settings=settings,
            progress=step,
        )
    count = scoring_run.export(published, out)
    typer.echo(f"{count:,} rows in {out}")
    for line in scoring_run.loss_lines(published, declared, settings):
        typer.echo(line)


@app.command()
def serve(company: CompanyFolder, host: Host = "", port: Port = 0) -> None:
    """Serve the pages and the API of the champion."""
    from serving import service

    service.run(company, _settings(host, port), lambda line: typer.echo(line, err=True))


@app.command()
def demo(
    company: Annotated[Path, typer.Option(metavar=FOLDER, help="Folder of the example.")] = Path(
        "examples/cdnow"
    ),
    stay: Annotated[
        bool, typer.Option("--serve/--no-serve", help="Serve the pages when done, or end.")
    ] = True,
    host: Host = "",
    port: Port = 0,
) -> None:
    """Run every step on an example, from its data to its pages.

    Fetches the data, checks it, trains, promotes, scores the last 13 weeks and serves.
    """
    from serving import service
    from serving.batch import demonstration

    settings = _settings(host, port)
    if stay:
        service.require_address(settings)
    with progress("starting") as step:
        report = demonstration.run(company, settings=settings, progress=step)
    typer.echo(report)
    if stay:
        service.run(company, settings, lambda line: typer.echo(line, err=True))


def _settings(host: str, port: int) -> "Settings":
    """The settings of the environment; options that were given take precedence."""
    from features.settings import Settings

    given = {"host": host, "port": port}
    return Settings.read().model_copy(update={key: value for key, value in given.items() if value})
