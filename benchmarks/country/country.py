"""The units: a ministry, departments, bureaus and county bureaus, and below those stations and brigades.

Bureaus are kept in memory (some thousand in a nation); of stations and brigades only the numbers are: each
is made again from its place in the order of loading. That order is depth first, so the units below a bureau
are one range of places, and its people one range of numbers.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate, groupby

from benchmarks.country.chance import mixed, shared_out
from benchmarks.country.names import BRIGADES, PROVINCES, STATIONS, city_names, county_names
from benchmarks.country.scales import FIRST, LAST, Scale
from registry.models import UnitKind
from registry.operations.bulk_rows import UnitRow

ROOT = "gonganbu"
MINISTRY, PROVINCE, CITY, COUNTY = range(4)
_STAFF = {MINISTRY: 90, PROVINCE: 90, CITY: 60, COUNTY: 30}
"""How many people work in a bureau itself; a station has 8 to 23."""


@dataclass(slots=True)
class Bureau:
    """A unit above the stations and brigades."""

    level: int
    code: str
    name: str
    short_name: str
    kind: str
    region_code: str
    above: Bureau | None
    stations: int = 0
    brigades: int = 0
    place: int = 0
    units: int = 1
    """The bureau and all units below it."""

    @property
    def end(self) -> int:
        """The place after the last unit below it."""
        return self.place + self.units


class Country:
    """All units of a scale: iterate from the start as often as needed, or look up by place."""

    def __init__(self, scale: Scale, seed: int) -> None:
        """Make the bureaus, the moves, and the number of people in each unit."""
        self.scale, self.seed = scale, seed
        self._chance = random.Random(seed)
        self.bureaus = list(self._drawn_up())
        place = 0
        for bureau in self.bureaus:
            bureau.place = place
            place += 1 + bureau.stations + bureau.brigades
        for bureau in reversed(self.bureaus):
            bureau.units += bureau.stations + bureau.brigades
            if bureau.above is not None:
                bureau.above.units += bureau.units
        self._places = [bureau.place for bureau in self.bureaus]
        self._moved = self._moves()
        weights = [8 + mixed(seed, place) % 16 for place in range(scale.units)]
        for bureau in self.bureaus:
            weights[bureau.place] = _STAFF[bureau.level]
        self.first_person = array("L", [0, *accumulate(shared_out(scale.people, weights))])
        """The first person's number in order of each unit, by place; one more at the end."""
        provinces = [bureau for bureau in self.bureaus if bureau.level == PROVINCE]
        self._series = [(0, "00")] + [(self.first_person[b.place], b.region_code[:2]) for b in provinces]
        self._series_starts = [first for first, _ in self._series]

    def __iter__(self) -> Iterator[UnitRow]:
        """Yield the rows, each after its superior."""
        for bureau in self.bureaus:
            yield UnitRow(
                code=bureau.code,
                name=bureau.name,
                kind=bureau.kind,
                parent=bureau.above.code if bureau.above else "",
                formerly=self._moved.get(bureau.place, ()),
                short_name=bureau.short_name,
                region_code=bureau.region_code,
                is_sample=True,
            )
            for i in range(bureau.brigades + bureau.stations):
                code, short_name, kind = self._below(bureau, i)
                yield UnitRow(
                    code=code,
                    name=f"{bureau.name}{short_name}",
                    kind=kind,
                    parent=bureau.code,
                    formerly=self._moved.get(bureau.place + 1 + i, ()),
                    short_name=short_name,
                    region_code=bureau.region_code,
                    is_sample=True,
                )

    def unit(self, place: int) -> tuple[str, str]:
        """Return code and short name of the unit at a place."""
        bureau = self.bureau_at(place)
        if bureau.place == place:
            return bureau.code, bureau.short_name
        code, short_name, _ = self._below(bureau, place - bureau.place - 1)
        return code, short_name

    def bureau_at(self, place: int) -> Bureau:
        """Return the bureau at a place, or the one above the station or brigade there."""
        return self.bureaus[bisect_right(self._places, place) - 1]

    def people_of(self, bureau: Bureau) -> range:
        """Return the numbers in order of the people of a bureau and all units below it."""
        return range(self.first_person[bureau.place], self.first_person[bureau.end])

    def police_number(self, person: int) -> str:
        """Return the police number: the province and a number within it."""
        first, series = self._series[bisect_right(self._series_starts, person) - 1]
        return f"{series}{person - first + 1:06d}"

    def _below(self, bureau: Bureau, i: int) -> tuple[str, str, str]:
        """Return code, short name and kind of a brigade or station: the brigades come first."""
        if i < bureau.brigades:
            return f"{bureau.region_code}-dadui-{i + 1}", BRIGADES[i], UnitKind.BRIGADE.value
        i -= bureau.brigades
        name = STATIONS[(mixed(self.seed, bureau.place) + i) % len(STATIONS)]
        if i >= len(STATIONS):
            name = f"{name}第{i // len(STATIONS) + 1}警务区"
        return f"{bureau.region_code}-paichusuo-{i + 1}", name, UnitKind.STATION.value

    def _drawn_up(self) -> Iterator[Bureau]:
        scale, chance = self.scale, self._chance
        leaves = scale.units - 1 - scale.provinces - scale.cities - scale.counties
        cities_of = shared_out(scale.cities, [chance.randint(6, 14) for _ in range(scale.provinces)], 1)
        counties_of = shared_out(scale.counties, [chance.randint(6, 14) for _ in range(scale.cities)], 1)
        leaves_of = shared_out(leaves, [chance.randint(6, 14) for _ in range(scale.counties)])
        cities, counties = city_names(chance, scale.cities), county_names(chance, scale.counties)
        ministry = Bureau(MINISTRY, ROOT, "公安部", "公安部", UnitKind.MINISTRY.value, "", None)
        yield ministry
        for (digits, name), number in zip(sorted(PROVINCES[: scale.provinces]), cities_of, strict=True):
            department = _department(digits, name, ministry)
            yield department
            for i in range(1, number + 1):
                city = _city(f"{digits}{i:02d}", cities.pop(), department)
                yield city
                for j in range(1, counties_of.pop() + 1):
                    county = _county(f"{city.region_code[:4]}{j:02d}", counties.pop(), city)
                    below = leaves_of.pop()
                    county.brigades = min(len(BRIGADES), below * 3 // 10)
                    county.stations = below - county.brigades
                    yield county

    def _moves(self) -> dict[int, tuple[tuple[str, date], ...]]:
        """Choose units that stood below another bureau of their province (city) until some day."""
        moved: dict[int, tuple[tuple[str, date], ...]] = {}
        for level in (COUNTY, CITY):
            families = [
                list(family)
                for _, family in groupby(
                    sorted(
                        (bureau for bureau in self.bureaus if bureau.level == level),
                        key=lambda bureau: (bureau.above.place if bureau.above else 0, bureau.place),
                    ),
                    key=lambda bureau: bureau.above and bureau.above.place,
                )
            ]
            families = [family for family in families if len(family) > 1]
            for _ in range(self.scale.moves // 2 if families else 0):
                now, former = self._chance.sample(self._chance.choice(families), 2)
                # From below a county a station goes, from below a city a county.
                below = [now.place + 1 + i for i in range(now.brigades + now.stations)]
                below = below or [b.place for b in self.bureaus if b.above is now]
                until = FIRST + timedelta(self._chance.randint(20, (LAST - FIRST).days - 20))
                if below:
                    moved[self._chance.choice(below)] = ((former.code, until),)
        return moved


def _department(digits: str, name: str, above: Bureau) -> Bureau:
    city = name.endswith("市")
    kind, office = (UnitKind.BUREAU, "公安局") if city else (UnitKind.DEPARTMENT, "公安厅")
    short = name.removesuffix("省").removesuffix("市")
    for words in ("壮族自治区", "回族自治区", "维吾尔自治区", "自治区"):
        short = short.removesuffix(words)
    code = f"{digits}-{'gonganju' if city else 'gonganting'}"
    return Bureau(PROVINCE, code, f"{name}{office}", f"{short}{office}", kind.value, f"{digits}0000", above)


def _city(digits: str, name: str, above: Bureau) -> Bureau:
    if above.kind == UnitKind.BUREAU:  # a municipality has districts where others have cities
        full, short, kind = f"{above.name}{name}分局", f"{name}分局", UnitKind.SUB_BUREAU
    else:
        full, short, kind = f"{name}市公安局", f"{name}市公安局", UnitKind.BUREAU
    return Bureau(CITY, f"{digits}-gonganju", full, short, kind.value, f"{digits}00", above)


def _county(digits: str, name: str, above: Bureau) -> Bureau:
    number = int(digits[-2:])
    if above.kind == UnitKind.SUB_BUREAU:
        full, short, kind = f"{above.name}{name}支队", f"{name}支队", UnitKind.DETACHMENT
    elif number <= 2:
        full, short, kind = f"{above.name}{name}分局", f"{name}分局", UnitKind.SUB_BUREAU
    else:
        full = short = f"{name}{'市' if number % 7 == 0 else '县'}公安局"
        kind = UnitKind.BUREAU
    return Bureau(COUNTY, f"{digits}-gonganju", full, short, kind.value, digits, above)
