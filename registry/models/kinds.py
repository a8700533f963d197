"""The registry's controlled vocabularies, and which organization may stand under which.

Every kind, role, status and state is named here once, with the Chinese term that the pages show.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class UnitKind(models.TextChoices):
    """What kind of public-security organ a unit is."""

    MINISTRY = "ministry", _("公安部")
    DEPARTMENT = "department", _("公安厅")
    BUREAU = "bureau", _("公安局")
    SUB_BUREAU = "sub_bureau", _("分局")
    HEADQUARTERS = "headquarters", _("机关")
    DIVISION = "division", _("处室")
    CORPS = "corps", _("总队")
    DETACHMENT = "detachment", _("支队")
    BRIGADE = "brigade", _("大队")
    SQUADRON = "squadron", _("中队")
    STATION = "station", _("派出所")
    CHECKPOINT = "checkpoint", _("检查站")
    DETENTION_HOUSE = "detention_house", _("监管场所")
    OTHER = "other", _("其他")


class OrganizationKind(models.TextChoices):
    """The kinds of Party organizations and of formations."""

    COMMITTEE = "committee", _("党委")
    GENERAL_BRANCH = "general_branch", _("党总支")
    BRANCH = "branch", _("党支部")
    GROUP = "group", _("党小组")
    PIONEER_POST = "pioneer_post", _("党员先锋岗")
    PIONEER_TEAM = "pioneer_team", _("党员先锋队")
    COMMANDO_TEAM = "commando_team", _("突击队")
    TASK_FORCE = "task_force", _("专班")
    WORK_GROUP = "work_group", _("工作组")
    LEADING_GROUP = "leading_group", _("领导小组")


K = OrganizationKind

PARTY_KINDS: tuple[str, ...] = (K.COMMITTEE.value, K.GENERAL_BRANCH.value, K.BRANCH.value, K.GROUP.value)
FORMATION_KINDS: tuple[str, ...] = tuple(kind.value for kind in K if kind.value not in PARTY_KINDS)
TEAM_KINDS: tuple[str, ...] = (K.PIONEER_TEAM.value, K.COMMANDO_TEAM.value)

NO_SUPERIOR = ""
"""Stands in ``ALLOWED_PARENTS`` for "may have none above it"."""

_PARTY_BODIES = (K.COMMITTEE.value, K.GENERAL_BRANCH.value, K.BRANCH.value)

ALLOWED_PARENTS: dict[str, tuple[str, ...]] = {
    K.COMMITTEE.value: (NO_SUPERIOR, K.COMMITTEE.value),
    K.GENERAL_BRANCH.value: (NO_SUPERIOR, K.COMMITTEE.value),
    K.BRANCH.value: (NO_SUPERIOR, K.COMMITTEE.value, K.GENERAL_BRANCH.value),
    K.GROUP.value: (NO_SUPERIOR, *_PARTY_BODIES),
    K.PIONEER_POST.value: (
        NO_SUPERIOR,
        *PARTY_KINDS,
        *TEAM_KINDS,
        K.TASK_FORCE.value,
        K.WORK_GROUP.value,
    ),
    K.PIONEER_TEAM.value: (
        NO_SUPERIOR,
        *PARTY_KINDS,
        K.TASK_FORCE.value,
        K.WORK_GROUP.value,
        K.LEADING_GROUP.value,
    ),
    K.COMMANDO_TEAM.value: (
        NO_SUPERIOR,
        *PARTY_KINDS,
        K.TASK_FORCE.value,
        K.WORK_GROUP.value,
        K.LEADING_GROUP.value,
    ),
    K.TASK_FORCE.value: (NO_SUPERIOR, *_PARTY_BODIES, K.LEADING_GROUP.value),
    K.WORK_GROUP.value: (NO_SUPERIOR, *_PARTY_BODIES, K.LEADING_GROUP.value, K.TASK_FORCE.value),
    K.LEADING_GROUP.value: (NO_SUPERIOR, K.COMMITTEE.value),
}
"""Child kind -> the kinds it may stand under on the Party line. The database's guard is made from it."""


class WorkflowState(models.TextChoices):
    """Where an organization is in the approval workflow; says nothing about dates."""

    DRAFT = "draft", _("草稿")
    SUBMITTED = "submitted", _("待审批")
    APPROVED = "approved", _("已批准")
    RETURNED = "returned", _("已退回")
    WITHDRAWN = "withdrawn", _("已撤回")


PENDING_STATES: tuple[str, ...] = (
    WorkflowState.DRAFT.value,
    WorkflowState.SUBMITTED.value,
    WorkflowState.RETURNED.value,
)
"""What is shown beside a count as unapproved."""


class PersonCategory(models.TextChoices):
    """What a person is employed as."""

    OFFICER = "officer", _("民警")
    AUXILIARY = "auxiliary", _("辅警")
    CIVILIAN = "civilian", _("其他人员")


class PoliticalStatus(models.TextChoices):
    """A person's standing towards the Party on a day."""

    FULL_MEMBER = "full_member", _("正式党员")
    PROBATIONARY_MEMBER = "probationary_member", _("预备党员")
    ACTIVIST = "activist", _("入党积极分子")
    LEAGUE_MEMBER = "league_member", _("共青团员")
    MASSES = "masses", _("群众")
    UNKNOWN = "unknown", _("未登记")


MEMBER_STATUSES: tuple[str, ...] = (
    PoliticalStatus.FULL_MEMBER.value,
    PoliticalStatus.PROBATIONARY_MEMBER.value,
)


class Role(models.TextChoices):
    """What a person is in an organization."""

    SECRETARY = "secretary", _("书记")
    DEPUTY_SECRETARY = "deputy_secretary", _("副书记")
    ORGANIZATION_COMMITTEE_MEMBER = "organization_committee_member", _("组织委员")
    PUBLICITY_COMMITTEE_MEMBER = "publicity_committee_member", _("宣传委员")
    DISCIPLINE_COMMITTEE_MEMBER = "discipline_committee_member", _("纪检委员")
    LEADER = "leader", _("负责人")
    DEPUTY_LEADER = "deputy_leader", _("副职负责人")
    MEMBER = "member", _("成员")


LEADING_ROLES: tuple[str, ...] = tuple(role.value for role in Role if role != Role.MEMBER)
ROLE_ORDER: dict[str, int] = {role.value: place for place, role in enumerate(Role)}


class Basis(models.TextChoices):
    """The counting bases (口径) of DESIGN section 5."""

    CURRENT = "current", _("现有")
    CUMULATIVE = "cumulative", _("累计")
    NEW = "new", _("新增")
    ENDED = "ended", _("撤销/结束")


class Qualifier(models.TextChoices):
    """How exactly a source states a figure."""

    EXACT = "exact", _("准确")
    ABOUT = "about", _("约")
    AT_LEAST = "at_least", _("以上")
    NEARLY = "nearly", _("近")


class GrantRole(models.TextChoices):
    """What a grant lets a user do at a unit and all below it."""

    VIEWER = "viewer", _("查看")
    CLERK = "clerk", _("录入")
    APPROVER = "approver", _("审批")
    MANAGER = "manager", _("管理员")
    AUDITOR = "auditor", _("审计")
