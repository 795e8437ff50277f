"""Models, chat completions and completions, as in OpenAI's API reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from chat.api.idempotency_header import idempotency_key
from chat.api.openai.answers import Answer
from chat.api.openai.decorators import json_object, openai_call
from chat.api.openai.errors import OpenAIError, try_later
from chat.api.openai.models import (
    is_of_site,
    model_data,
    offered_model,
    offered_models,
)
from chat.api.openai.parameters import AskedCall, chat_call, completion_call
from chat.api.openai.stream import CompletionStream
from chat.api.openai.wait import QUEUE_SECONDS, CompletionWait
from chat.http.parked import ParkedResponse, earlier_watch, has_room, wait
from chat.models import ApiKey
from chat.services.calls import send_call
from chat.services.jobs.reply_status import PollSnapshot
from chat.services.jobs.status import worker_snapshot
from chat.services.wait_estimate import estimate_wait

#: When there may be room again, in seconds.
ROOM_SECONDS = 10
#: After so many seconds a worker that was started again may serve its model.
NO_WORKER_SECONDS = 30


@openai_call("GET", "can_chat")
def models(_request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """List the models."""
    created = int(key.created_at.timestamp())
    data = [model_data(entry, created) for entry in offered_models()]
    return JsonResponse({"object": "list", "data": data})


@openai_call("GET", "can_chat")
def model(_request: HttpRequest, key: ApiKey, name: str) -> HttpResponseBase:
    """Return one model."""
    created = int(key.created_at.timestamp())
    return JsonResponse(model_data(offered_model(name), created))


@openai_call("POST", "can_chat")
def chat_completions(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """Answer the messages of a conversation."""
    return _complete(request, key, chat_call)


@openai_call("POST", "can_chat")
def completions(request: HttpRequest, key: ApiKey) -> HttpResponseBase:
    """Continue a plain text."""
    return _complete(request, key, completion_call)


@csrf_exempt
def not_found(_request: HttpRequest) -> JsonResponse:
    """Answer every other path with status 404."""
    return OpenAIError(404, "There is nothing at this address.").response()


def _complete(
    request: HttpRequest,
    key: ApiKey,
    read: Callable[[Mapping[str, Any]], AskedCall],
) -> HttpResponseBase:
    """Send a call and answer with its replies, in whole or as a stream.

    A call without stream is handled twice, before and after its replies.
    """
    watch = earlier_watch(request, CompletionWait)
    if watch is None:
        asked = read(json_object(request))
        _refuse_without_room(request, asked)
        replies = send_call(key, asked.call, idempotency_key(request))
        if asked.is_streamed:
            return _stream(CompletionStream(asked, replies))
        watch = CompletionWait(asked, replies)
        if parked := wait(request, watch):
            return parked
    return _whole(watch)


def _stream(watch: CompletionStream) -> ParkedResponse:
    response = ParkedResponse(watch, content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"  # nginx would collect the events
    return response


def _whole(watch: CompletionWait) -> JsonResponse:
    rows = watch.rows
    if len(rows) < len(watch.replies):
        raise _too_late()
    return JsonResponse(Answer(watch.asked, rows[0]).whole(rows, watch.logprobs))


def _refuse_without_room(request: HttpRequest, asked: AskedCall) -> None:
    if not has_room(request):
        said = "Too many calls are waiting. Try again in a moment."
        raise try_later(503, said, "too_many_calls", ROOM_SECONDS)
    entry = asked.call.entry
    now = worker_snapshot(entry.name)
    if not (now.workers or now.is_away or is_of_site(entry)):
        said = f"No worker serves {entry.label} now; /v1/models lists what is served."
        raise try_later(503, said, "no_worker", NO_WORKER_SECONDS)
    if not asked.is_streamed:
        _refuse_long_wait(now)


def _refuse_long_wait(now: PollSnapshot) -> None:
    """Refuse a reply that would start after its client has given up."""
    if now.is_paused:
        said = "This model is paused. Set stream to wait, or try later."
        raise try_later(503, said, "model_paused", QUEUE_SECONDS)
    expected = estimate_wait(now.waiting, now.workers)
    if expected is not None and expected.low > QUEUE_SECONDS:
        raise _too_late()


def _too_late() -> OpenAIError:
    said = "The queue is too long for a call without stream. Set stream, or try later."
    return try_later(503, said, "queue_too_long", QUEUE_SECONDS)
