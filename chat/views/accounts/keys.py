"""The page of an account that makes, lists and revokes API keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from chat.accounts import api_keys
from chat.accounts.site_url import absolute_url
from chat.forms.api_keys import KeyForm
from chat.forms.once import make_once
from chat.models import ApiKey, User
from chat.services.limits.remaining import RemainingLimit, remaining_of_key
from chat.views.accounts.decorators import (
    account_required,
    answer_to_guest,
    current_account,
    redirect_to,
)
from chatsite.model_choice import model_entry

ROWS_MAX = 200
#: What was just done, by the parameter in the address of the page.
NOTES = {
    "revoked": gettext_lazy("The key was revoked. It no longer works."),
    "made": gettext_lazy("This key was made before, and its secret was shown then."),
}


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key in the list."""

    key: ApiKey
    is_usable: bool
    #: What remains of its own limits.
    limits: list[RemainingLimit]


class KeysContext(TypedDict):
    """For ``accounts/keys.html``."""

    #: None for a guest, who has no keys.
    form: KeyForm | None
    #: The secret of a new key, which is shown once, and a call with it; or empty.
    secret: str
    example: str
    rows: list[ListedKey]
    now: datetime
    notes: list[str | Promise]
    #: Whether the account may have another key.
    has_room: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys, or make one and show its secret once."""
    user = current_account(request)
    if user is None:
        return answer_to_guest(request, _page)
    if request.method != "POST":
        return _page(request, user, KeyForm())
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _page(request, user, form)
    name, fields = form.cleaned_data["name"], form.key_fields()
    try:
        made = make_once(
            ApiKey, fields["id"], lambda: api_keys.make_key(user, name, **fields)
        )
    except api_keys.TooManyKeys:
        form.add_error(None, _("Your account has as many keys as it may have."))
        return _page(request, user, form)
    if made is None:
        return redirect_to("keys", "made")
    key, secret = made
    # In the answer itself: a session would keep the secret in the database.
    return _page(request, user, KeyForm(), secret, _example(request, key, secret))


@require_POST
@account_required
def revoke_key(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Make a key useless; harmless to repeat."""
    found = ApiKey.objects.filter(owner=user, pk=pk).first()
    if found is None:
        raise Http404
    api_keys.revoke(found)
    return redirect_to("keys", "revoked")


def _page(
    request: HttpRequest,
    user: User | None = None,
    form: KeyForm | None = None,
    secret: str = "",
    example: str = "",
) -> HttpResponse:
    context: KeysContext = {
        "form": form,
        "secret": secret,
        "example": example,
        "rows": _rows(user) if user else [],
        "now": timezone.now(),
        "notes": [note for name, note in NOTES.items() if name in request.GET],
        "has_room": user is not None and api_keys.has_room(user),
    }
    status = 422 if form and form.errors else 200
    return render(request, "accounts/keys.html", context, status=status)


def _rows(user: User) -> list[ListedKey]:
    """The keys of an account, those that can be used first."""
    now = timezone.now()
    found = [
        ListedKey(
            key,
            key.is_usable(now),
            remaining_of_key(key) if key.limits and key.is_usable(now) else [],
        )
        for key in user.api_keys.all()[:ROWS_MAX]
    ]
    return sorted(found, key=lambda row: not row.is_usable)


def _example(request: HttpRequest, key: ApiKey, secret: str) -> str:
    """A call with curl that the key can make; empty if it only runs batches."""
    head = f"  -H 'Authorization: Bearer {secret}'"
    if key.can_chat:
        url = absolute_url(reverse("openai:chat_completions"), request)
        asked = {
            "model": model_entry().name,
            "messages": [{"role": "user", "content": _("Hello")}],
        }
        body = json.dumps(asked, ensure_ascii=False).replace("'", "’")
        kind = "  -H 'Content-Type: application/json'"
        return " \\\n".join((f"curl {url}", head, kind, f"  -d '{body}'"))
    if key.can_read_history:
        url = absolute_url(reverse("api:search"), request)
        return " \\\n".join((f"curl '{url}?q=hello'", head))
    return ""
