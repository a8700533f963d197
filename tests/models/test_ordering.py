"""The official order: own organs, sequence, region, numbers as numbers, pinyin; never by code."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from registry.models import Organization, Person, Unit
from registry.models.ordering import name_key, person_key
from registry.operations.people import add_people
from registry.operations.units import add_unit, add_units, edit_unit, move_unit
from registry.trees.check import check_all
from tests.factories import ACTOR, make_organization, make_person, make_unit, make_user


@pytest.mark.parametrize(
    "names",
    [
        [f"测试派出所党员先锋岗({at}号)" for at in range(1, 13)],
        [
            "第一临时党支部",
            "第二临时党支部",
            "第三临时党支部",
            "第四临时党支部",
            "第十临时党支部",
            "第十一临时党支部",
        ],
        ["一大队", "二大队", "三大队", "十大队", "十二大队", "二十大队", "一百零三大队"],
        ["2号卡口", "十号卡口", "12号卡口"],
        ["三河市公安局", "四平市公安局"],
        ["安康", "宝鸡", "西安", "厦门"],
        ["占村", "张村", "章村"],
    ],
)
def test_numbers_in_names_are_numbers_and_the_rest_goes_by_pinyin(names: list[str]) -> None:
    others = names[::-1]
    assert sorted(others, key=name_key) == names


def test_people_go_by_pinyin_with_surnames_as_they_are_said() -> None:
    names = ["安宁", "解缙", "仇英", "区志强", "单雄信", "查良镛", "张三", "曾国藩"]
    assert sorted(names, key=person_key) == [
        "安宁", "区志强", "仇英", "单雄信", "解缙", "曾国藩", "查良镛", "张三"
    ]  # fmt: skip


@pytest.fixture
def bureau() -> Unit:
    """A bureau with units below it, added in no order, their codes in none either."""
    top = make_unit("top")
    rows = [
        ("z1", "station", "", "城关派出所", None),
        ("a9", "sub_bureau", "371403", "陵城分局", None),
        ("b8", "sub_bureau", "371402", "德城分局", None),
        ("c7", "brigade", "", "第十大队", None),
        ("d6", "brigade", "", "第二大队", None),
        ("e5", "headquarters", "", "政治处", 2),
        ("f4", "division", "", "办公室", 1),
        ("g3", "station", "", "安阳派出所", None),
        ("h2", "detachment", "", "八支队", None),
        ("i1", "division", "", "宣传处", None),
    ]
    for code, kind, region, name, sequence in rows:
        add_unit(
            actor=ACTOR, superior=top, code=code, kind=kind, region_code=region, name=name, sequence=sequence
        )
    top.refresh_from_db()
    return top


OFFICIAL = [
    "办公室",
    "政治处",
    "宣传处",
    "八支队",
    "第二大队",
    "第十大队",
    "德城分局",
    "陵城分局",
    "安阳派出所",
    "城关派出所",
]


def below(top: Unit) -> list[str]:
    return list(Unit.objects.filter(parent=top).order_by("tree_id", "lft").values_list("name", flat=True))


@pytest.mark.django_db
def test_the_tree_stands_in_the_official_order(bureau: Unit, client: Client) -> None:
    assert below(bureau) == OFFICIAL
    assert not list(check_all())
    client.force_login(make_user("viewer", unit=bureau))
    page = client.get(reverse("unit", args=[bureau.code]), {"as_of": "2020-02-20"}).content.decode()
    places = [page.index(f">{name}") for name in OFFICIAL]
    assert places == sorted(places)


@pytest.mark.django_db
def test_many_units_at_once_and_units_that_move_take_their_place(bureau: Unit) -> None:
    new = [
        Unit(parent=bureau, code=code, name=name, kind="brigade")
        for code, name in (("n1", "第三大队"), ("n2", "第一大队"))
    ]
    new += [Unit(parent=new[0], code=f"m{at}", name=f"{at}中队", kind="squadron") for at in (10, 9)]
    add_units(actor=ACTOR, units=new)
    assert below(bureau)[4:8] == ["第一大队", "第二大队", "第三大队", "第十大队"]
    assert below(new[0]) == ["9中队", "10中队"]
    moved = Unit.objects.get(code="n1")
    move_unit(
        actor=ACTOR, unit=moved, superior=Unit.objects.get(code="b8"), on=date(2020, 2, 1), reason="调整"
    )
    move_unit(
        actor=ACTOR, unit=moved, superior=Unit.objects.get(code="top"), on=date(2020, 2, 5), reason="调整"
    )
    assert below(bureau)[4:8] == ["第一大队", "第二大队", "第三大队", "第十大队"]
    assert not list(check_all())


@pytest.mark.django_db
def test_a_new_name_or_sequence_moves_a_unit(bureau: Unit) -> None:
    edit_unit(actor=ACTOR, unit=Unit.objects.get(code="d6"), changes={"name": "第十二大队"})
    assert below(bureau)[4:6] == ["第十大队", "第十二大队"]
    edit_unit(actor=ACTOR, unit=Unit.objects.get(code="d6"), changes={"sequence": 0})
    assert below(bureau)[0] == "第十二大队"
    assert not list(check_all())


@pytest.mark.django_db
def test_lists_are_in_the_official_order(bureau: Unit, client: Client) -> None:
    at = Unit.objects.get(code="b8")
    for number in (10, 2, 1, 12):
        make_organization(at, code=f"p{number}", name=f"先锋岗({number}号)", kind="pioneer_post")
    client.force_login(make_user("clerk", unit=bureau, role="manager"))
    page = client.get(reverse("organizations"), {"as_of": "2020-03-20"}).content.decode()
    places = [page.index(f"先锋岗({number}号)") for number in (1, 2, 10, 12)]
    assert places == sorted(places)
    for number, name in (("1", "曾国藩"), ("2", "单雄信"), ("3", "安宁")):
        make_person(name, at, number=number)
    page = client.get(reverse("people")).content.decode()
    places = [page.index(name) for name in ("安宁", "单雄信", "曾国藩")]
    assert places == sorted(places)


@pytest.mark.django_db
def test_the_keys_follow_every_way_of_writing() -> None:
    unit = make_unit("u")
    people = [
        Person(number=str(at), name=name, category="officer", home_unit=unit)
        for at, name in enumerate(["曾一", "查二"])
    ]
    add_people(actor=ACTOR, people=people)
    for row in (*Person.objects.all(), *Unit.objects.all(), *Organization.objects.all()):
        (field,) = (each for each in row._meta.concrete_fields if each.name == "order_key")
        assert row.order_key == field.key_of([getattr(row, name) for name in field.of])  # type: ignore[attr-defined]
