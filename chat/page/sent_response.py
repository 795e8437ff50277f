"""The answer to a message that was sent: the message and its reply.

That is enough for a page that shows all that comes before them. The list and all else
that changes with a message follow with the next poll, as after a change elsewhere: the
page keeps its change counter. A worker has mostly taken the reply by then, which
changes the list again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chat.http.request import Request, session_key, visitor
from chat.models import Reply
from chat.page.messages import (
    ShownMessage,
    with_one_version,
    with_text,
    with_versions,
)
from chat.page.quiet_update import (
    continuations_begun_anew,
    delta_of_pending,
    update_context,
    without_shown_text,
)
from chat.page.state import PageState, owner_fingerprint, path_fingerprint
from chat.page.update_response import update_or_redirect
from chat.services.effective_settings import catalog_entry
from chat.services.jobs.status import NotOwner, poll_snapshot


def append_or_update(
    request: Request, page_state: PageState, reply: Reply, url: str, *, key: str
) -> HttpResponse:
    """Answer with the message and its reply, or, if more has changed, with all."""
    conversation = reply.message.conversation_id
    after = page_state.after_action(conversation)
    ids = reply.path_before or ()
    if path_fingerprint(ids[:-1]) == page_state.path_fingerprint:
        known = replace(after, change_counter=page_state.change_counter)
        with suppress(NotOwner):
            if appended := _append(request, known, reply, ids, key):
                return appended
    return update_or_redirect(request, after, url, key=key)


def _append(
    request: HttpRequest,
    page_state: PageState,
    reply: Reply,
    ids: Sequence[UUID],
    key: str,
) -> HttpResponse | None:
    """A message and its reply; None where other things have changed as well.

    ``ids`` are those of the path up to the message. Raises ``NotOwner``.
    """
    entry = catalog_entry(page_state.model)
    seen = [*page_state.cursors, (str(reply.pk), 0, 0)]
    user = visitor(request)
    found = poll_snapshot(session_key(request), lambda: user, entry.name, seen)
    *statuses, status = found.statuses
    fingerprint = owner_fingerprint(found.owner)
    is_anothers = page_state.owner_fingerprint not in ("", fingerprint)
    if is_anothers or found.is_away or any(s.row for s in found.statuses):
        return None
    known = replace(
        found, statuses=tuple(statuses), change_counter=page_state.change_counter
    )
    snapshot = without_shown_text(known, page_state)
    if continuations_begun_anew(page_state, snapshot):
        return None
    delta = delta_of_pending(page_state, snapshot)
    message = reply.message
    if message.parent is not None:
        delta.add_message(ShownMessage(message.parent), is_new=True)
    delta.add_message(with_text(message, status), is_new=True)
    delta.leaf, delta.path_fingerprint = reply.pk, path_fingerprint([*ids, reply.pk])
    if message.conversation.has_messages_after_leaf:
        delta.appended = with_versions(delta.appended, (), delta.leaf)
    else:
        delta.appended = [with_one_version(shown) for shown in delta.appended]
    context = update_context(page_state, snapshot, entry, delta, is_changed=False)
    return render(request, "poll/_update.html", {**context, "key": key})
