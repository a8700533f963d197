"""The record in words: what somebody did, when, what changed and why; and the way to set it back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, F, Max, Model, Q, QuerySet, Window
from django.db.models.functions import Coalesce, RowNumber
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry import access, nouns
from registry.models import AuditEntry, GrantRole
from registry.models.hierarchy import Span
from registry.models.prepared import Values, read_objects, read_rows
from registry.operations.acts import Obstacle, takeable
from registry.operations.undo import can_undo, still_fits
from registry.web.address import Address
from registry.web.links import row_url

LIMIT = 60
"""The most acts on the page of a unit, an organization or a person."""
MOST_ALIKE = 250
"""The most rows listed under an act that did the same to all of them."""

MOST_OBSTACLES = 50
"""The most obstacles to taking an act back that are named."""
JUST = timedelta(minutes=5)
"""The longest that a request takes: what it did is looked for only among newer entries."""


@dataclass(frozen=True)
class Alike:
    """The same verb on several rows within one act (编入 220 人)."""

    what: str
    events: tuple[Event, ...]
    more: int
    """How many are not listed."""


@dataclass(frozen=True)
class Event:
    """One entry of the record, or one act with its parts, ready to be shown."""

    entry: AuditEntry
    what: str
    changes: tuple[str, ...]
    undo_url: str = ""
    undone: AuditEntry | None = None
    """The entry that undid it, or the act that it is part of."""

    is_edit: bool = False
    """Whether it is undone by setting an edit back, not by taking an act back."""
    parts: tuple[Alike, ...] = ()
    """The other entries of the act, where the event is a whole act."""

    @property
    def undo_word(self) -> str:
        """The words of the link: an edit is set back, an act is taken back."""
        return "还原" if self.is_edit else "撤回这次操作"

    @property
    def done_back(self) -> str:
        """The verb of an entry that undoes another one: 还原 or 撤回."""
        return _done_back(self.entry)


def events(
    entries: Iterable[AuditEntry],
    *,
    names: str = "organization",
    sees_numbers: bool = False,
    undo_url: Callable[[AuditEntry], str] = lambda entry: "",
    undone: Mapping[int, AuditEntry] | None = None,
    acts: Collection[int] = (),
) -> list[Event]:
    """Return the entries in words, in the order given.

    ``undone``: what undid which act; ``acts``: the entries that are undone with their whole act.

    An assignment's entry names its ``organization`` (on a person's page) or its ``person``.
    """
    return [
        Event(
            entry,
            heading(entry, names),
            tuple(changes(entry, sees_numbers=sees_numbers)),
            undo_url(entry),
            (undone or {}).get(entry.part_of_id or entry.pk),
            can_undo(entry) and entry.pk not in acts,
        )
        for entry in entries
    ]


def of_page(
    user: access.AnyUser,
    row: Model,
    address: Address,
    *,
    names: str = "organization",
    sees_numbers: bool = False,
) -> dict[str, Any]:
    """Return what the page of a row shows of the record, and the address of the whole record.

    An edit that can be set back, and an act that can be taken back, has its link, for those who may do it.
    """
    entries, is_cut = of_row(row)
    if not entries:
        return {"events": [], "is_cut": is_cut, "record_url": record_url(user, row, address)}
    rows, acts = _edited_rows(row, entries), taken_back_by(user, entries)

    def way(entry: AuditEntry) -> str:
        edited = rows.get((entry.noun, entry.object_id))
        is_open = edited is not None and _fits(entry, edited) and access.may(user, entry.verb, edited)
        return undo_url(entry.pk, address) if is_open or entry.pk in acts else ""

    shown = events(
        entries,
        names=names,
        sees_numbers=sees_numbers,
        undo_url=way,
        undone=undone_by(entries),
        acts=acts,
    )
    return {
        "events": by_act(shown, names),
        "is_cut": is_cut,
        "record_url": record_url(user, row, address),
    }


def by_act(found: Iterable[Event], names: str = "organization") -> list[Event]:
    """Return one event for each act, with the rows under it where it did the same to several."""
    acts: dict[int, list[Event]] = {}
    for event in found:
        acts.setdefault(event.entry.part_of_id or event.entry.pk, []).append(event)
    return [_act(some, names) if len(some) > 1 else some[0] for some in acts.values()]


def _act(found: Sequence[Event], names: str) -> Event:
    """Return one event for those of an act, which begins with the first."""
    alike: dict[str, list[Event]] = {}
    for event in found:
        alike.setdefault(event.entry.verb, []).append(event)
    first, *others = alike.values()
    parts = tuple(_alike(some, names) for some in others)
    if len(first) == 1:
        return replace(first[0], parts=parts)
    said = _alike(first, names)
    common = tuple(each for each in first[0].changes if all(each in event.changes for event in first))
    return replace(first[0], what=said.what, changes=common, parts=(replace(said, what=""), *parts))


def _alike(found: Sequence[Event], names: str) -> Alike:
    """Return what an act did to several rows by one verb."""
    entry, common = found[0].entry, set(found[0].changes)
    number = getattr(entry, "alike", len(found))
    if number == 1:
        return Alike("", tuple(found), 0)
    for event in found:
        common &= set(event.changes)
    listed = tuple(
        replace(
            event,
            what=_named(event.entry, names),
            changes=tuple(each for each in event.changes if each not in common),
        )
        for event in found
    )
    key = names if names in _noun_of(entry, "named") else entry.noun
    measure = nouns.by_key(key).measure if nouns.knows(key) else "条"
    return Alike(f"{nouns.label_of(entry.verb)} {number} {measure}", listed, number - len(found))


def _named(entry: AuditEntry, names: str) -> str:
    """Return the name of the row that a part of an act changed, from the side of the page's noun."""
    named = entry.after.get(names) if names in _noun_of(entry, "named") else None
    return _text(named) if named else entry.object_name


