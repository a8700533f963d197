"""One policy for "may this user do this here?" and "which rows does this user see?".

A grant gives a user a role at a unit and at all below it. Views, pickers, searches, counts and
commands ask here and nowhere else; what is out of scope does not exist for the user (404).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, F, Model, OuterRef, Q, QuerySet
from django.http import Http404
from django.utils import timezone

from registry import nouns
from registry.models import AuditEntry, Grant, NameTerm, Organization, Person, Unit, User
from registry.models.base import OneOf, in_spans
from registry.models.hierarchy import Span, as_values, everything, from_values, is_inside, roots
from registry.models.prepared import Values, read_objects
from registry.models.term import found_by, starts_with
from registry.models.text import normalize_number, number_key
from registry.models.unit import at_units
from registry.models.user import held_on
from registry.nouns.noun import Noun, over
from registry.nouns.organization import superiors_of
from registry.refusals import RefusedByRole

AnyUser = User | AnonymousUser
M = TypeVar("M", bound=Model)


class Made(Protocol):
    """Something that may be made of a row of users: a metric, a kind of sheet."""

    @property
    def made_by(self) -> tuple[str, int] | None:
        """Noun and key of that row; None where it is declared in the code."""


D = TypeVar("D", bound=Made)

SEE, PERSONAL = "see", "view_personal_data"
"""The verbs of reading: what stands at a unit, and the private fields of what stands there."""

_CACHE = "_registry_grants"
_DOTS, _HIDDEN, _MOST_SHOWN = "••••", 6, 2
"""A mask: so many characters at least are hidden, at most so many shown behind the dots."""


class _Held(NamedTuple):
    """What a user holds, for one request."""

    grants: list[tuple[str, Unit]]
    """(role, unit) of each grant that is valid today."""
    tops: dict[str, tuple[list[Unit], list[Span]]]
    """The highest units of each verb that was asked for, and their intervals: a list asks for each row."""


def _held(user: AnyUser) -> _Held:
    """Return what ``user`` holds; read once for each request."""
    known: _Held | None = getattr(user, _CACHE, None)
    if known is None:
        valid = read_objects(_valid, [timezone.localdate(), user.pk or 0], planned_once=True)
        known = _Held([(grant.role, grant.unit) for grant in valid], {})
        setattr(user, _CACHE, known)
    return known


def _valid(values: Values) -> QuerySet[Grant]:
    day, pk = values
    return Grant.objects.filter(held_on(day), user_id=pk).select_related("unit").order_by("pk")


def sees_everything(user: AnyUser) -> bool:
    """Whether ``user`` is a superuser, who may do everything everywhere."""
    return bool(user.is_authenticated and user.is_active and user.is_superuser)


def forget_grants(user: AnyUser) -> None:
    """Forget the grants of ``user``, to read them again: they or their units may have changed."""
    if hasattr(user, _CACHE):
        delattr(user, _CACHE)


def roles_held(user: AnyUser) -> list[tuple[str, Unit]]:
    """Return role and unit of each grant that ``user`` holds today, the oldest first."""
    return list(_held(user).grants) if user.is_authenticated else []


def top_units(user: AnyUser, verb: str = SEE) -> list[Unit]:
    """Return the units at which and below which ``user`` may do ``verb`` today, the highest only.

    The verb says which roles may (``nouns.verb``); a superuser may do everything at every root.
    """
    return list(_tops(user, verb)[0])


def _tops(user: AnyUser, verb: str) -> tuple[list[Unit], list[Span]]:
    if sees_everything(user):
        tops = list(roots())
        return tops, _spans_of(tops)
    if not user.is_authenticated or not user.is_active:
        return [], []
    held = _held(user)
    if (known := held.tops.get(verb)) is None:
        tops = _highest(held.grants, nouns.verb(verb).roles)
        known = held.tops[verb] = tops, _spans_of(tops)
    return known


def _highest(grants: Iterable[tuple[str, Unit]], roles: Collection[str]) -> list[Unit]:
    units = sorted(
        {unit.pk: unit for role, unit in grants if role in roles}.values(),
        key=lambda unit: (unit.tree_id, unit.lft),
    )
    tops: list[Unit] = []
    for unit in units:
        if tops and tops[-1].tree_id == unit.tree_id and unit.rght <= tops[-1].rght:
            continue
        tops.append(unit)
    return tops


def _spans_of(units: Iterable[Unit]) -> list[Span]:
    return [Span(unit.tree_id, unit.lft, unit.rght) for unit in units]


def only_unit(user: AnyUser, verb: str = SEE) -> Unit | None:
    """Return the unit at which and below which ``user`` may do ``verb``, when it is the only one."""
    tops = top_units(user, verb)
    return tops[0] if len(tops) == 1 else None


def may_somewhere(user: AnyUser, verb: str) -> bool:
    """Whether ``user`` may do ``verb`` anywhere."""
    return bool(_tops(user, verb)[0])


def spans(user: AnyUser, verb: str = SEE) -> list[Span]:
    """Return the intervals of today's unit tree in which ``user`` may do ``verb``."""
    return list(_tops(user, verb)[1])


