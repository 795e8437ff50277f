"""Reads the answer of an OpenAI-compatible server: a stream of chunks, or one object.

Servers differ in what they leave out, repeat and add; every case that is handled here
was seen in one that people use (``tests/worker/engine/remote/quirky_server.py``).
"""

from __future__ import annotations

import json
from typing import Any, Final

from chatsite.wire import ErrorCode
from worker.engine.remote.faults import Interrupted, Refused, fault_in_answer

DONE: Final = "[DONE]"
LENGTH_REASONS: Final = frozenset({"length", "max_tokens"})
#: A server that shuts down ends its replies so (vLLM, SGLang).
ABORTED_REASONS: Final = frozenset({"abort", "aborted", "cancelled"})
TOOL_REASONS: Final = frozenset({"tool_calls", "function_call"})


class ReplyStream:
    """What one answer has said so far."""

    def __init__(self) -> None:
        #: Why the reply ended; empty while it has not.
        self.reason = ""
        #: Whether the server said that nothing follows.
        self.is_done = False
        #: Whether any text has come, and whether the server wanted to call a tool.
        self.has_text = False
        self._calls_tool = False
        #: Whether the reader wanted no more of it.
        self.is_unwanted = False
        #: The server's own counts; the last ones are right. They may be absurd.
        self.prompt_tokens: int | None = None
        self.new_tokens: int | None = None
        #: Whether the newest chunk held thoughts: a sign of life, and no answer.
        self.is_thinking = False
        #: Half a character: the high surrogate of a pair that two chunks share.
        self._half = ""

    @property
    def is_complete(self) -> bool:
        """Whether the reply has ended as the server meant it to.

        A server that breaks down may end its stream without having said anything.
        """
        return bool(self.reason) or (self.is_done and self.has_text)

    @property
    def is_only_tool_call(self) -> bool:
        """Whether the server called a tool, which none offered it, and said nothing."""
        return self._calls_tool and not self.has_text

    @property
    def is_length_limited(self) -> bool:
        """Whether it ended because it was as long as it may be."""
        return self.reason in LENGTH_REASONS

    def take(self, data: str) -> str:
        """Take the data of one event, and return its text. Raises ``RemoteFault``."""
        if data.strip() == DONE:
            self.is_done = True
            return ""
        return self.take_answer(data)

    def take_answer(self, text: str | bytes) -> str:
        """Take a chunk or a whole answer, and return its text.

        Raises ``RemoteFault``.
        """
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            raise _unreadable() from None
        if not isinstance(answer, dict):
            raise _unreadable()
        if answer.get("error"):
            raise fault_in_answer(answer["error"])
        self._take_usage(answer.get("usage"))
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices:
            return ""
        return self._take_choice(choices[0])

    def _take_choice(self, choice: Any) -> str:
        if not isinstance(choice, dict):
            raise _unreadable()
        said = choice.get("delta") or choice.get("message") or {}
        text = said.get("content") if isinstance(said, dict) else None
        if text is None:
            text = choice.get("text")
        self.is_thinking = isinstance(said, dict) and any(
            said.get(name) for name in ("reasoning_content", "reasoning")
        )
        self.has_text = self.has_text or (isinstance(text, str) and bool(text))
        reason = choice.get("finish_reason")
        reason = reason if isinstance(reason, str) else ""
        self._note_tools(said, reason)
        if reason in ABORTED_REASONS:
            raise Interrupted("the server aborted the reply")
        if reason == "error":
            raise Refused("the server ended the reply with an error", _FAILED)
        if reason:
            self.reason = reason
        return self._whole(text) if isinstance(text, str) else ""

    def _note_tools(self, said: Any, reason: Any) -> None:
        if reason in TOOL_REASONS or (
            isinstance(said, dict)
            and (said.get("tool_calls") or said.get("function_call"))
        ):
            self._calls_tool = True

    def _whole(self, text: str) -> str:
        """Join the halves of characters that were written as two escapes."""
        text = self._half + text
        is_half = bool(text) and "\ud800" <= text[-1] <= "\udbff"
        self._half = text[-1] if is_half else ""
        text = text[:-1] if is_half else text
        paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return paired.replace("\0", "")

    def _take_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        for name, field in (
            ("prompt_tokens", "prompt_tokens"),
            ("new_tokens", "completion_tokens"),
        ):
            count = usage.get(field)
            if type(count) is int and count >= 0:
                setattr(self, name, count)


_FAILED: Final = ErrorCode.MODEL_ERROR


def _unreadable() -> Refused:
    return Refused("the answer of the server could not be read", _FAILED)
