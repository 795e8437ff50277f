"""Compares our engine with the engines that people would use instead.

    python -m bench.engine [--quick] [--isa avx2] [--json FILE] [--svg FILE]

All engines get the same requests. Each one runs in a process of its own and is measured
while the others are idle. A round measures each engine once; ``bench.ratios`` compares
them within a round.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from bench import machine, random_model
from bench.loop import measure_loop
from bench.plan import FULL, QUICK, Plan
from bench.plot import plot
from bench.ratios import Ratio, ratios
from bench.real_model import RealModel, measure_real_model
from bench.report import as_json, ratio_table, ratios_as_json, rows, table
from bench.results import Results
from bench.scenarios import INFORMATIVE, PROMPT_TOKENS, ModelBench, measure_many

MANY = (
    "{requests} requests through one engine, first tenth and last:"
    " {tokens_per_second_first_tenth:.0f} and {tokens_per_second_last_tenth:.0f}"
    " tokens/s, {resident_mb_after_first_tenth:.0f} and"
    " {resident_mb_at_the_end:.0f} MB"
)


def main(arguments: Sequence[str]) -> None:
    """Measure all engines, print the tables, and write the files asked for."""
    began = time.monotonic()
    options = _parser().parse_args(arguments)
    if options.isa:
        machine.force(options.isa)
    options.cache.mkdir(parents=True, exist_ok=True)
    plan = QUICK if options.quick else FULL
    found = _measure(plan, options.cache, options.threads)
    small = random_model.small(options.cache)
    many = measure_many(found[0].best, small, plan.many, options.threads)
    loop = measure_loop(options.cache, options.threads)
    real = measure_real_model(plan, options.cache, options.threads)
    speeds = [speed for results in found for speed in results.bandwidths]
    facts = machine.facts(options.isa, options.threads, speeds)
    facts["took"] = f"{time.monotonic() - began:.0f} s"
    every_ratio = [*_all_ratios(found, real), *loop]
    _print_results(facts, plan, found, many, every_ratio)
    if options.json:
        data = {
            **ratios_as_json(every_ratio),
            "machine": facts,
            "quality": asdict(real.quality) if real else None,
            "models": [as_json(results) for results in found],
            "many": many,
        }
        options.json.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    if options.svg:
        plot(found, facts["processor"], options.svg)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument(
        "--quick", action="store_true", help="fewer and shorter requests"
    )
    parser.add_argument(
        "--isa",
        choices=sorted(machine.ISA_VARIABLES),
        default="",
        help="let every engine that can be told use no newer instructions than these",
    )
    parser.add_argument("--json", type=Path, help="write figures and ratios here")
    parser.add_argument("--svg", type=Path, help="draw the speeds here")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    return parser


def _measure(plan: Plan, cache: Path, threads: int) -> list[Results]:
    """Measure both models, one after the other; only GPT-2 gets the streams."""
    models = [
        (Results("GPT-2 124M"), random_model.gpt2(cache)),
        (Results("SmolLM2 135M", "smollm2_"), random_model.smollm2(cache)),
    ]
    for results, folder in models:
        own = replace(plan, without=tuple(INFORMATIVE)) if results.prefix else plan
        bench = ModelBench(own, folder, threads, results)
        bench.measure_loads()
        if not results.prefix:
            bench.measure_ours()
        bench.close()
    return [results for results, _ in models]


def _all_ratios(found: Sequence[Results], real: RealModel | None) -> list[Ratio]:
    own = real.ratios() if real else []
    return [ratio for results in found for ratio in ratios(results)] + own


def _print_results(
    facts: dict[str, str],
    plan: Plan,
    found: Sequence[Results],
    many: dict[str, float],
    found_ratios: Sequence[Ratio],
) -> None:
    print()
    for name, fact in facts.items():
        print(f"{name:14}{fact}")
    for results in found:
        print(
            f"\n{results.model}: prompts of {PROMPT_TOKENS} tokens, replies of"
            f" {plan.new_tokens}; medians of the rounds\n\n{table(rows(results))}"
        )
        for name, reason in results.missing.items():
            print(f"left out: {name} ({reason})")
    print(f"\n{MANY.format(**many)}\n")
    print(ratio_table(found_ratios))


if __name__ == "__main__":
    main(sys.argv[1:])
