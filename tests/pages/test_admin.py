"""Django's admin reads, for superusers; it is no way around the operations."""

from __future__ import annotations

from datetime import date

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone

from registry.admin import site
from registry.audit.proving import Proof, keep
from registry.audit.seals import seal_entries
from registry.counting.totals.fold import fold_counts
from registry.models import (
    AuditEntry,
    Backup,
    CoveredUnit,
    Figure,
    Holiday,
    KeyFigures,
    RuleException,
    RuleSetting,
    Source,
)
from tests.factories import DAY, assign, make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

KEPT_AWAY = {
    *("oldpassword", "sentform", "session", "import", "importfile", "importline"),
    *("unitterm", "organizationterm", "nameterm"),
    "proposal",
}
"""Hashes, keys of sessions, others' workbooks; and the search index, which is made from names."""
ALL_MODELS = [model._meta.model_name for model in apps.get_app_config("registry").get_models()]
MODELS = [name for name in ALL_MODELS if name not in KEPT_AWAY]


def build_world() -> dict[str, Model]:
    """Make one row at least of every table; return the first of each."""
    unit = make_unit("top")
    branch = make_organization(unit, campaign=make_campaign())
    assign(branch, make_person("甲", unit))
    source = Source.objects.create(number=0, title="来源")
    Figure.objects.create(source=source, unit=unit, code="F1", metric="x", label="x", value="1")
    somebody = make_user("somebody", unit=unit)
    RuleSetting.objects.create(slug="group_leader", since=DAY, set_by=somebody)
    RuleException.objects.create(
        slug="group_leader",
        organization=branch,
        document_number="1号",
        reason="例外",
        granted_by=somebody,
        started_on=DAY,
        ended_on=date(2020, 3, 1),
    )
    CoveredUnit.objects.create(organization=branch, unit=make_unit("spare", unit), started_on=DAY)
    KeyFigures.objects.create(unit=unit, metrics=["frontline_people"])
    Holiday.objects.create(day=DAY, is_workday=True, name="春节")
    Backup.objects.create(name="备份", folder="/", taken_at=timezone.now(), size=1, files=0)
    seal_entries()
    keep(Proof())
    fold_counts()
    assign(branch, make_person("乙", unit))
    return {model: apps.get_model("registry", model)._default_manager.first() for model in MODELS}


@pytest.fixture
def rows(world: dict[str, Model]) -> dict[str, Model]:
    """The first row of every table."""
    return world


def superuser():
    return get_user_model().objects.create_superuser("root", password="correct horse battery")


def everything():
    """Every row of every table but the session's."""
    return {
        model: sorted(map(str, apps.get_model("registry", model)._base_manager.values_list()))
        for model in MODELS
    }


def test_every_table_is_there_and_nothing_else():
    assert {model._meta.model_name for model in site._registry} == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_a_superuser_reads_and_changes_nothing(client, rows, model):
    client.force_login(superuser())
    client.get("/admin/")
    before = everything()
    row = rows[model]
    assert row is not None
    listed = client.get(reverse(f"admin:registry_{model}_changelist"), {"q": "甲"})
    assert listed.status_code == 200
    change = reverse(f"admin:registry_{model}_change", args=[row.pk])
    page = client.get(change)
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert client.get(reverse(f"admin:registry_{model}_history", args=[row.pk])).status_code == 200
    values = {field.name: "1" for field in row._meta.fields}
    assert client.post(change, values).status_code == 403
    assert client.get(reverse(f"admin:registry_{model}_add")).status_code == 403
    assert client.post(reverse(f"admin:registry_{model}_add"), values).status_code == 403
    delete = reverse(f"admin:registry_{model}_delete", args=[row.pk])
    assert client.post(delete, {"post": "yes"}).status_code == 403
    client.post(
        reverse(f"admin:registry_{model}_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )
    assert everything() == before


def test_the_record_cannot_be_rewritten(client, rows):
    client.force_login(superuser())
    entry = AuditEntry.objects.first()
    response = client.post(
        reverse("admin:registry_auditentry_change", args=[entry.pk]), {"actor": "somebody else"}
    )
    assert response.status_code == 403
    assert AuditEntry.objects.filter(actor="somebody else").count() == 0


def test_a_password_shows_nowhere_and_is_changed_by_command_only(client, rows):
    root = superuser()
    client.force_login(root)
    page = client.get(reverse("admin:registry_user_change", args=[root.pk])).content.decode()
    assert root.password not in page
    assert "md5" not in page
    assert "/password_change" not in page
    assert client.get("/admin/password_change/").status_code == 404
    sent = {
        "old_password": "correct horse battery",
        "new_password1": "Tr0ub4dor&3x",
        "new_password2": "Tr0ub4dor&3x",
    }
    assert client.post("/admin/password_change/", sent).status_code == 404
    assert client.get("/admin/password_change/done/").status_code == 404
    root.refresh_from_db()
    assert root.check_password("correct horse battery")


@pytest.mark.parametrize("model", MODELS)
def test_staff_who_are_no_superusers_get_nothing(client, rows, model):
    client.force_login(make_user(unit=rows["unit"], is_staff=True))
    before = everything()
    for address in (
        "/admin/",
        reverse(f"admin:registry_{model}_changelist"),
        reverse(f"admin:registry_{model}_change", args=[rows[model].pk]),
        reverse(f"admin:registry_{model}_add"),
    ):
        for response in (client.get(address, follow=True), client.post(address, {}, follow=True)):
            assert response.status_code in (403, 404)
    assert everything() == before


def test_who_is_not_logged_in_goes_to_the_registrys_login(client):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/login/?next=/admin/"
    assert client.get("/admin/login/").url == "/login/?next=/admin/"
