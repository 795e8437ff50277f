"""Makes the key by which push services of browsers know this site."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from chat.services.notifications.vapid import new_private_key


class Command(BaseCommand):
    """Prints two lines for the environment; nothing is stored."""

    help = "Make a key for Web Push and print it as settings of the environment."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print a new key, and an example of the other setting that Web Push needs."""
        self.stdout.write(f"VAPID_PRIVATE_KEY={new_private_key()}")
        self.stdout.write("VAPID_CONTACT=mailto:you@example.org")
