"""One causal language model: the only file that knows how its tensors are run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging as transformers_logging

from worker import weights
from worker.protocol import ModelUnavailable

#: The keys and values that a model keeps of one reply, as transformers holds them.
Cache = DynamicCache


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


class Tokenizer:
    """Text to tokens and back, for one model."""

    def __init__(self, tokenizer: Any) -> None:
        """``tokenizer``: a fast tokenizer of transformers."""
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: special tokens in it stay plain text."""
        return list(self._encoded(text)["input_ids"])

    def starts(self, text: str) -> list[int]:
        """For each token of ``encode(text)``, the character where it begins."""
        encoded = self._encoded(text, return_offsets_mapping=True)
        return [start for start, _ in encoded["offset_mapping"]]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of the tokens, without special ones."""
        return str(
            self._tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        )

    @property
    def eos_id(self) -> int | None:
        return self._integer("eos_token_id")

    @property
    def first_id(self) -> int:
        """A token that may stand first in a prompt."""
        first = self._integer("bos_token_id")
        return first if first is not None else (self.eos_id or 0)

    @property
    def has_chat_template(self) -> bool:
        return bool(self._tokenizer.chat_template)

    def render(self, messages: list[dict[str, str]]) -> str:
        """The chat template filled with messages, ending with the cue to reply."""
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        )

    def special_tokens(self) -> dict[str, int]:
        """The strings that stand for special tokens, with their tokens."""
        added = self._tokenizer.added_tokens_decoder
        return {token.content: i for i, token in added.items() if token.special}

    def special_pattern(self) -> re.Pattern[str] | None:
        """Matches exactly the special strings, with the white space they swallow."""
        added = self._tokenizer.added_tokens_decoder.values()
        special = sorted(
            (token for token in added if token.special), key=lambda t: -len(t.content)
        )
        if not special:
            return None
        return re.compile(
            "("
            + "|".join(
                (r"\s*" if token.lstrip else "")
                + re.escape(token.content)
                + (r"\s*" if token.rstrip else "")
                for token in special
            )
            + ")"
        )

    def _encoded(self, text: str, **options: Any) -> Any:
        return self._tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            # A prompt longer than the model is cut by us, not warned about.
            verbose=False,
            **options,
        )

    def _integer(self, name: str) -> int | None:
        value = getattr(self._tokenizer, name, None)
        return int(value) if value is not None else None


class LanguageModel:
    """A causal language model on its device, with its tokenizer."""

    def __init__(self, module: Any, tokenizer: Any, device: torch.device) -> None:
        """``module``: a causal language model of transformers, in evaluation mode."""
        self.device = device
        self.tokenizer = Tokenizer(tokenizer)
        self.eos_ids = _eos_ids(module, self.tokenizer)
        self.context_tokens = _context_tokens(module.config)
        self._module = module
        keeps_last = "logits_to_keep" in inspect.signature(module.forward).parameters
        self._options = {"logits_to_keep": 1} if keeps_last else {}

    def new_cache(self) -> Cache:
        """Room for the keys and values of one reply."""
        return DynamicCache(config=self._module.config)

    @torch.inference_mode()
    def forward(self, ids: Sequence[int], cache: Cache) -> Tensor:
        """Read ``ids`` after what the cache holds: the logits of what comes next.

        Returns float32 [vocabulary]; the cache grows by ``len(ids)``.
        """
        past = cache.get_seq_length()
        inputs = torch.tensor([list(ids)], device=self.device)  # [1, new]
        positions = torch.arange(past, past + len(ids), device=self.device)
        output = self._module(
            input_ids=inputs,
            position_ids=positions[None],  # [1, new]
            past_key_values=cache,
            use_cache=True,
            **self._options,
        )
        logits: Tensor = output.logits[0, -1].float()
        return logits


def load(folder: Path, *, device: str = "auto", threads: int = 0) -> LanguageModel:
    """Load a model from a local folder: safetensors only, and never remote code.

    ``threads``: torch's threads in this process; 0 leaves its own choice. Raises
    ``ModelUnavailable``.
    """
    if problem := weights.problem(folder):
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
    model = LanguageModel(module.to(place).eval(), tokenizer, place)
    # One token through all layers now, so that a bad device shows here, not later.
    model.forward([model.tokenizer.first_id], model.new_cache())
    return model


def _module_options(device: torch.device) -> dict[str, Any]:
    return {"dtype": pick_dtype(device), "use_safetensors": True}


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
    """The longest sequence the model has positions for."""
    text = config.get_text_config()
    longest = getattr(text, "max_position_embeddings", None)
    return int(longest) if longest else 2048
