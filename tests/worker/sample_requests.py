"""Requests as the site sends them, with short texts."""

from __future__ import annotations

from typing import Any

from chatsite.wire import Request, Role, SamplingParams, Turn


def turns(*texts: str) -> list[Turn]:
    """Alternating turns of the user and the assistant."""
    roles = (Role.USER, Role.ASSISTANT)
    return [Turn(roles[i % 2], text) for i, text in enumerate(texts)]


def request_for(
    *texts: str, max_seconds: float = 60, dropped_turns: int = 0, **params: Any
) -> Request:
    """A request with alternating turns; greedy and 16 tokens unless told otherwise."""
    return Request(
        turns=tuple(turns(*texts)),
        settings=SamplingParams(**{"temperature": 0, "max_new_tokens": 16, **params}),
        max_seconds=max_seconds,
        dropped_turns=dropped_turns,
    )
