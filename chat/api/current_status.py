"""The state of a reply of the caller."""

from __future__ import annotations

import uuid

from django.http import HttpRequest

from chat.http.request import session_key, visitor
from chat.services.jobs.status import ReplyStatus, poll_snapshot
from chatsite.model_choice import model_entry


def current_status(request: HttpRequest, pk: uuid.UUID) -> ReplyStatus:
    """Return the status of a reply of the caller; no SQL while it waits or grows."""
    seen = [(str(pk), 0, 0)]
    key = session_key(request)
    return poll_snapshot(
        key, lambda: visitor(request), model_entry().name, seen
    ).statuses[0]
