"""Importing a workbook: handed in, checked line by line, written as a whole or not at all.

What a line would do is worked out by ``import_plan``, once for the preview and once more under the locks
when it is written; if the two differ, somebody changed the data meanwhile, and nothing is written. The
states of an import change by conditional updates with the mark of who works on it (``attempt``), so that
of two who begin the same only one ends it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from registry import access, audit, locks, nouns
from registry.audit import Actor, plain
from registry.counting.totals.write import Part, following_in_parts
from registry.imports.models import (
    OPEN_STATES,
    WORKING_STATES,
    Import,
    ImportFile,
    ImportLine,
    ImportState,
    Verdict,
)
from registry.imports.plan import BATCH, MANY, Planned, Planner, Table
from registry.models import Assignment, AuditEntry, Organization, Person, StatusPeriod, Unit, User
from registry.models.writer import Writer
from registry.operations.base import fresh, operation
from registry.operations.bulk import (
    References,
    analyze_loaded,
    batches,
    check_references,
    load_assignments,
    load_organizations,
    load_people,
    load_units,
)
from registry.operations.organizations import EDITABLE as ORGANIZATION_EDITABLE
from registry.operations.organizations import dissolve_organization, edit_organization
from registry.operations.people import EDITABLE as PERSON_EDITABLE
from registry.operations.people import told
from registry.operations.units import EDITABLE as UNIT_EDITABLE
from registry.operations.units import edit_unit
from registry.refusals import need_reason, refuse

logger = logging.getLogger(__name__)

KEPT_FOR = timedelta(days=30)
"""Afterwards the workbook and its lines are removed; what was written, and the record of it, stay."""
BEAT = 2.0
"""Seconds between two words of who works on an import."""
CHANGED_MEANWHILE = "核对之后数据已变化,什么都没有写入。请重新核对后再写入。"
MAY_CANCEL: tuple[str, ...] = (*OPEN_STATES, ImportState.FAILED.value)
_COUNTED_AT_ONCE = BATCH

Progress = Callable[[int], None]
"""Told how many lines are done."""


class Abandoned(Exception):
    """The import was cancelled, or somebody else began it anew: whoever works on it stops."""


def _untold(done: int) -> None:
    pass


# --- Handing in, confirming, cancelling -----------------------------------------------------------


@operation
def hand_in(*, actor: Actor, user: User, file_name: str, content: bytes) -> Import:
    """Keep a workbook that ``user`` hands in; it waits for its check."""
    _forget_old()
    digest = hashlib.sha256(content).hexdigest()
    handed_in = Import.objects.create(
        user=user,
        file_name=file_name[-200:],
        sha256=digest,
        size=len(content),
        address=actor.address,
        request_number=actor.request_number,
    )
    ImportFile.objects.create(of=handed_in, content=content)
    _told(actor, "upload_import", handed_in, {"sha256": digest})
    return handed_in


@operation
def confirm_import(*, actor: Actor, import_: Import, reason: str = "", without_wrong: bool = False) -> Import:
    """Let a checked import be written. Raises ``OperationRefused`` when it cannot be, or not any more.

    ``without_wrong``: write the right lines, all of them or none, though others are wrong. What is right
    names nothing that is wrong.
    """
    import_ = fresh(import_)
    if import_.state != ImportState.CHECKED:
        raise refuse(None, f"该导入现在是“{import_.get_state_display()}”,不能写入。")
    if import_.number(Verdict.WRONG) and not without_wrong:
        raise refuse(None, "还有错误的行:请下载错误行,改正后重新上传。")
    if not import_.changes_something:
        raise refuse(None, "没有需要写入的变化。")
    if import_.needs_reason:
        need_reason(reason, "原因:有撤销组织,或对已计入统计的日期的更正")
    _move(
        import_,
        ImportState.CHECKED,
        ImportState.CONFIRMED,
        reason=reason.strip()[:200],
        is_partial=without_wrong,
        address=actor.address,
        request_number=actor.request_number,
        asked_at=timezone.now(),
    )
    _told(actor, "confirm_import", import_, {})
    return fresh(import_)


@operation
def cancel_import(*, actor: Actor, import_: Import) -> Import:
    """Give an import up before it is written; the workbook and what was found in it are removed."""
    import_ = fresh(import_)
    if import_.state not in MAY_CANCEL:
        raise refuse(None, f"该导入现在是“{import_.get_state_display()}”,不能取消。")
    _move(
        import_,
        ImportState(import_.state),
        ImportState.CANCELLED,
        attempt="",
        finished_at=timezone.now(),
        message="已取消,没有写入任何数据。",
    )
    ImportFile.objects.filter(of=import_).delete()
    ImportLine.objects.filter(of=import_).delete()
    _told(actor, "cancel_import", import_, {})
    return fresh(import_)


@operation
def recheck_import(*, actor: Actor, import_: Import) -> Import:
    """Let an import be checked anew: it failed, the data changed, or who worked on it is gone."""
    import_ = fresh(import_)
    if not may_recheck(import_) or not ImportFile.objects.filter(of=import_).exists():
        raise refuse(None, f"该导入现在是“{import_.get_state_display()}”,不能重新核对。")
    _move(
        import_,
        ImportState(import_.state),
        ImportState.UPLOADED,
        attempt="",
        asked_at=timezone.now(),
        finished_at=None,
        message="",
        done=0,
    )
    _told(actor, "recheck_import", import_, {})
    return fresh(import_)


def may_recheck(import_: Import) -> bool:
    """Whether checking anew makes sense: nobody works on it, and it is not written."""
    is_idle = import_.state in (ImportState.FAILED, ImportState.CHECKED)
    return is_idle or import_.is_silent or import_.is_unclaimed


def claim(import_pk: int, waiting: ImportState, working: ImportState) -> str:
    """Begin to work on an import that waits; return the mark of this attempt, empty when another has it."""
    attempt = secrets.token_hex(16)
    waits = Import.objects.filter(pk=import_pk, state=waiting)
    begun = waits.update(state=working, attempt=attempt, seen_at=timezone.now(), done=0, message="")
    return attempt if begun else ""


def fail(import_pk: int, attempt: str, message: str) -> None:
    """Say that an attempt came to nothing; whatever it had begun is taken back already."""
    Import.objects.filter(pk=import_pk, attempt=attempt, state__in=WORKING_STATES).update(
        state=ImportState.FAILED, message=message[:1000], finished_at=timezone.now()
    )


@dataclass
class Beat:
    """How far the work is, and whether it is still wanted."""

    done: int = 0
    is_lost: bool = False

    def __call__(self, done: int) -> None:
        self.done = done
        if self.is_lost:
            raise Abandoned


@contextmanager
def beating(import_pk: int, attempt: str) -> Iterator[Beat]:
    """Say every few seconds, on a connection of its own, that the work goes on and how far it is.

    The work itself may be one long transaction of which nobody else sees anything.
    """
    beat, ended = Beat(), threading.Event()

    def run() -> None:
        try:
            while not ended.wait(BEAT):
                try:
                    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state__in=WORKING_STATES)
                    if not mine.update(done=beat.done, seen_at=timezone.now()):
                        beat.is_lost = True
                        return
                except DatabaseError as error:  # SQLite: its one writer is the work itself
                    logger.info("import %s: not said that it goes on: %s", import_pk, error)
                    connection.close()
        finally:
            connection.close()

    thread = threading.Thread(target=run, name=f"import-{import_pk}", daemon=True)
    thread.start()
    try:
        yield beat
    finally:
        ended.set()
        thread.join(timeout=30)


def _move(import_: Import, now: ImportState, then: ImportState, **values: Any) -> None:
    """Change the state, unless somebody else just did."""
    if not Import.objects.filter(pk=import_.pk, state=now).update(state=then, **values):
        raise refuse(None, "该导入的状态刚刚变了,请刷新后再试。")


def _told(actor: Actor, verb: str, import_: Import, more: Mapping[str, Any]) -> None:
    at = next(iter(access.top_units(import_.user, "upload_import")), None)
    audit.record_event(
        actor, verb, subject=import_.file_name, unit=at, after={"file": import_.file_name, **more}
    )


def _forget_old() -> None:
    old = Import.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).exclude(state__in=WORKING_STATES)
    ImportFile.objects.filter(of__in=old).delete()
    ImportLine.objects.filter(of__in=old).delete()


# --- Checking -------------------------------------------------------------------------------------


class _Mark:
    """The mark of everything that was planned: two plans with one mark do the same."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, planned: Planned) -> None:
        said = (planned.noun, planned.sheet, planned.number, planned.verdict, planned.key, planned.summary)
        self._hash.update(repr((said, planned.changes, planned.add)).encode())

    def text(self) -> str:
        return self._hash.hexdigest()


