"""A web process that is measured, its people, and the clock of its CPU time."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.cpu_times import cpu_clock
from bench.site import APPLICATION, LIMITS, Checkout, RunningSite, running_site
from bench.web.browser import Connection, Request
from bench.web.inside_process import Inside
from bench.web.people import Amounts, Kind, People

#: Limits are checked as in production, and no one meets one.
NEVER_MET = dict.fromkeys(LIMITS, "1000000")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request of a batch took on average, in seconds."""

    cpu: float
    wall: float


class MeasuredSite:
    """A web process and one connection to it."""

    def __init__(self, site: RunningSite) -> None:
        self._site = site
        self._clock = cpu_clock(_child_of(site.web_pid))
        self.connection = Connection(site.url)

    def cost_of(self, requests: Sequence[Request]) -> Cost:
        """Send the requests one after another; return what they cost the process."""
        self.connection.wake()
        cpu, began = time.clock_gettime(self._clock), time.perf_counter()
        for request in requests:
            self.connection.exchange(request)
        wall = time.perf_counter() - began
        cpu = time.clock_gettime(self._clock) - cpu
        return Cost(cpu / len(requests), wall / len(requests))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def megabytes(self) -> float:
        """Return the resident memory of the process, in MiB."""
        status = Path(f"/proc/{_child_of(self._site.web_pid)}/statm").read_text()
        return int(status.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class PeopledSite:
    """A site with people, whose requests can be counted and profiled."""

    measured: MeasuredSite
    people: People
    inside: Inside

    def requests(self, kind: Kind, count: int) -> Sequence[Request]:
        """Prepare requests of a kind."""
        self.measured.connection.wake()
        return kind.prepare(self.people, count)


@contextmanager
def bare_site(application: str) -> Iterator[MeasuredSite]:
    """Start gunicorn as the site does, with another application."""
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(Path(folder), only={"web"}, application=application) as site,
        closing(MeasuredSite(site)) as measured,
    ):
        yield measured


@contextmanager
def peopled_site(
    checkout: Checkout, database_url: str, amounts: Amounts
) -> Iterator[PeopledSite]:
    """Start Valkey and one web process of a checkout, and let people use it."""
    settings = {**NEVER_MET, "DATABASE_URL": database_url}
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(
            Path(folder),
            checkout=checkout,
            only={"valkey", "web"},
            settings=settings,
            application=APPLICATION,
        ) as site,
        closing(MeasuredSite(site)) as measured,
        closing(Inside(checkout, site.environment, site.url)) as inside,
    ):
        people = People(measured.connection, inside, amounts)
        yield PeopledSite(measured, people, inside)


def _child_of(pid: int) -> int:
    """Return the one web process that gunicorn's main process has started."""
    if sys.platform != "linux":
        raise RuntimeError("this needs Linux, whose /proc names the web process")
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
