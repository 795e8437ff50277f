"""How evenly the text of a growing reply becomes visible, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from playwright.sync_api import Page

from bench.measurement import gaps_of, percentile

#: Tokens a second of the replies, of one word each.
RATES = (4, 33, 100)
#: How long each reply is written.
SECONDS = 10
#: At least so many visible changes a second from 30 tokens a second on, and at most so
#: many milliseconds between a character that is there and one that is seen, at p95.
CHANGES_WANTED = 8
DELAY_WANTED_MS = 250
#: JavaScript: notes with each frame the time in seconds, how many characters the newest
#: reply has, and how many of them are not transparent.
WATCH = """() => {
  window.frames_seen = [];
  const note = (now) => {
    const text = [...document.querySelectorAll(".reply.pending .text")].at(-1);
    const arriving = CSS.highlights?.get("arriving") ?? [];
    const hidden = [...arriving].join("").length;
    const total = text?.textContent.length ?? 0;
    if (total) window.frames_seen.push([now / 1000, total, total - hidden]);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: its time in seconds, characters that are there, and that are seen."""

    seconds: float
    total: int
    visible: int


@dataclass(frozen=True, slots=True)
class Flow:
    """How a text became visible."""

    changes_per_second: float
    longest_pause_seconds: float
    #: Between the frame in which a character is there and that in which it is seen.
    delays_seconds: Sequence[float]

    @classmethod
    def of(cls, frames: Sequence[Frame]) -> Flow:
        """Read the frames of one reply. ``ValueError`` if its text never changed."""
        changes = [
            after.seconds
            for before, after in pairwise(frames)
            if after.visible > before.visible
        ]
        if len(changes) < 2:
            raise ValueError("the text did not grow")
        per_second = (len(changes) - 1) / (changes[-1] - changes[0])
        return cls(per_second, max(gaps_of(changes)), _delays(frames))

    def figures(self) -> dict[str, float]:
        """Return changes a second, the longest pause and p95 of the delay, in ms."""
        return {
            "changes_per_second": round(self.changes_per_second, 1),
            "longest_pause_ms": round(1000 * self.longest_pause_seconds),
            "delay_p95_ms": round(1000 * percentile(self.delays_seconds, 0.95)),
        }


def _delays(frames: Sequence[Frame]) -> list[float]:
    there: list[float] = []
    delays: list[float] = []
    for frame in frames:
        there += [frame.seconds] * (frame.total - len(there))
        seen = there[len(delays) : frame.visible]
        delays += [frame.seconds - begin for begin in seen]
    return delays


def measure_flow(page: Page, rate: int) -> dict[str, Any]:
    """Send a message whose reply has ``rate`` tokens a second, and watch it."""
    page.evaluate(WATCH)
    replies = page.locator(".reply.done").count()
    box = page.get_by_label("Your message")
    box.fill(f"some words [words={rate * SECONDS}] [delay={1 / rate}]")
    page.keyboard.press("Enter")
    page.locator(".reply.done").nth(replies).wait_for()
    frames = [Frame(*noted) for noted in page.evaluate("window.frames_seen")]
    return {"tokens_per_second": rate, **Flow.of(frames).figures()}


def table(flows: Sequence[dict[str, Any]]) -> str:
    """Format the figures as a Markdown table."""
    lines = [
        (
            "| tokens a second | visible changes a second | longest pause, ms "
            "| delay by the reveal, p95, ms |"
        ),
        "|--:|--:|--:|--:|",
        *("| {} | {} | {} | {} |".format(*flow.values()) for flow in flows),
        "",
        (
            f"Wanted from 30 tokens a second on: at least {CHANGES_WANTED} changes; "
            f"at any rate a delay of at most {DELAY_WANTED_MS}."
        ),
    ]
    return "\n".join(lines)
