"""Finding: any part of any name, by text and by sound, the best first, in scope only."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.models import NameTerm, Organization, OrganizationTerm, Person, Unit, UnitTerm, User
from registry.models.hierarchy import Span
from registry.models.pinyin import every
from registry.models.term import folded
from registry.nouns.organization import ORGANIZATION
from registry.nouns.person import PERSON
from registry.nouns.unit import UNIT
from registry.operations import organizations, people, units
from registry.operations.bulk import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow, bulk_load
from registry.search import index as search
from registry.search import query as best
from registry.search.query import find
from tests.factories import ACTOR, DAY, assign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["from the scope", "from the terms", "by name and unit"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Go either way to the hits, whatever the size of the scope: what is found must be the same."""
    small, few = {"from the scope": (9999, 9999), "from the terms": (0, 0), "by name and unit": (0, 9999)}[
        request.param
    ]
    monkeypatch.setattr(best, "SMALL", small)
    monkeypatch.setattr(best, "SMALL_FOR_PEOPLE", small)
    monkeypatch.setattr(best, "FEW", few)
    return str(request.param)


@pytest.fixture
def bureau() -> Unit:
    return make_unit("dezhou", name="德州市公安局", short_name="德州市局", aliases="德公")


def names(rows: Any) -> list[str]:
    return [str(row) for row in rows]


def test_units_the_best_first(bureau: Unit) -> None:
    user = make_user(unit=bureau)
    make_unit("a", bureau, name="德州市公安局德城分局", short_name="德城分局")
    make_unit("b", bureau, name="驻德州市公安局警务站")
    make_unit("c", bureau, name="得站所")
    assert names(find(UNIT, user, "德州市公安局", most=9)) == [
        "德州市公安局", "德州市公安局德城分局", "驻德州市公安局警务站"
    ]  # fmt: skip
    assert names(find(UNIT, user, "德城", most=9)) == ["德州市公安局德城分局"]
    assert names(find(UNIT, user, "dzsgaj", most=9)) == ["德州市公安局", "德州市公安局德城分局"]
    assert names(find(UNIT, user, "dzs", most=9)) == ["得站所", "德州市公安局", "德州市公安局德城分局"]
    assert names(find(UNIT, user, "dezhou", most=9))[0] == "德州市公安局"  # the code, before any sound
    assert names(find(UNIT, user, "B", most=9)) == ["驻德州市公安局警务站"]
    assert names(find(UNIT, user, "德公", most=9)) == ["德州市公安局"]
    assert len(find(UNIT, user, "德", most=2)) == 2


def test_organizations_by_all_they_are_called(bureau: Unit) -> None:
    user = make_user(unit=bureau)
    made = make_organization(
        bureau, code="dz-linshi-7", name="抗疫一线临时党支部", aliases="前线支部; 七支部",
        honour_title="何建华", approval_number="德公党〔2020〕7号",
    )  # fmt: skip
    make_organization(bureau, code="other", name="治安大队党支部")
    for text in ("抗疫", "一线", "党支部", "七支", "何建", "dz-lin", "linshi", "2020〕7", "〔2020〕7", "kyyx",
                 "kangyiyixian", "lsdzb", "linshidang", "DZLINSHI7"):  # fmt: skip
        assert made in find(ORGANIZATION, user, text, most=9), text
    for text in ("抗洪", "何健", "2021", "lsdzc"):
        assert made not in find(ORGANIZATION, user, text, most=9), text
    organizations.withdraw_organization(
        actor=ACTOR, organization=Organization.objects.get(pk=made.pk), reason="误录"
    )
    assert find(ORGANIZATION, user, "抗疫", most=9) == [made]
    standing = find(ORGANIZATION, user, "抗疫", most=9, narrow=lambda rows: rows.exclude(state="withdrawn"))
    assert standing == []


