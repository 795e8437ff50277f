"""The times of replies, read from the rows of a site, and what lies between them."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from uuid import UUID

QUERY = """
SELECT message.conversation_id, worker,
       queued_at, started_at, first_text_at, finished_at
FROM chat_reply JOIN chat_message AS message ON message.id = chat_reply.message_id
WHERE chat_reply.state = 'done' ORDER BY started_at
"""


@dataclass(frozen=True, slots=True)
class ReplyTimes:
    """Times of one reply in seconds since the epoch, by the clock of Redis.

    ``queued`` is by the clock of the web server, which runs on the same machine.
    """

    conversation: str
    worker: str
    queued: float
    started: float
    first_text: float
    finished: float


def read(database: Path) -> list[ReplyTimes]:
    """Return the finished replies of a site in the order in which they started."""
    with closing(sqlite3.connect(database)) as link:
        return [
            ReplyTimes(str(UUID(conversation)), worker, *map(_seconds, times))
            for conversation, worker, *times in link.execute(QUERY)
        ]


def by_worker(replies: Sequence[ReplyTimes]) -> list[list[ReplyTimes]]:
    """Return the replies of each worker, in order."""
    found = defaultdict(list)
    for reply in replies:
        found[reply.worker].append(reply)
    return list(found.values())


def per_minute(replies: Sequence[ReplyTimes]) -> float:
    """Return the replies a minute of all workers together, each from end to end.

    So a reply that is half written at the border of the measurement counts as a half.
    """
    rates = [
        (len(line) - 1) / (line[-1].finished - line[0].finished)
        for line in by_worker(replies)
        if len(line) > 1
    ]
    return 60 * sum(rates)


@dataclass(frozen=True, slots=True)
class Overheads:
    """What the system adds between two replies of a busy worker, in seconds.

    Only where the next reply already waited when the one before it ended.
    """

    #: From the end of a reply to the claim of the next one.
    to_claim: list[float]
    #: From the end of a reply to the next one's first text, less the engine's time.
    to_text: list[float]


def overheads(replies: Sequence[ReplyTimes], engine_seconds: float) -> Overheads:
    """Return the overheads. ``engine_seconds``: of the engine to a first text."""
    pairs = [
        (before, after)
        for line in by_worker(replies)
        for before, after in pairwise(line)
        if after.queued < before.finished
    ]
    return Overheads(
        [after.started - before.finished for before, after in pairs],
        [a.first_text - b.finished - engine_seconds for b, a in pairs],
    )


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
