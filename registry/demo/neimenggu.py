"""Inner Mongolia up to its reported totals: by 29 February 2020 cumulatively 274 temporary Party
organizations and 565 pioneer and commando teams with 8,975 members (figures F040, F041, F042)."""

from __future__ import annotations

from datetime import date, timedelta

from registry.demo.sample import Sample
from registry.operations.bulk import OrganizationRow, UnitRow

DEPARTMENT = "neimenggu-gonganting"
TEMPORARY_PARTY_ORGS, TEAMS, TEAM_MEMBERS = 274, 565, 8975
FIRST, LAST = date(2020, 1, 26), date(2020, 2, 29)
NAMED_TEAM = "tuquan-hejianhua-tujidui"
RECRUITED, TWICE = 24, 260

_STATIONS = (
    ("城关派出所", "chengguan"),
    ("东街派出所", "dongjie"),
    ("新华街派出所", "xinhuajie"),
    ("车站派出所", "chezhan"),
    ("河西派出所", "hexi"),
    ("园区派出所", "yuanqu"),
    ("南门外派出所", "nanmenwai"),
    ("白音花派出所", "baiyinhua"),
    ("查干淖尔派出所", "chagannaoer"),
    ("赛罕塔拉派出所", "saihantala"),
)
_BRANCHES = ("疫情防控临时党支部", "抗疫一线临时党支部", "联防联控临时党支部", "战时临时党支部")
_TEAMS = (
    ("pioneer_team", "党员先锋队", "xianfengdui"),
    ("commando_team", "抗疫突击队", "tujidui"),
    ("pioneer_team", "社区防控党员先锋队", "shequ-xianfengdui"),
    ("commando_team", "卡口查控突击队", "kakou-tujidui"),
    ("commando_team", "青年突击队", "qingnian-tujidui"),
    ("pioneer_team", "服务群众党员先锋队", "fuwu-xianfengdui"),
    ("commando_team", "应急处突突击队", "yingji-tujidui"),
)


def fill(sample: Sample) -> None:
    """Add the sample rows of Inner Mongolia."""
    _NeiMenggu(sample).fill()


