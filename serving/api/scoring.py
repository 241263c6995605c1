"""`POST /v1/score`: the accounts of a request as rows, through the same `assess` as a batch run.

Its one rule: a known account is scored from the row that the latest run published, so the same
model gives the same score here and there.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress, islice
from math import isfinite
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.declaring.spelling import did_you_mean
from features.errors import ChurnlightError, NotFound
from serving.api.messages import (
    ScoreItem,
    ScoreMessage,
    ScoreRequest,
    driver_messages,
    score_message,
)
from serving.api.opportunity_messages import (
    OpportunityMessage,
    opportunity_message,
)
from serving.api.opportunity_messages import (
    driver_messages as opportunity_drivers,
)
from serving.api.strict_json import MAX_ERRORS, pointer
from serving.assessment.assess import assess
from serving.assessment.opportunities import Risks, opportunities, risks
from serving.problems import HttpProblem, invalid
from serving.published import runs
from serving.published.book import Book, Edition
from serving.published.edition import unknown
from serving.published.prospects import Prospects

if TYPE_CHECKING:
    from training.artifact import Artifact

SHOWN_ACCOUNTS = 100


def score(request: ScoreRequest, book: Book) -> list[ScoreMessage | OpportunityMessage]:
    """The scores of the request's accounts, in its order.

    Raises
    ------
    HttpProblem
        422 for an unknown target or feature, 404 for unknown accounts, 503 where no model is
        promoted, no run is published, or the run lacks what the model needs.
    """
    target = request.target or declared(book, "", {"pointer": "/target"})
    if target in book.company.opportunities:
        return [*_opportunities(request, book, target)]
    return [*_health(request, book, declared(book, target, {"pointer": "/target"}))]


def _health(request: ScoreRequest, book: Book, target: str) -> Iterator[ScoreMessage]:
    artifact = promoted(book, target)
    rows = _rows(request.accounts, book, artifact)
    said = _about(rows, artifact)
    for item, about in zip(assess(rows, artifact, book.company), said, strict=True):
        message = score_message(item, **about)
        if request.drivers:
            message["drivers"] = driver_messages(item.drivers)
        yield message


def _opportunities(request: ScoreRequest, book: Book, target: str) -> Iterator[OpportunityMessage]:
    artifact = promoted(book, target)
    rows = _rows(request.accounts, book, artifact)
    said = _about(rows, artifact)
    held = _risks(request, book, target)
    found = opportunities(rows, artifact, book.company, held)
    for item, about in zip(found, said, strict=True):
        message = opportunity_message(item, **about)
        if request.drivers:
            message["drivers"] = opportunity_drivers(item.drivers)
        yield message


def _risks(request: ScoreRequest, book: Book, target: str) -> Risks:
    """Of what the accounts are red; without a model that could tell, nothing is answered."""
    models = [promoted(book, name) for name in book.company.adverse]
    assessed = [
        assess(_rows_of(request.accounts, book, artifact, target), artifact, book.company)
        for artifact in models
    ]
    return risks(assessed, book.company)


def _about(rows: pa.Table, artifact: "Artifact") -> list[dict[str, Any]]:
    """What every message says beside its score."""
    model = runs.described(artifact)
    computed_at = datetime.now(UTC).isoformat(timespec="seconds")
    return [
        {"model": model, "computed_at": computed_at, "missing": names}
        for names in _missing(rows, artifact)
    ]


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
    _require_declared(book, target, place)
    if target and target not in known:
        detail = (
            f"target {target!r} is an opportunity, so it has no health score; "
            "GET /v1/opportunities lists it"
        )
        raise invalid([{**place, "detail": detail}])
    return target or known[0]


def _require_declared(book: Book, target: str, place: dict[str, str]) -> None:
    if target and target not in book.company.targets:
        hint = did_you_mean(target, book.company.targets)
        raise invalid([{**place, "detail": f"no such target: {target!r}; {hint}"}])


def prospects(book: Book, target: str) -> Prospects:
    """The latest opportunities of `target`, or of the first that is declared where it is empty.

    Raises
    ------
    HttpProblem
        422 where `target` is no opportunity or none is declared, 503 where none is published.
    """
    place = {"parameter": "target"}
    known = book.company.opportunities
    if not known:
        detail = "no opportunity is declared: no target has `adverse = false`"
        raise invalid([{**place, "detail": detail}])
    _require_declared(book, target, place)
    if target and target not in known:
        detail = f"target {target!r} is adverse, so it is no opportunity; GET /v1/accounts lists it"
        raise invalid([{**place, "detail": detail}])
    try:
        return book.prospects(target or known[0])
    except NotFound as error:
        raise HttpProblem("not-ready", str(error)) from error


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
    return _rows_of(items, book, artifact, artifact.target)


def _rows_of(items: Sequence[ScoreItem], book: Book, artifact: "Artifact", target: str) -> pa.Table:
    """The rows for `artifact`; a known account's is the one that was published for `target`."""
    schema = _schema(artifact)
    stated = [item for item in items if item.by_features]
    named = [item.account_id for item in items if not item.by_features]
    parts = [pa.Table.from_pylist([_stated(item, artifact) for item in stated], schema=schema)]
    if named:
        upward = target in book.company.opportunities
        parts.append(
            _known(named, prospects(book, target) if upward else published(book, target), schema)
        )
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


def _known(ids: Sequence[str], edition: Edition | Prospects, schema: pa.Schema) -> pa.Table:
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
