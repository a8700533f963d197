"""Two entries of one person are joined: what logbooks say of the other is said of the one that stays."""

from __future__ import annotations

from registry.counting.totals.write import following
from registry.logbooks.models import Entry, EntryFact, EntryPerson, LoggedPerson
from registry.models import Person
from registry.models.journal import remove, rewrite


def join_people(person: Person, other: Person) -> None:
    """Let entries name ``person`` instead of ``other``; who was named twice is named, and counts, once."""
    named = EntryPerson.objects.filter(person=other)
    entries = list(Entry.objects.filter(people__person__in=(person, other)).distinct().order_by("pk"))
    owners = list(LoggedPerson.objects.filter(person__in=(person, other)).order_by("pk"))
    kept = {each.logbook_id: each for each in owners if each.person_id == person.pk}
    with following(rows=[*entries, *owners]):
        mine = set(EntryPerson.objects.filter(person=person).values_list("entry_id", "field"))
        twice = [each.pk for each in named if (each.entry_id, each.field) in mine]
        remove(EntryPerson.objects.filter(pk__in=twice))
        rewrite(EntryPerson.objects.filter(person=other), person=person)
        for owner in (each for each in owners if each.person_id == other.pk):
            stays = kept.get(owner.logbook_id)
            if stays is None:
                rewrite(LoggedPerson.objects.filter(pk=owner.pk), person=person)
                continue
            counted = set(EntryFact.objects.filter(owner=stays).values_list("entry_id", "item_id"))
            facts = EntryFact.objects.filter(owner=owner)
            remove(
                EntryFact.objects.filter(
                    pk__in=[each.pk for each in facts if (each.entry_id, each.item_id) in counted]
                )
            )
            rewrite(EntryFact.objects.filter(owner=owner), owner=stays)
            remove(LoggedPerson.objects.filter(pk=owner.pk))
