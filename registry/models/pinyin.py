"""Full pinyin and initials of Chinese text, with the several readings of a character.

The names of organs, places and operations are read word by word, with pypinyin's dictionary of phrases:
检查站 is jian cha zhan, 厦门 xia men. The names of people are read character by character, the first as
surnames are. Where a character is often read otherwise, also by officers themselves, both readings find it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, islice, product

from pypinyin import Style, lazy_pinyin, load_phrases_dict, pinyin

MOST_SPELLINGS = 16
"""How many spellings of one text are kept; the usual one first, then those that differ in one character."""

WORDS = re.compile(r"(?<=[省市区县盟旗局厅队所站处室科院乡镇])|(?=公安|临时|党|突击|先锋|专班|工作组|领导)")
"""Where words begin in the names of organs and organizations."""

_PLACES = (
    "长 chang zhang|重 zhong chong|朝 chao zhao|行 xing hang|阿 a e|乐 le yue lao|六 liu lu|"
    "蚌 beng bang|洞 dong tong|厦 xia sha|莘 shen xin|铅 yan qian|泊 bo po|涡 guo wo|"
    "浚 xun jun|荥 xing ying|泷 long shuang|筠 yun jun|番 pan fan|歙 she xi|珲 hun hui|泌 bi mi|"
    "柏 bai bo|蔚 yu wei|巷 xiang hang|弄 nong long|埔 pu bu|堡 bao bu pu|圩 wei xu|"
    "藏 zang cang|陂 bei pi po|且 qie ju|佛 fo fu|拓 tuo ta|"
    "降 jiang xiang|都 du dou|什 shi shen|卡 ka qia|溯 su shuo|宿 su xiu|屯 tun|"
    "镐 hao gao|亳 bo|郫 pi|井 jing|陉 xing|枞 zong cong|尉 wei yu|单 dan shan|解 jie xie|会 hui kuai"
)
_NAMES = (
    "会 hui kuai|调 diao tiao|传 chuan zhuan|校 xiao jiao|大 da dai|单 shan dan chan|解 xie jie|"
    "曾 zeng ceng|仇 qiu chou|区 ou qu|朴 piao pu|查 zha cha|盖 ge gai|种 chong zhong|折 she zhe|"
    "缪 miao mou|覃 qin tan|翟 zhai di|牟 mou mu|万 wan mo|盛 sheng cheng|茜 qian xi|"
    "纪 ji|员 yun yuan|洗 xian xi|秘 bi mi|黑 he hei|娜 na nuo|强 qiang jiang|奇 qi ji|"
    "晟 sheng cheng|石 shi dan|葛 ge|令 ling|华 hua|宁 ning|燕 yan|应 ying|谌 chen shen|"
    "隗 wei kui|郗 xi chi|逄 pang|佴 nai er|车 che ju|绿 lv lu|露 lu lou|薄 bo bao|祭 zhai ji|"
    "妫 gui|哈 ha|呙 guo|逯 lu|幺 yao|祝 zhu|瞿 qu ju|召 shao zhao|句 gou ju|尹 yin|於 yu|"
    "臧 zang|郇 xun huan|郝 hao|俞 yu shu|鲜 xian|冼 xian|说 shuo yue|乐 yue le|尉 wei yu|"
    "阚 kan|卜 bu|能 nai neng|相 xiang|要 yao|过 guo|干 gan|繁 po fan|眭 sui|贲 ben|郄 qie xi"
)
_TWO = {
    "尉迟": "yu chi", "单于": "chan yu", "万俟": "mo qi", "长孙": "zhang sun", "令狐": "ling hu",
    "澹台": "tan tai", "鲜于": "xian yu", "宰父": "zai fu", "皇甫": "huang fu", "赫连": "he lian",
}  # fmt: skip
"""Surnames of two characters that are read otherwise than each of them."""


def _table(text: str) -> dict[str, tuple[str, ...]]:
    return {line[0]: tuple(line[1:].split()) for line in text.split("|")}


_IN_PLACES = _table(_PLACES)
_IN_NAMES = _IN_PLACES | _table(_NAMES)
"""Readings of characters where pypinyin's first one misleads, or where several are usual."""

