"""Words that people in a police bureau put into passwords: what is guessed first.

Those of one user (names, number, units) come on top, in Chinese and in pinyin.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from registry.models import Unit, User
from registry.models.base import on_day
from registry.models.pinyin import in_organs, read_person

_POLICE = (
    "gongan jingcha minjing renmin renminjingcha gonganju gonganting gonganbu fenju paichusuo jiaojing "
    "xingjing xingzhen zhian tejing wujing fujing xunjing jingwu jingying jingguan jinghui jinghao zhidui "
    "dadui zhongdui zongdui jianchazhan kanshousuo juliusuo zhihuizhongxin zhengzhibu zhengwei suozhang "
    "juzhang jiaodaoyuan zhidaoyuan jingwang gaw jcdw police policeman cop security guard swat gongan110 "
    "dangyuan dangzhibu dangwei dangjian dangzuzhi linshi linshidangzhibu zhibu shuji zuzhi xuexiqiangguo "
    "zhanshi zhanyi yiqing fangkong yimiao kangyi buwangchuxin laojishiming chuxin shiming zhongcheng "
    "weirenminfuwu renminweishi zhonghua zhongguo zhongguogongchandang gongchandang aiguo dengji xitong"
)
_COMMON = (
    "mima koulin password passwd pass admin administrator guanliyuan root test ceshi demo yanshi user "
    "yonghu guest welcome login denglu office bangong computer diannao windows huawei xiaomi lenovo "
    "tencent qq weixin wechat baidu alibaba taobao woaini woaini1314 woaiwojia wodemima wode nihao "
    "nihaoma iloveyou love aini baobei laopo laogong mama baba erzi nver jiayou facai gongxi xinnian "
    "shengri zhongqiu chunjie wangyi renshi caiwu bangongshi zonghe neiqin waiqin keji xinxi wangluo "
    "fuwuqi shujuku xitongguanliyuan qwer qwert qwerty asdf asdfgh zxcv zxcvbn qaz wsx edc rfv qazwsx abc "
    "abcd abcde aaa aa bb xyz zhangsan lisi wangwu zhaoliu zhang wang li liu chen yang zhao huang zhou wu "
    "xu sun ma zhu hu guo he lin"
)
_PLACES = (
    "beijing tianjin shanghai chongqing hebei shanxi neimenggu liaoning jilin heilongjiang jiangsu "
    "zhejiang anhui fujian jiangxi shandong henan hubei hunan guangdong guangxi hainan sichuan guizhou "
    "yunnan xizang shaanxi gansu qinghai ningxia xinjiang taiwan xianggang aomen shijiazhuang taiyuan "
    "huhehaote shenyang changchun haerbin nanjing hangzhou hefei fuzhou nanchang jinan zhengzhou wuhan "
    "changsha guangzhou nanning haikou chengdu guiyang kunming lasa xian lanzhou xining yinchuan wulumuqi "
    "shenzhen suzhou qingdao dalian ningbo xiamen dezhou decheng wuxi dongguan foshan yantai weifang "
    "jining linyi zibo tangshan baotou"
)
_CHINESE = (
    "公安 警察 民警 人民警察 公安局 公安厅 公安部 派出所 分局 支队 大队 战时 疫情 防控 党员 "
    "党支部 党委 党组织 临时党支部 中国共产党 共产党 中华人民共和国 中国 人民 为人民服务 "
    "人民公安 人民公安为人民 不忘初心 牢记使命 永远跟党走 对党忠诚 服务人民 执法公正 纪律严明 "
    "学习强国 万众一心 众志成城 密码 口令 管理员 系统 我爱你 你好 新年快乐 恭喜发财 生日快乐"
)
_NUMBERS = "110 119 120 122 12345 123456 1314 520 5201314 666 888 168 114 911 007"


def known_words() -> frozenset[str]:
    """Return the words that everybody guesses first, in small letters."""
    return _KNOWN


_KNOWN = frozenset(" ".join((_POLICE, _COMMON, _PLACES, _CHINESE, _NUMBERS)).split())


def words_of(user: User) -> set[str]:
    """Return what somebody who knows the user tries: names, police number, units, in pinyin too."""
    words = {user.username, user.display_name, *_said(user.display_name)}
    if user.person is not None:
        words |= {user.person.name, user.person.number, user.person.number.lstrip("0")}
        words |= set(_said(user.person.name))
    if user.pk:
        held = Unit.objects.filter(
            pk__in=user.grants.filter(on_day(timezone.localdate())).values("unit_id")
        ).order_by("pk")[:5]
        for unit in held:
            for each in (unit, unit.parent):
                if each is not None:
                    words |= {each.name, each.short_name, each.code, *_parts(each.name)}
    return {word.lower() for word in words if len(word) > 1}


def _said(name: str) -> Iterator[str]:
    """Yield a name in pinyin: whole, the given name alone and before the surname, and the initials."""
    if name:
        sounds = read_person(name)
        yield from ("".join(sounds), "".join(sounds[1:]), "".join(sounds[1:] + sounds[:1]))
        yield "".join(sound[:1] for sound in sounds)


def _parts(name: str) -> Iterator[str]:
    """Yield pieces of two to four syllables of a unit's name, and its initials."""
    sounds = [ways[0] for ways in in_organs(name)]
    for size in (2, 3, 4):
        for start in range(len(sounds) - size + 1):
            yield "".join(sounds[start : start + size])
    yield "".join(sound[:1] for sound in sounds)
