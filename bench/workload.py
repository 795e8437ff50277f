"""The requests of a measurement: seeded, and the same for every engine."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

# The sampling settings of many tutorials.
TEMPERATURE = 0.9
TOP_K = 50
TOP_P = 0.95


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """One request: its prompt, and how many new tokens it wants."""

    #: One letter for each token; see ``bench.random_model``.
    prompt: str
    new_tokens: int
    seed: int
    #: Only our engine looks at it.
    temperature: float = TEMPERATURE


def make_requests(
    count: int, *, prompt: tuple[int, int], new: tuple[int, int], seed: int = 1
) -> list[BenchRequest]:
    """Make ``count`` requests.

    ``prompt`` and ``new`` are the smallest and largest lengths, in tokens.
    """
    dice = random.Random(seed)
    return [
        BenchRequest(
            random_prompt(dice, dice.randint(*prompt)),
            dice.randint(*new),
            dice.getrandbits(32),
        )
        for _ in range(count)
    ]


def random_prompt(dice: random.Random, count: int) -> str:
    """Make a prompt of ``count`` tokens."""
    return "".join(dice.choices(string.ascii_lowercase, k=count))
