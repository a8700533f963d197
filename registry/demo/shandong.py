"""Shandong up to what its articles report: Dezhou's two snapshots, Ningyang's checkpoints and teams;
and Xining's one bureau without a Party committee."""

from __future__ import annotations

from datetime import date, timedelta

from registry.demo.sample import Sample

DEZHOU, NINGYANG = "dezhou-shi-gonganju", "ningyang-xian-gonganju"
PIONEER_POSTS, HEADQUARTERS_BRANCHES, RECRUITED = 71, 29, 10
_DIGITS = "零一二三四五六七八九"

# (host, slug, name, founded, dissolved): with the named ones 12 branches on 23 February, 18 on 10 July.
_BRANCHES: tuple[tuple[str, str, str, date, date | None], ...] = (
    ("dezhou-zhihuibu", "zhihui", "指挥部疫情防控临时党支部", date(2020, 1, 27), None),
    ("dezhou-fankong-zhidui", "fankong", "反恐支队赴防疫一线临时党支部", date(2020, 1, 28), None),
    ("dezhou-guobao-zhidui", "guobao", "国保支队赴防疫一线临时党支部", date(2020, 1, 28), None),
    ("dezhou-jiaojing-zhidui", "jiaojing", "交警支队省界卡口临时党支部", date(2020, 1, 29), None),
    ("dezhou-kanshousuo", "kanshousuo", "看守所封闭执勤临时党支部", date(2020, 1, 31), None),
    ("dezhou-juliusuo", "juliusuo", "拘留所封闭执勤临时党支部", date(2020, 2, 1), None),
    (
        "dezhou-daguang-gongan-jianchazhan",
        "daguang",
        "大广公安检查站临时党支部",
        date(2020, 2, 3),
        date(2020, 4, 10),
    ),
    (
        "dezhou-yunhe-xunjing-dadui",
        "yunhe-xunjing",
        "运河分局巡警大队隔离点临时党支部",
        date(2020, 2, 5),
        date(2020, 4, 16),
    ),
    (
        "dezhou-jingkai-xunjing-dadui",
        "jingkai-xunjing",
        "经开分局巡警大队隔离点临时党支部",
        date(2020, 2, 26),
        None,
    ),
    ("dezhou-xuanchuanchu", "xuanchuan", "宣传处战时临时党支部", date(2020, 2, 28), None),
    ("dezhou-shi-gonganju-jiguan", "fugong-fuchan", "服务复工复产临时党支部", date(2020, 3, 6), None),
    ("dezhou-decheng-fenju", "shequ", "德城分局社区联防临时党支部", date(2020, 3, 12), None),
    ("dezhou-jingkai-fenju", "kaoshi", "经开分局涉企服务临时党支部", date(2020, 3, 20), None),
    ("dezhou-yunhe-fenju", "fuxue", "运河分局护校安园临时党支部", date(2020, 4, 8), None),
    ("dezhou-jiaojing-zhidui", "kakou-huan", "交警支队卡口轮换临时党支部", date(2020, 4, 12), None),
    ("dezhou-decheng-jianshejie-paichusuo", "gaokao", "高考安保临时党支部", date(2020, 6, 28), None),
)
_PENDING = (
    ("dezhou-decheng-fenju", "yeshi", "德城分局夜市整治临时党支部", "submitted"),
    ("dezhou-decheng-jianshejie-paichusuo", "jianshejie", "建设街派出所网格防控临时党支部", "submitted"),
    ("dezhou-yunhe-fenju", "yunhe-fanghuo", "运河分局防汛备勤临时党支部", "submitted"),
    ("dezhou-jingkai-fenju", "jingkai-caogao", "经开分局专项行动临时党支部", "draft"),
)


def fill(sample: Sample) -> None:
    """Add the sample rows of Dezhou, Tai'an with Ningyang, and Xining."""
    _standing(sample)
    _dezhou(sample)
    _ningyang(sample)


