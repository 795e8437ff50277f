"""How many pages may wait at once: polls of one web process while others send.

    python -m bench.pages [--pages 50,100,500,1000] [--seconds 60] [--rate 20]
                          [--json FILE]

A whole site on this machine: Valkey, one web process, the keeper and a worker with the
scripted engine. Every page waits in line for a reply of its own and asks again after the
delay the server gives it, as a browser does; meanwhile ``--rate`` prompts a second are
sent by others. Whoever asks shares the machine with the site.
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
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from bench.measured import percentile
from bench.site import running_site

SENDERS = 80
PATIENCE_SECONDS = 10
DELAY = re.compile(r"load delay:(\d+)ms")
POLLER = re.compile(r'<div id="poller".*?</div>', re.DOTALL)
INPUT = re.compile(r'name="(\w+)"\s+value="([^"]*)"')
#: The line moves while they wait: a few of these end every second.
WAITING = "waiting [words=40] [delay=0.05]"
SENT = "sent meanwhile [words=40] [delay=0.05]"


@dataclass
class Load:
    """What was asked, and how it went. Times in seconds."""

    polls: list[float] = field(default_factory=list)
    sends: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Visitor:
    """One browser with a cookie of its own."""

    def __init__(self, client: httpx.AsyncClient, load: Load) -> None:
        self._client = client
        self._load = load
        self._cookies: dict[str, str] = {}
        self.conversation = ""

    async def send(self, text: str, times: list[float] | None = None) -> None:
        """A prompt, in a conversation of its own."""
        answer = await self._ask(
            "POST",
            "/api/v1/messages",
            times,
            json={"text": text},
            headers={"Idempotency-Key": uuid4().hex},
        )
        if answer is not None:
            self.conversation = answer.json()["conversation"]

    async def watch(self, until: float) -> None:
        """The page of the conversation, and its polls until ``until``."""
        page = await self._ask("GET", f"/c/{self.conversation}/", None)
        while page is not None and (poller := POLLER.search(page.text)):
            delay = DELAY.search(poller[0])
            wait_seconds = int(delay[1]) / 1000 if delay else 20
            if time.monotonic() + wait_seconds > until:
                return
            await asyncio.sleep(wait_seconds)
            known = [(name, unescape(value)) for name, value in INPUT.findall(poller[0])]
            page = await self._ask(
                "GET",
                "/poll/",
                self._load.polls,
                params=known,
                headers={"HX-Request": "true"},
            )

    async def _ask(
        self, method: str, path: str, times: list[float] | None, **more: Any
    ) -> httpx.Response | None:
        headers = more.pop("headers", {})
        if self._cookies:
            pairs = (f"{name}={value}" for name, value in self._cookies.items())
            headers["Cookie"] = "; ".join(pairs)
        began = time.monotonic()
        try:
            answer = await self._client.request(method, path, headers=headers, **more)
        except httpx.HTTPError as error:
            self._load.errors.append(f"{method} {path}: {type(error).__name__}")
            return None
        if times is not None:
            times.append(time.monotonic() - began)
        self._cookies.update(answer.cookies)
        if answer.status_code not in (200, 202):
            self._load.errors.append(f"{method} {path}: {answer.status_code}")
            return None
        return answer


def _client(url: str) -> httpx.AsyncClient:
    """One for all visitors, which keeps no cookies of theirs."""
    return httpx.AsyncClient(
        base_url=url,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=PATIENCE_SECONDS,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
    )


async def _at_rate(count: float, seconds: float, senders: Sequence[Visitor]) -> None:
    """Send so many prompts a second, whether or not the answers come."""
    tasks = []
    began = time.monotonic()
    for number in range(int(count * seconds)):
        await asyncio.sleep(max(0, began + number / count - time.monotonic()))
        sender = senders[number % len(senders)]
        tasks.append(asyncio.create_task(sender.send(SENT, sender._load.sends)))
    await asyncio.gather(*tasks)


async def measure(url: str, pages: int, seconds: float, rate: float) -> dict[str, Any]:
    load = Load()
    async with _client(url) as client:
        visitors = [Visitor(client, load) for _ in range(pages)]
        senders = [Visitor(client, load) for _ in range(SENDERS)]
        for visitor in (*visitors, *senders):
            await visitor.send(WAITING)
        until = time.monotonic() + seconds
        await asyncio.gather(
            *(visitor.watch(until) for visitor in visitors),
            _at_rate(rate, seconds, senders),
        )
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
    parser = argparse.ArgumentParser(prog="python -m bench.pages")
    parser.add_argument("--pages", default="50,100,500,1000", help="one run for each")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="prompts a second")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args(arguments)
    found = []
    for pages in map(int, given.pages.split(",")):
        with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
            with running_site(Path(folder)) as site:
                run = asyncio.run(measure(site.url, pages, given.seconds, given.rate))
                run["web_mb"] = round(site.web_megabytes())
        found.append(run)
        print(json.dumps(run), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
