"""Measures each filter of the search of an owner with 100,000 conversations.

    python -m bench.search_filters [--conversations 100000] [--searches 20]
                                   [--database postgres://… | sqlite:///…]

Without ``--database`` it uses SQLite in a temporary folder. A database that is named is
filled and keeps its data; one that was filled before is only measured again. Each
conversation has a title, a message and a reply, an hour after the one before it. What
filters look for is where a search from the newest on finds it last: the older half is
archived, the oldest 1,000 are pinned and have code, and the oldest message alone has a
file. One conversation more has 10,000 messages, to be searched alone.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from bench.measurement import percentile
from bench.random_texts import texts, vocabulary
from bench.search import set_up
from bench.search_data import SEED, index, switch_triggers

OWNER = "owner of filters"
RARE = "quaternion"
BEGIN = datetime(2015, 1, 1, 12, tzinfo=UTC)
OLD = 1000
AT_ONCE = 2000
LONG_MESSAGES = 10_000
CODE = "\n\n```py\nfirst(queue)\n```\n"
FILE = '```py title="queue.py"\nfirst(queue)\n```\n\n'


@dataclass(frozen=True, slots=True)
class Case:
    """What is typed, and whether in the long conversation."""

    typed: str
    is_inside: bool = False


def cases(conversations: int) -> list[Case]:
    """Each filter alone, with a common word, and with a rare one."""
    middle = (BEGIN + timedelta(hours=conversations / 2)).date()
    day = (BEGIN + timedelta(days=10)).date()
    filters = (
        "in:archive",
        "in:pinned",
        "from:me",
        "from:model",
        "has:code",
        "has:file",
        f"before:{middle}",
        f"before:{BEGIN.date()}",
        f"after:{middle}",
        "after:2100-01-01",
        f"after:{day} before:{day + timedelta(days=2)}",
        "in:pinned has:file",
        "in:archive has:code from:me",
    )
    alone = [Case(each) for each in filters]
    with_word = [Case(f"{each} {word}") for word in ("the", RARE) for each in filters]
    inside = ["the", RARE, "from:me the", "has:code", "has:file"]
    return [*alone, *with_word, *(Case(each, is_inside=True) for each in inside)]


def fill(conversations: int) -> None:
    """Save everything without indexing it, then index it."""
    from django.db import transaction

    from chat.models import Conversation, Message, User

    owner = User.objects.create(username=OWNER)
    switch_triggers(is_on=False)
    texts_of_all = texts(Random(SEED), vocabulary(Random(SEED)))
    for begin in range(0, conversations, AT_ONCE):
        numbers = range(begin, min(begin + AT_ONCE, conversations))
        made = [_rows(owner, n, conversations, texts_of_all) for n in numbers]
        with transaction.atomic():
            Conversation.objects.bulk_create(rows[0] for rows in made)
            Message.objects.bulk_create(row for rows in made for row in rows[1:])
    long = Conversation.objects.create(owner=owner, title="long")
    Message.objects.bulk_create(
        (
            _message(long, number % 2 == 0, next(texts_of_all), BEGIN)
            for number in range(LONG_MESSAGES)
        ),
        batch_size=AT_ONCE,
    )
    switch_triggers(is_on=True)
    index()


def _rows(owner: Any, number: int, of: int, texts_of_all: Iterator[str]) -> list[Any]:
    """A conversation, its message and its reply; the lowest number is the oldest."""
    from chat.models import Conversation

    at = BEGIN + timedelta(hours=number)
    said, answered = next(texts_of_all), next(texts_of_all)
    is_old = number < OLD
    if is_old:
        answered += f" {RARE}{CODE}"
    if number == 0:
        said = FILE + said
    conversation = Conversation(
        owner=owner,
        title=said[-60:],
        created_at=at,
        is_archived=number < of / 2,
        is_pinned=is_old,
    )
    return [
        conversation,
        _message(conversation, True, said, at),
        _message(conversation, False, answered, at),
    ]


def _message(conversation: Any, is_from_user: bool, text: str, at: datetime) -> Any:
    from chat.models import Message

    return Message(
        conversation=conversation,
        owner=conversation.owner,
        role="user" if is_from_user else "assistant",
        text=text,
        created_at=at,
    )


def measure(conversations: int, searches: int) -> None:
    """Print median and p95 of every case in milliseconds, and how many were found."""
    from chat.models import Conversation, User
    from chat.services.search.results import search

    owner = User.objects.get(username=OWNER).pk
    long = Conversation.objects.get(owner=owner, title="long").pk
    print("| typed | found | median, ms | p95, ms |")
    print("|---|--:|--:|--:|")
    for case in cases(conversations):
        inside = long if case.is_inside else None
        found = len(search(owner, case.typed, conversation=inside).hits)
        seconds = []
        for _ in range(searches):
            began = time.perf_counter()
            search(owner, case.typed, conversation=inside)
            seconds.append(time.perf_counter() - began)
        place = ", in one conversation" if case.is_inside else ""
        median, late = (1000 * percentile(seconds, share) for share in (0.5, 0.95))
        print(f"| `{case.typed}`{place} | {found} | {median:.1f} | {late:.1f} |")


def main() -> None:
    """Fill a database if needed, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--database", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatsite-filters-") as folder:
        set_up(options.database or f"sqlite:///{folder}/filters.sqlite3", folder)
        from chat.models import User

        if not User.objects.filter(username=OWNER).exists():
            fill(options.conversations)
        measure(options.conversations, options.searches)


if __name__ == "__main__":
    main()
