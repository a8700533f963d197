"""``manage.py axes_reset_ip``: the library's own, recorded."""

from axes.management.commands import axes_reset_ip

from registry.management.recorded import recorded

Command = recorded(axes_reset_ip.Command)
