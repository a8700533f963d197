"""Entries of Dezhou, Ningyang and Xining up to the figures that their articles report."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from registry.demo.happenings import Happenings, recruit, step
from registry.demo.shandong import DEZHOU, NINGYANG

OATHS, MEDIA, CARE_VISITS, RESOLVED, MEETINGS, TOP_BRANDS = 40, 22, 32, 8, 14, 10
BRIGADE, SUB_BUREAU, JIGUAN = (
    "xining-chengzhong-zhian-dadui",
    "xining-chengzhong-fenju",
    f"{DEZHOU}-jiguan",
)
_TOPICS = (
    "卡口查控力量调配",
    "一线民警防护保障",
    "返乡人员核查衔接",
    "场所管控和宣传",
    "轮换休整安排",
    "涉疫警情处置",
)
_MEDIA = (
    ("中央级", "中央媒体"),
    ("省级", "省级媒体"),
    ("省级", "省级媒体客户端"),
    ("市级", "市级媒体"),
    ("市级", "市级媒体客户端"),
    ("公安系统媒体", "公安报"),
)
_TARGETS = (
    "思想政治引领到位",
    "组织覆盖到位",
    "一线执勤到位",
    "群众宣传到位",
    "从优待警到位",
    "督导问责到位",
)
_STUDY = (
    "习近平总书记关于疫情防控的重要指示",
    "党章",
    "全国两会精神",
    "执法规范和个人防护",
    "先进典型事迹",
)
_BRANDS = ("先锋", "盾牌", "红心", "铁骑", "平安", "清风", "护航", "匠心", "同心", "磐石")


def fill(happenings: Happenings) -> None:
    """Add the entries."""
    _ningyang(happenings)
    _commendations(happenings)
    _dezhou(happenings)
    _care(happenings)
    _brands(happenings)
    _xining(happenings)


def _ningyang(has: Happenings) -> None:
    """Fill up to 40 oaths, 20 media reports and 200,000 yuan by 4 February."""
    first, last, source = date(2020, 1, 27), date(2020, 2, 4), 1
    places = [code for code in has.within(NINGYANG) if code != NINGYANG]
    for i in range(OATHS):
        has.add(
            "oath",
            places[i % len(places)],
            has.day(first, last),
            source=source,
            kind="重温入党誓词" if i % 3 else "战前宣誓",
            attendance=has.random.randint(5, 26),
        )
    for i, place in enumerate(places[:6]):
        has.add(
            "mobilization",
            place,
            first + timedelta(i % 3),
            source=source,
            topic="坚决打赢疫情防控阻击战",
            attendance=has.random.randint(8, 40),
        )
        has.add(
            "visible_membership",
            place,
            has.day(first, last),
            post="卡口执勤岗",
            members=has.random.randint(3, 9),
        )
    for i in range(5):
        day = first + timedelta(i)
        closed = [step("assigned", day), step("closed", day + timedelta(2), note="已落实")] if i < 3 else []
        has.add(
            "special_meeting",
            NINGYANG,
            day,
            source=source,
            steps=closed,
            topic=_TOPICS[i],
            attendance=11,
        )
    for i in range(MEDIA):
        level, outlet = _MEDIA[i % len(_MEDIA)]
        has.add(
            "media_report",
            NINGYANG,
            has.day(first, last),
            source=source,
            headline=f"宁阳公安坚守防疫一线(之{i + 1})",
            outlet=outlet,
            level=level,
        )
    for items, kind, quantity, cost in (
        ("医用口罩", "口罩", 20_000, 84_000),
        ("防护服", "防护服", 400, 62_000),
        ("护目镜", "护目镜面罩", 600, 33_000),
        ("消毒液", "消毒用品", 900, 27_000),
    ):
        day = has.day(date(2020, 1, 27), date(2020, 2, 2))
        has.add(
            "protective",
            NINGYANG,
            day,
            source=source,
            steps=[step("issued", day + timedelta(1))],
            items=items,
            kind=kind,
            quantity=quantity,
            cost=cost,
        )
    for place in has.within(NINGYANG, "checkpoint"):
        has.add("spare_study", place, has.day(first, last), material=has.random.choice(_STUDY), attendance=5)
        has.add(
            "heart_talk",
            place,
            has.day(first, last),
            talker=has.person(f"{NINGYANG}-jiguan", members=True),
            talked=has.people(f"{NINGYANG}-jiguan", 2),
        )
    has.add(
        "care_visit",
        "ningyang-104-jiancedian",
        date(2020, 2, 3),
        source=source,
        target="执勤人员",
        visited=("N14",),
        visitors=has.person(NINGYANG),
        way="到岗位",
    )
    for code in (
        "zonghe-baozhang",
        "jiance-hecha",
        "qingkuang-kongzhi",
        "xuanchuan-yuqing",
        "lianhe-chakong",
    ):
        group, day = f"ningyang-zu-{code}", date(2020, 1, 27)
        for number in (1, 2):
            done = [step("reported", day + timedelta(1)), step("closed", day + timedelta(3), note="已完成")]
            has.add(
                "task",
                NINGYANG,
                day,
                organization=group,
                steps=done if number == 1 else [],
                subject=f"{has.sample.organizations[group].name}任务{'一二'[number - 1]}",
                carried_by=group,
                owner=has.person(NINGYANG),
                deadline=day + timedelta(3),
            )


def _commendations(has: Happenings) -> None:
    """Three bulletins praise ten people and one collective at Ningyang; at Dezhou some wait for approval."""
    for i, (number, collectives) in enumerate(((4, 1), (3, 0), (3, 0))):
        day = date(2020, 1, 29) + timedelta(2 * i)
        has.add(
            "commendation",
            NINGYANG,
            day,
            source=1,
            steps=_fast(day, "宁阳县公安局党委"),
            subject=f"疫情防控表扬通报第{'一二三'[i]}期",
            kind="通报表扬",
            people=has.others(f"{NINGYANG}-jiguan", number, category="officer"),
            collectives=collectives or None,
            collective_names="一个检查站" if collectives else None,
        )
    for i, (kind, waits) in enumerate(
        (("嘉奖", False), ("通报表扬", False), ("嘉奖", False), ("嘉奖", True), ("嘉奖", True))
    ):
        day = date(2020, 2, 14) + timedelta(6 * i)
        has.add(
            "commendation",
            DEZHOU,
            day,
            steps=[] if waits else _fast(day, "德州市公安局党委"),
            waits=waits,
            subject=("卡口查控成绩突出", "核查溯源成绩突出", "封闭执勤成绩突出", "护校安园", "复工服务")[i],
            kind=kind,
            level="市级",
            people=has.others("dezhou-decheng-fenju", 2, below=True, category="officer"),
        )
    day = date(2020, 2, 20)
    helpers = has.others("dezhou-jingkai-fenju", 3, below=True, category="auxiliary")
    has.add(
        "auxiliary_commendation",
        "dezhou-jingkai-fenju",
        day,
        steps=_fast(day, "经开分局党委"),
        subject="隔离点值守成绩突出",
        kind="嘉奖",
        level="县级",
        people=helpers,
    )
    for i, person in enumerate(helpers):
        has.add(
            "certificate",
            "dezhou-jingkai-fenju",
            day + timedelta(2),
            person=person,
            steps=[step("handed", day + timedelta(4))] if i else [],
            number=f"演示{i + 1}",
            kind="嘉奖证书",
            issued_by="经开分局",
        )


def _fast(day: date, by: str) -> list[dict[str, object]]:
    """The four steps within two days: reported in the morning, awarded the next evening."""
    after = day + timedelta(1)
    return [
        step("reported", day, time(9)),
        step("reviewed", day, time(15), by="政治处"),
        step("approved", after, time(9), by=by),
        step("awarded", after, time(18)),
    ]


def _dezhou(has: Happenings) -> None:
    """The series that the articles name without a count, and ten people who were recruited."""
    head, bureaus = ("N02",), has.within(DEZHOU, "sub_bureau")
    for i in range(14):
        day = date(2020, 2, 1) + timedelta(i)
        for session in ("上午调度", "晚间调度"):
            asked = i % 4 == 0 and session == "晚间调度"
            done = [
                step("assigned", day, time(20)),
                step("closed", day + timedelta(1), time(17), note="已办"),
            ]
            has.add(
                "dispatch",
                DEZHOU,
                day,
                source=0,
                steps=done if asked else [],
                session=session,
                chair=head,
                issue=_TOPICS[i % len(_TOPICS)] if asked else None,
            )
    leaders = has.others(DEZHOU, 3, category="officer", members=True)
    for leader, bureau in zip(leaders, bureaus, strict=True):
        has.add("leader_area", DEZHOU, date(2020, 1, 27), person=leader, area=bureau, duty="分包县区")
        places = has.within(bureau)
        for i in range(6):
            has.add(
                "area_visit",
                places[i % len(places)],
                has.day(date(2020, 2, 3), date(2020, 3, 20)),
                source=0,
                content="检查值守,看望执勤人员",
                leader=(leader,),
                found=i % 3,
                solved=i % 2,
            )
        for i in range(4):
            day = has.day(date(2020, 2, 3), date(2020, 2, 26))
            found = [step("found", day), step("closed", day + timedelta(2), note="已整改")][: 1 + (i < 3)]
            has.add(
                "supervision",
                places[i % len(places)],
                day,
                source=0,
                steps=found if i else [],
                subject="卡口值守和个人防护",
                inspectors=(leader,),
                result="限期整改" if i else "未发现问题",
            )
    posts = [code for code in has.within(DEZHOU) if has.sample.staff.get(code) and code != DEZHOU]
    for i in range(24):
        place = posts[i % len(posts)]
        day = has.day(date(2020, 2, 1), date(2020, 2, 28))
        has.add("mobilization", place, day, source=0, topic="疫情防控动员", attendance=10 + i)
        has.add("oath", place, day, source=0, kind="重温入党誓词", attendance=8 + i % 9)
        has.add("spare_study", place, day, source=0, material=_STUDY[i % len(_STUDY)], attendance=4 + i % 5)
        has.add(
            "heart_talk",
            place,
            day,
            source=0,
            talker=has.person(place),
            talked=has.people(JIGUAN, 1 + i % 3),
        )
    monday = date(2020, 2, 3)
    while monday <= date(2020, 7, 6):
        present = has.random.randint(70, 90)
        has.add(
            "regular_study",
            DEZHOU,
            monday,
            source=4,
            topic=has.random.choice(_STUDY),
            kind="周一集中学习",
            due=90,
            present=present,
            hours=2,
        )
        if monday.day <= 14:
            has.add(
                "regular_study",
                DEZHOU,
                monday + timedelta(3),
                source=4,
                topic=has.random.choice(_STUDY),
                kind="理论中心组学习",
                due=12,
                present=11,
                absent=has.person(DEZHOU),
            )
        monday += timedelta(7)
    has.add(
        "lecture",
        DEZHOU,
        date(2020, 7, 1),
        source=4,
        topic="我来讲党课",
        lecturer=has.person(DEZHOU, members=True),
        kind="党员讲党课",
        attendance=85,
    )
    for month in range(2, 8):
        has.add(
            "platform",
            DEZHOU,
            date(2020, month, 5),
            source=4,
            platform="学习强国",
            registered=90,
            active=80 + month,
            low=has.people(JIGUAN, month % 3),
        )
    recruited = [
        row for row in has.sample.people.values() if row.changes and row.home_unit.startswith("dezhou-")
    ]
    for row in recruited:
        recruit(has, row.number, source=4)


def _care(has: Happenings) -> None:
    """Thirty visits and eight difficulties solved at Dezhou, with pairs and a few who were hurt."""
    posts = [code for code in has.within(DEZHOU) if has.sample.staff.get(code) and code != DEZHOU]
    for i in range(CARE_VISITS):
        place = posts[i % len(posts)]
        day = has.day(date(2020, 2, 8), date(2020, 7, 3))
        ways = [step("due", day, note="一周后回访"), step("closed", day + timedelta(7))]
        has.add(
            "care_visit",
            place,
            day,
            source=4,
            steps=ways[: i % 3],
            target="执勤人员家属" if i % 4 else "执勤人员",
            visited=has.person(place),
            visitors=has.people(JIGUAN, 2),
            way="入户" if i % 4 else "到岗位",
            money=500 if i % 5 == 0 else None,
        )
    has.add(
        "care_visit",
        DEZHOU,
        date(2020, 7, 1),
        source=4,
        target="老党员老民警",
        visitors=has.people(JIGUAN, 3),
        way="入户",
    )
    kinds = ("家人患病", "老人照料", "子女照管就学", "其他")
    for i, person in enumerate(_closed(has, RESOLVED + 3)):
        day = has.day(date(2020, 2, 10), date(2020, 5, 20))
        unit = has.sample.people[person].home_unit
        solved = [step("helped", day + timedelta(1)), step("resolved", day + timedelta(5))]
        has.add(
            "difficulty",
            unit,
            day,
            source=4,
            steps=solved if i < RESOLVED else [],
            who=(person,),
            kind=kinds[i % len(kinds)],
            need="演示:家中有事,需要有人帮一把。",
        )
        has.add(
            "pairing",
            unit,
            day,
            person=person,
            source=4,
            steps=[step("ended", day + timedelta(60))] if i < 4 else [],
            reason="封闭执勤",
            helper=has.person(JIGUAN),
        )
    for i, person in enumerate(_closed(has, 2)):
        day = date(2020, 2, 18) + timedelta(i)
        has.add(
            "health",
            has.sample.people[person].home_unit,
            day,
            steps=[step("treated", day), step("returned", day + timedelta(9))][: 1 + i],
            who=(person,),
            kind="受伤",
            on_duty="待认定",
        )


def _closed(has: Happenings, number: int) -> list[str]:
    """People of the units that were closed off for duty."""
    units = ("dezhou-kanshousuo", "dezhou-juliusuo", "dezhou-jiaojing-zhidui")
    return [has.others(units[i % len(units)], 1)[0] for i in range(number)]


def _brands(has: Happenings) -> None:
    """Each of the 29 headquarters branches has a brand and a work method, and enters the contest (X18)."""
    branches = [
        row
        for row in has.sample.organizations.values()
        if row.parent == f"{JIGUAN}-dangwei" and row.kind == "branch"
    ]
    invented = [row.code for row in branches if row.is_sample][:TOP_BRANDS]
    for i, branch in enumerate(branches):
        day = date(2020, 4, 7) + timedelta(i)
        name = f"{_BRANDS[i % len(_BRANDS)]}{'一二三'[i // len(_BRANDS)]}号"
        about: dict[str, Any] = {"organization": branch.code, "source": 4}
        made = [step("made", day + timedelta(30), by="德州市公安局机关党委")]
        has.add("brand", JIGUAN, day, steps=made, name=name, main_brand="德州公安先锋", **about)
        has.add(
            "work_method", JIGUAN, day, steps=made, name=f"{name}工作法", content="演示:三步工作法。", **about
        )
        won = "selected" if branch.code in invented else "passed_over"
        has.add(
            "brand_contest",
            JIGUAN,
            date(2020, 7, 10),
            steps=[step(won, date(2020, 7, 10), by="评选会")],
            brand=name,
            contest="十佳党建品牌评选会",
            **about,
        )


def _xining(has: Happenings) -> None:
    """Six targets of the sub-bureau; fourteen meetings (X23: held at the brigade) and the notices."""
    source, first, last = 3, date(2020, 1, 24), date(2020, 2, 27)
    for name in _TARGETS:
        has.add("target", SUB_BUREAU, date(2020, 1, 25), source=source, name=name)
    for i in range(MEETINGS):
        topic = _TOPICS[i % len(_TOPICS)]
        has.add(
            "special_meeting", BRIGADE, first + timedelta(2 * i), source=source, topic=topic, attendance=9
        )
    for kind, copies in (("通告", 1260), ("标语海报", 840), ("通告", 870)):
        has.add(
            "notice",
            BRIGADE,
            has.day(first, last),
            source=source,
            name="疫情防控通告和标语",
            kind=kind,
            copies=copies,
        )
    for i in range(20):
        day = first + timedelta(i)
        has.add(
            "daily_analysis",
            BRIGADE,
            day,
            source=source,
            conclusion="总体平稳,场所管控按清单推进",
            due=6,
            done=5 + i % 2,
        )
