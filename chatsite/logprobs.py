"""Log probabilities of the tokens of a reply, as they travel beside its text.

Each token is a line of JSON: ``[["Hel",-0.12],["He",-2.5],["Hey",-3.0]]``. The first
pair is the token that was chosen, the others are the likeliest ones in their order. A
token whose bytes are no whole characters is an array of these bytes instead of a text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

#: A reply has lines of so many bytes; later tokens have none.
LOGPROBS_MAX_BYTES: Final = 4 * 2**20
#: Instead of minus infinity, which JSON lacks.
IMPOSSIBLE: Final = -9999.0
#: Digits after the point: sums of probabilities are no more exact.
DIGITS: Final = 5

#: The bytes of a token, and the natural logarithm of its probability.
Chance = tuple[bytes, float]


@dataclass(frozen=True, slots=True)
class TokenLogprobs:
    """One new token: what the model itself gave it and the likeliest ones.

    That is softmax of its logits at temperature 1, before bias and penalties.
    """

    token: bytes
    logprob: float
    #: The likeliest tokens, the likeliest first, as many as the request asked for.
    top: tuple[Chance, ...] = ()

    def to_line(self) -> str:
        """Return the line of this token, in ASCII, with its end."""
        pairs = [_pair(*chance) for chance in ((self.token, self.logprob), *self.top)]
        return json.dumps(pairs, ensure_ascii=True, separators=(",", ":")) + "\n"


def read_lines(lines: str) -> list[TokenLogprobs]:
    """Return the tokens of some lines; a line without an end is left out."""
    return [_token(json.loads(line)) for line in lines.split("\n")[:-1]]


def _token(pairs: Iterable[Any]) -> TokenLogprobs:
    chances = [(_bytes(token), float(logprob)) for token, logprob in pairs]
    return TokenLogprobs(*chances[0], top=tuple(chances[1:]))


def _bytes(token: Any) -> bytes:
    return token.encode() if isinstance(token, str) else bytes(token)


def _pair(token: bytes, logprob: float) -> tuple[str | list[int], float]:
    rounded = IMPOSSIBLE if logprob == -math.inf else round(logprob, DIGITS)
    try:
        return token.decode(), rounded
    except UnicodeDecodeError:
        return [*token], rounded
