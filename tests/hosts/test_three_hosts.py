"""A site on hosts of its own: a link is cut, a worker is added, all is replaced."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import IS_SOAK
from tests.hosts.network import hosts, missing
from tests.hosts.site import (
    LEASE_SECONDS,
    Guests,
    Hosts,
    Site,
    Stranger,
    commit_before,
    running_site,
)
from tests.processes import ROOT
from tests.upgrade.visitor import Visitor, wait_until
from worker.engine.script import expected_reply, without_marks

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(not IS_SOAK, reason="takes minutes: SOAK=1"),
]
SLOW = "from one host to another [words=80] [delay=0.05] [run]"
#: At the pace that the scripted engine announces, so that waits are estimated well.
QUEUED = "one of many [words=200] [delay=0.01]"
WAITING = 60


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    if reason := missing():
        pytest.skip(reason)
    before = commit_before(tmp_path / "before", ROOT)
    with (
        hosts("web", "data", "one", "two", "three") as (web, data, *workers),
        running_site(Hosts(web, data, workers), tmp_path, before) as site,
    ):
        yield site


def test_a_site_on_hosts_of_its_own(site: Site) -> None:
    """In one test, because to start five hosts takes longest."""
    figures = {
        "link cut: seconds until another worker writes": cut_link(site),
        **roll_over(site),
        **add_worker(site),
    }
    print()
    for name, figure in figures.items():
        print(f"{name}: {figure}")


def cut_link(site: Site) -> float:
    """A worker loses its network amid a reply, and comes back."""
    visitor = Visitor(site.url)
    sent = visitor.send(SLOW)["id"]
    wait_until(lambda: visitor.reply(sent)["text"], "text")
    name = site.writer_of(sent)
    host = site.hosts.workers[int(name[-1]) - 1]
    host.cut()
    began = time.monotonic()
    wait_until(
        lambda: site.writer_of(sent) not in ("", name),
        "another worker",
        LEASE_SECONDS + 20,
    )
    took = time.monotonic() - began
    assert visitor.wait_for(sent, seconds=30)["state"] == "done"
    text = visitor.reply(sent)["text"]
    assert without_marks(text) == expected_reply(SLOW)
    host.restore()
    wait_until(lambda: site.queue.hlen("mailbox:workers:scripted") == 2, "it is back")
    # Both write again at once, and what the lost one sent later changed nothing.
    both = [Visitor(site.url).send(SLOW)["id"] for _ in range(2)]

    def writers() -> set[str]:
        states = [site.queue.hget(f"mailbox:reply:{one}", "state") for one in both]
        return (
            {site.writer_of(one) for one in both}
            if states == ["running"] * 2
            else set()
        )

    wait_until(lambda: len(writers()) == 2, "both workers write", 40)
    assert visitor.reply(sent)["text"] == text
    return round(took, 1)


def roll_over(site: Site) -> dict[str, object]:
    """Replace every program of the commit before while guests send."""
    current = site.release(**site.environment)
    guests = Guests(site.url, 6, "while all is replaced [words=20] [delay=0.03]")
    with guests.sending():
        wait_until(lambda: len(guests.acknowledged) >= 6, "messages")
        current.migrate()
        for name in ("worker-1", "keeper", "web", "worker-2"):
            site.replace(name, current)
        sent = len(guests.acknowledged)
        wait_until(lambda: len(guests.acknowledged) > sent + 6, "messages")
    states = [
        visitor.wait_for(reply, seconds=90)["state"]
        for visitor, reply in guests.acknowledged
    ]
    assert set(states) == {"done"}
    return {
        "rolling upgrade: messages acknowledged, lost": f"{len(states)}, 0",
        "sent again, longest send in seconds": (
            f"{guests.repeated}, {guests.longest_seconds:.1f}"
        ),
    }


def add_worker(site: Site) -> dict[str, object]:
    """A third worker, with as many rows as the two others, halves the wait."""
    current = site.release(**site.environment)
    crowd = [Stranger(site.url, number) for number in range(WAITING)]
    replies = [one.send(QUEUED)["id"] for one in crowd]
    last, reply = crowd[-1], replies[-1]
    wait_until(lambda: _expected(last, reply) is not None, "an expected wait")
    _settle(site, 6)  # The workers know how long replies are once some have ended.
    site.begin("worker-3", current, WORKER_SLOTS="2")
    before = 0.0
    while not site.serves("worker-3"):
        before = _expected(last, reply) or 0
        time.sleep(0.05)
    began, told = time.monotonic(), [before]

    def is_halved() -> bool:
        told.append(_expected(last, reply) or 0)
        return told[-1] < 0.6 * before

    try:
        wait_until(is_halved, "half of it", 5)
    except AssertionError as error:
        raise AssertionError(told) from error
    seen = time.monotonic() - began
    for one, waited in zip(crowd, replies, strict=True):
        assert one.wait_for(waited, seconds=120)["state"] == "done"
    return {
        "third worker: seconds that the last one is told": (
            f"{told[-1]:.1f} instead of {before:.1f}"
        ),
        "seconds after the worker is ready": round(seen, 1),
    }


def _expected(visitor: Visitor, reply: str) -> float | None:
    """The middle of the wait as people are told it."""
    wait = visitor.reply(reply)["expected_wait"]
    return None if wait is None else (wait["low"] + (wait["high"] or wait["low"])) / 2


def _settle(site: Site, ended: int) -> None:
    """Wait until so many replies of the queue have ended."""
    length = int(site.queue.zcard("mailbox:line:scripted"))
    wait_until(
        lambda: int(site.queue.zcard("mailbox:line:scripted")) <= length - ended,
        "replies end",
        60,
    )
