"""CTranslate2, an engine written in C++, with static batches."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
from ctranslate2.converters import TransformersConverter
from transformers import AutoTokenizer
from transformers.utils import logging

from bench.cache import made_once
from bench.measurement import Measurement, gaps_of
from bench.workload import TEMPERATURE, TOP_K, TOP_P, BenchRequest


class CTranslate:
    """Implements ``bench.peers.Peer``."""

    def __init__(self, folder: Path, threads: int, compute_type: str) -> None:
        logging.disable_progress_bar()
        self._tokenizer: Any = AutoTokenizer.from_pretrained(folder)
        self._generator = ctranslate2.Generator(
            str(_converted(folder)),
            device="cpu",
            compute_type=compute_type,
            inter_threads=1,
            intra_threads=threads,
        )

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Generate for all requests as one batch, up to the longest."""
        times: list[list[float]] = [[] for _ in requests]

        def note(step: Any) -> bool:
            times[step.batch_id].append(time.perf_counter())
            return False

        new_tokens = max(request.new_tokens for request in requests)
        prompts = [self._tokenizer.tokenize(request.prompt) for request in requests]
        began = time.perf_counter()
        self._generator.generate_batch(
            prompts,
            min_length=new_tokens,
            max_length=new_tokens,
            sampling_temperature=TEMPERATURE,
            sampling_topk=TOP_K,
            sampling_topp=TOP_P,
            end_token=[],
            include_prompt_in_result=False,
            callback=note,
        )
        return Measurement(
            tokens=sum(request.new_tokens for request in requests),
            seconds=time.perf_counter() - began,
            first_texts=[noted[0] - began for noted in times if noted],
            gaps=[gap for noted in times for gap in gaps_of(noted)],
        )


def _converted(folder: Path) -> Path:
    def write(target: Path) -> None:
        TransformersConverter(str(folder)).convert(str(target))
        _name_special_tokens(target / "config.json")

    return made_once(folder.with_name(f"{folder.name}-ctranslate2"), write)


def _name_special_tokens(config: Path) -> None:
    """Name the special tokens, as CTranslate2 requires; none is ever generated."""
    values = json.loads(config.read_text())
    special = {name: "!" for name in values if name.endswith("_token")}
    config.write_text(json.dumps(values | special))
