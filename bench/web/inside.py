"""What happens beside the web process: the worker's part, counts, and profiles.

It runs in the environment of the checkout that is measured, and is told what to do in
lines of JSON. It imports nothing of ``bench``, which another checkout may not have.
"""

from __future__ import annotations

import base64
import cProfile
import json
import pstats
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path.cwd()))
from chatsite import startup

startup.begin()
import django  # noqa: E402

django.setup()

from django.db import connection  # noqa: E402
from django.template.base import Node, TextNode  # noqa: E402
from django.test import Client  # noqa: E402
from redis import connection as redis_connection  # noqa: E402

from chatsite import wire  # noqa: E402
from chatsite.mailbox import Claim, open_mailbox  # noqa: E402

MODEL, WORKER, LEASE_SECONDS = "scripted", "bench", 600
#: Statements that only mark out transactions.
OF_TRANSACTIONS = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "COMMIT")
#: Shown of a profile.
LINES = 25
OF_SITE, MIDDLEWARE = ("chat/", "chatsite/"), ("chat/middleware/", "chatsite/static_")
STANDARD_LIBRARY = sysconfig.get_path("stdlib")
#: Called before a profile begins.
WARM_UP = 5


class WorkerByHand:
    """Does what a worker would do, at once and when it is told."""

    def __init__(self) -> None:
        self._box = open_mailbox()
        self._claims: list[tuple[Claim, str]] = []

    def announce(self) -> None:
        """Announce a busy worker whose speed is known."""
        said = wire.Announcement(
            WORKER,
            MODEL,
            "Scripted",
            wire.Stage.READY,
            rows=8,
            tokens_per_second=50.0,
            tokens_per_reply=60.0,
        )
        self._box.announce(said, 3600)

    def claim(self, text: str) -> bool:
        """Begin the first reply of the queue with this text; False if there is none."""
        claim = self._box.claim(MODEL, WORKER, LEASE_SECONDS)
        if claim is None:
            return False
        self._claims.append((claim, ""))
        self.write(text)
        return True

    def claim_all(self, text: str) -> None:
        """Begin all replies of the queue with this text."""
        while self.claim(text):
            pass

    def write(self, text: str) -> None:
        """Add to the text of the reply that was begun last."""
        claim, written = self._claims[-1]
        offset = len(written)
        write = (claim.reply, claim.token, offset, text, len(text.split()))
        self._box.write([write], LEASE_SECONDS)
        self._claims[-1] = (claim, written + text)

    def finish_all(self, text: str) -> None:
        """Finish all replies that were begun, and answer all others with this text."""
        self.claim_all(text)
        for claim, written in self._claims:
            write = (claim.reply, claim.token, len(written), "", len(written.split()))
            ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=60, new_tokens=60)
            self._box.finish(write, ending)
        self._claims.clear()


def asked(client: Client, raw: dict[str, Any]) -> None:
    """Have Django answer a request in this process."""
    headers = dict(raw["headers"])
    content_type = headers.pop("Content-Type", "")
    body = base64.b64decode(raw["body"])
    answer = client.generic(
        raw["method"], raw["path"], body, content_type, headers=headers
    )
    b"".join(getattr(answer, "streaming_content", ()))
    if answer.status_code != raw["status"]:
        raise RuntimeError(f"{raw['method']}: {answer.status_code}")


def counts(raw: dict[str, Any], host: str) -> dict[str, int]:
    """Return what one request costs in queries, trips to Redis and template nodes."""
    found: Counter[str] = Counter(queries=0, redis_trips=0, redis_commands=0, nodes=0)

    def query(execute: Any, sql: str, *arguments: Any) -> Any:
        found["queries"] += not sql.lstrip().upper().startswith(OF_TRANSACTIONS)
        return execute(sql, *arguments)

    client = Client(enforce_csrf_checks=True, HTTP_HOST=host)
    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(query))
        for owner, name, count in (
            (redis_connection.AbstractConnection, "send_packed_command", "redis_trips"),
            (redis_connection.HiredisRespSerializer, "pack", "redis_commands"),
            (redis_connection.PythonRespSerializer, "pack", "redis_commands"),
            (Node, "render_annotated", "nodes"),
            (TextNode, "render_annotated", "nodes"),
        ):
            stack.enter_context(_counted(owner, name, count, found))
        asked(client, raw)
    return dict(found)


@contextmanager
def _counted(owner: type, name: str, count: str, found: Counter[str]) -> Iterator[None]:
    """Count the calls of a method."""
    method: Callable[..., Any] = getattr(owner, name)

    def counting(*arguments: Any, **named: Any) -> Any:
        found[count] += 1
        return method(*arguments, **named)

    setattr(owner, name, counting)
    try:
        yield
    finally:
        setattr(owner, name, method)


def profile(raws: Sequence[dict[str, Any]], host: str) -> str:
    """Return where the CPU time of these requests goes, as tables."""
    client = Client(enforce_csrf_checks=True, HTTP_HOST=host)
    for raw in raws[:WARM_UP]:
        asked(client, raw)
    profiler = cProfile.Profile(time.thread_time)
    with profiler:
        for raw in raws[WARM_UP:]:
            asked(client, raw)
    calls = [
        Timed(_name(*function), calls / (len(raws) - WARM_UP), own, total)
        for function, (_, calls, own, total, _) in pstats.Stats(profiler).stats.items()  # type: ignore[attr-defined]
    ]
    whole = max(one.total for one in calls)
    of_site = [
        one
        for one in calls
        if one.name.startswith(OF_SITE) and not one.name.startswith(MIDDLEWARE)
    ]
    by_own = sorted(calls, key=lambda one: one.own, reverse=True)
    by_total = sorted(of_site, key=lambda one: one.total, reverse=True)
    return f"{_table(by_own, whole)}\n\n{_table(by_total, whole)}"


class Timed(NamedTuple):
    """One function in a profile. Times in seconds, calls of one request."""

    name: str
    calls: float
    own: float
    total: float


def _table(functions: Sequence[Timed], whole: float) -> str:
    """Return the first of these functions with their shares of a request."""
    lines = ["own, %  with callees, %  calls  function"]
    lines += [
        f"{100 * one.own / whole:6.1f} {100 * one.total / whole:16.1f}"
        f" {one.calls:6.0f}  {one.name}"
        for one in functions[:LINES]
    ]
    return "\n".join(lines)


def _name(file: str, line: int, function: str) -> str:
    """A function with its file, from the package on."""
    inside = file.rpartition("site-packages/")[2]
    for folder in (Path.cwd(), STANDARD_LIBRARY):
        inside = inside.removeprefix(f"{folder}/")
    return function if file == "~" else f"{inside}:{line} {function}"


def main(host: str) -> None:
    """Obey one line after another until there is no more."""
    worker = WorkerByHand()
    calls: dict[str, Callable[..., Any]] = {
        "announce": worker.announce,
        "claim": worker.claim,
        "claim_all": worker.claim_all,
        "write": worker.write,
        "finish_all": worker.finish_all,
        "counts": lambda raw: counts(raw, host),
        "profile": lambda raws: profile(raws, host),
    }
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(calls[name](*arguments)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
