"""Makes a link with which one person can sign up."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.accounts import invitations
from chat.accounts.site_url import absolute_url, guess_hint


class Command(BaseCommand):
    """Prints an invitation link."""

    help = "Make a link with which one person can sign up, and print it once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept a note and the number of days."""
        parser.add_argument("--note", default="", help="whom it is meant for")
        parser.add_argument("--days", type=float, default=invitations.VALID_DAYS)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the link. Raises ``CommandError``."""
        if settings.SIGNUP == "closed":
            raise CommandError("SIGNUP is closed: no invitation works.")
        if not 0 < options["days"] <= invitations.VALID_DAYS_MAX:
            raise CommandError(f"--days must be at most {invitations.VALID_DAYS_MAX}.")
        _, path = invitations.create_invitation(
            None, options["note"][:200], options["days"]
        )
        self.stdout.write(absolute_url(path))
        days = f"{options['days']:g} day{'s' * (options['days'] != 1)}"
        self.stderr.write(f"It is good for {days}, and once. {guess_hint()}".strip())
