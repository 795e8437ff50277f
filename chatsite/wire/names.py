"""Names that both sides use: the version, the task, its queues, and states."""

from __future__ import annotations

from enum import StrEnum

VERSION = 1


def is_readable(version: int) -> bool:
    """Whether this wire version can be read: the current one and the one before."""
    return VERSION - 1 <= version <= VERSION


#: Name of the only Celery task. It is a doorbell without any text.
GENERATE = "chatsite.generate"


def queue_name(model: str) -> str:
    """Return the name of the Celery queue with the bells for workers of ``model``."""
    return f"generate.{model}"


def task_id(reply: str, attempt: int) -> str:
    """Return the Celery task id of the bell for one attempt of a reply."""
    return f"{reply}.{attempt}"


class State(StrEnum):
    """State of a reply, as pages and the API show it."""

    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the reply has ended."""
        return self in (State.DONE, State.STOPPED, State.FAILED)


class RequestKind(StrEnum):
    """Whether a request is for a waiting person or for a helper job."""

    REPLY = "reply"
    HELPER = "helper"


class Role(StrEnum):
    """The author of a turn."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


class Outcome(StrEnum):
    """How one run of a request in a worker ended."""

    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"
    HANDED_BACK = "handed_back"

    @classmethod
    def read(cls, text: str) -> Outcome:
        """Read an outcome; one that only a newer worker knows counts as a failure."""
        return cls(text) if text in {outcome.value for outcome in cls} else cls.FAILED


class Stage(StrEnum):
    """How far a worker has come, as it announces it."""

    FETCHING = "fetching"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    #: The model cannot be loaded, and the worker has ended. An earlier release does not
    #: know this stage and leaves the announcement out.
    BROKEN = "broken"


class WorkerOrder(StrEnum):
    """What an operator orders a worker to do."""

    #: Take replies, which is what a worker does without any order.
    SERVE = "serve"
    #: Finish the replies that it writes, and take no others.
    DRAIN = "drain"
    #: Drain, and end then. Its supervisor does not start it again.
    END = "end"

    @classmethod
    def read(cls, text: str | None) -> WorkerOrder | None:
        """Read an order; None if there is none, or if only a newer site knows it."""
        return cls(text) if text in {order.value for order in cls} else None


class ErrorCode(StrEnum):
    """Why a reply failed. The site has a sentence for each of them."""

    MODEL_ERROR = "model_error"
    BAD_REQUEST = "bad_request"
    TOO_LONG = "too_long"
    SERVER_REFUSED = "server_refused"
    TOO_SLOW = "too_slow"
    WORKER_LOST = "worker_lost"
    EXPIRED = "expired"


#: Failures that would come again if the same were written once more.
LASTING_ERRORS = frozenset(
    (ErrorCode.TOO_LONG, ErrorCode.SERVER_REFUSED, ErrorCode.TOO_SLOW)
)