def _standing(sample: Sample) -> None:
    """Add standing branches for the formal membership, and a committee where the facts give none."""
    jiguan = "dezhou-shi-gonganju-jiguan"
    for number in range(1, HEADQUARTERS_BRANCHES):
        if number == 2:  # named
            continue
        sample.standing_branch(
            jiguan,
            "dezhou-shi-gonganju-jiguan-dangwei",
            f"德州市公安局第{_chinese(number)}党支部",
            f"dezhou-jiguan-dangzhibu-{number}",
        )
    sample.home_branch |= {
        jiguan: "dezhou-jiguan-dangzhibu-1",
        DEZHOU: "dezhou-jiguan-dangzhibu-1",
        "dezhou-xuanchuanchu": "dezhou-di-er-dangzhibu",
        "dezhou-kanshousuo": "dezhou-kanshousuo-dangzhibu",
    }
    for unit, place in (("decheng", "德城"), ("jingkai", "经开"), ("yunhe", "运河")):
        sample.standing_branch(
            f"dezhou-{unit}-fenju", f"dezhou-{unit}-fenju-dangwei", f"{place}分局机关党支部"
        )
        for slug, name in (("chengguan", "城关"), ("dongcheng", "东城"), ("xicheng", "西城")):
            station = sample.unit(
                f"dezhou-{unit}-{slug}-paichusuo",
                f"{place}分局{name}派出所",
                "station",
                f"dezhou-{unit}-fenju",
                f"{name}派出所",
            )
            sample.standing_branch(station.code, f"dezhou-{unit}-fenju-dangwei", f"{station.name}党支部")
    sample.standing_branch("dezhou-jiaojing-zhidui", "dezhou-jiaojing-zhidui-dangwei", "交警支队机关党支部")
    sample.standing_branch("taian-shi-gonganju", "taian-shi-gonganju-dangwei", "泰安市公安局机关党支部")
    county = f"{NINGYANG}-dangwei"
    for unit, name in (
        (f"{NINGYANG}-jiguan", "宁阳县公安局机关党支部"),
        ("ningyang-gangcheng-paichusuo", "堽城派出所党支部"),
        ("ningyang-sidian-paichusuo", "泗店派出所党支部"),
        ("ningyang-jiaojing-dadui", "宁阳县公安局交警大队党支部"),
    ):
        sample.standing_branch(unit, county, name)
    sample.home_branch[NINGYANG] = sample.home_branch[f"{NINGYANG}-jiguan"]
    committee = sample.organization(
        "xining-chengzhong-fenju-dangwei",
        "西宁市公安局城中分局党委",
        "committee",
        "xining-chengzhong-fenju",
        date(2015, 1, 1),
        standing=True,
    )
    sample.standing_branch("xining-chengzhong-fenju", committee.code, "城中分局机关党支部")


def _dezhou(sample: Sample) -> None:
    draw, general = sample.random, "dezhou-linshi-zongzhi-canzhan"
    first = {code: row for code, row in sample.organizations.items() if code.startswith("dezhou-linshi-")}
    posts = _posts(sample)
    for host, slug, name, on, end in _BRANCHES:
        row = sample.organization(
            f"dezhou-linshi-zhibu-{slug}",
            name,
            "branch",
            host,
            on,
            parent=general if draw.random() < 0.6 else "dezhou-shi-gonganju-dangwei",
            dissolved_on=end,
            task_body="dezhou-canzhan-gongzuozu" if on < date(2020, 2, 10) else "",
        )
        sample.fill_branch(row, draw.choice((5, 7, 8, 9, 11)))
    for row in first.values():
        sample.fill_branch(row, 7 if row.kind == "general_branch" else draw.randint(8, 12))
    for code in ("daguang", "dezhoubeikou", "songguantun"):
        group = sample.organizations[f"dezhou-xiaozu-{code}"]
        sample.place(group, [sample.person(group.unit, status="full_member") for _ in range(5)], ["leader"])
    force = sample.organizations["dezhou-yiqing-zhuanban"]
    people = [sample.person(DEZHOU, category="officer", status="full_member") for _ in range(22)]
    sample.place(force, people, ["leader", "deputy_leader"] + ["member"] * 20, latest=force.established_on)
    sample.fill_formation(sample.organizations["dezhou-canzhan-gongzuozu"], 9)
    for post in draw.sample(posts, RECRUITED):
        day = date(2020, 2, 26) + timedelta(draw.randint(0, 120))
        sample.place(
            sample.organizations[post], [sample.person(sample.organizations[post].unit, joins_on=day)]
        )
    for host, slug, name, state in _PENDING:
        row = sample.organization(
            f"dezhou-linshi-zhibu-{slug}",
            name,
            "branch",
            host,
            date(2020, 7, draw.randint(1, 8)),
            parent="dezhou-shi-gonganju-dangwei",
            state=state,
        )
        sample.fill_branch(row, 5)


