"""Makes, lists and revokes API keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from chat.accounts import api_keys
from chat.management.accounts import account_named
from chat.models import ApiKey
from chat.services.limits.rules import OF_KEYS, LimitKind, clean_limits

DAYS_MAX = 3650


class Command(BaseCommand):
    """Keys with which programs act for an account."""

    help = "Make, list and revoke API keys. The secret of a new one is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept one of three actions with its arguments."""
        actions = parser.add_subparsers(dest="action", required=True)
        make = actions.add_parser("make", help="make a key and print its secret")
        make.add_argument("name", help="such as the program that uses it")
        make.add_argument("--account", required=True, help="its name or email address")
        make.add_argument(
            "--no-chat", action="store_true", help="may not send messages"
        )
        make.add_argument("--history", action="store_true", help="may read everything")
        make.add_argument("--batch", action="store_true", help="may run batches")
        make.add_argument(
            "--forget", action="store_true", help="keeps no conversations"
        )
        make.add_argument("--helper", action="store_true", help="lets people go first")
        make.add_argument("--days", type=float, help="days until it expires")
        for kind in OF_KEYS:
            make.add_argument(
                _option(kind), dest=kind, type=int, metavar="N", help="its limit"
            )
        every = actions.add_parser("list", help="list the keys, without their secrets")
        every.add_argument("--account", help="of this account only")
        revoke = actions.add_parser("revoke", help="make a key useless")
        revoke.add_argument("key", help="its id, or its beginning as the list has it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the action. Raises ``CommandError``."""
        {"make": self._make, "list": self._list, "revoke": self._revoke}[
            options["action"]
        ](options)

    def _make(self, options: dict[str, Any]) -> None:
        owner, name = account_named(options["account"]), options["name"].strip()
        if not 1 <= len(name) <= 60:
            raise CommandError("A name has 1 to 60 characters.")
        try:
            _, secret = api_keys.make_key(owner, name, **_fields(options))
        except api_keys.TooManyKeys:
            most = settings.API_KEYS_MAX
            raise CommandError(f"An account has at most {most} keys.") from None
        self.stdout.write(secret)
        self.stderr.write("It is shown only this once.")

    def _list(self, options: dict[str, Any]) -> None:
        found = ApiKey.objects.select_related("owner").order_by("owner", "created_at")
        if options["account"]:
            found = found.filter(owner=account_named(options["account"]))
        for key in found.iterator():
            self.stdout.write(_line(key))

    def _revoke(self, options: dict[str, Any]) -> None:
        found = _keys(options["key"])
        if len(found) != 1:
            raise CommandError(f"{len(found)} keys are called {options['key']!r}.")
        api_keys.revoke(found[0])
        self.stderr.write("It no longer works.")


def _option(kind: LimitKind) -> str:
    """``--messages-per-minute``."""
    return f"--{kind.name.lower().replace('_', '-')}"


def _keys(typed: str) -> list[ApiKey]:
    """The keys with this id, or whose secret begins so."""
    try:
        found = list(ApiKey.objects.filter(pk=typed))
    except ValidationError:  # not an id
        found = []
    prefix = typed.rstrip("….")
    return found or list(ApiKey.objects.filter(prefix=prefix)[:2])


def _fields(options: dict[str, Any]) -> dict[str, Any]:
    """The fields of a new key. Raises ``CommandError``."""
    fields: dict[str, Any] = {
        "can_chat": not options["no_chat"],
        "can_read_history": options["history"],
        "can_batch": options["batch"],
        "keeps_conversations": not options["forget"],
        "is_helper": options["helper"],
    }
    if not any(
        fields[scope] for scope in ("can_chat", "can_read_history", "can_batch")
    ):
        raise CommandError("The key could do nothing: add --history or --batch.")
    if (days := options["days"]) is not None:
        if not 0 < days <= DAYS_MAX:
            raise CommandError(f"--days must be at most {DAYS_MAX}.")
        fields["expires_at"] = timezone.now() + timedelta(days=days)
    try:
        chosen = {str(kind): options[kind] for kind in OF_KEYS if options[kind]}
        fields["limits"] = clean_limits(chosen)
    except ValidationError as refused:
        raise CommandError(" ".join(refused.messages)) from None
    return fields


def _line(key: ApiKey) -> str:
    """One line of the list: id, beginning, account, state, last use, name."""
    now = timezone.now()
    state = (
        "usable" if key.is_usable(now) else "revoked" if key.revoked_at else "expired"
    )
    used = key.last_used_at.isoformat("T", "minutes") if key.last_used_at else "unused"
    return f"{key.pk}  {key.prefix}…  {key.owner}  {state}  {used}  {key.name}"
