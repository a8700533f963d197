"""The list of one's own exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.exports.models import UNDER_WAY, Export, ExportState
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address
from registry.web.columns import Column, Grid, tag_cell
from registry.work.queue import note_standings

TONES = {
    ExportState.WAITING: "info",
    ExportState.MAKING: "info",
    ExportState.READY: "ok",
    ExportState.FAILED: "bad",
    ExportState.CANCELLED: "plain",
    ExportState.EXPIRED: "plain",
}


@dataclass(frozen=True)
class ListedExport:
    """One export."""

    address: Address
    export: Export

    @property
    def url(self) -> str:
        """Its page."""
        return self.address.url(self.export.get_absolute_url())

    @property
    def _state(self) -> ExportState:
        return ExportState.EXPIRED if self.export.is_past else ExportState(self.export.state)

    @property
    def state(self) -> str:
        """How far it is, in words."""
        return "已中断,可重试" if self.export.is_lost else str(self._state.label)

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return "bad" if self.export.is_lost else TONES[self._state]


COLUMNS: Sequence[Column[ListedExport]] = (
    Column("内容", "export.title", url="url", css="text", is_heading=True),
    Column("状态", "state", cell=tag_cell),
    Column("提交时间", "export.created_at", Kind.TIME),
    Column("保留到", "export.expires_at", Kind.TIME),
    Column("行数", "export.rows", Kind.NUMBER),
)


def drawn(rows: Sequence[Export], address: Address) -> Grid[ListedExport]:
    """Return these exports as the page shows them."""
    note_standings(row for row in rows if row.state in UNDER_WAY)
    return Grid(COLUMNS, [ListedExport(address, row) for row in rows])
