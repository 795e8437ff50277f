"""Everything that is done to a site, each with the time it took to be well again."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.chaos.proxy import Proxy
from tests.chaos.site import LEASE_SECONDS, Part, Site

Fault = Callable[[Site, random.Random], None]
#: With shorter leases all that takes time takes less, in the same proportion.
_SECOND = LEASE_SECONDS / 3
#: A worker is not killed while it writes a reply that lost so many already: three
#: losses end a reply by design.
MOST_LOSSES = 2


def _spared(site: Site) -> set[str]:
    """Process ids of workers that write a reply whose next loss would be its last."""
    client = site.client
    pids = set()
    for reply in client.zrange("mailbox:leases", 0, -1):
        worker, losses = client.hmget(f"mailbox:reply:{reply}", "worker", "losses")
        if worker and int(losses or 0) >= MOST_LOSSES:
            pids.add(worker.rsplit("-", 2)[1])
    return pids


@contextmanager
def _worker(site: Site, dice: random.Random) -> Iterator[tuple[int, Part] | None]:
    """One whose death fails nobody; None where there is none."""
    try:
        spared = _spared(site)
    except Exception:
        yield None
        return
    free = [
        (number, part)
        for number, part in enumerate(site.workers)
        if part.is_alive and str(part.pid) not in spared
    ]
    yield dice.choice(free) if free else None


def kill_worker(site: Site, dice: random.Random) -> None:
    with _worker(site, dice) as found:
        if found:
            found[1].signal(signal.SIGKILL)


def freeze_worker(site: Site, dice: random.Random) -> None:
    """Longer than its lease, so that another one takes its replies; then it goes on."""
    with _worker(site, dice) as found:
        if found:
            found[1].signal(signal.SIGSTOP)
            time.sleep(2 * LEASE_SECONDS)
            found[1].signal(signal.SIGCONT)


def nap_worker(site: Site, dice: random.Random) -> None:
    """Shorter than its lease: nothing may come of it."""
    with _worker(site, dice) as found:
        if found:
            found[1].signal(signal.SIGSTOP)
            time.sleep(LEASE_SECONDS / 3)
            found[1].signal(signal.SIGCONT)


def drain_worker(site: Site, dice: random.Random) -> None:
    with _worker(site, dice) as found:
        if found and found[1].process:
            found[1].process.send_signal(signal.SIGTERM)


def cut_worker_off(site: Site, dice: random.Random) -> None:
    with _worker(site, dice) as found:
        if found:
            _cut_off(site.worker_proxies[found[0]])


def cut_web_off(site: Site, dice: random.Random) -> None:
    """The web server reaches no queue: prompts wait in their rows."""
    del dice
    _cut_off(site.web_proxy)


def cut_keeper_off(site: Site, dice: random.Random) -> None:
    _cut_off(dice.choice(site.keeper_proxies))


def _cut_off(proxy: Proxy) -> None:
    """Longer than a lease."""
    proxy.cut()
    time.sleep(2 * LEASE_SECONDS)
    proxy.mend()


def strand_connections(site: Site, dice: random.Random) -> None:
    """Half open: nobody says that they are gone, and nothing ever comes again."""
    del dice
    for proxy in site.proxies:
        proxy.strand()


def reset_connections(site: Site, dice: random.Random) -> None:
    """Broken every two seconds."""
    for _ in range(4):
        break_connections(site, dice)
        time.sleep(2 * _SECOND)


def break_connections(site: Site, dice: random.Random) -> None:
    del dice
    for proxy in site.proxies:
        proxy.hang_up()


def move_clock(site: Site, dice: random.Random) -> None:
    """An hour forth or back."""
    file = dice.choice(site.clock_files)
    file.write_text(dice.choice(["3600", "-3600"]))
    time.sleep(LEASE_SECONDS)
    file.write_text("0")


def kill_web(site: Site, dice: random.Random) -> None:
    del dice
    site.web.signal(signal.SIGKILL)


def freeze_web(site: Site, dice: random.Random) -> None:
    del dice
    site.web.signal(signal.SIGSTOP)
    time.sleep(2 * _SECOND)
    site.web.signal(signal.SIGCONT)


def kill_keeper(site: Site, dice: random.Random) -> None:
    dice.choice(site.keepers).signal(signal.SIGKILL)


def freeze_keeper(site: Site, dice: random.Random) -> None:
    keeper = dice.choice(site.keepers)
    keeper.signal(signal.SIGSTOP)
    time.sleep(2 * LEASE_SECONDS)
    keeper.signal(signal.SIGCONT)


def kill_upstream(site: Site, dice: random.Random) -> None:
    """The server of the model dies amid its replies, and comes back."""
    del dice
    if site.upstream:
        site.upstream.signal(signal.SIGKILL)


def freeze_upstream(site: Site, dice: random.Random) -> None:
    """It takes connections and says nothing, longer than that is borne."""
    del dice
    if site.upstream:
        site.upstream.signal(signal.SIGSTOP)
        time.sleep(3 * LEASE_SECONDS)
        site.upstream.signal(signal.SIGCONT)


def restart_redis(site: Site, dice: random.Random) -> None:
    """Stopped in good order, away for a while, back with what it knew."""
    _take_redis_away(site, dice, signal.SIGTERM)


def kill_redis(site: Site, dice: random.Random) -> None:
    """Back with what it had written to its disk."""
    _take_redis_away(site, dice, signal.SIGKILL)


def empty_redis(site: Site, dice: random.Random) -> None:
    """Back with nothing, as without persistence."""
    _take_redis_away(site, dice, signal.SIGKILL, is_emptied=True)


def _take_redis_away(
    site: Site, dice: random.Random, number: int, *, is_emptied: bool = False
) -> None:
    site.set_aside(site.valkey, is_aside=True)
    site.valkey.signal(number)
    if site.valkey.process:
        site.valkey.process.wait()
    if is_emptied:
        shutil.rmtree(site.folder / "appendonlydir", ignore_errors=True)
    time.sleep(dice.uniform(0.2, 4) * _SECOND)
    site.set_aside(site.valkey, is_aside=False)
    site.wait(site.is_queue_up, 20, "Valkey again")


def flush_redis(site: Site, dice: random.Random) -> None:
    del dice
    site.client.flushall()


def fill_redis(site: Site, dice: random.Random) -> None:
    """Its memory is used up: it answers questions and refuses whatever is new."""
    del dice
    site.client.config_set("maxmemory", "1mb")
    time.sleep(4 * _SECOND)
    site.client.config_set("maxmemory", "0")


def fill_disk(site: Site, dice: random.Random) -> None:
    """The database's disk is full for a while."""
    del dice
    ballast = site.disk / "ballast"
    with ballast.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    time.sleep(3 * _SECOND)
    ballast.unlink()


