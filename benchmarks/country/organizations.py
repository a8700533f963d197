"""The organizations: standing committees with their branches, and those founded in two years.

Each bureau has one tree under its standing committee. Organizations are founded in clusters: a branch with
its posts and teams, a general branch with branches at several stations, a task force. Each bureau has its
own random numbers, so its rows can be made again at any time.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from benchmarks.country.chance import mixed, shared_out
from benchmarks.country.country import CITY, COUNTY, MINISTRY, PROVINCE, Bureau, Country
from benchmarks.country.names import THEMES
from benchmarks.country.people import STANDING_BRANCHES
from benchmarks.country.scales import FIRST, LAST
from registry.models import OrganizationKind, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.operations.bulk_rows import OrganizationRow

K = OrganizationKind
_DAYS = (LAST - FIRST).days


@dataclass(frozen=True)
class CampaignPlan:
    """A campaign, and the share of organizations founded during it that belong to it."""

    code: str
    name: str
    started_on: date
    ended_on: date | None
    share: float


CAMPAIGNS: tuple[CampaignPlan, ...] = (
    CampaignPlan("fangxun-jiuzai", "防汛救灾", date(2020, 6, 15), date(2020, 9, 20), 0.4),
    CampaignPlan("jiandang-anbao", "建党百年安保", date(2021, 5, 15), date(2021, 7, 10), 0.5),
    CampaignPlan("yiqing-fangkong", "新冠肺炎疫情防控", FIRST, None, 0.93),
)
"""The first whose turn it is takes an organization; the epidemic comes last, since it always goes on."""
_ENDS = {plan.code: plan.ended_on for plan in CAMPAIGNS if plan.ended_on is not None}

_WAVES: tuple[tuple[float, int, int, int], ...] = (
    (0.42, 0, 60, 12),
    (0.12, 150, 230, 165),
    (0.10, 330, 395, 350),
    (0.14, 540, 595, 555),
    (0.08, 690, _DAYS, 710),
)
"""Share, first day, last day and peak of each wave; what is left over is spread over the two years."""
_WEIGHTS = {MINISTRY: 3, PROVINCE: 3, CITY: 2, COUNTY: 1}
_SLUGS = {
    K.COMMITTEE: "linshi-dangwei",
    K.GENERAL_BRANCH: "linshi-zongzhi",
    K.BRANCH: "linshi-zhibu",
    K.GROUP: "linshi-xiaozu",
    K.PIONEER_POST: "xianfenggang",
    K.PIONEER_TEAM: "xianfengdui",
    K.COMMANDO_TEAM: "tujidui",
    K.TASK_FORCE: "zhuanban",
    K.WORK_GROUP: "gongzuozu",
    K.LEADING_GROUP: "lingdao-xiaozu",
}


class Organizations:
    """All organizations of a country."""

    def __init__(self, country: Country) -> None:
        """Divide the number of organizations among the bureaus."""
        self.country = country
        standing = sum(1 + STANDING_BRANCHES[bureau.level] for bureau in country.bureaus)
        self.founded = country.scale.organizations - standing
        weights = [_WEIGHTS[bureau.level] for bureau in country.bureaus]
        self._founded_by = shared_out(self.founded, weights)

    def __iter__(self) -> Iterator[OrganizationRow]:
        """Yield the rows, each after its superior."""
        for _, row in self.with_bureaus():
            yield row

    def with_bureaus(self) -> Iterator[tuple[Bureau, OrganizationRow]]:
        """Yield each row with the bureau to which it answers."""
        for bureau, number in zip(self.country.bureaus, self._founded_by, strict=True):
            for row in _Founding(self.country, bureau, number).rows():
                yield bureau, row


class _Founding:
    """The rows of one bureau."""

    def __init__(self, country: Country, bureau: Bureau, number: int) -> None:
        self.country, self.bureau, self.number = country, bureau, number
        self.chance = random.Random(mixed(country.seed + 2, bureau.place))
        self.committee = f"{bureau.code}-dangwei"
        self.numbers: dict[str, int] = defaultdict(int)
        self.cluster: list[OrganizationRow] = []
        self.campaign = ""

    def rows(self) -> Iterator[OrganizationRow]:
        """Yield the committee and its branches, then clusters until the number is reached."""
        yield from self._standing()
        left = self.number
        while left > 0:
            self.cluster = []
            day = self._day()
            self.campaign = self._campaign(day)
            self._choose()(day)
            yield from self.cluster[:left]
            left -= len(self.cluster)

    def _standing(self) -> Iterator[OrganizationRow]:
        bureau = self.bureau
        since = date(2011, 7, 1) + timedelta(self.chance.randint(0, 2000))

        def standing(code: str, name: str, kind: K, parent: str = "") -> OrganizationRow:
            return OrganizationRow(
                code, name, kind.value, bureau.code, since, parent, state=_APPROVED, is_sample=True
            )

        yield standing(self.committee, f"{bureau.name}党委", K.COMMITTEE)
        for i in range(1, STANDING_BRANCHES[bureau.level] + 1):
            name = "机关党支部" if i == 1 else f"基层第{'一二三四五'[i - 2]}联合党支部"
            yield standing(
                f"{bureau.code}-dangzhibu-{i}", f"{bureau.short_name}{name}", K.BRANCH, self.committee
            )

    def _choose(self) -> Callable[[date], None]:
        draw = self.chance.random()
        if draw < 0.50:
            return self._branch_with_posts
        if draw < 0.76:
            return self._team
        if draw < 0.87:
            return self._general_branch
        if draw < 0.94 or self.bureau.level == COUNTY:
            return self._task_force
        return self._leading_group if draw < 0.98 else self._committee

    def _branch_with_posts(self, day: date) -> None:
        place = self._somewhere()
        branch = self._found(K.BRANCH, day, place)
        self._posts(branch, place)

    def _team(self, day: date) -> None:
        place = self._somewhere()
        team = self._found(self._kind_of_team(), day, place)
        for _ in range(self.chance.choice((0, 0, 1, 2))):
            self._found(K.PIONEER_POST, day, place, team)

    def _general_branch(self, day: date, parent: OrganizationRow | None = None) -> None:
        general = self._found(K.GENERAL_BRANCH, day, self.bureau.place, parent)
        for _ in range(self.chance.randint(2, 5)):
            place = self._somewhere()
            branch = self._found(K.BRANCH, day, place, general)
            if self.chance.random() < 0.4:
                self._posts(branch, place)

    def _task_force(self, day: date) -> None:
        force = self._found(K.TASK_FORCE, day, self.bureau.place)
        self._found(K.BRANCH, day, self.bureau.place, task_body=force.code)
        for _ in range(self.chance.randint(0, 2)):
            self._found(self._kind_of_team(), day, self._somewhere(), force)

    def _leading_group(self, day: date) -> None:
        group = self._found(K.LEADING_GROUP, day, self.bureau.place)
        for _ in range(self.chance.randint(1, 3)):
            self._found(self.chance.choice((K.WORK_GROUP, K.TASK_FORCE)), day, self.bureau.place, group)

    def _committee(self, day: date) -> None:
        committee = self._found(K.COMMITTEE, day, self.bureau.place)
        for _ in range(self.chance.randint(1, 2)):
            self._general_branch(day, committee)

    def _posts(self, branch: OrganizationRow, place: int) -> None:
        for _ in range(self.chance.choice((0, 1, 1, 2, 3))):
            kind = self.chance.choice((K.GROUP, K.PIONEER_POST, K.PIONEER_POST, self._kind_of_team()))
            self._found(kind, branch.established_on, place, branch)

    def _kind_of_team(self) -> K:
        return self.chance.choice((K.PIONEER_TEAM, K.COMMANDO_TEAM))

    def _found(
        self,
        kind: K,
        day: date,
        place: int,
        parent: OrganizationRow | None = None,
        task_body: str = "",
    ) -> OrganizationRow:
        """Add an organization of about this day to the cluster, within the life of the one above it."""
        chance, bureau = self.chance, self.bureau
        begin, end = self._life(day, parent)
        self.numbers[kind] += 1
        number = self.numbers[kind]
        code, short_name = self.country.unit(place)
        at = "" if place == bureau.place else short_name if bureau.level == COUNTY else f"驻{short_name}"
        formerly: tuple[tuple[str, date], ...] = ()
        last = end or LAST
        if chance.random() < 0.012 and (last - begin).days > 12:
            formerly = self._transferred(code, begin, last)
        state = self._state() if parent is not None and kind in (K.GROUP, K.PIONEER_POST) else _APPROVED
        theme = chance.choice(THEMES[self.campaign])
        label = f"临时{kind.label}" if kind in PARTY_KINDS else str(kind.label)
        honour = chance.random() < 0.01 and kind in (K.PIONEER_TEAM, K.COMMANDO_TEAM)
        row = OrganizationRow(
            code=f"{bureau.code}-{_SLUGS[kind]}-{number}",
            name=f"{bureau.short_name}{at}{theme}{label}",
            kind=kind.value,
            unit=code,
            established_on=begin,
            parent=parent.code if parent else self.committee,
            formerly=formerly,
            is_temporary=kind in PARTY_KINDS,
            campaign=self.campaign if begin < _ENDS.get(self.campaign, date.max) else "",
            task_body=task_body,
            dissolved_on=end,
            honour_title="以公安英模命名" if honour else "",
            approval_number=self._document("批", begin) if state == _APPROVED and number % 8 else "",
            dissolution_number=self._document("撤", end) if end and state == _APPROVED else "",
            state=state,
            is_sample=True,
        )
        self.cluster.append(row)
        return row

    def _life(self, day: date, parent: OrganizationRow | None) -> tuple[date, date | None]:
        """Return the days of founding and dissolution; some are not dissolved."""
        chance = self.chance
        latest = LAST
        if parent is not None:
            latest = parent.dissolved_on or LAST
            spare = max(0, (latest - parent.established_on).days - 5)
            day = parent.established_on + timedelta(min(spare, chance.choice((0, 0, 0, 1, 2, 4, 7, 12, 20))))
            if parent.dissolved_on is not None and chance.random() < 0.7:
                return day, parent.dissolved_on
        if (parent is None or parent.dissolved_on is None) and chance.random() < 0.07:
            return day, None
        end = day + timedelta(max(5, int(chance.triangular(8, 170, 45))))
        if parent is not None and parent.dissolved_on is not None:
            return day, min(end, parent.dissolved_on)
        return day, end if end <= latest else None

    def _transferred(self, code: str, begin: date, last: date) -> tuple[tuple[str, date], ...]:
        """Return the first host: another unit below this bureau, or below its superior."""
        chance, around = self.chance, self.bureau
        if around.above is not None and chance.random() < 0.3:
            around = around.above
        host, _ = self.country.unit(chance.randrange(around.place, around.end))
        if host == code:
            return ()
        return ((host, begin + timedelta(chance.randint(4, (last - begin).days - 4))),)

    def _state(self) -> str:
        draw = self.chance.random()
        for share, state in _STATES:
            if draw < share:
                return state
        return _APPROVED

    def _somewhere(self) -> int:
        """Return the place of the bureau, or more often of a unit below it."""
        bureau = self.bureau
        if bureau.units == 1 or self.chance.random() < 0.12:
            return bureau.place
        return self.chance.randrange(bureau.place + 1, bureau.end)

    def _day(self) -> date:
        draw = self.chance.random()
        for share, first, last, peak in _WAVES:
            if draw < share:
                return FIRST + timedelta(int(self.chance.triangular(first, last, peak)))
            draw -= share
        return FIRST + timedelta(self.chance.randint(0, _DAYS))

    def _campaign(self, day: date) -> str:
        for campaign in CAMPAIGNS:
            goes_on = campaign.started_on <= day and (campaign.ended_on is None or day < campaign.ended_on)
            if goes_on and self.chance.random() < campaign.share:
                return campaign.code
        return ""

    def _document(self, what: str, day: date) -> str:
        self.numbers[what] += 1
        return f"演示〔{day.year}〕{what}{self.numbers[what]}号"


_APPROVED = WorkflowState.APPROVED.value
_STATES: tuple[tuple[float, str], ...] = (
    (0.020, WorkflowState.SUBMITTED.value),
    (0.026, WorkflowState.RETURNED.value),
    (0.030, WorkflowState.DRAFT.value),
    (0.034, WorkflowState.WITHDRAWN.value),
)
"""Up to which draw a post or group is not approved (nothing stands below those)."""
