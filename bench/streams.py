"""Measures many open streams of the API: what they cost, and what they delay.

    python -m bench.streams [--streams 500] [--pages 100] [--seconds 20] [--rounds 2]
                            [--json FILE]

Starts a whole site: Valkey, one web process, the keeper and a worker with the scripted
engine of eight rows, so that eight streams are written while the others wait. Beside
them pages wait and poll. Rounds with and without streams take turns. An observer reads
the lengths of the texts in Valkey, and so knows when the worker has written what a
client receives.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import redis.asyncio

from bench.measurement import percentile
from bench.site import UNLIMITED, RunningSite, running_site, shell
from bench.waiting_pages import WAITING, Load, Visitor

OBSERVED_SECONDS = 0.005
WRITTEN = "[words=4000] [delay=0.03] written while it is read"
MAKE_KEY = """
from chat.accounts.api_keys import make_key
from chat.models import User
owner = User.objects.create_user("bench", password=None)
print(make_key(owner, "bench", can_batch=True, can_read_history=True)[1])
"""


@dataclass
class Stream:
    """What one client received, with times of the monotonic clock."""

    first_byte_seconds: float = 0.0
    reply: str = ""
    #: When so many bytes of text were there.
    received: list[tuple[float, int]] = field(default_factory=list)


async def read_stream(
    session: aiohttp.ClientSession, key: str, streams: list[Stream]
) -> None:
    """Open one stream and read it until cancelled."""
    stream, length = Stream(), 0
    streams.append(stream)
    began = time.monotonic()
    body = {
        "model": "scripted",
        "messages": [{"role": "user", "content": WRITTEN}],
        "stream": True,
        "max_tokens": 4000,
    }
    headers = {"Authorization": f"Bearer {key}"}
    async with session.post("/v1/chat/completions", json=body, headers=headers) as got:
        got.raise_for_status()
        async for line in got.content:
            now = time.monotonic()
            stream.first_byte_seconds = stream.first_byte_seconds or now - began
            if not line.startswith(b"data: {"):
                continue
            chunk = json.loads(line[6:])
            stream.reply = str(UUID(chunk["id"].partition("-")[2]))
            if text := chunk["choices"][0]["delta"].get("content"):
                length += len(text.encode())
                stream.received.append((now, length))


async def observe(
    client: redis.asyncio.Redis, streams: list[Stream], written: dict[str, list[Any]]
) -> None:
    """Note when the texts of streams that receive something have grown."""
    while True:
        growing = [one.reply for one in streams if one.received]
        if growing:
            pipe = client.pipeline(transaction=False)
            for reply in growing:
                pipe.strlen(f"mailbox:text:{reply}")
            now = time.monotonic()
            for reply, length in zip(growing, await pipe.execute(), strict=True):
                known = written.setdefault(reply, [])
                if not known or known[-1][1] < length:
                    known.append((now, length))
        await asyncio.sleep(OBSERVED_SECONDS)


def delays(streams: Sequence[Stream], written: dict[str, list[Any]]) -> list[float]:
    """Return for each growth of a text how much later its client had it, in seconds."""
    found = []
    for stream in streams:
        received = iter(stream.received)
        now, length = 0.0, -1
        # The first growth was seen only after the client had something.
        for when, written_length in written.get(stream.reply, [])[1:]:
            while length < written_length and (following := next(received, None)):
                now, length = following
            if length >= written_length:
                found.append(max(0.0, now - when))
    return found


async def measure(
    site: RunningSite, key: str, streams: int, pages: int, seconds: float
) -> dict[str, Any]:
    """Measure polls of ``pages`` beside so many open streams."""
    load, opened, written = Load(), [], {}  # type: Load, list[Stream], dict[str, Any]
    timeout = aiohttp.ClientTimeout(None)
    client = redis.asyncio.from_url(site.environment["REDIS_URL"])
    async with (
        aiohttp.TCPConnector(limit=0) as connector,
        aiohttp.ClientSession(
            site.url, connector=connector, connector_owner=False, timeout=timeout
        ) as session,
    ):
        tasks = []
        for _ in range(streams):
            tasks.append(asyncio.create_task(read_stream(session, key, opened)))
            await asyncio.sleep(0.02)
        visitors = [Visitor(site.url, connector, load) for _ in range(pages)]
        for visitor in visitors:
            if conversation := await visitor.send(WAITING):
                tasks.append(asyncio.create_task(visitor.watch(conversation)))
        tasks.append(asyncio.create_task(observe(client, opened, written)))
        await asyncio.sleep(2)
        before = await _commands(client)
        load.is_counted = True
        await asyncio.sleep(seconds)
        load.is_counted = False
        trips = (await _commands(client) - before) / seconds
        threads, megabytes = _threads(site.web_pid), site.process_megabytes()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for visitor in visitors:
            await visitor.close()
        await client.aclose()
    late = delays(opened, written)
    return {
        "streams": streams,
        "pages": pages,
        "written": sum(bool(one.received) for one in opened),
        "first_byte_p50_ms": _milliseconds([s.first_byte_seconds for s in opened], 0.5),
        "first_byte_p99_ms": _milliseconds(
            [s.first_byte_seconds for s in opened], 0.99
        ),
        "chunks": len(late),
        "chunk_delay_p50_ms": _milliseconds(late, 0.5),
        "chunk_delay_p95_ms": _milliseconds(late, 0.95),
        "live_trips_per_second": round(trips, 1),
        "polls": len(load.polls),
        "poll_p50_ms": _milliseconds(load.polls, 0.5),
        "poll_p99_ms": _milliseconds(load.polls, 0.99),
        "errors": len(load.errors),
        "threads": threads,
        "process_mb": round(megabytes),
    }


async def _commands(client: redis.asyncio.Redis) -> int:
    """How many scripts Valkey has run."""
    stats = await client.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


def _threads(gunicorn: int) -> int:
    """The threads of the first web process."""
    children = Path(f"/proc/{gunicorn}/task/{gunicorn}/children").read_text().split()
    return len(list(Path(f"/proc/{children[0]}/task").iterdir()))


def _milliseconds(seconds: Sequence[float], share: float) -> float:
    return round(1000 * percentile(seconds, share), 1) if seconds else 0.0


def make_key(site: RunningSite) -> str:
    """Make an account and a key for it; return its secret."""
    return shell(site, MAKE_KEY).split()[-1]


def main(arguments: Sequence[str]) -> None:
    """Measure in turns without and with streams, and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.streams")
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    limits = {name.replace("GUEST", "ACCOUNT"): "off" for name in UNLIMITED}
    settings = {**UNLIMITED, **limits, "REPLY_MAX_TOKENS": "4000"}
    settings["WEB_CONNECTIONS_PER_NETWORK"] = "2000"
    found = []
    for streams in (0, options.streams) * options.rounds:
        with (
            tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
            running_site(Path(folder), settings=settings) as site,
        ):
            key = make_key(site)
            run = asyncio.run(
                measure(site, key, streams, options.pages, options.seconds)
            )
        found.append(run)
        print(json.dumps(run), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
