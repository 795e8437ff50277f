"""``generate`` of transformers, in the two ways it is used."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.streamers import BaseStreamer
from transformers.utils import logging

from bench.load import TEMPERATURE, TOP_K, TOP_P, Ask
from bench.measured import Measured, gaps_of, joined


class Watch(BaseStreamer):
    """Notes when tokens come; the first call brings the prompt."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._has_prompt = False

    def put(self, value: Tensor) -> None:
        del value
        if self._has_prompt:
            self.times.append(time.perf_counter())
        self._has_prompt = True

    def end(self) -> None:
        pass


class Generate:
    """A model and its tokenizer, as a tutorial has them."""

    def __init__(self, folder: Path, threads: int) -> None:
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        torch.set_num_threads(threads)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def ids(self, ask: Ask) -> list[int]:
        return list(self._tokenizer(ask.prompt)["input_ids"])

    def together(self, asks: Sequence[Ask]) -> Measured:
        """Generate for all in one batch, padded on the left, up to the longest.

        A streamer sees one reply only, so that times are known for a batch of one.
        """
        prompts = [self.ids(ask) for ask in asks]
        longest = max(map(len, prompts))
        padded = [[0] * (longest - len(ids)) + ids for ids in prompts]
        mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts]
        watch = Watch() if len(asks) == 1 else None
        new_tokens = max(ask.new_tokens for ask in asks)
        began = time.perf_counter()
        with torch.inference_mode():
            self.model.generate(
                torch.tensor(padded),
                attention_mask=torch.tensor(mask),
                min_new_tokens=new_tokens,
                max_new_tokens=new_tokens,
                do_sample=True,
                temperature=TEMPERATURE,
                top_k=TOP_K,
                top_p=TOP_P,
                pad_token_id=0,
                streamer=watch,
            )
        seconds = time.perf_counter() - began
        times = watch.times if watch else []
        return Measured(
            tokens=sum(ask.new_tokens for ask in asks),
            seconds=seconds,
            first_texts=[time - began for time in times[:1]],
            gaps=gaps_of(times),
        )


class Sequential(Generate):
    """One request after another: what the usual Celery tutorial does.

    Times are those of each request by itself; in a line, everybody waits besides for
    all who came before.
    """

    def run(self, asks: Sequence[Ask]) -> Measured:
        return joined([self.together([ask]) for ask in asks])


class Static(Generate):
    """All requests at once: nobody's text comes before the longest is done."""

    def run(self, asks: Sequence[Ask]) -> Measured:
        return self.together(asks)
