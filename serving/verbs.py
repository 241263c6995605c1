"""The commands of this room: `score`, `serve` and `demo`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from features.verbs import DAY, CompanyFolder, progress

app = typer.Typer()

Host = Annotated[str, typer.Option(help="Address to bind; else the setting's.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to bind; else the setting's (0 too).")
]
Out = Annotated[Path, typer.Option(help="File to write: .parquet, .csv or .json.")]


@app.command()
def score(
    out: Out,
    company: Annotated[
        Path | None, typer.Option(help="The company's folder, with its churnlight.toml.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option(help="Instead of a company, one table: .parquet or .csv.")
    ] = None,
    as_of: Annotated[
        list[datetime] | None, typer.Option(formats=DAY, help="As-of dates; else data_until.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Registry alias or version, or an artifact's folder.")
    ] = "champion",
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
) -> None:
    """Score every account and publish the run; write its rows to a file.

    With --table and the folder of a model that was trained on one, score that table's rows.
    """
    from features import publish
    from features.errors import DeclarationError

    if (company is None) == (table is None):
        raise DeclarationError("name a company's folder or a table: --company or --table")
    publish.require_suffix(out)
    publish.require_place(out)
    if table is not None:
        from serving.batch import table_scores

        count = table_scores.score(Path(model), table, out)
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
    with publish.alone(settings.workspace_of(declared)), progress("scoring") as tell:
        published = scoring_run.score(
            declared,
            [day.date() for day in as_of or ()],
            targets=target or (),
            model=model,
            settings=settings,
            progress=tell,
        )
    count = scoring_run.export(published, out)
    typer.echo(f"{count:,} rows in {out}")


@app.command()
def serve(company: CompanyFolder, host: Host = "", port: Port = 0) -> None:
    """Serve the pages and the prediction API of the promoted model."""
    from features.settings import Settings
    from serving import service

    given = {"host": host, "port": port}
    settings = Settings.read().model_copy(update={k: v for k, v in given.items() if v})
    service.run(company, settings, lambda line: typer.echo(line, err=True))


@app.command()
def demo(
    company: Annotated[Path, typer.Option("--company", help="The example's folder.")] = Path(
        "examples/cdnow"
    ),
    serve: Annotated[bool, typer.Option(help="Stay and serve the pages.")] = True,
    host: Host = "",
    port: Port = 0,
) -> None:
    """Run the whole main job on an example: data, check, train, promote, score 13 weeks, serve."""
    from features.settings import Settings
    from serving import service
    from serving.batch import demonstration

    given = {"host": host, "port": port}
    settings = Settings.read().model_copy(update={k: v for k, v in given.items() if v})
    with progress("starting") as tell:
        told = demonstration.run(company, settings=settings, progress=tell)
    typer.echo(told)
    if serve:
        service.run(company, settings, lambda line: typer.echo(line, err=True))
