"""Measures whether Redis and the keeper keep up with 200 workers.

    python -m bench.system.claimers [--workers 200] [--seconds 30] [--reply-seconds 4]
                                    [--json FILE]

Starts Valkey and the keeper. The workers are threads of a few processes: each announces
itself once a second, claims the first reply in line, writes text every tenth of a
second as a worker does, ends the reply after its time, and claims again. The replies
are rows with entries in the mailbox, made before the measurement, so that no web server
takes part. It measures how many replies end, how many of these wait for the keeper, the
CPU of both programs, and how long a claim takes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from bench.cpu_times import CpuTimes
from bench.measurement import percentile
from bench.site import UNLIMITED, RunningSite, running_site, shell

MODEL = "scripted"
PROCESSES = 4
FLUSH_SECONDS = 0.1
#: More than the workers can end in the time.
SPARE = 1.3
TEXT = "a word or two more "
MAKE_REPLIES = """
import uuid
from django.db import transaction
from chat.models import Conversation, Message, Reply, User
from chat.services.jobs.publish import _enqueue
owners = [User.objects.guest(uuid.uuid4()) for _ in range(200)]
made = []
with transaction.atomic():
    for number in range({count}):
        owner = owners[number % len(owners)]
        talk = Conversation.objects.create(owner=owner, title="bench")
        said = Message.objects.create(
            conversation=talk, owner=owner, role="user", text="how fast is it")
        reply = Message.objects.create(
            conversation=talk, owner=owner, parent=said, role="assistant")
        made.append(Reply.objects.create(
            message=reply, state="queued", model="scripted", seed=1))
for reply in made:
    _enqueue(reply, reply.message.conversation)
print(len(made))
"""


def work(
    threads: int,
    names: str,
    reply_seconds: float,
    end: Any,
    claims: Any,
) -> None:
    """Run so many workers as threads of this process until ``end`` is set."""
    from chatsite import startup

    startup.begin()
    found: list[float] = []
    running = [
        threading.Thread(
            target=_worker, args=[f"{names}-{n}", reply_seconds, end, found]
        )
        for n in range(threads)
    ]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    claims.put(found)


def _worker(name: str, reply_seconds: float, end: Any, claims: list[float]) -> None:
    from chatsite import wire
    from chatsite.mailbox import MailboxAway, open_mailbox

    box = open_mailbox()
    said = wire.Announcement(
        name, MODEL, "Scripted", wire.Stage.READY, rows=1, tokens_per_second=33.0
    )
    announced = 0.0
    while not end.is_set():
        try:
            if time.monotonic() - announced > 1:
                box.announce(said)
                announced = time.monotonic()
            began = time.monotonic()
            claim = box.claim(MODEL, name, 15)
            claims.append(time.monotonic() - began)
            if claim is None:
                end.wait(0.2)
            else:
                _write(claim, reply_seconds, box)
        except MailboxAway:
            end.wait(1)


def _write(claim: Any, reply_seconds: float, box: Any) -> None:
    from chatsite import wire
    from chatsite.mailbox.results import Write

    length = 0
    for _ in range(round(reply_seconds / FLUSH_SECONDS)):
        time.sleep(FLUSH_SECONDS)
        box.write([Write(claim.reply, claim.token, length, TEXT, 4, "", 0)], 15)
        length += len(TEXT)
    ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=4, new_tokens=40)
    box.finish(Write(claim.reply, claim.token, length, "", 40, "", 0), ending)


def measure(workers: int, seconds: float, reply_seconds: float) -> dict[str, Any]:
    """Measure for a time; return rates a second, and CPU in percent of a core."""
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(
            Path(folder), settings=UNLIMITED, only=("valkey", "keeper", "web")
        ) as site,
    ):
        count = int(SPARE * workers * (seconds + 5) / reply_seconds)
        shell(site, MAKE_REPLIES.format(count=count))
        return _with_workers(site, workers, seconds, reply_seconds)


def _with_workers(
    site: RunningSite, workers: int, seconds: float, reply_seconds: float
) -> dict[str, Any]:
    os.environ.update(site.environment)
    context = multiprocessing.get_context("spawn")
    end, claims = context.Event(), context.Queue()
    share = workers // PROCESSES
    processes = [
        context.Process(target=work, args=[share, f"w{n}", reply_seconds, end, claims])
        for n in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    client = redis.Redis.from_url(site.environment["REDIS_URL"], decode_responses=True)
    _wait_for(client, workers)
    cpu = CpuTimes({name: site.pids[name] for name in ("valkey", "keeper")})
    before, began = _ended(client), time.monotonic()
    behind = []
    while (took := time.monotonic() - began) < seconds:
        time.sleep(0.5)
        behind.append(float(client.scard("mailbox:finished")))
    used, ended = cpu.used(), _ended(client) - before
    end.set()
    times = [one for _ in processes for one in claims.get()]
    for process in processes:
        process.join()
    client.close()
    return {
        "workers": workers,
        "ended_per_second": round(ended / took, 1),
        "behind_p50": percentile(behind, 0.5),
        "behind_last": behind[-1],
        "claim_p50_ms": round(1000 * percentile(times, 0.5), 1),
        "claim_p99_ms": round(1000 * percentile(times, 0.99), 1),
        "cpu_percent": {
            name: round(100 * seconds / took) for name, seconds in used.items()
        },
    }


def _wait_for(client: Any, workers: int) -> None:
    while client.hlen(f"mailbox:workers:{MODEL}") < workers // PROCESSES * PROCESSES:
        time.sleep(0.1)
    time.sleep(2)


def _ended(client: Any) -> int:
    """Return how many replies have left the line and are not being written."""
    waiting = client.zcard(f"mailbox:line:{MODEL}")
    return -int(waiting + client.zcard("mailbox:leases"))


def main(arguments: Sequence[str]) -> None:
    """Measure once and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.system.claimers")
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--reply-seconds", type=float, default=4)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    found = measure(options.workers, options.seconds, options.reply_seconds)
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
