"""The commands of this room: `train` and `promote`."""

from datetime import datetime
from typing import Annotated

import typer

from features.verbs import DAY, CompanyFolder, progress

app = typer.Typer()


@app.command()
def train(
    company: CompanyFolder,
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(formats=DAY, help="As-of dates to learn from; else all mature month starts."),
    ] = None,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
) -> None:
    """Train, evaluate, track and register a model per target."""
    from features import declaration, publish
    from features.settings import Settings
    from training.train import summary
    from training.train import train as run

    declared, settings = declaration.load(company), Settings.read()
    with publish.alone(settings.workspace_of(declared)), progress("training") as tell:
        trained = run(
            declared,
            [day.date() for day in as_of or ()],
            targets=target or (),
            settings=settings,
            progress=tell,
        )
    for item in trained:
        typer.echo(summary(item))


@app.command()
def promote(
    company: CompanyFolder,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    version: Annotated[
        str, typer.Option(help="Registry version or alias to make the champion.")
    ] = "challenger",
) -> None:
    """Make a registered model the champion that scores and serves."""
    from features import declaration, publish
    from features.settings import Settings
    from training import tracking
    from training.train import choose_targets

    declared, settings = declaration.load(company), Settings.read()
    with publish.alone(settings.workspace_of(declared)), progress("promoting"):
        promoted = [
            tracking.promote(declared, name, version, settings=settings)
            for name in choose_targets(declared, target or ())
        ]
    for item in promoted:
        model = f"{item.name} version {item.version}, {item.digest[:12]}"
        typer.echo(f"champion of {item.target}: {model}")