def _edited_rows(row: Model, entries: Iterable[AuditEntry]) -> dict[tuple[str, int | None], Model]:
    """Return the rows whose edits are among the entries: the page's own, and those that tie it to others."""
    rows: dict[tuple[str, int | None], Model] = {(nouns.of(row).key, row.pk): row}
    for noun in nouns.all_nouns():
        pks = {entry.object_id for entry in entries if noun.edit and entry.verb == noun.edit}
        if pks and noun.named:
            rows |= {(noun.key, pk): each for pk, each in noun.with_related().in_bulk(pks).items()}
    return rows


def undo_url(pk: int, address: Address) -> str:
    """Return the page that undoes what an entry says."""
    return address.url(reverse("record_undo", args=[pk]))


def taken_back_by(user: access.AnyUser, entries: Sequence[AuditEntry]) -> set[int]:
    """Return the keys of the entries whose act can be taken back, where ``user`` may do what was done.

    A hint by the unit of the entry; the page asks what stands in the way, and the right to every row.
    """
    verbs = {entry.verb for entry in entries} & nouns.all_verbs().keys()
    if not any(access.may_somewhere(user, verb) for verb in verbs):
        return set()
    able = takeable(AuditEntry.objects.filter(pk__in=[entry.pk for entry in entries]))
    scopes: dict[str, list[Span]] = {}

    def may(entry: AuditEntry) -> bool:
        scope = scopes.setdefault(entry.verb, access.spans(user, entry.verb))
        return entry.unit is not None and access.inside(entry.unit, scope)

    return {entry.pk for entry in entries if entry.pk in able and may(entry)}


def obstacles(user: access.AnyUser, found: Sequence[Obstacle], address: Address) -> list[tuple[str, str]]:
    """Return what stands in the way of taking an act back: (page, words), nothing outside the scope named."""

    def said(obstacle: Obstacle) -> tuple[str, str]:
        row = obstacle.row
        if row is not None and not access.may(user, access.SEE, row):
            return "", "管理范围外有后来的登记,请由上级单位办理。"
        return row_url(user, row, address) if row is not None else "", obstacle.text

    return list(dict.fromkeys(map(said, found[:MOST_OBSTACLES])))


