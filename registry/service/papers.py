"""On A4: service records with their receipts, and certificates, one person a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from registry.models import Campaign, Person
from registry.search.index import batches
from registry.service.certificates import certificate_of
from registry.service.pages import person_of
from registry.service.place import campaign_of
from registry.service.records import Record, records_of
from registry.service.tables import RecordTable
from registry.web.address import address_of
from registry.web.exports import later
from registry.web.lists import with_query
from registry.web.making import making_of
from registry.web.paper import Paper, show_paper, too_long
from registry.web.ticked import pks_of

KINDS = {
    "records": ("服务记录", "service/records_paper.html", ""),
    "certificates": ("纪念证书", "service/certificates_paper.html", "landscape certificate"),
}
"""What is printed: its word, the template of its pages, and their further classes."""
AT_ONCE = 60
"""So many pages are made at once; more are left to the worker."""
MOST_PAGES = 1_000
"""The most pages of one print; the units and branches below have prints of their own."""
BATCH = 200


@require_POST
def papers(request: HttpRequest) -> HttpResponse:
    """Show the records or the certificates of one person, of those ticked, or of all that the list holds."""
    campaign, kind = campaign_of(request), request.GET.get("kind", "records")
    if kind not in KINDS:
        raise Http404("没有这种打印。")
    title = f"{campaign.name}{KINDS[kind][0]}"
    people = _people(request)
    if not people:
        messages.warning(request, "没有选中可以打印的人员,请先勾选。")
        return HttpResponseRedirect(with_query(request, reverse("service_people"), kind=None))
    if len(people) > MOST_PAGES:
        return too_long(request, title, len(people), most=MOST_PAGES, has_file=False)
    if len(people) > AT_ONCE and making_of(request) is None:
        return later(request, title, len(people))
    return _shown(request, campaign, kind, title, people)


def _people(request: HttpRequest) -> list[Person]:
    """Return whom the address names; else those ticked, or everybody in the list."""
    if key := request.GET.get("person", ""):
        return [person_of(request, key)]
    table = RecordTable(request)
    rows = table.rows
    if "all" not in request.POST:
        rows = rows.filter(pk__in=pks_of(request))
    ordered = rows.order_by(
        "home_unit__tree_id", "home_unit__lft", "home_branch__order_key", "order_key", "pk"
    )
    return list(ordered.select_related("home_unit", "home_branch__unit")[: MOST_PAGES + 1])


def _records(request: HttpRequest, campaign: Campaign, people: Sequence[Person]) -> Iterator[Record]:
    making, made = making_of(request), 0
    for some in batches(people, BATCH):
        yield from records_of(request.user, campaign, some, address_of(request).as_of)
        made += len(some)
        if making is not None:
            making.progress(made)


def _shown(
    request: HttpRequest, campaign: Campaign, kind: str, title: str, people: Sequence[Person]
) -> HttpResponse:
    records = [record for record in _records(request, campaign, people) if record.spells]
    _word, template, shape = KINDS[kind]
    more: dict[str, Any] = {"paper_template": template, "records": records}
    if kind == "certificates":
        certificates = [certificate_of(record) for record in records]
        notes = dict.fromkeys(each.of.note for each in certificates if each.of.note)
        more |= {"certificates": certificates, "beside": list(notes)}
    if not request.POST.get("back"):  # a button over the list sends what is ticked, and nothing else
        more["back"] = with_query(request, reverse("service_people"), kind=None)
    one = records[0].person.home_unit if len(records) == 1 else None
    return show_paper(
        request,
        Paper(title, shape=shape, is_one_each=True),
        rows=len(records),
        unit=one or RecordTable(request).unit,
        more=more,
    )
