"""Deleting a turn of a conversation, and restoring it."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from chat.http.get_or_404 import get_message_or_404
from chat.http.request import Request, owner_id
from chat.models import DeletedTurn
from chat.page.action_response import error_context, response_after_change
from chat.page.undo_notice import DELETED_TURN
from chat.services import turn_deletion
from chat.services.errors import MessageRefused


@require_POST
def delete_turn(request: Request, pk: UUID) -> HttpResponse:
    """Delete the turn of a message or of a reply; harmless to repeat."""
    owner = owner_id(request)
    turn = turn_deletion.find_deleted_turn(owner, pk)
    if turn is None:
        message = get_message_or_404(owner, pk)
        try:
            turn = turn_deletion.delete_turn(message)
        except MessageRefused as refused:
            return _refused(request, message.conversation_id, refused)
    said = _("The message and its reply were deleted.")
    query = f"?{DELETED_TURN}={pk}"
    url = reverse("conversation", args=[turn.conversation_id])
    response = response_after_change(request, turn.conversation_id, query)
    return _with_notice(request, response, turn, said, url + query)


@require_POST
def restore_turn(request: Request, pk: UUID) -> HttpResponse:
    """Restore a deleted turn; harmless to repeat."""
    owner = owner_id(request)
    turn = turn_deletion.find_deleted_turn(owner, pk)
    if turn is None:
        conversation = get_message_or_404(owner, pk).conversation_id
    else:
        conversation = turn.conversation_id
        try:
            turn_deletion.restore_turn(turn)
        except MessageRefused as deleted:
            raise Http404 from deleted
    response = response_after_change(request, conversation)
    url = reverse("conversation", args=[conversation])
    return _with_notice(request, response, None, _("They are back."), url)


def _with_notice(
    request: Request,
    response: HttpResponse,
    turn: DeletedTurn | None,
    said: str,
    url: str,
) -> HttpResponse:
    """Add the notice with its button, or the empty place for it, to an update.

    The page gets the address ``url``, so that it has the same once it is loaded again.
    """
    if not request.htmx or "HX-Redirect" in response or "HX-Refresh" in response:
        return response
    response["HX-Replace-Url"] = url
    context = {"deleted_turn": turn, "said": said, "is_oob": True}
    response.write(render_to_string("messages/_deleted_turn.html", context, request))
    return response


def _refused(request: Request, pk: UUID, refused: MessageRefused) -> HttpResponse:
    """The reason below the message box; without htmx, the conversation as it is."""
    if not request.htmx:
        return HttpResponseRedirect(reverse("conversation", args=[pk]), status=303)
    said = error_context(request, refused.message, None)
    return render(request, "composer/_error.html", said, status=422)
