"""Measures the view of the common tutorial, in the load of ``bench.system``.

    python -m bench.system.tutorial [--workers 1,2,4,8] [--seconds 20] [--json FILE]

Gunicorn runs ``bench.system.tutorial_app`` with its defaults and so many workers, each
with a model of its own. Three people for each worker post a prompt, wait for the whole
reply, and post again. Beside them another visitor opens the front page twice a second.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import aiohttp

from bench.measurement import percentile
from bench.site import ROOT
from bench.system import WORDS
from bench.system.options import Options
from bench.system.people import LOOK_SECONDS
from launch.die_with_parent import ended_with_parent

PEOPLE_PER_WORKER = 3
PATIENCE_SECONDS = 30
START_SECONDS = 120


async def _post(
    site: aiohttp.ClientSession, times: list[float], errors: list[str]
) -> None:
    while True:
        began = time.monotonic()
        try:
            async with site.post("/chat", data={"prompt": "how fast is it"}) as answer:
                await answer.text()
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError) as error:
            errors.append(type(error).__name__)
        else:
            times.append(time.monotonic() - began)


async def _look(
    site: aiohttp.ClientSession, times: list[float], errors: list[str]
) -> None:
    while True:
        began = time.monotonic()
        try:
            async with site.get("/") as answer:
                await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            errors.append(type(error).__name__)
        else:
            times.append(time.monotonic() - began)
        await asyncio.sleep(LOOK_SECONDS)


async def _crowd(url: str, people: int, seconds: float) -> dict[str, Any]:
    replies: list[float] = []
    pages: list[float] = []
    errors: list[str] = []
    async with aiohttp.ClientSession(
        url,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(PATIENCE_SECONDS),
    ) as site:
        tasks = [
            asyncio.create_task(_post(site, replies, errors)) for _ in range(people)
        ]
        tasks.append(asyncio.create_task(_look(site, pages, errors)))
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {
        "replies_per_minute": round(60 * len(replies) / seconds),
        "first_text_s": {"p50": _s(replies, 0.5), "p95": _s(replies, 0.95)},
        "page_s": {"p50": _s(pages, 0.5), "p95": _s(pages, 0.95)},
        "errors": len(errors),
    }


def _s(seconds: Sequence[float], share: float) -> float:
    return round(percentile(seconds, share), 2)


@contextmanager
def running(workers: int, folder: str) -> Iterator[str]:
    """Start the tutorial's site with so many workers; its address."""
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = int(trial.getsockname()[1])
    command = [sys.executable, "-m", "gunicorn", "--workers", str(workers)]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    with subprocess.Popen(
        ended_with_parent("TERM", [*command, "bench.system.tutorial_app:application"]),
        cwd=ROOT,
        env={**os.environ, "CACHE": folder, "DJANGO_SETTINGS_MODULE": ""},
    ) as gunicorn:
        try:
            asyncio.run(_wait(f"http://127.0.0.1:{port}", workers))
            yield f"http://127.0.0.1:{port}"
        finally:
            gunicorn.terminate()


async def _wait(url: str, workers: int) -> None:
    """Wait until as many replies as there are workers come back at once."""
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession(url) as site:
        while time.monotonic() < deadline:
            with suppress(aiohttp.ClientError):
                calls = [
                    site.post("/chat", data={"prompt": "hi"}) for _ in range(workers)
                ]
                for answer in await asyncio.gather(*calls):
                    answer.raise_for_status()
                return
            await asyncio.sleep(0.5)
    raise RuntimeError("the site of the tutorial did not start")


def table(found: Sequence[dict[str, Any]]) -> str:
    """Format the figures as a Markdown table."""
    lines = [
        (
            "| workers | replies a minute | first text, s, p50 / p95"
            " | another page, s, p50 / p95 | errors |"
        ),
        "|--:|--:|--:|--:|--:|",
    ]
    for one in found:
        first, page = one["first_text_s"], one["page_s"]
        lines.append(
            f"| {one['workers']} | {one['replies_per_minute']}"
            f" | {first['p50']} / {first['p95']} | {page['p50']} / {page['p95']}"
            f" | {one['errors']} |"
        )
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure with each number of workers, and print the table."""
    options = Options.read("bench.system.tutorial", arguments, seconds=20)
    found = []
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        for workers in options.workers:
            with running(workers, folder) as url:
                run = asyncio.run(
                    _crowd(url, PEOPLE_PER_WORKER * workers, options.seconds)
                )
            found.append({"workers": workers, **run})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(f"{WORDS} tokens a reply\n\n{table(found)}")
    options.write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
