"""The registry as a Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Keeps the database's guards (triggers) and the ledger of counts in step after every migration."""

    name = "registry"
    label = "registry"
    verbose_name = "战时党建组织登记"
    nouns = (
        "registry.nouns.unit.UNIT",
        "registry.nouns.organization.ORGANIZATION",
        "registry.nouns.person.PERSON",
        "registry.nouns.assignment.ASSIGNMENT",
        "registry.nouns.campaign.CAMPAIGN",
        "registry.nouns.source.SOURCE",
        "registry.nouns.user.USER",
        "registry.nouns.grant.GRANT",
    )
    """In the order in which a workbook is written: what is named by a later one comes first."""
    verbs = ("registry.nouns.general.VERBS",)
    edits = (
        "registry.operations.units.edit_unit",
        "registry.operations.organizations.edit_organization",
        "registry.operations.people.edit_person",
    )
    """The operations that set an edit back: each by the name of its verb, told its row as ``noun.key``."""

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from registry.models import guards

        # Not business logic: SQLite rebuilds a table to alter it, which trigger bodies that name
        # the table would break, so the triggers step aside for a migration and come back after it.
        pre_migrate.connect(guards.drop, sender=self, dispatch_uid="registry.guards.drop")
        post_migrate.connect(guards.install, sender=self, dispatch_uid="registry.guards.install")
        post_migrate.connect(_fill_ledger, sender=self, dispatch_uid="registry.ledger.fill")


def _fill_ledger(using: str, **_: object) -> None:
    """Work out the ledger of counts when a registry gets one that was filled before there was any."""
    from django.db import DEFAULT_DB_ALIAS, connection

    from registry.counting.totals.write import fill_when_empty
    from registry.models import CountDay

    if using == DEFAULT_DB_ALIAS and CountDay._meta.db_table in connection.introspection.table_names():
        fill_when_empty()
