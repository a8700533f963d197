"""Plausible names: the provinces are real, everything below them is invented."""

from __future__ import annotations

import random
from itertools import product

PROVINCES: tuple[tuple[str, str], ...] = (
    ("37", "山东省"),
    ("11", "北京市"),
    ("12", "天津市"),
    ("13", "河北省"),
    ("14", "山西省"),
    ("15", "内蒙古自治区"),
    ("21", "辽宁省"),
    ("22", "吉林省"),
    ("23", "黑龙江省"),
    ("31", "上海市"),
    ("32", "江苏省"),
    ("33", "浙江省"),
    ("34", "安徽省"),
    ("35", "福建省"),
    ("36", "江西省"),
    ("41", "河南省"),
    ("42", "湖北省"),
    ("43", "湖南省"),
    ("44", "广东省"),
    ("45", "广西壮族自治区"),
    ("46", "海南省"),
    ("50", "重庆市"),
    ("51", "四川省"),
    ("52", "贵州省"),
    ("53", "云南省"),
    ("54", "西藏自治区"),
    ("61", "陕西省"),
    ("62", "甘肃省"),
    ("63", "青海省"),
    ("64", "宁夏回族自治区"),
    ("65", "新疆维吾尔自治区"),
)
BRIGADES: tuple[str, ...] = (
    "刑事侦查大队",
    "治安管理大队",
    "交通警察大队",
    "巡特警大队",
    "经济犯罪侦查大队",
    "禁毒大队",
    "网络安全保卫大队",
    "出入境管理大队",
    "法制大队",
    "警务保障大队",
    "情报指挥大队",
    "森林警察大队",
)
_STATION_FIRST = "城东西南北河湖山桥柳杨石白黄青双新龙凤马"
_STATION_LAST = ("关", "街", "镇", "庄", "湾", "营")
STATIONS: tuple[str, ...] = tuple(
    f"{first}{last}派出所" for last, first in product(_STATION_LAST, _STATION_FIRST)
)
_CITY = ("安永宁德临长广新平清泰兴文武金石阳江海昌丰嘉怀瑞", "安州阳城江山川水原岭泽昌宁陵源海")
_COUNTY = (
    "安永宁德临长广新平清泰兴东南西北大武金石阳江河海昌丰和顺嘉怀靖保崇云龙凤桐松柏梅洪万福建开林博辉英瑞隆同",
    "平安乐宁化城阳山江川水源丰昌南北陵泉溪林口河岭台港泽远定康原和兴义德春明盛治善岗坪沙塘洲湾浦坝关屯集华庆仁信吉云海峰谷田",
)
THEMES: dict[str, tuple[str, ...]] = {
    "yiqing-fangkong": ("疫情防控", "卡口查控", "社区防控", "隔离点管控", "流调溯源", "抗疫一线"),
    "fangxun-jiuzai": ("防汛抢险", "堤防巡护", "转移安置"),
    "jiandang-anbao": ("安保维稳", "重点部位守护", "环省护城河"),
    "": ("应急处突", "专项整治"),
}


def city_names(chance: random.Random, number: int) -> list[str]:
    """Return names for prefectures, each of them once."""
    return _names(chance, number, *_CITY)


def county_names(chance: random.Random, number: int) -> list[str]:
    """Return names for counties, each of them once while there are enough."""
    return _names(chance, number, *_COUNTY)


def _names(chance: random.Random, number: int, first: str, last: str) -> list[str]:
    names = sorted({a + b for a in first for b in last if a != b})
    chance.shuffle(names)
    return [names[i % len(names)] for i in range(number)]
