"""What a person sees of a page: its links, its forms, and what it says was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class Box:
    """A control of a form."""

    kind: str
    """The type of an input, or textarea, select."""
    name: str
    value: str = ""
    is_on: bool = False
    """Ticked, for boxes and dots."""
    options: list[str] = field(default_factory=list)


@dataclass
class Form:
    """A form that posts."""

    action: str
    boxes: list[Box] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, value and, where it differs from the form's, the address."""

    def value(self, name: str) -> str:
        """Return what the first control of this name holds."""
        return next((box.value for box in self.boxes if box.name == name), "")


class Page(HTMLParser):
    """Reads an answer's HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.done: list[str] = []
        """What stands in the green lines: 已登记 …"""
        self._form: Form | None = None
        self._box: Box | None = None
        self._skip = 0
        self._line: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, found: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in found}
        if tag == "template":
            self._skip += 1
        if self._skip:
            return
        if tag == "a" and given.get("href", "").startswith(("/", "?")):
            self.links.append(given["href"])
        elif tag == "form":
            is_post = given.get("method", "").lower() == "post"
            self._form = Form(given.get("action", "")) if is_post else None
        elif tag == "p" and given.get("class", "").split() == ["line", "success"]:
            self._line = []
        elif self._form is not None:
            self._control(tag, given)

    def _control(self, tag: str, given: dict[str, str]) -> None:
        assert self._form is not None
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "button" and given.get("type", "submit") == "submit":
            self._form.buttons.append((name, value, given.get("formaction", "")))
        elif tag == "option" and self._box is not None:
            self._box.options.append(value)
            if "selected" in given or len(self._box.options) == 1:
                self._box.value = value
        elif tag in ("input", "textarea", "select") and name and "disabled" not in given:
            kind = given.get("type", "text") if tag == "input" else tag
            self._box = Box(kind, name, value, "checked" in given)
            self._form.boxes.append(self._box)

    def handle_data(self, data: str) -> None:
        if self._line is not None:
            self._line.append(data)
        elif self._box is not None and self._box.kind == "textarea" and not self._skip:
            self._box.value += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._skip -= 1
        elif tag == "p" and self._line is not None:
            self.done.append(" ".join("".join(self._line).split()))
            self._line = None
        elif tag == "form" and self._form is not None:
            self.forms.append(self._form)
            self._form = None
        elif tag in ("textarea", "select"):
            self._box = None
