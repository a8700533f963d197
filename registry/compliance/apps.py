"""What breaks the rules, what is excepted, how the bureau set the rules, and the days of work."""

from django.apps import AppConfig


class ComplianceConfig(AppConfig):
    """规范检查"""

    name = "registry.compliance"
    verbose_name = "规范检查"
    unit_panels = ("registry.compliance.page.unit_panel",)
    organization_panels = ("registry.compliance.card.organization_panel",)
    navigation = (
        (
            "compliance",
            "规范检查",
            ("compliance", "breaches", "exceptions", "rules", "rule", "workdays"),
            "see",
        ),
    )
