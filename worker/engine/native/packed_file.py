"""Packed weights on disk, so that a model is packed once per machine and precision.

A file is named after a digest of the model's own weights, so those of a model that
changed are never found. It holds a digest of what it contains: a file that is damaged
is packed again. It appears whole or not at all, so processes may make it at the same
time.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from worker.engine import page_memory
from worker.engine.decoder import Decoder
from worker.engine.interface import OnStep, ignore_step
from worker.engine.kept_files import mark_used
from worker.engine.native.packed_weights import PackedProjection, pack_decoder

log = logging.getLogger(__name__)

#: Raised with every change of ``packed_weights``: of the layout, or of how it rounds.
LAYOUT = "1"
#: Precisions for which reading a file is faster than packing.
KEPT = ("fp16", "int8")
#: Weights begin at the beginning of a page.
PAGE_BYTES = 4096


def load_or_pack(
    decoder: Decoder, precision: str, folder: Path, on_step: OnStep = ignore_step
) -> dict[str, PackedProjection]:
    """Return the packed weights from ``folder``, where they are put if they are not.

    A folder that cannot be written only costs the time of the next start. Raises
    ``ValueError`` if the precision cannot store the weights.
    """
    if precision not in KEPT:
        return _on_huge_pages(pack_decoder(decoder, precision))
    source = digest_of(_weights(decoder))
    path = folder / f"{source[:16]}-{precision}.safetensors"
    expected = {"layout": LAYOUT, "precision": precision, "source": source}
    mark_used(path)
    packed = _load(path, expected)
    if packed is None:
        on_step(f"Storing the weights in {precision} (once, some seconds).")
        packed = pack_decoder(decoder, precision)
        try:
            _save(path, packed, expected)
        except (OSError, SafetensorError) as error:
            log.warning("packed weights are not kept in %s: %s", folder, error)
    return _on_huge_pages(packed)


def digest_of(tensors: Iterable[tuple[str, Tensor]]) -> str:
    """Return a digest of names, shapes and contents, in hexadecimal."""
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {[*tensor.shape]}\n".encode())
        plain = tensor.detach().contiguous().flatten().view(torch.uint8)
        digest.update(plain.numpy().data)
    return digest.hexdigest()


def _weights(decoder: Decoder) -> Iterable[tuple[str, Tensor]]:
    """Yield what is packed, before it is."""
    yield f"gated {decoder.is_gated}", torch.empty(0)
    for name, projection in decoder.projections():
        yield name, projection.weight
        if projection.bias is not None:
            yield f"{name} bias", projection.bias


def _tensors(packed: dict[str, PackedProjection]) -> dict[str, Tensor]:
    weights = {f"{name}.weight": one.weight for name, one in packed.items()}
    return weights | {f"{name}.bias": one.bias for name, one in packed.items()}


def _load(path: Path, expected: dict[str, str]) -> dict[str, PackedProjection] | None:
    """Return what the file holds, or None if it is not there or not as it was made."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError) as error:
        log.warning("%s is damaged and is packed again: %s", path.name, error)
        return None
    content = digest_of(sorted(tensors.items()))
    if metadata != {**expected, "content": content}:
        log.warning("%s is damaged and is packed again", path.name)
        return None
    names = [name.removesuffix(".bias") for name in tensors if name.endswith(".bias")]
    return {
        name: PackedProjection(tensors[f"{name}.weight"], tensors[f"{name}.bias"])
        for name in names
    }


def _save(
    path: Path, packed: dict[str, PackedProjection], expected: dict[str, str]
) -> None:
    tensors = _tensors(packed)
    content = digest_of(sorted(tensors.items()))
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        save_file(tensors, name, metadata={**expected, "content": content})
        # By name: the library may have put another file in the place of ours.
        with open(name, "rb") as written:
            os.fsync(written.fileno())
        os.replace(name, path)
    finally:
        os.close(handle)
        Path(name).unlink(missing_ok=True)


def _on_huge_pages(
    packed: dict[str, PackedProjection],
) -> dict[str, PackedProjection]:
    """Copy the weights into one run of memory.

    A file that is mapped into memory changes under us if it is written to.
    """
    starts, end = [], 0
    for one in packed.values():
        starts.append(end)
        end += -(-len(one.weight) // PAGE_BYTES) * PAGE_BYTES
    memory, copies = page_memory.zeros(end, huge_pages=True), {}
    for start, (name, one) in zip(starts, packed.items(), strict=True):
        copy = memory[start:][: len(one.weight)].copy_(one.weight)
        copies[name] = PackedProjection(copy, one.bias.clone())
    return copies
