"""What a model predicts, and how it was made: sections of the report and of the model card."""

from collections.abc import Sequence

from features.declaring.target import Target
from training.artifact import Artifact
from training.learning.folds import ONE_MOMENT
from training.learning.trials import FoldLosses
from training.procedure import size
from training.records.training_record import TrainingRecord
from training.reporting.page import UNKNOWN, List, Part, Section, Table, number
from training.reporting.target_words import target_words
from training.tables.label_column import Roles


def prediction(artifact: Artifact) -> Section:
    """Target, horizon, gap and eligibility, in sentences."""
    title = "What it predicts"
    declared, table = artifact.training.declared, artifact.training.table
    if declared:
        return Section(title, List(_of_target(artifact, declared.target)))
    return Section(title, *(_of_table(table.roles) if table else []))


def _of_table(roles: Roles) -> list[Part]:
    customers = "Each row is one customer"
    if roles.id:
        customers = f"Rows with one {roles.id} belong to one customer"
    order = f"rows are in the order of {roles.time}" if roles.time else "rows have no time"
    event = roles.event or "1, true or yes"
    return [
        f"Whether the column {roles.label} of a table is {event}. {customers}; {order}.",
        (
            "The table declares neither horizon nor gap. Whoever made it must ensure that the "
            "label means what it should, and that its columns were known before the outcome."
        ),
    ]


def _of_target(artifact: Artifact, target: Target) -> list[str]:
    titled = f": {target.title}" if target.title else ""
    scales = (
        "The probability runs from 0 to 1 and the opportunity score from 0 to 100 (100 = best "
        "prospect). Opportunities have no bands."
    )
    if artifact.adverse:
        scales = (
            "The churn probability runs from 0 to 1 (high = bad) and the health score from 0 to "
            "100 (100 = healthiest)."
        )
    return [
        f"Target {artifact.target}{titled}. {_event(target)}",
        _by_renewal(artifact, target) if target.by_renewal else _horizon(artifact),
        (
            f"Eligible: {_eligible(target)}. Accounts with less than {artifact.min_history_days} "
            "days of history are not scored."
        ),
        scales,
    ]


def _horizon(artifact: Artifact) -> str:
    """The days in which the event counts."""
    days = f"On an as-of date, it is about the {artifact.horizon_days} days that begin"
    if not artifact.gap_days:
        return f"{days} on that date."
    return (
        f"{days} after a gap of {artifact.gap_days} days. Accounts with the event inside the gap "
        "are not used."
    )


def _by_renewal(artifact: Artifact, target: Target) -> str:
    """The window of each account, and who is asked at all."""
    notice = f", which is {target.notice} days before the renewal" if target.notice else ""
    most = f" and at most {target.at_most}" if target.at_most is not None else ""
    return (
        f"On an as-of date, it is about the days from the {artifact.gap_days}th on until the "
        f"account's own next renewal, {artifact.horizon_days} days at least, as the contract stood "
        f"on that date. Accounts are asked whose decision{notice} is at least "
        f"{artifact.gap_days} days{most} ahead; what was decided sooner is not used, whatever "
        "happened."
    )


def _event(target: Target) -> str:
    """When the event counts as happened."""
    if target.inactivity:
        silence = target.inactivity
        return (
            f"Counts when {silence.source} has no activity for {silence.within} "
            f"days{_where(silence.where)}."
        )
    event = target.event
    if event is None:
        return ""
    if event.ended:
        grace = f" and is not renewed within {event.grace} days" if event.grace else ""
        return f"Counts when a subscription in {event.source} ends{grace}{_where(event.where)}."
    return f"Counts when {event.source} has a new row{_where(event.where)}."


def _where(condition: str | None) -> str:
    return f", counting only rows where {condition}" if condition else ""


def _eligible(target: Target) -> str:
    if target.by_renewal:
        return "accounts with a contract whose next decision is ahead"
    if target.contractual:
        return "accounts with a running subscription"
    source = target.active or (target.inactivity and target.inactivity.source) or "any source"
    return f"accounts active in the last {target.active_within} days (activity in {source})"


def data(artifact: Artifact) -> Section:
    """The training data: dates, rows and digest."""
    record, days = artifact.training, artifact.training.as_of
    dates = days[0] if len(days) == 1 else f"{len(days)}, {days[0]} to {days[-1]}"
    rows = [
        ["as-of dates" if record.declared else "blocks of time", dates],
        ["rows", number(record.rows, 0)],
        ["accounts", number(record.accounts, 0)],
        [f"rows that {target_words(artifact).happened}", number(record.events, 0)],
        ["indicators", number(len(artifact.meanings), 0)],
        ["columns", number(len(artifact.features), 0)],
        ["data complete until", record.data_until or UNKNOWN],
        ["digest of the rows", record.data_digest],
    ]
    return Section("Data", Table("Training data", ["what", "value"], rows))


def choice(artifact: Artifact) -> Section:
    """How the model's settings were chosen: folds, trials and losses."""
    record = artifact.training
    settings = record.model_settings
    parts: list[Part] = [
        (
            f"The model is {size(record)}, calibrated by a straight line, with monotone signs as "
            f"declared. {_search(record)} Learning rate {settings.learning_rate:g}, "
            f"L2 {settings.l2:g}, at least {settings.min_rows} rows per leaf, ridge penalty "
            f"of the scorecard {settings.penalty:g}."
        )
    ]
    if record.losses:
        losses = record.losses
        rows = [
            ["chosen", number(losses.chosen, 4)],
            ["best trial", number(losses.best, 4)],
            ["scorecard alone", number(losses.scorecard, 4)],
        ]
        parts.append(Table("Log loss on the folds", ["model", "log loss"], rows))
    if record.folds:
        parts.append(_folds(record.folds))
    return Section("How it was chosen", *parts)


def _search(record: TrainingRecord) -> str:
    """How the model's settings were found."""
    if not record.trials:
        why = record.trees_left_out or record.chosen_on
        return f"Its model settings were not searched for: {why}."
    trials = (
        f"Its model settings were chosen in {len(record.trials)} trials on "
        f"{record.chosen_on}: the simplest model whose loss is within noise of the best."
    )
    if record.chosen_on == ONE_MOMENT:
        return f"{trials} It is tested on the same folds, which may flatter it."
    return (
        f"{trials} The test may only remove trees that are not significantly better; it chooses "
        "nothing else."
    )


def _folds(folds: Sequence[FoldLosses]) -> Table:
    rows = [
        [f"{index}: {_span(fold.as_of)}", number(fold.rows, 0), number(fold.loss, 4)]
        for index, fold in enumerate(folds, 1)
    ]
    return Table("The chosen model, fold by fold", ["fold, as-of dates", "rows", "log loss"], rows)


def _span(days: Sequence[str]) -> str:
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
