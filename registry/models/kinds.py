"""The registry's controlled vocabularies, and which organization may stand under which.

Every kind, role, status and state is named here once, with the Chinese term that the pages show.
"""

from django.db import models


class UnitKind(models.TextChoices):
    """The kinds of public-security organs."""

    MINISTRY = "ministry", "公安部"
    DEPARTMENT = "department", "公安厅"
    BUREAU = "bureau", "公安局"
    SUB_BUREAU = "sub_bureau", "分局"
    HEADQUARTERS = "headquarters", "机关"
    DIVISION = "division", "处室"
    CORPS = "corps", "总队"
    DETACHMENT = "detachment", "支队"
    BRIGADE = "brigade", "大队"
    SQUADRON = "squadron", "中队"
    STATION = "station", "派出所"
    CHECKPOINT = "checkpoint", "检查站"
    DETENTION_HOUSE = "detention_house", "监管场所"
    OTHER = "other", "其他"


OFFICE_KINDS: tuple[str, ...] = (
    UnitKind.MINISTRY.value,
    UnitKind.DEPARTMENT.value,
    UnitKind.BUREAU.value,
    UnitKind.SUB_BUREAU.value,
    UnitKind.HEADQUARTERS.value,
    UnitKind.DIVISION.value,
)
"""The offices (机关): an organ itself, and its headquarters and divisions; all others are at the front."""
OWN_ORGANS: tuple[str, ...] = (
    UnitKind.MINISTRY.value,
    UnitKind.HEADQUARTERS.value,
    UnitKind.DIVISION.value,
    UnitKind.CORPS.value,
    UnitKind.DETACHMENT.value,
    UnitKind.BRIGADE.value,
    UnitKind.SQUADRON.value,
    UnitKind.DETENTION_HOUSE.value,
)
"""Organs of the superior itself: they come before the bureaus and stations of its regions."""


class OrganizationKind(models.TextChoices):
    """The kinds of Party organizations and of formations."""

    COMMITTEE = "committee", "党委"
    GENERAL_BRANCH = "general_branch", "党总支"
    BRANCH = "branch", "党支部"
    JOINT_BRANCH = "joint_branch", "联合党支部"
    GROUP = "group", "党小组"
    PIONEER_POST = "pioneer_post", "党员先锋岗"
    PIONEER_TEAM = "pioneer_team", "党员先锋队"
    COMMANDO_TEAM = "commando_team", "突击队"
    TASK_FORCE = "task_force", "专班"
    WORK_GROUP = "work_group", "工作组"
    LEADING_GROUP = "leading_group", "领导小组"


K = OrganizationKind

BRANCH_KINDS: tuple[str, ...] = (K.BRANCH.value, K.JOINT_BRANCH.value)
"""A joint branch is one branch of several neighbouring units; counted apart (national codes 632, 932)."""
PARTY_BODIES: tuple[str, ...] = (K.COMMITTEE.value, K.GENERAL_BRANCH.value, *BRANCH_KINDS)
"""The Party organizations that national statistics count: without groups, which are parts of them."""
PARTY_KINDS: tuple[str, ...] = (*PARTY_BODIES, K.GROUP.value)
FORMATION_KINDS: tuple[str, ...] = tuple(kind.value for kind in K if kind.value not in PARTY_KINDS)
TEAM_KINDS: tuple[str, ...] = (K.PIONEER_TEAM.value, K.COMMANDO_TEAM.value)

NO_SUPERIOR = ""
"""In ``ALLOWED_PARENTS``: it may have no superior."""

ALLOWED_PARENTS: dict[str, tuple[str, ...]] = {
    K.COMMITTEE.value: (NO_SUPERIOR, K.COMMITTEE.value),
    K.GENERAL_BRANCH.value: (NO_SUPERIOR, K.COMMITTEE.value),
    **dict.fromkeys(BRANCH_KINDS, (NO_SUPERIOR, K.COMMITTEE.value, K.GENERAL_BRANCH.value)),
    K.GROUP.value: (NO_SUPERIOR, *PARTY_BODIES),
    K.PIONEER_POST.value: (NO_SUPERIOR, *PARTY_KINDS, *TEAM_KINDS, K.TASK_FORCE.value, K.WORK_GROUP.value),
    **dict.fromkeys(
        TEAM_KINDS,
        (NO_SUPERIOR, *PARTY_KINDS, K.TASK_FORCE.value, K.WORK_GROUP.value, K.LEADING_GROUP.value),
    ),
    K.TASK_FORCE.value: (NO_SUPERIOR, *PARTY_BODIES, K.LEADING_GROUP.value),
    K.WORK_GROUP.value: (NO_SUPERIOR, *PARTY_BODIES, K.LEADING_GROUP.value, K.TASK_FORCE.value),
    K.LEADING_GROUP.value: (NO_SUPERIOR, K.COMMITTEE.value),
}
"""Child kind -> the kinds it may be under on the Party line. The database's trigger is made from it."""


