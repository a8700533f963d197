"""Rows of units: added below a unit that is there or in the sheet, or their plain facts changed."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

from django.core.validators import RegexValidator

from registry.audit import Actor
from registry.importers import naming
from registry.importers.cases import Case, ask
from registry.importers.session import Importer, parents_first
from registry.models import Unit
from registry.models.unit import MAX_DEPTH
from registry.nouns.unit import UNIT
from registry.operations.units import EDITABLE, add_units, edit_unit
from registry.rules import units as rules
from registry.search.named import answers_to
from registry.spreadsheets.reading import Table

_REGION_CODE = RegexValidator(rules.REGION_CODE, "行政区划代码是六位数字。")


class UnitImporter(Importer):
    """Judges and writes units, all of them at once: a superior may stand below its unit."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield all rows."""
        session = self.session
        cases = list(session.cases(tables))
        naming.give_codes(session, cases, "unit", _stands_below)
        session.know_units(case.text("code") for case in cases)
        naming.plan(session, cases, "unit", session.units)
        unresolved = naming.resolve(session, cases, "superior", "unit", "see", self._superior_now)
        naming.refuse(session, unresolved, "superior", "unit")
        session.know_units(case.text("superior") for case in cases)
        added: dict[str, Case] = {}
        for case in cases:
            session.clean(case, Unit, ("code", *EDITABLE))
            case.match("region_code", _REGION_CODE)
            case.summary = case.text("name")[:300]
            unit = session.units.get(case.key)
            if unit is not None:
                self._change(case, unit)
            elif case.key and "code" not in case.bad:
                added[case.key] = case
        changed = [case for case in cases if case.edits and not case.is_wrong()]
        opened = [case for case in changed if "opened_on" in case.edits]
        ask(
            rules.opening_refusals,
            {rules.Opening(case.row, case.edits["opened_on"]): case for case in opened},
        )
        for case in changed:
            if not case.is_wrong():
                for slug, value in case.edits.items():
                    setattr(session.units[case.key], slug, value)
        self.new: list[Unit] = []
        for case in parents_first(added, "superior"):
            self._add(case)
            session.note_wrong(case)
        if not session.is_writing:
            new = [case for case in added.values() if case.new is not None]
            ask(rules.name_warnings, {_addition(case.new): case for case in new})
        yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Change what is there, then add what is new."""
        for case in cases:
            if case.edits:
                edit_unit(actor=actor, unit=case.row, changes=case.edits, reason=reason)
        if self.new:
            add_units(actor=actor, units=self.new, reason=reason)
        self.session.renew()

    def _superior_now(self, case: Case) -> Unit | None:
        unit = self.session.units.get(case.key)
        return unit.parent if unit is not None else None

    def _change(self, case: Case, unit: Unit) -> None:
        session = self.session
        if not session.may("see", unit):
            session.taken(case, "单位代码")
            return
        case.summary, case.row = unit.name, copy(unit)
        if unit.closed_on is not None and case.text("name") not in ("", unit.name):
            case.wrong("code", _reused(unit))
            return
        case.compare(unit, EDITABLE)
        case.refuse_change(
            "superior",
            unit.parent.code if unit.parent else "",
            "已有单位的上级不能通过导入调整,请在单位页面用“调整上级单位”办理(要填生效日期)。",
        )
        if case.edits and not session.may("edit_unit", unit):
            case.wrong("code", "您不能修改该单位的资料,请由单位的管理员办理。")

    def _add(self, case: Case) -> None:
        session = self.session
        case.need()
        code = case.text("superior")
        superior = None if "superior" in case.bad else session.unit(code)
        if not code and not session.user.is_superuser and "superior" not in case.bad:
            case.wrong("superior", "请填写上级单位代码。")
        elif code and "superior" not in case.bad and superior is None:
            session.no_such(case, "superior", "units", "单位")
        elif superior is not None and not session.may("add_unit", superior):
            case.wrong("superior", "您不能在该单位下增设单位,请由单位的管理员办理。")
        else:
            case.heed(rules.refusals([rules.Addition(superior, case.given.get("opened_on"))]))
        level = superior.level + 1 if superior is not None else 0
        if level >= MAX_DEPTH:
            case.wrong("superior", f"单位层级不能超过 {MAX_DEPTH} 级。")
        if case.is_wrong():
            return
        case.new = Unit(code=case.key, parent=superior, level=level, **case.facts(EDITABLE))
        session.units[case.key] = case.new
        self.new.append(case.new)


def _stands_below(case: Case, unit: Unit) -> bool:
    """Whether a unit is open and below the superior of the row, if it gives one."""
    superior = case.text("superior") or case.named.get("superior", "")
    stands = unit.parent is not None and answers_to(UNIT, unit.parent, superior)
    return unit.closed_on is None and (not superior or stands)


def _addition(unit: Unit) -> rules.Addition:
    return rules.Addition(unit.parent, unit.opened_on, unit.name)


def _reused(unit: Unit) -> str:
    return (
        f"代码“{unit.code}”是已于 {unit.closed_on:%Y-%m-%d} 撤并的“{unit.name}”的,不能改给别的单位。"
        "新单位请换一个代码,或不填代码。"
    )
