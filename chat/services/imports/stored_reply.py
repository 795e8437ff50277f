"""Fields of ``Reply`` for a reply that another program, or another site, wrote."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from chat.models import Origin
from chat.models.reply_choices import Rating
from chat.services.imports.sampling import reply_sampling_of
from chat.services.imports.source_messages import dict_of, text_of, time_of
from chatsite import wire

#: The largest number of a column.
INTEGER_MAX, BIG_MAX = 2**31 - 1, 2**63 - 1
TERMINAL = {state.value for state in wire.State if state.is_terminal}
NUMBERS = ("dropped_turns", "cut_tokens", "continued_characters", "losses")
#: Longest texts of columns.
TEXTS = {"model": 100, "revision": 100, "precision": 10, "worker": 200, "error": 40}
TIMES = ("queued_at", "started_at", "first_text_at", "finished_at")


def foreign_reply(model: str, created_at: datetime | None) -> dict[str, Any]:
    """A finished reply of another program, of which only the model is known."""
    return {
        "state": wire.State.DONE.value,
        "model": model[:100] or "?",
        "seed": 0,
        "finished_at": created_at,
    }


def reply_from_export(
    value: dict[str, Any], created_at: datetime | None
) -> dict[str, Any]:
    """What an export says of a reply, bounded by what the columns hold.

    A reply that was not finished counts as stopped.
    """
    state = text_of(value.get("state"))
    times = {name: time_of(value.get(name)) for name in TIMES}
    found: dict[str, Any] = {
        "state": state if state in TERMINAL else wire.State.STOPPED.value,
        "seed": _number(value.get("seed"), BIG_MAX) or 0,
        "settings": reply_sampling_of(dict_of(value.get("settings"))),
        "instructions": text_of(value.get("instructions")),
        "is_length_limited": value.get("is_length_limited") is True,
        "batch": _batch(value.get("batch")),
        **{name: text_of(value.get(name))[:most] for name, most in TEXTS.items()},
        **{name: _number(value.get(name), INTEGER_MAX) or 0 for name in NUMBERS},
        "prompt_tokens": _number(value.get("prompt_tokens"), INTEGER_MAX),
        "new_tokens": _number(value.get("new_tokens"), INTEGER_MAX),
        **times,
        "finished_at": times["finished_at"] or created_at,
    }
    rating = text_of(value.get("rating"))
    if rating in {*Rating.values}:
        found |= {
            "rating": rating,
            "rating_reason": text_of(value.get("rating_reason")),
        }
    if value.get("is_edited") is True:
        found["origin"] = Origin.EDITED.value
    return found


def _number(value: Any, most: int) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return min(value, most) if is_number and value >= 0 else None


def _batch(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
