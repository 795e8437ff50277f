"""Counts the tokens of texts whose tokenizer only the server has: an estimate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from chatsite.wire import Turn

#: Low for English, so that the first prompts fit: nothing was measured yet.
FIRST_BYTES_PER_TOKEN: Final = 3.0
BYTES_PER_TOKEN_MIN: Final = 1.0
BYTES_PER_TOKEN_MAX: Final = 6.0
#: Shorter prompts are mostly the markers of turns.
LEARNT_TOKENS_MIN: Final = 50
#: The weight of one prompt in what was learnt.
LEARNT_SHARE: Final = 0.1
#: The markers around a turn.
TURN_TOKENS: Final = 5


def byte_count(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text.encode("utf-8", "replace"))


class TokenEstimate:
    """Implements ``TextTokenizer`` by counting bytes, as a server's counts taught it.

    Tokens are all 0: only their number means something. One thread may learn while
    others count.
    """

    def __init__(self) -> None:
        self.bytes_per_token = FIRST_BYTES_PER_TOKEN

    def count(self, text: str) -> int:
        """Return about how many tokens a text has."""
        return math.ceil(byte_count(text) / self.bytes_per_token)

    def encode(self, text: str) -> list[int]:
        """Implement ``TextTokenizer``."""
        return [0] * self.count(text)

    def token_starts(self, text: str) -> list[int]:
        """Implement ``TextTokenizer``: a token begins every so many bytes."""
        starts: list[int] = []
        size, width = 0, self.bytes_per_token
        for index, character in enumerate(text):
            if size >= len(starts) * width:
                starts.append(index)
            size += byte_count(character)
        return starts

    def learn(self, size: int, tokens: int) -> None:
        """Take the server's count of a prompt of so many bytes."""
        if tokens >= LEARNT_TOKENS_MIN and size > 0:
            found = min(max(size / tokens, BYTES_PER_TOKEN_MIN), BYTES_PER_TOKEN_MAX)
            self.bytes_per_token += LEARNT_SHARE * (found - self.bytes_per_token)


class MessagesTemplate:
    """Implements ``ChatTemplate`` for messages, which the server lays out itself."""

    stop_strings = ()
    strips_reply = False

    def __init__(self, estimate: TokenEstimate) -> None:
        self._estimate = estimate

    def encode_turns(self, turns: Sequence[Turn]) -> list[list[int]]:
        """Implement ``ChatTemplate``."""
        counts = [TURN_TOKENS + self._estimate.count(turn.text) for turn in turns]
        return [[0] * TURN_TOKENS, *([0] * count for count in counts)]
