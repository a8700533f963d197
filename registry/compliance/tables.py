"""The lists: what breaks a rule, one by one; and what is excepted, in force and lapsed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.compliance.found import EXCEPTED, LEVELS, checked_at, nothing_wrong
from registry.models import Organization, Person, RuleException
from registry.models.base import in_spans
from registry.models.hierarchy import Span, holds
from registry.rules.checks import BY_SLUG, CHECKS, Breach, Level, breaches
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address
from registry.web.columns import Column, tag_cell
from registry.web.drill import PlacedTable, UnitTable
from registry.web.filters import ChoiceFilter, TextFilter, UnitFilter
from registry.web.levels import OfLevel
from registry.web.links import person_url
from registry.web.tables import Empty

RULES = [(check.slug, check.label) for check in CHECKS]
SET_ASIDE = (("no", "不含例外"), ("yes", "只看例外"))


# --- Breaches -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PlacedBreach:
    """A breach with what it is sorted by: the order of rules, and of the organization in the unit tree."""

    breach: Breach
    rule_place: int
    organization_place: tuple[Any, ...]

    @property
    def is_excepted(self) -> bool:
        """Whether an exception sets it aside."""
        return self.breach.excepted is not None


@dataclass(frozen=True)
class ListedBreach(OfLevel):
    """One breach, with the organization and the person that it is about."""

    table: BreachTable
    breach: Breach
    organization: Any
    is_seen: bool
    is_unit_seen: bool
    person: Person | None

    @property
    def url(self) -> str:
        """The card of the organization's breaches, where its unit of today is in scope."""
        url = self.table.address.url(self.organization.get_absolute_url())
        return f"{url}#compliance" if self.is_seen else ""

    @property
    def unit_url(self) -> str:
        """The page of the unit where it stood on the day."""
        code = self.organization.host_code
        return self.table.address.url(reverse("unit", args=[code])) if self.is_unit_seen else ""

    @property
    def unit_label(self) -> str:
        """The short name of that unit."""
        return str(self.organization.host_short_name or self.organization.host_name)

    @property
    def person_url(self) -> str:
        """The person's page, where the user sees it."""
        user, person = self.table.user, self.person
        if person is None or not access.inside(person.home_unit, self.table.scope):
            return ""
        return person_url(user, person, self.table.address)

    @property
    def rule_url(self) -> str:
        """The page of the rule."""
        return self.table.address.url(reverse("rule", args=[self.breach.check.slug]))

    @property
    def citation(self) -> str | None:
        """What may be quoted."""
        return self.breach.edition.citation or None

    @property
    def exception(self) -> str | None:
        """The document by which it is excepted, and until when."""
        excepted = self.breach.excepted
        return f"{excepted.document_number},{excepted.ended_on} 起失效" if excepted else None


def _set_aside(table: BreachTable, rows: list[PlacedBreach], value: str) -> list[PlacedBreach]:
    return [row for row in rows if row.is_excepted == (value == "yes")]


def _by_organization(row: PlacedBreach) -> tuple[Any, ...]:
    return (*row.organization_place, row.rule_place)


def _by_rule(row: PlacedBreach) -> tuple[Any, ...]:
    return (row.rule_place, *row.organization_place)


def _by_level(row: PlacedBreach) -> tuple[Any, ...]:
    return (list(Level).index(row.breach.check.level), *_by_rule(row))


