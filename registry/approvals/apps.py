"""Changes of what is approved, kept until another person approves them."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """变更审批"""

    name = "registry.approvals"
    verbose_name = "变更审批"
    nouns = ("registry.approvals.nouns.SUBMISSION",)
    keeps_submissions = ("registry.approvals.submissions.keep",)
    returned_submissions = ("registry.approvals.submissions.returned",)
    record_words = ("registry.approvals.nouns.WORDS",)
    campaign_dues = ("registry.approvals.panels.WAITING",)
    organization_panels = ("registry.approvals.panels.of_row",)
    entry_panels = ("registry.approvals.panels.of_row",)
    files_seen = ("registry.approvals.photos.files_to_decide",)
    desk_decides = ("registry.approvals.desk.CHANGES",)
