"""The commands of this room; `check` is here because its audit trains models."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from features.errors import ContractBroken
from features.verbs import DAY, AsJson, CompanyFolder, progress

app = typer.Typer()


@app.command()
def check(
    company: CompanyFolder,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Look for leaks, too: columns and tables that know the future, and a procedure "
            "that finds something where there is nothing. Takes minutes.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Report what a company's tables lack, break or leak; exit 3 when there are errors."""
    from features import contract, report
    from features.declaration import load

    with progress("opening the tables") as step:
        if deep:
            from training import audit

            findings = audit.check(load(company), progress=step)
        else:
            findings = contract.check(load(company), progress=step)
    if as_json:
        typer.echo(report.as_json(findings))
    else:
        report.show(findings)
    if any(item.state == "error" for item in findings):
        raise typer.Exit(ContractBroken.exit_code)


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


@app.command(name="lead-time")
def lead_time(
    company: CompanyFolder,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder for one plot per family of indicators.")
    ] = None,
) -> None:
    """Measure how many days before churn each indicator, and the model, speaks."""
    from features import declaration
    from features.lead_times import plots
    from training import lead_times, reports
    from training.train import choose_targets

    declared = declaration.load(company)
    with progress("opening the tables") as tell:
        found = lead_times.measure(declared, choose_targets(declared, target or ()), progress=tell)
        for item in found if out else []:
            tell(f"drawing {item.target}")
            plots.write(item, Path(str(out)) / item.target, declared.company.name)
    if as_json:
        typer.echo(json.dumps([item.plain() for item in found], indent=2, ensure_ascii=False))
    else:
        reports.leads(found)


@app.command()
def indicators(
    company: CompanyFolder,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank the indicators by what they bring, and say which are admitted, and why."""
    from features import declaration
    from features.settings import Settings
    from training import admission, reports
    from training.train import choose_targets

    declared, settings = declaration.load(company), Settings.read()
    with progress("opening the tables") as tell:
        found = admission.judge(
            declared, choose_targets(declared, target or ()), settings=settings, progress=tell
        )
    if as_json:
        typer.echo(json.dumps([item.plain() for item in found], indent=2, ensure_ascii=False))
    else:
        reports.admissions(found)
