"""The sheets that offices hand upward (上报表格): each for a unit with all below it, on a day.

What counts is asked of ``registry.counting``; so the totals equal the rows, and the numbers of the pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Value, When
from django.utils import timezone

from registry import access
from registry.counting.basis import Question, assignment_rows, assignments, organization_rows, people_rows
from registry.counting.metrics import METRICS, PeopleMetric
from registry.counting.rollup import Counts, Line, rollup
from registry.models import Assignment, Basis, OrganizationKind, PoliticalStatus, Role, Unit
from registry.models.kinds import MEMBER_STATUSES, PARTY_KINDS, ROLE_ORDER
from registry.spreadsheets.sheets import Cell, Head, Kind, Sheet

CHUNK = 1000
"""So many rows are in memory at a time."""

COMMITTEE_ROLES = (
    Role.ORGANIZATION_COMMITTEE_MEMBER.value,
    Role.PUBLICITY_COMMITTEE_MEMBER.value,
    Role.DISCIPLINE_COMMITTEE_MEMBER.value,
)
HEADS = (Role.SECRETARY.value, Role.LEADER.value)
TEMPORARY = Q(kind__in=PARTY_KINDS, is_temporary=True)


@dataclass(frozen=True)
class Filing:
    """For whom a sheet is made: the unit, the question (现有 on a day), and who takes it out."""

    unit: Unit
    question: Question
    user: access.AnyUser
    author: str
    with_phones: bool = False

    @classmethod
    def on(
        cls,
        unit: Unit,
        question: Question,
        user: access.AnyUser,
        author: str,
        with_phones: bool = False,
    ) -> Filing:
        """Return the filing of what stands on the question's day, whatever its basis."""
        current = replace(question, basis=Basis.CURRENT.value, since=None)
        return cls(unit, current, user, author, with_phones)

    def counts(self) -> Counts:
        """Return every count of the unit with all below it."""
        return rollup(self.unit, self.question, children=False).total.counts


@dataclass(frozen=True)
class Ready:
    """One kind of sheet: what it is called, what it is for, what it counts."""

    slug: str
    title: str
    about: str
    metrics: tuple[str, ...]
    build: Callable[[Filing], Sheet]
    has_people: bool = False
    """Whether it lists people with their telephones."""


# --- Organizations --------------------------------------------------------------------------------


def temporary_organizations(filing: Filing) -> Sheet:
    """临时党组织一览表: every temporary Party organization, with its committee and how many are in it."""
    counts = filing.counts()
    times, people, members = _placed(filing, Q(organization__kind__in=PARTY_KINDS))
    heads = [
        Head("序号", Kind.ORDER),
        Head("组织名称"),
        Head("组织类别"),
        Head("所在单位"),
        Head("上级组织"),
        Head("成立日期", Kind.DATE),
        Head("批复文号"),
        Head("书记"),
        Head("副书记"),
        Head("委员"),
        Head("编入人数", Kind.NUMBER),
        Head("其中党员", Kind.NUMBER),
        Head("荣誉称号"),
    ]

    def lines() -> Iterator[list[Cell]]:
        for number, (each, placed, seen) in enumerate(_organizations(filing, TEMPORARY), start=1):
            named = placed if seen else []
            yield [
                number,
                each.name,
                each.kind_label,
                each.host_name,
                each.parent.name if each.parent else None,
                each.established_on,
                each.approval_number,
                _names(named, (Role.SECRETARY.value,)),
                _names(named, (Role.DEPUTY_SECRETARY.value,)),
                _names(named, COMMITTEE_ROLES, with_role=True),
                len(placed),
                sum(_is_member(row) for row in placed),
                each.honour_title,
            ]

    number = counts["temporary_party_orgs"] + counts["temporary_groups"]
    said = (
        f"临时党组织 {counts['temporary_party_orgs']} 个:"
        f"临时党委 {counts['temporary_committees']} 个、"
        f"临时党总支 {counts['temporary_general_branches']} 个、"
        f"临时党支部 {counts['temporary_branches']} 个;"
        f"另有临时党小组 {counts['temporary_groups']} 个。编入 {times} 人次,按人去重 {people} 人。"
    )
    totals = ["合计", f"{number} 个", *[None] * 8, times, members, None]
    return _sheet(filing, "临时党组织一览表", heads, lines(), totals, [said])


