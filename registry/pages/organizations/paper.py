"""An organization on one page of A4: facts, officers, members; what happened only when it is asked for."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from registry import access
from registry.models import Organization, OrganizationPlacement
from registry.pages.organizations import page as organization_page
from registry.pages.organizations.members import NOW, ListedMember, MemberTable
from registry.spreadsheets.sheets import Kind
from registry.web import history
from registry.web.address import address_of
from registry.web.columns import Column
from registry.web.paper import Paper, PaperTable, show_paper, table_of

_HAPPENINGS: tuple[Column[Any], ...] = (Column("日期", "day", Kind.DATE), Column("大事", "what"))
_EVENTS: tuple[Column[Any], ...] = (
    Column("时间", "entry.at", Kind.TIME),
    Column("操作人", "entry.actor"),
    Column("操作", "what"),
    Column("内容", lambda event: ";".join(event.changes)),
)


@require_POST
def paper(request: HttpRequest, code: str) -> HttpResponse:
    """Show the organization as it will be printed."""
    found = access.get_organization(request.user, code)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    address, members = address_of(request), MemberTable(request, found)
    now = [row for row in members.everybody if row.when == NOW]
    placements = organization_page.placements_of(found)
    facts = organization_page.facts(found, placements, access.spans(request.user), address)
    if officers := "、".join(f"{row.role} {row.person.name}" for row in now if row.is_leading):
        facts.append(("班子", officers))
    if counts := organization_page.line_counts(found, address):
        said = "、".join(f"{each.label} {each.value:,} {each.measure}" for each in counts)
        facts.append(("党组织线统计", said))
    _tone, state = organization_page.state_tag(found, address.as_of)
    with_history = request.POST.get("history") == "1"
    parts = [(f"在册人员 {len(now):,} 人次", _members(members, now))] if now else []
    if with_history:
        parts += _history(request, found, placements, members)
    notice = organization_page.notice(found, request.user, address.as_of)
    notes = [notice] if notice else []
    if members.has_samples() or found.is_sample:
        notes.append("含演示数据。")
    return show_paper(
        request,
        Paper(
            found.name, [f"截至:{address.as_of.isoformat()}  {state}"], [table for _, table in parts], notes
        ),
        rows=len(now),
        unit=found.unit,
        filters=["含变动记录"] if with_history else [],
        more={"paper_template": "pages/organizations/paper.html", "facts": facts, "parts": parts},
    )


def _members(table: MemberTable, rows: list[ListedMember], *, ended: bool = False) -> PaperTable:
    """Return members as a table, ``ended`` with their ends and documents."""
    left_out = () if ended else ("ended_on", "document_number")  # so that a team fits on one page
    columns = [each for each in table.paper_columns if each.slug not in left_out]
    return table_of(columns, rows)


def _history(
    request: HttpRequest,
    organization: Organization,
    placements: list[OrganizationPlacement],
    members: MemberTable,
) -> list[tuple[str, PaperTable]]:
    """Return the tables of earlier and later members, of events, and of the record."""
    past = [row for row in members.everybody if row.when != NOW]
    happened = organization_page.timeline(organization, placements, members)
    events = history.of_page(request.user, organization, address_of(request), names="person")["events"]
    parts = [("以前和此后的人员", _members(members, past, ended=True))] if past else []
    parts.append(("大事", table_of(_HAPPENINGS, happened)))
    return [*parts, ("变动记录", table_of(_EVENTS, events))] if events else parts
