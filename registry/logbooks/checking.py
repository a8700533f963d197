"""What the regulations find in entries: recruitment and awards, of the logbooks that ship with the product.

The checks are declared with all others (``registry/rules/checks/entries.py``). Each fact is judged by the
edition of its own day. Entries are judged in Python, many at once, by what they and their people say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from registry.logbooks.models import Entry, EntryPerson, EntryStep
from registry.models import Organization, Person, StatusPeriod
from registry.models.kinds import PersonCategory, PoliticalStatus, WorkflowState
from registry.rules.checks import BY_SLUG, Check, Settings
from registry.rules.checks.check import with_citation
from registry.rules.checks.months import add_months
from registry.rules.workdays import Calendar

RECRUITMENT, AWARDS = ("recruitment", "recruitment_2014"), ("commendation",)
CHECKED = (*RECRUITMENT, *AWARDS)
"""The shipped logbooks of which a logbook is a copy whose entries are judged."""
POSTHUMOUS = "追认"
ONE_DAY = timedelta(days=1)
AWARD_NAMES = ("嘉奖", "三等功", "二等功", "一等功", "荣誉称号")
RANKS = {name: rank for rank, name in enumerate(AWARD_NAMES)}
"""奖励条令 第八条: the kinds from the lowest; praise stands below them and is no award."""
LEVELS = {name: rank for rank, name in enumerate(("县级", "市级", "省级", "部级", "国家级"))}
DECIDES = dict(zip(AWARD_NAMES, ("市级", "市级", "省级", "部级", "部级"), strict=True))
"""奖励条令 第十三条: the lowest level that decides."""


@dataclass(frozen=True)
class EntryBreach:
    """One thing that is wrong with an entry."""

    entry: Entry
    check: Check
    message: str

    @property
    def slug(self) -> str:
        """The check."""
        return self.check.slug


@dataclass
class KnownEntry:
    """What is known of an entry that is judged on a day."""

    entry: Entry
    today: date
    steps: Mapping[str, date]
    values: Mapping[str, Any]
    people: Mapping[str, Sequence[Person]]
    calendar: Calendar
    members: Mapping[int, Sequence[StatusPeriod]]
    """The periods in which people are full members."""
    awards: Mapping[int, Sequence[tuple[int, date, int]]]
    """The awards of people: entry, day and rank."""
    branch: Organization | None
    """Where somebody is recruited."""

    @property
    def is_excepted(self) -> bool:
        """Whether a document is named that lets steps be left out at the front."""
        return bool(self.values.get("basis"))

    def passed(self, since: str, until: str, months: int) -> date | None:
        """Return the day of step ``until``, or today, if more than ``months`` passed after step ``since``.

        None, too, if ``until`` need not come any more: the recruitment was stopped, or went on without that
        step, which a document allows.
        """
        first = self.steps.get(since)
        if first is None:
            return None
        went_on = self.is_excepted and max(self.steps.values()) > first
        if until not in self.steps and ("stopped" in self.steps or went_on):
            return None
        last = self.steps.get(until, self.today)
        return last if last > add_months(first, months) else None

    def is_full(self, person: Person, day: date) -> bool:
        """Whether somebody was a full member on the day."""
        return any(
            row.started_on <= day and (row.ended_on is None or day < row.ended_on)
            for row in self.members.get(person.pk, ())
        )


Judged = Iterator[tuple[str, date, str]]
"""What is wrong: the slug of the check without its beginning, the day of the fact, the sentence."""


def _recruitment(known: KnownEntry) -> Judged:
    """Judge a recruitment; who is recognized as a member after death went through none of its steps."""
    if known.values.get("way") != POSTHUMOUS:
        yield from _in_time(known)
        yield from _what_was_done(known)


def _in_time(known: KnownEntry) -> Judged:
    """Judge the periods between steps."""
    for slug, since, until, months, said in (
        ("join_talk", "applied", "talked", 1, "递交申请书后超过一个月{not_yet}派人谈话。"),
        ("join_meeting_late", "pre_reviewed", "met", 1, "预审后超过一个月{not_yet}召开支部大会。"),
        ("join_oath", "approved", "sworn", 1, "批准后超过一个月{not_yet}入党宣誓。"),
    ):
        if (day := known.passed(since, until, months)) is not None:
            yield slug, day, said.format(not_yet="才" if until in known.steps else "还没有")
    late = known.passed("met", "approved", 6)
    word = "才" if "approved" in known.steps else "还没有"
    if late is not None:
        yield "join_approval_late", late, f"支部大会后超过6个月{word}审批。"
    elif (day := known.passed("met", "approved", 3)) is not None:
        yield "join_approval", day, f"支部大会后超过3个月{word}审批。"
    first, last = known.steps.get("activist"), known.steps.get("candidate")
    if first is not None and last is not None and last < add_months(first, 12):
        yield "join_year", last, f"确定为积极分子({first})到发展对象({last})不满一年。"
    first, last = known.steps.get("met"), known.steps.get("full")
    if first is not None and last is not None:
        least = 18 if "extended" in known.steps else 12
        if last < add_months(first, least):
            yield "join_term", last, f"支部大会({first})到转正({last})不满{least}个月。"


def _what_was_done(known: KnownEntry) -> Judged:
    """Judge publicity, introducers, training and the meeting's numbers, and where it met."""
    values, met = known.values, known.steps.get("met")
    is_new = known.entry.logbook.shipped == "recruitment" and not known.is_excepted
    if is_new and (day := known.steps.get("reviewed") or met) is not None:
        first, last = values.get("publicity_from"), values.get("publicity_to")
        if not (first and last):
            yield "join_publicity", day, "没有登记发展对象公示的起止日期。"
        else:
            end = date.fromisoformat(last) + ONE_DAY
            number = known.calendar.workdays_between(date.fromisoformat(first), end)
            if number < 5:
                yield "join_publicity", day, f"公示 {first} 至 {last} 只有 {number} 个工作日,不足5个。"
    if (day := known.steps.get("trained")) is not None and (values.get("training_hours") or 0) < 24:
        yield "join_training", day, f"集中培训 {values.get('training_hours') or 0} 学时,不足24学时。"
    if met is None:
        return
    introducers = known.people.get("introducers", ())
    if len(introducers) != 2:
        yield "join_introducers", met, f"入党介绍人 {len(introducers)} 名,应为两名正式党员。"
    for person in introducers:
        if not known.is_full(person, met):
            yield "join_introducers", met, f"介绍人{person.name}在 {met} 不是正式党员。"
    yield from _votes(known, met)
    branch = known.branch
    if branch is not None and branch.is_temporary and not known.is_excepted:
        yield "join_temporary", met, f"“{branch.name}”是临时党组织,接收预备党员没有登记依据文号。"