_LINE_COLUMNS = (
    *("of_id", "place", "sheet", "number", "noun", "verdict"),
    *("key", "summary", "changes", "problems"),
)


def check_import(
    *,
    import_pk: int,
    attempt: str,
    tables: Sequence[Table],
    notices: Sequence[str] = (),
    total: int = 0,
    progress: Progress = _untold,
) -> None:
    """Work out what each line of the workbook would do, for the preview. Nothing else is written.

    Raises ``Abandoned`` when the import was cancelled meanwhile.
    """
    import_ = Import.objects.select_related("user").get(pk=import_pk)
    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state=ImportState.CHECKING)
    mine.update(total=total)
    ImportLine.objects.filter(of=import_).delete()
    planner, mark = Planner(import_.user), _Mark()
    counts: dict[str, dict[str, int]] = {}
    place = 0
    for batch in planner.batches(tables):
        for planned in batch:
            mark.add(planned)
            of_noun = counts.setdefault(planned.noun, {})
            of_noun[planned.verdict] = of_noun.get(planned.verdict, 0) + 1
        with transaction.atomic():
            Writer(ImportLine, _LINE_COLUMNS).write(
                (
                    import_pk,
                    place + at,
                    planned.sheet[:100],
                    planned.number,
                    planned.noun,
                    planned.verdict,
                    planned.key,
                    planned.summary[:300],
                    _json(planned.changes),
                    _json(planned.problems),
                )
                for at, planned in enumerate(batch)
            )
        place += len(batch)
        progress(place)
        if not mine.update(done=place, total=max(total, place), seen_at=timezone.now()):
            raise Abandoned
    ended = mine.update(
        state=ImportState.CHECKED,
        counts=counts,
        notices=list(notices),
        needs_reason=planner.needs_reason,
        mark=mark.text(),
        touches={
            "units": _few(planner.units_touched),
            "organizations": _few(planner.organizations_touched),
        },
        done=place,
        total=place,
        finished_at=timezone.now(),
    )
    if not ended:
        raise Abandoned


