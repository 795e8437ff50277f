"""One request on its way through the engine: its tokens, text, clock and end."""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from chatsite.wire import Ending, ErrorCode, Outcome, Request
from worker.protocol import Listener
from worker.sampling import BadSettings, BrokenLogits, Sampler, check
from worker.text import ReplyText
from worker.transcript import BadTurns, Layout, fit, reply_budget

if TYPE_CHECKING:
    from worker.model import Cache, LanguageModel


@dataclass(frozen=True, slots=True)
class Speaker:
    """A model together with how it is spoken to: the same for all its replies."""

    model: LanguageModel
    layout: Layout
    #: Strings that end every reply, besides those of layout and request.
    stop: tuple[str, ...]
    context_tokens: int


@dataclass(slots=True)
class Decoding:
    """The part of a generation that exists only while a model works on it."""

    sampler: Sampler
    text: ReplyText
    cache: Cache
    most_new_tokens: int
    #: Tokens that the next steps have to read before they can choose a new one.
    unread: list[int] = field(default_factory=list)


class Generation:
    """Implements ``worker.protocol.Run``.

    ``stop`` may be called from any thread; all else belongs to the engine's thread.
    """

    def __init__(self, request: Request, listener: Listener, now: float) -> None:
        """``now``: seconds on the engine's clock, from which the deadline counts."""
        self._request = request
        self._listener = listener
        self._deadline = now + _seconds(request.max_seconds)
        self._is_stop_wanted = threading.Event()
        self._decoding: Decoding | None = None
        self._dropped_turns = request.dropped_turns
        self._cut_tokens = 0
        self.is_over = False
        #: The prompt as the model reads it, and the reply without its end mark.
        self.prompt_ids: Sequence[int] = ()
        self.new_ids: list[int] = []

    def stop(self) -> None:
        self._is_stop_wanted.set()

    def begin(self, speaker: Speaker) -> None:
        """Lay out the prompt. Raises ``BadTurns`` or ``BadSettings``."""
        settings = self._request.settings
        check(settings)
        if math.isnan(self._deadline):
            raise BadSettings("max_seconds must be a number")
        most_new_tokens = reply_budget(settings.max_new_tokens, speaker.context_tokens)
        model, layout = speaker.model, speaker.layout
        prompt = fit(
            layout,
            model.tokenizer,
            self._request.turns,
            speaker.context_tokens - most_new_tokens,
        )
        self._dropped_turns += prompt.dropped_turns
        self._cut_tokens = prompt.cut_tokens
        self.prompt_ids = prompt.ids
        stops = (*speaker.stop, *layout.stop, *settings.stop)
        self._decoding = Decoding(
            sampler=Sampler(settings, prompt.ids),
            text=ReplyText(model.tokenizer.decode, stops, trim=layout.trims_reply),
            cache=model.new_cache(),
            most_new_tokens=most_new_tokens,
            unread=list(prompt.ids),
        )

    def advance(self, model: LanguageModel, most_tokens: int) -> int:
        """Read at most ``most_tokens``; when all is read, add a token to the reply.

        Returns how many tokens were added: 0 or 1.
        """
        state = self._decoding
        if state is None:
            raise RuntimeError("advance() before begin() or after the end")
        chunk, state.unread = state.unread[:most_tokens], state.unread[most_tokens:]
        logits = model.forward(chunk, state.cache)
        if state.unread:
            return 0
        token = state.sampler.pick(logits)
        if token in model.eos_ids:
            self.end(Outcome.DONE)
            return 0
        self._take(state, token)
        return 1

    def _take(self, state: Decoding, token: int) -> None:
        """Add a token to the reply, tell of its text, end where it is the last."""
        self.new_ids.append(token)
        state.unread = [token]
        self._tell(state.text.push(token))
        if state.text.is_stopped:
            self.end(Outcome.DONE)
        elif len(self.new_ids) >= state.most_new_tokens:
            self.end(Outcome.DONE, is_length_limited=True)

    def end_if_due(self, now: float) -> None:
        """Honour the stop and the deadline."""
        if self._is_stop_wanted.is_set():
            self.end(Outcome.STOPPED)
        elif now >= self._deadline:
            self.end(Outcome.FAILED, ErrorCode.TOO_SLOW, "the deadline has passed")

    def fail(self, error: BaseException) -> None:
        """End this run alone, after a fault in it."""
        is_bad = isinstance(error, BadSettings | BadTurns)
        code = ErrorCode.BAD_REQUEST if is_bad else ErrorCode.MODEL_ERROR
        self.end(Outcome.FAILED, code, describe(error))

    def end(
        self,
        outcome: Outcome,
        error: ErrorCode | None = None,
        detail: str = "",
        *,
        is_length_limited: bool = False,
    ) -> None:
        """Tell the listener the rest of the text and the end, once."""
        if self.is_over:
            return
        self.is_over = True
        state, self._decoding = self._decoding, None
        if state is not None and outcome != Outcome.FAILED:
            try:
                self._tell(state.text.finish())
            except BaseException as fault:
                outcome, error = Outcome.FAILED, ErrorCode.MODEL_ERROR
                detail, is_length_limited = describe(fault), False
        ending = Ending(
            outcome=outcome,
            error=error,
            detail=detail,
            prompt_tokens=len(self.prompt_ids),
            new_tokens=len(self.new_ids),
            dropped_turns=self._dropped_turns,
            cut_tokens=self._cut_tokens,
            is_length_limited=is_length_limited,
        )
        self._listener.on_end(ending)

    def _tell(self, text: str) -> None:
        if text:
            self._listener.on_text(text, len(self.new_ids))


def describe(error: BaseException) -> str:
    """An error for the log, without people's text: messages of others may quote it."""
    if isinstance(error, BadSettings | BadTurns | BrokenLogits):
        return str(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = (
        f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    )
    return f"{type(error).__name__}{place}"


def _seconds(value: object) -> float:
    """``value`` as a number; NaN when it is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return math.nan
