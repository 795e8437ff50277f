"""Makes, lists, tries, switches and deletes webhooks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chat.forms.webhooks import WebhookForm
from chat.management.accounts import account_named
from chat.models import WebhookEndpoint
from chat.models.webhook_endpoint import CHOSEN_EVENTS, DisabledReason
from chat.services.webhooks import endpoints
from chat.services.webhooks.endpoints import disable


class Command(BaseCommand):
    """Addresses that are called when replies of an account end."""

    help = "Make, list, test, enable, disable and delete webhooks of accounts."

    def add_arguments(self, parser: CommandParser) -> None:
        """Accept one action with its arguments."""
        actions = parser.add_subparsers(dest="action", required=True)
        make = actions.add_parser("make", help="make a webhook and print its secret")
        make.add_argument("url", help="the address that is called")
        make.add_argument("--account", required=True, help="its name or email address")
        make.add_argument(
            "--event", action="append", choices=CHOSEN_EVENTS, help="only this event"
        )
        make.add_argument("--key", help="only replies to this API key, by its id")
        make.add_argument("--description", default="", help="such as what it is for")
        every = actions.add_parser("list", help="list the webhooks, without secrets")
        every.add_argument("--account", help="of this account only")
        for name, about in (
            ("test", "send a test event"),
            ("enable", "call it again"),
            ("disable", "call it no longer"),
            ("delete", "delete it with its log"),
        ):
            actions.add_parser(name, help=about).add_argument("id", help="its id")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Carry out the action. Raises ``CommandError``."""
        action = options["action"]
        if action == "make":
            self._make(options)
        elif action == "list":
            self._list(options)
        else:
            self._act(action, _endpoint(options["id"]))

    def _make(self, options: dict[str, Any]) -> None:
        owner = account_named(options["account"])
        form = WebhookForm(owner, {"id": WebhookEndpoint().pk, **_typed(options)})
        if not form.is_valid():
            errors = [one for found in form.errors.values() for one in found]
            raise CommandError(" ".join(map(str, errors)))
        try:
            endpoint = endpoints.make_endpoint(owner, **form.cleaned_data)
        except endpoints.TooManyWebhooks:
            most = settings.WEBHOOKS_MAX
            raise CommandError(f"An account has at most {most} webhooks.") from None
        self.stdout.write(endpoint.secret)
        self.stderr.write(f"Its id is {endpoint.pk}.")

    def _list(self, options: dict[str, Any]) -> None:
        found = WebhookEndpoint.objects.select_related("owner").order_by(
            "owner", "created_at"
        )
        if options["account"]:
            found = found.filter(owner=account_named(options["account"]))
        for one in found.iterator():
            state = "enabled" if one.is_enabled else f"disabled: {one.disabled_reason}"
            self.stdout.write(f"{one.pk}  {one.owner}  {state}  {one.url}")

    def _act(self, action: str, endpoint: WebhookEndpoint) -> None:
        match action:
            case "test":
                if not endpoint.is_enabled:
                    raise CommandError("It is disabled.")
                endpoints.send_test(endpoint)
            case "enable":
                endpoints.enable(endpoint)
            case "disable":
                disable(endpoint, DisabledReason.ADMIN)
            case "delete":
                endpoint.delete()


def _typed(options: dict[str, Any]) -> dict[str, Any]:
    return {
        "url": options["url"],
        "description": options["description"],
        "events": options["event"] or [*CHOSEN_EVENTS],
        "api_key": options["key"],
    }


def _endpoint(typed: str) -> WebhookEndpoint:
    try:
        return WebhookEndpoint.objects.get(pk=typed)
    except (WebhookEndpoint.DoesNotExist, ValidationError):
        raise CommandError(f"There is no webhook {typed!r}.") from None
