"""Logbooks (工作台账)."""

from django.apps import AppConfig


class LogbooksConfig(AppConfig):
    """工作台账"""

    name = "registry.logbooks"
    verbose_name = "工作台账"
    nouns = ("registry.logbooks.nouns.LOGBOOK", "registry.logbooks.nouns.ENTRY")
    record_words = ("registry.logbooks.nouns.WORDS",)
    standing_rules = ("registry.logbooks.agreed.STANDING",)
    closing_rules = ("registry.logbooks.rules.closing_refusals",)
    metrics = ("registry.logbooks.metrics.FAMILIES", "registry.logbooks.metrics.logbook_metrics")
    layouts = ("registry.logbooks.sheets.layouts",)
    person_joiners = ("registry.logbooks.operations.joining.join_people",)
    approved_acts = (
        "registry.logbooks.operations.entries.edit_entry",
        "registry.logbooks.operations.deciding.withdraw_entry",
    )
    navigation = (("logbooks", "工作台账", ("logbook", "entry", "entries", "album"), "see"),)
    entry_panels = ("registry.logbooks.pages.checked.of_entry",)
    compliance_panels = ("registry.logbooks.pages.checked.of_place",)
    unit_panels = ("registry.logbooks.pages.panels.of_unit",)
    organization_panels = ("registry.logbooks.pages.panels.of_organization",)
    person_panels = ("registry.logbooks.pages.panels.of_person",)
    desk_decides = ("registry.logbooks.pages.desk.ENTRIES",)
    file_owners = ("registry.logbooks.files.ENTRY",)
