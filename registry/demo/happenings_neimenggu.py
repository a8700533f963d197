"""Entries of Inner Mongolia: what its article counts, and a little of everything in each league."""

from __future__ import annotations

from datetime import date, time, timedelta

from registry.demo.happenings import Happenings, recruit, step
from registry.demo.neimenggu import DEPARTMENT, FIRST, LAST

SIGNATORIES, APPLICANTS = 28, (("tongliao-shi-gonganju", 19), ("eerduosi-shi-gonganju", 8))
_PLEDGED = "xinghe-xian-tejing"
_PLACES = ("高速路口卡口", "火车站", "社区卡口", "集中隔离点", "定点医院外围", "农贸市场")
_WORDS = ("守好祖国北疆防疫防线", "坚守卡点的日日夜夜", "草原上的警徽", "雪中值守", "党员先锋岗的一天")


def fill(has: Happenings) -> None:
    """Add the entries."""
    leagues = [row.code for row in has.sample.below(DEPARTMENT) if row.kind == "bureau"]
    _pledges(has)
    _recruitment(has)
    _founded(has)
    for place, league in enumerate(leagues):
        _league(has, league, place)


def _pledges(has: Happenings) -> None:
    """One letter of 28 of a special-police team, who are invented: the article counts them only."""
    force = [
        has.sample.person(_PLEDGED, category="officer" if i % 3 else "auxiliary") for i in range(SIGNATORIES)
    ]
    has.add(
        "pledge",
        _PLEDGED,
        date(2020, 1, 31),
        source=2,
        kind="联名",
        signatories=tuple(force),
        wish="支援疫情防控一线",
    )


def _recruitment(has: Happenings) -> None:
    """Nineteen and eight applied in two cities; elsewhere some were recruited at the front."""
    for league, number in APPLICANTS:
        for person in has.others(league, number, below=True, statuses=("activist",)):
            unit = has.sample.people[person].home_unit
            day = has.day(date(2020, 1, 28), date(2020, 2, 26))
            has.add(
                "recruitment_2014",
                unit,
                day,
                person=person,
                source=2,
                steps=[step("talked", day + timedelta(9))] if day < date(2020, 2, 20) else [],
                way="一般发展",
                branch=has.branch_of(unit),
            )
    apart = {code for league, _ in APPLICANTS for code in has.within(league)}
    for row in has.sample.people.values():
        if row.changes and row.number.startswith("15") and row.home_unit not in apart:
            recruit(has, row.number)


def _founded(has: Happenings) -> None:
    """A ceremony for every fourth temporary branch, a flag for every eighth team."""
    kinds = ("pioneer_team", "commando_team")
    rows = [
        row
        for row in has.sample.organizations.values()
        if row.is_sample and row.state == "approved" and row.unit in has.sample.staff
    ]
    north = [row for row in rows if row.established_on >= FIRST and not row.code.startswith("dezhou")]
    for row in [row for row in north if row.kind == "branch" and row.is_temporary][::9]:
        has.add(
            "ceremony",
            row.unit,
            row.established_on,
            organization=row.code,
            kind="成立仪式",
            attendance=has.random.randint(6, 20),
        )
    for row in [row for row in north if row.kind in kinds][::18]:
        has.add(
            "flag",
            row.unit,
            row.established_on,
            organization=row.code,
            flag="党员突击队旗" if row.kind == "commando_team" else "党员先锋队旗",
            received_by=row.code,
            awarded_by="公安局党委",
            flags=1,
            attendance=has.random.randint(8, 24),
        )


