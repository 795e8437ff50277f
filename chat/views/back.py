"""Back to the conversation, after something was done to one of its replies."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from chat.models import Reply
from chat.services.refusal import PromptRefused


def back_to(reply: Reply) -> HttpResponse:
    page = reverse("conversation", args=[reply.message.conversation_id])
    return HttpResponseRedirect(f"{page}#reply-{reply.pk}", status=303)


def refused_page(
    request: HttpRequest, reply: Reply, refused: PromptRefused
) -> HttpResponse:
    """Why not now, and the way back."""
    context = {"reply": reply, "message": refused.message}
    response = render(request, "refused.html", context, status=429)
    if refused.retry_seconds is not None:
        response.headers["Retry-After"] = str(refused.retry_seconds)
    return response
