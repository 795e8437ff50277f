"""The lines of a batch: calls in its file, and answers in its outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chat.api.openai.answers import Answer
from chat.api.openai.errors import OpenAIError, bad
from chat.api.openai.logprobs import LogprobsReader
from chat.api.openai.messages import is_text
from chat.api.openai.parameters import AskedCall, chat_call, completion_call
from chat.models import BatchLine, Reply
from chat.services.batches.batches import CHAT
from chat.text_cleanup import as_line

CUSTOM_ID_CHARACTERS = 512
#: What the request of a line may have.
FIELDS = frozenset(("custom_id", "method", "url", "body"))


def read_call(endpoint: str, body: Mapping[str, Any]) -> AskedCall:
    """Read the body of a line. Raises ``OpenAIError``."""
    read = chat_call if endpoint == CHAT else completion_call
    asked = read(body)
    if asked.is_streamed:
        raise bad("stream", "A line of a batch has no stream. Leave stream out.")
    return asked


def read_line(raw: bytes, endpoint: str) -> tuple[str, str]:
    """Read a line of the file: its custom_id, and its body as JSON.

    Raises ``OpenAIError`` for the whole batch; what is wrong in the body fails the line
    alone.
    """
    try:
        line = json.loads(raw)
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        said = "The line is no JSON object."
        raise OpenAIError(400, said, code="invalid_json_line")
    name = line.get("custom_id")
    if not isinstance(name, str) or not 0 < len(name) <= CUSTOM_ID_CHARACTERS:
        said = f"custom_id must be a text of 1 to {CUSTOM_ID_CHARACTERS} characters."
        raise bad("custom_id", said, "missing_required_parameter")
    if not is_text(name):
        # Two ids could become one if the characters were replaced.
        said = "custom_id has a NUL or half of a surrogate pair. Leave it out."
        raise bad("custom_id", said, "invalid_custom_id")
    if line.get("method", "POST") != "POST":
        raise bad("method", "method must be POST.", "invalid_method")
    if line.get("url") != endpoint:
        said = f"url must be {endpoint}, the endpoint of the batch."
        raise bad("url", said, "mismatched_url")
    if unknown := sorted(line.keys() - FIELDS):
        raise bad(
            as_line(unknown[0][:100]), "A line has custom_id, method, url and body."
        )
    if not isinstance(line.get("body"), dict):
        said = "body must be the JSON object of the call."
        raise bad("body", said, "missing_required_parameter")
    try:
        return name, json.dumps(line["body"])
    except RecursionError:
        raise bad("body", "body is nested too deeply.") from None


def answered(line: BatchLine, asked: AskedCall, replies: Sequence[Reply]) -> str:
    """Return the line of the output. Raises ``OpenAIError`` if a reply failed."""
    logprobs = [
        LogprobsReader(reply.pk).rest() if asked.has_logprobs else []
        for reply in replies
    ]
    body = Answer(asked, replies[0]).whole(replies, logprobs)
    return _result(line, {"response": _response(line, 200, body), "error": None})


def refused(line: BatchLine, error: OpenAIError) -> str:
    """Return the line of the error file for a call that was refused or failed."""
    response = _response(line, error.status, error.body())
    return _result(line, {"response": response, "error": None})


def unanswered(line: BatchLine, code: str, message: str) -> str:
    """Return the line of the error file for a call that was not answered."""
    error = {"code": code, "message": message}
    return _result(line, {"response": None, "error": error})


def _response(line: BatchLine, status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": status, "request_id": _id(line, "req"), "body": body}


def _result(line: BatchLine, fields: dict[str, Any]) -> str:
    known = {"id": _id(line, "batch_req"), "custom_id": line.custom_id}
    return json.dumps({**known, **fields}, separators=(",", ":"))


def _id(line: BatchLine, prefix: str) -> str:
    return f"{prefix}_{line.batch_id.hex}_{line.number}"
