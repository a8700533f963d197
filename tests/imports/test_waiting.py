"""While a large import is written: others register, move and read, on real connections to PostgreSQL."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client

from registry import locks
from registry.counting.totals.check import differences
from registry.imports import background as importing
from registry.imports import operations as imports
from registry.imports.models import Import, ImportState
from registry.imports.writing import prepare, write_import
from registry.models import Organization, Person
from registry.operations.organizations import Member
from registry.spreadsheets.reading import open_book
from registry.trees.check import check_all
from registry.work import persistence
from tests.factories import ACTOR, make_organization, make_person, make_unit
from tests.imports.test_operations import Office, book
from tests.test_locks import AT_ONCE, hold, impatient, meanwhile, move, waiting

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

NEW = ("zhibu", "新支部", "党支部", "是", "suo", "dangwei", "2020-02-03")
NAMED = (None, "新支队", "党支部", "是", "suo", "dangwei", "2020-02-03")
ROOT = ("zongzhi", "新总支", "党总支", "是", "suo", None, "2020-02-03")
SOMEBODY = ("0099", "王五", "民警", "正式党员", "suo", None, None, None)
PLACED = [(code, "0099", "王五", "成员", "2020-02-04") for code in ("zhibu", "dangwei")]


@pytest.fixture
def office() -> Iterator[Office]:
    yield Office()
    assert list(check_all()) == []
    assert differences() == []


def confirmed(office: Office) -> Import:
    content = book(组织=[NEW, NAMED, ROOT], 人员=[SOMEBODY], 编入=PLACED)
    made = importing.hand_in(actor=ACTOR, user=office.manager, file_name="名册.xlsx", content=content)
    return imports.confirm_import(actor=ACTOR, import_=made)


@contextmanager
def written_for_long(import_: Import, tmp_path: Any) -> Iterator[list[Any]]:
    """Hold the writing of the import before its end; it ends after the block."""
    path = tmp_path / "名册.xlsx"
    path.write_bytes(bytes(import_.file.content))
    attempt = imports.claim(import_.pk, ImportState.CONFIRMED, ImportState.WRITING)
    held, end = threading.Event(), threading.Event()

    def progress(done: int) -> None:
        if done == import_.total:
            held.set()
            end.wait(timeout=60)

    def write() -> Import:
        tables = open_book(path, "名册.xlsx").tables
        prepare(tables, tmp_path)
        return write_import(actor=ACTOR, import_=import_, attempt=attempt, tables=tables, progress=progress)

    with waiting(write) as written:
        assert held.wait(timeout=60), written
        try:
            yield written
        finally:
            end.set()


def test_an_import_holds_only_what_it_touches(office: Office, settings: Any, tmp_path: Any) -> None:
    """Its workbook founds in a tree, and a new one. Elsewhere everything goes on, also behind a unit move."""
    settings.LOCK_WAIT_SECONDS = 2
    branch = make_organization(office.neighbour, "committee", code="lindang", is_temporary=False)
    somebody, place = make_person("赵六", office.neighbour), make_unit("linsuo", office.neighbour)
    reader = Client()
    reader.force_login(office.clerk)
    with (
        written_for_long(confirmed(office), tmp_path) as written,
        waiting(move(place, office.department)) as moved,
    ):
        for code, parent in (("a", branch), ("b", None), ("c", branch)):
            with locks.patient(AT_ONCE):
                make_organization(office.neighbour, code=code, parent=parent, members=[Member(somebody)])
        with impatient(), locks.patient(AT_ONCE):  # what is called the same as what nobody sees yet
            make_person("王五", office.neighbour)
            same = make_organization(office.neighbour, code="", name="新支队", members=[Member(somebody)])
        for address in ("/units/ju/", "/units/suo/", "/organizations/dangwei/"):
            with impatient():
                assert reader.get(address).status_code == 200, address
        with pytest.raises(locks.Busy):  # in its tree one waits, and is told
            make_organization(office.station, code="d", parent=office.committee)
    assert isinstance(moved[0], locks.Busy), moved
    assert isinstance(written[0], Import), written
    assert set(Organization.objects.filter(parent=None).values_list("code", flat=True)) == {
        *("dangwei", "lindang", "zongzhi", "b", same.code)
    }
    assert Organization.objects.get(name="新支队", unit=office.station).code == "xinzhidui"
    assert re.fullmatch(r"xinzhidui-\d{4}", same.code)


def test_an_import_that_cannot_have_its_locks_says_so_and_can_be_tried_again(
    office: Office, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a request after the limit; in the background after some tries, between which it holds nothing."""
    settings.LOCK_WAIT_SECONDS = 0.5
    for name, value in (("PATIENCE", 0.3), ("PAUSE", 0.1), ("TRIES", 3)):
        monkeypatch.setattr(persistence, name, value)
    import_ = confirmed(office)
    for is_long in (False, True):
        with meanwhile(lambda: locks.lock_organization_trees([office.committee])):
            importing.write_now(import_.pk, is_long=is_long)
        import_.refresh_from_db()
        assert (import_.state, import_.message) == (ImportState.FAILED, persistence.BUSY)
        assert not Person.objects.filter(number="0099").exists()
        importing.check_again(actor=ACTOR, import_=import_)
        imports.confirm_import(actor=ACTOR, import_=import_)
    with waiting(lambda: hold(lambda: locks.lock_organization_trees([office.committee]), 0.7)):
        importing.write_now(import_.pk, is_long=True)
    import_.refresh_from_db()
    assert import_.state == ImportState.WRITTEN
    with meanwhile(lambda: locks.lock_organization_trees([office.committee])):
        importing.undo(actor=ACTOR, import_=import_, reason="误导入")
    import_.refresh_from_db()
    assert (import_.state, import_.undo_message) == (ImportState.WRITTEN, persistence.BUSY)
