"""Closing a campaign: preview, one act (in the background when it is large), and reopening."""

from django.apps import AppConfig


class ClosingsConfig(AppConfig):
    """专项任务收尾"""

    name = "registry.closings"
    verbose_name = "专项任务收尾"
    verbs = ("registry.closings.verbs.VERBS",)
    record_words = ("registry.closings.verbs.WORDS",)
