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
from worker.engine import attention, scheduler
from worker.engine.interface import ModelUnavailable
from worker.engine.kv_cache import RowShape, Store
from worker.engine.layers import can_pack, replace_layers
from worker.engine.packing import Packing
from worker.engine.scheduler import Span
from worker.engine.tokenizer import Tokenizer

#: What may lie between two ways to compute the same logits, as a share of their range:
#: rounding makes a millionth of it in full precision.
TOLERATED_SHARE = 1e-3
TOLERATED_SHARE_OF_HALF = 0.05


def pick_device(name: str) -> torch.device:
    """The device for ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``."""
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
    """Full precision on a CPU, where half of it is slower; half elsewhere."""
    if device.type == "cpu":
        return torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float16


class LanguageModel:
    """A causal language model on its device, with its tokenizer."""

    def __init__(self, module: Any, tokenizer: Any, device: torch.device) -> None:
        """``module``: a causal language model of transformers, in evaluation mode,
        loaded with our attention."""
        self.device = device
        self.tokenizer = Tokenizer(tokenizer)
        self.eos_ids = _eos_ids(module, self.tokenizer)
        self.context_tokens = _context_tokens(module.config)
        self._module = module
        self._keeps_last = (
            "logits_to_keep" in inspect.signature(module.forward).parameters
        )

    def row_shape(self, tokens: int) -> RowShape:
        """The size of a row of so many tokens."""
        return RowShape.of(self._module.config, tokens, self._module.dtype)

    def new_store(self, rows: int, tokens: int) -> Store:
        """Rows of so many tokens each."""
        return Store(self.row_shape(tokens), rows, self.device)

    @torch.inference_mode()
    def forward(self, spans: Sequence[Span[Any]], store: Store) -> Tensor:
        """Read the spans into their rows, all in one pass.

        Returns what may come next after each span that is its sequence's last, in
        their order: float32 logits [last spans, vocabulary].
        """
        packing = Packing.of(spans, self.device, self._module.dtype)
        store.write_at(packing)
        output = self._module(
            input_ids=packing.ids[None],  # [1, tokens]
            position_ids=packing.positions[None],  # [1, tokens]
            past_key_values=store,
            use_cache=True,
            packing=packing,
            **({"logits_to_keep": packing.last} if self._keeps_last else {}),
        )
        logits: Tensor = output.logits[0]
        return (logits if self._keeps_last else logits[packing.last]).float()


def load(folder: Path, *, device: str = "auto", threads: int = 0) -> LanguageModel:
    """Load a model from a local folder: safetensors only, and never remote code.

    ``threads``: torch's threads in this process; 0 leaves its own choice. Raises
    ``ModelUnavailable``.
    """
    if problem := model_folder.problem(folder):
        raise ModelUnavailable(f"{folder}: {problem}")
    place = pick_device(device)
    if threads:
        torch.set_num_threads(threads)
    transformers_logging.disable_progress_bar()
    module = _loaded(
        folder, AutoModelForCausalLM.from_pretrained, _module_options(place)
    )
    tokenizer = _loaded(folder, AutoTokenizer.from_pretrained, {})
    if not tokenizer.is_fast:
        raise ModelUnavailable(f"{folder}: has no fast tokenizer (tokenizer.json).")
    # Now, so that a bad device or a model of another kind shows here, not later.
    try:
        model = LanguageModel(module.to(place).eval(), tokenizer, place)
        expected = _plain_logits(module, place)
        if place.type == "cpu" and can_pack():
            replace_layers(module)
        _check_agreement(model, expected)
    except ModelUnavailable:
        raise
    except Exception as error:  # whatever a model of another build stumbles over
        reason = str(error).strip().partition("\n")[0]
        raise ModelUnavailable(
            f"{folder}: this kind of model cannot be served: it does not run on rows"
            f" of keys and values ({type(error).__name__}: {reason})."
        ) from error
    return model


#: A few tokens that every vocabulary has.
PROBE = [1, 2, 3, 4, 5, 6]


@torch.inference_mode()
def _plain_logits(module: Any, device: torch.device) -> Tensor:
    """What the model says after the probe when it runs as transformers made it."""
    module.set_attn_implementation("eager")
    logits: Tensor = module(torch.tensor([PROBE], device=device)).logits[0, -1]
    module.set_attn_implementation(attention.NAME)
    return logits.float()


def _check_agreement(model: LanguageModel, expected: Tensor) -> None:
    """Raise ``ModelUnavailable`` if the model, run our way, says something else.

    So a model whose attention knows more than keys, values and a causal mask is found
    before anybody reads its nonsense.
    """
    sequence, store = scheduler.Sequence(PROBE), model.new_store(2, len(PROBE))
    for start, stop in ((0, 4), (4, 5), (5, 6)):
        logits = model.forward([Span(sequence, 1, start, stop)], store)
    gap = float((logits[0] - expected).abs().max())
    is_full = store.dtype == torch.float32
    share = TOLERATED_SHARE if is_full else TOLERATED_SHARE_OF_HALF
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


def _loaded(folder: Path, loader: Callable[..., Any], options: dict[str, Any]) -> Any:
    try:
        return loader(folder, local_files_only=True, trust_remote_code=False, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0]
        reader = f"transformers {transformers.__version__}"
        raise ModelUnavailable(
            f"{folder}: {reader} cannot load it: {reason}"
        ) from error


def _eos_ids(module: Any, tokenizer: Tokenizer) -> frozenset[int]:
    """All tokens that end a reply: the model's own list and the tokenizer's."""
    configured = module.generation_config.eos_token_id
    if configured is None:
        configured = []
    if isinstance(configured, int):
        configured = [configured]
    own = tokenizer.eos_id
    return frozenset(configured) | (frozenset() if own is None else {own})


def _context_tokens(config: Any) -> int:
    """The longest sequence in which every token can see every other one, and in which
    positions mean the same however long the others in a step are."""
    text = config.get_text_config()
    longest = getattr(text, "max_position_embeddings", None) or 2048
    limits = [longest]
    for name in ("sliding_window", "attention_chunk_size"):
        limits.append(getattr(text, name, None) or longest)
    if getattr(text, "attn_temperature_tuning", None):
        # From there on scores are scaled by a position that the cache would tell.
        limits.append((getattr(text, "floor_scale", None) or longest) - 1)
    rope = getattr(text, "rope_parameters", None) or {}
    if "longrope" in str(rope):
        # Beyond it, the longest in a step changes the positions of all.
        original = getattr(text, "original_max_position_embeddings", None)
        limits.append(
            original or rope.get("original_max_position_embeddings") or longest
        )
    return int(min(limits))
