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

BASE_NAME = "guest"
#: In ``request.META``: the guest whose cookie the answer has to set.
COOKIE_TO_SET = "chat.guest_cookie"
#: Never changes, even if the name of the cookie does.
SALT = "chat.accounts.guest_cookie"
HTTPS_SALT = f"{SALT}.https"
#: After this share of its life the cookie is set again, so that it never expires for
#: a guest who keeps coming.
RENEWED_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class GuestCookie:
    """The guest in a valid cookie; ``needs_renewal``: set the cookie again."""

    pk: uuid.UUID
    needs_renewal: bool = False


def cookie_name() -> str:
    """Return the current name of the cookie on this site."""
    return str(settings.COOKIE_NAMES.own(BASE_NAME))


def read_cookie(request: HttpRequest) -> GuestCookie | None:
    """Return the guest of the cookie; None without a cookie that this site signed."""
    if pk := _guest_in_fresh_cookie(request):
        return GuestCookie(pk)
    pk = _guest_in_cookie(request, cookie_name())
    return None if pk is None else GuestCookie(pk, needs_renewal=True)


def read_earlier_cookie(request: HttpRequest, names: Sequence[str]) -> uuid.UUID | None:
    """Return the guest in a cookie under one of these earlier names, if any."""
    found = (
        _guest_in_cookie(request, name) or _guest_in_bare_cookie(request, name)
        for name in names
    )
    return next((pk for pk in found if pk is not None), None)


def _guest_in_cookie(request: HttpRequest, name: str) -> uuid.UUID | None:
    raw = request.COOKIES.get(name, "")
    # Values set with HTTPS_ONLY had the plain salt, too, until they got their own.
    salts = (HTTPS_SALT, SALT) if name.startswith(HOST_PREFIX) else (SALT,)
    for salt in salts:
        with suppress(BadSignature, ValueError):
            signer = get_cookie_signer(salt=salt)
            return uuid.UUID(signer.unsign(raw, max_age=_max_age(name)))
    return None


def _guest_in_bare_cookie(request: HttpRequest, name: str) -> uuid.UUID | None:
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


def set_cookie_later(request: HttpRequest, pk: uuid.UUID) -> None:
    """Have the answer to this request set the cookie of this guest."""
    request.META[COOKIE_TO_SET] = pk


def guest_to_set(request: HttpRequest) -> uuid.UUID | None:
    """Return the guest that ``set_cookie_later`` noted, if any."""
    return request.META.get(COOKIE_TO_SET)


def signed_value(pk: uuid.UUID) -> str:
    """Return the signed value of the cookie."""
    return _signer().sign(str(pk))


def set_cookie(response: HttpResponse, pk: uuid.UUID) -> None:
    """Set the cookie of this guest."""
    response.set_cookie(
        cookie_name(),
        signed_value(pk),
        max_age=settings.SESSION_COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _guest_in_fresh_cookie(request: HttpRequest) -> uuid.UUID | None:
    """The guest, unless the value was signed long ago, or with an earlier key."""
    signer = _signer()
    signer.fallback_keys = []
    age = timedelta(seconds=RENEWED_AFTER * settings.SESSION_COOKIE_AGE)
    with suppress(BadSignature, ValueError):
        raw = request.COOKIES.get(cookie_name(), "")
        return uuid.UUID(signer.unsign(raw, max_age=age))
    return None


def _signer() -> TimestampSigner:
    is_https = settings.COOKIE_NAMES.prefix == HOST_PREFIX
    return get_cookie_signer(salt=HTTPS_SALT if is_https else SALT)
