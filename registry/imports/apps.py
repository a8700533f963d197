"""Excel in: a workbook is handed in, checked line by line, and written whole or not at all."""

from django.apps import AppConfig


class ImportsConfig(AppConfig):
    """表格导入"""

    name = "registry.imports"
    verbose_name = "表格导入"
    verbs = ("registry.imports.verbs.VERBS",)
    record_words = ("registry.imports.verbs.WORDS",)
    cleaners = ("registry.imports.operations.CLEANERS",)
