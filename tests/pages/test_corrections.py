"""Editing kind, host and superior: in the form of a draft, by an act with a reason once it is approved."""

from __future__ import annotations

import pytest
from django.urls import reverse

from registry.models import Organization
from tests.factories import approve_all, logged_in, make_organization
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

EDIT, CORRECT = "organization_edit", "organization_correct"


def sent(row: Organization, **changes: str) -> dict[str, str]:
    given = {
        "version": str(row.version),
        "name": row.name,
        "established_on": row.established_on.isoformat(),
        "kind": row.kind,
        "unit": row.unit.code,
        "parent": row.parent.code if row.parent else "",
        **({"is_temporary": "on"} if row.is_temporary else {}),
    }
    return given | changes


@pytest.mark.parametrize("state", ["draft", "returned"])
def test_the_form_of_a_draft_has_all_of_it(world: World, state: str) -> None:
    row, client = (
        make_organization(world.left, state=state, parent=world.general),
        logged_in(world.left, "clerk"),
    )
    page = client.get(reverse(EDIT, args=[row.code]))
    assert [page.context["form"][name].value() for name in ("kind", "is_temporary")] == ["branch", True]
    changes = {"kind": "general_branch", "unit": "station", "parent": "committee"}
    done = client.post(reverse(EDIT, args=[row.code]), sent(row, **changes))
    assert done.status_code == 302
    row = Organization.objects.get(pk=row.pk)
    assert (row.kind, row.unit, row.parent) == ("general_branch", world.station, world.committee)


@pytest.mark.parametrize("state", ["submitted", "approved"])
def test_what_is_submitted_or_approved_is_corrected_with_a_reason(world: World, state: str) -> None:
    row, client = make_organization(world.left, state=state), logged_in(world.left, "clerk")
    assert "kind" not in client.get(reverse(EDIT, args=[row.code])).context["form"].fields
    assert reverse(CORRECT, args=[row.code]) in client.get(row.get_absolute_url()).content.decode()
    url, data = reverse(CORRECT, args=[row.code]), sent(row, kind="general_branch")
    assert "reason" in client.post(url, data).context["form"].errors
    done = client.post(url, data | {"reason": "登记有误"}, follow=True)
    if state == "approved":  # another person has to approve it first
        assert "已提交审批,批准前仍按原内容统计" in done.content.decode()
        approve_all()
    else:
        assert "的登记,统计数随之改变。" in done.content.decode()
    assert Organization.objects.get(pk=row.pk).kind == "general_branch"


def test_what_is_wrong_stands_at_its_field(world: World) -> None:
    client = logged_in(world.left, "clerk")
    data = sent(world.general, kind="branch") | {"reason": "登记有误"}
    form = client.post(reverse(CORRECT, args=["general"]), data).context["form"]
    assert "下级“左局临时党支部”" in form.errors["kind"][0]
