"""How many prompt tokens one step reads: as many as its time allows, as measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

#: A step beside replies may take so many times as long as the replies by themselves,
#: unless a setting says otherwise.
STEP_FACTOR: Final = 1.5
#: The greatest such factor, for many prompts beside few replies.
MAX_STEP_FACTOR: Final = 4.0
#: A step may take so long in any case: a page gets its text four times a second, so no
#: reader notices shorter gaps.
EVEN_SECONDS: Final = 0.16
#: Aim of a step without replies. Requests that join, and stops, wait for its end.
FIRST_STEP_SECONDS: Final = 0.7
#: Bounds of the prompt tokens of one step, whatever was measured: a prompt makes
#: progress beside slow replies, and the memory that a step needs is limited.
MIN_TOKENS: Final = 16
MAX_TOKENS: Final = 512
#: Prompt tokens beside replies, and without any, before a step was measured.
UNMEASURED_TOKENS: Final = 20
UNMEASURED_FIRST_TOKENS: Final = 256
#: A step of fewer prompt tokens without replies says little about the cost of one:
#: most of its time goes to reading the weights.
MEASURED_FIRST_TOKENS: Final = 64
#: Weight of the newest step in the (geometric) averages.
NEWEST_WEIGHT: Final = 0.3
#: A single step counts as at most so many times as long, or as short, as expected: a
#: pause of the machine says nothing about the model.
MAX_SURPRISE: Final = 2.0


class PrefillBudget(Protocol):
    """Decides how many prompt tokens a step reads."""

    def tokens(self, *, replies: int, prompts: int, is_for_people: bool = True) -> int:
        """Return the most prompt tokens of a step, at least 1.

        ``replies``: those that get a token in this step. ``prompts``: those that are
        not yet read, at least 1. ``is_for_people``: whether one of these is no helper
        job. Otherwise the step is short, since a person who joins waits for its end.
        """
        ...

    def add(self, seconds: float, *, replies: int, prompt_tokens: int) -> None:
        """Take the duration of a step, and what it read."""
        ...


@dataclass(frozen=True, slots=True)
class FixedBudget:
    """Implements ``PrefillBudget`` with the same number for every step."""

    #: Prompt tokens beside replies, to which every reply adds one.
    beside_replies: int
    #: Prompt tokens while no reply is written.
    first: int

    def tokens(self, *, replies: int, prompts: int, is_for_people: bool = True) -> int:
        """Implement ``PrefillBudget``."""
        del prompts, is_for_people
        return self.beside_replies + replies if replies else self.first

    def add(self, seconds: float, *, replies: int, prompt_tokens: int) -> None:
        """Implement ``PrefillBudget``: nothing is learned."""


class MeasuredBudget:
    """Implements ``PrefillBudget`` by the measured time of a step.

    A step beside replies may take ``step_factor`` times as long as the replies by
    themselves, which bounds the gaps in their text; longer in proportion if more
    prompts wait than replies are written, and ``EVEN_SECONDS`` in any case. (Chunked
    prefill: Sarathi-Serve, Agrawal et al. 2024.)
    """

    def __init__(self, step_factor: float = STEP_FACTOR) -> None:
        self._step_factor = step_factor
        #: Seconds of steps that only wrote replies, by the size of the number of
        #: replies: ``bit_length``, so that 4 to 7 count as equal.
        self._replies_seconds: dict[int, float] = {}
        #: Seconds of a prompt token without replies, and what one adds beside them; 0
        #: while unknown.
        self._first_token_seconds = 0.0
        self._token_seconds = 0.0

    def tokens(self, *, replies: int, prompts: int, is_for_people: bool = True) -> int:
        """Implement ``PrefillBudget``."""
        if not is_for_people:
            return self._tokens_of_helpers(replies, prompts)
        if replies:
            return self._tokens_beside(replies, prompts)
        if not self._first_token_seconds:
            return UNMEASURED_FIRST_TOKENS
        return _bounded(FIRST_STEP_SECONDS / self._first_token_seconds)

    def add(self, seconds: float, *, replies: int, prompt_tokens: int) -> None:
        """Implement ``PrefillBudget``: adjust the estimates that the step shows."""
        if not prompt_tokens:
            size = replies.bit_length()
            known = self._replies_seconds.get(size, 0.0)
            self._replies_seconds[size] = adjusted(known, seconds)
        elif replies:
            self._add_mixed(seconds, replies, prompt_tokens)
        elif prompt_tokens >= self._measured_first_tokens():
            per_token = seconds / prompt_tokens
            self._first_token_seconds = adjusted(self._first_token_seconds, per_token)

    def _tokens_beside(self, replies: int, prompts: int) -> int:
        expected = self._expected(replies)
        token_seconds = self._token_seconds or self._first_token_seconds
        if not (expected and token_seconds):
            return UNMEASURED_TOKENS + replies
        factor = 1 + (self._step_factor - 1) * max(1.0, prompts / replies)
        most = max(MAX_STEP_FACTOR, self._step_factor)
        longest = max(EVEN_SECONDS, min(factor, most) * expected)
        return _bounded((longest - expected) / token_seconds)

    def _tokens_of_helpers(self, replies: int, prompts: int) -> int:
        """As many as let a step last about ``step_factor`` times as long as decoding.

        Without replies, that of as many replies as there are prompts. One of prompts
        alone has costs that no prompt token of a longer one shows.
        """
        expected = self._expected(replies or prompts)
        token_seconds = self._first_token_seconds
        if replies:
            token_seconds = self._token_seconds or token_seconds
        if not (expected and token_seconds):
            return UNMEASURED_TOKENS + replies
        share = self._step_factor - 1 if replies else 1.0
        return _bounded(share * expected / token_seconds)

    def _add_mixed(self, seconds: float, replies: int, prompt_tokens: int) -> None:
        """Divide the surprise of a step that had both between the two estimates.

        Other steps measure the replies by themselves, so most of it goes to the tokens.
        """
        token_seconds = self._token_seconds or self._first_token_seconds
        alone = self._expected(replies)
        if not (alone and token_seconds and seconds):
            return
        surprise = seconds / (alone + prompt_tokens * token_seconds)
        self._token_seconds = adjusted(token_seconds, token_seconds * surprise)
        slower = adjusted(alone, alone * surprise, NEWEST_WEIGHT / 2)
        self._replies_seconds[replies.bit_length()] = slower

    def _measured_first_tokens(self) -> int:
        """Return the prompt tokens from which on a step without replies counts."""
        return min(MEASURED_FIRST_TOKENS, self.tokens(replies=0, prompts=1))

    def _expected(self, replies: int) -> float:
        """Return the seconds of so many replies by themselves; 0 while unknown.

        Taken from the most similar number of replies that was measured.
        """
        size = replies.bit_length()
        sizes = sorted(self._replies_seconds, key=lambda known: abs(known - size))
        return self._replies_seconds[sizes[0]] if sizes else 0.0


def adjusted(estimate: float, measured: float, weight: float = NEWEST_WEIGHT) -> float:
    """Return the estimate with a new measurement in it; 0 stands for none."""
    if not (estimate and measured):
        return estimate or measured
    surprise = min(max(measured / estimate, 1 / MAX_SURPRISE), MAX_SURPRISE)
    return float(estimate * surprise**weight)


def _bounded(tokens: float) -> int:
    return int(min(max(tokens, MIN_TOKENS), MAX_TOKENS))
