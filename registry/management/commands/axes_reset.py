"""``manage.py axes_reset``: the library's own, recorded."""

from axes.management.commands import axes_reset

from registry.management.recorded import recorded

Command = recorded(axes_reset.Command)