def counting_scope(user: AnyUser) -> tuple[Span, ...] | None:
    """Return the scope of the user's counts, for ``Question.scope`` (None: everything)."""
    if sees_everything(user):
        return None
    seen = tuple(spans(user))
    return None if everything(seen) else seen


def inside(unit: Unit, scope: Iterable[Span]) -> bool:
    """Whether ``unit`` lies in the intervals that ``spans`` returned; needs no query."""
    return is_inside(scope, unit)


def may(user: AnyUser, verb: str, *rows: Model | None) -> bool:
    """Whether ``user`` may do ``verb`` at the unit of each row: a unit, or what belongs to one.

    What belongs to no unit is for superusers. Units that are not at hand are read for all rows of a noun
    at once.
    """
    if sees_everything(user):
        return True
    scope = _tops(user, verb)[1]
    if not scope:
        return False
    units = nouns.units_of(row for row in rows if row is not None)
    return None not in rows and all(unit is not None and inside(unit, scope) for unit in units)


def need_at_the_top(user: AnyUser, verb: str) -> None:
    """Raise ``RefusedByRole`` unless ``user`` may do ``verb`` at every unit without a superior."""
    tops = list(roots())
    if not sees_everything(user) and not (tops and may(user, verb, *tops)):
        raise RefusedByRole(verb, tops[0] if tops else None)


def need_somewhere(user: AnyUser, verb: str) -> None:
    """Raise ``RefusedByRole`` unless ``user`` may do ``verb`` anywhere."""
    if not may_somewhere(user, verb):
        raise RefusedByRole(verb)


def need(user: AnyUser, verb: str, row: M | None, missing: str) -> M:
    """Return ``row`` if ``user`` may do ``verb`` with it.

    Otherwise raise ``RefusedByRole`` where the user sees it; what is not seen does not exist: ``Http404``
    with ``missing``.
    """
    if row is not None and may(user, verb, row):
        return row
    if row is not None and visible(user, type(row)._default_manager.filter(pk=row.pk)).exists():
        raise RefusedByRole(verb, row)
    raise Http404(missing)


def is_above(user: AnyUser, verb: str, units: Iterable[Unit]) -> bool:
    """Whether ``user`` may do ``verb`` at each unit from above: not only by a grant at the unit itself."""
    tops = top_units(user, verb)
    scope, own = spans(user, verb), {unit.pk for unit in tops}
    return sees_everything(user) or all(inside(unit, scope) and unit.pk not in own for unit in units)


def who_may(asked: Sequence[tuple[str, Unit]]) -> list[list[Grant]]:
    """Return for each verb and unit the grants by which somebody may do it there today, the nearest first."""
    if not asked:
        return []
    units = {unit.pk: unit for _verb, unit in asked}.values()
    places = [place for unit in units for place in (unit.tree_id, unit.lft, unit.rght)]
    grants: list[Grant] = read_objects(_above, [timezone.localdate(), *places], len(units))
    return [
        [
            grant
            for grant in grants
            if grant.role in nouns.verb(verb).roles
            and inside(unit, [Span(grant.unit.tree_id, grant.unit.lft, grant.unit.rght)])
        ]
        for verb, unit in asked
    ]


