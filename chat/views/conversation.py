"""One conversation."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from chat.forms import PromptForm
from chat.models import Conversation
from chat.services.seeing import see
from chat.services.watching import NotYours, View
from chat.views.browser import owner_id
from chat.views.known import Known, path_fingerprint
from chat.views.lookups import get_conversation_or_404
from chat.views.page import page_context, seen_of, workers_fingerprint
from chat.views.thread import Shown, look_at
from chat.views.undo import undo_asked_for
from chatsite import wire
from chatsite.choice import offered


@require_safe
@cache_control(private=True, no_cache=True)
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    return conversation_page(request, get_conversation_or_404(owner_id(request), pk))


def conversation_page(
    request: HttpRequest,
    conversation: Conversation,
    form: PromptForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page; a form that was refused is shown again as it was typed."""
    entry = offered(conversation.model)
    try:
        shown, view = look_at(request, entry.name, conversation.path())
    except NotYours as refused:
        raise Http404 from refused
    see(conversation)
    known = _known(conversation, shown, view)
    context = {
        **page_context(view, entry, known, form),
        "conversation": conversation,
        "messages": shown,
        "undo": undo_asked_for(request),
    }
    return render(request, "conversation.html", context, status=status)


def _known(conversation: Conversation, shown: list[Shown], view: View) -> Known:
    """What the page has once it is rendered."""
    sights = [item.sight for item in shown if item.sight is not None]
    held = [sight for sight in sights if sight.state is wire.State.HELD]
    return Known(
        conversation=conversation.pk,
        leaf=shown[-1].message.pk if shown else None,
        changes=view.changes,
        seen=tuple(seen_of(sight) for sight in sights if sight not in held),
        held=tuple(sight.pk for sight in held if not sight.is_paused),
        paused=tuple(sight.pk for sight in held if sight.is_paused),
        path=path_fingerprint([item.message.pk for item in shown]),
        workers=workers_fingerprint(view, is_pending=bool(sights)),
    )
