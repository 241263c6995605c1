"""The verbs that train and evaluate; `check` is one of them because `--deep` trains models."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.errors import ContractBroken
from features.reading import kinds
from features.verbs import (
    COMPANY_HELP,
    DATE,
    DAY,
    FILE,
    FOLDER,
    TARGET,
    AsJson,
    CompanyFolder,
    Targets,
    progress,
)

if TYPE_CHECKING:
    from training.tables.label_column import RoleNames

app = typer.Typer()

COLUMN, MODEL, TEXT = "COLUMN", "MODEL", "TEXT"
PER_SEGMENT = "segment"


@app.command()
def check(
    company: CompanyFolder,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Also look for leaks: columns and tables that know the future. Takes minutes.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check a company's tables for errors, gaps and leaks.

    Exit code 3 = at least one error.
    """
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
    if any(finding.state == "error" for finding in findings):
        raise typer.Exit(ContractBroken.exit_code)


@app.command()
def train(  # noqa: PLR0913 (one for each option)
    company: Annotated[Path | None, typer.Option(metavar=FOLDER, help=COMPANY_HELP)] = None,
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(
            formats=DAY,
            metavar=DATE,
            help="As-of date to train on; repeatable. Default: every month start whose outcomes "
            "are known.",
        ),
    ] = None,
    target: Targets = None,
    table: Annotated[
        Path | None,
        typer.Option(
            metavar=FILE,
            help=f"Table to train on instead of a company: {kinds.LISTED}.",
        ),
    ] = None,
    label: Annotated[
        str,
        typer.Option(metavar=COLUMN, help="Column to predict (exactly two values)."),
    ] = "",
    id_: Annotated[
        str | None,
        typer.Option(
            "--id",
            metavar=COLUMN,
            help="Customer id; rows with one id belong to one customer.",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar=COLUMN, help="Time of a row; the latest rows test the model."),
    ] = None,
    event: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="Label value to predict. Default: 1, true or yes."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar=COLUMN, help="Column to leave out; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar=FOLDER, help="New folder for the table's model.")
    ] = None,
    per: Annotated[
        str | None,
        typer.Option(
            metavar="segment",
            help="With --company: segments get columns of their own beside those of all, where "
            "these are significantly better on later dates.",
        ),
    ] = None,
) -> None:
    """Train, evaluate and register a model per target.

    Give --company, or --table with --label and --out to train one model on a single table.
    """
    from features.errors import DeclarationError

    if (company is None) == (table is None):
        raise DeclarationError("give either a company folder (--company) or a table (--table)")
    if per not in (None, PER_SEGMENT) or (per and table is not None):
        raise DeclarationError(
            f"--per {per}: give --per {PER_SEGMENT} beside --company, or nothing"
        )
    if table is not None:
        roles: RoleNames = {"id": id_, "time": time, "event": event, "ignore": tuple(ignore or ())}
        _train_table(table, label, out, roles)
        return
    assert company is not None
    _train_company(company, as_of, target, per_segment=per is not None)


def _train_table(table: Path, label: str, out: Path | None, roles: "RoleNames") -> None:
    from features import publish
    from features.errors import DeclarationError
    from features.settings import Settings
    from training import summary, train_table
    from training.reporting import model_report
    from training.tables import table_file

    if not label or out is None:
        raise DeclarationError("--table needs --label and --out")
    if out.exists():
        raise DeclarationError(f"--out {out}: exists; name a new folder")
    publish.require_place(out)
    trials = Settings.read().trials
    with progress("reading the table") as step:
        texts = (str(roles["id"]),) if roles["id"] else ()
        read = table_file.read_table(table, texts, lambda note: typer.echo(note, err=True))
        artifact = train_table.fit(read, label, trials=trials, progress=step, **roles)
        artifact.save(out)
        step("drawing the report")
        model_report.write(artifact, out)
    typer.echo(f"{out}: {summary.of_table(artifact)}")
    typer.echo(f"  report {out / model_report.REPORT}")


def _train_company(
    company: Path, as_of: list[datetime] | None, target: list[str] | None, *, per_segment: bool
) -> None:
    from features import publish
    from features.declaring import declaration
    from features.errors import GateRefused
    from features.settings import Settings
    from training.registry import tracking
    from training.summary import of_company
    from training.train import train as run

    declared, settings = declaration.load(company), Settings.read()
    with publish.alone(settings.workspace_of(declared)), progress("training") as step:
        result = run(
            declared,
            [day.date() for day in as_of or ()],
            targets=target or (),
            per_segment=per_segment,
            settings=settings,
            progress=step,
        )
    for model in result.trained:
        typer.echo(of_company(model))
        typer.echo(f"  report {tracking.report_of(model.artifact, declared, settings)}")
    if result.refused:
        raise GateRefused("\n".join(map(str, result.refused.values())))


