"""By whom an organization waits to be approved: the nearest approver on the unit tree; others can step in."""

from __future__ import annotations

from collections.abc import Sequence

from registry import access
from registry.models import Organization, Unit
from registry.rules import workflow

NOBODY = "还没有人:本单位和上级单位没有审批人,请管理员先授予审批角色"


def asked_at(organization: Organization) -> Unit:
    """Return the unit from which upwards somebody decides: of the superior organization, else its own."""
    return organization.parent.unit if organization.parent is not None else organization.unit


def who_approves(user: access.AnyUser, organizations: Sequence[Organization]) -> list[str]:
    """Say who decides on each: the nearest by name if ``user`` sees them, else where to ask.

    Somebody above can step in. Nobody decides on what they submitted. One query, whatever their number; the
    rows come with their unit, and their superior's.
    """
    able = access.who_may([("approve_organization", asked_at(each)) for each in organizations])
    scope = access.spans(user)
    said = []
    for each, grants in zip(organizations, able, strict=True):
        others = [grant for grant in grants if not workflow.is_own(grant.user, each)]
        nearest = [grant for grant in others if grant.unit_id == others[0].unit_id]
        above = ";上级的审批人也可以办理" if len(others) > len(nearest) else ""
        said.append(f"{access.named(nearest, scope, '审批人', NOBODY)}{above}")
    return said
