"""Numbers and names are normalized once, whatever door they come in by."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from registry.models import Person, Unit
from registry.models.text import (
    NameField,
    PersonNameField,
    normalize_name,
    normalize_number,
    normalize_person_name,
    number_key,
    validate_characters,
    validate_number,
)
from registry.operations.people import add_person, edit_person
from registry.refusals import OperationRefused
from registry.rules.findings import Severity
from registry.rules.people import Numbering, number_findings
from registry.web.fields import split_keys
from tests.factories import ACTOR, make_person, make_user
from tests.world import World


@pytest.mark.parametrize(
    "written",
    [
        "001234",
        "\uff10\uff10\uff11\uff12\uff13\uff14",
        " 001234 ",
        "001\u200b234",
        "\u202d001234\u202c",
        "\ufeff001 234",
        "'001234",
        "00\u3000 1234",
    ],
)
def test_a_number_is_kept_without_width_spaces_and_marks(written: str) -> None:
    assert normalize_number(written) == "001234"


@pytest.mark.parametrize("dash", "-‐‑‒–—−-")
def test_every_dash_in_a_number_is_the_hyphen(dash: str) -> None:
    assert normalize_number(f"B{dash}12") == "B-12"


@pytest.mark.parametrize(
    "nothing",
    ["", "  ", "nan", "NaN", "None", "NULL", "null", "#N/A", "N/A", "-", "—", "/", "\uff0f", "无", "暂无"],
)
def test_what_programs_and_people_write_for_nothing_is_no_number(nothing: str) -> None:
    assert normalize_number(nothing) == ""


@pytest.mark.parametrize("wrong", ["123.0", "1.2E+05", "12E+10", "12_3", "警1234", "1/2", "12,3", "--"])
def test_decimals_and_other_characters_are_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        validate_number(normalize_number(wrong) or wrong)


def test_the_refusal_of_a_decimal_says_what_happened() -> None:
    with pytest.raises(ValidationError, match=r"写成小数或科学计数.*按原件填写"):
        validate_number("123.0")


@pytest.mark.parametrize("dot", "\u00b7\u0387\u2022\u2024\u2027\u2219\u22c5\u30fb\uff65\uff0e.")
def test_the_middle_dots_of_minority_names_are_one(dot: str) -> None:
    assert normalize_person_name(f"阿依古丽{dot}买买提") == "阿依古丽·买买提"
    assert normalize_person_name(f"阿依古丽 {dot} 买买提") == "阿依古丽·买买提"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("张 三", "张三"),
        ("张\u3000\u200b三", "张三"),
        ("Ivan  Petrov", "Ivan Petrov"),
        ("王\ue863", "王䶮"),
        ("欧\ufa0e", "欧﨎"),
        ("nan", ""),
        ("#N/A", ""),
        ("无", ""),
    ],
)
def test_a_persons_name_is_kept_in_one_way(written: str, kept: str) -> None:
    assert normalize_person_name(written) == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("党员先锋岗\uff08\uff11号\uff09", "党员先锋岗\uff081号\uff09"),
        ("新时代•先锋岗", "新时代·先锋岗"),
        ("第一\n临时党支部", "第一临时党支部"),
        ("德州市公安局 ", "德州市公安局"),
        ("一.二中队", "一.二中队"),
    ],
)
def test_names_of_organs_keep_their_brackets(written: str, kept: str) -> None:
    assert normalize_name(written) == kept


def test_a_character_of_a_private_area_is_refused_by_its_place() -> None:
    validate_characters(normalize_name("王\ue863"))
    with pytest.raises(ValidationError, match=r"第 2 个字.编码 E123.是其他系统的自造字"):
        validate_characters("王\ue123")


@pytest.mark.parametrize("other", ["1234", "001234", "0001234", "01 234", "01234"])
def test_numbers_that_differ_in_zeros_spaces_or_width_have_one_key(other: str) -> None:
    assert number_key(other) == number_key("001234") == "1234"


def test_pasted_numbers_are_normalized() -> None:
    assert split_keys("001001 001002\uff0c\u200b001003\uff1bnan,-") == ["001001", "001002", "001003"]


@pytest.mark.django_db
def test_an_operation_keeps_the_normal_form(world: World) -> None:
    facts = {"category": "officer", "home_unit": world.left}
    person = add_person(actor=ACTOR, number=" 00 9001", name="阿依古丽•买买提", **facts)
    assert (person.number, person.name) == ("009001", "阿依古丽·买买提")
    edit_person(actor=ACTOR, person=person, changes={"name": "买 买提", "phone": "138 1234"})
    person.refresh_from_db()
    assert (person.name, person.phone, person.number_key) == ("买买提", "138 1234", "9001")


@pytest.mark.django_db
def test_a_row_is_found_however_it_is_written(world: World) -> None:
    assert Person.objects.get(number="001 001") == world.full
    assert Unit.objects.filter(name=f" {world.left.name} ").get() == world.left


@pytest.mark.django_db
def test_a_number_that_differs_in_zeros_is_the_same_person_or_looked_at(world: World) -> None:
    new, other, equal = Numbering("1001", "赵一"), Numbering("1001", "周九"), Numbering("001001", "赵一")
    assert [
        (each.subject, each.rule, each.severity, each.field)
        for each in number_findings([new, other, equal], None)
    ] == [
        (new, "number_once", Severity.REFUSE, "number"),
        (other, "number_near", Severity.WARN, "number"),
        (equal, "number_once", Severity.REFUSE, "number"),
    ]
    assert number_findings([Numbering("1001", "赵一", world.full.pk)], None) == []


@pytest.mark.django_db
def test_the_operation_refuses_the_same_person_again(world: World) -> None:
    with pytest.raises(OperationRefused, match="赵一 的警号已登记为“001001”"):
        add_person(actor=ACTOR, number="1001", name="赵一", category="officer", home_unit=world.left)
    assert make_person("周九", world.left, number="1001").number == "1001"


@pytest.mark.django_db
def test_the_form_shows_the_warning_and_saves_after_it(world: World, client: Client) -> None:
    client.force_login(make_user("clerk", unit=world.left, role="clerk"))
    url = reverse("person_add", args=[world.left.code])
    sent = {"name": "周 九", "number": "1001", "category": "officer", "political_status": "masses"}
    page = client.post(url, sent)
    assert "与已有的一个警号只差前面的零或大小写" in page.content.decode()
    assert not Person.objects.filter(name="周九").exists()
    client.post(url, {**sent, "confirmed": page.context["confirmed"]})
    assert Person.objects.get(name="周九").number == "1001"


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["001001", "1001", "001 001", "\uff10\uff10\uff11\uff10\uff10\uff11"])
def test_the_search_finds_a_number_however_it_is_typed(world: World, client: Client, typed: str) -> None:
    client.force_login(make_user("clerk", unit=world.left, role="clerk"))
    page = client.get(reverse("search"), {"q": typed})
    assert "赵一" in page.content.decode()


@pytest.mark.parametrize(
    "name",
    ["张三", "阿依古丽·买买提", "〇丁", "José Núñez", "ü Ömer", "O'Neil-Smith Jr.", "张三(大)", "李四2"],
)
def test_names_are_chinese_or_latin(name: str) -> None:
    assert PersonNameField(max_length=40).clean(normalize_person_name(name), None) == name


@pytest.mark.parametrize(
    ("name", "place", "code"),
    [
        ("Аnna", 1, "0410"),  # the first letter is Cyrillic
        ("Αnna", 1, "0391"),  # Greek
        ("张ー", 2, "30FC"),
        ("ロ三", 1, "30ED"),
        ("王㇐", 2, "31D0"),  # a stroke
        ("张—", 2, "2014"),
        ("张○", 2, "25CB"),
        ("𝐀nna", 1, "1D400"),
        ("ɑnna", 1, "0251"),
        ("a̸nna", 2, "0338"),
        ("李٣", 2, "0663"),
        ("ꞏ张", 1, "A78F"),
        ("Ⅰ张", 1, "2160"),  # a numeral
        ("张②", 2, "2461"),
    ],
)
def test_letters_that_look_like_others_are_named_and_refused(name: str, place: int, code: str) -> None:
    with pytest.raises(ValidationError, match=rf"第 {place} 个字“.”\(编码 {code}\)不是汉字"):
        PersonNameField(max_length=40).clean(normalize_person_name(name), None)


def test_units_and_organizations_take_the_same_letters_and_other_signs() -> None:
    field = NameField(max_length=40)
    assert field.clean("“战疫”第1支部—②组", None) == "“战疫”第1支部—②组"
    with pytest.raises(ValidationError, match="编码 0421"):
        field.clean("Сhuang 支部", None)


def test_marks_that_nobody_sees_and_radicals_are_no_difference() -> None:
    assert normalize_person_name("张‮三​⁦") == "张三"
    assert normalize_name("⼯人⼝队") == "工人口队"