def _votes(known: KnownEntry, met: date) -> Judged:
    values = known.values
    due, present, agreed = (values.get(key) for key in ("voters_due", "voters_present", "voters_for"))
    if due and present is not None and 2 * present <= due:
        yield "join_meeting", met, f"有表决权的党员应到 {due} 人、实到 {present} 人,没有过半数。"
    if due and agreed is not None and 2 * agreed <= due:
        yield "join_meeting", met, f"赞成 {agreed} 票,没有超过应到 {due} 人的一半。"


def _award(known: KnownEntry) -> Judged:
    """Judge to whom an award was given, by whom, how often, and whether it was made public."""
    values, day = known.values, known.steps.get("approved")
    rank = RANKS.get(values.get("kind", ""))
    if rank is None or "revoked" in known.steps:
        return
    people, kind = known.people.get("people", ()), values["kind"]
    on = day or known.entry.happened_on
    if names := [each.name for each in people if each.category == PersonCategory.AUXILIARY]:
        said = f"{'、'.join(names)}是辅警,“{kind}”授予在编民警;辅警请记入辅警表彰。"
        yield "award_individual_scope", on, said
    level = LEVELS.get(values.get("level", ""))
    if level is not None and level < LEVELS[DECIDES[kind]] and not values.get("delegated"):
        said = f"“{kind}”由{values['level']}机关批准,应由{DECIDES[kind]}以上批准,也没有授权文号。"
        yield "award_authority", on, said
    for person in people:
        again = [
            before
            for entry, before, other in known.awards.get(person.pk, ())
            if entry != known.entry.pk and before <= on < add_months(before, 12) and other >= rank
        ]
        if again:
            yield "award_once", on, f"{person.name}在 {max(again)} 已有同等或更高的奖励,不满一年。"
    if day is not None and rank >= RANKS["三等功"]:
        shown = known.steps.get("shown")
        if shown is None:
            yield "award_publicity", day, f"“{kind}”没有登记公示。"
        elif (number := known.calendar.workdays_between(shown, day)) < 7:
            yield "award_publicity", day, f"“{kind}”公示 {number} 个工作日,不足7个。"


