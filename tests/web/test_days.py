"""The date field of the kit: every form, filter and address takes the same forms of a date, in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django import forms
from django.test import Client

from registry.web.fields import DayField, FileInput
from tests.factories import make_unit, make_user

ROOT = Path(__file__).resolve().parents[2]
NATIVE = re.compile(
    r"type=\\?[\"']?(?:date|month|week|time|datetime-local)\b|forms\.(?:DateField|DateInput)\("
)


def forms_of(kind: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for below in kind.__subclasses__():
        yield below
        yield from forms_of(below)


def test_no_native_date_is_left_whose_words_follow_the_language_of_the_browser() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "registry").rglob("*.py")]
    assert [str(path) for path in files if NATIVE.search(path.read_text())] == []
    made = [form for form in forms_of(forms.BaseForm) if form.__module__.startswith("registry.")]
    fields = [
        (form, name, field) for form in made for name, field in getattr(form, "base_fields", {}).items()
    ]
    assert len([field for *_, field in fields if isinstance(field, DayField)]) > 20
    for form, name, field in fields:
        if isinstance(field, forms.DateField):
            assert isinstance(field, DayField), (form, name)
        if isinstance(field, forms.FileField):
            assert isinstance(field.widget, FileInput), (form, name)


class Visit(forms.Form):
    on = DayField(label="日期", near=date(2020, 2, 20))


def test_a_form_reads_the_year_of_its_page_and_shows_the_day_that_it_understood() -> None:
    form = Visit({"on": "2月3日"})
    assert form.is_valid()
    assert form.cleaned_data["on"] == date(2020, 2, 3)
    assert 'value="2020-02-03"' in str(form["on"])


def test_a_form_names_what_is_no_day_and_keeps_it() -> None:
    form = Visit({"on": "2020-13-45"})
    assert form.errors == {"on": ["日期“2020-13-45”不存在,请写成 2020-02-03 或 2月3日。"]}
    assert 'value="2020-13-45"' in str(form["on"])


def test_without_scripts_the_box_is_plain_text() -> None:
    drawn = str(Visit()["on"])
    assert '<input type="text"' in drawn
    assert 'data-near="2020-02-20"' in drawn


def test_a_file_is_chosen_by_a_button_of_ours() -> None:
    drawn = FileInput().render("file", None, {"id": "id_file"})
    assert '<label class="btn" for="id_file">选择文件</label>' in drawn
    assert "未选择文件" in drawn


@pytest.mark.django_db
class TestPages:
    @pytest.fixture
    def manager(self, client: Client) -> Client:
        client.force_login(make_user(unit=make_unit("bureau")))
        return client

    @pytest.mark.parametrize(
        ("asked", "answer"),
        [
            ("q=2.3&near=2020-02-20", {"day": "2020-02-03"}),
            ("q=２０２０年２月３日", {"day": "2020-02-03"}),
            ("q=&near=nothing", {"day": ""}),
            ("q=2020-13-45", {"says": "日期“2020-13-45”不存在,请写成 2020-02-03 或 2月3日。"}),
        ],
    )
    def test_the_server_reads_what_is_typed_before_the_form_is_sent(
        self, manager: Client, asked: str, answer: dict[str, str]
    ) -> None:
        assert manager.get(f"/day/?{asked}").json() == answer

    def test_the_address_takes_every_form(self, manager: Client) -> None:
        page = manager.get("/organizations/?as_of=2020年2月3日").content.decode()
        assert 'name="as_of" value="2020-02-03"' in " ".join(page.split())

    def test_a_filter_reads_the_year_of_the_day_asked_and_says_what_it_cannot_read(
        self, manager: Client
    ) -> None:
        assert "自 2020-02-03" in manager.get("/record/?as_of=2020-02-20&day_from=2.3").content.decode()
        wrong = manager.get("/record/?as_of=2020-02-20&day_from=2.30").content.decode()
        assert "自没有使用:日期“2.30”(2020年)不存在,请写成 2020-02-03 或 2月3日。" in wrong
