"""How one try of a notice went."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tried:
    """The result in a word for the log, and whether the notice is over."""

    result: str
    is_over: bool = True
    #: If it is not: the shortest pause before the next try.
    pause_seconds: float = 0
