"""The API call that reads a reply, at once or when it has ended."""

from __future__ import annotations

import math
import uuid
from hashlib import sha256
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _

from chat.api.current_status import current_status
from chat.api.decorators import api_call
from chat.api.key_access import BY_A_REPLY
from chat.api.serializers import serialize_reply
from chat.http.api_errors import ApiError
from chat.http.parked import earlier_watch, has_room, wait
from chat.services.jobs.status import ReplyStatus
from chat.services.live.wait_for_end import WaitForEnd


@api_call("GET", "can_chat", "can_read_history", own_by=BY_A_REPLY)
def reply(request: HttpRequest, pk: uuid.UUID) -> HttpResponseBase:
    """Return the state of a reply and its text so far, with an ``ETag``.

    With ``?wait=`` the answer comes once the reply has ended, or so many seconds later.
    With ``If-None-Match`` it also comes as soon as the reply has changed.
    """
    if earlier_watch(request, WaitForEnd) is None and has_room(request):
        watch = _watch(request, pk)
        if watch and (parked := wait(request, watch)):
            return parked
    return _response(request, current_status(request, pk))


def _watch(request: HttpRequest, pk: uuid.UUID) -> WaitForEnd | None:
    """What the call waits for; None if it is to be answered at once."""
    seconds = _wait_seconds(request)
    if not seconds:
        return None
    status = current_status(request, pk)
    if status.state.is_terminal:
        return None
    if "If-None-Match" not in request.headers:
        return WaitForEnd([pk], seconds)
    has_changed = _response(request, status).status_code == HTTPStatus.OK
    return None if has_changed else WaitForEnd([pk], seconds, known={pk: status})


def _response(request: HttpRequest, status: ReplyStatus) -> HttpResponseBase:
    """A reply as JSON, or status 304 if the caller has it as it is."""
    response = JsonResponse(serialize_reply(request, status))
    tag = f'"{sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = tag
    return get_conditional_response(request, tag, None, response) or response


def _wait_seconds(request: HttpRequest) -> float:
    """How long the caller wants to wait, as far as it may. Raises ``ApiError``."""
    text = request.GET.get("wait", "0")
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        message = _("Give wait as a number of seconds, such as 20.")
        raise ApiError(400, "bad_wait", message)
    return min(seconds, settings.LONG_POLL_SECONDS)
