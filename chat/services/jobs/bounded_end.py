"""Bounds what the mailbox says of a reply that ended, so that its row can hold it.

Workers write it, and what they know of a model on another server comes from there. One
number out of range would otherwise keep a reply from being collected at all.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final, cast

from django.db.models import CharField

from chat.models import Reply
from chatsite.mailbox.results import FinishedReply

#: The largest number that the columns of counts hold on every database.
COUNT_MAX: Final = 2**31 - 1
COUNTS: Final = ("prompt_tokens", "new_tokens", "dropped_turns", "cut_tokens")
NAMES: Final = ("error", "revision", "precision")
#: The end of the year 9998, in seconds since 1970: no time zone makes it too late.
TIME_MAX: Final = 253_370_764_800.0


def bounded_end(ending: FinishedReply) -> FinishedReply:
    """Return an ending whose every value fits its column; what is no value is left out.

    Raises ``ValueError`` if its details are not an object.
    """
    if not isinstance(ending.details, dict):
        raise ValueError("the details of an end must be an object")  # noqa: TRY004
    return replace(
        ending,
        losses=_bounded(ending.losses),
        worker=_short("worker", ending.worker),
        queued_at=_time(ending.queued_at) or 0.0,
        started_at=_time(ending.started_at),
        first_text_at=_time(ending.first_text_at),
        finished_at=_time(ending.finished_at) or _time(ending.queued_at) or 0.0,
        details=_details(ending.details),
    )


def _details(said: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = {
        name: _bounded(said[name])
        for name in (*COUNTS, "refused_tokens")
        if type(said.get(name)) is int
    }
    details |= {
        name: _short(name, said[name])
        for name in NAMES
        if isinstance(said.get(name), str)
    }
    return details | {"is_length_limited": said.get("is_length_limited") is True}


def _bounded(count: int) -> int:
    return min(max(0, count), COUNT_MAX)


def _short(field: str, text: str) -> str:
    """Cut a text for its column; PostgreSQL stores no NUL."""
    column = cast("CharField[str, str]", Reply._meta.get_field(field))
    return text.replace("\x00", " ")[: column.max_length]


def _time(stamp: float | None) -> float | None:
    is_time = stamp is not None and math.isfinite(stamp) and 0 <= stamp <= TIME_MAX
    return stamp if is_time else None
