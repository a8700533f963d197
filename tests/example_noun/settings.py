"""The settings of the project with one app more, and one line of addresses more."""

from partybuild.settings import *  # noqa: F403
from partybuild.settings import DATABASES, INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.example_noun"]
ROOT_URLCONF = "tests.example_noun.urls_all"

DATABASES["default"].setdefault("TEST", {})["NAME"] = "test_example_noun"  # beside that of the other tests
