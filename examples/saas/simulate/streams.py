"""Random streams: every topic draws from its own, so that one draw more shifts no other table."""

from zlib import crc32

import numpy as np


def stream(seed: int, topic: str) -> np.random.Generator:
    """Return the generator of a topic; the same seed and topic give the same draws for ever."""
    key = np.random.SeedSequence(entropy=seed, spawn_key=(crc32(topic.encode()),))
    return np.random.Generator(np.random.PCG64(key))
