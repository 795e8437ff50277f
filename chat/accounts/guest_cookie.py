"""The signed cookie that says which guest a browser is, and nothing else."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner, get_cookie_signer
from django.http import HttpRequest, HttpResponse

BASE = "guest"
NAME = settings.COOKIE_NAMES.own(BASE)
#: In ``request.META``: the guest whose cookie the answer has to give.
DUE = "chat.guest_cookie"
#: Fixed, while the name of the cookie may change.
SALT = "chat.accounts.guest_cookie"
#: After this share of its life a cookie is given again, so that it outlives everyone
#: who keeps coming.
RENEWED_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class GuestCookie:
    pk: uuid.UUID
    is_old: bool = False


def read(request: HttpRequest) -> GuestCookie | None:
    """None where there is no cookie that this site signed."""
    raw = request.COOKIES.get(NAME, "")
    with suppress(BadSignature, ValueError):
        return GuestCookie(uuid.UUID(_signer().unsign(raw)), is_old=_is_old(raw))
    return None


def read_earlier(request: HttpRequest) -> uuid.UUID | None:
    """The guest in a cookie under a name that this site used before."""
    for name in settings.COOKIE_NAMES.earlier(BASE):
        raw = request.COOKIES.get(name, "")
        with suppress(BadSignature, ValueError):
            return uuid.UUID(_signer().unsign(raw))
        # The bare name was signed as Django does it.
        with suppress(ValueError):
            return uuid.UUID(request.get_signed_cookie(name, default="") or "")
    return None


def give_later(request: HttpRequest, pk: uuid.UUID) -> None:
    """Have the answer to this request give the cookie of this guest."""
    request.META[DUE] = pk


def due(request: HttpRequest) -> uuid.UUID | None:
    return request.META.get(DUE)


def value_for(pk: uuid.UUID) -> str:
    return _signer().sign(str(pk))


def give(response: HttpResponse, pk: uuid.UUID) -> None:
    response.set_cookie(
        NAME,
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
    return get_cookie_signer(salt=SALT)
