"""The continuous batching of transformers, with one manager for all requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from transformers import ContinuousBatchingConfig, GenerationConfig

from bench.measurement import Measurement, gaps_of
from bench.peers.generate import Generate
from bench.workload import TEMPERATURE, TOP_K, TOP_P, BenchRequest

# Chosen by measuring on two cores: smaller values were slower, larger ones no faster.
PAGE_TOKENS = 32
PAGES = 256
STEP_TOKENS = 256


class Continuous(Generate):
    """Implements ``bench.peers.Peer``."""

    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__(folder, threads)
        self._manager: Any = self.model.init_continuous_batching(
            generation_config=GenerationConfig(
                do_sample=True,
                temperature=TEMPERATURE,
                top_k=TOP_K,
                top_p=TOP_P,
                eos_token_id=-1,
                pad_token_id=0,
            ),
            continuous_batching_config=ContinuousBatchingConfig(
                page_size=PAGE_TOKENS,
                num_blocks=PAGES,
                max_batch_tokens=STEP_TOKENS,
                use_cuda_graph=False,
                allow_block_sharing=False,
            ),
        )
        self._manager.start()

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Submit all requests to the manager and collect the results."""
        began = time.perf_counter()
        for request in requests:
            self._manager.add_request(
                self.ids(request),
                max_new_tokens=request.new_tokens,
                record_timestamps=True,
                eos_token_id=-1,
            )
        results = [self._next() for _ in requests]
        return Measurement(
            tokens=sum(len(result.generated_tokens) for result in results),
            seconds=time.perf_counter() - began,
            first_texts=[result.timestamps[0] - began for result in results],
            gaps=[gap for result in results for gap in gaps_of(result.timestamps)],
        )

    def _next(self) -> Any:
        while True:
            result = self._manager.get_result(timeout=600)
            if result is None or result.error:
                raise RuntimeError(f"transformers' batching failed: {result}")
            if result.is_finished():
                return result
