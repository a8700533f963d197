"""What each line of a workbook would do: add, change, nothing, or why it cannot be. Writes nothing.

Units come first, then organizations, people, assignments: each names only what stands before it, in the
registry or in the workbook. Units and organizations are planned as a whole, since a parent may stand below
its child; people and assignments in batches, with a few queries for each. The writing plans again with the
same code under the locks (``registry.imports.operations``), so what was shown is what is done.

An empty cell leaves what is registered as it is. A line is matched by its code or police number; an
assignment by organization, number and first day.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.validators import RegexValidator
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from registry import access
from registry.audit import Actor
from registry.imports.models import Verdict
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    Person,
    PoliticalStatus,
    Role,
    StatusPeriod,
    Unit,
    User,
    WorkflowState,
)
from registry.models.kinds import PARTY_KINDS
from registry.models.shape import Span
from registry.models.unit import MAX_DEPTH
from registry.operations.bulk_rows import AssignmentRow, OrganizationRow, PersonRow, UnitRow
from registry.operations.organizations import plan_dissolution
from registry.operations.people import MASKED
from registry.refusals import OperationRefused, not_in_future
from registry.rules import organizations as organization_rules
from registry.rules import people as people_rules
from registry.rules import placements as placement_rules
from registry.rules import units as unit_rules
from registry.rules.findings import refuse_if
from registry.rules.organizations import COUNTED
from registry.rules.people import number_validator
from registry.rules.units import REGION_CODE

BATCH = 5000
MANY = 500
"""More units or organization trees than these are not locked one by one."""
REASON = "导入"
"""Stands for the reason while planning: whoever writes must give one (``Planner.needs_reason``)."""
UNIT_FACTS = ("name", "short_name", "aliases", "kind", "region_code", "opened_on", "note")
ORGANIZATION_FACTS = (
    *("name", "aliases", "honour_title", "campaign", "established_on"),
    *("approval_number", "dissolution_number", "note"),
)
PERSON_FACTS = ("name", "category", "joined_on", "title", "phone", "note")

Value = str | date | bool | None


class Column(Protocol):
    """A column of a sheet, as ``registry.spreadsheets`` describes it."""

    @property
    def slug(self) -> str: ...
    @property
    def header(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def is_info(self) -> bool: ...
    def shown(self, value: Value) -> str | date | None: ...


class Noun(Protocol):
    """One kind of sheet."""

    @property
    def slug(self) -> str: ...
    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def by_slug(self) -> Mapping[str, Column]: ...
    @property
    def key(self) -> Sequence[str]: ...


class Problem(Protocol):
    """What is wrong with a cell."""

    @property
    def address(self) -> str: ...
    @property
    def slug(self) -> str: ...
    @property
    def message(self) -> str: ...


class Line(Protocol):
    """One row of a sheet, read: a value for each column that the sheet has (empty: None)."""

    @property
    def number(self) -> int: ...
    @property
    def values(self) -> Mapping[str, Value]: ...
    @property
    def problems(self) -> Sequence[Problem]: ...


class Table(Protocol):
    """One sheet; its lines can be read again and again."""

    @property
    def noun(self) -> Noun: ...
    @property
    def title(self) -> str: ...
    @property
    def lines(self) -> Iterable[Line]: ...
    def address(self, slug: str, number: int) -> str: ...


@dataclass(slots=True)
class Planned:
    """What one line would do. ``changes`` and ``problems`` are as ``ImportLine`` holds them."""

    noun: str
    sheet: str
    number: int
    key: str = ""
    summary: str = ""
    verdict: str = Verdict.UNCHANGED.value
    changes: list[dict[str, str]] = field(default_factory=list)
    problems: list[dict[str, str]] = field(default_factory=list)
    add: UnitRow | OrganizationRow | PersonRow | AssignmentRow | None = None
    """The row to add ..."""
    row: Any = None
    """... or the row that is there, and what changes of it:"""
    edits: dict[str, Any] = field(default_factory=dict)
    status: str = ""
    home: dict[str, Any] = field(default_factory=dict)
    """What is named: a person's new home unit and branch; an assignment's person and organization."""
    ended_on: date | None = None
    """The day on which an assignment ends, or an organization is dissolved."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person as an assignment needs it; ``pk`` is None while only planned."""

    pk: int | None
    name: str


