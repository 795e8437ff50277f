"""Calls an OpenAI-compatible server, and bears what such servers do."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urljoin

import httpx2

from chatsite.remote_model import RemoteModel
from chatsite.wire import ErrorCode
from worker.engine.interface import KeyMissing, ModelUnavailable
from worker.engine.remote.faults import (
    Interrupted,
    Refused,
    RemoteFault,
    fault_of_answer,
)
from worker.engine.remote.prompt import RemotePrompt
from worker.engine.remote.reply_stream import ReplyStream

log = logging.getLogger(__name__)

EVENT_STREAM: Final = "text/event-stream"
#: Statuses of a proxy without a server, or of one that loads its model.
AWAY: Final = frozenset({502, 503, 504})
#: After the end of a reply its counts may follow; nothing else is worth waiting for.
ENDING_SECONDS: Final = 2.0
#: Bytes of an answer that is no stream.
ANSWER_MAX: Final = 8 * 2**20
#: Bytes of an error that are read.
ERROR_MAX: Final = 16 * 2**10

#: Takes text of the reply; returns whether more of it is wanted.
OnText = Callable[[str], bool]


class ServerClient:
    """The connections to one server. All methods run in one event loop."""

    def __init__(self, remote: RemoteModel, key: str = "") -> None:
        self._remote = remote
        self._key = key
        headers = {"Accept-Encoding": "identity", "User-Agent": "chatsite"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        # A connection of its own for each reply: one that was kept may have been
        # closed by the server, which looks as if the server had broken off.
        self._http = httpx2.AsyncClient(
            headers=headers,
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=httpx2.Timeout(None, connect=remote.connect_seconds),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def check(self) -> RemoteFault | None:
        """Return why the server cannot be used now, or None if it can.

        Not every server can list its models (transformers serve answers 500 without a
        cache), so only a proxy without a server and one that loads count as away.
        """
        try:
            async with asyncio.timeout(2 * self._remote.connect_seconds):
                answer = await self._http.get(f"{self._remote.url}/models")
        except (httpx2.HTTPError, TimeoutError) as error:
            return _away(error)
        if answer.status_code in AWAY:
            return fault_of_answer(answer.status_code, answer.headers, b"")
        return None

    async def reply(
        self, prompt: RemotePrompt, stream: ReplyStream, on_text: OnText
    ) -> None:
        """Have a reply written, until its end or until no more of it is wanted.

        ``stream`` tells then how it ended. The call ends when this is cancelled. Raises
        ``RemoteFault``.
        """
        patience = asyncio.timeout(self._remote.first_text_seconds)
        try:
            async with patience:
                await self._converse(prompt, stream, on_text, patience)
        except TimeoutError:
            if not patience.expired():
                raise
            fault: RemoteFault = Interrupted("the server sent no text for too long")
        except httpx2.HTTPError as error:
            fault = _fault_of(error)
        except RemoteFault as said:
            said.hide(self._key)
            raise
        else:
            fault = Interrupted("the server ended the stream before the reply")
        if (stream.is_complete or stream.is_done) and stream.is_only_tool_call:
            problem = "the server called a tool instead of writing text"
            raise Refused(problem, ErrorCode.MODEL_ERROR)
        if not stream.is_complete and not stream.is_unwanted:
            raise fault

    async def _converse(
        self,
        prompt: RemotePrompt,
        stream: ReplyStream,
        on_text: OnText,
        patience: asyncio.Timeout,
    ) -> None:
        url = f"{self._remote.url}/{prompt.path}"
        async with self._http.stream("POST", url, json=prompt.fields) as response:
            if not response.is_success:
                body = await _beginning(response, ERROR_MAX)
                raise fault_of_answer(response.status_code, response.headers, body)
            kind = response.headers.get("content-type", "").partition(";")[0]
            if kind.strip().lower() != EVENT_STREAM:
                await _take_answer(response, stream, on_text)
                return
            response.encoding = "utf-8"
            async for event in httpx2.EventSource(response):
                text = stream.take(event.data)
                self._wait_on(patience, stream, has_text=bool(text))
                if text and not on_text(text):
                    stream.is_unwanted = True
                if stream.is_done or stream.is_unwanted:
                    return

    def _wait_on(
        self, patience: asyncio.Timeout, stream: ReplyStream, *, has_text: bool
    ) -> None:
        """Wait for the next text; comments and empty events are no sign of life."""
        seconds: float | None = None
        if stream.is_complete:
            seconds = ENDING_SECONDS
        elif has_text or stream.is_thinking:
            seconds = self._remote.silence_seconds
        if seconds is not None:
            patience.reschedule(asyncio.get_running_loop().time() + seconds)


def key_of(remote: RemoteModel, environment: Mapping[str, str] = os.environ) -> str:
    """Return the key for the server; empty without one. Raises ``ModelUnavailable``."""
    name = remote.key_variable
    if not name:
        return ""
    key = environment.get(name, "").strip()
    if not key:
        raise KeyMissing(f"{name} is not set: it holds the key of the server.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ModelUnavailable(f"{name} holds no key: it has spaces or other letters.")
    return key


def rows_of(remote: RemoteModel, key: str, default: int, most: int) -> int:
    """Return how many replies to ask for at once.

    llama.cpp says how many it writes, of which no more than ``most`` are believed: each
    takes a thread of the worker. Other servers queue what is too much.
    """
    if remote.rows:
        return remote.rows
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        answer = httpx2.get(
            urljoin(f"{remote.url}/", "../props"),
            headers=headers,
            timeout=remote.connect_seconds,
        )
        slots: Any = answer.json()["total_slots"]
    except (httpx2.HTTPError, ValueError, KeyError, TypeError):
        return default
    if type(slots) is not int or slots <= 0:
        return default
    if slots > most:
        log.warning(
            "the server of the model says that it writes more than %d replies at once; "
            "it gets no more than these (REMOTE_ROWS_MAX)",
            most,
        )
    return min(slots, most)


async def _take_answer(
    response: httpx2.Response, stream: ReplyStream, on_text: OnText
) -> None:
    """Take an answer of a server that does not stream."""
    body = await _beginning(response, ANSWER_MAX)
    text = stream.take_answer(body)
    stream.is_done = True
    if text and not on_text(text):
        stream.is_unwanted = True


async def _beginning(response: httpx2.Response, size: int) -> bytes:
    """Return at most so many bytes of a body, or somewhat more."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > size:
            break
    return body


def _fault_of(error: httpx2.HTTPError) -> RemoteFault:
    """Return the fault of a call whose connection failed."""
    if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        return _away(error)
    if isinstance(error, httpx2.SSEError):
        problem = "the server sent an event that is too long"
        return Refused(problem, ErrorCode.MODEL_ERROR)
    return Interrupted(f"the server broke off ({type(error).__name__})")


def _away(error: Exception) -> Interrupted:
    reason = type(error).__name__
    return Interrupted(
        f"the server cannot be reached ({reason})", is_counted=False, is_away=True
    )
