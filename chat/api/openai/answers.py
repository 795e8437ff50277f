"""The objects of answers: whole completions, chunks of a stream, and their ends."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from chat.api.openai.errors import OpenAIError, too_long, try_later
from chat.api.openai.logprobs import of_chat, of_completion
from chat.api.openai.parameters import AskedCall
from chat.models import Reply
from chat.wording.replies import reason
from chatsite import wire
from chatsite.logprobs import TokenLogprobs

DONE = b"data: [DONE]\n\n"
#: After so many seconds a worker or the queue may be back.
RETRY_SECONDS = 30
STOPPED = OpenAIError(400, "The reply was stopped before its end.", code="stopped")
#: Of a call that another one with the same idempotency key took along as it hung up.
CALL_ENDED = try_later(
    503, "Another call with this Idempotency-Key ended it. Try again.", "call_ended", 1
)


class Answer:
    """The objects of one call: all of them share id, time and model."""

    def __init__(self, asked: AskedCall, first: Reply) -> None:
        self._asked = asked
        self._is_chat = asked.is_chat
        self._head = {
            "id": f"{'chatcmpl' if asked.is_chat else 'cmpl'}-{first.pk.hex}",
            "object": "chat.completion" if asked.is_chat else "text_completion",
            "created": int(time.time()),
            "model": asked.call.entry.name,
        }

    def whole(
        self, rows: Sequence[Reply], logprobs: Sequence[Sequence[TokenLogprobs]]
    ) -> dict[str, Any]:
        """Return the answer to a call without stream. Raises ``OpenAIError``."""
        choices = [
            self._choice(number, row, tokens)
            for number, (row, tokens) in enumerate(zip(rows, logprobs, strict=True))
        ]
        return {**self._head, "choices": choices, "usage": usage(rows)}

    def first_chunk(self, number: int) -> bytes:
        """Return the chunk that begins a choice, or says again that it waits."""
        return self.chunk(number, "", is_first=True)

    def chunk(
        self,
        number: int,
        text: str,
        logprobs: Sequence[TokenLogprobs] = (),
        *,
        length: int = 0,
        is_first: bool = False,
    ) -> bytes:
        """Return a chunk with more text of a choice, after ``length`` characters."""
        delta = {"role": "assistant"} if is_first else {}
        part = self._part(number, {**delta, "content": text}, None)
        part["logprobs"] = self._logprobs(logprobs, length) if logprobs else None
        return self._event([part])

    def last_chunk(self, number: int, reason: str) -> bytes:
        """Return the chunk that ends a choice."""
        return self._event([self._part(number, {}, reason)])

    def usage_chunk(self, rows: Sequence[Reply]) -> bytes:
        """Return the chunk with the numbers of tokens of all choices."""
        return self._event([], usage=usage(rows))

    def _choice(
        self, number: int, row: Reply, tokens: Sequence[TokenLogprobs]
    ) -> dict[str, Any]:
        reason, text = finish_reason(row, self._asked), row.message.text
        said = (
            {"message": {"role": "assistant", "content": text, "refusal": None}}
            if self._is_chat
            else {"text": text}
        )
        logprobs = self._logprobs(tokens, 0) if self._asked.has_logprobs else None
        return {"index": number, **said, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, tokens: Sequence[TokenLogprobs], length: int) -> dict[str, Any]:
        return of_chat(tokens) if self._is_chat else of_completion(tokens, length)

    def _part(
        self, number: int, delta: dict[str, str], reason: str | None
    ) -> dict[str, Any]:
        said = {"delta": delta} if self._is_chat else {"text": delta.get("content", "")}
        return {"index": number, **said, "logprobs": None, "finish_reason": reason}

    def _event(self, choices: list[dict[str, Any]], **more: Any) -> bytes:
        kind = "chat.completion.chunk" if self._is_chat else "text_completion"
        return event({**self._head, "object": kind, "choices": choices, **more})


def event(data: dict[str, Any]) -> bytes:
    """Return one event of a stream (server-sent events, WHATWG HTML, 9.2)."""
    return b"data: " + json.dumps(data, separators=(",", ":")).encode() + b"\n\n"


def usage(rows: Sequence[Reply]) -> dict[str, int]:
    """Return the numbers of tokens, as the limits of the account count them."""
    prompt = sum(row.prompt_tokens or 0 for row in rows)
    new = sum(row.new_tokens or 0 for row in rows)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": new,
        "total_tokens": prompt + new,
    }


def finish_reason(row: Reply, asked: AskedCall) -> str:
    """Return why a reply ended. Raises ``OpenAIError`` if it is not whole."""
    if row.state == wire.State.FAILED:
        raise failure(row, asked)
    if row.state == wire.State.STOPPED:
        raise CALL_ENDED if row.is_given_up else STOPPED
    return "length" if row.is_length_limited else "stop"


def failure(row: Reply, asked: AskedCall) -> OpenAIError:
    """Return the error for a reply that failed."""
    match row.error:
        case wire.ErrorCode.TOO_LONG:
            refused = (row.call or {}).get("refused_tokens", 0)
            return too_long(asked.call.entry.context_tokens, tokens=refused)
        case wire.ErrorCode.BAD_REQUEST:
            return OpenAIError(400, reason(row), code=row.error)
        case wire.ErrorCode.WORKER_LOST | wire.ErrorCode.EXPIRED:
            return try_later(503, reason(row), row.error, RETRY_SECONDS)
    return OpenAIError(500, reason(row), code=row.error or "server_error")
