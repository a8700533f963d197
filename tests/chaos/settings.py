"""The settings of an installation, but that files need not be collected and a login costs no second."""

from partybuild.settings import *  # noqa: F403
from partybuild.settings import STORAGES

STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
