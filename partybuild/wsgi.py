"""The WSGI entry: `gunicorn partybuild.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.umask(0o077)  # what the server writes is for its own user alone: see manage.py
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")

application = get_wsgi_application()
