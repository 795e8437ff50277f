"""Bounds what the mailbox says of a reply that ended.

Workers write it, and what they know of a model on another server comes from there. One
number that its column cannot hold would keep a reply from being collected at all, and a
count of tokens beyond what was asked for would use up a person's limit.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any, Final, cast

from django.db.models import CharField

from chat.models import Reply
from chatsite.catalog import CatalogError
from chatsite.mailbox.results import FinishedReply
from chatsite.model_choice import current_catalog, site_entries
from chatsite.sampling_settings import MAX_NEW_TOKENS

log = logging.getLogger(__name__)

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


def with_possible_counts(ending: FinishedReply, reply: Reply) -> FinishedReply:
    """Return an ending that counts no more tokens than the reply can have taken.

    These are a prompt as long as the context of its model, and the new tokens that were
    asked for. No engine reads or writes more.
    """
    most = {"prompt_tokens": _context_of(reply.model), "new_tokens": _asked_for(reply)}
    too_many = {
        name: limit
        for name, limit in most.items()
        if ending.details.get(name, 0) > limit
    }
    if not too_many:
        return ending
    log.warning(
        "reply %s: worker %s counted more tokens than it can have taken (%s)",
        *(reply.pk, ending.worker, ", ".join(too_many)),
    )
    return replace(ending, details={**ending.details, **too_many})


def _asked_for(reply: Reply) -> int:
    most = reply.settings.get(MAX_NEW_TOKENS.name, MAX_NEW_TOKENS.default)
    return most if type(most) is int else COUNT_MAX


def _context_of(model: str) -> int:
    """Return the context of a model; the longest that is known if it has left."""
    try:
        known = {**current_catalog().models, **site_entries()}
    except CatalogError:
        return COUNT_MAX  # the catalogue is being edited
    entries = [known[model]] if model in known else known.values()
    return max(entry.context_tokens for entry in entries)


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
