"""Measures requests of one user while slow clients keep the web server waiting.

    python -m bench.beside_slow_clients [--slow 500] [--seconds 30] [--posts 200]
                                        [--json FILE]

Starts a whole site like ``make run``, without a proxy. One user opens a page, polls and
sends, on kept and on new connections: first alone, then beside ``--slow`` clients of
five kinds (``bench/slow_clients.py``) from ten addresses, then beside as many from the
user's own address. At the end it sends ``--posts`` forms of 4 MB, 32 at once, and reads
the memory of the web server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from bench.measurement import percentile
from bench.site import RunningSite, running_site
from bench.waiting_pages import INPUT, POLLER

PATIENCE_SECONDS = 10
PAUSE_SECONDS = 0.05
SETTLE_SECONDS = 5
POST_BYTES = 4_000_000
POSTS_AT_ONCE = 32
SEVERAL_ADDRESSES = [f"127.0.1.{number}" for number in range(1, 11)]
OWN_ADDRESS = ["127.0.0.1"]
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
MESSAGE = "hello [words=3] [delay=0]"


@dataclass
class Latencies:
    """Response times of one user's requests in seconds, by kind."""

    times: dict[str, list[float]] = field(
        default_factory=lambda: {"page": [], "poll": [], "send": []}
    )
    errors: Counter[str] = field(default_factory=Counter)


class User:
    """A user who sends a message, opens the page and polls, again and again."""

    def __init__(self, url: str, latencies: Latencies) -> None:
        self._latencies = latencies
        self._jar = aiohttp.CookieJar(unsafe=True)
        self._url = url
        self._conversation = ""

    async def go_on(self, seconds: float) -> None:
        """Send requests for ``seconds``, in turn on a kept and on a new connection."""
        ends = time.monotonic() + seconds
        connector = aiohttp.TCPConnector()
        async with self._session(connector) as kept:
            while time.monotonic() < ends:
                await self._round(kept)
                async with self._session(aiohttp.TCPConnector()) as new:
                    await self._round(new)

    def _session(self, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            self._url,
            connector=connector,
            cookie_jar=self._jar,
            timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS),
        )

    async def _round(self, session: aiohttp.ClientSession) -> None:
        body: dict[str, str] = {"text": MESSAGE}
        if self._conversation:
            body["conversation"] = self._conversation
        headers = {"Idempotency-Key": uuid4().hex}
        sent = await self._ask(
            session, "send", "POST", "/api/v1/messages", json=body, headers=headers
        )
        if sent:
            self._conversation = json.loads(sent)["conversation"]
        page = await self._ask(session, "page", "GET", f"/c/{self._conversation}/")
        if not (poller := POLLER.search(page)):
            return
        known = [(name, unescape(value)) for name, value in INPUT.findall(poller[0])]
        poll: dict[str, Any] = {"params": known, "headers": {"HX-Request": "true"}}
        for _ in range(3):
            await self._ask(session, "poll", "GET", "/poll/", **poll)

    async def _ask(
        self,
        session: aiohttp.ClientSession,
        kind: str,
        method: str,
        path: str,
        **more: Any,
    ) -> str:
        """Return the body, or an empty string on an error; note the time either way."""
        await asyncio.sleep(PAUSE_SECONDS)
        began = time.monotonic()
        body = ""
        try:
            async with session.request(method, path, **more) as answer:
                body = await answer.text()
                if answer.status not in (200, 202, 204):
                    self._latencies.errors[f"{kind} {answer.status}"] += 1
                    body = ""
        except (aiohttp.ClientError, TimeoutError) as error:
            self._latencies.errors[f"{kind} {type(error).__name__}"] += 1
        self._latencies.times[kind].append(time.monotonic() - began)
        return body


async def measure_beside(
    site: RunningSite, slow: int, addresses: Sequence[str], seconds: float
) -> dict[str, Any]:
    """Measure a user beside ``slow`` clients from these addresses."""
    port = str(urlsplit(site.url).port)
    crowd = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.slow_clients", port, str(slow), *addresses),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    # All are connected, and the server has finished what it does for a new connection.
    await asyncio.sleep(min(SETTLE_SECONDS, seconds) if slow else 0)
    latencies = Latencies()
    await User(site.url, latencies).go_on(seconds)
    counts, _ = await crowd.communicate(b"")
    return _figures(latencies) | json.loads(counts)


def _figures(latencies: Latencies) -> dict[str, Any]:
    found: dict[str, Any] = {"errors": dict(latencies.errors)}
    for kind, times in latencies.times.items():
        found[f"{kind}_count"] = len(times)
        for share in (50, 99):
            milliseconds = 1000 * percentile(times, share / 100)
            found[f"{kind}_p{share}_ms"] = round(milliseconds, 1)
    return found


async def post_large(site: RunningSite, posts: int) -> dict[str, Any]:
    """Send forms of 4 MB, 32 at once; return the answers and the server's memory."""
    before, began = site.web_megabytes(), time.monotonic()
    answers: Counter[str] = Counter()
    most = before
    gate = asyncio.Semaphore(POSTS_AT_ONCE)

    async def post() -> None:
        nonlocal most
        async with gate:
            answers[await _post_one(site.url)] += 1
            most = max(most, site.web_megabytes())

    await asyncio.gather(*(post() for _ in range(posts)))
    seconds = time.monotonic() - began
    await asyncio.sleep(1)
    return {
        "posts": posts,
        "answers": dict(answers),
        "seconds": round(seconds, 1),
        "web_mb_before": round(before),
        "web_mb_most": round(most),
        "web_mb_after": round(site.web_megabytes()),
    }


async def _post_one(url: str) -> str:
    """Send one form; return the status, or the name of the exception."""
    timeout = aiohttp.ClientTimeout(60)
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, timeout=timeout, cookie_jar=jar) as session:
        try:
            async with session.get("/") as home:
                token = CSRF.search(await home.text())
            body = f"csrfmiddlewaretoken={token[1] if token else ''}&text="
            body += "a" * (POST_BYTES - len(body))
            form = BytesIO(body.encode())
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            async with session.post("/send/", data=form, headers=kind) as answer:
                await answer.read()
                return str(answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            return type(error).__name__


async def measure(
    site: RunningSite, *, slow: int, seconds: float, posts: int
) -> dict[str, Any]:
    """Measure all parts and print each one as soon as it is done."""
    found = {}
    for name, count, addresses in (
        ("alone", 0, OWN_ADDRESS),
        ("beside slow clients of ten addresses", slow, SEVERAL_ADDRESSES),
        ("beside slow clients of its own address", slow, OWN_ADDRESS),
    ):
        found[name] = await measure_beside(site, count, addresses, seconds)
        print(json.dumps({name: found[name]}), flush=True)
    found["large"] = await post_large(site, posts)
    print(json.dumps({"large": found["large"]}), flush=True)
    return found


def main(arguments: Sequence[str]) -> None:
    """Start a site and measure it."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside_slow_clients")
    parser.add_argument("--slow", type=int, default=500, help="clients at once")
    parser.add_argument("--seconds", type=float, default=30, help="of each part")
    parser.add_argument("--posts", type=int, default=200, help="forms of 4 MB")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(Path(folder)) as site,
    ):
        found = asyncio.run(
            measure(
                site, slow=options.slow, seconds=options.seconds, posts=options.posts
            )
        )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
