"""Ten people at work: each opens pages, follows links, fills forms in, and notes what was answered."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from tests.chaos.browser import Answer, Browser, Fields, Files, NoAnswer
from tests.chaos.pages import Box, Form, Page

PASSWORD = "correct horse battery"
FINE = {200, 302, 400, 403, 404, 405, 409, 413, 429, 503}
"""The statuses that a page may have (500 is looked up in the log)."""
NEVER = ("/logout/", "/admin/", "/account/", "/users/", "/static/", "/login/")
"""Where nobody goes here: who logs out or is disabled does nothing more."""
PRESSES = 4
"""So often somebody presses again when no page says that it was done."""
STARTS: tuple[str, ...] = (
    *("/", "/tree/", "/people/", "/assignments/", "/organizations/", "/campaigns/", "/sources/", "/lent/"),
    *("/reconciliation/", "/search/?q=密", "/organizations/?state=submitted", "/compare/"),
    *("/desk/", "/approvals/?state=all", "/compliance/", "/service/"),
)
ENTER = (
    *("/imports/", "/units/{code}/register/", "/units/{code}/register/", "/units/{code}/people/add/"),
    *("/organizations/{code}-branch/edit/", "/organizations/{code}-branch/members/add/", "/assignments/"),
    *("/organizations/{code}-branch/members/end/", "/organizations/{code}-team/dissolve/"),
    *(
        "/people/{person}/edit/",
        "/people/{person}/assign/",
        "/people/{person}/transfer/",
        "/people/{person}/",
    ),
    *("/people/{person}/status/", "/organizations/{code}-draft/", "/organizations/?state=draft"),
)
WORK: dict[str, tuple[str, ...]] = {
    "viewer": (),
    "auditor": ("/record/", "/record/?q=密"),
    "approver": ("/organizations/?state=submitted", "/organizations/{code}-submitted/"),
    "clerk": (*ENTER, "/record/"),
    "manager": (*ENTER, "/record/", "/organizations/?state=submitted", "/units/{code}-spare/edit/"),
}
"""Where those who may do something begin, by role."""
CALM = ("/export/", "/print/", "/columns/")
"""Forms that write nothing but an entry of the record: most of all forms, so they are seldom sent."""
BUSY = 4
"""So much more often does somebody begin with work than with reading."""


@dataclass
class Deed:
    """A form that somebody sent, as often as it took, and what was answered."""

    who: str
    path: str
    token: str
    """Stands in what was filled in, and in nothing else."""
    began: float
    answers: list[tuple[int, str, str]] = field(default_factory=list)
    """Status (0: none), the number of the request, what the page said of what was saved."""
    done: list[str] = field(default_factory=list)
    """What the next page said in green."""
    is_cut: bool = False
    """A redirect whose page could not be read."""


@dataclass
class Seen:
    """An answer with a status that no page may have."""

    who: str
    path: str
    status: int
    number: str


class Person:
    """Somebody with a login."""

    def __init__(
        self, port: int, name: str, role: str, code: str, known: dict[str, list[str]], seed: int
    ) -> None:
        self.browser = Browser(port)
        self.name, self.role, self.code, self.known = name, role, code, known
        self.pick = random.Random(seed)
        self.deeds: list[Deed] = []
        self.strange: list[Seen] = []
        self.opened = self.unanswered = self.busy = 0
        self.counter = 0

    def work(self, until: float) -> None:
        """Open pages and send forms until the time is over."""
        page: Page | None = None
        while time.monotonic() < until:
            try:
                page = self._step(page)
            except NoAnswer:
                self.unanswered += 1
                page = None
                time.sleep(0.3)

    def _step(self, page: Page | None) -> Page | None:
        """Send a form of the page, or open another page first: a link of it, or where work begins."""
        forms = self._forms(page)
        if not forms or self.pick.random() < 0.5:
            page = self._open(self._next(page))
            forms = self._forms(page)
        if not forms or self.pick.random() < 0.2:
            return page
        return self._send(self.pick.choice(forms))

    def _next(self, page: Page | None) -> str:
        links = [link for link in page.links if self._may_go(link)] if page else []
        if links and self.pick.random() < 0.4:
            return self.pick.choice(links)
        person = self.pick.choice(self.own("people"))
        starts = (*STARTS, "/units/{code}/", *WORK[self.role] * BUSY)
        return self.pick.choice(starts).format(code=self.code, person=person)

    def own(self, kind: str) -> list[str]:
        """Return the codes or numbers of what is at the own bureau."""
        return [each for each in self.known[kind] if each.lower().startswith(self.code)]

    def _forms(self, page: Page | None) -> list[Form]:
        """Return the forms of a page that may be sent; those that write nothing only now and then."""
        found = [form for form in page.forms if self._may_go(form.action or "/")] if page else []
        found = [form for form in found if not any(box.kind == "password" for box in form.boxes)]
        if self.pick.random() < 0.15:
            return found
        return [form for form in found if not any(part in form.action for part in CALM)]

    def _may_go(self, link: str) -> bool:
        return not urlsplit(link).path.startswith(NEVER)

    def _open(self, path: str) -> Page | None:
        answer = self.browser.get(path)
        self.opened += 1
        if urlsplit(self.browser.here).path == "/login/" and answer.status == 200:
            self._log_in(Page(answer.text))
            return None
        self._judge(path, answer)
        is_page = answer.status == 200 and answer.body.lstrip().startswith(b"<!")
        return Page(answer.text) if is_page else None

    def _log_in(self, page: Page) -> None:
        form = next(form for form in page.forms if form.value("csrfmiddlewaretoken"))
        fields = [(box.name, box.value) for box in form.boxes if box.kind == "hidden"]
        fields += [("username", self.name), ("password", PASSWORD)]
        self._judge("/login/", self.browser.post("/login/", fields))

    def _judge(self, path: str, answer: Answer) -> None:
        self.busy += answer.status == 503
        if answer.status not in FINE:
            self.strange.append(Seen(self.name, path, answer.status, answer.number))

    # Forms

    def _send(self, form: Form, confirmed: Fields | None = None, deed: Deed | None = None) -> Page | None:
        self.counter += 1
        deed = deed or Deed(self.name, "", f"演练{self.name}{self.counter}号", time.time())
        filled = self._filled(form, deed.token) if confirmed is None else (confirmed, [], form.action)
        fields, files, action = filled
        path = urljoin(self.browser.here, action) if action else self.browser.here
        deed.path = path
        if deed not in self.deeds:
            self.deeds.append(deed)
        answer = self._press(path, fields, files, deed)
        if answer is None:
            return None
        if answer.status == 302:
            return self._after(answer, deed)
        if answer.status != 200 or not answer.body.lstrip().startswith(b"<!"):
            return None
        page = Page(answer.text)
        warned = next((each for each in page.forms if each.value("confirmed")), None)
        if warned is not None and confirmed is None:  # what was warned about is sent again
            hidden = {box.name: box.value for box in warned.boxes if box.kind == "hidden"}
            rest = [(name, value) for name, value in fields if name not in hidden]
            return self._send(warned, [*rest, *hidden.items()], deed)
        return page

    def _press(self, path: str, fields: Fields, files: Files, deed: Deed) -> Answer | None:
        """Send the form; when nobody says that it was done, the same again."""
        for _ in range(PRESSES):
            try:
                answer = self.browser.post(path, fields, files)
            except NoAnswer:
                self.unanswered += 1
                deed.answers.append((0, "", ""))
            else:
                self._judge(path, answer)
                said = answer.text if answer.status in (500, 503) else ""
                deed.answers.append((answer.status, answer.number, said))
                if answer.status not in (500, 503):
                    return answer
            time.sleep(0.5)
        return None

    def _after(self, answer: Answer, deed: Deed) -> Page | None:
        """Open the page to which the answer leads, which says what was done."""
        for _ in range(6):
            try:
                seen = self._open(answer.location)
            except NoAnswer:
                self.unanswered += 1
                time.sleep(0.5)
                continue
            if seen is not None:
                deed.done += seen.done
                return seen
            time.sleep(0.2)
        deed.is_cut = True
        return None

    def _filled(self, form: Form, token: str) -> tuple[Fields, Files, str]:
        fields: Fields = []
        files: Files = []
        dots: dict[str, list[str]] = {}
        action = form.action
        ticked = 0
        for box in form.boxes:
            if box.kind == "file":
                files.append((box.name, f"{token}.csv", self._workbook(token)))
            elif box.kind == "radio":
                dots.setdefault(box.name, []).extend([box.value] * (6 if box.is_on else 1))
            elif box.kind == "checkbox":
                if box.is_on or (ticked < 2 and self.pick.random() < 0.3):
                    ticked += 1
                    fields.append((box.name, box.value or "on"))
            elif box.kind not in ("submit", "button", "reset"):
                fields.append((box.name, self._value(box, token)))
        fields += [(name, self.pick.choice(values)) for name, values in dots.items()]
        if form.buttons:
            name, value, other = self.pick.choice(form.buttons)
            fields += [(name, value)] if name else []
            action = other or action
        return fields, files, action

    def _value(self, box: Box, token: str) -> str:
        if box.kind == "hidden":
            return box.value
        if box.kind == "select":
            wanted = [value for value in box.options if value]
            return self.pick.choice(wanted) if wanted and self.pick.random() < 0.2 else box.value
        for end, fill in FILLED.items():
            if box.name == end or (end.startswith("_") and box.name.endswith(end)):
                return fill(self, box, token)
        return box.value

    def _day(self, box: Box, token: str) -> str:
        if box.value and self.pick.random() < 0.8:
            return box.value
        return f"2020-{self.pick.choice(('02', '03'))}-{self.pick.randint(1, 28):02}"

    def _named(self, box: Box, token: str) -> str:
        return box.value if box.value and self.pick.random() < 0.3 else token

    def _coded(self, box: Box, token: str) -> str:
        """Return the code of something that is there, for a field that looks it up."""
        kind = KINDS.get(box.name.removesuffix("_text"), "")
        if box.value or not kind or self.pick.random() < 0.6:
            return box.value
        return self.pick.choice(self.own(kind) if self.pick.random() < 0.9 else self.known[kind])

    def _numbers(self, box: Box, token: str) -> str:
        return "\n".join(self.pick.sample(self.own("people"), 2)) if self.pick.random() < 0.3 else box.value

    def _workbook(self, token: str) -> bytes:
        """A small workbook, or one so large that the worker reads it."""
        rows = [
            f"{token[-40:]}{number},新人{number},民警,{self.code}"
            for number in range(self.pick.randint(1, 12))
        ]
        blank = "\n" + ",,,\n" * 110_000 if self.pick.random() < 0.3 else "\n"
        return ("警号,姓名,人员类别,所属单位代码\n" + "\n".join(rows) + blank).encode()


KINDS = {
    **dict.fromkeys(("unit", "into", "superior", "home_unit", "lead_unit"), "units"),
    **dict.fromkeys(("organization", "parent", "home_branch", "task_body"), "organizations"),
    **dict.fromkeys(("person", "other", "secretary", "members", "also"), "people"),
}
"""Field that looks something up -> what."""
FILLED: dict[str, Callable[[Person, Box, str], str]] = {
    **dict.fromkeys(("on", "_on", "as_of", "since"), Person._day),
    **dict.fromkeys(("name", "title", "short_name", "note", "label"), Person._named),
    "reason": lambda person, box, token: token,
    "code": lambda person, box, token: f"{person.name}-{person.counter}",
    "number": lambda person, box, token: box.value or f"N{person.name}{person.counter}",
    "phone": lambda person, box, token: box.value or "13900001111",
    "numbers": Person._numbers,
    "_text": Person._coded,
}
"""Name of a field, or how it ends -> what is filled in."""
