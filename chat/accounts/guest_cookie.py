"""The signed cookie that identifies a browser's guest.

With ``HTTPS_ONLY`` the values have a salt of their own. A cookie whose name lacks
``__Host-`` can be set by anyone between browser and site on plain HTTP, so such a
cookie counts only with a value from before ``HTTPS_ONLY``. A guest made on the HTTPS
site thus cannot be planted in another person's browser.
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
#: In ``request.META``: the guest whose cookie the answer has to set.
DUE = "chat.guest_cookie"
#: Never changes, even if the name of the cookie does.
SALT = "chat.accounts.guest_cookie"
HTTPS_SALT = f"{SALT}.https"
#: After this share of its life the cookie is set again, so that it never expires for
#: a guest who keeps coming.
RENEWED_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class GuestCookie:
    """The guest in a valid cookie; ``is_old`` if the cookie is due to be set again."""

    pk: uuid.UUID
    is_old: bool = False


def own_name() -> str:
    """Return the current name of the cookie on this site."""
    return str(settings.COOKIE_NAMES.own(BASE))


def read(request: HttpRequest) -> GuestCookie | None:
    """Return the guest of the cookie; None without a cookie that this site signed."""
    pk = _pk_under(request, own_name())
    if pk is None:
        return None
    return GuestCookie(pk, is_old=_is_old(request.COOKIES[own_name()]))


def read_earlier(request: HttpRequest, names: Sequence[str]) -> uuid.UUID | None:
    """Return the guest in a cookie under one of these earlier names, if any."""
    found = (_pk_under(request, name) or _pk_as_django(request, name) for name in names)
    return next((pk for pk in found if pk is not None), None)


def _pk_under(request: HttpRequest, name: str) -> uuid.UUID | None:
    raw = request.COOKIES.get(name, "")
    # Values set with HTTPS_ONLY had the plain salt, too, until they got their own.
    salts = (HTTPS_SALT, SALT) if name.startswith(HOST_PREFIX) else (SALT,)
    for salt in salts:
        with suppress(BadSignature, ValueError):
            signer = get_cookie_signer(salt=salt)
            return uuid.UUID(signer.unsign(raw, max_age=_max_age(name)))
    return None


def _pk_as_django(request: HttpRequest, name: str) -> uuid.UUID | None:
    """Read a cookie whose name has no suffix: its salt is the name, as in Django."""
    with suppress(ValueError):
        found = request.get_signed_cookie(name, default="", max_age=_max_age(name))
        return uuid.UUID(found or "")
    return None


def _max_age(name: str) -> int | None:
    """Seconds for which a value counts, or None for no limit.

    Browsers drop cookies by themselves. A cookie from before ``HTTPS_ONLY`` can be
    planted, so the server limits its age.
    """
    is_from_before = settings.COOKIE_NAMES.prefix and not name.startswith(HOST_PREFIX)
    return settings.SESSION_COOKIE_AGE if is_from_before else None


def give_later(request: HttpRequest, pk: uuid.UUID) -> None:
    """Have the answer to this request set the cookie of this guest."""
    request.META[DUE] = pk


def due(request: HttpRequest) -> uuid.UUID | None:
    """Return the guest that ``give_later`` noted, if any."""
    return request.META.get(DUE)


def value_for(pk: uuid.UUID) -> str:
    """Return the signed value of the cookie."""
    return _signer().sign(str(pk))


def give(response: HttpResponse, pk: uuid.UUID) -> None:
    """Set the cookie of this guest."""
    response.set_cookie(
        own_name(),
        value_for(pk),
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _is_old(raw: str) -> bool:
    """Whether the value was signed long ago, or with an earlier key."""
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
