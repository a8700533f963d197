"""Every operation asks for the right itself: an actor without it, or outside, changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_otp.oath import totp

from registry import access, nouns
from registry.accounts import grants, second_factor
from registry.accounts import operations as accounts
from registry.audit import Actor
from registry.closings import operations as closings
from registry.imports import operations as imports
from registry.logbooks.operations import deciding, logbooks
from registry.logbooks.operations.entries import add_entry, edit_entry
from registry.logbooks.operations.logbooks import add_logbook
from registry.models import AuditEntry, Figure, GrantRole, RuleException, Source, Unit
from registry.operations import (
    approving,
    assignments,
    campaigns,
    compliance,
    covering,
    key_figures,
    leaving,
    merging,
    organizations,
    people,
    rebuilding,
    reorganizing,
    sources,
    units,
)
from registry.operations.bulk import bulk_load
from registry.operations.bulk_rows import Load
from registry.refusals import NeedsApproval, NotAllowed, OperationRefused
from registry.service import operations as service
from registry.service.rules import Writing
from tests.factories import assign, make_campaign, make_organization, make_person, make_unit, make_user
from tests.two_bureaus import VISITS, noting, written

pytestmark = pytest.mark.django_db

ROLES = tuple(GrantRole.values)
ON = date(2020, 3, 1)
KEY = "00" * 20
ONESELF = (
    *("change_password", "choose_columns", "choose_mail", "end_sessions", "skip_start"),
    "turn_on_second_factor",
)


class Place:
    """A unit with something of everything, and a user for each role."""

    def __init__(self, code: str, top: Unit) -> None:
        self.unit = make_unit(code, top)
        self.station = make_unit(f"{code}-station", self.unit)
        self.spare = make_unit(f"{code}-spare", self.unit)
        self.committee = make_organization(self.unit, "committee", code=f"{code}-committee")
        self.branch = make_organization(self.unit, code=f"{code}-branch")
        self.second = make_organization(self.unit, code=f"{code}-second")
        self.joint = make_organization(self.unit, "joint_branch", code=f"{code}-joint", is_temporary=True)
        self.draft = make_organization(self.unit, code=f"{code}-draft", state="draft")
        self.submitted = make_organization(self.unit, code=f"{code}-submitted", state="submitted")
        self.person = make_person("张三", self.unit)
        self.assignment = assign(self.branch, make_person("李四", self.unit))
        assign(self.branch, make_person("王五", self.unit))  # stays where the branch is split
        self.left = leaving.end_service(
            actor=Actor(), person=make_person(unit=self.unit), leaving="retired", on=ON, reason="到龄"
        )
        self.campaign = make_campaign(f"{code}-campaign", lead_unit=self.unit)
        self.closing = closings.close_campaign(
            actor=Actor(),
            campaign=make_campaign(f"{code}-closed", lead_unit=self.unit),
            on=ON,
            document_number="1号",
            reason="完成",
        )
        self.source = Source.objects.create(number=Source.objects.count() + 1, title="报道", unit=self.unit)
        self.withdrawn = Source.objects.create(
            number=Source.objects.count() + 1, title="误录", unit=self.unit, is_withdrawn=True
        )
        self.figure, self.taken_back = (
            Figure.objects.create(
                code=f"{code}-{at}",
                source=self.source,
                unit=self.unit,
                is_withdrawn=at > 0,
                metric="pioneer_posts",
                label="先锋岗",
                value="1",
                qualifier="exact",
            )
            for at in range(2)
        )
        self.exception = RuleException.objects.create(
            slug="group_leader",
            organization=self.branch,
            document_number="1号",
            reason="新建",
            started_on=ON,
            ended_on=date(2020, 4, 1),
        )
        self.over = make_campaign(f"{code}-over", lead_unit=self.unit, ended_on=ON)
        self.served = make_organization(self.unit, code=f"{code}-served", campaign=self.over)
        self.unsigned, self.signed = make_person(unit=self.unit), make_person(unit=self.unit)
        for each in (self.unsigned, self.signed):
            assign(self.served, each)
        service.sign_receipts(actor=Actor(), campaign=self.over, people=[self.signed], on=ON)
        self.logbook, self.kept = (
            add_logbook(
                actor=Actor(),
                unit=self.unit,
                code=f"{code}-log{at}",
                name=f"走访{at}",
                design=VISITS,
                started_on=day,
            )
            for at, day in enumerate((date(2020, 1, 1), None))
        )
        self.drafted, self.logged = (
            add_entry(
                actor=Actor(), logbook=self.logbook, unit=self.station, happened_on=ON,
                values={"place": "社区", "visitors": [(self.person, "")]}, is_draft=is_draft,
            )
            for is_draft in (True, False)
        )  # fmt: skip
        self.other = make_user(f"{code}-other", self.station, "viewer")
        self.disabled = make_user(f"{code}-disabled", self.station, "viewer", is_active=False)
        self.users = {role: make_user(f"{code}-{role}", self.unit, role) for role in ROLES}


class World:
    """Two units beside each other: here something is done, there are the strangers."""

    def __init__(self) -> None:
        top = make_unit("top")
        self.here, self.there = Place("here", top), Place("there", top)
        self.superuser, self.nobody = make_user("root", is_superuser=True), make_user("nobody")


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield World()
        transaction.set_rollback(True)


Attempt = Callable[[Actor, Place, World], Any]


ATTEMPTS: dict[str, Attempt] = {
    "add_logbook": lambda by, here, world: logbooks.add_logbook(
        actor=by, unit=here.unit, name="新台账", design=VISITS
    ),
    "edit_logbook": lambda by, here, world: logbooks.edit_logbook(
        actor=by, logbook=here.logbook, changes={"name": "改名"}
    ),
    "edit_logbook_fields": lambda by, here, world: logbooks.add_fields(
        actor=by,
        logbook=here.logbook,
        unit=here.station,
        fields=[{"key": "more", "label": "补充", "type": "text"}],
    ),
    "start_logbook": lambda by, here, world: logbooks.start_logbook(actor=by, logbook=here.kept, on=ON),
    "end_logbook": lambda by, here, world: logbooks.end_logbook(
        actor=by, logbook=here.kept, on=ON, reason="不用"
    ),
    "add_entry": lambda by, here, world: add_entry(
        actor=by,
        logbook=here.logbook,
        unit=here.station,
        happened_on=ON,
        values={"place": "社区", "visitors": [(here.person, "")]},
    ),
    "edit_entry": lambda by, here, world: edit_entry(actor=by, entry=here.logged, changes={"place": "学校"}),
    "submit_entry": lambda by, here, world: deciding.submit_entries(actor=by, entries=[here.drafted]),
    "step_entry": lambda by, here, world: deciding.step_entry(
        actor=by, entry=here.logged, step="closed", on=ON
    ),
    "withdraw_entry": lambda by, here, world: deciding.withdraw_entry(
        actor=by, entry=here.logged, reason="误录"
    ),
    "approve_entry": lambda by, here, world: deciding.approve_entries(actor=by, entries=[here.logged]),
    "return_entry": lambda by, here, world: deciding.return_entries(
        actor=by, entries=[here.logged], reason="缺照片"
    ),
    "add_unit": lambda by, here, world: units.add_unit(
        actor=by, code="new", name="新所", kind="station", superior=here.unit
    ),
    "edit_unit": lambda by, here, world: units.edit_unit(actor=by, unit=here.unit, changes={"note": "新"}),
    "move_unit": lambda by, here, world: units.move_unit(
        actor=by, unit=here.spare, superior=here.station, on=ON, reason="理顺"
    ),
    "choose_key_figures": lambda by, here, world: key_figures.choose_key_figures(
        actor=by, unit=here.unit, metrics=["frontline_people"]
    ),
    "merge_unit": lambda by, here, world: units.merge_unit(
        actor=by, unit=here.spare, into=here.station, on=ON, reason="并"
    ),
    "close_unit": lambda by, here, world: units.close_unit(actor=by, unit=here.spare, on=ON, reason="撤"),
    "establish_organization": lambda by, here, world: organizations.establish_organization(
        actor=by,
        unit=here.unit,
        kind="work_group",
        name="新组",
        code="new",
        established_on=ON,
        state="submitted",
    ),
    "edit_organization": lambda by, here, world: organizations.edit_organization(
        actor=by, organization=here.branch, changes={"note": "新"}
    ),
    "move_organization": lambda by, here, world: organizations.move_organization(
        actor=by,
        organization=here.draft,
        parent=here.committee,
        reason="理顺",
    ),
    "transfer_organization": lambda by, here, world: organizations.transfer_organization(
        actor=by, organization=here.branch, unit=here.station, on=ON, reason="转"
    ),
    "cover_units": lambda by, here, world: covering.cover_units(
        actor=by, organization=here.joint, units=[here.station], on=ON, reason="合署"
    ),
    "dissolve_organization": lambda by, here, world: organizations.dissolve_organization(
        actor=by, organization=here.branch, on=ON, reason="结束"
    ),
    "merge_organization": lambda by, here, world: reorganizing.merge_organization(
        actor=by, organization=here.branch, into=here.second, on=ON, reason="合并"
    ),
    "split_organization": lambda by, here, world: reorganizing.split_organization(
        actor=by,
        organization=here.branch,
        name="新支部",
        on=ON,
        members=[here.assignment],
        reason="拆分",
    ),
    "reconstitute_organization": lambda by, here, world: reorganizing.reconstitute_organization(
        actor=by, organization=here.branch, kind="general_branch", name="总支", on=ON, reason="改设"
    ),
    "withdraw_organization": lambda by, here, world: organizations.withdraw_organization(
        actor=by, organization=here.branch, reason="误录"
    ),
    "submit_organization": lambda by, here, world: approving.submit_organization(
        actor=by, organization=here.draft
    ),
    "approve_organization": lambda by, here, world: approving.approve_organization(
        actor=by,
        organization=here.submitted,
        approval_number="3号",
        approving_organization=here.committee,
    ),
    "return_organization": lambda by, here, world: approving.return_organization(
        actor=by, organization=here.submitted, reason="不全"
    ),
    "add_person": lambda by, here, world: people.add_person(
        actor=by, number="new", name="新人", category="officer", home_unit=here.unit
    ),
    "edit_person": lambda by, here, world: people.edit_person(
        actor=by, person=here.person, changes={"note": "新"}
    ),
    "change_political_status": lambda by, here, world: people.change_political_status(
        actor=by, person=here.person, status="masses", on=ON
    ),
    "transfer_person": lambda by, here, world: people.transfer_person(
        actor=by, person=here.person, home_unit=here.station, on=ON
    ),
    "end_service": lambda by, here, world: leaving.end_service(
        actor=by, person=here.person, leaving="retired", on=ON, reason="到龄"
    ),
    "restore_service": lambda by, here, world: leaving.restore_service(
        actor=by, person=here.left, reason="误登"
    ),
    "merge_person": lambda by, here, world: merging.merge_person(
        actor=by, person=here.person, other=here.assignment.person, reason="重复"
    ),
    "assign_person": lambda by, here, world: assignments.assign_person(
        actor=by, organization=here.branch, person=here.person, started_on=ON
    ),
    "edit_assignment": lambda by, here, world: assignments.edit_assignment(
        actor=by, assignment=here.assignment, changes={"started_on": ON}, reason="笔误"
    ),
    "change_role": lambda by, here, world: assignments.change_role(
        actor=by, assignment=here.assignment, role="secretary", on=ON
    ),
    "end_assignment": lambda by, here, world: assignments.end_assignment(
        actor=by, assignment=here.assignment, on=ON
    ),
    "withdraw_assignment": lambda by, here, world: assignments.withdraw_assignment(
        actor=by, assignment=here.assignment, reason="误录"
    ),
    "write_opinion": lambda by, here, world: service.write_opinions(
        actor=by, organization=here.served, writings=[Writing(here.unsigned, "好")]
    ),
    "sign_receipt": lambda by, here, world: service.sign_receipts(
        actor=by, campaign=here.over, people=[here.unsigned], on=ON
    ),
    "return_receipt": lambda by, here, world: service.return_receipts(
        actor=by, campaign=here.over, people=[here.signed], reason="误签"
    ),
    "remind_receipts": lambda by, here, world: service.remind_receipts(
        actor=by, campaign=here.over, unit=here.unit, due_on=timezone.localdate()
    ),
    "start_campaign": lambda by, here, world: campaigns.start_campaign(
        actor=by, name="新任务", started_on=ON, lead_unit=here.unit
    ),
    "edit_campaign": lambda by, here, world: campaigns.edit_campaign(
        actor=by, campaign=here.campaign, changes={"name": "新名"}
    ),
    "end_campaign": lambda by, here, world: campaigns.end_campaign(
        actor=by, campaign=here.campaign, on=ON, reason="结束"
    ),
    "reopen_campaign": lambda by, here, world: campaigns.reopen_campaign(
        actor=by, campaign=here.over, reason="误结束"
    ),
    "close_campaign": lambda by, here, world: closings.close_campaign(
        actor=by, campaign=here.campaign, on=ON, document_number="31号", reason="结束"
    ),
    "reopen_closing": lambda by, here, world: closings.reopen_closing(
        actor=by, closing=here.closing, reason="误结束"
    ),
    "add_source": lambda by, here, world: sources.add_source(actor=by, unit=here.unit, title="新"),
    "edit_source": lambda by, here, world: sources.edit_source(
        actor=by, source=here.source, changes={"title": "新"}
    ),
    "withdraw_source": lambda by, here, world: sources.withdraw_source(
        actor=by, source=here.source, reason="误录"
    ),
    "restore_source": lambda by, here, world: sources.restore_source(
        actor=by, source=here.withdrawn, reason="没有误录"
    ),
    "add_figure": lambda by, here, world: sources.add_figure(
        actor=by, source=here.source, metric="pioneer_posts", label="先锋岗", value="1", qualifier="exact"
    ),
    "edit_figure": lambda by, here, world: sources.edit_figure(
        actor=by, figure=here.figure, changes={"value": "2"}
    ),
    "withdraw_figure": lambda by, here, world: sources.withdraw_figure(
        actor=by, figure=here.figure, reason="误录"
    ),
    "restore_figure": lambda by, here, world: sources.restore_figure(
        actor=by, figure=here.taken_back, reason="没有误录"
    ),
    "grant_exception": lambda by, here, world: compliance.grant_exception(
        actor=by,
        organization=here.branch,
        slug="committee_size",
        document_number="2号",
        reason="新建",
        started_on=ON,
        ended_on=date(2020, 4, 1),
    ),
    "end_exception": lambda by, here, world: compliance.end_exception(
        actor=by, exception=here.exception, on=ON, reason="不需要了"
    ),
    "rebuild_counts": lambda by, here, world: rebuilding.rebuild_counts(actor=by),
    "bulk_load": lambda by, here, world: bulk_load(actor=by, load=Load(), at="top"),
    "add_user": lambda by, here, world: accounts.add_user(
        actor=by,
        username="new",
        display_name="新",
        unit=here.unit,
        role="viewer",
        started_on=timezone.localdate(),
    ),
    "grant_role": lambda by, here, world: grants.grant_role(
        actor=by, user=here.other, unit=here.unit, role="clerk", started_on=timezone.localdate()
    ),
    "end_grant": lambda by, here, world: grants.end_grant(
        actor=by, grant=here.other.grants.get(), reason="调离"
    ),
    "edit_user": lambda by, here, world: accounts.edit_user(
        actor=by, user=here.other, changes={"display_name": "新名"}, reason="更正"
    ),
    "disable_user": lambda by, here, world: accounts.disable_user(actor=by, user=here.other, reason="停"),
    "enable_user": lambda by, here, world: accounts.enable_user(actor=by, user=here.disabled),
    "set_one_time_password": lambda by, here, world: accounts.set_one_time_password(
        actor=by, user=here.other
    ),
    "close_login": lambda by, here, world: accounts.close_login(actor=by, user=here.other, reason="停"),
    "change_password": lambda by, here, world: accounts.change_password(
        actor=by, user=here.other, password="Lanzi-Shitou-hong-7"
    ),
    "turn_on_second_factor": lambda by, here, world: second_factor.turn_on(
        actor=by, user=here.other, key=KEY, code=f"{totp(bytes.fromhex(KEY)):06}"
    ),
    "end_sessions": lambda by, here, world: accounts.end_sessions(actor=by, user=here.other),
    "skip_start": lambda by, here, world: accounts.skip_start(actor=by, user=here.other),
    "choose_mail": lambda by, here, world: accounts.choose_mail(
        actor=by, user=here.other, email="somebody@example.org", wants_mail=True
    ),
    "choose_columns": lambda by, here, world: accounts.choose_columns(
        actor=by, user=here.other, of="people_export", columns=["category"]
    ),
}
"""For each verb: how it is done here."""

ASKED_ELSEWHERE = {
    "see": "what a user sees: tests/test_access.py",
    "read_record": "a page: tests/test_access_table.py",
    "see_system": "a page: tests/test_access_table.py",
    "export": "a page: tests/test_access_table.py",
    "print": "a page: tests/test_access_table.py",
    "view_personal_data": "a page: tests/test_access_table.py",
    **dict.fromkeys(
        ("set_rule", "set_holidays", "remove_holidays"), "at the top: tests/operations/test_compliance.py"
    ),
    "rebuild_trees": "records only when something was wrong",
    "restore_guards": "records only when something was wrong",
    "run_command": "on the server: tests/accounts/test_commands.py",
    **dict.fromkeys(
        ("back_up", "prove_backup", "restore_backup"), "on the server: tests/operating/test_backup.py"
    ),
    "move_database": "on the server: tests/operating/test_moving.py",
    "open_login": "only with DEBUG",
    **dict.fromkeys(
        ("propose", "confirm_proposal", "drop_proposal"), "two managers: tests/accounts/test_proposals.py"
    ),
    **dict.fromkeys(("delegate_approval", "end_delegation"), "one's own: tests/accounts/test_delegations.py"),
    "add_administrator": "on the server: tests/accounts/test_commands.py",
    "set_up": "only in an empty registry: tests/test_setup.py",
    **dict.fromkeys(("turn_off_second_factor", "renew_recovery_codes"), "as turn_on_second_factor"),
    **dict.fromkeys(
        ("login", "login_failed", "login_locked", "logout", "look_up_numbers", "borrowing_locked"),
        "happens, nobody is asked",
    ),
    "upload_import": "one's own imports: below",
    **dict.fromkeys(
        ("recheck_import", "confirm_import", "cancel_import", "take_back_import"), "one's own imports: below"
    ),
    **dict.fromkeys(
        ("ask_closing", "ask_reopening", "cancel_closing"),
        "as close_campaign and reopen_closing: tests/closings",
    ),
    **dict.fromkeys(("ask_export", "cancel_export"), "one's own exports: tests/exports"),
    **dict.fromkeys(("store_file", "caption_file", "remove_file", "restore_file"), "tests/files"),
    **dict.fromkeys(
        (
            *("submit_change", "submit_submission", "approve_submission"),
            *("return_submission", "withdraw_submission"),
        ),
        "two people: tests/approvals",
    ),
    "import_workbook": "each row by the verb of its noun: tests/imports",
}


def test_every_declared_verb_is_tried() -> None:
    assert set(ATTEMPTS) | set(ASKED_ELSEWHERE) == set(nouns.all_verbs())
    assert set(ATTEMPTS) & set(ASKED_ELSEWHERE) == set()
    roles = {role for verb in nouns.all_verbs().values() for role in verb.roles}
    assert roles == set(ROLES)


def tried(verb: str, by: Actor, world: World) -> bool:
    """Try it, look at what was written, take it back; return whether it was allowed."""
    savepoint = transaction.savepoint()
    try:
        with noting() as asked:
            ATTEMPTS[verb](by, world.here, world)
    except NotAllowed:
        assert not written(asked)
        return False
    except NeedsApproval:  # it may be submitted: tests/approvals
        assert not written(asked)
        return True
    else:
        assert AuditEntry.objects.filter(verb=verb, user=by.user).exists()
        return True
    finally:
        transaction.savepoint_rollback(savepoint)


@pytest.mark.parametrize("verb", ATTEMPTS)
def test_who_may_do_it(verb: str, world: World) -> None:
    roles = nouns.verb(verb).roles
    for role in ROLES:
        inside, outside = (place.users[role] for place in (world.here, world.there))
        assert tried(verb, Actor(user=inside), world) == (role in roles), role
        assert not tried(verb, Actor(user=outside), world), role
    assert not tried(verb, Actor(user=world.nobody), world)
    assert tried(verb, Actor.system("命令"), world)
    if verb in ONESELF:
        assert tried(verb, Actor(user=world.here.other), world)
    else:
        assert tried(verb, Actor(user=world.superuser), world)


def test_what_leads_elsewhere_needs_the_right_there_too(world: World) -> None:
    by, here, there = Actor(user=world.here.users["manager"]), world.here, world.there
    for reach in (
        lambda: units.move_unit(actor=by, unit=here.spare, superior=there.unit, on=ON, reason="划出"),
        lambda: units.move_unit(actor=by, unit=here.spare, superior=None, on=ON, reason="划出"),
        lambda: units.merge_unit(actor=by, unit=here.spare, into=there.unit, on=ON, reason="并"),
        lambda: units.add_unit(actor=by, code="new", name="新", kind="bureau", superior=None),
        lambda: organizations.transfer_organization(
            actor=by, organization=here.branch, unit=there.unit, on=ON, reason="转"
        ),
        lambda: covering.cover_units(
            actor=by, organization=here.joint, units=[here.station, there.unit], on=ON, reason="合署"
        ),
        lambda: organizations.establish_organization(
            actor=by,
            unit=here.unit,
            kind="joint_branch",
            name="新联合党支部",
            established_on=ON,
            state="submitted",
            covered=[there.unit],
        ),
        lambda: people.transfer_person(actor=by, person=here.person, home_unit=there.unit, on=ON),
        lambda: merging.merge_person(actor=by, person=here.person, other=there.person, reason="重复"),
        lambda: campaigns.start_campaign(actor=by, name="新", started_on=ON, lead_unit=there.unit),
        lambda: sources.add_figure(
            actor=by, source=here.source, unit=there.unit, metric="x", label="x", value="1", qualifier="exact"
        ),
        lambda: sources.edit_figure(actor=by, figure=here.figure, changes={"unit": there.unit}),
        lambda: campaigns.edit_campaign(actor=by, campaign=here.campaign, changes={"lead_unit": there.unit}),
        lambda: grants.grant_role(actor=by, user=here.other, unit=there.unit, role="viewer", started_on=ON),
        lambda: grants.grant_role(actor=by, user=there.other, unit=here.unit, role="viewer", started_on=ON),
        lambda: accounts.disable_user(actor=by, user=world.nobody, reason="停"),
        lambda: accounts.disable_user(actor=by, user=world.superuser, reason="停"),
        lambda: rebuilding.rebuild_trees(actor=by),
        # of many, each: one that is outside stops them all
        lambda: people.edit_people(
            actor=by, changes=[(here.person, {"note": "新"}), (there.person, {"note": "新"})]
        ),
        lambda: assignments.change_roles(
            actor=by, changes=[(each.assignment, "secretary", ON) for each in (here, there)]
        ),
        lambda: assignments.end_assignments(actor=by, ends=[(here.assignment, ON), (there.assignment, ON)]),
    ):
        with noting() as asked, pytest.raises(NotAllowed):
            reach()
        assert not written(asked)


def test_no_user_registers_what_counts_at_once(world: World) -> None:
    """Whatever the roles: somebody else approves it. Only commands write what was approved elsewhere."""
    for user in (*world.here.users.values(), world.superuser):
        with pytest.raises(OperationRefused):
            organizations.establish_organization(
                actor=Actor(user=user),
                unit=world.here.unit,
                kind="work_group",
                name="新组",
                code="new",
                established_on=ON,
                state="approved",
            )


def test_a_grant_that_ended_since_the_form_was_opened(world: World) -> None:
    """The right is read anew in the operation, not taken from what the page remembered."""
    clerk = world.here.users["clerk"]
    assert access.may(clerk, "edit_person", world.here.person)
    savepoint = transaction.savepoint()
    clerk.grants.update(ended_on=timezone.localdate())
    with pytest.raises(NotAllowed):
        people.edit_person(actor=Actor(user=clerk), person=world.here.person, changes={"note": "新"})
    transaction.savepoint_rollback(savepoint)
    access.forget_grants(clerk)


@pytest.mark.parametrize("is_rehearsed", [False, True])
def test_who_moves_the_own_unit_goes_on_seeing_the_own_and_nobody_elses(is_rehearsed: bool) -> None:
    """By another name it comes behind its neighbour: what is known of the old order is forgotten."""
    top = make_unit("top", kind="department")
    own, _other = make_unit("own", top, name="甲局"), make_unit("other", top, name="乙局")
    make_unit("below", own, kind="station")
    manager = make_user("mover", own)
    seen_before = set(access.visible(manager, Unit.objects.all()).values_list("code", flat=True))
    with transaction.atomic():
        units.edit_unit(actor=Actor(user=manager), unit=own, changes={"name": "中局"}, reason="更名")
        assert [each.code for each in Unit.objects.filter(parent=top).order_by("lft")] == ["other", "own"]
        transaction.set_rollback(is_rehearsed)
    found = set(access.visible(manager, Unit.objects.all()).values_list("code", flat=True))
    assert found == seen_before == {"own", "below"}


def test_an_organization_below_that_is_outside_is_neither_dissolved_nor_named(world: World) -> None:
    savepoint = transaction.savepoint()
    clerk = Actor(user=world.here.users["clerk"])
    make_organization(world.there.unit, code="below", name="外单位支部", parent=world.here.committee)
    for act in (
        lambda: organizations.dissolve_organization(
            actor=clerk, organization=world.here.committee, on=ON, reason="结束"
        ),
        lambda: organizations.withdraw_organization(
            actor=clerk, organization=world.here.committee, reason="误录"
        ),
    ):
        with pytest.raises(OperationRefused, match="不在您管理范围内") as refusal:
            act()
        assert "外单位支部" not in str(refusal.value)
    transaction.savepoint_rollback(savepoint)


@pytest.mark.parametrize("role", ROLES)
def test_imports_are_for_oneself_and_for_who_enters(world: World, role: str) -> None:
    user, colleague = world.here.users[role], world.there.users[role]
    savepoint = transaction.savepoint()
    handed_in = imports.hand_in(
        actor=Actor.system("命令"), user=user, file_name="a.csv", content="警号,姓名\n1,张三\n".encode()
    )
    for act in (
        lambda by: imports.hand_in(
            actor=by, user=user, file_name="b.csv", content="警号,姓名\n2,李四\n".encode()
        ),
        lambda by: imports.confirm_import(actor=by, import_=handed_in),
        lambda by: imports.recheck_import(actor=by, import_=handed_in),
        lambda by: imports.cancel_import(actor=by, import_=handed_in),
    ):
        for by in (user, colleague):
            try:
                act(Actor(user=by))
                is_allowed = True
            except NotAllowed:
                is_allowed = False
            except OperationRefused:  # the state of the import does not allow it: the right does
                is_allowed = True
            assert is_allowed == (by == user and role in ("clerk", "manager")), role
    transaction.savepoint_rollback(savepoint)
