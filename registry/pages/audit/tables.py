"""The record (操作记录): what was done at the units whose record the user reads, newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.paginator import Page
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.forms import Field
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from registry import access, nouns
from registry.models import AuditEntry, Unit
from registry.spreadsheets.sheets import Kind
from registry.web import history
from registry.web.columns import Column
from registry.web.drill import unit_of
from registry.web.filters import ChoiceFilter, DayFilter, Filter, TextFilter, UnitFilter
from registry.web.links import row_url
from registry.web.lists import Length, paged_long, with_query
from registry.web.tables import Table

LONGEST = 500_000
"""So many entries of a list are counted; of a longer one it is said that there are more acts."""


@dataclass(frozen=True)
class _Lookups:
    """Other rows that the lines of a page need, read once for all lines when the first of them asks."""

    table: RecordTable
    entries: Sequence[AuditEntry]

    @cached_property
    def pages(self) -> dict[tuple[str, int], tuple[str, bool]]:
        """The page of each object that the user may open, and whether it is a sample: a query a noun."""
        user, keys = self.table.user, defaultdict(set)
        for entry in self.entries:
            if entry.object_id is not None:
                keys[entry.noun].add(entry.object_id)
        known = {}
        for noun in nouns.all_nouns():
            if noun.key in keys and (noun.page or noun.page_at):
                for row in access.visible(user, noun.with_related().filter(pk__in=keys[noun.key])):
                    known[noun.key, row.pk] = row_url(user, row, self.table.address), row.is_sample
        return known

    @cached_property
    def undo_urls(self) -> dict[int, str]:
        """The way back from each entry that the user may take back."""
        able = history.taken_back_by(self.table.user, self.entries)
        return {pk: history.undo_url(pk, self.table.address) for pk in able}

    @cached_property
    def undone(self) -> dict[int, AuditEntry]:
        """The entry that took back each act."""
        return history.undone_by(self.entries)

    @cached_property
    def numbers(self) -> dict[int, int]:
        """How many entries the list has of each act; none where it lists the entries of one act."""
        if self.table.wanted["act"]:
            return {}
        acts = [_act(entry) for entry in self.entries]
        theirs = self.table.rows.filter(Q(pk__in=acts) | Q(part_of__in=acts))
        counted = history.with_act(theirs).order_by().values("act")
        return dict(counted.annotate(number=Count("pk")).values_list("act", "number"))


def _act(entry: AuditEntry) -> int:
    """Return the key of the first entry of its act."""
    return entry.part_of_id or entry.pk


@dataclass(frozen=True)
class ListedEntry:
    """One entry of the list."""

    entry: AuditEntry
    sees_numbers: bool
    lookups: _Lookups

    @cached_property
    def event(self) -> history.Event:
        """The entry in words."""
        acts = self.lookups.undo_urls
        return history.events([self.entry], names="", sees_numbers=self.sees_numbers, acts=acts)[0]

    @property
    def _page(self) -> tuple[str, bool]:
        return self.lookups.pages.get((self.entry.noun, self.entry.object_id or 0), ("", False))

    @property
    def url(self) -> str:
        """The page of what it is about, where the user may open it."""
        return self._page[0]

    @property
    def undo_url(self) -> str:
        """The way back from it, where the user may take it back."""
        return self.lookups.undo_urls.get(self.entry.pk, "")

    @property
    def act(self) -> int:
        """The key of the act that it is part of."""
        return _act(self.entry)

    @property
    def number(self) -> int:
        """How many entries of its act the list has: the line stands for all of them."""
        return self.lookups.numbers.get(self.act, 1)

    @property
    def act_url(self) -> str:
        """The list of those entries."""
        return with_query(self.lookups.table.request, act=str(self.act))

    @property
    def undone(self) -> bool:
        """Whether it was taken back."""
        return self.act in self.lookups.undone

    @property
    def is_sample(self) -> bool:
        """Whether that is an invented one."""
        return self._page[1]

    @property
    def noun(self) -> str:
        """What kind of thing it is about."""
        return nouns.by_key(self.entry.noun).label if nouns.knows(self.entry.noun) else ""

    @property
    def seal(self) -> int | None:
        """The number of the seal, once it is sealed."""
        sealed = getattr(self.entry, "sealed", None)
        return sealed.seal.number if sealed is not None else None


def _by(table: RecordTable, rows: Any, who: str) -> Any:
    return rows.filter(
        Q(actor__icontains=who) | Q(user__username__iexact=who) | Q(user__display_name__icontains=who)
    )


def _since(table: RecordTable, rows: Any, day: date) -> Any:
    return rows.filter(at__gte=_midnight(day))


def _until(table: RecordTable, rows: Any, day: date) -> Any:
    return rows.filter(at__lt=_midnight(day + timedelta(days=1) if day < date.max else day))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True)
class _ObjectFilter(Filter):
    """One object (``unit-12``); links of pages ask for it, no field does."""

    @property
    def names(self) -> tuple[str, ...]:
        """No field sends it: the form keeps it."""
        return ()

    def field(self, table: Table[Any]) -> Field | None:
        """Return no field."""
        return None

    def narrow(self, table: Table[Any], rows: Any, value: Any) -> Any:
        """Return the entries of the object; of a person or an organization with its assignments."""
        return rows.filter(history.about(*_object(value)))

    def words(self, table: Table[Any], value: Any) -> str:
        """Return what it is called, by its newest entry."""
        noun, _key = _object(value)
        newest = table.rows.filter(noun=noun).order_by("-pk").values_list("object_name", flat=True).first()
        word = nouns.by_key(noun).label
        return f"{word}:{newest}" if newest else word


@dataclass(frozen=True)
class _ActFilter(_ObjectFilter):
    """The entries of one act (``act=12``); the line of an act links to them."""

    def read(self, table: Table[Any]) -> int | None:
        """Return the key of its first entry."""
        text = super().read(table)
        if text and (not text.isdecimal() or len(text) > 18):
            raise Http404(f"没有编号为“{text}”的操作。")
        return int(text) if text else None

    def narrow(self, table: Table[Any], rows: Any, value: Any) -> Any:
        """Return the entries of the act."""
        return rows.filter(Q(pk=value) | Q(part_of=value))

    def words(self, table: Table[Any], value: Any) -> str:
        """Return what was done and when."""
        first = table.rows.order_by("pk").first()
        return (
            f"一次操作:{nouns.label_of(first.verb)} {timezone.localtime(first.at):%Y-%m-%d %H:%M}"
            if first
            else "一次操作"
        )


@dataclass(frozen=True)
class _RoutineFilter(_ObjectFilter):
    """Leaves log-ins out until they are asked for, here or as the verb."""

    def read(self, table: Table[Any]) -> bool:
        """Return whether log-ins are left out."""
        return super().read(table) != self.off and not table.request.GET.get("verb", "").strip()

    def narrow(self, table: Table[Any], rows: Any, value: Any) -> Any:
        """Return the entries without log-ins."""
        return rows.exclude(verb__in=nouns.routine_verbs())

    def words(self, table: Table[Any], value: Any) -> str:
        """Return the words of the chip."""
        return "不含登录、退出"


def _object(text: str) -> tuple[str, int]:
    noun, _dash, key = text.rpartition("-")
    if not nouns.knows(noun) or not key.isdecimal() or len(key) > 18:
        raise Http404(f"没有“{text}”这个对象。")
    return noun, int(key)


class RecordTable(Table[ListedEntry]):
    """The entries that the user may read, a line for each act; other users have no such page."""

    title = "操作记录"
    file = "record_export"
    nothing = "您的管理范围内还没有操作记录。"
    nothing_found = "没有符合筛选条件的记录。"
    is_dated = False
    file_place = ""  # the file is named by its day alone
    columns: Sequence[Column[ListedEntry]] = (
        Column("编号", "entry.pk", Kind.NUMBER, only="file"),
        Column("时间", "entry.at", Kind.TIME),
        Column("操作人", "entry.actor", cell="pages/audit/cells/actor.html", css="nowrap"),
        Column("用户名", "entry.user.username", Kind.CODE, only="file"),
        Column("地址", "entry.address", Kind.CODE, rank=4),
        Column("请求编号", "entry.request_number", Kind.CODE, rank=4),
        Column(
            "操作",
            lambda row: history.heading(row.entry, names=""),
            cell="pages/audit/cells/verb.html",
            css="nowrap",
        ),
        Column("对象类型", "noun", only="file"),
        Column("对象", "entry.object_name", cell="pages/audit/cells/object.html", css="text"),
        Column("单位", "entry.unit.name", text="entry.unit.label", css="text", rank=2),
        Column("另一单位", "entry.other_unit.name", only="file"),
        Column("生效日期", "entry.effective_on", Kind.DATE, rank=3),
        Column(
            "变动",
            lambda row: ";".join(history.changes(row.entry, sees_numbers=row.sees_numbers)),
            cell="pages/audit/cells/changes.html",
            css="text small",
        ),
        Column("原因", "entry.reason", css="text small", rank=3),
        Column("还原的记录", "entry.undoes_id", Kind.NUMBER, only="file"),
        Column("封存编号", "seal", Kind.NUMBER, only="file"),
        Column("所属操作", "act", Kind.NUMBER, only="file"),
        Column("办理", cell="pages/audit/cells/undo.html", css="no-print nowrap", only="page"),
    )
    filters = (
        UnitFilter(label="单位(含下级)", verb="read_record"),
        TextFilter("who", "操作人", _by, "操作人:{}"),
        ChoiceFilter("verb", "操作", "verb", choices=lambda table: nouns.recorded_verbs()),
        DayFilter("day_from", "自", _since, "自 {}"),
        DayFilter("day_to", "至", _until, "至 {}"),
        TextFilter("q", "对象名称", "object_name__icontains", "对象含“{}”"),
        _ObjectFilter("object", "对象"),
        _ActFilter("act", "一次操作"),
        _RoutineFilter("routine", "登录、退出", off="1"),
    )

    def __init__(self, request: HttpRequest) -> None:
        access.need_somewhere(request.user, "read_record")
        super().__init__(request)

    @cached_property
    def unit(self) -> Unit | None:
        """The unit of the address, if its record is the user's to read."""
        return unit_of(self.request, "read_record", "审计")

    @property
    def place(self) -> str:
        """The unit, or all whose record the user reads."""
        return f"{self.unit.name}及下级单位" if self.unit else "管理范围内全部单位"

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit."""
        return self.chip_of_unit(self.unit.name) if self.unit else {}

    def every(self) -> QuerySet[AuditEntry]:
        """Return what was recorded up to now: what is recorded meanwhile would shift the rows."""
        newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        return access.record_seen(self.user, self.unit).filter(pk__lte=newest)

    @cached_property
    def heads(self) -> QuerySet[AuditEntry]:
        """The rows of the page: the first entry of each act, or all entries of the one act asked for."""
        rows: QuerySet[AuditEntry] = self.rows
        if self.wanted["act"]:
            return rows
        # It has a lower key; as that is said, PostgreSQL looks each up and does not gather all beforehand.
        first = rows.order_by().filter(pk=OuterRef("part_of_id"), pk__lt=OuterRef("pk"))
        before = rows.order_by().filter(part_of=OuterRef("part_of_id"), pk__lt=OuterRef("pk"))
        return rows.filter(Q(part_of__isnull=True) | (~Exists(first) & ~Exists(before)))

    @property
    def heading(self) -> str:
        """The word before the number over the list: entries of one act, else acts."""
        return "记录" if self.wanted["act"] else "操作"

    @property
    def unit_word(self) -> str:  # type: ignore[override]
        """The measure word of that number."""
        return "条" if self.wanted["act"] else "次"

    @cached_property
    def length(self) -> Length:
        """How many acts there are, as far as that is quick: as many as the first ``LONGEST`` entries have."""
        some = history.with_act(self.rows).order_by().values("act")[: LONGEST + 1]
        found = some.aggregate(entries=Count("act"), acts=Count("act", distinct=True))
        return Length(found["entries" if self.wanted["act"] else "acts"], found["entries"] <= LONGEST)

    @cached_property
    def page_obj(self) -> Page[AuditEntry]:
        """A page of the acts."""
        return paged_long(self.request, self.sortable(self.heads), self.length)

    def sortable(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Order the newest first."""
        return rows.select_related("user", "unit", "undoes").defer("rows").order_by("-at", "-pk")

    def detailed(self, rows: QuerySet[AuditEntry]) -> QuerySet[AuditEntry]:
        """Join the seal."""
        return rows.select_related("user", "unit", "other_unit", "sealed__seal").defer("rows")

    def lines(self, found: list[AuditEntry]) -> list[ListedEntry]:
        """Return these entries in words; links are looked up once, if a page asks for them."""
        personal = access.spans(self.user, access.PERSONAL)
        everything = self.user.is_authenticated and self.user.is_superuser
        lookups = _Lookups(self, found)
        return [
            ListedEntry(
                entry,
                everything or (entry.unit is not None and access.inside(entry.unit, personal)),
                lookups,
            )
            for entry in found
        ]

    def file_notes(self) -> list[str]:
        """Return how the file lists acts, and how many routine entries it leaves out."""
        said = ["逐条列出;“所属操作”相同的是一次操作的各条。"]
        if self.wanted["routine"]:
            routine = self.narrowed(self.every().filter(verb__in=nouns.routine_verbs()), but="routine")
            said.append(f"登录、退出等日常记录 {routine.count():,} 条未列入;在页面上点“显示”后再导出即列入。")
        return said
