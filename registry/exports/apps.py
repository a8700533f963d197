"""Long exports: made by the worker with the rights that their user has then, kept for a day."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """导出文件"""

    name = "registry.exports"
    verbose_name = "导出文件"
    verbs = ("registry.exports.verbs.VERBS",)
    long_exports = ("registry.exports.asking.ask",)
    cleaners = ("registry.exports.operations.CLEANERS",)
