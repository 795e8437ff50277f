"""The small protocol that every engine speaks: submit, text, stop, deadline, close."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from chatsite import wire


class EngineClosed(RuntimeError):
    """The engine takes no more requests: it is closing or closed."""


class ModelUnavailable(RuntimeError):
    """The model cannot be loaded here. The message is one line for the operator."""


class Listener(Protocol):
    """Hears of one run. Called from the engine's thread: must return at once."""

    def on_text(self, text: str, new_tokens: int) -> None:
        """More text: whole characters only, never the beginning of a stop string.

        ``new_tokens`` counts all tokens generated so far in this run.
        """

    def on_end(self, ending: wire.Ending) -> None:
        """The run is over; called exactly once, after the last ``on_text``."""


class Run(Protocol):
    """One live request in an engine."""

    def stop(self) -> None:
        """End within one step with outcome ``stopped``. Harmless when over."""


@dataclass(frozen=True, slots=True)
class About:
    """What an engine serves, for the announcement."""

    model: str
    label: str
    revision: str
    device: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the engine has been of late."""

    #: New tokens of all replies together.
    tokens_per_second: float
    live: int
    #: Submitted, but not yet in a row.
    waiting: int = 0
    #: Of all tokens that were read, those of prompts: 0 to 1.
    prefill_share: float = 0.0


class Engine(Protocol):
    """Generates for up to ``rows`` requests at once."""

    rows: int
    about: About

    @property
    def steps(self) -> int:
        """Grows while anything is live; for a watchdog."""

    def submit(self, request: wire.Request, listener: Listener) -> Run:
        """Begin a run, or queue it until a row is free.

        ``request.max_seconds`` counts from here; a run that exceeds it ends as
        ``failed`` with ``too_slow``, its text so far already delivered. A request
        the model cannot serve ends as ``failed``; nothing but ``EngineClosed`` is
        raised.
        """
        ...

    def pace(self) -> Pace: ...

    def close(self, grace_seconds: float) -> None:
        """Take no more; let live runs end for ``grace_seconds``, then end the
        rest as ``handed_back``. Returns when every listener heard its end."""
        ...
