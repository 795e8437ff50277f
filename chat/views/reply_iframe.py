"""Without JavaScript: a pending reply in an iframe that refreshes itself."""

from __future__ import annotations

import math
from typing import TypedDict
from uuid import UUID

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import owner_id
from chat.models import Message
from chat.page.messages import ShownMessage, Versions, versions_of, with_status
from chat.page.poll_interval import PollInterval
from chat.rendering.markdown.growing_cache import GrowingTextCache
from chat.services.effective_settings import catalog_entry
from chat.services.jobs.reply_status import PollSnapshot, ReplyStatus
from chat.services.jobs.status import NotOwner
from chatsite import wire

#: Replies whose settled parts a process keeps, each of some 100 kB at most.
_texts = GrowingTextCache(entries_max=64)
#: Refresh interval while the reply is held.
HELD_SECONDS = 3


class FrameContext(TypedDict):
    """For ``replies/frame.html``."""

    message: Message
    #: The text so far as HTML; empty once the reply has ended.
    text: SafeString
    #: None once the reply has ended.
    status: ReplyStatus | None
    #: Set once the reply has ended.
    versions: Versions | None
    snapshot: PollSnapshot
    #: Label of the model.
    label: str
    #: Seconds until the iframe reloads itself; None once the reply has ended.
    refresh_seconds: int | None


@require_safe
@never_cache
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": ["'self'"]})  # type: ignore[arg-type]  # takes any view
def frame(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the text so far, or a link to the reply once it has ended."""
    reply = get_reply_or_404(owner_id(request), pk)
    entry = catalog_entry(reply.model)
    try:
        (shown_message,), snapshot = with_status(request, entry.name, [reply.message])
    except NotOwner as refused:
        raise Http404 from refused
    interval = PollInterval(settings.POLL_SECONDS, settings.POLL_IDLE_SECONDS)
    seconds = interval.next(snapshot.statuses, snapshot.stage, is_away=snapshot.is_away)
    if (
        shown_message.status is not None
        and shown_message.status.state is wire.State.HELD
    ):
        seconds = HELD_SECONDS
    context: FrameContext = {
        "message": shown_message.message,
        "text": _text_so_far(shown_message),
        "status": shown_message.status,
        "versions": None
        if shown_message.status
        else versions_of([reply.message])[reply.pk],
        "snapshot": snapshot,
        "label": entry.label,
        "refresh_seconds": math.ceil(seconds) if shown_message.status else None,
    }
    return render(request, "replies/frame.html", context)


def _text_so_far(shown: ShownMessage) -> SafeString:
    status = shown.status
    if status is None:
        return SafeString()
    return _texts.render(str(status.pk), shown.message.text + status.text)
