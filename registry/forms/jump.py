"""The box of the tree's page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from registry.forms.fields import PickerField, ScopedForm


class JumpForm(ScopedForm):
    """Opens the tree at a unit."""

    unit = PickerField("unit", required=False, label=_("跳到单位"))
