"""The commands of this room; `check` is here because its audit trains models."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

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
    from features.declaring.declaration import load

    with progress("opening the tables") as step:
        if deep:
            from training.leaks import deep_check

            findings = deep_check.check_deep(load(company), progress=step)
        else:
            findings = contract.check(load(company), progress=step)
    if as_json:
        typer.echo(report.as_json(findings))
    else:
        report.show(findings)
    if any(item.state == "error" for item in findings):
        raise typer.Exit(ContractBroken.exit_code)


@app.command()
def train(  # noqa: PLR0913 (one for each option)
    company: Annotated[
        Path | None, typer.Option(help="The company's folder, with its churnlight.toml.")
    ] = None,
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(formats=DAY, help="As-of dates to learn from; else all mature month starts."),
    ] = None,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="Instead of a company, one table: .parquet or .csv.")
    ] = None,
    label: Annotated[str, typer.Option(help="The table's column to predict, of two values.")] = "",
    id_: Annotated[str | None, typer.Option("--id", help="Column that tells rows apart.")] = None,
    time: Annotated[str | None, typer.Option(help="Column to split by, earlier to later.")] = None,
    event: Annotated[
        str | None, typer.Option(help="The label's value that is predicted; else 1, true or yes.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Columns to leave out.")] = None,
    out: Annotated[Path | None, typer.Option(help="New folder for the table's model.")] = None,
) -> None:
    """Train, evaluate, track and register a model per target; or one of a table of your own."""
    from features.errors import DeclarationError

    if (company is None) == (table is None):
        raise DeclarationError("name a company's folder or a table: --company or --table")
    if table is not None:
        roles = {"id": id_, "time": time, "event": event, "ignore": tuple(ignore or ())}
        _train_table(table, label, out, roles)
        return
    assert company is not None
    _train_company(company, as_of, target)


def _train_table(table: Path, label: str, out: Path | None, roles: dict[str, Any]) -> None:
    from features import publish
    from features.errors import DeclarationError
    from features.settings import Settings
    from training import train_table
    from training.reporting import model_report
    from training.tables import plain_table

    if not label or out is None:
        raise DeclarationError("a table needs --label and --out")
    if out.exists():
        raise DeclarationError(f"{out} exists; name a new folder")
    publish.require_place(out)
    trials = Settings.read().trials
    with progress("reading the table") as tell:
        artifact = train_table.fit(
            plain_table.read_table(table), label, trials=trials, progress=tell, **roles
        )
        artifact.save(out)
        tell("drawing the report")
        model_report.write(artifact, out)
    typer.echo(f"{out}: {train_table.summary(artifact)}")
    typer.echo(f"  report {out / model_report.REPORT}")


def _train_company(company: Path, as_of: list[datetime] | None, target: list[str] | None) -> None:
    from features import publish
    from features.declaring import declaration
    from features.errors import GateRefused
    from features.settings import Settings
    from training.registry import tracking
    from training.train import summary
    from training.train import train as run

    declared, settings = declaration.load(company), Settings.read()
    with publish.alone(settings.workspace_of(declared)), progress("training") as tell:
        found = run(
            declared,
            [day.date() for day in as_of or ()],
            targets=target or (),
            settings=settings,
            progress=tell,
        )
    for item in found.trained:
        typer.echo(summary(item))
        typer.echo(f"  report {tracking.report_of(item.artifact, declared, settings)}")
    if found.refused:
        raise GateRefused("\n".join(map(str, found.refused.values())))


@app.command()
def promote(
    company: CompanyFolder,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    version: Annotated[
        str | None,
        typer.Option(
            help="Registry version or alias to make the champion. Default: the one that --review "
            "is of, else challenger."
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            help="Why it takes the champion's place without being surely better; kept with it."
        ),
    ] = "",
    review: Annotated[
        Path | None, typer.Option(help="The review.json whose verdict decides; exit 4: keep.")
    ] = None,
) -> None:
    """Make a registered model the champion that scores and serves."""
    from features import publish
    from features.declaring import declaration
    from features.settings import Settings
    from training.evaluating import gate
    from training.registry import review_decision, tracking
    from training.train import choose_targets

    declared, settings = declaration.load(company), Settings.read()
    verdict = review_decision.read(review) if review else None
    wanted = target or ([verdict.target] if verdict else [])
    named = version or (verdict.challenger.version if verdict else "challenger")
    with publish.alone(settings.workspace_of(declared)), progress("promoting") as tell:
        for name in choose_targets(declared, wanted):
            item = tracking.promote(
                declared,
                name,
                named,
                settings=settings,
                reason=reason,
                review=verdict,
                progress=tell,
            )
            model = f"{item.name} version {item.version}, {item.digest[:12]}"
            typer.echo(f"champion of {item.target}: {model}")
            for line in gate.told(item.evaluation):
                typer.echo(f"  {line}")


@app.command()
def review(  # noqa: PLR0913 (one for each option)
    company: CompanyFolder,
    out: Annotated[Path, typer.Option(help="Folder for review.json, .md, .html and ledger.csv.")],
    target: Annotated[
        str | None, typer.Option(help="The target; needed where several could be meant.")
    ] = None,
    challenger: Annotated[
        str, typer.Option(help="Registry version or alias beside the champion.")
    ] = "challenger",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=DAY, help="The review's morning. Default: data_until."),
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why one retrains before the review period is over.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Champion against challenger on matured outcomes, with a verdict; exit 4: keep it."""
    from features.declaring import declaration
    from features.errors import DeclarationError
    from training.review import review as reviews

    if out.exists() and not out.is_dir():
        raise DeclarationError(f"{out}: is a file; name a folder for the review")
    declared = declaration.load(company)
    asked = reviews.Asked(target, challenger, as_of.date() if as_of else None, reason)
    with progress("reading the two models") as tell:
        found = reviews.review(declared, asked, progress=tell)
        tell(f"writing {out}")
        found.write(out)
    typer.echo(found.as_json if as_json else reviews.summary(found))
    typer.echo(reviews.next_step(found, company, out), err=as_json)
    found.require_promotion()


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
    from features.declaring import declaration
    from features.lead_times import plots
    from training.indicators import lead_times, report
    from training.train import choose_targets

    declared = declaration.load(company)
    with progress("opening the tables") as tell:
        wanted = choose_targets(declared, target or declared.adverse)
        found = lead_times.measure_leads(declared, wanted, progress=tell)
        for item in found if out else []:
            tell(f"drawing {item.target}")
            plots.write(item, Path(str(out)) / item.target, declared.company.name)
    if as_json:
        typer.echo(json.dumps([item.plain() for item in found], indent=2, ensure_ascii=False))
    else:
        report.show_leads(found)


@app.command()
def indicators(
    company: CompanyFolder,
    target: Annotated[list[str] | None, typer.Option(help="Only these targets.")] = None,
    as_json: AsJson = False,
) -> None:
    """Rank the indicators by what they bring, and say which are admitted, and why."""
    from features.declaring import declaration
    from features.settings import Settings
    from training.indicators import admission, report
    from training.train import choose_targets

    declared, settings = declaration.load(company), Settings.read()
    with progress("opening the tables") as tell:
        found = admission.evaluate_indicators(
            declared, choose_targets(declared, target or ()), settings=settings, progress=tell
        )
    if as_json:
        typer.echo(json.dumps([item.plain() for item in found], indent=2, ensure_ascii=False))
    else:
        report.show_admissions(found)
