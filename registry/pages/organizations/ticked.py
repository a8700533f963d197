"""Many organizations at once, ticked in the ledger: submit, approve, dissolve by one document."""

from __future__ import annotations

from registry.models import WorkflowState
from registry.nouns.organization import ORGANIZATION
from registry.operations import approving, seen
from registry.operations import organizations as operations
from registry.pages.organizations.forms import DissolveForm
from registry.pages.organizations.tables import OrganizationTable
from registry.refusals import OperationRefused
from registry.rules import workflow
from registry.rules.dissolutions import Extent
from registry.web.address import actor_of
from registry.web.columns import Column, noun_column
from registry.web.deciding import DecideManyForm, ReturnManyForm
from registry.web.fields import document_field, typed_day_or
from registry.web.ticked import Ticked, TickedForm, TickedSubject, back_to


class DissolveManyForm(TickedForm, DissolveForm):
    """Dissolve by one document from a day on, with what was shown of the extent (``planned``)."""

    document_number = document_field("撤销文号(一号多件)")

    unsent = ("planned", "rows")


def _who(job: Ticked) -> str:
    first, number = job.rows[0].name, len(job.rows)
    return f"“{first}”等 {number:,} 个组织" if number > 1 else f"“{first}”"


def _dissolution(job: Ticked) -> list[str]:
    """Return what dissolving them would end, in sentences."""
    day = typed_day_or(job.request.POST.get("on", ""), job.address.as_of)
    try:
        plans = operations.plan_dissolutions(actor=actor_of(job.request), organizations=job.rows, on=day)
    except OperationRefused as refusal:
        return refusal.messages
    said = [f"自 {day.isoformat()} 起撤销 {_extent(plans)}。"]
    chosen = {row.pk for row in job.rows}
    if below := [row for plan in plans for row in plan.subordinates if row.pk not in chosen]:
        names = "、".join(row.name for row in below[:5])
        said.append(
            f"其中没有勾选的下级组织 {len(below):,} 个也一并撤销:{names}{'等' if len(below) > 5 else ''}。"
        )
    return said


def _extent(plans: list[Extent]) -> str:
    number = sum(len(plan.organizations) for plan in plans)
    return f"{number:,} 个组织,结束 {sum(plan.assignments for plan in plans):,} 人次编入"


_ORGANIZATIONS = TickedSubject(
    "organization",
    (
        noun_column(
            ORGANIZATION,
            "name",
            url=lambda line: line.table.address.url(line.row.get_absolute_url()),
            is_sample="row.is_sample",
            is_heading=True,
            css="text",
        ),
        noun_column(ORGANIZATION, "kind", "类型", "row.kind_label"),
        noun_column(ORGANIZATION, "unit_name", "所在单位", "row.unit.label"),
        noun_column(ORGANIZATION, "established_on", "成立"),
        Column("状态", lambda line: WorkflowState(line.row.state).label),
    ),
    OrganizationTable,
    back_to("organizations"),
    lambda row: (row.unit.tree_id, row.unit.lft, row.code),
)


submit = _ORGANIZATIONS.change(
    "submit_organization",
    "提交审批",
    TickedForm,
    lambda job, actor: approving.submit_organizations(actor=actor, organizations=job.rows),
    sentences=lambda job: ["提交后由上级审批,批准前不计入统计。"],
    done=lambda job, rows: f"已提交{_who(job)},批准前不计入统计。",
    fits=lambda job, row: workflow.may_start(workflow.SUBMIT, row, job.user),
    beside=(seen.MEMBERS,),
)
approve = _ORGANIZATIONS.change(
    "approve_organization",
    "批准",
    DecideManyForm,
    lambda job, actor: approving.approve_organizations(
        actor=actor, organizations=job.rows, **job.form.arguments()
    ),
    sentences=lambda job: ["批准后按各自的成立日期起计入统计;文号和日期写入每一个组织。"],
    done=lambda job, rows: f"已批准{_who(job)},按其日期计入统计。",
    fits=lambda job, row: workflow.may_start(workflow.APPROVE, row, job.user),
    beside=(seen.MEMBERS,),
)
send_back = _ORGANIZATIONS.change(
    "return_organization",
    "退回",
    ReturnManyForm,
    lambda job, actor: approving.return_organizations(
        actor=actor, organizations=job.rows, **job.form.arguments()
    ),
    sentences=lambda job: ["退回后由录入单位修改,再次提交。"],
    done=lambda job, rows: f"已退回{_who(job)}。",
    fits=lambda job, row: workflow.may_start(workflow.RETURN, row, job.user),
    beside=(seen.MEMBERS,),
)
dissolve = _ORGANIZATIONS.change(
    "dissolve_organization",
    "撤销组织",
    DissolveManyForm,
    lambda job, actor: operations.dissolve_organizations(
        actor=actor, organizations=job.rows, **job.form.arguments()
    ),
    sentences=_dissolution,
    done=lambda job, plans: f"自 {job.sent['on']} 起已撤销{_who(job)},共撤销 {_extent(plans)}。",
    beside=(seen.MEMBERS,),
)
