"""Measures what each program of a site uses on a site without visitors.

    python -m bench.idle [--seconds 60] [--against FOLDER] [--postgresql] [--json FILE]

Starts Valkey, one web process, the keeper and a worker with the scripted engine, waits
until their starts are over, and reads the clocks of their CPU time. ``--against`` runs
another checkout beside it, by its own environment, and measures both in the same time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.cpu_times import CpuTimes
from bench.site import UNLIMITED, Checkout, RunningSite, running_site
from bench.web.databases import postgresql_databases

SECONDS = 60.0
#: A keeper cleans files at its start, and a worker loads its engine.
SETTLE_SECONDS = 20.0

Shares = dict[str, float]


def shares(
    sites: Sequence[RunningSite],
    settle_seconds: float = SETTLE_SECONDS,
    seconds: float = SECONDS,
) -> list[Shares]:
    """Return the percentage of one core that each program of each site uses."""
    time.sleep(settle_seconds)
    clocks, began = [CpuTimes(site.pids) for site in sites], time.monotonic()
    time.sleep(seconds)
    used, took = [each.used() for each in clocks], time.monotonic() - began
    return [{name: 100 * spent / took for name, spent in each.items()} for each in used]


def _measure(options: argparse.Namespace) -> dict[str, Shares]:
    checkouts = {"here": Checkout()}
    if options.against:
        python = str(options.against / ".venv/bin/python")
        checkouts["against"] = Checkout(options.against, python)
    urls = [""] * len(checkouts)
    if options.postgresql:
        urls = postgresql_databases(len(checkouts))
    with ExitStack() as stack:
        sites = []
        for checkout, url in zip(checkouts.values(), urls, strict=True):
            folder = tempfile.TemporaryDirectory(prefix="chatsite-bench-")
            settings = {**UNLIMITED, "DATABASE_URL": url}
            site = running_site(
                Path(stack.enter_context(folder)), checkout=checkout, settings=settings
            )
            sites.append(stack.enter_context(site))
        found = shares(sites, seconds=options.seconds)
    return dict(zip(checkouts, found, strict=True))


def _table(found: Mapping[str, Shares]) -> str:
    lines = [f"| % of a core | {' | '.join(found)} |", "|---" * (1 + len(found)) + "|"]
    for name in found["here"]:
        figures = " | ".join(f"{each[name]:.2f}" for each in found.values())
        lines.append(f"| {name} | {figures} |")
    return "\n".join(lines)


def main() -> int:
    """Measure as the command line says; print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--against", type=Path, help="the folder of another checkout")
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    found = _measure(options)
    print(_table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
