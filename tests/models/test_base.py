"""A row that is read is what Django would have made of it."""

from __future__ import annotations

import pytest
from django.db import models

from registry.models import Organization, Unit
from tests.factories import make_organization, make_unit

pytestmark = [pytest.mark.look, pytest.mark.django_db]


@pytest.mark.parametrize("left_out", [(), ("name",), ("parent",)])
def test_a_row_is_made_at_once_as_django_makes_it_field_by_field(
    left_out: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_organization(make_unit("below", make_unit("top")))
    for model in (Unit, Organization):
        ours = list(model.objects.defer(*left_out).order_by("pk"))
        with monkeypatch.context() as patched:
            patched.setattr(model, "from_db", classmethod(models.Model.from_db.__func__))
            theirs = list(model.objects.defer(*left_out).order_by("pk"))
        for one, other in zip(ours, theirs, strict=True):
            assert _held(one) == _held(other)


def _held(row: models.Model) -> dict[str, object]:
    return {**vars(row), "_state": {"fields_cache": {}, **vars(row._state)}}


def test_a_row_that_was_read_is_saved_and_its_relations_change_with_their_keys() -> None:
    top = make_unit("top")
    below = Unit.objects.select_related("parent").get(pk=make_unit("below", top).pk)
    assert below.parent == top
    below.name = "下级单位"
    below.save()
    assert Unit.objects.get(pk=below.pk).name == "下级单位"
    below.parent_id = None
    assert below.parent is None
