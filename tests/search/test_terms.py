"""What a name, a unit, an organization is found by."""

from __future__ import annotations

import pytest

from registry.models.pinyin import in_organs, read_person, spellings
from registry.models.term import LONGEST_TERM, Rank, folded
from registry.search.marks import marked
from registry.search.terms import terms_of_name, terms_of_object


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("张三", {("zhangsan", "zs")}),
        ("单雄信", {("shanxiongxin", "sxx"), ("danxiongxin", "dxx"), ("chanxiongxin", "cxx")}),
        ("曾重", {("zengzhong", "zz"), ("zengchong", "zc"), ("cengzhong", "cz"), ("cengchong", "cc")}),
        ("吕绿", {("lvlv", "ll"), ("lvlu", "ll")}),
        ("二O3", {("ero3", "eo3")}),
    ],
)
def test_every_usual_reading_spells_a_name(name: str, spelled: set[tuple[str, str]]) -> None:
    assert set(spellings(folded(name))) == spelled


def test_the_terms_of_a_name() -> None:
    assert terms_of_name("张 三·丰") == {
        (Rank.START, "张三丰"),
        (Rank.INSIDE, "三丰"),
        (Rank.INSIDE, "丰"),
        (Rank.SOUND, "zhangsanfeng"),
        (Rank.SOUND, "zsf"),
        (Rank.SOUND_INSIDE, "sanfeng"),
        (Rank.SOUND_INSIDE, "sf"),
        (Rank.SOUND_INSIDE, "feng"),
        (Rank.SOUND_INSIDE, "f"),
    }
    rare = {term for rank, term in terms_of_name("王伟") if rank == Rank.SOUND_RARE}
    assert "yuwei" in rare  # 王 is yu in old books: found, but after everybody who is called so today


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("京沪高速检查站", "jianchazhan"),
        ("京沪高速检查站", "jcz"),
        ("刑事侦查大队", "zhencha"),
        ("解放路派出所", "jiefanglu"),
        ("朝阳市公安局", "chaoyang"),
        ("厦门市公安局", "xiamen"),
        ("六安市公安局", "luan"),
        ("番禺区分局", "panyu"),
        ("蚌埠市公安局", "bengbu"),
        ("重庆市公安局", "chongqing"),
        ("长沙市公安局", "changsha"),
        ("六合分局", "luhe"),
        ("铅山县公安局", "yanshan"),
        ("乐清市公安局", "yueqing"),
        ("乐陵市公安局", "laoling"),
        ("吉林省长春市公安局", "changchun"),
        ("单县公安局", "shanxian"),
        ("长沙市公安局长阳县行动重大案件会战指挥部重案长期调查大队", "zhangsha"),
    ],
)
def test_names_of_organs_and_places_are_found_as_they_are_said(name: str, typed: str) -> None:
    terms = terms_of_object((name,), "", ())
    assert any(term.startswith(typed) for rank, term in terms if rank in (Rank.SOUND, Rank.SOUND_INSIDE)), (
        spellings(name, in_organs)
    )


@pytest.mark.parametrize(
    ("name", "sounds"),
    [
        ("查良镛", "zha liang yong"),
        ("解缙", "xie jin"),
        ("单雄信", "shan xiong xin"),
        ("仇英", "qiu ying"),
        ("区志强", "ou zhi qiang"),
        ("朴大同", "piao da tong"),
        ("曾国藩", "zeng guo fan"),
        ("尉迟恭", "yu chi gong"),
        ("王建国", "wang jian guo"),
    ],
)
def test_surnames_are_read_as_surnames(name: str, sounds: str) -> None:
    assert read_person(name) == sounds.split()
    assert (Rank.SOUND, "".join(sounds.split())) in terms_of_name(name)


def test_the_terms_of_a_unit() -> None:
    terms = terms_of_object(("德州市公安局", "市局"), "德公; 老局", ("dezhou-gonganju",))
    assert {term for rank, term in terms if rank == Rank.START} == {
        "德州市公安局", "市局", "德公", "老局", "dezhougonganju"
    }  # fmt: skip
    assert {(Rank.INSIDE, "州市公安局"), (Rank.INSIDE, "公安局"), (Rank.INSIDE, "gonganju")} <= terms
    assert {(Rank.SOUND, "dezhoushigonganju"), (Rank.SOUND, "dzsgaj"), (Rank.SOUND, "sj")} <= terms
    assert (Rank.SOUND_INSIDE, "gaj") in terms


def test_terms_are_cut_and_counted() -> None:
    long = "长" * 100
    terms = terms_of_object((long,), "", ())
    assert max(len(term) for _rank, term in terms) == LONGEST_TERM
    assert len(terms) < 100
    assert terms_of_name("") == terms_of_name(" · ") == set()


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("ＡＢ１２", "ab12"), ("张 三", "张三"), ("阿依古丽·买买提", "阿依古丽买买提"), ("〔2020〕7", "20207"),
     ("dezhou-shi", "dezhoushi"), ("LÜ", "lv"), ("%", "%"), ("_", "_"), (" - ", "")],
)  # fmt: skip
def test_what_is_typed_in_many_ways_is_one(typed: str, kept: str) -> None:
    assert folded(typed) == kept


@pytest.mark.parametrize(
    ("name", "typed", "part"),
    [
        ("德州市公安局", "公安", "公安"),
        ("德州市公安局", "DZS", "德州市"),
        ("德州市公安局", "shigong", "市公"),
        ("德州市公安局", "shigo", "市公"),
        ("张 三丰", "三丰", "三丰"),
        ("张 三丰", "张三", "张 三"),
        ("阿依古丽·买买提", "limai", "丽·买"),
        ("单雄信", "shanx", "单雄"),
        ("德州市公安局", "济南", ""),
        ("德州市公安局", "-", ""),
        ("", "x", ""),
    ],
)
def test_the_part_that_was_found(name: str, typed: str, part: str) -> None:
    start, end = marked(name, typed)
    assert name[start:end] == part
