"""The address of a page is the one that Django gives, which is asked once."""

from __future__ import annotations

import pytest
from django.urls import NoReverseMatch, reverse

from registry.models.addresses import list_address, page_address


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("unit", "jinan-shi"),
        ("organization", "a_b-9"),
        ("organization", "2020"),
        ("source", 7),
        ("assignment_role", 12),
    ],
)
def test_an_address_is_as_django_reverses_it(name: str, key: object) -> None:
    assert page_address(name, key) == reverse(name, args=[key]) == page_address(name, key)


def test_what_no_address_takes_is_refused_as_before() -> None:
    with pytest.raises(NoReverseMatch):
        page_address("unit", "a/b")
    with pytest.raises(NoReverseMatch):
        page_address("source", "no-number")
    assert list_address("organizations") == reverse("organizations")
