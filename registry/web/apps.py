"""The kit of every page: the page's query, lists, forms, changes, pickers, charts, export. Knows no noun."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """页面部件"""

    name = "registry.web"
    verbose_name = "页面部件"