def pioneer_posts(filing: Filing) -> Sheet:
    """党员先锋岗台账: every pioneer post with who stands there."""
    kind = OrganizationKind.PIONEER_POST.value
    number = filing.counts()["pioneer_posts"]
    times, people, members = _placed(filing, Q(organization__kind=kind))
    heads = [
        Head("序号", Kind.ORDER),
        Head("先锋岗名称"),
        Head("所在单位"),
        Head("隶属组织"),
        Head("设岗日期", Kind.DATE),
        Head("批复文号"),
        Head("负责人"),
        Head("岗位人员"),
        Head("人数", Kind.NUMBER),
        Head("其中党员", Kind.NUMBER),
        Head("荣誉称号"),
    ]

    def lines() -> Iterator[list[Cell]]:
        for at, (each, placed, seen) in enumerate(_organizations(filing, Q(kind=kind)), start=1):
            named = placed if seen else []
            yield [
                at,
                each.name,
                each.host_name,
                each.parent.name if each.parent else None,
                each.established_on,
                each.approval_number,
                _names(named, HEADS),
                _names(named, tuple(Role.values)),
                len(placed),
                sum(_is_member(row) for row in placed),
                each.honour_title,
            ]

    said = f"党员先锋岗 {number} 个,在岗 {times} 人次,按人去重 {people} 人。"
    totals = ["合计", f"{number} 个", *[None] * 6, times, members, None]
    return _sheet(filing, "党员先锋岗台账", heads, lines(), totals, [said])


def _organizations(filing: Filing, kinds: Q) -> Iterator[tuple[Any, list[Any], bool]]:
    """Yield each organization, who is in it (leaders first), and whether it is in the user's scope today.

    One query and one more for each chunk of organizations.
    """
    question, scope = filing.question, access.spans(filing.user)
    place = Case(
        *[When(kind=kind, then=Value(at)) for at, kind in enumerate(OrganizationKind.values)],
        output_field=IntegerField(),
    )
    found: QuerySet[Any] = organization_rows(None, question, filing.unit)
    rows = (
        found.filter(kinds)
        .select_related("parent", "unit")
        .annotate(kind_place=place, host_name=F("host__unit__name"))
        .order_by("host__unit__tree_id", "host__unit__lft", "kind_place", "code")
    )
    for chunk in _chunks(rows):
        held: dict[int, list[Any]] = defaultdict(list)
        placed = assignments(question).filter(organization__in=chunk)
        for row in placed.annotate(status_then=F("standing__status")).select_related("person"):
            held[row.organization_id].append(row)
        for each in chunk:
            inside = sorted(held[each.pk], key=lambda row: (ROLE_ORDER[row.role], row.started_on, row.pk))
            yield each, inside, access.inside(each.unit, scope)


def _names(placed: Sequence[Any], roles: Sequence[str], *, with_role: bool = False) -> str:
    return "、".join(
        f"{row.person.name}({row.get_role_display()})" if with_role else row.person.name
        for row in placed
        if row.role in roles
    )


# --- People ---------------------------------------------------------------------------------------


def commando_teams(filing: Filing) -> Sheet:
    """突击队花名册: who is in a commando team."""
    return _teams(filing, OrganizationKind.COMMANDO_TEAM.value, "commando_teams", "突击队花名册")


def pioneer_teams(filing: Filing) -> Sheet:
    """党员先锋队花名册: who is in a pioneer team."""
    return _teams(filing, OrganizationKind.PIONEER_TEAM.value, "pioneer_teams", "党员先锋队花名册")


def _teams(filing: Filing, kind: str, slug: str, title: str) -> Sheet:
    number = filing.counts()[slug]
    condition = Q(organization__kind=kind)
    times, people, members = _placed(filing, condition)
    heads = [
        Head("序号", Kind.ORDER),
        Head("队伍名称"),
        Head("队伍所在单位"),
        Head("职责"),
        *_PERSON_HEADS,
        Head("编入日期", Kind.DATE),
        *_phone_head(filing),
    ]
    found: QuerySet[Any] = assignment_rows(_metric(condition), filing.question, filing.unit)
    rows = (
        found.annotate(status_then=F("standing__status"), host_name=F("host__unit__name"), rank=_rank())
        .select_related("person__home_unit", "organization")
        .order_by(
            "host__unit__tree_id",
            "host__unit__lft",
            "organization__code",
            "rank",
            *_by_person(filing, "person__"),
            "pk",
        )
    )

    def lines() -> Iterator[list[Cell]]:
        for at, row in enumerate(rows.iterator(chunk_size=CHUNK), start=1):
            yield [
                at,
                row.organization.name,
                row.host_name,
                row.get_role_display(),
                *_person(filing, row.person, row.status_then),
                row.started_on,
                *_phone(filing, row.person),
            ]

    said = f"{METRICS[slug].label} {number} 支,{times} 人次,按人去重 {people} 人,党员 {members} 人次。"
    totals = ["合计", f"{number} 支", None, None, f"{times} 人次", *[None] * (len(heads) - 5)]
    return _sheet(filing, title, heads, lines(), totals, [said])


