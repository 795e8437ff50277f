"""One request on its way through the engine: its tokens, text, clock and end."""

from __future__ import annotations

import math
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chatsite.catalog import ModelEntry
from chatsite.wire import Ending, ErrorCode, Outcome, Request
from worker.engine.chat_template import BadTurns, Layout, layout_for
from worker.engine.context_window import fit, reply_budget
from worker.engine.detokenizer import ReplyText
from worker.engine.interface import Listener
from worker.engine.model import LanguageModel
from worker.engine.sampling import BadSettings, BrokenLogits, Sampler
from worker.engine.scheduler import Sequence
from worker.engine.tokenizer import Tokenizer

#: A reply that was live in so many faults of the whole engine, and came no further in
#: between, is given up.
MOST_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Speaker:
    """How a model is spoken to: the same for all its replies."""

    tokenizer: Tokenizer
    layout: Layout
    #: Tokens that end a reply.
    eos_ids: frozenset[int]
    #: Strings that end every reply, besides those of layout and request.
    stop: tuple[str, ...]
    context_tokens: int

    @classmethod
    def of(cls, model: LanguageModel, entry: ModelEntry) -> Speaker:
        """The model as the catalogue's entry wants it spoken to."""
        context_tokens = min(model.context_tokens, entry.context_tokens)
        return cls(
            tokenizer=model.tokenizer,
            layout=layout_for(model.tokenizer, entry.template, context_tokens),
            eos_ids=model.eos_ids,
            stop=entry.stop,
            context_tokens=context_tokens,
        )


class Generation(Sequence):
    """Implements ``worker.engine.interface.Run``: the sequence of one request.

    ``stop`` may be called from any thread, and ``prepare`` belongs to the one that
    submits; all else belongs to the engine's.
    """

    def __init__(
        self, request: Request, listener: Listener, speaker: Speaker, now: float
    ) -> None:
        """``now``: seconds on the engine's clock, from which the deadline counts."""
        super().__init__([])
        self._request = request
        self._listener = listener
        self._speaker = speaker
        self._deadline = now + _seconds(request.max_seconds)
        self._is_stop_wanted = threading.Event()
        self._problem: Exception | None = None
        self._dropped_turns = request.dropped_turns
        self._cut_tokens = 0
        self._prompt_tokens = 0
        self._most_new_tokens = 0
        self._faults = 0
        self._text: ReplyText | None = None
        self._sampler: Sampler | None = None
        self.is_over = False

    @property
    def prompt_ids(self) -> list[int]:
        """The prompt as the model reads it."""
        return self.ids[: self._prompt_tokens]

    @property
    def new_ids(self) -> list[int]:
        """The reply so far, without its end mark."""
        return self.ids[self._prompt_tokens :]

    @property
    def new_tokens(self) -> int:
        return len(self.ids) - self._prompt_tokens

    @property
    def sampler(self) -> Sampler:
        """How its tokens are chosen."""
        if self._sampler is None:
            raise RuntimeError("no sampler before prepare()")
        return self._sampler

    def stop(self) -> None:
        self._is_stop_wanted.set()

    def prepare(self) -> None:
        """Lay out the prompt. What is wrong with it ends it at the next step."""
        try:
            self._prepare()
        except Exception as error:
            self._problem = error

    def _prepare(self) -> None:
        settings, speaker = self._request.settings, self._speaker
        self._sampler = Sampler(settings)
        if math.isnan(self._deadline):
            raise BadSettings("max_seconds must be a number")
        self._most_new_tokens = reply_budget(
            settings.max_new_tokens, speaker.context_tokens
        )
        layout, tokenizer = speaker.layout, speaker.tokenizer
        budget = speaker.context_tokens - self._most_new_tokens
        prompt = fit(layout, tokenizer, self._request.turns, budget)
        self._dropped_turns += prompt.dropped_turns
        self._cut_tokens = prompt.cut_tokens
        stops = (*speaker.stop, *layout.stop, *settings.stop)
        self._text = ReplyText(
            tokenizer.decode,
            stops,
            trim=layout.trims_reply,
            begun=self._request.begun,
        )
        self.ids = list(prompt.ids)
        self._prompt_tokens = len(self.ids)

    def take(self, token: int) -> None:
        """Add a token to the reply, tell of its text, end where it is the last."""
        self.is_suspect, self._faults = False, 0
        if token in self._speaker.eos_ids:
            self.end(Outcome.DONE)
            return
        self.ids.append(token)
        if self._text is None:
            raise RuntimeError("take() before prepare()")
        self._tell(self._text.push(token))
        if self._text.is_stopped:
            self.end(Outcome.DONE)
        elif self.new_tokens >= self._most_new_tokens:
            self.end(Outcome.DONE, is_length_limited=True)

    def suspect(self, error: BaseException) -> None:
        """A fault of the whole engine happened while this run was read.

        The first time it is read again, by itself; if that fails too, it is to blame.
        """
        self._faults += 1
        if self.is_suspect or self._faults > MOST_FAULTS:
            self.fail(error)
        self.is_suspect = True

    def is_due(self, now: float) -> bool:
        """Whether it has to end, before another token is read for it."""
        is_wrong = self._problem is not None
        return is_wrong or self._is_stop_wanted.is_set() or now >= self._deadline

    def end_as_due(self, *, is_handed_back: bool = False) -> None:
        """End for the reason that it is due, or because the engine closes."""
        if is_handed_back:
            self.end(Outcome.HANDED_BACK)
        elif self._is_stop_wanted.is_set():
            self.end(Outcome.STOPPED)
        elif self._problem is not None:
            self.fail(self._problem)
        else:
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
        if self._text is not None and outcome != Outcome.FAILED:
            try:
                self._tell(self._text.finish())
            except BaseException as fault:
                outcome, error = Outcome.FAILED, ErrorCode.MODEL_ERROR
                detail, is_length_limited = describe(fault), False
        ending = Ending(
            outcome=outcome,
            error=error,
            detail=detail,
            prompt_tokens=self._prompt_tokens,
            new_tokens=self.new_tokens,
            dropped_turns=self._dropped_turns,
            cut_tokens=self._cut_tokens,
            is_length_limited=is_length_limited,
        )
        self._listener.on_end(ending)

    def _tell(self, text: str) -> None:
        if text:
            self._listener.on_text(text, self.new_tokens)


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
        with suppress(OverflowError):
            return float(value)
    return math.nan
