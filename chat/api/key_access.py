"""What a call with an API key may do: its scopes, and what is the key's own."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from chat.http.bearer import WrongKey, bearer_secret, find_key
from chat.http.known_errors import MISSING_SCOPE, known_error
from chat.http.request import visitor
from chat.models import ApiKey, Conversation, User

#: How a conversation is found by the id in the address of a call.
BY_ITS_ID = "pk"
BY_A_MESSAGE = "messages"
BY_A_DELETED_TURN = "deleted_turns__message"
#: What a call reads or changes belongs to the account, and to none of its keys.
OF_ACCOUNT = "account"


def authenticate(request: HttpRequest, secret: str, scopes: tuple[str, ...]) -> None:
    """Make the owner of the key the user of the request.

    One of the scopes is enough; a call without any is open to every key. Raises
    ``ApiError``.
    """
    try:
        key = find_key(request, secret)
    except WrongKey as wrong:
        raise known_error(wrong) from None
    if scopes and not any(getattr(key, scope) for scope in scopes):
        raise MISSING_SCOPE
    request.user = key.owner


def used_key(request: HttpRequest) -> ApiKey | None:
    """The key of a call that was authenticated by one; no query for other calls."""
    user = None if bearer_secret(request) is None else visitor(request)
    return user.used_key if isinstance(user, User) else None


def check_is_own(request: HttpRequest, lookup: str | None, pk: Any) -> None:
    """Refuse a key without ``can_read_history`` what it did not make itself.

    Without ``lookup`` nothing is refused. Raises ``ApiError``, but not for what its
    account does not have either.
    """
    key = used_key(request) if lookup else None
    if lookup is None or key is None or key.can_read_history:
        return
    if lookup == OF_ACCOUNT:
        raise MISSING_SCOPE
    found = Conversation.objects.filter(**{"owner": key.owner_id, lookup: pk})
    makers = list(found.values_list("api_key", flat=True)[:1])
    if makers and makers[0] != key.pk:
        raise MISSING_SCOPE