def frontline(filing: Filing) -> Sheet:
    """一线人员花名册: every person placed in a temporary Party organization or a formation, once."""
    counts = filing.counts()
    metric = METRICS["frontline_people"]
    assert isinstance(metric, PeopleMetric)
    heads = [
        Head("序号", Kind.ORDER),
        *_PERSON_HEADS,
        Head("所属党支部"),
        Head("编入组织及职责"),
        Head("最早编入", Kind.DATE),
        *_phone_head(filing),
    ]
    rows: QuerySet[Any] = (
        people_rows(metric, filing.question, filing.unit)
        .with_status_on(filing.question.as_of)  # type: ignore[attr-defined]
        .annotate(status_then=F("standing__status"))
        .select_related("home_unit", "home_branch")
        .order_by("home_unit__tree_id", "home_unit__lft", *_by_person(filing), "pk")
    )
    scope = access.spans(filing.user)

    def lines() -> Iterator[list[Cell]]:
        number = 0
        for chunk in _chunks(rows):
            held: dict[int, list[Assignment]] = defaultdict(list)
            placed = assignment_rows(metric, filing.question, filing.unit).filter(person__in=chunk)
            for row in placed.select_related("organization"):
                held[row.person_id].append(row)
            for person in chunk:
                number += 1
                found = sorted(
                    held[person.pk], key=lambda row: (ROLE_ORDER[row.role], row.started_on, row.pk)
                )
                branch = person.home_branch if access.inside(person.home_unit, scope) else None
                yield [
                    number,
                    *_person(filing, person, person.status_then),
                    branch.name if branch else None,
                    ";".join(f"{row.organization.name} {row.get_role_display()}" for row in found),
                    min(row.started_on for row in found),
                    *_phone(filing, person),
                ]

    said = (
        f"一线人员 {counts['frontline_people']} 人,"
        f"其中党员 {counts['frontline_party_members']} 人、辅警 {counts['frontline_auxiliaries']} 人;"
        f"编入 {counts['frontline_assignments']} 人次。"
    )
    totals = ["合计", f"{counts['frontline_people']} 人", *[None] * (len(heads) - 2)]
    return _sheet(filing, "一线人员花名册", heads, lines(), totals, [said])


_PERSON_HEADS = (
    Head("姓名"),
    Head("警号", Kind.CODE),
    Head("人员类别"),
    Head("政治面貌"),
    Head("职务"),
    Head("所属单位"),
)


def _person(filing: Filing, person: Any, status: str | None) -> list[Cell]:
    return [
        person.name,
        access.shown_number(filing.user, person),
        person.get_category_display(),
        str(PoliticalStatus(status or PoliticalStatus.UNKNOWN).label),
        person.title,
        person.home_unit.name,
    ]


def _phone_head(filing: Filing) -> list[Head]:
    return [Head("联系电话", Kind.CODE)] if filing.with_phones else []


def _phone(filing: Filing, person: Any) -> list[Cell]:
    """Return the telephone where it was asked for: only of those whose telephone the user may open."""
    if not filing.with_phones:
        return []
    return [person.phone if access.sees_private(filing.user, person) else None]


def _by_person(filing: Filing, path: str = "") -> list[str]:
    """Order by police number for who sees them: elsewhere the order would give them away."""
    sees = bool(getattr(filing.user, "is_superuser", False)) or access.may_somewhere(
        filing.user, access.PERSONAL
    )
    return [f"{path}number"] if sees else [f"{path}name"]


def _rank() -> Case:
    whens = [When(role=role, then=Value(place)) for role, place in ROLE_ORDER.items()]
    return Case(*whens, default=Value(len(whens)), output_field=IntegerField())


def _metric(condition: Q) -> PeopleMetric:
    return PeopleMetric("roster", METRICS["frontline_assignments"].label, condition, distinct=False)


def _placed(filing: Filing, condition: Q) -> tuple[int, int, int]:
    """Count who is placed: person-times, distinct people, and person-times of Party members."""
    rows = assignment_rows(_metric(condition), filing.question, filing.unit)
    found = rows.aggregate(
        times=Count("pk"),
        people=Count("person_id", distinct=True),
        members=Count("pk", filter=Q(standing__status__in=MEMBER_STATUSES)),
    )
    return found["times"], found["people"], found["members"]


def _is_member(row: Any) -> bool:
    return row.status_then in MEMBER_STATUSES


# --- The units below ------------------------------------------------------------------------------

