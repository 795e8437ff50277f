"""What a step costs beside the forward pass: scheduling, sampling, text."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor
from transformers import GPT2Config

from bench.peer_process import PeerProcess
from bench.peers import AS_A_WORKER
from bench.peers.ours import TextTimes
from bench.random_model import made
from bench.ratios import Ratio
from bench.scenarios import progress
from chatsite.catalog import ModelEntry
from chatsite.wire import Request, Role, SamplingParams, Turn
from worker.engine.drafts import DraftPolicy
from worker.engine.engine import TransformersEngine
from worker.engine.kv_cache import KVCache
from worker.engine.model import LanguageModel, load_model
from worker.engine.packing import PackedBatch
from worker.engine.sequence import Chunk

VOCABULARY, CONTEXT_TOKENS = 49_152, 512
ROWS = 32
NEW_TOKENS = 60
SETTINGS = {
    "greedy": SamplingParams(temperature=0),
    "top_k_50": SamplingParams(temperature=0.8, top_k=50, top_p=0.95),
    "default": SamplingParams(),
    "temperature_1": SamplingParams(temperature=1.0, top_p=0.9),
}
#: Milliseconds that a step shall take at most, by the replies in it.
AIMS = {1: 1.2, 32: 3.0}
#: Tokens have chances that fall with a power of their rank, as words do (Zipf's law).
#: With these powers the 64 likeliest ones are too few for top-p as often as with the
#: logits of SmolLM2: 0.53 of the tokens at temperature 1 and 0.12 at the defaults,
#: beside 0.58 and 0.11.
POWERS = (0.9, 2.0)


def measure_loop(cache: Path, threads: int) -> list[Ratio]:
    """Return milliseconds a step for some settings, by the number of replies."""
    progress("the loop without the forward pass")
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=CONTEXT_TOKENS,
        n_embd=32,
        n_layer=1,
        n_head=4,
        bos_token_id=None,
        eos_token_id=None,
    )
    folder = made(cache / "gpt2-many-tokens", config)
    peer = PeerProcess(Loop, folder, threads, environment=AS_A_WORKER)
    peer.ready()
    found = [
        Ratio(f"loop_ms_{load}_{name}", peer.call("step_ms", load, name), f"≤ {aim:g}")
        for load, aim in AIMS.items()
        for name in SETTINGS
    ]
    peer.close()
    return found


class Loop:
    """An engine whose logits are there at once."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Open it for the model in ``folder``, whose own logits it does not use."""
        model = load_model(
            folder,
            device="cpu",
            threads=threads,
            precision="fp32",
            data_dir=folder.parent / "worker-data",
        )
        self._engine = TimedEngine(ReadyModel(model))

    def step_ms(self, load: int, name: str) -> float:
        """Return the median of the steps that write ``load`` replies and no more."""
        self._engine.seconds.clear()
        replies = [TextTimes() for _ in range(load)]
        for seed, reply in enumerate(replies):
            settings = replace(SETTINGS[name], max_new_tokens=NEW_TOKENS, seed=seed)
            turns = (Turn(Role.USER, f"{seed} says hello"),)
            self._engine.submit(Request(turns, settings, max_seconds=3600), reply)
        for reply in replies:
            reply.wait()
        return 1e3 * median(self._engine.seconds[load])


class ReadyModel:
    """A model whose forward pass returns logits that were made before."""

    def __init__(self, model: LanguageModel) -> None:
        self.context_tokens = model.context_tokens
        self.vocabulary = model.vocabulary
        self.device = model.device
        self.precision = model.precision
        self.eos_ids = model.eos_ids
        self.tokenizer = model.tokenizer
        self.new_kv_cache = model.new_kv_cache
        self.row_shape = model.row_shape
        self.wrap_logits = model.wrap_logits
        #: How long the forward pass took so far.
        self.seconds = 0.0
        self._logits = _zipf_logits(4 * ROWS, VOCABULARY)
        self._calls = 0

    def forward(self, chunks: Sequence[Chunk[Any]], cache: KVCache) -> Tensor:
        """Return some rows of logits, others in each step."""
        batch = PackedBatch.of(chunks, self.device)
        cache.record(batch)
        began = time.perf_counter()
        self._calls += 1
        rows = (torch.arange(len(batch.last)) + 7 * self._calls) % len(self._logits)
        logits = self._logits[rows]
        self.seconds += time.perf_counter() - began
        return logits


class TimedEngine(TransformersEngine):
    """Notes how long the steps take that read no prompt, without the forward pass."""

    def __init__(self, model: ReadyModel) -> None:
        """Start it, without drafts: each step writes one token of every reply."""
        #: By the number of replies.
        self.seconds: defaultdict[int, list[float]] = defaultdict(list)
        self._ready_model = model
        entry = ModelEntry("bench", "bench", context_tokens=CONTEXT_TOKENS, source=None)
        # It has what the engine uses of a model.
        any_model: Any = model
        drafts = DraftPolicy(is_on=False)
        super().__init__(any_model, entry, rows=ROWS, drafts=drafts)

    def step(self) -> None:
        """Make and time one step."""
        before, began = self._ready_model.seconds, time.perf_counter()
        super().step()
        took = time.perf_counter() - began
        if all(chunk.is_decode for chunk in self._chunks):
            spent = self._ready_model.seconds - before
            self.seconds[len(self._chunks)].append(took - spent)


def _zipf_logits(rows: int, vocabulary: int) -> Tensor:
    """Return logits by ``POWERS``, float32 [rows, vocabulary]."""
    dice = torch.Generator().manual_seed(0)
    ranks = torch.rand(rows, vocabulary, generator=dice).argsort(-1) + 1
    return -torch.linspace(*POWERS, rows)[:, None] * ranks.log()