def undone_by(entries: Sequence[AuditEntry]) -> dict[int, AuditEntry]:
    """Return the entry that took back each act, by the key of the act's first entry."""
    acts = {
        entry.part_of_id or entry.pk
        for entry in entries
        if entry.part_of_id is not None or not nouns.edited_by(entry.verb)
    }
    undoing = read_objects(_undoing, sorted(acts)) if acts else []
    return {entry.undoes_id or 0: entry for entry in undoing}


def _undoing(values: Values) -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(undoes__in=values).defer("rows").order_by("pk")


def way_back(request: HttpRequest, address: Address) -> SafeString:
    """Return the link that follows the line of what this request just did, if that can be undone."""
    number = getattr(request, "request_number", "")
    done = AuditEntry.objects.filter(
        at__gte=timezone.now() - JUST, request_number=number, part_of__isnull=True, undoes__isnull=True
    ).defer("rows")
    entries = list(done.order_by("pk")[:5]) if number else []
    able = takeable(done) if entries else set()
    for entry in entries:
        if entry.pk in able or can_undo(entry):
            word = Event(entry, "", (), is_edit=entry.pk not in able).undo_word
            return format_html(' <a href="{}">{}</a>', undo_url(entry.pk, address), word)
    return SafeString("")


def has_recorded(request: HttpRequest) -> bool:
    """Whether this request has changed anything: every operation that does is recorded."""
    number = getattr(request, "request_number", "")
    just = timezone.now() - JUST
    return not number or AuditEntry.objects.filter(at__gte=just, request_number=number).exists()


def of_row(row: Model) -> tuple[list[AuditEntry], bool]:
    """Return the entries of the newest acts about a row and what ties it to others, and whether more follow.

    Those of one act stand together, each with how many are ``alike``: of its act and verb.
    """
    key = nouns.of(row).key
    acts = [act for (act,) in read_rows(_newest_acts, [row.pk], key, LIMIT + 1)]
    if not acts:
        return [], False
    place = {act: at for at, act in enumerate(acts[:LIMIT])}
    found = read_objects(_entries_of, [row.pk, *place], key, MOST_ALIKE)
    return sorted(found, key=lambda entry: (place[entry.act], entry.pk)), len(acts) > LIMIT


def _newest_acts(values: Values, key: str, most: int) -> Any:
    entries = with_act(AuditEntry.objects.filter(about(key, values[0])))
    newest = entries.order_by().values("act").annotate(newest=Max("pk")).order_by("-newest")
    return newest.values_list("act", flat=True)[:most]


def _entries_of(values: Values, key: str, most: int) -> Any:
    """Return the entries about a row in some acts."""
    pk, *acts = values
    entries = with_act(AuditEntry.objects.filter(about(key, pk))).filter(act__in=acts)
    return with_alike(entries, most).select_related("undoes", "unit").defer("rows")


def with_act(entries: QuerySet[AuditEntry]) -> QuerySet[Any]:
    """Return the entries, each with the key of the ``act`` that it is part of."""
    return entries.annotate(act=Coalesce("part_of_id", "pk"))


def with_alike(entries: QuerySet[Any], most: int) -> QuerySet[Any]:
    """Return at most ``most`` entries of each act and verb, each with their number (``alike``)."""
    same = [F("act"), F("verb")]
    numbered: QuerySet[Any] = entries.annotate(
        alike=Window(Count("pk"), partition_by=same),
        place=Window(RowNumber(), partition_by=same, order_by="pk"),
    )
    return numbered.filter(place__lte=most)


def about(key: str, pk: int) -> Q:
    """Return the condition of the entries about a row, and about rows that tie it to others: assignments."""
    found = Q(noun=key, object_id=pk)
    for noun in nouns.all_nouns():
        if key in noun.named:
            tied = noun.model._default_manager.filter(**{f"{key}_id": pk}).values("pk")
            found |= Q(noun=noun.key, object_id__in=tied)
    return found


