"""A message from a program without cookies, and what repeating it does.

The answer to such a call gives the cookies, and may be lost. Who repeats the call is a
stranger then, told by network, key and text alone. A long key is a secret and opens the
guest that it made, for a day or two. Of a short one, which others may use as well,
nothing is opened and nothing is sent twice.

A guest who signs up, joins an account or is erased leaves a digest of their id for as
long, so that a repeat finds that it was carried out.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from chat.accounts.client_network import network_digest
from chat.accounts.guests import GuestExists, NewGuest, get_or_create_sender, guest_id
from chat.http.api_errors import ApiError
from chat.http.request import visitor
from chat.models import AttemptCounter, User

SALT = "chat.api.first_call"
#: A key of so many characters, or more, is taken for a secret.
SECRET_CHARACTERS = 32
#: The day of the call and the next one.
KNOWN_FOR = timedelta(days=2)
UNKNOWN_CALLER = ApiError(
    409,
    "unknown_caller",
    _(
        "This key and this text came from your network before, and without cookies"
        " nothing tells whether that was you. Send the cookies of the first answer, or"
        " use a new key: one of 32 or more random characters may be repeated without"
        " cookies."
    ),
)
GONE_CALLER = ApiError(
    409,
    UNKNOWN_CALLER.code,
    _(
        "This key sent this text before, as a guest who has signed up or was erased"
        " since. Nothing was sent now. Log in and send the cookies, or use a new key."
    ),
)


def caller(request: HttpRequest, key: str | None, text: str) -> User:
    """Who sends; ``key`` is None where none was given. Raises ``ApiError``."""
    if key is None or not _is_unknown(request):
        return get_or_create_sender(request, is_message=True)
    today, yesterday = _guest_ids(network_digest(request), key, text)
    is_secret = len(key) >= SECRET_CHARACTERS
    found = _guest_before(today, yesterday)
    if found is not None and not is_secret:
        raise UNKNOWN_CALLER
    new_guest = NewGuest(found.pk if found else today, must_be_new=not is_secret)
    try:
        guest = get_or_create_sender(request, is_message=True, new_guest=new_guest)
    except GuestExists:
        raise UNKNOWN_CALLER from None
    if found is None:
        now = timezone.now()
        AttemptCounter.objects.take(_digest(guest.pk), now, 1, KNOWN_FOR, slides=False)
    return guest


def _guest_before(*pks: uuid.UUID) -> User | None:
    """The guest that the same call made. Raises ``ApiError`` where they are gone."""
    # Asked first: a guest is noted once the row is there.
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


def _is_unknown(request: HttpRequest) -> bool:
    is_nobody = isinstance(visitor(request), AnonymousUser)
    return is_nobody and guest_id(request) is None


def _guest_ids(network: str, key: str, text: str) -> list[uuid.UUID]:
    """Of a first call today, and of one yesterday."""
    today = timezone.now().date()
    days = (today, today - timedelta(days=1))
    said = (f"{network}\0{key}\0{text}\0{day.isoformat()}" for day in days)
    digests = (salted_hmac(SALT, one, algorithm="sha256").digest() for one in said)
    return [uuid.UUID(bytes=digest[:16], version=4) for digest in digests]
