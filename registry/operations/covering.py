"""The units that joint branches (联合党支部) cover beside their host units."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from django.db.models import QuerySet

from registry import audit, locks
from registry.audit import Actor
from registry.models import CoveredUnit, Organization, Unit
from registry.models.base import ends_after
from registry.models.journal import remove, rewrite
from registry.models.writer import write_new
from registry.operations.base import fresh, fresh_all, need_approval, need_right, operation, stamp, write
from registry.refusals import need_reason
from registry.rules import covering as rules
from registry.rules.findings import refuse_if


def told(units: Iterable[Unit]) -> dict[str, str]:
    """Return the units as the record holds them, in the order of the tree; of none nothing."""
    names = [unit.name for unit in sorted(units, key=lambda unit: (unit.tree_id, unit.lft))]
    return {"covered": "、".join(names)} if names else {}


@operation
def cover_units(
    *, actor: Actor, organization: Organization, units: Sequence[Unit], on: date, reason: str = ""
) -> Organization:
    """Let a joint branch cover exactly these ``units`` beside its host unit from day ``on``.

    Earlier days keep theirs; on the day of its founding or of the last change it mends what was entered. The
    actor needs the right at each unit that is new. Nothing is counted otherwise than before.
    """
    need_reason(reason, "变更原因")
    locks.use_units(units)
    organization = locks.lock_tree_of(organization) or fresh(organization)
    units = fresh_all(list(dict.fromkeys(units)))
    lasting = list(
        CoveredUnit.objects.filter(ends_after(on), organization=organization).select_related("unit")
    )
    held = {row.unit_id: row.unit for row in lasting}
    need_right(actor, "cover_units", organization, *(unit for unit in units if unit.pk not in held))
    refuse_if(rules.change_refusals([rules.Change(organization, units, on)]), covered="units")
    if held.keys() == {unit.pk for unit in units}:
        return organization
    before, after = ({"covered": "", **told(each)} for each in (held.values(), units))
    differences = [("覆盖单位", before["covered"], after["covered"]), ("变更日期", "", on.isoformat())]
    need_approval(actor, "cover_units", [organization], lambda: differences)
    _write(organization, units, on)
    write(organization, stamp(actor))
    audit.record(
        actor,
        "cover_units",
        organization,
        before=before,
        after=after,
        reason=reason,
        effective_on=on,
    )
    return organization


def _write(organization: Organization, units: Sequence[Unit], on: date) -> None:
    """End what is no longer covered, go on with what ended on the very day, begin the rest."""
    rows = CoveredUnit.objects.filter(organization=organization)
    gone = rows.filter(ended_on__isnull=True).exclude(unit__in=units)
    remove(gone.filter(started_on=on))
    rewrite(gone.filter(started_on__lt=on), ended_on=on)
    rewrite(rows.filter(ended_on=on, unit__in=units), ended_on=None)
    there = set(rows.filter(ended_on__isnull=True).values_list("unit_id", flat=True))
    write_new(
        [
            CoveredUnit(organization=organization, unit=unit, started_on=on)
            for unit in units
            if unit.pk not in there
        ]
    )


def founded_covering(
    organizations: Sequence[Organization], covered: Sequence[Sequence[Unit]]
) -> list[rules.Covering]:
    """Return what new organizations would cover, for the rules."""
    return [
        rules.Covering(row.kind, [row.unit], units, row.established_on)
        for row, units in zip(organizations, covered, strict=True)
    ]


def begin_covering(organizations: Sequence[Organization], covered: Sequence[Sequence[Unit]]) -> None:
    """Write what new organizations cover from their founding on: the rules were asked."""
    write_new(
        [
            CoveredUnit(organization=row, unit=unit, started_on=row.established_on)
            for row, units in zip(organizations, covered, strict=True)
            for unit in units
        ]
    )


def covering(unit: Unit, on: date) -> QuerySet[Organization]:
    """Return the organizations that cover a unit on the day or after it."""
    rows = CoveredUnit.objects.filter(ends_after(on), unit=unit)
    return Organization.objects.filter(pk__in=rows.values("organization"))


def follow_merger(unit: Unit, into: Unit, on: date) -> None:
    """Let who covers a merged unit cover the one that takes it over, unless it does so or stands there.

    For operations only: the hosts have moved already, and the caller holds the locks.
    """
    lasting = CoveredUnit.objects.filter(ends_after(on))
    there = set(lasting.filter(unit=into).values_list("organization_id", flat=True))
    going = list(lasting.filter(unit=unit).select_related("organization"))
    hosted = lasting.filter(unit=into, organization__unit=into)  # since it came here with its host
    for rows in (lasting.filter(pk__in=[row.pk for row in going]), hosted):
        remove(rows.filter(started_on__gte=on))
        rewrite(rows.filter(started_on__lt=on), ended_on=on)
    write_new(
        [
            CoveredUnit(
                organization=row.organization,
                unit=into,
                started_on=max(row.started_on, on),
                ended_on=row.ended_on,
            )
            for row in going
            if row.organization_id not in there and row.organization.unit_id != into.pk
        ]
    )
