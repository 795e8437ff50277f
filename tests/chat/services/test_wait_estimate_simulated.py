"""The wait that is shown first, beside the real one: a simulation over the real scripts.

Time is simulated, the line is not: prompts stand in the mailbox's own line and are
claimed and finished by its own scripts. Three workers of different speed; every owner
has one prompt; the load swells and ebbs, so that lines are long and short.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from statistics import fmean, median

from chat.services.wait_estimate import estimate_wait
from chat.wording.replies import rounded_range
from chatsite import wire
from chatsite.mailbox import Claim, CollectedReply, Mailbox, QueuedReply
from tests.environment import IS_SOAK
from worker.reply_lengths import lengths_of

MODEL = "m"
REQUEST = wire.Request((wire.Turn(wire.Role.USER, "hi"),), wire.SamplingParams(), 60)
#: What the three workers together serve: 74 tokens a second, of about 130 a reply.
SERVED_A_SECOND = 0.57


@dataclass
class SimulatedWorker:
    """Writes so many replies at once, each at its speed."""

    name: str
    rows: int
    tokens_per_second_of_a_row: float
    live: int = 0
    lengths: deque[int] = field(default_factory=lambda: deque(maxlen=50))

    def announcement(self) -> wire.Announcement:
        mean, spread = lengths_of(list(self.lengths))
        return wire.Announcement(
            *(self.name, MODEL, MODEL, wire.Stage.READY),
            rows=self.rows,
            free=self.rows - self.live,
            tokens_per_second=self.live * self.tokens_per_second_of_a_row,
            tokens_per_reply=mean,
            reply_spread=spread,
        )


@dataclass(frozen=True)
class Wait:
    low: float
    high: float
    #: What the mean of the latest waits would have said.
    plain: float
    real: float


class Simulation:
    def __init__(self, box: Mailbox, seed: int) -> None:
        self.box = box
        self.dice = random.Random(seed)
        self.workers = [
            SimulatedWorker("fast", 4, 12.0),
            SimulatedWorker("middling", 3, 7.0),
            SimulatedWorker("slow", 1, 5.0),
        ]
        self.said: dict[str, tuple[float, tuple[int, int] | None, float]] = {}
        self.latest: deque[float] = deque(maxlen=50)
        self.waits: list[Wait] = []

    def run(self, prompts: int) -> list[Wait]:
        events: list[tuple[float, int, str, object]] = []
        now = 0.0
        for number in range(prompts):
            now += self.dice.expovariate(self.load(number))
            heapq.heappush(events, (now, number, "arrival", f"reply-{number}"))
        counter = prompts
        while events:
            now, _, kind, what = heapq.heappop(events)
            if kind == "arrival":
                self.arrive(now, str(what))
            else:
                self.leave(*what)  # type: ignore[misc]
            for worker in self.workers:
                while worker.live < worker.rows:
                    claim = self.box.claim(MODEL, worker.name, 1e6, live=worker.live)
                    if claim is None:
                        break
                    tokens = self.begin(now, worker, claim)
                    counter += 1
                    seconds = tokens / worker.tokens_per_second_of_a_row
                    end = (now + seconds, counter, "end", (worker, claim, tokens))
                    heapq.heappush(events, end)
        return self.waits

    def load(self, number: int) -> float:
        """Prompts a second: more than can be served, then fewer, so lines of up to a
        hundred grow and go."""
        return SERVED_A_SECOND * (1.7 if number // 100 % 2 == 0 else 0.6)

    def arrive(self, now: float, reply: str) -> None:
        self.box.enqueue(
            reply, 1, owner=reply, share=reply, model=MODEL, request=REQUEST, cost=200
        )
        self.box.remember("page", reply)
        look = self.box.snapshot("page", MODEL, [(reply, 0, 0)])
        assert look is not None
        (entry,) = look.replies
        assert isinstance(entry, QueuedReply)
        found = estimate_wait(entry.ahead, [w.announcement() for w in self.workers])
        shown = None
        if found is not None and not found.is_at_once:
            shown = rounded_range(found.low, found.high)
        plain = fmean(self.latest) if self.latest else 0.0
        self.said[reply] = (now, shown, plain)

    def begin(self, now: float, worker: SimulatedWorker, claim: Claim) -> int:
        came, shown, plain = self.said[claim.reply]
        self.latest.append(now - came)
        if shown is not None:
            self.waits.append(Wait(*shown, plain, now - came))
        worker.live += 1
        return max(5, min(400, round(self.dice.lognormvariate(4.7, 0.6))))

    def leave(self, worker: SimulatedWorker, claim: Claim, tokens: int) -> None:
        ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=5, new_tokens=tokens)
        self.box.finish((claim.reply, claim.token, 0, "x", tokens), ending)
        self.box.mark_collected([CollectedReply(claim.reply, 1)])
        worker.live -= 1
        worker.lengths.append(tokens)


def test_the_first_range_shown_is_honest_and_narrow(box: Mailbox) -> None:
    waits: list[Wait] = []
    for seed in range(5 if IS_SOAK else 1):
        box.connection.client.flushall()
        waits += Simulation(box, seed).run(900)
    inside = fmean(wait.low <= wait.real <= wait.high for wait in waits)
    width = median(
        (wait.high - wait.low) / ((wait.high + wait.low) / 2) for wait in waits
    )
    ours = fmean(abs((wait.low + wait.high) / 2 - wait.real) for wait in waits)
    plain = fmean(abs(wait.plain - wait.real) for wait in waits)
    print(
        f"{len(waits)} waits, {inside:.1%} inside, median width {width:.0%},"
        f" mean error {ours:.1f} s against {plain:.1f} s"
    )
    assert len(waits) > 300
    assert inside >= 0.9
    assert width <= 0.6
    assert ours < plain
