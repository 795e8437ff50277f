"""How much each precision changes what SmolLM2 says, on texts that chose none of them.

    python -m bench.quality [--tokens 4096] [--replies 200] [--json FILE]

Perplexity, divergence and agreement compare with the model's own float32. A reply that
is written beside seven others is compared with the same reply written alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.held_out import texts
from bench.peer_process import PeerProcess, start_peer
from bench.peers import FP16, INT8, PEERS, Unavailable
from bench.ratios import Ratio
from bench.report import ratio_table
from bench.scenarios import progress
from bench.smollm2 import smollm2
from bench.workload import BenchRequest

#: Tokens that the model reads at once, if it can read so many.
WINDOW_TOKENS = 512
TOGETHER = 8
NEW_TOKENS = 16


@dataclass
class Qualities:
    """What was found, by precision."""

    #: By precision, then text: the figures of ``worker.engine.quality.Quality``.
    compared: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    #: Replies that were the same alone and beside others; and all.
    same_beside: dict[str, tuple[int, int]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def ratios(self) -> list[Ratio]:
        """Return the figures with what is aimed at: what lets a precision serve."""
        from worker.engine.quality import LIMITS

        found = []
        for precision, by_text in self.compared.items():
            most = LIMITS[precision]
            for text, figures in by_text.items():
                name, change = f"{precision}_{text}", figures["perplexity_change"]
                found += [
                    Ratio(
                        f"{name}_perplexity_change",
                        abs(change),
                        f"≤ {most.perplexity_change}",
                    ),
                    Ratio(
                        f"{name}_divergence",
                        figures["divergence"],
                        f"≤ {most.divergence}",
                    ),
                    Ratio(
                        f"{name}_agreement",
                        figures["agreement"],
                        f"≥ {most.agreement}",
                    ),
                ]
        for precision, (same, count) in self.same_beside.items():
            found.append(Ratio(f"{precision}_same_beside_others", same / count, "≥ 1"))
        return found


class Comparer:
    """The model as transformers runs it, and our forward passes beside it."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        torch.set_num_threads(threads)
        self._folder, self._threads = folder, threads
        self._models: dict[str, Any] = {}
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._module: Any = AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager"
        ).eval()

    def compare(
        self, text: str, tokens: int, precisions: Sequence[str]
    ) -> dict[str, dict[str, float]]:
        """Return the figures of each precision over the first tokens of a text."""
        import torch

        from worker.engine.quality import Comparison, whole_sequence

        ids = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        found = {precision: Comparison() for precision in precisions}
        size = min(WINDOW_TOKENS, self._module.config.max_position_embeddings)
        for window in torch.tensor(ids[:tokens]).split(size):
            with torch.inference_mode():
                own = self._module(window[None], use_cache=False).logits[0]
            for precision, comparison in found.items():
                model = self._model(precision)
                cache = model.new_kv_cache(1, len(window))
                other = model.read(whole_sequence(window), cache)
                comparison.add(own, other, window)
        return {name: asdict(one.quality()) for name, one in found.items()}

    def _model(self, precision: str) -> Any:
        """Return the model in a precision, loaded once."""
        from worker.engine.model import load_model

        if precision not in self._models:
            self._models[precision] = load_model(
                self._folder,
                device="cpu",
                threads=self._threads,
                precision=precision,
                data_dir=self._folder.parent / "worker-data",
            )
        return self._models[precision]


def measure_quality(
    folder: Path,
    threads: int,
    *,
    tokens: int,
    replies: Mapping[str, int],
) -> Qualities:
    """Compare fp16 and int8, where they can be had, with the model's own float32.

    ``tokens``: of each text. ``replies``: by engine, how many are written alone and
    beside others.
    """
    found, has = Qualities(), []
    for name in (FP16, INT8):
        peer = start_peer(name, folder, threads)
        precision = PEERS[name].options[0]
        try:
            peer.ready()
        except Unavailable as error:
            found.missing[name] = str(error)
            progress(f"left out: {name} ({error})")
        else:
            has.append(precision)
            if count := replies.get(name, 0):
                progress(f"{count} replies of {name}, alone and beside others")
                same = _same_beside(peer, _requests(folder, count))
                found.same_beside[precision] = same
        peer.close()
    _compare(found, folder, threads, tokens, has)
    return found


def _compare(
    found: Qualities, folder: Path, threads: int, tokens: int, precisions: list[str]
) -> None:
    comparer = PeerProcess(Comparer, folder, threads)
    comparer.ready()
    for text, content in texts(folder.parent).items():
        progress(f"quality on {tokens} tokens of {text}")
        figures = comparer.call("compare", content, tokens, precisions)
        for precision, of_text in figures.items():
            found.compared.setdefault(precision, {})[text] = of_text
    comparer.close()


def _same_beside(peer: PeerProcess, requests: list[BenchRequest]) -> tuple[int, int]:
    """Count the replies that are the same alone and beside others; and all."""
    alone = [peer.call("texts", [request])[0] for request in requests]
    beside: list[str] = []
    for begin in range(0, len(requests), TOGETHER):
        beside += peer.call("texts", requests[begin : begin + TOGETHER])
    same = sum(one == other for one, other in zip(alone, beside, strict=True))
    return same, len(requests)


def _requests(folder: Path, count: int) -> list[BenchRequest]:
    """Make requests with prompts of many lengths, each with a seed of its own."""
    prose = texts(folder.parent)["english"]
    sentences = [one.strip() for one in prose.split(". ") if len(one) > 20]
    return [
        BenchRequest(f"What does this mean? {sentence}", NEW_TOKENS, seed)
        for seed, sentence in enumerate(sentences[:count])
    ]


def main(arguments: Sequence[str]) -> None:
    """Measure, print, and write the file asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.quality")
    parser.add_argument("--tokens", type=int, default=4096, help="of each text")
    parser.add_argument("--replies", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write all figures here")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--cache", type=Path, default=Path(".cache/bench"))
    options = parser.parse_args(arguments)
    options.cache.mkdir(parents=True, exist_ok=True)
    found = measure_quality(
        smollm2(options.cache),
        options.threads,
        tokens=options.tokens,
        replies=dict.fromkeys((FP16, INT8), options.replies),
    )
    print(ratio_table(found.ratios()))
    for name, reason in found.missing.items():
        print(f"left out: {name} ({reason})")
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
