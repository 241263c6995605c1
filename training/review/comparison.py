"""Champion against challenger on the same rows; every interval resamples accounts."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.special import expit

from training.artifact import Artifact
from training.calibrating.bands import BANDS
from training.calibrating.calibration import log_losses
from training.metrics import calibration_table, quality, segments, value, worth
from training.procedure import labelled
from training.review.basis import Basis
from training.review.ground import Ground
from training.review.sections.lights import Lights
from training.scored import ScoredArrays, score_rows

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Compared:
    """Rows that both models score and whose outcome is known."""

    champion: ScoredArrays
    challenger: ScoredArrays
    labels: Labels
    accounts: list[str]
    segments: npt.NDArray[np.object_]
    as_of: npt.NDArray[np.datetime64]
    mrr: Floats

    def only(self, mask: Flags) -> "Compared":
        """The rows in `mask`."""
        return Compared(
            _only(self.champion, mask),
            _only(self.challenger, mask),
            self.labels[mask],
            [self.accounts[place] for place in np.flatnonzero(mask)],
            self.segments[mask],
            self.as_of[mask],
            self.mrr[mask],
        )


def _only(item: ScoredArrays, mask: Flags) -> ScoredArrays:
    return ScoredArrays(item.logits[mask], item.health[mask], item.completeness[mask])


def compared(ground: Ground, basis: Basis) -> Compared | None:
    """The rows of the basis; None where it has none, or where one outcome alone is there."""
    if basis.stands is None:
        return None
    rows = labelled(ground.mature.on(basis.days), ground.company, ground.target)
    found = _pair(rows, ground, basis.stands)
    found = found.only(found.champion.there & found.challenger.there)
    return found if 0 < found.labels.sum() < len(found.labels) else None


def _pair(rows: pa.Table, ground: Ground, stands: Artifact) -> Compared:
    return Compared(
        score_rows(rows, ground.models.champion.artifact),
        score_rows(rows, stands),
        rows[f"label__{ground.target}"].to_numpy().astype(np.int8),
        rows["account_id"].to_pylist(),
        np.array(rows["segment"].to_pylist(), dtype=object),
        rows["as_of"].to_numpy().astype("datetime64[D]"),
        ground.mrr_of(rows["account_id"]),
    )


def measured(
    found: Compared | None, basis: Basis, capacity: float, light: Lights
) -> dict[str, Any]:
    """The comparison as JSON values; without rows only what it would have stood on."""
    about = {
        "basis": basis.kind,
        "told": basis.told,
        "since_the_champion": list(basis.standings),
        "as_of": [str(day) for day in basis.days],
        "repeated_auc": basis.repeated_auc,
        "same": basis.same,
    }
    if found is None:
        return about | {"rows": 0}
    return {
        **about,
        **_sizes(found),
        "champion": _levels(found.champion, found) | _calibration(found.champion, found),
        "challenger": _levels(found.challenger, found) | _calibration(found.challenger, found),
        **gains(found),
        "by_as_of": [_on(found, day, capacity, light) for day in np.unique(found.as_of)],
        "segments": _of_segments(found),
    }


def _sizes(found: Compared) -> dict[str, Any]:
    return {
        "rows": len(found.labels),
        "accounts": len(set(found.accounts)),
        "events": int(found.labels.sum()),
        "base_rate": float(found.labels.mean()),
    }


def _levels(item: ScoredArrays, found: Compared) -> dict[str, float]:
    chances = expit(item.logits)
    return {
        "auc": _auc(item.logits, found, np.arange(len(found.labels))),
        "log_loss": float(log_losses(item.logits, found.labels).mean()),
        "predicted_rate": float(chances.mean()),
    }


def _calibration(item: ScoredArrays, found: Compared) -> dict[str, Any]:
    return calibration_table.of_evaluation(item.logits, found.labels, found.accounts)


def gains(found: Compared) -> dict[str, dict[str, float | None]]:
    """By how much the challenger's log loss is lower and its AUC is higher, paired by row."""
    lower = log_losses(found.champion.logits, found.labels) - log_losses(
        found.challenger.logits, found.labels
    )

    def higher(rows: Places) -> float:
        challenger, champion = found.challenger.logits, found.champion.logits
        return _auc(challenger, found, rows) - _auc(champion, found, rows)

    def mean(rows: Places) -> float:
        return float(lower[rows].mean())

    return {
        "log_loss_gain": quality.interval(mean, found.accounts),
        "auc_gain": quality.interval(higher, found.accounts),
    }


def _auc(logits: Floats, found: Compared, rows: Places) -> float:
    """The AUC within each as-of date, weighted by its rows: between dates base rates differ."""
    labels, days = found.labels[rows], found.as_of[rows]
    parts = [
        (float((days == day).sum()), quality.auc(logits[rows][days == day], labels[days == day]))
        for day in np.unique(days)
    ]
    known = [(weight, area) for weight, area in parts if not np.isnan(area)]
    if not known:
        return float("nan")
    weights, areas = zip(*known, strict=True)
    return float(np.average(areas, weights=weights))


def _on(found: Compared, day: np.datetime64, capacity: float, light: Lights) -> dict[str, Any]:
    own = found.only(found.as_of == day)
    return {
        "as_of": str(day),
        **_sizes(own),
        "champion": _levels_or_none(own.champion, own),
        "challenger": _levels_or_none(own.challenger, own),
        "log_loss_gain": gains(own)["log_loss_gain"],
        "value": {
            "champion": _worth(own.champion, own, capacity, light),
            "challenger": _worth(own.challenger, own, capacity, light),
        },
    }


def _levels_or_none(item: ScoredArrays, found: Compared) -> dict[str, float | None]:
    return {key: None if np.isnan(x) else x for key, x in _levels(item, found).items()}


def _worth(item: ScoredArrays, found: Compared, capacity: float, light: Lights) -> dict[str, Any]:
    """What the team would have had of the model on these rows, all of one date.

    Beside the riskiest accounts at its capacity, those of the light that is worked first.
    """
    first = light.worked(item)
    revenue = value.revenue_caught(first, found.labels == 1, found.mrr).plain()
    return worth.of(item.logits, found.labels, found.accounts, capacity) | {
        light.names[light.first]: value.of_red(first, found.labels).plain(),
        # What is welcome puts no revenue at risk.
        "revenue": revenue if light.names == BANDS else None,
    }


def _of_segments(found: Compared) -> list[dict[str, Any]]:
    overall = {
        "champion": _calibration(found.champion, found),
        "challenger": _calibration(found.challenger, found),
    }
    return [_of_segment(found, name, overall) for name in sorted(set(found.segments))]


def _of_segment(found: Compared, name: str, overall: dict[str, Any]) -> dict[str, Any]:
    own = found.only(found.segments == name)
    enough = len(own.labels) >= segments.LEAST_ACCOUNTS
    weight = segments.weight(own.labels)
    calibrated = {
        "champion": _calibration(own.champion, own),
        "challenger": _calibration(own.challenger, own),
    }
    return {
        "segment": name,
        **_sizes(own),
        "predicted_rate": {
            "champion": float(expit(own.champion.logits).mean()),
            "challenger": float(expit(own.challenger.logits).mean()),
        },
        "log_loss_gain": gains(own)["log_loss_gain"] if enough else None,
        "calibration": {
            role: {
                **item["calibration"],
                "reliability": item["reliability"],
                "drawn_to_all": segments.drawn(
                    item["calibration"], overall[role]["calibration"], weight
                ),
            }
            for role, item in calibrated.items()
        },
    }
