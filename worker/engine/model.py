"""One causal language model: loaded, checked, and run one step at a time."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from worker import model_folder
from worker.engine import attention
from worker.engine.interface import ModelUnavailable
from worker.engine.kv_cache import KVCache, RowShape
from worker.engine.layers import can_pack, replace_layers
from worker.engine.packing import PackedBatch
from worker.engine.sequence import Chunk
from worker.engine.sequence import Sequence as TokenSequence
from worker.engine.tokenizer import Tokenizer

#: Tolerated difference between two ways to compute the same logits, as a share of their
#: range. In full precision, rounding causes about a millionth.
TOLERATED_SHARE = 1e-3
TOLERATED_SHARE_HALF_PRECISION = 0.05
#: A few token ids that every vocabulary contains.
PROBE = [1, 2, 3, 4, 5, 6]
#: Context length of a model whose configuration names none.
DEFAULT_CONTEXT_TOKENS = 2048


def pick_device(name: str) -> torch.device:
    """Return the device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises ``ModelUnavailable`` if the machine does not have it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise ModelUnavailable(
            f"There is no device {name!r}: use auto, cpu, cuda, cuda:N or mps."
        )
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelUnavailable(
            f"The device {name} is not here: torch {torch.__version__}"
            f" sees {torch.cuda.device_count()} CUDA devices."
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ModelUnavailable("The device mps is not here.")
    return device


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return float32 for a CPU, where half precision is slower; else a half type."""
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


class LanguageModel:
    """A causal language model on its device, with its tokenizer."""

    def __init__(self, module: Any, tokenizer: Any, device: torch.device) -> None:
        """Wrap a transformers model and tokenizer.

        ``module``: in evaluation mode, loaded with ``attention.NAME``.
        """
        self.device = device
        self.tokenizer = Tokenizer(tokenizer)
        self.eos_ids = _eos_ids(module, self.tokenizer)
        self.context_tokens = _context_tokens(module.config)
        self._module = module
        self._has_logits_to_keep = (
            "logits_to_keep" in inspect.signature(module.forward).parameters
        )

    def row_shape(self, tokens: int) -> RowShape:
        """Return the shape of a KV-cache row of so many tokens."""
        return RowShape.of(self._module.config, tokens, self._module.dtype)

    def new_kv_cache(self, rows: int, tokens: int) -> KVCache:
        """Return an empty KV cache of ``rows`` rows with ``tokens`` tokens each."""
        return KVCache(self.row_shape(tokens), rows, self.device)

    @torch.inference_mode()
    def forward(self, chunks: Sequence[Chunk[Any]], cache: KVCache) -> Tensor:
        """Read chunks into their rows of the cache, all in one forward pass.

        Returns the logits after each chunk that completes its sequence, in the order of
        the chunks: float32 [completed, vocabulary].
        """
        batch = PackedBatch.of(chunks, self.device, self._module.dtype)
        cache.begin_step(batch)
        output = self._module(
            input_ids=batch.ids[None],  # [1, tokens]
            position_ids=batch.positions[None],  # [1, tokens]
            past_key_values=cache,
            use_cache=True,
            packing=batch,
            **({"logits_to_keep": batch.last} if self._has_logits_to_keep else {}),
        )
        logits: Tensor = output.logits[0]  # [completed or tokens, vocabulary]
        return (logits if self._has_logits_to_keep else logits[batch.last]).float()


def load_model(
    folder: Path, *, device: str = "auto", threads: int = 0
) -> LanguageModel:
    """Load a model from a local folder: safetensors only, never remote code.

    ``threads``: torch's threads in this process; 0 leaves torch's own choice. Raises
    ``ModelUnavailable``.
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
    # The model runs once now, so that a bad device or an unsupported architecture shows
    # at the start.
    try:
        model = LanguageModel(module.to(place).eval(), tokenizer, place)
        expected = _eager_logits(module, place)
        if place.type == "cpu" and can_pack():
            replace_layers(module)
        _check_agreement(model, expected)
    except ModelUnavailable:
        raise
    except Exception as error:  # an unknown architecture may raise anything
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(
            f"{folder}: this kind of model cannot be served: it does not run on rows"
            f" of keys and values ({type(error).__name__}: {reason})."
        ) from error
    return model


@torch.inference_mode()
def _eager_logits(module: Any, device: torch.device) -> Tensor:
    """Return the logits after the probe by the model's own attention, [vocabulary]."""
    module.set_attn_implementation("eager")
    logits: Tensor = module(torch.tensor([PROBE], device=device)).logits[0, -1]
    module.set_attn_implementation(attention.NAME)
    return logits.float()


def _check_agreement(model: LanguageModel, expected: Tensor) -> None:
    """Raise ``ModelUnavailable`` if the engine's attention gives other logits.

    This finds models whose attention uses more than keys, values and a causal mask,
    before anyone reads wrong text. ``expected``: [vocabulary].
    """
    sequence, cache = TokenSequence(PROBE), model.new_kv_cache(2, len(PROBE))
    for start, stop in ((0, 4), (4, 5), (5, 6)):
        logits = model.forward([Chunk(sequence, 1, start, stop)], cache)
    gap = float((logits[0] - expected).abs().max())
    is_full = cache.dtype == torch.float32
    share = TOLERATED_SHARE if is_full else TOLERATED_SHARE_HALF_PRECISION
    if not gap <= share * float(expected.max() - expected.min()):
        raise ModelUnavailable(
            "This kind of model cannot be served: its attention is not a plain one."
        )


def _module_options(device: torch.device) -> dict[str, Any]:
    return {
        "dtype": pick_dtype(device),
        "use_safetensors": True,
        "attn_implementation": attention.NAME,
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
