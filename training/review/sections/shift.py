"""How far indicators and scores have moved since the last date that taught the champion.

The measure is that of `churnlight check`: the population stability index, above 0.25 a major
shift, and beside it what samples of this size show without any shift.
"""

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.breaches.drift import FEWEST, MAJOR, by_chance, stability_index
from training.learning.matrix import Feature, matrix
from training.review.ground import Ground
from training.review.sections.lights import Lights, lights
from training.scored import ScoredArrays, score_rows

Floats = npt.NDArray[np.float64]

CHANCE = 0.05


def measured(ground: Ground) -> dict[str, Any]:
    """The shift of every column and of the scores of the champion, as JSON values."""
    artifact = ground.models.champion.artifact
    since = ground.models.champion.taught[-1]
    before, after = ground.of([since]), ground.latest
    scores = [score_rows(rows, artifact) for rows in (before, after)]
    tables = [
        rows.filter(pa.array(found.there))
        for rows, found in zip((before, after), scores, strict=True)
    ]
    columns = [
        _of_column(item, artifact.meanings[item.indicator].title, *tables)
        for item in artifact.features
        if item.dtype == "number"
    ]
    known = [item for item in columns if item is not None]
    return {
        "since": str(since),
        "until": str(ground.dates.as_of),
        "accounts": [table.num_rows for table in tables],
        "major_above": MAJOR,
        "columns": sorted(known, key=lambda item: (-item["index"], item["column"])),
        "scores": _of_scores(*scores),
        "lights": [
            _shares(since, scores[0], lights(artifact)),
            _shares(ground.dates.as_of, scores[1], lights(artifact)),
        ],
    }


def _of_column(
    item: Feature, title: str, before: pa.Table, after: pa.Table
) -> dict[str, Any] | None:
    found = _index(*(matrix(rows, [item])[:, 0] for rows in (before, after)))
    return found and {
        "column": item.name,
        "indicator": item.indicator,
        "title": title,
        **found,
    }


def _of_scores(before: ScoredArrays, after: ScoredArrays) -> dict[str, Any] | None:
    return _index(*(item.health[item.there] for item in (before, after)))


def _index(before: Floats, after: Floats) -> dict[str, Any] | None:
    """The index, the index that chance exceeds once in twenty times, and whether it is major."""
    if min(len(before), len(after)) < FEWEST:
        return None
    index, bins = stability_index(before, after)
    noise = by_chance(bins, before, after, CHANCE)
    return {"index": index, "by_chance": noise, "major": index > MAJOR + noise}


def _shares(day: date, found: ScoredArrays, light: Lights) -> dict[str, Any]:
    """The share of each light among the scored accounts of a date."""
    codes = light.codes(found)[found.there]
    shares = {
        name: float((codes == place).mean()) if len(codes) else None
        for place, name in enumerate(light.names[:-1])
    }
    return {"as_of": str(day), **shares}
