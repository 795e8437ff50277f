"""Chooses the forward pass that serves a model: in what precision, and by what code.

The general pass by transformers' modules serves every model. A model that is described
as data (``decoder``) can be served by a faster one. Before that pass serves, it must
give the logits that the model's own attention gives, within the rounding of its
precision; and with ``auto`` a precision below float32 must keep the quality.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from worker.engine.decoder import Decoder, decoder_of
from worker.engine.flat_forward import FlatForward, is_available
from worker.engine.forward import ForwardPass, PassKind
from worker.engine.interface import ModelUnavailable, OnStep, ignore_step
from worker.engine.kv_cache import KVCache, RowShape
from worker.engine.layers import can_pack, pack_fp32, replace_layers
from worker.engine.module_forward import ModuleForward, own_logits
from worker.engine.native.compile import NO_COMPILER, NativeUnavailable
from worker.engine.native.forward import NativeForward, version_of
from worker.engine.packing import PackedBatch
from worker.engine.sequence import Chunk, Sequence

log = logging.getLogger(__name__)

AUTO = "auto"
#: The fastest first.
ORDER = ("int8", "fp16", "fp32")
LOSES_QUALITY = "it loses quality"
#: Tolerated difference between two ways to compute the same logits, as a share of their
#: range. In full precision, rounding causes about a millionth.
TOLERATED_SHARES = {"fp32": 1e-3, "fp16": 0.01, "bf16": 0.05, "int8": 0.1}


class Gate(Protocol):
    """Whether forward passes keep the quality of the model.

    Asked about passes below float32, and only with ``auto``.
    """

    def has_refused(self, kind: PassKind) -> bool:
        """Return whether it is known already that such a pass loses quality."""
        ...

    def __call__(self, forward: ForwardPass) -> bool:
        """Return whether a pass keeps the quality."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What the choice of a forward pass depends on."""

    #: "fp32", "fp16", "int8", or "auto" for the fastest that keeps the quality.
    precision: str
    gate: Gate
    #: Tokens of some text, at least two. After tokens that make no text, rounding alone
    #: may change what a model says.
    probe: list[int]
    #: Where builds of the pass in C are kept; None leaves it out.
    builds: Path | None
    on_step: OnStep = ignore_step

    def is_gated(self, precision: str) -> bool:
        """Return whether such a pass must keep the quality of the model."""
        # A precision that was named is the operator's own choice.
        return self.precision == AUTO and precision != "fp32"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A forward pass that is not made yet, since its weights take long to pack."""

    kind: PassKind
    #: Raises ``NativeUnavailable``.
    make: Callable[[], ForwardPass]


def choose_forward(module: Any, device: torch.device, choice: Choice) -> ForwardPass:
    """Return the fastest forward pass of the precision asked for that agrees.

    ``module``: loaded with ``module_forward.ATTENTION``; its layers may be replaced.
    Devices other than the CPU have one precision, that of the module. The log says
    which pass was chosen, and why no faster one. Raises ``ModelUnavailable`` if the
    precision cannot be had, or no pass agrees.
    """
    probe = Probe.of(module, choice.probe, device)
    forward = _fastest(module, choice, probe) if device.type == "cpu" else None
    if forward is None:
        forward = _general(module, device, probe)
    log.info("computing in %s by the %s pass", forward.precision, forward.name)
    return forward


def _general(module: Any, device: torch.device, probe: Probe) -> ForwardPass:
    if device.type == "cpu" and can_pack(pack_fp32):
        replace_layers(module)
    forward = ModuleForward(module)
    if not probe.agrees(forward):
        raise ModelUnavailable(
            "This kind of model cannot be served: its attention is not a plain one."
        )
    return forward


def _fastest(module: Any, choice: Choice, probe: Probe) -> ForwardPass | None:
    """Return the fastest pass over the model as data; None if none may serve.

    Raises ``ModelUnavailable`` if none may serve in the precision that was named.
    """
    reasons: list[str] = []
    if decoder := decoder_of(module):
        if forward := _first_to_serve(decoder, choice, probe, reasons):
            return forward
    else:
        reasons.append(
            "only plain GPT-2, Llama and Qwen2 models have a pass of their own"
        )
        log.info("%s", reasons[-1])
    if choice.precision in (AUTO, "fp32"):
        return None
    raise ModelUnavailable(_refusal(choice.precision, reasons))


def _refusal(precision: str, reasons: list[str]) -> str:
    """Return why a precision that was named cannot be had, and what to do."""
    setting = f"WORKER_PRECISION={precision}"
    others = "auto or fp16" if is_available("fp16") else "auto"
    if any(reason.endswith(NO_COMPILER) for reason in reasons):
        return (
            f"{setting} needs a C compiler here, and there is none: install gcc or"
            f" clang, or set WORKER_PRECISION={others}."
        )
    return (
        f"{setting} cannot be had for this model on this machine"
        f" ({'; '.join(reasons)}): use auto or fp32."
    )


def _first_to_serve(
    decoder: Decoder, choice: Choice, probe: Probe, reasons: list[str]
) -> ForwardPass | None:
    """Return the fastest pass that may serve; add to ``reasons`` why others may not."""
    wanted = ORDER if choice.precision == AUTO else (choice.precision,)
    forward: ForwardPass | None
    for precision, name in product(wanted, PASSES):
        forward = None  # frees one that may not serve before the next one is made
        try:
            candidate = PASSES[name](decoder, precision, choice)
            if choice.is_gated(precision) and choice.gate.has_refused(candidate.kind):
                level, problem = logging.WARNING, LOSES_QUALITY
            else:
                forward = candidate.make()
                level, problem = logging.WARNING, _problem(forward, choice, probe)
        except NativeUnavailable as error:
            level, problem = logging.INFO, str(error)
        if forward is not None and not problem:
            return forward
        reasons.append(f"{precision} by the {name} pass: {problem}")
        log.log(level, "not used: %s", reasons[-1])
    return None


def _problem(forward: ForwardPass, choice: Choice, probe: Probe) -> str:
    """Return why a pass may not serve; empty if it may."""
    if not probe.agrees(forward):
        return "it gives other logits than the model itself"
    if choice.is_gated(forward.precision) and not choice.gate(forward):
        return LOSES_QUALITY
    return ""


def _native(decoder: Decoder, precision: str, choice: Choice) -> Candidate:
    folder, on_step = choice.builds, choice.on_step
    if folder is None:
        raise NativeUnavailable("no folder for a build of the C source")

    def make() -> ForwardPass:
        threads = torch.get_num_threads()
        return NativeForward(
            decoder, precision, threads, folder=folder, on_step=on_step
        )

    version = version_of(folder, on_step)
    return Candidate(PassKind(precision, NativeForward.name, version), make)


def _flat(decoder: Decoder, precision: str, choice: Choice) -> Candidate:
    del choice
    if not is_available(precision):
        raise NativeUnavailable(f"torch has no {precision} layers here")

    def make() -> ForwardPass:
        try:
            return FlatForward(decoder, precision)
        except ValueError as error:
            raise NativeUnavailable(str(error)) from error

    kind = PassKind(precision, FlatForward.name, FlatForward.version)
    return Candidate(kind, make)


#: The passes over a model as data, the faster one first. Nothing is measured here: in
#: fp16, the native pass took 0.5 to 0.8 of the flat one's time for 1 and 8 replies, and
#: as long for 32. It also needs less memory, and a reply has the same bits beside
#: any others. Only prompts are read faster by the flat one, in 0.7 of the time.
PASSES = {"native": _native, "flat": _flat}


@dataclass(frozen=True, slots=True)
class Probe:
    """A few tokens, and the logits that the model itself gives after them."""

    ids: list[int]
    expected: Tensor  # [vocabulary]
    config: Any

    @classmethod
    def of(cls, module: Any, ids: list[int], device: torch.device) -> Probe:
        """Compute the logits by the model's own attention.

        Raises ``ModelUnavailable`` if they are not finite.
        """
        logits = own_logits(module, torch.tensor(ids, device=device))
        if not logits.isfinite().all():
            raise ModelUnavailable(
                "The model computes no finite numbers: its weights are damaged."
            )
        return cls(ids, logits[-1], module.config)

    def agrees(self, forward: ForwardPass) -> bool:
        """Return whether a forward pass gives these logits, within its rounding.

        This finds models whose attention uses more than keys, values and a causal mask,
        before anyone reads wrong text.
        """
        device = self.expected.device
        shape = RowShape.of(self.config, len(self.ids), forward.cache_dtype)
        sequence, cache = Sequence(self.ids), KVCache(shape, 2, device)
        # As a prompt in two chunks, of which the second is read like a reply.
        count = len(self.ids)
        for start, stop in ((0, count - 1), (count - 1, count)):
            batch = PackedBatch.of([Chunk(sequence, 1, start, stop)], device)
            logits = forward(batch, cache)
        gap = float((logits[0] - self.expected).abs().max())
        spread = float(self.expected.max() - self.expected.min())
        return gap <= TOLERATED_SHARES.get(forward.precision, 0.0) * spread
