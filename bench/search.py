"""How long a search takes among very many messages, and what keeping them found costs.

    python -m bench.search [--messages 1000000] [--of-one 100000] [--searches 50]
                           [--database postgres://… | sqlite:///…] [--json FILE]

Without ``--database``: SQLite in a temporary folder. A database that is named is filled
and left so; one that was filled before is only measured again. One owner has
``--of-one`` of the messages, spread among those of others. They are indexed as the
migration does it. Times are of ``chat.services.search.results.search``, with its
snippets; CPU times are of this process and of the server's that serves it: for
busy machines.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from bench.measured import percentile
from bench.texts import FREQUENT, han_texts, han_vocabulary, texts, vocabulary

SEED = 7
OWNER = "owner {}"
BATCH = 5000
PER_CONVERSATION = 10
#: Messages of each other owner, about.
PER_OTHER = 300
#: Stands in every fifth of the older half of the one owner's messages.
OLD_TOPIC = "quaternion"
#: So many of the messages end with a sentence without spaces.
WITH_HAN = 0.1
SENDS, ROUNDS = 20, 10
#: Passages as a database has them before the migration makes their words.
PASSAGES = """
INSERT INTO chat_passage (owner_id, conversation_id, message_id, words)
SELECT owner_id, conversation_id, message_id, '' FROM (
    SELECT owner_id, id AS conversation_id, NULL AS message_id, created_at
    FROM chat_conversation
    UNION ALL
    SELECT owner_id, conversation_id, id, created_at FROM chat_message
) AS said ORDER BY created_at
"""


def fill(messages: int, of_one: int) -> None:
    """Save what everybody said, without an index of it."""
    from django.db import transaction

    from chat.models import Conversation, Message, User

    random = Random(SEED)
    words = vocabulary(random)
    people = [User(username=OWNER.format(n)) for n in range(messages // PER_OTHER + 2)]
    User.objects.bulk_create(people)
    _switch_triggers(is_on=False)
    rows = _rows(random, words, people, messages, messages // of_one)
    done = 0
    while batch := list(islice(rows, BATCH)):
        with transaction.atomic():
            new = {message.conversation_id: message.conversation for message in batch}
            Conversation.objects.bulk_create(new.values(), ignore_conflicts=True)
            Message.objects.bulk_create(batch)
        done += len(batch)
        _say(f"{done:,} of {messages:,} messages")
    _switch_triggers(is_on=True)


def index() -> float:
    """Make the passages of all that was said; how many seconds it took."""
    from django.db import connection

    from chat.migrations._search import OF_VENDOR

    is_postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        if not is_postgres:
            _switch_index_triggers(is_on=False)
        cursor.execute(PASSAGES)
        if is_postgres:
            cursor.execute("ALTER TABLE chat_passage DROP COLUMN lexemes")
            cursor.execute("DROP FUNCTION chat_passage_lexemes")
        began = time.monotonic()
        for statement in OF_VENDOR[connection.vendor].FILL:
            cursor.execute(statement)
        if is_postgres:
            for statement in OF_VENDOR["postgresql"].INDEXED:
                cursor.execute(statement)
        seconds = time.monotonic() - began
        # What PostgreSQL does by itself within minutes.
        cursor.execute("VACUUM ANALYZE" if is_postgres else "ANALYZE")
    if not is_postgres:
        _switch_index_triggers(is_on=True)
    return seconds


def _rows(
    random: Random, words: list[str], people: list[Any], messages: int, every: int
) -> Iterator[Any]:
    """Unsaved messages; the first of the people has one of ``every``."""
    from chat.models import Conversation, Message

    began = datetime(2026, 1, 1, tzinfo=UTC)
    in_han, choice = han_texts(Random(SEED), han_vocabulary(Random(SEED))), Random(SEED)
    current: dict[Any, tuple[Any, int]] = {}
    for number, text in enumerate(islice(texts(random, words), messages)):
        is_one = number % every == 0
        owner = people[0] if is_one else random.choice(people[1:])
        talk, count = current.get(owner.pk, (None, 0))
        if talk is None or count == PER_CONVERSATION:
            talk, count = Conversation(owner=owner, title=text[:60]), 0
        current[owner.pk] = (talk, count + 1)
        if is_one and number < messages / 2 and number // every % 5 == 0:
            text = f"{text} {OLD_TOPIC}"  # noqa: PLW2901 - the same text with a word more
        if choice.random() < WITH_HAN:
            text = f"{text} {next(in_han)}"  # noqa: PLW2901
        said_at = began + timedelta(seconds=number)
        yield Message(
            conversation=talk, owner=owner, role="user", text=text, created_at=said_at
        )


def cases(words: list[str], random: Random) -> dict[str, Callable[[], str]]:
    """What is searched for, each time another."""
    frequent = [word for word in FREQUENT if len(word) > 3]
    middling, rare = words[500:3000], words[len(words) // 2 :]
    han = han_vocabulary(Random(SEED))

    def two() -> str:
        lists = random.choice(
            ((frequent, frequent), (frequent, rare), (middling, middling))
        )
        return " ".join(map(random.choice, lists))

    def prefix() -> str:
        return random.choice(words)[: random.randint(1, 5)]

    return {
        "a common word": lambda: random.choice(frequent),
        "a rare word": lambda: random.choice(rare),
        "two words": two,
        "a prefix": prefix,
        "a word nobody wrote": lambda: f"{random.choice(rare)}qx",
        "a topic of long ago": lambda: OLD_TOPIC,
        "a common word in text without spaces": lambda: random.choice(han[:40]),
        "a rare word in text without spaces": lambda: random.choice(han[5000:]),
    }


def measure(searches: int) -> list[dict[str, Any]]:
    """Median and p95 in milliseconds, and how many hits there were in the median."""
    from chat.models import User
    from chat.services.search.results import search

    owner = User.objects.get(username=OWNER.format(0)).pk
    random = Random(SEED)
    pid = _server_pid()
    figures = []
    for name, typed in cases(vocabulary(random), random).items():
        search(owner, typed())
        seconds, cpu, found = [], [], []
        for _ in range(searches):
            text = typed()
            began, cpu_began = time.perf_counter(), _cpu_seconds(pid)
            hits = search(owner, text)
            seconds.append(time.perf_counter() - began)
            cpu.append(_cpu_seconds(pid) - cpu_began)
            found.append(len(hits.hits))
        figures.append(
            {
                "search": name,
                "hits": percentile(found, 0.5),
                "median_ms": 1000 * percentile(seconds, 0.5),
                "p95_ms": 1000 * percentile(seconds, 0.95),
                "cpu_median_ms": 1000 * percentile(cpu, 0.5),
                "cpu_p95_ms": 1000 * percentile(cpu, 0.95),
            }
        )
    return figures


def _server_pid() -> int | None:
    """The process of PostgreSQL that serves this connection, if it runs here."""
    from django.db import connection

    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = int(cursor.fetchone()[0])
    return pid if Path(f"/proc/{pid}/schedstat").exists() else None


def _cpu_seconds(server_pid: int | None) -> float:
    if server_pid is None:
        return time.process_time()
    nanoseconds = Path(f"/proc/{server_pid}/schedstat").read_text().split()[0]
    return time.process_time() + int(nanoseconds) / 1e9


def cost_of_sending() -> dict[str, float]:
    """CPU to save a prompt and a reply, in ms; with triggers and without, by turns."""
    from chat.models import User

    pid = _server_pid()
    owner = User.objects.guest(uuid.uuid4())
    said = texts(Random(SEED), vocabulary(Random(SEED)))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS):
        has_triggers = number % 2 == 0
        _switch_triggers(is_on=has_triggers)
        for _ in range(SENDS):
            began = _cpu_seconds(pid)
            _save(owner, next(said), next(said))
            seconds[has_triggers].append(_cpu_seconds(pid) - began)
    _switch_triggers(is_on=True)
    return {
        "with_ms": 1000 * percentile(seconds[True], 0.5),
        "with_p95_ms": 1000 * percentile(seconds[True], 0.95),
        "without_ms": 1000 * percentile(seconds[False], 0.5),
        "without_p95_ms": 1000 * percentile(seconds[False], 0.95),
    }


def _save(owner: Any, prompt: str, answer: str) -> None:
    """The rows of a send, and later the text of its reply, in two transactions."""
    from django.db import transaction

    from chat.models import Conversation, Message

    with transaction.atomic():
        talk = Conversation.objects.create(owner=owner, title=prompt[:60])
        mine = {"conversation": talk, "owner": owner}
        asked = Message.objects.create(role="user", text=prompt, **mine)
        reply = Message.objects.create(role="assistant", parent=asked, **mine)
    with transaction.atomic():
        Message.objects.filter(pk=reply.pk).update(text=answer)


def _switch_triggers(*, is_on: bool) -> None:
    from django.db import connection

    from chat.migrations import _search_sqlite

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            change = "ENABLE" if is_on else "DISABLE"
            for table in ("chat_message", "chat_conversation"):
                cursor.execute(f"ALTER TABLE {table} {change} TRIGGER USER")
            return
        for trigger in _search_sqlite.OF_WHAT_IS_SAID:
            name = trigger.split()[5]
            cursor.execute(trigger if is_on else f"DROP TRIGGER IF EXISTS {name}")


def _switch_index_triggers(*, is_on: bool) -> None:
    from django.db import connection

    from chat.migrations import _search_sqlite

    with connection.cursor() as cursor:
        for trigger in _search_sqlite.OF_THE_INDEX:
            name = trigger.split()[5]
            cursor.execute(trigger if is_on else f"DROP TRIGGER IF EXISTS {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--of-one", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--database", default="")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatsite-search-") as folder:
        _set_up(asked.database or f"sqlite:///{folder}/search.sqlite3", folder)
        indexing = _prepare(asked.messages, asked.of_one)
        figures = measure(asked.searches)
        cost = cost_of_sending()
    _show(figures, cost)
    if indexing:
        print(f"\nIndexing all of them took {indexing:.0f} s")
    if asked.json:
        told = {"searches": figures, "send": cost, "indexing_seconds": indexing}
        asked.json.write_text(json.dumps(told))


def _prepare(messages: int, of_one: int) -> float | None:
    """How many seconds indexing took; None if all was there already."""
    from chat.models import Passage

    if Passage.objects.exists():
        return None
    fill(messages, of_one)
    return index()


def _set_up(database: str, folder: str) -> None:
    os.environ |= {
        "DATABASE_URL": database,
        "DATA_DIR": folder,
        "CHAT_MODEL": "scripted",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _show(figures: list[dict[str, Any]], cost: dict[str, float]) -> None:
    print("| search | hits shown | median, ms | p95, ms | CPU: median | p95 |")
    print("|---|---|---|---|---|---|")
    names = ("median_ms", "p95_ms", "cpu_median_ms", "cpu_p95_ms")
    for row in figures:
        times = " | ".join(f"{row[name]:.1f}" for name in names)
        print(f"| {row['search']} | {row['hits']} | {times} |")
    print(
        f"\nCPU to save a prompt and its reply: {cost['with_ms']:.2f} ms "
        f"(p95 {cost['with_p95_ms']:.2f}), without triggers {cost['without_ms']:.2f} "
        f"(p95 {cost['without_p95_ms']:.2f})"
    )


def _say(text: str) -> None:
    print(f"\r{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
