"""Which browsers of a person get notices: begun and ended by the browsers."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare

from chat.models import PushSubscription, User
from chat.services.advisory_lock import advisory_lock


class OtherKeys(Exception):
    """The address is known with other keys, so it is not this browser's."""


@transaction.atomic
def subscribe(
    owner: User, session: str, endpoint: str, p256dh: str, auth: str, language: str
) -> PushSubscription:
    """Send notices of the owner to a browser as long as its session lives.

    A browser that changed its owner or its address has one subscription all the same.
    Raises ``OtherKeys``.
    """
    advisory_lock([f"push:{owner.pk}"])
    known = PushSubscription.objects.select_for_update().filter(endpoint=endpoint)
    if (before := known.first()) and not constant_time_compare(before.auth, auth):
        raise OtherKeys
    fields = {
        "owner": owner,
        "session_id": session,
        "p256dh": p256dh,
        "auth": auth,
        "language": language,
        "failures": 0,
    }
    found, _ = PushSubscription.objects.update_or_create(
        endpoint=endpoint, defaults=fields
    )
    others = PushSubscription.objects.exclude(pk=found.pk)
    others.filter(session_id=session).delete()
    _remove_oldest(owner, found)
    return found


def unsubscribe(owner: User, endpoint: str) -> None:
    """Send no more notices of the owner to this browser."""
    owner.push_subscriptions.filter(endpoint=endpoint).delete()


def _remove_oldest(owner: User, newest: PushSubscription) -> None:
    others = owner.push_subscriptions.exclude(pk=newest.pk).order_by("-created_at")
    pks = others.values_list("pk", flat=True)[settings.PUSH_SUBSCRIPTIONS_MAX - 1 :]
    PushSubscription.objects.filter(pk__in=list(pks)).delete()