def record_url(user: access.AnyUser, row: Model, address: Address) -> str:
    """Return the address of everything recorded of ``row``, for who reads the record at its unit."""
    if not access.may(user, "read_record", row):
        return ""
    return address.url(reverse("record"), object=f"{nouns.of(row).key}-{row.pk}")


def _fits(entry: AuditEntry, row: Model) -> bool:
    """Whether ``row`` still holds what the entry left; the operation asks again under its lock."""
    about = entry.noun == row._meta.model_name and entry.object_id == row.pk
    return about and can_undo(entry) and still_fits(entry, row)


# --- Words ----------------------------------------------------------------------------------------


def heading(entry: AuditEntry, names: str = "organization") -> str:
    """Return what was done, in a few words."""
    what = nouns.label_of(entry.verb)
    if entry.undoes_id is not None:
        what = f"{_done_back(entry)}:{what}"
    named = entry.after.get(names)
    if names in _noun_of(entry, "named") and named:
        what = f"{what}:{_text(named)}"
    elif names and names == entry.noun:
        what = f"{what}:{entry.object_name}"
    return what


def _done_back(entry: AuditEntry) -> str:
    return "还原" if nouns.edited_by(entry.verb) else "撤回"


def changes(entry: AuditEntry, *, sees_numbers: bool = False) -> list[str]:
    """Return each change as label, value before and value after; what is empty from the start is left out."""
    names = [*entry.before, *(name for name in entry.after if name not in entry.before)]
    shown = [
        name
        for name in names
        if name not in _noun_of(entry, "named")
        and (name in entry.before or entry.after[name] not in (None, "", False))
    ]
    return [_change(entry, name, sees_numbers=sees_numbers) for name in shown]


def _change(entry: AuditEntry, name: str, *, sees_numbers: bool) -> str:
    label, choices = _field(entry, name)
    noun = nouns.by_key(entry.noun) if nouns.knows(entry.noun) else None
    is_hidden = noun is not None and noun.hides(name, sees_private=sees_numbers)

    def said(value: Any) -> str:
        return (
            access.masked(value) if is_hidden and value and isinstance(value, str) else _said(value, choices)
        )

    if name not in entry.before:
        return f"{label}:{said(entry.after[name])}"
    before = said(entry.before[name])
    if name not in entry.after:
        return f"{label}:{before}"
    after = said(entry.after[name])
    if before == after:  # masked, or said along with what changed
        return f"{label}:已修改({after})" if is_hidden else f"{label}:{after}"
    return f"{label}:{before} → {after}"


def _noun_of(entry: AuditEntry, what: str) -> tuple[Any, ...]:
    """Return what the descriptor of an entry's noun says, nothing for an entry without a noun."""
    return getattr(nouns.by_key(entry.noun), what) if nouns.knows(entry.noun) else ()


def _field(entry: AuditEntry, name: str) -> tuple[str, Mapping[Any, Any]]:
    """Return a field's name and choices as the pages show them."""
    if word := nouns.record_words().get(name):
        return word.label, word.values
    models = [nouns.by_key(entry.noun).model] if nouns.knows(entry.noun) else []
    for model in (*models, *_noun_of(entry, "recorded_with")):
        try:
            field: Any = model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        return str(getattr(field, "verbose_name", name)), dict(getattr(field, "flatchoices", None) or {})
    return name, dict(GrantRole.choices) if name == "role" else {}


def _said(value: Any, choices: Mapping[Any, Any]) -> str:
    if value is None or value == "":
        return "空"
    if value is True or value is False:
        return "是" if value else "否"
    if isinstance(value, Mapping):
        return _text(value)
    if isinstance(value, list):
        return "、".join(_said(each, choices) for each in value) or "空"
    return str(choices.get(value, value))


def _text(value: Any) -> str:
    """Return a row as the record holds it; an entry of an early version holds its name alone."""
    if isinstance(value, Mapping):
        return str(value["text"]) if "text" in value else ";".join(f"{k}={v}" for k, v in value.items())
    return str(value)
