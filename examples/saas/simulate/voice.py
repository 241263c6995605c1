"""Surveys: who answers depends on how they feel, so a missing score is itself no accident."""

from typing import Any

import numpy as np
import pyarrow as pa

from .columns import facts
from .days import DAYS, Ints, to_time
from .support import Resolutions, Tickets, logistic, opened, resolved
from .world import World


def table(world: World) -> pa.Table:
    """Return the answers to NPS and CSAT surveys, at the time they were given (UTC)."""
    tickets = opened(world)
    parts = [nps(world), csat(world, tickets, resolved(world, tickets))]
    account, moment, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    kind = np.repeat(np.asarray(["nps", "csat"], dtype=object), [len(p[0]) for p in parts])
    kept = world.customers(account, np.floor(moment).astype(np.int64))
    delay = world.rng("survey export").integers(600, 2 * 86400, len(account))
    columns = {
        "account_id": world.accounts.account_id[account],
        "answered_at": to_time(moment),
        "kind": kind,
        "score": score.astype(np.int32),
        "ingested_at": to_time(moment, delay),
    }
    return facts(
        {name: values[kept] for name, values in columns.items()}, "answered_at", "ingested_at"
    )


def invitations(world: World, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return who was asked for an NPS score and on which day."""
    every, count = world.given.voice.nps_every, len(world.accounts)
    first = np.maximum(world.accounts.created + 60, 0) + rng.integers(0, every, count)
    day = first[:, None] + every * np.arange(DAYS // every + 1)
    account = np.broadcast_to(np.arange(count)[:, None], day.shape)
    asked = world.customers(account, day)
    return account[asked], day[asked]


def nps(world: World) -> tuple[Any, Any, Any]:
    """Return accounts, moments (days) and scores 0 to 10."""
    rng, voice = world.rng("nps"), world.given.voice
    account, day = invitations(world, rng)
    health = world.health(account, day)
    willing = logistic(voice.nps_answer + voice.nps_extreme * abs(health) + voice.nps_tilt * health)
    willing = willing * (1 - voice.nps_leaver * (world.leaving(account, day) > 0))
    answers = (rng.random(len(day)) < willing) & ~world.accounts.silent[account]
    felt = voice.nps_mean[0] + voice.nps_mean[1] * health + rng.normal(0, voice.nps_noise, len(day))
    moment = day + rng.uniform(0.3, 6, len(day))
    return account[answers], moment[answers], np.clip(np.round(felt), 0, 10)[answers]


def csat(world: World, tickets: Tickets, solved: Resolutions) -> tuple[Any, Any, Any]:
    """Return accounts, moments (days) and scores 1 to 5 after solved tickets."""
    rng, voice = world.rng("csat"), world.given.voice
    account = tickets.account[solved.ticket]
    felt = voice.csat_mean[0] + voice.csat_mean[1] * world.health(account, solved.day)
    felt = felt + voice.csat_reopened * solved.reopened
    felt = felt + rng.normal(0, voice.csat_noise, len(account))
    answers = (rng.random(len(account)) < voice.csat_answer) & ~world.accounts.silent[account]
    moment = solved.day + solved.second / 86400 + rng.uniform(0.1, 3, len(account))
    return account[answers], moment[answers], np.clip(np.round(felt), 1, 5)[answers]
