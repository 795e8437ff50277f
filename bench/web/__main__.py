"""Measures what one web process spends on each kind of request.

    python -m bench.web [--json FILE] [--postgresql] [--against FOLDER] [--rounds N]
                        [--profile KIND]

Starts gunicorn as ``make run`` does, with one process, and sends requests one after
another on a kept connection: every kind in turn, ``--rounds`` times. CPU time is that
of the web process alone, without Valkey and PostgreSQL. ``--against`` measures another
checkout, by its own environment, in turns with this one.

No worker runs: this program does a worker's part through the mailbox, so that each
reply waits, grows or has ended exactly when it should.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import facts
from bench.site import Checkout
from bench.web.databases import postgresql_databases
from bench.web.inside_process import as_json
from bench.web.measured_site import MeasuredSite, PeopledSite, bare_site, peopled_site
from bench.web.people import HEALTH, KINDS, Amounts, Kind
from bench.web.report import (
    Costs,
    Counts,
    figures,
    pairs_of,
    ratio_table,
    ratios,
    tables,
)

#: Requests of one batch of a kind that takes little. Of others there are as many as
#: senders.
SHORT_BATCH = 40
ROUNDS = 5
PROFILED = 60
BARE = {"a WSGI function": "function", "a Django view": "django()"}
#: The name of the other checkout's site, after that of its database.
AGAINST = ", against"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and how often."""

    kinds: Sequence[Kind] = KINDS
    against: Path | None = None
    has_postgresql: bool = False
    rounds: int = ROUNDS
    amounts: Amounts = field(default_factory=Amounts)
    short_batch: int = SHORT_BATCH

    def batch(self, kind: Kind) -> int:
        """How many requests of a kind make one batch."""
        return self.short_batch if kind.is_short else self.amounts.senders

    def checkouts(self) -> dict[str, Checkout]:
        """The checkouts, by what their sites are called."""
        found = {"": Checkout()}
        if self.against:
            root = self.against.resolve()
            found[AGAINST] = Checkout(root, str(root / ".venv" / "bin" / "python"))
        return found


@contextmanager
def started_sites(plan: Plan) -> Iterator[dict[str, PeopledSite]]:
    """Start a site for each checkout on each database."""
    checkouts = plan.checkouts()
    urls = {"SQLite": [""] * len(checkouts)}
    if plan.has_postgresql:
        urls["PostgreSQL"] = postgresql_databases(len(checkouts))
    with ExitStack() as stack:
        yield {
            f"{database}{name}": stack.enter_context(
                peopled_site(checkout, url, plan.amounts)
            )
            for database, those in urls.items()
            for (name, checkout), url in zip(checkouts.items(), those, strict=True)
        }


@contextmanager
def started_bare() -> Iterator[dict[str, MeasuredSite]]:
    """Start what shows the least that a request can cost."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(bare_site(f"bench.web.bare:{application}"))
            for name, application in BARE.items()
        }


def measure_round(
    plan: Plan,
    sites: Sequence[tuple[str, PeopledSite]],
    bare: Mapping[str, MeasuredSite],
) -> Costs:
    """Measure one batch of each kind at each site."""
    found: Costs = {}
    for kind in plan.kinds:
        for name, site in sites:
            requests = site.requests(kind, plan.batch(kind))
            found[name, kind.name] = site.measured.cost_of(requests)
    for name, floor in bare.items():
        found["bare", name] = floor.cost_of([HEALTH] * plan.short_batch)
    return found


def count(plan: Plan, sites: Mapping[str, PeopledSite]) -> Counts:
    """Count what one request of each kind asks of database and Redis, and renders."""
    found: Counts = {}
    for name, site in sites.items():
        for kind in plan.kinds:
            # The first one opens connections and compiles templates.
            for request in site.requests(kind, plan.batch(kind))[:2]:
                counted = site.inside.call("counts", as_json(request))
                found[name, kind.name] = counted
    return found


def measure(plan: Plan) -> dict[str, Any]:
    """Measure everything; return the figures by site and kind, and the ratios."""
    with started_sites(plan) as sites, started_bare() as bare:
        both = [*reversed(sites.items())], [*sites.items()]
        # The first round warms up.
        rounds = [
            measure_round(plan, both[number % 2], bare)
            for number in range(plan.rounds + 1)
        ][1:]
        counts = count(plan, sites)
        megabytes = {
            name: round(site.measured.megabytes()) for name, site in sites.items()
        }
    return {
        "machine": machine(),
        "sites": figures(rounds, counts),
        "ratios": {
            ours: ratios(rounds, ours, theirs) for ours, theirs in pairs_of([*sites])
        },
        "web_mb": megabytes,
    }


def machine() -> dict[str, str]:
    """Return what the figures depend on, and how busy the machine is."""
    known = facts("", 1, ())
    shown = {name: known[name] for name in ("processor", "flags", "system")}
    load = f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    return {**shown, "load": load}


def profile(kind: Kind, *, has_postgresql: bool) -> str:
    """Return where the CPU time of one kind of request goes, Django's part alone."""
    plan = Plan([kind], has_postgresql=has_postgresql, amounts=Amounts(PROFILED))
    with started_sites(plan) as sites:
        site = [*sites.values()][-1]
        requests = site.requests(kind, PROFILED)
        found: str = site.inside.call("profile", [as_json(one) for one in requests])
    return found


def main(arguments: Sequence[str]) -> None:
    """Measure and print tables, or print a profile."""
    parser = argparse.ArgumentParser(prog="python -m bench.web")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--postgresql", action="store_true", help="on it as well")
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--json", type=Path, help="write the figures here")
    names = {kind.name: kind for kind in KINDS}
    parser.add_argument("--profile", choices=names, metavar="KIND", help=str([*names]))
    options = parser.parse_args(arguments)
    if options.profile:
        kind = names[options.profile]
        print(profile(kind, has_postgresql=options.postgresql))
        return
    found = measure(
        Plan(
            against=options.against,
            has_postgresql=options.postgresql,
            rounds=options.rounds,
        )
    )
    print("\n".join(f"{name}: {fact}" for name, fact in found["machine"].items()))
    print(f"\n{tables(found['sites'])}")
    if found["ratios"]:
        print(f"\n{ratio_table(found['ratios'])}")
    print(f"\nmemory of the web process, MB: {found['web_mb']}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
