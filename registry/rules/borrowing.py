"""Who may be placed: whom the user sees, by number or name; anybody else by number and name (借调).

Every door that takes numbers and names asks ``find_people``, or ``borrowed`` where it has found those in
scope itself. A wrong pair gets the same answer whether or not the number is registered, and wrong ones are
counted (``registry.guesses``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from registry import access, audit
from registry.access import AnyUser
from registry.audit import Actor
from registry.guesses import Guesses
from registry.models import Person, User
from registry.models.text import normalize_number, normalize_person_name
from registry.search.index import batches

WRONG = "没有警号和姓名都与此一致的人员,请逐字核对,或先登记。"
NOBODY = "您的管理范围内没有叫这个姓名的人员;其他单位的人员须同时写明警号和姓名。"
UNNAMED = "您的管理范围内没有这个警号;其他单位的人员须同时写明姓名才能编入。"
TOO_MANY = "核对不上的次数过多,请 {minutes} 分钟后再试,或向其所属单位问清警号和姓名。"
ELSEWHERE = "该警号已在其他单位登记,不能另建。可按警号和姓名借调编入,或请其所属单位调转组织关系。"
"""Said instead of "the number is taken": with another number the person would be entered twice."""

_SOME = 500


@dataclass(frozen=True)
class Claim:
    """The number and the name that a user gives for a person."""

    number: str
    name: str

    @classmethod
    def of(cls, number: str, name: str) -> Claim:
        """Return the claim as numbers and names are kept: without spaces, width, direction marks."""
        number, name = (text.replace("\x00", "") for text in (number, name))
        return cls(normalize_number(number), normalize_person_name(name))

    @property
    def is_whole(self) -> bool:
        """Whether both are given."""
        return bool(self.number and self.name)

    def fits(self, person: Person) -> bool:
        """Whether it says the name of ``person``."""
        return person.name == self.name


@dataclass(frozen=True)
class Found:
    """The people who were found, the reasons why others were not, and the namesakes to choose from."""

    people: dict[Claim, Person] = field(default_factory=dict)
    problems: dict[Claim, str] = field(default_factory=dict)
    namesakes: dict[Claim, list[Person]] = field(default_factory=dict)
    outside: set[int] = field(default_factory=set)
    """The keys of those outside the scope."""


def find_people(asker: AnyUser, claims: Iterable[Claim]) -> Found:
    """Return those of the claimed people whom ``asker`` may place, by number, by name, or by both."""
    wanted = list(dict.fromkeys(claims))
    seen = {person.number: person for person in _seen(asker, "number", wanted)}
    named: dict[str, list[Person]] = {}
    for person in _seen(asker, "name", [claim for claim in wanted if not claim.number]):
        named.setdefault(person.name, []).append(person)
    found = borrowed(asker, [claim for claim in wanted if claim.number not in seen])
    for claim in wanted:
        if claim.number:
            _judge_number(claim, seen.get(claim.number), found)
        else:
            _judge_name(claim, named.get(claim.name, []), found)
    return found


def _judge_number(claim: Claim, person: Person | None, found: Found) -> None:
    if person is None:
        if not claim.name:
            found.problems[claim] = UNNAMED
    elif claim.name and not claim.fits(person):
        found.problems[claim] = f"该警号登记的姓名是“{person.name}”,请核对警号和姓名。"
    else:
        found.people[claim] = person


def _judge_name(claim: Claim, people: list[Person], found: Found) -> None:
    if not people:
        found.problems[claim] = NOBODY
    elif len(people) > 1:
        found.namesakes[claim] = people
    else:
        found.people[claim] = people[0]


def _seen(asker: AnyUser, name: str, claims: Sequence[Claim]) -> Iterator[Person]:
    """Yield the people in scope with the number or name of one of the claims."""
    said = sorted({getattr(claim, name) for claim in claims} - {""})
    for some in batches(said, _SOME):
        rows = access.visible(asker, Person.objects.filter(**{f"{name}__in": some}))
        yield from rows.select_related("home_unit").order_by("number")


def borrowed(asker: AnyUser, claims: Iterable[Claim]) -> Found:
    """Return whom ``asker`` may place though they are outside the scope: number and name must both agree."""
    wanted = list(dict.fromkeys(claim for claim in claims if claim.is_whole))
    found = Found()
    if not wanted:
        return found
    if not isinstance(asker, User) or not access.may_somewhere(asker, "assign_person"):
        found.problems.update(dict.fromkeys(wanted, WRONG))
        return found
    there = _by_number(asker, {claim.number for claim in wanted})
    guesses = Guesses(asker, "borrow", settings.PLACING_FAILURES)
    for claim in wanted:
        person = there.get(claim.number)
        if guesses.are_too_many:
            minutes = int(settings.LOGIN_LOCK.total_seconds() // 60)
            found.problems[claim] = TOO_MANY.format(minutes=minutes)
        elif person is not None and claim.fits(person):
            found.people[claim] = person
            found.outside.add(person.pk)
        else:
            found.problems[claim] = WRONG
            if guesses.note(f"{claim.number} {claim.name}"):
                _record_lock(asker)
    return found


def elsewhere(asker: AnyUser, numbers: Iterable[str]) -> set[str]:
    """Return those of the numbers that belong to people outside the scope of ``asker`` (``ELSEWHERE``)."""
    there = Person.objects.filter(number__in=set(numbers))
    seen = access.visible(asker, there, few=True).order_by().values("pk")
    return set(there.exclude(pk__in=seen).values_list("number", flat=True))


def _by_number(asker: AnyUser, numbers: set[str]) -> dict[str, Person]:
    there: dict[str, Person] = {}
    for some in batches(sorted(numbers), _SOME):
        rows = access.borrowable(asker).filter(number__in=some)
        there.update({person.number: person for person in rows.select_related("home_unit")})
    return there


def _record_lock(asker: User) -> None:
    """Record the lock at the user's unit, where its managers see it."""
    units = access.top_units(asker, "assign_person")
    audit.record_event(
        Actor(user=asker, name=str(asker)), "borrowing_locked", subject=str(asker), unit=units[0]
    )
