"""What all calls under ``/v1/`` share: keys, errors, request ids and CORS."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from chat.api.openai.errors import OpenAIError, of_known, too_long
from chat.http.bearer import bearer_secret, find_key
from chat.http.known_errors import MISSING_SCOPE, known_error
from chat.models import ApiKey
from chatsite.model_choice import model_entry

Call = Callable[..., HttpResponseBase]
#: Any page may call, with a key in its script: no cookie is read here.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "x-request-id, retry-after, x-should-retry",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "*, authorization",
    "Access-Control-Max-Age": "86400",
}
NO_KEY = OpenAIError(
    401,
    _(
        "Send your API key in the header Authorization: Bearer. "
        "You make one in your account."
    ),
    code="no_api_key",
    headers={"WWW-Authenticate": "Bearer"},
)


def openai_call(method: str, scope: str) -> Callable[[Call], Call]:
    """Make a view for one method and for keys that may do ``scope``.

    The view gets the key after the request. Every error is answered as
    ``OpenAIError`` describes.
    """

    def decorate(view: Call) -> Call:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "OPTIONS":
                return HttpResponse(status=204, headers=CORS | PREFLIGHT)
            answer = _answer(
                lambda: view(request, _key(request, method, scope), *args, **kwargs)
            )
            for name, value in CORS.items():
                answer.headers[name] = value
            answer.headers["x-request-id"] = uuid.uuid4().hex
            return answer

        return call

    return decorate


def by_method(**views: Call) -> Call:
    """Make a view of one view for each method."""

    @csrf_exempt
    def call(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        view = views.get(request.method or "") or next(iter(views.values()))
        answer = view(request, *args, **kwargs)
        if answer.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            answer.headers["Allow"] = ", ".join(views)
        return answer

    return call


def _answer(call: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return call()
    except OpenAIError as error:
        return error.response()
    except Exception as raised:
        return of_known(known_error(raised)).response()


def _key(request: HttpRequest, method: str, scope: str) -> ApiKey:
    """The key of a request. Raises ``OpenAIError``, ``ApiError`` and ``WrongKey``."""
    secret = bearer_secret(request)
    if not secret:
        raise NO_KEY
    key = find_key(request, secret)
    if request.method != method:
        raise OpenAIError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            f"Use {method} here.",
            headers={"Allow": method},
        )
    if not getattr(key, scope):
        raise MISSING_SCOPE
    return key


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object of the request. Raises ``OpenAIError``."""
    try:
        body = json.loads(request.body)
    except RequestDataTooBig:
        raise too_long(model_entry().context_tokens) from None
    except (ValueError, RecursionError):
        raise OpenAIError(400, "The body must be a JSON object.") from None
    if not isinstance(body, dict):
        raise OpenAIError(400, "The body must be a JSON object.")
    return body
