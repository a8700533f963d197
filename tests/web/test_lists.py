"""Lists: when rows are counted, which columns are shown and kept, and their order."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from registry.models import AuditEntry, Person, Unit, User
from registry.pages.people import tables as people_page
from registry.web import lists
from registry.web.choosing import choosable, chosen
from registry.web.columns import Column, Grid
from registry.web.tables import Table
from tests.factories import assign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def top() -> Unit:
    unit = make_unit("top")
    for number in range(7):
        make_person("同名", unit, number=f"10000{number}")
    return unit


def page(number: Any, size: int = 3) -> lists.LongPage:
    request = RequestFactory().get("/", {"page": number})
    request.user = AnonymousUser()
    rows = Person.objects.order_by("name", "pk")
    return lists.paged_long(request, rows, lists.length_of(rows), size=size)


def numbers(found: lists.LongPage) -> list[str]:
    return [person.number[-1] for person in found]


def test_pages_of_a_list_that_is_counted(top: Unit) -> None:
    assert [numbers(page(at)) for at in (1, 2, 3)] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [page(at).has_next() for at in (1, 2, 3)] == [True, True, False]
    last = page(3)
    assert (last.start_index(), last.end_index(), last.paginator.count) == (7, 7, 7)
    assert last.paginator.num_pages == 3
    # A bad number gives the nearest page.
    assert [page(at).number for at in ("x", "0", "-1", "99", "")] == [1, 3, 3, 3, 1]


def test_pages_of_a_list_too_long_to_be_counted(top: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LONGEST_COUNTED", 4)
    seen = [page(at) for at in (1, 2, 3)]
    assert [numbers(each) for each in seen] == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert [each.has_next() for each in seen] == [True, True, False]
    assert [each.number for each in seen] == [1, 2, 3]
    assert (seen[2].start_index(), seen[2].end_index()) == (7, 7)
    assert seen[0].paginator.is_longer
    assert seen[0].paginator.count == 4
    assert page(99).number == 1
    far = page(4, size=2)
    assert far.paginator.num_pages == 2
    assert (far.number, far.previous_page_number(), numbers(far)) == (4, 3, ["6"])


def test_exactly_as_many_as_are_counted_is_exact(top: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    for longest, length in ((7, lists.Length(7)), (6, lists.Length(6, is_exact=False))):
        monkeypatch.setattr(lists, "LONGEST_COUNTED", longest)
        assert lists.length_of(Person.objects.all()) == length


def test_nothing_at_all() -> None:
    found = page(2)
    assert (list(found), found.number, found.has_next(), found.paginator.count) == ([], 1, False, 0)


def test_the_page_says_that_there_are_more(
    client: Client, top: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(make_user(unit=top))
    sorts_by_category = r'class="sort"\s+href="[^"]*sort=-?category'
    shown = client.get(reverse("people")).content.decode()
    assert re.search(r"共\s*<b class=\"num\">7</b>\s*人", shown)
    assert "按政治面貌:" in shown
    assert re.search(sorts_by_category, shown)
    monkeypatch.setattr(lists, "LONGEST_COUNTED", 4)
    monkeypatch.setattr(people_page, "LONGEST_SORTED", 3)
    shown = client.get(reverse("people"), {"sort": "category"}).content.decode()
    assert re.search(r"超过\s*<b class=\"num\">4</b>\s*人", shown)
    assert "按政治面貌:" not in shown
    assert not re.search(sorts_by_category, shown)
    assert re.search(r"sort=-?name", shown)


def test_a_metrics_list_is_counted_however_long_it_is(
    client: Client, top: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number comes from the ledger, as the one on the page that led here."""
    branch = make_organization(top)
    for person in Person.objects.all():
        assign(branch, person)
    monkeypatch.setattr(lists, "LONGEST_COUNTED", 4)
    client.force_login(make_user(unit=top))
    shown = client.get(reverse("people"), {"metric": "frontline_people", "unit": "top"}).content.decode()
    assert re.search(r"人数 <span class=\"num\">7</span>", shown)
    assert re.search(r"共\s*<b class=\"num\">7</b>\s*人", shown)


# --- Columns --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Thing:
    name: str
    colour: str
    note: str = ""


COLOUR: Column[Thing] = Column("颜色", "colour", key="colour", sort=("colour",), css="nowrap", rank=3)
COLUMNS: tuple[Column[Thing], ...] = (
    Column("名称", "name", is_heading=True),
    COLOUR,
    Column("备注", "note"),
    Column("当日颜色", "colour", key="colour", only="file"),
)


def drawn(*things: Thing, **options: Any) -> tuple[list[str], list[str], list[str]]:
    """The titles of the header, what is said once, and the titles of what is empty."""
    grid = Grid(COLUMNS, things, folds=True, **options)
    heads = [column.title for column, _key, _day in grid.heads]
    assert all(len(cells) == len(heads) for _row, cells in grid.lines)
    return heads, [cell.text for cell in grid.alike], [cell.column.title for cell in grid.empty]


