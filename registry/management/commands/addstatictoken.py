"""``manage.py addstatictoken``: the library's own, recorded."""

from django_otp.plugins.otp_static.management.commands import addstatictoken

from registry.management.recorded import recorded

Command = recorded(addstatictoken.Command)
