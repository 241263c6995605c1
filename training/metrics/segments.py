"""How good the scores are on each segment, with intervals, and where they are worse than nothing.

A segment with few events says little about itself. Beside what was measured on it stand the same
figures drawn towards those of all accounts, with the weight that its own have: n / (n + 30), where
n is the rarer of its events and its stayers (a linear shrinkage towards the overall figure, as of
Efron & Morris 1975, with one stated prior instead of an estimated one).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from training.metrics import calibration_table, quality

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Measured = dict[str, float | None]

FEW_EVENTS = 30
"""So many of the rarer outcome weigh as much as everything that the other segments say."""

MEASURES = ("auc", "calibration", "ece", "reliability", "gain_over_base_rate")

LEAST_ACCOUNTS = 50
"""On fewer, a segment is called worse than the base rate only where that is sure."""


def table(
    logits: Floats,
    labels: Labels,
    accounts: Sequence[str],
    segments: Sequence[str],
    overall: dict[str, Any],
) -> list[dict[str, Any]]:
    """One entry per segment, in the order of names, as plain JSON values.

    Calibration and reliability are as of `calibration_table`; `drawn_to_all` has the measures drawn
    towards those of all accounts.

    Parameters
    ----------
    logits, labels : arrays of shape (rows,)
        Calibrated log-odds and what came.
    overall : dict
        What `evaluate.evaluate` says of all rows.
    """
    names, base = np.asarray(segments), overall["base_rate_in_training"]
    found = []
    for name in sorted(set(segments)):
        rows = np.flatnonzero(names == name)
        own = [accounts[int(row)] for row in rows]
        everyone = len(rows) == len(labels)
        measured = (
            {key: overall[key] for key in MEASURES}
            if everyone
            else _quality(logits[rows], labels[rows], own, base)
        )
        found.append(
            {
                "segment": name,
                "accounts": len(set(own)),
                "events": int(labels[rows].sum()),
                "observed_rate": float(labels[rows].mean()),
                "predicted_rate": float(expit(logits[rows]).mean()),
                **measured,
                "drawn_to_all": _drawn(measured, overall, weight(labels[rows])),
                "worse_than_base_rate": worse(measured["gain_over_base_rate"], len(set(own))),
            }
        )
    return found


def _quality(
    logits: Floats, labels: Labels, accounts: Sequence[str], base: float
) -> dict[str, Any]:
    skill = quality.skill_over(logits, labels, base)
    return {
        "auc": quality.interval(lambda rows: quality.auc(logits[rows], labels[rows]), accounts),
        **calibration_table.of_evaluation(logits, labels, accounts),
        "gain_over_base_rate": quality.interval(lambda rows: float(skill[rows].mean()), accounts),
    }


def weight(labels: Labels) -> float:
    """What a segment's own figures weigh beside those of all accounts, 0 to 1."""
    rarer = min(int(labels.sum()), len(labels) - int(labels.sum()))
    return rarer / (rarer + FEW_EVENTS)


def _drawn(own: dict[str, Any], overall: dict[str, Any], weight: float) -> dict[str, Any]:
    auc = {"auc": _between(own["auc"]["value"], overall["auc"]["value"], weight)}
    return drawn(own["calibration"], overall["calibration"], weight) | auc


def drawn(
    own: dict[str, Measured], overall: dict[str, Measured], weight: float
) -> dict[str, float | None]:
    """Each measure as `weight` of the segment's own and the rest of all accounts'; the weight."""
    return {"weight": weight} | {
        name: _between(item["value"], overall[name]["value"], weight) for name, item in own.items()
    }


def _between(own: float | None, overall: float | None, weight: float) -> float | None:
    if own is None or overall is None:
        return overall
    return weight * own + (1 - weight) * overall


def worse(gain: Measured, accounts: int) -> bool:
    """Whether to name a segment: surely worse than the base rate, or found so on not too few."""
    surely = gain["high"] is not None and gain["high"] < 0
    return surely or (
        accounts >= LEAST_ACCOUNTS and gain["value"] is not None and gain["value"] < 0
    )
