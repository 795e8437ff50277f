"""Lets a forward pass serve only if it keeps the quality; measured once a machine.

The verdict is kept in a file of the data folder, for the same model, precision, code
and processor. If its file cannot be read, the quality is measured again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from chatsite.durable_file import write_durably
from worker import model_folder
from worker.engine import quality
from worker.engine.forward import ForwardPass, PassKind
from worker.engine.interface import OnStep, ignore_step
from worker.engine.kept_files import mark_used
from worker.engine.quality import LIMITS, Quality, measure_quality

log = logging.getLogger(__name__)

#: How long a worker waits for another one that measures the same.
WAIT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class QualityGate:
    """Decides for the forward passes of one model."""

    module: Any
    tokenizer: Any
    #: The folder that the model was loaded from.
    folder: Path
    #: Tokens that the model reads at most.
    longest: int
    #: Keeps the verdicts; None measures every time.
    data_dir: Path | None
    on_step: OnStep = ignore_step

    def has_refused(self, kind: PassKind) -> bool:
        """Return whether such a pass was measured before, and lost quality."""
        if self.data_dir is None:
            return False
        path = self._verdict_file(self.data_dir, kind)
        found = _read(path)
        if found is None or LIMITS[kind.precision].allow(found):
            return False
        mark_used(path)
        return not _allow(kind, found)

    def __call__(self, forward: ForwardPass) -> bool:
        """Return whether a forward pass keeps the quality, which is measured once."""
        kind = PassKind(forward.precision, forward.name, forward.version)
        return _allow(kind, self._quality(forward, kind))

    def _quality(self, forward: ForwardPass, kind: PassKind) -> Quality:
        if self.data_dir is None:
            return self._measure(forward)
        path = self._verdict_file(self.data_dir, kind)
        mark_used(path)
        if known := _read(path):
            return known
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # One worker of the machine measures, the others wait for it.
            with _locked(path.with_suffix(".lock")):
                return _read(path) or self._measure_and_keep(forward, path)
        except OSError:
            # A folder that cannot be written to stops no worker, nor does another one
            # that takes too long (filelock.Timeout).
            return self._measure(forward)

    def _measure_and_keep(self, forward: ForwardPass, path: Path) -> Quality:
        found = self._measure(forward)
        with suppress(OSError):
            write_durably(path, _as_text(found))
        return found

    def _measure(self, forward: ForwardPass) -> Quality:
        self.on_step(
            f"Checking that the model says the same in {forward.precision} as in fp32"
            " (once, up to a minute)."
        )
        return measure_quality(self.module, self.tokenizer, forward, self.longest)

    def _verdict_file(self, data_dir: Path, kind: PassKind) -> Path:
        parts = [
            model_folder.digest(self.folder),
            *(kind.precision, kind.name, kind.version),
            *(str(quality.VERSION), torch.__version__, _processor()),
        ]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
        return data_dir / "quality" / f"{kind.precision}-{digest}.json"


def _allow(kind: PassKind, found: Quality) -> bool:
    """Return whether a quality is within the limits; log it beside them."""
    limits = LIMITS[kind.precision]
    is_kept = limits.allow(found)
    log.log(
        logging.INFO if is_kept else logging.WARNING,
        "quality of %s by the %s pass: %s; allowed: %s",
        *(kind.precision, kind.name, found, limits),
    )
    return is_kept


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock; say so in the log while another worker holds it.

    Raises ``filelock.Timeout``, an ``OSError``, after ``WAIT_SECONDS``.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another worker, which measures the quality")
        lock.acquire(timeout=WAIT_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _as_text(found: Quality) -> str:
    """Return what is kept in a file: the figures, and a digest of them."""
    figures = json.dumps(asdict(found))
    digest = hashlib.sha256(figures.encode()).hexdigest()
    return json.dumps({"figures": figures, "digest": digest}, indent=1)


def _read(path: Path) -> Quality | None:
    """Return the quality in a file; None if it is not there or damaged."""
    try:
        text = path.read_text(encoding="utf-8")
        found = Quality(**json.loads(json.loads(text)["figures"]))
        return found if _as_text(found) == text else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _processor() -> str:
    """Return what tells this machine's processor from others, as far as is known."""
    model = ""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line for line in lines if line.startswith("model name")), "")
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{platform.machine()} {platform.processor()} {model} {capability}"
