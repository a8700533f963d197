"""Photos and files: knows no capability; each says who sees what its rows hold (``file_owners``)."""

from django.apps import AppConfig


class FilesConfig(AppConfig):
    """照片和附件"""

    name = "registry.files"
    verbose_name = "照片和附件"
    verbs = ("registry.files.verbs.VERBS",)
    record_words = ("registry.files.verbs.WORDS",)
    cleaners = ("registry.files.keeping.CLEANERS",)
