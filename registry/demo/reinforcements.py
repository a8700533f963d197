"""Who came down from the headquarters of three leagues to their stations, in the numbers reported (M13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from registry.demo.sample import Sample
from registry.operations.bulk import AssignmentRow

SENT = (
    ("hulunbeier-shi-gonganju", 305, ("officer",), ""),
    ("alashan-meng-gonganju", 50, ("officer",), "full_member"),
    ("tongliao-shi-gonganju", 200, ("officer", "officer", "auxiliary"), ""),
)
"""The bureau, how many (F032 to F034), of which categories in turn, and of which status alone."""
SENT_FROM = date(2020, 2, 3)


def fill(sample: Sample) -> None:
    """Add a work group of people of the bureau at each of its counties' stations."""
    for code, number, categories, status in SENT:
        stations = [
            station
            for county in sample.below(code)
            for station in sample.below(county.code)
            if station.kind == "station"
        ]
        for place, station in enumerate(stations):
            share = len(range(place, number, len(stations)))
            _send(sample, code, station.code, SENT_FROM + timedelta(place % 4), share, categories, status)


def _send(
    sample: Sample, bureau: str, station: str, on: date, number: int, categories: Sequence[str], status: str
) -> None:
    group = sample.organization(
        f"{station}-xiachen-gongzuozu",
        f"{sample.units[bureau].short_name}下沉{sample.full_name(station)}工作组",
        "work_group",
        station,
        on,
        parent=f"{bureau}-zhuanban",
    )
    for place in range(number):
        person = sample.person(
            bureau,
            category="officer" if not place else categories[place % len(categories)],
            status="full_member" if not place else status,
            head=not place,
        )
        role = "member" if place else "leader"
        sample.assignments.append(AssignmentRow(person, group.code, on, role, is_sample=True))
