"""The page of an account that makes and lists webhooks."""

from __future__ import annotations

from typing import TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.forms.once import make_once
from chat.forms.webhooks import WebhookForm
from chat.models import User, WebhookEndpoint
from chat.services.webhooks import endpoints
from chat.views.accounts.decorators import (
    answer_to_guest,
    current_account,
    redirect_to,
)

#: What was just done, by the parameter in the address of the page.
NOTES = {
    "deleted": gettext_lazy("The webhook was deleted with its log."),
    "made": gettext_lazy(
        "This webhook was made before, and its secret was shown then."
    ),
}


class WebhooksContext(TypedDict):
    """For ``accounts/webhooks.html``."""

    #: None for a guest, who has no webhooks.
    form: WebhookForm | None
    #: The webhook just made, whose secret is shown once.
    made: WebhookEndpoint | None
    rows: list[WebhookEndpoint]
    notes: list[str | Promise]
    #: Whether the account may have another webhook.
    has_room: bool


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the webhooks, or make one and show its secret once."""
    user = current_account(request)
    if user is None:
        return answer_to_guest(request, _page)
    if request.method != "POST":
        return _page(request, user, WebhookForm(user))
    form = WebhookForm(user, request.POST)
    if not form.is_valid():
        return _page(request, user, form)
    fields = form.cleaned_data
    try:
        made = make_once(
            WebhookEndpoint,
            fields["id"],
            lambda: endpoints.make_endpoint(user, **fields),
        )
    except endpoints.TooManyWebhooks:
        form.add_error(None, _("Your account has as many webhooks as it may have."))
        return _page(request, user, form)
    if made is None:
        return redirect_to("webhooks", "made")
    # In the answer itself: a session would keep the secret in one more place.
    return _page(request, user, WebhookForm(user), made)


def _page(
    request: HttpRequest,
    user: User | None = None,
    form: WebhookForm | None = None,
    made: WebhookEndpoint | None = None,
) -> HttpResponse:
    context: WebhooksContext = {
        "form": form,
        "made": made,
        "rows": list(user.webhooks.select_related("api_key")) if user else [],
        "notes": [note for name, note in NOTES.items() if name in request.GET],
        "has_room": user is not None and endpoints.has_room(user),
    }
    status = 422 if form and form.errors else 200
    return render(request, "accounts/webhooks.html", context, status=status)
