"""What every engine implements: submit a request, stream its text, stop it, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chatsite import wire
from chatsite.logprobs import TokenLogprobs


class EngineClosed(RuntimeError):
    """The engine takes no more requests: it is closing or closed."""


class ModelUnavailable(RuntimeError):
    """The model cannot be loaded here. The message is one line for the operator."""


#: Takes each long step of a start when it begins, as a sentence for the operator.
OnStep = Callable[[str], object]


def ignore_step(step: str) -> None:
    """Implement ``OnStep`` where nobody waits."""


class KeyMissing(ModelUnavailable):
    """The environment of this process lacks the key of the model's server."""


class ReplyListener(Protocol):
    """Receives the output of one request.

    The engine calls it from its own thread, so both methods must return at once.
    """

    def on_text(
        self, text: str, new_tokens: int, logprobs: Sequence[TokenLogprobs] = ()
    ) -> None:
        """Take more text: whole characters, never the beginning of a stop string.

        ``new_tokens`` counts all tokens generated for this request so far. If it asks
        for log probabilities, those of the tokens of this text come with it, and with
        an empty text those of tokens at its end without any. Tokens that are wholly
        cut off at a stop string have none.
        """

    def on_end(self, ending: wire.Ending) -> None:
        """Take the end of the request. Called exactly once, after the last text.

        A request that is handed back with an error may have caused it, and is not tried
        for ever; without one it is not to blame.
        """


class RequestHandle(Protocol):
    """One submitted request, as its sender sees it."""

    def stop(self) -> None:
        """End the request within one step as ``stopped``. Harmless once it ended."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model an engine serves and where, for the worker's announcement."""

    model: str
    label: str
    revision: str
    device: str
    #: In what the weights are stored: "fp32", "fp16", "bf16" or "int8"; empty without.
    precision: str
    #: Threads that compute; 0 on other devices than a CPU.
    threads: int = 0
    #: The longest prompt and reply together.
    context_tokens: int = 0
    #: How many tokens the model has.
    vocabulary: int = 0


@dataclass(frozen=True, slots=True)
class Throughput:
    """Speed and load of an engine over its latest steps."""

    #: New tokens of all replies together.
    tokens_per_second: float
    #: Requests that have a row.
    running: int
    #: Requests that were submitted and have no row yet.
    waiting: int = 0
    #: Share of prompt tokens among all tokens that the model read: 0 to 1.
    prefill_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Why an engine should get no further request for a time."""

    #: A sentence for the operator.
    reason: str
    #: Whether the model cannot be used at all, also by replies that are being written.
    is_away: bool = False


class Engine(Protocol):
    """Generates replies to up to ``rows`` requests at once."""

    rows: int
    model_info: ModelInfo

    @property
    def pause(self) -> Pause | None:
        """Why nothing should be submitted now; None if there is no reason."""

    @property
    def steps(self) -> int:
        """Counter that grows while any request is running; for a watchdog."""

    def submit(
        self, request: wire.Request, listener: ReplyListener, *, is_helper: bool = False
    ) -> RequestHandle:
        """Start a request, or queue it until a row is free.

        A helper job gives its row to any other request that has none, and goes on once
        a row is free; no text is lost. An engine that cannot wait hands it back.

        ``request.max_seconds`` counts from this call, for a helper job without the time
        in which it has no row. A request that exceeds it ends as
        ``failed`` with ``too_slow``, after its text so far was delivered. A request
        that the model cannot serve ends as ``failed``. Raises nothing but
        ``EngineClosed``.
        """
        ...

    def throughput(self) -> Throughput:
        """Return the recent speed and load. Callable from any thread."""
        ...

    def close(self, grace_seconds: float) -> None:
        """Refuse new requests and end the running ones.

        Requests may finish for ``grace_seconds``; the rest end as ``handed_back``.
        Returns when every listener received its end.
        """
        ...
