"""How a run of a request ended."""

from __future__ import annotations

from dataclasses import dataclass

from chatsite.wire.names import ErrorCode, Outcome


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
