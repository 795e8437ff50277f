"""``/metrics``, for Prometheus: by a token, or from addresses that a setting names."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat.accounts.client_network import client_address, is_from_trusted_proxy
from chat.services.metrics.exposition import exposition

PATH = "/metrics"
PLAIN = "text/plain; charset=utf-8"
#: Headers of proxies. A request that has one comes from another address than it seems.
FORWARDING = ("Forwarded", "Via", "X-Forwarded-For", "X-Real-IP")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics, or with 403 and which setting gives access."""
    if not _may_read(request):
        return _refusal()
    text, content_type = exposition(request.headers.get("Accept", ""))
    return _answer(text, content_type)


class MetricsMiddleware:
    """Middleware that answers scrapes, under any host name as health checks are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a scrape, or pass the request on."""
        is_scrape = request.path_info == PATH
        return metrics(request) if is_scrape else self._get_response(request)


def _may_read(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    if not is_from_trusted_proxy(request) and _is_forwarded(request):
        return False
    address = client_address(request)
    return address is not None and any(
        address in network for network in settings.METRICS_NETWORKS
    )


def _is_forwarded(request: HttpRequest) -> bool:
    return any(name in request.headers for name in FORWARDING)


def _refusal() -> HttpResponse:
    """Say how to get access; the settings themselves are not told."""
    answer = _answer(
        b"No access. Send METRICS_TOKEN as Authorization: Bearer, or ask from an "
        b"address in METRICS_NETWORKS.\n",
        PLAIN,
        status=401 if settings.METRICS_TOKEN else 403,
    )
    if settings.METRICS_TOKEN:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return answer


def _answer(text: bytes, content_type: str, status: int = 200) -> HttpResponse:
    length = {"Content-Length": str(len(text))}
    return HttpResponse(text, content_type, status, headers=length)
