"""Computes what a site needs for many people, from measured costs.

    python -m bench.simulate [--people 1000,100000,10000000] [--svg docs/scale.svg]
                             [--COST VALUE] …

Nothing runs. Arrivals are taken as random (Poisson), so workers need room beyond the
mean: their number is the least with which the mean wait for a row stays below
``WAIT_SECONDS`` (Erlang's formula C). All other parts may be busy for ``FULL`` of the
time. ``--help`` lists the costs, which docs/bench.md measures, and the habits of
people, which are assumptions.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

#: The longest mean wait for a free row, in seconds.
WAIT_SECONDS = 2.0
#: The share of its time for which a part may be busy.
FULL = 0.7
#: Cores of the largest database server that one rents without thinking.
DATABASE_CORES = 32
#: Name, part, cores (0: those of a worker), and whether a site can have more of them.
PIECES = (
    ("a worker of two cores", "worker", 0, True),
    ("a web process, one core", "web", 1, True),
    ("Redis, one core", "Redis", 1, False),
    ("a keeper, one core", "keeper", 1, True),
    (f"PostgreSQL, {DATABASE_CORES} cores", "database", DATABASE_CORES, False),
)
TIERS = ("worker", "web", "database", "Redis", "keeper")


@dataclass(frozen=True, slots=True)
class Costs:
    """What one machine does, and how people behave. Times of CPU."""

    #: A worker of two cores, GPT-2 in int8, eight rows (The engine).
    tokens_per_second: float = 378
    rows: int = 8
    worker_cores: int = 2
    #: Kinds of requests to a web process, on PostgreSQL (What a request costs).
    page_ms: float = 21.4
    send_ms: float = 8.5
    poll_ms: float = 1.3
    growing_ms: float = 1.7
    end_ms: float = 16.6
    #: One script in Redis, with all that is around it (The whole path).
    script_us: float = 140
    #: The server processes of PostgreSQL, for a message, pages and the end of a reply.
    database_ms: float = 20
    #: Copying the end of a reply, on PostgreSQL (The whole path); polls copy most.
    collect_ms: float = 2.1
    #: Texts of a worker to Redis, and polls of a page that shows a growing reply.
    writes_per_second: float = 10
    polls_per_second: float = 5
    #: Scripts for a message, its bell, its claim, its end and pages.
    scripts_per_reply: float = 16
    #: Habits: how many of all people use the site at its busiest time, how often one of
    #: them sends, how long replies are, and how many open pages rest.
    online_percent: float = 2
    seconds_between_messages: float = 60
    reply_tokens: float = 200
    idle_poll_seconds: float = 20

    @property
    def reply_seconds(self) -> float:
        """How long a reply takes among as many others as a worker has rows."""
        return self.reply_tokens * self.rows / self.tokens_per_second


@dataclass(frozen=True, slots=True)
class Needs:
    """What some people need: replies a second, and cores of each part."""

    people: float
    replies_per_second: float
    cores: dict[str, float]
    workers: float


def needs(people: float, costs: Costs) -> Needs:
    """Return what so many people need."""
    online = people * costs.online_percent / 100
    rate = online / costs.seconds_between_messages
    return _needs(people, online, rate, _workers(rate, costs), costs)


def mean_cores(people: float, costs: Costs) -> dict[str, float]:
    """Return the cores of each part with workers that are busy all the time."""
    online = people * costs.online_percent / 100
    rate = online / costs.seconds_between_messages
    busy = rate * costs.reply_seconds / costs.rows
    return _needs(people, online, rate, busy, costs).cores


def _needs(
    people: float, online: float, rate: float, workers: float, costs: Costs
) -> Needs:
    growing = rate * costs.reply_seconds * costs.polls_per_second
    idle = online / costs.idle_poll_seconds
    web = rate * (costs.page_ms + costs.send_ms + costs.end_ms)
    web += growing * costs.growing_ms + idle * costs.poll_ms
    scripts = rate * (
        costs.scripts_per_reply + costs.reply_seconds * costs.writes_per_second
    )
    scripts += growing + idle + workers
    return Needs(
        people,
        rate,
        {
            "worker": workers * costs.worker_cores,
            "web": web / 1000,
            "database": rate * costs.database_ms / 1000,
            "Redis": scripts * costs.script_us / 1e6,
            # Pages that were closed: a tenth of all.
            "keeper": rate * 0.1 * costs.collect_ms / 1000,
        },
        workers,
    )


def _workers(rate: float, costs: Costs) -> int:
    """Return the least number of workers with which the wait is short enough."""
    busy_rows = rate * costs.reply_seconds
    workers = max(1, math.ceil(busy_rows / costs.rows))
    while mean_wait(rate, costs.reply_seconds, workers * costs.rows) > WAIT_SECONDS:
        workers += max(1, workers // 200)
    return workers


def mean_wait(rate: float, seconds: float, rows: int) -> float:
    """Return the mean wait for one of the rows, by Erlang's formula C."""
    offered = rate * seconds
    if offered >= rows:
        return math.inf
    # The probability that all rows are busy, by Erlang's formula B.
    blocked = 1.0
    for row in range(1, rows + 1):
        blocked = offered * blocked / (row + offered * blocked)
    waits = rows * blocked / (rows - offered * (1 - blocked))
    return waits * seconds / (rows - offered)


def most_people(tier: str, cores: float, costs: Costs) -> float:
    """Return for how many people so many cores of this part suffice."""
    low, high = 1.0, 1e10
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        if mean_cores(middle, costs)[tier] > FULL * cores:
            high = middle
        else:
            low = middle
    return low


def table(people: Sequence[float], costs: Costs) -> str:
    """Format what these numbers of people need as a Markdown table."""
    lines = [
        (
            "| people | replies a second | workers | cores for workers | web | database"
            " | Redis | keeper |"
        ),
        "|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for count in people:
        found = needs(count, costs)
        cores = " | ".join(f"{found.cores[tier]:,.2f}" for tier in TIERS[1:])
        lines.append(
            f"| {count:,.0f} | {found.replies_per_second:,.1f} | {found.workers:,.0f}"
            f" | {found.cores['worker']:,.0f} | {cores} |"
        )
    return "\n".join(lines)


def limits(costs: Costs) -> str:
    """Say for how many people one piece of each part suffices."""
    lines = ["| part | suffices for | more of them |", "|---|--:|---|"]
    for name, tier, cores, is_added in PIECES:
        people = most_people(tier, cores or costs.worker_cores, costs)
        more = "yes" if is_added else "no"
        lines.append(f"| {name} | {rounded(people):,.0f} people | {more} |")
    return "\n".join(lines)


def rounded(value: float) -> float:
    """Return the value with two digits: it is no more exact."""
    digits = math.floor(math.log10(value)) - 1
    return round(value / 10**digits) * 10**digits


def main(arguments: Sequence[str]) -> None:
    """Print the tables, and draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.simulate")
    parser.add_argument("--people", default="1000,100000,10000000")
    parser.add_argument("--svg", type=Path, help="draw the picture here")
    for cost in fields(Costs):
        name = f"--{cost.name.replace('_', '-')}"
        parser.add_argument(name, type=float, default=cost.default)
    options = parser.parse_args(arguments)
    given = {cost.name: getattr(options, cost.name) for cost in fields(Costs)}
    costs = Costs(**{**given, "rows": int(given["rows"])})
    people = [float(count) for count in options.people.split(",")]
    print(table(people, costs), limits(costs), sep="\n\n")
    if options.svg:
        from bench.plot_scale import plot

        plot(costs, people, options.svg)


if __name__ == "__main__":
    main(sys.argv[1:])
