"""Who may be placed: whose number the user sees, by number or name; anybody else by number and name (借调).

Every door that takes numbers and names asks ``find_people``, or ``borrowed`` where it has found those whose
number is seen itself; every door at which a number is registered asks ``taken``. A wrong pair gets the same
answer whether or not the number is registered. What is asked of people whose number the user does not see is
counted, over all doors together (``registry.guesses``), and recorded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Q, QuerySet

from registry import access, audit, guesses
from registry.access import AnyUser
from registry.audit import Actor
from registry.models import Person, User
from registry.models.hierarchy import everything
from registry.models.term import folded
from registry.models.text import normalize_number, normalize_person_name, number_key
from registry.nouns.person import PERSON
from registry.search.index import batches

WRONG = "没有警号和姓名都与此一致的人员,请逐字核对,或先登记。"
NOBODY = "您的管理范围内没有叫这个姓名的人员;其他单位的人员须同时写明警号和姓名。"
UNNAMED = "您的管理范围内没有这个警号;其他单位的人员须同时写明姓名才能编入。"
TOO_MANY = "核对其他单位警号的次数过多,请 {minutes} 分钟后再试,或向其所属单位问清警号和姓名。"
ELSEWHERE = "该警号已在其他单位登记,不能另建。可按警号和姓名借调编入,或请其所属单位调转组织关系。"
"""Said instead of "the number is taken": with another number the person would be entered twice."""

_SOME = 500
_KIND = "numbers"
"""The kind of guesses: one for all doors."""


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
    """The keys of those whose number the user does not see, who are known by number and name only."""


def find_people(asker: AnyUser, claims: Iterable[Claim]) -> Found:
    """Return those of the claimed people whom ``asker`` may place, by number, by name, or by both."""
    wanted = list(dict.fromkeys(claims))
    own = access.private_seen(asker, PERSON)
    seen = {person.number: person for person in _seen(asker, "number", wanted, own)}
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


def _seen(asker: AnyUser, name: str, claims: Sequence[Claim], own: Q | None = None) -> Iterator[Person]:
    """Yield the people in scope with the number or name of one of the claims."""
    said = sorted({getattr(claim, name) for claim in claims} - {""})
    for some in batches(said, _SOME):
        rows = access.visible(asker, Person.objects.filter(own or Q(), **{f"{name}__in": some}))
        yield from rows.select_related("home_unit").order_by("order_key", "pk")


def borrowed(asker: AnyUser, claims: Iterable[Claim], *, notes_right: bool = True) -> Found:
    """Return whom ``asker`` may place though their number is masked: number and name must both agree.

    Not ``notes_right``: the right pairs were noted when they were asked about before.
    """
    wanted = list(dict.fromkeys(claim for claim in claims if claim.is_whole))
    found = Found()
    if not wanted:
        return found
    if not isinstance(asker, User) or not access.may_somewhere(asker, "assign_person"):
        found.problems.update(dict.fromkeys(wanted, WRONG))
        return found
    there = {
        person.number: person
        for person in _with(access.borrowable(asker), "number", {claim.number for claim in wanted})
    }
    right = {claim: claim.number in there and claim.fits(there[claim.number]) for claim in wanted}
    for claim, is_right in _told(asker, right, notes_right=notes_right).items():
        if is_right:
            person = there[claim.number]
            found.people[claim] = person
            found.outside.add(person.pk)
        else:
            found.problems[claim] = _too_many() if is_right is None else WRONG
    return found


def taken(asker: AnyUser, claims: Iterable[Claim]) -> dict[str, str]:
    """Return by number why it cannot be registered: somebody has it whose number ``asker`` does not see.

    That must be refused (``ELSEWHERE``), and so tells that the number exists: it counts as a wrong guess, and
    so does every name tried with a number that is somebody's but for zeros. After too many no number is
    compared any more, and none can be registered.
    """
    wanted = {claim.number: claim for claim in claims if claim.number}
    if not wanted or everything(access.spans(asker, access.PERSONAL)):
        return {}
    own, hidden, near = _owners(asker, wanted.values())
    free = {
        Claim(number, claim.name if number in near else ""): number not in hidden | near
        for number, claim in wanted.items()
        if number not in own
    }
    answers = _told(asker, free, notes_right=False)  # a free number tells nothing
    why = {
        claim.number: _too_many() if answer is None else ELSEWHERE if claim.number in hidden else ""
        for claim, answer in answers.items()
    }
    return {number: said for number, said in why.items() if said}


def hidden_owners(asker: AnyUser | None, claims: Iterable[Claim]) -> set[str]:
    """Return the claimed numbers that somebody has whose number ``asker`` does not see (None sees all)."""
    wanted = [claim for claim in claims if claim.number]
    if asker is None or not wanted or everything(access.spans(asker, access.PERSONAL)):
        return set()
    return _owners(asker, wanted)[1]


def _owners(asker: AnyUser, claims: Iterable[Claim]) -> tuple[set[str], set[str], set[str]]:
    """Return the numbers that people have whose number ``asker`` sees, those that others have, and near ones.

    Near ones differ from another one's only in zeros and capitals; with the same name it is that number.
    """
    wanted, scope = list(claims), access.spans(asker, access.PERSONAL)
    there: dict[str, list[Person]] = defaultdict(list)
    for person in _with(Person.objects.all(), "number_key", {number_key(claim.number) for claim in wanted}):
        there[person.number_key].append(person)
    own: set[str] = set()
    hidden: set[str] = set()
    near: set[str] = set()
    for claim in wanted:
        for person in there[number_key(claim.number)]:
            is_seen = access.inside(person.home_unit, scope)
            if person.number == claim.number:
                (own if is_seen else hidden).add(claim.number)
            elif not is_seen:
                near.add(claim.number)
                if folded(person.name) == folded(claim.name):
                    hidden.add(claim.number)
    return own, hidden, near


def _told(asker: AnyUser, right: Mapping[Claim, bool], *, notes_right: bool) -> dict[Claim, bool | None]:
    """Return which claims are right as far as ``asker`` is told, count the wrong ones, and record it."""
    if not isinstance(asker, User):
        return dict.fromkeys(right)
    claims = {f"{claim.number} {claim.name}": claim for claim in right}
    asked = {guess: right[claim] for guess, claim in claims.items()}
    judged = guesses.judge(asker, _KIND, settings.PLACING_FAILURES, asked, notes_right=notes_right)
    _record(asker, judged)
    return {claims[guess]: answer for guess, answer in judged.answers.items()}


def _record(asker: User, judged: guesses.Judged) -> None:
    """Record what was asked anew, at the user's unit, where its managers see it."""
    numbers = {"found": len(judged.new[True]), "not_found": len(judged.new[False])}
    if not any(numbers.values()):
        return
    unit = next(iter(access.top_units(asker, access.PERSONAL)), None)
    actor, about = Actor(user=asker, name=str(asker)), {key: n for key, n in numbers.items() if n}
    audit.record_event(actor, "look_up_numbers", subject=str(asker), unit=unit, after=about)
    if judged.is_locked:
        audit.record_event(actor, "borrowing_locked", subject=str(asker), unit=unit)


def _too_many() -> str:
    return TOO_MANY.format(minutes=int(settings.LOGIN_LOCK.total_seconds() // 60))


def _with(rows: QuerySet[Person], name: str, values: Iterable[str]) -> Iterator[Person]:
    """Yield the people with one of the values, each with its home unit."""
    for some in batches(sorted(values), _SOME):
        yield from rows.filter(**{f"{name}__in": some}).select_related("home_unit").order_by("pk")