def _league(has: Happenings, league: str, place: int) -> None:
    """What a league's bureau and some of its stations enter in February."""
    counties = [code for code in has.within(league, "bureau", "sub_bureau") if code != league]
    stations = [code for code in has.within(league, "station") if has.sample.staff.get(code)]
    _papers(has, league, counties, place)
    for i, code in enumerate((league, *counties[:2], *stations[:3])):
        day = has.day(FIRST, LAST)
        has.add("oath", code, day, kind="重温入党誓词", attendance=6 + i * 3, place=_PLACES[i])
        has.add("mobilization", code, FIRST + timedelta(i), topic="打赢疫情防控阻击战", attendance=12 + 2 * i)
    for i, code in enumerate(stations[:2]):
        day = has.day(date(2020, 2, 3), LAST)
        has.add("spare_study", code, day, material="疫情防控应知应会", attendance=4 + i)
        has.add("heart_talk", code, day, talker=has.person(code), talked=has.people(code, 1 + i % 2))
        has.add("visible_membership", code, day, post=_PLACES[i], members=3 + i)
        has.add(
            "care_visit",
            code,
            day,
            target="执勤人员家属",
            visited=has.person(code),
            visitors=has.people(league, 2),
            way="入户",
            money=500 if i == 0 else None,
        )
    lead, day = has.others(league, 1, category="officer", members=True), date(2020, 2, 28)
    asked = [step("assigned", day, time(9)), step("closed", day, time(17), note="已办")]
    has.add(
        "dispatch",
        league,
        day,
        steps=asked[: 1 + place % 2],
        session="上午调度",
        chair=lead,
        issue="社区卡口夜间力量补充",
        deadline=day,
    )
    has.add("leader_area", league, date(2020, 2, 1), person=lead[0], area=counties[0], duty="包保")
    has.add(
        "area_visit", counties[0], date(2020, 2, 12), content="检查卡口值守", leader=lead, found=1, solved=1
    )
    problem = [step("found", date(2020, 2, 20)), step("closed", date(2020, 2, 22), note="已整改")]
    has.add(
        "supervision",
        stations[0],
        date(2020, 2, 20),
        steps=problem[: 1 + place % 2],
        subject="个人防护和登记台账",
        inspectors=lead,
        result="限期整改",
        problem="登记不全",
        deadline=date(2020, 2, 23),
    )
    has.add("liaison", league, date(2020, 2, 6), matter="卡口联合值守", partner="交通运输")
    has.add(
        "media_report",
        league,
        has.day(FIRST, LAST),
        headline=_WORDS[place % len(_WORDS)],
        outlet="自治区媒体",
        level="省级",
    )
    told = [step("verified", date(2020, 2, 17), by="政治处"), step("published", date(2020, 2, 18))]
    has.add(
        "deed",
        league,
        date(2020, 2, 16),
        steps=told[: place % 3],
        subject=_WORDS[(place + 1) % len(_WORDS)],
        people=has.person(stations[0]),
        summary="演示:连续值守,群众称赞。",
    )
    if place % 3 == 0:
        _volunteers(has, league, stations[1])


def _papers(has: Happenings, league: str, counties: list[str], place: int) -> None:
    """The department's two papers of January, signed for at each league, at some late."""
    for name, sent in (
        ("全区公安机关疫情防控视频会议", date(2020, 1, 29)),
        ("疫情防控倡议书", date(2020, 1, 30)),
    ):
        signed = [step("signed", sent + timedelta(place % 3)), step("read", sent + timedelta(place % 3 + 1))]
        has.add("receipt", league, sent, steps=signed[: 2 if place % 4 else 1], name=name, edition=1, due=40)
    has.add(
        "directive",
        league,
        date(2020, 1, 29),
        steps=[step("passed", date(2020, 1, 29), time(20)), step("briefed", date(2020, 1, 30), time(12))],
        name="全区公安机关疫情防控视频会议",
        issued_by="内蒙古自治区公安厅",
        way="视频会议",
        informed=30 * len(counties),
    )


def _volunteers(has: Happenings, league: str, station: str) -> None:
    offered = has.people(station, 12)
    has.add(
        "volunteers",
        station,
        date(2020, 2, 5),
        steps=[step("chosen", date(2020, 2, 6), by="公安局党委"), step("placed", date(2020, 2, 7))],
        task="社区卡口突击队",
        wanted=5,
        offered=offered,
        chosen=offered[:5],
    )
