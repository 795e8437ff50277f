"""What is asked of an engine in a measurement: seeded, the same for everybody."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

#: As tutorials have it.
TEMPERATURE = 0.9
TOP_K = 50
TOP_P = 0.95


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a prompt of so many tokens, and how many are wanted."""

    #: One letter a token; see ``bench.model``.
    prompt: str
    new_tokens: int
    seed: int


def asks(
    count: int, *, prompt: tuple[int, int], new: tuple[int, int], seed: int = 1
) -> list[Ask]:
    """``count`` requests; ``prompt`` and ``new`` are ranges of tokens."""
    dice = random.Random(seed)
    return [
        Ask(
            letters(dice, dice.randint(*prompt)),
            dice.randint(*new),
            dice.getrandbits(32),
        )
        for _ in range(count)
    ]


def letters(dice: random.Random, count: int) -> str:
    """A prompt of so many tokens."""
    return "".join(dice.choices(string.ascii_lowercase, k=count))