class BreachTable(PlacedTable[ListedBreach]):
    """What breaks a rule on the day at the place of the address."""

    name = "规范检查清单"
    metric = None
    tab = "规范检查"
    file = "breaches_export"
    heading = "发现"
    unit_word = "项"
    nothing_found = "没有符合筛选条件的问题。"
    can_be_samples = True
    default_sort = "level"
    columns: Sequence[Column[ListedBreach]] = (
        Column(
            "组织",
            "organization.name",
            key="organization",
            sort=_by_organization,
            url="url",
            is_sample="organization.is_sample",
            css="text",
            is_heading=True,
        ),
        Column("所在单位", "organization.host_name", url="unit_url", text="unit_label", rank=2),
        Column("级别", "level", key="level", sort=_by_level, cell=tag_cell),
        Column("规则", "breach.check.label", key="rule", sort=_by_rule, url="rule_url"),
        Column("情况", "breach.message", css="text"),
        Column("人员", "person.name", url="person_url", rank=3),
        Column("依据", "citation", css="text", rank=3),
        Column("例外", "exception", css="text", rank=2),
        Column("组织代码", "organization.code", Kind.CODE, only="file"),
    )
    filters = (
        UnitFilter(label="单位(含下级)"),
        ChoiceFilter("rule", "规则", choices=RULES),
        ChoiceFilter("level", "级别", choices=LEVELS),
        ChoiceFilter(EXCEPTED, "例外", _set_aside, chip="{}", choices=SET_ASIDE),
    )

    @cached_property
    def scope(self) -> list[Span]:
        """The intervals that the user sees."""
        return access.spans(self.user)

    @property
    def slugs(self) -> list[str]:
        """The rules that the filters leave."""
        rule, level = self.wanted["rule"], self.wanted["level"]
        return [each.slug for each in CHECKS if rule in ("", each.slug) and level in ("", each.level.value)]

    @cached_property
    def checked(self) -> QuerySet[Organization]:
        """The organizations that are checked, each with its host of the day."""
        return checked_at(self.question, self.at.rows)

    def every(self) -> list[PlacedBreach]:
        """Return every breach of the rules asked for."""
        found = breaches(self.checked, self.question.as_of, slugs=self.slugs)
        if not found:
            return []
        rules = {check.slug: at for at, check in enumerate(CHECKS)}
        checked: Any = self.checked
        kept = checked.values_list("pk", "host__unit__tree_id", "host__unit__lft", "order_key")
        places = {pk: place for pk, *place in kept}
        return [
            PlacedBreach(each, rules[each.check.slug], tuple(places[each.organization_id])) for each in found
        ]

    def lines(self, found: list[PlacedBreach]) -> list[ListedBreach]:
        """Return these breaches: two queries, whatever their number."""
        organizations = self._organizations({each.breach.organization_id for each in found})
        wanted = {each.breach.person_id for each in found} - {None}
        people = Person.objects.select_related("home_unit").in_bulk(wanted) if wanted else {}
        lines = []
        for each in found:
            breach, organization = each.breach, organizations[each.breach.organization_id]
            lines.append(
                ListedBreach(
                    self,
                    breach,
                    organization,
                    access.inside(organization.unit, self.scope),
                    holds(self.scope, organization.host_tree_id, organization.host_lft),
                    people.get(breach.person_id or 0),
                )
            )
        return lines

    def has_samples(self) -> bool:
        """Whether an organization among them is an invented one."""
        wanted = {each.breach.organization_id for each in self.rows}
        return self.checked.filter(is_sample=True, pk__in=wanted).order_by().exists() if wanted else False

    def _organizations(self, wanted: set[int]) -> dict[int, Any]:
        hosted = Organization.objects.hosted_on(self.question.as_of).with_host_facts()
        return {row.pk: row for row in hosted.filter(pk__in=wanted).select_related("unit")}

    @property
    def empty(self) -> Empty:
        """Without filters: that nothing is wrong on the day."""
        if self.is_filtered:
            return Empty(self.nothing_found, self.clear_url, "清除筛选")
        return Empty(nothing_wrong(self.question.as_of))


# --- Exceptions -----------------------------------------------------------------------------------

IN_FORCE, LAPSED, AHEAD = "在效", "已失效", "未生效"
STATES = {"now": IN_FORCE, "lapsed": LAPSED, "ahead": AHEAD}
STATE_TONES = {IN_FORCE: "ok", LAPSED: "plain", AHEAD: "info"}


