"""A logbook of every type of field, for the tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from registry.logbooks.design import read
from registry.logbooks.models import Logbook
from registry.logbooks.operations.logbooks import add_logbook
from registry.models import Unit
from tests.factories import ACTOR

DESIGN: dict[str, Any] = {
    "fields": [
        {"key": "place", "label": "采样点", "type": "text", "required": True},
        {"key": "staff", "label": "支援人员", "type": "people", "required": True, "choices": ["带队"]},
        {"key": "shift", "label": "班次", "type": "choice", "choices": ["早", "中", "夜"]},
        {"key": "number", "label": "采样人数", "type": "number", "lower": 0, "upper": 5000},
        {"key": "cost", "label": "花费", "type": "amount"},
        {"key": "next", "label": "下次日期", "type": "date"},
        {"key": "begun", "label": "开始时间", "type": "time"},
        {"key": "notes", "label": "发现问题", "type": "long_text"},
        {"key": "contact", "label": "联系人", "type": "person"},
        {"key": "with_unit", "label": "协作单位", "type": "unit"},
        {"key": "branch", "label": "承办组织", "type": "organization"},
        {"key": "order", "label": "通知文号", "type": "document"},
    ],
    "steps": [
        {"key": "reported", "label": "登记"},
        {"key": "checked", "label": "核实", "hours": 24},
        {"key": "closed", "label": "办结", "needs": ["document_number"]},
    ],
    "counters": [
        {"key": "entries", "label": "支援次数", "way": "entries", "measure": "次"},
        {"key": "people", "label": "支援人数", "way": "people", "field": "staff", "measure": "人"},
        {"key": "times", "label": "支援人次", "way": "times", "field": "staff", "measure": "人次"},
        {"key": "sampled", "label": "采样人数", "way": "sum", "field": "number", "measure": "人"},
        {"key": "done", "label": "办结", "way": "stage", "step": "closed"},
        {"key": "open", "label": "待办结", "way": "open", "step": "checked"},
        {"key": "hours", "label": "核实用时", "way": "hours", "since": "reported", "step": "checked",
         "measure": "小时"},
    ],
}  # fmt: skip
"""Support at a sampling point (核酸采样支援)."""

WALLED: dict[str, Any] = {
    "fields": [
        {"key": "trouble", "label": "困难", "type": "long_text", "required": True},
        {"key": "who", "label": "当事人", "type": "person"},
    ],
    "counters": [{"key": "entries", "label": "困难数", "way": "entries", "measure": "件"}],
}
"""A family's difficulty."""


def make_logbook(unit: Unit, **facts: Any) -> Logbook:
    """Make a logbook of that design at a unit, in use from the beginning of 2020, needing no approval."""
    given = {
        "name": "核酸采样支援",
        "code": "sampling",
        "design": DESIGN,
        "started_on": date(2020, 1, 1),
        "needs_approval": False,
        **facts,
    }
    return add_logbook(actor=ACTOR, unit=unit, **given)


def sent_design(design: dict[str, Any], **more: str) -> dict[str, Any]:
    """Return what the form of a design sends."""
    made = read(design)
    facts = {
        "name": "核酸采样支援",
        "group": "activity",
        "about": "unit",
        "is_walled": "no",
        "needs_approval": "no",
        "started_on": "2020-01-01",
    }
    found = {**facts, **more}
    for part in ("fields", "steps", "counters"):
        lines = getattr(made, part)
        found[f"{part}-TOTAL_FORMS"] = found[f"{part}-INITIAL_FORMS"] = str(len(lines))
        for place, line in enumerate(lines):
            for name in line.__dataclass_fields__:
                value = getattr(line, name)
                if name in ("choices", "among"):
                    value = "、".join(value)
                if value is not None and value is not False and value != "" and not isinstance(value, tuple):
                    found[f"{part}-{place}-{name}"] = str(value)
            if part == "steps":
                found[f"{part}-{place}-needs"] = list(line.needs)
            if part == "counters":
                found[f"{part}-{place}-until"] = list(line.until)
                kind = "field" if line.field else "step"
                found[f"{part}-{place}-what"] = (
                    f"{kind}:{line.field or line.step}" if line.field or line.step else ""
                )
    return found
