"""What is counted of each reply that ends. The mailbox adds it up for the whole site.

The counts are added in the round trip that marks a reply as collected, by the process
that ended its row. So each reply counts once, and every web process reports the same
numbers. They begin again at zero if Redis is emptied, as counters of Prometheus may.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping

from chatsite.mailbox.results import FinishedReply

#: Upper bounds of the buckets of the time to the first text, in seconds.
FIRST_TEXT_BOUNDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800)
LOSSES = "losses"
OUTCOME, ERROR, TOKENS, BUCKET = "outcome:", "error:", "tokens:", "first_text:"
FIRST_TEXT_SUM = "first_text_sum"


def counts_of(ending: FinishedReply) -> dict[str, float]:
    """Return what a reply adds to the counts."""
    details = ending.details
    counts: dict[str, float] = {
        f"{OUTCOME}{ending.outcome}": 1,
        f"{TOKENS}prompt": details.get("prompt_tokens") or 0,
        f"{TOKENS}reply": details.get("new_tokens") or 0,
    }
    if error := details.get("error"):
        counts[f"{ERROR}{error}"] = 1
    if ending.first_text_at is not None:
        seconds = max(0.0, ending.first_text_at - ending.queued_at)
        counts[f"{BUCKET}{bisect_left(FIRST_TEXT_BOUNDS, seconds)}"] = 1
        counts[FIRST_TEXT_SUM] = round(seconds, 3)
    return {name: count for name, count in counts.items() if count}


def first_text_buckets(counts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return the cumulative buckets of the time to the first text, for a histogram."""
    bounds = [*map(str, map(float, FIRST_TEXT_BOUNDS)), "+Inf"]
    total, buckets = 0.0, []
    for number, bound in enumerate(bounds):
        total += counts.get(f"{BUCKET}{number}", 0)
        buckets.append((bound, total))
    return buckets
