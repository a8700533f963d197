"""The list of one's own imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.importers.verdicts import Verdict
from registry.imports.models import Import, ImportState
from registry.models import AuditEntry
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address
from registry.web.columns import Column, Grid, tag_cell
from registry.work.queue import note_standings

TONES = {
    ImportState.UPLOADED: "info",
    ImportState.CHECKING: "info",
    ImportState.CHECKED: "warn",
    ImportState.CONFIRMED: "info",
    ImportState.WRITING: "info",
    ImportState.WRITTEN: "ok",
    ImportState.CANCELLED: "plain",
    ImportState.FAILED: "bad",
    ImportState.UNDO_ASKED: "info",
    ImportState.UNDOING: "info",
    ImportState.TAKEN_BACK: "plain",
}


@dataclass(frozen=True)
class ListedImport:
    """One import."""

    address: Address
    import_: Import
    is_gone: bool
    """Whether what it wrote was taken back."""

    @property
    def url(self) -> str:
        """Its page."""
        return self.address.url(self.import_.get_absolute_url())

    @property
    def state(self) -> str:
        """How far it is, in words."""
        if self.import_.is_silent:
            return "已中断,可重试"
        return str((ImportState.TAKEN_BACK if self.is_gone else ImportState(self.import_.state)).label)

    @property
    def tone(self) -> str:
        """The tone of the state."""
        if self.is_gone:
            return TONES[ImportState.TAKEN_BACK]
        return "bad" if self.import_.is_silent else TONES[ImportState(self.import_.state)]


def _number(verdict: Verdict) -> Column[ListedImport]:
    return Column(str(verdict.label), lambda row: row.import_.number(verdict), Kind.NUMBER)


COLUMNS: Sequence[Column[ListedImport]] = (
    Column("文件", "import_.file_name", url="url", css="text", is_heading=True),
    Column("状态", "state", cell=tag_cell),
    Column("上传时间", "import_.created_at", Kind.TIME),
    *(_number(verdict) for verdict in Verdict),
)


def drawn(rows: Sequence[Import], address: Address) -> Grid[ListedImport]:
    """Return these imports as the page shows them."""
    note_standings(row for row in rows if row.is_under_way)
    undoing = AuditEntry.objects.filter(undoes__in={row.entry_id for row in rows} - {None})
    gone = set(undoing.values_list("undoes_id", flat=True))
    return Grid(COLUMNS, [ListedImport(address, row, row.entry_id in gone) for row in rows])
