"""The pages with messages: a new conversation, one conversation, earlier messages."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from chat.accounts.guests import ensure_guest_cookie
from chat.forms import MessageForm, new_key
from chat.http.get_or_404 import get_conversation_or_404, get_user_message_or_404
from chat.http.request import owner_id
from chat.middleware.security_headers import clear_browser_cache
from chat.models import Conversation, DeletedTurn, Message
from chat.page.context import (
    MessageContext,
    PageContext,
    frame_context,
    message_context,
    page_context,
    with_worker_state,
)
from chat.page.day_jump import DayRefused, first_of_day
from chat.page.logged_out_notice import (
    are_drafts_kept,
    has_left,
    is_guest_lost,
    was_logged_out,
)
from chat.page.message_window import MessageWindow, around, before, latest
from chat.page.messages import MessageList
from chat.page.state import PageState
from chat.page.undo_notice import (
    UndoNotice,
    requested_deleted_turn,
    requested_undo_notice,
)
from chat.services.context_usage import ContextUsage, context_usage
from chat.services.conversations import mark_read
from chat.services.effective_settings import (
    EffectiveSettings,
    effective_settings,
    model_to_watch,
)
from chat.services.jobs.reply_status import PollSnapshot
from chat.services.jobs.status import NotOwner
from chat.services.presets import OfferedPreset, offered_presets
from chat.services.temporary_chats import note_look
from chat.views.model_notice import is_known, remember_notice


class HomeContext(PageContext):
    """For ``conversations/home.html``."""

    undo_notice: UndoNotice | None
    #: Whether to say that the session of the page before has ended.
    is_ended: bool
    #: Whether that was the session of a guest, whose cookie is lost.
    is_guest_lost: bool
    #: Whether the drafts are still in this browser.
    are_drafts_kept: bool
    #: Whether to tell visitors that another model answers than the configured one.
    is_fallback_news: bool
    #: Whether to say that the visitor has just logged out.
    has_left: bool
    #: How long a temporary chat is kept after its page was closed.
    temporary_minutes: int
    #: What the conversation can begin with, and the key of the one that was picked.
    presets: list[OfferedPreset]
    preset_chosen: str


class ConversationContext(PageContext):
    """For ``conversations/conversation.html``."""

    conversation: Conversation
    message_list: MessageList
    #: None where the page does not show the end of the active path.
    context_usage: ContextUsage | None
    undo_notice: UndoNotice | None
    #: A turn that can be restored, where the URL names it.
    deleted_turn: DeletedTurn | None
    #: What is wrong with the day to jump to.
    day_error: str


class EarlierContext(MessageContext):
    """For ``messages/_earlier.html``."""

    message_list: MessageList
    snapshot: PollSnapshot
    label: str
    #: Only its ``cursors`` count: they are added to the poller of the page.
    page_state: PageState


@require_safe
@cache_control(private=True, no_cache=True)
def home(request: HttpRequest) -> HttpResponse:
    """Show an empty conversation; ``?text=`` fills the message box.

    With ``?temporary=1`` it will be a temporary chat; ``?preset=`` picks a preset.
    """
    given = ("text", "temporary", "preset")
    initial = {name: request.GET.get(name, "") for name in given}
    return home_page(request, MessageForm(initial={**initial, "key": new_key()}))


def home_page(request: HttpRequest, form: MessageForm) -> HttpResponse:
    """The first page with a form, which may be one that was refused."""
    is_ended = was_logged_out(request)
    context: HomeContext = {
        **frame_context(request, form),
        "undo_notice": requested_undo_notice(request),
        "is_ended": is_ended,
        "is_guest_lost": is_guest_lost(request),
        "are_drafts_kept": are_drafts_kept(request),
        "is_fallback_news": not is_known(request),
        "has_left": has_left(request),
        "temporary_minutes": int(settings.TEMPORARY_MINUTES),
        "presets": offered_presets(owner_id(request)),
        "preset_chosen": form.typed_preset,
    }
    response = render(request, "conversations/home.html", context)
    if context["model_fallback"] and context["is_fallback_news"]:
        remember_notice(response)
    ensure_guest_cookie(request, response)
    return clear_browser_cache(response) if is_ended else response


@require_safe
@cache_control(private=True, no_cache=True)
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a conversation at its end, around message ``?at=`` or before ``?before=``.

    ``?day=`` leads to the first message said on a day or later.
    ``?edit=`` puts a message into the form, to send another version of it.
    """
    found = get_conversation_or_404(owner_id(request), pk)
    if day := request.GET.get("day"):
        try:
            return _to_message(found, first_of_day(found, day))
        except DayRefused as refused:
            return conversation_page(request, found, day_error=str(refused))
    edited = _message_id(request, "edit")
    if edited is None:
        return conversation_page(request, found, window=_window(request, found))
    message = get_user_message_or_404(found, edited)
    form = MessageForm(
        initial={"text": message.text, "key": new_key(), "instead_of": str(message.pk)}
    )
    return conversation_page(request, found, form, window=around(found, message.pk))


