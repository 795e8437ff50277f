"""What a worker announces about itself."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from chatsite.wire.json_types import flag, typed
from chatsite.wire.names import VERSION, Stage


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
    #: Rows that a reply to a person could take now.
    free: int = 0
    #: Rows of helper jobs, which would make room.
    helpers: int = 0
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
    host: str = ""
    #: When the process started, in seconds since the epoch; 0 if unknown.
    started_at: float = 0.0
    #: Replies that ended in this process, and those that it lost to another worker.
    replies: int = 0
    losses: int = 0
    #: Whether it obeys orders and pauses; workers of the release before do not.
    takes_orders: bool = False
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
        known: dict[str, Any] = {
            f.name: _typed(raw[f.name], f.default)
            for f in fields(cls)
            if f.name in raw and raw[f.name] is not None
        }
        return cls(**{**known, "stage": Stage(raw["stage"])})


def _typed(value: Any, default: object) -> Any:
    """Return a value of JSON for a field with this default. Raises ``TypeError``."""
    match default:
        case bool():
            return flag(value)
        case float() | None:
            return typed(value, int, float)
        case int():
            return typed(value, int)
    return typed(value, str)
