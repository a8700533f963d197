"""The pages of the core nouns, and what composes capabilities."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """页面"""

    name = "registry.pages"
    verbose_name = "页面"
    chores = ("registry.pages.desk.mail.CHORES",)
    desk_decides = ("registry.pages.desk.foundings.FOUNDINGS",)
    desk_panels = ("registry.pages.desk.waiting.owed",)
    unit_panels = ("registry.pages.units.covered.panel",)