FAULTS: dict[str, Fault] = {
    fault.__name__: fault
    for fault in (
        kill_worker,
        freeze_worker,
        nap_worker,
        drain_worker,
        cut_worker_off,
        cut_web_off,
        cut_keeper_off,
        break_connections,
        reset_connections,
        strand_connections,
        move_clock,
        kill_web,
        freeze_web,
        kill_keeper,
        freeze_keeper,
        kill_upstream,
        freeze_upstream,
        restart_redis,
        kill_redis,
        empty_redis,
        flush_redis,
        fill_redis,
        fill_disk,
    )
}

#: The replies that a worker was writing have to be begun anew by another.
TAKE_A_WORKER = {"kill_worker", "freeze_worker", "cut_worker_off"}


def faults_here(site: Site) -> tuple[dict[str, Fault], list[str]]:
    """Those that can be done on this machine, and what is lacking for the others."""
    found, lacking = dict(FAULTS), []
    if not site.has_own_disk:
        del found["fill_disk"]
        lacking.append("no disk full: mounting a small file system needs root")
    if site.upstream is None:
        del found["kill_upstream"], found["freeze_upstream"]
    if not site.keepers:
        for name in ("kill_keeper", "freeze_keeper", "cut_keeper_off"):
            del found[name]
    return found, lacking
