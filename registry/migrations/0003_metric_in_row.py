"""The name of a total's metric stays in its row, too.

Where the days of a total are many, PostgreSQL would move the name out to make room, as all else has to stay:
then it was fetched from there again for each comparison, and folding took five times as long.
"""

from django.db import migrations

from registry.models.guards import LOCK_SECONDS


def keep_name_in_its_row(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
        schema_editor.execute("ALTER TABLE registry_total ALTER metric SET STORAGE PLAIN")


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_guards")]
    operations = [migrations.RunPython(keep_name_in_its_row, migrations.RunPython.noop, elidable=False)]