@app.command()
def promote(
    company: CompanyFolder,
    target: Targets = None,
    version: Annotated[
        str | None,
        typer.Option(
            metavar=MODEL,
            help="Registry version or alias to promote. Default: the challenger in --review, else "
            "alias challenger.",
        ),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(
            metavar=TEXT,
            help="Reason for replacing the champion with a model that is not significantly better; "
            "stored with it. The simple baselines must be beaten all the same.",
        ),
    ] = "",
    review_file: Annotated[
        Path | None,
        typer.Option(
            "--review", metavar=FILE, help="review.json whose verdict decides; exit code 4 = keep."
        ),
    ] = None,
) -> None:
    """Make a registered model the champion, which scores and serves."""
    from features import publish
    from features.declaring import declaration
    from features.settings import Settings
    from training.registry import refusals

    declared, settings = declaration.load(company), Settings.read()
    if review_file is None and version in (None, "challenger"):
        refusals.require_any_model(declared, target or list(declared.targets), settings)

    from training.evaluating import gate
    from training.registry import review_decision, tracking
    from training.train import choose_targets

    verdict = review_decision.read(review_file) if review_file else None
    wanted = target or ([verdict.target] if verdict else [])
    named = version or (verdict.challenger.version if verdict else "challenger")
    with publish.alone(settings.workspace_of(declared)), progress("promoting") as step:
        for name in choose_targets(declared, wanted):
            promotion = tracking.promote(
                declared,
                name,
                named,
                settings=settings,
                reason=reason,
                review=verdict,
                progress=step,
            )
            model = f"{promotion.name} version {promotion.version}, {promotion.digest[:12]}"
            typer.echo(f"champion of {promotion.target}: {model}")
            for line in gate.outlook(promotion.evaluation):
                typer.echo(f"  {line}")


@app.command(name="review")
def review_models(  # noqa: PLR0913 (one for each option)
    company: CompanyFolder,
    out: Annotated[
        Path,
        typer.Option(
            metavar=FOLDER, help="Folder for review.json, review.md, review.html and ledger.csv."
        ),
    ],
    target: Annotated[
        str | None,
        typer.Option(metavar=TARGET, help="Target to review; required where several are adverse."),
    ] = None,
    challenger: Annotated[
        str, typer.Option(metavar=MODEL, help="Registry version or alias of the challenger.")
    ] = "challenger",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=DAY, metavar=DATE, help="Date of the review. Default: data_until."),
    ] = None,
    reason: Annotated[
        str, typer.Option(metavar=TEXT, help="Why to review before the review is due.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Compare champion and challenger on known outcomes.

    The verdict is promote or keep (exit code 4 = keep); the last line names the next command.
    """
    from features.declaring import declaration
    from features.errors import DeclarationError
    from training.review import review as reviews

    if out.exists() and not out.is_dir():
        raise DeclarationError(f"--out {out}: is a file; name a folder for the review")
    declared = declaration.load(company)
    request = reviews.ReviewRequest(target, challenger, as_of.date() if as_of else None, reason)
    with progress("reading the two models") as step:
        reviewed = reviews.review(declared, request, progress=step)
        step(f"writing {out}")
        reviewed.write(out)
    typer.echo(reviewed.as_json if as_json else reviews.summary(reviewed))
    typer.echo(reviews.next_step(reviewed, company, out), err=as_json)
    reviewed.require_promotion()


@app.command(name="lead-time")
def lead_time(
    company: CompanyFolder,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar=TARGET, help="Only this target; repeatable. Default: every adverse target."
        ),
    ] = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar=FOLDER, help="Folder for plots, one per family of indicators."),
    ] = None,
) -> None:
    """Measure how many days before churn each indicator signals it.

    The model itself is measured too.
    """
    from features.declaring import declaration
    from features.lead_times import plots
    from training.indicators import lead_times, report
    from training.train import choose_targets

    declared = declaration.load(company)
    with progress("opening the tables") as step:
        wanted = choose_targets(declared, target or declared.adverse)
        measured = lead_times.measure_leads(declared, wanted, progress=step)
        for lead in measured if out else []:
            step(f"drawing {lead.target}")
            plots.write(lead, Path(str(out)) / lead.target, declared.about.name)
    if as_json:
        typer.echo(json.dumps([lead.plain() for lead in measured], indent=2, ensure_ascii=False))
    else:
        report.show_leads(measured)


@app.command()
def indicators(
    company: CompanyFolder,
    target: Targets = None,
    as_json: AsJson = False,
) -> None:
    """Rank the indicators by what they add to the model.

    For each indicator, print whether it is admitted, and why.
    """
    from features.declaring import declaration
    from features.settings import Settings
    from training.indicators import admission, report
    from training.train import choose_targets

    declared, settings = declaration.load(company), Settings.read()
    with progress("opening the tables") as step:
        measured = admission.evaluate_indicators(
            declared, choose_targets(declared, target or ()), settings=settings, progress=step
        )
    if as_json:
        typer.echo(
            json.dumps([indicator.plain() for indicator in measured], indent=2, ensure_ascii=False)
        )
    else:
        report.show_admissions(measured)
