"""Planted leads come back and noise is not believed, over ten worlds."""

from functools import cache
from pathlib import Path

import pytest

import planted_leads
from features import contract, snapshots
from features.lead_times import measure
from features.lead_times.findings import LeadTimes

SEEDS = range(10)


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> list[LeadTimes]:
    """The lead times of ten worlds, each with four planted leads and fifty kinds of noise."""
    folder = tmp_path_factory.mktemp("planted")
    return [_measured(folder / str(seed), seed) for seed in SEEDS]


@cache
def _measured(folder: Path, seed: int) -> LeadTimes:
    company = planted_leads.write(folder, seed=seed)
    with contract.sound_tables(company) as tables:
        days = measure.as_of_dates(tables, "churn", planted_leads.STEP)
        built = snapshots.build_from(tables, days)
        events = measure.churned(tables, "churn")
    ground = measure.compare_groups(built, company, events, planted_leads.STEP, segments=False)
    return measure.measure(built, ground, step=planted_leads.STEP)


def _found(world: LeadTimes, planted: int) -> int:
    lead = world.of(f"planted_{planted}")
    assert lead is not None
    return lead.lead_days or 0


def test_planted_leads_come_back_within_one_step_in_nine_of_ten_worlds(
    worlds: list[LeadTimes],
) -> None:
    found = [[_found(world, planted) for planted in planted_leads.LEADS] for world in worlds]
    close = [
        all(
            abs(days - planted) <= planted_leads.STEP
            for days, planted in zip(row, planted_leads.LEADS, strict=True)
        )
        for row in found
    ]
    assert sum(close) >= 9, found


def test_of_five_hundred_indicators_of_noise_at_most_one_in_a_hundred_is_believed(
    worlds: list[LeadTimes],
) -> None:
    noise = [lead for world in worlds for lead in world.leads if lead.name.startswith("noise")]
    assert len(noise) == 500
    believed = [lead.sentence for lead in noise if lead.lead_days is not None]
    assert len(believed) <= 5, believed
