"""The rows of a bureau as the parts of an address take them, for the tests that go through all addresses."""

from __future__ import annotations

from typing import Any

from tests.two_bureaus import Bureau


def nothing(here: Bureau) -> list[Any]:
    return []


def unit(here: Bureau) -> list[Any]:
    return [here.unit.code]


def spare(here: Bureau) -> list[Any]:
    return [here.spare.code]


def branch(here: Bureau) -> list[Any]:
    return [here.branch.code]


def submitted(here: Bureau) -> list[Any]:
    return [f"{here.code}-submitted"]


def campaign(here: Bureau) -> list[Any]:
    return [here.campaign.code]


def over(here: Bureau) -> list[Any]:
    return [here.over.code]


def article(here: Bureau) -> list[Any]:
    return [here.article.number]


def mistake(here: Bureau) -> list[Any]:
    return [here.mistake.number]


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


def draft(here: Bureau) -> list[Any]:
    return [f"{here.code}-draft"]


def person(here: Bureau) -> list[Any]:
    return [here.person.key]


def left(here: Bureau) -> list[Any]:
    return [here.left.key]


def placed(here: Bureau) -> list[Any]:
    return [here.assignment.pk]


def user(here: Bureau) -> list[Any]:
    return [here.other.pk]


def gone(here: Bureau) -> list[Any]:
    return [here.gone.pk]


def handed_in(here: Bureau) -> list[Any]:
    return [here.handed_in.pk]


def mistaken(here: Bureau) -> list[Any]:
    return [here.mistaken.pk]


def figure(here: Bureau) -> list[Any]:
    return [here.figure.pk]
