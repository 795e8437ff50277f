"""Messages from programs without cookies, and how repeating such a call works.

The answer to such a call sets the cookies, and may be lost. A repeat then comes without
cookies, so only network, key and text identify it. A long key counts as a secret and
opens the guest that it made, for a day or two. A short key, which others may use too,
opens no guest, but the message is not sent twice.

A guest who signs up, is merged into an account or is erased leaves a digest of its id
for the same time, so that a repeat finds that the call was carried out.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from chat.accounts.client_network import network_digest
from chat.accounts.guests import GuestExists, NewGuest, guest_id, sender
from chat.http.api_errors import ApiError
from chat.http.request import visitor
from chat.models import AttemptCounter, User

SALT = "chat.api.first_call"
#: A key with at least this number of characters counts as a secret.
SECRET_CHARACTERS = 32
#: The day of the call and the next one.
KEY_LIFETIME = timedelta(days=2)
UNKNOWN_CALLER = ApiError(
    409,
    "unknown_caller",
    _(
        "Your network already sent this key with this text, and without cookies we"
        " can’t tell whether that was you. Send the cookies of the first response, or"
        " use a new key. A key of 32 or more random characters can be sent again"
        " without cookies."
    ),
)
GONE_CALLER = ApiError(
    409,
    UNKNOWN_CALLER.code,
    _(
        "This key was used with this text by a guest who has since signed up or been"
        " deleted. Nothing was sent. Log in and send the cookies, or use a new key."
    ),
)


@contextmanager
def caller(request: HttpRequest, key: str | None, text: str) -> Iterator[User]:
    """The user who sends, as in ``sender``; ``key`` is None without one.

    Raises ``ApiError``.
    """
    if key is None or not _has_no_identity(request):
        with sender(request) as user:
            yield user
        return
    today, yesterday = _guest_ids(network_digest(request), key, text)
    is_secret = len(key) >= SECRET_CHARACTERS
    found = _find_earlier_guest(today, yesterday)
    if found is not None and not is_secret:
        raise UNKNOWN_CALLER
    new_guest = NewGuest(found.pk if found else today, must_be_new=not is_secret)
    try:
        with sender(request, new_guest) as guest:
            if found is None:
                until = timezone.now() + KEY_LIFETIME
                AttemptCounter.objects.note(_digest(guest.pk), until)
            yield guest
    except GuestExists:
        raise UNKNOWN_CALLER from None


def _find_earlier_guest(*pks: uuid.UUID) -> User | None:
    """Return the guest that the same call made. Raises ``ApiError`` if it is gone."""
    # Read the notes first: a note stays when the guest's row goes.
    digests = [_digest(pk) for pk in pks]
    noted = AttemptCounter.objects.filter(digest__in=digests, until__gt=timezone.now())
    is_noted = noted.exists()
    users = list(User.objects.filter(pk__in=pks))
    found = next((one for one in users if one.is_guest and one.is_active), None)
    if found is None and (is_noted or users):
        raise GONE_CALLER
    return found


def _digest(guest: uuid.UUID) -> str:
    return salted_hmac(f"{SALT}.guest", str(guest), algorithm="sha256").hexdigest()


def _has_no_identity(request: HttpRequest) -> bool:
    is_anonymous = isinstance(visitor(request), AnonymousUser)
    return is_anonymous and guest_id(request) is None


def _guest_ids(network: str, key: str, text: str) -> list[uuid.UUID]:
    """The guest ids of this call, if it was first made today or yesterday."""
    today = timezone.now().date()
    days = (today, today - timedelta(days=1))
    calls = (f"{network}\0{key}\0{text}\0{day.isoformat()}" for day in days)
    digests = (salted_hmac(SALT, call, algorithm="sha256").digest() for call in calls)
    return [uuid.UUID(bytes=digest[:16], version=4) for digest in digests]
