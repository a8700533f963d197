"""What is done with a unit: add below, edit, move, merge, close."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString

from registry import access
from registry.models import Unit
from registry.operations import units as operations
from registry.operations.key_figures import choose_key_figures, chosen_at
from registry.pages.units import forms
from registry.pages.units.page import KEY_FIGURES
from registry.rules import units as rules
from registry.rules.findings import warnings
from registry.web.changes import Job, Subject
from registry.web.fields import typed_day_or
from registry.web.links import way_to

FORM = "pages/units/form.html"


def _at_hand(request: HttpRequest, code: str, verb: str) -> Unit:
    unit = access.get_unit(request.user, code, verb)
    request.current_unit = unit.code  # type: ignore[attr-defined]
    return unit


def _around(job: Job) -> dict[str, Any]:
    page = job.url(job.row)
    crumbs = [{"name": job.row.label, "url": page}, {"name": job.title}]
    return {"unit": job.row, "crumbs": crumbs, "cancel_url": page}


def _to_other(job: Job, _result: Unit) -> SafeString:
    """Return the way to the other unit that the form names."""
    other = job.sent.get("superior") or job.sent.get("into")
    return way_to(job.address, other) if other else SafeString("")


_UNIT = Subject("unit", _at_hand, _around, "pages/units/confirm.html", _to_other)


def _merger(job: Job) -> list[str]:
    day = typed_day_or(job.request.POST.get("on", ""), job.address.as_of)
    left = rules.left_at(job.row, day)
    return [
        (
            f"自 {day.isoformat()} 起撤并“{job.row.name}”,转入并入单位:"
            f"下级单位 {left.units:,} 个、未撤销的组织 {left.organizations:,} 个、人员 {left.people:,} 名。"
        ),
        "此前已撤销的组织仍留在本单位;之前日期的统计不变。",
    ]


def _closure(job: Job) -> list[str]:
    left = rules.left_at(job.row, job.address.as_of)
    if not (left.units or left.organizations or left.people):
        return ["本单位没有下级单位、未撤销的组织和人员,可以撤销。"]
    return [
        (
            f"本单位还有下级单位 {left.units:,} 个、未撤销的组织 {left.organizations:,} 个、"
            f"人员 {left.people:,} 名,须先调整,或改用“并入其他单位”。"
        )
    ]


def _name_warnings(job: Job, superior: Unit | None) -> list[str]:
    return warnings(rules.name_warnings([rules.Addition(superior, name=job.sent["name"])]))


add = _UNIT.change(
    operations.add_unit,
    forms.AddUnitForm,
    "增设下级单位",
    name="superior",
    submit_label="增设单位",
    initial=lambda job: {"kind": "station"},
    done=lambda job, made: f"已在{job.row.label}下增设“{made.name}”。",
    warn=lambda job: _name_warnings(job, job.row),
    link=lambda job, made: way_to(job.address, job.row),
    back=lambda job, made: job.url(made),
    template=FORM,
)
edit = _UNIT.change(
    operations.edit_unit,
    forms.EditUnitForm,
    "修改单位资料",
    submit_label="保存",
    done=lambda job, row: f"已保存“{row.name}”的修改。",
    warn=lambda job: _name_warnings(job, job.row.parent) if job.sent["name"] != job.row.name else [],
    template=FORM,
)
move = _UNIT.change(
    operations.move_unit,
    forms.MoveUnitForm,
    "调整上级单位",
    sentences=lambda job: [
        f"现在的上级单位:{job.row.parent.name if job.row.parent else '无'}。",
        f"连同下级 {(job.row.rght - job.row.lft - 1) // 2} 个单位一起调整;生效日期之前的统计不变。",
    ],
    done=lambda job, row: f"“{row.name}”自 {job.sent['on']} 起划归{job.sent['superior'].name}。",
)
merge = _UNIT.change(
    operations.merge_unit,
    forms.MergeUnitForm,
    "并入其他单位",
    submit_label="并入",
    sentences=_merger,
    done=lambda job, row: f"“{row.name}”自 {job.sent['on']} 起并入{job.sent['into'].name}。",
)
close = _UNIT.change(
    operations.close_unit,
    forms.CloseUnitForm,
    "撤销单位",
    submit_label="撤销该单位",
    sentences=_closure,
    done=lambda job, row: f"已自 {job.sent['on']} 起撤销“{row.name}”。",
)


def _figures_said(job: Job) -> list[str]:
    return [
        "最多六项,按先后排列;下级单位没有另选的,也用这里的选择。都不选,恢复上级或系统的首页指标。",
    ]


figures = _UNIT.change(
    choose_key_figures,
    forms.KeyFiguresForm,
    "选择首页指标",
    sentences=_figures_said,
    initial=lambda job: {
        f"figure_{place}": slug for place, slug in enumerate(chosen_at(job.row) or KEY_FIGURES)
    },
    done=lambda job, row: "已保存首页指标。",
)
