"""Django's admin, for reading, by superusers: it is no way around the operations."""

from __future__ import annotations

from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator

from registry import nouns

_SECRET = frozenset({"password", *(name for noun in nouns.all_nouns() for name in noun.masked)})
"""Shown nowhere here: who opens a telephone number does so on the person's page, and it is recorded."""
_KEPT_BY_THE_SYSTEM = ("version", "is_sample", "created_at", "updated_at")
_ONLY_IN_A_TRIAL = () if settings.DEBUG else ("is_sample",)
"""An installation holds no sample rows, and nothing speaks of them."""
_NOT_SHOWN = (
    *("oldpassword", "sentform", "session", "import", "importfile", "importline"),
    *("unitterm", "organizationterm", "nameterm"),
    "proposal",  # half a password
)
"""Tables of hashes, of keys that would let somebody in, of workbooks with personal data; the search index."""
_DERIVED = ("lft", "rght", "tree_id", "level")
_SEARCHED = ("code", "name", "number", "label", "title", "username", "object_name", "actor")
_FILTERED = ("kind", "state", "is_temporary", "role", "category", "political_status", "verb", "is_sample")


class ReadingSite(admin.AdminSite):
    """An admin site that only superusers enter and where nothing can be changed."""

    site_header = "数据查看(只读)"
    site_title = "数据查看"
    index_title = "各表数据,只供查看"
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return bool(request.user.is_active and request.user.is_superuser)

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send visitors to the registry's own login; who is logged in and gets here may not enter."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or reverse("admin:index"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> NoReturn:
        """Passwords are set by command, not here."""
        raise Http404

    password_change_done = password_change


class ReadingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A table to look at: no adding, changing, deleting, no actions."""

    actions = None
    show_full_result_count = False
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Superusers only."""
        return bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Superusers only."""
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        """Nobody."""
        return False

    has_add_permission = has_delete_permission = has_change_permission


def _table(model: type[models.Model]) -> type[ReadingAdmin]:
    """Return the admin of a model: its plain fields in the list, what can be searched, never a password."""
    shown = [
        field for field in model._meta.fields if field.name not in (*_SECRET, *_DERIVED, *_ONLY_IN_A_TRIAL)
    ]
    fields = sorted(shown, key=lambda field: field.name in _KEPT_BY_THE_SYSTEM)
    names = {field.name for field in fields}
    related = [field.name for field in fields if field.is_relation]
    return type(
        f"{model.__name__}Admin",
        (ReadingAdmin,),
        {
            "list_display": [field.name for field in fields if not isinstance(field, models.JSONField)][:9],
            "list_select_related": related or False,
            "search_fields": [name for name in _SEARCHED if name in names],
            "list_filter": [name for name in _FILTERED if name in names],
            "exclude": (*_SECRET, *_ONLY_IN_A_TRIAL),
        },
    )


site = ReadingSite(name="admin")
for _model in apps.get_app_config("registry").get_models():
    if _model._meta.model_name not in _NOT_SHOWN:
        _model._meta.verbose_name_plural = _model._meta.verbose_name  # Chinese has no plural
        site.register(_model, _table(_model))
