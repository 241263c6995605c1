"""`POST /v1/score`: the accounts of a request as rows, through the same `assess` as a batch run.

Its one rule: a known account is scored from the row that the latest run published, so the same
model gives the same score here and there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress, islice
from math import isfinite
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.errors import ChurnlightError, NotFound
from features.spelling import did_you_mean
from serving import runs
from serving.assess import assess
from serving.book import Book, Edition
from serving.edition import unknown
from serving.messages import ScoreItem, ScoreMessage, ScoreRequest, driver_messages, score_message
from serving.problems import HttpProblem, invalid
from serving.strict_json import MAX_ERRORS, pointer

if TYPE_CHECKING:
    from training.artifact import Artifact

SHOWN_ACCOUNTS = 100


def score(request: ScoreRequest, book: Book) -> list[ScoreMessage]:
    """The scores of the request's accounts, in its order.

    Raises
    ------
    HttpProblem
        422 for an unknown target or feature, 404 for unknown accounts, 503 where no model is
        promoted, no run is published, or the run lacks what the model needs.
    """
    target = declared(book, request.target, {"pointer": "/target"})
    artifact = promoted(book, target)
    rows = _rows(request.accounts, book, artifact)
    model = runs.described(artifact)
    computed_at = datetime.now(UTC).isoformat(timespec="seconds")
    missing = _missing(rows, artifact)
    messages = []
    for item, names in zip(assess(rows, artifact, book.company), missing, strict=True):
        message = score_message(item, model=model, computed_at=computed_at, missing=names)
        if request.drivers:
            message["drivers"] = driver_messages(item.drivers)
        messages.append(message)
    return messages


def declared(book: Book, target: str, place: dict[str, str]) -> str:
    """`target`, or the first adverse one where it is empty.

    Raises
    ------
    HttpProblem
        422 where `target` is not declared or not adverse, 503 where no target is.
    """
    known = book.company.adverse
    if not known:
        raise HttpProblem("not-ready", "no adverse target is declared, so there are no scores")
    if target and target not in book.company.targets:
        hint = did_you_mean(target, known)
        raise invalid([{**place, "detail": f"no such target: {target!r}; {hint}"}])
    if target and target not in known:
        detail = f"target {target!r} is not adverse, so it has no health score"
        raise invalid([{**place, "detail": detail}])
    return target or known[0]


def promoted(book: Book, target: str) -> "Artifact":
    """The promoted artifact of `target`; 503 where there is none that can be used."""
    try:
        return book.artifact(target)
    except ChurnlightError as error:
        raise HttpProblem("not-ready", str(error)) from error


def published(book: Book, target: str) -> Edition:
    """The latest edition of `target`; 503 where nothing is published."""
    try:
        return book.edition(target)
    except NotFound as error:
        raise HttpProblem("not-ready", str(error)) from error


def _rows(items: Sequence[ScoreItem], book: Book, artifact: "Artifact") -> pa.Table:
    """One row per item, in their order, with the columns of a snapshot."""
    _check_features(items, artifact)
    schema = _schema(artifact)
    stated = [item for item in items if item.by_features]
    named = [item.account_id for item in items if not item.by_features]
    parts = [pa.Table.from_pylist([_stated(item, artifact) for item in stated], schema=schema)]
    if named:
        parts.append(_known(named, published(book, artifact.target), schema))
    place = iter(range(len(stated))), iter(range(len(stated), len(items)))
    order = [next(place[0] if item.by_features else place[1]) for item in items]
    return pa.concat_tables(parts).take(pa.array(order)).combine_chunks()


def _schema(artifact: "Artifact") -> pa.Schema:
    types = {"number": pa.float64(), "category": pa.string()}
    return pa.schema(
        [
            ("account_id", pa.string()),
            ("as_of", pa.date32()),
            ("segment", pa.string()),
            ("history_days", pa.int32()),
            *((feature.name, types[feature.dtype]) for feature in artifact.features),
            (f"eligible__{artifact.target}", pa.bool_()),
        ]
    )


def _stated(item: ScoreItem, artifact: "Artifact") -> dict[str, Any]:
    """The row of an account whose features the caller states, so that enough is known of it."""
    stated = {
        name: float(value) if isinstance(value, int) else value
        for name, value in item.features.items()
    }
    return stated | {
        "account_id": "",
        "segment": item.segment,
        "history_days": artifact.min_history_days,
        f"eligible__{artifact.target}": True,
    }


def _known(ids: Sequence[str], edition: Edition, schema: pa.Schema) -> pa.Table:
    strangers = sorted({name for name in ids if name not in edition})
    if strangers:
        shown = strangers[:SHOWN_ACCOUNTS]
        detail = (
            f"{len(strangers)} of {len(ids)} accounts are not in the run of {edition.run.as_of}"
        )
        raise HttpProblem("unknown-accounts", detail, unknown_accounts=shown)
    lacking = [name for name in schema.names if name not in edition.features.column_names]
    if lacking:
        detail = f"the latest run lacks columns of the promoted model: {', '.join(lacking)}"
        raise HttpProblem("not-ready", f"{detail}; run: churnlight score")
    rows = pa.array([edition.row(name) for name in ids])
    return edition.features.select(schema.names).take(rows).cast(schema)


def _missing(rows: pa.Table, artifact: "Artifact") -> list[list[str]]:
    columns: dict[str, list[str]] = {}
    for feature in artifact.features:
        columns.setdefault(feature.indicator, []).append(feature.name)
    return [list(compress(columns, flags)) for flags in unknown(rows, columns)]


def _check_features(items: Sequence[ScoreItem], artifact: "Artifact") -> None:
    types = {feature.name: feature.dtype for feature in artifact.features}
    mistakes = (
        {"pointer": pointer(("accounts", place, "features", name)), "detail": mistake}
        for place, item in enumerate(items)
        for name, value in item.features.items()
        if (mistake := _mistake(name, value, types))
    )
    if found := list(islice(mistakes, MAX_ERRORS)):
        raise invalid(found)


def _mistake(name: str, value: Any, types: Mapping[str, str]) -> str:
    """What is wrong with one stated feature; empty where nothing is."""
    if name not in types:
        return f"unknown feature; {did_you_mean(name, types)}"
    if value is None:
        return ""
    if types[name] == "category":
        return "" if isinstance(value, str) else "a string or null is wanted"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return "" if number and _is_finite(value) else "a finite number or null is wanted"


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False
