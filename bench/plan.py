"""How much is measured: as much as fits into the time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of all parts of a run."""

    rounds: int
    #: New tokens of a reply, from and to.
    new: tuple[int, int]
    #: New tokens of replies that are all equally long.
    equal_new: int
    #: So many of the requests are enough to know the pace of one after another.
    alone: int
    #: Requests with prompts of up to 512 tokens.
    long: int
    stream_seconds: float
    #: A prompt of 900 tokens joins the stream this often.
    join_seconds: float
    conversations: int
    many: int
    #: Whether requests of unequal length are also run as a static batch.
    has_static_mixed: bool = True
    #: Peers left out.
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
