"""Attacks, and what comes back: nothing changes, nothing leaks, nothing breaks.

The world is that of ``tests/two_bureaus.py``: the attacker has a login at 甲 and aims at 乙. What guards the
login (guessing, fixation, redirects, the second step) is in ``test_login``; headers and sizes are in
``test_deploy``; what needs a browser is in ``e2e/test_attacks``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.db import transaction
from django.forms import ModelChoiceField
from django.http.request import HttpHeaders
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from registry.models import Assignment, Organization, Person, Unit, User
from registry.web.fields import PickerField, ScopedForm
from registry.web.filters import UnitFilter
from registry.web.tables import Table
from tests.forged import FORGED, TODAY, grant, register
from tests.test_access_table import TABLE, Row
from tests.two_bureaus import TwoBureaus, Visitor, noting, written

pytestmark = pytest.mark.django_db
LOOK = pytest.mark.look


def build_world() -> TwoBureaus:
    """One world for the whole file; each request is taken back."""
    return TwoBureaus()


@pytest.fixture
def manager(world: TwoBureaus) -> Visitor:
    """The attacker with the most rights: a manager at 甲."""
    return Visitor(world.here.users["manager"])


def refused(visitor: Visitor, url: str, data: dict[str, Any], name: str) -> str:
    """Send a form, see that ``name`` is refused and nothing is written; return the page."""
    savepoint = transaction.savepoint()
    try:
        with noting() as asked:
            response = visitor.client.post(url, data)
        assert response.status_code == 200, f"{url} {data}"
        errors = response.context["form"].errors
        assert set(errors) == {name}, f"{url} {data}: {errors}"
        assert written(asked) == set(), f"{url} {data}"
        page: str = response.content.decode()
    finally:
        transaction.savepoint_rollback(savepoint)
    return page


# --- Forged codes ---------------------------------------------------------------------------------

FILTERS = {
    "PeopleTable.unit": "people",
    "AssignmentTable.unit": "assignments",
    "OrganizationTable.unit": "organizations",
    "FigureTable.unit": "reconciliation",
    "RecordTable.unit": "record",
    "UserTable.unit": "users",
    "JumpForm.unit": "tree",
    "LentTable.unit": "lent",
    "BreachTable.unit": "breaches",
    "CheckedTable.unit": "entries_checked",
    "ExceptionTable.unit": "exceptions",
    "OpinionTable.unit": "service_opinions",
    "BranchTable.unit": "service_branches",
    "GroupedTable.unit": "service_organizations",
}
BASES = {"PlacingForm"}
"""Forms that no page has: others stand on them."""


def tables(under: type[Table[Any]] = Table) -> set[type[Table[Any]]]:
    """Return every list that is declared; the addresses know them all."""
    importlib.import_module("registry.urls")
    return {each for made in under.__subclasses__() for each in {made, *tables(made)}}


def forms_of(base: type[ScopedForm]) -> Iterator[type[ScopedForm]]:
    """Yield the forms of pages that stand on ``base``; most bases of other forms begin with an underscore."""
    for form in base.__subclasses__():
        is_base = form.__name__[0] == "_" or form.__name__ in BASES
        if form.__module__.startswith("registry.") and not is_base:
            yield form
        yield from forms_of(form)


def fields_that_take_codes() -> set[str]:
    """Return every field of every form and list that takes the code, number or key of something."""
    found = {
        f"{table.__name__}.{each.name}"
        for table in tables()
        for each in table.filters
        if isinstance(each, UnitFilter)
    }
    for form in forms_of(ScopedForm):
        found |= {
            f"{form.__name__}.{key}"
            for key, field in form.base_fields.items()
            if isinstance(field, PickerField | ModelChoiceField) or key == "numbers"
        }
    return found


def test_no_field_that_takes_a_code_is_forgotten() -> None:
    assert fields_that_take_codes() == FORGED.keys() | FILTERS.keys()


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("forged", ["theirs", pytest.param("nonsense", marks=LOOK), "' OR 1=1 --", "\x00"])
def test_a_forged_code_is_refused_at_its_field(
    world: TwoBureaus, manager: Visitor, name: str, forged: str
) -> None:
    page, args, others, other = FORGED[name]
    field = name.rsplit(".", 1)[1]
    url = reverse(page, args=args(world.here))
    value = other(world.there) if forged == "theirs" else forged
    said = refused(manager, url, {**others(world.here), field: value}, field)
    assert "乙密" not in said
    if forged == "theirs" and not isinstance(value, int):  # it says the same as of what does not exist
        other_page = refused(manager, url, {**others(world.here), field: "no-such-code"}, field)
        assert _errors(said, str(value)) == _errors(other_page, "no-such-code")


def _errors(page: str, value: str) -> list[str]:
    lines = [line for line in page.splitlines() if 'class="error"' in line or 'role="alert"' in line]
    return [line.replace(value, "…") for line in lines]


def test_a_number_with_a_zero_byte_inside_is_no_other_number(world: TwoBureaus, manager: Visitor) -> None:
    """Left out, it would make the number of somebody who is there."""
    number = world.here.people[2].number
    url = reverse("organization_members_add", args=[world.here.branch.code])
    for sent in (f"{number[:6]}\x00{number[6:]}", f"{number}\x00", f"\x00 {number}"):
        page = refused(manager, url, {"numbers": sent, "started_on": TODAY}, "numbers")
        assert "这一行有无法识别的字符" in page
        assert "\x00" not in page


def test_a_zero_byte_is_no_fault_where_rows_are_named(world: TwoBureaus, manager: Visitor) -> None:
    """PostgreSQL takes none in a question: the pages ask without it, or do not ask."""
    register = reverse("organization_register", args=[world.here.unit.code])
    assert manager.ask("GET", f"{register}?copy=%00")[0] == "404"
    ticked = {"rows": world.here.assignment.pk, "on": TODAY}
    assert manager.ask("POST", f"{reverse('assignments_end')}?of=%00", ticked)[0] == "404"
    found = reverse("organizations_found", args=[world.here.unit.code])
    sent = {"units": ["\x00", "a\x00b"], "unit_q": "a\x00b", "check": "1"}
    assert manager.ask("POST", found, sent)[0] == "200"


@pytest.mark.parametrize("name", FILTERS)
def test_a_forged_filter_finds_nothing(world: TwoBureaus, manager: Visitor, name: str) -> None:
    url = reverse(FILTERS[name])
    for key in ("unit", "unit_text"):
        for value in (world.there.unit.code, "no-such-unit"):
            query = {key: value, "campaign": world.here.campaign.code}  # some are of one campaign only
            status, page = manager.ask("GET", f"{url}?{urlencode(query)}")
            assert status in ("404", "200"), url
            assert status == "404" or name.startswith("Jump"), url
            assert "乙密" not in page


@pytest.mark.parametrize("param", ["party_line", "metric", "campaign", "basis", "since", "as_of", "own"])
@pytest.mark.parametrize("page", ["people", "organizations", "assignments"])
def test_a_forged_question_leaks_nothing(world: TwoBureaus, manager: Visitor, page: str, param: str) -> None:
    for value in ("yi-branch", "frontline_people", "temporary_branches", "ended", "9999-99-99", "1"):
        status, said = manager.ask("GET", f"{reverse(page)}?{urlencode({param: value})}")
        assert status in ("200", "404")
        assert "乙密" not in said


# --- Fields that are not the form's ---------------------------------------------------------------

EXTRA = {
    "id": "1",
    "pk": "1",
    "key": "p-000000000000",
    "state": "approved",
    "is_sample": "1",
    "is_temporary": "",
    "is_withdrawn": "1",
    "version": "9",
    "parent_inferred": "1",
    "unit_id": "1",
    "home_unit_id": "1",
    "person": "1",
    "person_id": "1",
    "organization_id": "1",
    "tree_id": "99",
    "lft": "1",
    "rght": "99",
    "level": "7",
    "closed_on": "2020-01-01",
    "merged_into": "1",
    "source": "1",
    "source_id": "1",
    "created_at": "2000-01-01",
    "actor": "别人",
    "user": "1",
    "user_id": "1",
    "is_superuser": "1",
    "is_staff": "1",
    "is_active": "1",
    "password": "x",
    "must_change_password": "",
    "groups": "1",
    "grants": "1",
}
GUARDED = (
    *("id", "key", "is_sample", "is_withdrawn", "parent_inferred", "merged_into_id", "source_id"),
    *("is_superuser", "is_staff", "must_change_password", "created_at", "code", "person_id"),
)
"""Columns that no form writes (a new row has its default) ..."""
MAY_WRITE = {
    "unit_merge": ("merged_into_id",),
    "assignment_withdraw": ("is_withdrawn",),
    "assignments_withdraw": ("is_withdrawn",),
    "user_password": ("must_change_password",),
}
"""... but for the pages that are there for it."""


def _rows(model: Any) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in model._base_manager.values()}


MODELS = (Unit, Organization, Person, Assignment, User)
POSTED = [(name, row) for name, rows in TABLE.items() for row in rows if "+" in row.post.split()[4]]


@pytest.mark.look
@pytest.mark.parametrize(("name", "row"), POSTED, ids=[name for name, _row in POSTED])
def test_fields_that_are_not_the_forms_are_not_taken(world: TwoBureaus, name: str, row: Row) -> None:
    """Each page that changes something, sent with every column that somebody might want to set."""
    visitor = Visitor(world.here.users["manager"])
    url = reverse(name, args=row.args(world.here))
    own = row.data(world.here)
    form_fields = {*own, *_fields_of(visitor, url)}
    extra = {key: value for key, value in EXTRA.items() if key not in form_fields}
    results = []
    before = {model: _rows(model) for model in MODELS}
    for data in (own, {**extra, **own}):
        savepoint, cookies = transaction.savepoint(), copy(visitor.client.cookies)
        response = visitor.client.post(url, data)
        if "confirmed" in own and response.context:
            visitor.client.post(url, {**data, "confirmed": response.context.get("confirmed", "")})
        after = {model: _rows(model) for model in MODELS}
        changes = []
        new = {pk for model in MODELS for pk in after[model].keys() - before[model].keys()}
        for model in MODELS:
            for pk, values in sorted(after[model].items()):
                old = before[model].get(pk)
                for column, value in values.items():
                    if old is not None and old[column] == value:
                        continue
                    if old is not None and column in GUARDED and column not in MAY_WRITE.get(name, ()):
                        raise AssertionError(f"{name} changed {model.__name__}.{column}")
                    changes.append((model.__name__, column, _steady(column, value, new)))
        results.append(changes)
        transaction.savepoint_rollback(savepoint)
        visitor.client.cookies = cookies
    assert results[0] == results[1]


def _steady(column: str, value: Any, new: set[int]) -> Any:
    """Leave out what is another one each time: moments, chance, and the keys of new rows."""
    if column in ("id", "key", "password", "date_joined") or column.endswith("_at"):
        return "…"
    if column == "tree_id" and str(value) != str(EXTRA["tree_id"]):
        return "…"  # on PostgreSQL the number of a new tree is drawn from a sequence
    return "new" if column.endswith("_id") and value in new else value


def _fields_of(visitor: Visitor, url: str) -> set[str]:
    savepoint = transaction.savepoint()
    response = visitor.client.get(url)
    transaction.savepoint_rollback(savepoint)
    form = response.context.get("form") if response.context else None
    return set(form.fields) if form is not None else set()


def test_a_clerk_cannot_approve_by_naming_the_state(world: TwoBureaus) -> None:
    visitor = Visitor(world.here.users["clerk"])
    url = reverse("organization_register", args=[world.here.unit.code])
    savepoint = transaction.savepoint()
    for save_as in ("", "approved", "draft"):
        data = {**register(world.here), "state": "approved", "save_as": save_as}
        data |= {"code": f"c{save_as}", "name": f"队{save_as}"}
        assert visitor.client.post(url, data).status_code == 302
    states = dict(Organization.objects.filter(code__startswith="c").values_list("code", "state"))
    transaction.savepoint_rollback(savepoint)
    assert states == {"c": "submitted", "capproved": "submitted", "cdraft": "draft"}


def test_a_manager_makes_no_superuser(world: TwoBureaus) -> None:
    visitor = Visitor(world.here.users["manager"])
    data = {**grant(world.here), "username": "evil", "display_name": "新", "unit": world.here.unit.code}
    savepoint = transaction.savepoint()
    visitor.client.post(reverse("user_add"), {**data, "is_superuser": "on", "is_staff": "on"})
    made = User.objects.get(username="evil")
    transaction.savepoint_rollback(savepoint)
    assert (made.is_superuser, made.is_staff, made.must_change_password) == (False, False, True)


# --- Scripts --------------------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"
BREAKS = "\"'><img src=x onerror=alert(1)>"


def reading_pages() -> list[tuple[str, Row]]:
    """Every page that the manager reads, once for each row of the table; the bytes of a photo are none."""
    return [
        (name, row)
        for name, rows in TABLE.items()
        for row in rows
        if row.get.split()[4].startswith("200") and not name.startswith(("admin:", "file_shown"))
    ]


PARAMETERS = (
    *("q", "sort", "page", "own", "state", "kind", "nature", "category", "status", "assigned", "role"),
    *(
        "verdict",
        "source",
        "countable",
        "chart",
        "only",
        "from",
        "wide",
        "user",
        "verb",
        "day_from",
        "day_to",
        "range",
        "to",
        "by",
    ),
    *("next", "roles", "below", "name", "code", "campaign", "as_of", "basis", "since", "suggested_name"),
    *("parent", "established_on", "unknown"),
)
STOPPING = ("unit", "unit_text", "metric", "party_line", "object")
"""A page that finds nothing by one of these answers 404: where it does, they are tried one by one."""


@pytest.mark.look
def test_no_parameter_comes_back_as_markup(world: TwoBureaus, manager: Visitor) -> None:
    """Every parameter that any page reads, on every page, with what would break out of text or attribute."""
    payload = f"{BREAKS}{SCRIPT}"
    for page, row in reading_pages():
        url = reverse(page, args=row.args(world.here))
        asked: list[tuple[str, ...]] = [PARAMETERS, STOPPING]
        for names in asked:
            status, said = manager.ask("GET", f"{url}?{urlencode(dict.fromkeys(names, payload))}")
            assert SCRIPT not in said, f"{page}?{names}"
            assert "<img src=x" not in said, f"{page}?{names}"
            if names == STOPPING and status == "404":
                asked += [(name,) for name in STOPPING]


@pytest.mark.look
def test_no_stored_text_comes_back_as_markup(world: TwoBureaus) -> None:
    """Every text of every row is a script; every page that the manager reads says it as text."""
    savepoint = transaction.savepoint()
    here = world.here
    texts = {
        Unit: ("name", "short_name", "aliases", "note"),
        Organization: ("name", "aliases", "honour_title", "approval_number", "dissolution_number", "note"),
        Person: ("name", "title", "phone", "note"),
        Assignment: ("document_number",),
        User: ("display_name",),
    }
    for model, columns in texts.items():
        for column in columns:
            longest = model._meta.get_field(column).max_length
            payload = (SCRIPT if len(SCRIPT) + 8 < longest else BREAKS)[:longest]
            model._base_manager.update(**{column: f"{payload}"})
    here.source.title = f"{SCRIPT}{BREAKS}"
    here.source.save()
    visitor = Visitor(here.users["manager"])
    seen = 0
    try:
        for page, row in reading_pages():
            url = reverse(page, args=row.args(here))
            _status, said = visitor.ask("GET", f"{url}?{row.query}")
            assert SCRIPT not in said, page
            assert "<img src=x" not in said, page
            seen += "&lt;script&gt;" in said or "&lt;img" in said
    finally:
        transaction.savepoint_rollback(savepoint)
    assert seen > 40


# --- SQL fragments --------------------------------------------------------------------------------

FRAGMENTS = ("' OR '1'='1", "%\\name') UNION SELECT password FROM registry_user; --")
_ADDRESS = ("campaign", "as_of", "basis", "since")
_PLACE = ("unit", "unit_text", "metric", "party_line", "own", "sort", "page", "q")
FILTERED = {
    "search": ("q", "only", "page"),
    "search_now": ("q",),
    "people": (*_PLACE, "category", "status", "assigned"),
    "assignments": (*_PLACE, "role", "category"),
    "organizations": (*_PLACE, "kind", "nature", "state"),
    "reconciliation": ("unit", "unit_text", "verdict", "source", "category", "countable", "sort"),
    "sources": ("sort", "page", "q"),
    "record": (
        *("unit", "unit_text", "user", "verb", "day_from", "day_to", "q", "object", "page"),
        *("act", "routine"),
    ),
    "users": ("unit", "unit_text", "role", "state", "q", "sort", "page"),
    "pick_units": ("q", "roles"),
    "pick_organizations": ("q", "roles", "kind", "below"),
    "pick_people": ("q", "roles"),
    "unit": ("sort", "chart", "page", "range", "from", "to"),
    "comparison": ("unit", "unit_text", "metric", "range", "from", "to", "by", "page"),
    "tree": ("unit", "unit_text"),
    "breaches": ("unit", "unit_text", "own", "rule", "level", "excepted", "sort", "page"),
    "exceptions": ("unit", "unit_text", "rule", "state", "q", "sort", "page"),
    "workdays": ("year",),
}
"""The parameters that each page reads, beside those that all pages read."""


@pytest.mark.parametrize("page", FILTERED)
def test_a_fragment_of_sql_is_nonsense_like_any_other(world: TwoBureaus, manager: Visitor, page: str) -> None:
    url = reverse(page, args=[world.here.unit.code] if page == "unit" else [])
    people = Person.objects.count()
    for name in (*FILTERED[page], *_ADDRESS):
        status, said = manager.ask("GET", f"{url}?{urlencode({name: 'zzqqxx'})}")
        assert status in ("200", "404"), f"{page}?{name}"
        for fragment in FRAGMENTS:
            answer, text = manager.ask("GET", f"{url}?{urlencode({name: fragment})}")
            assert answer == status, f"{page}?{name}={fragment}"
            assert text.count("<tr") == said.count("<tr"), f"{page}?{name}={fragment}"
            assert "乙密" not in text
    assert Person.objects.count() == people


def test_wildcards_of_like_are_letters(world: TwoBureaus, manager: Visitor) -> None:
    for text in ("%", "_", "%密%", "甲_赵"):
        for page in ("search", "search_now", "people", "pick_people"):
            _status, said = manager.ask("GET", f"{reverse(page)}?{urlencode({'q': text})}")
            assert "甲密赵" not in said, f"{page} {text}"


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/settings.py", "a%00b", "..", "%5c..%5c",
     "jia/../yi", "jia%2f..%2fyi", "jia;yi", "JIA", "jia ", "甲密公安局", "a" * 3000],
)  # fmt: skip
def test_a_code_is_no_path(world: TwoBureaus, manager: Visitor, code: str) -> None:
    for start in ("units", "organizations", "people", "sources", "assignments", "static", "users", "record"):
        for end in ("/", "/edit/", ""):
            response = manager.client.generic("GET", f"/{start}/{code}{end}", follow=False)
            assert response.status_code in (301, 404), f"/{start}/{code}{end}"
            text = b"" if response.streaming else response.content
            assert b"root:" not in text
            assert "乙密".encode() not in text
            assert b"SECRET_KEY" not in text


AWAY = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
)


@contextmanager
def noting_looks_at(sent: Container[Any]) -> Iterator[list[str]]:
    """Note each time that a parameter or a header is asked for by its name and has one of these values."""
    looks: list[str] = []

    def noted(read: Callable[..., Any]) -> Callable[..., Any]:
        def look(self: Any, key: str, *rest: Any, **more: Any) -> Any:
            value = read(self, key, *rest, **more)
            if value in sent or (isinstance(value, list) and any(each in sent for each in value)):
                looks.append(key)
            return value

        return look

    class Environ(dict[str, Any]):
        __getitem__, get = noted(dict.__getitem__), noted(dict.get)

    begin = WSGIRequest.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WSGIRequest, "__init__", lambda self, environ: begin(self, Environ(environ)))
        for reader, name in (
            (MultiValueDict, "__getitem__"),
            (MultiValueDict, "_getlist"),
            (HttpHeaders, "__getitem__"),
        ):
            patch.setattr(reader, name, noted(getattr(reader, name)))
        yield looks


@pytest.mark.look
def test_no_answer_leads_to_another_site(world: TwoBureaus) -> None:
    """With the address of another site in every parameter that could lead somewhere, and as Referer.

    What leads a manager somewhere with the first of them is asked with all, unless nothing looked at it.
    Without a login every page leads to the login in the same way: there they take turns.
    """
    names = ("next", "url", "return", "back", "from", "to", "redirect", "continue", "q", "unit")
    for somebody in (None, world.here.users["manager"]):
        client = Visitor(somebody).client
        for at, (name, rows) in enumerate(TABLE.items()):
            if name == "admin:" or "registry_" in name:
                continue
            row = rows[0]
            url = reverse(name, args=row.args(world.here))
            for method in ("get", "post"):
                for away in AWAY if somebody else (AWAY[at % len(AWAY)],):
                    data = None if method == "get" else {**row.data(world.here), "next": away}
                    full = f"{url}?{urlencode(dict.fromkeys(names, away))}"
                    savepoint, cookies = transaction.savepoint(), copy(client.cookies)
                    with noting_looks_at(AWAY) as looks:
                        response = getattr(client, method)(full, data, headers={"referer": away})
                    transaction.savepoint_rollback(savepoint)
                    client.cookies = cookies
                    location = response.headers.get("Location")
                    if location is None:
                        break
                    assert location.startswith("/"), f"{method} {full} leads to {location}"
                    assert not location.startswith(("//", "/\\")), f"{method} {full} leads to {location}"
                    if not looks:
                        break


# --- Requests that no page sends ------------------------------------------------------------------


@pytest.mark.look
@pytest.mark.parametrize("role", [None, "manager"])
def test_without_its_token_no_form_is_taken(world: TwoBureaus, role: str | None) -> None:
    visitor = Visitor(world.here.users[role] if role else None)
    visitor.client.handler.enforce_csrf_checks = True
    for name, rows in TABLE.items():
        for row in rows:
            if name.startswith("admin:") or row.post.split()[4] == "405":
                continue
            url = reverse(name, args=row.args(world.here))
            for headers in ({}, {"referer": "https://evil.example/"}, {"origin": "https://evil.example"}):
                savepoint = transaction.savepoint()
                response = visitor.client.post(url, row.data(world.here), headers=headers)
                transaction.savepoint_rollback(savepoint)
                assert response.status_code == 403, f"{role} {name}"


@pytest.mark.look
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "CONNECT", "GARBAGE"])
def test_other_methods_are_refused_and_write_nothing(
    world: TwoBureaus, manager: Visitor, method: str
) -> None:
    for name, rows in TABLE.items():
        if name.startswith("admin:"):
            continue
        url = reverse(name, args=rows[0].args(world.here))
        status, said = manager.ask(method, url)
        assert status == "405", f"{method} {name}"
        assert "密" not in said


@pytest.mark.look
def test_asking_for_the_head_writes_nothing_and_says_nothing(world: TwoBureaus, manager: Visitor) -> None:
    for name, row in reading_pages():
        status, said = manager.ask("HEAD", f"{reverse(name, args=row.args(world.here))}?{row.query}")
        assert status == "200", name
        assert said == ""


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "localhost@evil.example", ""])
def test_a_host_that_is_not_ours_gets_nothing(world: TwoBureaus, manager: Visitor, host: str) -> None:
    for url in (reverse("login"), reverse("unit", args=["jia"])):
        response = manager.client.get(url, headers={"host": host}) if host else None
        if response is not None:
            assert response.status_code == 400
            assert "evil" not in response.content.decode()
    said = manager.client.get("/", headers={"x-forwarded-host": "evil.example"})
    assert said.headers["Location"] == "/units/jia/"


def test_thousands_of_fields_and_values_are_refused(world: TwoBureaus, manager: Visitor) -> None:
    url = reverse("organization_members_add", args=[world.here.branch.code])
    many = {f"field{at}": "x" for at in range(5000)}
    assert manager.ask("POST", url, many)[0] == "400"
    assert manager.ask("POST", url, {"members": ["x"] * 5000})[0] == "400"
    assert manager.ask("POST", url, {"numbers": "1 " * 1_500_000})[0] == "413"
    # As many numbers as the size lets through are answered, without a fault, and with their reason said once.
    numbers = " ".join(str(at) for at in range(100_000))
    status, said = manager.ask("POST", url, {"numbers": numbers, "started_on": TODAY})
    assert status == "200"
    assert "100,000 行:" in said
    assert "18、19等)" in said
    assert len(said) < 3_000_000  # the box keeps what was pasted


def test_a_query_of_thousands_of_parameters_is_no_fault(world: TwoBureaus, manager: Visitor) -> None:
    query = "&".join(f"a{at}=x" for at in range(3900))
    assert manager.ask("GET", f"{reverse('people')}?{query}")[0] in ("200", "400")
    assert manager.ask("GET", f"{reverse('people')}?{query}&{query}")[0] in ("200", "400")
    assert manager.ask("GET", f"{reverse('people')}?page=9{'9' * 5000}")[0] == "200"
    assert manager.ask("GET", f"{reverse('search')}?q={quote('长' * 5000)}")[0] == "200"


# --- One's own rights -----------------------------------------------------------------------------


def test_a_login_of_a_disabled_user_is_over_at_once(world: TwoBureaus) -> None:
    visitor = Visitor(world.here.users["viewer"])
    savepoint = transaction.savepoint()
    User.objects.filter(pk=world.here.users["viewer"].pk).update(is_active=False)
    response = visitor.client.get(reverse("unit", args=["jia"]))
    transaction.savepoint_rollback(savepoint)
    assert response.status_code == 302


def test_a_manager_cannot_raise_or_lock_out_himself_or_a_superuser(world: TwoBureaus) -> None:
    visitor = Visitor(world.here.users["manager"])
    own = world.here.users["manager"]
    grant = own.grants.get(delegated_from=None)
    for name, pk in (
        ("user_grant", own.pk),
        ("user_disable", own.pk),
        ("user_password", own.pk),
        ("grant_end", grant.pk),
        ("user_disable", world.superuser.pk),
        ("user_password", world.superuser.pk),
        ("user_grant", world.superuser.pk),
    ):
        data = {"reason": "x", "unit": "jia", "role": "manager", "started_on": "2020-01-01"}
        status, _page = visitor.ask("POST", reverse(name, args=[pk]), data)
        assert status == "404", name


def test_what_is_sent_twice_counts_once(world: TwoBureaus) -> None:
    visitor = Visitor(world.here.users["manager"])
    url = reverse("organization_members_add", args=[world.here.branch.code])
    key = world.here.people[2].key
    savepoint = transaction.savepoint()
    response = visitor.client.post(url, {"members": [key, key], "started_on": TODAY})
    again = visitor.client.post(url, {"members": key, "started_on": TODAY})
    once = visitor.client.post(url, {"members": key, "started_on": TODAY})
    transaction.savepoint_rollback(savepoint)
    assert response.status_code == 200
    assert again.status_code == 302
    assert once.status_code == 200