_PHRASES = (
    "朝阳 cháo yáng|六合 lù hé|长治 cháng zhì|长清 cháng qīng|长春 cháng chūn|单县 shàn xiàn|"
    "解州 xiè zhōu|解县 xiè xiàn|会稽 kuài jī|浚县 xùn xiàn|洪洞 hóng tóng|涡阳 guō yáng|"
    "繁峙 fán shì|乐陵 lào líng|东阿 dōng ē|大城县 dài chéng xiàn|中牟 zhōng mù|牟平 mù píng|"
    "尉犁 yù lí|黄陂 huáng pí|六枝 lù zhī|查家 zhā jiā|仇家 qiú jiā|单家 shàn jiā|解家 xiè jiā|"
    "曾家 zēng jiā|区家 ōu jiā|任县 rén xiàn|枞阳 zōng yáng|行唐 xíng táng|监利 jiàn lì"
)
"""Places that the dictionary of phrases lacks, or reads as the common word of the same characters."""
load_phrases_dict({line.split()[0]: [[sound] for sound in line.split()[1:]] for line in _PHRASES.split("|")})

_ORDINARY = frozenset("大会传校强车石应员娜查调说令黑万种奇宁盛华能相要过干")
"""Characters that are read as in names only in the names of people."""
_IN_ORGANS = {char: sounds for char, sounds in _IN_NAMES.items() if char not in _ORDINARY} | _IN_PLACES

Reading = Callable[[str], Sequence[tuple[str, ...]]]
"""Returns the readings of each character of a text, the usual one first."""


def in_names(text: str) -> list[tuple[str, ...]]:
    """Return the readings of each character in the name of a person; a letter is its own, a sign has none."""
    return [_IN_NAMES.get(char) or every(char)[:1] for char in text]


def in_organs(text: str) -> list[tuple[str, ...]]:
    """Return the readings of each character in the name of a unit, an organization, an operation."""
    return [
        tuple(dict.fromkeys((sound, *_IN_ORGANS.get(char, ()))))
        for word in WORDS.split(text)
        for char, sound in zip(word, _read(word), strict=True)
    ]


def with_rare(text: str) -> list[tuple[str, ...]]:
    """Return every known reading of each character, also the rarest."""
    return [every(char) for char in text]


@lru_cache(maxsize=30_000)
def every(char: str) -> tuple[str, ...]:
    """Return every known reading of ``char``, also the rarest."""
    if char.isascii():
        return (char if char.isalnum() else "",)
    sounds = [_plain(sound) for sound in pinyin(char, style=Style.NORMAL, heteronym=True)[0]]
    return tuple(dict.fromkeys([*_IN_NAMES.get(char, ()), *filter(None, sounds)])) or ("",)


@lru_cache(maxsize=30_000)
def _read(word: str) -> tuple[str, ...]:
    """Return how each character of a word is read in it."""
    sounds = lazy_pinyin(word, errors=list)  # type: ignore[arg-type]
    if len(sounds) != len(word):
        return tuple(every(char)[0] for char in word)
    return tuple(
        every(char)[0] if char.isascii() else _plain(sound) or every(char)[0]
        for char, sound in zip(word, sounds, strict=True)
    )


def read_person(name: str) -> list[str]:
    """Return how each character of a person's name is read, the surname as surnames are."""
    if name[:2] in _TWO:
        return [*_TWO[name[:2]].split(), *(read_alone(char) for char in name[2:])]
    return [(_IN_NAMES.get(name[0]) or every(name[0]))[0], *(read_alone(char) for char in name[1:])]


@lru_cache(maxsize=30_000)
def read_alone(char: str) -> str:
    """Return the most common reading of a character that stands alone."""
    return every(char)[0] if char.isascii() else _plain(lazy_pinyin(char)[0]) or every(char)[0]


def _plain(sound: str) -> str:
    sound = sound.replace("ü", "v").replace("ê", "e")
    return sound if sound.isascii() and sound.isalpha() else ""


def spellings(text: str, read: Reading = in_names) -> list[tuple[str, str]]:
    """Return up to ``MOST_SPELLINGS`` (full pinyin, initials) of ``text``, the usual one first; ü is
    written v.
    """
    known = {
        ("".join(way), "".join(sound[:1] for sound in way)): None
        for way in islice(_ways(read(text)), MOST_SPELLINGS)
    }
    return [spelling for spelling in known if spelling[0]]


def _ways(readings: Sequence[tuple[str, ...]]) -> Iterator[list[str]]:
    """Yield the ways to read a text: the usual one, those where one character differs, where two do, …

    So a long name keeps the second reading of each of its characters, also of its first.
    """
    usual = [sounds[0] for sounds in readings]
    doubtful = [place for place, sounds in enumerate(readings) if len(sounds) > 1]
    for number in range(len(doubtful) + 1):
        for places in combinations(doubtful, number):
            for sounds in product(*(readings[place][1:] for place in places)):
                way = list(usual)
                for place, sound in zip(places, sounds, strict=True):
                    way[place] = sound
                yield way
