"""Photos and files in the registry: who sees them, what a form holds, what goes by itself."""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.http import HttpResponse, QueryDict
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from registry import audit
from registry.audit import Actor
from registry.files import album, disk, keeping, operations, owners, receiving
from registry.files.fields import FilesField
from registry.files.models import FileKind, StoredFile
from registry.models import AuditEntry, Organization, User
from registry.operations.base import operation
from registry.operations.take_back import take_back
from registry.refusals import NotAllowed, OperationRefused
from registry.web.fields import ScopedForm
from tests.factories import make_organization, make_unit, make_user
from tests.files.making import ATTACKS, PDF, photo
from tests.files.owning import LOCKED, WALLED

pytestmark = pytest.mark.django_db


class World:
    """Two bureaus; 甲 has a branch, users of three roles, and a clerk at a station below."""

    def __init__(self) -> None:
        top = make_unit("ting", kind="department")
        self.unit, elsewhere = make_unit("jia", top), make_unit("yi", top)
        station = make_unit("jia-station", self.unit)
        self.branch = make_organization(self.unit, code="branch", name="临时党支部")
        self.other = make_organization(self.unit, code="other")
        self.walled = make_organization(self.unit, code=WALLED)
        self.locked = make_organization(self.unit, code=LOCKED)
        self.users = {role: make_user(role, self.unit, role) for role in ("viewer", "clerk", "manager")}
        self.users["station"] = make_user("station", station, "clerk")
        self.users["elsewhere"] = make_user("elsewhere", elsewhere, "manager")

    def actor(self, who: str = "clerk") -> Actor:
        return Actor(user=self.users[who], name=who, address="10.0.0.1")

    def client(self, who: str = "clerk") -> Client:
        client = Client()
        client.force_login(self.users[who])
        return client


def build_world() -> World:
    return World()


def upload(name: str = "巡逻.jpg", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, photo() if content is None else content)


def stored(world: World, who: str = "clerk", name: str = "巡逻.jpg", kind: str = "photo") -> StoredFile:
    content = photo() if kind == "photo" else PDF
    done = receiving.receive(world.actor(who), [upload(name, content)], kind)
    assert done.refused == []
    return done.stored[0]


@operation
def hold(
    *,
    actor: Actor,
    row: Organization,
    files: Sequence[StoredFile | int],
    field: str = "photos",
    verb: str = "edit_organization",
) -> None:
    """What the operation of a noun with photos does."""
    before, after = operations.hold_files(actor, row, files, field=field)
    audit.record(actor, verb, row, before={"file_kept": before}, after={"file_kept": after})


def held(world: World, *names: str, row: Organization | None = None) -> list[StoredFile]:
    files = [stored(world, name=name) for name in names or ("巡逻.jpg",)]
    hold(actor=world.actor(), row=row or world.branch, files=files)
    return files


def shown(client: Client, file: StoredFile, size: str = "thumb") -> HttpResponse:
    return client.get(reverse("file_shown", args=[file.pk, size]))


# --- On disk --------------------------------------------------------------------------------------


def test_names_on_disk_say_nothing_and_are_for_the_server_alone(world: World, folder: Path) -> None:
    careless = os.umask(0o022)
    file = stored(world, name="张三.jpg")
    os.umask(careless)
    names = sorted(path.name for path, _key in disk.paths())
    assert names == [file.key, f"{file.key}-2", f"{file.key}-3"]
    assert len(file.key) == 32
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]} == {0o700}


def test_what_is_kept_of_an_upload(world: World) -> None:
    file = stored(world, name="C:\\照片\\巡逻.jpg")
    assert (file.kind, file.name, file.content_type, file.width, file.height) == (
        "photo", "巡逻.jpg", "image/jpeg", 64, 48,
    )  # fmt: skip
    assert (file.uploaded_by, file.owner_noun, file.owner_id) == (world.users["clerk"], "", None)
    with disk.read(file.key) as content:
        assert len(content.read()) == file.size
    entry = AuditEntry.objects.latest("pk")
    assert (entry.verb, entry.object_name, entry.unit, entry.address) == (
        "store_file", "巡逻.jpg", world.unit, "10.0.0.1",
    )  # fmt: skip


