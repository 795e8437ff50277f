"""Notices to a browser: its subscription, its service worker, and its manifest."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from chat.accounts.guests import get_or_create_sender
from chat.forms.push import NOT_USED, PushSubscriptionForm
from chat.http.api_errors import ApiError, refusal
from chat.http.request import visitor
from chat.models import User
from chat.services.errors import MessageRefused
from chat.services.notifications.subscriptions import (
    OtherKeys,
    subscribe,
    unsubscribe,
)

NO_SUBSCRIPTION = ApiError(422, "invalid_subscription", NOT_USED)
#: Of pages, as styles/tokens.css has them, and of the icon.
BACKGROUND = "#fbfaf7"
ACCENT = "#17907c"
ICONS = (
    {"src": "icons/icon-192.png", "sizes": "192x192", "type": "image/png"},
    {"src": "icons/icon-512.png", "sizes": "512x512", "type": "image/png"},
    {
        "src": "icons/maskable-512.png",
        "sizes": "512x512",
        "type": "image/png",
        "purpose": "maskable",
    },
)


@never_cache
@require_POST
def subscribe_browser(request: HttpRequest) -> HttpResponse:
    """Send this browser notices as long as its session lives."""
    _check_push()
    form = PushSubscriptionForm(request.POST)
    if not form.is_valid():
        return NO_SUBSCRIPTION.response()
    try:
        owner = get_or_create_sender(request)
    except MessageRefused as refused:
        return refusal(refused).response()
    try:
        subscribe(
            owner, _session(request), **form.cleaned_data, language=get_language()
        )
    except OtherKeys:
        return NO_SUBSCRIPTION.response()
    return HttpResponse(status=204)


@never_cache
@require_POST
def unsubscribe_browser(request: HttpRequest) -> HttpResponse:
    """Send this browser no more notices."""
    _check_push()
    owner = visitor(request)
    if isinstance(owner, User):
        unsubscribe(owner, request.POST.get("endpoint", ""))
    return HttpResponse(status=204)


@require_safe
def service_worker(_request: HttpRequest) -> HttpResponse:
    """The script that shows notices while no page is open.

    Its path decides which pages it belongs to, so it is no static file.
    """
    _check_push()
    return HttpResponse(
        _service_worker(),
        content_type="text/javascript; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


@require_safe
def manifest(_request: HttpRequest) -> HttpResponse:
    """What a phone needs to put the site on its home screen."""
    _check_push()
    home = reverse("home")
    return JsonResponse(
        {
            "id": home,
            "name": "chatsite",
            "short_name": "chatsite",
            "start_url": home,
            "scope": home,
            "display": "standalone",
            "background_color": BACKGROUND,
            "theme_color": ACCENT,
            "lang": get_language(),
            "icons": [{**icon, "src": static(icon["src"])} for icon in ICONS],
        },
        content_type="application/manifest+json",
        headers={"Cache-Control": "no-cache"},
    )


def _check_push() -> None:
    """Raises ``Http404`` where the operator has set no keys."""
    if not settings.HAS_PUSH:
        raise Http404


def _session(request: HttpRequest) -> str:
    """The key of the browser's session, whose row is there."""
    session = request.session
    if session.session_key is None or session.modified:
        session.save()
    return str(session.session_key)


@lru_cache(maxsize=1)
def _service_worker() -> bytes:
    path = finders.find("chat/service_worker.js")
    with open(str(path), "rb") as file:
        return file.read()