def _above(values: Values, number: int) -> QuerySet[Grant]:
    day, *places = values
    above = over(from_values(places, number) or (), "unit__")
    valid = Grant.objects.filter(above, held_on(day), user__is_active=True)
    return valid.select_related("user", "unit").order_by("-unit__lft", "pk")


def named(able: Sequence[Grant], scope: Sequence[Span], role: str, nobody: str) -> str:
    """Name the holders of grants inside ``scope``; else say where to ask for one with the ``role``.

    ``nobody`` are the words where no grant is ``able``.
    """
    seen = [f"{grant.user}({grant.unit.label})" for grant in able if inside(grant.unit, scope)]
    if seen:
        return "、".join(dict.fromkeys(seen))
    return f"上级单位的{role}" if able else nobody


def visible(user: AnyUser, rows: QuerySet[M], verb: str = SEE, *, few: bool = False) -> QuerySet[M]:
    """Return the ``rows`` at whose unit ``user`` may do ``verb`` (by default: see them).

    The noun says how its rows belong to units; those of a noun that belongs to none are seen by everybody.
    ``few``: there are only a handful of rows, so each one is checked.
    """
    noun, scope = nouns.of(rows.model), spans(user, verb)
    return noun.seen(rows, scope, few=few) if verb == SEE else noun.inside(rows, scope, few=few)


def made_seen(user: AnyUser, things: Iterable[D]) -> list[D]:
    """Return the things without those made of rows that ``user`` does not see. One query a noun."""
    there = list(things)
    keys: dict[str, set[int]] = {}
    for each in there:
        if each.made_by is not None:
            keys.setdefault(each.made_by[0], set()).add(each.made_by[1])
    seen = {
        (noun, pk)
        for noun, pks in keys.items()
        for pk in visible(user, nouns.by_key(noun).model._default_manager.filter(pk__in=pks))
        .order_by()
        .values_list("pk", flat=True)
    }
    return [each for each in there if each.made_by is None or each.made_by in seen]


def sees_private(user: AnyUser, row: Model) -> bool:
    """Whether ``user`` sees the private fields of ``row``, as a police number: the right role at its unit.

    GB/T 22239-2019 8.1.4.11: personal information only as far as the work needs it.
    """
    return may(user, PERSONAL, row)


def private_seen(user: AnyUser, noun: Noun, path: str = "") -> Q:
    """Return ``sees_private`` as a condition on rows that reach the noun's row through ``path``."""
    return _private_inside(spans(user, PERSONAL), noun, path)


def _private_inside(personal: list[Span], noun: Noun, path: str = "") -> Q:
    return Q() if everything(personal) else in_spans(personal, f"{path}{noun.unit_path}__")


def known_by(user: AnyUser, noun: Noun, names: Iterable[str], values: Iterable[str]) -> Q:
    """Return the condition that a row has one of the ``values`` in one of its fields ``names``.

    By a private field only those are found whose private fields ``user`` sees.
    """
    return _known_in(spans(user, PERSONAL), noun, names, values)


def _known_in(personal: list[Span], noun: Noun, names: Iterable[str], values: Iterable[Any]) -> Q:
    plain, known, wanted = Q(), Q(pk__in=[]), list(values)
    for name in names:
        is_it = Q(**{f"{name}__in": wanted})
        plain |= is_it  # by itself, so that every database can use its indexes
        known |= is_it & _private_inside(personal, noun) if name in noun.private else is_it
    return plain & known


def shown(user: AnyUser, row: Model, field: str) -> str:
    """Return a field of ``row`` as ``user`` may see it: whole, or masked but for its ends."""
    noun, value = nouns.of(row), str(getattr(row, field))
    sees = field in noun.private and sees_private(user, row)
    return told(noun, field, value, sees_private=sees)


def told(noun: Noun, field: str, text: str, *, sees_private: bool = False) -> str:
    """Return the text of a noun's field as it may be said: every page, message, record and file asks here."""
    return masked(text) if noun.hides(field, sees_private=sees_private) else text


def shown_number(user: AnyUser, person: Person) -> str:
    """Return the police number as ``user`` may see it."""
    return shown(user, person, "number")