def test_a_file_that_cannot_be_entered_is_not_left_on_disk(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(operations, "store_file", fail)
    with pytest.raises(RuntimeError):
        stored(world)
    assert list(disk.paths()) == []


# --- Sending --------------------------------------------------------------------------------------


def send(client: Client, *uploads: SimpleUploadedFile, kind: str = "photo", name: str = "photos") -> Any:
    return client.post(reverse("file_upload"), {"file": uploads[0], "kind": kind, "name": name})


def test_a_file_is_sent_by_itself_and_stands_in_the_form(world: World) -> None:
    answer = send(world.client(), upload('a"<b>.jpg'), name="scene")
    file = StoredFile.objects.get()
    assert answer.status_code == 201
    assert f'<input type="hidden" name="scene" value="{file.pk}">' in answer.content.decode()
    assert "<b>" not in answer.content.decode()


def test_a_draft_that_is_taken_up_again_has_ones_own_uploads(world: World) -> None:
    mine, foreign, (saved,) = stored(world), stored(world, "manager"), held(world)
    asked = {"name": "photos", "kind": "photo", "pk": [mine.pk, foreign.pk, saved.pk, "x"]}
    page = world.client().get(reverse("file_upload"), asked).content.decode()
    assert re.findall(r'name="photos" value="(\d+)"', page) == [str(mine.pk)]
    assert world.client().get(reverse("file_upload"), {**asked, "name": '"'}).content == b""


@pytest.mark.look
def test_attacks_are_refused_one_by_one_and_leave_nothing(world: World) -> None:
    client = world.client()
    for name, (content, said) in ATTACKS.items():
        answer = send(client, upload(name, content))
        assert answer.status_code == 422, name
        assert answer.content.decode().startswith(f"“{name}”"), name
        assert said in answer.content.decode(), name
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert StoredFile.objects.count() == 0
    assert list(disk.paths()) == []


def test_of_several_the_good_ones_are_kept(world: World) -> None:
    bad = {name: ATTACKS[name][0] for name in ("文字.jpg", "炸弹.png")}
    uploads = [upload("一.jpg"), *(upload(name, content) for name, content in bad.items()), upload("二.jpg")]
    done = receiving.receive(world.actor(), uploads, FileKind.PHOTO)
    assert [file.name for file in done.stored] == ["一.jpg", "二.jpg"]
    assert [said[: said.index("”") + 1] for said in done.refused] == ["“文字.jpg”", "“炸弹.png”"]


def test_who_enters_nothing_uploads_nothing(world: World) -> None:
    assert send(world.client("viewer"), upload()).status_code == 403
    with pytest.raises(OperationRefused):
        operations.store_file(
            actor=world.actor("viewer"),
            key="k",
            kind="photo",
            name="x",
            taken=receiving.taken("x", photo(), "photo"),
        )
    assert StoredFile.objects.count() == 0


def test_uploads_that_are_never_saved_are_limited(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "MOST_UNCLAIMED", 2)
    client = world.client()
    assert [send(client, upload()).status_code for _ in range(3)] == [201, 201, 422]
    assert send(world.client("manager"), upload()).status_code == 201


@pytest.mark.look
@pytest.mark.parametrize("sent", [{"kind": "program"}, {"name": '"><script>'}, {"file": ""}])
def test_nonsense_is_not_understood(world: World, sent: dict[str, str]) -> None:
    data = {"file": upload(), "kind": "photo", "name": "photos", **sent}
    assert world.client().post(reverse("file_upload"), data).status_code == 400


# --- Who sees them --------------------------------------------------------------------------------


def test_an_upload_is_seen_by_who_sent_it_until_it_is_saved(world: World) -> None:
    file = stored(world)
    assert shown(world.client(), file).status_code == 200
    assert [shown(world.client(who), file).status_code for who in ("manager", "elsewhere")] == [404, 404]
    hold(actor=world.actor(), row=world.branch, files=[file])
    who = ("clerk", "viewer", "manager", "station", "elsewhere")
    assert [shown(world.client(each), file).status_code for each in who] == [200, 200, 200, 404, 404]
    assert world.client("elsewhere").get(file.get_absolute_url()).status_code == 404


def test_a_wall_hides_the_photos_of_a_row_that_is_seen(world: World) -> None:
    (file,) = held(world, row=world.walled)
    assert shown(world.client(), file).status_code == 404
    assert album.photos_of(world.users["clerk"], "organization", Organization.objects.all()).count() == 0


def test_without_a_login_there_is_nothing(world: World, client: Client) -> None:
    (file,) = held(world)
    assert shown(client, file).status_code == 302


def test_a_photo_is_a_picture_and_a_file_is_only_handed_out(world: World) -> None:
    picture, paper = stored(world, name="现场.png"), stored(world, name="通知 1.pdf", kind="file")
    client = world.client()
    answer = shown(client, picture, "middle")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Content-Disposition"].startswith("inline")
    answer = shown(client, paper, "full")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    for each in (answer, shown(client, picture)):
        assert each.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in each.headers["Cache-Control"]
        assert "default-src 'none'" in each.headers["Content-Security-Policy"]
    assert shown(client, paper, "thumb").status_code == 404
    assert shown(client, picture, "huge").status_code == 404


def test_a_file_that_is_gone_from_the_disk_is_said_to_be(world: World) -> None:
    file = stored(world)
    disk.remove(file.key)
    answer = shown(world.client(), file)
    assert answer.status_code == 404
    assert f"编号 {file.pk}" in answer.content.decode()


def test_many_files_are_judged_by_one_query_for_each_noun(
    world: World, django_assert_num_queries: Any
) -> None:
    files = [*held(world, "一.jpg", "二.jpg"), *held(world, row=world.other), stored(world)]
    owned = list(StoredFile.objects.all())
    viewer = world.users["viewer"]
    owners.visible_files(viewer, owned)  # the grants are read once
    with django_assert_num_queries(1):
        assert len(owners.visible_files(viewer, owned)) == len(files) - 1


# --- What a row holds -----------------------------------------------------------------------------


def names(world: World, field: str = "photos") -> list[str]:
    return [file.name for file in album.files_of(world.branch, field)]


def test_a_row_holds_what_the_form_says_in_its_order(world: World) -> None:
    one, two, three = held(world, "一.jpg", "二.jpg", "三.jpg")
    hold(actor=world.actor(), row=world.branch, files=[three, two])
    assert names(world) == ["三.jpg", "二.jpg"]
    assert StoredFile.objects.get(pk=one.pk).removed_at is not None
    assert AuditEntry.objects.latest("pk").before == {"file_kept": ["一.jpg", "二.jpg", "三.jpg"]}


def test_fields_of_a_row_hold_their_own(world: World) -> None:
    held(world, "一.jpg")
    hold(actor=world.actor(), row=world.branch, files=[stored(world, name="二.jpg")], field="scene")
    assert (names(world), names(world, "scene")) == (["一.jpg"], ["二.jpg"])


def test_a_row_takes_only_ones_own_uploads_and_what_it_held(world: World) -> None:
    (foreign,) = held(world, row=world.other)
    for file in (stored(world, "manager"), foreign, StoredFile(pk=999)):
        with pytest.raises(OperationRefused, match="重新上传"):
            hold(actor=world.actor(), row=world.branch, files=[file])
    (one,) = held(world, "一.jpg")
    hold(actor=world.actor(), row=world.branch, files=[])
    hold(actor=world.actor("manager"), row=world.branch, files=[one])  # the edit is set back
    assert names(world) == ["一.jpg"]


def test_what_a_form_changed_is_taken_back_with_it(world: World) -> None:
    """An act that is no edit by its journal; an edit by the same operation, which is given the old keys."""
    one, two = held(world, "一.jpg", "二.jpg")
    hold(
        actor=world.actor(),
        row=world.branch,
        files=[two, stored(world, name="三.jpg")],
        verb="transfer_organization",
    )
    assert names(world) == ["二.jpg", "三.jpg"]
    take_back(actor=Actor.system("测试"), entry=AuditEntry.objects.latest("pk"), reason="误删")
    assert names(world) == ["一.jpg", "二.jpg"]
    hold(actor=world.actor("manager"), row=world.branch, files=[two.pk])
    hold(actor=world.actor("manager"), row=world.branch, files=[one.pk, two.pk])
    assert names(world) == ["一.jpg", "二.jpg"]


def test_what_was_submitted_is_held_when_another_approves_it(world: World) -> None:
    file = stored(world)
    approver = Actor(user=world.users["manager"], name="manager")
    with pytest.raises(OperationRefused, match="重新上传"):
        hold(actor=approver, row=world.branch, files=[file])
    hold(actor=replace(approver, submitted_by=world.users["clerk"]), row=world.branch, files=[file])
    assert names(world) == ["巡逻.jpg"]


def test_a_noun_that_says_nothing_of_files_holds_none(world: World) -> None:
    with pytest.raises(LookupError):
        operations.hold_files(world.actor(), world.unit, [stored(world)])


# --- One by itself --------------------------------------------------------------------------------


def test_a_caption_is_changed_and_recorded_with_its_row(world: World) -> None:
    (file,) = held(world)
    page = world.client().post(reverse("file_caption", args=[file.pk]), {"caption": "卡口值守"})
    assert page.status_code == 302
    entry = AuditEntry.objects.latest("pk")
    assert (entry.verb, entry.noun, entry.object_id) == ("caption_file", "organization", world.branch.pk)
    assert (entry.before, entry.after) == ({"caption": ""}, {"caption": "卡口值守"})


def test_a_removed_photo_is_shown_to_who_may_restore_it_and_restored(world: World) -> None:
    (file,) = held(world)
    client = world.client()
    assert client.post(reverse("file_remove", args=[file.pk]), {"reason": ""}).status_code == 200
    assert client.post(reverse("file_remove", args=[file.pk]), {"reason": "拍到家属"}).status_code == 302
    assert names(world) == []
    assert [shown(world.client(who), file).status_code for who in ("clerk", "viewer")] == [200, 404]
    assert AuditEntry.objects.latest("pk").reason == "拍到家属"
    assert "之前可以恢复" in client.get(file.get_absolute_url()).content.decode()
    assert client.post(reverse("file_restore", args=[file.pk])).status_code == 302
    assert names(world) == ["巡逻.jpg"]


@pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("station", 404), ("elsewhere", 404)])
def test_who_may_not_changes_nothing(world: World, who: str, status: int) -> None:
    (file,) = held(world)
    client = world.client(who)
    for name in ("file_caption", "file_remove", "file_restore"):
        answer = client.post(reverse(name, args=[file.pk]), {"caption": "x", "reason": "x"})
        assert answer.status_code == (404 if status == 404 else 403), name
    with pytest.raises(NotAllowed):
        operations.remove_file(actor=world.actor(who), file=file, reason="x")
    now = StoredFile.objects.get(pk=file.pk)
    assert (now.caption, now.removed_at) == ("", None)


