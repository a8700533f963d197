"""Rows of organizations: established, their plain facts changed, dissolved."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from copy import copy
from typing import Any

from registry import access
from registry.audit import Actor
from registry.importers import naming
from registry.importers.cases import Case, ask
from registry.importers.session import REASON, Importer, Session, anchor, parents_first
from registry.imports.covered import Covers
from registry.models import Campaign, Organization, Unit, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.models.unit import MAX_DEPTH
from registry.nouns.organization import ORGANIZATION
from registry.nouns.unit import UNIT
from registry.operations.organizations import (
    dissolve_organization,
    edit_organization,
    establish_organizations,
)
from registry.operations.submitting import WAITS, or_submit
from registry.rules import covering, workflow
from registry.rules import organizations as rules
from registry.rules.dissolutions import Dissolution, extents
from registry.search.index import batches
from registry.search.named import answers_to
from registry.spreadsheets.reading import Table

FACTS = ("name", "aliases", "honour_title", "established_on", "approval_number", "approved_on", "note")
_FIXED = (
    ("kind", "组织类型不能通过导入修改;登记有误的,请在组织页面用“更正登记”办理。"),
    ("is_temporary", "临时或常设不能通过导入修改;登记有误的,请在组织页面用“更正登记”办理。"),
    ("unit", "所在单位不能通过导入调整,请在组织页面用“转隶”办理(要填生效日期)。"),
    ("parent", "上级组织不能通过导入调整,请在组织页面用“调整上级组织”办理。"),
)


class OrganizationImporter(Importer):
    """Judges and writes organizations, all of them at once: a superior may stand below its organization.

    What the workbook dissolves is dissolved last, what stands below before what stands above: the
    assignments end with it.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.new: list[Organization] = []
        self._covers = Covers(session)
        self._covered: list[list[Unit]] = []
        """What each of the new ones covers."""
        self._ending: list[Case] = []
        self._superiors: dict[int, dict[str, Organization]] = {}
        self._campaigns: dict[str, list[Campaign]] = {}

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield all rows."""
        session = self.session
        cases = list(session.cases(tables))
        self._resolve(cases)
        session.know_units(case.text("unit") for case in cases)
        session.know_organizations(case.text("parent") for case in cases)
        for campaign in access.visible(session.user, Campaign.objects.all()) if cases else ():
            for word in {campaign.code, campaign.name}:
                self._campaigns.setdefault(word, []).append(campaign)
        added: dict[str, Case] = {}
        changed: list[Case] = []
        for case in cases:
            session.clean(case, Organization, ("code", "kind", "dissolution_number", *FACTS))
            self._find_campaign(case)
            case.summary = case.text("name")[:300]
            organization = session.organizations.get(case.key)
            if organization is not None:
                self._change(case, organization)
                changed.append(case)
            elif case.key and "code" not in case.bad:
                added[case.key] = case
        self._judge_changes(changed)
        for case in parents_first(added, "parent"):
            self._add(case)
            session.note_wrong(case)
        self._warn_of_names(list(added.values()))
        yield [case.judged() for case in cases]

    def _resolve(self, cases: list[Case]) -> None:
        """Resolve the names of the organizations themselves, their units and superiors."""
        session = self.session
        naming.give_codes(session, cases, "organization", _stands_at)
        session.know_organizations(case.text("code") for case in cases)
        there = session.organizations
        naming.plan(session, cases, "organization", there)

        def now(case: Case, name: str) -> Any:
            row = there.get(case.key)
            return getattr(row, name) if row is not None else None

        verb = "establish_organization"
        units = naming.resolve(session, cases, "unit", "unit", verb, lambda case: now(case, "unit"))
        naming.refuse(session, units, "unit", "unit")
        session.know_units(case.text("unit") for case in cases)
        self._covers.resolve(cases)
        superiors = naming.resolve(
            session, cases, "parent", "organization", "see", lambda case: now(case, "parent"), _is_superior
        )
        for case, word, rows in list(superiors):
            unit = session.unit(case.text("unit"), verb)
            offered = [row for row in self._offered(unit) if answers_to(ORGANIZATION, row, word)]
            if not rows and len(offered) == 1:
                case.given["parent"] = offered[0].code
            else:
                case.wrong("parent", naming.said("organization", word, rows or offered))

    def _offered(self, unit: Unit | None) -> Collection[Organization]:
        """Return the superiors from outside the scope that the register form offers at a unit."""
        at = anchor(unit) if unit is not None else None
        if at is None:
            return ()
        if at.pk not in self._superiors:
            rows = access.superiors(self.session.user, at)
            self._superiors[at.pk] = {row.code: row for row in rows}
        return self._superiors[at.pk].values()

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Change what is there, then add what is new."""
        for case in cases:
            changes = {slug: value for slug, value in case.edits.items() if slug != "dissolved_on"}
            if "dissolved_on" in case.edits:
                changes.pop("dissolution_number", None)
                self._ending.append(case)
            if changes:
                or_submit(
                    edit_organization,
                    actor=actor,
                    organization=case.row,
                    changes=changes,
                    reason=reason,
                )
        if self.new:
            establish_organizations(actor=actor, organizations=self.new, covered=self._covered, reason=reason)
        self.session.renew()

    def review(self) -> list[Case]:
        """Add the warnings that the register form gives for the first members of new organizations."""
        found: dict[Case, None] = {}
        for some in batches(list(self.session.founded.values()), 500):
            cases = {_establishment(case.new): case for case in some}
            members = {each: self.session.first_members.get(case.key, []) for each, case in cases.items()}
            for finding in rules.first_member_warnings(members):
                case = cases[finding.subject]  # type: ignore[index]
                case.heed([finding])
                found[case] = None
        return list(found)

    def finish(self, actor: Actor, reason: str) -> None:
        """Dissolve what the workbook dissolves."""
        for case in sorted(self._ending, key=lambda case: -case.row.level):
            or_submit(
                dissolve_organization,
                actor=actor,
                organization=case.row,
                on=case.edits["dissolved_on"],
                document_number=case.edits.get("dissolution_number", ""),
                reason=reason,
            )

    def _find_campaign(self, case: Case) -> None:
        wanted = case.given.get("campaign")
        if wanted is None:
            return
        found = self._campaigns.get(str(wanted), [])
        if len(found) == 1:
            case.given["campaign"] = found[0]
        elif found:
            case.wrong("campaign", f"有 {len(found):,} 个专项任务叫“{wanted}”,请填代码。")
        else:
            case.wrong("campaign", f"没有代码或名称为“{wanted}”的专项任务。")

    # What is there

    def _change(self, case: Case, organization: Organization) -> None:
        session = self.session
        if not session.may("see", organization.unit):
            session.taken(case, "组织代码")
            return
        case.summary, case.row = organization.name, copy(organization)
        now: Organization = case.row
        if now.dissolved_on is not None and case.text("name") not in ("", now.name):
            case.wrong(
                "code",
                f"代码“{now.code}”是已于 {now.dissolved_on:%Y-%m-%d} 撤销的“{now.name}”的,不能改给别的组织。"
                "新组织请换一个代码,或不填代码。",
            )
            return
        self._see_end(case, now)
        case.compare(now, (*FACTS, "campaign"))
        self._see_number(case, now)
        fixed = (now.kind, now.is_temporary, now.unit.code, now.parent.code if now.parent else "")
        for (slug, how), value in zip(_FIXED, fixed, strict=True):
            case.refuse_change(slug, value, how)
        self._covers.compare(case, now)
        if case.edits and not session.may("edit_organization", now.unit):
            case.wrong("code", "您不能修改该组织,请由所在单位办理。")
        elif case.edits and now.state == WorkflowState.WITHDRAWN:
            case.wrong("code", "该组织已撤回,不能修改。")
        elif now.state == WorkflowState.APPROVED and (
            frozen := [name for name in rules.FROZEN if name in case.edits]
        ):
            case.look(frozen[0], WAITS)

    @staticmethod
    def _see_end(case: Case, now: Organization) -> None:
        end = case.given.get("dissolved_on")
        if end is None or end == now.dissolved_on:
            return
        if now.dissolved_on is None:
            case.edits["dissolved_on"] = end
        else:
            case.wrong(
                "dissolved_on",
                f"该组织已于 {now.dissolved_on:%Y-%m-%d} 撤销;更正撤销日期请在组织页面用“编辑”办理。",
            )

    @staticmethod
    def _see_number(case: Case, now: Organization) -> None:
        number = case.text("dissolution_number")
        if not number or number == now.dissolution_number:
            return
        if now.dissolved_on is None and "dissolved_on" not in case.edits:
            case.wrong("dissolution_number", "没有填撤销日期,不能填撤销文号。")
        else:
            case.edit("dissolution_number", now.dissolution_number, number)

    def _judge_changes(self, cases: list[Case]) -> None:
        """Ask the rules about corrections and dissolutions; what is right counts for the rows that follow."""
        session = self.session
        fine = [case for case in cases if case.edits and not case.is_wrong()]
        corrections = {}
        for case in fine:
            if {"established_on", "campaign"} & case.edits.keys():
                candidate = copy(case.row)
                for slug in ("established_on", "campaign"):
                    setattr(candidate, slug, case.edits.get(slug, getattr(candidate, slug)))
                corrections[rules.Correction(candidate, case.row, REASON)] = case
        ask(rules.correction_refusals, corrections)
        ask(covering.correction_refusals, corrections)
        self._judge_ends([case for case in fine if "dissolved_on" in case.edits and not case.is_wrong()])
        for case in fine:
            if case.is_wrong():
                continue
            organization = session.organizations[case.key]
            assert organization is not None
            if organization.state == WorkflowState.APPROVED and set(rules.COUNTED) & case.edits.keys():
                session.needs_reason = True
            for slug, value in case.edits.items():
                setattr(organization, slug, value)
            if "dissolved_on" in case.edits:
                session.dissolving[case.key] = case.edits["dissolved_on"]
            session.touch_organization(organization)
            session.touch_unit(organization.unit)

    def _judge_ends(self, cases: list[Case]) -> None:
        for some in batches(cases, 200):
            proposals = {Dissolution(case.row, case.edits["dissolved_on"]): case for case in some}
            found, refused = extents(
                list(proposals), lambda row: self.session.may("dissolve_organization", row.unit)
            )
            for finding in refused:
                proposals[finding.subject].heed([finding], "dissolved_on")  # type: ignore[index]
            for proposal, extent in found.items():
                note = f"自该日起撤销,结束 {extent.assignments:,} 人次编入"
                if below := len(extent.subordinates):
                    note += f",一并撤销下级组织 {below:,} 个"
                case = proposals[proposal]
                case.edit("dissolved_on", None, proposal.on, note)
                self.session.needs_reason = True
        self._end_in_order(cases)

    @staticmethod
    def _end_in_order(cases: list[Case]) -> None:
        """What stands below may not be dissolved later than what stands above."""
        by_tree: dict[int, list[Case]] = {}
        for case in cases:
            by_tree.setdefault(case.row.tree_id, []).append(case)
        for some in by_tree.values():
            for case in some:
                for other in some:
                    is_below = other.row.lft < case.row.lft and case.row.rght < other.row.rght
                    if is_below and case.edits["dissolved_on"] > other.edits["dissolved_on"]:
                        message = f"{other.where}的上级组织先于它撤销,撤销日期不能晚于上级组织。"
                        case.wrong("dissolved_on", message)
                        break

    # What is new

    def _add(self, case: Case) -> None:
        session, given = self.session, case.given
        case.need()
        kind, start, end = case.text("kind"), given.get("established_on"), given.get("dissolved_on")
        if kind in PARTY_KINDS and "is_temporary" not in given and "is_temporary" not in case.bad:
            case.wrong("is_temporary", "党组织须填写“是否临时”。")
        if end is None and "dissolution_number" in given:
            case.wrong("dissolution_number", "没有填撤销日期,不能填撤销文号。")
        unit = session.unit(case.text("unit"), "establish_organization")
        if case.text("unit") and unit is None:
            session.no_such(case, "unit", "units", "单位")
        parent = self._parent(case, unit)
        is_temporary = bool(given.get("is_temporary"))
        if kind and start is not None and not {"kind", "parent"} & case.bad:
            campaign = given.get("campaign") if "campaign" not in case.bad else None
            proposal = rules.Establishment(kind, unit, start, is_temporary, parent, end, campaign)
            case.heed(rules.refusals([proposal]))
            self._covers.judge(case, unit, kind, start)
        level = parent.level + 1 if parent is not None else 0
        if level >= MAX_DEPTH:
            case.wrong("parent", f"组织层级不能超过 {MAX_DEPTH} 级。")
        if case.is_wrong() or unit is None or start is None:
            return
        self._establish(case, unit, parent, level=level, is_temporary=is_temporary)

    def _establish(self, case: Case, unit: Unit, parent: Organization | None, **facts: Any) -> None:
        session = self.session
        state = workflow.ENTER.to
        case.new = Organization(
            code=case.key,
            unit=unit,
            parent=parent,
            state=state.value,
            **facts,
            **case.facts(("kind", "campaign", "dissolved_on", "dissolution_number", *FACTS)),
        )
        covered = self._covers.of(case)
        case.new.covered = "、".join(each.name for each in covered)  # for the preview
        words = [case.joined("name"), f"导入后为“{state.label}”"]
        case.summary = " · ".join(word for word in words if word)[:300]
        for each in (unit, *covered):
            session.touch_unit(each)
        session.organizations[case.key] = case.new
        self.new.append(case.new)
        self._covered.append(covered)
        if not session.is_writing:
            session.founded[case.key] = case

    def _parent(self, case: Case, unit: Unit | None) -> Organization | None:
        """Return the superior that the row names: one that the register form would offer."""
        session, code = self.session, case.text("parent")
        if not code or "parent" in case.bad:
            return None
        parent = session.organization(code)
        if parent is None and session.organizations.get(code) is not None:
            parent = next((row for row in self._offered(unit) if row.code == code), None)
        if parent is None:
            session.no_such(case, "parent", "organizations", "组织")
        else:
            session.touch_organization(parent)
        return parent

    def _warn_of_names(self, cases: list[Case]) -> None:
        """Say in the preview where the unit has an organization of the name already."""
        if self.session.is_writing:
            return
        for some in batches([(case.new, case) for case in cases if case.new is not None], 500):
            proposals = {_establishment(row): case for row, case in some}
            ask(rules.name_warnings, proposals)
            ask(rules.superior_warnings, proposals)


def _stands_at(case: Case, row: Organization) -> bool:
    """Whether an organization is at the unit of the row, if given, and exists or has the row's days."""
    unit = case.text("unit") or case.named.get("unit", "")
    started, ended = case.given.get("established_on"), case.given.get("dissolved_on")
    is_same_life = started in (None, row.established_on) and ended == row.dissolved_on
    stands = row.dissolved_on is None or is_same_life
    return stands and (not unit or answers_to(UNIT, row.unit, unit))


def _is_superior(row: Any) -> bool:
    """Whether a name may mean the row as a superior; rows that the workbook adds are judged later."""
    return not isinstance(row, Organization) or row.dissolved_on is None


def _establishment(row: Organization) -> rules.Establishment:
    return rules.Establishment(
        row.kind, row.unit, row.established_on, row.is_temporary, row.parent, name=row.name
    )
