"""The WSGI entry: `gunicorn partybuild.wsgi`."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from partybuild.postgresql.base import DatabaseWrapper

os.umask(0o077)  # what the server writes is for its own user alone: see manage.py
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")

# A page takes no statement for long; commands and the worker may.
DatabaseWrapper.statement_seconds = settings.STATEMENT_SECONDS
application = get_wsgi_application()