def _few(codes: set[str]) -> list[str] | None:
    return sorted(codes) if len(codes) <= MANY else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- Writing --------------------------------------------------------------------------------------


@operation
def write_import(
    *, actor: Actor, import_: Import, attempt: str, tables: Sequence[Table], progress: Progress = _untold
) -> Import:
    """Write everything that the preview showed to be right, or nothing.

    Plans anew under the locks and raises ``OperationRefused`` when that says anything else than the
    preview did. ``attempt`` is the mark of ``claim``: who lost it writes nothing.
    """
    import_ = fresh(import_)
    _take_locks(import_)
    planner = Planner(User.objects.get(pk=import_.user_id), is_writing=True)
    said = f"导入“{import_.file_name}”"
    reason = f"{import_.reason}({said})" if import_.reason else said
    mark, done = _Mark(), 0
    check_references("IMMEDIATE")
    with following_in_parts() as part:
        work = _Work(actor, reason[:300], planner, part)
        for batch in planner.batches(tables):
            for planned in batch:
                if planned.verdict == Verdict.WRONG and not import_.is_partial:
                    raise refuse(None, CHANGED_MEANWHILE)
                mark.add(planned)
            work.write(batch)
            done += len(batch)
            progress(done)
    if mark.text() != import_.mark:
        raise refuse(None, CHANGED_MEANWHILE)
    work.finish()
    check_references("DEFERRED")
    numbers = {
        "rows": done,
        "new_rows": import_.number(Verdict.NEW),
        "changed_rows": import_.number(Verdict.CHANGED),
    }
    at = next(iter(access.top_units(planner.user, "import_workbook")), None)
    audit.record_event(
        actor,
        "import_workbook",
        subject=import_.file_name,
        unit=at,
        after={"sha256": import_.sha256, **numbers},
    )
    said = f"已写入:新增 {numbers['new_rows']} 行,修改 {numbers['changed_rows']} 行"
    if wrong := import_.number(Verdict.WRONG):
        said += f";有误的 {wrong} 行没有写入"
    ended = Import.objects.filter(pk=import_.pk, attempt=attempt, state=ImportState.WRITING).update(
        state=ImportState.WRITTEN,
        done=done,
        finished_at=timezone.now(),
        message=f"{said}。",
    )
    if not ended:
        raise refuse(None, "该导入已由他人重新开始,这一次什么都没有写入。")
    return fresh(import_)


