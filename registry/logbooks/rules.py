"""What must be so of logbooks and entries: designer, form, import and operations ask the same."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any

from registry.counting.shown import Number
from registry.logbooks import conditions
from registry.logbooks.agreed import check_agreed, said_single
from registry.logbooks.design import (
    KEY,
    OF_FILES,
    OF_HOURS,
    Counter,
    Design,
    Field,
    FieldType,
    Step,
    Way,
)
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.steps import NEEDS
from registry.logbooks.values import LONGEST, MOST, ROWS, is_empty
from registry.models import Campaign, Organization, Person, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.rules import campaigns
from registry.rules.findings import Finding, Wrong, first_of, for_each, in_future, refusal
from registry.rules.units import Closing

FIXED = ("happened_on", "unit", "organization", "person", "campaign")
"""What every entry has beside the fields of its logbook."""


@dataclass(frozen=True, eq=False, slots=True)
class Making:
    """A logbook as it would be made or changed; ``before`` is its design until then.

    ``used`` are the keys of the fields that entries hold values of.
    """

    name: str
    design: Design
    before: Design = field(default_factory=Design)
    used: Collection[str] = ()
    is_walled: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Proposed:
    """An entry as it would be: by ``design``, at a unit, on a day, with the values of its fields.

    ``before`` is the row as it is, where it is changed. ``is_below`` says whether the unit lies at or below
    the logbook's.
    """

    logbook: Logbook
    design: Design
    unit: Unit
    happened_on: date
    values: Mapping[str, Any]
    organization: Organization | None = None
    person: Person | None = None
    campaign: Campaign | None = None
    before: Entry | None = None
    is_below: bool = True
    is_draft: bool = False
    stands: str = ""
    """The entry that stands already, where there is one live entry of each (``agreed.live_entries``)."""


@dataclass(frozen=True, eq=False, slots=True)
class Naming:
    """A logbook as it would be called at its unit."""

    logbook: Logbook


@dataclass(frozen=True, eq=False, slots=True)
class Handing:
    """A logbook that would be handed down to these units only; none: to all below."""

    logbook: Logbook
    units: Sequence[Unit]


@dataclass(frozen=True, eq=False, slots=True)
class Adding:
    """A unit that would add fields of its own to a logbook."""

    logbook: Logbook
    unit: Unit


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """A logbook that would end on a day."""

    logbook: Logbook
    on: date


# --- The design -----------------------------------------------------------------------------------


def design_refusals(proposals: Sequence[Making]) -> list[Finding]:
    """Return everything that is wrong with the designs, field by field (``fields.2.label``)."""
    return [
        refusal(rule, proposal, place, message)
        for proposal in proposals
        for rule, place, message in _check_design(proposal)
    ]


def _check_design(proposal: Making) -> Wrong:
    design = proposal.design
    if not design.asked:
        yield "has_fields", "fields", "至少要有一个字段。"
    for kind, parts in (("fields", design.fields), ("steps", design.steps), ("counters", design.counters)):
        yield from _check_names(kind, parts)
    for place, each in enumerate(design.fields):
        yield from _check_field(f"fields.{place}", each, proposal)
        yield from conditions.check_field(f"fields.{place}", each, design)
    yield from _check_gone(proposal)
    for place, step in enumerate(design.steps):
        known = {other.key for other in design.steps}
        if unknown := [key for key in step.after if key not in known or key == step.key]:
            yield (
                "step_follows",
                f"steps.{place}.after",
                f"步骤“{step.label}”的上一步“{unknown[0]}”不在步骤中。",
            )
        if unknown := [key for key in step.needs if key not in NEEDS]:
            yield "step_needs", f"steps.{place}.needs", f"步骤“{step.label}”不能要求“{unknown[0]}”。"
    for place, counter in enumerate(design.counters):
        yield from _check_counter(f"counters.{place}", counter, proposal)
        yield from conditions.check_counter(
            f"counters.{place}", counter, design, is_walled=proposal.is_walled
        )
    yield from check_agreed(design, is_walled=proposal.is_walled)


def _check_names(kind: str, parts: Sequence[Field | Step | Counter]) -> Wrong:
    what = {"fields": "字段", "steps": "步骤", "counters": "指标"}[kind]
    keys: set[str] = set()
    labels: set[str] = set()
    for place, each in enumerate(parts):
        if not each.label.strip():
            yield "label_given", f"{kind}.{place}.label", f"第 {place + 1} 个{what}没有名称,请填写。"
        elif each.label in labels and not (isinstance(each, Field) and each.ended):
            yield "label_once", f"{kind}.{place}.label", f"有两个{what}都叫“{each.label}”,请改一个名称。"
        if not KEY.fullmatch(each.key) or each.key in FIXED:
            yield "key_form", f"{kind}.{place}.key", f"{what}“{each.label}”的代码“{each.key}”不能用。"
        elif each.key in keys:
            yield "key_once", f"{kind}.{place}.key", f"{what}“{each.label}”的代码“{each.key}”与另一个相同。"
        keys.add(each.key)
        labels.add(each.label)


def _check_field(place: str, each: Field, proposal: Making) -> Wrong:
    if each.type not in FieldType.values:
        yield "type_known", f"{place}.type", f"字段“{each.label}”的类型“{each.type}”没有。"
        return
    if each.type == FieldType.CHOICE and len(each.choices) < 2:
        yield "choices_given", f"{place}.choices", f"字段“{each.label}”至少要有两个选项。"
    if each.lower is not None and each.upper is not None and each.lower > each.upper:
        yield "bounds_in_order", f"{place}.upper", f"字段“{each.label}”的最大值小于最小值。"
    if proposal.is_walled and each.type in OF_FILES:
        message = f"限阅台账不能有照片和附件(它们不加密),请去掉字段“{each.label}”。"
        yield "walled_files", f"{place}.type", message
    before = proposal.before.by_key.get(each.key)
    if before is not None and before.key in proposal.used:
        if before.type != each.type:
            message = f"字段“{before.label}”已有数据,类型不能改;请停用它,另加一个字段。"
            yield "type_stays", f"{place}.type", message
        if gone := [choice for choice in before.choices if choice not in each.choices]:
            message = f"字段“{before.label}”已有数据,选项“{gone[0]}”不能去掉,可以添加。"
            yield "choices_stay", f"{place}.choices", message


def _check_gone(proposal: Making) -> Wrong:
    for key in proposal.used:
        before = proposal.before.by_key.get(key)
        if before is not None and key not in proposal.design.by_key:
            yield "field_stays", "fields", f"字段“{before.label}”已有数据,不能删去,可以停用。"


def _check_counter(place: str, counter: Counter, proposal: Making) -> Wrong:
    design, label = proposal.design, counter.label
    before = next((each for each in proposal.before.counters if each.key == counter.key), counter)
    if before.is_distinct != counter.is_distinct:  # its totals are kept in the other way
        message = f"指标“{label}”不能在不重复的人数和别的计数方式之间改;请删去它,另加一个指标。"
        yield "way_stays", f"{place}.way", message
    if counter.way not in Way.values:
        yield "way_known", f"{place}.way", f"指标“{label}”的计数方式“{counter.way}”没有。"
        return
    of_people, of_steps = (
        counter.way in (Way.PEOPLE, Way.TIMES),
        counter.way in (Way.STAGE, Way.OPEN, Way.HOURS, Way.AVERAGE_HOURS),
    )
    named = design.by_key.get(counter.field)
    if proposal.is_walled and counter.way in (Way.PEOPLE, Way.TIMES, Way.SUM, Way.AVERAGE):
        yield "walled_counts", f"{place}.way", f"限阅台账只计条目,指标“{label}”请改为条目数或步骤。"
    if counter.field and named is None:
        yield "counts_field", f"{place}.field", f"指标“{label}”所计的字段“{counter.field}”没有。"
    elif of_people and named is not None and not named.is_of_people:
        yield "counts_people", f"{place}.field", f"指标“{label}”要计人员字段,“{named.label}”不是。"
    elif counter.way in (Way.SUM, Way.AVERAGE) and (named is None or not named.is_number):
        yield "counts_number", f"{place}.field", f"指标“{label}”请选一个整数或金额字段。"
    if of_people and not counter.field and not any(each.is_of_people for each in design.fields):
        yield "counts_people", f"{place}.field", f"指标“{label}”没有人员字段可计。"
    wanted = [counter.step] + ([counter.since] if counter.way in OF_HOURS else [])
    if of_steps and (missing := [key for key in wanted if key not in design.step_by_key]):
        yield "counts_step", f"{place}.step", f"指标“{label}”所计的步骤“{missing[0]}”没有,请选一步。"


@for_each
def naming_refusals(proposal: Naming) -> Wrong:
    """Check that no other logbook of the unit has the name: sheets and metrics are told apart by it."""
    logbook = proposal.logbook
    if not logbook.name.strip():
        yield "name_given", "name", "请填写台账名称。"
        return
    if logbook.pk is not None and logbook.started_on is not None:
        first = Entry.objects.filter(logbook=logbook, happened_on__lt=logbook.started_on)
        if (entry := first.exclude(state="withdrawn").order_by("happened_on").first()) is not None:
            message = f"已有 {entry.happened_on:%Y-%m-%d} 的条目,启用日期不能更晚。"
            yield "starts_before_entries", "started_on", message
    if logbook.is_walled and logbook.about == "person":
        yield "walled_about", "about", "限阅台账不能以人员为登记对象,请把当事人设为一个字段。"
    same = Logbook.objects.filter(unit=logbook.unit, name=logbook.name, ended_on=None).exclude(pk=logbook.pk)
    if same.exists():
        yield "name_new", "name", f"“{logbook.unit.name}”已有叫“{logbook.name}”的台账,请换一个名称。"


@for_each
def adding_refusals(proposal: Adding) -> Wrong:
    """Check that the unit lies below the logbook's, whose own fields are changed with the logbook."""
    logbook, unit = proposal.logbook, proposal.unit
    if unit.pk == logbook.unit_id:
        yield "unit_below", "", f"“{logbook.name}”是本单位的台账,请直接修改它的字段。"
    elif unit.pk not in below(logbook, [unit]):
        yield "unit_below", "", f"“{logbook.name}”由“{logbook.unit.name}”及下级使用,“{unit.name}”不在其中。"
    if logbook.is_walled:
        yield "not_walled", "", "限阅台账不能补充字段。"


