"""The facts of five articles, and invented rows that fill them up."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    """演示数据"""

    name = "registry.demo"
    verbose_name = "演示数据"
    openings = ("registry.demo.opening.opening",)