def test_an_upload_of_another_is_nobodys_to_change(world: World) -> None:
    file = stored(world)
    assert world.client("manager").get(reverse("file_remove", args=[file.pk])).status_code == 404
    with pytest.raises(NotAllowed):
        operations.caption_file(actor=world.actor("manager"), file=file, caption="x")
    operations.remove_file(actor=world.actor(), file=file)
    assert AuditEntry.objects.latest("pk").verb == "remove_file"


def test_beside_its_form_a_closed_row_keeps_its_photos(world: World) -> None:
    (file,) = held(world, row=world.locked)
    with pytest.raises(OperationRefused, match="已批准"):
        operations.remove_file(actor=world.actor(), file=file, reason="x")
    page = world.client().get(file.get_absolute_url()).content.decode()
    assert "修改说明" not in page


# --- The field ------------------------------------------------------------------------------------


class PhotosForm(ScopedForm):
    photos = FilesField(label="照片", most=2)
    note = forms.CharField(label="情况")


def bound(world: World, data: str, who: str = "clerk", initial: list[StoredFile] | None = None) -> PhotosForm:
    return PhotosForm(QueryDict(data), user=world.users[who], initial={"photos": initial or []})


def test_the_form_knows_ones_own_uploads_and_what_the_row_holds(world: World) -> None:
    (old,) = held(world)
    new = stored(world, "manager")
    data = f"photos={new.pk}&photos={old.pk}&note=x"
    form = bound(world, data, "manager", [old])
    assert form.is_valid(), form.errors
    assert form.cleaned_data["photos"] == [new, old]
    form = bound(world, data, "clerk", [old])
    assert "重新上传" in str(form.errors["photos"])


