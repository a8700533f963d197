"""Organizations: Party organizations and formations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone

from registry.models import Organization, OrganizationKind, OrganizationTerm, Unit, UnitKind, WorkflowState
from registry.models.hierarchy import units_above
from registry.models.kinds import ALLOWED_PARENTS, PARTY_KINDS
from registry.models.organization import OrganizationQuerySet
from registry.nouns.columns import CODES, DAYS, YES, Column, Layout, Value, headers, key_of
from registry.nouns.noun import Noun, Picker, PickerQuery, Texts
from registry.nouns.unit import UNIT_CODES, UNIT_NAMES
from registry.nouns.verbs import APPROVE, ENTER, Verb

_TEMPORARY = "临时"
_NATIONAL_CODES = {"911": "临时党委", "921": "临时党总支", "931": "临时党支部", "932": "临时联合党支部"}
"""National Party statistics' codes for temporary organizations; those for standing ones are ``words``."""


def _mend(values: Mapping[str, Value], raws: Mapping[str, Any]) -> tuple[dict[str, Value], dict[str, str]]:
    """Read 临时党支部 in the column of kinds as 党支部 and temporary."""
    raw = raws.get("kind")
    word = key_of(str(raw)) if isinstance(raw, str | float) else ""
    word = _NATIONAL_CODES.get(word.removesuffix(".0"), word)
    if not isinstance(raw, str | float) or not word.startswith(_TEMPORARY):
        return {}, {}
    kind = SHEET.by_slug["kind"].meanings.get(word.removeprefix(_TEMPORARY))
    if kind is None or kind not in PARTY_KINDS:
        return ({} if kind is None else {"kind": kind}), {}
    if values.get("is_temporary") is False:
        column = SHEET.by_slug["is_temporary"].header
        return {"kind": kind}, {"is_temporary": f"组织类型写的是“{str(raw).strip()}”,“{column}”却填了否"}
    is_said = bool(raws.get("is_temporary"))
    return {"kind": kind} if is_said else {"kind": kind, "is_temporary": True}, {}


SHEET = Layout(
    mend=_mend,
    slug="organizations",
    title="组织",
    model=Organization,
    importer="registry.imports.organizations.OrganizationImporter",
    key=("code",),
    needed=("code",),
    columns=(
        Column(
            "code",
            required=False,
            also=(*headers("组织 党组织", CODES), "代码", "编码"),
            help="小写字母、数字和连字符;代码已有的按代码更新,没有的新增。不填的按名称对应,新增的由系统编代码。",
            example="decheng-linshi-zhibu",
        ),
        Column(
            "name",
            names="code",
            also=(*headers("组织 党组织", "名称 全称"), "名称", "全称", "组织", "党组织"),
            help="组织全称。",
            example="德城分局疫情防控临时党支部",
        ),
        Column(
            "kind",
            also=("组织类别", "党组织类别", "党组织类型", "类别", "类型"),
            words={
                OrganizationKind.COMMITTEE: ("基层党委", "机关党委", "党的委员会", "611"),
                OrganizationKind.GENERAL_BRANCH: (
                    *("总支", "总支部", "党总支部", "党总支部委员会", "总支部委员会", "党总支委员会", "621"),
                ),
                OrganizationKind.BRANCH: ("支部", "党支部委员会", "支部委员会", "支委会", "631"),
                OrganizationKind.JOINT_BRANCH: ("联合支部", "联合党支部委员会", "632"),
                OrganizationKind.GROUP: ("小组", "党员小组"),
                OrganizationKind.PIONEER_POST: ("先锋岗", "党员先锋示范岗"),
                OrganizationKind.PIONEER_TEAM: ("先锋队",),
                OrganizationKind.COMMANDO_TEAM: ("党员突击队",),
                OrganizationKind.TASK_FORCE: ("工作专班",),
            },
            help="写作“临时党支部”等或党内统计代码(632、932 等)也可以;“临时”读作临时党组织。",
            example=OrganizationKind.BRANCH.value,
        ),
        Column(
            "is_temporary",
            "是否临时",
            also=("临时", "临时党组织", "是否临时党组织", "临时或常设"),
            help="临时党组织填“是”;先锋岗、突击队等不是党组织,填“否”。",
            example=YES,
        ),
        Column(
            "unit",
            "所在单位代码",
            also=UNIT_CODES,
            example="dezhou-shi-gonganju-decheng",
        ),
        Column("unit_name", "所在单位", names="unit", also=UNIT_NAMES, is_info=True),
        Column(
            "parent",
            "上级组织代码",
            also=headers("上级 上级组织 上级党组织 隶属党组织", CODES),
            help="上级组织可以在本表其他行,先后不限。",
        ),
        Column(
            "parent_name",
            "上级组织",
            names="parent",
            also=("上级党组织", "上级组织名称", "上级党组织名称", "隶属党组织", "上级"),
            is_info=True,
        ),
        Column(
            "covered",
            "覆盖单位",
            also=("联合覆盖单位", "覆盖的单位", "联合单位"),
            max_length=300,
            help="联合党支部除所在单位外还覆盖的单位,写名称或代码,用顿号隔开;其他组织不填。",
        ),
        Column(
            "campaign",
            kind="text",
            also=("专项任务代码", "任务代码", "任务名称", "任务"),
            help="专项任务的代码或名称。",
        ),
        Column("established_on", also=headers("成立 组建 设立 批准成立", DAYS), example="2020-02-03"),
        Column("dissolved_on", also=headers("撤销 解散", DAYS), help="填写后组织自该日起撤销。"),
        Column("approval_number", also=("批准文号", "文号", "成立文号"), example="德公党〔2020〕3号"),
        Column("approved_on", also=headers("批复 批准", DAYS), help="没有就留空,批准时填写。"),
        Column("dissolution_number"),
        Column("honour_title", also=("荣誉称号", "命名")),
        Column("aliases", help="多个别名用分号隔开。"),
        Column("note", also=("说明",)),
        Column("state", "审批状态", also=("状态",), is_info=True),
    ),
)


