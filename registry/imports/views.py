"""Excel in: hand a workbook in, look at what each line would do, write all of it or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import IO, Any, cast

from django.contrib import messages
from django.db.models import QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry import access, nouns
from registry.importers.layouts import layouts_seen
from registry.importers.verdicts import Verdict
from registry.imports import background as importing
from registry.imports import operations
from registry.imports.background import Unreadable
from registry.imports.forms import ConfirmForm, UploadForm
from registry.imports.models import Import, ImportFile, ImportLine, ImportState
from registry.imports.operations import KEPT_FOR
from registry.imports.tables import ListedImport, drawn
from registry.imports.template import template
from registry.models import User
from registry.nouns.columns import Layout
from registry.nouns.noun import Noun
from registry.operations.acts import plan_taking_back
from registry.refusals import OperationRefused
from registry.web import history
from registry.web.address import Address, actor_of, address_of
from registry.web.changes import posted
from registry.web.exports import FORMATS, hand_over, later
from registry.web.fields import ReasonForm
from registry.web.links import Tab
from registry.web.lists import paged
from registry.web.making import Made, is_long
from registry.web.reasons import Reason, grouped, ranges
from registry.work import queue

NOTICED = "noticed"
"""Among the verdicts of the filter: the lines at which something should be looked at."""
ALL = "all"
"""The filter's choice of every line. Without a choice in the address the page opens on the wrong lines."""
VERDICT_TONES = {"new": "ok", "changed": "warn", "unchanged": "plain", "wrong": "bad"}
RECENT = 100
MATCHING = (
    "按代码或警号对应:已有的更新,没有的新增;单位和组织也可以按名称对应,重名的须写代码;"
    "编入按组织、警号和编入日期对应。"
)
"""How rows of a file are matched with the registry's."""
MOST_GROUPED = 20_000
"""The most wrong lines that are read to group the reasons."""
GONE = "已不在您的管理范围内"
"""Said of a line whose row left the user's scope since it was checked."""
IN_MEMORY = 1 << 20


@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Hand a workbook in; templates to fill in; one's own earlier imports."""
    user, address = _who_may(request), address_of(request)
    form = UploadForm(posted(request), request.FILES or None, user=user)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            handed_in = importing.hand_in(
                actor=actor_of(request), user=user, file_name=str(file.name), content=file.read()
            )
        except Unreadable as unreadable:
            form.add_error("file", str(unreadable))
        except OperationRefused as refusal:
            form.add_error("file", " ".join(refusal.messages))
        else:
            return HttpResponseRedirect(address.url(handed_in.get_absolute_url()))
    rows = operations.readable(user, Import.objects.filter(user=user)[:RECENT])
    offered = list(_offered(user).values())
    context = {
        "form": form,
        "grid": drawn(rows, address),
        "templates": [
            {"title": noun.title, "url": reverse("import_template", args=[noun.slug])}
            for noun in offered
            if noun.made_by is None
        ],
        "made": [
            {"title": noun.title, "url": reverse("import_template", args=[noun.slug])}
            for noun in offered
            if noun.made_by is not None
        ],
        "all_url": reverse("import_template", args=["all"]),
        "matching": MATCHING,
        "load": queue.load(),
    }
    return render(request, "imports/list.html", context)


def _offered(user: User) -> dict[str, Layout]:
    """Return the sheets that the user may hand in, by slug."""
    every = layouts_seen(user).items()
    return {slug: noun for slug, noun in every if not noun.verb or access.may_somewhere(user, noun.verb)}


