"""The form field for photos or files: uploaded while the form is filled in, held by their numbers.

A file is stored as soon as it has come in, so a form that comes back, or whose line broke, loses nothing.
With scripts (static/js/photos.js) each file is sent by itself, with its progress; without them all come with
the form, and ``receiving.take_in`` stores them before it is bound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from registry.access import AnyUser
from registry.files.models import FileKind, StoredFile
from registry.files.operations import GONE
from registry.files.papers import ONLY, PAPERS
from registry.files.receiving import ENDS, REFUSED
from registry.models import User
from registry.web.fields import BegunField

MOST = 9
ACCEPTED = {
    FileKind.PHOTO: "image/jpeg,image/png,image/webp,image/heic,image/heif,.heic",
    FileKind.FILE: ",".join(f".{ending}" for ending in PAPERS),
}
HELP = {
    FileKind.PHOTO: "JPG、PNG、WebP 或 HEIC,每张不超过 20 MB;拍摄地点等信息自动去除。",
    FileKind.FILE: f"{ONLY[:-3]},每个不超过 20 MB。",
}


@dataclass
class Chosen:
    """What came in for a field: numbers of files, and what was refused."""

    pks: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class FilesWidget(forms.Widget):
    """A grid of what is uploaded, and a box for more (files/_box.html)."""

    needs_multipart_form = True
    use_fieldset = True

    def __init__(self, kind: str, most: int) -> None:
        super().__init__(attrs={"data-wide": ""})
        self.kind, self.most = FileKind(kind), most
        self.known: dict[int, StoredFile] = {}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Chosen:
        """Read which files the form holds."""
        getlist = getattr(data, "getlist", lambda key: [data[key]] if key in data else [])
        left_out = set(getlist(f"{name}_drop"))
        words = dict.fromkeys(word for word in getlist(name) if word not in left_out)
        pks = [int(word) for word in words if word.isascii() and word.isdigit() and len(word) < 19]
        return Chosen(pks, list(getlist(name + REFUSED)))

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Never: a field without files sends nothing."""
        return False

    def id_for_label(self, id_: str) -> str:
        """The label is that of the group."""
        return ""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw what is there and the box for more."""
        attributes = attrs or {}
        end = next(end for end, kind in ENDS.items() if kind == self.kind)
        context = {
            "id": f"{attributes.get('id', f'id_{name}')}_box",
            "name": name,
            "box_name": f"{name}{end}",
            "kind": self.kind.value,
            "is_photo": self.kind == FileKind.PHOTO,
            "most": self.most,
            "accept": ACCEPTED[self.kind],
            "url": reverse("file_upload"),
            "files": self.shown(value),
            "describedby": attributes.get("aria-describedby", ""),
        }
        return mark_safe(render_to_string("files/_box.html", {"box": context}))

    def shown(self, value: Any) -> list[StoredFile]:
        """Return the files of a value."""
        if not isinstance(value, Chosen):
            return list(value or ())
        return [self.known[pk] for pk in value.pks if pk in self.known]


class FilesField(BegunField):
    """Photos (or files) of a row. Cleans to the list of ``StoredFile``, in order.

    Hand it to ``operations.hold_files`` within the operation that writes the row. The form's ``initial`` are
    the files that the row holds; beside these only the user's own uploads are found. The view calls
    ``receiving.take_in(request)`` before it binds the form.
    """

    widget: FilesWidget

    def __init__(self, kind: str = FileKind.PHOTO, *, most: int = MOST, **options: Any) -> None:
        self.kind, self.most = FileKind(kind), most
        self.user: AnyUser | None = None
        self.held: list[StoredFile] = []
        super().__init__(
            widget=FilesWidget(kind, most), **{"help_text": HELP[self.kind], "required": False, **options}
        )

    def begin(self, user: AnyUser, initial: Any) -> None:
        """Take the user, and what the row holds."""
        self.user, self.held = user, [file for file in initial or () if isinstance(file, StoredFile)]

    def bound_data(self, data: Chosen, initial: Any) -> Chosen:
        """Find what a form that comes back shows."""
        self.widget.known = self.find(data.pks)
        return data

    def find(self, pks: Iterable[int]) -> dict[int, StoredFile]:
        """Return the files that the form may hold, by number."""
        found = {file.pk: file for file in self.held}
        wanted = [pk for pk in pks if pk not in found]
        if wanted and isinstance(self.user, User):
            found |= StoredFile.objects.unclaimed_by(self.user).filter(kind=self.kind).in_bulk(wanted)
        return found

    def clean(self, value: Chosen) -> list[StoredFile]:
        """Return the files; say which were refused, missing or too many."""
        known = self.find(value.pks)
        if value.refused:
            raise ValidationError(value.refused, code="refused")
        files = [known[pk] for pk in value.pks if pk in known]
        if len(files) < len(value.pks):
            raise ValidationError(GONE, code="gone")
        if len(files) > self.most:
            raise ValidationError(
                f"最多 {self.most} {self.measure},现在有 {len(files)} {self.measure},请去掉一些。",
                code="many",
            )
        if self.required and not files:
            raise ValidationError(f"请至少上传一{self.measure}{self.kind.label}。", code="required")
        return files

    @property
    def measure(self) -> str:
        """The measure word."""
        return "张" if self.kind == FileKind.PHOTO else "个"

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other files are held than at first, or in another order."""
        return bool([file.pk for file in initial or ()] != data.pks)
