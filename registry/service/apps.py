"""Service records: what people did in a campaign, and how it was judged, for their home branches."""

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """服务记录"""

    name = "registry.service"
    verbose_name = "服务记录"
    nouns = (
        "registry.service.nouns.OPINION",
        "registry.service.nouns.RECEIPT",
        "registry.service.nouns.REMINDER",
    )
    take_back_guards = ("registry.service.rules.guard_taking_back",)
    campaign_dues = ("registry.service.panels.MISSING",)
    desk_panels = (
        "registry.service.panels.waiting_receipts",
        "registry.service.panels.waiting_opinions",
    )
    """What waits for a user: functions (user) -> lines."""
    desk_reminders = ("registry.service.panels.reminded",)
    campaign_panels = ("registry.service.panels.of_campaign",)
    organization_panels = ("registry.service.panels.of_organization",)
    person_panels = ("registry.service.panels.of_person",)
    unit_panels = ("registry.service.panels.of_unit",)
    """What the pages of these rows say of service records (registry.pages.panels)."""
