"""What must hold when the harm is over."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

from django.core.management import CommandError, call_command
from django.db.models import Q

from registry.counting.basis import Question
from registry.counting.rollup import count_units
from registry.imports.models import Import, ImportState
from registry.models import AuditEntry, Organization, Unit
from tests.chaos.people import Deed
from tests.counting.recount import Ledger

NOT_SAVED = ("没有保存", "没有作任何改动", "什么都没有写入")
WAITING = (ImportState.UPLOADED, ImportState.CHECKING, ImportState.CONFIRMED, ImportState.WRITING)
DAYS = (date(2020, 2, 20), date(2020, 3, 31))


def lost(deeds: Iterable[Deed]) -> list[str]:
    """Return what a page said was done, and the record does not know."""
    found = []
    for deed in deeds:
        numbers = [number for _status, number, _said in deed.answers if number]
        if deed.done and not _recorded(deed, numbers):
            found.append(f"{deed.who} {deed.path}: {deed.done}, and nothing is recorded of {numbers}")
    return found


def _recorded(deed: Deed, numbers: list[str]) -> bool:
    if AuditEntry.objects.filter(request_number__in=numbers).exists():
        return True
    own = AuditEntry.objects.filter(user__username=deed.who)
    if own.filter(Q(reason=deed.token) | Q(object_name__contains=deed.token)).exists():
        return True
    # Pressed twice: the first press did it, and its number went with its answer.
    since = datetime.fromtimestamp(deed.began, UTC)
    return len(deed.answers) > 1 and own.filter(at__gte=since).exists()


def lies(deeds: Iterable[Deed]) -> list[str]:
    """Return which pages said that nothing was saved though it was."""
    return [
        f"{deed.who} {deed.path}: {status} said that nothing was saved, and {number} is in the record"
        for deed in deeds
        for status, number, said in deed.answers
        if number and any(word in said for word in NOT_SAVED)
        if AuditEntry.objects.filter(request_number=number).exists()
    ]


def twice(deeds: Iterable[Deed]) -> list[str]:
    """Return what was done twice because somebody pressed again."""
    found = []
    for deed in deeds:
        if len(deed.answers) < 2:
            continue
        acts = AuditEntry.objects.filter(reason=deed.token, part_of__isnull=True)
        verbs = Counter(acts.values_list("verb", "object_id").distinct().values_list("verb", flat=True))
        times = Counter(acts.values_list("verb", "object_id"))
        requests = acts.values("request_number").distinct().count()
        made = Organization.objects.filter(name=deed.token).count()
        if (requests > 1 and (max(times.values()) > 1 or max(verbs.values()) > 1)) or made > 1:
            found.append(
                f"{deed.who} {deed.path}: {len(deed.answers)} presses did {dict(times)}, {made} of that name"
            )
    return found


def stuck() -> list[str]:
    """Return the imports that neither ended nor are offered for another try (as after a killed request)."""
    waiting = Import.objects.filter(state__in=WAITING).order_by("pk")
    return [f"import {each.pk} is {each.state}" for each in waiting if not each.is_silent]


def unsound() -> list[str]:
    """Return what the commands and the independent recount find."""
    found = []
    for command in ("checktree", "checkcounts", "checkaudit"):
        said = io.StringIO()
        try:
            call_command(command, stdout=said, stderr=said)
        except (CommandError, SystemExit) as error:
            found.append(f"{command}: {error} {said.getvalue()[-800:]}")
    ledger = Ledger()
    found += [f"recount: {fault}" for fault in ledger.faults()]
    units = list(Unit.objects.order_by("pk"))
    for day in DAYS:
        for basis in ("current", "cumulative"):
            total = ledger.count(basis, day, None, None)[0]
            counted = count_units(units, Question(day, basis))
            found += [
                f"{unit} on {day}, {basis}: counted {counted[unit.pk].counts}, the rows say {total[unit.pk]}"
                for unit in units
                if counted[unit.pk].counts != total[unit.pk]
            ]
    return found