def test_a_form_that_comes_back_holds_what_was_uploaded_and_what_was_said_of_it(
    world: World, rf: RequestFactory
) -> None:
    """Of another's upload, and of one that is saved, nothing is said by the way."""
    mine, foreign, (saved,) = stored(world), stored(world, "manager"), held(world)
    said = {f"photos_caption_{file.pk}": "卡口" for file in (mine, foreign, saved)}
    request = rf.post("/", {"photos": [mine.pk], "note": "", **said})
    request.user = world.users["clerk"]
    receiving.take_in(request)
    form = PhotosForm(request.POST, user=world.users["clerk"])
    assert not form.is_valid()
    drawn = str(form["photos"])
    assert f'name="photos" value="{mine.pk}"' in drawn
    assert 'value="卡口"' in drawn
    assert form.is_multipart()
    assert list(StoredFile.objects.exclude(caption="")) == [mine]


def test_too_many_and_none_at_all_are_said(world: World) -> None:
    files = [stored(world) for _ in range(3)]
    many = "&".join(f"photos={file.pk}" for file in files)
    assert "最多 2 张,现在有 3 张" in str(bound(world, many).errors["photos"])
    assert "photos" not in bound(world, f"{many}&photos_drop={files[0].pk}").errors
    form = bound(world, "note=x")
    form.fields["photos"].required = True
    assert "请至少上传一张照片" in str(form.errors["photos"])


