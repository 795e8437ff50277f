"""Measures how soon a user sees what happened: times from key or worker to the screen.

    python -m bench.perceived_latency [--replies 50] [--json FILE]

Starts a whole site (Valkey, one web process, the keeper, a worker with the scripted
engine) and a Chromium that shows one conversation. The times of the worker are in the
database row of the reply; the first text comes a known time after the start. The times
of the browser are those at which the page changed. Both use the clock of this machine.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from bench import text_flow
from bench.measurement import percentile
from bench.site import running_site
from launch.env.chromium import executable

PATIENCE_MS = 30_000
WORD_SECONDS = 0.03
#: The engine is silent for 0 to this long before its first text, like a model that
#: reads a prompt.
LONGEST_SILENCE_SECONDS = 1.0
#: The longest acceptable waits, in milliseconds at p95.
TARGETS = {"prompt": 100, "first text": 400, "end": 700, "stop": 1500}
MEANINGS = {
    "prompt": "Enter pressed → own message shown",
    "first text": "engine's first text → shown",
    "end": "engine done → finished reply shown",
    "stop": "Stop pressed → “Stopped” shown",
}
#: JavaScript: notes when the message, the first text and the end of the newest reply
#: are first shown.
WATCH = """() => {
  const now = () => (performance.timeOrigin + performance.now()) / 1000;
  const note = (name, of) => {
    const articles = document.querySelectorAll(of);
    const key = `${name} ${articles.length}`;
    if (articles.length) window.seen[key] ??= now();
  };
  window.seen = {};
  window.pressed = 0;
  addEventListener("keydown", () => { window.pressed = now(); }, true);
  addEventListener("pointerdown", () => { window.pressed = now(); }, true);
  new MutationObserver(() => {
    note("prompt", ".message");
    note("first text", ".reply:has(.text:not(:empty))");
    note("end", ".reply:not(.pending)");
    note("stop", ".reply.stopped");
  }).observe(document.getElementById("messages"), {
    childList: true, subtree: true, attributeFilter: ["class"],
  });
}"""


@dataclass
class Latencies:
    """The latencies of each kind of event, in seconds."""

    times: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in TARGETS}
    )

    def note(self, name: str, seconds: float) -> None:
        """Add one latency of the kind ``name``."""
        self.times[name].append(seconds)

    def figures(self) -> dict[str, dict[str, int]]:
        """Return count, p50, p95 and target of each kind, times in milliseconds."""
        return {
            name: {
                "count": len(times),
                "p50_ms": round(1000 * percentile(times, 0.5)),
                "p95_ms": round(1000 * percentile(times, 0.95)),
                "target_ms": TARGETS[name],
            }
            for name, times in self.times.items()
        }


class Conversation:
    """A page with one conversation, and the database behind it."""

    def __init__(self, page: Page, database: Path) -> None:
        self._page = page
        self._database = database
        self._count = 1

    def begin(self) -> None:
        """Send a first message, wait for its reply, and start to watch the page."""
        self._press("first")
        self._page.wait_for_url("**/c/**")
        self._page.locator(".reply.done").wait_for()
        self._page.evaluate(WATCH)

    def reply(self, latencies: Latencies, words: int, first_seconds: float) -> None:
        """Send a message and note the latencies of its reply.

        The engine writes ``words`` words. Its first text comes ``first_seconds`` and
        the time of one word after its start.
        """
        pressed = self._send(
            f"a reply [words={words}] [delay={WORD_SECONDS}] [first={first_seconds}]"
        )
        self._shown("end")
        latencies.note("prompt", self._shown("prompt") - pressed)
        first_shown, end_shown = self._shown("first text"), self._shown("end")
        started_at, finished_at = self._started_and_finished()
        first_text_at = started_at + first_seconds + WORD_SECONDS
        latencies.note("first text", first_shown - first_text_at)
        latencies.note("end", end_shown - finished_at)

    def stop(self, latencies: Latencies) -> None:
        """Stop a long reply and note how soon the page says so."""
        self._send("a long one [words=2000] [delay=0.03]")
        self._shown("first text")
        stopped = self._page.locator(".reply.stopped").count() + 1
        self._page.locator("#stop").click()
        pressed = self._page.evaluate("window.pressed")
        latencies.note("stop", self._seen(f"stop {stopped}") - pressed)

    def _send(self, text: str) -> float:
        """Send a message; return when Enter was pressed."""
        self._count += 1
        self._press(text)
        return float(self._page.evaluate("window.pressed"))

    def _press(self, text: str) -> None:
        self._page.get_by_label("Your message").fill(text)
        self._page.keyboard.press("Enter")

    def _shown(self, name: str) -> float:
        return self._seen(f"{name} {self._count}")

    def _seen(self, key: str) -> float:
        self._page.wait_for_function("key => window.seen[key]", arg=key)
        return float(self._page.evaluate("key => window.seen[key]", key))

    def _started_and_finished(self) -> list[float]:
        """Return both times of the newest reply, in seconds since the epoch."""
        query = (
            "SELECT started_at, finished_at FROM chat_reply "
            "ORDER BY finished_at DESC LIMIT 1"
        )
        with closing(sqlite3.connect(self._database)) as database:
            found = database.execute(query).fetchone()
        return [
            datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp()
            for stamp in found
        ]


@contextmanager
def page_of(url: str) -> Iterator[Page]:
    """Open a page of Chromium with ``url`` as its base."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(base_url=url).new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def measure(url: str, database: Path, replies: int) -> dict[str, Any]:
    """Measure ``replies`` replies and as many stops.

    The replies differ in length, so that they end anywhere between two polls. At the
    end, measure how evenly the text of longer ones becomes visible.
    """
    latencies = Latencies()
    with page_of(url) as page:
        page.goto("/")
        conversation = Conversation(page, database)
        conversation.begin()
        for number in range(replies):
            silence = LONGEST_SILENCE_SECONDS * number / replies
            conversation.reply(latencies, words=20 + number, first_seconds=silence)
        for _ in range(replies):
            conversation.stop(latencies)
        flows = [text_flow.measure_flow(page, rate) for rate in text_flow.RATES]
    return {"latencies": latencies.figures(), "flows": flows}


def table(figures: dict[str, Any]) -> str:
    """Format the figures as a Markdown table."""
    lines = ["| what | p50, ms | p95, ms | target |", "|---|--:|--:|--:|"]
    for name, found in figures.items():
        times = f"{found['p50_ms']} | {found['p95_ms']} | {found['target_ms']}"
        lines.append(f"| {MEANINGS[name]} | {times} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Start a site, measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.perceived_latency")
    parser.add_argument("--replies", type=int, default=50, help="of each kind")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(Path(folder)) as site,
    ):
        database = Path(folder) / "chatsite.sqlite3"
        figures = measure(site.url, database, options.replies)
    print(table(figures["latencies"]), text_flow.table(figures["flows"]), sep="\n\n")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
