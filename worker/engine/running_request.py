"""One request in the engine: its tokens, text, deadline and end."""

from __future__ import annotations

import math
import threading
import traceback
from contextlib import suppress
from pathlib import Path

from chatsite.logprobs import TokenLogprobs
from chatsite.wire import Ending, ErrorCode, Outcome, Request
from worker.engine.chat_template import InvalidTurns
from worker.engine.context_window import PromptTooLong, fit_request
from worker.engine.detokenizer import ReplyText
from worker.engine.interface import ReplyListener
from worker.engine.logits import NonFiniteLogits
from worker.engine.logprobs import Logprobs
from worker.engine.prompt_format import PromptFormat
from worker.engine.sampling import Sampler
from worker.engine.sampling_params import InvalidSamplingParams, validate
from worker.engine.sequence import Sequence

#: A request fails after this many engine faults without a new token in between.
MAX_FAULTS = 3
#: A token, and its log probabilities if the request asks for them.
Sampled = tuple[int, Logprobs | None]


class RunningRequest(Sequence):
    """Implements ``interface.RequestHandle``: the sequence of one request.

    ``stop`` may be called from any thread and ``prepare`` by the thread that submits;
    all else belongs to the engine's thread.
    """

    def __init__(
        self,
        request: Request,
        listener: ReplyListener,
        prompt_format: PromptFormat,
        now: float,
    ) -> None:
        """``now``: seconds on the engine's clock, from which the deadline counts."""
        super().__init__([])
        self._request = request
        self._listener = listener
        self._format = prompt_format
        self._deadline = now + _seconds(request.max_seconds)
        self._counted_at = now
        self._is_stop_wanted = threading.Event()
        self._problem: Exception | None = None
        self._dropped_turns = request.dropped_turns
        self._cut_tokens = 0
        self._refused_tokens = 0
        self._prompt_tokens = 0
        self._max_new_tokens = 0
        self._faults = 0
        self._text: ReplyText | None = None
        #: Those of the tokens whose text was not delivered yet.
        self._logprobs: list[TokenLogprobs] = []
        self._sampler: Sampler | None = None
        self.is_finished = False

    @property
    def prompt_ids(self) -> list[int]:
        """The prompt as the model reads it."""
        return self.ids[: self._prompt_tokens]

    @property
    def new_ids(self) -> list[int]:
        """The tokens of the reply so far, without its end mark."""
        return self.ids[self._prompt_tokens :]

    @property
    def new_tokens(self) -> int:
        """Number of tokens of the reply so far."""
        return len(self.ids) - self._prompt_tokens

    @property
    def max_draft_tokens(self) -> int:
        """The most tokens that are worth drafting: one less than may still come."""
        return self._max_new_tokens - self.new_tokens - 1

    def append_tokens(self, tokens: list[Sampled], draft: tuple[int, ...]) -> int:
        """Add a sampled token, and those after it that the draft guessed right.

        ``tokens``: one sampled after the newest token, and one after each token of the
        draft, which counts only if all before it were right. Returns how many were
        added. The keys and values of the right ones are in the row.
        """
        for right, (token, logprobs) in enumerate(tokens):
            self.append_token(token, logprobs)
            if self.is_finished or right == len(draft) or token != draft[right]:
                break
            self.cached_tokens += 1
        if draft:
            self.lookup.add(len(draft), right)
        return right + 1

    @property
    def sampler(self) -> Sampler:
        """How the tokens of the reply are sampled."""
        if self._sampler is None:
            raise RuntimeError("no sampler before prepare()")
        return self._sampler

    def stop(self) -> None:
        """Implement ``RequestHandle``: end within one step as ``stopped``."""
        self._is_stop_wanted.set()

    def prepare(self) -> None:
        """Encode the prompt. An error in the request ends it at the next step."""
        try:
            self._prepare()
        except Exception as error:
            self._problem = error

    def _prepare(self) -> None:
        params, fmt = self._request.settings, self._format
        validate(params, fmt.vocabulary)
        if math.isnan(self._deadline):
            raise InvalidSamplingParams("max_seconds must be a number")
        prompt, self._max_new_tokens = fit_request(
            self._request, fmt.template, fmt.tokenizer, fmt.context_tokens
        )
        self._dropped_turns += prompt.dropped_turns
        self._cut_tokens = prompt.cut_tokens
        self._text = fmt.reply_text(self._request, prompt)
        self.ids = list(prompt.ids)
        self._prompt_tokens = len(self.ids)
        self._sampler = Sampler(params, self._prompt_tokens)

    def append_token(self, token: int, logprobs: Logprobs | None = None) -> None:
        """Add a sampled token: deliver its text, and finish if it is the last."""
        self.is_suspect, self._faults = False, 0
        if token in self._format.eos_ids:
            self.finish(Outcome.DONE)
            return
        self.ids.append(token)
        if self._text is None:
            raise RuntimeError("append_token() before prepare()")
        if logprobs is not None:
            self._logprobs.append(self._format.spell(token, logprobs))
        self._deliver(self._text.push(token))
        if self._text.is_stopped:
            self._logprobs.clear()
            self.finish(Outcome.DONE)
        elif self.new_tokens >= self._max_new_tokens:
            self.finish(Outcome.DONE, is_length_limited=True)

    def suspect(self, error: BaseException) -> None:
        """Record an engine fault in a step that read this request.

        After the first fault the request is read again, by itself; if that fails too,
        the request is the cause and fails.
        """
        self._faults += 1
        if self.is_suspect or self._faults > MAX_FAULTS:
            self.fail(error)
        self.is_suspect = True

    def count_time(self, now: float) -> None:
        """Put off the deadline of a helper job by the time in which it has no row."""
        if self.is_helper and self.row is None:
            self._deadline += now - self._counted_at
        self._counted_at = now

    def is_due(self, now: float) -> bool:
        """Return whether the request has to end before another token is read."""
        has_problem = self._problem is not None
        return has_problem or self._is_stop_wanted.is_set() or now >= self._deadline

    def finish_due(self, *, is_handed_back: bool = False) -> None:
        """End for the reason that it is due, or because the engine closes."""
        if is_handed_back:
            self.finish(Outcome.HANDED_BACK)
        elif self._is_stop_wanted.is_set():
            self.finish(Outcome.STOPPED)
        elif self._problem is not None:
            self.fail(self._problem)
        else:
            self.finish(Outcome.FAILED, ErrorCode.TOO_SLOW, "the deadline has passed")

    def fail(self, error: BaseException) -> None:
        """End this request alone, after a fault in it."""
        code = ErrorCode.MODEL_ERROR
        if isinstance(error, InvalidSamplingParams | InvalidTurns):
            code = ErrorCode.BAD_REQUEST
        if isinstance(error, PromptTooLong):
            code, self._refused_tokens = ErrorCode.TOO_LONG, error.tokens
        self.finish(Outcome.FAILED, code, describe_error(error))

    def finish(
        self,
        outcome: Outcome,
        error: ErrorCode | None = None,
        detail: str = "",
        *,
        is_length_limited: bool = False,
    ) -> None:
        """Deliver the rest of the text and the end, once."""
        if self.is_finished:
            return
        self.is_finished = True
        if self._text is not None and outcome != Outcome.FAILED:
            try:
                self._deliver(self._text.finish(), is_last=True)
            except BaseException as fault:
                outcome, error = Outcome.FAILED, ErrorCode.MODEL_ERROR
                detail, is_length_limited = describe_error(fault), False
        ending = Ending(
            outcome=outcome,
            error=error,
            detail=detail,
            prompt_tokens=self._prompt_tokens,
            new_tokens=self.new_tokens,
            dropped_turns=self._dropped_turns,
            cut_tokens=self._cut_tokens,
            is_length_limited=is_length_limited,
            refused_tokens=self._refused_tokens,
            context_tokens=self._format.context_tokens,
        )
        self._listener.on_end(ending)

    def _deliver(self, text: str, *, is_last: bool = False) -> None:
        """Deliver text with the log probabilities of the tokens since the last one."""
        if text or (is_last and self._logprobs):
            found, self._logprobs = self._logprobs, []
            self._listener.on_text(text, self.new_tokens, found)


#: Errors whose message quotes no text of a user.
EXPLAINED = (InvalidSamplingParams, InvalidTurns, NonFiniteLogits, PromptTooLong)


def describe_error(error: BaseException) -> str:
    """Return an error for the log. Messages of other errors may quote user text."""
    if isinstance(error, EXPLAINED):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = (
        f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    )
    return f"{type(error).__name__}{place}"


def _seconds(value: object) -> float:
    """Return ``value`` as a float; NaN if it is not a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    return math.nan