@require_safe
def import_template(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand out the workbook to fill in: for one noun, or for all."""
    layouts = _offered(_who_may(request))
    if slug != "all" and slug not in layouts:
        raise Http404("没有这个模板。")
    noun = layouts.get(slug)
    title = f"导入模板-{noun.title if noun else '全部'}.xlsx"
    response = HttpResponse(template(noun), content_type=FORMATS["xlsx"])
    response.headers["Content-Disposition"] = content_disposition_header(True, title) or ""
    return response


@require_safe
def import_page(request: HttpRequest, pk: int) -> HttpResponse:
    """What was found in the workbook, line by line, and what can be done with it now."""
    import_ = _own(request, pk)
    return _page(request, import_, _confirm_form(request, import_))


@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer htmx how far the import is; when it is done, have the whole page loaded again."""
    import_ = _own(request, pk)
    response = render(
        request, "imports/_progress.html", {"import_": import_, **_state(import_, address_of(request))}
    )
    if not import_.is_under_way:
        response.headers["HX-Refresh"] = "true"
    return response


@require_POST
def import_write(request: HttpRequest, pk: int) -> HttpResponse:
    """Write everything that the preview shows."""
    import_ = _own(request, pk)
    form = _confirm_form(request, import_)
    may_be_written = import_.may_be_written or import_.may_be_written_in_part
    if may_be_written and not form.is_valid():
        return _page(request, import_, form)
    _try(
        request,
        lambda: importing.confirm(
            actor=actor_of(request),
            import_=import_,
            reason=form.cleaned_data["reason"] if form.is_valid() else "",
            without_wrong="without_wrong" in request.POST,
        ),
    )
    return _back(request, import_)


@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the import up before it is written."""
    import_ = _own(request, pk)
    if not _try(request, lambda: operations.cancel_import(actor=actor_of(request), import_=import_)):
        return _back(request, import_)
    messages.success(request, f"已取消导入“{import_.file_name}”,没有写入任何数据。")
    return HttpResponseRedirect(address_of(request).url(reverse("imports")))


@require_POST
def import_recheck(request: HttpRequest, pk: int) -> HttpResponse:
    """Check the same workbook anew against the data of now."""
    import_ = _own(request, pk)
    _try(request, lambda: importing.check_again(actor=actor_of(request), import_=import_))
    return _back(request, import_)


@require_http_methods(["GET", "HEAD", "POST"])
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what taking the import back changes and what prevents it; a POST does it."""
    import_ = _own(request, pk)
    if import_.entry is None or not import_.may_be_taken_back:
        return _back(request, import_)
    form = ReasonForm(posted(request), user=request.user)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        _try(
            request,
            lambda: importing.undo(actor=actor_of(request), import_=import_, reason=reason),
        )
        return _back(request, import_)
    act, found = plan_taking_back(import_.entry)
    url = address_of(request).url(import_.get_absolute_url())
    title = "撤回这次导入"
    context = {
        "form": form,
        "title": title,
        "named": import_.file_name,
        "event": history.events([import_.entry])[0],
        "extent": act.said(),
        "left_out": act.left_out(),
        "obstacles": history.obstacles(request.user, found, address_of(request)),
        "submit_label": "撤回",
        "cancel_url": url,
        "crumbs": [
            {"name": "导入", "url": address_of(request).url(reverse("imports"))},
            {"name": import_.file_name, "url": url},
            {"name": title},
        ],
    }
    return render(request, "pages/audit/undo.html", context)


def _try(request: HttpRequest, act: Callable[[], object]) -> bool:
    """Run ``act``; where it is refused, show why and return False."""
    try:
        act()
    except OperationRefused as refusal:
        messages.error(request, " ".join(refusal.messages))
        return False
    return True


@require_POST
def import_mistakes(request: HttpRequest, pk: int) -> HttpResponse | FileResponse:
    """Hand back the wrong rows in the user's own sheets, each with its reason."""
    import_ = _own(request, pk)
    if not import_.number(Verdict.WRONG):
        raise Http404("该导入没有错误的行。")
    name = importing.error_filename(import_.file_name)
    if is_long(request, import_.total):
        return later(request, name, import_.number(Verdict.WRONG))
    target = cast(IO[bytes], tempfile.SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 the answer closes it
    try:
        number = importing.mistakes(import_, target)
    except (Unreadable, ImportFile.DoesNotExist):
        target.close()
        raise Http404("上传的文件已清理。") from None
    kind = FORMATS["csv" if name.endswith(".csv") else "xlsx"]
    after = {"file": import_.file_name, "rows": number}
    return hand_over(request, target, Made("export", name, None, after, number, name, kind))


def _who_may(request: HttpRequest) -> User:
    """Return the user, who may enter somewhere."""
    access.need_somewhere(request.user, "upload_import")
    assert isinstance(request.user, User)
    return request.user


def _own(request: HttpRequest, pk: int) -> Import:
    user = _who_may(request)
    found = operations.readable(user, Import.objects.select_related("user").filter(pk=pk, user=user))
    if not found:
        raise Http404("没有这次导入,不是您上传的,或已不在您的管理范围内。")
    return found[0]


def _confirm_form(request: HttpRequest, import_: Import) -> ConfirmForm:
    return ConfirmForm(posted(request), user=request.user, needs_reason=import_.needs_reason)


def _back(request: HttpRequest, import_: Import) -> HttpResponseRedirect:
    return HttpResponseRedirect(address_of(request).url(import_.get_absolute_url()))


def _state(import_: Import, address: Address) -> dict[str, Any]:
    """Return how far it is, in words, and whether somebody works on it or will."""
    listed = ListedImport(address, import_, import_.is_taken_back)
    goes_on = import_.is_under_way and not import_.is_silent
    return {"state": listed.state, "tone": listed.tone, "share": import_.share, "goes_on": goes_on}


def _page(request: HttpRequest, import_: Import, form: ConfirmForm) -> HttpResponse:
    address = address_of(request)
    verdict, noun = request.GET.get("verdict", ""), request.GET.get("noun", "")
    is_asked = bool(request.GET.keys() & {"verdict", "noun", "page", "reason"})
    if verdict not in (*Verdict.values, NOTICED, ALL):
        verdict = Verdict.WRONG.value if import_.number(Verdict.WRONG) else ALL
    noun = noun if noun in import_.counts else ""
    lines: QuerySet[ImportLine] = ImportLine.objects.filter(of=import_).order_by("place")
    if verdict == NOTICED:
        lines = lines.exclude(notices=[])
    elif verdict != ALL:
        lines = lines.filter(verdict=verdict)
    if noun:
        lines = lines.filter(noun=noun)
    is_shown = import_.state in (
        ImportState.CHECKED,
        ImportState.CONFIRMED,
        ImportState.WRITTEN,
        ImportState.TAKEN_BACK,
    )
    found = _reasons(lines) if is_shown and verdict == Verdict.WRONG else []
    reason = next((each for each in found if each.mark == request.GET.get("reason")), None)
    if reason is not None:
        lines = lines.filter(place__in=[place for place, _sheet, _number in reason.places])
    page_obj = paged(request, lines if is_shown else ImportLine.objects.none())
    is_written = import_.state == ImportState.WRITTEN and not import_.is_taken_back
    imports_url = address.url(reverse("imports"))
    has_file = ImportFile.objects.filter(of=import_).exists()
    titles = {slug: layout.title for slug, layout in nouns.every_layout().items()}
    context = {
        "import_": import_,
        **_state(import_, address),
        "title": import_.file_name,
        "subtitle": _subtitle(import_),
        "crumbs": [{"name": "导入", "url": imports_url}, {"name": import_.file_name}],
        "tabs": _tabs(import_, address, verdict, noun),
        "nouns": _nouns(import_, address, verdict, noun),
        "has_lines": is_shown and bool(import_.counts),
        "page_obj": page_obj,
        "reasons": [_reason(each, import_, address, noun, on=each is reason) for each in found],
        "is_folded": bool(found) and not is_asked,
        "right": sum(import_.number(each) for each in Verdict if each != Verdict.WRONG),
        "all_url": address.url(import_.get_absolute_url(), verdict=ALL),
        "lines": [
            _line(line, address, titles, is_written=is_written)
            for line in _only_seen(request.user, list(page_obj.object_list))
        ],
        "form": form if import_.may_be_written or import_.may_be_written_in_part else None,
        "wrong": import_.number(Verdict.WRONG),
        "new": import_.number(Verdict.NEW),
        "changed": import_.number(Verdict.CHANGED),
        "may_write": import_.may_be_written,
        "may_write_in_part": import_.may_be_written_in_part,
        "home_url": address.url(reverse("home")),
        # Of one that failed without leaving its file nothing is there that could be removed.
        "may_cancel": import_.state in operations.MAY_CANCEL
        and (import_.state != ImportState.FAILED or has_file),
        "may_recheck": has_file and operations.may_recheck(import_),
        "wants_another": _wants_another(import_),
        "has_file": has_file,
        "is_kept": import_.created_at > timezone.now() - KEPT_FOR,
        "imports_url": imports_url,
    }
    return render(request, "imports/import.html", context)


def _wants_another(import_: Import) -> bool:
    """Whether nothing came of this file, so that the next step is another one."""
    is_ended = import_.state in (ImportState.FAILED, ImportState.CANCELLED)
    has_nothing = import_.state == ImportState.CHECKED and not import_.changes_something
    return is_ended or (has_nothing and not import_.number(Verdict.WRONG))


def _subtitle(import_: Import) -> str:
    said = f"{timezone.localtime(import_.created_at):%Y-%m-%d %H:%M} 上传"
    return f"{said} · 共 {import_.total:,} 行" if import_.total else said


def _tabs(import_: Import, address: Address, verdict: str, noun: str) -> list[Tab]:
    """Return the filter by verdict, each with its number of lines (of the chosen noun)."""
    of_nouns = [import_.counts.get(noun, {})] if noun else list(import_.counts.values())
    found = [(ALL, "全部", sum(sum(each.values()) for each in of_nouns))]
    found += [
        (value, str(label), sum(each.get(value, 0) for each in of_nouns)) for value, label in Verdict.choices
    ]
    if import_.noticed:
        found.append((NOTICED, "有提示", import_.noticed))
    return [
        _tab(import_, address, label, value, noun, on=value == verdict)._replace(number=number)
        for value, label, number in found
    ]


def _nouns(import_: Import, address: Address, verdict: str, noun: str) -> list[Tab]:
    """Return the filter by kind of sheet: those that the workbook has."""
    there = [(each.slug, each.title) for each in nouns.every_layout().values() if each.slug in import_.counts]
    return [
        _tab(import_, address, title, verdict, slug, on=slug == noun)
        for slug, title in ([("", "全部"), *there] if len(there) > 1 else [])
    ]


WrongRow = tuple[int, str, int]
"""The place of a wrong line in the workbook, its sheet, its number there."""


def _reasons(lines: QuerySet[ImportLine]) -> list[Reason[WrongRow]]:
    """Return the reasons with their lines; none where each has one line, as the lines then say as much."""
    rows = lines.values_list("place", "sheet", "number", "problems")[:MOST_GROUPED]
    found = grouped(
        (message, (place, sheet, number))
        for place, sheet, number, problems in rows
        for message in dict.fromkeys(each["message"] for each in problems)
    )
    return found if any(each.number > 1 for each in found) else []


def _reason(
    reason: Reason[WrongRow], import_: Import, address: Address, noun: str, *, on: bool
) -> dict[str, Any]:
    """Return a reason as the page shows it, with the rows behind it as ranges."""
    sheets: dict[str, list[int]] = {}
    for _place, sheet, number in reason.places:
        sheets.setdefault(sheet, []).append(number)
    url = address.url(
        import_.get_absolute_url(), verdict=Verdict.WRONG, noun=noun or None, reason=reason.mark
    )
    return {
        "reason": reason,
        "url": f"{url}#lines",
        "on": on,
        "rows": [f"{sheet} 第 {ranges(numbers)} 行" for sheet, numbers in sheets.items()],
    }


def _tab(import_: Import, address: Address, label: str, verdict: str, noun: str, *, on: bool) -> Tab:
    url = address.url(import_.get_absolute_url(), verdict=verdict, noun=noun or None)
    return Tab(label, url, on)


def _line(line: ImportLine, address: Address, titles: dict[str, str], *, is_written: bool) -> dict[str, Any]:
    """Return a line as the preview shows it; with a link once the row is there."""
    url = _row_url(line)
    there = is_written or line.verdict in (Verdict.CHANGED, Verdict.UNCHANGED)
    return {
        "line": line,
        "noun": titles.get(line.noun, line.sheet),
        "verdict": str(Verdict(line.verdict).label),
        "tone": VERDICT_TONES[line.verdict],
        "url": address.url(url) if url and there and line.verdict != Verdict.WRONG else "",
    }


def _only_seen(user: access.AnyUser, lines: list[ImportLine]) -> list[ImportLine]:
    """Return the lines; a row that has left the user's scope is listed without its contents."""
    keys: dict[str, set[str]] = {}
    for line in lines:
        if line.verdict != Verdict.WRONG and line.key:
            keys.setdefault(line.noun, set()).add(_key(line))
    for slug, wanted in keys.items():
        noun = _page_noun(slug)
        if noun is None:
            continue
        rows: Any = noun.model._default_manager.all()
        there = rows.filter(**{f"{noun.page_key}__in": wanted})
        known = access.known_by(user, noun, [noun.page_key], wanted)
        seen = access.visible(user, rows.filter(known), few=True).values_list(noun.page_key, flat=True)
        gone = set(there.values_list(noun.page_key, flat=True)) - set(seen)
        for line in lines:
            if line.noun == slug and _key(line) in gone and line.verdict != Verdict.WRONG:
                line.summary, line.changes, line.notices, line.key = GONE, [], [], ""
    return lines


def _key(line: ImportLine) -> str:
    """Return the code or number of the row, or of what it belongs to."""
    return line.key.split(" ")[0]


def _page_noun(slug: str) -> Noun | None:
    """Return the noun of a sheet, or the one on whose page its rows stand (assignments)."""
    noun = next(each for each in nouns.all_nouns() if each.sheet is not None and each.sheet.slug == slug)
    if noun.page:
        return noun
    return nouns.by_key(noun.page_at) if nouns.knows(noun.page_at) else None


def _row_url(line: ImportLine) -> str:
    """Return the page of the row, or of what it belongs to where it has none (assignments)."""
    noun = _page_noun(line.noun)
    return reverse(noun.page, args=[_key(line)]) if noun is not None and noun.page and line.key else ""
