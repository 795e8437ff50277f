"""Measures what helper jobs delay: the first text of a person's message.

    python -m bench.beside_helpers [--beside batch] [--jobs 1000] [--model smollm2]
                                   [--messages 20] [--rounds 3] [--json FILE]

Starts a whole site: Valkey, one web process, the keeper and a worker of eight rows. In
each round the same messages are sent one after another, first on the idle site, then
while a batch of so many lines is answered, or while the model is to find so many titles
(``--beside titles``). A decode step is measured by the pace of the person's own reply
beside the jobs. Times are those that the mailbox notes: from the place in the queue to
the first text.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from bench.helper_jobs import WORDS, running_batch, waiting_titles
from bench.measurement import percentile
from bench.site import UNLIMITED, running_site
from bench.streams import make_key

PATIENCE_SECONDS = 60
#: Words of the messages: most are short, some take several steps to be read.
LENGTHS = (8, 8, 8, 60, 250)
NEW_TOKENS = 24
#: By how many decode steps they may delay a person.
STEPS = 2
BOUNDARY = "a-line-of-the-form"

HelperJobs = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class FirstText:
    """How long one message took, in seconds."""

    #: From its place in the queue to the first text.
    seconds: float
    #: Of these, until a worker took it.
    claim_seconds: float
    #: Between two of its tokens.
    step_seconds: float


class Person:
    """Sends messages with a key, each in a conversation of its own."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def call(
        self, method: str, path: str, body: Any = None, kind: str = "application/json"
    ) -> Any:
        """Return the JSON of an answer. ``body`` is sent as JSON unless it is bytes."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": kind}
        url = f"{self._url}{path}"
        request = urllib.request.Request(url, body, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            return json.load(answer)

    def send_file(self, content: bytes) -> str:
        """Send the file of a batch; return its id."""
        head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
        parts = (
            f'{head}"purpose"\r\n\r\nbatch\r\n'.encode(),
            f'{head}"file"; filename="calls.jsonl"\r\n\r\n'.encode(),
            content,
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        )
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        return str(self.call("POST", "/v1/files", b"".join(parts), kind)["id"])

    def send(self, text: str) -> FirstText:
        """Send a message and wait for the end of its reply."""
        reply = self.call("POST", "/api/v1/messages", {"text": text})
        path = f"/api/v1/replies/{reply['id']}?wait=30"
        while reply["times"]["finished"] is None:
            reply = self.call("GET", path)
        times = {
            name: datetime.fromisoformat(time).timestamp()
            for name, time in reply["times"].items()
        }
        written = times["finished"] - times["first_text"]
        step_seconds = written / max(1, reply["tokens"] - 1)
        return FirstText(
            times["first_text"] - times["queued"],
            times["started"] - times["queued"],
            step_seconds,
        )


def texts(count: int) -> list[str]:
    """Return messages that begin differently, so that no prefix is cached."""
    dice = random.Random(1)
    made = []
    for number in range(count):
        words = " ".join(dice.choices(WORDS, k=LENGTHS[number % len(LENGTHS)]))
        made.append(f"{dice.getrandbits(40):x} {words}")
    return made


def measure(
    person: Person, messages: int, rounds: int, jobs: HelperJobs
) -> dict[str, Any]:
    """Return the figures in milliseconds, and the difference in decode steps.

    ``jobs`` keeps helper jobs running within a block.
    """
    sent = texts(messages)
    person.send("warm up")
    idle: list[FirstText] = []
    beside: list[FirstText] = []
    for number in range(rounds):
        asked = [f"{number} {text}" for text in sent]
        idle += [person.send(text) for text in asked]
        with jobs():
            # Another beginning: the engine would find the prompt in its cache.
            beside += [person.send(f"again {text}") for text in asked]
    step = median(one.step_seconds for one in beside)
    pairs = zip(idle, beside, strict=True)
    steps = [(after.seconds - before.seconds) / step for before, after in pairs]
    return {
        "messages": len(steps),
        "idle_ms": _milliseconds([one.seconds for one in idle]),
        "beside_ms": _milliseconds([one.seconds for one in beside]),
        "claim_idle_ms": _milliseconds([one.claim_seconds for one in idle]),
        "claim_beside_ms": _milliseconds([one.claim_seconds for one in beside]),
        "step_idle_ms": round(1000 * median(one.step_seconds for one in idle), 1),
        "step_beside_ms": round(1000 * step, 1),
        "steps_later": {
            "p50": round(percentile(steps, 0.5), 2),
            "p95": round(percentile(steps, 0.95), 2),
            **{
                f"p50_of_{length}_words": round(median(steps[n :: len(LENGTHS)]), 2)
                for n, length in enumerate(LENGTHS)
            },
        },
        "within_two_steps": sum(later <= STEPS for later in steps),
    }


def _milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    shares = {"p50": 0.5, "p95": 0.95}
    return {n: round(1000 * percentile(seconds, s), 1) for n, s in shares.items()}


def main(arguments: Sequence[str]) -> None:
    """Measure in turns on an idle site and beside helper jobs; print JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside_helpers")
    parser.add_argument("--beside", choices=("batch", "titles"), default="batch")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    limits = {name.replace("GUEST", "ACCOUNT"): "off" for name in UNLIMITED}
    settings = {**UNLIMITED, **limits, "CHAT_MODEL": options.model}
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(Path(folder), settings=settings) as site,
    ):
        person = Person(site.url, make_key(site))
        # The first reply waits until the model is loaded.
        person.call("PUT", "/api/v1/settings", {"max_new_tokens": NEW_TOKENS})
        jobs = {
            "batch": lambda: running_batch(person, options.jobs, options.model),
            "titles": lambda: waiting_titles(site, options.jobs, options.model),
        }[options.beside]
        found = measure(person, options.messages, options.rounds, jobs)
    text = json.dumps(found, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
