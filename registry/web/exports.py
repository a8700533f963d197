"""How a page hands its table on as a file: what stands above it, the file itself, and the record of it.

What takes long is made by the worker (``later``), which asks the same address again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, cast

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from registry import audit, nouns
from registry.counting.basis import Question
from registry.models import Unit
from registry.spreadsheets.sheets import Head, Sheet
from registry.spreadsheets.writing import file_name, write_csv, write_xlsx
from registry.web.address import actor_of
from registry.web.making import Made, TooLong, limited, making_of
from registry.web.paper import MOST_ROWS, Paper, is_print, show_paper, too_long
from registry.web.statement import Statement

FORMATS = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
IN_MEMORY = 1 << 20
"""A file up to this size is not put on the disk on its way."""


def on_a_day(head: Head, question: Question) -> Head:
    """Return the column of a fact as it was on an earlier day: under a header that is not read back.

    The register holds today's; what was on an earlier day would come back as a change.
    """
    if question.as_of == timezone.localdate():
        return head
    return Head(f"当日{head.header}", head.kind)


def above(
    request: HttpRequest,
    place: str,
    rows: int,
    *,
    statement: Statement | None = None,
    filters: Mapping[str, str] | None = None,
    has_samples: bool = False,
    on_paper: bool = False,
) -> list[str]:
    """Return the lines above a table: unit, date and basis; what is left out and not approved; the filters;
    who took it out, when, how much. Paper says below it who printed it and when, and what is left out.
    """
    facts = ["  ".join([f"单位:{place}", *(statement.facts if statement else [])])]
    if statement and not on_paper:
        facts += statement.cautions
    if filters:
        facts.append("筛选:{}".format(";".join(filters.values())))
    now = timezone.localtime()
    taken = [f"导出人:{actor_of(request).name}", "导出时间:{}".format(f"{now:%Y-%m-%d %H:%M}")]
    said = [*([] if on_paper else taken), f"共 {rows:,} 行"]
    if has_samples:
        said.append("含演示数据")
    return [*facts, "  ".join(said)]


def wanted_format(request: HttpRequest) -> str:
    """Return ``xlsx`` or ``csv``, as the button says."""
    chosen = request.POST.get("format", "")
    return chosen if chosen in FORMATS else "xlsx"


def answer(
    request: HttpRequest,
    sheets: Sequence[Sheet],
    *,
    name: str,
    unit: Unit | None = None,
    filters: Iterable[str] = (),
    more: Mapping[str, object] | None = None,
) -> HttpResponseBase:
    """Write the file, put into the record what was taken out and how many rows, and answer with it.

    A print is one sheet shown as it will be printed, with ``more`` for its template.

    Several sheets make one workbook, whatever the format asked for. The file is whole before anything is
    sent, so that a fault is an error page and not half a table.
    """
    filters = list(filters)
    sheets = limited(request, sheets)
    try:
        if is_print(request):
            paper = Paper.of(sheets[0])
            rows = len(paper.tables[0].rows)
            if rows > MOST_ROWS:
                return too_long(request, paper.title)
            return show_paper(request, paper, rows=rows, unit=unit, filters=filters, more=more)
        return _file(request, sheets, name, unit, filters)
    except TooLong:
        if making_of(request) is not None:
            raise
        return later(request, sheets[0].title)


def _file(
    request: HttpRequest, sheets: Sequence[Sheet], name: str, unit: Unit | None, filters: Sequence[str]
) -> HttpResponseBase:
    suffix = wanted_format(request) if len(sheets) == 1 else "xlsx"
    file = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
    try:
        rows = write_xlsx(sheets, file) if suffix == "xlsx" else write_csv(sheets[0], file)
        name = file_name(name, suffix)
        after = {"file": name, "filters": filters, "rows": rows}
        made = Made("export", sheets[0].title, unit, after, rows, name, FORMATS[suffix])
        return hand_over(request, file, made)
    except BaseException:
        file.close()
        raise


def hand_over(request: HttpRequest, file: IO[bytes], made: Made) -> FileResponse:
    """Answer with a file and put into the record that it was taken out; the worker's is not taken out yet."""
    if (making := making_of(request)) is not None:
        making.made = made
    else:
        audit.record_event(
            actor_of(request), made.verb, subject=made.subject, unit=made.unit, after=made.after
        )
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=made.file_name, content_type=made.content_type)


def later(request: HttpRequest, title: str, rows: int = 0) -> HttpResponse:
    """Leave what the request asks for to the worker: an app takes it (``long_exports``)."""
    (ask,) = nouns.handed_up("long_exports")
    response: HttpResponse = ask(request, title, rows)
    return response
