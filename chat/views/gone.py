"""What a page hears whose conversation was deleted elsewhere; nothing typed is lost."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chat.services.conversation_list import newest
from chat.services.jobs.status import watch
from chat.views.browser import session_key, visitor
from chat.views.known import Known
from chat.views.lookups import find_deleted
from chat.views.page import owner_of, poller_context
from chat.views.undo import undo_of
from chatsite.model_choice import model_entry

#: No path has this fingerprint: once restored, the page is loaded afresh.
NO_PATH = "gone"


def gone(request: HttpRequest, known: Known) -> HttpResponse | None:
    """None where there is nothing to restore. Raises ``NotYours``.

    The page goes on asking, always as one that knows of no change, so that it hears
    when the conversation is back.
    """
    view = watch(session_key(request), lambda: visitor(request), model_entry().name)
    owner = owner_of(view)
    found = find_deleted(owner, known.conversation) if known.conversation else None
    if found is None:
        return None
    history = newest(owner, known.since)
    after = replace(
        known,
        changes="",
        seen=(),
        held=(),
        paused=(),
        path=NO_PATH,
        workers="",  # once restored, the notice is said anew
        since=history.last,
    )
    context = {
        **poller_context(view, after),
        "history": history,
        "undo": undo_of(found),
    }
    return render(request, "_gone.html", context)