def superiors_of(unit: Unit) -> QuerySet[Organization]:
    """Return the organizations at other units that may be superior to one at ``unit``.

    Approved Party organizations, leading groups and task forces that stand today at the units above
    ``unit``, and at the headquarters units directly below those.
    """
    above = units_above(unit)
    headquarters = Unit.objects.filter(kind=UnitKind.HEADQUARTERS, parent__in=above).order_by()
    return (
        Organization.objects.approved()
        .as_of(timezone.localdate())
        .filter(
            # Keys that are known, for an index: of either of two subqueries all that stands would be read.
            unit__in={*above, *headquarters.values_list("pk", flat=True)},
            kind__in=(*PARTY_KINDS, OrganizationKind.LEADING_GROUP, OrganizationKind.TASK_FORCE),
        )
    )


def _marks(organization: Organization) -> list[str]:
    marks = []
    if organization.dissolved_on is not None:
        marks.append(f"{organization.dissolved_on.isoformat()} 撤销")
    if organization.state != WorkflowState.APPROVED:
        marks.append(organization.get_state_display())
    return marks


def _narrow(rows: QuerySet[Organization], query: PickerQuery) -> QuerySet[Organization]:
    """Leave out what is withdrawn; with a ``kind``, what may not stand above one of that kind on the day."""
    rows = rows.exclude(state=WorkflowState.WITHDRAWN)
    kinds = ALLOWED_PARENTS.get(query.given.get("kind", ""))
    if kinds is None:
        return rows
    return cast(OrganizationQuerySet, rows.filter(kind__in=kinds)).as_of(query.as_of)


ORGANIZATION = Noun(
    key="organization",
    plural="organizations",
    label="组织",
    model=Organization,
    verbs=(
        Verb("establish_organization", "登记组织", ENTER),
        Verb("edit_organization", "修改组织资料", ENTER),
        Verb("move_organization", "调整上级组织", ENTER),
        Verb("transfer_organization", "转隶到其他单位", ENTER),
        Verb("cover_units", "变更覆盖单位", ENTER),
        Verb("dissolve_organization", "撤销组织", ENTER),
        Verb("merge_organization", "并入其他支部", ENTER),
        Verb("split_organization", "拆分支部", ENTER),
        Verb("reconstitute_organization", "改设为其他类型", ENTER),
        Verb("withdraw_organization", "撤回误录的组织", ENTER),
        Verb("submit_organization", "提交审批", ENTER),
        Verb("approve_organization", "批准", APPROVE),
        Verb("return_organization", "退回", APPROVE),
    ),
    unit_path="unit",
    related=("unit", "parent", "campaign", "task_body", "source", "approving_organization"),
    page="organization",
    list_page="organizations",
    edit="edit_organization",
    editable=(
        "kind",
        "is_temporary",
        "unit",
        "parent",
        "name",
        "aliases",
        "honour_title",
        "campaign",
        "task_body",
        "established_on",
        "dissolved_on",
        "approval_number",
        "approving_organization",
        "approved_on",
        "dissolution_number",
        "note",
    ),
    sheet=SHEET,
    picker=Picker(
        key="code",
        placeholder="组织名称、拼音或代码",
        note=lambda row, shown: f"{row.kind_label} · {row.unit.label}",
        related=("unit",),
        marks=_marks,
        narrow=_narrow,
        beyond=superiors_of,
        beyond_verb="establish_organization",
    ),
    texts=Texts(OrganizationTerm, ("name", "honour_title"), ("aliases",), ("code", "approval_number")),
)
