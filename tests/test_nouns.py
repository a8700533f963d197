"""The descriptors of nouns fit the models, and each thing is declared once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db.models import Model
from django.test import modify_settings
from django.urls import reverse

from registry import nouns
from registry.models import GrantRole, Person, StatusPeriod, Unit
from registry.nouns import Noun
from registry.nouns.columns import Column, Layout

NOUNS = nouns.all_nouns()
EACH = pytest.mark.parametrize("noun", NOUNS, ids=[noun.key for noun in NOUNS])


def at_end_of(model: type[Model], path: str) -> Any:
    """The model to which the relations of a path lead."""
    for name in path.split("__") if path else ():
        model = model._meta.get_field(name).related_model
    return model


def test_keys_slugs_and_models_are_declared_once() -> None:
    for names in (
        [noun.key for noun in NOUNS],
        [noun.plural for noun in NOUNS],
        [noun.model for noun in NOUNS],
        [verb.slug for noun in NOUNS for verb in noun.verbs]
        + [verb.slug for verb in nouns.handed_up("verbs")],
    ):
        assert [name for name, number in Counter(names).items() if number > 1] == []
    assert {role for verb in nouns.all_verbs().values() for role in verb.roles} == set(GrantRole.values)


@EACH
def test_a_descriptor_names_what_its_model_has(noun: Noun) -> None:
    assert noun.key == noun.model._meta.model_name
    if noun.unit_path is not None:
        assert at_end_of(noun.model, noun.unit_path) is Unit
    texts = noun.texts.fields if noun.texts else ()
    picked = (noun.picker.key, *noun.picker.typed) if noun.picker else ()
    pages = (noun.page_key, noun.public_key) if noun.page else ()
    for name in (
        *noun.editable,
        *noun.masked,
        *noun.private,
        *noun.named,
        *texts,
        *picked,
        *filter(None, pages),
    ):
        assert noun.model._meta.get_field(name), name
    for path in noun.related:
        assert at_end_of(noun.model, path)


@EACH
def test_a_descriptor_names_what_can_be_done(noun: Noun) -> None:
    edits = {operation.__name__ for operation in nouns.handed_up("edits")}
    if noun.edit:
        assert noun.edit in edits & {verb.slug for verb in noun.verbs}
        assert noun.editable
    if noun.page:
        assert reverse(noun.page, args=["1"])
    if noun.picker:
        assert reverse(f"pick_{noun.plural}")
    if noun.sheet:
        assert (noun.sheet.slug, noun.sheet.title) == (noun.plural, noun.label)
        assert {*noun.sheet.key, *noun.sheet.needed} <= set(noun.sheet.by_slug)


def test_a_model_without_a_descriptor_is_named() -> None:
    with pytest.raises(LookupError, match="StatusPeriod"):
        nouns.of(StatusPeriod)
    assert nouns.of(Person(name="张三")) is nouns.of(Person) is nouns.by_key("person")


def test_the_order_is_that_of_the_installed_apps() -> None:
    assert [noun.key for noun in NOUNS][:4] == ["unit", "organization", "person", "assignment"]
    assert "login" in nouns.all_verbs()
    with modify_settings(INSTALLED_APPS={"remove": "registry.accounts"}):
        assert "login" not in nouns.all_verbs()
    assert "login" in nouns.all_verbs()


def test_a_column_is_what_its_field_says() -> None:
    layout = Layout(
        slug="people",
        title="人员",
        model=Person,
        key=("number",),
        needed=("number",),
        columns=(
            Column("number"),
            Column("home_unit", "单位代码"),
            Column("branch", "支部", path="home_branch"),
            Column("joined_on"),
            Column("category", words={"officer": ("警察",)}),
            Column("word", "别的", max_length=7),
        ),
    )
    assert [
        (column.header, column.kind, column.required, column.lower, column.max_length)
        for column in layout.columns
    ] == [
        ("警号", "code", True, False, 30),
        ("单位代码", "code", True, True, 80),
        ("支部", "code", False, True, 120),
        ("入党日期", "date", False, False, None),
        ("人员类别", "choice", True, False, None),
        ("别的", "text", False, False, 7),
    ]
    category = layout.by_slug["category"]
    assert category.labels == {"officer": "民警", "auxiliary": "辅警", "civilian": "其他人员"}
    assert category.meanings["警察"] == category.meanings["民警"] == "officer"
