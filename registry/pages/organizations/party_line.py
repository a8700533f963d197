"""The picture of an organization on the Party line: superiors above, itself, subordinates below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from registry import access
from registry.models import Organization, WorkflowState
from registry.models.hierarchy import Span, as_values, from_values, placed_in
from registry.models.kinds import place_of_kind
from registry.models.prepared import Values, read_first, read_objects
from registry.web.address import Address

WIDTH, BOX, WIDE_BOX, HEIGHT = 720, 164, 248, 62
GAP, RISE, IN_A_ROW, MOST = 16, 30, 4, 12
_LETTER = 12.5
"""How wide a Chinese letter of a box is."""


@dataclass(frozen=True)
class Box:
    """One organization, or the link to more of them (``note`` empty)."""

    x: int
    y: int
    width: int
    lines: tuple[str, ...]
    note: str
    title: str
    url: str = ""
    is_self: bool = False
    is_pending: bool = False
    name: str = ""

    height = HEIGHT

    @property
    def middle(self) -> float:
        """Where its line arrives."""
        return self.x + self.width / 2

    @property
    def text_lines(self) -> list[tuple[int, str]]:
        """Each line of the name with its baseline."""
        first = self.y + (21 if len(self.lines) > 1 and self.note else 27)
        return [(first + 16 * place, line) for place, line in enumerate(self.lines)]

    @property
    def note_y(self) -> int:
        """The baseline of the grey line."""
        return self.y + (54 if len(self.lines) > 1 else 46)


@dataclass(frozen=True)
class Picture:
    """Boxes and the lines between them."""

    boxes: list[Box]
    paths: list[str]
    inferred: tuple[float, float] | None
    """Where the word 推定 stands when the superior is inferred."""
    height: int
    text: str
    width: int = WIDTH

    @property
    def rows(self) -> list[tuple[range, Box]]:
        """Each box with a step for each level above it: a phone shows a list instead of the picture."""
        below = 1 + next(at for at, box in enumerate(self.boxes) if box.is_self)
        return [(range(min(at, below)), box) for at, box in enumerate(self.boxes)]


def _above(values: Values) -> QuerySet[Organization]:
    tree, lft, rght = values
    rows = Organization.objects.filter(tree_id=tree, lft__lt=lft, rght__gt=rght)
    return rows.select_related("unit").order_by("lft")


def _below(values: Values, intervals: int | None) -> QuerySet[Any]:
    """Return the organizations directly below that stand on the day where the user sees them, not withdrawn.

    The ledger's list of the Party line takes its rows in the same way.
    """
    day, parent, *ends = values
    rows: QuerySet[Any] = (
        Organization.objects.filter(parent=parent)
        .as_of(day)
        .exclude(state=WorkflowState.WITHDRAWN)
        .hosted_on(day)
    )
    spans = from_values(ends, intervals)
    rows = rows if spans is None else placed_in(rows, spans, "host__unit__")
    rows = rows.select_related("unit").annotate(kind_place=place_of_kind())
    return rows.order_by("kind_place", "order_key", "pk")


def picture(organization: Organization, address: Address, scope: Sequence[Span]) -> Picture | None:
    """Return the picture, None when nothing stands above or below.

    What stands above and out of scope is named, without a link; what stands below and out of scope
    is left out.
    """
    place = [organization.tree_id, organization.lft, organization.rght]
    above: list[Organization] = read_objects(_above, place) if organization.level else []
    ends, intervals = as_values(address.question.scope)
    below, number = read_first(_below, MOST, [address.as_of, organization.pk, *ends], intervals)
    if not above and not below:
        return None
    boxes: list[Box] = []
    paths: list[str] = []
    y = 1
    for each in [*above, organization]:
        boxes.append(_box(each, (WIDTH - WIDE_BOX) // 2, y, WIDE_BOX, scope, address, organization))
        if y > 1:
            paths.append(f"M{WIDTH / 2} {y - RISE}V{y}")
        y += HEIGHT + RISE
    inferred = (WIDTH / 2 + 8, y - RISE - HEIGHT - RISE / 2 + 4)
    trunk = y - RISE
    cells = [*below, None] if number > len(below) else list(below)
    for start in range(0, len(cells), IN_A_ROW):
        row = cells[start : start + IN_A_ROW]
        left = (WIDTH - len(row) * BOX - (len(row) - 1) * GAP) // 2
        made = [
            _more(left + place * (BOX + GAP), y, number - len(below), organization, address)
            if each is None
            else _box(each, left + place * (BOX + GAP), y, BOX, scope, address, organization)
            for place, each in enumerate(row)
        ]
        boxes += made
        bus = y - RISE / 2
        paths.append(f"M{WIDTH / 2} {trunk}V{bus}")
        paths.append(f"M{made[0].middle} {bus}H{made[-1].middle}")
        paths += [f"M{box.middle} {bus}V{y}" for box in made]
        trunk = int(bus)
        y += HEIGHT + RISE
    return Picture(
        boxes,
        paths,
        inferred if organization.parent_inferred and above else None,
        y - RISE + 1,
        _in_words(above, below, number),
    )


def _box(
    each: Organization,
    x: int,
    y: int,
    width: int,
    scope: Sequence[Span],
    address: Address,
    shown: Organization,
) -> Box:
    is_self = each.pk == shown.pk
    is_seen = access.inside(each.unit, scope)
    letters = int((width - 16) / _LETTER)
    if not is_seen:
        lines = _wrapped(each.name, letters)
        return Box(x, y, width, lines, each.kind_label, each.name, name=each.name)
    note = f"{each.kind_label} · {each.unit.label}"
    return Box(
        x,
        y,
        width,
        _wrapped(each.name, letters),
        note if len(note) <= letters + 1 else f"{note[:letters]}…",
        f"{each.name}({each.kind_label},{each.unit.name})",
        address.url(each.get_absolute_url()) if not is_self else "",
        is_self,
        each.state != WorkflowState.APPROVED,
        each.name,
    )


def _more(x: int, y: int, number: int, organization: Organization, address: Address) -> Box:
    words = f"另有 {number} 个下级"
    url = address.url(reverse("organizations"), party_line=organization.code, basis=None, since=None)
    return Box(x, y, BOX, (words, "见台账 →"), "", words, url, name=words)


def _wrapped(name: str, letters: int) -> tuple[str, ...]:
    if len(name) <= letters:
        return (name,)
    half = min(letters, (len(name) + 1) // 2)
    rest = name[half:]
    return name[:half], rest if len(rest) <= letters else f"{rest[: letters - 1]}…"


def _in_words(above: list[Organization], below: list[Organization], number: int) -> str:
    said = "上级组织:{names}。".format(names="、".join(each.name for each in above) or "无")
    if not number:
        return said + "没有下级组织。"
    more = "等" if number > len(below) else ""
    return said + f"下级组织 {number} 个:{'、'.join(each.name for each in below)}{more}。"
