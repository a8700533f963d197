"""Repeatable random numbers by seed and place, without state."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

_MASK = (1 << 64) - 1


def mixed(seed: int, place: int) -> int:
    """Return 64 random bits for a place in a sequence, in any order (splitmix64)."""
    z = (seed + (place + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def shared_out(total: int, weights: Sequence[int], least: int = 0) -> list[int]:
    """Divide ``total`` by weights, each part at least ``least``; the parts add up to the total."""
    rest = total - least * len(weights)
    if rest < 0:
        raise ValueError(f"{total} is too little for {len(weights)} with {least} each")
    sums = list(accumulate(weights))
    bounds = [0, *(rest * each // sums[-1] for each in sums)] if sums else [0]
    return [least + after - before for before, after in pairwise(bounds)]
