"""The notice that another model answers than the configured one: once a browser."""

from __future__ import annotations

from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from chat.http.choice_cookie import keep_choice
from chat.http.request import Request
from chatsite.model_choice import ModelChoice, current_choice

COOKIE = settings.COOKIE_NAMES.own("model-notice")


def is_known(request: HttpRequest) -> bool:
    """Whether this browser has shown the notice about the current choice."""
    return request.COOKIES.get(COOKIE) == _fingerprint(current_choice())


@require_POST
def dismiss_model_notice(request: Request) -> HttpResponse:
    """Take the notice off the page that shows it."""
    answer = HttpResponse()
    if not request.htmx:
        answer = HttpResponseRedirect(reverse("home"), status=303)
    return remember_notice(answer)


def remember_notice(answer: HttpResponse) -> HttpResponse:
    """Let the browser remember that it has shown the notice about this choice."""
    keep_choice(answer, COOKIE, _fingerprint(current_choice()))
    return answer


def _fingerprint(choice: ModelChoice) -> str:
    return sha256(f"{choice.wanted}\n{choice.model}".encode()).hexdigest()[:16]
