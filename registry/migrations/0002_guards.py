"""The guards (registry/models/guards.py) and how PostgreSQL keeps the totals.

Whoever changes a guard adds a migration like this one with the fingerprint of today's
(tests/models/test_guards.py prints it), and ``DropGuards`` before whatever alters a table that they speak of.
"""

from django.db import migrations

from registry.models.guards import LOCK_SECONDS, InstallGuards


def keep_lists_in_their_row(apps, schema_editor):
    """A long list of days stays in its row: reading it elsewhere costs more."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
    for column in ("days", "numbers", "large"):
        schema_editor.execute(f"ALTER TABLE registry_total ALTER {column} SET STORAGE MAIN")


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]
    operations = [
        InstallGuards("bcc9f3105ae95c52"),
        migrations.RunPython(keep_lists_in_their_row, migrations.RunPython.noop, elidable=False),
    ]