def test_people_by_every_reading_and_the_rare_one_last(bureau: Unit) -> None:
    user = make_user(unit=bureau)
    for name in ("单雄信", "曾重", "于伟", "王伟"):
        make_person(name, bureau)
    for text, found in {
        "shanxx": [], "shanxiong": ["单雄信"], "danxiongxin": ["单雄信"], "sxx": ["单雄信"],
        "zengchong": ["曾重"], "cengz": ["曾重"], "zz": ["曾重"], "重": ["曾重"], "chong": ["曾重"],
        "yuwei": ["于伟", "王伟"], "wangwei": ["王伟"], "wei": ["王伟", "于伟"], "雄": ["单雄信"],
    }.items():  # fmt: skip
        assert names(find(PERSON, user, text, most=9)) == found, text


def test_an_edit_is_found_at_once_and_the_old_name_no_more(bureau: Unit) -> None:
    user = make_user(unit=bureau)
    person, made = make_person("张三", bureau), make_organization(bureau, name="甲支部")
    people.edit_person(actor=ACTOR, person=person, changes={"name": "李四"})
    organizations.edit_organization(actor=ACTOR, organization=made, changes={"name": "乙支部"})
    units.edit_unit(actor=ACTOR, unit=bureau, changes={"short_name": "齐州局", "aliases": ""})
    assert (names(find(PERSON, user, "lisi", most=9)), find(PERSON, user, "zhangs", most=9)) == (["李四"], [])
    assert names(find(ORGANIZATION, user, "yizhibu", most=9)) == ["乙支部"]
    assert find(ORGANIZATION, user, "甲支", most=9) == []
    assert find(UNIT, user, "齐州", most=9) == [bureau]
    assert find(UNIT, user, "德公", most=9) == []
    call_command("searchindex", "--check")


def test_out_of_scope_is_never_found(bureau: Unit) -> None:
    other = make_unit("jinan", name="济南市公安局")
    made = make_organization(other, name="济南支部", code="jn-1")
    stranger = make_person("济南人", other, number="370100001")
    guest = make_person("济南客", other, number="370100002")
    assign(make_organization(bureau), guest)
    for user in (make_user(unit=bureau), make_user(), make_user(unit=bureau, role="viewer")):
        for text in ("济南", "jinan", "jn", "j", "370100001", "3701", "jn-1"):
            assert other not in find(UNIT, user, text, most=9)
            assert made not in find(ORGANIZATION, user, text, most=9)
            assert stranger not in find(PERSON, user, text, most=9), text
    assert find(PERSON, make_user(unit=bureau), "jinan", most=9) == [guest]
    assert find(PERSON, make_user(unit=bureau, role="clerk"), "济南", "read_record", most=9) == []


def test_a_number_that_is_masked_finds_nobody(bureau: Unit) -> None:
    home = make_unit("home", name="老家局")
    person = make_person("王五", bureau, number="AB371400123")
    guest = make_person("赵六", home, number="AB990000001")
    assign(make_organization(bureau), guest)
    clerk, viewer = make_user(unit=bureau, role="clerk"), make_user(unit=bureau, role="viewer")
    root = User.objects.create_superuser("root", password="correct horse battery")
    for text in ("AB3714", "ab3714", "AB371400123", "ab371400123"):
        assert find(PERSON, clerk, text, most=9) == [person], text
        assert find(PERSON, root, text, most=9) == [person], text
    for text in ("AB3714", "ab371400123"):
        assert find(PERSON, viewer, text, most=9) == [], text
    for text in ("AB9900", "AB990000001"):  # a guest, whose number the clerk sees masked
        assert find(PERSON, clerk, text, most=9) == [], text
    assert find(PERSON, clerk, "赵六", most=9) == [guest]
    assert find(PERSON, clerk, "371400", most=9) == []  # the beginning, not any part


def test_nothing_typed_finds_nothing(bureau: Unit) -> None:
    user = make_user(unit=bureau)
    make_person("张三", bureau)
    for text in ("", " ", "-", "·", "%", "_", "'", "\\", "x" * 100, "长" * 100):
        assert find(UNIT, user, text, most=9) == [], text
        assert find(ORGANIZATION, user, text, most=9) == [], text
        assert find(PERSON, user, text, most=9) == [], text


