"""``generate`` of transformers, used in two ways."""

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

from bench.measurement import Measurement, concatenated, gaps_of
from bench.workload import TEMPERATURE, TOP_K, TOP_P, BenchRequest


class TokenTimes(BaseStreamer):
    """Notes when each token comes. The first call brings the prompt."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._has_prompt = False

    def put(self, value: Tensor) -> None:
        """Note the time of a token."""
        del value
        if self._has_prompt:
            self.times.append(time.perf_counter())
        self._has_prompt = True

    def end(self) -> None:
        """Do nothing; ``BaseStreamer`` requires this method."""


class Generate:
    """A model and its tokenizer, as in a tutorial."""

    def __init__(self, folder: Path, threads: int) -> None:
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        torch.set_num_threads(threads)
        self.model: Any = AutoModelForCausalLM.from_pretrained(folder).eval()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)

    def ids(self, request: BenchRequest) -> list[int]:
        """Return the tokens of a prompt."""
        return list(self._tokenizer(request.prompt)["input_ids"])

    def together(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Generate for all requests in one batch, padded on the left.

        All replies get the length of the longest. transformers streams one reply
        only, so times are known for a batch of one.
        """
        prompts = [self.ids(request) for request in requests]
        longest = max(map(len, prompts))
        padded = [[0] * (longest - len(ids)) + ids for ids in prompts]
        mask = [[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts]
        watch = TokenTimes() if len(requests) == 1 else None
        new_tokens = max(request.new_tokens for request in requests)
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
        return Measurement(
            tokens=sum(request.new_tokens for request in requests),
            seconds=seconds,
            first_texts=[time - began for time in times[:1]],
            gaps=gaps_of(times),
        )


class Sequential(Generate):
    """One request after another, as in the usual Celery tutorial.

    Times are those of each request by itself. In a queue each request would also wait
    for all earlier ones.
    """

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Run each request alone."""
        return concatenated([self.together([request]) for request in requests])


class Static(Generate):
    """All requests as one batch: no text comes before the longest reply is done."""

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Run all requests as one batch."""
        return self.together(requests)
