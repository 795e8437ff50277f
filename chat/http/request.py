"""Who sends a request (session, user and account), and with which parameters."""

from __future__ import annotations

from urllib.parse import unquote_plus
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django_htmx.middleware import HtmxDetails

from chat.models import User


class Request(HttpRequest):
    """A request with the attributes that middleware adds."""

    htmx: HtmxDetails


def session_key(request: HttpRequest) -> str | None:
    """The session key from the cookie, without SQL; the new key of a new session."""
    if request.session.modified:
        return request.session.session_key
    return request.COOKIES.get(settings.SESSION_COOKIE_NAME)


def visitor(request: HttpRequest) -> User | AnonymousUser:
    """The user of the session. Using the result costs a query."""
    return request.user


def visitor_or_new(request: HttpRequest) -> User:
    """The user of the session; one that is not saved for an anonymous visitor."""
    user = visitor(request)
    return user if isinstance(user, User) else User()


def has_account(request: HttpRequest) -> bool:
    """Whether an account, not a guest, is logged in. Costs a query."""
    user = visitor(request)
    return isinstance(user, User) and not user.is_guest


def owner_id(request: HttpRequest) -> UUID | None:
    """Id of the user, an account or a guest; None for an anonymous visitor."""
    return request.user.pk


def query_parameters(request: HttpRequest) -> MultiValueDict[str, str]:
    """The parameters as in ``request.GET``, in a third of the time.

    Raises ``ValueError`` where there are more than Django takes.
    """
    pairs = request.META["QUERY_STRING"].split("&")
    if len(pairs) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise ValueError("too many parameters")
    query: dict[str, list[str]] = {}
    for pair in filter(None, pairs):
        name, _, value = pair.partition("=")
        query.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return MultiValueDict(query)
