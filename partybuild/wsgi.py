"""The WSGI entry: `gunicorn partybuild.wsgi`, which reads gunicorn.conf.py."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from partybuild.postgresql.base import DatabaseWrapper
from partybuild.turns import Turns
from partybuild.uploads import Received

os.umask(0o077)  # what the server writes is for its own user alone: see manage.py
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")

# Statements of pages have a time limit; those of commands and the worker have none.
DatabaseWrapper.statement_seconds = settings.STATEMENT_SECONDS
application = Received(
    Turns(
        get_wsgi_application(),
        at_once=settings.READERS_AT_ONCE,
        session=settings.SESSION_COOKIE_NAME,
        entering=settings.ENTERING_COOKIE_NAME,
        secure=settings.TLS,
        no_entry=("/login/", "/logout/", "/export/", "/account/"),
    ),
    at_once=settings.UPLOADS_AT_ONCE,
    longest=settings.MAX_BODY_BYTES,
)
import_module("registry.operating.replica").REPLICA.serves = True
# A tenth of a page's time went into looking for garbage among what stays for good: all pages are loaded now
# and left out of the search, which comes less often (docs/decisions/0038-statements-put-together-once.md).
import_module("partybuild.urls")
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 10, 10)