def handle(user: AnyUser, row: Model) -> str:
    """Return the key of ``row`` for addresses; a private number only if ``user`` sees it."""
    noun = nouns.of(row)
    is_hidden = noun.page_key in noun.private and not sees_private(user, row)
    return str(getattr(row, noun.public_key if is_hidden else noun.page_key))


def masked(text: str) -> str:
    """Return dots for ``text``, whatever its length, and of a long one its end; a mask as it is.

    Six characters at least stay hidden, and at most the last two are shown: nothing of a police number of six
    (docs/decisions/0034-masks-and-look-ups.md).
    """
    if text.startswith(_DOTS):  # as the record holds it
        return text
    shown = min(_MOST_SHOWN, max(0, len(text) - _HIDDEN))
    return f"{_DOTS}{text[len(text) - shown :]}" if text else ""


def matching_people(user: AnyUser, rows: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Return those of ``rows`` found by ``text``: part of the name, its pinyin, the beginning of the number.

    Where the number is masked for ``user`` it finds nobody, also whole: else it could be guessed.
    """
    return rows.filter(person_matches(user, text))


def person_matches(user: AnyUser, text: str, path: str = "") -> Q:
    """Return ``matching_people`` as a condition on rows that reach the person through ``path``."""
    is_number, begins = number_matches(user, text, path)
    return found_by(NameTerm, text, "name", f"{path}name") | is_number | begins


def number_matches(user: AnyUser, text: str, path: str = "") -> tuple[Q, Q]:
    """Return two conditions: "the number is ``text``" and "the number begins with ``text``".

    The number is compared but for zeros at its beginning, width and capitals. Both find only people whose
    number ``user`` sees. Rows reach the person through ``path``. Letters match as typed, in capitals and in
    small letters, so that the database can use its index.
    """
    number, key = normalize_number(text), number_key(text)
    if not number:
        return Q(pk__in=[]), Q(pk__in=[])
    begins = Q()
    for way in {number, number.upper(), number.lower()}:
        begins |= starts_with(f"{path}number", way)
    is_number = Q(**({f"{path}number_key": key} if key else {f"{path}number": number}))
    seen = private_seen(user, nouns.of(Person), path)
    return is_number & seen, begins & seen


def superiors(user: AnyUser, unit: Unit) -> QuerySet[Organization]:
    """Return the organizations, also outside the scope, that may be superior to one at ``unit``.

    They are offered by name only, and only to users who may register organizations there.
    """
    may_register = may(user, "establish_organization", unit)
    return superiors_of(unit) if may_register else Organization.objects.none()


def borrowable(user: AnyUser) -> QuerySet[Person]:
    """Return whom ``user`` may place whatever their home unit: everybody, for users who may place people.

    Not for lists, searches or pickers: ``rules.borrowing`` asks for the whole number and the name first.
    """
    return Person.objects.all() if may_somewhere(user, "assign_person") else Person.objects.none()


def get_row(user: AnyUser, key: str, code: str, verb: str = SEE) -> Any:
    """Return the row of a noun with ``code`` where ``user`` may do ``verb``; else raise as ``need``.

    A row with a private number is found by its public key, by the number only where ``user`` sees it.
    """
    noun = nouns.by_key(key)
    code = code.replace("\x00", "\ufffd")  # which nothing has, and PostgreSQL can be asked for
    if (row := _row(user, noun, code, verb)) is not None:
        return row
    if verb != SEE and (seen := _row(user, noun, code)) is not None:
        raise RefusedByRole(verb, seen)
    raise Http404(f"没有{noun.page_key_label}为“{code}”的{noun.label},或不在您的管理范围内。")


def _row(user: AnyUser, noun: Noun, code: str, verb: str = SEE) -> Any:
    value = noun.model._meta.get_field(noun.page_key).to_python(code)  # type: ignore[union-attr]
    scope, number = as_values(spans(user, verb))
    personal, known = as_values(spans(user, PERSONAL)) if noun.private else ([], None)
    for path in ("", noun.stands_for) if noun.stands_for else ("",):
        shape = noun.key, path, verb == SEE, number, known
        if found := read_objects(_called, [value, *scope, *personal], *shape, planned_once=True):
            return found[0]
    return None


def _called(
    values: Values, key: str, path: str, sees: bool, number: int | None, known: int | None
) -> QuerySet[Any]:
    noun, (value, *ends) = nouns.by_key(key), values
    everywhere, size = _spans_of(roots()), 3 * (number or 0)
    scope, personal = from_values(ends[:size], number), from_values(ends[size:], known)
    names = sorted({noun.page_key, noun.public_key} - {""})
    condition = _known_in(everywhere if personal is None else personal, noun, names, [value])
    if path:
        condition = Q(pk__in=noun.model._default_manager.filter(condition).values(path))
    inside_it = noun.seen if sees else noun.inside
    rows: QuerySet[Any] = noun.with_related().filter(condition)
    return inside_it(rows, everywhere if scope is None else scope, few=True).order_by("pk")[:1]


def get_unit(user: AnyUser, code: str, verb: str = SEE) -> Unit:
    """Return the unit with ``code`` where ``user`` may do ``verb``, else raise ``Http404``."""
    return cast(Unit, get_row(user, "unit", code, verb))


def get_organization(user: AnyUser, code: str, verb: str = SEE) -> Organization:
    """Return the organization with ``code`` where ``user`` may do ``verb``, else raise ``Http404``."""
    return cast(Organization, get_row(user, "organization", code, verb))


def get_person(user: AnyUser, number: str, verb: str = SEE) -> Person:
    """Return the person with ``number`` (or key) where ``user`` may do ``verb``, else raise ``Http404``."""
    return cast(Person, get_row(user, "person", number, verb))


def record_seen(user: AnyUser, unit: Unit | None = None) -> QuerySet[AuditEntry]:
    """Return the entries of the record that ``user`` may read: auditors and managers, those of their units.

    What was done elsewhere with somebody of these units is among them (``AuditEntry.other_unit``).
    What has no unit (a login, a failed one), or whose unit is gone, is read where its user holds a grant,
    or held one. ``unit``: only what was done there and below.
    """
    rows: QuerySet[AuditEntry] = AuditEntry.objects.all()
    if unit is not None:
        if not may(user, "read_record", unit):
            return rows.none()
        return rows.filter(at_units([Span(unit.tree_id, unit.lft, unit.rght)], "unit", "other_unit"))
    if sees_everything(user):
        return rows
    scope = spans(user, "read_record")
    known = Grant.objects.filter(at_units(scope, "unit")).values("user_id")
    # The unit of an entry is gone when the act that added it was taken back.
    is_gone = ~Exists(Unit.objects.order_by().filter(pk=OuterRef("unit")))
    return rows.filter(at_units(scope, "unit", "other_unit") | Q(OneOf(F("user"), known), is_gone))


def users_seen(user: AnyUser) -> QuerySet[User]:
    """Return the users whom ``user`` sees as a manager: with a grant, now or before, inside that scope."""
    if sees_everything(user):
        return User.objects.all()
    return visible(user, User.objects.all(), "add_user")


def get_user(user: AnyUser, pk: int) -> User:
    """Return the user with the key ``pk`` if ``user`` sees it as a manager, else raise ``Http404``."""
    found = users_seen(user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这个用户,或不在您的管理范围内。")
    return found


def may_grant_to(user: AnyUser, other: User) -> bool:
    """Whether ``user``, who sees ``other`` as a manager, may give and end grants of ``other`` inside."""
    if not user.is_authenticated or other.pk == user.pk:
        return False
    return bool(user.is_superuser or not other.is_superuser)


def may_control(user: AnyUser, other: User, verb: str = "disable_user") -> bool:
    """Whether ``user`` may disable ``other`` or set the password: all that is granted must lie inside.

    Otherwise a manager could lock out, or take over, somebody who holds something elsewhere.
    """
    if not may_grant_to(user, other):
        return False
    if user.is_superuser:
        return True
    held = Grant.objects.filter(Q(ended_on__isnull=True) | Q(ended_on__gt=timezone.localdate()), user=other)
    return all(may(user, verb, grant) for grant in held.select_related("unit"))
