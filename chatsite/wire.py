"""The data that web servers and workers exchange: names, states and dataclasses.

All of it travels as JSON through Redis. ``VERSION`` changes when an older worker can no
longer read the data of a newer site, or the reverse. Each side also reads the version
before its own, and ignores unknown keys. So sites and workers of two releases can run
side by side while they are replaced one by one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, TypeVar

from chatsite.sampling_settings import (
    FREQUENCY_PENALTY,
    MAX_NEW_TOKENS,
    MIN_P,
    PRESENCE_PENALTY,
    REPETITION_PENALTY,
    SEED,
    TEMPERATURE,
    TOP_K,
    TOP_P,
)

VERSION = 1

T = TypeVar("T")


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


class ErrorCode(StrEnum):
    """Why a reply failed. The site has a sentence for each of them."""

    MODEL_ERROR = "model_error"
    BAD_REQUEST = "bad_request"
    TOO_LONG = "too_long"
    TOO_SLOW = "too_slow"
    WORKER_LOST = "worker_lost"
    EXPIRED = "expired"


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
    min_p: float = MIN_P.default
    presence_penalty: float = PRESENCE_PENALTY.default
    frequency_penalty: float = FREQUENCY_PENALTY.default
    #: What is added to the logits of some tokens. In JSON the tokens are texts.
    logit_bias: Mapping[int, float] = field(default_factory=dict, hash=False)
    #: How many of the likeliest tokens are told with each token; see ``TokenLogprobs``.
    #: None tells no log probabilities at all.
    logprobs: int | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> SamplingParams:
        """Read settings from JSON. Unknown keys, of another release, are ignored.

        Raises ``TypeError`` unless ``stop`` is an array and ``logit_bias`` an object,
        and ``ValueError`` unless its keys are whole numbers; the engine checks the
        other numbers.
        """
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        known["stop"] = tuple(_typed(raw.get("stop", []), list, tuple))
        biases = _typed(raw.get("logit_bias", {}), dict)
        known["logit_bias"] = {int(token): bias for token, bias in biases.items()}
        return cls(**known)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings that differ from the defaults.

        So an older worker that refuses unknown keys still serves every reply that uses
        only settings that it knows.
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
    """One request to a model, with the turns in their order.

    The model answers the last turn if it is the user's, and continues it if it is the
    assistant's; the reply is then only the new text. An older worker that cannot
    continue a turn fails such a request as ``bad_request``.

    The flags are written only where they are true. An older worker ignores them; it
    announces no ``context_tokens``.
    """

    turns: tuple[Turn, ...]
    settings: SamplingParams
    max_seconds: float
    #: How many old turns the site has left out of ``turns``.
    dropped_turns: int = 0
    #: Whether the text of the last turn is the prompt as it is, without a template.
    is_raw: bool = False
    #: Whether a prompt that is too long fails as ``too_long`` instead of losing text.
    #: The reply then has what is left of the context, at most ``max_new_tokens``.
    is_cut_refused: bool = False
    version: int = VERSION

    @property
    def begun(self) -> str:
        """The text that the reply continues; empty for a new reply."""
        newest = self.turns[-1] if self.turns and not self.is_raw else None
        return newest.text if newest and newest.role == Role.ASSISTANT else ""

    def to_json(self) -> str:
        """Return the request as JSON, in ASCII."""
        raw = {
            # Not by asdict, which copies every turn: a request may have hundreds.
            "turns": [{"role": turn.role, "text": turn.text} for turn in self.turns],
            "settings": self.settings.to_dict(),
            "max_seconds": self.max_seconds,
            "dropped_turns": self.dropped_turns,
            "version": self.version,
        }
        raw |= {name: True for name in REQUEST_FLAGS if getattr(self, name)}
        return json.dumps(raw, ensure_ascii=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Read a request. Unknown keys, of another release, are ignored.

        Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``OverflowError``.
        """
        raw = _typed(json.loads(text), dict)
        version = _typed(raw["version"], int)
        if not is_readable(version):
            raise ValueError(f"request of version {version}, not {VERSION}")
        return cls(
            turns=tuple(
                Turn(Role(_typed(turn["role"], str)), _typed(turn["text"], str))
                for turn in _typed(raw["turns"], list)
            ),
            settings=SamplingParams.from_dict(_typed(raw["settings"], dict)),
            max_seconds=float(_typed(raw["max_seconds"], int, float)),
            dropped_turns=_typed(raw["dropped_turns"], int),
            version=version,
            **{name: _flag(raw.get(name, False)) for name in REQUEST_FLAGS},
        )


