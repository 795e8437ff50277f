"""The forward pass of a ``Decoder`` in C."""

from __future__ import annotations

import weakref
from ctypes import byref, c_void_p
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from worker.engine.decoder import PROJECTIONS, Decoder, Norm, Projection
from worker.engine.interface import OnStep, ignore_step
from worker.engine.logits import Logits
from worker.engine.native.compile import NativeUnavailable
from worker.engine.native.draw import NativeLogits
from worker.engine.native.library import (
    BatchStruct,
    BlockStruct,
    ModelStruct,
    NormStruct,
    Outcome,
    ProjectionStruct,
    build_and_load,
)
from worker.engine.native.packed_file import LAYOUT, load_or_pack
from worker.engine.native.packed_weights import (
    GROUP,
    PRECISIONS,
    PackedProjection,
    padded,
)

#: A head must fill whole vectors.
HEAD_SIZE_MULTIPLE = 8


class NativeForward:
    """Computes steps of one model on threads of its own, which sleep between steps.

    One thread at a time may call it. A token's logits are the same to the last bit
    whatever else is in the step, and for any number of threads.
    """

    name = "native"

    def __init__(
        self,
        decoder: Decoder,
        precision: str,
        threads: int,
        *,
        folder: Path,
        packed: dict[str, PackedProjection] | None = None,
        on_step: OnStep = ignore_step,
    ) -> None:
        """Build the library if needed, pack the weights, and start the threads.

        ``precision``: ``fp32``, ``fp16`` or ``int8``: of the weights. ``threads``: the
        one that calls among them. ``folder``: where builds of the library and packed
        weights are kept. ``packed``: the weights, if they are packed already.

        Raises ``NativeUnavailable``.
        """
        if problem := find_problem(decoder):
            raise NativeUnavailable(problem)
        self.precision = precision
        # The longer the replies, the more of a step goes to reading keys and values.
        self.cache_dtype = torch.float32 if precision == "fp32" else torch.float16
        try:
            # First, because packing takes long.
            self._library, path = build_and_load(folder, on_step)
            packed = packed or load_or_pack(decoder, precision, folder, on_step)
        except (ValueError, OSError) as error:
            raise NativeUnavailable(str(error)) from error
        self.version = _version(path)
        self._vocabulary = len(decoder.output.weight)
        self._shape = (decoder.key_heads, decoder.head_size)
        self._layers = len(decoder.blocks)
        #: Everything that the library holds addresses of.
        self._kept: list[Any] = []
        model = self._model(decoder, packed)
        self._engine = self._library.engine_open(byref(model), max(1, threads))
        if not self._engine:
            raise NativeUnavailable("no memory for the threads")
        self.close = weakref.finalize(self, self._library.engine_close, self._engine)
        # A daemon thread may be within a step when the process ends.
        self.close.atexit = False

    def __call__(self, batch: Any, cache: Any) -> Tensor:
        """Read the packed tokens into the cache; return the logits of ``batch.last``.

        ``batch``: ``ids``, ``rows``, ``positions`` [tokens] and ``last`` [sampled], all
        int64. ``cache.layers``: for each layer, keys and values as float32 or float16
        [2, rows, key heads, tokens, head size]. Returns float32 [sampled, vocabulary].

        Raises ``IndexError`` for a token, row or position out of range, and
        ``MemoryError``.
        """
        indices = [batch.ids, batch.rows, batch.positions, batch.last]
        indices = [tensor.long().contiguous() for tensor in indices]
        logits = torch.empty(len(indices[3]), self._vocabulary)
        outcome = self._library.engine_step(
            self._engine, byref(self._batch(indices, cache.layers, logits))
        )
        if outcome == Outcome.OUT_OF_RANGE:
            raise IndexError("a token, row or position of the step is out of range")
        if outcome == Outcome.NO_MEMORY:
            raise MemoryError("no memory for the buffers of a step")
        return logits

    def wrap_logits(self, logits: Tensor) -> Logits:
        """Implement ``ForwardPass``."""
        return NativeLogits(logits, self._library, self._engine)

    def _batch(
        self, indices: list[Tensor], layers: list[Tensor], logits: Tensor
    ) -> BatchStruct:
        _, rows, key_heads, tokens, head_size = layers[0].shape
        if (key_heads, head_size) != self._shape or len(layers) != self._layers:
            raise ValueError("the cache has the shape of another model")
        if layers[0].dtype not in (torch.float16, torch.float32):
            raise ValueError(f"a cache of {layers[0].dtype}")
        addresses = [layer.data_ptr() for layer in layers]
        return BatchStruct(
            len(indices[0]),
            len(indices[3]),
            *(tensor.data_ptr() for tensor in indices),
            rows,
            tokens,
            layers[0].dtype == torch.float16,
            (c_void_p * len(addresses))(*addresses),
            logits.data_ptr(),
        )

    def _model(
        self, decoder: Decoder, packed: dict[str, PackedProjection]
    ) -> ModelStruct:
        def of(name: str, projection: Projection) -> ProjectionStruct:
            return self._projection(packed[name], projection.weight.shape[1])

        blocks = (BlockStruct * self._layers)()
        for n, block in enumerate(decoder.blocks):
            blocks[n].attention_norm = self._norm(block.attention_norm)
            blocks[n].mlp_norm = self._norm(block.mlp_norm)
            for name in PROJECTIONS:
                setattr(blocks[n], name, of(f"{n}.{name}", getattr(block, name)))
        places = decoder.positions if decoder.rotary_cos is None else decoder.rotary_cos
        self._kept.append(blocks)
        return ModelStruct(
            layers=self._layers,
            width=decoder.embedding.shape[1],
            hidden=decoder.blocks[0].down.weight.shape[1],
            heads=decoder.heads,
            key_heads=decoder.key_heads,
            head_size=decoder.head_size,
            vocabulary=self._vocabulary,
            context=0 if places is None else len(places),
            is_gated=decoder.is_gated,
            epsilon=decoder.epsilon,
            embedding=self._address(decoder.embedding),
            positions=self._address(decoder.positions),
            rotary_cos=self._address(decoder.rotary_cos),
            rotary_sin=self._address(decoder.rotary_sin),
            final_norm=self._norm(decoder.final_norm),
            output=of("output", decoder.output),
            blocks=blocks,
        )

    def _address(self, tensor: Tensor | None) -> int | None:
        """Keep a tensor and return its address."""
        if tensor is None:
            return None
        plain = tensor.detach().contiguous()
        self._kept.append(plain)
        return plain.data_ptr()

    def _norm(self, norm: Norm) -> NormStruct:
        return NormStruct(self._address(norm.weight), self._address(norm.bias))

    def _projection(self, packed: PackedProjection, inputs: int) -> ProjectionStruct:
        return ProjectionStruct(
            PRECISIONS[self.precision],
            padded(inputs, GROUP),
            len(packed.bias),
            self._address(packed.weight),
            self._address(packed.bias),
        )


def version_of(folder: Path, on_step: OnStep = ignore_step) -> str:
    """Return what the version of a pass would be, without packing any weights.

    The library is built if it is not there. Raises ``NativeUnavailable``.
    """
    try:
        return _version(build_and_load(folder, on_step)[1])
    except (ValueError, OSError) as error:
        raise NativeUnavailable(str(error)) from error


def _version(library: Path) -> str:
    return f"{library.stem}-{LAYOUT}"


def find_problem(decoder: Decoder) -> str | None:
    """Return why the C source cannot compute this model, in one line, or None."""
    if decoder.head_size % HEAD_SIZE_MULTIPLE:
        return f"heads of {decoder.head_size} numbers do not fill whole vectors"
    return None
