"""Makes a superuser: a new account, or one that exists."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from chat.accounts.usernames import clean_username
from chat.models import User


class Command(BaseCommand):
    """Asks for name and password in the terminal.

    Programs set ``ADMIN_NAME`` and ``ADMIN_PASSWORD``, or pass the name as an argument
    and the password on the first line of the input.
    """

    help = "Make a superuser. Programs set ADMIN_NAME and ADMIN_PASSWORD."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept a name and ``--promote``."""
        parser.add_argument("name", nargs="?", default="")
        parser.add_argument(
            "--promote",
            action="store_true",
            help="an account of this name becomes a superuser; its password stays",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the superuser. Raises ``CommandError``."""
        try:
            outcome = self._make(options)
        except DatabaseError as error:
            raise CommandError(
                "No site was started with this DATA_DIR or DATABASE_URL yet, or its "
                f"database is away: {error}"
            ) from None
        except (EOFError, KeyboardInterrupt):
            sys.stderr.write("\n")  # ends the line of the question
            raise CommandError("Nothing was made.") from None
        self.stdout.write(outcome)

    def _make(self, options: dict[str, Any]) -> str:
        typed = options["name"] or os.environ.get("ADMIN_NAME", "") or _ask_name()
        user = User.objects.named(typed)
        if user is not None:
            return _promote(user, is_wanted=options["promote"])
        if options["promote"]:
            raise CommandError(f"There is no account {typed!r}.")
        name = _check_name(typed)
        password = _read_password(name)
        try:
            with transaction.atomic():
                User.objects.create_superuser(name, password)
        except IntegrityError:
            raise CommandError(f"Somebody just took the name {name!r}.") from None
        support = reverse("admin:index")
        return f"{name} is a superuser. Log in on the page; {support} is for support."


def _promote(user: User, *, is_wanted: bool) -> str:
    if user.is_superuser:
        return f"{user.username} is a superuser already."
    if not is_wanted and _is_asked():
        answer = _ask(f"{user.username} has an account. Make it a superuser? [y/N] ")
        is_wanted = answer.lower() in ("y", "yes")
    if not is_wanted:
        raise CommandError(
            f"{user.username} has an account; --promote makes it a superuser."
        )
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser"])
    return f"{user.username} is a superuser now; the password stays."


def _check_name(typed: str) -> str:
    """Check the name; only a superuser may be ``admin`` or ``root``."""
    if typed.strip().lower() in ("admin", "root"):
        return typed.strip()
    try:
        return clean_username(typed)
    except ValidationError as refused:
        raise CommandError(" ".join(refused.messages)) from None


def _read_password(name: str) -> str:
    """Read the password, but not from an argument: other users see arguments."""
    given = os.environ.get("ADMIN_PASSWORD", "")
    if given:
        return _check_password(given, name)
    if not _is_asked():
        line = sys.stdin.readline() if sys.stdin else ""
        return _check_password(line.rstrip("\r\n"), name)
    while True:
        try:
            password = _check_password(getpass.getpass("Password: "), name)
        except CommandError as refused:
            print(refused, file=sys.stderr)
            continue
        if getpass.getpass("Password again: ") == password:
            return password
        print("These were two different ones.", file=sys.stderr)


def _check_password(password: str, name: str) -> str:
    try:
        validate_password(password, User(username=name))
    except ValidationError as refused:
        raise CommandError(" ".join(refused.messages)) from None
    return password


def _is_asked() -> bool:
    """Whether a person types the input; it may also be a file, a pipe or closed."""
    return sys.stdin is not None and sys.stdin.isatty()


def _ask_name() -> str:
    if not _is_asked():  # the first line is the password
        raise CommandError("Give the name: ARGS=NAME, or ADMIN_NAME.")
    return _ask("Name: ")


def _ask(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()
