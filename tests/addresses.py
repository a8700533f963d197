"""The rows of a bureau as the parts of an address take them, for the tests that go through all addresses."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from registry.models import Organization
from tests.factories import make_organization
from tests.two_bureaus import Bureau

Parts = Callable[[Bureau], list[Any]]


def part(fact: str) -> Parts:
    """Return what gives an address its one part: a fact of the bureau, by its dotted name."""
    read = attrgetter(fact)
    return lambda here: [read(here)]


def nothing(here: Bureau) -> list[Any]:
    return []


unit = part("unit.code")
spare = part("spare.code")
branch = part("branch.code")
campaign = part("campaign.code")
over = part("over.code")
served = part("served.code")
unsigned = part("unsigned.key")
signed = part("signed.key")
closed = part("closing.campaign.code")
article = part("article.number")
mistake = part("mistake.number")
figure = part("figure.pk")
person = part("person.key")
left = part("left.key")
placed = part("assignment.pk")
user = part("other.pk")
gone = part("gone.pk")
handed_in = part("handed_in.pk")
asked = part("asked.pk")
mistaken = part("mistaken.pk")
upload = part("upload.pk")
dropped = part("dropped.pk")


def department(here: Bureau) -> list[Any]:
    """The unit above both bureaus, which neither sees."""
    return ["ting"]


def committee(here: Bureau) -> list[Any]:
    """The organization above both bureaus, which neither sees."""
    return ["ting-committee"]


def submitted(here: Bureau) -> list[Any]:
    return [f"{here.code}-submitted"]


def log(here: Bureau) -> list[Any]:
    return [here.logbook.code]


def drafted(here: Bureau) -> list[Any]:
    return [here.drafted.code]


def logged(here: Bureau) -> list[Any]:
    return [here.logged.code]


def visit(here: Bureau) -> dict[str, Any]:
    """A visit as the form sends it."""
    return {
        "happened_on": "2020-02-12",
        "unit": here.station.code,
        "v_place": "社区",
        "v_visitors": [here.person.key],
        "v_money": "500",
    }


def waits(here: Bureau) -> list[Any]:
    return [here.submission.pk]


def draft(here: Bureau) -> list[Any]:
    return [f"{here.code}-draft"]


def reported(here: Bureau) -> dict[str, Any]:
    """A figure as the form sends it."""
    return {
        "metric": "task_forces",
        "value": "2",
        "qualifier": "exact",
        "basis": "current",
        "unit": here.unit.code,
        "as_of": "2020-02-10",
        "is_comparable": "on",
    }


def reported_again(here: Bureau) -> dict[str, Any]:
    return {**reported(here), "version": here.figure.version}


def joint(here: Bureau) -> list[str]:
    """A joint branch."""
    found = Organization.objects.filter(code="jia-joint").first()
    return [(found or make_organization(here.unit, "joint_branch", code="jia-joint")).code]