JUDGES: Mapping[str, Callable[[KnownEntry], Judged]] = {
    **dict.fromkeys(RECRUITMENT, _recruitment),
    **dict.fromkeys(AWARDS, _award),
}


def breaches_of(entries: Iterable[Entry], today: date) -> list[EntryBreach]:
    """Return what is wrong with entries as they stand today, in their order; as many queries as for one."""
    rows = [row for row in entries if row.logbook.shipped in JUDGES and _counts(row)]
    if not rows:
        return []
    settings, found = Settings.read(), []
    for known in _known(rows, today):
        for slug, day, said in JUDGES[known.entry.logbook.shipped](known):
            check = BY_SLUG[f"entry_{slug}"]
            edition = check.edition_on(day)
            if edition is not None and settings.is_on(check, day):
                found.append(EntryBreach(known.entry, check, with_citation(said, edition.citation)))
    return found


def _counts(row: Entry) -> bool:
    return row.state != WorkflowState.WITHDRAWN and not row.logbook.is_walled


def _known(rows: Sequence[Entry], today: date) -> Iterator[KnownEntry]:
    steps: dict[int, dict[str, date]] = {row.pk: {} for row in rows}
    for pk, step, on in _steps(rows):
        steps[pk][step] = on
    people: dict[int, dict[str, list[Person]]] = {row.pk: {} for row in rows}
    for each in EntryPerson.objects.filter(entry__in=rows).select_related("person").order_by("pk"):
        people[each.entry_id].setdefault(each.field, []).append(each.person)
    keys = {one.pk for named in people.values() for each in named.values() for one in each}
    members: dict[int, list[StatusPeriod]] = {}
    for period in StatusPeriod.objects.filter(person__in=keys, status=PoliticalStatus.FULL_MEMBER):
        members.setdefault(period.person_id, []).append(period)
    calendar, awards = Calendar.read(), _awards(keys) if keys else {}
    branches = Organization.objects.in_bulk({row.values["branch"] for row in rows if "branch" in row.values})
    for row in rows:
        branch = branches.get(row.values.get("branch"))
        yield KnownEntry(
            row, today, steps[row.pk], row.values, people[row.pk], calendar, members, awards, branch
        )


def _steps(rows: Sequence[Entry]) -> Iterable[tuple[int, str, date]]:
    reached = EntryStep.objects.filter(entry__in=rows).order_by("pk")
    return reached.values_list("entry_id", "step", "reached_on")


def _awards(people: Iterable[int]) -> dict[int, list[tuple[int, date, int]]]:
    """Return the awards of these people: entry, day and rank."""
    found: dict[int, list[tuple[int, date, int]]] = {}
    given = EntryPerson.objects.filter(entry__logbook__shipped__in=AWARDS, field="people", person__in=people)
    rows = given.filter(entry__state=WorkflowState.APPROVED).select_related("entry")
    days = {pk: on for pk, step, on in _steps([row.entry for row in rows]) if step == "approved"}
    for row in rows:
        rank = RANKS.get(row.entry.values.get("kind", ""))
        if rank is not None:
            on = days.get(row.entry_id, row.entry.happened_on)
            found.setdefault(row.person_id, []).append((row.entry_id, on, rank))
    return found
