"""The album of a unit: photos of what was entered there and below, of one campaign where one is chosen."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry.counting.basis import rows_of
from registry.files.album import photos_of
from registry.logbooks.models import Entry
from registry.logbooks.pages.overview import place_of
from registry.logbooks.pages.tables import ENTRIES
from registry.web.address import address_of

PAGE_SIZE = 48


@require_safe
def album(request: HttpRequest) -> HttpResponse:
    """Show the photos of the entries that count on the day of the page, the newest first."""
    address, unit = address_of(request), place_of(request)
    entries = rows_of(ENTRIES, address.question, unit) if unit is not None else Entry.objects.none()
    page = Paginator(photos_of(request.user, "entry", entries), PAGE_SIZE).get_page(request.GET.get("page"))
    held = {each.pk: each.owner_id for each in page.object_list}
    rows = Entry.objects.select_related("unit").in_bulk(list(set(held.values())))
    told = {
        photo: (f"{row.happened_on} {row.unit.label} {row}", address.url(row.get_absolute_url()))
        for photo, pk in held.items()
        if (row := rows.get(pk)) is not None
    }
    books = address.url(reverse("logbooks"), unit=unit.code if unit is not None else None)
    return render(
        request,
        "logbooks/album.html",
        {
            "title": "相册",
            "subtitle": f"{unit.name}及下级单位" if unit is not None else "",
            "crumbs": [{"name": "工作台账", "url": books}, {"name": "相册"}],
            "page_obj": page,
            "photos": list(page.object_list),
            "told": told,
            "question": address.question,
        },
    )
