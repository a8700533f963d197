"""The page 系统状态: how it is, and what to do where it is not well."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.models.addresses import list_address
from registry.operating import health, slow
from registry.operating.health import BAD, OK, Line
from registry.operating.replica import on_the_primary
from registry.web.address import address_of


@dataclass(frozen=True)
class Shown:
    """A line, and the page with more of it where this user may open that."""

    line: Line
    url: str

    @property
    def said(self) -> SafeString:
        """What was found."""
        return in_code(self.line.said)

    @property
    def todo(self) -> SafeString:
        """What helps."""
        return in_code(self.line.todo)


def in_code(text: str) -> SafeString:
    """Return a text as HTML, in which what stands between backticks is code."""
    parts = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if n % 2 else part,) for n, part in parts)
    )


@on_the_primary
@require_safe
def system(request: HttpRequest) -> HttpResponse:
    """Show how the registry is, to managers at the top of the unit tree."""
    access.need_at_the_top(request.user, "see_system")
    address, lines = address_of(request), health.everything()

    def url(line: Line) -> str:
        name, verb = line.page
        return address.url(list_address(name)) if name and access.may_somewhere(request.user, verb) else ""

    wrong = [line for line in lines if line.state != OK]
    return render(
        request,
        "operating/system.html",
        {
            "lines": [Shown(line, url(line)) for line in lines],
            "wrong": wrong,
            "is_bad": any(line.state == BAD for line in wrong),
            "slow": slow.pages(),
            "look_back": slow.LOOK_BACK.days,
            "crumbs": [{"name": "系统状态"}],
        },
    )
