"""How the registry is, and what whoever runs it must know."""

from django.apps import AppConfig


class OperatingConfig(AppConfig):
    """系统运行"""

    name = "registry.operating"
    verbose_name = "系统运行"
    verbs = ("registry.operating.verbs.VERBS",)
    record_words = ("registry.operating.verbs.WORDS",)
    chores = ("registry.operating.health.CHORES",)
    navigation = (("system", "系统状态", (), "see_system", True),)

    def ready(self) -> None:
        """Let ``check --deploy`` know what is ours to look at."""
        from registry.operating import checks  # noqa: F401  registers itself
