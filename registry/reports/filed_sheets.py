"""The sheets that offices hand upward (上报表格): each for a unit with all below it, on a day.

What counts is asked of ``registry.counting``; so the totals equal the rows, and the numbers of the pages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone

from registry import access
from registry.counting.basis import Question, assignment_rows, assignments, organization_rows, people_rows
from registry.counting.metrics import METRICS, OrganizationMetric, PeopleMetric
from registry.counting.rollup import Counts, Line, rollup
from registry.models import Assignment, Basis, OrganizationKind, PoliticalStatus, Role, Unit
from registry.models.kinds import MEMBER_STATUSES, PARTY_KINDS, ROLE_ORDER, place_of_kind, rank_of_role
from registry.spreadsheets.sheets import Cell, Head, Kind, Sheet
from registry.web.columns import Column
from registry.web.lists import CHUNK, in_chunks
from registry.web.statement import Statement, statement_at
from registry.web.text import in_chinese

COMMITTEE_ROLES = (
    Role.ORGANIZATION_COMMITTEE_MEMBER.value,
    Role.PUBLICITY_COMMITTEE_MEMBER.value,
    Role.DISCIPLINE_COMMITTEE_MEMBER.value,
)
_ORGANIZATIONS = tuple(slug for slug, metric in METRICS.items() if isinstance(metric, OrganizationMetric))
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
    on_paper: bool = False
    """Paper says at its foot who printed it and when."""

    @cached_property
    def line(self) -> Line:
        """What is counted of the unit with all below it."""
        return rollup(self.unit, self.question, children=False).total

    def counts(self) -> Counts:
        """Return every count of the unit with all below it."""
        return self.line.counts

    def statement(self, metrics: Iterable[str] = ()) -> Statement:
        """Return the statement of a sheet that counts ``metrics``; without them, of all organizations."""
        return statement_at(self.unit, self.question, self.line, metrics or _ORGANIZATIONS)


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


@dataclass(frozen=True)
class _Formed:
    """An organization of a sheet with who is in it, leaders first."""

    organization: Any
    placed: list[Any]
    is_seen: bool
    """Whether the organization is in the user's scope today; of others nobody is named."""

    def names(self, roles: Sequence[str], *, with_role: bool = False) -> str:
        """Return who holds one of ``roles``."""
        return "、".join(
            f"{row.person.name}({row.get_role_display()})" if with_role else row.person.name
            for row in self.placed
            if self.is_seen and row.role in roles
        )


def _own(title: str, value: Callable[[Any], Cell], kind: Kind = Kind.TEXT) -> Column[_Formed]:
    """Return a column of a fact of the organization itself."""
    return Column(title, lambda row: value(row.organization), kind)


def _superior(title: str) -> Column[_Formed]:
    return _own(title, lambda each: each.parent.name if each.parent else None)


def _in_it(title: str) -> tuple[Column[_Formed], ...]:
    """Return how many are in it, how many of them are members, and the honour."""
    return (
        Column(title, lambda row: len(row.placed), Kind.NUMBER),
        Column("其中党员", lambda row: sum(_is_member(each) for each in row.placed), Kind.NUMBER),
        _own("荣誉命名", lambda each: each.honour_title),
    )


_COMMITTEES: tuple[Column[_Formed], ...] = (
    _own("组织名称", lambda each: each.name),
    _own("组织类型", lambda each: each.kind_label),
    _own("所在单位", lambda each: each.host_name),
    _superior("上级组织"),
    _own("成立日期", lambda each: each.established_on, Kind.DATE),
    _own("批复文号", lambda each: each.approval_number),
    Column("书记", lambda row: row.names((Role.SECRETARY.value,))),
    Column("副书记", lambda row: row.names((Role.DEPUTY_SECRETARY.value,))),
    Column("委员", lambda row: row.names(COMMITTEE_ROLES, with_role=True)),
    *_in_it("编入人数"),
)
_POSTS: tuple[Column[_Formed], ...] = (
    _own("先锋岗名称", lambda each: each.name),
    _own("所在单位", lambda each: each.host_name),
    _superior("上级组织"),
    _own("设岗日期", lambda each: each.established_on, Kind.DATE),
    _own("批复文号", lambda each: each.approval_number),
    Column("负责人", lambda row: row.names(HEADS)),
    Column("岗位人员", lambda row: row.names(tuple(Role.values))),
    *_in_it("人数"),
)


