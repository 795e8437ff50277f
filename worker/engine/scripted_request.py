"""One request to the scripted engine: the words of its reply, one after another."""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from chatsite.logprobs import TokenLogprobs
from chatsite.wire import Ending, ErrorCode, Outcome, Request, Role
from worker.engine.detokenizer import StopStringFilter
from worker.engine.interface import ReplyListener
from worker.engine.sampling_params import InvalidSamplingParams, validate
from worker.engine.script import directives, number_of, reply_words

log = logging.getLogger(__name__)

DEFAULT_DELAY_SECONDS = 0.01
CRASH_EXIT_CODE = 70
#: As GPT-2 has; only the range of a bias depends on it.
VOCABULARY = 50_257
#: The log probability of every word.
LOGPROB = -0.5


class ScriptedRequest:
    """Implements ``RequestHandle``. A row's thread calls ``play``."""

    def __init__(
        self,
        request: Request,
        listener: ReplyListener,
        context_tokens: int,
        *,
        is_helper: bool = False,
    ) -> None:
        self._request = request
        self._listener = listener
        self._context_tokens = context_tokens
        self._logprobs: list[TokenLogprobs] = []
        self._stop_filter = StopStringFilter(request.settings.stop, request.begun)
        self._deadline = time.monotonic() + request.max_seconds
        self._wake = threading.Event()
        self._outcome: Outcome | None = None
        #: Whether it gives its row to requests that are for people.
        self.is_helper = is_helper
        #: Set while it has a row.
        self._has_row = threading.Event()
        self._has_row.set()
        self.new_tokens = 0

    @property
    def is_paused(self) -> bool:
        """Whether it gave its row away."""
        return not self._has_row.is_set()

    def pause(self) -> None:
        """Write nothing until ``resume``."""
        self._has_row.clear()

    def resume(self) -> None:
        """Go on."""
        self._has_row.set()

    def stop(self) -> None:
        """Implement ``RequestHandle``: end as ``stopped``."""
        self._interrupt(Outcome.STOPPED)

    def hand_back(self) -> None:
        """End as ``handed_back``."""
        self._interrupt(Outcome.HANDED_BACK)

    def _interrupt(self, outcome: Outcome) -> None:
        if self._outcome is None:
            self._outcome = outcome
        self._wake.set()
        self._has_row.set()

    def play(self) -> None:
        """Write the words, then report the end. A listener's error ends the request."""
        try:
            ending = self._play()
            if ending.outcome != Outcome.FAILED:
                self._deliver(self._stop_filter.finish(), is_last=True)
        except BaseException as error:
            ending = self._ending(Outcome.FAILED, type(error).__name__)
        try:
            self._listener.on_end(ending)
        except BaseException as error:
            log.error(  # noqa: TRY400 - the trace may contain text of a user
                "a listener failed at its end: %s", type(error).__name__
            )

    @property
    def _prompt(self) -> str:
        """The text whose words the reply repeats."""
        turns = self._request.turns
        said = [turn for turn in turns if turn.role == Role.USER]
        return (turns if self._request.is_raw or not said else said)[-1].text

    @property
    def _prompt_tokens(self) -> int:
        return sum(len(turn.text.split()) for turn in self._request.turns)

    def _find_problem(self) -> Ending | None:
        """Return the ending of a request that is refused."""
        try:
            validate(self._request.settings, VOCABULARY)
        except InvalidSamplingParams as problem:
            code = ErrorCode.BAD_REQUEST
            return self._ending(Outcome.FAILED, str(problem), error=code)
        if self._request.is_cut_refused and self._room_tokens < 1:
            ending = self._ending(Outcome.FAILED, error=ErrorCode.TOO_LONG)
            tokens = ending.prompt_tokens
            return replace(ending, prompt_tokens=0, refused_tokens=tokens)
        return None

    @property
    def _room_tokens(self) -> int:
        """The most tokens of the reply."""
        wanted = self._request.settings.max_new_tokens
        if not self._request.is_cut_refused:
            return wanted
        return min(wanted, self._context_tokens - self._prompt_tokens)

    def _play(self) -> Ending:
        if problem := self._find_problem():
            return problem
        begun, prompt = self._request.begun, self._prompt
        steering = directives(prompt)
        delay_seconds = number_of(steering.get("delay"), DEFAULT_DELAY_SECONDS)
        words = reply_words(prompt)
        if "run" in steering:
            mark = secrets.token_hex(2)
            words = [f"{word}·{mark}" for word in words]
        if interruption := self._pause(number_of(steering.get("first"), 0)):
            return interruption
        first = len(begun.split())
        last = first + self._room_tokens
        is_joined = not begun or begun[-1].isspace()
        for index, word in list(enumerate(words))[first:last]:
            if index == len(words) // 2 and (fault := self._fault(steering)):
                return fault
            if interruption := self._pause(delay_seconds):
                return interruption
            self.new_tokens += 1
            token = word if is_joined else f" {word}"
            self._logprobs += self._logprobs_of(token)
            self._deliver(self._stop_filter.push(token))
            if self._stop_filter.is_stopped:
                self._logprobs.clear()
                return self._ending(Outcome.DONE)
            is_joined = False
        return self._ending(Outcome.DONE, is_length_limited=len(words) > last)

    def _logprobs_of(self, token: str) -> Iterator[TokenLogprobs]:
        """Yield made-up log probabilities of a word, if they are asked for."""
        asked = self._request.settings.logprobs
        if asked is not None:
            others = [(f" other{n}".encode(), -float(n)) for n in range(1, asked)]
            chosen = (token.encode(), LOGPROB)
            yield TokenLogprobs(*chosen, top=(chosen, *others)[:asked])

    def _deliver(self, text: str, *, is_last: bool = False) -> None:
        if text or (is_last and self._logprobs):
            found, self._logprobs = self._logprobs, []
            self._listener.on_text(text, self.new_tokens, found)

    def _fault(self, steering: dict[str, str]) -> Ending | None:
        """Do what a directive asks for half-way; return the ending, if it ends."""
        if "crash" in steering:
            os._exit(CRASH_EXIT_CODE)
        if "fail" in steering:
            return self._ending(Outcome.FAILED, "told to fail")
        return self._pause(float("inf")) if "hang" in steering else None

    def _pause(self, seconds: float) -> Ending | None:
        """Wait; return the ending, if the request is interrupted or out of time."""
        left_seconds = self._deadline - time.monotonic()
        self._wake.wait(max(0.0, min(seconds, left_seconds, threading.TIMEOUT_MAX)))
        self._wait_for_row()
        if self._outcome is not None:
            return self._ending(self._outcome)
        if seconds >= left_seconds:
            return self._ending(Outcome.FAILED, error=ErrorCode.TOO_SLOW)
        return None

    def _wait_for_row(self) -> None:
        """Wait while it has no row, which takes nothing of its time."""
        began = time.monotonic()
        self._has_row.wait()
        self._deadline += time.monotonic() - began

    def _ending(
        self,
        outcome: Outcome,
        detail: str = "",
        *,
        error: ErrorCode = ErrorCode.MODEL_ERROR,
        is_length_limited: bool = False,
    ) -> Ending:
        return Ending(
            outcome=outcome,
            error=error if outcome == Outcome.FAILED else None,
            detail=detail,
            prompt_tokens=self._prompt_tokens,
            new_tokens=self.new_tokens,
            dropped_turns=self._request.dropped_turns,
            is_length_limited=is_length_limited,
            context_tokens=self._context_tokens,
        )
