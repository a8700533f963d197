"""The registry as a Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """Keeps the database's guards (triggers) and the totals in step after every migration."""

    name = "registry"
    label = "registry"
    verbose_name = "战时党建组织登记"
    verbs_label = "导出和维护"
    nouns = (
        "registry.nouns.unit.UNIT",
        "registry.nouns.organization.ORGANIZATION",
        "registry.nouns.person.PERSON",
        "registry.nouns.assignment.ASSIGNMENT",
        "registry.nouns.campaign.CAMPAIGN",
        "registry.nouns.source.SOURCE",
        "registry.nouns.source.FIGURE",
        "registry.nouns.user.USER",
        "registry.nouns.grant.GRANT",
    )
    """In the order in which a workbook is written: what is named by a later one comes first."""
    verbs = ("registry.nouns.general.VERBS",)
    record_words = ("registry.nouns.general.WORDS",)
    edits = (
        "registry.operations.units.edit_unit",
        "registry.operations.organizations.edit_organization",
        "registry.operations.people.edit_person",
        "registry.operations.campaigns.edit_campaign",
        "registry.operations.sources.edit_source",
        "registry.operations.sources.edit_figure",
        "registry.operations.assignments.edit_assignment",
    )
    """The operations that set an edit back: each by the name of its verb, told its row as ``noun.key``."""
    standing_rules = ("registry.rules.restored.RULES",)
    """What must hold of rows that an act taken back has set back (``registry.operations.take_back``)."""
    closing_rules = ("registry.rules.campaigns.lead_refusals",)
    cleaners = ("registry.operations.retention.CLEANERS",)
    metrics = (
        "registry.counting.metrics.ORGANIZATION_METRICS",
        "registry.counting.metrics.PEOPLE_METRICS",
    )

    def ready(self) -> None:
        from django.db.models.signals import post_migrate, pre_migrate

        from registry.models import guards

        # Not business logic: SQLite rebuilds a table to alter it, which trigger bodies that name
        # the table would break, so the triggers step aside for a migration and come back after it.
        pre_migrate.connect(guards.drop, sender=self, dispatch_uid="registry.guards.drop")
        post_migrate.connect(guards.install, sender=self, dispatch_uid="registry.guards.install")
        post_migrate.connect(_fill_totals, sender=self, dispatch_uid="registry.totals.fill")


def _fill_totals(using: str, **_: object) -> None:
    """Work out the totals that are missing: of a registry older than they are, or of new metrics."""
    from django.db import DEFAULT_DB_ALIAS, connection

    from registry.counting.totals.check import fill_missing
    from registry.models import Total

    if using != DEFAULT_DB_ALIAS or Total._meta.db_table not in connection.introspection.table_names():
        return
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:  # a long list stays in its row: reading it elsewhere costs more
            for column in ("days", "numbers", "large"):
                cursor.execute(f"ALTER TABLE {Total._meta.db_table} ALTER {column} SET STORAGE MAIN")
    fill_missing()
