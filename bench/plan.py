"""Sizes of the two runs of ``bench.engine``: full and quick."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The sizes of all parts of a run. Lengths in tokens."""

    rounds: int
    #: New tokens of a reply: smallest and largest.
    new: tuple[int, int]
    #: New tokens of each reply in the runs with equal lengths.
    equal_new: int
    #: How many of the requests are run one after another.
    alone: int
    #: How many requests have prompts of up to 512 tokens.
    long: int
    stream_seconds: float
    #: A prompt of 900 tokens joins the stream this often.
    join_seconds: float
    conversations: int
    many: int
    #: Whether requests of unequal length are also run as a static batch.
    has_static_mixed: bool = True
    #: Engines that are left out.
    without: tuple[str, ...] = ()


FULL = Plan(
    rounds=2,
    new=(64, 128),
    equal_new=64,
    alone=2,
    long=8,
    stream_seconds=15,
    join_seconds=5,
    conversations=5,
    many=10_000,
)
QUICK = Plan(
    rounds=1,
    new=(32, 64),
    equal_new=32,
    alone=1,
    long=0,
    stream_seconds=4,
    join_seconds=2,
    conversations=2,
    many=500,
    has_static_mixed=False,
    without=("CTranslate2 int8",),
)
