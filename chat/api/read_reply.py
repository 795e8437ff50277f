"""The API call that reads a reply, at once or when it has ended."""

from __future__ import annotations

from hashlib import sha256
from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from ninja import Query, Router

from chat.api.access import Access
from chat.api.answers import answer
from chat.api.key_access import BY_A_MESSAGE
from chat.api.schemas import ReplyData
from chat.api.serializers import serialize_reply
from chat.api.statuses import current_status
from chat.http.parked import earlier_watch, has_room, wait
from chat.services.jobs.reply_status import ReplyStatus
from chat.services.live.wait_for_end import WaitForEnd

router = Router(tags=["Replies"])
Seconds = Annotated[
    float,
    Query(
        0,
        alias="wait",
        ge=0,
        allow_inf_nan=False,
        description="Seconds to wait for the end, or with If-None-Match for a change.",
    ),
]


@router.get(
    "/replies/{uuid:pk}",
    auth=Access("can_chat", "can_read_history", own_by=BY_A_MESSAGE),
    response={200: ReplyData, 304: None},
)
def reply(request: HttpRequest, pk: UUID, seconds: Seconds) -> HttpResponseBase:
    """Read a reply and its text so far, at once or when it has ended."""
    if earlier_watch(request, WaitForEnd) is None and has_room(request):
        watch = _watch(request, pk, min(seconds, settings.LONG_POLL_SECONDS))
        if watch and (parked := wait(request, watch)):
            return parked
    return _response(request, current_status(request, pk))


def _watch(request: HttpRequest, pk: UUID, seconds: float) -> WaitForEnd | None:
    """What the call waits for; None if it is to be answered at once."""
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
    data = serialize_reply(request, status)
    response = answer(data)
    # The expected wait is no change to wait for, so the tag is a weak one.
    lasting = data.model_dump_json(exclude={"expected_wait"})
    tag = f'W/"{sha256(lasting.encode()).hexdigest()[:32]}"'
    response["ETag"] = tag
    return get_conditional_response(request, tag, None, response) or response
