"""``manage.py loaddata``: the library's own, recorded."""

from django.core.management.commands import loaddata

from registry.management.recorded import recorded

Command = recorded(loaddata.Command)
