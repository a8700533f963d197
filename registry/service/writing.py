"""The page on which an organization writes the opinions of its members, several in one or one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.models import Assignment, Organization, Person
from registry.models.kinds import ROLE_ORDER
from registry.service import operations
from registry.service.forms import OpinionsForm
from registry.service.models import Opinion
from registry.service.records import Record, records_of
from registry.service.rules import judges
from registry.service.served import owed
from registry.web.address import actor_of, address_of
from registry.web.changes import change, changes_something, posted
from registry.web.links import Tab, person_url
from registry.web.text import cleaned

SIZE = 10
"""So many members stand on one page."""


@dataclass(frozen=True)
class Row:
    """One member: what the person did stands beside the text."""

    form: OpinionsForm
    record: Record
    assignment: Assignment
    url: str
    """The person's service record."""
    number: str
    opinion: Opinion | None

    @property
    def field(self) -> object:
        """The text; None where the home branch has signed."""
        name = f"text_{self.record.person.pk}"
        return self.form[name] if name in self.form.fields else None

    @property
    def version(self) -> str:
        """The version of the opinion that the page shows; empty: there is none."""
        return str(self.opinion.version) if self.opinion else ""


class OpinionsPage:
    """What the address asks for: which members, from which on, how many on a page."""

    def __init__(self, request: HttpRequest, organization: Organization) -> None:
        self.request, self.organization, self.address = request, organization, address_of(request)

    @cached_property
    def members(self) -> list[Assignment]:
        """All members, the leading ones first."""
        assert self.organization.campaign is not None
        day = max(self.address.as_of, timezone.localdate())
        rows = owed(self.organization.campaign, day, Q(organization=self.organization))
        found = list(rows.select_related("person__home_unit", "person__home_branch__unit"))
        return sorted(found, key=lambda row: (ROLE_ORDER[row.role], row.person.order_key, row.pk))

    @cached_property
    def missing(self) -> list[Assignment]:
        """Those without an opinion, of whom one can be written."""
        return [row for row in self.members if not row.is_written and not row.is_signed]  # type: ignore[attr-defined]

    @cached_property
    def only_missing(self) -> bool:
        """Whether only these are listed."""
        shown = self.request.GET.get("show", "")
        return shown == "missing" or (not shown and not self.person and bool(self.missing))

    @cached_property
    def person(self) -> str:
        """The key of the person with whom the page begins."""
        return cleaned(self.request.GET.get("person", ""))

    @property
    def listed(self) -> list[Assignment]:
        """Those that the address asks for."""
        return self.missing if self.only_missing else self.members

    @cached_property
    def size(self) -> int:
        """How many stand on the page."""
        return 1 if self.person or self.request.GET.get("size") == "1" else SIZE

    @cached_property
    def start(self) -> int:
        """The place of the first one."""
        if self.person:
            keys = [row.person.key for row in self.listed]
            if self.person not in keys:
                raise Http404("该人员不是本组织的成员。")
            return keys.index(self.person)
        start = self.request.GET.get("start", "0")
        number = int(start) if start.isdecimal() and len(start) < 7 else 0
        return number if number < len(self.listed) else 0

    @cached_property
    def shown(self) -> list[Assignment]:
        """The members on this page; of a form that is sent, those that its page showed."""
        if self.request.method == "POST":
            return [row for row in self.members if f"version_{row.person_id}" in self.request.POST]
        return self.listed[self.start : self.start + self.size]

    def url(self, start: int = 0, *, show: str = "", size: int = 0) -> str:
        """Return the address of another part of the list."""
        return self.address.url(
            reverse("organization_opinions", args=[self.organization.code]),
            show=show or ("missing" if self.only_missing else "all"),
            size="1" if (size or self.size) == 1 else None,
            start=str(start) if start else None,
        )

    def next_url(self, left: int) -> str:
        """Return the address of those who follow; ``left`` of this page stay in the list."""
        start = self.start + (left if self.only_missing else len(self.shown))
        after = len(self.listed) - (len(self.shown) - left if self.only_missing else 0)
        return self.url(start) if start < after else self.url(show="all")

    @property
    def tabs(self) -> list[Tab]:
        """All members, or those of whom an opinion waits to be written."""
        return [
            Tab("待写", self.url(show="missing"), self.only_missing, len(self.missing)),
            Tab("全部成员", self.url(show="all"), not self.only_missing, len(self.members)),
        ]


@changes_something
def write(request: HttpRequest, code: str) -> HttpResponse:
    """Write opinions of members; save, or save and go on to the next ones."""
    organization = access.get_organization(request.user, code, "write_opinion")
    if organization.campaign is None or not judges(organization):
        raise Http404("只有专项任务中的临时党组织写表现鉴定。")
    request.current_unit = organization.unit.code  # type: ignore[attr-defined]
    page, address = OpinionsPage(request, organization), address_of(request)
    people: list[Person] = [row.person for row in page.shown]
    records = records_of(request.user, organization.campaign, people, address.as_of)
    rows = Opinion.objects.filter(organization=organization, person__in=people).order_by("pk")
    known = {row.person_id: row for row in rows}
    form = OpinionsForm(posted(request), user=request.user, row=organization, records=records, known=known)

    def back(written: list[Opinion]) -> str:
        if request.POST.get("then") != "next":
            return request.get_full_path()
        done = known.keys() | {row.person_id for row in written}
        return page.next_url(len([person for person in people if person.pk not in done]))

    return change(
        request,
        form,
        lambda: operations.write_opinions(
            actor=actor_of(request), organization=organization, **form.arguments()
        ),
        done=lambda written: f"已保存 {len(written)} 份鉴定,本组织还有 {_left(page, written)} 人待写。",
        back=back,
        template="service/opinions.html",
        context={
            "title": "表现鉴定",
            "subtitle": f"{organization.name} · {organization.campaign.name}",
            "organization": organization,
            "crumbs": [
                {"name": organization.unit.label, "url": address.url(organization.unit.get_absolute_url())},
                {"name": organization.name, "url": address.url(organization.get_absolute_url())},
                {"name": "表现鉴定", "url": ""},
            ],
            "page": page,
            "one_url": page.url(page.start, size=1 if page.size > 1 else SIZE),
            "previous_url": page.url(max(0, page.start - page.size)) if page.start else "",
            "is_last": page.start + page.size >= len(page.listed),
            "head_tabs": page.tabs,
            "head_tabs_label": "哪些成员",
            "rows": [
                Row(
                    form,
                    record,
                    row,
                    person_url(request.user, row.person, address, "person_service"),
                    access.shown_number(request.user, row.person),
                    known.get(row.person_id),
                )
                for record, row in zip(records, page.shown, strict=True)
            ],
        },
    )


def _left(page: OpinionsPage, written: list[Opinion]) -> int:
    new = {row.person_id for row in written}
    return len([row for row in page.missing if row.person_id not in new])
