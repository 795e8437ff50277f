"""Guesses the next tokens of a reply from what followed the same words before."""

from __future__ import annotations

from typing import Final

#: Tokens at the end of a sequence that are looked up in it, the longer ones first.
MATCHED_TOKENS: Final = (3, 2)
#: Share of right tokens that is expected before any draft was read.
FIRST_HIT_RATE: Final = 0.6
#: Weight of the newest draft in the average.
NEWEST_WEIGHT: Final = 0.3


class PromptLookup:
    """Finds drafts in the tokens of one sequence, in O(new tokens).

    A draft is only a guess: the engine reads it in the same step as the newest token,
    and keeps a drafted token only if it is the one that would have been sampled.
    Source: Saxena, "Prompt lookup decoding", 2023; verification as in Leviathan et al.,
    "Fast inference from transformers via speculative decoding", 2023.
    """

    def __init__(self) -> None:
        #: The position after the latest occurrence of some tokens.
        self._following: dict[tuple[int, ...], int] = {}
        #: Length of the prefix of the sequence whose tokens were recorded.
        self._recorded = 0
        #: Share of drafted tokens that were right, as a moving average.
        self.hit_rate = FIRST_HIT_RATE
        #: How often a draft was found and not read, because it would not pay.
        self.missed_chances = 0

    def add(self, drafted: int, right: int) -> None:
        """Record how many tokens of a draft were right: those before a wrong one."""
        read = min(drafted, right + 1)
        self.hit_rate += NEWEST_WEIGHT * (right / read - self.hit_rate)

    def draft(self, ids: list[int], most: int) -> list[int]:
        """Return up to ``most`` tokens that may follow ``ids``; none without a match.

        ``ids``: the whole sequence, which only grows from call to call.
        """
        self._record(ids)
        for size in MATCHED_TOKENS:
            if start := self._following.get(tuple(ids[-size:]), 0):
                return _continued(ids, start, most)
        return []

    def _record(self, ids: list[int]) -> None:
        """Record the tokens before each position that has a token."""
        for position in range(max(1, self._recorded), len(ids)):
            for size in MATCHED_TOKENS:
                if position >= size:
                    key = tuple(ids[position - size : position])
                    self._following[key] = position
        self._recorded = len(ids)


def _continued(ids: list[int], start: int, count: int) -> list[int]:
    """Return the tokens from ``start`` on; if they reach the end, they repeat."""
    period = len(ids) - start
    return [ids[start + n % period] for n in range(count)]