def _take_locks(import_: Import) -> None:
    """Take the locks of what the preview would write, in the global order."""

    def writes(noun: str) -> bool:
        of_noun = import_.counts.get(noun, {})
        return bool(of_noun.get(Verdict.NEW) or of_noun.get(Verdict.CHANGED))

    units, organizations = import_.touches.get("units"), import_.touches.get("organizations")
    if writes("units") or units is None:
        locks.lock_unit_tree()  # which whoever closes or merges a unit needs, too
    if units:
        locks.use_units(Unit.objects.filter(code__in=units))
    if import_.counts.get("organizations", {}).get(Verdict.NEW) or organizations is None:
        locks.lock_whole_forest()
    elif organizations:
        locks.lock_organization_trees(Organization.objects.filter(code__in=organizations))


class _Record:
    """Entries of the record, many at a time: each as ``audit.record`` would write it."""

    def __init__(self, actor: Actor, reason: str) -> None:
        self._head = (actor.user.pk if actor.user else None, actor.name, actor.address, actor.request_number)
        self._reason = reason
        self._entries: list[tuple[Any, ...]] = []

    def add(
        self,
        verb: str,
        noun: str,
        pk: int,
        name: str,
        unit: int,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any],
        on: Any = None,
    ) -> None:
        """Note one entry; ``before`` and ``after`` as the operation would hand them on."""
        if verb not in nouns.all_verbs():
            raise ValueError(f"{verb} has no word")
        self._entries.append(
            (
                *self._head,
                verb,
                noun,
                pk,
                name[:200],
                unit,
                on,
                _json({key: plain(value) for key, value in (before or {}).items()}),
                _json({key: plain(value) for key, value in after.items()}),
                self._reason,
            )
        )

    def flush(self) -> None:
        """Write what was noted."""
        if self._entries:
            columns = (
                *("user_id", "actor", "address", "request_number", "verb", "noun", "object_id"),
                *("object_name", "unit_id", "effective_on", "before", "after", "reason"),
            )
            Writer(AuditEntry, columns).write(self._entries)
            self._entries = []