@for_each
def handing_refusals(proposal: Handing) -> Wrong:
    """Check that the units lie below the logbook's, and that none with entries is left out."""
    logbook, units = proposal.logbook, proposal.units
    for unit in units:
        if unit.pk == logbook.unit_id or not is_at_or_below(logbook.unit, unit):
            yield "unit_below", "handed", f"“{unit.name}”不是“{logbook.unit.name}”的下级,请从下级单位中选。"
            return
    if units and logbook.pk is not None:
        rows = Entry.objects.filter(logbook=logbook).exclude(state="withdrawn").exclude(unit=logbook.unit)
        left = rows.exclude(in_spans([Span(unit.tree_id, unit.lft, unit.rght) for unit in units], "unit__"))
        if (entry := left.select_related("unit").order_by("unit__tree_id", "unit__lft").first()) is not None:
            message = f"“{entry.unit.name}”已有条目,请把它或它的上级也选上。"
            yield "no_entries_left_out", "handed", message


@for_each
def ending_refusals(proposal: Ending) -> Wrong:
    """Check the day on which a logbook would end: no entries on it or later."""
    logbook, on = proposal.logbook, proposal.on
    if logbook.ended_on is not None:
        yield "in_use", "", f"“{logbook.name}”已于 {logbook.ended_on:%Y-%m-%d} 停用。"
    if logbook.started_on is not None and on < logbook.started_on:
        yield "ends_after_start", "on", f"停用日期不能早于启用日期 {logbook.started_on:%Y-%m-%d}。"
    later = Entry.objects.filter(logbook=logbook, happened_on__gte=on).exclude(state="withdrawn").count()
    if later:
        yield "no_entries_later", "on", f"当日及以后还有 {later:,} 条条目,请选更晚的日期。"


