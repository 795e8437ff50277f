"""Measures polls of many waiting pages while others send.

    python -m bench.waiting_pages [--pages 50,100,500,1000] [--seconds 60] [--rate 20]
                          [--processes N] [--json FILE]

Starts a whole site: Valkey, one web process, the keeper and a worker with the scripted
engine. Every page waits in the queue for a reply of its own and polls after the delay
that the server gives it, as a browser does. Meanwhile other clients send ``--rate``
messages a second. The clients share the machine with the site. ``--processes 0`` starts
as many web processes as ``make run`` would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from bench.measurement import percentile
from bench.site import UNLIMITED, running_site

SENDERS = 80
PATIENCE_SECONDS = 10
#: The poll delay of a page to which the server gives none.
IDLE_SECONDS = 20
DELAY = re.compile(r"load delay:(\d+)ms")
POLLER = re.compile(r'<div id="poller".*?</div>', re.DOTALL)
INPUT = re.compile(r'name="(\w+)"\s+value="([^"]*)"')
#: The queue moves while they wait, but few of them are answered within a minute.
WAITING = "waiting [words=200] [delay=0.05]"
SENT = "sent meanwhile [words=40] [delay=0.05]"


@dataclass
class Load:
    """Response times in seconds, and errors."""

    #: False while the pages are being opened.
    is_counted: bool = False
    polls: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Visitor:
    """One client with cookies of its own."""

    def __init__(self, url: str, connector: aiohttp.BaseConnector, load: Load) -> None:
        self._session = aiohttp.ClientSession(
            url,
            connector=connector,
            connector_owner=False,
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS),
        )
        self._load = load

    async def close(self) -> None:
        """Close the session of this client."""
        await self._session.close()

    async def send(self, text: str, times: list[float] | None = None) -> str | None:
        """Send a message in a new conversation; return its id, or None on an error."""
        headers = {"Idempotency-Key": uuid4().hex}
        answer = await self._ask(
            "POST", "/api/v1/messages", times, json={"text": text}, headers=headers
        )
        return None if answer is None else str(json.loads(answer)["conversation"])

    async def watch(self, conversation: str) -> None:
        """Open a conversation and poll until cancelled."""
        page = await self._ask("GET", f"/c/{conversation}/", None)
        while page is not None and (poller := POLLER.search(page)):
            delay = DELAY.search(poller[0])
            wait_seconds = int(delay[1]) / 1000 if delay else IDLE_SECONDS
            await asyncio.sleep(wait_seconds)
            known = [
                (name, unescape(value)) for name, value in INPUT.findall(poller[0])
            ]
            page = await self._ask(
                *("GET", "/poll/", self._load.polls),
                params=known,
                headers={"HX-Request": "true"},
            )

    async def _ask(
        self, method: str, path: str, times: list[float] | None, **more: Any
    ) -> str | None:
        """Return the body; on an error note it and return None."""
        began = time.monotonic()
        try:
            async with self._session.request(method, path, **more) as answer:
                body = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            self._load.errors.append(f"{method} {path}: {type(error).__name__}")
            return None
        if times is not None and self._load.is_counted:
            times.append(time.monotonic() - began)
        if answer.status not in (200, 202):
            self._load.errors.append(f"{method} {path}: {answer.status}")
            return None
        return body


async def _at_rate(
    count: float, seconds: float, senders: Sequence[Visitor], load: Load
) -> None:
    """Send ``count`` messages a second, whether or not answers come."""
    tasks = []
    began = time.monotonic()
    for number in range(int(count * seconds)):
        await asyncio.sleep(max(0, began + number / count - time.monotonic()))
        sender = senders[number % len(senders)]
        tasks.append(asyncio.create_task(sender.send(SENT, load.sends)))
    await asyncio.gather(*tasks)


async def measure(
    url: str, pages: int, seconds: float, rate: float, *, others: int = SENDERS
) -> dict[str, Any]:
    """Measure with ``pages`` waiting pages and ``others`` who send meanwhile.

    Return counts and milliseconds.
    """
    load = Load()
    async with aiohttp.TCPConnector(limit=0) as connector:
        visitors = [Visitor(url, connector, load) for _ in range(pages)]
        senders = [Visitor(url, connector, load) for _ in range(others)]
        for sender in senders:
            await sender.send(WAITING)
        watching = []
        for visitor in visitors:
            if conversation := await visitor.send(WAITING):
                watching.append(asyncio.create_task(visitor.watch(conversation)))
        load.is_counted = True
        await _at_rate(rate, seconds, senders, load)
        load.is_counted = False
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        for visitor in (*visitors, *senders):
            await visitor.close()
    return {
        "pages": pages,
        "seconds": seconds,
        "polls": len(load.polls),
        "sends": len(load.sends),
        "errors": len(load.errors),
        "first_errors": load.errors[:5],
        "poll_p50_ms": round(1000 * percentile(load.polls, 0.5), 1),
        "poll_p99_ms": round(1000 * percentile(load.polls, 0.99), 1),
        "send_p50_ms": round(1000 * percentile(load.sends, 0.5), 1),
        "send_p99_ms": round(1000 * percentile(load.sends, 0.99), 1),
    }


def main(arguments: Sequence[str]) -> None:
    """Run once for each number of pages and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.waiting_pages")
    parser.add_argument("--pages", default="50,100,500,1000", help="one run for each")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="messages a second")
    parser.add_argument("--processes", type=int, default=1, help="0: the default")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    settings = {**UNLIMITED, "WEB_PROCESSES": str(options.processes or "")}
    found = []
    for pages in map(int, options.pages.split(",")):
        with (
            tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
            running_site(Path(folder), settings=settings) as site,
        ):
            run = asyncio.run(measure(site.url, pages, options.seconds, options.rate))
            run["process_mb"] = round(site.process_megabytes())
            run["web_mb"] = round(site.web_megabytes())
        found.append(run)
        print(json.dumps(run), flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
