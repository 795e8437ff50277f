"""The options that the measurements of whole systems share."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Options:
    """The numbers of workers, the seconds of each run, and where the figures go."""

    workers: tuple[int, ...]
    seconds: float
    json: Path | None

    @classmethod
    def read(cls, program: str, arguments: Sequence[str], *, seconds: float) -> Options:
        """Read the options of a command, which runs for so many seconds by default."""
        parser = argparse.ArgumentParser(prog=f"python -m {program}")
        parser.add_argument("--workers", default="1,2,4,8", help="one run for each")
        parser.add_argument("--seconds", type=float, default=seconds)
        parser.add_argument("--json", type=Path, help="write the figures here")
        found = parser.parse_args(arguments)
        workers = tuple(map(int, found.workers.split(",")))
        return cls(workers, found.seconds, found.json)

    def write(self, found: Sequence[dict[str, Any]]) -> None:
        """Write the figures, if they are wanted."""
        if self.json:
            self.json.write_text(json.dumps(found, indent=2) + "\n")