class _Case:
    """A line that is being judged."""

    __slots__ = ("bad", "given", "line", "noun", "planned", "table")

    def __init__(self, table: Table, line: Line) -> None:
        self.table, self.line, self.noun = table, line, table.noun
        values = line.values
        self.given: dict[str, Any] = {
            column.slug: value
            for column in self.noun.columns
            if not column.is_info and (value := values.get(column.slug)) is not None and value != ""
        }
        self.planned = Planned(self.noun.slug, table.title, line.number)
        self.bad: set[str] = set()
        for problem in line.problems:
            self.bad.add(problem.slug)
            self.planned.problems.append(
                {"slug": problem.slug, "address": problem.address, "message": problem.message}
            )
        for slug, value in list(self.given.items()):
            if isinstance(value, str) and "\x00" in value:
                self.wrong(slug, "含有不能保存的字符。")
        if self.bad:
            self.given = {slug: value for slug, value in self.given.items() if slug not in self.bad}

    def is_wrong(self) -> bool:
        """Whether something is wrong so far."""
        return bool(self.planned.problems)

    @property
    def where(self) -> str:
        """The line in words, for another line that speaks of it."""
        return f"“{self.table.title}”第 {self.line.number} 行"

    def text(self, slug: str) -> str:
        """A code, number or name; empty when it was not given."""
        return str(self.given.get(slug) or "")

    def wrong(self, slug: str, message: str) -> None:
        """Say what is wrong at a cell."""
        self.bad.add(slug)
        self.planned.problems.append(
            {"slug": slug, "address": self.table.address(slug, self.line.number), "message": message}
        )

    def holds(self, rule: Callable[[], object], at: str = "", **fields: str) -> None:
        """Let a rule of the operations judge; what it refuses stands at its field's cell.

        ``at``: where a message without a field stands; ``fields``: where a field's message stands.
        """
        try:
            rule()
        except OperationRefused as refusal:
            for name, messages in refusal.message_dict.items():
                slug = fields.get(name, name)
                if name == NON_FIELD_ERRORS or slug not in self.noun.by_slug:
                    slug = at or self.noun.key[0]
                for message in messages:
                    self.wrong(slug, message)

    def shown(self, slug: str, value: Value) -> str:
        """A value as the preview shows it."""
        shown = self.noun.by_slug[slug].shown(value)
        return "" if shown is None else str(shown)

    def change(self, slug: str, old: str, new: str, note: str = "") -> None:
        """Note a change for the preview."""
        label = self.noun.by_slug[slug].header
        self.planned.changes.append({"slug": slug, "label": label, "old": old, "new": new, "note": note})

    def need(self) -> None:
        """A new row needs every required column."""
        for column in self.noun.columns:
            if column.required and column.slug not in self.given and column.slug not in self.bad:
                self.wrong(column.slug, f"新增时须填写“{column.header}”。")

    def judged(self) -> Planned:
        """Draw the verdict from what was found."""
        planned = self.planned
        if planned.problems:
            planned.verdict = Verdict.WRONG.value
            planned.add, planned.row, planned.changes = None, None, []
        elif planned.add is not None:
            planned.verdict = Verdict.NEW.value
        elif planned.changes:
            planned.verdict = Verdict.CHANGED.value
        return planned


