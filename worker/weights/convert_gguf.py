"""Turns a GGUF file into a folder of safetensors and tokenizer, once."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from worker import model_folder

#: Changes when folders made by an older version of this file must be made again.
CONVERSION = 1


class ConversionFailed(RuntimeError):
    """A GGUF file cannot be converted. The message is one line for the operator."""


def convert(gguf: Path, folder: Path) -> None:
    """Write the model of ``gguf`` into ``folder``, which appears whole or not at all.

    What an interrupted conversion left is removed. Takes some 20 seconds and, in
    full precision, four bytes of memory and disk for each parameter, so that a
    worker loads the result in less than one. Raises ``ConversionFailed``.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(gguf, partial)
    except Exception as error:
        # The parsers of a broken file raise whatever they stumble over.
        shutil.rmtree(partial, ignore_errors=True)
        reason = str(error).strip().partition("\n")[0]
        raise ConversionFailed(f"{gguf} cannot be converted: {reason}") from error
    if problem := model_folder.problem(partial):
        shutil.rmtree(partial, ignore_errors=True)
        raise ConversionFailed(f"{gguf} was not converted: the result {problem}")
    os.replace(partial, folder)


def _write(gguf: Path, folder: Path) -> None:
    # Imported here: only a first start pays for torch.
    from transformers import AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    _module(gguf).save_pretrained(folder)
    # Written for its owner alone; workers may run as somebody else.
    for path in folder.glob("*.safetensors"):
        path.chmod(0o644)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(
        folder
    )


def _module(gguf: Path) -> Any:
    """The model with its weights unpacked to float32.

    ``from_pretrained(gguf_file=…)`` would do, but needs one more package (accelerate)
    and marks its result as quantised, which it then refuses to save.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
    module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    parsed = load_gguf_checkpoint(
        str(gguf), return_tensors=True, model_to_load=module, torch_dtype=torch.float32
    )
    result = module.load_state_dict(parsed["tensors"], strict=False)
    missing = set(result.missing_keys) - set(module.all_tied_weights_keys)
    if missing or result.unexpected_keys:
        names = ", ".join(sorted([*missing, *result.unexpected_keys])[:3])
        raise ValueError(f"its tensors do not match the model: {names}")
    module.tie_weights()
    return module
