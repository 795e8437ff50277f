"""One causal language model: loaded, checked, and run one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from worker import model_folder
from worker.engine.device import pick_device, pick_dtype
from worker.engine.forward import ForwardPass
from worker.engine.interface import ModelUnavailable, OnStep, ignore_step
from worker.engine.kept_files import remove_unused
from worker.engine.kv_cache import KVCache, RowShape
from worker.engine.logits import Logits
from worker.engine.module_forward import ATTENTION
from worker.engine.packing import PackedBatch
from worker.engine.precision import AUTO, Choice, choose_forward
from worker.engine.quality_gate import QualityGate
from worker.engine.sequence import Chunk
from worker.engine.tokenizer import Tokenizer

#: The text by which forward passes are compared, and how much of it.
PROBE_TEXT = "It was late in the evening when we came to the sea."
PROBE_TOKENS = 8
#: Token ids that every vocabulary contains, for a tokenizer that cannot read the text.
UNKNOWN_PROBE = [1, 2, 3, 4, 5, 6]
#: Context length of a model whose configuration names none.
DEFAULT_CONTEXT_TOKENS = 2048


class LanguageModel:
    """A causal language model on its device, with its tokenizer."""

    def __init__(
        self, module: Any, forward: ForwardPass, tokenizer: Any, device: torch.device
    ) -> None:
        """Wrap the forward pass of a transformers model, and its tokenizer.

        ``module``: is read for its configuration, and not kept.
        """
        self.device = device
        self.tokenizer = Tokenizer(tokenizer)
        self.eos_ids = _eos_ids(module, self.tokenizer)
        self.context_tokens = _context_tokens(module.config)
        #: How many tokens it has a logit for.
        self.vocabulary = int(module.config.get_text_config().vocab_size)
        self.precision = forward.precision
        #: The code that computes the forward pass: "transformers", "flat" or "native".
        self.forward_name = forward.name
        self._config, self._dtype = module.config, forward.cache_dtype
        self._forward = forward

    def row_shape(self, tokens: int) -> RowShape:
        """Return the shape of a KV-cache row of so many tokens."""
        return RowShape.of(self._config, tokens, self._dtype)

    def new_kv_cache(self, rows: int, tokens: int) -> KVCache:
        """Return an empty KV cache of ``rows`` rows with ``tokens`` tokens each."""
        return KVCache(self.row_shape(tokens), rows, self.device)

    def forward(self, chunks: Sequence[Chunk[Any]], cache: KVCache) -> Tensor:
        """Read chunks into their rows of the cache, all in one forward pass.

        Returns the logits after each chunk that completes its sequence, and after each
        token of its draft, in the order of the chunks: float32 [sampled, vocabulary].
        """
        return self.read(PackedBatch.of(chunks, self.device), cache)

    def read(self, batch: PackedBatch, cache: KVCache) -> Tensor:
        """Read packed tokens; return the logits after those in ``batch.last``."""
        cache.record(batch)
        return self._forward(batch, cache)

    def wrap_logits(self, logits: Tensor) -> Logits:
        """Return what samples from logits that ``read`` returned."""
        return self._forward.wrap_logits(logits)


def load_model(
    folder: Path,
    *,
    device: str = "auto",
    threads: int = 0,
    precision: str = AUTO,
    data_dir: Path | None = None,
    on_step: OnStep = ignore_step,
) -> LanguageModel:
    """Load a model from a local folder: safetensors only, never remote code.

    ``threads``: torch's threads in this process; 0 leaves torch's own choice.
    ``precision``: see ``choose_forward``. ``data_dir``: keeps what was measured once
    for a model on this machine. ``on_step``: takes what is done once, when it begins.
    Raises ``ModelUnavailable``.
    """
    if problem := model_folder.find_problem(folder):
        raise ModelUnavailable(f"{folder}: {problem}")
    place = pick_device(device)
    if threads:
        torch.set_num_threads(threads)
    transformers_logging.disable_progress_bar()
    module = _load_part(
        folder, AutoModelForCausalLM.from_pretrained, _module_options(place)
    )
    tokenizer = _load_part(folder, AutoTokenizer.from_pretrained, {})
    if not tokenizer.is_fast:
        raise ModelUnavailable(f"{folder}: has no fast tokenizer (tokenizer.json).")
    module.to(place).eval()
    longest = _context_tokens(module.config)
    gate = QualityGate(module, tokenizer, folder, longest, data_dir, on_step)
    # The model runs once now, so that a bad device or an unsupported architecture shows
    # at the start.
    try:
        builds = data_dir / "native" if data_dir else None
        choice = Choice(precision, gate, _probe(tokenizer), builds, on_step)
        forward = choose_forward(module, place, choice)
        model = LanguageModel(module, forward, tokenizer, place)
    except ModelUnavailable:
        raise
    except Exception as error:  # an unknown architecture may raise anything
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(
            f"{folder}: this kind of model cannot be served: it does not run on rows"
            f" of keys and values ({type(error).__name__}: {reason})."
        ) from error
    if data_dir:
        remove_unused(data_dir)
    return model


def _probe(tokenizer: Any) -> list[int]:
    """Return some tokens by which forward passes are compared."""
    ids: list[int] = tokenizer(PROBE_TEXT, add_special_tokens=False)["input_ids"]
    return ids[:PROBE_TOKENS] if len(ids) > 1 else UNKNOWN_PROBE


def _module_options(device: torch.device) -> dict[str, Any]:
    return {
        "dtype": pick_dtype(device),
        "use_safetensors": True,
        "attn_implementation": ATTENTION,
    }


def _load_part(
    folder: Path, loader: Callable[..., Any], options: dict[str, Any]
) -> Any:
    try:
        return loader(folder, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        reader = f"transformers {transformers.__version__}"
        raise ModelUnavailable(
            f"{folder}: {reader} cannot load it: {reason}"
        ) from error


def _eos_ids(module: Any, tokenizer: Tokenizer) -> frozenset[int]:
    """Return all tokens that end a reply: the model's list and the tokenizer's own."""
    configured = module.generation_config.eos_token_id
    if configured is None:
        configured = []
    if isinstance(configured, int):
        configured = [configured]
    own = tokenizer.eos_id
    return frozenset(configured) | (frozenset() if own is None else {own})


def _context_tokens(config: Any) -> int:
    """Return the longest sequence that the engine computes exactly.

    Within it every token sees every earlier one, and a position means the same however
    long the other sequences in a step are.
    """
    text = config.get_text_config()
    longest = getattr(text, "max_position_embeddings", None) or DEFAULT_CONTEXT_TOKENS
    limits = [longest]
    for name in ("sliding_window", "attention_chunk_size"):
        limits.append(getattr(text, name, None) or longest)
    if getattr(text, "attn_temperature_tuning", None):
        # From there on the model scales scores by a position that the cache gives.
        limits.append((getattr(text, "floor_scale", None) or longest) - 1)
    rope = getattr(text, "rope_parameters", None) or {}
    if "longrope" in str(rope):
        # Beyond it, the longest sequence of a step changes the positions of all.
        original = getattr(text, "original_max_position_embeddings", None)
        limits.append(
            original or rope.get("original_max_position_embeddings") or longest
        )
    return int(min(limits))
