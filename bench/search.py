"""Measures searches among very many messages, and the cost of indexing them.

    python -m bench.search [--messages 1000000] [--of-one 100000] [--searches 50]
                           [--database postgres://… | sqlite:///…] [--json FILE]

Without ``--database`` it uses SQLite in a temporary folder. A database that is named is
filled and keeps its data; one that was filled before is only measured again. One owner
has ``--of-one`` of the messages, spread among those of others. The messages are indexed
as the migration does it. Times are those of ``chat.services.search.results.search``,
with snippets. CPU times, which matter on busy machines, are those of this process and
of the database server's process for it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from bench.measurement import percentile
from bench.random_texts import FREQUENT, han_vocabulary, texts, vocabulary
from bench.search_data import OLD_TOPIC, OWNER, SEED, fill, index, switch_triggers

SENDS, ROUNDS = 20, 10


def cases(words: list[str], random: Random) -> dict[str, Callable[[], str]]:
    """Return for each kind of search a function that makes a new query."""
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
        "a word that does not occur": lambda: f"{random.choice(rare)}qx",
        "a topic of long ago": lambda: OLD_TOPIC,
        "a common word in text without spaces": lambda: random.choice(han[:40]),
        "a rare word in text without spaces": lambda: random.choice(han[5000:]),
    }


def measure(searches: int) -> list[dict[str, Any]]:
    """Search ``searches`` times for each kind.

    Returns median and p95 in milliseconds, and the median number of hits.
    """
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
    """Return the id of PostgreSQL's process for this connection, if it runs here."""
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
    """Measure CPU time to save a message and a reply, with and without triggers.

    The two are measured in turn. Milliseconds.
    """
    from chat.models import User

    pid = _server_pid()
    owner = User.objects.guest(uuid.uuid4())
    random_texts = texts(Random(SEED), vocabulary(Random(SEED)))
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS):
        has_triggers = number % 2 == 0
        switch_triggers(is_on=has_triggers)
        for _ in range(SENDS):
            began = _cpu_seconds(pid)
            _save(owner, next(random_texts), next(random_texts))
            seconds[has_triggers].append(_cpu_seconds(pid) - began)
    switch_triggers(is_on=True)
    return {
        "with_ms": 1000 * percentile(seconds[True], 0.5),
        "with_p95_ms": 1000 * percentile(seconds[True], 0.95),
        "without_ms": 1000 * percentile(seconds[False], 0.5),
        "without_p95_ms": 1000 * percentile(seconds[False], 0.95),
    }


def _save(owner: Any, prompt: str, answer: str) -> None:
    """Save the rows of a message, then the text of its reply, in two transactions."""
    from django.db import transaction

    from chat.models import Conversation, Message

    with transaction.atomic():
        conversation = Conversation.objects.create(owner=owner, title=prompt[:60])
        common = {"conversation": conversation, "owner": owner}
        message = Message.objects.create(role="user", text=prompt, **common)
        reply = Message.objects.create(role="assistant", parent=message, **common)
    with transaction.atomic():
        Message.objects.filter(pk=reply.pk).update(text=answer)


def main() -> None:
    """Fill a database if needed, measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--of-one", type=int, default=100_000)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--database", default="")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatsite-search-") as folder:
        set_up(options.database or f"sqlite:///{folder}/search.sqlite3", folder)
        indexing = _prepare(options.messages, options.of_one)
        figures = measure(options.searches)
        cost = cost_of_sending()
    _show(figures, cost)
    if indexing:
        print(f"\nIndexing all of them took {indexing:.0f} s")
    if options.json:
        figures_by_name = {
            "searches": figures,
            "send": cost,
            "indexing_seconds": indexing,
        }
        options.json.write_text(json.dumps(figures_by_name))


def _prepare(messages: int, of_one: int) -> float | None:
    """Fill and index an empty database.

    Returns the seconds that indexing took; None if the database was filled before.
    """
    from chat.models import Passage

    if Passage.objects.exists():
        return None
    fill(messages, of_one)
    return index()


def set_up(database: str, folder: str, **further: str) -> None:
    """Start Django with a database and further settings, and make its tables."""
    os.environ |= {
        "DATABASE_URL": database,
        "DATA_DIR": folder,
        "CHAT_MODEL": "scripted",
        "DJANGO_SETTINGS_MODULE": "chatsite.settings",
        **further,
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
        f"\nCPU to save a message and its reply: {cost['with_ms']:.2f} ms "
        f"(p95 {cost['with_p95_ms']:.2f}), without triggers {cost['without_ms']:.2f} "
        f"(p95 {cost['without_p95_ms']:.2f})"
    )


if __name__ == "__main__":
    main()
