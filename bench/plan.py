"""Sizes of the two runs of ``bench.engine``: full and quick."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of all parts of a run. Lengths in tokens."""

    #: New tokens of each reply.
    new_tokens: int
    #: By the number of requests at once: seconds after which no other round begins,
    #: for each model. At least one round is measured.
    round_seconds: Mapping[int, float]
    rounds_max: int
    #: Rounds of the first texts and of the replies at position 900.
    other_rounds: int
    #: Rounds beside a busy process, and how long a reply takes in them on an idle
    #: machine: much longer than the system lets a thread run or wait.
    neighbour_rounds: int
    neighbour_seconds: float
    #: New tokens of each reply at position 900; 0 leaves that part out.
    late_tokens: int
    #: How long requests come in a stream; 0 leaves it out.
    stream_seconds: float
    #: A prompt of 900 tokens joins the stream this often.
    join_seconds: float
    conversations: int
    many: int
    #: Tokens of each text on which precisions are compared; 0 leaves SmolLM2's real
    #: weights out altogether.
    quality_tokens: int
    #: Replies that are written alone and beside others.
    replies: int
    #: Engines that are left out.
    without: tuple[str, ...] = ()


FULL = Plan(
    new_tokens=48,
    round_seconds={1: 30, 8: 40, 32: 45},
    rounds_max=5,
    other_rounds=2,
    neighbour_rounds=4,
    neighbour_seconds=1.5,
    late_tokens=24,
    stream_seconds=8,
    join_seconds=2,
    conversations=2,
    many=10_000,
    quality_tokens=4096,
    replies=200,
)
QUICK = Plan(
    new_tokens=16,
    round_seconds={1: 5, 8: 5, 32: 0},
    rounds_max=2,
    other_rounds=1,
    neighbour_rounds=1,
    neighbour_seconds=0.7,
    late_tokens=0,
    stream_seconds=0,
    join_seconds=2,
    conversations=1,
    many=1_000,
    quality_tokens=0,
    replies=0,
    without=("transformers continuous", "llama.cpp F32"),
)