class _Work:
    """Writes planned lines, batch by batch, inside one transaction."""

    def __init__(self, actor: Actor, reason: str, planner: Planner, part: Part) -> None:
        self.actor, self.reason, self.planner, self.part = actor, reason, planner, part
        self.record = _Record(actor, reason)
        self._dissolutions: list[Planned] = []
        self._assigned = False

    def write(self, batch: list[Planned]) -> None:
        """Write one batch, all of one noun."""
        work = [planned for planned in batch if planned.verdict in (Verdict.NEW, Verdict.CHANGED)]
        if not work:
            return
        by_noun = {
            "units": self._units,
            "organizations": self._organizations,
            "people": self._people,
            "assignments": self._assignments,
        }
        by_noun[work[0].noun](work)
        self.record.flush()

    def finish(self) -> None:
        """Dissolve last, what stands below before what stands above: the assignments end with it."""
        for planned in sorted(self._dissolutions, key=lambda planned: -planned.row.level):
            if planned.ended_on is not None:
                dissolve_organization(
                    actor=self.actor,
                    organization=planned.row,
                    on=planned.ended_on,
                    document_number=next(
                        (each["new"] for each in planned.changes if each["slug"] == "dissolution_number"), ""
                    ),
                    reason=self.reason,
                )

    def _units(self, work: list[Planned]) -> None:
        if rows := self.planner.new_units:
            analyze_loaded(load_units(rows, References()), Unit)
            for some in batches((row.code for row in rows), 500):
                for unit in Unit.objects.filter(code__in=some).select_related("parent").order_by("pk"):
                    after = audit.fields_of(unit, ["code", *UNIT_EDITABLE, "parent"])
                    self.record.add("add_unit", "unit", unit.pk, str(unit), unit.pk, after=after)
        for planned in work:
            if planned.edits:
                edit_unit(actor=self.actor, unit=planned.row, changes=planned.edits, reason=self.reason)
        self.planner.renew()

    def _organizations(self, work: list[Planned]) -> None:
        if rows := self.planner.new_organizations:
            analyze_loaded(load_organizations(rows, References()), Organization)
            for some in batches((row.code for row in rows), 500):
                self._note_organizations(some)
        for planned in work:
            if planned.edits:
                edit_organization(
                    actor=self.actor, organization=planned.row, changes=planned.edits, reason=self.reason
                )
            if planned.ended_on is not None:
                self._dissolutions.append(planned)
        self.planner.renew()

    def _note_organizations(self, codes: list[str]) -> None:
        related = ("unit", "parent", "campaign", "task_body")
        made = list(Organization.objects.filter(code__in=codes).select_related(*related).order_by("pk"))
        with self.part() as touched:  # they counted nowhere before
            touched.add(made)
        names = ["code", "kind", "is_temporary", "unit", "parent", "state", *ORGANIZATION_EDITABLE]
        for row in made:
            self.record.add(
                "establish_organization",
                "organization",
                row.pk,
                row.name,
                row.unit_id,
                after={**audit.fields_of(row, names), "members": 0},
                on=row.established_on,
            )

    # --- People -----------------------------------------------------------------------------------

    def _people(self, work: list[Planned]) -> None:
        added = [planned for planned in work if planned.add is not None]
        if added:
            load_people([planned.add for planned in added], References())  # type: ignore[misc]
            keys = _keys(Person, "number", [planned.key for planned in added])
            for planned in added:
                row: Any = planned.add
                facts = {name: getattr(row, name) for name in PERSON_EDITABLE}
                after = {
                    **told(facts),
                    "political_status": row.status,
                    "home_unit": planned.home["home_unit"],
                    "home_branch": planned.home.get("home_branch"),
                }
                unit = planned.home["home_unit"].pk
                self.record.add("add_person", "person", keys[row.number], row.name, unit, after=after)
        changed = [planned for planned in work if planned.row is not None]
        counted = [planned for planned in changed if planned.status or "category" in planned.edits]
        for some in batches(counted, _COUNTED_AT_ONCE):
            with self.part(people=[planned.row for planned in some]):
                self._change_people(some)
        is_counted = set(map(id, counted))
        self._change_people([planned for planned in changed if id(planned) not in is_counted])

    def _change_people(self, changed: list[Planned]) -> None:
        fields: set[str] = set()
        for planned in changed:
            person: Person = planned.row
            for verb, values in (
                ("edit_person", planned.edits),
                ("change_political_status", {"political_status": planned.status} if planned.status else {}),
                ("transfer_person", planned.home),
            ):
                if not values:
                    continue
                before = {name: getattr(person, name) for name in values}
                for name, value in values.items():
                    setattr(person, name, value)
                person.version += 1
                fields |= values.keys()
                self.record.add(
                    verb,
                    "person",
                    person.pk,
                    person.name,
                    person.home_unit_id,
                    before=told(before),
                    after=told(values),
                    on=self.planner.today if verb == "change_political_status" else None,
                )
        if fields:
            _update(Person, [planned.row for planned in changed], fields)
        self._change_statuses({planned.row.pk: planned.status for planned in changed if planned.status})

    def _change_statuses(self, statuses: dict[int, str]) -> None:
        """Give people another status from today; what began today is corrected."""
        today = self.planner.today
        for pks in batches(statuses, 500):
            open_now = StatusPeriod.objects.filter(person_id__in=pks, ended_on__isnull=True)
            corrected = list(open_now.filter(started_on=today))
            for period in corrected:
                period.status = statuses[period.person_id]
            StatusPeriod.objects.bulk_update(corrected, ["status"])
            new = set(pks) - {period.person_id for period in corrected}
            open_now.filter(person_id__in=new).update(ended_on=today)
            StatusPeriod.objects.bulk_create(
                StatusPeriod(person_id=pk, status=statuses[pk], started_on=today) for pk in sorted(new)
            )

    # --- Assignments ------------------------------------------------------------------------------

    def _assignments(self, work: list[Planned]) -> None:
        if not self._assigned and len(work) >= BATCH:
            self._assigned = True
            analyze_loaded(2 * BATCH, Person, StatusPeriod, Organization)
        for some in batches(work, _COUNTED_AT_ONCE):
            people = {planned.home["person"].pk for planned in some}
            with self.part(people=[Person(pk=pk) for pk in people]):
                self._add_assignments([planned for planned in some if planned.add is not None])
                self._change_assignments([planned for planned in some if planned.row is not None])

    def _add_assignments(self, added: list[Planned]) -> None:
        if not added:
            return
        last = Assignment.objects.aggregate(last=Max("pk"))["last"] or 0
        load_assignments([planned.add for planned in added], References())  # type: ignore[misc]
        made: dict[tuple[int, int, Any], int] = {}
        for pks in batches(sorted({planned.home["person"].pk for planned in added}), 500):
            rows = Assignment.objects.filter(pk__gt=last, person_id__in=pks, is_withdrawn=False).order_by()
            for pk, person, organization, day in rows.values_list(
                "pk", "person_id", "organization_id", "started_on"
            ):
                made[person, organization, day] = pk
        for planned in added:
            new: Any = planned.add
            self._note_assignment(
                "assign_person",
                planned,
                made[planned.home["person"].pk, planned.home["organization"].pk, new.started_on],
                {},
                {"role": new.role, "started_on": new.started_on},
                new.started_on,
            )

    def _change_assignments(self, changed: list[Planned]) -> None:
        fields: set[str] = set()
        for planned in changed:
            row: Assignment = planned.row
            if "role" in planned.edits:
                before, after = {"role": row.role}, {"role": planned.edits["role"]}
                row.role = planned.edits["role"]
                row.version += 1
                fields.add("role")
                self._note_assignment("change_role", planned, row.pk, before, after, row.started_on)
            if planned.ended_on is not None:
                was, row.ended_on = row.ended_on, planned.ended_on
                row.version += 1
                fields.add("ended_on")
                on = planned.ended_on
                self._note_assignment(
                    "end_assignment", planned, row.pk, {"ended_on": was}, {"ended_on": on}, on
                )
        if fields:
            _update(Assignment, [planned.row for planned in changed], fields)

    def _note_assignment(
        self,
        verb: str,
        planned: Planned,
        pk: int,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        on: Any,
    ) -> None:
        person, organization = planned.home["person"], planned.home["organization"]
        self.record.add(
            verb,
            "assignment",
            pk,
            f"{person.name} · {organization.name}",
            organization.unit_id,
            before=before,
            after={**after, "person": {"pk": person.pk, "text": person.name}, "organization": organization},
            on=on,
        )


def _update(model: Any, rows: Iterable[Any], fields: set[str]) -> None:
    now, changed = timezone.now(), list(rows)
    for row in changed:
        row.updated_at = now
    model.objects.bulk_update(changed, [*sorted(fields), "version", "updated_at"], batch_size=500)


def _keys(model: Any, name: str, values: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batches(values, 500):
        found.update(model.objects.filter(**{f"{name}__in": some}).order_by().values_list(name, "pk"))
    return found
