"""A bureau chooses the numbers on top of its pages; those below follow, and may choose themselves."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from tests.factories import make_user
from tests.logbooks.books import make_logbook
from tests.logbooks.test_entries import enter
from tests.world import World


def labels(client: Client, code: str) -> list[tuple[str, int]]:
    """Return the names and numbers on top of a unit's page."""
    answer = client.get(reverse("unit", args=[code]) + "?as_of=2020-03-01")
    return [(each.count.label, each.count.value) for each in answer.context["key_figures"]]


def test_the_choice_holds_for_the_unit_and_those_below(world: World, client: Client) -> None:
    enter(world, make_logbook(world.top))
    client.force_login(make_user("guanli", world.top, "manager"))
    before = labels(client, "left")
    assert [label for label, _ in before][:2] == ["临时党组织", "临时党小组"]
    url = reverse("unit_figures", args=["left"])
    sent = {"figure_0": "log.sampling.people", "figure_1": "frontline_people"}
    assert client.post(url, sent).status_code == 302
    wanted = [("支援人数", 2), ("一线人员", 3)]
    assert labels(client, "left") == wanted
    assert [label for label, _ in labels(client, "station")] == ["支援人数", "一线人员"]
    assert labels(client, "right") != wanted
    assert client.post(url, {}).status_code == 302
    assert labels(client, "left") == before


def test_a_metric_stands_on_top_once(world: World, client: Client) -> None:
    client.force_login(make_user("guanli", world.top, "manager"))
    twice = {"figure_0": "frontline_people", "figure_1": "frontline_people"}
    answer = client.post(reverse("unit_figures", args=["left"]), twice)
    assert "“一线人员”选了两次。" in answer.content.decode()
