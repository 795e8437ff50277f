"""How soon a person sees what happened: times between the tiers and the screen.

    python -m bench.felt [--replies 50] [--json FILE]

A whole site on this machine: Valkey, one web process, the keeper and a worker with the
scripted engine; and a Chromium that looks at one conversation. The worker's times are
those of the mailbox, kept in the row of the reply (the first text comes a known
time after the start); the browser's are those at which the page changed. Both read the
clock of this machine.
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

from bench.measured import percentile
from bench.site import running_site
from launch.env.chromium import executable

PATIENCE_MS = 30_000
WORD_SECONDS = 0.03
#: As a model takes to read a prompt: from none to this.
LONGEST_SILENCE_SECONDS = 1.0
#: What a person should not have to wait longer for, in milliseconds at p95.
TARGETS = {"prompt": 100, "first text": 400, "end": 700, "stop": 1500}
MEANINGS = {
    "prompt": "Enter pressed → own prompt shown",
    "first text": "engine's first text → shown",
    "end": "engine done → finished reply shown",
    "stop": "Stop pressed → “Stopped” shown",
}
#: Notes when a prompt, a first text and an end of the newest reply are first shown.
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
    note("prompt", ".prompt");
    note("first text", ".reply:has(.text:not(:empty))");
    note("end", ".reply:not(.pending)");
    note("stop", ".reply.stopped");
  }).observe(document.getElementById("messages"), {
    childList: true, subtree: true, attributeFilter: ["class"],
  });
}"""


@dataclass
class Felt:
    """What one kind of event took, in seconds."""

    times: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in TARGETS}
    )

    def note(self, name: str, seconds: float) -> None:
        self.times[name].append(seconds)

    def figures(self) -> dict[str, dict[str, int]]:
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
    """One page, and the rows behind it."""

    def __init__(self, page: Page, database: Path) -> None:
        self._page = page
        self._database = database
        self._count = 1

    def begin(self) -> None:
        """The first prompt leads to another page, where the watching begins."""
        self._press("first")
        self._page.wait_for_url("**/c/**")
        self._page.locator(".reply.done").wait_for()
        self._page.evaluate(WATCH)

    def reply(self, felt: Felt, words: int, first_seconds: float) -> None:
        """The engine is silent for so long and one word more before its first text."""
        pressed = self._send(
            f"a reply [words={words}] [delay={WORD_SECONDS}] [first={first_seconds}]"
        )
        self._shown("end")
        felt.note("prompt", self._shown("prompt") - pressed)
        first_shown, end_shown = self._shown("first text"), self._shown("end")
        started_at, finished_at = self._started_and_finished()
        first_text_at = started_at + first_seconds + WORD_SECONDS
        felt.note("first text", first_shown - first_text_at)
        felt.note("end", end_shown - finished_at)

    def stop(self, felt: Felt) -> None:
        self._send("a long one [words=2000] [delay=0.03]")
        self._shown("first text")
        stopped = self._page.locator(".reply.stopped").count() + 1
        self._page.locator("#stop").click()
        pressed = self._page.evaluate("window.pressed")
        felt.note("stop", self._seen(f"stop {stopped}") - pressed)

    def _send(self, text: str) -> float:
        """When Enter was pressed."""
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
        """When the newest reply was, in seconds since the epoch."""
        query = (
            "SELECT started_at, finished_at FROM chat_reply "
            "ORDER BY finished_at DESC LIMIT 1"
        )
        with closing(sqlite3.connect(self._database)) as database:
            found = database.execute(query).fetchone()
        return [
            datetime.fromisoformat(said).replace(tzinfo=UTC).timestamp()
            for said in found
        ]


@contextmanager
def page_of(url: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_context(base_url=url).new_page()
        page.set_default_timeout(PATIENCE_MS)
        yield page
        browser.close()


def measure(url: str, database: Path, replies: int) -> dict[str, Any]:
    """Replies of several lengths, so that they end anywhere between two polls."""
    felt = Felt()
    with page_of(url) as page:
        page.goto("/")
        conversation = Conversation(page, database)
        conversation.begin()
        for number in range(replies):
            silence = LONGEST_SILENCE_SECONDS * number / replies
            conversation.reply(felt, words=20 + number, first_seconds=silence)
        for _ in range(replies):
            conversation.stop(felt)
    return felt.figures()


def table(figures: dict[str, Any]) -> str:
    lines = ["| what | p50, ms | p95, ms | target |", "|---|--:|--:|--:|"]
    for name, found in figures.items():
        times = f"{found['p50_ms']} | {found['p95_ms']} | {found['target_ms']}"
        lines.append(f"| {MEANINGS[name]} | {times} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.felt")
    parser.add_argument("--replies", type=int, default=50, help="of each kind")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(Path(folder)) as site,
    ):
        database = Path(folder) / "chatsite.sqlite3"
        figures = measure(site.url, database, given.replies)
    print(table(figures))
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
