#!/usr/bin/env python
"""Django's command line for the registry."""

import os
import sys


def main() -> None:
    """Run the command named on the command line."""
    # Databases, logs and whatever a command writes are for their user alone; static files are for everybody.
    if sys.argv[1:2] != ["collectstatic"]:
        os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    from django.core.management import execute_from_command_line

    from partybuild.env import BadVariable

    try:
        execute_from_command_line(sys.argv)
    except BadVariable as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