def temporary_organizations(filing: Filing) -> Sheet:
    """临时党组织一览表: every temporary Party organization, with its committee and how many are in it."""
    counts = filing.counts()
    times, people, members = _placed(filing, Q(organization__kind__in=PARTY_KINDS))
    number = counts["temporary_party_orgs"] + counts["temporary_groups"]
    said = (
        f"临时党组织 {counts['temporary_party_orgs']} 个:"
        f"临时党委 {counts['temporary_committees']} 个、"
        f"临时党总支 {counts['temporary_general_branches']} 个、"
        f"临时党支部 {counts['temporary_branches']} 个、"
        f"临时联合党支部 {counts['temporary_joint_branches']} 个;"
        f"另有临时党小组 {counts['temporary_groups']} 个。编入 {times} 人次,按人去重 {people} 人。"
    )
    totals = [f"{number} 个", *[None] * 8, times, members, None]
    return _sheet(
        filing, "temporary-organizations", _COMMITTEES, _organizations(filing, TEMPORARY), totals, said
    )


def pioneer_posts(filing: Filing) -> Sheet:
    """党员先锋岗台账: every pioneer post with who stands there."""
    kind = OrganizationKind.PIONEER_POST.value
    number = filing.counts()["pioneer_posts"]
    times, people, members = _placed(filing, Q(organization__kind=kind))
    said = f"党员先锋岗 {number} 个,在岗 {times} 人次,按人去重 {people} 人。"
    totals = [f"{number} 个", *[None] * 6, times, members, None]
    return _sheet(filing, "pioneer-posts", _POSTS, _organizations(filing, Q(kind=kind)), totals, said)


def _organizations(filing: Filing, kinds: Q) -> Iterator[_Formed]:
    """Yield each organization with who is in it.

    One query and one more for each chunk of organizations.
    """
    question, scope = filing.question, access.spans(filing.user)
    found: QuerySet[Any] = organization_rows(None, question, filing.unit)
    rows = (
        found.filter(kinds)
        .select_related("parent", "unit")
        .annotate(kind_place=place_of_kind(), host_name=F("host__unit__name"))
        .order_by("host__unit__tree_id", "host__unit__lft", "kind_place", "order_key", "pk")
    )

    def formed(chunk: list[Any]) -> Iterator[_Formed]:
        held: dict[int, list[Any]] = defaultdict(list)
        placed = assignments(question).filter(organization__in=chunk)
        for row in placed.annotate(status_then=F("standing__status")).select_related("person"):
            held[row.organization_id].append(row)
        for each in chunk:
            inside = sorted(held[each.pk], key=_by_name)
            yield _Formed(each, inside, access.inside(each.unit, scope))

    return in_chunks(rows, formed)


# --- People ---------------------------------------------------------------------------------------


def _teams(kind: OrganizationKind, slug: str, sheet: str, filing: Filing) -> Sheet:
    """Return who is in a team of one kind."""
    number = filing.counts()[slug]
    condition = Q(organization__kind=kind)
    times, people, members = _placed(filing, condition)
    columns: list[Column[Any]] = [
        Column("队伍名称", lambda row: row.organization.name),
        Column("队伍所在单位", lambda row: row.host_name),
        Column("职责", lambda row: row.get_role_display()),
        *_person_columns(filing, lambda row: row.person, lambda row: row.status_then),
        Column("编入日期", lambda row: row.started_on, Kind.DATE),
        *_phone_column(filing, lambda row: row.person),
    ]
    found: QuerySet[Any] = assignment_rows(_metric(condition), filing.question, filing.unit)
    rows = (
        found.annotate(
            status_then=F("standing__status"), host_name=F("host__unit__name"), rank=rank_of_role()
        )
        .select_related("person__home_unit", "organization")
        .order_by(
            "host__unit__tree_id",
            "host__unit__lft",
            "organization__order_key",
            "organization",
            "rank",
            "person__order_key",
            "pk",
        )
    )

    said = f"{METRICS[slug].label} {number} 支,{times} 人次,按人去重 {people} 人,党员 {members} 人次。"
    totals = [f"{number} 支", None, None, f"{times} 人次", *[None] * (len(columns) - 4)]
    return _sheet(filing, sheet, columns, rows.iterator(chunk_size=CHUNK), totals, said)