def test_a_column_that_says_the_same_in_every_row_is_said_once() -> None:
    same = [Thing(name, "红") for name in "甲乙丙"]
    assert drawn(*same) == (["名称"], ["红"], ["备注"])
    assert drawn(*same, Thing("丁", "黑", "新")) == (["名称", "颜色", "备注"], [], [])
    assert drawn(*same[:2]) == (["名称", "颜色", "备注"], [], [])  # too few to be worth it
    assert drawn(*same, sort="-colour")[0] == ["名称", "颜色"]  # what sorts the list stays in its header


def test_a_chosen_column_is_at_every_width_and_its_pair_in_the_file_follows() -> None:
    with_colour = chosen(COLUMNS, ["colour"])
    assert [(each.title, each.rank) for each in with_colour] == [
        ("名称", 1),
        ("颜色", 1),
        ("当日颜色", 1),
    ]
    assert [each.title for each in chosen(COLUMNS, ["备注"])] == ["名称", "备注"]
    for nothing_known in ([], ["gone"]):
        assert chosen(COLUMNS, nothing_known) == list(COLUMNS)


def heads(client: Client) -> list[str]:
    shown = client.get(reverse("people")).context["table"].visible
    return [column.title for column in shown if column.only != "file"]


def test_chosen_columns_are_kept_for_the_user_and_the_list_and_the_file_has_them(
    client: Client, top: Unit
) -> None:
    user, other = make_user(unit=top), make_user("other", top)
    client.force_login(user)
    sent = {"list": "people_export", "columns": ["category", "status"], "back": "/people/?sort=name"}
    response = client.post(reverse("account_columns"), sent)
    assert response["Location"] == "/people/?sort=name"
    assert User.objects.get(pk=user.pk).list_columns == {"people_export": ["category", "status"]}
    assert AuditEntry.objects.get(verb="choose_columns").user == user
    client.logout()
    client.force_login(User.objects.get(pk=user.pk))  # another day
    assert heads(client) == ["姓名", "人员类别", "政治面貌"]
    answer = client.post(reverse("people_export"), {"format": "csv"})
    said = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    (file_heads,) = [line for line in csv.reader(io.StringIO(said)) if line and line[0] == "姓名"]
    assert "人员类别" in file_heads
    assert "职务" not in file_heads
    client.post(reverse("account_columns"), {"list": "people_export", "all": "1", "columns": ["category"]})
    assert User.objects.get(pk=user.pk).list_columns == {"people_export": []}
    assert User.objects.get(pk=other.pk).list_columns == {}


def test_no_other_site_and_no_unknown_list(client: Client, top: Unit) -> None:
    client.force_login(make_user(unit=top))
    url = reverse("account_columns")
    for back in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
        assert client.post(url, {"list": "people_export", "back": back})["Location"] == "/"
    assert client.post(url, {"list": "nowhere"}).status_code == 404


# --- Order ----------------------------------------------------------------------------------------


def test_sorting_by_a_number_begins_with_the_largest_and_there_is_a_way_back(
    client: Client, top: Unit
) -> None:
    small, large = make_organization(top, name="甲支部"), make_organization(top, name="乙支部")
    assign(large, Person.objects.earliest("pk"))
    client.force_login(make_user(unit=top))
    url = reverse("organizations")
    page = client.get(url).content.decode()
    assert "恢复默认顺序" not in page
    first = re.search(r'href="\?(sort=[^"#]*members)#rows"', page)  # the rows stay in sight
    assert first, re.findall(r"<a class=.sort.[^>]*>", page)
    assert first[1] == "sort=-members"
    assert re.search(r'<div class="table-wrap[^>]* id="rows"', page)
    page = client.get(f"{url}?{first[1]}").content.decode()
    assert page.index(large.name) < page.index(small.name)
    assert re.search(r'href="\?sort=members#rows"', page)  # the second click turns it round
    back = re.search(r'按“人数”排序,<a href="([^"]*)">恢复默认顺序</a>', page)
    assert back
    assert back[1] == "?#rows"
    # A phone, which shows cards without heads, has the same in its filters.
    offered = re.findall(r'<option value="(-?members)"[^>]*>([^<]*)</option>', page)
    assert offered == [("-members", "人数:降序"), ("members", "人数:升序")]


def test_what_is_wrong_with_an_address_is_said_in_one_line(client: Client, top: Unit) -> None:
    client.force_login(make_user(unit=top))
    page = client.get(reverse("organizations"), {"basis": "foo", "kind": "zz"}).content.decode()
    assert page.count("地址有误") == 1
    for said in ("统计口径“foo”不存在", "以下是今天的现有数", "筛选条件 kind=zz 不存在"):
        assert said in page


def lists_of(table: type[Table[Any]]) -> list[type[Table[Any]]]:
    return [table, *(each for below in table.__subclasses__() for each in lists_of(below))]


def test_every_column_that_can_be_chosen_has_a_name_of_its_own() -> None:
    get_resolver().url_patterns  # noqa: B018 all pages are there, and with them their lists
    ours = [table for table in lists_of(Table) if table.columns and table.__module__.startswith("registry")]
    twice = {
        table.__name__: names
        for table in ours
        for names in [[column.name for column in choosable(table.columns)]]
        if len(names) > len(set(names))
    }
    assert (len(ours) > 9, twice) == (True, {})
