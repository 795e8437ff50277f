"""What rows say of the API key that asked for them, if one did."""

from __future__ import annotations

from typing import Any

from chat.models import User

#: Of a native call, which is answered like a message of a page.
NATIVE_CALL = {"is_raw": False, "is_cut_refused": False}


def conversation_fields(owner: User) -> dict[str, Any]:
    """The fields of a conversation that its owner begins."""
    key = owner.used_key
    if key is None:
        return {}
    return {"api_key": key, "is_hidden": not key.keeps_conversations}


def call_field(owner: User, earlier: dict[str, Any] | None = None) -> Any:
    """``Reply.call`` of a reply that its owner asks for.

    ``earlier`` is that of a reply of which this is another version: both answer the
    same turns, but the key that asked for the earlier one does not pay for this one.
    """
    key = owner.used_key
    if key is None and earlier is None:
        return None
    same = {**(NATIVE_CALL if earlier is None else earlier), "is_helper": False}
    for of_earlier in ("key", "is_given_up"):
        same.pop(of_earlier, None)
    return same | ({"key": key.pk.hex, "is_helper": key.is_helper} if key else {})