def _posts(sample: Sample) -> list[str]:
    """Add posts up to 71, all founded by 8 February and none dissolved by July."""
    draw = sample.random
    superior = {
        "dezhou-decheng-fenju": "dezhou-decheng-fenju-dangwei",
        "dezhou-jingkai-fenju": "dezhou-jingkai-fenju-dangwei",
        "dezhou-yunhe-fenju": "dezhou-yunhe-fenju-dangwei",
        "dezhou-jiaojing-zhidui": "dezhou-jiaojing-zhidui-dangwei",
    }
    hosts = [
        row
        for row in sample.units.values()
        if row.code.startswith("dezhou-") and row.code not in (DEZHOU, "dezhou-shi-gonganju-jiguan")
    ]
    made = []
    for i in range(PIONEER_POSTS - 1):
        unit, number = hosts[i % len(hosts)], i // len(hosts) + 1
        parent = superior.get(unit.code) or superior.get(unit.parent) or "dezhou-shi-gonganju-jiguan-dangwei"
        post = sample.organization(
            f"{unit.code}-xianfenggang-{number}",
            f"{sample.full_name(unit.code)}党员先锋岗({number}号)",
            "pioneer_post",
            unit.code,
            date(2020, 1, 25) + timedelta(draw.randint(0, 14)),
            parent=parent,
        )
        sample.fill_formation(post, draw.randint(1, 4))
        made.append(post.code)
    named = sample.organizations["dezhou-xianfenggang-songguantun"]
    sample.fill_formation(named, 4)
    return made


def _ningyang(sample: Sample) -> None:
    """Add three groups at each of nine checkpoints, the work groups' people, and three teams."""
    draw, jiguan = sample.random, f"{NINGYANG}-jiguan"
    for code in ("ningyang-lingdao-xiaozu", "ningyang-yiqing-zhuanban"):
        row = sample.organizations[code]
        sample.fill_formation(row, 7)
    for row in list(sample.organizations.values()):
        if row.code.startswith("ningyang-zu-"):
            sample.fill_formation(row, draw.randint(6, 10))
    points = [row for row in sample.below(NINGYANG) if row.kind == "checkpoint"]
    for i, point in enumerate(points):
        for slug, shift in (("zaoban", "早班"), ("zhongban", "中班"), ("yeban", "夜班")):
            group = sample.organization(
                f"{point.code}-xiaozu-{slug}",
                f"{point.short_name}临时党小组({shift})",
                "group",
                point.code,
                date(2020, 1, 26) + timedelta(i // 3),
                parent=f"{NINGYANG}-dangwei",
                task_body="ningyang-zu-lianhe-chakong",
            )
            people = [
                sample.person(jiguan, category="officer", status="full_member")
                for _ in range(draw.randint(4, 6))
            ]
            sample.place(group, people, ["leader"], latest=date(2020, 2, 3))
    for number in (1, 2, 3):
        team = sample.organization(
            f"ningyang-zhiyuan-tujidui-{number}",
            f"党员疫情防控志愿突击队({_chinese(number)}队)",
            "commando_team",
            NINGYANG,
            date(2020, 1, 27) + timedelta(number),
            parent=f"{NINGYANG}-dangwei",
        )
        sample.fill_formation(team, draw.randint(14, 20))


def _chinese(number: int) -> str:
    """Return 1..99 in Chinese digits."""
    tens, ones = divmod(number, 10)
    return (("十" if tens == 1 else _DIGITS[tens] + "十") if tens else "") + (_DIGITS[ones] if ones else "")
