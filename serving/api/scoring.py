"""`POST /v1/score`: the accounts of a request as rows, through the same `assess` as a batch run.

Its one rule: a known account is scored from the row that the latest run published, so the same
model gives the same score here and there.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import compress, islice
from math import isfinite
from typing import TYPE_CHECKING

import pyarrow as pa
from typing_extensions import TypedDict

from features.declaring.spelling import did_you_mean
from serving.api.health_messages import HealthScore, health_score
from serving.api.opportunity_messages import OpportunityScore, opportunity_score
from serving.api.score_messages import ScoreOrigin
from serving.api.score_request import ScoreItem, ScoreRequest
from serving.api.strict_json import pointer
from serving.api.targets import (
    BODY,
    promoted,
    published_edition,
    published_prospects,
    resolve_target,
)
from serving.assessment.assess import assess
from serving.assessment.opportunities import Risks, opportunities, risks
from serving.problems import MAX_ACCOUNTS, MAX_ERRORS, HttpProblem, Mistake, in_body, invalid
from serving.published import runs
from serving.published.book import Book, Edition
from serving.published.prospects import Prospects
from serving.published.run_table import unknown
from training.learning.matrix import HISTORY, tabular

if TYPE_CHECKING:
    from training.artifact import Artifact


class Scores(TypedDict):
    """The scores, in the order of the request: health or opportunity scores, by the target."""

    scores: list[HealthScore | OpportunityScore]


def score(request: ScoreRequest, book: Book) -> Scores:
    """The scores of the request's accounts.

    Raises
    ------
    HttpProblem
        422 for an unknown target or feature, 404 for unknown accounts, 503 where no model is
        promoted, no run is published, or the run lacks what the model needs.
    """
    target = resolve_target(book, request.target, BODY)
    artifact = promoted(book, target)
    _check_features(request.accounts, artifact)
    rows = _rows(request.accounts, book, artifact, target)
    origins = _origins(rows, artifact)
    if target in book.company.opportunities:
        return {"scores": [*_opportunities(request, book, rows, artifact, origins)]}
    assessments = assess(rows, artifact, book.company)
    return {
        "scores": [
            health_score(assessment, origin, drivers=request.drivers)
            for assessment, origin in zip(assessments, origins, strict=True)
        ]
    }


def _opportunities(
    request: ScoreRequest,
    book: Book,
    rows: pa.Table,
    artifact: "Artifact",
    origins: Sequence[ScoreOrigin],
) -> Iterator[OpportunityScore]:
    held_back = _risks(request, book, artifact.target)
    scores = opportunities(rows, artifact, book.company, held_back)
    for opportunity, origin in zip(scores, origins, strict=True):
        yield opportunity_score(opportunity, origin, drivers=request.drivers)


def _risks(request: ScoreRequest, book: Book, target: str) -> Risks:
    """Why opportunities are held back; needs the promoted model of every adverse target."""
    models = [promoted(book, name) for name in book.company.adverse]
    assessed = [
        assess(_rows(request.accounts, book, model, target), model, book.company)
        for model in models
    ]
    return risks(assessed, book.company)


def _origins(rows: pa.Table, artifact: "Artifact") -> list[ScoreOrigin]:
    model = runs.described(artifact)
    computed_at = datetime.now(UTC).isoformat(timespec="seconds")
    return [ScoreOrigin(model, computed_at, names) for names in _missing(rows, artifact)]


def _rows(items: Sequence[ScoreItem], book: Book, artifact: "Artifact", target: str) -> pa.Table:
    """One row per item, in their order, with the columns that `artifact` needs.

    A known account's row is the one that was published for `target`.
    """
    schema = _schema(artifact, book.company.targets[artifact.target].by_renewal)
    stated = [requested for requested in items if requested.by_features]
    ids = [requested.account_id for requested in items if not requested.by_features]
    parts = [
        pa.Table.from_pylist(
            [_stated_row(requested, artifact) for requested in stated], schema=schema
        )
    ]
    if ids:
        parts.append(_published_rows(ids, _table(book, target), schema))
    stated_rows, published_rows = iter(range(len(stated))), iter(range(len(stated), len(items)))
    order = [next(stated_rows if requested.by_features else published_rows) for requested in items]
    return pa.concat_tables(parts).take(pa.array(order)).combine_chunks()


def _table(book: Book, target: str) -> Edition | Prospects:
    if target in book.company.opportunities:
        return published_prospects(book, target)
    return published_edition(book, target)


def _schema(artifact: "Artifact", by_renewal: bool) -> pa.Schema:
    types = {"number": pa.float64(), "category": pa.string()}
    return pa.schema(
        [
            ("account_id", pa.string()),
            ("as_of", pa.date32()),
            ("segment", pa.string()),
            (HISTORY, pa.int32()),
            *((feature.name, types[feature.dtype]) for feature in tabular(artifact.features)),
            (f"eligible__{artifact.target}", pa.bool_()),
            *(_columns_by_renewal(artifact.target) if by_renewal else ()),
        ]
    )


def _columns_by_renewal(target: str) -> list[tuple[str, pa.DataType]]:
    """What says who is asked about a renewal, and why the others are not."""
    return [
        (f"state__{target}", pa.string()),
        (f"decision__{target}", pa.date32()),
        (f"running__{target}", pa.bool_()),
    ]


def _stated_row(requested: ScoreItem, artifact: "Artifact") -> dict[str, object]:
    """The row of an account that the caller gives by its features; it counts as eligible.

    Its history is as long as the windows reach, unless the caller says otherwise.
    """
    features = {
        name: float(value) if isinstance(value, int) else value
        for name, value in requested.features.items()
    }
    long_enough = max(
        [artifact.min_history_days, *(feature.against or 0 for feature in artifact.features)]
    )
    history = features.pop(HISTORY, None)
    covered = min(max(history, 0), long_enough) if isinstance(history, float) else long_enough
    return features | {
        "account_id": "",
        "segment": requested.segment,
        HISTORY: int(covered),
        f"eligible__{artifact.target}": True,
        f"state__{artifact.target}": "asked",
        f"running__{artifact.target}": True,
    }


def _published_rows(ids: Sequence[str], table: Edition | Prospects, schema: pa.Schema) -> pa.Table:
    unknown_ids = sorted({account_id for account_id in ids if account_id not in table})
    if unknown_ids:
        detail = (
            f"{len(unknown_ids)} of {len(ids)} accounts are not in the run of {table.run.as_of}"
        )
        raise HttpProblem("unknown-accounts", detail, unknown_accounts=unknown_ids[:MAX_ACCOUNTS])
    lacking = [name for name in schema.names if name not in table.features.column_names]
    if lacking:
        detail = f"the latest run lacks columns of the promoted model: {', '.join(lacking)}"
        raise HttpProblem("not-ready", f"{detail}; run: churnlight score")
    rows = pa.array([table.row(account_id) for account_id in ids])
    return table.features.select(schema.names).take(rows).cast(schema)


def _missing(rows: pa.Table, artifact: "Artifact") -> list[list[str]]:
    """Per row, the indicators without a known value."""
    columns: dict[str, list[str]] = {}
    for feature in tabular(artifact.features):
        columns.setdefault(feature.indicator, []).append(feature.name)
    return [list(compress(columns, flags)) for flags in unknown(rows, columns)]


def _check_features(items: Sequence[ScoreItem], artifact: "Artifact") -> None:
    types = {feature.name: feature.dtype for feature in tabular(artifact.features)}
    types[HISTORY] = "number"
    mistakes = list(islice(_mistakes(items, types), MAX_ERRORS))
    if mistakes:
        raise invalid(mistakes)


def _mistakes(items: Sequence[ScoreItem], types: Mapping[str, str]) -> Iterator[Mistake]:
    for number, requested in enumerate(items):
        for name, value in requested.features.items():
            if detail := _mistake(name, value, types):
                yield in_body(pointer(("accounts", number, "features", name)), detail)


def _mistake(name: str, value: object, types: Mapping[str, str]) -> str:
    """The mistake in one given feature; empty where there is none."""
    if name not in types:
        return f"unknown feature; {did_you_mean(name, types)}"
    if value is None:
        return ""
    if types[name] == "category":
        return "" if isinstance(value, str) else "must be a string or null"
    number = isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)
    return "" if number else "must be a finite number or null"


def _is_finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:
        return False