@pytest.mark.parametrize("word", ["x", "-1", "9" * 30, "１", "1;drop"])
def test_what_is_no_number_is_no_file(world: World, word: str) -> None:
    form = bound(world, f"photos={word}&note=x")
    assert form.is_valid()
    assert form.cleaned_data["photos"] == []


def test_without_scripts_the_files_come_with_the_form(world: World, rf: RequestFactory) -> None:
    """The good ones stay in the form, the bad ones are said at the field, and saving again is enough."""
    request = rf.post("/", {"note": "x", "photos_photos": [upload("好.jpg"), upload("坏.jpg", b"text")]})
    request.user = world.users["clerk"]
    receiving.take_in(request)
    form = PhotosForm(request.POST, user=world.users["clerk"])
    assert not form.is_valid()
    assert "“坏.jpg”不是照片" in str(form.errors["photos"])
    file = StoredFile.objects.get()
    assert f'name="photos" value="{file.pk}"' in str(form["photos"])
    assert bound(world, f"photos={file.pk}&note=x").is_valid()
    assert dict(request.FILES) == {}


# --- What goes by itself --------------------------------------------------------------------------


def older(file: StoredFile, **times: timedelta) -> None:
    now = timezone.now()
    StoredFile.objects.filter(pk=file.pk).update(**{name: now - age for name, age in times.items()})


def test_uploads_go_after_a_day_and_what_was_removed_after_thirty(world: World) -> None:
    fresh, stale, submitted = stored(world), stored(world), stored(world)
    kept, removed, gone = held(world, "一.jpg", "二.jpg", "三.jpg")
    hold(actor=world.actor(), row=world.branch, files=[kept])
    older(stale, uploaded_at=timedelta(hours=25))
    older(submitted, uploaded_at=timedelta(days=25), sent_at=timedelta(days=25))
    older(kept, uploaded_at=timedelta(days=400))
    older(gone, removed_at=timedelta(days=31))
    assert keeping.forget_past() == 2
    left = {fresh.pk, submitted.pk, kept.pk, removed.pk}
    assert set(StoredFile.objects.values_list("pk", flat=True)) == left
    assert {key for _path, key in disk.paths()} == {
        fresh.key, submitted.key, kept.key, removed.key,
    }  # fmt: skip


def test_the_command_finds_what_does_not_fit(world: World, folder: Path, capsys: Any) -> None:
    good, lost, changed = stored(world), stored(world, name="丢.jpg"), stored(world, name="改.jpg")
    call_command("orphans")
    disk.path_of(lost.key, disk.THUMB).unlink()
    disk.path_of(changed.key).write_bytes(photo())
    stray = folder / good.key[:2] / ("f" * 32)
    young = folder / good.key[:2] / ("e" * 32)
    for path in (stray, young):
        path.write_bytes(b"x")
    os.utime(stray, (time.time() - 7200,) * 2)
    older(good, uploaded_at=timedelta(days=2))
    capsys.readouterr()
    with pytest.raises(CommandError, match="还有 3 个"):
        call_command("orphans")
    said = capsys.readouterr().out
    assert str(stray) in said
    assert str(young) not in said
    assert "丢.jpg" in said
    with pytest.raises(CommandError, match="还有 2 个"):
        call_command("orphans", "--content", "--delete")
    assert "改.jpg" in capsys.readouterr().out
    assert not stray.exists()
    assert young.exists()
    assert set(StoredFile.objects.all()) == {lost, changed}


# --- Albums ---------------------------------------------------------------------------------------


def test_an_album_has_the_photos_of_the_rows_that_are_seen(world: World) -> None:
    held(world, "一.jpg", "二.jpg")
    hold(actor=world.actor(), row=world.other, files=[stored(world, name="通知.pdf", kind="file")])
    rows = Organization.objects.all()

    def seen(who: str) -> list[str]:
        return [file.name for file in album.photos_of(world.users[who], "organization", rows)]

    assert (seen("viewer"), seen("elsewhere")) == (["二.jpg", "一.jpg"], [])
    by_row = album.files_by_row("organization", [world.branch.pk, world.other.pk])
    assert [[file.name for file in files] for files in by_row.values()] == [
        ["一.jpg", "二.jpg"],
        ["通知.pdf"],
    ]


def test_who_is_gone_leaves_the_photos(world: World) -> None:
    held(world)
    User.objects.filter(pk=world.users["clerk"].pk).update(is_active=False)
    assert names(world) == ["巡逻.jpg"]