def is_at_or_below(top: Unit, unit: Unit) -> bool:
    """Whether a unit lies at or below another one, as the tree is today."""
    return unit.tree_id == top.tree_id and top.lft <= unit.lft and unit.rght <= top.rght


def below(logbook: Logbook, units: Iterable[Unit]) -> set[int]:
    """Return the keys of those units that use the logbook: below its own, or where it is handed down."""
    tops = (list(logbook.handed.all()) if logbook.pk is not None else []) or [logbook.unit]
    return {
        unit.pk
        for unit in units
        if unit.pk == logbook.unit_id or any(is_at_or_below(top, unit) for top in tops)
    }


# --- An entry -------------------------------------------------------------------------------------


def entry_refusals(proposals: Sequence[Proposed]) -> list[Finding]:
    """Return everything that is wrong with entries, each at its field: those of the logbook by their keys."""
    return [
        refusal(rule, proposal, name, message)
        for proposal in proposals
        for rule, name, message in (*_check_place(proposal), *_check_values(proposal))
    ]


def _check_place(proposal: Proposed) -> Wrong:
    logbook, unit, day = proposal.logbook, proposal.unit, proposal.happened_on
    yield from in_future("happened_on", day)
    if logbook.started_on is None or day < logbook.started_on:
        yield "in_use", "happened_on", f"“{logbook.name}”这一天还没有启用。"
    elif logbook.ended_on is not None and day >= logbook.ended_on:
        yield (
            "in_use",
            "happened_on",
            f"“{logbook.name}”已于 {logbook.ended_on:%Y-%m-%d} 停用,请填此前的日期。",
        )
    if not proposal.is_below:
        yield (
            "unit_below",
            "unit",
            f"“{logbook.name}”由“{logbook.unit.name}”及下级使用,“{unit.name}”不在其中。",
        )
    if not unit.is_open_on(day):
        yield "unit_open", "unit", f"“{unit.name}”在 {day:%Y-%m-%d} 不在,请改日期或单位。"
    organization = proposal.organization
    if logbook.about == "organization" and organization is None:
        yield "about_given", "organization", "请选择登记的是哪个组织。"
    if logbook.about == "person" and proposal.person is None:
        yield "about_given", "person", "请选择登记的是谁。"
    if proposal.stands:
        about = getattr(proposal, logbook.about)
        yield "single", logbook.about, said_single(logbook, about, proposal.stands)
    if organization is not None:
        if organization.established_on > day:
            since = f"{organization.established_on:%Y-%m-%d}"
            yield (
                "organization_stands",
                "organization",
                f"“{organization.name}”{since} 才成立,请改日期或组织。",
            )
        elif organization.dissolved_on is not None and organization.dissolved_on < day:
            until = f"{organization.dissolved_on:%Y-%m-%d}"
            yield (
                "organization_stands",
                "organization",
                f"“{organization.name}”已于 {until} 撤销,请改日期或组织。",
            )
    yield from campaigns.over(proposal.campaign, day, "campaign", "请选其他任务或更早的日期。")
    if proposal.campaign is not None and proposal.campaign.started_on > day:
        since = f"{proposal.campaign.started_on:%Y-%m-%d}"
        yield "campaign_started", "campaign", f"“{proposal.campaign.name}”{since} 才启动,请改日期或任务。"


