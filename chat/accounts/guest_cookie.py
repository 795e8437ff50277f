"""The signed cookie that says which guest a browser is, and nothing else.

With ``HTTPS_ONLY`` values have a salt of their own. Under a name without ``__Host-``,
which anybody on the way of a plain request can set, only a value from before counts: a
guest made on the HTTPS site cannot be planted in another person's browser.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner, get_cookie_signer
from django.http import HttpRequest, HttpResponse

from chatsite.cookie_names import HOST_PREFIX

BASE = "guest"
#: In ``request.META``: the guest whose cookie the answer has to give.
DUE = "chat.guest_cookie"
#: Fixed, while the name of the cookie may change.
SALT = "chat.accounts.guest_cookie"
HTTPS_SALT = f"{SALT}.https"
#: After this share of its life a cookie is given again, so that it outlives everyone
#: who keeps coming.
RENEWED_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class GuestCookie:
    pk: uuid.UUID
    is_old: bool = False


def own_name() -> str:
    return str(settings.COOKIE_NAMES.own(BASE))


def read(request: HttpRequest) -> GuestCookie | None:
    """None where there is no cookie that this site signed."""
    pk = _pk_under(request, own_name())
    if pk is None:
        return None
    return GuestCookie(pk, is_old=_is_old(request.COOKIES[own_name()]))


def read_earlier(request: HttpRequest, names: Sequence[str]) -> uuid.UUID | None:
    """The guest in a cookie under one of these names, which this site used before."""
    found = (_pk_under(request, name) or _pk_as_django(request, name) for name in names)
    return next((pk for pk in found if pk is not None), None)


def _pk_under(request: HttpRequest, name: str) -> uuid.UUID | None:
    raw = request.COOKIES.get(name, "")
    # Values given under HTTPS had the plain salt, too, until they got their own.
    salts = (HTTPS_SALT, SALT) if name.startswith(HOST_PREFIX) else (SALT,)
    for salt in salts:
        with suppress(BadSignature, ValueError):
            signer = get_cookie_signer(salt=salt)
            return uuid.UUID(signer.unsign(raw, max_age=_max_age(name)))
    return None


def _pk_as_django(request: HttpRequest, name: str) -> uuid.UUID | None:
    """Names without a suffix were signed so, with the name for a salt."""
    with suppress(ValueError):
        found = request.get_signed_cookie(name, default="", max_age=_max_age(name))
        return uuid.UUID(found or "")
    return None


def _max_age(name: str) -> int | None:
    """Seconds that a value counts for. A browser keeps none longer, but one from before
    ``HTTPS_ONLY`` can be planted: this ends it."""
    is_from_before = settings.COOKIE_NAMES.prefix and not name.startswith(HOST_PREFIX)
    return settings.SESSION_COOKIE_AGE if is_from_before else None


def give_later(request: HttpRequest, pk: uuid.UUID) -> None:
    """Have the answer to this request give the cookie of this guest."""
    request.META[DUE] = pk


def due(request: HttpRequest) -> uuid.UUID | None:
    return request.META.get(DUE)


def value_for(pk: uuid.UUID) -> str:
    return _signer().sign(str(pk))


def give(response: HttpResponse, pk: uuid.UUID) -> None:
    response.set_cookie(
        own_name(),
        value_for(pk),
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _is_old(raw: str) -> bool:
    """Whether it was signed long ago, or with an earlier key."""
    signer = _signer()
    signer.fallback_keys = []
    age = timedelta(seconds=RENEWED_AFTER * settings.SESSION_COOKIE_AGE)
    try:
        signer.unsign(raw, max_age=age)
    except BadSignature:
        return True
    return False


def _signer() -> TimestampSigner:
    is_https = settings.COOKIE_NAMES.prefix == HOST_PREFIX
    return get_cookie_signer(salt=HTTPS_SALT if is_https else SALT)
