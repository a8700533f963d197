"""The registry as a Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Keeps the database's guards (triggers) in step with the models after every migration."""

    name = "registry"
    label = "registry"
    verbose_name = "战时党建组织登记"

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from registry.models import guards

        # Not business logic: SQLite rebuilds a table to alter it, which trigger bodies that name
        # the table would break, so the triggers step aside for a migration and come back after it.
        pre_migrate.connect(guards.drop, sender=self, dispatch_uid="registry.guards.drop")
        post_migrate.connect(guards.install, sender=self, dispatch_uid="registry.guards.install")
