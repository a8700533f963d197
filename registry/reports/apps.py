"""What is handed upward: ready sheets, and reported figures beside the registered counts."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """报表与核对"""

    name = "registry.reports"
    verbose_name = "报表与核对"
    record_words = ("registry.reports.words.WORDS",)
