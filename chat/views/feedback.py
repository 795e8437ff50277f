"""Thumbs up or down for a reply, and the reason for it."""

from __future__ import annotations

from typing import TypedDict
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from chat.http.get_or_404 import get_reply_or_404
from chat.http.request import Request, owner_id
from chat.models import Reply
from chat.models.reply_choices import Rating
from chat.page.action_response import redirect_to_reply
from chat.services.errors import MessageRefused
from chat.services.feedback import can_be_rated, rate


class FeedbackContext(TypedDict):
    """For ``replies/feedback.html``, ``_feedback.html`` and ``_rated.html``."""

    reply: Reply
    #: As it was typed.
    reason: str
    reason_max_characters: int
    #: Why the reason was refused; empty otherwise.
    error: str


class RatedContext(FeedbackContext):
    """For ``replies/_rated.html``."""

    #: Whether the form for the reason comes.
    asks_reason: bool
    #: What a screen reader says.
    said: str


@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(private=True, no_cache=True)
# The Back button must not show the fragment for htmx as a page.
@vary_on_headers("HX-Request")
def feedback(request: Request, pk: UUID) -> HttpResponse:
    """Show the reason for a rating (GET), or rate a reply (POST).

    A thumb sends the rating alone, an empty one to withdraw it; then the reason is
    asked for, which comes with the same rating.
    """
    reply = get_reply_or_404(owner_id(request), pk)
    rating = request.POST.get("rating", "")
    if not can_be_rated(reply) or rating not in ("", *Rating):
        raise Http404
    if request.method != "POST":
        return _form(request, reply)
    try:
        rate(reply, rating, request.POST.get("reason", ""))
    except MessageRefused as refused:
        return _refused(request, reply, refused)
    asks_reason = bool(rating) and "reason" not in request.POST
    if request.htmx:
        return _rated(request, reply, asks_reason=asks_reason)
    if asks_reason:
        return HttpResponseRedirect(reverse("feedback", args=[pk]), status=303)
    return redirect_to_reply(reply)


def _form(request: Request, reply: Reply) -> HttpResponse:
    """The form for the reason: a page, or for htmx the content of the panel."""
    template = "replies/_feedback.html" if request.htmx else "replies/feedback.html"
    return render(request, template, _context(reply, reply.rating_reason))


def _refused(request: Request, reply: Reply, refused: MessageRefused) -> HttpResponse:
    """The same form with what was typed, and why it was refused."""
    if request.htmx:
        said = {"message": refused.message, "place": f"reason-refusal-{reply.pk}"}
        return render(request, "composer/_error.html", said, status=422)
    context = _context(reply, request.POST["reason"], refused.message)
    return render(request, "replies/feedback.html", context, status=422)


def _rated(request: Request, reply: Reply, *, asks_reason: bool) -> HttpResponse:
    """What changes below the reply."""
    said = (
        _("Your rating is saved.") if reply.rating else _("Your rating is withdrawn.")
    )
    context: RatedContext = {
        **_context(reply, reply.rating_reason),
        "asks_reason": asks_reason,
        "said": said,
    }
    return render(request, "replies/_rated.html", context)


def _context(reply: Reply, reason: str, error: str = "") -> FeedbackContext:
    return {
        "reply": reply,
        "reason": reason,
        "reason_max_characters": settings.FEEDBACK_MAX_CHARACTERS,
        "error": error,
    }
