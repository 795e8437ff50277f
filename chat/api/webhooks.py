"""API calls for webhooks: what their page offers to an account."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.idempotency_header import idempotency_key
from chat.api.key_access import OF_ACCOUNT
from chat.api.webhook_data import (
    DeletedWebhookData,
    DeliveryData,
    DeliveryList,
    MadeWebhookData,
    WebhookBody,
    WebhookData,
    WebhookList,
    serialize_delivery,
    serialize_webhook,
)
from chat.forms.webhooks import WebhookForm
from chat.http.api_errors import ApiError
from chat.http.request import visitor
from chat.models import User, WebhookDelivery, WebhookEndpoint
from chat.models.webhook_endpoint import DisabledReason
from chat.services.errors import MessageRefused
from chat.services.row_once import row_once
from chat.services.webhooks import endpoints

router = Router(tags=["Webhooks"])
MAY_READ = Access("can_read_history")
MAY_CHANGE = Access("can_chat", own_by=OF_ACCOUNT)

DELIVERIES_SHOWN = 50
ACCOUNT_NEEDED = ApiError(
    403,
    "account_needed",
    gettext_lazy("Guests have no webhooks. Use a key or the cookies of an account."),
)


@router.get("/webhooks", auth=MAY_READ, response=WebhookList)
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the webhooks of the account."""
    found = _account(request).webhooks.all()
    return answer(WebhookList(webhooks=[serialize_webhook(request, w) for w in found]))


@router.post("/webhooks", auth=MAY_CHANGE, response={201: MadeWebhookData})
def make_webhook(request: HttpRequest, body: WebhookBody) -> HttpResponse:
    """Make a webhook, and return its secret.

    No other call shows the secret again.
    """
    owner, key = _account(request), idempotency_key(request)
    found = row_once(
        WebhookEndpoint,
        owner,
        key,
        lambda pk: _made(owner, pk, body),
        lambda earlier: _is_made_of(earlier, body),
    )
    data = serialize_webhook(request, found)
    made_data = MadeWebhookData(**dict(data), secret=found.secret)
    return answer(made_data, 201, {"Location": data.url})


@router.get("/webhooks/{uuid:pk}", auth=MAY_READ, response=WebhookData)
def webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read a webhook."""
    return _webhook_answer(request, pk)


@router.put("/webhooks/{uuid:pk}", auth=MAY_CHANGE, response=WebhookData)
def change_webhook(request: HttpRequest, pk: UUID, body: WebhookBody) -> HttpResponse:
    """Replace what its owner chose; its secret and its log stay."""
    found = _webhook(request, pk)
    fields = _checked(found.owner, pk, body)
    WebhookEndpoint.objects.filter(pk=pk).update(**fields)
    return _webhook_answer(request, pk)


@router.post("/webhooks/{uuid:pk}/test", auth=MAY_CHANGE, response={202: WebhookData})
def try_webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Send a test, unless one waits."""
    endpoints.send_test(_webhook(request, pk))
    return _webhook_answer(request, pk, 202)


@router.post("/webhooks/{uuid:pk}/enable", auth=MAY_CHANGE, response=WebhookData)
def enable_webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call it again, also for what waited meanwhile."""
    endpoints.enable(_webhook(request, pk))
    return _webhook_answer(request, pk)


@router.post("/webhooks/{uuid:pk}/disable", auth=MAY_CHANGE, response=WebhookData)
def disable_webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Call it no longer."""
    endpoints.disable(_webhook(request, pk), DisabledReason.OWNER)
    return _webhook_answer(request, pk)


@router.post("/webhooks/{uuid:pk}/secret", auth=MAY_CHANGE, response=MadeWebhookData)
def rotate_secret(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Give it a new secret, and return that.

    The one before also signs calls for a day.
    """
    found = _webhook(request, pk)
    secret = endpoints.rotate_secret(found, idempotency_key(request))
    data = serialize_webhook(request, found)
    return answer(MadeWebhookData(**dict(data), secret=secret))


@router.post("/webhooks/{uuid:pk}/delete", auth=MAY_CHANGE, response=DeletedWebhookData)
def delete_webhook(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Delete a webhook with its log."""
    _webhook(request, pk).delete()
    return answer(DeletedWebhookData(id=pk, deleted=True))


@router.get("/webhooks/{uuid:pk}/deliveries", auth=MAY_READ, response=DeliveryList)
def deliveries(request: HttpRequest, pk: UUID) -> HttpResponse:
    """List its last deliveries with their last tries, newest first."""
    found = _webhook(request, pk).deliveries.all()[:DELIVERIES_SHOWN]
    return answer(DeliveryList(deliveries=[serialize_delivery(one) for one in found]))


@router.post(
    "/deliveries/{uuid:pk}/retry", auth=MAY_CHANGE, response={202: DeliveryData}
)
def retry_delivery(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Try a delivery at once that waits or failed."""
    rows = WebhookDelivery.objects.filter(endpoint__owner=_owner(request), pk=pk)
    if (found := rows.first()) is None:
        raise Http404
    endpoints.retry_now(found)
    return answer(serialize_delivery(rows.get()), 202)


def _owner(request: HttpRequest) -> User:
    """Who calls. Raises ``Http404`` for visitors, who own nothing."""
    user = visitor(request)
    if not isinstance(user, User):
        raise Http404
    return user


def _account(request: HttpRequest) -> User:
    """The account that calls. Raises ``ApiError``."""
    user = visitor(request)
    if not isinstance(user, User) or user.is_guest:
        raise ACCOUNT_NEEDED
    return user


def _webhook(request: HttpRequest, pk: UUID) -> WebhookEndpoint:
    rows = _owner(request).webhooks.select_related("owner")
    if (found := rows.filter(pk=pk).first()) is None:
        raise Http404
    return found


def _webhook_answer(request: HttpRequest, pk: UUID, status: int = 200) -> HttpResponse:
    return answer(serialize_webhook(request, _webhook(request, pk)), status)


def _checked(owner: User, pk: UUID, body: WebhookBody) -> dict[str, Any]:
    """The fields that the form of the page makes of a body. Raises ``ApiError``."""
    typed = {**body.model_dump(exclude_none=True), "id": pk, "url": body.address}
    earlier = WebhookEndpoint.objects.filter(owner=owner, pk=pk).first()
    initial = {"api_key": earlier.api_key_id} if earlier else None
    form = WebhookForm(owner, typed, initial=initial)
    for name, problems in form.errors.items():
        parameter = {"url": "address"}.get(name, name)
        said = f"{parameter}: {problems[0]}"
        raise ApiError(422, "bad_webhook", said, parameter=parameter)
    return form.cleaned_data


def _made(owner: User, pk: UUID, body: WebhookBody) -> WebhookEndpoint:
    """A new webhook. Raises ``ApiError`` and ``MessageRefused``."""
    fields = _checked(owner, pk, body)
    try:
        return endpoints.make_endpoint(owner, **fields)
    except endpoints.TooManyWebhooks:
        said = _("An account has at most %(most)s webhooks. Delete one first.")
        most = {"most": settings.WEBHOOKS_MAX}
        raise MessageRefused("too_many_webhooks", said % most) from None


def _is_made_of(earlier: WebhookEndpoint, body: WebhookBody) -> bool:
    """Whether a webhook is as a body asks for. Raises ``ApiError``."""
    fields = _checked(earlier.owner, earlier.pk, body)
    return all(getattr(earlier, name) == value for name, value in fields.items())
