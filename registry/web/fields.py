"""Form fields for what is searched, never chosen from a list of thousands: rows of any noun."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from registry import access, nouns
from registry.models import days
from registry.models.text import NormalizedField, normalize_code
from registry.nouns import Noun
from registry.refusals import OperationRefused
from registry.rules.findings import in_future
from registry.search.named import find_by_code_or_name, not_unique

_SEPARATORS = re.compile(r"[\s,;、\uff0c\uff1b\uff64]+")


def note_of(user: access.AnyUser, row: Any) -> str:
    """Return the grey words beside a row in a picker, as ``user`` may see them."""
    return nouns.of(row).chosen_by.note(row, lambda field: access.shown(user, row, field))


def split_keys(text: str) -> list[str]:
    """Return the codes or numbers in pasted text: separated by spaces, lines, commas or semicolons."""
    return [key for key in map(normalize_code, _SEPARATORS.split(text)) if key]


@dataclass
class Picked:
    """What came in for a picker: keys with their roles, and text typed but not chosen."""

    keys: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    text: str = ""

    def pairs(self) -> list[tuple[str, str]]:
        """Return (key, role) for everything chosen, then for everything typed."""
        roles = [*self.roles, *[""] * len(self.keys)]
        return [*zip(self.keys, roles, strict=False), *((key, "") for key in split_keys(self.text))]


class SearchedWidget(forms.Widget):
    """A search box whose hits become chips (parts/picker.html)."""

    is_picker = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Picked:
        """Read what was chosen and what was typed."""
        getlist = getattr(data, "getlist", lambda key: [data[key]] if key in data else [])
        return Picked(
            [key for key in getlist(name) if key], list(getlist(f"{name}_role")), data.get(f"{name}_text", "")
        )

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        """Whether the form held no picker of this name."""
        return name not in data and f"{name}_text" not in data


class PickerWidget(SearchedWidget):
    """A search box for rows of a noun."""

    def __init__(
        self,
        noun: str,
        *,
        multiple: bool,
        roles: Sequence[tuple[str, str]],
        query: str = "",
        default_role: str = "",
    ) -> None:
        super().__init__()
        self.noun, self.multiple, self.roles = nouns.by_key(noun), multiple, list(roles)
        self.query, self.default_role = query, default_role
        self.find: Callable[[Iterable[str]], dict[str, Any]] = lambda keys: {}
        self.note: Callable[[Any], str] = lambda row: ""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the picker, with chips for what is chosen."""
        picked = _as_picked(value, self.noun)
        rows = self.find(picked.keys)
        chosen = [
            {
                "value": key,
                "label": str(rows[key]) if key in rows else key,
                "note": self.note(rows[key]) if key in rows else "",
                "role": role,
            }
            for key, role in Picked(picked.keys, picked.roles).pairs()
        ]
        url = reverse(f"pick_{self.noun.plural}")
        attributes = attrs or {}
        picker = {
            "id": attributes.get("id", f"id_{name}"),
            "name": name,
            "url": f"{url}?{self.query}" if self.query else url,
            "multiple": self.multiple,
            "chosen": chosen,
            "roles": self.roles,
            "role_default": self.default_role,
            "text": picked.text,
            "placeholder": self.noun.chosen_by.placeholder,
            "describedby": attributes.get("aria-describedby", ""),
        }
        return mark_safe(render_to_string("parts/picker.html", {"picker": picker}))


class SearchedField(forms.Field):
    """A field whose values are found by a search, of what its ``user`` sees: the form sets that."""

    user: access.AnyUser | None = None


