"""`manage.py housekeeping`: removes what is kept for a while only; seals the record and notes it outside."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from registry.housekeeping import clean


class Command(BaseCommand):
    help = "Removes ended sessions, forms sent more than a day ago, and the files of old imports."

    def handle(self, *args: Any, **options: Any) -> None:
        """Clean, and say how many rows went."""
        for name, number in clean().items():
            self.stdout.write(f"{name}:清理 {number:,} 条")
        call_command("sealaudit", stdout=self.stdout, stderr=self.stderr)
