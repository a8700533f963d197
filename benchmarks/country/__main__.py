"""``python -m benchmarks.country --scale nation``: an invented country in an empty database."""

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    from benchmarks.country.command import Command

    Command().run_from_argv(["python -m", "benchmarks.country", *sys.argv[1:]])
