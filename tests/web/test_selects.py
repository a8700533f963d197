"""A box of choices that is drawn once is the box that Django draws."""

from __future__ import annotations

import pytest
from django import forms

from registry.web.selects import DrawnOnce

CHOICES = [("", "全部"), ("a", "甲<乙"), ("组", [("b", "丙"), ("c", "丁")])]


@pytest.mark.parametrize("value", ["", None, "a", "c", "not there"])
def test_it_is_drawn_as_django_draws_it(value: str | None) -> None:
    once, django = DrawnOnce(choices=CHOICES), forms.Select(choices=CHOICES)
    attributes = {"id": "filter_kind", "required": True, "disabled": False}
    for _ in range(2):
        assert once.render("kind", value, attributes) == django.render("kind", value, attributes)


def test_other_choices_are_another_box() -> None:
    assert "戊" not in DrawnOnce(choices=CHOICES).render("kind", "a")
    assert "戊" in DrawnOnce(choices=[*CHOICES, ("d", "戊")]).render("kind", "a")
    assert 'value="a" selected' in DrawnOnce(choices=CHOICES).render("kind", "a")
