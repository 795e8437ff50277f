"""Measures replies a minute, waits and overheads with 1, 2, 4 and 8 workers.

    python -m bench.system [--workers 1,2,4,8] [--seconds 25] [--json FILE]

Starts a whole site for each number of workers: Valkey, one web process, the keeper,
and worker processes with the scripted engine, which write one reply at a time at the
pace of ``WORDS`` and ``WORD_SECONDS``. Three people for each worker send, watch the
page until the reply is there, and send again, so that replies always wait. The people
share the machine with the site.

    python -m bench.system.tutorial    # a view that calls a pipeline, in the same load
    python -m bench.system.claimers    # 200 workers that only claim and finish
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from bench.cpu_times import CpuTimes
from bench.measurement import percentile
from bench.site import UNLIMITED, RunningSite, running_site
from bench.system import WORD_SECONDS, WORDS
from bench.system.options import Options
from bench.system.people import Seen, crowd
from bench.system.times import ReplyTimes, overheads, per_minute, read

TEXT = f"how fast is it [words={WORDS}] [delay={WORD_SECONDS}]"
PEOPLE_PER_WORKER = 3
START_SECONDS = 60
#: Replies that began in this time are not counted: people begin all at once.
WARM_SECONDS = 3.0


def measure(workers: int, seconds: float) -> dict[str, Any]:
    """Measure one site with so many workers. Times in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder:
        with running_site(
            Path(folder), settings=UNLIMITED, workers=workers, rows=1
        ) as site:
            _wait_for_workers(site, workers)
            cpu, scripts, began = CpuTimes(site.pids), _scripts(site), time.time()
            people = PEOPLE_PER_WORKER * workers
            seen = asyncio.run(crowd(site.url, people, seconds, TEXT))
            used = cpu.used()
            scripts = _scripts(site) - scripts
        replies = read(Path(folder) / "chatsite.sqlite3")
    counted = [one for one in replies if one.started > began + WARM_SECONDS]
    ended = sum(one.finished > began for one in replies)
    return {
        "workers": workers,
        "people": people,
        **_figures(counted, seen),
        "cpu_ms_per_reply": {
            name: round(1000 * one / max(1, ended), 1) for name, one in used.items()
        },
        "redis_scripts_per_reply": round(scripts / max(1, ended), 1),
    }


def _figures(replies: Sequence[ReplyTimes], seen: Seen) -> dict[str, Any]:
    between = overheads(replies, WORD_SECONDS)
    ideal = 60 / (WORDS * WORD_SECONDS)
    of = {one.conversation: one for one in replies}
    return {
        "replies": len(replies),
        "errors": len(seen.errors),
        "replies_per_minute": round(per_minute(replies), 1),
        "ideal_for_each_worker": ideal,
        "free_to_claim_ms": _ms(between.to_claim),
        "free_to_text_ms": _ms(between.to_text),
        "page_ms": _ms(seen.pages),
        "sent_to_first_text_ms": _ms(
            [of[c].first_text - sent for c, sent in seen.sent.items() if c in of]
        ),
        "sent_to_queued_ms": _ms(
            [of[c].queued - sent for c, sent in seen.sent.items() if c in of]
        ),
        "text_to_shown_ms": _ms(
            [s - of[c].first_text for c, s in seen.first_text.items() if c in of]
        ),
        "end_to_shown_ms": _ms(
            [shown - of[c].finished for c, shown in seen.end.items() if c in of]
        ),
    }


def _scripts(site: RunningSite) -> int:
    """Return how many scripts Redis has run."""
    with redis.Redis.from_url(site.environment["REDIS_URL"]) as client:
        found: Any = client.info("commandstats")
    return int(found.get("cmdstat_evalsha", {"calls": 0})["calls"])


def _ms(seconds: Sequence[float]) -> dict[str, float]:
    return {
        name: round(1000 * percentile(seconds, share), 1)
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }


def _wait_for_workers(site: RunningSite, count: int) -> None:
    """Wait until so many workers announce that they are ready."""
    client = redis.Redis.from_url(site.environment["REDIS_URL"], decode_responses=True)
    deadline = time.monotonic() + START_SECONDS
    while True:
        found = client.hvals("mailbox:workers:scripted")
        if sum('"ready"' in str(one) for one in found) >= count:
            break
        if time.monotonic() > deadline:
            raise RuntimeError(f"only {found} of {count} workers are ready")
        time.sleep(0.1)
    client.close()


def table(found: Sequence[dict[str, Any]]) -> str:
    """Format the figures as a Markdown table."""
    lines = [
        (
            "| workers | replies a minute | × | of the pace | free → claimed, ms"
            " | free → next text, ms, p50 / p95 | sent → first text, s"
            " | first text → shown, ms | last token → shown, ms | page, ms | errors |"
        ),
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    before = 0.0
    for one in found:
        rate, text = one["replies_per_minute"], one["free_to_text_ms"]
        ideal = one["ideal_for_each_worker"] * one["workers"]
        lines.append(
            f"| {one['workers']} | {rate:.0f} | {rate / before if before else 1:.2f}"
            f" | {rate / ideal:.1%} | {one['free_to_claim_ms']['p50']:.0f}"
            f" | {text['p50']:.0f} / {text['p95']:.0f}"
            f" | {one['sent_to_first_text_ms']['p50'] / 1000:.1f}"
            f" | {one['text_to_shown_ms']['p50']:.0f}"
            f" | {one['end_to_shown_ms']['p50']:.0f}"
            f" | {one['page_ms']['p50']:.0f} | {one['errors']} |"
        )
        before = rate
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure with each number of workers, and print the table."""
    options = Options.read("bench.system", arguments, seconds=25)
    found = []
    for workers in options.workers:
        found.append(measure(workers, options.seconds))
        print(json.dumps(found[-1]), file=sys.stderr, flush=True)
    print(f"Load of the machine: {os.getloadavg()[0]:.1f}\n\n{table(found)}")
    options.write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