@dataclass(frozen=True)
class _Enlisted:
    """A person of the frontline with all placements, leaders first."""

    person: Any
    placed: list[Assignment]
    is_seen: bool
    """Whether the formal membership is in the user's scope."""


def frontline(filing: Filing) -> Sheet:
    """一线人员花名册: every person placed in a temporary Party organization or a formation, once."""
    counts = filing.counts()
    metric = METRICS["frontline_people"]
    assert isinstance(metric, PeopleMetric)
    columns: list[Column[_Enlisted]] = [
        *_person_columns(filing, lambda row: row.person, lambda row: row.person.status_then),
        Column(
            "所属党支部",
            lambda row: row.person.home_branch.name if row.is_seen and row.person.home_branch else None,
        ),
        Column(
            "编入组织及职责",
            lambda row: ";".join(
                f"{each.organization.name} {each.get_role_display()}" for each in row.placed
            ),
        ),
        Column("最早编入", lambda row: min(each.started_on for each in row.placed), Kind.DATE),
        *_phone_column(filing, lambda row: row.person),
    ]
    rows: QuerySet[Any] = (
        people_rows(metric, filing.question, filing.unit)
        .with_status_on(filing.question.as_of)  # type: ignore[attr-defined]
        .annotate(status_then=F("standing__status"))
        .select_related("home_unit", "home_branch")
        .order_by("home_unit__tree_id", "home_unit__lft", "order_key", "pk")
    )
    scope = access.spans(filing.user)

    def enlisted(chunk: list[Any]) -> Iterator[_Enlisted]:
        held: dict[int, list[Assignment]] = defaultdict(list)
        placed = assignment_rows(metric, filing.question, filing.unit).filter(person__in=chunk)
        for row in placed.select_related("organization"):
            held[row.person_id].append(row)
        for person in chunk:
            is_seen = access.inside(person.home_unit, scope)
            yield _Enlisted(person, sorted(held[person.pk], key=_by_rank), is_seen)

    said = (
        f"一线人员 {counts['frontline_people']} 人,"
        f"其中党员 {counts['frontline_party_members']} 人、辅警 {counts['frontline_auxiliaries']} 人;"
        f"编入 {counts['frontline_assignments']} 人次。"
    )
    totals = [f"{counts['frontline_people']} 人", *[None] * (len(columns) - 1)]
    return _sheet(filing, "frontline", columns, in_chunks(rows, enlisted), totals, said)


def _person_columns(
    filing: Filing, person: Callable[[Any], Any], status: Callable[[Any], str | None]
) -> tuple[Column[Any], ...]:
    """Return who it is: ``person`` finds the person in a row, ``status`` the political status of the day."""
    return (
        Column("姓名", lambda row: person(row).name),
        Column("警号", lambda row: access.shown_number(filing.user, person(row)), Kind.CODE),
        Column("人员类别", lambda row: person(row).get_category_display()),
        Column("政治面貌", lambda row: str(PoliticalStatus(status(row) or PoliticalStatus.UNKNOWN).label)),
        Column("职务", lambda row: person(row).title),
        Column("所属单位", lambda row: person(row).home_unit.name),
    )


def _phone_column(filing: Filing, person: Callable[[Any], Any]) -> list[Column[Any]]:
    """Return the telephone where it was asked for: only of those whose telephone the user may open."""

    def phone(row: Any) -> Cell:
        number: str = person(row).phone
        return number if access.sees_private(filing.user, person(row)) else None

    return [Column("联系电话", phone, Kind.CODE)] if filing.with_phones else []


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


def _by_name(row: Assignment) -> tuple[int, str, int]:
    """Order leaders first, then by name."""
    return ROLE_ORDER[row.role], row.person.order_key, row.pk