HAN = st.text(
    st.sampled_from("王张李单曾重仇区德州市公安局临时党支部分派出所长乐阿一二吕女·"), min_size=1, max_size=8
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=HAN.filter(folded), data=st.data())
def test_any_part_of_any_name_and_its_pinyin_find_it(name: str, data: st.DataObject) -> None:
    unit = make_unit(name=f"{name}所")
    user = make_user(unit=unit)
    made, person = make_organization(unit, name=name), make_person(name, unit)
    text = folded(name)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    part = text[start:end]
    assert unit in find(UNIT, user, part, most=9)
    assert made in find(ORGANIZATION, user, part, most=9)
    assert person in find(PERSON, user, part, most=9)
    first = [every(char)[0] for char in text]
    for sound in ("".join(first), "".join(each[0] for each in first)):
        assert person in find(PERSON, user, sound, most=9), sound
        for model in (UnitTerm, OrganizationTerm, NameTerm):
            assert model._default_manager.filter(term__startswith=sound[:3]).exists()
    sound = "".join(first[start:])
    assert person in find(PERSON, user, sound, most=9), sound


def test_the_queries_are_bounded(bureau: Unit) -> None:
    for number in range(12):
        make_person(f"张{number}", make_unit(f"u-{number}", bureau, name=f"张庄{number}所"))
    user = make_user(unit=bureau)
    for noun, bound in ((UNIT, 8), (ORGANIZATION, 8), (PERSON, 17)):
        for text in ("张", "zhang", "zz1", "9", "nothing"):
            with CaptureQueriesContext(connection) as caught:
                find(noun, User.objects.get(pk=user.pk), text, most=7)
            assert len(caught) <= bound, (noun, text)


def test_the_size_of_a_scope_is_its_number_of_units(bureau: Unit) -> None:
    make_unit("a", make_unit("b", bureau))
    bureau.refresh_from_db()
    assert best._size([Span(bureau.tree_id, bureau.lft, bureau.rght)]) == 3


def test_a_bulk_load_is_found_and_the_check_sees_what_is_wrong(bureau: Unit, capsys: Any) -> None:
    load = Load(
        units=[UnitRow("suo", "城关派出所", "station", "dezhou", aliases="老城关")],
        organizations=[OrganizationRow("suo-1", "城关突击队", "commando_team", "suo", DAY, state="approved")],
        people=[PersonRow("7", "马六", "officer", "suo"), PersonRow("8", "马六", "officer", "suo")],
        assignments=[AssignmentRow("7", "suo-1", DAY)],
    )
    bulk_load(actor=ACTOR, load=load, at="dezhou")
    user = make_user(unit=Unit.objects.get(code="dezhou"))
    assert names(find(UNIT, user, "lcg", most=9)) == ["城关派出所"]
    assert names(find(ORGANIZATION, user, "tujidui", most=9)) == ["城关突击队"]
    assert names(find(PERSON, user, "maliu", most=9)) == ["马六", "马六"]
    call_command("searchindex")
    Unit.objects.filter(code="suo").update(name="城西派出所")
    NameTerm.objects.filter(name="马六", term="ml").delete()
    with pytest.raises(CommandError, match="2 处"):
        call_command("searchindex", "--check")
    assert "马六: 1 missing, 0 too many" in capsys.readouterr().out
    call_command("searchindex", "--rebuild")
    assert names(find(UNIT, user, "城西", most=9)) == ["城西派出所"]
    assert search.differences() == []


def test_two_who_enter_the_same_new_name_write_it_once(bureau: Unit) -> None:
    search.index_names(["新名", "新名"])
    known = NameTerm.objects.count()
    make_person("新名", bureau)
    make_person("新名", bureau)
    assert NameTerm.objects.count() == known
    assert Person.objects.filter(name="新名").count() == 2