def _check_values(proposal: Proposed) -> Wrong:
    design, values = proposal.design, proposal.values
    for key in values:
        if key not in design.by_key:
            yield "field_known", "", f"“{proposal.logbook.name}”没有字段“{key}”。"
    for each in design.asked:
        value = values.get(each.key)
        if not is_empty(value):
            yield from _check_value(each, value)
        elif not proposal.is_draft and conditions.is_required(each, values):
            asks = "请选择" if each.type in (FieldType.CHOICE, *ROWS) or each.is_of_people else "请填写"
            yield "required", each.key, f"{asks}“{each.label}”{_why(design, each)}。"
    yield from conditions.check_values(design, values, proposal.happened_on)


def _why(design: Design, each: Field) -> str:
    return f"({conditions.condition_said(design, each)}时必填)" if each.when else ""


_KINDS: Mapping[str, tuple[type, str]] = {
    FieldType.DATE.value: (date, "请填日期"),
    FieldType.TIME.value: (time, "请写成 8:30 这样"),
    **{type_: (model, "请选择") for type_, model in ROWS.items()},
}
"""What a value of these types is in Python, and how it is given."""


def _check_value(each: Field, value: Any) -> Wrong:
    label = each.label
    if each.is_number:
        if not _is_number(each, value):
            asks = "金额,最多两位小数,如 36.50" if each.scale > 1 else "整数,如 500"
            yield "is_number", each.key, f"“{label}”请填{asks}。"
        else:
            yield from _check_bounds(each, value, "", each.measure)
    elif each.type in _KINDS:
        kind, how = _KINDS[each.type]
        if not isinstance(value, kind):
            yield "is_of_type", each.key, f"“{label}”{how}。"
    elif each.type == FieldType.CHOICE:
        if value not in each.choices:
            yield "is_choice", each.key, f"“{label}”没有“{value}”这个选项,可选:{'、'.join(each.choices)}。"
    elif each.is_of_people:
        yield from _check_people(each, value)
    elif each.type in OF_FILES:
        yield from _check_bounds(each, len(value), "", "张" if each.type == FieldType.PHOTOS else "个")
    elif len(str(value)) > LONGEST[each.type]:
        yield (
            "not_too_long",
            each.key,
            f"“{label}”最多 {LONGEST[each.type]:,} 字,现在 {len(str(value)):,} 字。",
        )


