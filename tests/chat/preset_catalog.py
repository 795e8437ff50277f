"""A catalogue with presets of the site, for the tests."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRESETS = """

[presets.critic]
label = "Kind critic"
description = "Finds what is weak."
model = "smollm2"
instructions = "Say what is weak."

[presets.critic.settings]
temperature = 0.3

[presets.poet]
label = "Poet"
"""


def catalog_with_presets(folder: Path) -> Path:
    """The site's own catalogue, and two presets."""
    path = folder / "catalog.toml"
    path.write_text((ROOT / "catalog.toml").read_text() + PRESETS)
    return path
