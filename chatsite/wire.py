"""What crosses between the tiers: names, states and plain data, spelled once.

Everything here travels as JSON through Redis. ``VERSION`` changes when an older
worker could no longer read what a newer web tier writes, or the reverse. Each side also
reads the version before its own, and passes over keys that it does not know. So sites
and workers of two releases can run side by side, while they are replaced one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from chatsite.sampling_settings import (
    MAX_NEW_TOKENS,
    REPETITION_PENALTY,
    SEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
)

VERSION = 1


def is_readable(version: int) -> bool:
    """Whether this wire version is read: it is the current one or the one before."""
    return VERSION - 1 <= version <= VERSION


#: Name of the one Celery task. It is a doorbell: it carries no text.
GENERATE = "chatsite.generate"


def queue_name(model: str) -> str:
    """Name of the Celery queue whose bells wake the workers of ``model``."""
    return f"generate.{model}"


def task_id(reply: str, attempt: int) -> str:
    """Celery task id of the bell for one publication of one reply."""
    return f"{reply}.{attempt}"


class State(StrEnum):
    """State of a reply as people and the API see it."""

    HELD = "held"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        return self in (State.DONE, State.STOPPED, State.FAILED)


class RequestKind(StrEnum):
    """Whom a request serves: a person who waits, or a job that helps."""

    REPLY = "reply"
    HELPER = "helper"


class Role(StrEnum):
    """Who speaks in a turn."""

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
    """What a worker says of itself."""

    FETCHING = "fetching"
    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"


class ErrorCode(StrEnum):
    """Why a reply failed; the web tier turns each into a sentence."""

    MODEL_ERROR = "model_error"
    BAD_REQUEST = "bad_request"
    TOO_SLOW = "too_slow"
    WORKER_LOST = "worker_lost"
    EXPIRED = "expired"
    UNKNOWN_MODEL = "unknown_model"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How one reply is sampled. Temperature 0 is greedy; ``top_k`` 0 is off."""

    temperature: float = TEMPERATURE.default
    top_k: int = TOP_K.default
    top_p: float = TOP_P.default
    repetition_penalty: float = REPETITION_PENALTY.default
    max_new_tokens: int = MAX_NEW_TOKENS.default
    stop: tuple[str, ...] = ()
    seed: int = SEED.default

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> SamplingParams:
        """Read settings from JSON. Settings of another release are passed over."""
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        return cls(**{**known, "stop": tuple(raw.get("stop", ()))})

    def to_dict(self) -> dict[str, Any]:
        """The settings that differ from the defaults.

        So an older worker that refuses unknown keys still serves every reply that does
        not use a setting it does not know.
        """
        return {
            name: value
            for name, value in asdict(self).items()
            if value != getattr(DEFAULT_SAMPLING_PARAMS, name)
        }


#: A default that changes needs a new ``VERSION``: it is not written into requests.
DEFAULT_SAMPLING_PARAMS = SamplingParams()


@dataclass(frozen=True, slots=True)
class Request:
    """One request to a model: the turns, oldest first.

    The newest is a person's, to be answered, or the assistant's behind it, to be
    continued: the reply is then only what is new. A worker that cannot continue yet
    fails such a request, and no other, as ``bad_request``.
    """

    turns: tuple[Turn, ...]
    settings: SamplingParams
    max_seconds: float
    #: Old turns that the web tier already left out of ``turns``.
    dropped_turns: int = 0
    version: int = VERSION

    @property
    def begun(self) -> str:
        """The text that the reply continues; empty where it begins anew."""
        newest = self.turns[-1] if self.turns else None
        return newest.text if newest and newest.role == Role.ASSISTANT else ""

    def to_json(self) -> str:
        raw = {**asdict(self), "settings": self.settings.to_dict()}
        return json.dumps(raw, ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Read a request. Raises ``ValueError``, ``KeyError`` or ``TypeError``."""
        raw = json.loads(text)
        if not is_readable(raw["version"]):
            raise ValueError(f"request of version {raw['version']}, not {VERSION}")
        return cls(
            turns=tuple(Turn(Role(t["role"]), str(t["text"])) for t in raw["turns"]),
            settings=SamplingParams.from_dict(raw["settings"]),
            max_seconds=float(raw["max_seconds"]),
            dropped_turns=int(raw["dropped_turns"]),
            version=int(raw["version"]),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, as the engine tells it. Counts are in tokens of the model."""

    outcome: Outcome
    error: ErrorCode | None = None
    #: For the log only: never shown to people, never holds their text.
    detail: str = ""
    prompt_tokens: int = 0
    new_tokens: int = 0
    #: Whole old turns left out, the web tier's and the worker's together.
    dropped_turns: int = 0
    #: Tokens cut from the fronts of newest prompt and reply, too long by themselves.
    cut_tokens: int = 0
    #: Revision of the model that answered.
    revision: str = ""
    #: True when the reply ended because it reached ``max_new_tokens``.
    is_length_limited: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a worker says of itself every few seconds."""

    worker: str
    model: str
    label: str
    stage: Stage
    #: 0 to 1 while fetching, where known.
    progress: float | None = None
    device: str = ""
    revision: str = ""
    rows: int = 0
    free: int = 0
    #: New tokens of all its replies together, of late.
    tokens_per_second: float = 0.0
    #: New tokens of a reply that ended, on average; 0 before the first.
    tokens_per_reply: float = 0.0
    #: How much they differ: standard deviation as a share of the mean; 0 if unknown.
    reply_spread: float = 0.0
    #: Claimed, but not yet in a row.
    waiting: int = 0
    #: Of all tokens it read of late, those of prompts: 0 to 1.
    prefill_share: float = 0.0
    version: int = field(default=VERSION)

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Announcement:
        """Read an announcement; what a newer worker says besides is passed over.

        Raises ``ValueError``, ``KeyError`` or ``TypeError``.
        """
        raw = json.loads(text)
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        return cls(**{**known, "stage": Stage(raw["stage"])})
