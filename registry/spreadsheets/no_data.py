"""Recognizes rows below a header that are not data: examples, hints, group headings, totals, foot lines."""

from __future__ import annotations

import re
from collections.abc import Sequence

from registry.models.text import HAN
from registry.nouns.columns import EXAMPLE, Column, key_of
from registry.spreadsheets.grid import Merge, Raw, Row
from registry.spreadsheets.headers import Header

_COUNT = r"\s*\d+\s*[人名个条行项支家]?"
_FOOT = re.compile(
    rf"(?:合计|总计|共计|小计|总数)(?:[::]?|[::]?{_COUNT})$|(?:以上|总)?共{_COUNT}[。.]?$"
    r"|(?:填报|填表|制表|审核|审批|经办|报送|负责|单位负责|联系|注|备注|说明)[^::]{0,8}[::]"
)
_HEADING = re.compile(
    r"[一二三四五六七八九十百]+、|[((][一二三四五六七八九十\d]+[))]|\d{1,3}[、..](?!\d)"
    rf"|.*[((](?:共|计)?{_COUNT}[))]$"
)
_HINT = re.compile(r"[*\s((]*(?:必填|选填|非必填|不必填|必须填|可不填|可以不填|可空|不能为空|请填|请选)")
_HINT_FOR_CODES = re.compile(
    rf"{_HINT.pattern}|[*\s((]*(?:文本|字符|数字|格式|例如|例[::]|如[::]|请|填写|填报|与系统|参照)"
)
_HAN = re.compile(HAN)


class NoData:
    """Decides which rows of a sheet are not data. ``skipped`` are those of them that users might miss."""

    def __init__(
        self,
        header: Header,
        columns: Sequence[tuple[Column, int]],
        key: Sequence[Column],
        merges: list[Merge],
    ) -> None:
        """``columns`` are the table's with their places, ``key`` those that identify a row."""
        self._places = [place for _, place in columns]
        self._keys = [header.places[column.slug].column for column in key]
        self._headers = [key_of(header.places[column.slug].text) for column in key]
        self._hints = [_HINT_FOR_CODES if column.kind == "code" else _HINT for column in key]
        self._codes = {place for column, place in columns if column.kind == "code"}
        self._wide: dict[int, list[Merge]] = {}
        for merge in merges:
            if merge.right > merge.left and merge.top == merge.bottom:
                self._wide.setdefault(merge.top, []).append(merge)
        self.skipped: list[int] = []

    def __call__(self, row: Row) -> bool:
        """Whether the row is no data."""
        if self.is_example(row) or self._is_header_again(row) or self._is_foot(row):
            return True
        if self._is_hint(row) or self._is_heading(row):
            self.skipped.append(row.number)
            return True
        return False

    def is_example(self, row: Row) -> bool:
        """Whether it is the template's example."""
        return any(isinstance(raw, str) and raw.strip().startswith(EXAMPLE) for raw in self._raws(row))

    def said(self) -> str:
        """Say which rows were skipped; empty when there were none."""
        if not self.skipped:
            return ""
        some = "、".join(map(str, self.skipped[:20])) + (" 等" if len(self.skipped) > 20 else "")
        return f"第 {some} 行是填写要求、分组标题或合计,没有读取。"

    def _raws(self, row: Row) -> list[Raw | None]:
        return [row.cells.get(place) for place in self._keys]

    def _is_header_again(self, row: Row) -> bool:
        """Whether this is the header repeated, as at the top of a printed page."""
        return all(
            isinstance(raw, str) and key_of(raw) == text
            for raw, text in zip(self._raws(row), self._headers, strict=True)
        )

    def _is_foot(self, row: Row) -> bool:
        """Whether it says who filled the sheet in, or how many rows there are."""
        first = min(row.cells)
        opening = row.cells[first]
        if not isinstance(opening, str) or any(
            row.cells.get(column) not in (None, "") for column in self._keys if column != first
        ):
            return False
        # A foot line may be in any column; the value that names a row never looks like one.
        is_sentence = len(row.cells) == 1 and opening.rstrip().endswith("。")
        return is_sentence or _FOOT.match(opening.strip()) is not None

    def _is_hint(self, row: Row) -> bool:
        """Whether it says under the header what to fill in."""
        return any(
            isinstance(raw, str) and hint.match(raw.strip())
            for raw, hint in zip(self._raws(row), self._hints, strict=True)
        )

    def _is_heading(self, row: Row) -> bool:
        """Whether it is the heading of a group of rows: the only text in its row."""
        filled = [place for place in self._places if row.cells.get(place) not in (None, "")]
        if len(filled) != 1 or not isinstance(raw := row.cells[filled[0]], str):
            return False
        text = raw.strip()
        if _HEADING.match(text):
            return True
        is_wide = any(merge.left <= filled[0] <= merge.right for merge in self._wide.get(row.number, ()))
        return (is_wide or filled[0] in self._codes) and _HAN.search(text) is not None
