"""One request to the remote engine: its text, its deadline and its end."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from chatsite.wire import Ending, ErrorCode, Outcome, Request
from worker.engine.chat_template import InvalidTurns
from worker.engine.context_window import PromptTooLong
from worker.engine.detokenizer import ReplyFilter
from worker.engine.interface import ReplyListener
from worker.engine.remote.faults import Interrupted, Refused, RemoteFault
from worker.engine.remote.prompt import PromptWriter, RemotePrompt
from worker.engine.remote.reply_stream import ReplyStream
from worker.engine.remote.server_client import ServerClient
from worker.engine.sampling_params import InvalidSamplingParams, validate

log = logging.getLogger(__name__)

#: Only the server knows its vocabulary.
VOCABULARY_MAX: Final = 2**31
#: What a prompt keeps of the context each time the server finds it too long.
SHRUNK: Final = 0.6
SHARE_MIN: Final = 0.1
#: A token has fewer bytes: what is longer in all was not asked for.
TOKEN_BYTES_MAX: Final = 64


class RemoteRequest:
    """Implements ``RequestHandle``. All else belongs to the engine's loop."""

    def __init__(
        self,
        request: Request,
        listener: ReplyListener,
        writer: PromptWriter,
        loop: asyncio.AbstractEventLoop,
        *,
        is_helper: bool = False,
        on_tokens: Callable[[int], None],
        on_outcome: Callable[[RemoteRequest], None],
    ) -> None:
        """``on_tokens`` is called with the number of further tokens.

        ``on_outcome`` is called before the listener learns of the end: what makes the
        engine pause does so before the reply is claimed again.
        """
        self._request = request
        self._listener = listener
        self._writer = writer
        self._loop = loop
        self._on_tokens = on_tokens
        self._on_outcome = on_outcome
        #: Whether it gives its row to requests that are for people.
        self.is_helper = is_helper
        #: The fault that it ended with.
        self.fault: RemoteFault | None = None
        self.is_ending = False
        self._has_begun = False
        self._started: asyncio.Task[None] | None = None
        self._row = loop.create_future()
        self._outcome = Outcome.HANDED_BACK
        self._stream = ReplyStream()
        self._prompt: RemotePrompt | None = None
        self._filter: ReplyFilter | None = None
        self._size = 0
        #: Whether the server wrote more than it was asked for, and was cut off.
        self._is_cut = False
        self._tokens = 0
        self._refused_tokens = 0

    def stop(self) -> None:
        """Implement ``RequestHandle``: end as ``stopped``."""
        # A loop that has ended has no request.
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.interrupt, Outcome.STOPPED)

    def interrupt(self, outcome: Outcome) -> None:
        """Close the call and end with this outcome, unless it is ending."""
        if not self.is_ending:
            self.is_ending = True
            self._outcome = outcome
            # A task that is cancelled before its first step never runs.
            if self._has_begun:
                self.task.cancel()

    def start(self, client: ServerClient) -> asyncio.Task[None]:
        """Begin to wait for a row, and to answer then."""
        self._started = self._loop.create_task(self._run(client))
        return self._started

    @property
    def task(self) -> asyncio.Task[None]:
        """What waits and answers."""
        if self._started is None:
            raise RuntimeError("no task before start()")
        return self._started

    def give_row(self) -> None:
        """Let it call the server."""
        if not self._row.done():
            self._row.set_result(None)

    @property
    def is_answered(self) -> bool:
        """Whether the server answered as it should."""
        return self.fault is None and (
            self._stream.is_complete or self._stream.is_unwanted
        )

    async def _run(self, client: ServerClient) -> None:
        """Report the text and the end. A listener's error ends the request."""
        try:
            ending = await self._end_of(client)
            self.is_ending = True
            if ending.outcome in (Outcome.DONE, Outcome.STOPPED) and self._filter:
                self._deliver(self._filter.finish())
        except BaseException as error:
            log.warning("a reply failed in the engine: %s", type(error).__name__)
            ending = self._ending(Outcome.FAILED, error=ErrorCode.MODEL_ERROR)
        self._on_outcome(self)
        try:
            self._listener.on_end(ending)
        except BaseException as error:
            log.error(  # noqa: TRY400 - the trace may contain text of a user
                "a listener failed at its end: %s", type(error).__name__
            )

    async def _end_of(self, client: ServerClient) -> Ending:
        """Answer, and return how it ended."""
        self._has_begun = True
        if self.is_ending:
            return self._ending(self._outcome)
        try:
            await self._answer(client)
        except asyncio.CancelledError:
            return self._ending(self._outcome)
        except TimeoutError:
            return self._failed(ErrorCode.TOO_SLOW, "the deadline has passed")
        except (InvalidSamplingParams, InvalidTurns) as error:
            return self._failed(ErrorCode.BAD_REQUEST, str(error))
        except PromptTooLong as error:
            self._refused_tokens = error.tokens
            return self._failed(ErrorCode.TOO_LONG, str(error))
        except RemoteFault as fault:
            return self._interrupted(fault)
        return self._ending(Outcome.DONE)

    def _interrupted(self, fault: RemoteFault) -> Ending:
        """Return the end after a fault: failed for good, or back into the line."""
        self.fault = fault
        if isinstance(fault, Refused):
            if fault.code is ErrorCode.TOO_LONG and self._prompt is not None:
                self._refused_tokens = self._prompt.tokens
            return self._failed(fault.code, str(fault))
        is_counted = isinstance(fault, Interrupted) and fault.is_counted
        ending = self._ending(Outcome.HANDED_BACK, str(fault))
        return replace(ending, error=ErrorCode.MODEL_ERROR) if is_counted else ending

    async def _answer(self, client: ServerClient) -> None:
        validate(self._request.settings, VOCABULARY_MAX)
        seconds = self._request.max_seconds
        if math.isnan(seconds):
            raise InvalidSamplingParams("max_seconds must be a number")
        if self.is_helper:
            await self._row
        async with asyncio.timeout(seconds):
            await self._row
            self._prompt = self._writer.write(self._request)
            await self._ask(client, self._prompt)
        self._learn()

    async def _ask(self, client: ServerClient, prompt: RemotePrompt) -> None:
        """Send the prompt, and shorter ones while the server finds it too long."""
        self._prompt = prompt
        self._filter = ReplyFilter(
            prompt.stops, strip=prompt.strips_reply, begun=self._request.begun
        )
        share = 1.0
        while True:
            try:
                await client.reply(self._prompt, self._stream, self._take)
            except Refused as fault:
                share *= SHRUNK
                shorter = self._shorter(fault, share)
                if shorter is None:
                    raise
                self._prompt = shorter
            else:
                return

    def _shorter(self, fault: Refused, share: float) -> RemotePrompt | None:
        """Return a prompt for a smaller context, if that is what is needed."""
        is_final = self._request.is_cut_refused or share < SHARE_MIN or self._size
        if fault.code is not ErrorCode.TOO_LONG or is_final or self._prompt is None:
            return None
        shorter = self._writer.write(self._request, share)
        return shorter if shorter.size < self._prompt.size else None

    def _take(self, text: str) -> bool:
        """Deliver text; return whether more is wanted."""
        if self._filter is None or self._prompt is None:
            raise RuntimeError("text before its prompt")
        if not self._size and self._prompt.joins_words:
            text = _joined(self._request.begun, text)
        self._size += len(text.encode("utf-8", "replace"))
        self._count_tokens()
        self._deliver(self._filter.push(text))
        limit = (1 + self._prompt.max_new_tokens) * TOKEN_BYTES_MAX
        self._is_cut = self._size > limit
        return not self._filter.is_stopped and not self._is_cut

    def _count_tokens(self) -> None:
        """Count the tokens so far: as the server does, or else by their bytes."""
        tokens = self._stream.new_tokens
        if tokens is None or not self._is_plausible(tokens):
            tokens = math.ceil(self._size / self._writer.estimate.bytes_per_token)
        if tokens > self._tokens:
            self._on_tokens(tokens - self._tokens)
        self._tokens = tokens

    def _is_plausible(self, new_tokens: int) -> bool:
        """Whether a reply of what was asked for and received may have so many tokens.

        Thoughts count as well, so the text alone says only how many there are at least.
        """
        most = self._prompt.max_new_tokens if self._prompt else 0
        return self._size / TOKEN_BYTES_MAX <= new_tokens <= most

    def _prompt_tokens(self) -> int:
        """Return the server's count of the prompt, or else the estimate."""
        said = self._stream.prompt_tokens
        if said is not None and 0 < said <= self._writer.context_tokens:
            return said
        return self._prompt.tokens if self._prompt else 0

    def _deliver(self, text: str) -> None:
        if text:
            self._listener.on_text(text, self._tokens)

    def _learn(self) -> None:
        """Compare the estimate of the prompt with the server's own count."""
        self._count_tokens()
        prompt, said = self._prompt, self._stream.prompt_tokens
        if prompt is None or said is None:
            return
        # A count beyond the context may be right: then the estimate was too low.
        if said <= max(self._writer.context_tokens, prompt.size):
            self._writer.estimate.learn(prompt.size, said)

    def _failed(self, error: ErrorCode, detail: str) -> Ending:
        return self._ending(Outcome.FAILED, detail, error=error)

    def _ending(
        self, outcome: Outcome, detail: str = "", error: ErrorCode | None = None
    ) -> Ending:
        prompt, stream = self._prompt, self._stream
        is_refused = self._refused_tokens > 0
        return Ending(
            outcome=outcome,
            error=error,
            detail=detail,
            prompt_tokens=0 if is_refused else self._prompt_tokens(),
            new_tokens=self._tokens,
            dropped_turns=self._request.dropped_turns
            + (prompt.dropped_turns if prompt else 0),
            cut_tokens=prompt.cut_tokens if prompt else 0,
            is_length_limited=outcome is Outcome.DONE
            and (self._is_cut or stream.is_length_limited),
            refused_tokens=self._refused_tokens,
            context_tokens=self._writer.context_tokens,
        )


def _joined(begun: str, text: str) -> str:
    """Put a space between two words, where one message went on with another."""
    is_needed = begun[-1:].isalnum() and text[:1].isalnum()
    return f" {text}" if is_needed else text
