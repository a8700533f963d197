"""The box of the tree's page."""

from __future__ import annotations

from registry.web.fields import PickerField, ScopedForm


class JumpForm(ScopedForm):
    """Opens the tree at a unit."""

    unit = PickerField("unit", required=False, label="跳到单位")