class _NeiMenggu:
    def __init__(self, sample: Sample) -> None:
        self.sample, self.random = sample, sample.random
        self.leagues = [row for row in sample.below(DEPARTMENT) if row.kind == "bureau"]
        self.counties = [
            row for league in self.leagues for row in sample.below(league.code) if _is_county(row)
        ]
        self.stations: list[UnitRow] = []
        self.committee: dict[str, str] = {DEPARTMENT: "neimenggu-gonganting-dangwei"}
        self.branches: dict[str, OrganizationRow] = {}
        """One temporary branch of each unit that has any: the superior of its formations."""
        self.waiting: list[tuple[OrganizationRow, int]] = []
        """Branches that get their people after the teams, with their size."""

    def fill(self) -> None:
        """Add everything, each part after those it needs."""
        self._stations()
        self._standing()
        days = self._days(TEMPORARY_PARTY_ORGS - 1)
        self._temporary(days)
        self._teams()
        self._staff_branches()
        self._groups_and_posts()
        self._task_forces()
        self._pending()
        self._recruit()

    def _stations(self) -> None:
        """Add two sample stations for each county."""
        for county in self.counties:
            for name, slug in self.random.sample(_STATIONS, 2):
                base = county.name.removesuffix("公安局")
                self.stations.append(
                    self.sample.unit(
                        f"{county.code}-{slug}-paichusuo",
                        f"{base}公安局{name}" if county.kind == "bureau" else f"{county.short_name}{name}",
                        "station",
                        county.code,
                        name,
                    )
                )

    def _standing(self) -> None:
        """Add a committee where a bureau has none, with a branch for itself and each station."""
        sample = self.sample
        for code, name in (
            ("neimenggu-gonganting-jiguan", "厅机关第一党支部"),
            ("neimenggu-gonganting-ducha-zongdui", "督察总队党支部"),
            ("neimenggu-gonganting-dangjian-chu", "党建工作处党支部"),
        ):
            sample.standing_branch(code, "neimenggu-gonganting-jiguan-dangwei", name)
        sample.home_branch[DEPARTMENT] = sample.home_branch["neimenggu-gonganting-jiguan"]
        for bureau in (*self.leagues, *self.counties):
            committee = sample.organization(
                f"{bureau.code}-dangwei",
                f"{bureau.name}党委",
                "committee",
                bureau.code,
                date(2015, 1, 1),
                standing=True,
            )
            self.committee[bureau.code] = committee.code
            sample.standing_branch(bureau.code, committee.code, f"{bureau.short_name}机关党支部")
        for station in self.stations:
            parent = self.committee[station.parent]
            sample.standing_branch(station.code, parent, f"{sample.full_name(station.code)}党支部")

    def _days(self, number: int) -> list[date]:
        """Return founding days in order: at least one on each day, most in the first ten."""
        span = (LAST - FIRST).days
        offsets = list(range(span)) + [int(self.random.triangular(0, span, 6)) for _ in range(number - span)]
        return [FIRST + timedelta(offset) for offset in sorted(offsets)]

    def _temporary(self, days: list[date]) -> None:
        """Add one temporary committee, a general branch for each league, and branches for the rest."""
        sample = self.sample
        early, jiguan = days[:13], "neimenggu-gonganting-jiguan"
        del days[:13]
        committee = sample.organization(
            f"{jiguan}-linshi-dangwei",
            "厅机关疫情防控临时党委",
            "committee",
            jiguan,
            early.pop(0),
            parent="neimenggu-gonganting-jiguan-dangwei",
        )
        generals = {
            league.code: sample.organization(
                f"{league.code}-linshi-zongzhi",
                f"{league.short_name}疫情防控临时党总支",
                "general_branch",
                league.code,
                on,
                parent=self.committee[league.code],
            )
            for league, on in zip(self.leagues, early, strict=True)
        }
        hosts: list[tuple[UnitRow, str]] = [
            (sample.units[code], committee.code)
            for code in ("neimenggu-gonganting-ducha-zongdui", "neimenggu-gonganting-dangjian-chu")
        ]
        hosts += [(league, generals[league.code].code) for league in self.leagues for _ in range(2)]
        hosts += [(county, self.committee[county.code]) for county in self.counties]
        rest = TEMPORARY_PARTY_ORGS - 1 - 13 - len(hosts)
        hosts += [
            (row, self.committee[row.parent])
            for row in sorted(self.random.sample(self.stations, rest), key=lambda row: row.code)
        ]
        self.random.shuffle(days)
        ends = self._ends(len(hosts), in_february=16, in_spring=22)
        seen: dict[str, int] = {}
        for (unit, parent), on, end in zip(hosts, days, ends, strict=True):
            on = max(on, sample.organizations[parent].established_on)
            seen[unit.code] = seen.get(unit.code, 0) + 1
            number = seen[unit.code]
            row = sample.organization(
                f"{unit.code}-linshi-zhibu-{number}",
                sample.full_name(unit.code) + _BRANCHES[(number - 1 + len(unit.code)) % len(_BRANCHES)],
                "branch",
                unit.code,
                on,
                parent=parent,
                dissolved_on=self._after(on, end),
            )
            self.branches.setdefault(unit.code, row)
            size = self.random.choice((3, 5, 6, 7, 8, 9, 9, 11, 13, 16, 20))
            self.waiting.append((row, size if unit.kind != "station" else min(size, 9)))
        named = sample.organizations["huhehaote-yijianfang-linshi-dangzhibu"]
        self.branches[named.unit] = named
        self.waiting.append((named, 7))

    def _teams(self) -> None:
        """Add 565 teams with 8,975 distinct members, some of them in two teams."""
        sample, draw = self.sample, self.random
        hosts = [
            sample.units[f"{DEPARTMENT}-{part}"] for part in ("jiguan", "ducha-zongdui") for _ in range(2)
        ]
        hosts += [league for league in self.leagues for _ in range(4)]
        hosts += [county for county in self.counties for _ in range(2)]
        hosts += self.stations
        hosts += draw.choices((*self.counties, *self.stations), k=TEAMS - 1 - len(hosts))
        days = self._days(len(hosts))
        draw.shuffle(days)
        sizes = self._sizes(TEAMS)
        ends = self._ends(len(hosts), in_february=21, in_spring=34)
        seen: dict[str, int] = {}
        teams = [sample.organizations[NAMED_TEAM]]
        for unit, on, end in zip(hosts, days, ends, strict=True):
            number = seen[unit.code] = seen.get(unit.code, 0) + 1
            kind, name, slug = _TEAMS[number - 1] if number > 1 else _TEAMS[draw.choice((0, 0, 1))]
            if f"{unit.code}-{slug}" in sample.organizations:
                kind, name, slug = _TEAMS[0]
            teams.append(
                sample.organization(
                    f"{unit.code}-{slug}",
                    sample.full_name(unit.code) + name,
                    kind,
                    unit.code,
                    on,
                    parent=self._superior(unit, on, draw.random() < 0.5),
                    dissolved_on=self._after(on, end),
                )
            )
        twice = set(draw.sample(range(1, TEAMS), TWICE))
        for i, (team, size) in enumerate(zip(teams, sizes, strict=True)):
            mates = [n for n in sample.staff[team.unit] if sample.people[n].category == "officer"]
            also = draw.sample(mates, min(len(mates), draw.choice((1, 1, 2)))) if i in twice else []
            new = [sample.person(team.unit, category="officer", status="full_member", head=size > 14)]
            new += [sample.person(team.unit) for _ in range(size - 1)]
            sample.place(team, new + also, ["leader", "deputy_leader"][: 1 + (size > 10)], latest=LAST)

    def _staff_branches(self) -> None:
        weak = set(self.random.sample(range(len(self.waiting)), 9))
        for i, (branch, size) in enumerate(self.waiting):
            if i in weak:
                self.sample.fill_branch(branch, self.random.choice((3, 4)), full=self.random.choice((1, 2)))
            else:
                self.sample.fill_branch(branch, size)
        for row in list(self.sample.organizations.values()):
            if row.is_sample and row.is_temporary and row.kind in ("committee", "general_branch"):
                self.sample.fill_branch(row, 7)

    def _groups_and_posts(self) -> None:
        """Add groups under the larger branches, and a post at three of four stations."""
        sample, draw = self.sample, self.random
        for branch, size in self.waiting:
            if size >= 13 and branch.dissolved_on is None:
                for number in (1, 2):
                    group = sample.organization(
                        f"{branch.code}-xiaozu-{number}",
                        f"{branch.name.removesuffix('临时党支部')}第{'一二'[number - 1]}临时党小组",
                        "group",
                        branch.unit,
                        branch.established_on + timedelta(draw.randint(0, 2)),
                        parent=branch.code,
                    )
                    size = draw.randint(3, 6)
                    known = sample.members_of(branch.unit, size)
                    new = [sample.person(branch.unit, status="full_member") for _ in range(size - len(known))]
                    sample.place(group, known + new, ["leader"])
        for station in self.stations:
            if draw.random() < 0.75:
                on = FIRST + timedelta(draw.randint(0, 25))
                post = sample.organization(
                    f"{station.code}-xianfenggang",
                    f"{sample.full_name(station.code)}党员先锋岗",
                    "pioneer_post",
                    station.code,
                    on,
                    parent=self._superior(station, on, True),
                )
                number = draw.randint(1, 4)
                sample.fill_formation(post, number, sample.members_of(station.code, draw.randint(0, number)))

    def _task_forces(self) -> None:
        """Add a leading group and a task force for the department and each league."""
        sample = self.sample
        for unit in (sample.units[DEPARTMENT], *self.leagues):
            on = date(2020, 1, 24) + timedelta(self.random.randint(0, 1))
            group = sample.organization(
                f"{unit.code}-lingdao-xiaozu",
                f"{unit.short_name}疫情防控工作领导小组",
                "leading_group",
                unit.code,
                on,
                parent=self.committee[unit.code],
            )
            force = sample.organization(
                f"{unit.code}-zhuanban",
                f"{unit.short_name}疫情防控工作专班",
                "task_force",
                unit.code,
                on,
                parent=group.code,
            )
            sample.fill_formation(group, 7)
            sample.fill_formation(force, self.random.randint(8, 14))

    def _pending(self) -> None:
        """Add unapproved organizations, which are shown beside the counts."""
        states = ("submitted",) * 6 + ("draft", "draft", "returned", "returned")
        free = [row for row in self.stations if row.code not in self.branches]
        for station, state in zip(self.random.sample(free, len(states)), states, strict=True):
            row = self.sample.organization(
                f"{station.code}-linshi-zhibu-1",
                f"{self.sample.full_name(station.code)}{_BRANCHES[0]}",
                "branch",
                station.code,
                date(2020, 2, self.random.randint(10, 26)),
                parent=self.committee[station.parent],
                state=state,
            )
            self.sample.fill_branch(row, 5)

    def _recruit(self) -> None:
        """Make activists of a post or team probationary members in February (frontline recruitment)."""
        for station in self.random.sample(self.stations, RECRUITED):
            day = date(2020, 2, self.random.randint(10, 28))
            number = self.sample.person(station.code, joins_on=day)
            post = self.sample.organizations.get(f"{station.code}-xianfenggang")
            if post is not None:
                self.sample.place(post, [number])

    def _superior(self, unit: UnitRow, on: date, by_branch: bool) -> str:
        """Return the unit's temporary branch if it exists by then and stays, else the nearest committee."""
        branch = self.branches.get(unit.code)
        if by_branch and branch is not None and branch.dissolved_on is None and branch.established_on <= on:
            return branch.code
        while unit.code not in self.committee:
            unit = self.sample.units[unit.parent]
        return self.committee[unit.code]

    def _ends(self, number: int, *, in_february: int, in_spring: int) -> list[date | None]:
        ends: list[date | None] = [None] * number
        chosen = self.random.sample(range(number), in_february + in_spring)
        for i in chosen[:in_february]:
            ends[i] = date(2020, 2, self.random.randint(16, 28))
        for i in chosen[in_february:]:
            ends[i] = date(2020, 3, 5) + timedelta(self.random.randint(0, 50))
        return ends

    def _after(self, on: date, end: date | None) -> date | None:
        """Return a day of dissolution, at least five days after the founding."""
        if end is None or end >= on + timedelta(5):
            return end
        return on + timedelta(self.random.randint(5, 9))

    def _sizes(self, number: int) -> list[int]:
        """Return ``number`` sizes of about 16 whose sum is the reported number of members."""
        sizes = [self.random.randint(11, 21) for _ in range(number)]
        while (left := TEAM_MEMBERS - sum(sizes)) != 0:
            sizes[self.random.randrange(number)] += 1 if left > 0 else -1
        return sizes


def _is_county(row: UnitRow) -> bool:
    return row.kind in ("bureau", "sub_bureau")
