"""Codes that nobody has to think of: made from the name, all different."""

from __future__ import annotations

from datetime import date

import pytest
from django.test.utils import CaptureQueriesContext

from registry.models import Campaign, Organization, Unit
from registry.operations.campaigns import start_campaign
from registry.operations.codes import code_for, codes_for
from registry.operations.organizations import establish_organization
from registry.operations.units import add_unit, add_units
from tests.factories import ACTOR, make_organization, make_unit

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("德州市公安局德城分局", "dezhoushi-gonganju-dechengfenju"),
        ("德城分局第二临时党支部", "dechengfenju-dier-linshi-dangzhibu"),
        ("１１０指挥中心(ICC)", "110zhihuizhongxinicc"),
        ("突击队·“何建华”号", "tujidui-hejianhuahao"),
        (
            "黑龙江省佳木斯市公安局交通警察支队高速公路管理处第二大队",
            "hljs-jmss-gaj-jiaotongjingchazhidui-gaosugongluguanlichu-dierdadui",
        ),
        ("——", "unit"),
    ],
)  # fmt: skip
def test_a_code_is_the_name_in_letters(name: str, code: str) -> None:
    assert code_for(name, Unit) == code


def test_a_code_that_is_taken_is_numbered() -> None:
    make_unit("chengguansuo")
    make_unit("chengguansuo-2")
    make_unit("chengguansuo-x")
    names = ["城关所", "城东所", "城关所", "城关 所"]
    assert codes_for(names, Unit, taken=["chengguansuo-4"]) == [
        *("chengguansuo-3", "chengdongsuo", "chengguansuo-5", "chengguansuo-6")
    ]


def test_many_codes_cost_as_many_queries_as_few(django_assert_num_queries: CaptureQueriesContext) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(set(codes_for(["城关所"] * 40 + [f"城东{n}所" for n in range(40)], Unit))) == 80


def test_operations_give_new_rows_their_codes() -> None:
    root = add_unit(actor=ACTOR, superior=None, name="德州市公安局", kind="bureau")
    assert root.code == "dezhoushi-gonganju"
    made = add_units(
        actor=ACTOR,
        units=[Unit(parent=root, name="城关所", kind="station", code=code) for code in ("", "own", "")],
    )
    assert [unit.code for unit in made] == ["chengguansuo", "own", "chengguansuo-2"]
    facts = {"kind": "branch", "is_temporary": True, "established_on": date(2020, 2, 1), "state": "approved"}
    branch = establish_organization(actor=ACTOR, unit=root, name="德州临时党支部", **facts)
    assert Organization.objects.get(pk=branch.pk).code == "dezhou-linshi-dangzhibu"
    campaign = start_campaign(actor=ACTOR, name="抗疫", started_on=date(2020, 1, 20), lead_unit=root)
    assert Campaign.objects.get(pk=campaign.pk).code == "kangyi"


def test_the_codes_of_other_nouns_do_not_matter() -> None:
    make_organization(make_unit("a"), code="kangyi")
    assert code_for("抗疫", Campaign) == "kangyi"
