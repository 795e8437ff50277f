"""Measures the list of conversations of a large owner beside that of a small one.

    python -m bench.conversation_list [--conversations 100000] [--pinned 1000]
                                      [--archived 50000] [--rounds 300]
                                      [--database postgres://…]

Without ``--database`` it uses SQLite in a temporary folder; a database that is named is
filled. The small owner has 100 conversations, none pinned and none archived. For what
shows only archived or pinned ones, the small owner is another one, who has 100 of each.
Both are read in turn, so that a busy machine slows both alike: first what
``chat.services.conversation_list`` reads, then whole requests, through all middleware
to the finished answer, with a queue (Valkey) beside them. Every seventh conversation
has an unread reply.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.conversation_requests import requests
from bench.measurement import percentile
from bench.search import set_up

SMALL = 100
AT_ONCE = 2000
UNREAD_EVERY = 7
Read = Callable[[], Any]


def fill(conversations: int, pinned: int, archived: int) -> Any:
    """Make an owner with so many conversations; return the id of the owner."""
    from django.utils import timezone

    from chat.models import Conversation, User

    owner = User.objects.guest(uuid.uuid4())
    now = timezone.now()
    for begin in range(0, conversations, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, conversations))
        rows = [
            _row(owner, number, conversations, pinned, archived) for number in numbers
        ]
        Conversation.objects.bulk_create(rows)
        for number, row in zip(numbers, rows, strict=True):
            row.updated_at = now - timedelta(minutes=number)
        Conversation.objects.bulk_update(rows, ["updated_at"], batch_size=200)
    return owner.pk


def _row(owner: Any, number: int, of: int, pinned: int, archived: int) -> Any:
    """Archived ones and pinned ones lie evenly among the others."""
    from chat.models import Conversation

    return Conversation(
        owner=owner,
        title=f"Talk {number}",
        has_unread=number % UNREAD_EVERY == 0,
        is_archived=number * archived // of != (number + 1) * archived // of,
        is_pinned=number * pinned // of != (number + 1) * pinned // of,
    )


def reads(owner: Any) -> dict[str, Read]:
    """What pages read of the list of an owner, by what it is."""
    from chat.services.conversation_list import newest, older

    first = newest(owner).last
    if first is None:
        raise ValueError("the list is empty")
    last = older(owner, first).last
    return {
        "first part": lambda: newest(owner),
        "second part": lambda: older(owner, first),
        "two parts after a change": lambda: newest(owner, last),
    }


def measure(small: dict[str, Read], large: dict[str, Read], rounds: int) -> None:
    """Read both in turn; print median times, their ratio and numbers of queries."""
    for name, read_small in small.items():
        seconds: tuple[list[float], list[float]] = ([], [])
        both = [(read_small, seconds[0]), (large[name], seconds[1])]
        # The first ones warm up; PostgreSQL plans some queries again five times.
        for read, _ in both * 6:
            read()
        for number in range(rounds):
            for read, times in both if number % 2 else reversed(both):
                began = time.perf_counter()
                read()
                times.append(time.perf_counter() - began)
        few, many = (1000 * percentile(times, 0.5) for times in seconds)
        asked = [_queries(read) for read in (read_small, large[name])]
        print(f"{name:34}{few:7.2f} ms{many:7.2f} ms{many / few:8.2f}  {asked}")


def _queries(read: Read) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        read()
    return len(asked)


def main() -> None:
    """Fill a database, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--pinned", type=int, default=1000)
    parser.add_argument("--archived", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--database", default="")
    options = parser.parse_args()
    from tests.valkey import Valkey

    with tempfile.TemporaryDirectory(prefix="chatsite-list-") as folder:
        queue = Valkey(Path(folder, "queue.sock"), Path(folder, "queue"))
        queue.start()
        try:
            database = options.database or f"sqlite:///{folder}/list.sqlite3"
            set_up(database, folder, REDIS_URL=queue.url, ALLOWED_HOSTS="testserver")
            _measure_all(options)
        finally:
            queue.stop()


def _measure_all(options: argparse.Namespace) -> None:
    small = fill(SMALL, 0, 0)
    kept = fill(2 * SMALL, SMALL, SMALL)
    large = fill(options.conversations, options.pinned, options.archived)
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    print(f"{'':34}{'small':>10}{'large':>10}{'ratio':>8}  queries")
    measure(reads(small), reads(large), options.rounds)
    measure(requests(small), requests(large), options.rounds)
    of_kept = requests(kept, is_of_kept=True)
    measure(of_kept, requests(large, is_of_kept=True), options.rounds)


if __name__ == "__main__":
    main()