class WorkflowState(models.TextChoices):
    """The state of an organization in the approval workflow; independent of its dates."""

    DRAFT = "draft", "草稿"
    SUBMITTED = "submitted", "已提交"
    APPROVED = "approved", "已批准"
    RETURNED = "returned", "已退回"
    WITHDRAWN = "withdrawn", "已撤回"


PENDING_STATES: tuple[str, ...] = (
    WorkflowState.DRAFT.value,
    WorkflowState.SUBMITTED.value,
    WorkflowState.RETURNED.value,
)
"""The states that are shown beside a count as 待审批."""


class PersonCategory(models.TextChoices):
    """A person's category of employment."""

    OFFICER = "officer", "民警"
    AUXILIARY = "auxiliary", "辅警"
    CIVILIAN = "civilian", "其他人员"


class PoliticalStatus(models.TextChoices):
    """A person's political status on a day."""

    FULL_MEMBER = "full_member", "正式党员"
    PROBATIONARY_MEMBER = "probationary_member", "预备党员"
    CANDIDATE = "candidate", "发展对象"
    ACTIVIST = "activist", "入党积极分子"
    APPLICANT = "applicant", "入党申请人"
    LEAGUE_MEMBER = "league_member", "共青团员"
    DEMOCRATIC_PARTY = "democratic_party", "民主党派"
    NO_PARTY = "no_party", "无党派人士"
    MASSES = "masses", "群众"
    UNKNOWN = "unknown", "未登记"


MEMBER_STATUSES: tuple[str, ...] = (
    PoliticalStatus.FULL_MEMBER.value,
    PoliticalStatus.PROBATIONARY_MEMBER.value,
)


class Leaving(models.TextChoices):
    """How a person's service ended."""

    RETIRED = "retired", "退休"
    TRANSFERRED = "transferred", "调出"
    RESIGNED = "resigned", "辞职"
    DISMISSED = "dismissed", "辞退或开除"
    DIED = "died", "去世"


class Role(models.TextChoices):
    """A person's role in an organization (职责)."""

    SECRETARY = "secretary", "书记"
    DEPUTY_SECRETARY = "deputy_secretary", "副书记"
    ORGANIZATION_COMMITTEE_MEMBER = "organization_committee_member", "组织委员"
    PUBLICITY_COMMITTEE_MEMBER = "publicity_committee_member", "宣传委员"
    DISCIPLINE_COMMITTEE_MEMBER = "discipline_committee_member", "纪检委员"
    LEADER = "leader", "负责人"
    DEPUTY_LEADER = "deputy_leader", "副职负责人"
    MEMBER = "member", "成员"


LEADING_ROLES: tuple[str, ...] = tuple(role.value for role in Role if role != Role.MEMBER)
ROLE_ORDER: dict[str, int] = {role.value: place for place, role in enumerate(Role)}


class Basis(models.TextChoices):
    """The counting bases (口径)."""

    CURRENT = "current", "现有"
    CUMULATIVE = "cumulative", "累计"
    NEW = "new", "新增"
    ENDED = "ended", "撤销/结束"


class DateBasis(models.TextChoices):
    """How the day of an article is known."""

    STATED = "stated", "文中注明"
    NOT_STATED = "not stated", "文中未注明"
    INFERRED = "inferred from title prefix", "据标题推断"


class FigureCategory(models.TextChoices):
    """What a reported figure is about."""

    ORGANIZATION = "organization", "组织"
    PEOPLE = "people", "人员"
    OPERATIONS = "operations", "警务"
    ACTIVITY = "activity", "活动"
    PUBLICITY = "publicity", "宣传"
    CARE = "care", "关爱"
    COMMENDATION = "commendation", "表彰"


class Qualifier(models.TextChoices):
    """How exactly a source states a figure."""

    EXACT = "exact", "准确"
    ABOUT = "about", "约"
    AT_LEAST = "at_least", "以上"
    NEARLY = "nearly", "近"


class GrantRole(models.TextChoices):
    """The roles of grants (角色): what a user may do at a unit and all below it."""

    VIEWER = "viewer", "查看"
    CLERK = "clerk", "录入"
    APPROVER = "approver", "审批"
    MANAGER = "manager", "管理员"
    AUDITOR = "auditor", "审计"


def rank_of_role() -> models.Case:
    """Return the place of a row's ``role`` in the order of rank, to sort by."""
    return _place("role", list(ROLE_ORDER))


def place_of_kind() -> models.Case:
    """Return the place of an organization's ``kind`` in the order of display, to sort by."""
    return _place("kind", OrganizationKind.values)


def _place(name: str, values: list[str]) -> models.Case:
    whens = [models.When(**{name: value}, then=models.Value(place)) for place, value in enumerate(values)]
    return models.Case(*whens, default=models.Value(len(values)), output_field=models.IntegerField())
