"""What rows say of the API key that asked for them, if one did."""

from __future__ import annotations

from typing import Any

from chat.models import User

#: Of a native call, which is answered like a message of a page.
NATIVE_CALL = {"is_raw": False, "is_cut_refused": False}
#: What another version of a reply does not take over.
OF_ONE_REPLY = {"key", "is_helper", "is_given_up", "when_idle"}


def conversation_fields(owner: User) -> dict[str, Any]:
    """The fields of a conversation that its owner begins."""
    key = owner.used_key
    if key is None:
        return {}
    return {"api_key": key, "is_hidden": not key.keeps_conversations}


def call_field(
    owner: User, earlier: dict[str, Any] | None = None, *, when_idle: bool = False
) -> Any:
    """``Reply.call`` of a reply that its owner asks for.

    ``earlier`` is that of a reply of which this is another version: both answer the
    same turns, but the key that asked for the earlier one does not pay for this one.
    A reply that is wanted ``when_idle`` is a helper job, and so is one for such a key.
    """
    key = owner.used_key
    if key is None and earlier is None and not when_idle:
        return None
    same = NATIVE_CALL if earlier is None else earlier
    call = {name: value for name, value in same.items() if name not in OF_ONE_REPLY}
    if when_idle:
        call["when_idle"] = True
    call["is_helper"] = when_idle or (key is not None and key.is_helper)
    return call | ({"key": key.pk.hex} if key else {})
