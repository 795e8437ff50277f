"""Shared links: made, renewed, revoked, and found by the digest of their address."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.models import Conversation, SharedLink, User
from chat.models.shared_link import SharedLinkQuerySet
from chat.services.advisory_lock import advisory_lock
from chat.services.errors import MessageRefused
from chat.services.sharing.freeze import freeze

#: 192 bits, which cannot be guessed.
SECRET_BYTES = 24
#: Expired links that one step of retention erases.
LINKS_PER_BATCH = 20


def is_on() -> bool:
    """Whether the site shares at all."""
    return bool(settings.SHARING != "off")


@transaction.atomic
def make_link(
    conversation: Conversation,
    *,
    pk: UUID | None = None,
    expires_at: datetime | None = None,
    has_details: bool = False,
) -> SharedLink:
    """Freeze the path that a conversation shows now, behind a new address.

    Raises ``MessageRefused`` with the code too_many_shared or a code of ``freeze``,
    and ``IntegrityError`` if the id was used before.
    """
    owner = conversation.owner
    advisory_lock([f"shared:{owner.pk}"])
    _check_room(owner)
    secret = new_secret()
    link = SharedLink(
        id=pk or uuid.uuid4(),
        owner=owner,
        conversation=conversation,
        secret=secret,
        digest=digest_of(secret),
        expires_at=expires_at,
        has_details=has_details,
    )
    freeze(link)
    return link


@transaction.atomic
def renew(link: SharedLink, *, has_new_address: bool = False) -> SharedLink:
    """Freeze the conversation again as it is now, behind the same or a new address.

    Raises ``MessageRefused`` with the code deleted if the link was revoked, and what
    ``freeze`` raises; then the link stays as it was.
    """
    found = SharedLink.objects.select_for_update().filter(pk=link.pk).first()
    if found is None:
        raise MessageRefused("deleted", _("This link was revoked."))
    if has_new_address:
        found.secret = new_secret()
        found.digest = digest_of(found.secret)
    freeze(found)
    return found


def revoke(link: SharedLink) -> None:
    """Erase a link and its copy."""
    SharedLink.objects.filter(pk=link.pk).delete()


def links_of(owner: UUID) -> SharedLinkQuerySet:
    """The links of an owner that open, the newest first."""
    return SharedLink.objects.live(timezone.now()).filter(owner=owner)


def find_link(secret: str) -> SharedLink | None:
    """The link with this address, if it opens; None otherwise.

    A wrong address takes as long as a right one: what is compared is its digest.
    """
    if not is_on():
        return None
    live = SharedLink.objects.live(timezone.now())
    return live.filter(digest=digest_of(secret)).first()


def erase_expired_links() -> bool:
    """Erase one batch of links that have expired, with their copies.

    Returns whether there were any.
    """
    expired = SharedLink.objects.filter(expires_at__lte=timezone.now())
    pks = list(expired.values_list("pk", flat=True)[:LINKS_PER_BATCH])
    if pks:
        SharedLink.objects.filter(pk__in=pks).delete()
    return bool(pks)


def new_secret() -> str:
    """The secret part of a new address."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """By what an address is looked up."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def new_id(conversation: Conversation, key: str | None) -> UUID:
    """Return the id of a new link, the same for each call with the same key."""
    if key is None:
        return uuid.uuid4()
    return uuid.uuid5(conversation.owner_id, f"shared link {key}")


def _check_room(owner: User) -> None:
    limit = settings.SHARED_LINKS_MAX
    if SharedLink.objects.unexpired(timezone.now()).filter(owner=owner).count() < limit:
        return
    raise MessageRefused(
        "too_many_shared",
        ngettext(
            "You have %(count)s shared link, and may have no more. Revoke it first.",
            "You have %(count)s shared links, and may have no more. Revoke one first.",
            limit,
        )
        % {"count": limit},
    )
