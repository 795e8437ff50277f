"""API calls for shared links: list, make, read, renew, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja import Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.idempotency_header import idempotency_key, once_for
from chat.api.key_access import BY_ITS_ID
from chat.api.shared_link_data import (
    RenewBody,
    RevokedLinkData,
    SharedLinkBody,
    SharedLinkData,
    SharedLinkList,
    serialize_link,
)
from chat.forms.expiry import LONGEST
from chat.forms.once import make_once
from chat.http.api_errors import ApiError
from chat.http.get_or_404 import get_conversation_or_404
from chat.http.request import owner_id
from chat.models import Conversation, SharedLink
from chat.services.idempotency import key_reused
from chat.services.sharing import links

router = Router(tags=["Shared links"])
MAY_LIST = Access("can_read_history")
MAY_READ = Access("can_chat", "can_read_history", own_by="shared_links")
MAY_CHANGE = Access("can_chat", own_by="shared_links")
SHARING_OFF = ApiError(
    403, "sharing_off", _("This site shares nothing. Its operator can allow it.")
)
BAD_EXPIRY = ApiError(
    422,
    "bad_expiry",
    _("expires: Give a time to come, of the next ten years."),
    parameter="expires",
)


@router.get("/shared-links", auth=MAY_LIST, response=SharedLinkList)
def shared_links(request: HttpRequest) -> HttpResponse:
    """List the shared links, the newest first."""
    owner = owner_id(request)
    found = links.links_of(owner) if owner else SharedLink.objects.none()
    listed = [serialize_link(request, link) for link in found]
    return answer(SharedLinkList(shared_links=listed))


@router.post(
    "/conversations/{uuid:pk}/share",
    auth=Access("can_chat", own_by=BY_ITS_ID),
    response={201: SharedLinkData},
)
def share(request: HttpRequest, pk: UUID, body: SharedLinkBody) -> HttpResponse:
    """Make a link to a frozen copy of a conversation as it is now."""
    _check_on()
    conversation = get_conversation_or_404(owner_id(request), pk)
    new_id = links.new_id(conversation, idempotency_key(request))
    fields = _checked(body)
    made = make_once(
        SharedLink, new_id, lambda: links.make_link(conversation, pk=new_id, **fields)
    )
    data = serialize_link(request, made or _made_before(conversation, new_id, fields))
    return answer(data, 201, {"Location": data.url})


@router.get("/shared-links/{uuid:pk}", auth=MAY_READ, response=SharedLinkData)
def shared_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Read a shared link."""
    return answer(serialize_link(request, _link(request, pk)))


@router.post("/shared-links/{uuid:pk}/renew", auth=MAY_CHANGE, response=SharedLinkData)
def renew_shared_link(request: HttpRequest, pk: UUID, body: RenewBody) -> HttpResponse:
    """Freeze the conversation again as it is now."""
    _link(request, pk)
    _check_on()

    def act() -> Conversation:
        link = links.renew(_link(request, pk), has_new_address=body.new_address)
        return link.conversation

    once_for(request, ("renew link", pk.hex, str(body.new_address)), act)
    return answer(serialize_link(request, _link(request, pk)))


@router.post(
    "/shared-links/{uuid:pk}/revoke", auth=MAY_CHANGE, response=RevokedLinkData
)
def revoke_shared_link(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Erase a shared link and its copy."""

    def act() -> Conversation:
        link = _link(request, pk)
        links.revoke(link)
        return link.conversation

    once_for(request, ("revoke link", pk.hex), act)
    return answer(RevokedLinkData(id=pk, revoked=True))


def _check_on() -> None:
    """Raises ``ApiError`` where the site does not share."""
    if not links.is_on():
        raise SHARING_OFF


def _checked(body: SharedLinkBody) -> dict[str, Any]:
    """The fields of a link. Raises ``ApiError``."""
    if body.expires is not None:
        left = body.expires - timezone.now()
        if not timedelta(0) < left <= LONGEST:
            raise BAD_EXPIRY
    return {"expires_at": body.expires, "has_details": body.has_details}


def _link(request: HttpRequest, pk: UUID) -> SharedLink:
    owner = owner_id(request)
    found = links.links_of(owner).filter(pk=pk).first() if owner else None
    if found is None:
        raise Http404
    return found


def _made_before(
    conversation: Conversation, pk: UUID, fields: dict[str, Any]
) -> SharedLink:
    """What an earlier call with this key has made. Raises ``MessageRefused``."""
    mine = links.links_of(conversation.owner_id).filter(conversation=conversation)
    found = mine.filter(pk=pk).first()
    if found is None or any(getattr(found, n) != v for n, v in fields.items()):
        raise key_reused()
    return found
