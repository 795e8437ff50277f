"""What calls for shared links take and return, as the document describes it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from pydantic import AwareDatetime, BaseModel, Field

from chat.accounts.site_url import absolute_url as site_url
from chat.api.bodies import Body
from chat.api.serializers import absolute_url
from chat.models import SharedLink


class SharedLinkBody(Body):
    """How long a copy can be read, and what it shows."""

    expires: AwareDatetime | None = Field(
        default=None, description="A time to come, with its zone; null for never."
    )
    has_details: bool = Field(
        default=False, description="Whether it shows settings and instructions."
    )


class RenewBody(Body):
    """Where the renewed copy is."""

    new_address: bool = Field(
        default=False, description="The old address then leads nowhere."
    )


class SharedLinkData(BaseModel):
    """A shared link, with the address to pass on."""

    id: UUID
    url: str
    address: str = Field(description="What is passed on: everyone can read it there.")
    conversation: UUID
    title: str
    messages: int = Field(description="How many the copy has.")
    has_details: bool
    created: datetime
    frozen: datetime = Field(description="When the messages were copied.")
    expires: datetime | None


class SharedLinkList(BaseModel):
    """The shared links of a user, newest first."""

    shared_links: list[SharedLinkData]


class RevokedLinkData(BaseModel):
    """A shared link that was revoked."""

    id: UUID
    revoked: bool


def serialize_link(request: HttpRequest, link: SharedLink) -> SharedLinkData:
    """Return a link."""
    return SharedLinkData(
        id=link.pk,
        url=absolute_url(request, "shared_link", link.pk),
        address=site_url(reverse("shared", args=[link.secret]), request),
        conversation=link.conversation_id,
        title=link.title,
        messages=link.message_count,
        has_details=link.has_details,
        created=link.created_at,
        frozen=link.frozen_at,
        expires=link.expires_at,
    )
