"""What is shown when a request cannot be trusted."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse

from chat.forms import PromptForm


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page was opened before this browser signed in: send again, nothing lost.

    The typed text comes back in a fresh form, which only a person can send.
    """
    get_token(request)
    context = {
        "form": PromptForm(request.POST),
        "action": _form_action(request.path),
        "limit": settings.PROMPT_MAX_CHARACTERS,
    }
    return render(request, "csrf_failure.html", context, status=403)


def _form_action(path: str) -> str:
    """Where the form was going, if that is a place to send prompts to."""
    try:
        is_send = resolve(path).url_name == "send"
    except Resolver404:
        is_send = False
    return path if is_send else reverse("send")
