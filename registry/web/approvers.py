"""By whom something waits to be approved: the nearest approver on the unit tree; others can step in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry import access, nouns
from registry.models import Organization, Unit
from registry.rules import workflow

NOBODY = "还没有人:本单位和上级单位没有审批人,请管理员先授予审批角色"


def asked_at(row: Any) -> Unit:
    """Return the unit from which upwards somebody decides: of the superior organization, else the row's own.

    A change goes by the organization that it is about.
    """
    about: Organization | None = row if isinstance(row, Organization) else row.organization
    unit: Unit = about.parent.unit if about is not None and about.parent is not None else row.unit
    return unit


def who_approves(user: access.AnyUser, rows: Sequence[Any]) -> list[str]:
    """Say who decides on each: the nearest by name if ``user`` sees them, else where to ask.

    Somebody above can step in. Nobody decides on what they submitted. One query, whatever their number; the
    rows come with their unit, and that of the superior.
    """
    able = access.who_may([(f"approve_{nouns.of(each).key}", asked_at(each)) for each in rows])
    scope = access.spans(user)
    said = []
    for each, grants in zip(rows, able, strict=True):
        others = [grant for grant in grants if not workflow.is_own(grant.user, each)]
        nearest = [grant for grant in others if grant.unit_id == others[0].unit_id]
        above = ";上级的审批人也可以办理" if len(others) > len(nearest) else ""
        said.append(f"{access.named(nearest, scope, '审批人', NOBODY)}{above}")
    return said