@dataclass(frozen=True)
class ListedException:
    """One exception, as lists and cards show it on the day of the page."""

    address: Address
    exception: RuleException
    may_end: bool = False

    @property
    def rule(self) -> str:
        """What the rule is called."""
        check = BY_SLUG.get(self.exception.slug)
        return check.label if check else self.exception.slug

    @property
    def url(self) -> str:
        """The organization's card."""
        url = self.address.url(self.exception.organization.get_absolute_url())
        return f"{url}#compliance"

    @property
    def unit_url(self) -> str:
        """The page of the organization's unit of today."""
        return self.address.url(self.exception.organization.unit.get_absolute_url())

    @property
    def state(self) -> str:
        """Whether it holds on the day."""
        day = self.address.as_of
        if self.exception.started_on > day:
            return AHEAD
        return IN_FORCE if day < self.exception.ended_on else LAPSED

    @property
    def tone(self) -> str:
        """The colour of the state."""
        return STATE_TONES[self.state]

    @property
    def end_url(self) -> str:
        """The page that ends it early, for who may, while it has not lapsed."""
        if not self.may_end or self.state == LAPSED:
            return ""
        return self.address.url(reverse("exception_end", args=[self.exception.pk]))

    @property
    def granted_by(self) -> str | None:
        """Who granted it."""
        return str(self.exception.granted_by) if self.exception.granted_by else None


def _in_state(table: ExceptionTable, rows: QuerySet[RuleException], value: str) -> QuerySet[RuleException]:
    day = table.question.as_of
    if value == "ahead":
        return rows.filter(started_on__gt=day)
    if value == "lapsed":
        return rows.filter(started_on__lte=day, ended_on__lte=day)
    return rows.filter(started_on__lte=day, ended_on__gt=day)


class ExceptionTable(UnitTable[ListedException]):
    """The exceptions of the organizations at a unit and below it, by today's units."""

    title = "规则例外"
    file = "exceptions_export"
    heading = "例外"
    unit_word = "项"
    nothing = "没有例外。例外在组织页“规范检查”中由审批人批准。"
    nothing_found = "没有符合筛选条件的例外。"
    default_sort = "-started"
    columns: Sequence[Column[ListedException]] = (
        Column(
            "组织",
            "exception.organization.name",
            key="organization",
            sort=("organization__order_key",),
            url="url",
            is_sample="exception.organization.is_sample",
            css="text",
            is_heading=True,
        ),
        Column(
            "所在单位",
            "exception.organization.unit.name",
            key="unit",
            sort=("organization__unit__tree_id", "organization__unit__lft"),
            url="unit_url",
            text="exception.organization.unit.label",
            rank=3,
        ),
        Column("规则", "rule"),
        Column("批准文号", "exception.document_number", key="document", sort=("document_number",)),
        Column("理由", "exception.reason", css="text", rank=2),
        Column("自", "exception.started_on", Kind.DATE, key="started", sort=("started_on",)),
        Column("至(当日失效)", "exception.ended_on", Kind.DATE, key="ended", sort=("ended_on",)),
        Column("批准人", "granted_by", rank=3),
        Column("状态", "state", cell=tag_cell),
        Column("办理", "end_url", cell="compliance/cells/end.html", css="no-print", only="page"),
    )
    filters = (
        UnitFilter(label="单位(含下级)"),
        ChoiceFilter("rule", "规则", "slug", choices=RULES),
        ChoiceFilter("state", "状态", _in_state, choices=list(STATES.items())),
        TextFilter("q", "批准文号", lambda table, rows, text: rows.filter(document_number__icontains=text)),
    )

    def every(self) -> QuerySet[RuleException]:
        """Return the exceptions in scope at the unit."""
        rows = access.visible(self.user, RuleException.objects.all())
        if self.unit is None:
            return rows
        below = Span(self.unit.tree_id, self.unit.lft, self.unit.rght)
        return rows.filter(in_spans([below], "organization__unit__"))

    def detailed(self, rows: QuerySet[RuleException]) -> QuerySet[RuleException]:
        """Join what a line shows."""
        return rows.select_related("organization__unit", "granted_by")

    def page_rows(self) -> QuerySet[RuleException]:
        """Read a page's exceptions by their keys."""
        return self.detailed(RuleException.objects.all())

    def lines(self, found: list[RuleException]) -> list[ListedException]:
        """Return these exceptions."""
        scope = access.spans(self.user, "end_exception")
        return [
            ListedException(self.address, each, access.inside(each.organization.unit, scope))
            for each in found
        ]
