"""Checking and writing a workbook: judged line by line, written as a whole or not at all.

What a line would do is worked out by ``registry.imports.plan``, once for the preview and once more under the
locks when it is written; if the two differ, somebody changed the data meanwhile, and nothing is written.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from registry import access, audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following_in_parts
from registry.importers.cases import Case
from registry.importers.session import (
    BATCH,
    MOST_LOCKED,
    Importer,
    Session,
    chunks,
    rows_with,
)
from registry.importers.verdicts import Verdict
from registry.imports.models import Import, ImportLine, ImportState
from registry.imports.operations import CHANGED_MEANWHILE
from registry.imports.plan import Mark, judged
from registry.models import Organization, Person, Unit, User
from registry.models.writer import Writer, check_references
from registry.operations.base import fresh, operation
from registry.refusals import refuse
from registry.search.index import batches, index_names
from registry.spreadsheets.reading import Table
from registry.work.progress import Abandoned, Progress, no_progress

_LINE_COLUMNS = (
    *("of_id", "place", "sheet", "number", "noun", "verdict"),
    *("key", "summary", "changes", "problems", "notices"),
)
_JSON = json.JSONEncoder(ensure_ascii=False)


def check_import(
    *,
    import_pk: int,
    attempt: str,
    tables: Sequence[Table],
    notices: Sequence[str] = (),
    total: int = 0,
    progress: Progress = no_progress,
) -> None:
    """Work out what each line of the workbook would do, for the preview. Nothing else is written.

    Raises ``Abandoned`` when the import was cancelled meanwhile.
    """
    import_ = Import.objects.select_related("user").get(pk=import_pk)
    mine = Import.objects.filter(pk=import_pk, attempt=attempt, state=ImportState.CHECKING)
    mine.update(total=total)
    ImportLine.objects.filter(of=import_).delete()
    session, mark = Session(import_.user), Mark()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    place = 0
    noticed: set[int] = set()
    importers: dict[Importer, None] = {}
    for importer, cases in judged(session, tables):
        importers[importer] = None
        for at, case in enumerate(cases, start=place):
            case.place = at
            mark.add(case)
            counts[case.noun.slug][case.verdict] += 1
            if case.notices:
                noticed.add(case.place)
        with transaction.atomic():
            _write_lines(import_pk, cases)
        place += len(cases)
        progress(place)
        if not mine.update(done=place, total=max(total, place), seen_at=timezone.now()):
            raise Abandoned
    reviewed = [case for importer in importers for case in importer.review()]
    _write_notices(import_, reviewed)
    noticed.update(case.place for case in reviewed)
    touched = session.organizations_touched
    ended = mine.update(
        state=ImportState.CHECKED,
        counts=counts,
        notices=[*notices, *_skipped(tables)],
        noticed=len(noticed),
        needs_reason=session.needs_reason,
        mark=mark.text(),
        touches={
            "units": sorted(session.units_touched),
            "organizations": sorted(touched) if len(touched) <= MOST_LOCKED else None,
        },
        done=place,
        total=place,
        finished_at=timezone.now(),
    )
    if not ended:
        raise Abandoned


def _skipped(tables: Sequence[Table]) -> list[str]:
    """Return for each sheet which rows among the data were skipped."""
    return [f"“{table.title}”{said}" for table in tables if (said := table.is_no_data.said())]


def _write_lines(import_pk: int, cases: list[Case]) -> None:
    Writer(ImportLine, _LINE_COLUMNS).write(
        (
            import_pk,
            case.place,
            case.table.title[:100],
            case.number,
            case.noun.slug,
            case.verdict,
            case.key,
            case.summary[:300],
            _JSON.encode(case.changes if case.new is None else case.written()),
            _JSON.encode(case.problems),
            _JSON.encode(case.notices),
        )
        for case in cases
    )


def _write_notices(import_: Import, cases: Sequence[Case]) -> None:
    """Save the notices of lines that were found after all of them were judged."""
    by_place = {case.place: case for case in cases}
    for places in chunks(by_place):
        lines = list(ImportLine.objects.filter(of=import_, place__in=places))
        for line in lines:
            line.notices = by_place[line.place].notices
        ImportLine.objects.bulk_update(lines, ["notices"])


def prepare(tables: Sequence[Table], folder: Path) -> None:
    """Prepare, before any lock is taken, what may stay even if nothing is written.

    The lines are read and kept in files of the folder. The names of people become findable: that finds nobody
    as long as nobody has them, but whoever wrote the same new name would wait for the end of the import.
    """
    for number, table in enumerate(tables):
        table.keep(folder / f"{number}.lines")
        if table.noun.slug == "people":
            for some in batches(table.lines, BATCH):
                names = {Person._meta.get_field("name").to_python(line.values.get("name")) for line in some}
                index_names(name for name in names if name)


@operation
def write_import(
    *, actor: Actor, import_: Import, attempt: str, tables: Sequence[Table], progress: Progress = no_progress
) -> Import:
    """Write everything that the preview showed to be right, or nothing.

    Judges anew under the locks and raises ``OperationRefused`` when that says anything else than the
    preview did. ``attempt`` is the mark of ``claim``: who lost it writes nothing.
    """
    import_ = fresh(import_)
    _take_locks(import_)
    said = f"导入“{import_.file_name}”"
    reason = f"{import_.reason}({said})" if import_.reason else said
    session = Session(User.objects.get(pk=import_.user_id), is_writing=True)
    numbers = {
        "rows": import_.total,
        "new_rows": import_.number(Verdict.NEW),
        "changed_rows": import_.number(Verdict.CHANGED),
    }
    at = next(iter(access.top_units(session.user, "import_workbook")), None)
    about = {"sha256": import_.sha256, **numbers}
    # First, so that all that is recorded from here on is part of it, and can be taken back with it.
    entry = audit.record_event(actor, "import_workbook", subject=import_.file_name, unit=at, after=about)
    check_references("IMMEDIATE")
    with following_in_parts():
        done = _write(actor, session, import_, tables, reason[:300], progress)
    check_references("DEFERRED")
    said = f"已写入:新增 {numbers['new_rows']:,} 行,修改 {numbers['changed_rows']:,} 行"
    if wrong := import_.number(Verdict.WRONG):
        said += f";有误的 {wrong:,} 行没有写入"
    ended = Import.objects.filter(pk=import_.pk, attempt=attempt, state=ImportState.WRITING).update(
        state=ImportState.WRITTEN,
        done=done,
        entry_id=entry.pk,
        finished_at=timezone.now(),
        message=f"{said}。",
    )
    if not ended:
        raise refuse(None, "该导入已由他人重新开始,这一次什么都没有写入。")
    return fresh(import_)


def _write(
    actor: Actor,
    session: Session,
    import_: Import,
    tables: Sequence[Table],
    reason: str,
    progress: Progress,
) -> int:
    """Judge and write batch by batch; return the number of lines."""
    mark, done = Mark(), 0
    importers: dict[Importer, None] = {}
    for importer, cases in judged(session, tables):
        importers[importer] = None
        for case in cases:
            if case.verdict == Verdict.WRONG and not import_.is_partial:
                raise refuse(None, CHANGED_MEANWHILE)
            mark.add(case)
        if work := [case for case in cases if case.verdict in (Verdict.NEW, Verdict.CHANGED)]:
            importer.write(work, actor, reason)
        done += len(cases)
        progress(done)
    if mark.text() != import_.mark:
        raise refuse(None, CHANGED_MEANWHILE)
    for importer in importers:
        importer.finish(actor, reason)
    return done


def _take_locks(import_: Import) -> None:
    """Take the locks of what the preview would write, and of nothing else, in the global order."""
    of_units = import_.counts.get("units", {})
    if of_units.get(Verdict.NEW) or of_units.get(Verdict.CHANGED):
        locks.lock_unit_tree()
    locks.use_units(rows_with("code", import_.touches["units"], Unit.objects.all()))
    organizations = import_.touches["organizations"]
    if organizations is None:
        locks.lock_whole_forest()
    else:
        locks.lock_organization_trees(rows_with("code", organizations, Organization.objects.all()))