_PARTY, _TEAMS, _FORCES, _PEOPLE = "临时党组织", "先锋队、突击队", "专班和工作组", "一线人员"
_SUMMED = (
    ("temporary_party_orgs", _PARTY, "合计"),
    ("temporary_committees", _PARTY, "党委"),
    ("temporary_general_branches", _PARTY, "党总支"),
    ("temporary_branches", _PARTY, "党支部"),
    ("temporary_groups", "", "临时党小组"),
    ("pioneer_posts", "", "党员先锋岗"),
    ("pioneer_teams", _TEAMS, "先锋队(支)"),
    ("commando_teams", _TEAMS, "突击队(支)"),
    ("team_members", _TEAMS, "队员(人)"),
    ("task_forces", _FORCES, "专班"),
    ("work_groups", _FORCES, "工作组"),
    ("leading_groups", _FORCES, "领导小组"),
    ("frontline_people", _PEOPLE, "人数"),
    ("frontline_party_members", _PEOPLE, "党员"),
    ("frontline_auxiliaries", _PEOPLE, "辅警"),
    ("frontline_assignments", _PEOPLE, "编入人次"),
)


def subordinate_units(filing: Filing) -> Sheet:
    """下级单位汇总表: every count of each unit directly below, of the unit itself, and the total."""
    found = rollup(filing.unit, filing.question)
    heads = [
        Head("序号", Kind.ORDER),
        Head("单位"),
        *(Head(word, Kind.NUMBER, group) for _slug, group, word in _SUMMED),
        Head("党员占比", Kind.SHARE, _PEOPLE),
    ]

    def numbers(line: Line) -> list[Cell]:
        people = line.counts["frontline_people"]
        share = line.counts["frontline_party_members"] / people if people else None
        return [*(line.counts[slug] for slug, _group, _word in _SUMMED), share]

    rows: list[list[Cell]] = [
        [at, line.unit.name, *numbers(line)] for at, line in enumerate(found.children, start=1)
    ]
    rows.append([len(rows) + 1, f"{filing.unit.name}(本级)", *numbers(found.own)])
    said = "人数按人去重:同一人编入多个单位的组织时各单位分别计入,合计只计一次,所以各行之和可能大于合计。"
    totals = ["合计", f"{len(rows)} 个单位", *numbers(found.total)]
    return _sheet(filing, "下级单位汇总表", heads, rows, totals, [said])


# --- What they share ------------------------------------------------------------------------------


def _sheet(
    filing: Filing,
    title: str,
    heads: Sequence[Head],
    rows: Any,
    totals: Sequence[Cell],
    notes: Sequence[str],
) -> Sheet:
    question = filing.question
    day = question.as_of
    facts = "填报单位:{unit}(含下级单位)    截至日期:{day}    口径:{basis}    专项任务:{campaign}".format(
        unit=filing.unit.name,
        day=f"{day.year}年{day.month}月{day.day}日",
        basis=str(Basis.CURRENT.label),
        campaign=question.campaign.name if question.campaign else "全部",
    )
    now = timezone.localtime()
    said = "{author} 于 {now} 自战时党建组织登记系统导出。".format(
        author=filing.author,
        now=f"{now:%Y-%m-%d %H:%M}",
    )
    if organization_rows(None, question, filing.unit).filter(is_sample=True).exists():
        said += "含演示数据。"
    return Sheet(
        title,
        f"{filing.unit.name}{title}",
        heads,
        rows,
        [facts],
        totals=totals,
        notes=[*notes, said],
        signature=(
            "填报单位(盖章):                填报人:              审核人:              联系电话:              "
        ),
        for_filing=True,
    )


def _chunks(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    found = rows.iterator(chunk_size=CHUNK)
    while chunk := list(islice(found, CHUNK)):
        yield chunk


READY: dict[str, Ready] = {
    ready.slug: ready
    for ready in (
        Ready(
            "temporary-organizations",
            "临时党组织一览表",
            "临时党委、党总支、党支部和党小组,班子成员、人数和批复文号",
            ("temporary_party_orgs", "temporary_groups"),
            temporary_organizations,
        ),
        Ready(
            "pioneer-posts",
            "党员先锋岗台账",
            "每个先锋岗的设岗日期、负责人和岗位人员",
            ("pioneer_posts",),
            pioneer_posts,
        ),
        Ready(
            "commando-teams",
            "突击队花名册",
            "每支突击队的队员,一人一行",
            ("commando_teams",),
            commando_teams,
            has_people=True,
        ),
        Ready(
            "pioneer-teams",
            "党员先锋队花名册",
            "每支党员先锋队的队员,一人一行",
            ("pioneer_teams",),
            pioneer_teams,
            has_people=True,
        ),
        Ready(
            "frontline",
            "一线人员花名册",
            "编入临时党组织和各类队伍的人员,一人一行,不重复",
            ("frontline_people",),
            frontline,
            has_people=True,
        ),
        Ready(
            "subordinate-units",
            "下级单位汇总表",
            "直接下级各单位的各项数字、本级和合计",
            (),
            subordinate_units,
        ),
    )
}
"""Every ready sheet by its slug, in the order in which the page offers them."""
