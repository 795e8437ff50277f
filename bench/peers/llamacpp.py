"""llama.cpp, an engine written in C++, as a server with parallel slots."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import xllamacpp
from transformers import AutoTokenizer
from transformers.utils import logging

from bench.gguf_file import converted
from bench.measurement import Measurement, gaps_of
from bench.workload import TEMPERATURE, TOP_K, TOP_P, BenchRequest

SLOTS = 32
#: For the longest prompt of the measurement and its reply.
SLOT_TOKENS = 640


class LlamaCpp:
    """Implements ``bench.peers.Peer`` with the server that its own users run."""

    def __init__(self, folder: Path, threads: int, quantization: str) -> None:
        logging.disable_progress_bar()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        params = xllamacpp.CommonParams()
        params.model.path = str(converted(folder, quantization))
        params.n_parallel = SLOTS
        params.n_ctx = SLOTS * SLOT_TOKENS
        params.kv_unified = False
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        # Every prompt is new, so nothing is looked up or kept.
        params.cache_prompt = False
        params.cache_ram_mib = 0
        params.verbosity = 0
        self._server = xllamacpp.Server(params)
        self._threads = ThreadPoolExecutor(SLOTS)

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Send all requests at once, each from a thread of its own."""
        prompts = [self._tokenizer(request.prompt)["input_ids"] for request in requests]
        began = time.perf_counter()
        replies = list(self._threads.map(self._reply, prompts, requests))
        return Measurement(
            tokens=sum(reply.new_tokens for reply in replies),
            seconds=time.perf_counter() - began,
            first_texts=[reply.times[0] - began for reply in replies if reply.times],
            gaps=[gap for reply in replies for gap in gaps_of(reply.times)],
        )

    def text(self, ids: Sequence[int], new_tokens: int) -> str:
        """Return the likeliest text after ``ids``."""
        greedy = {"temperature": 0, "samplers": ["temperature"]}
        return self._answer(_body(ids, new_tokens) | greedy).text

    def _reply(self, ids: Sequence[int], request: BenchRequest) -> _Reply:
        sampled = {
            "samplers": ["top_k", "top_p", "temperature"],
            "top_k": TOP_K,
            "top_p": TOP_P,
            "temperature": TEMPERATURE,
            "seed": request.seed,
        }
        return self._answer(_body(ids, request.new_tokens) | sampled)

    def _answer(self, body: dict[str, object]) -> _Reply:
        reply = _Reply()
        self._server.handle_completions(body, reply.take)
        if not reply.new_tokens:
            raise RuntimeError("llama.cpp answered nothing")
        return reply


class _Reply:
    """What came of one reply so far, and when."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.text = ""
        self.new_tokens = 0

    def take(self, chunk: dict[str, Any]) -> None:
        """Take a chunk: some text, or at last the number of tokens."""
        if "error" in chunk:
            raise RuntimeError(f"llama.cpp failed: {chunk['error']}")
        if text := chunk["choices"][0]["text"]:
            self.times.append(time.perf_counter())
            self.text += text
        self.new_tokens = chunk.get("usage", {}).get("completion_tokens", 0)


def _body(ids: Sequence[int], new_tokens: int) -> dict[str, object]:
    """Return a request that goes on to its full length, as a stream."""
    return {
        "prompt": list(ids),
        "max_tokens": new_tokens,
        "ignore_eos": True,
        "stream": True,
    }
