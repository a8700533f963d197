"""What waits for a user among the entries, for the desk: to be decided, and what came back."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.urls import reverse

from registry.logbooks.design import Way
from registry.logbooks.models import Entry
from registry.logbooks.operations import deciding
from registry.logbooks.operations.kept import python_values, word_of
from registry.logbooks.operations.parts import design_at
from registry.models import User, WorkflowState
from registry.rules import workflow
from registry.web.address import Address
from registry.web.desk import Deciding, Waiting


def _to_decide(user: int) -> QuerySet[Entry]:
    return workflow.decidable(Entry.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Entry]:
    """Return what came back to who wrote it: where nobody approves, nobody submitted it."""
    mine = Q(submitted_by=user) | Q(changed_by=user)
    return Entry.objects.filter(mine, state=WorkflowState.RETURNED)


def differences(row: Entry) -> list[tuple[str, str, str]]:
    """Return what an entry says: (label, nothing, what is new); of a walled one that is on its page."""
    said = [("日期", row.happened_on.isoformat()), ("单位", row.unit.name)]
    if row.logbook.is_walled:
        return [(label, "", new) for label, new in [*said, ("内容", "限阅,请打开条目查看")]]
    design = design_at(row.logbook, row.unit)
    values = python_values(row, design, row.people.select_related("person"))
    named = [("组织", row.organization), ("人员", row.person), ("专项任务", row.campaign)]
    said += [(label, str(each)) for label, each in named if each is not None]
    said += [
        (field.label, word_of(values[field.key]))
        for field in design.fields
        if field.key in values and not field.personal
    ]
    return [(label, "", new) for label, new in said]


def effect(row: Entry, address: Address) -> str:
    """Say in a line what approving an entry does to the counts."""
    counter = next((each for each in row.logbook.made.counters if each.way == Way.ENTRIES), None)
    if counter is None:
        return ""
    return f"{counter.label}自 {row.happened_on.isoformat()} 起增加 1 {counter.measure}"


ENTRIES = Deciding(
    Waiting("approve_entry", _to_decide),
    deciding.approve_entries,
    deciding.return_entries,
    word=lambda row: str(row.logbook.name),
    checks=lambda rows, day: {},
    differences=differences,
    returned=Waiting("submit_entry", _returned),
    mending=lambda row: (
        ("修改", reverse("entry_edit", args=[row.code])),
        ("再次提交", reverse("entry_submit", args=[row.code])),
    ),
    note="批准前不计入统计。",
    consequence="台账条目批准后按各自的日期计入统计。",
    effect=effect,
    related=("logbook", "unit", "organization", "person", "campaign", "submitted_by"),
)
"""What the desk lists of entries."""
