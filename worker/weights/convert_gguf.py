"""Converts a GGUF file into a folder with safetensors and a tokenizer, once."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from worker import model_folder

#: Version of the result. A new number makes earlier conversions be done again.
CONVERSION = 1

#: Receives the share of the tensors that were read, from 0 to 1.
OnShare = Callable[[float], object]


class ConversionFailed(RuntimeError):
    """A GGUF file cannot be converted. The message is one line for the operator."""


def convert(gguf: Path, folder: Path, on_share: OnShare = lambda _: None) -> None:
    """Write the model of ``gguf`` into ``folder``, which appears whole or not at all.

    The rest of an interrupted conversion is removed. It takes about 10 seconds and, in
    full precision, four bytes of memory and disk for each parameter; a worker then
    loads the result in less than a second. Raises ``ConversionFailed``.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(gguf, partial, on_share)
    except Exception as error:
        # A parser may raise anything on a broken file.
        shutil.rmtree(partial, ignore_errors=True)
        reason = str(error).strip().partition("\n")[0]
        raise ConversionFailed(f"{gguf} cannot be converted: {reason}") from error
    if problem := model_folder.find_problem(partial):
        shutil.rmtree(partial, ignore_errors=True)
        raise ConversionFailed(f"{gguf} was not converted: the result {problem}")
    os.replace(partial, folder)


def _write(gguf: Path, folder: Path, on_share: OnShare) -> None:
    # Imported here: only a first start loads torch.
    from transformers import AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    with _reading_once():
        _load_gguf(gguf, on_share).save_pretrained(folder)
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.save_pretrained(folder)
    # Weights are written readable by the owner alone; workers may be other users.
    for path in folder.glob("*.safetensors"):
        path.chmod(0o644)


@contextmanager
def _reading_once() -> Iterator[None]:
    """Let transformers read a file and the names of its tensors once: half of the time.

    By itself it reads the file three times, for the configuration, the weights and the
    tokenizer, and lists all names again for every module.
    """
    import gguf

    library: Any = gguf
    reader, names = library.GGUFReader, library.get_tensor_name_map
    library.GGUFReader, library.get_tensor_name_map = cache(reader), cache(names)
    try:
        yield
    finally:
        library.GGUFReader, library.get_tensor_name_map = reader, names


def _load_gguf(gguf: Path, on_share: OnShare) -> Any:
    """Return the model with its weights unpacked to float32.

    ``from_pretrained(gguf_file=…)`` needs one more package (accelerate) and marks its
    result as quantised, which it then refuses to save.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
    module = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with _reporting(on_share):
        parsed = load_gguf_checkpoint(
            str(gguf),
            return_tensors=True,
            model_to_load=module,
            torch_dtype=torch.float32,
        )
    result = module.load_state_dict(parsed["tensors"], strict=False)
    missing = set(result.missing_keys) - set(module.all_tied_weights_keys)
    if missing or result.unexpected_keys:
        names = ", ".join(sorted([*missing, *result.unexpected_keys])[:3])
        raise ValueError(f"its tensors do not match the model: {names}")
    module.tie_weights()
    return module


@contextmanager
def _reporting(on_share: OnShare) -> Iterator[None]:
    """Let transformers report how far it is instead of drawing a bar of its own.

    Its bar over the tensors of a GGUF file knows no switch.
    """
    from transformers import modeling_gguf_pytorch_utils

    reader: Any = modeling_gguf_pytorch_utils

    def read(tensors: Sequence[Any], **_: Any) -> Iterator[Any]:
        for number, tensor in enumerate(tensors, 1):
            yield tensor
            on_share(number / len(tensors))

    bar, reader.tqdm = reader.tqdm, read
    try:
        yield
    finally:
        reader.tqdm = bar
