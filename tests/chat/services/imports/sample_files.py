"""Files of other programs to import, with what must come of each."""

from __future__ import annotations

from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
