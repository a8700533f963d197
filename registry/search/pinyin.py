"""Full pinyin and initials of Chinese text, with the several readings of a character.

Readings come from pypinyin, one character at a time. Reading whole phrases is far slower (0.3 ms for an
organization's name) and no better with names: it reads 吉林省长春市 as 省长 and 春. So a character with two
readings gives two spellings, not a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice, product

from pypinyin import Style, pinyin

MOST_SPELLINGS = 12
"""How many spellings of one text are kept; the usual reading of each character comes first."""

_TABLE = (
    # in the names of places and organs
    "长 chang zhang|重 zhong chong|朝 chao zhao|行 xing hang|阿 a e|乐 le yue|六 liu lu|"
    "蚌 beng bang|洞 dong tong|厦 xia sha|会 hui kuai|莘 shen xin|铅 yan qian|泊 bo po|涡 guo wo|"
    "浚 xun jun|荥 xing ying|泷 long shuang|筠 yun jun|番 pan fan|歙 she xi|珲 hun hui|泌 bi mi|"
    "柏 bai bo|蔚 yu wei|巷 xiang hang|弄 nong long|埔 pu bu|堡 bao bu pu|圩 wei xu|调 diao tiao|"
    "传 chuan zhuan|藏 zang cang|校 xiao jiao|陂 bei pi po|且 qie ju|佛 fo fu|拓 tuo ta|"
    "降 jiang xiang|都 du dou|大 da dai|什 shi shen|卡 ka qia|溯 su shuo|宿 su xiu|屯 tun|"
    "镐 hao gao|亳 bo|郫 pi|井 jing|陉 xing|枞 zong cong|尉 yu wei|单 shan dan chan|"
    # in the names of people
    "曾 zeng ceng|仇 qiu chou|区 qu ou|朴 piao pu|查 zha cha|盖 gai ge|种 chong zhong|折 she zhe|"
    "缪 miao mou|覃 qin tan|翟 zhai di|解 xie jie|牟 mou mu|万 wan mo|盛 sheng cheng|茜 qian xi|"
    "纪 ji|员 yuan yun|洗 xian xi|秘 bi mi|黑 he hei|娜 na nuo|强 qiang jiang|奇 qi ji|"
    "晟 sheng cheng|石 shi dan|葛 ge|令 ling|华 hua|宁 ning|燕 yan|应 ying|谌 chen shen|"
    "隗 wei kui|郗 xi chi|逄 pang|佴 nai er|车 che ju|绿 lv lu|露 lu lou|薄 bo bao|祭 zhai ji|"
    "妫 gui|哈 ha|呙 guo|逯 lu|幺 yao|祝 zhu|瞿 qu ju|召 shao zhao|句 gou ju|尹 yin|於 yu|"
    "臧 zang|郇 xun huan|郝 hao|俞 yu shu|鲜 xian|冼 xian|说 shuo yue"
)
_USUAL = {line[0]: tuple(line[1:].split()) for line in _TABLE.split("|")}
"""Readings of characters where pypinyin's first one misleads, or where several are usual."""

_PLAIN_IN_ORGANS = frozenset("大会传校强车台石解应查员卡娜")
"""Characters with only their first reading in the names of organs: 大队, 侦查大队, 委员会."""

Reading = Callable[[str], tuple[str, ...]]


def usual(char: str) -> tuple[str, ...]:
    """Return the usual readings of ``char``; a letter or digit is its own, a sign has none ("")."""
    return _USUAL.get(char) or every(char)[:1]


def in_organs(char: str) -> tuple[str, ...]:
    """Return the readings of ``char`` in the names of units and organizations."""
    return usual(char)[:1] if char in _PLAIN_IN_ORGANS else usual(char)


@lru_cache(maxsize=30_000)
def every(char: str) -> tuple[str, ...]:
    """Return every known reading of ``char``, also the rarest."""
    if char.isascii():
        return (char if char.isalnum() else "",)
    sounds = [_plain(sound) for sound in pinyin(char, style=Style.NORMAL, heteronym=True)[0]]
    return tuple(dict.fromkeys([*_USUAL.get(char, ()), *filter(None, sounds)])) or ("",)


def _plain(sound: str) -> str:
    sound = sound.replace("ü", "v").replace("ê", "e")
    return sound if sound.isascii() and sound.isalpha() else ""


def spellings(text: str, read: Reading = usual) -> list[tuple[str, str]]:
    """Return up to ``MOST_SPELLINGS`` (full pinyin, initials) of ``text``, the usual one first; ü is
    written v.
    """
    ways: Iterable[tuple[str, ...]] = product(*(read(char) for char in text))
    known = {
        ("".join(way), "".join(sound[:1] for sound in way)): None for way in islice(ways, MOST_SPELLINGS)
    }
    return [spelling for spelling in known if spelling[0]]
