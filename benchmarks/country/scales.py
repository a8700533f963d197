"""The scales of the invented country."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

FIRST, LAST = date(2020, 1, 20), date(2022, 1, 19)
"""Wartime organizations are founded and dissolved within these days."""


@dataclass(frozen=True)
class Scale:
    """The numbers of a country, or of a part of one: the ministry and the units below it.

    Stations and brigades are the rest of ``units``. ``assignments`` come out within a few.
    ``moves`` are units that got another superior once, half of them counties with all below.
    """

    provinces: int
    cities: int
    counties: int
    units: int
    organizations: int
    people: int
    assignments: int
    moves: int


SCALES: dict[str, Scale] = {
    "region": Scale(1, 12, 100, 4_000, 5_000, 100_000, 10_000, 6),
    "province": Scale(1, 21, 300, 12_000, 15_000, 200_000, 100_000, 12),
    "nation": Scale(31, 340, 3_000, 120_000, 150_000, 2_000_000, 1_000_000, 40),
}