class PickerField(SearchedField):
    """One row or many rows of a noun, found in scope by code or number; what is typed may be a unique name.

    Cleans to the row or None; with ``multiple`` to a list of rows; with ``roles`` to a list of
    (row, role). ``verb`` finds only rows where the user may do it. The form must be a ``ScopedForm``: out
    of scope is "not found". The form can open two doors on purpose: ``keep`` for what the record holds
    already, and ``beyond``, which returns rows that may be chosen, by name, from outside the scope.
    """

    def __init__(
        self,
        noun: str,
        *,
        multiple: bool = False,
        roles: Sequence[tuple[str, str]] = (),
        default_role: str = "",
        rows: Callable[[QuerySet[Any]], QuerySet[Any]] | None = None,
        verb: str = access.SEE,
        **options: Any,
    ) -> None:
        self.noun, self.multiple, self.roles, self.default_role = (
            nouns.by_key(noun),
            multiple,
            roles,
            default_role,
        )
        self.picker = self.noun.chosen_by
        self.rows = rows
        self.verb = verb
        self.kept: dict[str, Any] = {}
        self.beyond: Callable[[], QuerySet[Any]] | None = None
        query = "" if verb == access.SEE else f"verb={verb}"
        widget = PickerWidget(noun, multiple=multiple, roles=roles, query=query, default_role=default_role)
        super().__init__(widget=widget, **options)
        widget.find, widget.note = self.find, self.note

    def __deepcopy__(self, memo: Any) -> PickerField:
        copy: PickerField = super().__deepcopy__(memo)
        copy.widget.find, copy.widget.note = copy.find, copy.note
        copy.kept = {}
        return copy

    def keep(self, row: Any) -> None:
        """Accept what the row holds already when it is sent again, even where the user may not see it."""
        if row is not None:
            self.kept[str(getattr(row, self.picker.key))] = row

    def note(self, row: Any) -> str:
        """Return the grey words beside a chosen row, as the user may see them."""
        return note_of(self.user, row) if self.user is not None else ""

    def find(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the rows that the user may choose, by key (or by what else may be typed)."""
        wanted = [key for key in keys if "\x00" not in key]
        if not wanted or self.user is None:
            return {}
        if all(key in self.kept for key in wanted):
            return {key: self.kept[key] for key in wanted}
        names = (self.picker.key, *self.picker.typed)
        named = access.known_by(self.user, self.noun, names, wanted)
        manager: Any = self.noun.model._default_manager
        rows = access.visible(self.user, manager.filter(named), self.verb)
        if self.beyond is not None:
            rows |= manager.filter(named, pk__in=self.beyond().order_by().values("pk"))
        if self.rows is not None:
            rows = self.rows(rows)
        rows = rows.select_related(*(self.picker.related or (None,)))
        found = {
            str(getattr(row, name)): row
            for row in rows
            for name in reversed(names)
            # Else a number that was guessed would be known by the key sent along with it.
            if name not in self.noun.private or access.sees_private(self.user, row)
        }
        known = {**self.kept, **found}
        return {key: known[key] for key in wanted if key in known}

    def named(self, words: Iterable[str]) -> dict[str, list[Any]]:
        """Return by word the rows of that name, of those that the user may choose."""
        if self.picker.key != "code" or self.user is None:
            return {}
        meant = find_by_code_or_name(self.user, self.noun.key, words, self.verb)
        if self.rows is None:
            return meant
        manager: Any = self.noun.model._default_manager
        fitting = self.rows(manager.filter(pk__in=[row.pk for some in meant.values() for row in some]))
        left = set(fitting.values_list("pk", flat=True))
        return {word: [row for row in some if row.pk in left] for word, some in meant.items()}

    def clean(self, value: Any) -> Any:
        """Return the chosen rows; name what was not found."""
        picked = _as_picked(value, self.noun)
        pairs = picked.pairs()
        if not pairs:
            if self.required:
                raise ValidationError(f"请选择{self.noun.label}。", code="required")
            return [] if self.multiple else None
        found = self.find([key for key, _ in pairs])
        if by_name := [key for key in split_keys(picked.text) if key not in found]:
            for word, rows in self.named(by_name).items():
                if len(rows) > 1:
                    raise ValidationError(not_unique(self.noun, word, rows), code="not_unique")
                if rows:
                    found[word] = rows[0]
        missing = [key for key, _ in pairs if key not in found]
        if missing:
            raise ValidationError(
                f"没有找到{self.noun.label}:{'、'.join(missing[:10])}。请检查输入,或从查找结果中选择。",
                code="missing",
            )
        if not self.multiple:
            if len(pairs) > 1:
                raise ValidationError(f"只能选择一个{self.noun.label}。", code="many")
            return found[pairs[0][0]]
        if self.roles:
            known = {value for value, _ in self.roles}
            return [(found[key], role if role in known else self.default_role) for key, role in pairs]
        return [found[key] for key, _ in pairs]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether something else is chosen than at first."""
        return _as_picked(initial, self.noun).pairs() != _as_picked(data, self.noun).pairs()


def _as_picked(value: Any, noun: Noun) -> Picked:
    if isinstance(value, Picked):
        return value
    if value is None or value == "":
        return Picked()
    rows = value if isinstance(value, list | tuple) else [value]
    keys, roles = [], []
    for row in rows:
        row, role = row if isinstance(row, tuple) else (row, "")
        keys.append(str(getattr(row, noun.chosen_by.key, row)))
        roles.append(role)
    return Picked(keys, roles)


class NormalizedInput(forms.CharField):
    """A box for a number or a name: what is typed is normalized and checked as the field of the row is."""

    def __init__(self, field: NormalizedField, label: str = "", **options: Any) -> None:
        self.field = field
        options = {"max_length": field.max_length, "required": not field.blank, **options}
        super().__init__(
            label=label or str(field.verbose_name), validators=field.default_validators, **options
        )

    def to_python(self, value: Any) -> str:
        """Return the text as it is stored."""
        return self.field.normalized(super().to_python(value) or "")


def text_of(model: type[Model], name: str, **options: Any) -> NormalizedInput:
    """Return the box for a number or name of a row."""
    field = model._meta.get_field(name)
    assert isinstance(field, NormalizedField)
    return NormalizedInput(field, **options)


class DayInput(forms.DateInput):
    """A box for a date with a calendar behind its button (parts/day.html); without scripts it is the box."""

    near: date | None = None
    """The day that the calendar opens at when the box is empty; its year is meant where none is typed."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs, format="%Y-%m-%d")

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the box and its button."""
        attributes = self.build_attrs(self.attrs, {"id": f"id_{name}", **(attrs or {})})
        context = {
            "name": name,
            "value": self.format_value(value) or "",
            "near": (self.near or timezone.localdate()).isoformat(),
            "id": attributes.pop("id"),
            "attributes": flatatt(attributes),
        }
        return mark_safe(render_to_string("parts/day.html", {"day": context}))


class DayField(forms.DateField):
    """A date that is typed in any usual form, pasted, or taken from the calendar.

    ``near`` is the day that the page is about. A form sets it; its year is meant where none is typed.
    """

    widget = DayInput

    def __init__(self, *, near: date | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.set_near(near)

    def set_near(self, near: date | None) -> None:
        """Take ``near`` as the day that the page is about."""
        self.near = self.widget.near = near

    def to_python(self, value: Any) -> date | None:
        """Return the day; name what is none and say how to write one."""
        if value is None or isinstance(value, date):
            return value
        return typed_day(str(value), self.near)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what a form that comes back shows: the day that was understood, or what was typed."""
        try:
            return self.to_python(data)
        except ValidationError:
            return data


def typed_day(text: str, near: date | None = None) -> date | None:
    """Return the day that somebody typed, None for nothing. Raises ``ValidationError``."""
    if not text.strip():
        return None
    try:
        return days.from_text(text, year=(near or timezone.localdate()).year)
    except days.NoDay as error:
        raise ValidationError(f"{error}。", code="invalid") from error


def typed_day_or(text: str, otherwise: date) -> date:
    """Return the day that was typed, ``otherwise`` when it is none."""
    try:
        return typed_day(text, otherwise) or otherwise
    except ValidationError:
        return otherwise


class FileInput(forms.FileInput):
    """A file to choose, with a button and words of our own: the browser's follow its language."""

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the button, the box behind it and the place for the file's name."""
        box = super().render(name, value, attrs, renderer)
        for_id = (attrs or {}).get("id", f"id_{name}")
        return mark_safe(render_to_string("parts/file.html", {"box": box, "for_id": for_id}))


class BegunField(forms.Field):
    """A field that is told by its form who fills it in and what it begins with."""

    def begin(self, user: access.AnyUser, initial: Any) -> None:
        """Take the user and the initial value."""
        raise NotImplementedError


class ScopedForm(forms.Form):
    """A form that knows its user, so that its pickers find only what the user may see.

    ``row`` is what it changes. ``apply_refusal`` puts what an operation refuses beside its fields.
    """

    folded: tuple[str, ...] = ()
    """The optional fields that are folded away."""
    fold_label = ""
    """The label of the fold."""
    held: tuple[str, ...] = ()
    """The fields that begin with what the row holds."""
    unsent: tuple[str, ...] = ("planned",)
    """The fields that the operation does not take."""
    may_be_future: tuple[str, ...] = ()
    """The days that may lie in the future; all others are checked with the rest of the form."""
    renames: Mapping[str, str] = {}
    holds_input = True
    """Whether its page goes without the choice of campaign and date, which would lose what was filled in."""

    def __init__(self, *args: Any, user: access.AnyUser, row: Any = None, **kwargs: Any) -> None:
        held = {name: getattr(row, name) for name in (*self.held, "version") if hasattr(row, name)}
        kwargs["initial"] = {**held, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.user, self.row = user, row
        self.begin_fields()

    def begin_fields(self) -> None:
        """Tell the fields who fills them in, and what the page is about."""
        about = next((day for day in self.initial.values() if isinstance(day, date)), None)
        for name, form_field in self.fields.items():
            if isinstance(form_field, SearchedField):
                form_field.user = self.user
            elif isinstance(form_field, BegunField):
                form_field.begin(self.user, self.initial.get(name))
            elif isinstance(form_field, DayField):
                held_day = self.initial.get(name)
                form_field.set_near(held_day if isinstance(held_day, date) else form_field.near or about)

    def main_fields(self) -> list[forms.BoundField]:
        """The fields always shown."""
        return [self[name] for name in self.fields if name not in self.folded and not self[name].is_hidden]

    def folded_fields(self) -> list[forms.BoundField]:
        """The optional fields that are folded away."""
        return [self[name] for name in self.folded if name in self.fields]

    def accepted(self, prefix: str) -> list[str]:
        """Return what follows ``prefix`` in each offer that is taken up (``rules.findings.Offer``)."""
        sent: list[str] = getattr(self.data, "getlist", lambda name: [])("offer")
        return [key.removeprefix(prefix) for key in sent if key.startswith(prefix)]

    def arguments(self) -> dict[str, Any]:
        """Return what the form sends, as the operation takes it."""
        return {name: value for name, value in self.cleaned_data.items() if name not in self.unsent}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for name, form_field in self.fields.items():
            if isinstance(form_field, DayField) and name not in self.may_be_future:
                for _rule, _field, message in in_future(name, self.cleaned_data.get(name)):
                    self.add_error(name, message)

    def apply_refusal(self, error: OperationRefused) -> None:
        """Show why the operation was refused, at the fields it names.

        ``renames`` maps the operation's name of a field to the form's.
        """
        for name, messages in error.message_dict.items():
            name = self.renames.get(name, name)
            for message in messages:
                self.add_error(name if name in self.fields else None, message)


class EditForm(ScopedForm):
    """Plain facts of a row (``held``), changed against the version that the form was opened with."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def arguments(self) -> dict[str, Any]:
        """Return the facts as changes; version and reason as they are."""
        sent = super().arguments()
        return {"changes": {name: sent.pop(name) for name in self.held if name in sent}, **sent}


def wide(**attrs: str) -> forms.TextInput:
    """A text box over both columns."""
    return forms.TextInput(attrs={"data-wide": "", **attrs})


def reason_field(label: str = "原因", *, required: bool = False, **options: Any) -> forms.CharField:
    """A reason, for the record."""
    return forms.CharField(label=label, max_length=300, required=required, widget=wide(), **options)


def note_field() -> forms.CharField:
    """A note on a row."""
    return forms.CharField(label="备注", max_length=300, required=False, widget=wide())


def code_field(label: str, longest: int) -> forms.CharField:
    """The code of something new, which the operation makes from the name when it is left out."""
    return forms.CharField(
        label=label,
        max_length=longest,
        required=False,
        help_text="用于网址和表格,登记后不变;留空时系统按名称的拼音编制。自定时用小写字母、数字和连字符。",
    )


def document_field(label: str, **options: Any) -> forms.CharField:
    """The number of a document."""
    return forms.CharField(label=label, max_length=80, required=False, **options)


class ReasonForm(ScopedForm):
    """A form that asks only for the reason, which is required."""

    reason = reason_field(required=True)
