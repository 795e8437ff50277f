"""Measures what the keeper spends on each reply that it collects.

    python -m bench.system.collecting [--replies 400] [--rounds 3] [--postgresql]
                                      [--against FOLDER] [--profile] [--json FILE]

Makes replies that have ended in the mailbox, and lets a process collect them as the
keeper does, without other work. ``--against`` measures another checkout in turns, by
its own environment. ``--profile`` also prints which functions take most.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.site import Checkout, RunningSite, running_site, shell
from bench.system.claimers import MAKE_REPLIES
from bench.web.databases import postgresql_databases
from bench.web.measured_site import NEVER_MET

END_REPLIES = """
from chatsite import wire
from chatsite.mailbox import open_mailbox
from chatsite.mailbox.results import Write
box = open_mailbox()
ending = wire.Ending(wire.Outcome.DONE, prompt_tokens=4, new_tokens=40)
for _ in made:
    claim = box.claim("scripted", "bench", 15)
    text = "a word or two more " * 40
    box.finish(Write(claim.reply, claim.token, 0, text, 40, "", 0), ending)
"""
COLLECT = """
import cProfile, json, pstats, sys, time
from chat.services.jobs import reconcile
from chatsite.mailbox import open_mailbox
reconcile.complete_stops()  # connects
profile = cProfile.Profile() if {is_profiled} else None
if profile:
    profile.enable()
cpu, began = time.process_time(), time.perf_counter()
reconcile.collect_finished()
cpu, took = time.process_time() - cpu, time.perf_counter() - began
if profile:
    profile.disable()
    pstats.Stats(profile, stream=sys.stdout).sort_stats("cumulative").print_stats(70)
assert not open_mailbox().finished()
print(json.dumps([cpu, took]))
"""


def _collected(
    checkout: Checkout, site: RunningSite, options: argparse.Namespace
) -> tuple[float, float]:
    """Return the milliseconds of CPU and of time that one reply takes."""
    shell(site, MAKE_REPLIES.format(count=options.replies) + END_REPLIES, checkout)
    printed = shell(site, COLLECT.format(is_profiled=options.profile), checkout)
    *profile, figures = printed.splitlines()
    print(*profile, sep="\n", end="")
    cpu, took = json.loads(figures)
    return 1000 * cpu / options.replies, 1000 * took / options.replies


def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Measure each checkout in turns; return medians in milliseconds."""
    checkouts = {"here": Checkout()}
    if options.against:
        python = str(options.against / ".venv/bin/python")
        checkouts["against"] = Checkout(options.against, python)
    urls = [""] * len(checkouts)
    if options.postgresql:
        urls = postgresql_databases(len(checkouts))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
    with ExitStack() as stack:
        sites = [
            stack.enter_context(_site(checkout, url))
            for checkout, url in zip(checkouts.values(), urls, strict=True)
        ]
        for _ in range(options.rounds):
            for (name, checkout), site in zip(checkouts.items(), sites, strict=True):
                found[name].append(_collected(checkout, site, options))
    return {name: _medians(each) for name, each in found.items()}


@contextmanager
def _site(checkout: Checkout, database_url: str) -> Iterator[RunningSite]:
    with (
        tempfile.TemporaryDirectory(prefix="chatsite-bench-") as folder,
        running_site(
            Path(folder),
            checkout=checkout,
            only=("valkey", "web"),
            settings={**NEVER_MET, "DATABASE_URL": database_url},
        ) as site,
    ):
        yield site


def _medians(figures: Sequence[tuple[float, float]]) -> dict[str, float]:
    cpu, took = zip(*figures, strict=True)
    return {
        "cpu_ms": round(statistics.median(cpu), 2),
        "ms": round(statistics.median(took), 2),
    }


def main() -> None:
    """Measure as the command line says; print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.system.collecting")
    parser.add_argument("--replies", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--against", type=Path, help="the folder of another checkout")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    found = measure(options)
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
