"""The pause before a further try, which chance makes longer."""

from __future__ import annotations

#: Part of a pause that chance adds, so that what failed together does not come back
#: together.
JITTER = 0.2


def with_jitter(seconds: float, chance: float) -> float:
    """The seconds of a pause; ``chance`` is a random number from 0 to 1."""
    return seconds * (1 + JITTER * chance)
