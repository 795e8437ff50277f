"""Compares our engine with the engines that people would use instead.

    python -m bench.engine [--quick] [--json FILE] [--svg FILE]

All engines get the same requests. Each one runs in a process of its own and is measured
while the others are idle. A round measures each engine once; ``bench.ratios`` compares
them within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.plan import FULL, QUICK, Plan
from bench.plot import plot
from bench.ratios import ratios
from bench.report import as_json, long_rows, rows, table
from bench.scenarios import PROMPT, Bench, Results


def main(arguments: Sequence[str]) -> None:
    """Measure all engines, print the tables, and write the files asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter requests"
    )
    parser.add_argument("--json", type=Path, help="write figures and ratios here")
    parser.add_argument("--svg", type=Path, help="draw the table here")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    options = parser.parse_args(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    plan = QUICK if options.quick else FULL
    results = Bench(plan, options.cache, options.threads).measure()
    _print_results(results, plan, options.threads)
    if options.json:
        data = _data(results, plan, options.threads)
        options.json.write_text(json.dumps(data, indent=2) + "\n")
    if options.svg:
        plot(rows(results), options.svg)


def _print_results(results: Results, plan: Plan, threads: int) -> None:
    print(
        f"\nGPT-2 124M, float32, {threads} threads;"
        f" prompts of {PROMPT[0]} to {PROMPT[1]} tokens,"
        f" replies of {plan.new[0]} to {plan.new[1]};"
        f" medians of {plan.rounds} rounds\n"
    )
    print(table(rows(results)))
    if results.long:
        print("\n" + table(long_rows(results)))
    print(
        "\n{requests} requests through one engine, first tenth and last:"
        " {tokens_per_second_first_tenth:.0f} and {tokens_per_second_last_tenth:.0f}"
        " tokens/s, {resident_mb_after_first_tenth:.0f} and"
        " {resident_mb_at_the_end:.0f} MB\n".format(**results.soak)
    )
    for name, value in ratios(results).items():
        print(f"{name:34}{value:8.2f}")


def _data(results: Results, plan: Plan, threads: int) -> dict[str, object]:
    return {
        "ratios": ratios(results),
        "rows": [as_json(row) for row in (*rows(results), *long_rows(results))],
        "soak": results.soak,
        "rounds": plan.rounds,
        "threads": threads,
    }


if __name__ == "__main__":
    main(sys.argv[1:])