def _by_rank(row: Assignment) -> tuple[int, date, int]:
    """Order leaders first, then by date."""
    return ROLE_ORDER[row.role], row.started_on, row.pk


def _is_member(row: Any) -> bool:
    return row.status_then in MEMBER_STATUSES


# --- The units below ------------------------------------------------------------------------------

_PARTY, _TEAMS, _FORCES, _PEOPLE = "临时党组织", "先锋队、突击队", "专班和工作组", "一线人员"
_SUMMED = (
    ("temporary_party_orgs", _PARTY, "合计"),
    ("temporary_committees", _PARTY, "党委"),
    ("temporary_general_branches", _PARTY, "党总支"),
    ("temporary_branches", _PARTY, "党支部"),
    ("temporary_joint_branches", _PARTY, "联合党支部"),
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


def _sum(slug: str, group: str, word: str) -> Column[tuple[str, Line]]:
    return Column(word, lambda row: row[1].counts[slug], head=Head(word, Kind.NUMBER, group))


def _share(row: tuple[str, Line]) -> float | None:
    counts = row[1].counts
    people = counts["frontline_people"]
    return counts["frontline_party_members"] / people if people else None


_SUMS: tuple[Column[tuple[str, Line]], ...] = (
    Column("单位", lambda row: row[0]),
    *(_sum(slug, group, word) for slug, group, word in _SUMMED),
    Column("党员占比", _share, head=Head("党员占比", Kind.SHARE, _PEOPLE)),
)


def subordinate_units(filing: Filing) -> Sheet:
    """下级单位汇总表: every count of each unit directly below, of the unit itself, and the total."""
    found = rollup(filing.unit, filing.question)
    rows: list[tuple[str, Line]] = [(line.unit.name, line) for line in found.children]
    rows.append((f"{filing.unit.name}(本级)", found.own))
    said = "人数按人去重:同一人编入多个单位的组织时各单位分别计入,合计只计一次,所以各行之和可能大于合计。"
    total = (f"{len(rows):,} 个单位", found.total)
    return _sheet(
        filing, "subordinate-units", _SUMS, iter(rows), [column.of(total) for column in _SUMS], said
    )


# --- What they share ------------------------------------------------------------------------------


def _sheet(
    filing: Filing,
    slug: str,
    columns: Sequence[Column[Any]],
    rows: Iterator[Any],
    totals: Sequence[Cell],
    said: str,
) -> Sheet:
    """Return the sheet of these rows, numbered; ``totals`` without the word for them."""
    question, ready = filing.question, READY[slug]
    day = question.as_of
    statement = filing.statement(ready.metrics)
    facts = "填报单位:{unit}(含下级单位)    截至日期:{day}    口径:{basis}    专项任务:{campaign}".format(
        unit=filing.unit.name,
        day=in_chinese(day),
        basis=str(Basis.CURRENT.label),
        campaign=question.campaign.label if question.campaign else "全部",
    )
    now = timezone.localtime()
    taken = "{author} 于 {now} 自战时党建组织登记系统导出。".format(
        author=filing.author,
        now=f"{now:%Y-%m-%d %H:%M}",
    )
    taken = "" if filing.on_paper else taken
    if organization_rows(None, question, filing.unit).filter(is_sample=True).exists():
        taken += "含演示数据。"
    return Sheet(
        ready.title,
        f"{filing.unit.name}{ready.title}",
        [Head("序号", Kind.ORDER), *(column.file_head for column in columns)],
        ([at, *(column.of(row) for column in columns)] for at, row in enumerate(rows, start=1)),
        [facts, *statement.cautions],
        totals=["合计", *totals],
        notes=[said, *([taken] if taken else [])],
        signature=(
            "填报单位(盖章):                填报人:              审核人:              联系电话:              "
        ),
        for_filing=True,
    )


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
            partial(_teams, OrganizationKind.COMMANDO_TEAM, "commando_teams", "commando-teams"),
            has_people=True,
        ),
        Ready(
            "pioneer-teams",
            "党员先锋队花名册",
            "每支党员先锋队的队员,一人一行",
            ("pioneer_teams",),
            partial(_teams, OrganizationKind.PIONEER_TEAM, "pioneer_teams", "pioneer-teams"),
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