class Planner:
    """Plans the tables of one workbook for one user.

    ``is_writing``: what is planned is written at once (``renew`` after units and organizations), so that
    later lines find it in the database and nothing of it is kept here.
    """

    def __init__(self, user: User, *, is_writing: bool = False) -> None:
        self.user_pk, self.is_writing = user.pk, is_writing
        self.today = timezone.localdate()
        self.needs_reason = False
        self.units_touched: set[str] = set()
        self.organizations_touched: set[str] = set()
        self.new_units: list[UnitRow] = []
        self.new_organizations: list[OrganizationRow] = []
        """New rows, each after its parent."""
        self._wrong: dict[str, dict[str, str]] = {"units": {}, "organizations": {}, "people": {}}
        self._seen: dict[str, dict[Any, str]] = {}
        self._fine: set[tuple[str, str, Value]] = set()
        self._anchors: dict[str, Unit | None] = {}
        self._states: dict[str, str] = {}
        self._dissolving: dict[str, date] = {}
        self._names: dict[str, str] = {}
        """Names of the people whom the workbook adds or renames."""
        self._new_people: set[str] = set()
        self._spells: dict[tuple[str, str], list[tuple[date, date | None]]] = {}
        self._ends: dict[int, date] = {}
        self._claimed: set[int] = set()
        self._campaigns: dict[str, list[Campaign]] | None = None
        self.renew()

    def renew(self) -> None:
        """Forget what was read: the trees were written meanwhile, and their intervals moved."""
        self.user = User.objects.get(pk=self.user_pk)
        self._sees = access.spans(self.user)
        self._enters = access.spans(self.user, "edit_organization")
        self._manages = access.spans(self.user, "edit_unit")
        self._approves = access.spans(self.user, "approve_organization")
        self._known_inside: dict[tuple[int, int], bool] = {}
        self._units: dict[str, Unit | None] = {}
        self._organizations: dict[str, Organization | None] = {}
        self._above: dict[int, dict[str, Organization]] = {}
        self._rows: dict[type[Model], dict[int, Any]] = {}

    def batches(self, tables: Sequence[Table]) -> Iterator[list[Planned]]:
        """Yield what the lines would do, in the order in which it is written."""
        plans: tuple[tuple[str, Callable[[list[Table]], Iterator[list[Planned]]]], ...] = (
            ("units", self._plan_units),
            ("organizations", self._plan_organizations),
            ("people", self._plan_people),
            ("assignments", self._plan_assignments),
        )
        for slug, plan in plans:
            if some := [table for table in tables if table.noun.slug == slug]:
                yield from plan(some)

    # --- What every noun needs --------------------------------------------------------------------

    def _cases(self, tables: Iterable[Table]) -> Iterator[_Case]:
        """Yield each line; one that has the key of an earlier line is wrong."""
        for table in tables:
            seen = self._seen.setdefault(table.noun.slug, {})
            slugs = table.noun.key
            for line in table.lines:
                case = _Case(table, line)
                key = case.given.get(slugs[0]) if len(slugs) == 1 else tuple(map(case.given.get, slugs))
                case.planned.key = case.text(slugs[0])[:200]
                if not case.is_wrong() and key and key in seen:
                    case.wrong(slugs[0], f"与{seen[key]}重复。")
                elif key:
                    seen[key] = case.where
                yield case

    def _clean(self, case: _Case, model: type[Model], slugs: Iterable[str]) -> None:
        """Let the model's own fields judge the values: length, choices, form of codes."""
        for slug in slugs:
            value = case.given.get(slug)
            if value is None or (slug, case.noun.slug, value) in self._fine:
                continue
            try:
                model._meta.get_field(slug).clean(value, None)  # type: ignore[union-attr]
            except ValidationError as error:
                case.wrong(slug, " ".join(error.messages))
            else:
                if slug in ("kind", "category", "political_status", "role", "title"):
                    self._fine.add((slug, case.noun.slug, value))

    def _matches(self, case: _Case, slug: str, validator: RegexValidator) -> None:
        if slug in case.given and slug not in case.bad:
            try:
                validator(case.given[slug])
            except ValidationError as error:
                case.wrong(slug, " ".join(error.messages))

    def _no_such(self, case: _Case, slug: str, noun: str, word: str) -> None:
        """Say the same of what does not exist and of what the user may not see."""
        code = case.text(slug)
        if there := self._wrong[noun].get(code):
            case.wrong(slug, f"{word}“{code}”在{there},该行有误,请一并改正。")
        else:
            named = "警号" if noun == "people" else "代码"
            case.wrong(slug, f"没有{named}为“{code}”的{word},或不在您的管理范围内。")

    def _taken(self, case: _Case, what: str) -> None:
        case.wrong(case.noun.key[0], f"{what}“{case.planned.key}”不能使用,请核对或换一个。")

    def _compare(
        self, case: _Case, row: Any, slugs: Iterable[str], notes: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return those of the given facts that differ from the row's, and note them for the preview."""
        edits = {}
        for slug in slugs:
            if slug not in case.given or slug in case.bad:
                continue
            old, new = getattr(row, slug), case.given[slug]
            if old != new:
                edits[slug] = new
                note = (notes or {}).get(slug, "")
                words = [case.shown(slug, value) for value in (old, new)]
                if slug in MASKED:
                    words = [access.masked(word) for word in words]
                case.change(slug, words[0], words[1], note)
        return edits

    @staticmethod
    def _by_code(key: str, wanted: Iterable[str], rows: Any) -> Iterator[Any]:
        size = 500 if connection.vendor == "sqlite" else BATCH
        codes = sorted(set(wanted))
        for start in range(0, len(codes), size):
            yield from rows.filter(**{f"{key}__in": codes[start : start + size]}).order_by("pk")

    def _know_units(self, codes: Iterable[str]) -> None:
        unknown = {code for code in codes if code and code not in self._units}
        self._units.update(dict.fromkeys(unknown))
        for unit in self._by_code("code", unknown, Unit.objects.select_related("parent")):
            self._units[unit.code] = unit

    def _know_organizations(self, codes: Iterable[str]) -> None:
        unknown = {code for code in codes if code and code not in self._organizations}
        self._organizations.update(dict.fromkeys(unknown))
        rows = Organization.objects.select_related("unit", "parent", "campaign")
        for organization in self._by_code("code", unknown, rows):
            if organization.code in self._dissolving:
                organization.dissolved_on = self._dissolving[organization.code]
            self._organizations[organization.code] = organization

    def _inside(self, unit: Unit, scope: Collection[Span]) -> bool:
        """Whether a unit lies in the scope; one that is only planned lies where its superior does."""
        if not _is_planned(unit):
            asked = (unit.pk, id(scope))
            if asked not in self._known_inside:
                self._known_inside[asked] = access.inside(unit, scope)
            return self._known_inside[asked]
        anchor = self._anchors.get(unit.code)
        return self.user.is_superuser if anchor is None else access.inside(anchor, scope)

    def _unit(self, code: str, scope: Collection[Span]) -> Unit | None:
        unit = self._units.get(code)
        return unit if unit is not None and self._inside(unit, scope) else None

    def _organization(self, code: str, scope: Collection[Span]) -> Organization | None:
        organization = self._organizations.get(code)
        return organization if organization is not None and self._inside(organization.unit, scope) else None

    def _touch_unit(self, unit: Unit) -> None:
        if not _is_planned(unit) and len(self.units_touched) <= MANY:
            self.units_touched.add(unit.code)

    def _touch_organization(self, organization: Organization) -> None:
        if not _is_planned(organization) and len(self.organizations_touched) <= MANY:
            self.organizations_touched.add(organization.code)

    def _parents_first(self, cases: Mapping[str, _Case], slug: str) -> Iterator[_Case]:
        """Yield the cases, each after the one that it names as its parent; those in a circle are wrong."""
        done: set[str] = set()
        for code in cases:
            path: list[str] = []
            on_path: set[str] = set()
            at = code
            while at in cases and at not in done and at not in on_path:
                path.append(at)
                on_path.add(at)
                at = cases[at].text(slug)
            if at in on_path:
                for each in path[path.index(at) :]:
                    cases[each].wrong(slug, "上级互相引用,成了一个圈。")
            for each in reversed(path):
                done.add(each)
                yield cases[each]

    # --- Units ------------------------------------------------------------------------------------

    def _plan_units(self, tables: list[Table]) -> Iterator[list[Planned]]:
        cases = list(self._cases(tables))
        self._know_units(case.text(slug) for case in cases for slug in ("code", "superior"))
        added: dict[str, _Case] = {}
        for case in cases:
            unit = self._units.get(case.planned.key)
            self._clean(case, Unit, ("code", *UNIT_FACTS))
            self._matches(case, "region_code", RegexValidator(REGION_CODE, "行政区划代码是六位数字。"))
            if "opened_on" in case.given:
                case.holds(lambda case=case: not_in_future("opened_on", case.given["opened_on"]))  # type: ignore[misc]
            case.planned.summary = case.text("name")[:300]
            if unit is not None:
                self._change_unit(case, unit)
            elif case.planned.key and "code" not in case.bad:
                added[case.planned.key] = case
        for case in self._parents_first(added, "superior"):
            self._add_unit(case)
            self._note_wrong(case)
        yield [case.judged() for case in cases]

    def _note_wrong(self, case: _Case) -> None:
        """Remember a row that cannot be added: what names it says so, instead of "no such"."""
        if case.is_wrong() and case.planned.key:
            self._wrong[case.noun.slug].setdefault(case.planned.key, case.where)

    def _change_unit(self, case: _Case, unit: Unit) -> None:
        if not self._inside(unit, self._sees):
            self._taken(case, "单位代码")
            return
        case.planned.summary = unit.name
        edits = self._compare(case, unit, UNIT_FACTS)
        superior = case.text("superior")
        if superior and superior != (unit.parent.code if unit.parent else ""):
            case.wrong(
                "superior", "已有单位的上级不能通过导入调整,请在单位页面用“调整上级单位”办理(要填生效日期)。"
            )
        if edits and not self._inside(unit, self._manages):
            case.wrong("code", "您不能修改该单位的资料,请由单位的管理员办理。")
        if edits and not case.is_wrong():
            case.planned.row, case.planned.edits = copy(unit), edits
            for slug, value in edits.items():
                setattr(unit, slug, value)

    def _add_unit(self, case: _Case) -> None:
        case.need()
        superior_code = case.text("superior")
        superior = self._unit(superior_code, self._sees)
        if "superior" in case.bad:
            superior = None
        elif not superior_code:
            if not self.user.is_superuser:
                case.wrong("superior", "请填写上级单位代码。")
        elif superior is None:
            self._no_such(case, "superior", "units", "单位")
            superior = None
        elif not self._inside(superior, self._manages):
            case.wrong("superior", "您不能在该单位下增设单位,请由单位的管理员办理。")
        else:
            case.holds(lambda: refuse_if(unit_rules.refusals([unit_rules.Addition(superior)])))
        level = superior.level + 1 if superior is not None else 0
        if level >= MAX_DEPTH:
            case.wrong("superior", f"单位层级不能超过 {MAX_DEPTH} 级。")
        if case.is_wrong():
            return
        facts = {slug: case.given[slug] for slug in UNIT_FACTS if slug in case.given}
        case.planned.add = UnitRow(code=case.planned.key, parent=superior_code, **facts)
        case.planned.summary = _joined(case, "name", "kind", "superior")
        self.new_units.append(case.planned.add)
        unit = Unit(code=case.planned.key, level=level, **facts)
        self._units[unit.code] = unit
        self._anchors[unit.code] = (
            None
            if superior is None
            else superior
            if not _is_planned(superior)
            else self._anchors.get(superior.code)
        )

    # --- Organizations ----------------------------------------------------------------------------

    def _plan_organizations(self, tables: list[Table]) -> Iterator[list[Planned]]:
        cases = list(self._cases(tables))
        self._know_units(case.text("unit") for case in cases)
        self._know_organizations(case.text(slug) for case in cases for slug in ("code", "parent"))
        added: dict[str, _Case] = {}
        ending: list[tuple[_Case, Organization]] = []
        texts = [slug for slug in ORGANIZATION_FACTS if slug != "campaign"]
        for case in cases:
            organization = self._organizations.get(case.planned.key)
            self._clean(case, Organization, ("code", "kind", "dissolved_on", *texts))
            self._find_campaign(case)
            for slug in ("established_on", "dissolved_on"):
                if slug in case.given:
                    case.holds(lambda case=case, slug=slug: not_in_future(slug, case.given[slug]))  # type: ignore[misc]
            case.planned.summary = case.text("name")[:300]
            if organization is not None:
                self._change_organization(case, organization)
                if case.planned.ended_on is not None:
                    ending.append((case, organization))
            elif case.planned.key and "code" not in case.bad:
                added[case.planned.key] = case
        self._end_in_order(ending)
        for case in self._parents_first(added, "parent"):
            self._add_organization(case)
            self._note_wrong(case)
        yield [case.judged() for case in cases]

    def _find_campaign(self, case: _Case) -> None:
        wanted = case.given.get("campaign")
        if wanted is None:
            return
        if self._campaigns is None:
            self._campaigns = {}
            for campaign in Campaign.objects.all():
                for word in {campaign.code, campaign.name}:
                    self._campaigns.setdefault(word, []).append(campaign)
        found = self._campaigns.get(str(wanted), [])
        if len(found) == 1:
            case.given["campaign"] = found[0]
        elif found:
            case.wrong("campaign", f"有 {len(found)} 个专项任务叫“{wanted}”,请填代码。")
        else:
            case.wrong("campaign", f"没有代码或名称为“{wanted}”的专项任务。")

    def _change_organization(self, case: _Case, organization: Organization) -> None:
        if not self._inside(organization.unit, self._sees):
            self._taken(case, "组织代码")
            return
        planned, given = case.planned, case.given
        planned.summary = organization.name
        now = copy(organization)
        ends = given.get("dissolved_on")
        if ends is not None and now.dissolved_on is not None and ends != now.dissolved_on:
            case.wrong(
                "dissolved_on",
                f"该组织已于 {now.dissolved_on:%Y-%m-%d} 撤销;更正撤销日期请在组织页面用“编辑”办理。",
            )
        is_ending = ends is not None and now.dissolved_on is None
        slugs = [slug for slug in ORGANIZATION_FACTS if slug not in ("campaign", "dissolution_number")]
        edits = self._compare(case, now, slugs)
        campaign = given.get("campaign")
        if isinstance(campaign, Campaign) and campaign.pk != now.campaign_id:
            edits["campaign"] = campaign
            case.change("campaign", now.campaign.name if now.campaign else "", campaign.name)
        number = case.text("dissolution_number")
        if number and number != now.dissolution_number:
            if now.dissolved_on is None and not is_ending:
                case.wrong("dissolution_number", "没有填撤销日期,不能填撤销文号。")
            else:
                case.change("dissolution_number", now.dissolution_number, number)
                if not is_ending:
                    edits["dissolution_number"] = number
        for slug, old, how in (
            ("kind", now.kind, "组织类别登记后不变;登记有误的,请撤回后重新登记。"),
            ("is_temporary", now.is_temporary, "临时或常设登记后不变;登记有误的,请撤回后重新登记。"),
            ("unit", now.unit.code, "所在单位不能通过导入调整,请在组织页面用“转隶”办理(要填生效日期)。"),
            (
                "parent",
                now.parent.code if now.parent else "",
                "上级组织不能通过导入调整,请在组织页面用“调整上级组织”办理。",
            ),
        ):
            if slug in given and slug not in case.bad and given[slug] != old:
                case.wrong(slug, how)
        if not (edits or is_ending or case.is_wrong()):
            return
        if (edits or is_ending) and not self._inside(now.unit, self._enters):
            case.wrong("code", "您不能修改该组织,请由所在单位办理。")
        elif (edits or is_ending) and now.state == WorkflowState.WITHDRAWN:
            case.wrong("code", "该组织已撤回,不能修改。")
        if case.is_wrong():
            return
        if "established_on" in edits:
            candidate = copy(now)
            candidate.established_on = edits["established_on"]
            correction = organization_rules.Correction(candidate, now, REASON)
            case.holds(lambda: refuse_if(organization_rules.correction_refusals([correction])))
        if now.state == WorkflowState.APPROVED and any(slug in edits for slug in COUNTED):
            self.needs_reason = True
        if is_ending and not case.is_wrong():
            self._end_organization(case, now, given["dissolved_on"], number)
        if case.is_wrong():
            return
        planned.row, planned.edits = now, edits
        for slug, value in edits.items():
            setattr(organization, slug, value)
        if is_ending:
            planned.ended_on = given["dissolved_on"]
            organization.dissolved_on = planned.ended_on
            self._dissolving[organization.code] = given["dissolved_on"]
        self._touch_organization(organization)
        self._touch_unit(organization.unit)

    def _end_organization(self, case: _Case, organization: Organization, on: date, number: str) -> None:
        self.needs_reason = True
        try:
            plan = plan_dissolution(actor=Actor(user=self.user), organization=organization, on=on)
        except OperationRefused as refusal:
            for messages in refusal.message_dict.values():
                for message in messages:
                    case.wrong("dissolved_on", message)
            return
        below = len(plan.subordinates)
        note = f"自该日起撤销,结束 {plan.assignments} 人次编入"
        note += f",一并撤销下级组织 {below} 个" if below else ""
        case.change("dissolved_on", "", case.shown("dissolved_on", on), note)

    def _end_in_order(self, ending: list[tuple[_Case, Organization]]) -> None:
        """What stands below may not be dissolved later than what stands above."""
        by_tree: dict[int, list[tuple[_Case, Organization]]] = {}
        for case, organization in ending:
            by_tree.setdefault(organization.tree_id, []).append((case, organization))
        for found in by_tree.values():
            for case, below in found:
                for other, above in found:
                    is_below = above.lft < below.lft and below.rght < above.rght
                    if is_below and case.given["dissolved_on"] > other.given["dissolved_on"]:
                        case.wrong(
                            "dissolved_on", f"{other.where}的上级组织先于它撤销,撤销日期不能晚于上级组织。"
                        )
                        break

    def _add_organization(self, case: _Case) -> None:
        case.need()
        given = case.given
        kind, start, end = case.text("kind"), given.get("established_on"), given.get("dissolved_on")
        is_temporary = given.get("is_temporary")
        if is_temporary is None and "is_temporary" not in case.bad:
            if kind in PARTY_KINDS:
                case.wrong("is_temporary", "党组织须填写“是否临时”。")
            is_temporary = False
        if end is None and "dissolution_number" in given:
            case.wrong("dissolution_number", "没有填撤销日期,不能填撤销文号。")
        unit = self._unit(case.text("unit"), self._enters)
        if case.text("unit") and unit is None:
            self._no_such(case, "unit", "units", "单位")
        parent = self._parent(case, unit)
        if kind and start is not None and not {"kind", "parent"} & case.bad:
            proposal = organization_rules.Establishment(kind, unit, start, bool(is_temporary), parent, end)
            case.holds(lambda: refuse_if(organization_rules.refusals([proposal])))
        level = parent.level + 1 if parent is not None else 0
        if level >= MAX_DEPTH:
            case.wrong("parent", f"组织层级不能超过 {MAX_DEPTH} 级。")
        if case.is_wrong() or unit is None or start is None:
            return
        state = WorkflowState.APPROVED if self._inside(unit, self._approves) else WorkflowState.SUBMITTED
        texts = ("name", "aliases", "honour_title", "approval_number", "dissolution_number", "note")
        facts: dict[str, Any] = {slug: given[slug] for slug in texts if slug in given}
        campaign = given.get("campaign")
        case.planned.add = OrganizationRow(
            code=case.planned.key,
            kind=kind,
            unit=unit.code,
            established_on=start,
            dissolved_on=end,
            parent=parent.code if parent is not None else "",
            is_temporary=bool(is_temporary),
            campaign=campaign.code if isinstance(campaign, Campaign) else "",
            state=state.value,
            **facts,
        )
        words = [_joined(case, "name"), case.shown("kind", kind), unit.label, start.isoformat()]
        if state != WorkflowState.APPROVED:
            words.append(f"导入后为“{state.label}”")
        case.planned.summary = " · ".join(word for word in words if word)[:300]
        self.new_organizations.append(case.planned.add)
        self._touch_unit(unit)
        organization = Organization(
            code=case.planned.key,
            kind=kind,
            is_temporary=bool(is_temporary),
            established_on=start,
            dissolved_on=end,
            state=state.value,
            level=level,
            name=facts["name"],
        )
        organization.unit = unit
        self._organizations[organization.code] = organization

    def _parent(self, case: _Case, unit: Unit | None) -> Organization | None:
        """Return the superior that the line names: one that the register form would offer."""
        code = case.text("parent")
        if not code or "parent" in case.bad:
            return None
        parent = self._organization(code, self._sees)
        if parent is None and unit is not None and self._organizations.get(code) is not None:
            at = unit if not _is_planned(unit) else self._anchors.get(unit.code)
            if at is not None:
                if at.pk not in self._above:
                    self._above[at.pk] = {row.code: row for row in access.superiors(self.user, at)}
                parent = self._above[at.pk].get(code)
        if parent is None:
            self._no_such(case, "parent", "organizations", "组织")
        else:
            self._touch_organization(parent)
        return parent

    # --- People -----------------------------------------------------------------------------------

    def _plan_people(self, tables: list[Table]) -> Iterator[list[Planned]]:
        for cases in _batched(self._cases(tables), BATCH):
            numbers = {case.planned.key for case in cases}
            existing = self._people(numbers)
            seen = self._seen_people((person.pk, person.home_unit_id) for person in existing.values())
            self._know_units(case.text("home_unit") for case in cases)
            self._know_organizations(case.text("home_branch") for case in cases)
            changing = {
                person.pk
                for case in cases
                if (person := existing.get(case.planned.key)) is not None
                and case.text("political_status") not in ("", person.political_status)
            }
            since = dict(
                StatusPeriod.objects.filter(person_id__in=changing, ended_on__isnull=True)
                .order_by()
                .values_list("person_id", "started_on")
            )
            for case in cases:
                self._clean(case, Person, ("number", "political_status", *PERSON_FACTS))
                if "joined_on" in case.given:
                    case.holds(lambda case=case: not_in_future("joined_on", case.given["joined_on"]))  # type: ignore[misc]
                person = existing.get(case.planned.key)
                case.planned.summary = case.text("name")
                if person is None:
                    self._add_person(case)
                    self._note_wrong(case)
                elif person.pk not in seen:
                    self._taken(case, "警号")
                else:
                    self._change_person(case, person, since.get(person.pk))
            yield [case.judged() for case in cases]

    def _people(self, numbers: Iterable[str]) -> dict[str, Person]:
        """Return the people with these numbers, with their home units and branches."""
        rows = Person.objects.all()
        if self.is_writing:
            rows = rows.select_for_update(no_key=True)
        people = list(self._by_code("number", (number for number in numbers if number), rows))
        units = self._by_pk(Unit, {person.home_unit_id for person in people})
        branches = self._by_pk(
            Organization, {person.home_branch_id for person in people if person.home_branch_id}
        )
        for person in people:
            person.home_unit = units[person.home_unit_id]
            if person.home_branch_id:
                person.home_branch = branches[person.home_branch_id]
        return {person.number: person for person in people}

    def _by_pk(self, model: type[Any], pks: Collection[int]) -> dict[int, Any]:
        """Return rows by key, each as an object of its own only once: thousands of people share a unit."""
        known = self._rows.setdefault(model, {})
        wanted = sorted({pk for pk in pks if pk not in known})
        size = 500 if connection.vendor == "sqlite" else BATCH
        for start in range(0, len(wanted), size):
            known.update(model.objects.in_bulk(wanted[start : start + size]))
        return known

    def _seen_people(self, people: Iterable[tuple[int, int]]) -> set[int]:
        """Return the keys of those whom the user sees: by their home unit, or where they are placed.

        ``people`` are (key, key of the home unit).
        """
        there = list(people)
        units = self._by_pk(Unit, {unit for _, unit in there})
        sees = {pk for pk in {unit for _, unit in there} if access.inside(units[pk], self._sees)}
        inside = {pk for pk, unit in there if unit in sees}
        others = [pk for pk, unit in there if unit not in sees]
        for start in range(0, len(others), 500):
            rows = access.visible(self.user, Person.objects.filter(pk__in=others[start : start + 500]))
            inside |= set(rows.order_by().values_list("pk", flat=True))
        return inside

    def _home(self, case: _Case, person: Person | None) -> dict[str, Any]:
        """Return what the line says of the formal membership, as far as it is new."""
        home: dict[str, Any] = {}
        code = case.text("home_unit")
        if code and (person is None or person.home_unit.code != code):
            unit = self._unit(code, self._enters)
            if unit is None:
                self._no_such(case, "home_unit", "units", "单位")
            else:
                proposal = people_rules.Membership(home_unit=unit)
                case.holds(lambda: refuse_if(people_rules.refusals([proposal])))
                home["home_unit"] = unit
        code = case.text("home_branch")
        if code and (person is None or person.home_branch is None or person.home_branch.code != code):
            branch = self._organization(code, self._sees)
            if branch is None:
                self._no_such(case, "home_branch", "organizations", "党组织")
            else:
                membership = people_rules.Membership(home_branch=branch)
                case.holds(lambda: refuse_if(people_rules.refusals([membership])))
                home["home_branch"] = branch
        return home

    def _named(self, row: Unit | Organization | None) -> str:
        """Return the name of a row, as it is when this workbook has renamed it."""
        if row is None:
            return ""
        known = (self._units if isinstance(row, Unit) else self._organizations).get(row.code)
        return (known or row).name

    def _add_person(self, case: _Case) -> None:
        self._matches(case, "number", number_validator)
        case.need()
        home = self._home(case, None)
        if case.is_wrong():
            return
        facts = {slug: case.given[slug] for slug in PERSON_FACTS if slug in case.given}
        case.planned.add = PersonRow(
            number=case.planned.key,
            home_unit=home["home_unit"].code,
            home_branch=home["home_branch"].code if "home_branch" in home else "",
            status=case.text("political_status") or PoliticalStatus.UNKNOWN.value,
            **facts,
        )
        case.planned.home = home
        case.planned.summary = (
            f"{_joined(case, 'name', 'category', 'political_status')} · {home['home_unit'].label}"
        )
        self._touch_unit(home["home_unit"])
        self._names[case.planned.key] = facts["name"]
        if not self.is_writing:
            self._new_people.add(case.planned.key)

    def _change_person(self, case: _Case, person: Person, since: date | None) -> None:
        planned = case.planned
        planned.summary = person.name
        may_enter = access.inside(person.home_unit, self._enters)
        facts: tuple[str, ...] = PERSON_FACTS
        if not may_enter:  # whether a telephone number is the registered one is not told either
            facts = tuple(slug for slug in PERSON_FACTS if slug not in ("phone", "note"))
        edits = self._compare(case, person, facts)
        hidden = [] if may_enter else [slug for slug in ("phone", "note") if slug in case.given]
        status = case.text("political_status")
        if "political_status" in case.bad or status == person.political_status:
            status = ""
        if status:
            old, new = person.political_status, status
            note = f"自今天({self.today:%Y-%m-%d})起;以前的日期仍按原政治面貌统计"
            if since == self.today:
                note, self.needs_reason = "更正今天登记的政治面貌", True
            case.change(
                "political_status",
                case.shown("political_status", old),
                case.shown("political_status", new),
                note,
            )
        home = self._home(case, person) if may_enter else {}
        is_elsewhere = not may_enter and any(
            case.text(slug) not in ("", now)
            for slug, now in (
                ("home_unit", person.home_unit.code),
                ("home_branch", person.home_branch.code if person.home_branch else ""),
            )
        )
        for slug in home:
            case.change(slug, self._named(getattr(person, slug)), home[slug].name)
        if not may_enter and (edits or status or hidden or is_elsewhere):
            case.wrong("number", "该人员的所属单位不在您的录入范围内,不能修改其资料。")
        if case.is_wrong() or not (edits or status or home):
            return
        planned.row, planned.edits, planned.status, planned.home = person, edits, status, home
        if "home_unit" in home:
            self._touch_unit(home["home_unit"])
        if "name" in edits and not self.is_writing:
            self._names[planned.key] = edits["name"]

    # --- Assignments ------------------------------------------------------------------------------

    def _plan_assignments(self, tables: list[Table]) -> Iterator[list[Planned]]:
        waiting: list[_Case] = []
        for cases in _batched(self._cases(tables), BATCH):
            later = self._judge_assignments(cases, is_last=False)
            waiting += later
            left_out = set(map(id, later))
            yield [case.judged() for case in cases if id(case) not in left_out]
        for cases in _batched(waiting, BATCH):  # by now it is known which assignments end
            self._judge_assignments(cases, is_last=True)
            yield [case.judged() for case in cases]

    def _judge_assignments(self, cases: list[_Case], *, is_last: bool) -> list[_Case]:
        """Judge a batch; return those that must wait until all lines that end something were seen."""
        self._know_organizations(case.text("organization") for case in cases)
        people = self._somebodies({case.text("number") for case in cases})
        known: list[tuple[_Case, Organization, Somebody]] = []
        for case in cases:
            code, number = case.text("organization"), case.text("number")
            case.planned.key = f"{code} {number}"[:200]
            organization = self._organization(code, self._enters)
            somebody = people.get(number)
            self._clean(case, Assignment, ("role", "document_number"))
            if code and organization is None and "organization" not in case.bad:
                self._no_such(case, "organization", "organizations", "组织")
            if number and somebody is None and "number" not in case.bad:
                self._no_such(case, "number", "people", "人员")
            if organization is not None and somebody is not None:
                known.append((case, organization, somebody))
        placed: dict[tuple[int, int], list[Assignment]] = {}
        rows = Assignment.objects.valid().filter(
            organization_id__in={organization.pk for _, organization, _ in known if organization.pk}
        )
        for row in self._by_person(rows, {each.pk for _, _, each in known if each.pk}):
            placed.setdefault((row.organization_id, row.person_id), []).append(row)
        later = []
        for case, organization, somebody in known:
            there = placed.get((organization.pk, somebody.pk or 0), []) if organization.pk else []
            if not self._judge_assignment(case, organization, somebody, there, is_last=is_last):
                later.append(case)
        return later

    @staticmethod
    def _by_person(rows: Any, people: Collection[int]) -> Iterator[Assignment]:
        pks = sorted(people)
        size = 500 if connection.vendor == "sqlite" else BATCH
        for start in range(0, len(pks), size):
            yield from rows.filter(person_id__in=pks[start : start + size]).order_by("pk")

    def _somebodies(self, numbers: set[str]) -> dict[str, Somebody]:
        """Return the people with these numbers whom the user sees, or whom the workbook adds."""
        found = {number: Somebody(None, self._names[number]) for number in numbers & self._new_people}
        rows = Person.objects.values_list("pk", "number", "name", "home_unit_id")
        there = list(self._by_code("number", (n for n in numbers - found.keys() if n), rows))
        seen = self._seen_people((pk, unit) for pk, _number, _name, unit in there)
        for pk, number, name, _unit in there:
            if pk in seen:
                found[number] = Somebody(pk, self._names.get(number, name))
        return found

    def _judge_assignment(
        self,
        case: _Case,
        organization: Organization,
        somebody: Somebody,
        there: list[Assignment],
        *,
        is_last: bool,
    ) -> bool:
        """Judge one line; False when it must wait."""
        given, planned = case.given, case.planned
        planned.home = {"person": somebody, "organization": organization}
        planned.summary = f"{somebody.name} → {organization.name}"[:300]
        name = case.text("name")
        if name and name != somebody.name and "name" not in case.bad:
            case.wrong("name", f"该警号登记的姓名是“{somebody.name}”,请核对警号和姓名。")
        start, end = given.get("started_on"), given.get("ended_on")
        if case.is_wrong():
            return True
        if start is None:
            standing = [row for row in there if row.ended_on is None]
            if len(standing) != 1:
                case.wrong("started_on", "没有正在编入的记录,请填写编入日期。")
                return True
            self._change_assignment(case, organization, standing[0])
            return True
        same = [row for row in there if row.started_on == start]
        if same:
            best = next((row for row in same if row.ended_on == end), same[-1])
            self._change_assignment(case, organization, best)
            return True
        case.need()
        person = Person(number=case.text("number"), name=somebody.name)
        proposal = placement_rules.Placement(
            person, organization, case.text("role") or Role.MEMBER.value, start, end
        )
        case.holds(lambda: refuse_if(placement_rules.refusals([proposal])), at="organization")
        if case.is_wrong():
            return True
        spells = self._spells.setdefault((organization.code, case.text("number")), [])
        now = [(row.started_on, self._ends.get(row.pk, row.ended_on)) for row in there]
        if any(_overlap(start, end, *spell) for spell in now) and not is_last:
            return False
        if any(_overlap(start, end, *spell) for spell in (*now, *spells)):
            case.wrong("number", f"该人员同一时间已在“{organization.name}”。")
            return True
        spells.append((start, end))
        planned.add = AssignmentRow(
            person=case.text("number"),
            organization=organization.code,
            started_on=start,
            role=case.text("role"),
            ended_on=end,
            document_number=case.text("document_number"),
        )
        words = [planned.summary, case.shown("role", given["role"]), f"{start:%Y-%m-%d} 起"]
        if end is not None:
            words.append(f"{end:%Y-%m-%d} 止")
        planned.summary = " · ".join(words)[:300]
        self._touch_organization(organization)
        return True

    def _change_assignment(self, case: _Case, organization: Organization, assignment: Assignment) -> None:
        given, planned = case.given, case.planned
        planned.summary = f"{planned.summary} · {assignment.started_on:%Y-%m-%d} 起"[:300]
        if assignment.pk in self._claimed:
            case.wrong("number", "与前面一行说的是同一次编入。")
            return
        self._claimed.add(assignment.pk)
        role, end = case.text("role"), given.get("ended_on")
        number = case.text("document_number")
        if number and number != assignment.document_number:
            case.wrong("document_number", "已有编入的文号不能通过导入修改。")
        if role and role != assignment.role:
            if assignment.ended_on == assignment.started_on:
                case.wrong("role", "该编入当天即结束,职责不能更正。")
            case.change(
                "role",
                case.shown("role", assignment.role),
                case.shown("role", role),
                f"自编入日 {assignment.started_on:%Y-%m-%d} 起更正",
            )
            planned.edits["role"] = role
        if end is not None and end != assignment.ended_on:
            ending = placement_rules.Ending(assignment, end, REASON)
            case.holds(
                lambda: refuse_if(placement_rules.end_refusals([ending])), at="ended_on", on="ended_on"
            )
            person = Person(number=case.text("number"))
            ended = placement_rules.Placement(
                person, organization, assignment.role, assignment.started_on, end
            )
            case.holds(
                lambda: refuse_if(placement_rules.refusals([ended])),
                at="ended_on",
                started_on="ended_on",
            )
            old = assignment.ended_on
            self.needs_reason = self.needs_reason or old is not None
            case.change(
                "ended_on",
                case.shown("ended_on", old),
                case.shown("ended_on", end),
                "更正结束日期" if old else "自该日起不再编入",
            )
            planned.ended_on = end
        if case.is_wrong() or not planned.changes:
            return
        planned.row = assignment
        if planned.ended_on is not None:
            self._ends[assignment.pk] = planned.ended_on
        self._touch_organization(organization)


def _is_planned(row: Model) -> bool:
    """Whether a row is not in the database yet."""
    return row._state.adding


def _overlap(start: date, end: date | None, other: date, other_end: date | None) -> bool:
    """Whether two half-open spells share a day."""
    return (other_end is None or other_end > start) and (end is None or other < end)


def _joined(case: _Case, *slugs: str) -> str:
    return " · ".join(case.shown(slug, case.given[slug]) for slug in slugs if slug in case.given)[:280]


def _batched(cases: Iterable[_Case], size: int) -> Iterator[list[_Case]]:
    batch: list[_Case] = []
    for case in cases:
        batch.append(case)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
