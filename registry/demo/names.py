"""Invented names for sample people: surnames by how common they are, Mongolian names in Inner Mongolia."""

from __future__ import annotations

import random

_SURNAMES = (
    "王李张刘陈杨黄赵吴周" * 6
    + "徐孙马朱胡郭何高林罗" * 3
    + "郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦"
    + "付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_MALE = (
    "伟强磊军勇涛超明刚辉鹏波斌亮健飞凯杰峰浩宇鑫龙志海东建国永华立平新春晓文博俊成林宏毅思远瑞阳泽晨旭松柏"
)
_FEMALE = "芳娜敏静丽艳娟霞秀玲燕萍红梅琳雪莹慧颖倩婷洁欣怡佳雅楠璐蕾薇晶丹妍悦琪"
# fmt: off
_MONGOLIAN = (
    "巴特尔", "那日苏", "布和", "格日勒图", "乌力吉", "额尔敦", "朝鲁", "苏和", "阿古拉", "特木尔",
    "宝音", "达来", "孟和", "巴图", "哈斯", "牧仁", "吉日嘎拉", "恩和", "满都拉", "图雅",
    "其其格", "苏日娜", "萨仁", "高娃", "娜仁", "乌云", "斯琴", "阿茹娜", "托娅", "萨如拉",
    "格根", "通拉嘎", "塔娜", "呼和", "毕力格", "查干", "金山", "斯日古楞", "青格勒", "乌日娜",
    "巴雅尔", "哈斯巴根", "布仁", "娜仁花", "萨仁花", "乌云其木格", "苏德", "阿斯根", "朝克图", "白音",
    "那顺", "孟根", "斯琴高娃", "敖日格乐", "阿拉坦", "宝力格", "德力格尔", "特格希", "查苏", "其木格",
)
# fmt: on


def invented_name(random: random.Random, *, mongolian: bool = False) -> str:
    """Return a plausible name; ``mongolian``: one in six is a Mongolian one."""
    if mongolian and random.random() < 0.17:
        return random.choice(_MONGOLIAN)
    given = _MALE if random.random() < 0.8 else _FEMALE
    letters = 1 if random.random() < 0.22 else 2
    return random.choice(_SURNAMES) + "".join(random.sample(given, letters))
