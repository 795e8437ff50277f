"""The page of one webhook: its log, and what its owner does with it."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.forms.models import model_to_dict
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from chat.forms.webhooks import WebhookForm
from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_endpoint import DisabledReason
from chat.services.webhooks import endpoints
from chat.services.webhooks.endpoints import disable
from chat.views.accounts.decorators import account_required, redirect_to

DELIVERIES_SHOWN = 50
#: What an owner can change.
CHANGED_FIELDS = ("url", "description", "events", "api_key")
#: What was just done, by the parameter in the address of the page.
NOTES = {
    "tested": gettext_lazy("A test is on its way."),
    "waiting": gettext_lazy("The test before is still on its way."),
    "changed": gettext_lazy("Saved."),
    "on": gettext_lazy("It is called again, also for what waited meanwhile."),
    "off": gettext_lazy("It is no longer called."),
    "retried": gettext_lazy("Another try is on its way."),
}


#: Notes that hold while something is under way.
OF_THE_MOMENT = ("tested", "retried", "waiting")


class WebhookContext(TypedDict):
    """For ``accounts/webhook.html``."""

    webhook: WebhookEndpoint
    form: WebhookForm
    #: A new secret, which is shown once; or empty.
    secret: str
    deliveries: list[WebhookDelivery]
    notes: list[str | Promise]


@require_safe
@account_required
def webhook(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Show a webhook with its last deliveries."""
    return _page(request, _webhook_or_404(user, pk))


@require_POST
@account_required
def change_webhook(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Change what its owner chose; its secret and its log stay."""
    found = _webhook_or_404(user, pk)
    form = _form(found, request.POST)
    if not form.is_valid():
        return _page(request, found, form=form)
    fields = {name: form.cleaned_data[name] for name in CHANGED_FIELDS}
    user.webhooks.filter(pk=pk).update(**fields)
    return _redirect(pk, "changed")


@require_POST
@account_required
def try_webhook(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Send a test, unless one waits."""
    found = _webhook_or_404(user, pk)
    return _redirect(pk, "tested" if endpoints.send_test(found) else "waiting")


@require_POST
@account_required
def switch_webhook(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Enable or disable it, as the field ``to`` says; harmless to repeat."""
    found = _webhook_or_404(user, pk)
    if request.POST.get("to") == "on":
        endpoints.enable(found)
        return _redirect(pk, "on")
    disable(found, DisabledReason.OWNER)
    return _redirect(pk, "off")


@require_POST
@account_required
def rotate_webhook(request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Give it a new secret, and show that once."""
    found = _webhook_or_404(user, pk)
    return _page(request, found, secret=endpoints.rotate_secret(found))


@require_POST
@account_required
def delete_webhook(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Delete it with its log."""
    _webhook_or_404(user, pk).delete()
    return redirect_to("webhooks", "deleted")


@require_POST
@account_required
def retry_delivery(_request: HttpRequest, user: User, pk: UUID) -> HttpResponse:
    """Try a delivery at once that waits or failed."""
    found = WebhookDelivery.objects.filter(endpoint__owner=user, pk=pk).first()
    if found is None:
        raise Http404
    endpoints.retry_now(found)
    return _redirect(found.endpoint_id, "retried")


def _webhook_or_404(user: User, pk: UUID) -> WebhookEndpoint:
    found = user.webhooks.select_related("api_key", "owner").filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def _form(endpoint: WebhookEndpoint, typed: QueryDict | None = None) -> WebhookForm:
    initial = model_to_dict(endpoint, CHANGED_FIELDS)
    return WebhookForm(endpoint.owner, typed, initial=initial)


def _redirect(pk: UUID, note: str) -> HttpResponse:
    return HttpResponseRedirect(f"{reverse('webhook', args=[pk])}?{note}", status=303)


def _page(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    form: WebhookForm | None = None,
    secret: str = "",
) -> HttpResponse:
    form = form or _form(endpoint)
    deliveries, now = list(endpoint.deliveries.all()[:DELIVERIES_SHOWN]), timezone.now()
    is_busy = any(one.is_under_way(now) for one in deliveries)
    told = [name for name in NOTES if name in request.GET]
    context: WebhookContext = {
        "webhook": endpoint,
        "form": form,
        "secret": secret,
        "deliveries": deliveries,
        "notes": [NOTES[n] for n in told if is_busy or n not in OF_THE_MOMENT],
    }
    status = 422 if form.errors else 200
    return render(request, "accounts/webhook.html", context, status=status)
