"""The engines that are compared: ours and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.measurement import Measurement
from bench.workload import BenchRequest


class Peer(Protocol):
    """An engine, loaded and warmed up before it is measured."""

    def run(self, requests: Sequence[BenchRequest]) -> Measurement:
        """Answer all requests, submitted at the same time."""
        ...


class Unavailable(Exception):
    """An engine cannot run here; the message says why in one line."""


@dataclass(frozen=True, slots=True)
class PeerKind:
    """How an engine is opened, in a process of what environment."""

    #: Module of ``bench.peers``, and the class or function in it.
    module: str
    opener: str
    #: Arguments of the opener besides folder and threads.
    options: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


V0, FP32, FP16, INT8 = "v0", "ours fp32", "ours fp16", "ours int8"
#: Our engine as a worker opens it by default: it chooses the precision.
AUTO = "ours auto"
#: All engines of our own that the current code has, the most exact first.
OURS = (FP32, FP16, INT8)
CT2_FP32, CT2_INT8 = "CTranslate2 fp32", "CTranslate2 int8"
LLAMA_F32, LLAMA_Q8 = "llama.cpp F32", "llama.cpp Q8_0"
CONTINUOUS, SEQUENTIAL = "transformers continuous", "one after another"
#: What `make run` and the engine set for a worker before torch is loaded.
AS_A_WORKER = {
    "OMP_WAIT_POLICY": "passive",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
#: Neighbours in this order are measured one right after the other.
PEERS = {
    V0: PeerKind("earlier", "open_earlier"),
    INT8: PeerKind("ours", "Ours", ("int8",), AS_A_WORKER),
    CT2_INT8: PeerKind("ctranslate", "CTranslate", ("int8",)),
    LLAMA_Q8: PeerKind("llamacpp", "LlamaCpp", ("Q8_0",)),
    FP16: PeerKind("ours", "Ours", ("fp16",), AS_A_WORKER),
    FP32: PeerKind("ours", "Ours", ("fp32",), AS_A_WORKER),
    CT2_FP32: PeerKind("ctranslate", "CTranslate", ("float32",)),
    LLAMA_F32: PeerKind("llamacpp", "LlamaCpp", ("F32",)),
    AUTO: PeerKind("ours", "Ours", ("auto",), AS_A_WORKER),
    CONTINUOUS: PeerKind("continuous", "Continuous"),
    SEQUENTIAL: PeerKind("generate", "Sequential"),
}


def open_peer(name: str, folder: Path, threads: int, *options: str) -> Peer:
    """Load an engine; ``options`` follow those of its kind.

    Raises ``Unavailable`` or, if it is not installed, ``ImportError``.
    """
    kind = PEERS[name]
    opener = getattr(import_module(f"bench.peers.{kind.module}"), kind.opener)
    peer: Peer = opener(folder, threads, *kind.options, *options)
    return peer