#: Fields of a request that are left out of its JSON unless they are true.
REQUEST_FLAGS = ("is_raw", "is_cut_refused")


@dataclass(frozen=True, slots=True)
class Ending:
    """How one run of a request ended in the engine. Counts are in tokens."""

    outcome: Outcome
    error: ErrorCode | None = None
    #: For the log only: pages never show it, and it never contains a user's text.
    detail: str = ""
    prompt_tokens: int = 0
    new_tokens: int = 0
    #: Whole old turns that the site and the worker left out.
    dropped_turns: int = 0
    #: Tokens cut from the front of the last turns, if these alone are too long.
    cut_tokens: int = 0
    #: The revision of the model.
    revision: str = ""
    #: In what its weights were stored: "fp32", "fp16", "bf16" or "int8".
    precision: str = ""
    #: Whether the reply ended because it reached ``max_new_tokens``.
    is_length_limited: bool = False
    #: The length of a prompt that was refused as too long. The model read none of it.
    refused_tokens: int = 0
    #: The longest prompt and reply together that the model takes; 0 if unknown.
    context_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Announcement:
    """The state of a worker, which it announces every second."""

    #: The name of the worker, or of the program that fetches the model for it.
    worker: str
    model: str
    label: str
    stage: Stage
    #: From 0 to 1 while the worker fetches its model, if known.
    progress: float | None = None
    #: What a worker that loads does just now, as a sentence for the operator.
    step: str = ""
    #: False for the programs that prepare the model before a worker starts.
    is_worker: bool = True
    device: str = ""
    revision: str = ""
    #: In what the weights of the model are stored.
    precision: str = ""
    #: Threads that compute the model on a CPU; 0 elsewhere.
    threads: int = 0
    #: The longest prompt and reply together that the model takes; 0 if unknown.
    context_tokens: int = 0
    #: How many tokens the model has; 0 if unknown.
    vocabulary: int = 0
    rows: int = 0
    free: int = 0
    #: Recent new tokens of all its replies together.
    tokens_per_second: float = 0.0
    #: Average new tokens of the replies that ended; 0 before the first.
    tokens_per_reply: float = 0.0
    #: The standard deviation of that number, divided by the mean; 0 if unknown.
    reply_spread: float = 0.0
    #: Replies that are claimed, but have no row in the batch yet.
    waiting: int = 0
    #: The share of prompts in the tokens that it recently read, from 0 to 1.
    prefill_share: float = 0.0
    version: int = field(default=VERSION)

    @property
    def computation(self) -> str:
        """In what and where the model is computed: ``in int8 on 2 threads``."""
        precision = f"in {self.precision}" if self.precision else ""
        threads = f"{self.threads} thread{'s' * (self.threads != 1)}"
        place = threads if self.threads else self.device
        return " ".join(filter(None, (precision, f"on {place}" if place else "")))

    def to_json(self) -> str:
        """Return the announcement as JSON."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Announcement:
        """Read an announcement. Unknown keys, of a newer worker, are ignored.

        Raises ``ValueError``, ``KeyError`` or ``TypeError``.
        """
        raw = json.loads(text)
        known = {f.name: raw[f.name] for f in fields(cls) if f.name in raw}
        return cls(**{**known, "stage": Stage(raw["stage"])})


def _flag(value: Any) -> bool:
    """Return a boolean of JSON. Raises ``TypeError``."""
    if isinstance(value, bool):
        return value
    raise TypeError(f"{type(value).__name__}, not bool")


def _typed(value: Any, *types: type[T]) -> T:
    """Return a value of JSON that has one of these types. Raises ``TypeError``."""
    # Booleans are integers in Python, but not in JSON.
    if isinstance(value, types) and not isinstance(value, bool):
        return value
    raise TypeError(f"{type(value).__name__}, not {types[0].__name__}")
