"""Makes a link to set a new password, for sites that send no mail."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.accounts.password_reset import reset_link
from chat.accounts.site_url import guess_hint
from chat.models import User


class Command(BaseCommand):
    """Prints the link."""

    help = "Print a link to set a new password, valid for a day and once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept the name of the account."""
        parser.add_argument("name", help="the account's name or email address")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the link. Raises ``CommandError``."""
        user = User.objects.known_as(options["name"])
        if user is None:
            raise CommandError(f"There is no account {options['name']!r}.")
        try:
            self.stdout.write(reset_link(user))
            self.stderr.write(f"It is good for a day, and once. {guess_hint()}".strip())
        except ValueError:
            raise CommandError(f"The account {user.username} is not open.") from None
