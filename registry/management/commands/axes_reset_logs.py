"""``manage.py axes_reset_logs``: the library's own, recorded."""

from axes.management.commands import axes_reset_logs

from registry.management.recorded import recorded

Command = recorded(axes_reset_logs.Command)