def _is_number(each: Field, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | Decimal if each.scale > 1 else int):
        return False
    return abs(value) <= MOST and value * each.scale % 1 == 0


def _check_people(each: Field, value: Any) -> Wrong:
    people = [person for person, _role in value]
    if len({person.pk for person in people}) < len(people):
        twice = next(person for person in people if people.count(person) > 1)
        yield "person_once", each.key, f"“{each.label}”里“{twice.name}”重复了。"
    for _person, role in value:
        if role and role not in each.choices:
            yield "role_known", each.key, f"“{each.label}”没有“{role}”这个角色。"
            return
    most = 1 if each.type == FieldType.PERSON else each.upper
    if most is not None and len(people) > most:
        yield "not_too_many", each.key, f"“{each.label}”最多 {most} 人,现在 {len(people)} 人。"
    if each.type == FieldType.PEOPLE and each.lower is not None and len(people) < each.lower:
        yield "not_too_few", each.key, f"“{each.label}”至少 {each.lower} 人,现在 {len(people)} 人。"


def _check_bounds(each: Field, number: Number, before: str, after: str) -> Iterator[tuple[str, str, str]]:
    if each.lower is not None and number < each.lower:
        yield (
            "not_too_low",
            each.key,
            f"“{each.label}”不能小于 {each.lower:,}{after and ' ' + after},现在是 {number:,}。",
        )
    if each.upper is not None and number > each.upper:
        yield (
            "not_too_high",
            each.key,
            f"“{each.label}”不能大于 {each.upper:,}{after and ' ' + after},现在是 {number:,}。",
        )


# --- What stands in the way of others -------------------------------------------------------------


def closing_refusals(proposals: Sequence[Closing]) -> list[Finding]:
    """Return why units cannot be closed or merged: entries on the day or later, or logbooks in use."""
    units = [proposal.unit.pk for proposal in proposals]
    first = min((proposal.on for proposal in proposals), default=date.max)
    days = list(
        Entry.objects.filter(unit__in=units, happened_on__gte=first)
        .exclude(state="withdrawn")
        .values_list("unit_id", "happened_on")
    )
    own = set(Logbook.objects.filter(unit__in=units, ended_on=None).values_list("unit_id", flat=True))

    def check(proposal: Closing) -> Wrong:
        number = sum(at == proposal.unit.pk and day >= proposal.on for at, day in days)
        if number:
            yield (
                "no_entries_later",
                "",
                f"“{proposal.unit.name}”当日及以后还有 {number} 条台账条目,请先更正。",
            )
        if proposal.unit.pk in own:
            yield "no_logbooks_left", "", f"“{proposal.unit.name}”还有在用的台账,请先停用。"

    return first_of(check, proposals)