def conversation_page(
    request: HttpRequest,
    conversation: Conversation,
    form: MessageForm | None = None,
    window: MessageWindow | None = None,
    *,
    day_error: str = "",
) -> HttpResponse:
    """The whole page; a form that was refused is shown as it was typed."""
    chosen = effective_settings(conversation.owner, conversation)
    window = window or latest(conversation)
    entry = model_to_watch(conversation) if window.has_queued else chosen.entry
    try:
        message_list, snapshot = MessageList.load(request, entry.name, window)
    except NotOwner as refused:
        raise Http404 from refused
    mark_read(conversation)
    page_state = PageState(conversation=conversation.pk, model=entry.name)
    if conversation.is_temporary:
        page_state = page_state.after_look(
            note_look(conversation.owner_id, conversation.pk)
        )
    page_state = with_worker_state(
        snapshot, message_list.applied_to(page_state, snapshot.change_counter)
    )
    context: ConversationContext = {
        **page_context(snapshot, entry, page_state, form, conversation.owner),
        "conversation": conversation,
        "message_list": message_list,
        "context_usage": _context_usage(window, chosen),
        "undo_notice": requested_undo_notice(request),
        "deleted_turn": requested_deleted_turn(request),
        "day_error": day_error,
    }
    return render(request, "conversations/conversation.html", context)


def _to_message(conversation: Conversation, pk: UUID) -> HttpResponse:
    kind = (
        "message" if Message.objects.only("role").get(pk=pk).is_from_user else "reply"
    )
    url = reverse("conversation", args=[conversation.pk])
    return HttpResponseRedirect(f"{url}?at={pk}#{kind}-{pk}")


def _context_usage(
    window: MessageWindow, chosen: EffectiveSettings
) -> ContextUsage | None:
    """The context usage of the active path, if its end is shown."""
    if window.leaf is None:
        return None
    return context_usage(window.messages, chosen, has_earlier=window.has_earlier)


def _window(request: HttpRequest, conversation: Conversation) -> MessageWindow:
    if (message := _message_id(request, "at")) is not None:
        window = around(conversation, message)
    elif (message := _message_id(request, "before")) is not None:
        window = before(conversation, message)
    else:
        return latest(conversation)
    if not window.messages:
        raise Http404
    return window


def _message_id(request: HttpRequest, name: str) -> UUID | None:
    raw = request.GET.get(name)
    if not raw:
        return None
    try:
        return UUID(raw)
    except ValueError:
        raise Http404 from None


@require_safe
@never_cache
def earlier(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Get the messages before ``?before=``, the first one that a page shows."""
    conversation = get_conversation_or_404(owner_id(request), pk)
    entry = effective_settings(conversation.owner, conversation).entry
    try:
        window = before(conversation, UUID(request.GET.get("before", "")))
        message_list, snapshot = MessageList.load(request, entry.name, window)
    except (ValueError, NotOwner) as error:
        raise Http404 from error
    page_state = message_list.applied_to(PageState(), "")
    context: EarlierContext = {
        "message_list": message_list,
        "snapshot": snapshot,
        "label": entry.label,
        "page_state": page_state,
        **message_context(),
    }
    return render(request, "messages/_earlier.html", context)
